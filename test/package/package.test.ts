import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { everythingRequired, findChromium, findRuntimes, repository } from '../support/found.ts';
import { ISOLATED, serveFolder } from '../support/serve.ts';
import type { Installed } from './installed.ts';
import { installPackage } from './installed.ts';

const LESSON = {
  grad: [
    [6, 6],
    [6, 6],
  ],
  product: [1, 2, 16],
  printed: 'tensor([[6., 6.],\n        [6., 6.]])',
};

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

let installed: Installed;
beforeAll(() => {
  installed = installPackage();
}, 120_000);
afterAll(() => installed?.remove());

describe('the tarball', () => {
  test('holds the build, the licence and the documentation, and nothing else', () => {
    const unexpected = installed.files.filter(
      (path) => !/^(dist\/.*\.(js|d\.ts)|package\.json|LICENSE|README\.md|CHANGELOG\.md)$/.test(path),
    );
    expect(unexpected).toEqual([]);
    expect(installed.files).toContain('LICENSE');
    expect(installed.files).toContain('README.md');
  });

  test('has no runtime dependency', () => {
    const manifest = JSON.parse(readFileSync(join(installed.folder, 'node_modules/nabla/package.json'), 'utf8')) as Manifest;
    expect(manifest.dependencies ?? {}).toEqual({});
  });

  test('each subpath of its exports can be imported', () => {
    const manifest = JSON.parse(readFileSync(join(installed.folder, 'node_modules/nabla/package.json'), 'utf8')) as Manifest;
    const subpaths = Object.keys(manifest.exports).filter((key) => key !== './package.json');
    expect(subpaths).toContain('.');
    for (const subpath of subpaths) {
      const specifier = subpath.replace('.', 'nabla');
      const names = run(process.execPath, ['--input-type=module', '-e', `console.log(Object.keys(await import('${specifier}')).length)`]);
      expect(Number(names), specifier).toBeGreaterThan(0);
    }
  });
});

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, {
    cwd: installed.folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' },
  });
}

describe('the build for Node', () => {
  test.each(findRuntimes())('is what $name gets', ({ command, args }) => {
    expect(run(command, [...args, 'resolve.mjs']).trim()).toMatch(/nabla\/dist\/node\/index\.js$/);
  });
});

describe('anomaly detection, run by', () => {
  test.each(findRuntimes())(
    '$name, shows the frames of the program alone',
    ({ command, args }) => {
      const message = run(command, [...args, 'anomaly.mjs']);
      const places = message.split(/It was (?:recorded|written) here:\n/).slice(1);
      expect(places).toHaveLength(2);
      const [recorded, written] = places as [string, string];
      expect(recorded).toMatch(/^[^\n]*\brecordHere\b[^\n]*anomaly\.mjs/);
      expect(written).toMatch(/^[^\n]*\bwriteHere\b[^\n]*anomaly\.mjs/);
      expect(message).not.toMatch(/nabla[\\/]dist/);
    },
    60_000,
  );
});

describe('the lesson, run by', () => {
  test.each(findRuntimes())(
    '$name',
    ({ command, args }) => {
      expect(JSON.parse(run(command, [...args, 'lesson.mjs']))).toEqual(LESSON);
    },
    60_000,
  );

  test.runIf(everythingRequired)('every runtime that is supported', () => {
    const names = findRuntimes().map((runtime) => runtime.name);
    for (const name of ['node 22', 'node 24', 'node 26', 'deno', 'bun']) expect(names).toContain(name);
  });
});

describe('the types, checked by', () => {
  const compilers = ['typescript', 'typescript-5'];
  const resolutions = [
    ['--module', 'nodenext'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ];
  const cases = compilers.flatMap((compiler) => resolutions.map((options) => ({ compiler, options })));
  test.each(cases)(
    '$compiler with $options',
    ({ compiler, options }) => {
      const tsc = join(repository, 'node_modules', compiler, 'bin', 'tsc');
      let messages = '';
      try {
        run(process.execPath, [tsc, '-p', '.', ...options]);
      } catch (error) {
        messages = String((error as { stdout?: string }).stdout);
      }
      expect(messages).toBe('');
    },
    60_000,
  );
});

describe('a Vite bundle', () => {
  const inBrowser = test.skipIf(findChromium() === null && !everythingRequired);

  inBrowser.each([
    { name: 'on a plain page', headers: {} },
    { name: 'on a cross-origin isolated page', headers: ISOLATED },
  ])(
    'runs the lesson, and again in a worker, $name',
    async ({ headers }) => {
      const outDir = join(installed.folder, 'site');
      await build({
        root: installed.folder,
        configFile: false,
        logLevel: 'error',
        build: { outDir, target: 'es2022' },
        worker: { format: 'es' },
      });
      const served = await serveFolder(outDir, headers);
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        const errors = collectErrors(page);
        await page.goto(served.url);
        await page.waitForFunction(() => 'results' in window, undefined, { timeout: 20_000 }).catch(() => errors.push('no result in 20 s'));
        expect(errors).toEqual([]);
        const results = await page.evaluate(() => (window as { results?: unknown }).results);
        expect(results).toEqual({ page: LESSON, worker: LESSON, isolated: headers === ISOLATED });
      } finally {
        await browser.close();
        await served.close();
      }
    },
    120_000,
  );
});

function collectErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  return errors;
}

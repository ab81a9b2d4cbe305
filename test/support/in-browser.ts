import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';
import { launchChromium } from './chromium.ts';
import { repository } from './found.ts';
import { sourceOf } from './own-name.ts';
import { ISOLATED, serveFolder } from './serve.ts';

export interface BrowserOptions {
  /** Where the program runs: the page's own thread or a module worker. */
  readonly where: 'page' | 'worker';
  /** Serve the page cross-origin isolated, so that memory can be shared between threads. Default: not. */
  readonly isolated?: boolean;
  /** A content security policy, to see what happens where WebAssembly may not be compiled. */
  readonly policy?: string;
  /** Milliseconds until the program is given up. Default: 30 s. */
  readonly timeout?: number;
}

export interface BrowserRun {
  /** What the program's `run()` returned, by way of JSON. */
  readonly result: unknown;
  /** The size that all WebAssembly memories of the program had at the end, together. */
  readonly memoryBytes: number;
}

/** The package's own name means the source here as well. */
const ownName: Plugin = {
  name: 'nabla:own-name',
  setup(context) {
    context.onResolve({ filter: /^nabla(\/|$)/ }, ({ path }) => ({ path: sourceOf(path) }));
  },
};

/** And modules have their forms for browsers, as in the build. */
const forBrowsers: Plugin = {
  name: 'nabla:for-browsers',
  setup(context) {
    context.onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir }) => {
      const sibling = join(resolveDir, path.replace(/\.ts$/, '.browser.ts'));
      return existsSync(sibling) ? { path: sibling } : null;
    });
  },
};

/** Runs in the page and in the worker: records each WebAssembly.Memory, calls the program, hands back what came out. */
const HARNESS = `
const memories = [];
globalThis.WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
  construct(target, args) { const memory = new target(...args); memories.push(memory); return memory; },
});
export async function main(program) {
  try {
    const result = await (await import(program)).run();
    return { result, memoryBytes: memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) };
  } catch (error) {
    return { error: String(error?.stack ?? error) };
  }
}`;

const PAGE = `import { main } from './harness.js'; globalThis.outcome = await main('./program.js');`;
const WORKER = `import { main } from './harness.js'; postMessage(await main('./program.js'));`;
const WORKER_PAGE = `
const worker = new Worker('./worker.js', { type: 'module' });
worker.onmessage = (event) => { globalThis.outcome = event.data; };
worker.onerror = (event) => { globalThis.outcome = { error: event.message }; };`;

/**
 * Bundles a module of the repository from source and calls its exported `run()` in the machine's Chromium.
 *
 * @param program path from the root of the repository
 * @throws Error with the program's own stack when it throws
 */
export async function runInChromium(program: string, options: BrowserOptions): Promise<BrowserRun> {
  const folder = await mkdtemp(join(tmpdir(), 'nabla-browser-'));
  const browser = await launchChromium();
  const headers = { ...(options.isolated ? ISOLATED : {}), ...(options.policy ? { 'content-security-policy': options.policy } : {}) };
  const served = await serveFolder(folder, headers);
  try {
    await writeSite(folder, program, options.where);
    const page = await browser.newPage();
    await page.goto(served.url);
    await page.waitForFunction(() => 'outcome' in globalThis, undefined, { timeout: options.timeout ?? 30_000 });
    const outcome = await page.evaluate(() => (globalThis as unknown as { outcome: BrowserRun | { error: string } }).outcome);
    if ('error' in outcome) throw new Error(`${program} in Chromium (${options.where}): ${outcome.error}`);
    return outcome;
  } finally {
    await browser.close();
    await served.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeSite(folder: string, program: string, where: 'page' | 'worker'): Promise<void> {
  await build({
    entryPoints: [join(repository, program)],
    outfile: join(folder, 'program.js'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
    plugins: [ownName, forBrowsers],
    external: ['node:*'],
  });
  await writeFile(join(folder, 'harness.js'), HARNESS);
  await writeFile(join(folder, 'worker.js'), WORKER);
  await writeFile(join(folder, 'main.js'), where === 'page' ? PAGE : WORKER_PAGE);
  await writeFile(
    join(folder, 'index.html'),
    '<!doctype html><title>test</title><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>',
  );
}

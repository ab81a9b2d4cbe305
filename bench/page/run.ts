/**
 * `npm run bench:page`: the workloads in a page, in the machine's own Chromium, headless and cross-origin isolated; beside TensorFlow.js on WebAssembly where
 * `npm install --prefix bench` has installed it. Each measures a slice of time in turn, several rounds, and the median of the rounds counts.
 *
 * Options: `--only PATTERN`, `--seconds N` (a slice, default 0.4), `--rounds N` (default 3), `--threads N` (of nabla and TensorFlow.js; default 1), `--json FILE`.
 */

import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, type Plugin } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../../test/support/chromium.ts';
import { ISOLATED, serveFolder } from '../../test/support/serve.ts';
import { format, type Results } from '../table.ts';
import type { PageBench } from './answer.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const tensorflow = join(here, '../node_modules/@tensorflow/tfjs-backend-wasm/dist');

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '0.4' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '1' },
    json: { type: 'string', default: '' },
  },
});

/** Peers are written for Node, where they answer line by line. */
const answersInPage: Plugin = {
  name: 'bench:answers-in-page',
  setup(context) {
    context.onResolve({ filter: /\/timing\.ts$/ }, ({ importer }) =>
      importer.includes(`${join('bench', 'peers')}`) ? { path: join(here, 'answer.ts') } : null,
    );
  },
};

/** This folder is a package of its own: the library's name means what package.json of the repository exports. */
const ownName: Plugin = {
  name: 'bench:own-name',
  setup(context) {
    context.onResolve({ filter: /^nabla(\/|$)/ }, ({ path, kind, pluginData }) =>
      pluginData === ownName.name ? null : context.resolve(path, { kind, resolveDir: join(here, '../..'), pluginData: ownName.name }),
    );
  },
};

/** Writes a page for one peer into its own folder and returns the page's path. */
async function writePage(folder: string, name: string, entry: string): Promise<string> {
  await build({
    entryPoints: [entry],
    outfile: join(folder, name, 'program.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'error',
    external: ['node:*'],
    plugins: [answersInPage, ownName],
    define: { 'process.argv': 'processArguments' },
    // Package names are those of the build here, not of the sources.
    tsconfigRaw: {},
  });
  const argumentsOf = `globalThis.processArguments = ['', '', '${Number(values.threads)}', 'wasm'];`;
  await writeFile(
    join(folder, name, 'index.html'),
    `<!doctype html><title>${name}</title><link rel="icon" href="data:,"><script>${argumentsOf}</script><script type="module" src="program.js"></script>`,
  );
  return `${name}/?threads=${Number(values.threads)}`;
}

async function writePages(folder: string): Promise<Record<string, string>> {
  const pages: Record<string, string> = { nabla: await writePage(folder, 'nabla', join(here, 'nabla.ts')) };
  if (!existsSync(tensorflow)) return pages;
  pages['tfjs'] = await writePage(folder, 'tfjs', join(here, '../peers/tfjs.mjs'));
  for (const file of await readdir(tensorflow))
    if (file.endsWith('.wasm')) await copyFile(join(tensorflow, file), join(folder, 'tfjs', file));
  return pages;
}

async function open(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(`  ${url}: ${error.message}`));
  await page.goto(url);
  await page.waitForFunction(() => 'bench' in globalThis, undefined, { timeout: 30_000 });
  return page;
}

const namesOf = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => (globalThis as unknown as { bench: PageBench }).bench.names);

async function measureIn(page: Page, name: string, seconds: number): Promise<number | null> {
  const timing = await page.evaluate(
    ([workload, slice]) => (globalThis as unknown as { bench: PageBench }).bench.measure(workload, slice),
    [name, seconds] as const,
  );
  if (!('error' in timing)) return timing.ms;
  console.error(`  ${name}: ${timing.error}`);
  return null;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] as number;
}

/** One line a workload, as the script for Node prints them. */
async function compare(pages: Readonly<Record<string, Page>>): Promise<Results> {
  const results: Record<string, Record<string, { median: number; rounds: readonly number[] }>> = {};
  const names = new Map<string, readonly string[]>();
  for (const [peer, page] of Object.entries(pages)) names.set(peer, await namesOf(page));
  for (const workload of (names.get('nabla') ?? []).filter((name) => new RegExp(values.only).test(name))) {
    const times: Record<string, number[]> = {};
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [peer, page] of Object.entries(pages)) {
        if (names.get(peer)?.includes(workload) !== true) continue;
        const ms = await measureIn(page, workload, Number(values.seconds));
        if (ms !== null) (times[peer] ??= []).push(ms);
      }
    }
    results[workload] = Object.fromEntries(Object.entries(times).map(([peer, rounds]) => [peer, { median: median(rounds), rounds }]));
    const [ours, theirs] = [results[workload]?.['nabla']?.median ?? Number.NaN, results[workload]?.['tfjs']?.median];
    const others = theirs === undefined ? '' : `${format(theirs).padStart(12)}${(ours / theirs).toFixed(2).padStart(10)}`;
    console.log(`${workload.padEnd(24)}${format(ours).padStart(12)}${others}`);
  }
  return results;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nabla-bench-'));
  const browser = await launchChromium();
  const served = await serveFolder(folder, ISOLATED);
  try {
    const written = await writePages(folder);
    const pages: Record<string, Page> = {};
    for (const [peer, path] of Object.entries(written)) pages[peer] = await open(browser, served.url + path);
    const threads = values.threads === '1' ? 'one thread' : `${values.threads} threads`;
    const heads = 'tfjs' in pages ? `${'tfjs'.padStart(12)}${'÷ tfjs'.padStart(10)}` : '';
    console.log(`Chromium ${browser.version()}, ${threads}\n${'workload'.padEnd(24)}${'nabla'.padStart(12)}${heads}`);
    const results = await compare(pages);
    const json = values.json || 'out/bench-page.json';
    await mkdir(dirname(json), { recursive: true });
    await writeFile(json, `${JSON.stringify({ chromium: browser.version(), threads: Number(values.threads), results }, null, 1)}\n`);
    console.log(`written to ${json}`);
  } finally {
    await browser.close();
    await served.close();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();

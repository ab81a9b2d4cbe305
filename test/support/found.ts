/** What this machine has besides the Node that runs the tests: a Chromium, other Nodes, Deno, Bun. */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository: string = fileURLToPath(new URL('../..', import.meta.url));

/** CI sets this: there, a browser or runtime that is missing is a failure, not a reason to skip. */
export const everythingRequired: boolean = process.env.NABLA_REQUIRE_ALL === '1';

export interface Runtime {
  readonly name: string;
  readonly command: string;
  /** What stands before the script's path. */
  readonly args: readonly string[];
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(existsSync);
}

/** The Chromium to drive: $CHROME_PATH, else the usual places, else null. */
export function findChromium(): string | null {
  const named = process.env.CHROME_PATH;
  if (named) return named;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const found = [join('/usr/bin', name), onPath(name)].find((path) => path !== undefined && existsSync(path));
    if (found !== undefined) return found;
  }
  return null;
}

/** Where scripts/runtimes.ts puts runtimes from the npm registry. */
function fromCache(folder: string, binary: string): string | undefined {
  const path = join(repository, '.cache', folder, 'node_modules', '.bin', binary);
  return existsSync(path) ? path : undefined;
}

export function findRuntimes(): Runtime[] {
  const found: Runtime[] = [{ name: `node ${process.versions.node.split('.')[0]} (this one)`, command: process.execPath, args: [] }];
  const cache = join(repository, '.cache');
  const nodes = existsSync(cache) ? readdirSync(cache).filter((name) => /^node-\d+$/.test(name)) : [];
  for (const folder of nodes.sort()) {
    const command = fromCache(folder, 'node');
    if (command !== undefined) found.push({ name: folder.replace('-', ' '), command, args: [] });
  }
  const deno = fromCache('deno', 'deno') ?? onPath('deno');
  if (deno !== undefined) found.push({ name: 'deno', command: deno, args: ['run', '--no-remote', '--node-modules-dir=manual'] });
  const bun = fromCache('bun', 'bun') ?? onPath('bun');
  if (bun !== undefined) found.push({ name: 'bun', command: bun, args: ['run'] });
  return found;
}

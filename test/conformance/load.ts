/** Loading what is tested: the source, or another entry such as the built package. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Library } from './library.ts';

/** Entries of the package beside the main one, by the name under which PyTorch has them. */
const ENTRIES = ['nn', 'optim'];

/** Loads the library from its source, so that a run needs no build, or from the entry `file`. */
export async function loadLibrary(file?: string): Promise<Library> {
  const entry = file === undefined ? new URL('../../src/index.ts', import.meta.url) : pathToFileURL(resolve(file));
  const exports: Record<string, unknown> = { ...(await import(entry.href)) };
  for (const name of ENTRIES) {
    const path = ['ts', 'js'].map((extension) => new URL(`./${name}/index.${extension}`, entry)).find((url) => existsSync(url));
    if (path === undefined) continue;
    try {
      exports[name] = { ...(exports[name] as object | undefined), ...(await import(path.href)) };
    } catch (error) {
      // The operators can be counted without it; everything in it counts as missing.
      process.stderr.write(`the entry ${name} does not load: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  return new Library(exports);
}

/**
 * Fetches the runtimes that the package tests use besides the Node at hand, from the npm registry into .cache/: `npm run runtimes`.
 *
 * Each comes as an ordinary package that carries its binary, so nothing is downloaded past the registry. What is there already is kept.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Wanted {
  readonly folder: string;
  readonly spec: string;
  readonly binary: string;
}

const WANTED: readonly Wanted[] = [
  { folder: 'node-22', spec: 'node@22', binary: 'node' },
  { folder: 'node-24', spec: 'node@24', binary: 'node' },
  { folder: 'node-26', spec: 'node@26', binary: 'node' },
  { folder: 'deno', spec: 'deno@2', binary: 'deno' },
  { folder: 'bun', spec: 'bun@1', binary: 'bun' },
];

const cache = fileURLToPath(new URL('../.cache', import.meta.url));

function works(command: string): boolean {
  if (!existsSync(command)) return false;
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

for (const { folder, spec, binary } of WANTED) {
  const prefix = join(cache, folder);
  const command = join(prefix, 'node_modules', '.bin', binary);
  if (!works(command)) {
    mkdirSync(prefix, { recursive: true });
    execFileSync('npm', ['install', '--prefix', prefix, '--no-save', '--no-package-lock', '--no-audit', '--no-fund', spec], {
      stdio: 'inherit',
    });
  }
  if (works(command)) console.log(`${folder}: ${execFileSync(command, ['--version'], { encoding: 'utf8' }).split('\n', 1)[0]}`);
  else {
    console.error(`${folder}: ${spec} was installed and does not run`);
    process.exitCode = 1;
  }
}

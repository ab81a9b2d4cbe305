import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repository } from '../support/found.ts';
import { requireBuild } from './installed.ts';

interface Ceiling {
  readonly what: string;
  readonly code: string;
  readonly instantiations: number;
}

/** What a user's program may cost the compiler, in type instantiations: exact for one compiler version, whatever the machine is doing. */
const ceilings = JSON.parse(readFileSync(fileURLToPath(new URL('./type-ceilings.json', import.meta.url)), 'utf8')) as Ceiling[];

let folder: string;
beforeAll(() => {
  requireBuild();
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'nabla-types-')));
  const installed = join(folder, 'node_modules', 'nabla');
  mkdirSync(installed, { recursive: true });
  cpSync(join(repository, 'package.json'), join(installed, 'package.json'));
  cpSync(join(repository, 'dist'), join(installed, 'dist'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OPTIONS = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable', 'dom'],
  module: 'nodenext',
  types: [],
};

function instantiationsOf(code: string): number {
  writeFileSync(join(folder, 'program.ts'), code);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: OPTIONS, files: ['program.ts'] }));
  const tsc = join(repository, 'node_modules', 'typescript-5', 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', '.', '--extendedDiagnostics'], { cwd: folder, encoding: 'utf8' });
  const [, count] = /^Instantiations:\s+(\d+)/m.exec(stdout) ?? [];
  // An error in the program would make it cheap.
  expect(stdout).not.toMatch(/error TS/);
  return Number(count);
}

describe('type instantiations', () => {
  test.each(ceilings)(
    '$what: at most $instantiations',
    ({ what, code, instantiations }) => {
      const count = instantiationsOf(code);
      console.log(`type instantiations of ${what}: ${count} of ${instantiations}`);
      expect(count).toBeLessThanOrEqual(instantiations);
    },
    60_000,
  );
});

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript-5';
import { afterEach, describe, expect, test } from 'vitest';
import { siblingOf, siblingProblems, substituteSiblings } from '../../scripts/browser-siblings.ts';
import { repository } from '../support/found.ts';

const options = ts.getParsedCommandLineOfConfigFile(
  join(repository, 'tsconfig.json'),
  {},
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: () => {},
  },
)!.options;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'nabla-siblings-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe('forms of modules for browsers', () => {
  test('are known by their names', () => {
    expect(siblingOf('runtime/machine.browser.ts')).toBe('runtime/machine.ts');
    expect(siblingOf('runtime/machine.ts')).toBeNull();
    expect(siblingOf('browser.ts')).toBeNull();
  });

  test('take the places of their modules', () => {
    const dist = folderWith({
      'a.js': 'node',
      'a.d.ts': 'types',
      'in/b.js': 'node',
      'in/b.browser.js': 'browser',
      'in/b.browser.d.ts': 'other types',
      'in/b.d.ts': 'types',
    });
    expect(substituteSiblings(dist)).toBe(1);
    expect(readdirSync(join(dist, 'in')).sort()).toEqual(['b.d.ts', 'b.js']);
    expect(readFileSync(join(dist, 'in', 'b.js'), 'utf8')).toBe('browser');
    expect(readFileSync(join(dist, 'in', 'b.d.ts'), 'utf8')).toBe('types');
  });

  test('have all that their modules export, of its type', { timeout: 60_000 }, () => {
    const source = folderWith({
      'package.json': '{ "type": "module" }',
      'good.ts': 'export const limit: number = 1; export function read(from: string): string | null { return from; }',
      'good.browser.ts': 'export const limit = 2; export function read(): null { return null; }',
      'less.ts': 'export const limit: number = 1; export const most: number = 2;',
      'less.browser.ts': 'export const limit = 1;',
      'other.ts': 'export function size(): number { return 1; }',
      'other.browser.ts': "export function size(): string { return ''; }",
    });
    expect(siblingProblems(source, options).sort()).toEqual([
      expect.stringMatching(/^less\.browser\.ts: .*'most'/),
      expect.stringMatching(/^other\.browser\.ts: /),
    ]);
    expect(siblingProblems(join(repository, 'src'), options)).toEqual([]);
    expect(existsSync(join(repository, 'src', 'runtime', 'machine.browser.ts'))).toBe(true);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { checkLayers } from '../../scripts/layers.ts';

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

function problemsOf(files: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'nabla-layers-'));
  made.push(folder);
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, 'src', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return checkLayers(join(folder, 'src'));
}

test('the source tree of nabla has no problem', () => {
  expect(checkLayers(fileURLToPath(new URL('../../src', import.meta.url)))).toEqual([]);
});

test('arrows go downwards', () => {
  const below = { 'util/a.ts': 'export const a = 1;\n' };
  expect(problemsOf({ ...below, 'ops/b.ts': `import { a } from '../util/a.ts';\nexport const b = a;\n` })).toEqual([]);
  expect(
    problemsOf({ 'ops/b.ts': 'export type B = 1;\n', 'util/a.ts': `import type { B } from '../ops/b.ts';\nexport type A = B;\n` }),
  ).toEqual([`src/util/a.ts:1: util may not import ops ('../ops/b.ts')`]);
  expect(
    problemsOf({ ...below, 'optim/o.ts': `export { a } from '../nn/n.ts';\n`, 'nn/n.ts': `export { a } from '../util/a.ts';\n` }),
  ).toEqual([`src/optim/o.ts:1: optim may not import nn ('../nn/n.ts')`]);
});

test('a backend is imported by the entry and by api alone', () => {
  const files = { 'backend/wasm/w.ts': 'export const w = 1;\n', 'index.ts': `export { w } from './backend/wasm/w.ts';\n` };
  expect(problemsOf(files)).toEqual([]);
  expect(problemsOf({ ...files, 'tensor/t.ts': `export { w } from '../backend/wasm/w.ts';\n` })).toEqual([
    `src/tensor/t.ts:1: tensor may not import backend ('../backend/wasm/w.ts')`,
  ]);
});

test('cycles are forbidden within a layer, save those of types, which are erased', () => {
  const cycle = (keyword: string): string[] =>
    problemsOf({
      'util/a.ts': `import { b } from './b.ts';\nexport const a = () => b;\n`,
      'util/b.ts': `${keyword} { a } from './a.ts';\nexport const b = 1;\n`,
    });
  expect(cycle('import type')).toEqual([]);
  expect(cycle('import')).toEqual(['cycle of 2 files: src/util/a.ts -> src/util/b.ts -> src/util/a.ts']);
});

test('packages, missing files, missing extensions, unknown folders and long files are found', () => {
  expect(problemsOf({ 'util/a.ts': `import 'left-pad';\nimport './gone.ts';\nimport './b';\n`, 'misc/m.ts': 'export {};\n' })).toEqual([
    'src/misc/m.ts: src/misc/ is no layer that scripts/layers.ts knows',
    `src/util/a.ts:1: imports the package 'left-pad'; nabla has no runtime dependency`,
    `src/util/a.ts:2: './gone.ts' does not exist`,
    `src/util/a.ts:3: './b' must name the file with its .ts extension`,
  ]);
  expect(problemsOf({ 'util/a.ts': '\n'.repeat(601) })).toEqual(['src/util/a.ts: 601 lines, over the limit of 600: split it']);
});

test('a form for browsers stands beside its module, is imported by nobody, and makes no cycle in its place', () => {
  const module = { 'util/a.ts': 'export const a = 1;\n', 'util/b.ts': `import { a } from './a.ts';\nexport const b = a;\n` };
  expect(problemsOf({ ...module, 'util/a.browser.ts': 'export const a = 2;\n' })).toEqual([]);
  expect(problemsOf({ 'util/a.browser.ts': 'export const a = 2;\n' })).toEqual([
    'src/util/a.browser.ts: stands for src/util/a.ts, which does not exist',
  ]);
  expect(
    problemsOf({ ...module, 'util/a.browser.ts': 'export const a = 2;\n', 'util/c.ts': `export { a } from './a.browser.ts';\n` }),
  ).toEqual([`src/util/c.ts:1: import './a.ts': the build puts its form for browsers in`]);
  expect(problemsOf({ ...module, 'util/a.browser.ts': `import { b } from './b.ts';\nexport const a = b;\n` })).toEqual([
    'cycle of 2 files: src/util/a.ts -> src/util/b.ts -> src/util/a.ts',
  ]);
});

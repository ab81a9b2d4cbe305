/**
 * What the compiler makes of the shapes and dtypes of every operator's samples against what they are: as functions, as methods, in place, and with
 * tensors of which it knows nothing.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { COMPILERS, type Compiler, checkProgram, emitDeclarations, type Report } from './compilers.ts';
import { HEAD, type Line, sampleLines } from './sample-programs.ts';

const here = dirname(fileURLToPath(import.meta.url));
/** Operators of which the compiler does not know the exact result of every sample. The list only gets shorter. */
const imprecise = JSON.parse(readFileSync(join(here, 'imprecise.json'), 'utf8')) as readonly string[];
/** Operators whose types refuse more than run time does, and why. */
const STRICTER: Readonly<Record<string, string>> = {};

let lines: readonly Line[];
let reports: Record<Compiler, Report>;
beforeAll(async () => {
  await emitDeclarations();
  lines = sampleLines();
  reports = await checkProgram([...HEAD, 'declare let r: unknown;', ...lines.map(({ text }) => text), 'export { r };'].join('\n'));
}, 300_000);

interface Fault extends Line {
  readonly message: string;
}

function faults(compiler: Compiler): Fault[] {
  return reports[compiler].diagnostics.map(({ line, message }) => {
    const claim = lines[line - HEAD.length - 2];
    if (claim === undefined) throw new Error(`the program is not right: ${message}`);
    return { ...claim, message };
  });
}

describe.each(Object.keys(COMPILERS) as Compiler[])('%s', (compiler) => {
  test('no type refuses a sample', () => {
    const refused = faults(compiler).filter(({ claim, operator }) => claim === 'compiles' && STRICTER[operator] === undefined);
    expect(refused.map(({ form, text, message }) => `${form}: ${text} ${message}`)).toEqual([]);
  });

  test('no type is wrong', () => {
    const broken = new Set(faults(compiler).flatMap(({ claim, text }) => (claim === 'compiles' ? [text.slice('r = '.length, -1)] : [])));
    const wrong = faults(compiler).filter(({ claim, text }) => claim === 'fits' && ![...broken].some((call) => text.includes(call)));
    expect(wrong.map(({ form, text, message }) => `${form}: ${text} ${message}`)).toEqual([]);
  });

  test('types are exact, but for the operators listed', () => {
    const found = new Set(faults(compiler).flatMap(({ claim, operator }) => (claim === 'exact' ? [operator] : [])));
    expect([...found].sort()).toEqual([...imprecise].sort());
  });
});

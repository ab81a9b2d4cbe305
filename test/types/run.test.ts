/**
 * The types, as both compilers see them: the assertions of `*.types.ts`, the messages to the letter, the cost in instantiations, and agreement with
 * what happens at run time.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { DTYPES } from '../../src/dtype/dtype.ts';
import { promoteTypes, resultType, toFloatType } from '../../src/dtype/promotion.ts';
import { broadcastShapes } from '../../src/shape/broadcast.ts';
import { normalizeDims } from '../../src/shape/dims.ts';
import { inferReshape } from '../../src/shape/reshape.ts';
import { formatShape, numel } from '../../src/shape/shape.ts';
import { normalizeSlice } from '../../src/shape/slice.ts';
import { COMPILERS, type Compiler, check, checkProgram, emitDeclarations, type Report } from './compilers.ts';
import { MISTAKES, PROLOGUE } from './messages.ts';
import { PROGRAMS } from './programs.ts';

const here = dirname(fileURLToPath(import.meta.url));
const names = Object.keys(COMPILERS) as Compiler[];
/** How many instantiations each program may cost, by compiler. Changes only in the commit that needs it, with the reason. */
const budget = JSON.parse(readFileSync(join(here, 'budget.json'), 'utf8')) as Readonly<Record<string, Record<Compiler, number>>>;

function expectWithin(what: string, compiler: Compiler, report: Report): void {
  const allowed = budget[what]?.[compiler] ?? 0;
  console.log(`${what}, ${compiler}: ${report.instantiations} of ${allowed} instantiations, checked in ${report.checkTime}`);
  expect(report.output.match(/.*error TS.*/g) ?? []).toEqual([]);
  expect(report.instantiations).toBeLessThanOrEqual(allowed);
  // A budget far above the cost would let a later change waste the difference.
  expect(allowed, `lower '${what}' in budget.json`).toBeLessThanOrEqual(Math.ceil(report.instantiations * 1.1));
}

beforeAll(emitDeclarations, 180_000);

test.each(names)('the assertions hold, within the budget: %s', { timeout: 120_000 }, async (compiler) => {
  expectWithin('the assertions', compiler, await check(compiler, here));
});

test.each(Object.keys(PROGRAMS))('a program costs what it may: %s', { timeout: 120_000 }, async (what) => {
  const reports = await checkProgram(PROGRAMS[what] as string);
  for (const compiler of names) expectWithin(what, compiler, reports[compiler]);
});

test('a mistake is reported once, in our words', { timeout: 120_000 }, async () => {
  const reports = await checkProgram([PROLOGUE, ...MISTAKES.map(([statement]) => statement), 'export {};'].join('\n'));
  for (const compiler of names) {
    expect(reports[compiler].diagnostics.map(({ line, message }) => ({ statement: MISTAKES[line - 2]?.[0], message }))).toEqual(
      MISTAKES.map(([statement, message]) => ({ statement, message })),
    );
  }
});

/** Collects type assertions and has both compilers judge them. */
class Assertions {
  readonly lines: string[] = [];
  same(left: string, right: string): void {
    this.lines.push(`same<${left}, ${right}>();`);
  }
  /** The type-level result `type` must be the shape that `compute` gives, or a message where it throws. */
  agrees(type: string, compute: () => readonly number[]): void {
    let expected: readonly number[] | null;
    try {
      expected = compute();
    } catch {
      expected = null;
    }
    if (expected === null) this.same(`${type} extends string ? 'refused' : ${type}`, `'refused'`);
    else this.same(type, `T.Ok<${formatShape(expected)}>`);
  }
  async judge(): Promise<void> {
    const head = `import type * as D from '../../src/dtype/types.ts';\nimport type { Slice } from '../../src/shape/slice.ts';\nimport type * as T from '../../src/shape/types.ts';\nimport { same } from '../../test/types/assert.ts';\n`;
    const reports = await checkProgram(head + this.lines.join('\n'));
    for (const compiler of names) expect(this.faults(reports[compiler])).toEqual([]);
  }
  private faults(report: Report): string[] {
    return report.diagnostics.map(({ line, message }) => `${this.lines[line - 5] ?? '?'} ${message}`);
  }
}

const sizes = fc.array(fc.constantFrom(1, 2, 3, 12, 50), { maxLength: 4 });
const sample = <X>(arbitrary: fc.Arbitrary<X>, count: number): X[] => fc.sample(arbitrary, { numRuns: count, seed: 7 });

describe('types agree with run time', () => {
  test('promotion', { timeout: 120_000 }, async () => {
    const all = new Assertions();
    for (const a of DTYPES) {
      all.same(`D.ToFloat<'${a.name}'>`, `'${toFloatType(a).name}'`);
      for (const b of DTYPES) {
        all.same(`D.Promote<'${a.name}', '${b.name}'>`, `'${promoteTypes(a, b).name}'`);
        const mixed = resultType([
          { type: a, ndim: 1 },
          { type: b, ndim: 0 },
        ]);
        all.same(`D.ResultType<[3], '${a.name}', [], '${b.name}'>`, `'${mixed.name}'`);
        all.same(`D.ResultType<[], '${b.name}', [3], '${a.name}'>`, `'${mixed.name}'`);
      }
      for (const scalar of [2, 2.5, true]) {
        const type = resultType([
          { type: a, ndim: 1 },
          { type: scalar === true ? promoteTypes(DTYPES[7]!, DTYPES[7]!) : scalar === 2 ? DTYPES[2]! : DTYPES[0]!, ndim: 0, wrapped: true },
        ]);
        all.same(`D.PromoteScalar<'${a.name}', ${scalar}>`, `'${type.name}'`);
      }
    }
    await all.judge();
  });

  test('broadcasting, reductions, reshapes and slices of random shapes', { timeout: 120_000 }, async () => {
    const all = new Assertions();
    for (const [a, b] of sample(fc.tuple(sizes, sizes), 80)) {
      all.agrees(`T.Broadcast<${formatShape(a)}, ${formatShape(b)}>`, () => broadcastShapes('add', a, b));
    }
    for (const [a, dim, keep] of sample(fc.tuple(sizes, fc.integer({ min: -5, max: 4 }), fc.boolean()), 80)) {
      all.agrees(`T.Reduce<${formatShape(a)}, ${dim}, ${keep}, 'sum'>`, () => {
        const dims = normalizeDims('sum', dim, a.length);
        return keep ? a.map((size, i) => (dims.includes(i) ? 1 : size)) : a.filter((_, i) => !dims.includes(i));
      });
    }
    for (const [a, b, wild] of sample(fc.tuple(sizes, sizes, fc.boolean()), 80)) {
      const target = wild ? [...b, -1] : numel(a) % 2 === 0 ? [2, numel(a) / 2] : b;
      all.agrees(`T.Reshape<${formatShape(a)}, ${formatShape(target)}>`, () => inferReshape('reshape', a, target));
    }
    const edge = fc.option(fc.integer({ min: -12, max: 12 }));
    for (const [size, start, stop, step] of sample(
      fc.tuple(fc.integer({ min: 0, max: 10 }), edge, edge, fc.integer({ min: 1, max: 4 })),
      80,
    )) {
      all.same(`T.SliceLength<${size}, ${start}, ${stop}, ${step}>`, String(normalizeSlice(start, stop, step, size).length));
    }
    await all.judge();
  });
});

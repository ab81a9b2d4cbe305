/** Broadcasting and promotion of results, for operators of each kind. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DTYPES, type DTypeInfo } from '../../src/dtype/dtype.ts';
import { resultType, scalarType, toFloatType } from '../../src/dtype/promotion.ts';
import * as nabla from '../../src/index.ts';
import { coordinatesOf, indexOf, sizeOf } from './model.ts';

type Tensor = nabla.Tensor;

const RUNS = { numRuns: 400, seed: 3 } as const;

/** Two shapes that broadcast: one shape, of which each operand has a tail with some sizes made 1. */
const pairs = fc
  .tuple(
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    fc.nat(4),
    fc.nat(4),
  )
  .map(([shape, ones, cutA, cutB]) => {
    const shrink = (cut: number, from: number): number[] =>
      shape.map((size, i) => (ones[from + i] === true ? 1 : size)).slice(Math.min(cut, shape.length));
    const a = shrink(cutA % 2 === 0 ? 0 : cutA, 0);
    const b = shrink(cutB % 2 === 0 ? 0 : cutB, 4);
    return { a, b };
  });

function commonShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    return x === 1 ? y : x;
  });
}

function sourceOf(shape: readonly number[], at: readonly number[]): number {
  return indexOf(
    shape,
    at.slice(at.length - shape.length).map((c, d) => (shape[d] === 1 ? 0 : c)),
  );
}

function make(shape: readonly number[], seed: number): Tensor {
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => Math.round(1000 * Math.sin(i * 12.9898 + seed)));
  return nabla.tensor(values, { dtype: 'float64' }).reshape(shape);
}

function elements(x: Tensor): number[] {
  return [...x.toTypedArray()].map(Number);
}

describe('broadcasting', () => {
  test('repeats what has size 1, for values and gradients', () => {
    fc.assert(
      fc.property(pairs, ({ a, b }) => {
        const x = make(a, 1).detach().requiresGrad_();
        const y = make(b, 2).detach().requiresGrad_();
        const shape = commonShape(a, b);
        const z = x.sub(y);
        expect(z.shape).toEqual(shape);
        const [xs, ys] = [elements(x), elements(y)];
        const places = Array.from({ length: sizeOf(shape) }, (_, i) => coordinatesOf(shape, i)).map(
          (at) => [sourceOf(a, at), sourceOf(b, at)] as const,
        );
        expect(elements(z)).toEqual(places.map(([i, j]) => (xs[i] as number) - (ys[j] as number)));
        const weights = make(shape, 3);
        const [gx, gy] = nabla.autograd.grad(z, [x, y], weights) as [Tensor, Tensor];
        const expected = [new Array<number>(x.size).fill(0), new Array<number>(y.size).fill(0)] as const;
        elements(weights).forEach((w, k) => {
          const [i, j] = places[k] as readonly [number, number];
          expected[0][i] = (expected[0][i] as number) + w;
          expected[1][j] = (expected[1][j] as number) - w;
        });
        expect([gx.shape, gy.shape]).toEqual([a, b]);
        const plain = (values: readonly number[]): number[] => values.map((v) => v + 0);
        expect([plain(elements(gx)), plain(elements(gy))]).toEqual([plain(expected[0]), plain(expected[1])]);
      }),
      RUNS,
    );
  });

  test('refuses sizes that differ and are not 1', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 4 }), { minLength: 1, maxLength: 3 }), fc.nat(2), (shape, at) => {
        const other = shape.map((size, i) => (i === at % shape.length ? size + 1 : size));
        expect(() => make(shape, 1).add(make(other, 2))).toThrow(nabla.ShapeError);
        expect(() => nabla.where(make(shape, 1).gt(0) as never, make(other, 1) as never, 0 as never)).toThrow(nabla.ShapeError);
      }),
      { ...RUNS, numRuns: 50 },
    );
  });
});

interface Operand {
  readonly value: unknown;
  readonly type: DTypeInfo;
  readonly ndim: number;
  readonly wrapped: boolean;
}

const tensors: fc.Arbitrary<Operand> = fc
  .tuple(fc.constantFrom(...DTYPES), fc.constantFrom(0, 1, 2))
  .map(([type, ndim]) => ({ value: nabla.ones(Array<number>(ndim).fill(2), { dtype: type.name }), type, ndim, wrapped: false }));

const scalars: fc.Arbitrary<Operand> = fc
  .constantFrom<number | boolean | bigint>(2, -1, 0.5, true, 3n)
  .map((value) => ({ value, type: scalarType(value), ndim: 0, wrapped: true }));

type Rule = (common: DTypeInfo, operands: readonly Operand[]) => DTypeInfo | null;

const promote: Rule = (common) => common;
const isComplex = ({ type }: Operand): boolean => type.isComplex;
const real =
  (rule: Rule): Rule =>
  (common, operands) =>
    operands.some(isComplex) ? null : rule(common, operands);

/** What the dtype of a result is, from the common dtype; null where the operands may be refused. */
const RULES: readonly (readonly [string, Rule])[] = [
  ['add', promote],
  ['mul', promote],
  ['sub', (common, operands) => (operands.some(({ type }) => type.name === 'bool') ? null : common)],
  ['div', (common) => toFloatType(common)],
  ['maximum', real(promote)],
  ['fmin', real(promote)],
  ['atan2', real((common) => toFloatType(common))],
  ['eq', () => DTYPES.find(({ name }) => name === 'bool') as DTypeInfo],
  ['lt', real(() => DTYPES.find(({ name }) => name === 'bool') as DTypeInfo)],
];

describe('promotion', () => {
  for (const [name, rule] of RULES) {
    test(`the result of ${name} has the dtype that the operands agree on`, () => {
      const f = (nabla as unknown as Record<string, (...args: unknown[]) => Tensor>)[name] as (...args: unknown[]) => Tensor;
      fc.assert(
        fc.property(tensors, fc.oneof(tensors, scalars), (a, b) => {
          const expected = rule(resultType([a, b]), [a, b]);
          let result: Tensor;
          try {
            result = f(a.value, b.value);
          } catch (error) {
            // Some kinds of numbers and some scalars are refused; never with another error, and never two tensors of floats.
            expect(error).toBeInstanceOf(nabla.NablaError);
            expect(a.type.isFloat && b.type.isFloat && !b.wrapped).toBe(false);
            return;
          }
          if (expected !== null) expect(result.dtype).toBe(expected.name);
        }),
        { ...RUNS, numRuns: 300 },
      );
    });
  }
});

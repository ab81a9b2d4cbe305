import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reduce } from '../../src/backend/wasm/reduce.ts';
import type { DType } from '../../src/dtype/dtype.ts';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from '../../src/dtype/half.ts';
import type { ReduceKind } from '../../src/runtime/backend.ts';
import type { View } from '../../src/runtime/view.ts';
import { at, layoutOf, outputView, positions, SHAPES, sampleOf, strided, type Value, valuesOf, viewOf } from './views.ts';

const KINDS: readonly ReduceKind[] = ['sum', 'prod', 'max', 'min', 'any', 'all'];

function combine(kind: ReduceKind, a: Value, b: Value): Value {
  if (kind === 'any') return a || b ? 1 : 0;
  if (kind === 'all') return a && b ? 1 : 0;
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    const [x, y] = [BigInt(a), BigInt(b)];
    if (kind === 'sum' || kind === 'prod') return BigInt.asIntN(64, kind === 'sum' ? x + y : x * y);
    return kind === 'max' ? (x > y ? x : y) : x < y ? x : y;
  }
  if (kind === 'sum') return a + b;
  if (kind === 'prod') return a * b;
  return kind === 'max' ? Math.max(a, b) : Math.min(a, b);
}

function wrap(type: DType, value: Value): Value {
  if (type === 'int64') return BigInt.asIntN(64, BigInt(value));
  const n = Number(value);
  if (type === 'float32') return Math.fround(n);
  if (type === 'float16') return float16ToNumber(numberToFloat16(n));
  if (type === 'bfloat16') return bfloat16ToNumber(numberToBfloat16(n));
  if (type === 'bool') return n ? 1 : 0;
  if (type === 'uint8') return Number(BigInt.asUintN(8, BigInt(n)));
  if (type === 'int8' || type === 'int16' || type === 'int32') return Number(BigInt.asIntN(Number(type.slice(3)), BigInt(n)));
  return n;
}

/** The reduction, element by element in row-major order. */
function oracle(kind: ReduceKind, type: DType, input: View, dims: readonly number[]): Value[] {
  const keptShape = input.shape.filter((_, dim) => !dims.includes(dim));
  const results = new Map<string, Value>();
  const meaning = type === 'bool' ? ({ sum: 'any', prod: 'all', max: 'any', min: 'all', any: 'any', all: 'all' } as const)[kind] : kind;
  for (const position of positions(input.shape)) {
    const key = position.filter((_, dim) => !dims.includes(dim)).join();
    const value = type === 'int64' ? BigInt(at(input, position)) : at(input, position);
    const sofar = results.get(key);
    const first = meaning === 'any' || meaning === 'all' ? (value ? 1 : 0) : value;
    const combined = sofar === undefined ? first : combine(meaning, sofar, value);
    results.set(key, type.includes('int') ? wrap(type, combined) : combined);
  }
  const identity = meaning === 'sum' || meaning === 'any' ? 0 : 1;
  return [...positions(keptShape)].map((position) => wrap(type, results.get(position.join()) ?? identity));
}

const CASES: readonly [ReduceKind, DType, DType][] = [
  ...(['float32', 'float64', 'int64', 'int32'] as const).flatMap((type) =>
    KINDS.slice(0, 4).map((kind) => [kind, type, type] as [ReduceKind, DType, DType]),
  ),
  ...(['int16', 'int8', 'uint8', 'bool', 'float16', 'bfloat16'] as const).flatMap((type) =>
    (['max', 'min', 'sum'] as const).map((kind) => [kind, type, type] as [ReduceKind, DType, DType]),
  ),
  ...(['int32', 'int16', 'int8', 'uint8', 'bool'] as const).flatMap((type) =>
    (['sum', 'prod'] as const).map((kind) => [kind, type, 'int64'] as [ReduceKind, DType, DType]),
  ),
  ...(['float32', 'float64', 'int64', 'int32', 'int16', 'uint8', 'bool', 'float16', 'bfloat16'] as const).flatMap((type) =>
    (['any', 'all'] as const).map((kind) => [kind, type, 'bool'] as [ReduceKind, DType, DType]),
  ),
  ['any', 'uint8', 'uint8'],
  ['sum', 'float32', 'float64'],
  ['sum', 'bool', 'float32'],
  ['sum', 'int32', 'float32'],
  ['sum', 'float16', 'float32'],
];

/** A shape with a layout and a set of dims to reduce. */
const problems = SHAPES.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    layout: layoutOf(shape.length),
    dims: fc.shuffledSubarray(shape.map((_, dim) => dim)),
    seed: fc.nat(1000),
  }),
);

describe.each(CASES)('%s of %s as %s', (kind, from, to) => {
  test('agrees with the oracle for every layout', () => {
    fc.assert(
      fc.property(problems, ({ shape, layout, dims, seed }) => {
        const keptShape = shape.filter((_, dim) => !dims.includes(dim));
        const empty = shape.includes(0) && !keptShape.includes(0);
        if (empty && (kind === 'max' || kind === 'min') && to !== 'bool') return;
        const sample = sampleOf(from, seed);
        // Products stay exact and within the range of every float: few factors are not 1, and those of floats are powers of two in pairs.
        const factor = (i: number): Value => (i % 97 === 0 ? -2 : i % 97 === 1 ? 0.5 : 1);
        const integerFactor = (i: number): Value => ((i * 31 + seed) % 9 === 0 ? sample(i) : from === 'int64' ? 1n : 1);
        const value = kind !== 'prod' || from === 'bool' ? sample : from.startsWith('float') ? factor : integerFactor;
        const input = strided(from, shape, layout, value);
        const out = outputView(to, keptShape);
        reduce(kind, out, input, dims);
        if (kind === 'prod' && (to === 'float32' || to === 'float64')) {
          const expected = oracle(kind, 'float64', input, dims).map(Number);
          valuesOf(out).forEach((actual, i) => {
            expect(Math.abs(Number(actual) - expected[i]!)).toBeLessThanOrEqual(1e-5 * Math.abs(expected[i]!));
          });
        } else expect(valuesOf(out).map((v) => (v === 0 ? 0 : v))).toEqual(oracle(kind, to, input, dims).map((v) => (v === 0 ? 0 : v)));
      }),
      { numRuns: 40 },
    );
  });
});

test('long rows, long columns and their remainders', () => {
  for (const [rows, columns] of [
    [1, 5000],
    [2, 9001],
    [9000, 5],
    [20001, 3],
    [8200, 19],
    [65, 40],
    [64, 33],
  ] as const) {
    for (const type of ['float32', 'float64', 'int64', 'bfloat16'] as const) {
      const input = viewOf(
        type,
        [rows, columns],
        Array.from({ length: rows * columns }, (_, i) => (i * 7) % 3),
      );
      for (const dims of [[0], [1], [0, 1]]) {
        const target = type === 'bfloat16' ? 'float32' : type;
        const out = outputView(
          target,
          [rows, columns].filter((_, dim) => !dims.includes(dim)),
        );
        reduce('sum', out, input, dims);
        expect(valuesOf(out)).toEqual(oracle('sum', target, input, dims));
      }
    }
  }
});

test('the error of a float32 sum does not grow with its length', () => {
  const values = Array.from({ length: 1 << 20 }, (_, i) => Math.fround(0.1 + ((i * 13) % 7) / 100));
  const exact = values.reduce((a, b) => a + b, 0);
  for (const [shape, dims] of [
    [[1 << 20], [0]],
    [
      [1 << 18, 4],
      [0, 1],
    ],
    [[1 << 19, 2], [0]],
  ] as const) {
    const out = outputView(
      'float32',
      shape.filter((_, dim) => !(dims as readonly number[]).includes(dim)),
    );
    reduce('sum', out, viewOf('float32', shape, values), dims);
    const total = valuesOf(out).reduce<number>((a, b) => a + Number(b), 0);
    expect(Math.abs(total / exact - 1)).toBeLessThan(3e-7);
  }
});

test('NaN wins in max and min, wherever it is', () => {
  for (const type of ['float32', 'float64', 'float16', 'bfloat16'] as const) {
    for (let size = 1; size < 80; size += 13) {
      for (let place = 0; place < size; place += 3) {
        const input = viewOf(
          type,
          [size],
          Array.from({ length: size }, (_, i) => (i === place ? Number.NaN : i)),
        );
        for (const kind of ['max', 'min'] as const) {
          const out = outputView(type, []);
          reduce(kind, out, input, [0]);
          expect(valuesOf(out)).toEqual([Number.NaN]);
          const columns = outputView(type, [size]);
          const table = viewOf(type, [3, size], [...Array<number>(size).fill(3), ...valuesOf(input), ...Array<number>(size).fill(5)]);
          reduce(kind, columns, table, [0]);
          const expected = Array.from({ length: size }, (_, i) =>
            i === place ? Number.NaN : kind === 'max' ? Math.max(5, i) : Math.min(3, i),
          );
          expect(valuesOf(columns)).toEqual(expected);
        }
      }
    }
  }
});

test('float16 and bfloat16 results are rounded to nearest even, float16 subnormals and overflow included', () => {
  const cases: [DType, number[]][] = [
    ['float16', [65504, 15]],
    ['float16', [65504, 16]],
    ['float16', [65504, -70000]],
    ['float16', [2 ** -24, 2 ** -24]],
    ['float16', [2 ** -24, -(2 ** -24)]],
    ['float16', [2048, 1]],
    ['float16', [2048, 3]],
    ['float16', [2 ** -14, -(2 ** -24)]],
    ['float16', [Number.POSITIVE_INFINITY, 1]],
    ['bfloat16', [256, 1]],
    ['bfloat16', [256, 3]],
    ['bfloat16', [3.3e38, 3.3e38]],
  ];
  for (const [type, values] of cases) {
    const out = outputView(type, []);
    const input = viewOf('float32', [values.length], values);
    reduce('sum', out, input, [0]);
    const exact = Math.fround(values.reduce((a, b) => Math.fround(a + Math.fround(b)), 0));
    expect(valuesOf(out)).toEqual([wrap(type, exact)]);
  }
});

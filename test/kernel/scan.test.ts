import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scan } from '../../src/backend/wasm/scan.ts';
import type { DType } from '../../src/dtype/dtype.ts';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from '../../src/dtype/half.ts';
import type { ScanKind } from '../../src/runtime/backend.ts';
import type { View } from '../../src/runtime/view.ts';
import { at, layoutOf, outputView, positions, SHAPES, sampleOf, strided, type Value, valuesOf, viewOf } from './views.ts';

const NAN = Number.NaN;
const INFINITY = Number.POSITIVE_INFINITY;

function wrap(type: DType, value: Value): Value {
  if (type === 'int64') return BigInt.asIntN(64, BigInt(value));
  const n = Number(value);
  if (type === 'float32') return Math.fround(n);
  if (type === 'float16') return float16ToNumber(numberToFloat16(n));
  if (type === 'bfloat16') return bfloat16ToNumber(numberToBfloat16(n));
  if (type === 'uint8') return Number(BigInt.asUintN(8, BigInt(n)));
  if (type.startsWith('int')) return Number(BigInt.asIntN(Number(type.slice(3)), BigInt(n)));
  return n;
}

function combine(kind: 'sum' | 'prod', a: Value, b: Value): Value {
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    return BigInt.asIntN(64, kind === 'sum' ? BigInt(a) + BigInt(b) : BigInt(a) * BigInt(b));
  }
  return kind === 'sum' ? a + b : a * b;
}

/** Line by line: the results and where each came from. */
function oracle(kind: Exclude<ScanKind, 'logaddexp'>, type: DType, input: View, dim: number): { values: Value[]; indices: bigint[] } {
  const values: Value[] = [];
  const indices: bigint[] = [];
  for (const position of positions(input.shape)) {
    const value = (i: number): Value => {
      const raw = at(
        input,
        position.map((p, d) => (d === dim ? i : p)),
      );
      return type === 'int64' ? BigInt(raw) : raw;
    };
    const isInteger = type.includes('int');
    let running = value(0);
    let found = 0;
    for (let i = 1; i <= (position[dim] ?? 0); i++) {
      const next = value(i);
      if (kind === 'sum' || kind === 'prod') running = isInteger ? wrap(type, combine(kind, running, next)) : combine(kind, running, next);
      else if (Number.isNaN(next) || (kind === 'max' ? next >= running : next <= running)) {
        running = next;
        found = i;
      }
    }
    values.push(wrap(type, running));
    indices.push(BigInt(found));
  }
  return { values, indices };
}

const problems = SHAPES.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    layout: layoutOf(shape.length),
    outLayout: layoutOf(shape.length),
    dim: fc.nat(Math.max(0, shape.length - 1)),
    seed: fc.nat(1000),
    nan: fc.boolean(),
  }),
);

const CASES: readonly [ScanKind, DType, DType][] = [
  ...(['float32', 'float64', 'int64', 'int32', 'int16', 'int8', 'uint8', 'float16', 'bfloat16'] as const).flatMap((type) =>
    (['sum', 'prod', 'max', 'min'] as const).map((kind) => [kind, type, type] as [ScanKind, DType, DType]),
  ),
  ['max', 'bool', 'bool'],
  ['min', 'bool', 'bool'],
  ['sum', 'bool', 'int64'],
  ['sum', 'int32', 'int64'],
  ['prod', 'uint8', 'int64'],
  ['sum', 'float32', 'float64'],
];

describe.each(CASES)('%s of %s as %s', (kind, from, to) => {
  test('agrees with the oracle for every layout', () => {
    fc.assert(
      fc.property(problems, ({ shape, layout, outLayout, dim, seed, nan }) => {
        const sample = sampleOf(from, seed);
        const few = (i: number): Value => ((i * 31 + seed) % 9 === 0 ? sample(i) : from === 'int64' ? 1n : 1);
        const isFloat = from.includes('float');
        const plain = kind === 'prod' ? few : sample;
        const input = strided(from, shape, layout, (i) => (nan && isFloat && (i * 17 + seed) % 13 === 0 ? NAN : plain(i)));
        const keeps = kind === 'max' || kind === 'min';
        const out = strided(to, shape, { ...outLayout, expanded: shape.map(() => false) }, () => 0);
        const indices = keeps ? outputView('int64', shape) : null;
        scan(kind, out, indices, input, dim);
        const expected = oracle(kind as 'sum', to, input, dim);
        if (indices !== null) expect(valuesOf(indices)).toEqual(expected.indices);
        const clean = (list: Value[]): Value[] => list.map((v) => (v === 0 ? 0 : v));
        expect(clean(valuesOf(out))).toEqual(clean(expected.values));
      }),
      { numRuns: 30 },
    );
  });
});

test('indices move on to equal elements and to NaN, as in PyTorch', () => {
  const run = (kind: 'max' | 'min', values: number[]): [Value[], number[]] => {
    const [out, indices] = [outputView('float32', [values.length]), outputView('int64', [values.length])];
    scan(kind, out, indices, viewOf('float32', [values.length], values), 0);
    return [valuesOf(out), valuesOf(indices).map(Number)];
  };
  expect(run('max', [1, NAN, 3, NAN, 2])).toEqual([
    [1, NAN, NAN, NAN, NAN],
    [0, 1, 1, 3, 3],
  ]);
  expect(run('min', [1, NAN, 3, NAN, 2])).toEqual([
    [1, NAN, NAN, NAN, NAN],
    [0, 1, 1, 3, 3],
  ]);
  expect(run('max', [1, 1, 2, 2, 1])).toEqual([
    [1, 1, 2, 2, 2],
    [0, 1, 2, 3, 3],
  ]);
  expect(run('min', [3, 2, 3, 2])).toEqual([
    [3, 2, 2, 2],
    [0, 1, 1, 3],
  ]);
});

test('logaddexp is stable and keeps infinities and NaN, as in PyTorch', () => {
  const run = (values: number[], type: 'float32' | 'float64' = 'float64'): number[] => {
    const out = outputView(type, [values.length]);
    scan('logaddexp', out, null, viewOf(type, [values.length], values), 0);
    return valuesOf(out).map(Number);
  };
  expect(run([-INFINITY, -INFINITY, 1])).toEqual([-INFINITY, -INFINITY, 1]);
  expect(run([INFINITY, 1, -INFINITY])).toEqual([INFINITY, INFINITY, INFINITY]);
  expect(run([-INFINITY, INFINITY, NAN, 1])).toEqual([-INFINITY, INFINITY, NAN, NAN]);
  expect(run([INFINITY, INFINITY])).toEqual([INFINITY, INFINITY]);
  expect(run([1000, 1000], 'float32')).toEqual([1000, Math.fround(1000 + Math.LN2)]);
  const random = Array.from({ length: 50 }, (_, i) => Math.sin(i * 7) * 20);
  run(random).forEach((actual, i) => {
    const exact = Math.log(random.slice(0, i + 1).reduce((sum, x) => sum + Math.exp(x), 0));
    expect(Math.abs(actual - exact)).toBeLessThan(1e-13 * (1 + Math.abs(exact)));
  });
});

test('a scan may be done in place', () => {
  const view = viewOf('float32', [4], [1, 2, 3, 4]);
  scan('sum', view, null, view, 0);
  expect(valuesOf(view)).toEqual([1, 3, 6, 10]);
});

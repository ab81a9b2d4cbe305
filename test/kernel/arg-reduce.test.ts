import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { argReduce } from '../../src/backend/wasm/arg-reduce.ts';
import { at, layoutOf, outputView, positions, SHAPES, sampleOf, strided, type Value, valuesOf, viewOf } from './views.ts';

const TYPES = ['float32', 'float64', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool', 'float16', 'bfloat16'] as const;

const problems = SHAPES.filter((shape) => shape.length > 0).chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    layout: layoutOf(shape.length),
    dim: fc.nat(shape.length - 1),
    seed: fc.nat(1000),
    nan: fc.boolean(),
  }),
);

function better(kind: 'max' | 'min', value: Value, best: Value): boolean {
  if (Number.isNaN(best)) return false;
  return Number.isNaN(value) || (kind === 'max' ? value > best : value < best);
}

describe.each(TYPES)('%s', (type) => {
  test.each(['max', 'min'] as const)('%s agrees with the oracle for every layout', (kind) => {
    fc.assert(
      fc.property(problems, ({ shape, layout, dim, seed, nan }) => {
        if (shape[dim] === 0) return;
        const sample = sampleOf(type, seed);
        const isFloat = type.includes('float');
        const input = strided(type, shape, layout, (i) => (nan && isFloat && (i * 17 + seed) % 13 === 0 ? Number.NaN : sample(i)));
        const kept = shape.filter((_, d) => d !== dim);
        const [values, indices] = [outputView(type, kept), outputView('int64', kept)];
        argReduce(kind, values, indices, input, dim);
        const expected = [...positions(kept)].map((position) => {
          const value = (i: number): Value => at(input, [...position.slice(0, dim), i, ...position.slice(dim)]);
          let found = 0;
          for (let i = 1; i < shape[dim]!; i++) if (better(kind, value(i), value(found))) found = i;
          return { found: BigInt(found), value: value(found) };
        });
        expect(valuesOf(indices)).toEqual(expected.map(({ found }) => found));
        expect(valuesOf(values)).toEqual(expected.map(({ value }) => value));
        const alone = outputView('int64', kept);
        argReduce(kind, null, alone, input, dim);
        expect(valuesOf(alone)).toEqual(valuesOf(indices));
      }),
      { numRuns: 40 },
    );
  });
});

test('a single number is its own maximum', () => {
  const [values, indices] = [outputView('float32', []), outputView('int64', [])];
  argReduce('max', values, indices, viewOf('float32', [], [5]), 0);
  expect([valuesOf(values), valuesOf(indices)]).toEqual([[5], [0n]]);
});

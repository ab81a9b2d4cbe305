import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { matmulReal, matmulTuning } from '../../src/backend/wasm/matmul.ts';
import type { DType } from '../../src/dtype/dtype.ts';
import type { View } from '../../src/runtime/view.ts';
import { at, layoutOf, outputView, positions, sampleOf, strided, type Value, valuesOf, viewOf } from './views.ts';

const defaults = { ...matmulTuning };
afterEach(() => {
  Object.assign(matmulTuning, defaults);
});

function element(view: View, batch: readonly number[], row: number, column: number): Value {
  const own = view.shape.slice(0, -2);
  const position = own.map((size, dim) => (size === 1 ? 0 : batch[batch.length - own.length + dim]!));
  return at(view, [...position, row, column]);
}

function wrap(type: DType, value: Value): Value {
  if (type === 'int64') return BigInt.asIntN(64, BigInt(value));
  const n = Number(value);
  if (type === 'uint8') return Number(BigInt.asUintN(8, BigInt(n)));
  if (type.startsWith('int')) return Number(BigInt.asIntN(Number(type.slice(3)), BigInt(n)));
  return n;
}

function oracle(type: DType, shape: readonly number[], a: View, b: View, start: View | null = null): Value[] {
  const k = a.shape[a.shape.length - 1]!;
  return [...positions(shape)].map((position) => {
    const batch = position.slice(0, -2);
    const [row, column] = position.slice(-2) as [number, number];
    const lacking = start === null ? 0 : shape.length - start.shape.length;
    let sum: Value =
      start !== null
        ? at(
            start,
            start.shape.map((size, dim) => (size === 1 ? 0 : position[lacking + dim]!)),
          )
        : type === 'int64'
          ? 0n
          : 0;
    for (let i = 0; i < k; i++) {
      const [x, y] = [element(a, batch, row, i), element(b, batch, i, column)];
      sum = typeof sum === 'bigint' ? sum + BigInt(x) * BigInt(y) : sum + Number(x) * Number(y);
    }
    return wrap(type, sum);
  });
}

const sizes = fc.oneof(fc.nat(5), fc.constantFrom(1, 4, 7, 8, 9, 16, 17, 33));
/** Batch dims of the result, and which of them each operand broadcasts or lacks. */
const batches = fc.array(fc.record({ size: fc.integer({ min: 0, max: 3 }), a: fc.boolean(), b: fc.boolean() }), { maxLength: 2 });
const problems = fc
  .record({ m: sizes, n: sizes, k: sizes, batch: batches, aMissing: fc.nat(2), bMissing: fc.nat(2), seed: fc.nat(1000) })
  .chain(({ m, n, k, batch, aMissing, bMissing, seed }) => {
    const full = batch.map(({ size, a, b }) => ({ a: a && b ? size : a ? size : 1, b: b && a ? size : b ? size : 1 }));
    const aBatch = full.map(({ a }) => a).slice(Math.min(aMissing, full.length));
    const bBatch = full.map(({ b }) => b).slice(Math.min(bMissing, full.length));
    const dims = Math.max(aBatch.length, bBatch.length);
    const size = (list: number[], i: number): number => list[list.length - dims + i] ?? 1;
    const outBatch = Array.from({ length: dims }, (_, i) => (size(aBatch, i) === 1 ? size(bBatch, i) : size(aBatch, i)));
    return fc.record({
      seed: fc.constant(seed),
      // What is added: nothing, a row, a column, one value, or a matrix for each member of the batch or for all of them; in any layout.
      added: fc.oneof(
        fc.constant(null),
        ...[[n], [m, 1], [], [m, n], [...outBatch, m, n], [...outBatch, 1, n]].map((shape) =>
          fc.record({ shape: fc.constant(shape), layout: layoutOf(shape.length), into: fc.boolean() }),
        ),
      ),
      aShape: fc.constant([...aBatch, m, k]),
      bShape: fc.constant([...bBatch, k, n]),
      outShape: fc.constant([...outBatch, m, n]),
      aLayout: layoutOf(aBatch.length + 2),
      bLayout: layoutOf(bBatch.length + 2),
    });
  });

const TUNINGS = {
  'as tuned': {},
  'all packed': {
    packedRuns: 0,
    packedTurned: 0,
    directValues: 0,
    streamedRows: 0,
    directRows: 0,
    combinedRows: 0,
    combinedSteps: 0,
    dotVectors: 0,
    dottedColumns: 0,
  },
  'right packed': {
    packedRuns: 1e9,
    packedTurned: 1e9,
    directValues: 0,
    streamedRows: 0,
    directRows: 0,
    combinedRows: 0,
    combinedSteps: 0,
    dotVectors: 0,
    dottedColumns: 0,
  },
  'nothing packed': { directValues: 1e9, combinedRows: 0, combinedSteps: 0, dotVectors: 0 },
  'all combined': { combinedRows: 1e9, dotVectors: 0 },
  'all dots': { dotVectors: 1e9 },
};

describe.each(Object.entries(TUNINGS))('%s', (_, tuning) => {
  test.each(['float32', 'float64', 'int32', 'int64', 'int16', 'int8', 'uint8', 'float16', 'bfloat16'] as const)(
    '%s agrees with the oracle',
    (type) => {
      fc.assert(
        fc.property(problems, ({ aShape, bShape, outShape, aLayout, bLayout, added, seed }) => {
          Object.assign(matmulTuning, tuning);
          const a = strided(type, aShape, aLayout, sampleOf(type, seed));
          const b = strided(type, bShape, bLayout, sampleOf(type, seed + 1));
          const start = added === null ? null : strided(type, added.shape, added.layout, sampleOf(type, seed + 2));
          let expected = oracle(type, outShape, a, b, start);
          // The whole of what is added may be the result itself.
          const into = start !== null && added?.into === true && start.shape.join() === outShape.join();
          const out = into ? viewOf(type, outShape, valuesOf(start)) : outputView(type, outShape);
          matmulReal(out, a, b, into ? out : start);
          if (type === 'float16' || type === 'bfloat16') expected = valuesOf(viewOf(type, outShape, expected));
          expect(valuesOf(out).map((v) => (v === 0 ? 0 : v))).toEqual(expected.map((v) => (v === 0 ? 0 : v)));
        }),
        { numRuns: 80 },
      );
    },
  );
});

test('blocks and their edges', () => {
  for (const [m, k, n] of [
    [133, 259, 37],
    [5, 600, 1030],
    [40, 257, 1025],
    [129, 513, 9],
  ] as const) {
    for (const type of ['float32', 'float64'] as const) {
      const a = viewOf(
        type,
        [m, k],
        Array.from({ length: m * k }, (_, i) => (i % 7) - 3),
      );
      const b = viewOf(
        type,
        [k, n],
        Array.from({ length: k * n }, (_, i) => (i % 5) - 2),
      );
      const out = outputView(type, [m, n]);
      matmulReal(out, a, b);
      const [x, y] = [valuesOf(a) as number[], valuesOf(b) as number[]];
      const expected = new Float64Array(m * n);
      for (let i = 0; i < m; i++)
        for (let t = 0; t < k; t++) for (let j = 0; j < n; j++) expected[i * n + j]! += x[i * k + t]! * y[t * n + j]!;
      expect(valuesOf(out).every((value, i) => value === expected[i])).toBe(true);
    }
  }
});

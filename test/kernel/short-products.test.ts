/** Short products of float32, of the sizes that small networks have, against sums in float64: all transpositions, with and without what is added. */
import { expect, test } from 'vitest';
import { matmulReal } from '../../src/backend/wasm/matmul.ts';
import type { View } from '../../src/runtime/view.ts';
import { outputView, valuesOf, viewOf } from './views.ts';

const SQUARES = [8, 16, 20, 24, 32, 33, 48, 64, 96];
const SHAPES: readonly (readonly [m: number, n: number, k: number])[] = [
  ...SQUARES.map((n) => [n, n, n] as const),
  // The layers of the digits, of the smallest network and of the little convolutional one, forwards and back.
  ...([
    [32, 128, 64],
    [32, 10, 128],
    [10, 128, 32],
    [32, 128, 10],
    [128, 64, 32],
    [4, 16, 2],
    [4, 16, 16],
    [4, 1, 16],
    [16, 16, 4],
  ] as const),
  ...([
    [32, 32, 64],
    [32, 10, 32],
    [32, 64, 32],
    [10, 32, 32],
    [16, 512, 128],
  ] as const),
  // Columns that fill no tile.
  ...[1, 3, 5, 6, 7, 9, 10, 11, 12, 13, 15, 17, 18, 31].flatMap((n) => [5, 14].map((m) => [m, n, 43] as const)),
];

function numbers(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround(state / 2 ** 31 - 1);
  });
}

/** A matrix of so many rows and columns, whose columns lie in runs if it is turned. */
function matrix(rows: number, columns: number, turned: boolean, seed: number): View {
  const values = numbers(rows * columns, seed);
  const view = viewOf('float32', turned ? [columns, rows] : [rows, columns], values);
  return turned ? { ...view, shape: [rows, columns], strides: [1, rows], rowMajor: false } : view;
}

test.each(SHAPES)('%i × %i, %i terms', (m, n, k) => {
  for (const [aTurned, bTurned] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const) {
    const [a, b] = [matrix(m, k, aTurned, 1), matrix(k, n, bTurned, 2)];
    const [x, y] = [valuesOf(a) as number[], valuesOf(b) as number[]];
    for (const added of [null, viewOf('float32', [n], numbers(n, 3))]) {
      const out = outputView('float32', [m, n]);
      matmulReal(out, a, b, added);
      const [found, row] = [valuesOf(out) as number[], added === null ? null : (valuesOf(added) as number[])];
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let [sum, size] = [row?.[j] ?? 0, Math.abs(row?.[j] ?? 0)];
          for (let t = 0; t < k; t++) {
            const term = (x[i * k + t] as number) * (y[t * n + j] as number);
            sum += term;
            size += Math.abs(term);
          }
          const error = Math.abs((found[i * n + j] as number) - sum);
          if (!(error <= size * (k + 2) * 2 ** -25))
            expect([i, j, aTurned, bTurned, found[i * n + j]]).toEqual([i, j, aTurned, bTurned, sum]);
        }
    }
  }
});

import { describe, expect, test } from 'vitest';
import { grad, nn, randint, type Tensor, tensor, vmap } from '../../src/index.ts';

const F = nn.functional as unknown as Record<string, (...args: unknown[]) => Tensor>;

interface Case {
  readonly shape: readonly number[];
  readonly size: number;
  readonly options: Readonly<{ stride?: number; padding?: number; dilation?: number; ceilMode?: boolean }>;
}

/** Windows that are compared four at a time, one after the other at edges, and in rows that are too short for four. */
const CASES: readonly Case[] = [
  { shape: [2, 3, 8, 8], size: 2, options: {} },
  { shape: [1, 2, 13, 17], size: 2, options: {} },
  { shape: [2, 1, 9, 11], size: 3, options: { stride: 1, padding: 1 } },
  { shape: [1, 2, 15, 14], size: 3, options: { stride: 2, padding: 1, ceilMode: true } },
  { shape: [1, 1, 20, 23], size: 2, options: { stride: 3, dilation: 2 } },
  { shape: [2, 2, 5, 3], size: 2, options: { stride: 1 } },
];

/** The largest of each window and its place in its plane, as the definition has it. */
function byDefinition(plane: readonly number[][], { size, options }: Case): { values: number[][]; places: number[][] } {
  const { stride = size, padding = 0, dilation = 1, ceilMode = false } = options;
  const along = (length: number): number[] => {
    const room = length + 2 * padding - dilation * (size - 1) - 1;
    let count = (ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    if (ceilMode && (count - 1) * stride >= length + padding) count -= 1;
    return Array.from({ length: count }, (_, i) => i * stride - padding);
  };
  const width = plane[0]!.length;
  const best = (top: number, left: number): [number, number] => {
    let [value, place] = [Number.NEGATIVE_INFINITY, -1];
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const at = plane[top + i * dilation]?.[left + j * dilation];
        if (at !== undefined && at > value) [value, place] = [at, (top + i * dilation) * width + left + j * dilation];
      }
    }
    return [value, place];
  };
  const all = along(plane.length).map((top) => along(width).map((left) => best(top, left)));
  return { values: all.map((row) => row.map(([value]) => value)), places: all.map((row) => row.map(([, place]) => place)) };
}

describe.each(['float32', 'float64', 'int32', 'int64'] as const)('the largest of each window, %s', (dtype) => {
  test.each(CASES)('$shape, $size, $options', (one) => {
    const x = randint(-20, 20, one.shape as number[]).to('float64') as Tensor;
    const [values, places] = F.maxPool2d!(x.to(dtype), one.size, { ...one.options, returnIndices: true }) as unknown as [Tensor, Tensor];
    const expected = (x.toArray() as number[][][][]).map((image) => image.map((plane) => byDefinition(plane, one)));
    expect(values.to('float64').toArray()).toEqual(expected.map((image) => image.map((plane) => plane.values)));
    expect(places.to('float64').toArray()).toEqual(expected.map((image) => image.map((plane) => plane.places)));
  });
});

test('the last NaN of a window wins, alone and among four windows', () => {
  const row = [1, Number.NaN, 2, 3, Number.NaN, Number.NaN, 4, 4, 9, 8];
  const [values, places] = F.maxPool1d!(tensor([row]), 2, { returnIndices: true }) as unknown as [Tensor, Tensor];
  expect(values.toArray()).toEqual([[Number.NaN, 3, Number.NaN, 4, 9]]);
  expect(places.to('float64').toArray()).toEqual([[1, 3, 5, 6, 8]]);
});

test.each(CASES)('the gradient adds up where windows share a largest element: $shape, $size, $options', (one) => {
  const x = randint(-20, 20, one.shape as number[])
    .to('float32')
    .requiresGrad_() as Tensor;
  const [y, places] = F.maxPool2d!(x, one.size, { ...one.options, returnIndices: true }) as unknown as [Tensor, Tensor];
  const g = randint(-3, 4, y.shape as number[]).to('float32') as Tensor;
  const plane = (one.shape[2] as number) * (one.shape[3] as number);
  const [at, values] = [places.toArray() as bigint[][][][], g.toArray() as number[][][][]];
  const expected = at.map((image, n) =>
    image.map((rows, c) => {
      const sums = Array<number>(plane).fill(0);
      rows.forEach((line, i) => {
        line.forEach((place, j) => {
          sums[Number(place)]! += values[n]![c]![i]![j]!;
        });
      });
      return sums;
    }),
  );
  const [own] = grad(y, [x], g) as unknown as [Tensor];
  expect(own.reshape([one.shape[0] as number, one.shape[1] as number, plane]).toArray()).toEqual(expected);
});

test('the gradient is linear in its cotangent, has derivatives itself and runs on batches', () => {
  const x = tensor([[[1, 5, 2, 4, 3, 7]]]);
  const back = (g: Tensor): Tensor => {
    const input = x.clone().requiresGrad_();
    return grad(F.maxPool1d!(input, 2), [input], g, { createGraph: true })[0] as Tensor;
  };
  const g = tensor([[[1, 2, 3]]]).requiresGrad_() as Tensor;
  const [second] = grad(back(g), [g], tensor([[[1, 2, 3, 4, 5, 6]]])) as unknown as [Tensor];
  expect(second.toArray()).toEqual([[[2, 4, 6]]]);
  const batch = tensor([[[[1, 2, 3]]], [[[4, 5, 6]]]]) as Tensor;
  expect((vmap(back)(batch) as Tensor).toArray()).toEqual([[[[0, 1, 0, 2, 0, 3]]], [[[0, 4, 0, 5, 0, 6]]]]);
});

import { describe, expect, test } from 'vitest';
import * as nabla from '../../src/index.ts';
import { backend, type IndexedDim, type ScatterMode } from '../../src/runtime/backend.ts';
import { type Tensor, viewOf } from '../../src/tensor/tensor.ts';

const { arange, tensor, zeros } = nabla;
const DTYPES = [
  'float32',
  'float64',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
  'float16',
  'bfloat16',
  'complex64',
  'complex128',
] as const;

const flat = (x: Tensor): unknown[] =>
  (x.reshape([-1]).toArray() as unknown[]).map((v) => (typeof v === 'object' ? (v as { re: number }).re : Number(v)));
const small = (size: number, dtype: (typeof DTYPES)[number]): Tensor => {
  const data = Array.from({ length: size }, (_, i) => (dtype === 'bool' ? i % 3 === 0 : (i * 7) % 11));
  return (tensor(data as never) as Tensor).to(dtype as never) as Tensor;
};
const dim = (
  index: Tensor,
  size: number,
  stride: number,
  shape: readonly number[],
  strides: readonly number[],
  wrap = false,
): IndexedDim => ({
  index: viewOf(index, shape, strides, index.offset),
  size,
  stride,
  wrap,
  dim: 0,
});

describe('a gather', () => {
  for (const dtype of DTYPES) {
    test(`takes rows and elements of ${dtype}`, () => {
      const x = small(12, dtype).reshape([4, 3]) as Tensor;
      const index = tensor([3n, 0n, 3n, -1n, 1n]) as Tensor;
      const rows = zeros([5, 3], { dtype }) as Tensor;
      backend().gather('test', rows, viewOf(x, [5, 3], [0, 1], x.offset), [dim(index, 4, 3, [5, 3], [1, 0], true)]);
      const all = flat(x);
      expect(flat(rows)).toEqual([3, 0, 3, 3, 1].flatMap((r) => all.slice(3 * r, 3 * r + 3)));
      const columns = zeros([4, 5], { dtype }) as Tensor;
      backend().gather('test', columns, viewOf(x, [4, 5], [3, 0], x.offset), [
        dim(tensor([2n, 0n, 1n, 2n, 2n]) as Tensor, 3, 1, [4, 5], [0, 1]),
      ]);
      expect(flat(columns)).toEqual([0, 1, 2, 3].flatMap((r) => [2, 0, 1, 2, 2].map((c) => all[3 * r + c])));
    });
  }

  test('walks along strides of any sign, and more dimensions than the kernel has loops', () => {
    const x = arange(48).reshape([2, 2, 3, 2, 2]).permute([4, 2, 0, 3, 1]) as Tensor;
    const index = tensor([[1n, 0n, 2n, 1n]]).t() as Tensor;
    const out = zeros([2, 4, 2, 2, 2], { dtype: 'int64' }) as Tensor;
    const [a, b, c, d, e] = x.strides as [number, number, number, number, number];
    backend().gather('test', out, viewOf(x, out.shape, [a, 0, c, d, e], x.offset), [dim(index, 3, b, out.shape, [0, 1, 0, 0, 0])]);
    const want = [0, 1].flatMap((i) => [1, 0, 2, 1].flatMap((j) => flat(x.select(0, i).select(0, j) as Tensor)));
    expect(flat(out)).toEqual(want);
    const back = zeros([3], { dtype: 'int64' }) as Tensor;
    const line = arange(6) as Tensor;
    backend().gather('test', viewOf(back, [3], [-1], 2), viewOf(line, [3], [0], 5), [dim(tensor([0n, 1n, 2n]) as Tensor, 6, -2, [3], [1])]);
    expect(flat(back)).toEqual([1, 3, 5]);
  });

  test('by several index tensors at once', () => {
    const x = arange(24).reshape([2, 3, 4]) as Tensor;
    const out = zeros([3, 3], { dtype: 'int64' }) as Tensor;
    const first = tensor([1n, 0n, -1n]) as Tensor;
    const last = tensor([3n, 0n, 1n]) as Tensor;
    backend().gather('test', out, viewOf(x, [3, 3], [0, 4], 0), [dim(first, 2, 12, [3, 3], [1, 0], true), dim(last, 4, 1, [3, 3], [1, 0])]);
    expect(flat(out)).toEqual([15, 19, 23, 0, 4, 8, 13, 17, 21]);
  });

  test('refuses what is out of range before it writes', () => {
    const out = zeros([3]) as Tensor;
    const launch = (values: bigint[], wrap: boolean): void =>
      backend().gather('test', out, viewOf(arange(4).to('float32') as Tensor, [3], [0], 0), [
        dim(tensor(values) as Tensor, 4, 1, [3], [1], wrap),
      ]);
    expect(() => launch([1n, 4n, 0n], true)).toThrow(/index 4 is out of range for dimension 0, which has size 4: allowed are -4 to 3/);
    expect(() => launch([1n, -1n, 0n], false)).toThrow(/index -1/);
    expect(() => launch([1n, -5n, 0n], true)).toThrow(/index -5/);
    expect(() => launch([1n, 2n ** 32n, 0n], true)).toThrow(/index 4294967296/);
    expect(flat(out)).toEqual([0, 0, 0]);
  });
});

describe('a scatter', () => {
  const combine: Record<ScatterMode, (a: number, b: number) => number> = {
    set: (_, b) => b,
    add: (a, b) => a + b,
    mul: (a, b) => a * b,
    max: Math.max,
    min: Math.min,
  };
  for (const mode of ['set', 'add', 'mul', 'max', 'min'] as const) {
    for (const dtype of DTYPES) {
      if (dtype.startsWith('complex') && (mode === 'max' || mode === 'min')) continue;
      test(`${mode} of ${dtype}`, () => {
        const where = [2, 0, 2, 2, 1];
        const index = tensor(where.map(BigInt)) as Tensor;
        // Rows are long enough for whole vectors and a rest.
        for (const width of [1, 7]) {
          const target = small(3 * width, dtype)
            .reshape([3, width])
            .clone() as Tensor;
          const source = small(5 * width, dtype)
            .flip([0])
            .reshape([5, width]) as Tensor;
          const want = flat(target) as number[];
          const given = flat(source) as number[];
          where.forEach((row, k) => {
            for (let j = 0; j < width; j++) {
              const value = combine[mode](want[row * width + j] as number, given[k * width + j] as number);
              want[row * width + j] =
                dtype === 'bool' ? Number(value !== 0) : dtype === 'int8' ? (value << 24) >> 24 : dtype === 'uint8' ? value & 255 : value;
            }
          });
          backend().scatter('test', mode, viewOf(target, [5, width], [0, 1], 0), source, [dim(index, 3, width, [5, width], [1, 0])]);
          expect(flat(target)).toEqual(want);
        }
      });
    }
  }
});

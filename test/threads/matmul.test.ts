import { addmm, manualSeed, randn, setNumThreads, type Tensor } from 'nabla';
import { afterAll, expect, test } from 'vitest';
import { awaitThreads, untilShared } from './support.ts';

afterAll(() => setNumThreads(1));

const SHAPES = [
  [256, 256, 256],
  [130, 600, 90],
  [64, 500, 700],
  [32, 784, 512],
  [7, 900, 1000],
  [20, 600, 1400],
  [1, 2000, 1000],
  [1000, 700, 1],
  [500, 3, 800],
  [2, 1500, 900],
] as const;

/** Products in several layouts, alone and added to a row or a matrix, and of batches. */
function products(dtype: 'float32' | 'float64'): (() => Tensor)[] {
  manualSeed(1);
  const cases = SHAPES.flatMap(([m, k, n], i) => {
    const row = randn([n], { dtype });
    const matrix = randn([m, n], { dtype });
    return [i % 4, (i + 3) % 4].map((layout, j) => {
      const a = layout % 2 === 1 ? randn([k, m], { dtype }).t() : randn([m, k], { dtype });
      const b = layout >= 2 ? randn([n, k], { dtype }).t() : randn([k, n], { dtype });
      return (): Tensor => (j === 0 ? a.matmul(b) : addmm(i % 2 === 0 ? row : matrix, a, b));
    });
  });
  const heads = [randn([8, 64, 4, 32], { dtype }).permute([0, 2, 1, 3]), randn([8, 64, 4, 32], { dtype }).permute([0, 2, 3, 1])] as const;
  const batch = [randn([300, 16, 16], { dtype }), randn([300, 16, 16], { dtype }).transpose(-1, -2)] as const;
  const large = [randn([3, 150, 150], { dtype }), randn([3, 150, 150], { dtype })] as const;
  return [...cases, () => heads[0].matmul(heads[1]), () => batch[0].matmul(batch[1]), () => large[0].matmul(large[1])];
}

/** The number of a case whose bytes differ; -1: none does. */
function different(cases: readonly (() => Tensor)[], alone: readonly Buffer[]): number {
  return cases.findIndex((product, i) => !bytesOf(product()).equals(alone[i] as Buffer));
}

function bytesOf(tensor: Tensor): Buffer {
  const { buffer, byteOffset, byteLength } = tensor.toTypedArray() as Float32Array;
  return Buffer.from(buffer, byteOffset, byteLength);
}

test.each(['float32', 'float64'] as const)('products of %s have the same bits on any number of threads', async (dtype) => {
  const cases = products(dtype);
  setNumThreads(1);
  const alone = cases.map((product) => bytesOf(product()));
  await awaitThreads(dtype === 'float32' ? 2 : 3);
  await untilShared(() => expect(different(cases, alone)).toBe(-1));
});

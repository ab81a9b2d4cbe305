import { vmap } from 'nabla';
import { describe, expect, test } from 'vitest';
import { addmm, baddbmm, manualSeed, nn, randn, type Tensor } from '../../src/index.ts';

const { linear } = nn.functional;

/** The largest difference, beside what the sums of absolute values may be off by: k + 1 roundings. */
function difference(x: Tensor, y: Tensor): number {
  return Number(x.sub(y).abs().max().item());
}

describe('products that begin with what is added', () => {
  test.each([
    [1, 5, 3],
    [7, 64, 19],
    [33, 130, 50],
    [130, 257, 99],
    [64, 1100, 10],
  ])('linear of %i rows, %i to %i features is the product and then the sum, within rounding', (rows, features, outputs) => {
    manualSeed(rows);
    for (const dtype of ['float32', 'float64'] as const) {
      const [x, w, b] = [randn([rows, features], { dtype }), randn([outputs, features], { dtype }), randn([outputs], { dtype })];
      const apart = x.matmul(w.t()).add(b);
      const bound = (features + 1) * (dtype === 'float32' ? 2 ** -23 : 2 ** -52) * (Number(x.abs().matmul(w.abs().t()).max().item()) + 4);
      const fused = linear(x, w, b);
      expect(fused.dtype).toBe(dtype);
      expect(difference(fused, apart)).toBeLessThan(bound);
      expect(difference(fused, linear(x, w))).toBeGreaterThan(0);
      // Where a derivative is asked for, or a batch, it is the same function.
      const tracked = linear(x, w.clone().requiresGrad_(), b);
      expect(difference(tracked.detach(), fused)).toBe(0);
      expect(difference(vmap((row: Tensor) => linear(row, w, b))(x), apart)).toBeLessThan(bound);
    }
  });

  test('batches, biases of one value and none, and what is not contiguous', () => {
    manualSeed(1);
    const x = randn([4, 6, 3]).transpose(0, 1);
    const w = randn([3, 5]).t();
    for (const bias of [randn([5]), randn([1]), randn([10]).slice(0, 0, 10, 2)])
      expect(difference(linear(x, w, bias), x.matmul(w.t()).add(bias))).toBeLessThan(1e-5);
    expect(linear(x, w, randn([5])).shape).toEqual([6, 4, 5]);
  });

  test('addmm and baddbmm add rows, columns and matrices, and change no operand', () => {
    manualSeed(2);
    const [a, b] = [randn([9, 11]), randn([11, 17])];
    for (const shape of [[17], [9, 1], [9, 17], [1, 17], []]) {
      const start = randn(shape);
      const before = start.clone();
      expect(difference(addmm(start, a, b), start.add(a.matmul(b)))).toBeLessThan(1e-5);
      expect(difference(addmm(start, a, b, { beta: 0.5, alpha: 2 }), start.mul(0.5).add(a.matmul(b).mul(2)))).toBeLessThan(1e-5);
      expect(difference(start, before)).toBe(0);
    }
    const [p, q] = [randn([3, 9, 11]), randn([3, 11, 17])];
    for (const shape of [[17], [3, 1, 17], [3, 9, 17], [9, 17]]) {
      const start = randn(shape);
      expect(difference(baddbmm(start, p, q), start.add(p.matmul(q)))).toBeLessThan(1e-5);
    }
  });

  test('integers wrap alike', () => {
    const a = randn([5, 40]).mul(1e6).to('int32');
    const b = randn([40, 9]).mul(1e6).to('int32');
    const start = randn([9]).mul(1e6).to('int32');
    expect(difference(addmm(start, a, b), a.matmul(b).add(start))).toBe(0);
  });
});

import { expect, test } from 'vitest';
import { arange, asStrided, ones, type Tensor, zeros } from '../../src/index.ts';

test('the gradient of a strided view that reaches past its tensor stays inside the memory it owns', () => {
  const guard = Array.from({ length: 8 }, () => ones([4]));
  const base = arange(12, { dtype: 'float64', requiresGrad: true }).mul(1) as Tensor;
  const narrow = base.narrow(0, 4, 2) as Tensor;
  const wide = asStrided(narrow, [8], [1], 2) as Tensor;
  expect(wide.toArray()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  narrow.retainGrad();
  wide.mul(3).sum().backward();
  expect((narrow.grad as Tensor).toArray()).toEqual([3, 3]);
  for (const x of guard) expect(x.toArray()).toEqual([1, 1, 1, 1]);
});

test('a write through a strided view reaches the gradient of its base', () => {
  const x = zeros([6], { dtype: 'float64', requiresGrad: true });
  const y = x.mul(1) as Tensor;
  const view = asStrided(y, [2], [3], 1) as Tensor;
  view.mul_(5);
  y.sum().backward();
  expect((x.grad as Tensor).toArray()).toEqual([1, 5, 1, 1, 5, 1]);
});

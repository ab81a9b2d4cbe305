import { expect, test } from 'vitest';
import { autograd, grad, manualSeed, randn, type Tensor } from '../../src/index.ts';
import { leaf, total, values } from '../engine/support.ts';

test('test_diagonal_derivative_requires_grad: the gradient of diagonal requires a gradient only where the pass is recorded', () => {
  manualSeed(0);
  const weight = randn([4, 4], { dtype: 'float64', requiresGrad: true });
  for (const [createGraph, expected] of [
    [true, true],
    [false, false],
  ] as const) {
    // Of a square, so that the gradient depends on the weight at all.
    const [g] = grad(total(weight.diagonal().pow(2)), weight, null, { createGraph });
    expect(g?.requiresGrad).toBe(expected);
  }
  const cotangent = randn([4], { dtype: 'float64', requiresGrad: true });
  expect(grad(weight.diagonal(), weight, cotangent, { createGraph: true })[0]?.requiresGrad).toBe(true);
  expect(grad(weight.diagonal(), weight, cotangent)[0]?.requiresGrad).toBe(false);
});

test('test_default_saved_variable_hooks_double_backward: what is saved in either pass goes through the hooks, once each time', () => {
  const { savedTensorsHooks } = autograd.graph;
  const same = (x: Tensor): Tensor => x;
  const plain = <R>(body: () => R): R => body();
  const doubled = <R>(body: () => R): R => savedTensorsHooks((x: Tensor) => x.mul(2), same, body);
  const second = (forward: typeof plain, backward: typeof plain): unknown => {
    const a = leaf(5);
    const y = forward(() => total(a.pow(3)));
    const [slope] = backward(() => grad(y, a, null, { createGraph: true })) as [Tensor];
    total(slope).backward();
    return values(a.grad);
  };
  const six = (factor: number): number[] => Array<number>(5).fill(6 * factor);
  expect(second(plain, plain)).toEqual(six(1));
  // Forward, a is saved.
  expect(second(doubled, plain)).toEqual(six(2));
  // Backward, the cotangent is saved and a again.
  expect(second(plain, doubled)).toEqual(six(4));
  expect(second(doubled, doubled)).toEqual(six(8));
});

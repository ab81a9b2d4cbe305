import { describe, expect, test } from 'vitest';
import { autograd, jvp, tensor } from '../../src/index.ts';
import { leaf, total, values } from './support.ts';

const DEEP = 150_000;

describe('depth', () => {
  test('150,000 operations go forward and back without a deep stack', { timeout: 60_000 }, () => {
    const x = leaf(1);
    let y = x;
    for (let i = 0; i < DEEP; i++) y = y.add(1);
    expect(y.item()).toBe(DEEP + 1);
    y.backward();
    expect(values(x.grad)).toEqual([1]);
  });

  test('as do 150,000 operations in place', { timeout: 60_000 }, () => {
    const x = leaf(1);
    const y = x.mul(1);
    for (let i = 0; i < DEEP; i++) y.add_(1);
    y.backward();
    expect(values(x.grad)).toEqual([1]);
  });

  test('and a diamond in every step, which has two to the power of 60 paths', () => {
    const x = leaf(1);
    let y = x;
    for (let i = 0; i < 60; i++) y = y.mul(0.5).add(y.mul(0.5));
    y.backward();
    expect(values(x.grad)).toEqual([1]);
  });

  test('backward within backward, 500 levels deep', () => {
    const x = leaf(1);
    let level = 0;
    const descend = (): void => {
      if (level === 500) return;
      level++;
      const y = autograd.enableGrad(() => x.mul(2));
      y.registerHook(descend);
      autograd.grad(y, x);
    };
    descend();
    expect(level).toBe(500);
  });

  test('gradients of gradients, 40 orders', () => {
    const x = tensor([1], { dtype: 'float64', requiresGrad: true });
    let y = x.exp();
    for (let i = 0; i < 40; i++) y = autograd.grad(total(y), x, null, { createGraph: true })[0] as never;
    expect(y.item()).toBeCloseTo(Math.E, 10);
  });

  test('forward mode through 20,000 operations', () => {
    const x = tensor([1], { dtype: 'float64' });
    const { tangents } = jvp(
      (a) => {
        let y = a;
        for (let i = 0; i < 20_000; i++) y = y.add(1);
        return y;
      },
      [x],
      [x],
    );
    expect(tangents.map((g) => values(g))).toEqual([[1]]);
  });
});

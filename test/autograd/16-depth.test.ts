import { describe, expect, test } from 'vitest';
import { autograd, grad, jvp, type Tensor, tensor } from '../../src/index.ts';
import { leaf, total, values } from '../engine/support.ts';

const DEEP = 150_000;

class Same extends autograd.Function {
  static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
    return x.clone();
  }
  static backward(_context: autograd.FunctionContext, g: Tensor): Tensor {
    return g;
  }
}

describe('depth', () => {
  test('test_free_deep_graph: 150,000 operations go forward and back and away without a deep stack', { timeout: 60_000 }, () => {
    const x = leaf(1);
    let y: Tensor = x;
    for (let i = 0; i < DEEP; i++) y = y.add(1);
    expect(y.item()).toBe(DEEP + 1);
    expect(grad(y, x).map(values)).toEqual([[1]]);
    y.backward();
    expect(values(x.grad)).toEqual([1]);
  });

  test('test_free_deep_graph_complicated: 100,000 operations that each read several earlier results', { timeout: 60_000 }, () => {
    const x = leaf(1);
    const recent: Tensor[] = [x, x];
    for (let i = 0; i < 100_000; i++) {
      const [a, b] = recent as [Tensor, Tensor];
      recent[i % 2] = i % 3 === 0 ? a.mul(0.5).add(b.mul(0.5)) : a.add(b).mul(0.5);
    }
    (recent[0] as Tensor).backward();
    expect(x.grad?.item()).toBeCloseTo(1, 10);
  });

  test('test_free_deep_graph_pyfunction: 150,000 custom functions', { timeout: 60_000 }, () => {
    const x = leaf(1);
    let y: Tensor = x;
    for (let i = 0; i < DEEP; i++) y = Same.apply(y) as Tensor;
    y.backward();
    expect(values(x.grad)).toEqual([1]);
  });

  test('150,000 operations in place', { timeout: 60_000 }, () => {
    const x = leaf(1);
    const y = x.mul(1);
    for (let i = 0; i < DEEP; i++) y.add_(1);
    y.backward();
    expect(values(x.grad)).toEqual([1]);
  });

  test('a diamond in every step, which has two to the power of 60 paths', () => {
    const x = leaf(1);
    let y: Tensor = x;
    for (let i = 0; i < 60; i++) y = y.mul(0.5).add(y.mul(0.5));
    const z = grad(y, x, null, { retainGraph: true })[0];
    y.backward();
    expect([values(x.grad), values(z)]).toEqual([[1], [1]]);
  });

  test('time grows with the number of edges, not faster', { timeout: 60_000 }, () => {
    const run = (count: number): number => {
      const x = leaf(1);
      let y: Tensor = x;
      for (let i = 0; i < count; i++) y = y.mul(0.5).add(y.mul(0.5));
      const start = performance.now();
      grad(y, x, null, { retainGraph: true });
      y.backward();
      return performance.now() - start;
    };
    run(2000);
    const [small, large] = [Math.min(run(2000), run(2000)), Math.min(run(8000), run(8000))];
    expect(large / small).toBeLessThan(4 * 5);
  });

  test('gradients of gradients, 40 orders', () => {
    const x = tensor([1], { dtype: 'float64', requiresGrad: true });
    let y: Tensor = x.exp();
    for (let i = 0; i < 40; i++) y = grad(total(y), x, null, { createGraph: true })[0] as Tensor;
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

import { describe, expect, test } from 'vitest';
import { autograd, ones, type Tensor } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

describe('hooks of tensors', () => {
  test('need a tensor that requires a gradient', () => {
    refused(() => ones([3]).registerHook((g: Tensor) => g), 'AutogradError');
  });

  test('may replace the gradient', () => {
    const x = leaf(2);
    const y = x.mul(2);
    y.registerHook((g: Tensor) => g.mul(10));
    total(y).backward();
    expect(values(x.grad)).toEqual([20, 20]);
  });

  test('of a leaf change what is accumulated', () => {
    const x = leaf(2);
    x.registerHook((g: Tensor) => g.mul(3));
    total(x.mul(2)).backward();
    expect(values(x.grad)).toEqual([6, 6]);
  });

  test('run in the order in which they were registered, each on what the one before returned', () => {
    const seen: unknown[] = [];
    const x = leaf(1);
    const y = x.mul(2);
    y.registerHook((g: Tensor) => {
      seen.push(values(g));
      return g.mul(10);
    });
    y.registerHook((g: Tensor) => {
      seen.push(values(g));
    });
    total(y).backward();
    expect(seen).toEqual([[1], [10]]);
  });

  test('run once, on the sum of what arrives', () => {
    const seen: unknown[] = [];
    const x = leaf(1);
    const y = x.mul(2);
    y.registerHook((g: Tensor) => void seen.push(values(g)));
    total(y.mul(3).add(y.mul(4))).backward();
    expect(seen).toEqual([[7]]);
  });

  test('removed, do not run', () => {
    const seen: number[] = [];
    const x = leaf(2);
    const handle = x.registerHook(() => void seen.push(1));
    handle.remove();
    handle.remove();
    total(x).backward();
    expect(seen).toEqual([]);
  });

  test('returning another shape is refused', () => {
    const y = leaf(3).mul(2);
    y.registerHook((g: Tensor) => g.sum());
    refused(() => total(y).backward(), 'AutogradError', /shape/);
  });

  test('returning no tensor is refused', () => {
    const y = leaf(3).mul(2);
    y.registerHook(() => 1 as never);
    refused(() => total(y).backward(), 'AutogradError', /tensor/);
  });

  test('retainGrad sees what hooks made of the gradient', () => {
    const x = leaf(2);
    const y = x.mul(2);
    y.retainGrad();
    y.registerHook((g: Tensor) => g.mul(10));
    total(y).backward();
    expect([values(y.grad), values(x.grad)]).toEqual([
      [10, 10],
      [20, 20],
    ]);
  });

  test('run for grad() as well', () => {
    const x = leaf(2);
    const y = x.mul(2);
    y.registerHook((g: Tensor) => g.mul(10));
    expect(autograd.grad(total(y), x).map(values)).toEqual([[20, 20]]);
    const z = x.mul(2);
    z.registerHook((g: Tensor) => g.mul(5));
    expect(autograd.grad(total(z), z).map(values)).toEqual([[5, 5]]);
  });

  test('are recorded with createGraph', () => {
    const x = leaf(2);
    const y = x.mul(2);
    y.registerHook((g: Tensor) => g.mul(x));
    const [g] = autograd.grad(total(y), x, null, { createGraph: true });
    expect(autograd.grad(total(g as never), x).map(values)).toEqual([[2, 2]]);
  });

  test('keep a gradient that they hold on to as it was', () => {
    const held: unknown[] = [];
    const x = leaf(2);
    const y = x.mul(2);
    y.registerHook((g: Tensor) => void held.push(g));
    total(y.mul(1)).backward();
    total(x.mul(3)).backward();
    expect(held.map((g) => values(g as never))).toEqual([[1, 1]]);
  });
});

describe('hooks after accumulation', () => {
  test('need a leaf', () => {
    refused(
      () =>
        leaf(3)
          .mul(2)
          .registerPostAccumulateGradHook(() => {}),
      'AutogradError',
      /leaf/,
    );
    refused(() => ones([3]).registerPostAccumulateGradHook(() => {}), 'AutogradError');
  });

  test('see the accumulated gradient', () => {
    const x = leaf(2);
    const seen: unknown[] = [];
    x.registerPostAccumulateGradHook((p) => void seen.push(values(p.grad)));
    total(x.mul(2)).backward();
    total(x.mul(2)).backward();
    expect(seen).toEqual([
      [2, 2],
      [4, 4],
    ]);
  });

  test('returning anything is refused', () => {
    const x = leaf(3);
    x.registerPostAccumulateGradHook((() => 1) as never);
    refused(() => total(x).backward(), 'AutogradError', /return/);
  });

  test('removed, do not run', () => {
    const x = leaf(2);
    const seen: number[] = [];
    x.registerPostAccumulateGradHook(() => void seen.push(1)).remove();
    total(x).backward();
    expect(seen).toEqual([]);
  });
});

test('the order of hooks: tensor, before the node, after the node, leaf, after accumulation', () => {
  const order: unknown[] = [];
  const x = leaf(2);
  const y = x.mul(2);
  y.retainGrad();
  x.registerHook(() => void order.push('x tensor hook'));
  y.registerHook(() => void order.push(['y tensor hook', y.grad === null]));
  y.gradFn?.registerPrehook(() => void order.push(['y node prehook', y.grad === null]));
  y.gradFn?.registerHook(() => void order.push('y node posthook'));
  x.registerPostAccumulateGradHook((p) => void order.push(['x post acc', p.grad !== null]));
  total(y).backward();
  expect(order).toEqual([['y tensor hook', true], ['y node prehook', false], 'y node posthook', 'x tensor hook', ['x post acc', true]]);
});

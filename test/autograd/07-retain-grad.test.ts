/** Gradients of results, kept on request. */
import { autograd, ones, type Tensor, tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';
import { collected } from './garbage.ts';

describe('retainGrad', () => {
  test('test_retain_grad: may be called twice, adds up over passes, and does nothing on a leaf', () => {
    const x = ones([1, 3], { dtype: 'float64', requiresGrad: true });
    const h = x.mul(3);
    const out = h.mul(h).sum();
    h.retainGrad();
    h.retainGrad();
    out.backward(null, { retainGraph: true });
    expect(values(h.grad)).toEqual([[6, 6, 6]]);
    const first = h.grad;
    out.backward(null, { retainGraph: true });
    expect(values(h.grad)).toEqual([[12, 12, 12]]);
    out.backward();
    expect([values(h.grad), values(first)]).toEqual([[[18, 18, 18]], [[6, 6, 6]]]);
    x.retainGrad();
    x.retainGrad();
    expect([x.retainsGrad, h.retainsGrad]).toEqual([false, true]);
    expect(values(x.grad)).toEqual([[54, 54, 54]]);
  });

  test('test_retain_grad_inplace: after a write the gradient is that of the value after it, also where the write goes through a view', () => {
    const a = tensor([1], { dtype: 'float64', requiresGrad: true });
    const b = a.clone();
    b.retainGrad();
    b.mul_(2);
    b.sum().backward();
    expect([values(b.grad), values(a.grad)]).toEqual([[1], [2]]);

    const c = tensor([1, 1], { dtype: 'float64', requiresGrad: true }).clone();
    c.retainGrad();
    c.narrow(0, 0, 1).mul_(5);
    c.mul(tensor([2, 3], { dtype: 'float64' }))
      .sum()
      .backward();
    expect([c.gradFn?.name, values(c.grad)]).toEqual(['CopySlices', [2, 3]]);

    const d = tensor([1], { dtype: 'float64', requiresGrad: true }).clone();
    d.mul_(2);
    d.retainGrad();
    d.mul_(3);
    d.retainGrad();
    d.mul_(4);
    d.sum().backward();
    expect(values(d.grad)).toEqual([1]);
  });

  test('test_retains_grad_inplace_multiple_outputs: each result of several has its own, written or not', () => {
    class TwoAndThree extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): [Tensor, Tensor] {
        return [x.mul(2), x.mul(3)];
      }
      static backward(_context: autograd.FunctionContext, g2: Tensor, g3: Tensor) {
        return [g2.mul(2).add(g3.mul(3))];
      }
    }
    const a = ones([2], { dtype: 'float64', requiresGrad: true });
    const [two, three] = TwoAndThree.apply(a.clone());
    two.retainGrad();
    three.retainGrad();
    three.mul_(2);
    two.add(three.mul(5)).sum().backward();
    expect([values(two.grad), values(three.grad), values(a.grad)]).toEqual([
      [1, 1],
      [5, 5],
      [32, 32],
    ]);
  });

  test('test_retain_grad_inplace_over_view: both views of a base that one of them writes have the gradient of the new values', () => {
    const base = tensor([1, 1], { dtype: 'float64', requiresGrad: true }).clone();
    const view = base.view([2]);
    const other = base.view([2]);
    view.retainGrad();
    other.retainGrad();
    view.mul_(2);
    view.add(other.mul(3)).sum().backward();
    expect([values(view.grad), values(other.grad)]).toEqual([
      [1, 1],
      [3, 3],
    ]);
  });

  test('test_retain_grad_cycle: does not keep the tensor alive, and the graph stays right', async () => {
    const x = ones([5], { dtype: 'float64', requiresGrad: true });
    const [z, reference] = (() => {
      const y = x.mul(2);
      y.retainGrad();
      return [y.div(2), new WeakRef(y)] as const;
    })();
    expect(await collected(reference)).toBe(true);
    z.sum().backward();
    expect(values(x.grad)).toEqual([1, 1, 1, 1, 1]);
  });

  test('behaviour retain_grad_no_rg: refused for a tensor without a gradient', () => {
    refused(() => ones([3]).retainGrad(), 'AutogradError', /does not require a gradient/);
  });

  test('behaviour retain_grad_leaf: a leaf says that it does not, since it has its gradient anyway', () => {
    const x = leaf(3);
    x.retainGrad();
    expect(x.retainsGrad).toBe(false);
  });

  test('behaviour retain_grad_nonleaf: true, and the gradient', () => {
    const y = leaf(3).mul(2);
    y.retainGrad();
    const retains = y.retainsGrad;
    total(y).backward();
    expect([retains, values(y.grad)]).toEqual([true, [1, 1, 1]]);
  });

  test('what is retained stays as it is, whatever flows on', () => {
    const x = leaf(2);
    const y = x.mul(2);
    const z = y.add(0);
    y.retainGrad();
    z.retainGrad();
    total(z).backward();
    autograd.noGrad(() => (x.grad as Tensor).mul_(100));
    total(x.mul(3)).backward();
    expect([values(y.grad), values(z.grad)]).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  test('with createGraph the retained gradient can be differentiated', () => {
    const x = tensor([3], { dtype: 'float64', requiresGrad: true });
    const y = x.mul(1);
    y.retainGrad();
    y.pow(3).sum().backward(null, { createGraph: true });
    const [second] = autograd.grad((y.grad as Tensor).sum(), x);
    expect(values(second)).toEqual([18]);
  });

  test('works together with inputs, which reach as far as they must', () => {
    const x = leaf(2);
    const y = x.mul(2);
    const z = y.mul(3);
    y.retainGrad();
    total(z).backward(null, { inputs: z, retainGraph: true });
    expect(y.grad).toBe(null);
    total(z).backward(null, { inputs: x });
    expect(values(y.grad)).toEqual([3, 3]);
  });
});

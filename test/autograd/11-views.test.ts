import { describe, expect, test } from 'vitest';
import {
  arange,
  asStrided,
  autograd,
  inferenceMode,
  noGrad,
  ones,
  relu,
  setGradEnabled,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.ts';
import { leaf, refused, total, values } from '../engine/support.ts';

const { grad, gradcheck, gradgradcheck } = autograd;
const row = (...elements: number[]): Tensor => tensor(elements, { dtype: 'float64', requiresGrad: true });
const matrix = (): Tensor => leaf(2, 2);
const weights = (): Tensor =>
  tensor(
    [
      [2, 3],
      [5, 7],
    ],
    { dtype: 'float64', requiresGrad: true },
  );

describe('writes through views', () => {
  test('test_copy_slices_graph_task_updates: what is not asked for does not run behind such a write, and errors come out', () => {
    const ran: string[] = [];
    class Loud extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
        return x.mul(2);
      }
      static backward(_context: autograd.FunctionContext, g: Tensor): Tensor {
        ran.push('loud');
        return g.mul(2);
      }
    }
    class Failing extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
        return x.mul(2);
      }
      static backward(): Tensor {
        throw new RangeError('from the backward of a value');
      }
    }
    const x = row(1, 2, 3);
    const v = row(4);
    const y = x.mul(1);
    y.narrow(0, 0, 1).copy_(Loud.apply(v));
    expect(values(grad(total(y.mul(y)), x, null, { retainGraph: true })[0])).toEqual([0, 4, 6]);
    expect(ran).toEqual([]);
    expect(values(grad(total(y.mul(y)), v, null, { retainGraph: true })[0])).toEqual([32]);
    expect(ran).toEqual(['loud']);
    const z = x.mul(1);
    z.narrow(0, 0, 1).copy_(Failing.apply(v));
    expect(() => total(z).backward(null, { retainGraph: true })).toThrow(RangeError);
    expect(values(grad(total(z), x)[0])).toEqual([0, 1, 1]);
  });

  test('test_inplace_on_view_leaf_errors: a view of a leaf cannot be written where gradients are recorded', () => {
    const x = zeros([1], { requiresGrad: true });
    const y = x.viewAs(x);
    refused(() => y.add_(1), 'InPlaceError', /a view of a tensor of shape \[1\] and dtype float32 \(a leaf\).*noGrad/);
    expect([values(x), x.version]).toEqual([[0], 0]);
  });

  test('test_inplace_on_view_saved_output: an operator that saves its result may be written into a view', () => {
    const root = row(0, 1, 2);
    const copy = root.clone();
    copy.narrow(0, 1, 2).exp_();
    total(copy).backward();
    expect((values(root.grad) as number[]).map((g) => g.toFixed(6))).toEqual([1, Math.E, Math.E ** 2].map((g) => g.toFixed(6)));
  });

  test('test_inplace_on_view_backward: second derivatives pass through such writes', () => {
    const x = tensor(
      [
        [1, -2],
        [3, -4],
      ],
      { dtype: 'float64', requiresGrad: true },
    );
    const f = (input: Tensor): Tensor => {
      const y = input.mul(1);
      y.select(0, 0).relu_();
      y.narrow(1, 0, 1).pow_(3);
      return total(y.mul(y));
    };
    const [g] = grad(f(x), x, null, { createGraph: true });
    expect(values(g)).toEqual([
      [6, 0],
      [6 * 243, -8],
    ]);
    expect(values(grad(total(g as Tensor), x)[0])).toEqual([
      [30, 0],
      [30 * 81, 2],
    ]);
    expect(
      gradgradcheck(f, [
        tensor(
          [
            [0.5, -0.7],
            [0.9, 1.3],
          ],
          { dtype: 'float64', requiresGrad: true },
        ),
      ]),
    ).toBe(true);
    expect(values(relu(x))).toEqual([
      [1, 0],
      [3, 0],
    ]);
  });

  test('test_inplace_on_view_weak_grad_fn: what a write recorded outlives the view', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    const made = ((): unknown => {
      const view = y.narrow(0, 0, 1);
      view.mul_(7);
      return view.gradFn;
    })();
    expect(String(made)).toBe('<AsStridedBackward>');
    total(y).backward();
    expect(values(x.grad)).toEqual([7, 1]);
  });

  test('test_inplace_on_view_backprop_base: the base has the gradient of the write', () => {
    const root = matrix();
    const x = root.clone();
    x.narrow(0, 0, 1).mul_(2);
    total(x).backward();
    expect(values(root.grad)).toEqual([
      [2, 2],
      [1, 1],
    ]);
  });

  test('test_inplace_on_view_backprop_view_of_view: another view of the same elements sees the write', () => {
    const root = matrix();
    const x = root.clone();
    const a = x.narrow(0, 0, 1);
    const b = x.narrow(0, 0, 1);
    a.mul_(2);
    total(b).backward();
    expect(values(root.grad)).toEqual([
      [2, 2],
      [0, 0],
    ]);
  });

  test('test_inplace_on_view_of_view: a write through a view of a view', () => {
    const root = matrix();
    const x = root.clone();
    x.narrow(0, 0, 1).narrow(1, 1, 1).mul_(2);
    total(x).backward();
    expect(values(root.grad)).toEqual([
      [1, 2],
      [1, 1],
    ]);
  });

  test('test_inplace_on_view_then_no_grad: asking for the history under noGrad does not spoil it', () => {
    const a = matrix();
    const b = a.mul(2).narrow(0, 1, 1);
    b.mul_(2);
    noGrad(() => expect(b.gradFn?.name).toBe('AsStridedBackward'));
    total(b).backward();
    expect(values(a.grad)).toEqual([
      [0, 0],
      [4, 4],
    ]);
  });

  test('test_inplace_on_view_gradcheck: two writes into overlapping views, first and second derivatives', () => {
    const f = (root: Tensor, b: Tensor): Tensor => {
      const x = root.clone();
      x.narrow(1, 0, 2).narrow(0, 0, 2).mul_(b);
      x.narrow(1, 0, 2).narrow(0, 1, 2).mul_(b);
      return x;
    };
    const a = arange(16, { dtype: 'float64' }).div(7).add(0.1).reshape(4, 4).requiresGrad_() as Tensor;
    const b = tensor(
      [
        [0.3, 0.9],
        [-0.4, 1.2],
      ],
      { dtype: 'float64', requiresGrad: true },
    );
    expect(gradcheck(f, [a, b])).toBe(true);
    expect(gradgradcheck(f, [a, b])).toBe(true);
  });

  test('test_inplace_on_view_makes_base_require_grad: a constant base takes part from the write on', () => {
    const a = ones([4, 4], { dtype: 'float64' });
    const b = weights();
    const f = (root: Tensor, factor: Tensor): Tensor => {
      const x = root.clone();
      expect(x.requiresGrad).toBe(false);
      x.narrow(1, 2, 2).narrow(0, 1, 2).mul_(factor);
      return x;
    };
    expect(f(a, b).requiresGrad).toBe(true);
    expect(gradcheck((factor: Tensor) => f(a, factor), [b])).toBe(true);
    expect(gradgradcheck((factor: Tensor) => f(a, factor), [b])).toBe(true);
  });

  test('test_inplace_on_view_backprop_view: the gradient of the view goes to what was written', () => {
    const a = tensor([2, 5], { dtype: 'float64' });
    const b = row(3);
    const written = a.narrow(0, 1, 1).mul_(b);
    total(written).backward();
    expect([values(b.grad), a.grad]).toEqual([[5], null]);
  });

  test('test_inplace_on_view_modify_base: a write into a base reaches the views taken before', () => {
    const r = leaf(1);
    const f = (factor: Tensor): Tensor => {
      const x = ones([5], { dtype: 'float64' });
      const view = x.select(0, 1);
      expect([view.requiresGrad, view.gradFn]).toEqual([false, null]);
      x.add_(factor);
      return view;
    };
    expect(f(r).requiresGrad).toBe(true);
    expect(gradcheck(f, [r])).toBe(true);
    expect(gradgradcheck(f, [r])).toBe(true);
  });

  test('test_inplace_on_view_non_contig: a leaf in another order in memory', () => {
    const root = ones([2, 3, 2], { dtype: 'float64' }).select(2, 1).t().requiresGrad_();
    const x = root.clone();
    x.narrow(0, 0, 1).narrow(1, 1, 1).mul_(2);
    total(x).backward();
    expect(values(root.grad)).toEqual([
      [1, 2],
      [1, 1],
      [1, 1],
    ]);
  });

  test('asStrided views are written and followed like others', () => {
    const x = arange(6, { dtype: 'float64' }).requiresGrad_() as Tensor;
    const y = x.mul(1);
    const view = asStrided(y, [2, 2], [3, 1], 1);
    view.select(0, 1).mul_(5);
    expect([y.gradFn?.name, view.gradFn?.name]).toEqual(['CopySlices', 'AsStridedBackward']);
    total(view).backward();
    expect(values(x.grad)).toEqual([0, 1, 1, 0, 5, 5]);
  });
});

describe('several views from one operator', () => {
  test('test_inplace_on_view_multiple_outputs: results of unbind cannot be written', () => {
    const root = arange(9, { dtype: 'float64' }).reshape(3, 3).requiresGrad_() as Tensor;
    const [v1] = root.clone().unbind() as [Tensor];
    refused(() => v1.mul_(2), 'InPlaceError', /one of several views that one operator returned/);
  });

  test('test_inplace_on_view_of_multiple_output_view: nor views of them', () => {
    const [b] = row(1, 2).clone().unbind(0) as [Tensor];
    refused(() => b.viewAs(b).mul_(2), 'InPlaceError', /several views/);
  });

  test('test_inplace_multiple_output_view_of_view: nor where what they were taken of is a view', () => {
    const a = matrix().clone();
    const [c] = a.viewAs(a).unbind(0) as [Tensor];
    refused(() => c.mul_(2), 'InPlaceError', /several views/);
  });

  test('test_inplace_on_view_multi_output_safe: split, splitWithSizes and chunk refuse it', () => {
    for (const cut of [(x: Tensor) => x.split(1), (x: Tensor) => x.splitWithSizes([1, 1]), (x: Tensor) => x.chunk(2)]) {
      const b = matrix().mul(1);
      const [part] = cut(b) as [Tensor];
      refused(() => part.mul_(2), 'InPlaceError', /several views/);
      expect(b.version).toBe(0);
    }
  });

  test('test_inplace_on_view_multi_output_unsafe: unsafeSplit and unsafeChunk allow it', () => {
    for (const cut of [(x: Tensor) => x.unsafeSplit(1), (x: Tensor) => x.unsafeChunk(2)]) {
      const a = matrix();
      const [first, second] = cut(a.mul(1)) as [Tensor, Tensor];
      first.mul_(3);
      total(first.add(second)).backward();
      expect(values(a.grad)).toEqual([
        [3, 3],
        [1, 1],
      ]);
    }
  });

  test('after a write into their base they have its history, which PyTorch refuses', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    const [first] = y.unbind(0) as [Tensor];
    y.mul_(5);
    first.backward();
    expect(values(x.grad)).toEqual([5, 0]);
  });
});

describe('how a view was made', () => {
  test('test_autograd_views_codegen: which writes are allowed, by mode, by whether a gradient is required, and by how many views there are', () => {
    const cases: [boolean, boolean, RegExp | null, RegExp | null][] = [
      [true, false, null, null],
      [true, true, null, /one of several views/],
      [false, true, /a view made inside noGrad/, /a view made inside noGrad/],
      [false, false, null, null],
    ];
    for (const [gradMode, requiresGrad, one, several] of cases) {
      const made = (): Tensor => ones([2], { dtype: 'float64', requiresGrad }).clone();
      const attempt = (view: Tensor, error: RegExp | null): void => {
        if (error === null) view.add_(1);
        else refused(() => view.add_(1), 'InPlaceError', error);
        expect(view.version).toBe(error === null ? 1 : 0);
      };
      const base = made();
      attempt(
        setGradEnabled(gradMode, () => base.viewAs(base)),
        one,
      );
      for (const i of [0, 1]) {
        const parts = made();
        attempt(setGradEnabled(gradMode, () => parts.unbind())[i] as Tensor, several);
      }
    }
  });

  test('test_autograd_inplace_views_creation_meta: views that are transposed and so on in place keep how they were made', () => {
    const functions: ((x: Tensor) => unknown)[] = [
      (x) => x.transpose_(0, 0),
      (x) => x.t_(),
      (x) => x.squeeze_(0),
      (x) => x.unsqueeze_(0),
      (x) => x.swapdims_(0, 0),
      (x) => x.swapaxes_(0, 0),
    ];
    class ViewOf extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
        return x.viewAs(x);
      }
      static backward(_context: autograd.FunctionContext, g: Tensor): Tensor {
        return g;
      }
    }
    const views: [string, (x: Tensor) => Tensor, RegExp | null][] = [
      ['normal', (x) => x.viewAs(x), null],
      ['several', (x) => x.unbind()[0] as Tensor, /one of several views/],
      ['custom', (x) => ViewOf.apply(x), /custom function/],
    ];
    for (const change of functions)
      for (const [kind, view, reason] of views)
        for (const gradModeOfView of [true, false])
          for (const gradModeOfChange of [true, false])
            for (const requiresGrad of [true, false]) {
              const base = ones([2, 3], { dtype: 'float64', requiresGrad }).clone();
              const input = setGradEnabled(gradModeOfView, () => view(base));
              const error = !requiresGrad ? null : gradModeOfView ? reason : /noGrad/;
              const label = `${change} ${kind} ${gradModeOfView} ${gradModeOfChange} ${requiresGrad}`;
              if (gradModeOfChange && error !== null) {
                expect(() => setGradEnabled(gradModeOfChange, () => change(input)), label).toThrow(error);
                continue;
              }
              setGradEnabled(gradModeOfChange, () => change(input));
              if (error !== null) expect(() => input.add_(1), label).toThrow(error);
              else input.add_(1);
            }
  });

  test('test_autograd_inplace_view_of_view: a view of a view that was made in another mode cannot be written', () => {
    const x = zeros([2], { dtype: 'float64' });
    const y = noGrad(() => x.view(2));
    y.requiresGrad_();
    refused(() => y.view(2).div_(2), 'InPlaceError', /a view made inside noGrad/);
    const u = zeros([2], { dtype: 'float64' });
    const v = inferenceMode(() => u.view(2));
    v.requiresGrad_();
    refused(() => v.view(2).div_(2), 'InPlaceError', /a view made inside inferenceMode/);
  });

  test('test_autograd_print_tensor: a tensor shows whether it requires a gradient, what made it, and when that cannot be said', () => {
    const a = ones([1], { requiresGrad: true });
    expect(String(a)).toBe('tensor([1.], requiresGrad=true)');
    expect(String(a.clone())).toBe('tensor([1.], gradFn=<CloneBackward>)');
    const b = noGrad(() => a.viewAs(a));
    noGrad(() => b.mul_(2));
    expect(String(b)).toBe('tensor([2.], gradFn=<Invalid>)');
    refused(() => b.mul(2), 'InPlaceError', /changed in place, last by mul_.*a view made inside noGrad/);
    class Same extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
        return x;
      }
      static backward(_context: autograd.FunctionContext, g: Tensor): Tensor {
        return g;
      }
    }
    expect(String(Same.apply(a))).toBe('tensor([2.], gradFn=<SameBackward>)');
  });

  test('a view of a constant made and written under noGrad goes on as before', () => {
    const x = ones([3], { dtype: 'float64' });
    const view = noGrad(() => x.narrow(0, 0, 2));
    noGrad(() => view.add_(1));
    expect([values(view.mul(2)), view.requiresGrad]).toEqual([[4, 4], false]);
    view.add_(1);
    expect(values(x)).toEqual([3, 3, 1]);
    refused(() => view.add_(leaf(2)), 'InPlaceError', /a view made inside noGrad/);
  });

  test('a view made under noGrad requires no gradient', () => {
    const x = row(1, 2);
    const view = noGrad(() => x.narrow(0, 0, 1));
    expect([view.requiresGrad, view.isLeaf, view.mul(2).requiresGrad]).toEqual([false, true, false]);
  });
});

describe('views and writes in place of shapes', () => {
  test('what is transposed in place under noGrad keeps its history, with the new shape', () => {
    const x = leaf(2, 3);
    const y = x.mul(2);
    noGrad(() => y.transpose_(0, 1));
    total(y.mul(arange(6, { dtype: 'float64' }).reshape(3, 2))).backward();
    expect(values(x.grad)).toEqual([
      [0, 4, 8],
      [2, 6, 10],
    ]);
  });

  test('a leaf that is transposed in place under noGrad gets gradients of its new shape', () => {
    const x = leaf(2, 3);
    total(x).backward();
    x.grad = null;
    refused(() => x.transpose_(0, 1), 'InPlaceError', /leaf/);
    noGrad(() => x.transpose_(0, 1));
    total(x.mul(3)).backward();
    expect([x.requiresGrad, x.isLeaf, x.shape, (x.grad as Tensor | null)?.shape]).toEqual([true, true, [3, 2], [3, 2]]);
    refused(() => leaf(2, 3).narrow(0, 0, 1).t_(), 'InPlaceError', /leaf/);
  });
});

describe('recorded behaviours', () => {
  test('behaviour view_multi_output_inplace (unbind): refused', () => {
    const [a] = leaf(3).mul(1).unbind(0) as [Tensor];
    refused(() => a.add_(1), 'InPlaceError', /several views/);
  });
  test('behaviour view_multi_output_inplace (split): refused', () => {
    const [a] = leaf(4).mul(1).split(2) as [Tensor];
    refused(() => a.add_(1), 'InPlaceError', /several views/);
  });
  test('behaviour view_created_in_no_grad then inplace in grad mode: refused', () => {
    const x = leaf(3).mul(1);
    const v = noGrad(() => x.narrow(0, 0, 1));
    refused(() => v.add_(1), 'InPlaceError', /a view made inside noGrad/);
    expect(x.version).toBe(0);
  });
  test('behaviour view of leaf created in no_grad then inplace: refused', () => {
    const x = leaf(3);
    const v = noGrad(() => x.narrow(0, 0, 1));
    refused(() => v.add_(1), 'InPlaceError', /leaf/);
  });
  test('behaviour base modified -> view grad_fn regenerated: the view has a new history', () => {
    const x = leaf(3);
    const y = x.mul(1);
    const v = y.narrow(0, 0, 2);
    expect(v.gradFn?.name).toBe('SliceBackward');
    y.mul_(2);
    expect(v.gradFn?.name).toBe('AsStridedBackward');
    total(v).backward();
    expect(values(x.grad)).toEqual([2, 2, 0]);
  });
  test('behaviour view modified -> base CopySlices: the base has a new history', () => {
    const x = leaf(3);
    const y = x.mul(1);
    const v = y.narrow(0, 0, 2);
    v.mul_(2);
    expect([y.gradFn?.name, v.gradFn?.name, v.version, y.version]).toEqual(['CopySlices', 'AsStridedBackward', 1, 1]);
    total(y).backward();
    expect(values(x.grad)).toEqual([2, 2, 1]);
  });
});

/** Custom functions that return arguments, write into them, or return views. */
import { autograd, InPlaceError, noGrad, ones, randn, type Tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';

type Context = autograd.FunctionContext;
const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });

/** Multiplies by three, in place. */
class Triple extends autograd.Function {
  static forward(context: Context, a: Tensor) {
    context.markDirty(a);
    a.mul_(3);
    return a;
  }
  static backward(_context: Context, g: Tensor) {
    return g.mul(3);
  }
}

describe('arguments that are written', () => {
  test('test_return_leaf_inplace: one that required no gradient is the result itself, and requires one', () => {
    class Add extends autograd.Function {
      static forward(context: Context, a: Tensor, b: Tensor) {
        context.markDirty(a);
        return a.add_(b).add_(2);
      }
      static backward(_context: Context, g: Tensor): [Tensor, Tensor] {
        return [g, g.mul(1)];
      }
    }
    const x = ones([5, 5], { dtype: 'float64' });
    const y = random(5, 5);
    const q = Add.apply(x, y);
    expect(q === x).toBe(true);
    expect([q.requiresGrad, q.isLeaf, q.gradFn?.name]).toEqual([true, false, 'AddBackward']);
    total(q).backward();
    expect(values(y.grad)).toEqual(values(ones([5, 5])));
  });

  test('behaviour Function returns input marked dirty (leaf): is refused', () => {
    refused(() => Triple.apply(leaf(3)), 'InPlaceError', /Triple: the target, .* requires a gradient/);
  });

  test('behaviour Function mark_dirty non-leaf: the same tensor comes back, with a new history and two more versions', () => {
    const x = leaf(3);
    const y = x.mul(1);
    const z = Triple.apply(y);
    total(z).backward();
    expect([z === y, values(x.grad), y.version]).toEqual([true, [3, 3, 3], 2]);
  });

  test('behaviour Function mark_dirty not returned: is refused', () => {
    class Lost extends Triple {
      static override forward(context: Context, a: Tensor) {
        return Triple.forward(context, a).clone();
      }
    }
    refused(() => Lost.apply(leaf(3).mul(1)), 'AutogradError', /dirty and did not return it/);
  });

  test('behaviour Function mark_dirty view: the base gets the history', () => {
    const x = leaf(3);
    const base = x.mul(1);
    const y = base.narrow(0, 0, 2);
    const z = Triple.apply(y);
    expect(z === y).toBe(true);
    expect(values(base)).toEqual([3, 3, 1]);
    total(base).backward();
    expect(values(x.grad)).toEqual([3, 3, 1]);
  });

  test('a view and several results are refused, since the base can have one history only', () => {
    class Two extends autograd.Function {
      static forward(context: Context, a: Tensor): [Tensor, Tensor] {
        context.markDirty(a);
        return [a.mul_(3), a.mul(2)];
      }
      static backward(_context: Context, g: Tensor, h: Tensor) {
        return g.mul(3).add(h.mul(6));
      }
    }
    refused(() => Two.apply(leaf(3).mul(1).narrow(0, 0, 2)), 'InPlaceError', /view.*returns 2 results/);
    const y = leaf(3).mul(1);
    const [a, b] = Two.apply(y);
    expect(a === y).toBe(true);
    expect([a.requiresGrad, b.requiresGrad]).toEqual([true, true]);
  });

  test('test_custom_function_mark_dirty_not_differentiable: they come back as they are, differentiable or not', () => {
    class Zero extends autograd.Function {
      static forward(context: Context, a: Tensor) {
        context.markDirty(a);
        context.markNonDifferentiable(a);
        return a.zero_();
      }
      static jvp(_context: Context, _t: Tensor) {
        return null;
      }
    }
    for (const x of [ones([2], { dtype: 'float64' }), ones([2], { dtype: 'int64' })]) {
      const y = Zero.apply(x);
      expect([y === x, y.requiresGrad, values(y)]).toEqual([true, false, [0, 0]]);
    }
    const tracked = leaf(2).mul(1);
    expect(Zero.apply(tracked) === tracked).toBe(true);
    expect(values(tracked)).toEqual([0, 0]);
  });

  test('test_inplace_on_view_undefined_grad_output: no gradient for the other argument is fine', () => {
    class InplaceOps extends autograd.Function {
      static forward(context: Context, x: Tensor, other: Tensor): [Tensor, Tensor] {
        context.markDirty(x);
        return [x.mul_(2), other.mul(3)];
      }
      static backward(_context: Context, g: Tensor): [Tensor, null] {
        return [g.mul(2), null];
      }
    }
    const x = leaf(2);
    const other = leaf(2);
    const [y] = InplaceOps.apply(x.mul(1), other);
    total(y).backward();
    expect([values(x.grad), other.grad]).toEqual([[2, 2], null]);
    class OnView extends Triple {
      static override backward(_context: Context, g: Tensor) {
        return g.mul(3);
      }
    }
    const base = leaf(4);
    const copy = base.mul(1);
    OnView.apply(copy.narrow(0, 0, 2));
    total(copy.narrow(0, 2, 2)).backward();
    expect(values(base.grad)).toEqual([0, 0, 1, 1]);
  });

  test('a result that forward saved and then wrote is the written one', () => {
    class Exp extends autograd.Function {
      static forward(context: Context, x: Tensor) {
        context.saveForBackward(x);
        context.markDirty(x);
        return x.exp_();
      }
      static backward(context: Context, g: Tensor) {
        return g.mul(context.savedTensors[0] as Tensor);
      }
    }
    const x = random(3);
    expect(autograd.gradcheck((a) => Exp.apply((a as Tensor).mul(1)), [x])).toBe(true);
    expect(autograd.gradgradcheck((a) => Exp.apply((a as Tensor).mul(1)), [x])).toBe(true);
  });
});

describe('the same tensor twice', () => {
  class Duplicate extends autograd.Function {
    static forward(_context: Context, x: Tensor): [Tensor, Tensor] {
      const output = x.mul(2);
      return [output, output];
    }
    static backward(_context: Context, g: Tensor, h: Tensor) {
      return g.mul(2).add(h.mul(2));
    }
  }

  test('test_return_duplicate: stays one, and the gradients add up', () => {
    const fn = (x: Tensor): Tensor => {
      const [a, b] = Duplicate.apply(x);
      expect(a === b).toBe(true);
      return a.add(b);
    };
    expect(autograd.gradcheck(fn as never, [random(5, 5)])).toBe(true);
    expect(autograd.gradgradcheck(fn as never, [random(5, 5)])).toBe(true);
  });

  test('test_return_duplicate_inplace: also where it was written; leaves and views are refused', () => {
    class InPlace extends Duplicate {
      static override forward(context: Context, x: Tensor): [Tensor, Tensor] {
        x.mul_(2);
        context.markDirty(x);
        return [x, x];
      }
    }
    const fn = (x: Tensor): Tensor => {
      const [a, b] = InPlace.apply(x.clone());
      expect(a === b).toBe(true);
      return a.add(b);
    };
    const x = random(5, 5);
    expect(autograd.gradcheck(fn as never, [x])).toBe(true);
    expect(autograd.gradgradcheck(fn as never, [x])).toBe(true);
    refused(() => InPlace.apply(x), 'InPlaceError', /requires a gradient/);
    refused(() => InPlace.apply(x.clone().select(0, 0)), 'InPlaceError', /view/);
  });
});

describe('views', () => {
  test('behaviour Function input returned view inplace (custom fn view): a view that forward made is not written', () => {
    class View extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.view(-1);
      }
      static backward(_context: Context, g: Tensor) {
        return g;
      }
    }
    const x = leaf(3).mul(1);
    const y = View.apply(x);
    expect(y.gradFn?.name).toBe('ViewBackward');
    refused(() => y.add_(1), 'InPlaceError', /view made by a custom function/);
    expect(values(x)).toEqual([1, 1, 1]);
    // Reading it is fine, and goes by the function's derivative.
    expect(values(autograd.grad(total(y.mul(2)), x)[0])).toEqual([2, 2, 2]);
  });

  test('of which several are returned are not written either', () => {
    class Halves extends autograd.Function {
      static forward(_context: Context, x: Tensor): [Tensor, Tensor] {
        return [x.narrow(0, 0, 1), x.narrow(0, 1, 1)];
      }
      static backward(_context: Context, g: Tensor, h: Tensor) {
        return g.add(h).expand(2);
      }
    }
    const [a] = Halves.apply(leaf(2).mul(1));
    refused(() => a.mul_(2), 'InPlaceError', /several views/);
  });

  test('test_custom_function_return_view_in_nograd: inside noGrad they are as an operator would make them', () => {
    class Alias extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.narrow(0, 0, 2);
      }
      static backward(_context: Context, g: Tensor) {
        return g;
      }
    }
    const x = random(2);
    const made = noGrad(() => Alias.apply(x));
    const expected = noGrad(() => x.narrow(0, 0, 2));
    expect(made.requiresGrad).toBe(expected.requiresGrad);
    expect(() => expected.zero_()).toThrow(InPlaceError);
    refused(() => made.zero_(), 'InPlaceError');
  });

  test('test_custom_function_local_inplace: what forward writes into a view of its own does not touch the history', () => {
    class Local extends autograd.Function {
      static forward(_context: Context, x: Tensor, inplace: boolean) {
        const view = x.clone().narrow(0, 0, 3);
        if (inplace) view.add_(2);
        return view;
      }
      static backward(_context: Context, g: Tensor): [Tensor, null] {
        return [g, null];
      }
    }
    const base = randn([4], { dtype: 'float64', requiresGrad: true });
    for (const inplace of [true, false]) {
      const y = Local.apply(base, inplace);
      expect(y.gradFn?.name).toBe('LocalBackward');
    }
  });
});

import { describe, expect, test } from 'vitest';
import { autograd, ones, type Tensor, tensor } from '../../src/index.ts';
import { leaf, refused, total, values } from '../engine/support.ts';

const { gradcheck } = autograd;
type Context = autograd.FunctionContext;
const row = (...elements: number[]): Tensor => tensor(elements, { dtype: 'float64', requiresGrad: true });

describe('custom functions that return views', () => {
  let calls = 0;
  class OneOutput extends autograd.Function {
    static forward(_context: Context, a: Tensor, asView: boolean): Tensor {
      return asView ? a.narrow(0, 0, 2) : a.clone();
    }
    static backward(_context: Context, g: Tensor): [Tensor, null] {
      calls++;
      return [g, null];
    }
  }
  class TwoOutputs extends autograd.Function {
    static forward(_context: Context, a: Tensor, b: Tensor, asView: boolean): [Tensor, Tensor] {
      const first = asView ? a.narrow(0, 0, 2) : a.clone();
      return [first, first.add(b)];
    }
    static backward(_context: Context, first: Tensor, second: Tensor): [Tensor, Tensor, null] {
      calls++;
      return [first.add(second), second, null];
    }
  }
  class ViewOfTemporary extends autograd.Function {
    static forward(context: Context, a: Tensor, asView: boolean): Tensor {
      context.saveForBackward(a);
      return (asView ? a.narrow(0, 0, 2) : a.clone()).clone().select(0, 0);
    }
    static backward(context: Context, g: Tensor): [Tensor, null] {
      calls++;
      const result = context.savedTensors[0]?.mul(0) as Tensor;
      result.select(0, 0).copy_(g);
      return [result, null];
    }
  }
  const one =
    (asView: boolean, inPlace: boolean) =>
    (a: Tensor): Tensor => {
      const y = OneOutput.apply(a.clone(), asView);
      return total(inPlace ? y.add_(3) : y.add(3));
    };
  const two =
    (asView: boolean, inPlace: boolean) =>
    (a: Tensor, b: Tensor): Tensor => {
      const [y, z] = TwoOutputs.apply(a.clone(), b.clone(), asView);
      return total(inPlace ? y.add_(3).mul(z.add_(3)) : y.add(3).mul(z.add(3)));
    };
  const temporary =
    (asView: boolean, inPlace: boolean) =>
    (a: Tensor, b: Tensor): Tensor => {
      const y = ViewOfTemporary.apply(a.add(b), asView);
      return total(inPlace ? y.add_(3) : y.add(3));
    };

  for (const [name, make, several] of [
    ['one result', one, false],
    ['two results', two, true],
    ['a view of a temporary', temporary, false],
  ] as [string, typeof two, boolean][])
    for (const inPlace of [true, false])
      for (const asView of [true, false])
        test(`test_autograd_simple_views_python: ${name}, ${asView ? 'a view' : 'a copy'}, ${inPlace ? 'written in place' : 'used'}`, () => {
          const f = make(asView, inPlace);
          const [a, b] = [leaf(2), leaf(2)];
          calls = 0;
          if (inPlace && (asView || name === 'a view of a temporary')) {
            refused(() => f(a, b), 'InPlaceError', several ? /several views/ : /a view made by a custom function/);
            expect(calls).toBe(0);
            return;
          }
          f(a, b).abs().backward();
          expect(calls).toBe(1);
          expect(gradcheck(f, name === 'one result' ? [a] : [a, b])).toBe(true);
        });

  test('test_autograd_multiple_views_python: a view of a view inside is recorded once, and cannot be written', () => {
    class Select extends autograd.Function {
      static forward(context: Context, a: Tensor, index: number): Tensor {
        context.saveForBackward(a);
        context.index = index;
        a.narrow(0, index, 1);
        return a.select(0, index);
      }
      static backward(context: Context, g: Tensor): [Tensor, null] {
        calls++;
        const result = context.savedTensors[0]?.mul(0) as Tensor;
        result.select(0, context.index as number).copy_(g);
        return [result, null];
      }
    }
    const a = leaf(2);
    calls = 0;
    Select.apply(a.clone(), 1).backward();
    expect([calls, values(a.grad)]).toEqual([1, [0, 1]]);
    const y = Select.apply(a.clone(), 1);
    refused(() => y.add_(1), 'InPlaceError', /a view made by a custom function/);
  });

  test('test_inplace_not_requires_grad: tracked values cannot be written into such views of constants, nor into one of several, but into others', () => {
    class ViewOf extends autograd.Function {
      static forward(_context: Context, x: Tensor): Tensor {
        return x.viewAs(x);
      }
      static backward(_context: Context, g: Tensor): Tensor {
        return g;
      }
    }
    const constant = (): Tensor => ones([1, 2], { dtype: 'float64' });
    const b = leaf(1);
    const view = ViewOf.apply(constant());
    refused(() => view.add_(b), 'InPlaceError', /a view made by a custom function/);
    refused(() => ViewOf.apply(constant()).copy_(b), 'InPlaceError', /a view made by a custom function/);
    refused(() => (constant().unbind()[0] as Tensor).copy_(b), 'InPlaceError', /several views/);
    const a = constant();
    a.select(1, 0).copy_(b);
    expect([a.requiresGrad, values(a)]).toEqual([true, [[1, 1]]]);
  });
});

describe('custom functions that write in place', () => {
  let calls = 0;
  class Add extends autograd.Function {
    static forward(context: Context, a: Tensor, b: Tensor): Tensor {
      a.add_(b);
      context.markDirty(a);
      return a;
    }
    static backward(_context: Context, g: Tensor): [Tensor, Tensor] {
      calls++;
      return [g, g];
    }
  }
  class AddAndSum extends autograd.Function {
    static forward(context: Context, a: Tensor, b: Tensor): [Tensor, Tensor] {
      a.add_(b);
      context.markDirty(a);
      return [a, a.add(b)];
    }
    static backward(_context: Context, first: Tensor, second: Tensor): [Tensor, Tensor] {
      calls++;
      return [first.add(second), first.add(second.mul(2))];
    }
  }

  test('test_autograd_python_custom_function_inplace: one result, used, written again, and of a view', () => {
    const [a, b] = [leaf(2), leaf(2)];
    calls = 0;
    total(Add.apply(a.clone(), b)).backward();
    expect([calls, values(a.grad), values(b.grad)]).toEqual([1, [1, 1], [1, 1]]);
    total(Add.apply(a.clone(), b).add_(2)).backward();
    expect(calls).toBe(2);
    const base = a.clone();
    total(Add.apply(base.viewAs(base), b)).backward();
    expect([calls, values(base)]).toEqual([3, [2, 2]]);
  });

  test('test_autograd_python_custom_function_inplace: several results, which a view refuses', () => {
    const [a, b] = [leaf(2), leaf(2)];
    calls = 0;
    const [c, d] = AddAndSum.apply(a.clone(), b);
    total(c.mul(d)).backward();
    expect([calls, values(a.grad), values(b.grad)]).toEqual([1, [5, 5], [7, 7]]);
    const [e, f] = AddAndSum.apply(a.clone(), b);
    e.add_(2);
    total(e.mul(f)).backward();
    expect(calls).toBe(2);
    const base = a.clone();
    refused(() => AddAndSum.apply(base.viewAs(base), b), 'InPlaceError', /view/);
  });

  test('test_autograd_python_custom_function_inplace: what is marked must be returned, and a mark on what is no argument has no effect', () => {
    class NotReturned extends autograd.Function {
      static forward(context: Context, a: Tensor, b: Tensor): [Tensor, Tensor] {
        a.add_(b);
        context.markDirty(a);
        return [a.clone(), a.add(b)];
      }
      static backward(_context: Context, first: Tensor, second: Tensor): [Tensor, Tensor] {
        return [first.add(second), first.add(second)];
      }
    }
    class NotAnArgument extends autograd.Function {
      static forward(context: Context, a: Tensor, b: Tensor): Tensor {
        const c = a.mul(3);
        c.add_(b);
        context.markDirty(c);
        return c;
      }
      static backward(_context: Context, g: Tensor): [Tensor, Tensor] {
        return [g.mul(3), g];
      }
    }
    expect(() => NotReturned.apply(leaf(2).mul(1), leaf(2))).toThrow(/NotReturned.*return/);
    const [a, b] = [leaf(2), leaf(2)];
    const y = NotAnArgument.apply(a.mul(1), b);
    total(y).backward();
    expect([values(y), values(a.grad), values(b.grad)]).toEqual([
      [4, 4],
      [3, 3],
      [1, 1],
    ]);
  });

  test('test_inplace_on_view_python: in place on views, against differences', () => {
    class Double extends autograd.Function {
      static forward(context: Context, x: Tensor): Tensor {
        context.markDirty(x);
        return x.mul_(2);
      }
      static backward(_context: Context, g: Tensor): Tensor {
        return g.mul(2);
      }
    }
    const f = (root: Tensor): Tensor => {
      const x = root.clone();
      Double.apply(x.narrow(0, 0, 2).narrow(0, 1, 1));
      Double.apply(x.narrow(0, 1, 2));
      return x;
    };
    const a = row(0.5, 1.5, -2, 3);
    total(f(a)).backward();
    expect(values(a.grad)).toEqual([1, 4, 2, 1]);
    expect(gradcheck(f, [a])).toBe(true);
  });
});

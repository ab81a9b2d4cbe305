/** Custom functions in reverse mode: results without a derivative, and what is checked. */
import { autograd, isGradEnabled, ones, randn, type Tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';
import { type Context, identity, made, random } from './custom.ts';

class Double extends autograd.Function {
  static forward(context: Context, x: Tensor) {
    context.saveForBackward(x);
    return x.mul(2);
  }
  static backward(context: Context, g: Tensor) {
    expect(context.savedTensors).toHaveLength(1);
    return g.mul(2);
  }
}

describe('results without a derivative', () => {
  test('test_mark_non_differentiable: a result of booleans is marked', () => {
    const fn = made(
      (context, x: Tensor) => {
        const output = x.gt(0);
        context.markNonDifferentiable(output);
        return output;
      },
      (_context, g) => g.mul(0),
    );
    const x = random(5);
    const mask = fn.apply(x);
    expect(mask.requiresGrad).toBe(false);
    total(x.maskedFill(mask, 0)).backward();
    expect(values(x.grad)).toEqual((values(mask) as boolean[]).map((on) => (on ? 0 : 1)));
  });

  test('test_mark_non_differentiable_mixed: its gradient is zeros, that of the other arrives', () => {
    const seen: unknown[] = [];
    const fn = made(
      (context, x: Tensor): [Tensor, Tensor] => {
        const [a, b] = [x.add(1), x.add(2)];
        context.markNonDifferentiable(a);
        return [a, b];
      },
      (_context, a, b) => {
        seen.push(values(a), values(b));
        return b;
      },
    );
    const x = leaf(2);
    const [a, b] = fn.apply(x);
    expect([a.requiresGrad, b.requiresGrad]).toEqual([false, true]);
    total(b).backward();
    expect(seen).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(values(x.grad)).toEqual([1, 1]);
  });

  test('test_mark_non_differentiable_none: a function that returns no gradient may stand behind an operator', () => {
    const fn = made(
      (context, x: Tensor) => {
        const out = x.mul(2);
        context.setMaterializeGrads(false);
        return out;
      },
      () => null,
    );
    const x = leaf(2);
    total(fn.apply(x.mul(x))).backward();
    expect(x.grad).toBe(null);
  });

  test('test_dep_nograd: chains of functions with such results', () => {
    const f1 = made(
      (context, x: Tensor): [Tensor, Tensor] => {
        const out = randn(x.shape as number[], { dtype: 'float64' });
        context.markNonDifferentiable(out);
        return [x.mul(1), out];
      },
      (_context, g) => g,
    );
    const f2 = made(
      (_context, x: Tensor, ignored: Tensor) => {
        expect(ignored.requiresGrad).toBe(false);
        return x.mul(1);
      },
      (_context, g) => [g, null],
    );
    const x = leaf(5);
    const [a, b] = f1.apply(x);
    const detached = b.detach();
    expect([b.requiresGrad, detached.requiresGrad]).toEqual([false, false]);
    total(f2.apply(a, b)).backward();
    expect(values(x.grad)).toEqual([1, 1, 1, 1, 1]);
  });

  test('behaviour Function mark_non_differentiable: of an integer result the gradient is zeros', () => {
    const seen: unknown[] = [];
    const fn = made(
      (context, a: Tensor): [Tensor, Tensor] => {
        const { values: sorted, indices } = a.sort();
        context.markNonDifferentiable(indices);
        context.saveForBackward(indices);
        return [sorted, indices];
      },
      (_context, g1, g2) => {
        seen.push(g2.toArray(), g2.dtype);
        return g1;
      },
    );
    const [s, i] = fn.apply(leaf(3));
    total(s).backward();
    expect(i.requiresGrad).toBe(false);
    expect(seen).toEqual([[0, 0, 0], 'int64']);
  });

  test('behaviour Function mark_non_diff float output & requires grad: it does not require one', () => {
    const fn = made((context, a: Tensor) => {
      const b = a.mul(2);
      context.markNonDifferentiable(b);
      return b;
    }, identity);
    expect(fn.apply(leaf(3)).requiresGrad).toBe(false);
  });

  test('behaviour Function set_materialize_grads False: gives null', () => {
    const seen: unknown[] = [];
    const fn = made(
      (context, a: Tensor): [Tensor, Tensor] => {
        context.setMaterializeGrads(false);
        return [a.mul(1), a.mul(2)];
      },
      (_context, g1, g2) => {
        seen.push(g2);
        return g1;
      },
    );
    total(fn.apply(leaf(2))[0]).backward();
    expect(seen).toEqual([null]);
  });
});

describe('what apply checks', () => {
  const double = (_context: Context, a: Tensor): Tensor => a.mul(2);

  test('behaviour Function() call: a function is not instantiated', () => {
    refused(() => new (Double as unknown as new () => unknown)(), 'AutogradError', /Double.apply\(\.\.\.\)/);
  });

  test('behaviour Function no backward: is refused when a gradient arrives', () => {
    refused(() => total(made(double).apply(leaf(3))).backward(), 'AutogradError', /no backward method/);
  });

  test('behaviour Function no backward, no rg input: is fine', () => {
    expect(made(double).apply(ones([3])).requiresGrad).toBe(false);
  });

  test('behaviour Function wrong number of grads: is refused', () => {
    const fn = made(
      (_context, a: Tensor, b: Tensor) => a.mul(b),
      (_context, g) => g,
    );
    refused(() => total(fn.apply(leaf(3), leaf(3))).backward(), 'AutogradError', /returned 1 gradient for 2 arguments/);
  });

  test('behaviour Function extra None grads: are fine', () => {
    const x = leaf(3);
    total(made(double, (_context, g) => [g, null, null]).apply(x)).backward();
    expect(values(x.grad)).toEqual([1, 1, 1]);
  });

  test('behaviour Function extra non-None grads: are refused', () => {
    const x = leaf(3);
    refused(
      () => total(made(double, (_context, g) => [g, g]).apply(x)).backward(),
      'AutogradError',
      /returned 2 gradients for 1 argument of/,
    );
    expect(x.grad).toBe(null);
  });

  test('behaviour Function wrong shape grad: is refused', () => {
    refused(() => total(made(double, () => ones([2])).apply(leaf(3))).backward(), 'AutogradError', /shape \[2\], the input has \[3\]/);
  });

  test('behaviour Function expanded shape grad (2,3)->(3): is summed', () => {
    const x = leaf(3);
    total(made(double, () => ones([2, 3])).apply(x)).backward();
    expect(values(x.grad)).toEqual([2, 2, 2]);
  });

  test('behaviour Function backward returns non tensor: is refused', () => {
    refused(() => total(made(double, () => 5 as never).apply(leaf(3))).backward(), 'ArgumentError', /MyFn: backward returned the number/);
  });

  test('behaviour Function grad for non-diff input: for what is no tensor, is refused', () => {
    const fn = made(
      (_context, a: Tensor, n: number) => a.mul(n),
      (_context, g) => [g, g],
    );
    refused(() => total(fn.apply(leaf(3), 2)).backward(), 'AutogradError', /gradient for argument 1, which is not a tensor/);
  });

  test('behaviour Function forward returns non-tensor: it is handed through', () => {
    const fn = made((_context, a: Tensor): [Tensor, number, null] => [a.mul(2), 5, null], identity);
    const [y, five, nothing] = fn.apply(leaf(1));
    expect([values(y), five, nothing]).toEqual([[2], 5, null]);
    expect(y.gradFn?.name).toBe('MyFnBackward');
  });

  test('behaviour Function returns input as is: another tensor with the same elements', () => {
    const x = leaf(3);
    const y = made(
      (_context, a: Tensor) => a,
      (_context, g) => g.mul(7),
    ).apply(x);
    total(y).backward();
    expect([y === x, y.gradFn?.name, values(x.grad)]).toEqual([false, 'MyFnBackward', [7, 7, 7]]);
  });

  test('behaviour Function needs_input_grad: in both passes', () => {
    const seen: unknown[] = [];
    const fn = made(
      (context, a: Tensor, b: Tensor) => {
        seen.push(context.needsInputGrad);
        return a.mul(b);
      },
      (context, g) => {
        seen.push(context.needsInputGrad);
        return [g, null];
      },
    );
    total(fn.apply(leaf(2), ones([2], { dtype: 'float64' }))).backward();
    expect(seen).toEqual([
      [true, false],
      [true, false],
    ]);
  });

  test('behaviour Function grad mode in forward/backward: off, off, and on where a graph is created', () => {
    const seen: boolean[] = [];
    const fn = made(
      (_context, a: Tensor) => {
        seen.push(isGradEnabled());
        return a.mul(1);
      },
      (_context, g) => {
        seen.push(isGradEnabled());
        return g;
      },
    );
    const x = leaf(2);
    const y = total(fn.apply(x));
    y.backward(undefined, { retainGraph: true });
    autograd.grad(y, x, null, { createGraph: true });
    expect(seen).toEqual([false, false, true]);
  });

  test('behaviour Function name / metadata: the node is named after the class', () => {
    const y = Double.apply(leaf(3));
    const [[next, index] = [], ...others] = y.gradFn?.nextFunctions ?? [];
    expect([y.gradFn?.name, String(y.gradFn), next?.name, index, others.length]).toEqual([
      'DoubleBackward',
      '<DoubleBackward>',
      'AccumulateGrad',
      0,
      0,
    ]);
    expect(Object.keys(y.gradFn?.metadata ?? {})).toEqual([]);
  });

  test('behaviour AccumulateGrad.variable / next_functions: the sink of a leaf knows it', () => {
    const x = leaf(3);
    const y = x.mul(2);
    const [[sink, index] = []] = y.gradFn?.nextFunctions ?? [];
    expect([sink?.name, index]).toEqual(['AccumulateGrad', 0]);
    expect((sink as unknown as { variable: Tensor }).variable).toBe(x);
  });
});

/** Custom functions in reverse mode. */
import { autograd, isGradEnabled, noGrad, ones, type Tensor, tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';
import { type Context, identity, made, random } from './custom.ts';

/** x + factor · y + x · y. */
class Mixed extends autograd.Function {
  static forward(context: Context, x: Tensor, factor: number, y: Tensor) {
    context.factor = factor;
    context.saveForBackward(x, y);
    return x.add(y.mul(factor)).add(x.mul(y));
  }
  static backward(context: Context, g: Tensor) {
    const [x, y] = context.savedTensors as [Tensor, Tensor];
    return [g.add(g.mul(y)), null, g.mul(context.factor as number).add(g.mul(x))];
  }
}

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

describe('rules', () => {
  test('test_function: saves tensors, gives null for other arguments, and can be differentiated twice', () => {
    const [x, y] = [random(5, 5), random(5, 5)];
    const result = Mixed.apply(x, 2, y);
    expect(result.gradFn?.name).toBe('MixedBackward');
    const seed = ones([5, 5], { dtype: 'float64', requiresGrad: true });
    result.backward(seed, { createGraph: true });
    expect(values(x.grad)).toEqual(values(y.add(1)));
    expect(values(y.grad)).toEqual(values(x.add(2)));
    expect((x.grad as Tensor).gradFn?.name).toBe('AddBackward');
    // x.grad = g + g · y depends on the seed twice and on y.
    const [toSeed, toY, toX] = autograd.grad(total(x.grad as Tensor), [seed, y, x], null, { allowUnused: true });
    expect(values(toSeed)).toEqual(values(y.add(1)));
    expect(values(toY)).toEqual(values(ones([5, 5])));
    expect(toX).toBe(null);
  });

  test('test_once_differentiable: nothing is recorded in backward, and the second derivative is refused where it starts', () => {
    const modes: boolean[] = [];
    class Once extends autograd.Function {
      static forward(context: Context, x: Tensor, factor: number, y: Tensor) {
        return Mixed.forward(context, x, factor, y);
      }
      static backward = autograd.onceDifferentiable((context: Context, g: Tensor) => {
        modes.push(isGradEnabled());
        return Mixed.backward(context, g);
      });
    }
    const [x, y] = [random(5, 5), random(5, 5)];
    const seed = ones([5, 5], { dtype: 'float64', requiresGrad: true });
    Once.apply(x, 2, y).backward(seed, { createGraph: true });
    expect(modes).toEqual([false]);
    expect(values(x.grad)).toEqual(values(y.add(1)));
    expect(values(y.grad)).toEqual(values(x.add(2)));
    expect((x.grad as Tensor).gradFn?.name).toBe('OnceDifferentiableBackward');
    refused(() => autograd.grad(total(x.grad as Tensor), [y]), 'AutogradError', /Once: its backward is marked onceDifferentiable/);
    refused(() => autograd.grad(total(y.grad as Tensor), [seed]), 'AutogradError', /onceDifferentiable/);
  });

  test('behaviour once_differentiable double backward: is refused', () => {
    class MyFn extends autograd.Function {
      static forward(_context: Context, a: Tensor) {
        return a.mul(2);
      }
      static backward = autograd.onceDifferentiable((_context: Context, g: Tensor) => g.mul(2));
    }
    const x = leaf(3);
    const seed = ones([], { dtype: 'float64', requiresGrad: true });
    const [g] = autograd.grad(total(MyFn.apply(x)), x, seed, { createGraph: true }) as [Tensor];
    expect([g.requiresGrad, g.gradFn?.name]).toEqual([true, 'OnceDifferentiableBackward']);
    refused(() => autograd.grad(total(g), x), 'AutogradError', /onceDifferentiable/);
    // Also where the gradient that arrives is constant: a second derivative that leaves this out would be wrong without a word.
    const [h] = autograd.grad(total(MyFn.apply(x).mul(x.detach())), x, null, { createGraph: true }) as [Tensor];
    refused(() => autograd.grad(total(h), x), 'AutogradError', /onceDifferentiable/);
    // A first derivative alone costs nothing of this.
    expect((autograd.grad(total(MyFn.apply(x)), x) as Tensor[])[0]?.requiresGrad).toBe(false);
  });

  test('test_function_returns_input: an argument returned as it is becomes a view of itself, and backward applies', () => {
    const twice = made(
      (_context, x: Tensor) => x,
      (_context, g) => g.mul(2),
    );
    for (const shape of [[1], []]) {
      const v = ones(shape, { dtype: 'float64', requiresGrad: true });
      const y = twice.apply(v);
      expect(y === v).toBe(false);
      y.backward();
      expect(values(v.grad)).toEqual(shape.length === 0 ? 2 : [2]);
    }
    noGrad(() => {
      const v = leaf(1);
      const y = twice.apply(v);
      expect(y === v).toBe(false);
      expect(y.requiresGrad).toBe(false);
    });
  });

  test('test_function_returns_undefined_tensor: no gradient leaves the grad of the leaf alone', () => {
    const none = made(
      (_context, x: Tensor) => x.mul(2),
      () => null,
    );
    const x = leaf(1);
    none.apply(x).backward();
    expect(x.grad).toBe(null);
    none.apply(x.pow(2)).backward();
    expect(x.grad).toBe(null);
    none.apply(x).sum().backward();
    expect(x.grad).toBe(null);
    expect(autograd.grad(total(none.apply(x)), x, null, { allowUnused: true })).toEqual([null]);
  });

  test('test_materialize_grads: a gradient that did not arrive is zeros', () => {
    const seen: unknown[] = [];
    const fn = made(
      (_context, x: Tensor): [Tensor, Tensor] => [x.mul(1), x.mul(2)],
      (_context, a, b) => {
        seen.push(values(b));
        return a.add(b);
      },
    );
    const x = leaf(2);
    total(fn.apply(x)[0]).backward();
    expect(seen).toEqual([[0, 0]]);
    expect(values(x.grad)).toEqual([1, 1]);
  });

  test('test_dont_materialize_grads: or null, on request', () => {
    const seen: unknown[] = [];
    const fn = made(
      (context, x: Tensor): [Tensor, Tensor] => {
        context.setMaterializeGrads(false);
        return [x.mul(1), x.mul(2)];
      },
      (_context, a, b) => {
        seen.push(b);
        return a;
      },
    );
    total(fn.apply(leaf(2))[0]).backward();
    expect(seen).toEqual([null]);
  });

  test('test_set_materialize_non_diff_grads: or null for results without a derivative only', () => {
    const seen: unknown[] = [];
    const fn = (nonDifferentiable: boolean) =>
      made(
        (context, x: Tensor): [Tensor, Tensor, Tensor] => {
          const constant = x.mul(3);
          context.markNonDifferentiable(constant);
          context.setMaterializeGrads(true, { nonDifferentiable });
          return [x.mul(1), x.mul(2), constant];
        },
        (_context, a, b, c) => {
          seen.push([values(b), values(c)]);
          return a;
        },
      );
    total(fn(false).apply(leaf(1))[0]).backward();
    total(fn(true).apply(leaf(1))[0]).backward();
    expect(seen).toEqual([
      [[0], null],
      [[0], [0]],
    ]);
  });

  test('test_custom_function_exception: an error in backward arrives as it is', () => {
    const simulated = new Error('simulated error in backward');
    const bad = made(
      (_context, x: Tensor) => x.mul(1),
      () => {
        throw simulated;
      },
    );
    const x = leaf(2);
    expect(() => total(bad.apply(x).mul(2)).backward()).toThrow(simulated);
    // The engine is as before.
    total(x.mul(3)).backward();
    expect(values(x.grad)).toEqual([3, 3]);
  });

  test('test_custom_function_error: names the rule that is missing, or twice there', () => {
    abstract class NoForward extends autograd.Function {
      static backward(_context: Context, g: Tensor) {
        return g;
      }
    }
    refused(() => NoForward.apply.call(NoForward as never, leaf(1) as never), 'AutogradError', /NoForward: it has no static forward/);
    class NoBackward extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.mul(1);
      }
    }
    refused(() => NoBackward.apply(leaf(1)).backward(), 'AutogradError', /NoBackward: it has no backward method/);
    class Both extends NoBackward {
      static backward(_context: Context, g: Tensor) {
        return g;
      }
      static vjp(_context: Context, g: Tensor) {
        return g;
      }
    }
    refused(() => Both.apply(leaf(1)).backward(), 'AutogradError', /both a backward and a vjp/);
    class Vjp extends NoBackward {
      static vjp(_context: Context, g: Tensor) {
        return g.mul(5);
      }
    }
    const x = leaf(1);
    Vjp.apply(x).backward();
    expect(values(x.grad)).toEqual([5]);
  });

  test('test_custom_function_non_tensor_inputs_outputs: values that are no tensors pass through, with null for a gradient', () => {
    const seen: unknown[] = [];
    class Parts extends autograd.Function {
      static forward(context: Context, t1: Tensor, t2: Tensor, scale: number, t3: Tensor): [number, Tensor, null, Tensor, string, Tensor] {
        context.scale = scale;
        context.saveForBackward(t1, t2, t3);
        return [scale, t1.add(t2.mul(scale)).add(t3), null, t1.mul(t2), 'text', t2.mul(t3)];
      }
      static backward(context: Context, ...grads: Tensor[]) {
        seen.push(grads.map((g) => g === null));
        const [, a, , b, , c] = grads as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
        const [t1, t2, t3] = context.savedTensors as [Tensor, Tensor, Tensor];
        return [
          a.add(b.mul(t2)),
          a
            .mul(context.scale as number)
            .add(b.mul(t1))
            .add(c.mul(t3)),
          null,
          a.add(c.mul(t2)),
        ];
      }
    }
    const [t1, t2, t3] = [random(3), random(3), random(3)];
    const [scale, sum, nothing, product, text, other] = Parts.apply(t1, t2, 2, t3);
    expect([scale, nothing, text]).toEqual([2, null, 'text']);
    total(sum.add(product).add(other)).backward();
    expect(seen).toEqual([[true, false, true, false, true, false]]);
    expect(t1.grad?.allclose(t2.add(1))).toBe(true);
    expect(t2.grad?.allclose(t1.add(t3).add(2))).toBe(true);
    expect(t3.grad?.allclose(t2.add(1))).toBe(true);
  });

  test('test_custom_function_no_tensors: without tensors forward just runs', () => {
    const fn = made(
      (_context, a: number, b: number) => a * b,
      () => [null, null],
    );
    expect(fn.apply(6, 7)).toBe(42);
  });

  test('test_invalid_gradients: a gradient of another shape is refused', () => {
    const fn = made(
      (_context, x: Tensor) => x.mul(1),
      () => ones([10]),
    );
    refused(
      () => total(fn.apply(leaf(2, 3))).backward(),
      'AutogradError',
      /MyFnBackward: the gradient for input 0 has shape \[10\], the input has \[2, 3\]/,
    );
  });

  test('test_too_many_grads: null may follow the gradients', () => {
    const x = leaf(2);
    total(
      made(
        (_context, a: Tensor) => a.mul(1),
        (_context, g) => [g, null, null],
      ).apply(x),
    ).backward();
    expect(values(x.grad)).toEqual([1, 1]);
  });

  test('test_custom_autograd_repeated_grad_grad: second derivatives again and again are those of the operator', () => {
    class Product extends autograd.Function {
      static forward(context: Context, x: Tensor, y: Tensor) {
        context.saveForBackward(x, y);
        return x.mul(y);
      }
      static backward(context: Context, g: Tensor) {
        const [x, y] = context.savedTensors as [Tensor, Tensor];
        return [y.mul(g), x.mul(g)];
      }
    }
    const second = (product: (x: Tensor, y: Tensor) => Tensor, x: Tensor, y: Tensor): unknown => {
      const g = autograd.grad(product(x, y).pow(3).sum(), [x, y], null, { createGraph: true }) as [Tensor, Tensor];
      return autograd.grad(total(g[0].mul(g[1])), [x, y]).map(values);
    };
    const [x, y] = [random(4), random(4)];
    const native = second((a, b) => a.mul(b), x, y) as number[][];
    for (let i = 0; i < 3; i++) {
      const found = second((a, b) => Product.apply(a, b), x, y) as number[][];
      found.forEach((row, k) => {
        row.forEach((value, j) => {
          expect(value).toBeCloseTo(native[k]?.[j] as number, 10);
        });
      });
    }
  });

  test('test_custom_autograd_no_early_free: a saved result is there for the derivative of the derivative', () => {
    class Square extends autograd.Function {
      static forward(context: Context, x: Tensor) {
        const y = x.mul(x);
        context.saveForBackward(x, y);
        return y;
      }
      static backward(context: Context, g: Tensor) {
        const [x, y] = context.savedTensors as [Tensor, Tensor];
        // y / x = x, so that the second derivative goes through the saved result.
        return g.mul(2).mul(y.div(x));
      }
    }
    const x = tensor([2], { dtype: 'float64', requiresGrad: true });
    const g = autograd.grad(Square.apply(x).mul(1), x, null, { createGraph: true })[0] as Tensor;
    expect(values(autograd.grad(g, x, null, { retainGraph: true })[0])).toEqual([2]);
    expect(values(autograd.grad(g, x)[0])).toEqual([2]);
  });
});

describe('setupContext', () => {
  class Product extends autograd.Function {
    static forward(x: Tensor, y: Tensor, power: number): [Tensor, number] {
      return [x.mul(y).pow(power), power];
    }
    static setupContext(context: Context, [x, y, power]: [Tensor, Tensor, number], output: [Tensor, number]) {
      expect(output[1]).toBe(power);
      expect(isGradEnabled()).toBe(false);
      context.saveForBackward(x, y);
      context.power = power;
    }
    static backward(context: Context, g: Tensor) {
      const [x, y] = context.savedTensors as [Tensor, Tensor];
      const inner = x
        .mul(y)
        .pow((context.power as number) - 1)
        .mul(context.power as number)
        .mul(g);
      return [inner.mul(y), inner.mul(x), null];
    }
  }

  test('test_custom_function_setup_context_simple: forward without a context, which is filled after it', () => {
    class Cube extends autograd.Function {
      static forward(x: Tensor) {
        return x.pow(3);
      }
      static setupContext(context: Context, [x]: [Tensor], output: Tensor) {
        expect(output.shape).toEqual(x.shape);
        context.saveForBackward(x);
      }
      static backward(context: Context, g: Tensor) {
        return g.mul((context.savedTensors[0] as Tensor).pow(2)).mul(3);
      }
    }
    expect(autograd.gradcheck((x) => Cube.apply(x), [random(3)])).toBe(true);
    expect(autograd.gradgradcheck((x) => Cube.apply(x), [random(3)])).toBe(true);
  });

  test('test_custom_function_setup_context_multi_output: results that are no tensors, too', () => {
    const [x, y] = [random(3), random(3)];
    const [result, power] = Product.apply(x, y, 3);
    expect(power).toBe(3);
    expect(result.gradFn?.name).toBe('ProductBackward');
    expect(autograd.gradcheck((a, b) => Product.apply(a as Tensor, b as Tensor, 3)[0], [x, y])).toBe(true);
  });

  test('test_custom_function_setup_context_multi_input: equals the style with a context in forward', () => {
    class Classic extends autograd.Function {
      static forward(context: Context, x: Tensor, y: Tensor, power: number) {
        Product.setupContext(context, [x, y, power], [x, power]);
        return x.mul(y).pow(power);
      }
      static backward(context: Context, g: Tensor) {
        return Product.backward(context, g);
      }
    }
    const [x, y] = [random(3), random(3)];
    const a = autograd.grad(total(Product.apply(x, y, 2)[0]), [x, y]).map(values);
    expect(autograd.grad(total(Classic.apply(x, y, 2)), [x, y]).map(values)).toEqual(a);
  });

  test('test_setup_context_when_forward_has_default_args: an argument that was left out is left out there too', () => {
    const seen: number[] = [];
    class Power extends autograd.Function {
      static forward(x: Tensor, power = 2) {
        return x.pow(power);
      }
      static setupContext(context: Context, inputs: [Tensor, number?]) {
        seen.push(inputs.length);
        context.saveForBackward(inputs[0]);
        context.power = inputs[1] ?? 2;
      }
      static backward(context: Context, g: Tensor): [Tensor, null] {
        const power = context.power as number;
        return [
          (context.savedTensors[0] as Tensor)
            .pow(power - 1)
            .mul(power)
            .mul(g),
          null,
        ];
      }
    }
    const x = tensor([3], { dtype: 'float64', requiresGrad: true });
    expect(values(autograd.grad(Power.apply(x), x)[0])).toEqual([6]);
    expect(values(autograd.grad(Power.apply(x, 3), x)[0])).toEqual([27]);
    expect(seen).toEqual([1, 2]);
  });
});

describe('saved tensors', () => {
  test('test_save_none_for_backward: null keeps its place', () => {
    const fn = made(
      (context, x: Tensor) => {
        context.saveForBackward(null, x, null);
        return x.mul(x);
      },
      (context, g) => {
        const [a, x, b] = context.savedTensors;
        expect([a, b]).toEqual([null, null]);
        return g.mul(2).mul(x as Tensor);
      },
    );
    const x = random(5);
    total(fn.apply(x)).backward();
    expect(values(x.grad)).toEqual(values(x.mul(2)));
  });

  test('test_save_output_nr: a saved tensor stays the result that it was', () => {
    const split = made(
      (_context, x: Tensor): [Tensor, Tensor] => [x.narrow(0, 0, 1).clone(), x.narrow(0, 1, 1).clone()],
      (_context, a, b) => a.add(b).expand(2),
    );
    const seen: unknown[] = [];
    const keep = made(
      (context, x: Tensor) => {
        context.saveForBackward(x);
        return x.clone();
      },
      (context, g) => {
        const [x] = context.savedTensors as [Tensor];
        seen.push([x.gradFn?.name, x.outputNr]);
        return g;
      },
    );
    const parts = split.apply(random(2));
    for (const part of parts) total(keep.apply(part)).backward(undefined, { retainGraph: true });
    expect(seen).toEqual([
      ['MyFnBackward', 0],
      ['MyFnBackward', 1],
    ]);
  });

  test('test_custom_function_saved_tensors: are seen from the node, until they are freed', () => {
    const fn = made((context, x: Tensor) => {
      context.saveForBackward(x, null);
      return x.clone();
    }, identity);
    const x = leaf(2);
    const y = fn.apply(x);
    expect(y.gradFn?.savedTensors().map((saved) => saved === x)).toEqual([true]);
    total(y).backward(undefined, { retainGraph: true });
    expect(y.gradFn?.savedTensors().map((saved) => saved === x)).toEqual([true]);
    total(y).backward();
    expect(y.gradFn?.savedTensors()).toEqual([]);
  });

  test('test_naughty_autograd_function_stashing_ctx: a context that was kept reads what it saved until that is freed', () => {
    const stash: Context[] = [];
    const fn = made(
      (context, x: Tensor) => {
        context.saveForBackward(x);
        return x.mul(1);
      },
      (context, g) => {
        stash.push(context);
        return g;
      },
    );
    const x = leaf(1);
    const y = fn.apply(x);
    y.backward(undefined, { retainGraph: true });
    expect(stash[0]?.savedTensors.map((saved) => saved === x)).toEqual([true]);
    y.backward();
    refused(() => stash[0]?.savedTensors, 'AutogradError', /freed/);
  });

  test('behaviour Function saved_tensors freed second time: and the message says how to keep them', () => {
    const y = total(Double.apply(leaf(3)));
    y.backward();
    refused(() => y.backward(), 'AutogradError', /freed by an earlier.*retainGraph: true/);
  });

  test('behaviour Function saved_tensors freed second time (2): also where only the function saved something', () => {
    const x = leaf(1);
    const y = Double.apply(x);
    y.backward(undefined, { retainGraph: true });
    y.backward();
    expect(values(x.grad)).toEqual([4]);
    refused(() => y.backward(), 'AutogradError', /DoubleBackward.*freed/);
    expect(values(x.grad)).toEqual([4]);
  });

  test('behaviour Function saved modified inplace: is refused, and says what was written', () => {
    const x = leaf(3).mul(1);
    const y = total(Double.apply(x));
    x.add_(1);
    refused(() => y.backward(), 'AutogradError', /Double: its backward pass reads saved tensor 0, .*changed in place.*add_/);
  });

  test('behaviour Function save_for_backward non-tensor: is refused', () => {
    const fn = made((context, x: Tensor) => {
      context.saveForBackward(5 as never);
      return x.mul(1);
    }, identity);
    refused(() => fn.apply(leaf(3)), 'ArgumentError', /saveForBackward takes tensors and null, got the number .* at position 0/);
  });

  test('behaviour Function save_for_backward None: comes back as null', () => {
    const seen: unknown[] = [];
    const fn = made(
      (context, x: Tensor) => {
        context.saveForBackward(x, null);
        return x.mul(1);
      },
      (context, g) => {
        seen.push(context.savedTensors[1]);
        return g;
      },
    );
    total(fn.apply(leaf(3))).backward();
    expect(seen).toEqual([null]);
  });
});

import { describe, expect, test } from 'vitest';
import { grad, hessian, jvp } from '../../src/func.ts';
import {
  autograd,
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  noGrad,
  ones,
  type Tensor,
  tensor,
} from '../../src/index.ts';
import { leaf, refused, total, values } from '../engine/support.ts';

/** Ones made in inference mode. */
function inferred(requiresGrad = false): Tensor {
  return inferenceMode(() => ones([1, 2, 3], { dtype: 'float64', requiresGrad }));
}
/** A result, or a constant. */
function ordinary(requiresGrad: boolean): Tensor {
  return ones([1, 2, 3], { dtype: 'float64', requiresGrad }).clone();
}
const both = [true, false];
const inPlace: [string, (x: Tensor) => unknown][] = [
  ['add_', (x) => x.add_(2)],
  ['transpose_', (x) => x.transpose_(0, 1)],
];

describe('inference mode', () => {
  test('test_inference_mode_context_manager: it says that it is on, nests, can be left inside, and ends', () => {
    expect(isInferenceModeEnabled()).toBe(false);
    inferenceMode(() => {
      expect([isInferenceModeEnabled(), isGradEnabled()]).toEqual([true, false]);
      inferenceMode(false, () => expect([isInferenceModeEnabled(), isGradEnabled()]).toEqual([false, true]));
      noGrad(() => expect(isInferenceModeEnabled()).toBe(true));
      expect(isInferenceModeEnabled()).toBe(true);
    });
    expect([isInferenceModeEnabled(), isGradEnabled()]).toEqual([false, true]);
    {
      using _ = inferenceMode();
      expect(isInferenceModeEnabled()).toBe(true);
      {
        using _inner = inferenceMode(false);
        expect([isInferenceModeEnabled(), leaf(1).mul(2).requiresGrad]).toEqual([false, true]);
      }
      expect(isInferenceModeEnabled()).toBe(true);
    }
    expect([isInferenceModeEnabled(), isGradEnabled()]).toEqual([false, true]);
    expect(() =>
      inferenceMode(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect([isInferenceModeEnabled(), isGradEnabled()]).toEqual([false, true]);
    refused(() => inferenceMode(3 as never), 'ArgumentError', /must be a function/);
  });

  test('test_inference_mode_decorator: a decorated method runs in it, and a wrapped function', () => {
    const square = function (this: { on: boolean }, x: Tensor): Tensor {
      expect(isInferenceModeEnabled()).toBe(this.on);
      return x.mul(x);
    };
    const method = { kind: 'method', name: 'square' } as unknown as ClassMethodDecoratorContext;
    for (const requiresGrad of both) {
      const c = ones([1, 2, 3], { requiresGrad });
      const decorated = inferenceMode(square, method).call({ on: true }, c);
      expect([decorated.isInference(), decorated.requiresGrad]).toEqual([true, false]);
      const inside = inferenceMode(true, () => square.call({ on: true }, c));
      expect([inside.isInference(), inside.requiresGrad]).toEqual([true, false]);
      const outside = inferenceMode(false, () => square.call({ on: false }, c));
      expect([outside.isInference(), outside.requiresGrad]).toEqual([false, requiresGrad]);
    }
    expect(isInferenceModeEnabled()).toBe(false);
  });

  test('test_inference_mode_tensor_creation: what is made inside is an inference tensor, whether it wants a gradient or not', () => {
    inferenceMode(() => {
      const c = ones([1, 2, 3]);
      expect([c.requiresGrad, c.isInference()]).toEqual([false, true]);
      const wanting = ones([1, 2, 3], { requiresGrad: true });
      expect([wanting.requiresGrad, wanting.isInference()]).toEqual([true, true]);
      expect([ones([2]).requiresGrad_().requiresGrad, ones([2]).requiresGrad_(false).requiresGrad]).toEqual([true, false]);
      expect(tensor([1, 2]).isInference()).toBe(true);
    });
    expect(ones([2]).isInference()).toBe(false);
  });

  test('test_inference_mode_existing_autograd_session: a write inside to a tensor that was saved outside is found', () => {
    const s = ordinary(false).requiresGrad_();
    const a = s.clone();
    const out = a.mul(a);
    inferenceMode(() => a.add_(2));
    expect([a.isInference(), a.version]).toEqual([false, 1]);
    refused(() => out.backward(ones([1, 2, 3], { dtype: 'float64' })), 'AutogradError', /changed in place.*add_/);
  });

  test('test_inference_mode_inf_tensor_in_inf_mode_functional_op: results of inference tensors inside are such, without a gradient', () => {
    inferenceMode(() => {
      for (const requiresGrad of both) {
        const c = ones([1, 2, 3], { requiresGrad });
        const y = c.mul(c);
        expect([y.isInference(), y.requiresGrad, y.isLeaf]).toEqual([true, false, true]);
      }
    });
  });

  test('test_inference_mode_inf_tensor_in_inf_mode_inplace_op: inside they may be written, also leaves', () => {
    const writes: ((x: Tensor) => unknown)[] = [
      ...inPlace.map(([, f]) => f),
      (x) => x.copy_(ones([1, 2, 3])),
      (x) => x.set([0], 5),
      (x) => x.mul_(x),
    ];
    inferenceMode(() => {
      for (const write of writes) {
        for (const requiresGrad of both) {
          const c = ones([1, 2, 3], { requiresGrad });
          write(c);
          expect([c.isInference(), c.requiresGrad]).toEqual([true, requiresGrad]);
        }
      }
      const c = ones([1, 2, 3]);
      c.resize_([1, 2]);
      expect([c.shape, c.isInference()]).toEqual([[1, 2], true]);
      c.resizeAs_(ones([4]));
      expect([c.shape, c.isInference()]).toEqual([[4], true]);
    });
  });

  test('test_inference_mode_inf_tensor_in_inf_mode_view_op: views of them inside are such, without a gradient', () => {
    inferenceMode(() => {
      for (const requiresGrad of both) {
        const view = ones([1, 2, 3], { requiresGrad }).view(-1);
        expect([view.isInference(), view.requiresGrad]).toEqual([true, false]);
      }
    });
  });
});

describe('inference tensors outside of the mode', () => {
  test('test_inference_mode_inf_tensor_in_normal_mode_functional_op: results of them alone are ordinary constants', () => {
    for (const requiresGrad of both) {
      const c = inferred(requiresGrad);
      for (const y of [c.mul(c), c.mul(2), c.sum(), c.clone()])
        expect([y.isInference(), y.requiresGrad, y.isLeaf]).toEqual([false, false, true]);
    }
    expect(inferred().mul(2).requiresGrad_().requiresGrad).toBe(true);
  });

  test('test_inference_mode_inf_tensor_in_normal_mode_inplace_op: writing into one is refused, and nothing has happened', () => {
    for (const [name, write] of inPlace) {
      const c = inferred();
      refused(() => write(c), 'InPlaceError', new RegExp(`${name}.*inferenceMode.*clone`));
      refused(() => noGrad(() => write(c)), 'InPlaceError', /inferenceMode/);
      expect([c.shape, values(c)]).toEqual([[1, 2, 3], values(ones([1, 2, 3]))]);
      refused(() => write(inferred(true)), 'InPlaceError');
    }
    refused(() => inferred().resize_([5]), 'InPlaceError', /inferenceMode/);
    refused(() => inferred().zero_(), 'InPlaceError', /inferenceMode/);
    refused(() => inferred().fill_(2), 'InPlaceError', /inferenceMode/);
    refused(() => inferred().copy_(ones([1, 2, 3])), 'InPlaceError', /inferenceMode/);
    refused(() => inferred().set([0], 1), 'InPlaceError', /inferenceMode/);
    refused(() => inferred().view(-1).add_(1), 'InPlaceError', /inferenceMode/);
  });

  test('test_inference_mode_inf_tensor_in_normal_mode_view_op: views of them are inference tensors and leaves', () => {
    for (const requiresGrad of both) {
      const view = inferred(requiresGrad).view(-1);
      expect([view.isInference(), view.requiresGrad, view.isLeaf]).toEqual([true, false, true]);
      expect(inferred(requiresGrad).detach().isInference()).toBe(true);
    }
  });

  test('test_mix_inference_and_normal_tensor_functional_op: they may be operands of what saves nothing, and nothing else', () => {
    for (const requiresGrad of both) {
      const s = ones([1, 2, 3], { dtype: 'float64', requiresGrad });
      const c = inferred(requiresGrad);
      const out = c.add(s);
      expect([out.isInference(), out.requiresGrad]).toEqual([false, requiresGrad]);
      if (!requiresGrad) {
        expect(c.mul(s).requiresGrad).toBe(false);
        continue;
      }
      out.backward(ones([1, 2, 3], { dtype: 'float64' }));
      expect([values(c.grad), values(s.grad)]).toEqual([values(ones([1, 2, 3])), values(ones([1, 2, 3]))]);
      refused(() => c.mul(s), 'AutogradError', /mul: its derivative reads .*inferenceMode.*clone/);
      refused(() => s.matmul(c.squeeze().T), 'AutogradError', /inferenceMode/);
    }
  });

  test('a custom function cannot save one, and an operator with rules cannot either', () => {
    class Scale extends autograd.Function {
      static forward(context: autograd.FunctionContext, x: Tensor, factor: Tensor): Tensor {
        context.saveForBackward(factor);
        return x.mul(factor);
      }
      static backward(context: autograd.FunctionContext, g: Tensor): [Tensor, null] {
        return [g.mul(context.savedTensors[0] as Tensor), null];
      }
    }
    const x = leaf(1, 2, 3);
    refused(() => Scale.apply(x, inferred()), 'AutogradError', /Scale: .*inferenceMode/);
    expect(Scale.apply(x.detach(), inferred()).requiresGrad).toBe(false);
    refused(() => x.where(inferred().gt(0), inferred().mul(1)).mul(inferred()), 'AutogradError', /inferenceMode/);
  });

  test('test_mix_inference_and_normal_tensor_inplace_op: as the operand of a write they must not be saved either', () => {
    for (const requiresGrad of both) {
      const a = ordinary(requiresGrad);
      const c = inferred().mul(1);
      const inference = inferred();
      if (requiresGrad) {
        refused(() => a.mul_(inference), 'AutogradError', /mul.*inferenceMode/);
        expect([values(a), a.version]).toEqual([values(c), 0]);
      } else {
        a.mul_(inference);
        expect(a.isInference()).toBe(false);
      }
      a.add_(inference);
      expect([a.requiresGrad, a.isInference()]).toEqual([requiresGrad, false]);
    }
  });

  test('test_mix_inference_and_normal_tensor_view_op: viewAs keeps the kind of what is viewed', () => {
    for (const requiresGrad of both) {
      const s = ones([1, 2, 3], { dtype: 'float64', requiresGrad });
      const c = inferred();
      const first = c.viewAs(s);
      expect([first.isInference(), first.requiresGrad]).toEqual([true, false]);
      const second = s.viewAs(c);
      expect([second.isInference(), second.requiresGrad]).toEqual([false, requiresGrad]);
    }
  });
});

describe('ordinary tensors in inference mode', () => {
  for (const [name, write] of inPlace) {
    test(`test_normal_tensor_inplace_output_in_inference_mode: what is written inside stays ordinary (${name})`, () => {
      for (const requiresGrad of both) {
        const a = ordinary(requiresGrad);
        inferenceMode(() => {
          for (let i = 0; i < 2; i++) {
            write(a);
            expect([a.isInference(), a.requiresGrad]).toEqual([false, requiresGrad]);
          }
          expect(a.reshape(-1).isInference()).toBe(false);
        });
      }
    });

    test(`test_normal_tensor_inplace_output_in_normal_mode: and can be written outside afterwards (${name})`, () => {
      for (const requiresGrad of both) {
        const a = ordinary(requiresGrad);
        inferenceMode(() => write(a));
        for (let i = 0; i < 2; i++) {
          write(a);
          expect([a.isInference(), a.requiresGrad]).toEqual([false, requiresGrad]);
        }
        const view = a.view([6]);
        expect([view.isInference(), view.requiresGrad]).toEqual([false, requiresGrad]);
      }
    });

    test(`test_inference_mode_handle_direct_view_on_rebase: a view made inside cannot be written outside (${name})`, () => {
      for (const requiresGrad of both) {
        const a = ordinary(requiresGrad);
        const view = inferenceMode(() => a.viewAs(a));
        if (requiresGrad) refused(() => write(view), 'InPlaceError', /a view made inside inferenceMode/);
        else write(view);
      }
    });
  }

  test('test_inference_mode_handle_indirect_view_on_rebase: after a write into its base such a view has no history to ask for', () => {
    for (const requiresGrad of both) {
      const a = ordinary(requiresGrad);
      const view = inferenceMode(() => a.view(-1));
      a.add_(2);
      if (requiresGrad) refused(() => view.gradFn, 'InPlaceError', /changed in place, last by add_.*a view made inside inferenceMode/);
      else expect(view.gradFn).toBe(null);
    }
  });

  test('test_normal_tensor_view_output_in_inference_mode: a view is ordinary, a leaf, and counts with its base', () => {
    for (const requiresGrad of both) {
      const a = ordinary(requiresGrad);
      inferenceMode(() => {
        const view = a.view(-1);
        const further = view.view(-1);
        expect([view.isInference(), further.isInference(), further.isLeaf]).toEqual([false, false, true]);
        further.add_(2);
        expect([further.isInference(), further.version, a.version]).toEqual([false, 1, 1]);
        expect(values(a)).toEqual(values(ones([1, 2, 3]).mul(3)));
      });
    }
  });

  test('test_normal_tensor_view_output_in_normal_mode: such a view can be used outside, but not written', () => {
    for (const requiresGrad of both) {
      const a = ordinary(requiresGrad);
      const view = inferenceMode(() => a.view(-1));
      expect([view.isInference(), view.isLeaf]).toEqual([false, true]);
      expect([values(view.mul(view)), view.mul(view).isInference()]).toEqual([[1, 1, 1, 1, 1, 1], false]);
      if (requiresGrad) {
        refused(() => view.add_(2), 'InPlaceError', /a view made inside inferenceMode/);
        expect([values(a), a.version]).toEqual([values(ones([1, 2, 3])), 0]);
      } else view.add_(2);
      expect(view.view(2, 3).isInference()).toBe(false);
    }
  });
});

describe('recorded behaviours', () => {
  test('behaviour inference: create & use in autograd (mul saves): refused', () => {
    const c = inferenceMode(() => ones([3], { dtype: 'float64' }));
    refused(() => total(leaf(3).mul(c)), 'AutogradError', /inferenceMode/);
  });

  test('behaviour inference: add (no save): works', () => {
    const c = inferenceMode(() => ones([3], { dtype: 'float64' }));
    const x = leaf(3);
    total(x.add(c)).backward();
    expect(values(x.grad)).toEqual([1, 1, 1]);
  });

  test('behaviour inference: requires_grad_ outside: refused', () => {
    const c = inferred();
    refused(() => c.requiresGrad_(), 'AutogradError', /inferenceMode.*clone/);
    expect(c.requiresGrad_(false).requiresGrad).toBe(false);
  });

  test('behaviour inference: inplace outside: refused', () => {
    refused(() => inferred().add_(1), 'InPlaceError', /inferenceMode/);
  });

  test('behaviour inference: version: cannot be read, inside or outside', () => {
    refused(() => inferred().version, 'AutogradError', /not counted/);
    inferenceMode(() => refused(() => ones([3]).version, 'AutogradError', /not counted/));
  });

  test('behaviour inference: inplace on normal tensor inside, then backward: found', () => {
    const y = leaf(3).exp();
    inferenceMode(() => y.add_(1));
    refused(() => total(y).backward(), 'AutogradError', /changed in place/);
  });

  test('behaviour inference: backward inside: works, and again outside', () => {
    const x = leaf(3);
    const y = total(x.exp());
    inferenceMode(() => y.backward());
    expect((values(x.grad) as number[])[0]).toBeCloseTo(Math.E, 12);
    total(x.mul(2)).backward();
    expect((values(x.grad) as number[])[0]).toBeCloseTo(Math.E + 2, 12);
    expect(x.grad?.isInference()).toBe(false);
  });

  test('behaviour inference: enable_grad inside: nothing is recorded, and the mode is on', () => {
    const x = leaf(3);
    expect(inferenceMode(() => enableGrad(() => [x.mul(2).requiresGrad, isInferenceModeEnabled()]))).toEqual([false, true]);
  });

  test('a gradient made inside may be what backward starts from outside', () => {
    const x = leaf(3);
    const g = inferenceMode(() => ones([3], { dtype: 'float64' }));
    x.mul(2).backward(g);
    x.mul(1).backward(g);
    expect([values(x.grad), values(g)]).toEqual([
      [3, 3, 3],
      [1, 1, 1],
    ]);
  });

  test('a backward pass with createGraph records nothing inside', () => {
    const x = leaf(3);
    const y = total(x.pow(3));
    const [g] = inferenceMode(() => autograd.grad(y, x, null, { createGraph: true }));
    expect([g?.requiresGrad, values(g)]).toEqual([false, [3, 3, 3]]);
  });

  test('a view gets the history of its base inside as well', () => {
    const x = leaf(3);
    const y = x.mul(1);
    const view = y.narrow(0, 0, 2);
    y.mul_(2);
    expect(inferenceMode(() => [view.gradFn?.name, view.requiresGrad])).toEqual(['AsStridedBackward', true]);
    total(view).backward();
    expect(values(x.grad)).toEqual([2, 2, 0]);
  });

  test('transforms work inside: their tapes are read before the mode ends', () => {
    const x = tensor([1, 2, 3], { dtype: 'float64' });
    inferenceMode(() => {
      const y = x.mul(1);
      expect(y.isInference()).toBe(true);
      const f = (z: Tensor): Tensor => z.pow(3).sum();
      const slope = grad(f)(y) as Tensor;
      expect([slope.isInference(), slope.requiresGrad, values(slope)]).toEqual([true, false, [3, 12, 27]]);
      expect(values(grad((z: Tensor) => (grad(f)(z) as Tensor).sum())(x) as Tensor)).toEqual([6, 12, 18]);
      expect(values(jvp((z: Tensor) => z.mul(z), [y], [y])[1] as Tensor)).toEqual([2, 8, 18]);
      expect(values(grad((z: Tensor) => enableGrad(() => f(z)))(x) as Tensor)).toEqual([3, 12, 27]);
      expect(values(grad((z: Tensor) => f(z).add(inferenceMode(() => f(z))))(x) as Tensor)).toEqual([3, 12, 27]);
      expect(values(hessian(f)(x) as Tensor)).toEqual([
        [6, 0, 0],
        [0, 12, 0],
        [0, 0, 18],
      ]);
      expect([isGradEnabled(), isInferenceModeEnabled()]).toEqual([false, true]);
    });
  });

  test('detach_ of an inference tensor is allowed, assigning it as data makes one', () => {
    expect(inferred().detach_().isInference()).toBe(true);
    const x = ones([1, 2, 3], { dtype: 'float64' });
    x.data = inferred();
    expect(x.isInference()).toBe(true);
  });
});

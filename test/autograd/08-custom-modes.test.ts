/** Custom functions together with the modes of the engine: hooks on what they save, memory, inference, checkpoints. */
import { autograd, inferenceMode, noGrad, type Tensor, tensor } from 'nabla';
import { checkpoint } from 'nabla/utils';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';

type Context = autograd.FunctionContext;

class Square extends autograd.Function {
  static forward(context: Context, x: Tensor) {
    context.saveForBackward(x, null);
    return x.mul(x);
  }
  static backward(context: Context, g: Tensor) {
    const [x, nothing] = context.savedTensors as unknown as [Tensor, null];
    expect(nothing).toBe(null);
    return g.mul(x).mul(2);
  }
}

describe('hooks on saved tensors', () => {
  test('pack and unpack what a function saves', () => {
    const seen: string[] = [];
    const x = tensor([3], { dtype: 'float64', requiresGrad: true });
    const y = autograd.graph.savedTensorsHooks(
      (saved: Tensor) => {
        seen.push('pack');
        return saved.toArray();
      },
      (packed: unknown) => {
        seen.push('unpack');
        return tensor(packed as number[], { dtype: 'float64' });
      },
      () => Square.apply(x),
    );
    y.backward();
    expect([seen, values(x.grad)]).toEqual([['pack', 'unpack'], [6]]);
  });

  test('and the second derivative goes through what was unpacked', () => {
    const x = tensor([3], { dtype: 'float64', requiresGrad: true });
    const y = autograd.graph.savedTensorsHooks(
      (saved: Tensor) => saved.toArray(),
      (packed: unknown) => tensor(packed as number[], { dtype: 'float64' }),
      () => Square.apply(x),
    );
    const [g] = autograd.grad(y, x, null, { createGraph: true }) as [Tensor];
    expect(values(autograd.grad(g, x)[0])).toEqual([2]);
  });
});

describe('modes', () => {
  test('inside noGrad and inferenceMode nothing is recorded, and needsInputGrad says what the arguments are', () => {
    const seen: unknown[] = [];
    class Peek extends Square {
      static override forward(context: Context, x: Tensor) {
        seen.push(context.needsInputGrad);
        return x.mul(x);
      }
    }
    const x = leaf(2);
    expect(noGrad(() => Peek.apply(x)).requiresGrad).toBe(false);
    expect(inferenceMode(() => Peek.apply(x)).requiresGrad).toBe(false);
    expect(seen).toEqual([[true], [true]]);
  });

  test('inside a checkpoint it runs again', () => {
    let count = 0;
    class Counted extends Square {
      static override forward(context: Context, x: Tensor) {
        count++;
        return Square.forward(context, x);
      }
    }
    const x = leaf(2);
    total(checkpoint((a: Tensor) => Counted.apply(a.mul(2)), [x]) as Tensor).backward();
    expect([count, values(x.grad)]).toEqual([2, [8, 8]]);
  });

  test('inside a function, another one; nothing of it is recorded but the outer one', () => {
    class Outer extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return Square.apply(x);
      }
      static backward(_context: Context, g: Tensor) {
        return g.mul(100);
      }
    }
    const x = leaf(2);
    const y = Outer.apply(x);
    expect(y.gradFn?.name).toBe('OuterBackward');
    total(y).backward();
    expect(values(x.grad)).toEqual([100, 100]);
  });

  test('a derivative may be taken inside backward', () => {
    class Tape extends autograd.Function {
      static forward(context: Context, x: Tensor) {
        context.saveForBackward(x);
        return x.pow(3);
      }
      static backward(context: Context, g: Tensor) {
        const x = (context.savedTensors[0] as Tensor).detach().requiresGrad_();
        return autograd.enableGrad(() => autograd.grad(x.pow(3), x, g)[0] as Tensor);
      }
    }
    const x = tensor([2], { dtype: 'float64', requiresGrad: true });
    Tape.apply(x).backward();
    expect(values(x.grad)).toEqual([12]);
  });

  test('a saved argument that was written is not read', () => {
    const x = leaf(2).mul(1);
    const y = Square.apply(x);
    x.add_(1);
    refused(() => total(y).backward(), 'AutogradError', /saved tensor 0.*changed in place/);
  });
});

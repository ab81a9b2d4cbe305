/** Writing in place into what a graph saved, with copies made when that happens. */
import { autograd, noGrad, optim, randn, type Tensor, tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';

const { allowMutationOnSavedTensors } = autograd.graph;
const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
const doubled = (x: Tensor) => values(x.detach().mul(2));

describe('allowMutationOnSavedTensors', () => {
  test('test_basic: a write to what was saved is refused outside, and inside copies it, for as long as it is held', () => {
    const a = random(2, 3);
    const use = (): Tensor => {
      const b = a.clone();
      const out = total(b.pow(2));
      b.sin_();
      return out;
    };
    refused(() => use().backward(), 'AutogradError', /changed in place.*sin_/);
    allowMutationOnSavedTensors((context) => {
      const out = use();
      expect(context.copies).toBe(1);
      out.backward();
      expect(context.copies).toBe(0);
    });
    expect(values(a.grad)).toEqual(doubled(a));
    refused(() => use().backward(), 'AutogradError', /changed in place.*sin_/);
  });

  test('behaviour allow_mutation_on_saved_tensors: twos', () => {
    const grad = allowMutationOnSavedTensors(() => {
      const x = leaf(2);
      const y = x.clone();
      const out = y.pow(2).sum();
      y.sin_();
      out.backward();
      return values(x.grad);
    });
    expect(grad).toEqual([2, 2]);
  });

  test('test_views: a write through a view of the saved tensor counts as well', () => {
    const a = random(2, 3);
    allowMutationOnSavedTensors((context) => {
      const b = a.clone();
      const out = total(b.pow(2));
      b.view([3, 2]).mul_(100);
      expect(context.copies).toBe(1);
      out.backward();
    });
    expect(values(a.grad)).toEqual(doubled(a));
  });

  test('test_save_base_and_modify_view: so does one through a part of it', () => {
    const a = random(2, 3);
    allowMutationOnSavedTensors((context) => {
      const b = a.clone();
      const part = b.narrow(0, 0, 1);
      const out = total(b.pow(2));
      part.mul_(10);
      expect(context.copies).toBe(1);
      out.backward();
      expect(context.copies).toBe(0);
    });
    expect(values(a.grad)).toEqual(doubled(a));
  });

  test('test_save_view_modify_base: a saved view keeps its values when the base is written', () => {
    const a = random(2, 3);
    allowMutationOnSavedTensors((context) => {
      const b = a.clone();
      const part = b.narrow(0, 0, 1);
      const out = total(part.pow(2));
      b.mul_(10);
      expect(context.copies).toBe(1);
      out.backward();
    });
    const [first] = doubled(a) as number[][];
    expect(values(a.grad)).toEqual([first, [0, 0, 0]]);
  });

  test('test_double_backward: the gradient of a gradient reads the old values, too', () => {
    const a = random(2, 3);
    allowMutationOnSavedTensors(() => {
      const b = a.clone();
      const out = total(b.pow(3));
      b.sin_();
      const [first] = autograd.grad(out, a, null, { createGraph: true });
      const expected = a.detach().pow(2).mul(3);
      expect(values(first)).toEqual(values(expected));
      total(first as Tensor).backward();
    });
    expect(values(a.grad)).toEqual(values(a.detach().mul(6)));
  });

  test('test_saved_but_not_anymore: what no node holds any longer is not copied, and copies go with those who hold them', () => {
    allowMutationOnSavedTensors((context) => {
      const a = random(2, 3).clone();
      let out = total(a.pow(2));
      expect(context.copies).toBe(0);
      out.backward();
      a.sin_();
      expect(context.copies).toBe(0);
      out = total(a.pow(2));
      a.sin_();
      expect(context.copies).toBe(1);
      out.backward();
      expect(context.copies).toBe(0);
    });
  });

  test('test_saved_same_tensor_many_times: copied once', () => {
    const a = random(2, 3);
    allowMutationOnSavedTensors((context) => {
      const b = a.clone();
      const outs = [b.pow(2), b.pow(2), b.pow(2).add(b.mul(b))].map(total);
      b.sin_();
      expect(context.copies).toBe(1);
      outs[0]?.backward();
      expect(context.copies).toBe(1);
      outs[1]?.backward();
      outs[2]?.backward();
      expect(context.copies).toBe(0);
    });
    expect(values(a.grad)).toEqual(values(a.detach().mul(2).mul(4)));
  });

  test('test_saved_same_tensor_different_versions: one copy for each version', () => {
    const a = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
    allowMutationOnSavedTensors((context) => {
      const b = a.clone();
      const first = total(b.pow(2));
      b.mul_(3);
      const second = total(b.pow(2));
      b.mul_(5);
      expect(context.copies).toBe(2);
      first.add(second).backward();
      expect(context.copies).toBe(0);
    });
    expect(values(a.grad)).toEqual([2 + 18, 4 + 36]);
  });

  test('test_with_out_variant: writes of other kinds count as well: fills, copies, indexed and random writes, optimizer steps, lent memory', () => {
    const index = tensor([0], { dtype: 'int64' });
    const writes: Record<string, (x: Tensor) => unknown> = {
      fill_: (x) => x.fill_(7),
      zero_: (x) => x.zero_(),
      copy_: (x) => x.copy_(x.mul(5)),
      normal_: (x) => x.normal_(),
      indexFill_: (x) => x.indexFill_(0, index, 9),
      maskedFill_: (x) => x.maskedFill_(x.gt(-100), 3),
      clamp_: (x) => x.clamp_(0, 0),
      'withData write': (x) => noGrad(() => x.withData((view) => void (view as Float64Array).fill(5), { write: true })),
    };
    for (const [name, write] of Object.entries(writes)) {
      const a = random(3);
      allowMutationOnSavedTensors((context) => {
        const b = a.clone();
        const out = total(b.pow(2));
        const before = values(b);
        write(b);
        expect(values(b), name).not.toEqual(before);
        expect(context.copies, name).toBe(1);
        out.backward();
      });
      expect(values(a.grad), name).toEqual(doubled(a));
    }
    const w = random(3);
    const start = w.detach().clone();
    allowMutationOnSavedTensors(() => {
      const out = total(w.pow(2));
      total(w.mul(2)).backward();
      new optim.SGD([w], { lr: 1 }).step();
      w.grad = null;
      out.backward();
    });
    expect(values(w.grad)).toEqual(values(start.mul(2)));
  });

  test('test_backward_out_of_context: outside, and in another one, the saved values are gone', () => {
    const a = random(2, 3);
    const out = allowMutationOnSavedTensors(() => total(a.clone().pow(2)));
    refused(() => out.backward(), 'AutogradError', /allowMutationOnSavedTensors.*inside of it/);
    const other = allowMutationOnSavedTensors(() => total(a.clone().pow(2)));
    allowMutationOnSavedTensors(() => refused(() => other.backward(), 'AutogradError', /inside of it/));
    expect(a.grad).toBe(null);
  });

  test('test_disallow_nesting: one inside of another is refused, and the outer one goes on', () => {
    allowMutationOnSavedTensors((context) => {
      refused(() => allowMutationOnSavedTensors(() => {}), 'AutogradError', /already allowed/);
      refused(() => allowMutationOnSavedTensors(), 'AutogradError', /already allowed/);
      const b = random(2).clone();
      const out = total(b.sin());
      b.zero_();
      expect(context.copies).toBe(1);
      out.backward();
    });
    expect(allowMutationOnSavedTensors(() => 1)).toBe(1);
  });

  test('clear forgets what was saved so far', () => {
    allowMutationOnSavedTensors((context) => {
      const b = random(2).clone();
      const out = total(b.sin());
      b.zero_();
      expect(context.copies).toBe(1);
      context.clear();
      expect(context.copies).toBe(0);
      refused(() => out.backward(), 'AutogradError', /inside of it/);
      const later = total(b.sin());
      b.add_(1);
      later.backward();
      expect(context.copies).toBe(0);
    });
  });

  test('as a scope for using it ends with the block', () => {
    const a = random(2);
    {
      using context = allowMutationOnSavedTensors();
      const b = a.clone();
      const out = total(b.sin());
      b.zero_();
      expect(context.copies).toBe(1);
      out.backward();
    }
    expect(values(a.grad)).toEqual(values(a.detach().cos()));
    const b = a.clone();
    const out = total(b.sin());
    b.zero_();
    refused(() => out.backward(), 'AutogradError', /changed in place/);
  });

  test('an operand that is a view of the target keeps the value from before the write', () => {
    const a = tensor([2, 3], { dtype: 'float64', requiresGrad: true });
    allowMutationOnSavedTensors(() => {
      const b = a.clone();
      const view = b.view([2]);
      b.mul_(view);
      total(b).backward();
    });
    expect(values(a.grad)).toEqual([4, 6]);
  });

  test('inside of composed operators and custom functions, too', () => {
    class Square extends autograd.Function {
      static forward(context: autograd.FunctionContext, x: Tensor) {
        context.saveForBackward(x);
        return x.mul(x);
      }
      static backward(context: autograd.FunctionContext, g: Tensor) {
        return g.mul((context.savedTensors as [Tensor])[0]).mul(2);
      }
    }
    for (const f of [
      (x: Tensor) => x.softmax(0).mul(x),
      (x: Tensor) => x.std(),
      (x: Tensor) => Square.apply(x),
      (x: Tensor) => x.matmul(x),
    ]) {
      const a = random(3);
      allowMutationOnSavedTensors(() => {
        const b = a.clone();
        const out = total(f(b));
        b.zero_();
        out.backward();
      });
      const plain = a.detach().clone().requiresGrad_();
      total(f(plain)).backward();
      expect(values(a.grad)).toEqual(values(plain.grad));
    }
  });

  test('a leaf that requires a gradient still cannot be written', () => {
    allowMutationOnSavedTensors((context) => {
      const a = random(2);
      const out = total(a.sin());
      refused(() => a.zero_(), 'InPlaceError', /requires a gradient/);
      expect(context.copies).toBe(0);
      out.backward();
    });
  });
});

/** Custom functions in forward mode, under vmap and inside the transforms. */
import { autograd, ones, randn, type Tensor, tensor, vmap, zeros } from 'nabla';
import { grad, hessian, jacfwd, jacrev, jvp } from 'nabla/func';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';

type Context = autograd.FunctionContext;
const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
const float64 = { dtype: 'float64' } as const;
const one = (x: Tensor): Tensor => ones(x.shape as number[], float64);

/** x³ with every rule. */
class Cube extends autograd.Function {
  static readonly generateVmapRule = true;
  static forward(x: Tensor) {
    return x.pow(3);
  }
  static setupContext(context: Context, [x]: [Tensor]) {
    context.saveForBackward(x);
    context.saveForForward(x);
  }
  static backward(context: Context, g: Tensor) {
    return g.mul((context.savedTensors[0] as Tensor).pow(2).mul(3));
  }
  static jvp(context: Context, t: Tensor) {
    return t.mul((context.savedTensors[0] as Tensor).pow(2).mul(3));
  }
}

describe('forward mode', () => {
  test('test_custom_function_forward_mode_view_checks: the tangent of a view needs not be one, but its shape', () => {
    const made = (rule: (t: Tensor) => Tensor) => {
      class View extends autograd.Function {
        static forward(_context: Context, x: Tensor) {
          return x.narrow(0, 0, 2);
        }
        static jvp(_context: Context, t: Tensor) {
          return rule(t);
        }
      }
      return View;
    };
    const [x, t] = [ones([3], float64), tensor([1, 2, 3], float64)];
    for (const rule of [(g: Tensor) => g.narrow(0, 0, 2), (g: Tensor) => g.narrow(0, 0, 2).clone()]) {
      const { outputs, tangents } = jvp((a: Tensor) => made(rule).apply(a), [x], [t]);
      expect([values(outputs[0]), values(tangents[0])]).toEqual([
        [1, 1],
        [1, 2],
      ]);
    }
    refused(
      () => jvp((a: Tensor) => made((g) => g).apply(a), [x], [t]),
      'ShapeError',
      /tangent of shape \[3\] for result 0 of shape \[2\]/,
    );
  });

  test('test_custom_function_forward_mode_inplace_checks: what was written gets the tangent that jvp returns, new or written too', () => {
    const made = (rule: (t: Tensor) => Tensor) => {
      class Triple extends autograd.Function {
        static forward(context: Context, x: Tensor) {
          context.markDirty(x);
          return x.mul_(3);
        }
        static jvp(_context: Context, t: Tensor) {
          return rule(t);
        }
      }
      return Triple;
    };
    for (const rule of [(t: Tensor) => t.mul_(3), (t: Tensor) => t.mul(3)]) {
      const { outputs, tangents } = jvp(
        (a: Tensor) => {
          const y = a.mul(1);
          const z = made(rule).apply(y);
          expect(z === y).toBe(true);
          return [y, y.mul(2)];
        },
        [ones([2], float64)],
        [tensor([1, 2], float64)],
      );
      expect([outputs.map(values), tangents.map(values)]).toEqual([
        [
          [3, 3],
          [6, 6],
        ],
        [
          [3, 6],
          [6, 12],
        ],
      ]);
    }
  });

  test('test_custom_function_forward_mode_wrong_formula: gradcheck finds it', () => {
    class Wrong extends Cube {
      static override jvp(context: Context, t: Tensor) {
        return t.mul((context.savedTensors[0] as Tensor).pow(2).mul(4));
      }
    }
    const x = random(3);
    expect(autograd.gradcheck((a) => Cube.apply(a), [x], { checkForwardAd: true })).toBe(true);
    expect(autograd.gradcheck((a) => Wrong.apply(a), [x])).toBe(true);
    expect(() => autograd.gradcheck((a) => Wrong.apply(a), [x], { checkForwardAd: true })).toThrow(autograd.GradcheckError);
  });

  test('test_custom_function_forward_mode_non_tensor_before_tensor_args: other arguments have null for a tangent', () => {
    const seen: unknown[] = [];
    class Scale extends autograd.Function {
      static forward(context: Context, factor: number, x: Tensor, text: string) {
        context.factor = factor;
        return x.mul(factor).mul(text.length);
      }
      static jvp(context: Context, factor: null, t: Tensor, text: null) {
        seen.push(factor, text);
        return t.mul((context.factor as number) * 2);
      }
    }
    const { outputs, tangents } = jvp((a: Tensor) => Scale.apply(5, a, 'ab'), [tensor([1], float64)], [tensor([1], float64)]);
    expect([values(outputs[0]), values(tangents[0]), seen]).toEqual([[10], [10], [null, null]]);
  });

  test('test_custom_function_forward_mode_forward_is_no_op: an argument that is returned as it is gets the tangent of jvp', () => {
    class Identity extends autograd.Function {
      static forward(_context: Context, x: Tensor, y: Tensor): [Tensor, Tensor] {
        return [x.add(y), x];
      }
      static jvp(_context: Context, dx: Tensor, dy: Tensor): [Tensor, Tensor] {
        return [dx.add(dy), dx.mul(7)];
      }
    }
    const { outputs, tangents } = jvp(
      (a: Tensor, b: Tensor) => {
        const [, same] = Identity.apply(a, b);
        expect(same === a).toBe(false);
        return [same, a];
      },
      [ones([1], float64), ones([1], float64)],
      [ones([1], float64), ones([1], float64)],
    );
    expect([outputs.map(values), tangents.map(values)]).toEqual([
      [[1], [1]],
      [[7], [1]],
    ]);
  });

  test('test_custom_function_save_for_forward: jvp sees what was saved for it, backward what was saved for that', () => {
    const seen: unknown[] = [];
    class Both extends autograd.Function {
      static forward(context: Context, x: Tensor, y: Tensor, z: number) {
        context.saveForBackward(x, y);
        context.saveForForward(x, y);
        context.z = z;
        context.product = x.mul(y);
        return (context.product as Tensor).mul(z);
      }
      static jvp(context: Context, dx: Tensor, dy: Tensor) {
        const [x, y] = context.savedTensors as [Tensor, Tensor];
        return y
          .mul(dx)
          .add(x.mul(dy))
          .mul(context.z as number);
      }
      static vjp(context: Context, g: Tensor): [Tensor, Tensor, null] {
        const [x, y] = context.savedTensors as [Tensor, Tensor];
        return [g.mul(y).mul(context.z as number), g.mul(x).mul(context.z as number), null];
      }
    }
    const inputs = [random(2), random(2)];
    expect(autograd.gradcheck((a, b) => Both.apply(a as Tensor, b as Tensor, 3), inputs, { checkForwardAd: true })).toBe(true);
    class One extends autograd.Function {
      static forward(context: Context, x: Tensor) {
        context.saveForBackward(x);
        return x.clone();
      }
      static jvp(context: Context, t: Tensor) {
        seen.push(context.savedTensors.length);
        return t;
      }
      static backward(context: Context, g: Tensor) {
        seen.push(context.savedTensors.length);
        return g;
      }
    }
    const x = leaf(2);
    const { outputs } = jvp((a: Tensor) => One.apply(a), [x], [one(x)]);
    total(outputs[0] as Tensor).backward();
    expect([seen, values(x.grad)]).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  test('test_custom_function_forward_mode_non_differentiable: results without a derivative have null for a tangent', () => {
    const made = (second: (t: Tensor) => Tensor | null) => {
      class Fn extends autograd.Function {
        static forward(context: Context, x: Tensor): [Tensor, Tensor] {
          const constant = x.mul(2);
          context.markNonDifferentiable(constant);
          return [x.mul(3), constant];
        }
        static jvp(_context: Context, t: Tensor): [Tensor, Tensor | null] {
          return [t.mul(3), second(t)];
        }
      }
      return Fn;
    };
    const [x, t] = [ones([1], float64), ones([1], float64)];
    const { tangents } = jvp((a: Tensor) => made(() => null).apply(a), [x], [t]);
    expect(tangents.map(values)).toEqual([[3], null]);
    refused(
      () => jvp((a: Tensor) => made((g) => g).apply(a), [x], [t]),
      'AutogradError',
      /result 1, which is marked as not differentiable/,
    );
    class Mask extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.gt(0);
      }
      static jvp(_context: Context, _t: Tensor) {
        return null;
      }
    }
    expect(jvp((a: Tensor) => Mask.apply(a), [x], [t]).tangents).toEqual([null]);
  });

  test('behaviour forward AD custom fn without jvp: is refused', () => {
    class Double extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.mul(2);
      }
    }
    refused(() => jvp((a: Tensor) => Double.apply(a), [ones([2])], [ones([2])]), 'AutogradError', /Double: it has no jvp method/);
    const { dualLevel, makeDual, unpackDual } = autograd.forwardAd;
    refused(() => dualLevel(() => Double.apply(makeDual(ones([2]), ones([2])))), 'AutogradError', /Double: it has no jvp method/);
    const tangent = dualLevel(() => unpackDual(Cube.apply(makeDual(ones([2], float64), ones([2], float64)))).tangent?.clone());
    expect(values(tangent)).toEqual([3, 3]);
    // Without a tangent nothing is missing.
    expect(values(Double.apply(ones([2])))).toEqual([2, 2]);
  });

  test('what was saved for it and then written by forward is the written value', () => {
    class Exp extends autograd.Function {
      static forward(context: Context, x: Tensor) {
        context.saveForForward(x);
        context.markDirty(x);
        return x.exp_();
      }
      static jvp(context: Context, t: Tensor) {
        return t.mul(context.savedTensors[0] as Tensor);
      }
    }
    const { outputs, tangents } = jvp((a: Tensor) => Exp.apply(a.mul(1)), [tensor([0, 1], float64)], [tensor([2, 2], float64)]);
    expect(tangents[0]?.allclose((outputs[0] as Tensor).mul(2))).toBe(true);
  });

  test('a wrong number of tangents, and what is no tensor, are refused', () => {
    class Two extends autograd.Function {
      static forward(_context: Context, x: Tensor): [Tensor, Tensor] {
        return [x.mul(2), x.mul(3)];
      }
      static jvp(_context: Context, t: Tensor): unknown {
        return t;
      }
    }
    const run = (): unknown => jvp((a: Tensor) => Two.apply(a), [ones([2])], [ones([2])]);
    refused(run, 'AutogradError', /jvp returned 1 tangent for 2 results/);
    Two.jvp = () => [1, 2];
    refused(run, 'ArgumentError', /jvp returned the number .* for result 0/);
  });
});

describe('vmap', () => {
  test('test_custom_function_vmap_defaults: a function has no rule of its own, and makes none', () => {
    class Plain extends autograd.Function {
      static forward(x: Tensor) {
        return x.mul(2);
      }
      static setupContext() {}
    }
    expect('vmap' in autograd.Function || 'generateVmapRule' in autograd.Function).toBe(false);
    refused(() => vmap((x: Tensor) => Plain.apply(x))(ones([2, 3])), 'AutogradError', /Plain: it does not say how it runs under vmap/);
    class Both extends Plain {
      static readonly generateVmapRule = true;
      static vmap(): never {
        throw new Error('not reached');
      }
    }
    refused(() => vmap((x: Tensor) => Both.apply(x))(ones([2, 3])), 'AutogradError', /keep the method, or let the rule be made/);
    class Combined extends autograd.Function {
      static readonly generateVmapRule = true;
      static forward(_context: Context, x: Tensor) {
        return x.mul(2);
      }
    }
    refused(() => vmap((x: Tensor) => Combined.apply(x))(ones([2, 3])), 'AutogradError', /forward\(\.\.\.args\) and setupContext/);
  });

  /** Sorts, by a rule of its own. */
  class Sort extends autograd.Function {
    static forward(x: Tensor, dim: number): [Tensor, Tensor] {
      const { values: sorted, indices } = x.sort(dim);
      return [sorted, indices];
    }
    static setupContext(context: Context, [, dim]: [Tensor, number], [, indices]: [Tensor, Tensor]) {
      context.markNonDifferentiable(indices);
      context.saveForBackward(indices);
      context.dim = dim;
    }
    static backward(context: Context, g: Tensor): [Tensor, null] {
      const [indices] = context.savedTensors as [Tensor];
      return [zeros(g.shape as number[], float64).scatter(context.dim as number, indices, g), null];
    }
    static vmap(info: autograd.VmapInfo, inDims: (number | null)[], x: Tensor, dim: number) {
      expect(inDims).toEqual([0, null]);
      expect(info).toEqual({ batchSize: 2, randomness: 'error' });
      return [Sort.apply(x, dim < 0 ? dim : dim + 1), [0, 0]];
    }
  }

  test('by a rule of its own', () => {
    const x = tensor(
      [
        [3, 1, 2],
        [1, 2, 0],
      ],
      { dtype: 'float64', requiresGrad: true },
    );
    const [sorted] = vmap((row: Tensor) => Sort.apply(row, 0))(x) as [Tensor, Tensor];
    expect(values(sorted)).toEqual([
      [1, 2, 3],
      [0, 1, 2],
    ]);
    expect(sorted.gradFn?.name).toBe('SortBackward');
    sorted
      .mul(tensor([1, 10, 100], float64))
      .sum()
      .backward();
    expect(values(x.grad)).toEqual([
      [100, 1, 10],
      [10, 100, 1],
    ]);
  });

  test('by a rule of its own, with the tape inside: what is marked as constant has no gradient there either', () => {
    const seen: unknown[] = [];
    class Parts extends autograd.Function {
      static forward(x: Tensor): [Tensor, Tensor] {
        return [x.mul(2), x.mul(3)];
      }
      static setupContext(context: Context, _inputs: [Tensor], [, constant]: [Tensor, Tensor]) {
        context.markNonDifferentiable(constant);
      }
      static backward(_context: Context, g: Tensor, h: Tensor) {
        seen.push(h.shape);
        return g.mul(2);
      }
      static vmap(_info: autograd.VmapInfo, _inDims: (number | null)[], x: Tensor) {
        return [Parts.apply(x), [0, 0]];
      }
    }
    const slope = vmap(
      grad((row: Tensor) => {
        const [a, b] = Parts.apply(row);
        expect([a.requiresGrad, b.requiresGrad]).toEqual([true, false]);
        return a.add(b).sum();
      }) as (row: Tensor) => Tensor,
    )(ones([2, 3], float64)) as Tensor;
    expect(values(slope)).toEqual([
      [2, 2, 2],
      [2, 2, 2],
    ]);
    expect(seen).toEqual([[3]]);
  });

  test('whose answer is checked', () => {
    const answering = (answer: unknown) => {
      class Fn extends autograd.Function {
        static forward(x: Tensor) {
          return x.mul(2);
        }
        static setupContext() {}
        static vmap() {
          return answer;
        }
      }
      return () => vmap((x: Tensor) => Fn.apply(x))(ones([2, 3]));
    };
    refused(answering(ones([2, 3])), 'ArgumentError', /return \[output, outDims\]/);
    refused(answering([ones([2, 3]), [0, 0]]), 'ArgumentError', /2 outDims for 1 result/);
    refused(answering([ones([2, 3]), 1]), 'ArgumentError', /dimension 1 of result 0 of shape \[2, 3\] is the batch, which has 2 members/);
    refused(answering([ones([2, 3]), 'x']), 'ArgumentError', /return a number or null/);
    expect((answering([ones([3, 2]), 1])() as Tensor).shape).toEqual([2, 3]);
    expect((answering([ones([3]), null])() as Tensor).shape).toEqual([2, 3]);
  });

  test('by a rule that is made: forward, gradients, of what is mapped and what is shared', () => {
    class Product extends autograd.Function {
      static readonly generateVmapRule = true;
      static forward(x: Tensor, y: Tensor, power: number): [Tensor, number] {
        return [x.mul(y).pow(power), power];
      }
      static setupContext(context: Context, [x, y, power]: [Tensor, Tensor, number]) {
        context.saveForBackward(x, null, y);
        context.power = power;
      }
      static backward(context: Context, g: Tensor): [Tensor, Tensor, null] {
        const [x, nothing, y] = context.savedTensors as unknown as [Tensor, null, Tensor];
        expect([nothing, x.ndim]).toEqual([null, 1]);
        const inner = x
          .mul(y)
          .pow((context.power as number) - 1)
          .mul(context.power as number)
          .mul(g);
        return [inner.mul(y), inner.mul(x), null];
      }
    }
    const [x, y] = [random(4, 3), random(3)];
    const batched = vmap((row: Tensor) => Product.apply(row, y, 2)[0])(x) as Tensor;
    const native = x.mul(y).pow(2);
    expect(batched.allclose(native)).toBe(true);
    expect(batched.gradFn?.name).toBe('ProductBackward');
    const found = autograd.grad(total(batched.sin()), [x, y], null, { createGraph: true }) as [Tensor, Tensor];
    const expected = autograd.grad(total(native.sin()), [x, y], null, { createGraph: true }) as [Tensor, Tensor];
    expect(found.map((g, i) => g.allclose(expected[i] as Tensor))).toEqual([true, true]);
    const second = (g: readonly Tensor[]): unknown =>
      autograd.grad(total((g[0] as Tensor).mul(g[1] as Tensor)), [x, y]).map((h) => (h as Tensor).round({ decimals: 8 }).toArray());
    expect(second(found)).toEqual(second(expected));
  });

  test('which does not write in place', () => {
    class Triple extends autograd.Function {
      static readonly generateVmapRule = true;
      static forward(x: Tensor) {
        return x.mul_(3);
      }
      static setupContext(context: Context, [x]: [Tensor]) {
        context.markDirty(x);
      }
    }
    refused(() => vmap((x: Tensor) => Triple.apply(x.mul(1)))(ones([2, 3])), 'AutogradError', /markDirty and generateVmapRule/);
  });

  test('a graph is freed once, and its saved tensors are checked, under vmap as well', () => {
    const x = leaf(2, 3);
    const y = vmap((row: Tensor) => Cube.apply(row))(x) as Tensor;
    total(y).backward();
    refused(() => total(y).backward(), 'AutogradError', /freed/);
    const z = x.mul(1);
    const w = vmap((row: Tensor) => Cube.apply(row))(z) as Tensor;
    z.add_(1);
    refused(() => total(w).backward(), 'AutogradError', /changed in place/);
  });
});

describe('transforms', () => {
  const x = tensor([1, 2, 3], float64);
  const first = [3, 12, 27];
  const sum = (a: Tensor): Tensor => Cube.apply(a).sum();

  test('grad, and grad of grad', () => {
    expect(values(grad(sum)(x) as Tensor)).toEqual(first);
    expect(values(grad((a: Tensor) => (grad(sum)(a) as Tensor).sum())(x) as Tensor)).toEqual([6, 12, 18]);
  });

  test('vmap, and vmap of vmap', () => {
    expect(values(vmap((a: Tensor) => Cube.apply(a))(x) as Tensor)).toEqual([1, 8, 27]);
    const nested = vmap((row: Tensor) => vmap((a: Tensor) => Cube.apply(a))(row) as Tensor)(ones([2, 3], float64).mul(2)) as Tensor;
    expect(values(nested)).toEqual([
      [8, 8, 8],
      [8, 8, 8],
    ]);
  });

  test('the derivatives that are used are the hand-written ones, at every level', () => {
    /** The identity with derivatives that betray themselves. */
    class Marked extends autograd.Function {
      static readonly generateVmapRule = true;
      static forward(a: Tensor) {
        return a.mul(1);
      }
      static setupContext() {}
      static backward(_context: Context, g: Tensor) {
        return g.mul(7);
      }
      static jvp(_context: Context, t: Tensor) {
        return t.mul(5);
      }
    }
    const y = x.clone().requiresGrad_();
    const apply = (a: Tensor): Tensor => Marked.apply(a);
    expect(values(autograd.grad(total(vmap(apply)(y) as Tensor), y)[0])).toEqual([7, 7, 7]);
    expect(values(vmap(grad(apply) as (a: Tensor) => Tensor)(x) as Tensor)).toEqual([7, 7, 7]);
    expect(values(jvp((a: Tensor) => vmap(apply)(a) as Tensor, [x], [one(x)]).tangents[0])).toEqual([5, 5, 5]);
    const tangent = vmap((a: Tensor) => jvp(apply, [a], [ones([], float64)]).tangents[0] as Tensor)(x) as Tensor;
    expect(values(tangent)).toEqual([5, 5, 5]);
    const { outputs } = jvp(apply, [y], [one(y)]);
    expect(values(autograd.grad(total(outputs[0] as Tensor), y)[0])).toEqual([7, 7, 7]);
  });

  test('forward over reverse, reverse over forward, and under vmap', () => {
    const slope = grad(sum) as (a: Tensor) => Tensor;
    expect(values(jvp(slope, [x], [one(x)]).tangents[0])).toEqual([6, 12, 18]);
    const directional = (a: Tensor): Tensor => (jvp((b: Tensor) => Cube.apply(b), [a], [one(a)]).tangents[0] as Tensor).sum();
    expect(values(grad(directional)(x) as Tensor)).toEqual([6, 12, 18]);
    const rows = ones([2, 3], float64).mul(2);
    const perRow = vmap((row: Tensor) => jvp(slope, [row], [one(row)]).tangents[0] as Tensor)(rows) as Tensor;
    expect(values(perRow)).toEqual([
      [12, 12, 12],
      [12, 12, 12],
    ]);
    expect(values(vmap(grad(directional) as (row: Tensor) => Tensor)(rows) as Tensor)).toEqual(values(perRow));
  });

  test('jacrev, jacfwd and hessian', () => {
    const diagonal = (entries: number[]): unknown => entries.map((v, i) => entries.map((_, j) => (i === j ? v : 0)));
    const cube = (a: Tensor): Tensor => Cube.apply(a);
    expect(values(jacrev(cube)(x) as Tensor)).toEqual(diagonal(first));
    expect(values(jacfwd(cube)(x) as Tensor)).toEqual(diagonal(first));
    expect(values(hessian(sum)(x) as Tensor)).toEqual(diagonal([6, 12, 18]));
  });

  test('a context in forward: what it saved of arguments and results is seen by each level', () => {
    class Exp extends autograd.Function {
      static forward(context: Context, a: Tensor) {
        const y = a.exp();
        context.saveForBackward(y);
        context.saveForForward(y);
        return y;
      }
      static backward(context: Context, g: Tensor) {
        return g.mul(context.savedTensors[0] as Tensor);
      }
      static jvp(context: Context, t: Tensor) {
        return t.mul(context.savedTensors[0] as Tensor);
      }
    }
    const slope = grad((a: Tensor) => Exp.apply(a).sum()) as (a: Tensor) => Tensor;
    const { outputs, tangents } = jvp(slope, [x], [one(x)]);
    expect(outputs[0]?.allclose(x.exp())).toBe(true);
    expect(tangents[0]?.allclose(x.exp())).toBe(true);
    const directional = (a: Tensor): Tensor => (jvp((b: Tensor) => Exp.apply(b), [a], [one(a)]).tangents[0] as Tensor).sum();
    expect((grad(directional)(x) as Tensor).allclose(x.exp())).toBe(true);
  });
});

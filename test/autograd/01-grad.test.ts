import { describe, expect, test } from 'vitest';
import {
  arange,
  autograd,
  backward,
  bucketize,
  grad,
  isin,
  manualSeed,
  noGrad,
  ones,
  randn,
  searchsorted,
  stack,
  type Tensor,
  tensor,
  unique,
  varMean,
  zeros,
} from '../../src/index.ts';
import { leaf, refused, total, values } from '../engine/support.ts';
import { close } from './close.ts';

const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
const constant = (...shape: number[]): Tensor => ones(shape, { dtype: 'float64' });
const first = (found: readonly (Tensor | null)[]): Tensor => found[0] as Tensor;

describe('grad', () => {
  test('test_grad_badcalls: outputs and inputs that require no gradient are refused', () => {
    const x = ones([1]);
    const y = x.pow(2);
    refused(() => grad(x, y), 'AutogradError', /does not require a gradient/);
    refused(() => grad(y, x), 'AutogradError', /does not require a gradient/);
    const w = ones([1], { requiresGrad: true });
    const z = w.pow(2);
    expect(grad(z, w).map(values)).toEqual([[2]]);
    refused(() => grad(w.add(1), x), 'AutogradError', /inputs holds.*does not require a gradient/);
  });

  test('test_grad_empty_inputs: refused', () => {
    refused(() => grad(total(leaf(1).mul(2)), [], [ones([])]), 'ArgumentError', /empty/);
  });

  test('test_grad: with createGraph its result can be differentiated again, and no grad is touched; shapes of outputs and gradients must agree', () => {
    manualSeed(0);
    const [x, y] = [random(2, 2), random(2, 2)];
    const z = x.pow(2).add(y.mul(x)).add(y.pow(2));
    z.backward(constant(2, 2), { createGraph: true });
    const sum = (x.grad as Tensor).mul(2).add(y.grad as Tensor);
    const product = grad([sum], [x], [constant(2, 2)], { createGraph: true });
    close(first(product), constant(2, 2).mul(5));
    close(x.grad, x.mul(2).add(y));
    close(y.grad, x.add(y.mul(2)));
    refused(() => grad([sum], [x], [constant(2)], { createGraph: true }), 'ShapeError', /\[2\].*\[2, 2\]/);
  });

  test('test_hessian_vector: backward through the gradients adds the product to them', () => {
    manualSeed(0);
    const [x, y] = [random(2, 2), random(2, 2)];
    x.pow(2).add(y.mul(x)).add(y.pow(2)).backward(constant(2, 2), { createGraph: true });
    const [dx, dy] = [x.mul(2).add(y).detach(), x.add(y.mul(2)).detach()];
    close(x.grad, dx);
    close(y.grad, dy);
    (x.grad as Tensor)
      .mul(2)
      .add(y.grad as Tensor)
      .backward(constant(2, 2));
    close(x.grad, dx.add(5));
    close(y.grad, dy.add(4));
  });

  test('test_grad_nonleaf: with respect to results, step by step; grads stay empty until backward', () => {
    manualSeed(3);
    const [start, y] = [random(2, 2), random(2, 2)];
    const f = (x: Tensor): Tensor => x.pow(2).add(y.mul(x)).add(y.pow(2));
    let x = start;
    for (let i = 0; i < 5; i++) {
      const g = first(grad(f(x), x, constant(2, 2), { createGraph: true }));
      expect([y.grad, start.grad]).toEqual([null, null]);
      close(g, x.mul(2).add(y));
      x = x.add(g.mul(0.05));
    }
    expect(f(x).sum().item()).toBeGreaterThan(f(start).sum().item() as number);
    x.backward(constant(2, 2));
    expect([y.grad?.shape, start.grad?.shape]).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  test('test_grad_nonleaf_many_outputs: two results of one operation are captured together, and no hook upstream runs', () => {
    manualSeed(0);
    const x = random(4, 2);
    let called = false;
    x.registerHook(() => void (called = true));
    const [a, b] = x.chunk(2) as [Tensor, Tensor];
    const g = randn([2, 2], { dtype: 'float64' });
    const [ga, gb] = grad(a.add(b.mul(2)), [a, b], g, { createGraph: true });
    close(ga, g);
    close(gb, g.mul(2));
    expect([called, x.grad]).toEqual([false, null]);
  });

  test('test_grad_unreachable: null with allowUnused, else refused with what can be done', () => {
    const [x, y] = [leaf(1), leaf(1)];
    x.mul(2);
    y.mul(2);
    expect(grad(x.mul(2), [x, y], null, { allowUnused: true }).map(values)).toEqual([[2], null]);
    expect(grad(x.mul(2), [x, leaf(1)], null, { allowUnused: true }).map(values)).toEqual([[2], null]);
    refused(
      () => grad(x.mul(2), [x, y], null, { allowUnused: false }),
      'AutogradError',
      /input 1.*allowUnused: true.*materializeGrads: true/,
    );
    refused(() => grad(x.mul(2), [y.named('y')]), 'AutogradError', /input 0, 'y' of shape \[1\]/);
  });

  test('test_grad_unreachable_discovery: nodes on no way to an input that is asked for never run', () => {
    class Unreached extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
        return x.clone();
      }
      static backward(): Tensor {
        throw new Error('this node must not run');
      }
    }
    const blocked = (): Tensor => Unreached.apply(leaf(1).mul(2)) as Tensor;
    const [y, z] = [leaf(1), leaf(1)];
    expect(grad(blocked(), y, null, { allowUnused: true })).toEqual([null]);
    expect(grad(blocked().add(z), [y, z], null, { allowUnused: true }).map(values)).toEqual([null, [1]]);
    backward(blocked(), null, { inputs: y });
    expect(y.grad).toBe(null);
  });

  test('inputs may be an object: so are the results', () => {
    const [weight, bias] = [leaf(2), leaf(2)];
    const found = grad(total(weight.mul(3).add(bias)), { weight, bias });
    expect([values(found.weight), values(found.bias)]).toEqual([
      [3, 3],
      [1, 1],
    ]);
    refused(() => grad(total(weight), {}), 'ArgumentError', /empty/);
  });

  test('what is no tensor is refused, with what it is', () => {
    refused(() => grad(3 as never, leaf(1)), 'ArgumentError', /the number 3/);
    refused(() => grad(total(leaf(1)), ['x'] as never), 'ArgumentError', /the string x/);
    refused(() => grad(total(leaf(1)), leaf(1), 'ones' as never), 'ArgumentError', /gradient must be a tensor/);
    refused(() => grad([], leaf(1)), 'ArgumentError', /no tensors/);
    refused(() => grad(total(leaf(1)), leaf(1), null, { allow_unused: true } as never), 'ArgumentError', /unknown option 'allow_unused'/);
  });
});

describe('zeros for what does not depend', () => {
  test('test_grad_materialize_grads: zeros where there is no gradient, to any order; allowUnused: false contradicts it', () => {
    const x = tensor(0.5, { dtype: 'float64', requiresGrad: true });
    const a = tensor(1, { dtype: 'float64', requiresGrad: true });
    const slope = first(grad(x.mul(a), x, null, { createGraph: true }));
    expect(grad(slope, x, null, { createGraph: true, allowUnused: true })).toEqual([null]);
    const second = first(grad(slope, x, null, { createGraph: true, materializeGrads: true }));
    expect([values(second), second.requiresGrad]).toEqual([0, true]);
    expect(grad(second, x, null, { materializeGrads: true }).map(values)).toEqual([0]);
    refused(() => grad(slope, x, null, { allowUnused: false, materializeGrads: true }), 'ArgumentError', /allowUnused/);
  });

  test('the second derivative of a linear function: the error says how to get zeros, and the option gives them', () => {
    const x = leaf(2);
    const slope = first(grad(total(x.mul(3)), x, null, { createGraph: true }));
    expect(slope.requiresGrad).toBe(false);
    refused(() => grad(total(slope), x), 'AutogradError', /function is linear there.*materializeGrads: true/);
    refused(() => grad(total(slope), x, null, { allowUnused: true }), 'AutogradError', /linear/);
    expect(grad(total(slope), x, null, { materializeGrads: true }).map(values)).toEqual([[0, 0]]);
    expect(grad(slope, [x], constant(2), { materializeGrads: true }).map(values)).toEqual([[0, 0]]);
    expect(grad([total(slope), total(x)], x, null, { materializeGrads: true }).map(values)).toEqual([[1, 1]]);
    refused(() => grad(slope, x, null, { materializeGrads: true }), 'AutogradError', /2 elements/);
  });

  test('zeros have the dtype of the input, and require a gradient only with createGraph', () => {
    const [x, y] = [leaf(2), ones([3], { requiresGrad: true })];
    const zero = grad(total(x), [y], null, { materializeGrads: true })[0] as Tensor;
    expect([values(zero), zero.dtype, zero.requiresGrad]).toEqual([[0, 0, 0], 'float32', false]);
  });
});

describe('a batch of gradients', () => {
  test('test_grad_batched_grad: the first dimension is the batch; the others must be those of the output', () => {
    const x = random(2, 2);
    const batch = arange(3).expand(2, 2, 3).transpose(0, 2);
    expect(values(first(grad(x.clone(), x, batch, { isGradsBatched: true })))).toEqual(values(batch));
    refused(() => grad(x.clone(), x, constant(2, 2), { isGradsBatched: true }), 'ShapeError', /first dimension.*\[2, 2\] for \[2, 2\]/);
    expect(values(first(grad(x.sum(), x, arange(3), { isGradsBatched: true })))).toEqual(values(batch));
    refused(() => grad(x.sum(), x, constant(2, 1), { isGradsBatched: true }), 'ShapeError', /first dimension.*\[2, 1\] for \[\]/);
    refused(() => grad(x.sum(), x, constant(), { isGradsBatched: true }), 'ShapeError', /first dimension/);
    refused(() => grad(x.sum(), x, null, { isGradsBatched: true }), 'ArgumentError', /a batch of gradients for each output/);
  });

  test('is what one walk for each member gives, several outputs and inputs at once', () => {
    manualSeed(5);
    const [x, w] = [random(3, 2), random(2, 4)];
    const outputs = (): Tensor[] => [x.matmul(w).tanh(), x.pow(3).sum(0)];
    const batches = [randn([5, 3, 4], { dtype: 'float64' }), randn([5, 2], { dtype: 'float64' })];
    const [gx, gw] = grad(outputs(), [x, w], batches, { isGradsBatched: true });
    for (let k = 0; k < 5; k++) {
      const one = batches.map((batch) => batch.select(0, k));
      const [ox, ow] = grad(outputs(), [x, w], one);
      close(gx?.select(0, k), ox as Tensor);
      close(gw?.select(0, k), ow as Tensor);
    }
  });

  test('of identity rows is the Jacobian, and can be differentiated again', () => {
    const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
    const rows = tensor(
      [
        [1, 0],
        [0, 1],
      ],
      { dtype: 'float64' },
    );
    const jacobian = first(grad(x.pow(3), x, rows, { isGradsBatched: true, createGraph: true }));
    expect(values(jacobian)).toEqual([
      [3, 0],
      [0, 12],
    ]);
    expect(grad(total(jacobian), x).map(values)).toEqual([[6, 12]]);
  });

  test('frees the graph unless it is kept; unused inputs are null or zeros with the batch', () => {
    const [x, y] = [leaf(2), leaf(3)];
    const out = x.mul(x);
    const batch = constant(4, 2);
    expect(grad(out, [x, y], batch, { isGradsBatched: true, retainGraph: true, allowUnused: true })[1]).toBe(null);
    expect(grad(out, [y], batch, { isGradsBatched: true, retainGraph: true, materializeGrads: true })[0]?.shape).toEqual([4, 3]);
    refused(() => grad(out, [y], batch, { isGradsBatched: true, retainGraph: true }), 'AutogradError', /do not depend on input 0/);
    grad(out, x, batch, { isGradsBatched: true });
    refused(() => grad(out, x, batch, { isGradsBatched: true }), 'AutogradError', /retainGraph/);
  });
});

describe('operators', () => {
  test('test_unrelated_inputs: a function that does not use one of its inputs passes gradcheck and gradgradcheck', () => {
    const inputs = [random(5, 5), random(5, 5)];
    const f = (x: Tensor, _y: Tensor): Tensor => x.mul(x);
    expect(autograd.gradcheck(f, inputs)).toBe(true);
    expect(autograd.gradgradcheck(f, inputs)).toBe(true);
  });

  test('test_integer_outputs: indices and counts are integers without a gradient', () => {
    const x = leaf(3, 4);
    const line = leaf(4);
    const results: Tensor[] = [
      x.argmax(),
      x.argmin(),
      x.argsort(),
      x.countNonzero(),
      x.max(0).indices,
      searchsorted(line, line),
      bucketize(x, line),
      unique(x, { returnInverse: true }).inverseIndices as Tensor,
      unique(x, { returnCounts: true }).counts as Tensor,
    ];
    expect(results.map((y) => [y.dtype, y.requiresGrad])).toEqual(results.map(() => ['int64', false]));
  });

  test('test_non_differentiable_ops: comparisons by membership and sign carry no gradient', () => {
    const x = leaf(5);
    expect([isin(x, constant(2)), x.signbit()].map((y) => [y.dtype, y.requiresGrad])).toEqual([
      ['bool', false],
      ['bool', false],
    ]);
  });

  test('behaviour not differentiable op on rg (argmax/floor/round/sign): indices, comparisons and integers carry none, steps carry zeros', () => {
    const x = leaf(3);
    expect([x.argmax(), x.floor(), x.sign(), x.gt(0), x.long()].map((y) => y.requiresGrad)).toEqual([false, true, true, false, false]);
    total(x.floor().add(x.round()).add(x.sign())).backward();
    expect(values(x.grad)).toEqual([0, 0, 0]);
  });

  test('behaviour int input to diff op: the result requires no gradient', () => {
    expect(arange(3).sin().requiresGrad).toBe(false);
  });

  test('test_var_mean_differentiable: both results have the gradients of var and of mean', () => {
    manualSeed(0);
    const cases: readonly (readonly [number[], boolean])[] = [
      [[2, 4], false],
      [[2, 4], true],
      [[1], false],
    ];
    for (const [dim, keepdim] of cases) {
      const x1 = random(3, 2, 3, 2, 5);
      const x2 = x1.detach().clone().requiresGrad_();
      const both = varMean(x1, dim, { keepdim });
      const apart = [x2.var(dim, { keepdim }), x2.mean(dim, { keepdim })] as [Tensor, Tensor];
      total(both.var.mul(both.mean).add(both.var)).backward();
      total(apart[0].mul(apart[1]).add(apart[0])).backward();
      close(x1.grad, x2.grad as Tensor);
    }
  });
});

describe('recorded behaviours of grad', () => {
  test('behaviour grad_nonscalar: several elements need a gradient', () => {
    const x = leaf(3);
    refused(() => grad(x.mul(2), x), 'AutogradError', /3 elements/);
  });

  test('behaviour grad_outputs_wrong_len: one gradient for each output', () => {
    const x = leaf(3);
    refused(() => grad([total(x), total(x)], x, [constant()]), 'ArgumentError', /1 gradients for 2/);
  });

  test('behaviour grad_unused: refused', () => {
    refused(() => grad(total(leaf(3)), [leaf(3)]), 'AutogradError', /allowUnused/);
  });

  test('behaviour grad_unused_allow: null', () => {
    const x = leaf(3);
    expect(grad(total(x), [x, leaf(3)], null, { allowUnused: true }).map(values)).toEqual([[1, 1, 1], null]);
  });

  test('behaviour grad_unused_materialize: zeros', () => {
    const x = leaf(3);
    expect(grad(total(x), [x, leaf(3)], null, { materializeGrads: true }).map(values)).toEqual([
      [1, 1, 1],
      [0, 0, 0],
    ]);
  });

  test('behaviour grad_materialize+allow_unused=False: a contradiction', () => {
    const x = leaf(3);
    refused(() => grad(total(x), [x], null, { materializeGrads: true, allowUnused: false }), 'ArgumentError');
  });

  test('behaviour grad_input_not_requires_grad: refused', () => {
    const [x, y] = [leaf(3), constant(3)];
    refused(() => grad(total(x.mul(y)), y), 'AutogradError', /does not require/);
  });

  test('behaviour grad_empty_inputs: refused', () => {
    refused(() => grad(total(leaf(3)), []), 'ArgumentError', /empty/);
  });

  test('behaviour grad_input_is_output: of a tensor by itself it is one', () => {
    const x = leaf();
    expect(grad(x, x).map(values)).toEqual([1]);
    const y = x.mul(3);
    expect(grad(y, [y, x]).map(values)).toEqual([1, 3]);
  });

  test('behaviour grad_duplicate_inputs: an input named twice gets its gradient twice', () => {
    const x = leaf(2);
    expect(grad(total(x.mul(2)), [x, x]).map(values)).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  test('behaviour grad() does not touch .grad: neither of leaves nor of results', () => {
    const x = leaf(2);
    const y = x.mul(2);
    expect(grad(total(y), [x, y]).map(values)).toEqual([
      [2, 2],
      [1, 1],
    ]);
    expect(x.grad).toBe(null);
  });

  test('behaviour retain_graph default follows create_graph: kept for the second derivative, freed after it', () => {
    const x = leaf(2);
    const y = total(x.pow(3));
    grad(y, x, null, { createGraph: true });
    expect(grad(y, x).map(values)).toEqual([[3, 3]]);
    refused(() => grad(y, x), 'AutogradError', /retainGraph/);
    const z = total(x.pow(3));
    grad(z, x, null, { createGraph: true, retainGraph: false });
    refused(() => grad(z, x), 'AutogradError', /retainGraph/);
  });

  test('by a result and what it is made of', () => {
    const x = leaf(2);
    const y = x.mul(3);
    expect(grad(total(y.pow(2)), [y, x]).map(values)).toEqual([
      [6, 6],
      [18, 18],
    ]);
    const z = x.mul(3);
    let ran = false;
    z.gradFn?.registerHook(() => void (ran = true));
    expect(grad(total(z.pow(2)), [z]).map(values)).toEqual([[6, 6]]);
    expect(ran, 'nothing behind it is wanted').toBe(false);
  });

  test('createGraph makes the gradient differentiable, to any order', () => {
    const x = tensor([2], { requiresGrad: true, dtype: 'float64' });
    let g: Tensor = x.pow(4);
    for (const expected of [32, 48, 48, 24]) {
      g = first(grad(total(g), x, null, { createGraph: true }));
      expect(values(g)).toEqual([expected]);
    }
  });

  test('second derivatives and batches go through operators that are composed of others and save nothing', () => {
    const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
    const y = stack([x.pow(3), x]).tile([1, 2]);
    const g = first(grad(total(y), x, null, { createGraph: true }));
    expect(values(g)).toEqual([8, 26]);
    expect(grad(total(g), x).map(values)).toEqual([[12, 24]]);
    const seeds = constant(3, 2, 4);
    expect(values(first(grad(y.clone(), x, seeds, { isGradsBatched: true })))).toEqual([
      [8, 26],
      [8, 26],
      [8, 26],
    ]);
  });

  test('the gradient of a gradient by its cotangent', () => {
    const [x, w] = [leaf(3), leaf(3)];
    const g = first(grad(x.pow(3), x, w, { createGraph: true }));
    expect(grad(total(g), w).map(values)).toEqual([[3, 3, 3]]);
  });

  test('inside a hook, while another backward runs', () => {
    const [x, z] = [leaf(2), leaf(2)];
    const y = x.mul(1);
    y.registerHook((g: Tensor) => g.mul(autograd.enableGrad(() => first(grad(total(z.mul(z)), z)))));
    total(y).backward();
    expect(values(x.grad)).toEqual([2, 2]);
  });

  test('inside noGrad a graph that was recorded outside can be walked, and nothing new is recorded', () => {
    const x = leaf(2);
    const y = total(x.pow(2));
    const g = noGrad(() => first(grad(y, x)));
    expect([values(g), g.requiresGrad, zeros([1]).requiresGrad]).toEqual([[2, 2], false, false]);
  });
});

/** What `backward` and `grad` take, what they refuse and in which words, and whose memory comes back. */
import { describe, expect, test } from 'vitest';
import { autograd, backward, einsum, grad, noGrad, ones, type Tensor, tensor, zeros } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

const { getGradientEdge } = autograd.graph;
const constant = (...shape: number[]): Tensor => ones(shape, { dtype: 'float64' });

describe('messages', () => {
  test('an unknown option is named, with those that there are', () => {
    const y = total(leaf(2));
    refused(
      () => y.backward(null, { keep: true } as never),
      'ArgumentError',
      /^backward: unknown option 'keep': it takes retainGraph, createGraph, inputs$/,
    );
    refused(
      () => grad(y, leaf(2), null, { keep: true } as never),
      'ArgumentError',
      /^grad: unknown option 'keep': it takes retainGraph, createGraph, allowUnused, materializeGrads, isGradsBatched$/,
    );
  });

  test('nothing to differentiate, or nothing to differentiate by', () => {
    const [x, nothing] = [leaf(2), [null, undefined] as never[]];
    for (const none of [...nothing, [] as never, new Set() as never]) {
      refused(() => grad(none, x), 'ArgumentError', /^grad: no tensors were given to differentiate$/);
      refused(() => backward(none), 'ArgumentError', /^backward: no tensors were given to differentiate$/);
      refused(() => grad(total(x), none), 'ArgumentError', /^grad: inputs is an empty list: name the tensors/);
    }
    refused(
      () => backward(total(x), null, { inputs: [] }),
      'ArgumentError',
      /^backward: inputs is an empty list.*leave it out for all leaves$/,
    );
  });

  test('the function, the argument and the value, where something is no tensor', () => {
    const x = leaf(2);
    refused(() => grad([total(x), 5] as never, x), 'ArgumentError', /^grad: expected tensors to differentiate, got the number 5$/);
    refused(() => grad(total(x), 5 as never), 'ArgumentError', /^grad: inputs must be tensors or gradient edges, got the number 5$/);
    refused(() => grad(total(x), 'x' as never), 'ArgumentError', /^grad: inputs must be tensors or gradient edges, got the string x$/);
    refused(() => grad(total(x), (() => x) as never), 'ArgumentError', /gradient edges, got a function$/);
    refused(() => backward(total(x), null, { inputs: [null] as never }), 'ArgumentError', /^backward: inputs must be .*, got null$/);
    refused(
      () => grad(total(x), x, 2 as never),
      'ArgumentError',
      /^grad: the gradient must be a tensor, got the number 2; wrap data in tensor\(…\)$/,
    );
  });

  test('inputs that want no gradient', () => {
    const [x, c] = [leaf(2), constant(3).named('c')];
    const y = total(x);
    refused(
      () => grad(y, [x, c]),
      'AutogradError',
      /^grad: inputs holds 'c' of shape \[3\] and dtype float64, which does not require a gradient: call requiresGrad_\(\)/,
    );
    refused(() => backward(y, null, { inputs: c }), 'AutogradError', /^backward: inputs holds 'c'/);
  });

  test('one output is not numbered, of several the one at fault is', () => {
    const x = leaf(2);
    refused(
      () => grad(constant(), x),
      'AutogradError',
      /^grad: a tensor of shape \[\] and dtype float64 does not require a gradient and nothing recorded it: make an input with \{ requiresGrad: true \}, and check for noGrad/,
    );
    refused(
      () => grad([total(x), constant()], x),
      'AutogradError',
      /^grad: output 1, a tensor of shape \[\] and dtype float64, does not require a gradient/,
    );
    refused(
      () => grad([constant(), total(x)], x),
      'AutogradError',
      /^grad: output 0, a tensor of shape \[\] and dtype float64, does not require a gradient/,
    );
    refused(() => ones([], { dtype: 'complex64' }).backward(), 'AutogradError', /make an input with/);
    refused(
      () => ones([], { dtype: 'bool' }).backward(),
      'AutogradError',
      /integers and booleans have no gradient: compute with a floating dtype up to here$/,
    );
  });

  test('gradients of another number, shape or kind', () => {
    const x = leaf(2);
    refused(
      () => grad([x, x], x, [constant(2)]),
      'ArgumentError',
      /^grad: got 1 gradients for 2 tensors: give one for each, null for a tensor of one element$/,
    );
    refused(
      () => x.mul(2).backward(constant(3)),
      'ShapeError',
      /^backward: the gradient has shape \[3\], but the tensor has \[2\]: they must be equal$/,
    );
    refused(
      () => grad(x.clone(), x, constant(3), { isGradsBatched: true }),
      'ShapeError',
      /^grad: with isGradsBatched the first dimension of a gradient is the batch and the others are those of the output: got \[3\] for \[2\]$/,
    );
    refused(
      () => x.mul(2).backward(ones([2], { dtype: 'complex64' })),
      'DTypeError',
      /^backward: a complex64 gradient for a tensor of dtype float64: both must be complex, or both real; cast it with to\('float64'\)$/,
    );
  });

  test('a gradient that is missing', () => {
    const x = leaf(2, 3);
    refused(
      () => x.mul(2).backward(),
      'AutogradError',
      /^backward: a tensor of shape \[2, 3\].*\(made by Mul\) has 6 elements, so its gradient is not defined by itself: reduce it to one number \(sum, mean\), or pass a gradient of shape \[2, 3\]$/,
    );
    refused(
      () => grad(total(x), x, null, { isGradsBatched: true }),
      'ArgumentError',
      /^grad: isGradsBatched needs a batch of gradients for each output: none was given for a tensor of shape \[\]/,
    );
    const z = ones([], { dtype: 'complex64', requiresGrad: true });
    refused(
      () => grad(z, z),
      'AutogradError',
      /^grad: a tensor .* is complex: pass an explicit gradient, or take a real number of it \(abs, real\)$/,
    );
  });

  test('what does not depend', () => {
    const x = leaf(2);
    refused(
      () => grad(total(x), [x, leaf(3)]),
      'AutogradError',
      /^grad: the outputs do not depend on input 1, a tensor of shape \[3\] .*\(a leaf\): pass \{ allowUnused: true \} to get null for it, or \{ materializeGrads: true \} for zeros$/,
    );
    refused(
      () => grad(total(x), x, null, { materializeGrads: true, allowUnused: false }),
      'ArgumentError',
      /^grad: materializeGrads gives zeros for unused inputs, so allowUnused cannot be false$/,
    );
    refused(
      () => grad(total(x), getGradientEdge(leaf(3).exp()), null, { materializeGrads: true }),
      'AutogradError',
      /^grad: the outputs do not depend on input 0, the edge to output 0 of ExpBackward: materializeGrads gives zeros for tensors only; use allowUnused to get null$/,
    );
  });
});

describe('options', () => {
  test('null counts as left out', () => {
    const x = leaf(2);
    total(x.mul(x)).backward(null, { inputs: null, retainGraph: null });
    total(x.mul(x)).backward(undefined, { inputs: undefined as never });
    expect(values(x.grad)).toEqual([4, 4]);
    const y = total(x.mul(x));
    expect(grad(y, x, undefined, { retainGraph: null, allowUnused: null }).map(values)).toEqual([[2, 2]]);
    refused(() => grad(y, x), 'AutogradError', /retainGraph/);
  });

  test('a gradient may be left out for single outputs', () => {
    const x = leaf(2);
    expect(grad([x.mul(2), total(x.mul(3))], x, [constant(2), undefined as never]).map(values)).toEqual([[5, 5]]);
    expect(grad([total(x.mul(3)), x.mul(2)], x, [null, constant(2)]).map(values)).toEqual([[5, 5]]);
  });

  test('createGraph records also inside noGrad', () => {
    const x = leaf(2);
    const y = total(x.pow(3));
    const [g] = noGrad(() => grad(y, x, null, { createGraph: true }));
    expect(grad(total(g as Tensor), x).map(values)).toEqual([[6, 6]]);
  });

  test('things to iterate over are gone through once: sets, generators, rows of nothing else', () => {
    const [a, b] = [leaf(2), leaf(2)];
    function* both(): Generator<Tensor> {
      yield a;
      yield b;
    }
    expect(grad(total(a.mul(b.mul(3))), both()).map(values)).toEqual([
      [3, 3],
      [3, 3],
    ]);
    // A tensor can be iterated over too, and is one tensor all the same.
    expect(grad(total(a.mul(2)), a)).toHaveLength(1);
  });
});

describe('roots together with inputs', () => {
  test('the same root twice counts twice', () => {
    const x = leaf(2);
    const y = x.mul(3).mul(1);
    expect(grad([y, y], x, [constant(2), constant(2)]).map(values)).toEqual([[6, 6]]);
  });

  test('a root may lie on the way to another, before or after it', () => {
    const x = tensor([2], { dtype: 'float64', requiresGrad: true });
    const y = x.pow(2);
    const z = y.mul(5);
    for (const roots of [
      [y, z],
      [z, y],
      [z, y, z],
    ]) {
      const expected = roots.length === 2 ? 24 : 44;
      expect(grad(roots, x, null, { retainGraph: true }).map(values)).toEqual([[expected]]);
      expect(grad(roots, [y, x], null, { retainGraph: true }).map(values)).toEqual([[expected / 4], [expected]]);
    }
  });

  test('a root that leads to no input does not run, a root that is one does', () => {
    const [x, y] = [leaf(2), leaf(2)];
    const seen: string[] = [];
    const [a, b] = [x.exp(), y.exp()];
    for (const [name, t] of [
      ['a', a],
      ['b', b],
    ] as const)
      t.gradFn?.registerPrehook(() => void seen.push(name));
    const seeds = [constant(2), constant(2)];
    expect(grad([a, b], x, seeds, { retainGraph: true })[0]?.shape).toEqual([2]);
    expect(seen.splice(0)).toEqual(['a']);
    expect(grad([a, b], [b], seeds).map(values)).toEqual([[1, 1]]);
    expect(seen).toEqual([]);
  });
});

describe('gradients that start a pass', () => {
  test('are handed to hooks as they are where the dtype fits', () => {
    const y = leaf(2).mul(2);
    const seed = constant(2);
    let seen: Tensor | null = null;
    y.registerHook((g: Tensor) => void (seen = g));
    y.backward(seed);
    expect(seen).toBe(seed);
  });

  test('of a leaf that takes any dtype keep theirs, and one that is left out is of the dtype of the leaf', () => {
    const x = leaf();
    x.gradDtype = null;
    x.backward(ones([]));
    expect([x.grad?.dtype, values(x.grad)]).toEqual(['float32', 1]);
    expect(grad(x, x)[0]?.dtype).toBe('float64');
    x.grad = null;
    x.gradDtype = 'float32';
    expect(grad(x, x)[0]?.dtype).toBe('float32');
  });

  test('are not what a result that retains its gradient, or that is named as an input, gets: it gets a copy', () => {
    for (const createGraph of [false, true]) {
      const seed = constant(2);
      const [named, retained] = [leaf(2).mul(2), leaf(2).mul(2)];
      named.backward(seed, { inputs: named, createGraph });
      retained.retainGrad();
      retained.backward(seed, { createGraph });
      for (const y of [named, retained]) (y.grad as Tensor).mul_(7);
      expect([values(seed), values(named.grad), values(retained.grad)]).toEqual([
        [1, 1],
        [7, 7],
        [7, 7],
      ]);
    }
  });

  test('for outputs that depend on nothing are checked all the same', () => {
    const x = leaf(2);
    const options = { materializeGrads: true };
    refused(() => grad(constant(2), x, constant(3), options), 'ShapeError', /\[3\].*\[2\]/);
    refused(() => grad(constant(2), x, ones([2], { dtype: 'complex64' }), options), 'DTypeError', /complex64.*float64/);
    expect(grad(constant(2), x, ones([2]), options).map(values)).toEqual([[0, 0]]);
  });
});

describe('the gradient of a result that is named', () => {
  test('has a history with createGraph only, also where a recorded one was there, or starts the pass', () => {
    const x = leaf(2);
    const recorded = x.mul(1);
    const grads = [true, false].map((createGraph) => {
      const y = x.mul(3);
      total(y.pow(2)).backward(null, { inputs: y, createGraph, retainGraph: true });
      const alone = y.grad as Tensor;
      total(y.pow(2)).backward(null, { inputs: y, createGraph, retainGraph: true });
      const z = x.mul(3);
      z.backward(recorded, { inputs: z, createGraph });
      return [alone, y.grad, z.grad].map((g) => [g?.requiresGrad, values(g)]);
    });
    expect(grads).toEqual([
      [
        [true, [6, 6]],
        [true, [12, 12]],
        [true, [1, 1]],
      ],
      [
        [false, [6, 6]],
        [false, [12, 12]],
        [false, [1, 1]],
      ],
    ]);
  });

  test('is not put on an edge', () => {
    const y = leaf(2).mul(2);
    const edge = getGradientEdge(y);
    total(y).backward(null, { inputs: edge });
    expect(Object.keys(edge)).toEqual(['node', 'outputNr']);
  });

  test('stays null where no gradient arrives', () => {
    const [y, z] = [leaf(2).mul(2), leaf(2).mul(2)];
    total(y).backward(null, { inputs: [y, z] });
    expect(values(y.grad)).toEqual([1, 1]);
    expect(z.meta?.grad ?? null).toBe(null);
  });
});

describe('batches', () => {
  test('of zeros for what does not depend, also where nothing depends on anything', () => {
    const [x, y] = [leaf(2), leaf(3)];
    const options = { isGradsBatched: true, materializeGrads: true };
    const [unused] = grad(x.clone(), [y], constant(4, 2), options);
    expect([unused?.shape, unused?.dtype, unused?.requiresGrad]).toEqual([[4, 3], 'float64', false]);
    const [constants] = grad(constant(2), [y], constant(5, 2), options);
    expect([constants?.shape, values(constants?.sum())]).toEqual([[5, 3], 0]);
    const [first, second] = grad([constant(2), x.clone()], [y, x], [constant(6, 2), constant(6, 2)], { ...options, createGraph: true });
    expect([first?.shape, first?.requiresGrad, values(second?.sum())]).toEqual([[6, 3], true, 12]);
  });

  test('keep each gradient at its input where some are null', () => {
    const [a, b, c] = [leaf(2), leaf(2), leaf(2)];
    const found = grad(a.mul(2).add(c.mul(3)), { a, b, c }, constant(4, 2), { isGradsBatched: true, allowUnused: true });
    expect([values(found.a?.sum()), found.b, values(found.c?.sum())]).toEqual([16, null, 24]);
  });
});

test('values that a composed operator does not keep are not looked at when NaN appears in its backward pass', () => {
  const keep = (t: Tensor): Tensor => t;
  autograd.detectAnomaly(() => {
    const [x, weights] = [leaf(300).mul(2), zeros([300], { dtype: 'float64' })];
    const y = autograd.graph.savedTensorsHooks(keep, keep, () => einsum('i,i->', x, weights));
    // Infinity times zero.
    const seed = tensor(Number.POSITIVE_INFINITY, { dtype: 'float64' });
    refused(() => y.backward(seed), 'AutogradError', /NaN was born in this backward pass: .* the values that were saved hold none/s);
  });
});

test('an operator that hands its input through gives the gradient to it, under hooks on saved tensors as well', () => {
  const run = (): unknown => {
    const x = leaf(1);
    const [y, z] = [x.cumprod(0), x.mul(2).cumprod(0)];
    return grad(total(y.add(z)), x).map(values);
  };
  const packed = autograd.graph.savedTensorsHooks(
    (t: Tensor) => t,
    (t: Tensor) => t,
    run,
  );
  expect([run(), packed]).toEqual([[[3]], [[3]]]);
});

import { describe, expect, test, vi } from 'vitest';
import { autograd, backward, grad, linalg, manualSeed, noGrad, ones, rand, randn, type Tensor, tensor, zeros } from '../../src/index.ts';
import { leaf, refused, total, values } from '../engine/support.ts';
import { close } from './close.ts';

const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
const constant = (...shape: number[]): Tensor => ones(shape, { dtype: 'float64' });

describe('roots', () => {
  test('test_backward: of a leaf it is the gradient given, of an expression that times the derivative of each leaf', () => {
    manualSeed(0);
    const [v, x, z] = [random(5, 5), random(5, 5), random(5, 5)];
    const y = rand([5, 5], { dtype: 'float64' }).add(0.1).requiresGrad_();
    const g = randn([5, 5], { dtype: 'float64' });
    v.backward(g);
    close(v.grad, g);
    const ratio = z.pow(2).mul(4).mul(x).div(y);
    x.add(y.mul(z)).add(ratio).backward(g);
    close(x.grad, z.pow(2).mul(4).div(y).add(1).mul(g));
    close(y.grad, z.sub(x.mul(4).mul(z.pow(2)).div(y.pow(2))).mul(g));
    close(z.grad, x.mul(8).mul(z).div(y).add(y).mul(g));
  });

  test('test_multi_backward: several roots with a gradient each; what they share gets the sum', () => {
    manualSeed(0);
    const [x, y, q, a, b] = [random(5, 5), random(5, 5), random(5, 5), random(5, 5), random(5, 5)];
    const [gz, gc] = [randn([5, 5], { dtype: 'float64' }), randn([5, 5], { dtype: 'float64' })];
    const q2 = q.mul(2);
    const z = x.add(y).add(q2);
    const c = a.mul(b).add(q2);
    backward([z, c], [gz, gc]);
    close(x.grad, gz);
    close(y.grad, gz);
    close(a.grad, gc.mul(b));
    close(b.grad, gc.mul(a));
    close(q.grad, gc.add(gz).mul(2));
  });

  test('test_multi_backward_no_grad: one root that nothing recorded is refused, wherever it stands, and nothing has happened', () => {
    const x = leaf(2);
    const z = total(x.mul(2));
    const constantRoot = total(constant(2).mul(3));
    refused(() => backward([z, constantRoot], [null, null]), 'AutogradError', /output 1.*does not require a gradient/);
    refused(() => backward([constantRoot, z]), 'AutogradError', /output 0.*does not require a gradient/);
    refused(() => backward([z, constantRoot], [null, constant()]), 'AutogradError', /output 1/);
    expect(x.grad).toBe(null);
  });

  test('test_dependent_backward: a root upstream of another counts on its own and on the way', () => {
    manualSeed(0);
    const x = random(10);
    const y = x.pow(2);
    const z = y.pow(3);
    const [gy, gz] = [randn([10], { dtype: 'float64' }), randn([10], { dtype: 'float64' })];
    backward([y, z], [gy, gz]);
    close(x.grad, x.mul(gy).mul(2).add(x.pow(5).mul(gz).mul(6)));
  });

  test('test_duplicate_backward_root: the same root twice counts twice', () => {
    manualSeed(0);
    const [a, b] = [random(5, 5), random(5, 5)];
    const x = a.mul(b);
    const g = randn([5, 5], { dtype: 'float64' });
    backward([x, x], [g, g]);
    close(a.grad, b.mul(g).mul(2));
    close(b.grad, a.mul(g).mul(2));
  });

  test('test_backward_no_grad: a root of several elements with null for its gradient is refused, with its shape', () => {
    const b = leaf(3, 5).add(2);
    refused(() => backward([b], [null]), 'AutogradError', /15 elements.*\[3, 5\]/);
    refused(() => b.backward(), 'AutogradError', /15 elements/);
  });

  test('test_backward_badcalls: what requires no gradient is refused, named as the user named it', () => {
    refused(() => ones([1]).backward(), 'AutogradError', /does not require a gradient.*requiresGrad: true/);
    refused(() => ones([1]).named('loss').backward(), 'AutogradError', /'loss' of shape \[1\]/);
    refused(() => noGrad(() => leaf(1).mul(2)).backward(), 'AutogradError', /noGrad/);
    refused(() => ones([], { dtype: 'int64' }).backward(), 'AutogradError', /integers and booleans have no gradient/);
  });

  test('test_sharded_grad: gradients of intermediate results by shards, handed on together, are the whole', () => {
    manualSeed(0);
    const leaves = Array.from({ length: 10 }, () => random(5));
    const intermediates = leaves.map((l, i) => l.mul(i).mul(l));
    const loss = intermediates.reduce((sum, v, i) => sum.add(v.mul(v).mul(i).sum()), zeros([], { dtype: 'float64' }));
    const shards = [intermediates.slice(0, 2), intermediates.slice(2, 4), intermediates.slice(4)];
    const found = shards.flatMap((shard) => grad(loss, shard, null, { retainGraph: true, allowUnused: true }));
    backward(intermediates, found);
    const sharded = leaves.map((l) => values(l.grad));
    for (const l of leaves) l.grad = null;
    const again = leaves.map((l, i) => l.mul(i).mul(l));
    again.reduce((sum, v, i) => sum.add(v.mul(v).mul(i).sum()), zeros([], { dtype: 'float64' })).backward();
    leaves.forEach((l, i) => {
      close(l.grad, tensor(sharded[i] as number[], { dtype: 'float64' }));
    });
  });

  test('10,000 roots at once', () => {
    const x = leaf(1);
    const roots = Array.from({ length: 10_000 }, (_, i) => x.mul(i % 7));
    backward(roots);
    expect(values(x.grad)).toEqual([Array.from({ length: 10_000 }, (_, i) => i % 7).reduce((a, b) => a + b, 0)]);
  });
});

describe('gradients that are given', () => {
  test('behaviour backward_nonscalar: it needs a gradient', () => {
    refused(() => leaf(3).mul(2).backward(), 'AutogradError', /3 elements/);
  });

  test('behaviour backward_one_elem_shape(1,1): one element in any number of dimensions needs none', () => {
    const x = leaf(1, 1);
    x.mul(2).backward();
    expect(values(x.grad)).toEqual([[2]]);
  });

  test('behaviour backward_zero_elem: no element at all needs one', () => {
    refused(() => (zeros([0], { requiresGrad: true }) as Tensor).mul(2).backward(), 'AutogradError', /0 elements/);
  });

  test('behaviour backward_no_grad_fn: nothing recorded it', () => {
    refused(() => ones([]).backward(), 'AutogradError', /does not require a gradient/);
  });

  test('behaviour backward_leaf_scalar: the gradient of a leaf by itself is one', () => {
    const x = leaf();
    x.backward();
    expect(values(x.grad)).toBe(1);
  });

  test('behaviour backward_int: integers have no gradient', () => {
    refused(() => ones([], { dtype: 'int64' }).backward(), 'AutogradError', /int64/);
  });

  test('behaviour backward_complex_scalar_no_grad_arg: a complex result needs a gradient', () => {
    refused(() => ones([], { dtype: 'complex128', requiresGrad: true }).clone().backward(), 'AutogradError', /complex/);
  });

  test('test_complex_scalar_backward: the implicit gradient is for real numbers only', () => {
    const z = ones([], { dtype: 'complex64', requiresGrad: true });
    refused(() => z.backward(), 'AutogradError', /complex.*explicit gradient/);
    z.backward(ones([], { dtype: 'complex64' }));
    expect(z.grad?.dtype).toBe('complex64');
  });

  test('behaviour grad_shape_mismatch: the shapes must be equal', () => {
    refused(() => leaf(3).mul(2).backward(constant(2)), 'ShapeError', /\[2\].*\[3\]/);
  });

  test('behaviour grad_shape_broadcastable (1,) for (3,): nor does it broadcast', () => {
    const x = leaf(3);
    refused(() => x.mul(2).backward(constant(1)), 'ShapeError', /\[1\].*\[3\]/);
    expect(x.grad).toBe(null);
  });

  test('behaviour grad_dtype_mismatch float32 grad for float64 out: it is cast', () => {
    const x = leaf(3);
    x.mul(2).backward(ones([3]));
    expect([x.grad?.dtype, values(x.grad)]).toEqual(['float64', [2, 2, 2]]);
  });

  test('behaviour grad_complex_for_real: refused, and so is a real one for a complex result', () => {
    refused(
      () =>
        leaf(3)
          .mul(2)
          .backward(ones([3], { dtype: 'complex128' })),
      'DTypeError',
      /complex128.*float64/,
    );
    const z = ones([2], { dtype: 'complex64', requiresGrad: true });
    refused(() => z.clone().backward(ones([2])), 'DTypeError', /float32.*complex64/);
  });

  test('behaviour grad_arg_not_tensor: numbers in an array are one, anything else is refused', () => {
    const x = leaf(3);
    x.mul(2).backward([1, 2, 3]);
    expect(values(x.grad)).toEqual([2, 4, 6]);
    refused(() => x.mul(2).backward('1' as never), 'ArgumentError', /tensor/);
    refused(() => backward(x.mul(2), [1, 1, 1] as never), 'ArgumentError');
  });

  test('test_input_buffer_accum: gradients that the caller passes are never written into', () => {
    manualSeed(0);
    const x = random(2, 2);
    const gathered = x.gather(0, tensor([[0, 0]], { dtype: 'int64' }));
    const [g1, g2] = [rand([2, 2], { dtype: 'float64' }), rand([1, 2], { dtype: 'float64' })];
    const [before1, before2] = [values(g1), values(g2)];
    backward([x.clone(), gathered, x.clone(), x], [g1, g2, g1, g1]);
    backward([x.clone(), x], [g1, g1]);
    expect([values(g1), values(g2)]).toEqual([before1, before2]);
  });
});

describe('inputs', () => {
  function example() {
    manualSeed(1);
    const [x, y] = [random(2, 2), random(2, 2)];
    return { x, y, out: () => x.pow(2).add(y.mul(x)).add(y.pow(2)), dx: x.mul(2).add(y).detach(), dy: x.add(y.mul(2)).detach() };
  }

  test('test_backward_with_inputs: gradients accumulate there alone; an empty list is refused', () => {
    const { x, y, out, dx, dy } = example();
    const run = (inputs: never): unknown[] => {
      x.grad = zeros([2, 2], { dtype: 'float64' });
      y.grad = zeros([2, 2], { dtype: 'float64' });
      backward(out(), constant(2, 2), { inputs });
      return [x.grad, y.grad].map(values);
    };
    const none = values(zeros([2, 2]));
    expect(run([x, y] as never)).toEqual([dx, dy].map(values));
    expect(run([x] as never)).toEqual([values(dx), none]);
    expect(run([y] as never)).toEqual([none, values(dy)]);
    expect(run(y as never)).toEqual([none, values(dy)]);
    expect(run({ weight: y } as never)).toEqual([none, values(dy)]);
    expect(run(new Set([y]) as never)).toEqual([none, values(dy)]);
    refused(() => backward(out(), constant(2, 2), { inputs: [] }), 'ArgumentError', /empty/);
  });

  test('test_backward_with_nonleaf_inputs: results may be named; one that takes no part stays without a gradient', () => {
    manualSeed(1);
    const [x, y, z] = [random(2, 2), random(2, 2), random(2, 2)];
    const middle = x.mul(1);
    const out = middle.pow(2).add(y.mul(middle)).add(y.pow(2));
    out.backward(constant(2, 2), { createGraph: true, inputs: [x, y, middle] });
    close(x.grad, x.mul(2).add(y));
    close(y.grad, x.add(y.mul(2)));
    close(middle.grad, x.mul(2).add(y));
    out.backward(constant(2, 2), { createGraph: true, inputs: [z] });
    expect(z.grad).toBe(null);
  });

  test('an input that is named twice, or that retains its gradient, gets it once', () => {
    const x = leaf(2);
    const y = x.mul(3);
    total(y).backward(null, { inputs: [y, x, y, x], retainGraph: true });
    expect([values(y.grad), values(x.grad)]).toEqual([
      [1, 1],
      [3, 3],
    ]);
    const z = x.mul(3);
    z.retainGrad();
    total(z).backward(null, { inputs: [z] });
    expect(values(z.grad)).toEqual([1, 1]);
  });

  test('leaves that are named accumulate in place, with their hooks', () => {
    const x = leaf(2);
    const seen: unknown[] = [];
    x.registerPostAccumulateGradHook((p) => void seen.push(values(p.grad)));
    total(x.mul(2)).backward(null, { inputs: [x] });
    const first = x.grad;
    total(x.mul(2)).backward(null, { inputs: [x] });
    expect(x.grad === first).toBe(true);
    expect(seen).toEqual([
      [2, 2],
      [4, 4],
    ]);
  });

  test('behaviour backward_empty_inputs: refused', () => {
    refused(() => backward(total(leaf(3)), null, { inputs: [] }), 'ArgumentError', /empty/);
  });

  test('behaviour backward_inputs_nonleaf: the result has its gradient, the leaf has none', () => {
    const x = leaf(3);
    const y = x.mul(2);
    total(y).backward(null, { inputs: [y] });
    expect([values(y.grad), x.grad]).toEqual([[1, 1, 1], null]);
  });

  test('behaviour backward_inputs_no_requires_grad: refused', () => {
    const c = constant(3);
    refused(() => total(leaf(3).mul(c)).backward(null, { inputs: [c] }), 'AutogradError', /does not require/);
  });
});

describe('a graph that is used twice', () => {
  const saving = (): Tensor => {
    const b = leaf(3);
    const c = zeros([3], { dtype: 'float64' });
    return c.indexPut([tensor([1, 2], { dtype: 'int64' })], b.indexSelect(0, tensor([1, 1], { dtype: 'int64' })));
  };

  test('test_backward_twice_with_saved_values: refused once what it saved is gone', () => {
    const c = saving();
    c.backward(constant(3));
    refused(() => c.backward(constant(3)), 'AutogradError', /retainGraph: true/);
  });

  test('test_backward_twice_retained_graph_with_saved_values: retainGraph allows it', () => {
    const c = saving();
    c.backward(constant(3), { retainGraph: true });
    c.backward(constant(3));
    refused(() => c.backward(constant(3)), 'AutogradError', /retainGraph/);
  });

  test('test_backward_twice_without_saved_values: where nothing was saved nothing is missed', () => {
    const b = leaf(3);
    const c = b.add(1);
    c.backward(constant(3));
    c.backward(constant(3));
    expect(values(b.grad)).toEqual([2, 2, 2]);
  });

  test('test_backward_twice_retained_graph_without_saved_values: nor with retainGraph', () => {
    const b = leaf(3);
    const c = b.add(1);
    c.backward(constant(3), { retainGraph: true });
    c.backward(constant(3));
    expect(values(b.grad)).toEqual([2, 2, 2]);
  });

  test('behaviour backward_twice: the message says which result, of what shape, and what to call', () => {
    const x = leaf(3);
    const y = total(x.mul(x));
    y.backward();
    refused(
      () => y.backward(),
      'AutogradError',
      /MulBackward: the result of shape \[3\] of mul cannot be differentiated again.*retainGraph: true/,
    );
  });

  test('behaviour backward_twice_linear_graph (sum only, no saved): accumulates', () => {
    const x = leaf(3);
    const y = total(x.add(1));
    y.backward();
    y.backward();
    expect(values(x.grad)).toEqual([2, 2, 2]);
  });

  test('operators that are composed of others save nothing where those do not', () => {
    const x = leaf(2);
    const y = total(autograd.enableGrad(() => x.tile([2]).unsqueeze(0).repeat(2, 1)));
    y.backward();
    y.backward();
    expect(values(x.grad)).toEqual([8, 8]);
  });

  test('with tracing on the message shows where the result was computed', () => {
    autograd.detectAnomaly(() => {
      const x = leaf(3);
      const y = total(x.mul(x));
      y.backward();
      refused(() => y.backward(), 'AutogradError', /It was recorded here:\n[\s\S]*01-backward\.test\.ts/);
    });
  });

  test('a failing backward leaves the graph usable and the mode as it was', () => {
    const x = leaf(2);
    const y = x.mul(2);
    const hook = y.registerHook(() => {
      throw new Error('from the hook');
    });
    const loss = total(y);
    expect(() => loss.backward(null, { retainGraph: true })).toThrow('from the hook');
    expect(x.mul(2).requiresGrad).toBe(true);
    expect(autograd.graph.currentGraphTaskId()).toBe(-1);
    // Nothing of the pass that failed is left on the nodes, such as its gradients.
    expect([y.gradFn?.state, loss.gradFn?.state]).toEqual([null, null]);
    hook.remove();
    loss.backward();
    expect(values(x.grad)).toEqual([2, 2]);
  });
});

describe('what runs and what comes of it', () => {
  test('test_backward_create_graph_warns: there is nothing to warn of, since cycles of a leaf and its gradient are collected here', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const x = leaf(3);
    total(x.pow(2)).backward(null, { createGraph: true });
    grad(total(x.pow(2)), x, null, { createGraph: true });
    expect([warned.mock.calls, x.grad?.requiresGrad]).toEqual([[], true]);
    warned.mockRestore();
  });

  test('test_backward_copy: buffers of a gradient that goes several ways do not alias', () => {
    const [x, y] = [leaf(5, 5), leaf(5, 5)];
    let [a, b, c] = [x.add(2), y.add(2), x.add(2)];
    const sum = a.add(b).add(c);
    for (let i = 0; i < 4; i++) [a, b, c] = [a.mul(2), b.mul(2), c.mul(2)];
    sum.add(a.add(b).add(c)).backward(constant(5, 5));
    close(x.grad, constant(5, 5).mul(34));
    close(y.grad, constant(5, 5).mul(17));
  });

  test('test_unused_output: outputs that are not used have zero gradients, and one may be a root by itself', () => {
    const x = leaf(10, 10);
    const third = x.chunk(5)[2] as Tensor;
    total(third.mul(4).add(2)).backward();
    const expected = zeros([10, 10], { dtype: 'float64' });
    expected.narrow(0, 4, 2).fill_(4);
    close(x.grad, expected);
    x.grad = zeros([10, 10], { dtype: 'float64' });
    const g = randn([2, 10], { dtype: 'float64' });
    (x.chunk(5)[0] as Tensor).backward(g);
    close(x.grad?.narrow(0, 0, 2), g);
    close(x.grad?.narrow(0, 2, 8), zeros([8, 10]));
  });

  test('test_isolated_node: a branch without a derivative does not disturb', () => {
    manualSeed(0);
    const [x, y] = [random(5, 5), random(5, 5)];
    const a = x.add(y);
    const indices = a.max(1, { keepdim: true }).indices.repeat(1, 5).double();
    total(indices.add(a)).backward();
    close(x.grad, constant(5, 5));
  });

  test('test_not_implemented_grad: an operator without a derivative runs forward, and refuses backward with its name', () => {
    // Without Q there is nothing to differentiate R with. (PyTorch's own example, nextafter, has got a derivative since.)
    const y = total(linalg.qr(random(3, 3), 'r').R);
    expect(y.requiresGrad).toBe(true);
    refused(() => y.backward(), 'AutogradError', /linalg\.qr: mode 'r' .* has no derivative/);
  });

  test('behaviour unsupported derivative: what has one has the second too', () => {
    const x = leaf(2, 2);
    const distance = x.unsqueeze(0).sub(x.detach().unsqueeze(1)).pow(2).sum(2);
    total(distance.pow(2)).backward(null, { createGraph: true });
    expect(values(grad(total(x.grad as Tensor), x)[0])).toEqual(values(zeros([2, 2])));
  });
});

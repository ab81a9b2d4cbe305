import { describe, expect, test, vi } from 'vitest';
import * as nabla from '../../src/index.ts';
import { leaf, refused, total, values } from '../engine/support.ts';
import { close } from './close.ts';

const { autograd, backward, grad, ones, tensor, unbind, varMean } = nabla;
const { getGradientEdge, GradientEdge, AccumulateGrad, Node } = autograd.graph;
type Tensor = nabla.Tensor;
type Node = nabla.autograd.graph.Node;

const constant = (...shape: number[]): Tensor => ones(shape, { dtype: 'float64' });
const first = (found: readonly (Tensor | null)[]): Tensor => found[0] as Tensor;

class Same extends autograd.Function {
  static forward(_context: nabla.autograd.FunctionContext, x: Tensor): Tensor {
    return x.clone();
  }
  static backward(_context: nabla.autograd.FunctionContext, g: Tensor): Tensor {
    return g;
  }
}

describe('nodes', () => {
  test('test_next_functions: pairs of the node that gradients go to and the output it is; leaves end in AccumulateGrad, constants in null', () => {
    const [x, y] = [leaf(5, 5), leaf(5, 5)];
    const a = x.add(y);
    const sinks = a.gradFn?.nextFunctions ?? [];
    expect(sinks.map(([node, index]) => [node instanceof AccumulateGrad, index])).toEqual([
      [true, 0],
      [true, 0],
    ]);
    const b = a.add(constant(1));
    const [toA, toConstant] = b.gradFn?.nextFunctions ?? [];
    expect([toA?.[0] === a.gradFn, toConstant?.[0]]).toEqual([true, null]);
  });

  test('behaviour AccumulateGrad.variable / next_functions: the sink knows its leaf', () => {
    const x = leaf(3);
    const next = x.mul(constant(3)).gradFn?.nextFunctions ?? [];
    expect(next.map(([node, index]) => [node?.name ?? null, index])).toEqual([
      ['AccumulateGrad', 0],
      [null, 0],
    ]);
    const [[sink]] = next as unknown as [[InstanceType<typeof AccumulateGrad>]];
    expect(sink.variable).toBe(x);
  });

  test('test_grad_fn_badcalls: a node is called with one gradient for each of its outputs, and gives those of its inputs', () => {
    const x = leaf(2);
    const y = x.mul(x);
    const node = y.gradFn as Node;
    refused(() => node.call(constant(2), constant(2)), 'ArgumentError', /1 outputs, got 2/);
    refused(() => node.call(), 'ArgumentError', /1 outputs, got 0/);
    expect(node.call(tensor([1, 2], { dtype: 'float64' })).map(values)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    total(y).backward();
    expect(values(x.grad)).toEqual([2, 2]);
    const [part] = unbind(leaf(3)) as [Tensor];
    refused(() => (part.gradFn as Node).call(constant()), 'ArgumentError', /3 outputs, got 1/);
    expect((x.mul(constant(2)).gradFn as Node).call(constant(2)).map(values)).toEqual([[1, 1], null]);
  });

  test('test_autograd_node_isinstance: every node is a Node, those of leaves and of custom functions too', () => {
    const x = leaf(2);
    expect(x.mul(2).gradFn).toBeInstanceOf(Node);
    expect(getGradientEdge(x).node).toBeInstanceOf(Node);
    expect((Same.apply(x) as Tensor).gradFn).toBeInstanceOf(Node);
    expect(x.gradFn).not.toBeInstanceOf(Node);
    expect({ name: 'MulBackward' }).not.toBeInstanceOf(Node);
  });

  test('test_grad_fn_input_metadata: shape and dtype of each gradient that arrives', () => {
    const z = ones([2], { requiresGrad: true }).mul(ones([2], { requiresGrad: true }));
    expect(z.gradFn?.inputMetadata).toEqual([{ shape: [2], dtype: 'float32' }]);
    const both = varMean(leaf(3, 3), 0);
    expect(both.var.gradFn?.inputMetadata).toEqual([
      { shape: [3], dtype: 'float64' },
      { shape: [3], dtype: 'float64' },
    ]);
    expect(leaf(2, 3).sort(1).values.gradFn?.inputMetadata).toEqual([
      { shape: [2, 3], dtype: 'float64' },
      { shape: [2, 3], dtype: 'int64' },
    ]);
    const sink = getGradientEdge(leaf(2, 4)).node;
    expect(sink.inputMetadata).toEqual([{ shape: [2, 4], dtype: 'float64' }]);
    const free = leaf(2);
    free.gradDtype = null;
    expect(getGradientEdge(free).node.inputMetadata).toEqual([{ shape: [2], dtype: null }]);
  });

  test('metadata is an object for the user’s notes, one for each node', () => {
    const [a, b] = [leaf(2).mul(2), leaf(2).mul(2)].map((x) => x.gradFn as Node) as [Node, Node];
    a.metadata.label = 'first';
    expect([a.metadata, b.metadata]).toEqual([{ label: 'first' }, {}]);
  });

  test('behaviour output_nr: outputs of one operation are numbered, and share their node', () => {
    const parts = leaf(4).mul(1).unbind(0) as Tensor[];
    expect(parts.map((part) => part.outputNr)).toEqual([0, 1, 2, 3]);
    expect(new Set(parts.map((part) => part.gradFn)).size).toBe(1);
  });
});

/** PyTorch 2.13's names without the digit of the overload. */
const NAMES: readonly (readonly [string, (a: Tensor) => Tensor])[] = [
  ['AddBackward', (a) => a.add(1)],
  ['SubBackward', (a) => a.sub(1)],
  ['RsubBackward', (a) => nabla.rsub(a, 1)],
  ['MulBackward', (a) => a.mul(2)],
  ['DivBackward', (a) => a.div(2)],
  ['SumBackward', (a) => a.sum()],
  ['SumBackward', (a) => a.sum(0)],
  ['MeanBackward', (a) => a.mean()],
  ['TBackward', (a) => a.t()],
  ['PermuteBackward', (a) => a.T],
  ['PermuteBackward', (a) => a.permute(1, 0)],
  ['TransposeBackward', (a) => a.transpose(0, 1)],
  ['ViewBackward', (a) => a.view(-1)],
  ['ViewBackward', (a) => a.reshape(-1)],
  ['SelectBackward', (a) => a.select(0, 0)],
  ['SliceBackward', (a) => a.narrow(0, 0, 1)],
  ['CatBackward', (a) => nabla.cat([a, a])],
  ['StackBackward', (a) => nabla.stack([a, a])],
  ['ReluBackward', (a) => a.relu()],
  ['MaxBackward', (a) => a.max()],
  ['MaxBackward', (a) => a.max(0).values],
  ['PowBackward', (a) => a.pow(2)],
  ['PowBackward', (a) => a.pow(a)],
  ['ExpandBackward', (a) => a.expand(2, 2, 2)],
  ['SoftmaxBackward', (a) => a.softmax(0)],
  ['LogSoftmaxBackward', (a) => a.logSoftmax(0)],
  ['CloneBackward', (a) => a.T.contiguous()],
  ['WhereBackward', (a) => (nabla.where as (condition: Tensor, x: Tensor, y: Tensor) => Tensor)(a.gt(0), a, a)],
  ['MaskedFillBackward', (a) => a.maskedFill(a.gt(0), 0)],
  ['ToCopyBackward', (a) => a.float()],
  ['NegBackward', (a) => a.neg()],
  ['SqueezeBackward', (a) => a.squeeze()],
  ['UnsqueezeBackward', (a) => a.unsqueeze(0)],
  ['StdBackward', (a) => a.std()],
  ['CloneBackward', (a) => a.clone()],
  ['ExpBackward', (a) => a.exp()],
];

describe('names', () => {
  test('behaviour grad_fn names: PyTorch’s, without the digit of the overload', () => {
    const found = NAMES.map(([, make]) => make(leaf(2, 2)).gradFn);
    expect(found.map((node) => node?.name)).toEqual(NAMES.map(([name]) => name));
    expect(found.map(String)).toEqual(NAMES.map(([name]) => `<${name}>`));
  });

  test('a tensor shows what made it', () => {
    const a = ones([2, 2], { requiresGrad: true });
    expect(String(a)).toBe('tensor([[1., 1.],\n        [1., 1.]], requiresGrad=true)');
    expect(String(a.add(2).pow(2).sum())).toBe('tensor(36., gradFn=<SumBackward>)');
  });
});

describe('gradient edges', () => {
  const sameByEdge = (out: Tensor, input: Tensor): void => {
    const reference = first(grad(total(out), input, null, { retainGraph: true }));
    close(grad(total(out), getGradientEdge(input))[0], reference);
  };

  test('test_grad_to_node: an edge stands for its tensor: a leaf, a result, of a custom function, of several results', () => {
    const x = leaf(2);
    sameByEdge(x.clone(), x);
    const y = x.clone();
    sameByEdge(y.mul(3), y);
    const custom = Same.apply(x) as Tensor;
    sameByEdge(custom.exp(), custom);
    const { mean } = varMean(x);
    sameByEdge(mean.mul(5), mean);
  });

  test('behaviour get_gradient_edge: the node and output of a result, the sink of a leaf', () => {
    const x = leaf(2);
    const y = x.mul(2);
    const edge = getGradientEdge(y);
    expect(edge).toBeInstanceOf(GradientEdge);
    expect([edge.node === y.gradFn, edge.outputNr, getGradientEdge(x).node.name]).toEqual([true, 0, 'AccumulateGrad']);
    expect(getGradientEdge(y.unbind(0)[1] as Tensor).outputNr).toBe(1);
    expect(values(grad(total(y), edge)[0])).toEqual([1, 1]);
  });

  test('behaviour get_gradient_edge no rg: refused', () => {
    refused(() => getGradientEdge(ones([2])), 'AutogradError', /shape \[2\].*does not require a gradient/);
    refused(() => getGradientEdge(3 as never), 'ArgumentError', /the number 3/);
  });

  test('test_grad_to_node_inplace: the edge stays with the value from before an in-place operation', () => {
    const x = leaf(2).clone();
    const before = getGradientEdge(x);
    x.mul_(2);
    expect(values(grad(total(x), before, null, { retainGraph: true })[0])).toEqual([2, 2]);
    expect(values(grad(total(x), getGradientEdge(x))[0])).toEqual([1, 1]);
  });

  test('test_grad_to_node_multi: several edges, also beside tensors', () => {
    const [x, y] = [leaf(2).clone(), leaf(2).clone()];
    const out = total(x.mul(2).add(y.mul(3)));
    const kept = { retainGraph: true };
    const reference = grad(out, [x, y], null, kept).map(values);
    expect(grad(out, [getGradientEdge(x), getGradientEdge(y)], null, kept).map(values)).toEqual(reference);
    expect(grad(out, [x, getGradientEdge(y)], null, kept).map(values)).toEqual(reference);
  });

  test('test_grad_to_node_materialize: zeros are for tensors; an edge that nothing reaches is refused or null', () => {
    const [x, y] = [leaf(2).clone(), leaf(2).clone()];
    const [edgeX, edgeY] = [getGradientEdge(x), getGradientEdge(y)];
    const out = total(x.clone());
    const options = { retainGraph: true, allowUnused: true, materializeGrads: true };
    expect(grad(out, [edgeX, y], null, options).map(values)).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(grad(out, [x, edgeY], null, { retainGraph: true, allowUnused: true }).map(values)).toEqual([[1, 1], null]);
    refused(
      () => grad(out, [x, edgeY], null, options),
      'AutogradError',
      /edge to output 0 of CloneBackward.*materializeGrads.*allowUnused/,
    );
    refused(() => grad(out, [x, getGradientEdge(leaf(3).named('w'))]), 'AutogradError', /the edge to 'w' of shape \[3\]/);
  });

  test('test_backward_to_node: edges as inputs of backward: those of leaves accumulate, the hooks of others run', () => {
    const source = leaf(2);
    const [x, y] = [source.clone(), leaf(2).clone()];
    const out = total(x.clone());
    const seen: unknown[] = [];
    x.registerHook((g: Tensor) => void seen.push(values(g)));
    for (const inputs of [
      [getGradientEdge(x), y],
      [x, y],
      [x, getGradientEdge(y)],
      [getGradientEdge(x), getGradientEdge(y)],
    ]) {
      backward(out, null, { inputs, retainGraph: true });
    }
    expect([seen.length, source.grad, values(x.grad), y.retainsGrad]).toEqual([4, null, [2, 2], false]);
    backward(out, null, { inputs: getGradientEdge(source) });
    expect(values(source.grad)).toEqual([1, 1]);
  });

  test('behaviour backward on GradientEdge: with an explicit gradient', () => {
    const x = leaf(2);
    backward(getGradientEdge(x.mul(2)), constant(2));
    expect(values(x.grad)).toEqual([2, 2]);
  });

  test('test_gradient_edge_output: edges as roots: a backward pass in two stages, with the checks that tensors get', () => {
    const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
    const compute = (reduce = true): [Tensor, InstanceType<typeof GradientEdge>] => {
      const middle = reduce ? x.sin().cos().sum() : x.sin().cos();
      return [middle.exp().clone().sin().sum(), getGradientEdge(middle)];
    };
    const reference = first(grad(compute()[0], x));
    const [out, edge] = compute();
    const middleGrad = first(grad(out, edge));
    close(grad(edge, x, middleGrad)[0], reference);

    refused(() => grad(compute(false)[1], x), 'AutogradError', /the edge to output 0 of CosBackward has 2 elements/);
    expect(grad(compute()[1], x)[0]?.shape).toEqual([2]);
    refused(() => grad(compute()[1], x, constant(2)), 'ShapeError', /\[2\].*\[\]/);
    refused(() => grad(compute()[1], x, ones([], { dtype: 'complex64' })), 'DTypeError', /complex64.*float64/);

    const [, again] = compute();
    backward(again, null, { retainGraph: true });
    const found = first(grad(again, x, null, { retainGraph: true }));
    close(x.grad, found);
    x.grad = null as Tensor | null;
    backward([again], null, { retainGraph: true });
    close(x.grad, found);

    const [[, edge1], [out2]] = [compute(), compute()];
    const mixed = first(grad([edge1, out2], x, null, { retainGraph: true }));
    x.grad = null as Tensor | null;
    backward([edge1, out2]);
    close(x.grad, mixed);
  });

  test('an edge keeps the graph, not the tensor: what was saved is still freed by the pass', () => {
    const x = leaf(2);
    const edge = getGradientEdge(total(x.exp().mul(x)));
    backward(edge);
    close(x.grad, constant(2).exp().mul(2));
    refused(() => backward(edge), 'AutogradError', /retainGraph/);
  });

  test('a warning of a missing grad names the operation', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(leaf(2).exp().grad).toBe(null);
    expect(String(warned.mock.calls[0])).toMatch(/made by Exp/);
    warned.mockRestore();
  });
});

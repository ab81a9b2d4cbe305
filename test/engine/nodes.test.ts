/** Nodes by hand: what they say of themselves, what they do when called, and what they answer when what they saved is not there. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { autograd, grad, linalg, type Tensor, tensor, unbind } from '../../src/index.ts';
import type { OperatorNode } from '../../src/tensor/node.ts';
import { leaf, refused, total, values } from './support.ts';

type Node = autograd.graph.Node;

function nodeOf(x: Tensor | undefined): Node {
  return x?.gradFn as Node;
}

function sinkOf(x: Tensor): Node {
  return autograd.graph.getGradientEdge(x).node;
}

describe('a node', () => {
  test('shows its name, however it is printed', () => {
    const node = nodeOf(leaf(2).mul(2));
    expect([String(node), inspect(node), Object.prototype.toString.call(node)]).toEqual([
      '<MulBackward>',
      '<MulBackward>',
      '[object MulBackward]',
    ]);
    expect([sinkOf(leaf(2)).name, String(sinkOf(leaf(2)))]).toEqual(['AccumulateGrad', '<AccumulateGrad>']);
  });

  test('gives no gradient where none is given to it, whatever its kind', () => {
    const x = leaf(2, 2);
    for (const y of [x.mul(3), x.sum(), x.matmul(x), x.softmax(0)]) expect(new Set(nodeOf(y).call(null))).toEqual(new Set([null]));
    expect(nodeOf(unbind(x)[0]).call(null, null)).toEqual([null]);
    expect(nodeOf(x.tile([2, 1])).call(null)).toEqual([null]);
  });

  test('gives those of the inputs that want one, again and again, and the sink of a leaf none', () => {
    const [a, b] = [tensor([[2]], { requiresGrad: true }), tensor([[3]])];
    const g = tensor([[1]], { dtype: 'float32' });
    for (const [y, left, right] of [
      [a.matmul(b), [[3]], null],
      [b.matmul(a), null, [[3]]],
      [a.matmul(a), [[2]], [[2]]],
    ] as const) {
      for (let time = 0; time < 2; time++) expect(nodeOf(y).call(g).map(values)).toEqual([left, right]);
    }
    expect(sinkOf(a).call(g)).toEqual([]);
    expect(a.grad).toBe(null);
  });

  test('runs before those with smaller numbers, which can be assigned', () => {
    const order = (change: (first: Node, second: Node) => void): string[] => {
      const seen: string[] = [];
      const x = leaf(2);
      const [a, b] = [x.sin(), x.cos()];
      nodeOf(a).registerPrehook(() => void seen.push('sin'));
      nodeOf(b).registerPrehook(() => void seen.push('cos'));
      change(nodeOf(a), nodeOf(b));
      total(a.add(b)).backward();
      return seen;
    };
    expect(order(() => undefined)).toEqual(['cos', 'sin']);
    expect(
      order((first, second) => {
        expect(second.sequenceNr).toBe(first.sequenceNr + 1);
        first.sequenceNr = second.sequenceNr + 1;
      }),
    ).toEqual(['sin', 'cos']);
  });

  test('has hooks that are functions', () => {
    const node = nodeOf(leaf(2).mul(2));
    refused(() => node.registerHook(3 as never), 'ArgumentError', /^registerHook: the hook must be a function, got the number 3$/);
    refused(() => node.registerPrehook(null as never), 'ArgumentError', /^registerPrehook: the hook must be a function, got null$/);
  });

  test('that is called with too few gradients says how many it takes', () => {
    refused(
      () => nodeOf(leaf(2).mul(2)).call(),
      'ArgumentError',
      /^MulBackward: call takes one gradient for each of its 1 outputs, got 0$/,
    );
  });

  test('knows what its operator reads, and forgets it when the pass is over', () => {
    const x = leaf(2);
    const y = x.mul(x.detach());
    expect(nodeOf(y).savedTensors().length).toBe(1);
    expect(nodeOf(x.sum()).savedTensors()).toEqual([]);
    const index = tensor([1], { dtype: 'int64' });
    expect(
      nodeOf(x.indexSelect(0, index))
        .savedTensors()
        .map((saved) => saved === index),
    ).toEqual([true]);
    total(y).backward();
    expect(nodeOf(y).savedTensors()).toEqual([]);
    const packed = autograd.graph.savedTensorsHooks(
      (t) => t.mul(1),
      (t) => t,
      () => x.sin(),
    );
    expect(nodeOf(packed).savedTensors().length).toBe(1);
    total(packed).backward();
    expect(nodeOf(packed).savedTensors()).toEqual([]);
  });
});

describe('what a node saved', () => {
  test('may never have been saved', () => {
    const node = nodeOf(leaf(2).sum()) as OperatorNode;
    refused(() => node.input(0), 'AutogradError', /^SumBackward: input 0 was not saved: the operator's definition does not declare/);
    expect([0, 1, 7].map((index) => node.needs(index))).toEqual([true, false, false]);
    const product = nodeOf(leaf(2).mul(leaf(2).detach())) as OperatorNode;
    refused(() => product.unpack(0), 'AutogradError', /^MulBackward: input 0 was not saved/);
    refused(() => node.output(0), 'AutogradError', /^SumBackward: output 0 was not saved: the operator's definition does not declare/);
  });

  test('may have been written: the message says what, where it was read, and by whom', () => {
    const x = leaf(2).mul(1);
    const [sine, power] = [x.sin(), x.exp()];
    power.mul_(2);
    refused(
      () => total(power).backward(),
      'AutogradError',
      /^exp: its backward pass reads output 0, a tensor of shape \[2\] and dtype float64.*\(last by mul_, which wrote shape \[2\]\): version 1, saved at 0\./,
    );
    x.add_(1);
    x.add_(1);
    refused(
      () => total(sine).backward(),
      'AutogradError',
      /^sin: its backward pass reads input 0, a tensor of shape \[2\].*\(last by add_, which wrote shape \[2\]\): version 2, saved at 0\./,
    );
  });

  test('is counted from when it was saved, in nodes of all kinds', () => {
    const x = leaf(2, 2).mul(1);
    x.add_(1);
    const [a, b] = [x.sin(), x.mm(x)];
    total(a.add(b)).backward(null, { retainGraph: true });
    x.add_(1);
    refused(() => total(a).backward(), 'AutogradError', /version 2, saved at 1/);
    refused(() => total(b).backward(), 'AutogradError', /^mm: .*version 2, saved at 1/);
  });

  test('may have lost its history, where that is read: not a leaf, and not what had none', () => {
    const x = leaf(2);
    const middle = x.mul(2);
    const y = middle.sin();
    middle.detach_();
    refused(
      () => total(y).backward(),
      'AutogradError',
      /^sin: its backward pass reads input 0, a tensor of shape \[2\] and dtype float64, whose history detach_\(\) has taken away since: use detach\(\) there$/,
    );
    const constant = leaf(2).detach();
    total(x.mul(constant)).backward();
    expect(values(x.grad)).toEqual([1, 1]);
  });

  test('has the history that it had, also where the result was detached since', () => {
    const x = tensor([0, 1], { dtype: 'float64', requiresGrad: true });
    const second = (detach: boolean): unknown => {
      const y = x.exp();
      const z = y.mul(2);
      if (detach) y.detach_();
      const [g] = grad(total(z), x, null, { createGraph: true });
      return values(grad(total(g as Tensor), x)[0]);
    };
    for (const detach of [false, true]) {
      const [zero, one] = second(detach) as [number, number];
      expect([zero, one]).toEqual([2, expect.closeTo(2 * Math.E, 12)]);
    }
  });

  test('is the output of its own number, and a result without gradients stays one', () => {
    const x = tensor(
      [
        [2, 1],
        [1, 4],
      ],
      { dtype: 'float64', requiresGrad: true },
    );
    const weights = tensor(
      [
        [1, 2],
        [4, 3],
      ],
      { dtype: 'float64' },
    );
    const second = (detach: boolean): number[] => {
      const { eigenvalues, eigenvectors } = linalg.eigh(x) as unknown as { eigenvalues: Tensor; eigenvectors: Tensor };
      const z = total(eigenvalues.mul(2)).add(total(eigenvectors.mul(weights)));
      if (detach) {
        eigenvalues.detach_();
        eigenvectors.detach_();
      }
      const [g] = grad(z, x, null, { createGraph: true });
      return (values(grad(total((g as Tensor).pow(2)), x)[0]) as number[][]).flat();
    };
    const [expected, found] = [second(false), second(true)];
    found.forEach((element, i) => {
      expect(element).toBeCloseTo(expected[i] as number, 10);
    });
  });

  test('is the tensor itself, and none with a history where it has none', () => {
    const x = leaf(2, 3);
    const { values: largest, indices } = x.max(1);
    for (const y of [x.exp(), x.softmax(1), x.matmul(x.T), largest]) {
      for (const saved of autograd.graph.savedValues(nodeOf(y))) {
        const found = saved.unpack();
        if (found.dtype === 'int64') expect([found === indices, found.requiresGrad, found.gradFn]).toEqual([true, false, null]);
        else if (saved.role === 'output') expect(found).toBe(y);
      }
    }
  });

  test('of a leaf is read as it is', () => {
    const x = leaf(2);
    const y = x.mul(x);
    const [g] = grad(total(y), x, null, { createGraph: true });
    expect(values(grad(total(g as Tensor), x)[0])).toEqual([2, 2]);
  });
});

describe('a result that takes another history', () => {
  test('retains no gradient unless it was asked to', () => {
    const y = leaf(2).mul(1).named('y');
    y.mul_(2);
    total(y).backward();
    expect(y.retainsGrad).toBe(false);
    expect(y.meta?.grad ?? null).toBe(null);
  });

  test('may lose it, and get one again', () => {
    const y = leaf(2).mul(1);
    y.retainGrad();
    y.detach_();
    expect([y.gradFn, y.isLeaf]).toEqual([null, true]);
    const x = leaf(2);
    y.mul_(x);
    total(y).backward();
    expect(values(x.grad)).toEqual([1, 1]);
  });
});

describe('a sink', () => {
  test('is one for each leaf, made when it is asked for', () => {
    const [x, y] = [leaf(2), leaf(2)];
    const sink = sinkOf(x);
    expect([sinkOf(x) === sink, nodeOf(x.mul(2)).nextFunctions[0]?.[0] === sink, sinkOf(y) === sink]).toEqual([true, true, false]);
  });

  test('takes gradients of the dtype that the leaf wants, also when that is said later', () => {
    const x = leaf(2);
    const types = (): unknown => sinkOf(x).inputMetadata.map(({ dtype }) => dtype);
    expect(types()).toEqual(['float64']);
    x.gradDtype = 'float32';
    expect(types()).toEqual(['float32']);
    x.gradDtype = null;
    expect(types()).toEqual([null]);
  });
});

/** Operators that are composed of others: one node in the graph, around a tape of their own. */
import { describe, expect, test } from 'vitest';
import { aminmax, autograd, grad, inner, kron, linalg, ones, type Tensor, tensor } from '../../src/index.ts';
import { CompositeNode } from '../../src/tensor/composite-node.ts';
import { leaf, refused, total, values } from './support.ts';

function nodeOf(x: Tensor): CompositeNode {
  expect(x.gradFn).toBeInstanceOf(CompositeNode);
  return x.gradFn as unknown as CompositeNode;
}

function matrix(...elements: number[]): Tensor {
  return tensor([elements.slice(0, 2), elements.slice(2)], { dtype: 'float64', requiresGrad: true });
}

describe('a composed operator that needs no values', () => {
  test('saves none, and may be gone through any number of times', () => {
    const x = leaf(2);
    const y = x.tile([2]);
    expect([nodeOf(y).savedTensors(), nodeOf(y).name, nodeOf(y).operatorName]).toEqual([[], 'TileBackward', 'tile']);
    for (let pass = 1; pass <= 3; pass++) {
      total(y).backward();
      expect(values(x.grad)).toEqual([2 * pass, 2 * pass]);
    }
    expect(nodeOf(y).inner.length).toBeGreaterThan(0);
  });

  test('gives what it got where its result is its input', () => {
    const x = matrix(1, 2, 3, 4);
    const y = linalg.matrixPower(x, 1) as Tensor;
    total(y.mul(y)).backward();
    expect(values(x.grad)).toEqual([
      [2, 4],
      [6, 8],
    ]);
  });

  test('can be differentiated again', () => {
    const x = leaf(2);
    const [g] = grad(total(x.tile([2]).pow(3)), x, null, { createGraph: true });
    expect(values(grad(total(g as Tensor), x)[0])).toEqual([12, 12]);
  });
});

describe('a composed operator that needs values', () => {
  const product = (x: Tensor): Tensor => linalg.matrixPower(x, 3) as Tensor;

  test('keeps them until the pass is over, and says so afterwards', () => {
    const x = matrix(1, 0, 0, 2);
    const y = product(x);
    const node = nodeOf(y);
    const kept = node.savedTensors();
    const inside = node.inner.flatMap((inner) => inner.savedTensors());
    expect(inside.length).toBeGreaterThan(0);
    // Its input, the leaf and the result of its tape, and what the nodes there saved.
    expect([kept.includes(x), kept.length]).toEqual([true, 3 + inside.length]);
    total(y).backward(null, { retainGraph: true });
    expect(node.savedTensors().length).toBe(kept.length);
    total(y).backward();
    expect([node.savedTensors(), node.inner]).toEqual([[], []]);
    refused(
      () => total(y).backward(),
      'AutogradError',
      /^\w+Backward: the result of shape \[2, 2\] of linalg.matrixPower cannot be differentiated again: .*retainGraph/,
    );
    expect(values(x.grad)).toEqual([
      [6, 14],
      [14, 24],
    ]);
  });

  test('is composed again on its inputs for second derivatives, and finds them changed', () => {
    const x = matrix(2, 0, 0, 3);
    const [g] = grad(product(x).trace(), x, null, { createGraph: true });
    expect(values(g)).toEqual([
      [12, 0],
      [0, 27],
    ]);
    expect(values(grad((g as Tensor).trace(), x)[0])).toEqual([
      [12, 0],
      [0, 18],
    ]);
    const middle = x.mul(1);
    const y = product(middle);
    middle.add_(1);
    // Without second derivatives, it is the tape inside that reads.
    refused(() => grad(total(y), x, null, { retainGraph: true }), 'AutogradError', /^mm: .*reads input.*version 1, saved at 0/);
    refused(
      () => grad(total(y), x, null, { createGraph: true }),
      'AutogradError',
      /^linalg.matrixPower: .*reads input 0.*version 1, saved at 0/,
    );
  });

  test('needs them wherever on its tape they are read', () => {
    const x = leaf(3).mul(2);
    const y = inner(x, x);
    expect(nodeOf(y).inner.map(({ name }) => name)).toEqual([
      'ViewBackward',
      'MmBackward',
      'ViewBackward',
      'PermuteBackward',
      'AccumulateGrad',
      'ViewBackward',
      'AccumulateGrad',
    ]);
    expect(values(grad(y, x)[0])).toEqual([4, 4, 4]);
  });

  test('is composed again on inputs with tangents', () => {
    const { dualLevel, makeDual, unpackDual } = autograd.forwardAd;
    const x = matrix(2, 0, 0, 3);
    dualLevel(() => {
      const d = makeDual(x, matrix(1, 0, 0, 10).detach());
      product(d).trace().backward();
      const { primal, tangent } = unpackDual(x.grad as Tensor);
      expect([values(primal), values(tangent as Tensor)]).toEqual([
        [
          [12, 0],
          [0, 27],
        ],
        [
          [12, 0],
          [0, 180],
        ],
      ]);
    });
  });

  test('gives gradients of those inputs that want one, in their places', () => {
    const [x, c] = [matrix(1, 2, 3, 4), ones([2, 2], { dtype: 'float64' })];
    for (const [y, places] of [
      [kron(x, c), [true, false]],
      [kron(c, x), [false, true]],
      [kron(x, x), [true, true]],
    ] as const) {
      expect(
        nodeOf(y)
          .call(ones([4, 4], { dtype: 'float64' }))
          .map((g) => g !== null),
      ).toEqual(places);
      expect(nodeOf(y).nextFunctions.map(([node]) => node !== null)).toEqual(places);
    }
  });

  test('gives none where none arrives, and goes on from the results that have one', () => {
    const x = matrix(2, 0, 0, 3);
    const { logabsdet } = linalg.slogdet(x) as unknown as { logabsdet: Tensor };
    logabsdet.backward();
    expect(values(x.grad)).toEqual([
      [1 / 2, 0],
      [0, 1 / 3],
    ]);
    const { max } = aminmax(x, { dim: 1 });
    total(max.mul(5)).backward(null, { inputs: [x] });
    expect(values((x.grad as Tensor).mul(6))).toEqual([
      [33, 0],
      [0, 32],
    ]);
  });

  test('keeps its tape when it is called by hand', () => {
    const x = matrix(1, 0, 0, 2);
    const node = nodeOf(product(x));
    const one = ones([2, 2], { dtype: 'float64' });
    expect(node.call(one).map(values)).toEqual(node.call(one).map(values));
  });
});

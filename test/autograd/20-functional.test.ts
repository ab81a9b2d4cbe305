/** Derivatives at given inputs: autograd.functional. */
import { autograd, ones, type Tensor, tensor, zeros } from 'nabla';
import { describe, expect, test } from 'vitest';
import { refused, values } from '../engine/support.ts';

const { hessian, hvp, jacobian, jvp, vhp, vjp } = autograd.functional;
const squares = (x: Tensor): Tensor => x.pow(2);
const cubes = (x: Tensor): Tensor => x.pow(3).sum();
const pair = (): [Tensor, Tensor] => [tensor([1, 2]), tensor([3, 4])];
const both = (x: Tensor, y: Tensor): [Tensor, Tensor] => [x.mul(y), x.sum()];

test('behaviour functional.jacobian: and the Hessian of a sum of cubes', () => {
  expect(values(jacobian(squares, ones([2])))).toEqual([
    [2, 0],
    [0, 2],
  ]);
  expect(values(hessian(cubes, ones([2])))).toEqual([
    [6, 0],
    [0, 6],
  ]);
});

test('behaviour functional.jacobian strict: a constant function is refused', () => {
  refused(() => jacobian(() => ones([2]), ones([2]), { strict: true }), 'AutogradError', /result 0.*input 0/);
  expect(values(jacobian(() => ones([2]), ones([2])))).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

test('behaviour functional.vjp no v nonscalar: refused', () => {
  refused(() => vjp(squares, ones([2])), 'AutogradError', /v can only be left out/);
  expect(vjp((x: Tensor) => x.sum(), ones([2])).map(values)).toEqual([2, [1, 1]]);
});

test('behaviour functional.hessian nonscalar: refused', () => {
  refused(() => hessian(squares, ones([2])), 'AutogradError', /one element, got shape \[2\]/);
  refused(() => vhp(squares, ones([2]), ones([2])), 'AutogradError', /one element/);
  refused(() => hvp(squares, ones([2]), ones([2])), 'AutogradError', /one element/);
});

describe('jacobian', () => {
  test.each([
    { strategy: 'reverse-mode', vectorize: false },
    { strategy: 'reverse-mode', vectorize: true },
    { strategy: 'forward-mode', vectorize: false },
    { strategy: 'forward-mode', vectorize: true },
  ] as const)('of several results by several inputs: $strategy, vectorize $vectorize', (options) => {
    const [[px, py], [sx, sy]] = jacobian(both, pair(), options) as Tensor[][] as [[Tensor, Tensor], [Tensor, Tensor]];
    expect([px, py].map(values)).toEqual([
      [
        [3, 0],
        [0, 4],
      ],
      [
        [1, 0],
        [0, 2],
      ],
    ]);
    expect([sx, sy].map(values)).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(px.requiresGrad).toBe(false);
    expect(jacobian((x: Tensor) => x.mul(2), ones([0, 2]), options).shape).toEqual([0, 2, 0, 2]);
  });

  test('createGraph: the Jacobian is part of the graph of the inputs', () => {
    for (const strategy of ['reverse-mode', 'forward-mode'] as const) {
      const x = tensor([1, 2], { requiresGrad: true });
      jacobian((y: Tensor) => y.pow(3), x, { createGraph: true, strategy })
        .sum()
        .backward();
      expect(values(x.grad)).toEqual([6, 12]);
    }
    const x = tensor([1, 2], { requiresGrad: true });
    expect(jacobian(squares, x).requiresGrad).toBe(false);
    expect(x.grad).toBeNull();
  });

  test('refusals', () => {
    refused(() => jacobian(3 as never, ones([2])), 'ArgumentError', /function/);
    refused(() => jacobian(squares, 3 as never), 'ArgumentError', /inputs/);
    refused(() => jacobian(squares, [] as never), 'ArgumentError', /empty/);
    refused(() => jacobian((() => 3) as never, ones([2])), 'ArgumentError', /the number 3/);
    refused(() => jacobian(squares, ones([2]), { strategy: 'sideways' as never }), 'ArgumentError', /strategy/);
    refused(() => jacobian(squares, ones([2]), { vectorise: true } as never), 'ArgumentError', /unknown option/);
    refused(() => jacobian(squares, ones([2], { dtype: 'int64' })), 'DTypeError', /int64/);
    refused(() => jacobian(both, pair(), { strict: true }), 'AutogradError', /result 1.*input 1/);
    refused(() => jacobian(both, pair(), { strict: true, strategy: 'forward-mode' }), 'AutogradError', /result 1.*input 1/);
  });
});

describe('hessian', () => {
  test.each([
    { outerJacobianStrategy: 'reverse-mode', vectorize: false },
    { outerJacobianStrategy: 'reverse-mode', vectorize: true },
    { outerJacobianStrategy: 'forward-mode', vectorize: true },
  ] as const)('of several inputs: $outerJacobianStrategy, vectorize $vectorize', (options) => {
    const f = (x: Tensor, y: Tensor): Tensor => x.pow(2).mul(y).sum();
    const blocks = hessian(f, pair(), options) as Tensor[][];
    expect(blocks.map((row) => row.map((block) => values(block.diagonal())))).toEqual([
      [
        [6, 8],
        [2, 4],
      ],
      [
        [2, 4],
        [0, 0],
      ],
    ]);
    // A function with one element need not return a 0-d tensor.
    expect(hessian((x: Tensor) => x.pow(2).sum().reshape([1]), ones([2]), options).shape).toEqual([2, 2]);
  });

  test('createGraph and strict', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    hessian((y: Tensor) => y.pow(4).sum(), x, { createGraph: true })
      .sum()
      .backward();
    expect(values(x.grad)).toEqual([24, 48]);
    refused(() => hessian((y: Tensor) => y.sum(), ones([2]), { strict: true }), 'AutogradError', /does not depend/);
    expect(values(hessian((y: Tensor) => y.sum(), ones([2])))).toEqual([
      [0, 0],
      [0, 0],
    ]);
    refused(() => hessian(cubes, ones([2]), { outerJacobianStrategy: 'no' as never }), 'ArgumentError');
  });
});

describe('products', () => {
  test('vjp and jvp of several results by several inputs', () => {
    const [outputs, products] = vjp(both, pair(), [tensor([1, 10]), tensor(100)]);
    expect([outputs.map(values), products.map(values)]).toEqual([
      [[3, 8], 3],
      [
        [103, 140],
        [1, 20],
      ],
    ]);
    const [same, tangents] = jvp(both, pair(), [tensor([1, 10]), tensor([0, 1])]);
    expect([same.map(values), tangents.map(values)]).toEqual([
      [[3, 8], 3],
      [[3, 42], 11],
    ]);
    expect(jvp(squares, tensor([3])).map(values)).toEqual([[9], [6]]);
    refused(() => jvp(squares, ones([2])), 'AutogradError', /v can only be left out/);
    refused(() => jvp(squares, ones([2]), ones([3]) as never), 'ShapeError');
    refused(() => vjp(both, pair(), [ones([2])] as never), 'ArgumentError', /1 tensors for 2/);
    refused(() => jvp(() => zeros([1]), ones([2]), ones([2]), { strict: true }), 'AutogradError', /result 0/);
  });

  test('vhp and hvp', () => {
    const f = (x: Tensor, y: Tensor): Tensor => x.pow(2).mul(y).sum();
    const v: [Tensor, Tensor] = [tensor([1, 10]), tensor([100, 0])];
    for (const product of [vhp, hvp]) {
      const [output, products] = product(f, pair(), v);
      expect([output.item(), products.map(values), output.requiresGrad]).toEqual([
        19,
        [
          [206, 80],
          [2, 40],
        ],
        false,
      ]);
      expect(product((x: Tensor) => x.pow(3).sum(), tensor([2])).map(values)).toEqual([8, [12]]);
      const x = tensor([1, 2], { requiresGrad: true });
      product((y: Tensor) => y.pow(4).sum(), x, ones([2]), { createGraph: true })[1]
        .sum()
        .backward();
      expect(values(x.grad)).toEqual([24, 48]);
      refused(() => product((y: Tensor) => y.sum(), ones([2]), ones([2]), { strict: true }), 'AutogradError', /does not depend/);
      expect(values(product((y: Tensor) => y.sum(), ones([2]), ones([2]))[1])).toEqual([0, 0]);
    }
  });

  test('createGraph of the first-order products', () => {
    for (const product of [vjp, jvp]) {
      const x = tensor([1, 2], { requiresGrad: true });
      product((y: Tensor) => y.pow(3), x, ones([2]), { createGraph: true })[1]
        .sum()
        .backward();
      expect(values(x.grad)).toEqual([6, 12]);
      expect(product((y: Tensor) => y.pow(3), x, ones([2])).map((y) => (y as Tensor).requiresGrad)).toEqual([false, false]);
    }
  });
});

import { describe, expect, test } from 'vitest';
import * as nabla from '../../src/index.ts';

const { amax, aminmax, argmax, autograd, cummax, cumprod, cumsum, logsumexp, max, prod, std, tensor, trace } = nabla;

const float64 = { dtype: 'float64', requiresGrad: true } as const;
const values = (x: nabla.Tensor): unknown => x.toArray();
const gradient = (f: (x: nabla.Tensor) => nabla.Tensor, data: number[] | number[][]): unknown => {
  const x = tensor(data, float64);
  f(x).sum().backward();
  return values(x.grad as nabla.Tensor);
};

describe('products', () => {
  test('have right derivatives of two orders where elements are zero', () => {
    const x = tensor([2, 0, 3], float64);
    const [first] = autograd.grad([prod(x)], [x], null, { createGraph: true }) as [nabla.Tensor];
    expect(values(first)).toEqual([0, 6, 0]);
    const rows = [0, 1, 2].map((i) => values(autograd.grad([first.select(0, i)], [x], null, { retainGraph: true })[0] as nabla.Tensor));
    expect(rows).toEqual([
      [0, 3, 0],
      [3, 0, 2],
      [0, 2, 0],
    ]);
    expect(gradient((y) => prod(y), [0, 0, 3])).toEqual([0, 0, 0]);
    expect(gradient((y) => cumprod(y, 0), [2, 0, 3])).toEqual([1, 8, 0]);
  });

  test('of nothing are 1 and stay connected', () => {
    const x = tensor([], float64);
    const y = prod(x);
    expect(y.item()).toBe(1);
    expect(y.requiresGrad).toBe(true);
  });

  test('and sums of integers are exact in int64', () => {
    expect(prod(tensor([3n, 5n, 7n])).dtype).toBe('int64');
    expect(values(cumsum(tensor([1n, 2n]).to('int8'), 0))).toEqual([1, 3]);
    expect(trace(tensor([[1n, 2n]])).dtype).toBe('int64');
  });
});

describe('extrema', () => {
  test('share the gradient between ties, unless an index chooses', () => {
    expect(gradient((x) => amax(x), [1, 3, 3, 2])).toEqual([0, 0.5, 0.5, 0]);
    expect(gradient((x) => max(x), [3, 3])).toEqual([0.5, 0.5]);
    expect(gradient((x) => max(x, 0).values, [1, 3, 3])).toEqual([0, 1, 0]);
    expect(gradient((x) => cummax(x, 0).values, [1, 3, 3, 2])).toEqual([1, 1, 2, 0]);
  });

  test('let NaN win', () => {
    expect(values(argmax(tensor([1, Number.NaN, 3])))).toBe(1);
    expect(amax(tensor([1, Number.NaN])).item()).toBeNaN();
  });

  test('of nothing are refused', () => {
    expect(() => max(tensor([]))).toThrow(/no elements/);
    expect(() => argmax(tensor([]))).toThrow(nabla.ArgumentError);
    expect(() => aminmax(tensor([]))).toThrow(/no elements/);
  });

  test('come with their names and in order', () => {
    const { min, max: largest } = aminmax(tensor([2, 1, 3]));
    expect([min.item(), largest.item()]).toEqual([1, 3]);
    const [top, at] = max(tensor([[1, 5]]), 1);
    expect([values(top as nabla.Tensor), values(at as nabla.Tensor)]).toEqual([[5], [1]]);
  });

  test('call themselves by the function on the tape', () => {
    const x = tensor([[1, 2]], float64);
    expect(String(max(x).gradFn)).toBe('<MaxBackward>');
    expect(String(std(x).gradFn)).toBe('<StdBackward>');
    expect(String(prod(x).gradFn)).toBe('<ProdBackward>');
    expect(String(nabla.nn.functional.crossEntropy(x, tensor([1n])).gradFn)).toBe('<CrossEntropyBackward>');
  });
});

describe('at the edge', () => {
  test('a deviation of 0 has derivative 0', () => expect(gradient((x) => std(x), [1, 1, 1])).toEqual([0, 0, 0]));
  test('a norm of 0 has derivative 0', () => expect(gradient((x) => nabla.norm(x), [0, 0])).toEqual([0, 0]));
  test('logsumexp does not overflow, and of nothing is -Infinity', () => {
    expect(logsumexp(tensor([1000, 1000]), 0).item()).toBeCloseTo(1000.6931, 3);
    expect(logsumexp(tensor([[], []]), 1).toArray()).toEqual([-Infinity, -Infinity]);
    expect(values(logsumexp(tensor([-Infinity, -Infinity]), 0))).toBe(-Infinity);
  });
});

import { describe, expect, test } from 'vitest';
import { arange, isGradEnabled, noGrad, ones, sin, tensor } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

describe('leaves', () => {
  test('a leaf can stop and start', () => {
    const x = leaf(2);
    x.requiresGrad_(false);
    expect(x.mul(2).requiresGrad).toBe(false);
    x.requiresGrad = true;
    expect(x.mul(2).requiresGrad).toBe(true);
  });

  test('integer results of differentiable functions do not require a gradient', () => {
    const x = leaf(3);
    expect([
      x.argmax().requiresGrad,
      x.floor().requiresGrad,
      x.sign().requiresGrad,
      x.gt(0).requiresGrad,
      x.to('int64').requiresGrad,
      sin(arange(3)).requiresGrad,
    ]).toEqual([false, true, true, false, false, false]);
  });
});

describe('grad', () => {
  test('of a result is null', () => {
    expect(leaf(3).mul(2).grad).toBe(null);
  });

  test('can be assigned only what fits', () => {
    const x = leaf(3);
    refused(() => (x.grad = ones([2], { dtype: 'float64' })), 'ShapeError', /\[2\].*\[3\]/);
    refused(() => (x.grad = ones([3])), 'DTypeError', /float32.*float64/);
    refused(() => (x.grad = x), 'AutogradError');
    refused(() => (x.grad = 1 as never), 'ArgumentError');
    expect(x.grad).toBe(null);
  });

  test('an assigned gradient is added to', () => {
    const x = leaf(2);
    const g = tensor([10, 20], { dtype: 'float64' });
    x.grad = g;
    total(x).backward();
    expect(values(x.grad)).toEqual([11, 21]);
  });

  test('is taken away by null', () => {
    const x = leaf(3);
    x.grad = ones([3], { dtype: 'float64' });
    x.grad = null;
    expect(x.grad).toBe(null);
  });
});

describe('retainGrad', () => {
  test('needs a tensor that requires a gradient', () => {
    refused(() => ones([3]).retainGrad(), 'AutogradError');
  });

  test('says nothing for a leaf', () => {
    const x = leaf(3);
    x.retainGrad();
    expect(x.retainsGrad).toBe(false);
  });

  test('keeps the gradient of a result', () => {
    const x = leaf(3);
    const y = x.mul(2);
    y.retainGrad();
    expect(y.retainsGrad).toBe(true);
    total(y).backward();
    expect(values(y.grad)).toEqual([1, 1, 1]);
  });

  test('twice is once', () => {
    const x = leaf(3);
    const y = x.mul(2);
    y.retainGrad();
    y.retainGrad();
    total(y).backward();
    expect(values(y.grad)).toEqual([1, 1, 1]);
  });

  test('accumulates over several passes', () => {
    const x = leaf(2);
    const y = x.add(1);
    y.retainGrad();
    const z = total(y);
    z.backward();
    z.backward();
    expect(values(y.grad)).toEqual([2, 2]);
    expect(values(x.grad)).toEqual([2, 2]);
  });
});

describe('detach', () => {
  test('lets no gradient through', () => {
    const x = leaf(2);
    total(x.mul(x.detach())).backward();
    expect(values(x.grad)).toEqual([1, 1]);
  });
});

describe('data', () => {
  test('other values can', () => {
    const x = leaf(2);
    x.data = tensor([5, 6], { dtype: 'float64' });
    expect(values(x)).toEqual([5, 6]);
    expect(x.requiresGrad).toBe(true);
    total(x.pow(2)).backward();
    expect(values(x.grad)).toEqual([10, 12]);
  });
});

describe('noGrad', () => {
  test('ends when its body throws', () => {
    expect(() =>
      noGrad(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(isGradEnabled()).toBe(true);
  });

  test('backward runs inside it', () => {
    const x = leaf(2);
    const y = total(x.exp().mul(0).add(x));
    noGrad(() => y.backward());
    expect(values(x.grad)).toEqual([1, 1]);
  });
});

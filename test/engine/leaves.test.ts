import { describe, expect, test } from 'vitest';
import { arange, enableGrad, isGradEnabled, noGrad, ones, setGradEnabled, sin, Tensor, tensor, Variable } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

describe('leaves', () => {
  test('what is a leaf', () => {
    const x = leaf(2);
    expect([
      x.isLeaf,
      x.mul(2).isLeaf,
      ones([2]).isLeaf,
      ones([2]).mul(2).isLeaf,
      x.detach().isLeaf,
      ones([2]).mul(2).requiresGrad_().isLeaf,
    ]).toEqual([true, false, true, true, true, true]);
  });

  test('integers cannot require a gradient', () => {
    refused(() => ones([3], { dtype: 'int64' }).requiresGrad_(), 'DTypeError', /int64/);
    refused(() => ones([3], { dtype: 'int64', requiresGrad: true }), 'DTypeError', /int64/);
    refused(() => ones([3], { dtype: 'bool', requiresGrad: true }), 'DTypeError', /bool/);
  });

  test('a result cannot stop requiring one', () => {
    refused(() => leaf(3).mul(2).requiresGrad_(false), 'AutogradError', /detach/);
  });

  test('asking a result to require one changes nothing', () => {
    const y = leaf(3).mul(2);
    expect(y.requiresGrad_(true)).toBe(y);
    expect(y.requiresGrad).toBe(true);
    expect(y.isLeaf).toBe(false);
  });

  test('a leaf can stop and start', () => {
    const x = leaf(2);
    x.requiresGrad_(false);
    expect(x.mul(2).requiresGrad).toBe(false);
    x.requiresGrad = true;
    expect(x.mul(2).requiresGrad).toBe(true);
  });

  test('what made a tensor and whether it is a leaf cannot be assigned', () => {
    const x = leaf(3) as unknown as { gradFn: unknown; isLeaf: unknown };
    expect(() => {
      x.gradFn = null;
    }).toThrow(TypeError);
    expect(() => {
      x.isLeaf = false;
    }).toThrow(TypeError);
  });

  test('a Variable is a tensor', () => {
    const v = new Variable(ones([2], { dtype: 'float64' }), { requiresGrad: true });
    total(v.mul(v)).backward();
    expect([v instanceof Variable, v instanceof Tensor, v.data.requiresGrad, values(v.grad), v.gradFn]).toEqual([
      true,
      true,
      false,
      [2, 2],
      null,
    ]);
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

  test('reading numbers out of one that requires a gradient is allowed', () => {
    expect(leaf(1).item()).toBe(1);
    expect(leaf(2).toArray()).toEqual([1, 1]);
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
  test('shares elements and version', () => {
    const x = ones([2]);
    x.detach().add_(1);
    expect(x.version).toBe(1);
    expect(values(x)).toEqual([2, 2]);
  });

  test('lets no gradient through', () => {
    const x = leaf(2);
    total(x.mul(x.detach())).backward();
    expect(values(x.grad)).toEqual([1, 1]);
  });

  test('in place makes a leaf', () => {
    const x = leaf(3).mul(2);
    x.detach_();
    expect([x.requiresGrad, x.isLeaf, x.gradFn]).toEqual([false, true, null]);
  });

  test('in place is refused for views', () => {
    const x = leaf(3).mul(2);
    const v = x.narrow(0, 0, 1);
    refused(() => v.detach_(), 'InPlaceError', /view/);
  });
});

describe('data', () => {
  test('shares elements but not the version', () => {
    const x = leaf(2);
    x.data.add_(1);
    expect(values(x)).toEqual([2, 2]);
    expect(x.version).toBe(0);
  });

  test('another dtype cannot be assigned', () => {
    const x = leaf(2);
    refused(() => (x.data = ones([2], { dtype: 'int64' })), 'DTypeError');
  });

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
  test('results are not recorded', () => {
    const x = leaf(3);
    const y = noGrad(() => x.mul(2));
    expect([y.requiresGrad, y.isLeaf, y.gradFn]).toEqual([false, true, null]);
  });

  test('a new leaf can require a gradient', () => {
    expect(noGrad(() => leaf(3)).requiresGrad).toBe(true);
  });

  test('enableGrad inside it records again', () => {
    const x = leaf(3);
    expect(noGrad(() => enableGrad(() => x.mul(2))).requiresGrad).toBe(true);
  });

  test('setGradEnabled says which', () => {
    const x = leaf(3);
    expect(setGradEnabled(false, () => [x.mul(2).requiresGrad, isGradEnabled()])).toEqual([false, false]);
    expect(isGradEnabled()).toBe(true);
  });

  test('ends when its body throws', () => {
    expect(() =>
      noGrad(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(isGradEnabled()).toBe(true);
  });

  test('as a scope it ends with it', () => {
    const scope = noGrad();
    expect(isGradEnabled()).toBe(false);
    scope[Symbol.dispose]();
    expect(isGradEnabled()).toBe(true);
  });

  test('backward runs inside it', () => {
    const x = leaf(2);
    const y = total(x.exp().mul(0).add(x));
    noGrad(() => y.backward());
    expect(values(x.grad)).toEqual([1, 1]);
  });
});

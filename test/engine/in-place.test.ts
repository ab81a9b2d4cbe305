import { describe, expect, test } from 'vitest';
import { noGrad, ones, tensor } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

describe('in place on leaves', () => {
  test('a leaf that requires no gradient takes the history of what is written', () => {
    const x = leaf(2);
    const y = ones([2], { dtype: 'float64' });
    y.mul_(x);
    expect([y.requiresGrad, y.isLeaf]).toEqual([true, false]);
    total(y.mul(3)).backward();
    expect(values(x.grad)).toEqual([3, 3]);
  });
});

describe('versions', () => {
  test('a change through a view is found', () => {
    const y = leaf(3).exp();
    noGrad(() => y.narrow(0, 0, 1).add_(1));
    refused(() => total(y).backward(), 'AutogradError', /changed in place/);
  });

  test('a change after backward does no harm', () => {
    const x = leaf(3);
    const y = x.exp();
    total(y).backward();
    noGrad(() => y.add_(1));
    expect((values(x.grad) as number[])[0]).toBeCloseTo(Math.E, 12);
  });
});

describe('history of in-place operations', () => {
  test('the gradient goes through all of them', () => {
    const x = leaf(2);
    const y = x.mul(3);
    y.add_(1);
    y.mul_(2);
    expect(y.gradFn?.name).toBe('MulBackward');
    total(y).backward();
    expect(values(x.grad)).toEqual([6, 6]);
  });

  test('an operation on itself', () => {
    const x = tensor([3], { dtype: 'float64', requiresGrad: true });
    const y = x.mul(1);
    y.mul_(y);
    total(y).backward();
    expect(values(x.grad)).toEqual([6]);
  });

  test('what was made before sees the old value', () => {
    const x = leaf(2);
    const y = x.mul(3);
    const z = y.add(0);
    y.mul_(10);
    total(z.add(y)).backward();
    expect(values(x.grad)).toEqual([33, 33]);
  });
});

describe('in place through views', () => {
  test('a view of a view changes the base', () => {
    const x = leaf(2, 3);
    const y = x.mul(1);
    y.select(0, 1).narrow(0, 1, 2).mul_(5);
    total(y).backward();
    expect(values(x.grad)).toEqual([
      [1, 1, 1],
      [1, 5, 5],
    ]);
  });

  test('other views of the base see the change', () => {
    const x = leaf(3);
    const y = x.mul(1);
    const a = y.narrow(0, 0, 2);
    const b = y.narrow(0, 1, 2);
    a.mul_(3);
    expect(values(b)).toEqual([3, 1]);
    total(b).backward();
    expect(values(x.grad)).toEqual([0, 3, 1]);
  });

  test('a constant base gets the history of what is written into its view', () => {
    const x = leaf(2);
    const base = ones([3], { dtype: 'float64' });
    const v = base.narrow(0, 0, 2);
    v.mul_(x);
    expect(base.requiresGrad).toBe(true);
    total(base.mul(4)).backward();
    expect(values(x.grad)).toEqual([4, 4]);
  });

  test('an operand that overlaps the target is read before it is written', () => {
    const x = tensor([1, 2, 3, 4, 5]);
    x.narrow(0, 1, 4).add_(x.narrow(0, 0, 4));
    expect(values(x)).toEqual([1, 3, 5, 7, 9]);
  });
});

describe('what does not fit', () => {
  test('a result of another shape is refused before anything changes', () => {
    const x = ones([3]);
    refused(() => x.add_(ones([2, 3]) as never), 'ShapeError', /\[2, 3\].*\[3\]/);
    expect([values(x), x.version]).toEqual([[1, 1, 1], 0]);
  });

  test('a result of a higher kind of dtype is refused', () => {
    const x = ones([3], { dtype: 'int64' });
    refused(() => x.add_(0.5 as never), 'DTypeError', /int64/);
    expect([values(x), x.version]).toEqual([[1, 1, 1], 0]);
  });

  test('a result of the same kind is cast', () => {
    const x = ones([2]);
    expect(x.add_(ones([2], { dtype: 'float64' })).dtype).toBe('float32');
  });
});

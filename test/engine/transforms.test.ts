import { describe, expect, test } from 'vitest';
import { jvp, ones, type Tensor, tensor, vmap } from '../../src/index.ts';
import { refused, values } from './support.ts';

const x = tensor([1, 2, 3], { dtype: 'float64' });
const direction = ones([3], { dtype: 'float64' });

describe('in place inside transforms', () => {
  test('a transformed value changes as a whole', () => {
    const { outputs, tangents } = jvp(
      (a) => {
        const y = a.mul(2);
        y.mul_(a);
        return y;
      },
      [x],
      [direction],
    );
    expect([values(outputs[0]), values(tangents[0])]).toEqual([
      [2, 8, 18],
      [4, 8, 12],
    ]);
    const squares = vmap((a: Tensor) => a.mul(1).mul_(a));
    expect(values(squares(x) as Tensor)).toEqual([1, 4, 9]);
  });

  test('a write into a view reaches its base', () => {
    const f = (a: Tensor): Tensor => {
      const y = a.mul(1);
      y.narrow(0, 0, 1).mul_(5);
      return y;
    };
    const [value, tangent] = jvp(f, [x], [direction]);
    expect([values(value), values(tangent)]).toEqual([
      [5, 2, 3],
      [5, 1, 1],
    ]);
    expect(values(vmap(f)(ones([2, 3])))).toEqual([
      [5, 1, 1],
      [5, 1, 1],
    ]);
  });

  test('a view that was taken before a write sees it', () => {
    const f = (a: Tensor): Tensor => {
      const y = a.mul(1);
      const v = y.narrow(0, 0, 1);
      y.mul_(5);
      return v.mul(1);
    };
    const [value, tangent] = jvp(f, [x], [direction]);
    expect([values(value), values(tangent)]).toEqual([[5], [5]]);
    expect(values(vmap(f)(ones([2, 3])))).toEqual([[5], [5]]);
  });

  test('forward mode promotes a constant, and leaves it its value in the end', () => {
    const constant = ones([3], { dtype: 'float64' });
    const { tangents } = jvp((a) => constant.mul_(a), [x], [direction]);
    expect(values(tangents[0])).toEqual([1, 1, 1]);
    expect(values(constant)).toEqual([1, 2, 3]);
    expect(values(constant.mul(2))).toEqual([2, 4, 6]);
  });

  test('vmap refuses to write a batched value into one that is not', () => {
    const constant = ones([3]);
    refused(() => vmap((a: Tensor) => constant.mul_(a))(ones([2, 3])), 'InPlaceError', /batch/);
    expect(values(constant)).toEqual([1, 1, 1]);
  });

  test('what does not fit is refused', () => {
    refused(() => jvp((a) => a.mul(1).add_(ones([2, 3])), [x], [direction]), 'ShapeError');
    refused(() => vmap((a: Tensor) => a.mul(1).add_(0.5))(ones([2, 3], { dtype: 'int64' })), 'DTypeError');
  });

  test('the modes end when the function throws', () => {
    const thrown = (): Tensor => {
      throw new Error('inside');
    };
    expect(() => jvp(thrown, [x], [direction])).toThrow('inside');
    expect(() => vmap(thrown)(ones([2, 3]))).toThrow('inside');
    expect(values(x.mul(2))).toEqual([2, 4, 6]);
  });
});

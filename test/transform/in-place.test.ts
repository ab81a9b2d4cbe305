import { DTypeError, InPlaceError, ones, ShapeError, type Tensor, tensor, zeros } from 'nabla';
import { grad, jvp, vmap } from 'nabla/func';
import { describe, expect, test } from 'vitest';

const vector = (): Tensor => tensor([1, 2, 3]);
const matrix = (): Tensor =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

describe('in place under forward mode', () => {
  test('a value with a tangent', () => {
    const squared = (x: Tensor): Tensor => {
      const y = x.mul(1);
      return y.mul_(y);
    };
    const { outputs, tangents } = jvp(squared, [vector()], [ones([3])]);
    expect(outputs[0]?.toArray()).toEqual([1, 4, 9]);
    expect(tangents[0]?.toArray()).toEqual([2, 4, 6]);
  });

  test('the argument: the caller’s tensor stays', () => {
    const x = vector();
    const { tangents } = jvp((y) => y.mul_(2), [x], [ones([3])]);
    expect(tangents[0]?.toArray()).toEqual([2, 2, 2]);
    expect(x.toArray()).toEqual([1, 2, 3]);
  });

  test('a buffer made inside takes on the tangent', () => {
    const { outputs, tangents } = jvp((x) => zeros([3]).add_(x.mul(2)), [vector()], [ones([3])]);
    expect(outputs[0]?.toArray()).toEqual([2, 4, 6]);
    expect(tangents[0]?.toArray()).toEqual([2, 2, 2]);
  });

  test('a tensor from outside has the new values afterwards, and its views see them', () => {
    const buffer = zeros([3]);
    const view = buffer.select(0, 0);
    const version = buffer.version;
    const { tangents } = jvp(
      (x) => {
        buffer.add_(x);
        return buffer.mul(2);
      },
      [vector()],
      [ones([3])],
    );
    expect(tangents[0]?.toArray()).toEqual([2, 2, 2]);
    expect(buffer.toArray()).toEqual([1, 2, 3]);
    expect(view.item()).toBe(1);
    expect(buffer.add(1).toArray()).toEqual([2, 3, 4]);
    expect(buffer.version).toBeGreaterThan(version);
  });

  test('a tensor from outside is as before when the function fails', () => {
    const buffer = zeros([3]);
    const failing = (x: Tensor): Tensor => {
      buffer.add_(x);
      throw new Error('on purpose');
    };
    expect(() => jvp(failing, [vector()], [ones([3])])).toThrow('on purpose');
    expect(buffer.toArray()).toEqual([0, 0, 0]);
    expect(buffer.add(1).toArray()).toEqual([1, 1, 1]);
  });

  test('two levels deep', () => {
    const buffer = zeros([]);
    const inner = (x: Tensor): Tensor =>
      jvp(
        (y) => {
          buffer.add_(y.pow(3));
          return buffer.mul(1);
        },
        [x],
        [ones([])],
      ).tangents[0] as Tensor;
    expect(jvp(inner, [tensor(2)], [ones([])]).tangents[0]?.item()).toBe(12);
    expect(buffer.item()).toBe(8);
  });

  test('views are refused, as are views that missed a write', () => {
    const intoView = (x: Tensor): Tensor => {
      const y = x.mul(1);
      y.select(0, 0).mul_(2);
      return y;
    };
    expect(() => jvp(intoView, [vector()], [ones([3])])).toThrow(InPlaceError);
    const stale = (x: Tensor): Tensor => {
      const y = x.mul(1);
      const view = y.select(0, 0);
      y.mul_(10);
      return view.mul(1);
    };
    expect(() => jvp(stale, [vector()], [ones([3])])).toThrow(/take the view again/);
  });
});

describe('in place under vmap', () => {
  test('a batched value', () => {
    const squared = (x: Tensor): Tensor => {
      const y = x.mul(1);
      return y.mul_(y);
    };
    expect(vmap(squared)(matrix()).toArray()).toEqual([
      [1, 4, 9],
      [16, 25, 36],
    ]);
  });

  test('a value that is the same for all members', () => {
    expect(vmap((x) => zeros([3]).add_(1).add(x))(matrix()).toArray()).toEqual([
      [2, 3, 4],
      [5, 6, 7],
    ]);
  });

  test('a batched value into one that is not: refused, with nothing changed', () => {
    const buffer = zeros([3]);
    const intoBuffer = (x: Tensor): Tensor => buffer.add_(x);
    expect(() => vmap(intoBuffer)(matrix())).toThrow(/differs between the members of the batch/);
    expect(buffer.toArray()).toEqual([0, 0, 0]);
    expect(buffer.version).toBe(0);
  });

  test('values that do not fit: refused as without vmap', () => {
    expect(() => vmap((x) => x.sum().add_(x as never))(matrix())).toThrow(ShapeError);
    expect(() => vmap((x) => x.to('int64').add_(0.5 as never))(matrix())).toThrow(DTypeError);
    expect(() =>
      vmap((x) => {
        x.mul(1).select(0, 0).mul_(4);
        return x;
      })(matrix()),
    ).toThrow(InPlaceError);
  });
});

describe('in place under reverse mode', () => {
  test('views included', () => {
    const f = (x: Tensor): Tensor => {
      const y = x.mul(1);
      y.select(0, 0).mul_(5);
      return y.pow(2).sum();
    };
    expect((grad(f)(vector()) as Tensor).toArray()).toEqual([50, 4, 6]);
  });
});

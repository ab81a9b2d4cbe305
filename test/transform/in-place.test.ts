import { autograd, DTypeError, ones, ShapeError, scope, type Tensor, tensor, zeros } from 'nabla';
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

  test('the argument: the caller’s tensor is written, as without the transform; its tangent stays', () => {
    const [x, direction] = [vector(), ones([3])];
    const { tangents } = jvp((y) => y.mul_(2), [x], [direction]);
    expect(tangents[0]?.toArray()).toEqual([2, 2, 2]);
    expect(x.toArray()).toEqual([2, 4, 6]);
    expect(direction.toArray()).toEqual([1, 1, 1]);
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

  test('a tensor from outside keeps what was written before the function failed', () => {
    const buffer = zeros([3]);
    const failing = (x: Tensor): Tensor => {
      buffer.add_(x);
      throw new Error('on purpose');
    };
    expect(() => jvp(failing, [vector()], [ones([3])])).toThrow('on purpose');
    expect(buffer.toArray()).toEqual([1, 2, 3]);
    expect(buffer.add(1).toArray()).toEqual([2, 3, 4]);
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

  test('through a view: the base gets that part of the tangent', () => {
    const intoView = (x: Tensor): Tensor => {
      const y = x.mul(1);
      y.select(0, 0).mul_(2);
      return y;
    };
    const { outputs, tangents } = jvp(intoView, [vector()], [ones([3])]);
    expect(outputs[0]?.toArray()).toEqual([2, 2, 3]);
    expect(tangents[0]?.toArray()).toEqual([2, 1, 1]);
  });

  test('through the base: a view that was taken before sees the new value and tangent', () => {
    const throughBase = (x: Tensor): Tensor => {
      const y = x.mul(1);
      const view = y.select(0, 1);
      y.mul_(10);
      return view.mul(1);
    };
    const { outputs, tangents } = jvp(throughBase, [vector()], [tensor([1, 2, 3])]);
    expect(outputs[0]?.item()).toBe(20);
    expect(tangents[0]?.item()).toBe(20);
  });

  test('a base and its views are promoted together', () => {
    const buffer = zeros([2, 2]);
    const [row, column] = [buffer.select(0, 0), buffer.select(1, 0)];
    const { tangents } = jvp(
      (x) => {
        row.copy_(x);
        return [buffer.mul(1), column.mul(1), row.mul(1)];
      },
      [tensor([3, 4])],
      [tensor([5, 6])],
    );
    expect(tangents.map((t) => t?.toArray())).toEqual([
      [
        [5, 6],
        [0, 0],
      ],
      [5, 0],
      [5, 6],
    ]);
    expect(buffer.toArray()).toEqual([
      [3, 4],
      [0, 0],
    ]);
    expect(column.add(1).toArray()).toEqual([4, 1]);
  });

  test('a transposed view, written with a value whose tangent lies otherwise', () => {
    const f = (x: Tensor): Tensor => {
      const y = zeros([2, 3]);
      y.T.copy_(x.T.contiguous());
      y.narrow(1, 1, 2).mul_(x.narrow(1, 1, 2));
      return y;
    };
    const { tangents } = jvp(f, [matrix()], [ones([2, 3])]);
    // Column 0 is x, the others x².
    expect(tangents[0]?.toArray()).toEqual([
      [1, 4, 6],
      [1, 10, 12],
    ]);
  });

  test('a constant written over it takes the tangent away', () => {
    const f = (x: Tensor): Tensor => {
      const y = x.mul(2);
      y.narrow(0, 0, 2).zero_();
      return y;
    };
    expect(jvp(f, [vector()], [ones([3])]).tangents[0]?.toArray()).toEqual([0, 0, 2]);
    expect(jvp((x) => x.mul(2).fill_(7), [vector()], [ones([3])])[1].toArray()).toEqual([0, 0, 0]);
  });

  test('a tensor with a history keeps it, and gets the written part', () => {
    const w = vector().requiresGrad_();
    const buffer = w.mul(2);
    const { tangents } = jvp((x) => buffer.mul_(x).mul(1), [vector()], [ones([3])]);
    // d/dx (2 w x) in the direction of ones
    expect(tangents[0]?.toArray()).toEqual([2, 4, 6]);
    buffer.sum().backward();
    expect(w.grad?.toArray()).toEqual([2, 4, 6]);
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
  });

  test('through a view, and through the base of a view', () => {
    const f = (x: Tensor): Tensor[] => {
      const y = x.mul(1);
      const view = y.select(0, 0);
      view.mul_(10);
      const before = view.mul(1);
      y.add_(x);
      return [y, before, view.mul(1)];
    };
    expect(vmap(f)(matrix()).map((y) => y.toArray())).toEqual([
      [
        [11, 4, 6],
        [44, 10, 12],
      ],
      [10, 40],
      [11, 44],
    ]);
  });

  test('the argument: the caller’s tensor is written, whichever dimension is mapped', () => {
    const x = matrix();
    vmap((row) => row.mul_(2))(x);
    vmap((column) => column.select(0, 1).add_(100), { inDims: 1 })(x);
    expect(x.toArray()).toEqual([
      [2, 4, 6],
      [108, 110, 112],
    ]);
    expect(x.version).toBe(2);
  });

  test('under the tape and in grad', () => {
    const f = (x: Tensor): Tensor => {
      const y = x.mul(1);
      y.select(0, 0).mul_(x.select(0, 1));
      return y.sum();
    };
    // x₀ x₁ + x₁ + x₂
    const expected = [
      [2, 2, 1],
      [5, 5, 1],
    ];
    expect(vmap(grad(f))(matrix()).toArray()).toEqual(expected);
    expect(grad((x: Tensor) => vmap(f)(x).sum())(matrix()).toArray()).toEqual(expected);
    const x = matrix().requiresGrad_();
    vmap(f)(x).sum().backward();
    expect(x.grad?.toArray()).toEqual(expected);
    expect(jvp(vmap(f), [matrix()], [ones([2, 3])])[1].toArray()).toEqual([5, 11]);
    expect(vmap((row: Tensor) => jvp(f, [row], [ones([3])])[1])(matrix()).toArray()).toEqual([5, 11]);
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

describe('what shares memory with a dual', () => {
  const { dualLevel, makeDual, unpackDual } = autograd.forwardAd;

  test('a scope keeps tangents of what it returns, and disposing of a dual keeps the tensor', () => {
    const x = vector();
    dualLevel(() => {
      const y = scope(() =>
        makeDual(x, ones([3]))
          .mul(2)
          .mul(3),
      );
      expect(unpackDual(y).tangent?.toArray()).toEqual([6, 6, 6]);
      makeDual(x, ones([3]))[Symbol.dispose]();
    });
    expect(x.toArray()).toEqual([1, 2, 3]);
  });

  test('elements of a dual cannot be exchanged from outside', () => {
    dualLevel(() => {
      const dual = makeDual(vector(), ones([3]));
      expect(() => (dual.data = ones([3]))).toThrow(/has a tangent/);
      expect(() => dual.withData(() => 0, { write: true })).toThrow(/tangent/);
      expect(dual.withData((elements) => elements.length)).toBe(3);
      dual.uniform_();
      expect(unpackDual(dual).tangent?.toArray()).toEqual([0, 0, 0]);
    });
  });

  test('transforms inside a level, and a level inside transforms', () => {
    dualLevel(() => {
      const x = makeDual(matrix(), ones([2, 3]));
      const rows = vmap((row) => row.pow(2).sum())(x);
      expect(unpackDual(rows).tangent?.toArray()).toEqual([12, 30]);
      const [y, dy] = jvp((a) => a.mul(x), [ones([2, 3])], [ones([2, 3])]);
      expect([unpackDual(y).tangent?.toArray(), unpackDual(dy).tangent?.toArray()]).toEqual([
        ones([2, 3]).toArray(),
        ones([2, 3]).toArray(),
      ]);
      expect(unpackDual(grad((a: Tensor) => a.pow(3).sum())(x)).tangent?.toArray()).toEqual(matrix().mul(6).toArray());
    });
    const slopes = vmap((row) =>
      dualLevel(
        () =>
          unpackDual(
            makeDual(row, ones([3]))
              .pow(2)
              .sum(),
          ).tangent as Tensor,
      ),
    )(matrix());
    expect(slopes.toArray()).toEqual([12, 30]);
    const second = grad((a: Tensor) =>
      dualLevel(
        () =>
          unpackDual(
            makeDual(a, ones([3]))
              .pow(3)
              .sum(),
          ).tangent as Tensor,
      ),
    )(vector());
    expect(second.toArray()).toEqual([6, 12, 18]);
  });
});

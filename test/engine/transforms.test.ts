import { describe, expect, test } from 'vitest';
import { jvp, noGrad, ones, type Tensor, tensor, vmap, zeros } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

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

  test('a constant that was promoted can be read, and written in every way, when the transform has ended', () => {
    const writes: [(c: Tensor) => unknown, number[]][] = [
      [(c) => c.zero_(), [0, 0, 0]],
      [(c) => c.fill_(7), [7, 7, 7]],
      [(c) => c.copy_(x), [1, 2, 3]],
      [(c) => c.add_(1), [2, 3, 4]],
      [(c) => c.bernoulli_(1), [1, 1, 1]],
      [(c) => c.indexAdd_(0, tensor([0], { dtype: 'int64' }), ones([1], { dtype: 'float64' })), [2, 2, 3]],
      [(c) => c.indexFill_(0, tensor([0], { dtype: 'int64' }), 9), [9, 2, 3]],
      [(c) => c.narrow(0, 0, 2).mul_(5), [5, 10, 3]],
    ];
    for (const [i, [write, expected]] of writes.entries()) {
      for (const under of [(body: () => unknown) => body(), noGrad]) {
        const constant = ones([3], { dtype: 'float64' });
        jvp((a) => constant.mul_(a), [x], [direction]);
        under(() => write(constant));
        expect(values(constant), String(i)).toEqual(expected);
      }
    }
    const constant = ones([3], { dtype: 'float64' });
    jvp((a) => constant.mul_(a), [x], [direction]);
    expect(values(ones([3], { dtype: 'float64' }).add_(constant))).toEqual([2, 3, 4]);
  });

  test('a view that was taken of what was then promoted is written as a part of it', () => {
    for (const under of [(body: () => unknown) => body(), noGrad]) {
      const f = (a: Tensor): Tensor => {
        const base = zeros([4], { dtype: 'float64' });
        const [a0, a1, a2, a3] = [0, 1, 2, 3].map((start) => base.narrow(0, start, 1)) as [Tensor, Tensor, Tensor, Tensor];
        base.add_(a.sum());
        under(() => a0.fill_(7));
        under(() => a1.mul_(2));
        under(() => a2.bernoulli_(1));
        under(() => a3.indexAdd_(0, tensor([0], { dtype: 'int64' }), ones([1], { dtype: 'float64' })));
        return base;
      };
      const [value, tangent] = jvp(f, [x], [direction]);
      expect([values(value), values(tangent)]).toEqual([
        [7, 12, 1, 7],
        [0, 6, 0, 3],
      ]);
    }
  });

  test('such a view goes on as a part of it when the transform has ended', () => {
    for (const inside of [(view: Tensor) => view.mul_(2), (view: Tensor) => view]) {
      const constant = ones([3], { dtype: 'float64' });
      const view = constant.narrow(0, 0, 2);
      const f = (a: Tensor): Tensor => {
        constant.mul_(a);
        inside(view);
        return constant;
      };
      const [value] = jvp(f, [x], [direction]);
      const kept = values(value) as number[];
      view.add_(10);
      expect(values(constant)).toEqual([(kept[0] as number) + 10, (kept[1] as number) + 10, 3]);
      expect(values(view.mul(2))).toEqual([2 * (kept[0] as number) + 20, 2 * (kept[1] as number) + 20]);
    }
  });

  test('a tape below sees the value that was there before', () => {
    const w = leaf(3);
    const f = (a: Tensor): Tensor => {
      const y = a.mul(w);
      return y.mul_(y);
    };
    const { outputs, tangents } = jvp((a) => f(a), [x], [direction]);
    total(outputs[0] as Tensor).backward(undefined, { retainGraph: true });
    expect(values(w.grad)).toEqual([2, 8, 18]);
    w.grad = null;
    total(tangents[0] as Tensor).backward();
    expect(values(w.grad)).toEqual([4, 8, 12]);
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

import { describe, expect, test } from 'vitest';
import * as nabla from '../../src/index.ts';

const { arange, at, noGrad, ones, slice, tensor, vmap, zeros } = nabla;
type Tensor = nabla.Tensor;
type Item = Parameters<typeof at>[1];

const mask = (rows: boolean[][]): Tensor => tensor(rows) as unknown as Tensor;
const array = (x: Tensor): unknown => x.toArray();

describe('reading', () => {
  const x = arange(24).reshape([2, 3, 4]) as Tensor;
  const shapes: [string, Item[], number[]][] = [
    ['nothing', [], [2, 3, 4]],
    ['a number', [1], [3, 4]],
    ['a negative number', [-1, ':', -2], [3]],
    ['a new dimension after an ellipsis', ['...', null, 1], [2, 3, 1]],
    ['new dimensions on both sides', [null, '...', null], [1, 2, 3, 4, 1]],
    ['slices', [slice(0, 1), slice(null, null, 2), slice(-1, null)], [1, 2, 1]],
    ['a slice backwards', [':', slice(null, null, -1)], [2, 3, 4]],
    ['one list', [0, [0, 2]], [2, 4]],
    ['lists next to each other', [':', [0, 1], [1, 3]], [2, 2]],
    ['lists apart: their dimension comes first', [[0, 1], ':', [1, 3]], [2, 3]],
    ['a number is no list', [1, ':', [0, 1]], [3, 2]],
    ['a new dimension keeps lists apart', [[0], null, [0, 1]], [2, 1, 4]],
    [
      'lists that broadcast',
      [
        [[0], [1]],
        [0, 2],
      ],
      [2, 2, 4],
    ],
    ['a boolean', [true], [1, 2, 3, 4]],
    ['false', [false], [0, 2, 3, 4]],
    ['a boolean beside a list', [true, [0, 1]], [2, 3, 4]],
    ['an empty list', [[]], [0, 3, 4]],
  ];
  for (const [name, items, shape] of shapes) test(name, () => expect(x.at(...items).shape).toEqual(shape));

  test('takes the elements that nested selection takes', () => {
    expect(array(x.at([1, 0], ':', [3, 1]))).toEqual([
      [15, 19, 23],
      [1, 5, 9],
    ]);
    expect(
      array(
        x.at(
          mask([
            [true, false, true],
            [false, true, false],
          ]),
          slice(1, 3),
        ),
      ),
    ).toEqual([
      [1, 2],
      [9, 10],
      [17, 18],
    ]);
    expect(array(x.at('...', tensor([true, false, false, true])).at(0, 0))).toEqual([0, 3]);
    expect(array(x.at(tensor(1n), tensor(2n), tensor(-1n)))).toBe(23);
  });

  test('shows what it is made of', () => {
    const y = ones([3, 3], { requiresGrad: true }) as Tensor;
    expect(String(y.at(0).gradFn)).toContain('SelectBackward');
    expect(String(y.at(slice(1)).gradFn)).toContain('SliceBackward');
    expect(String(y.at([0, 1]).gradFn)).toContain('IndexBackward');
  });

  test('refuses what PyTorch refuses', () => {
    expect(() => x.at(2)).toThrow(nabla.IndexError);
    expect(() => x.at(0, 0, 0, 0)).toThrow(/too many/);
    expect(() => x.at('...', '...')).toThrow(/only once/);
    expect(() => x.at([0, 1], [0, 1, 2])).toThrow(/do not broadcast/);
    expect(() => x.at([0, 2])).toThrow(/index 2 is out of range for dimension 0/);
    expect(() => x.at(tensor([0.5]))).toThrow(/int64/);
    expect(() => x.at([0.5])).toThrow(/no whole number/);
    expect(() => x.at(tensor([true, false, true]))).toThrow(/mask of shape/);
    expect(() => x.at(1.5)).toThrow(nabla.ArgumentError);
  });
});

describe('writing', () => {
  test('numbers, tensors that broadcast, and the last of several', () => {
    const x = zeros([2, 3]) as Tensor;
    x.set([0, ':'], 7);
    x.set([':', 1], tensor([1, 2]));
    x.set([slice(1), slice(1)], tensor([[[3, 4]]]));
    expect(array(x)).toEqual([
      [7, 1, 7],
      [0, 3, 4],
    ]);
    x.set(
      [
        [0, 0],
        [0, 0],
      ],
      tensor([5, 6]),
    );
    x.set(1, 9);
    x.set(
      [
        mask([
          [false, true, false],
          [false, false, true],
        ]),
      ],
      -1,
    );
    expect(array(x)).toEqual([
      [6, -1, 7],
      [9, 9, -1],
    ]);
    x.set(['...'], 2);
    expect(array(x.sum())).toBe(12);
  });

  test('gives the gradient to the values and takes it from what was there', () => {
    const x = ones([3, 3], { requiresGrad: true }) as Tensor;
    const v = tensor([7, 8, 9], { requiresGrad: true }) as Tensor;
    const w = tensor([1, 2], { requiresGrad: true }) as Tensor;
    const y = x.mul(2) as Tensor;
    y.set([1, ':'], 5);
    y.set([':', 0], v);
    y.set([[0, 2], 2], w);
    y.mul(arange(9).reshape([3, 3]))
      .sum()
      .backward();
    expect(array(x.grad as Tensor)).toEqual([
      [0, 2, 0],
      [0, 0, 0],
      [0, 14, 0],
    ]);
    expect(array(v.grad as Tensor)).toEqual([0, 3, 6]);
    expect(array(w.grad as Tensor)).toEqual([2, 8]);
  });

  test('makes a plain tensor part of the graph', () => {
    const x = zeros([3]) as Tensor;
    const v = tensor(2, { requiresGrad: true }) as Tensor;
    x.set([1], v.mul(3));
    expect(x.requiresGrad).toBe(true);
    x.pow(2).sum().backward();
    expect(array(v.grad as Tensor)).toBe(36);
  });

  test('is refused for leaves, and changes nothing when it fails', () => {
    const leaf = ones([3], { requiresGrad: true }) as Tensor;
    expect(() => leaf.set([0], 1)).toThrow(nabla.InPlaceError);
    noGrad(() => leaf.set([0], 4));
    expect(array(leaf)).toEqual([4, 1, 1]);
    const x = zeros([3]) as Tensor;
    expect(() => x.set([[0, 3]], 1)).toThrow(nabla.IndexError);
    expect(() => x.set([[0, 1]], tensor([1, 2], { dtype: 'float64' }))).toThrow(nabla.DTypeError);
    expect(() => x.set([':'], tensor([1, 2]))).toThrow(nabla.ShapeError);
    expect(array(x)).toEqual([0, 0, 0]);
    expect(x.version).toBe(0);
  });

  test('works inside vmap', () => {
    const f = vmap((row: Tensor) => {
      const y = row.clone() as Tensor;
      y.set([0], 9);
      y.set([[1, 2]], tensor([4, 5]));
      return y;
    });
    expect(array(f(zeros([2, 3])))).toEqual([
      [9, 4, 5],
      [9, 4, 5],
    ]);
  });
});

describe('in-place forms', () => {
  test('write where the functional forms would', () => {
    const x = zeros([4]) as Tensor;
    x.indexAdd_(0, tensor([0n, 0n, 3n]), tensor([1, 2, 3]));
    expect(array(x)).toEqual([3, 0, 0, 3]);
    x.scatter_(0, tensor([1n]), 9).maskedFill_(x.gt(8), -1);
    expect(array(x)).toEqual([3, -1, 0, 3]);
    x.put_(tensor([-1n]), tensor([5]))
      .indexFill_(0, tensor([-2n]), 8)
      .indexCopy_(0, tensor([0n]), tensor([6]));
    expect(array(x)).toEqual([6, -1, 8, 5]);
    x.copy_(tensor(1)).fill_(3);
    expect(array(x)).toEqual([3, 3, 3, 3]);
    expect(x.zero_()).toBe(x);
  });

  test('keep the graph right', () => {
    const x = ones([3], { requiresGrad: true }) as Tensor;
    const s = tensor([2, 3], { requiresGrad: true }) as Tensor;
    const y = x.mul(2) as Tensor;
    y.scatterAdd_(0, tensor([0n, 0n]), s);
    y.indexFill_(0, tensor([1n]), 5);
    y.pow(2).sum().backward();
    expect(array(x.grad as Tensor)).toEqual([28, 0, 8]);
    expect(array(s.grad as Tensor)).toEqual([14, 14]);
    const z = x.mul(1) as Tensor;
    z.copy_(tensor([7, 7, 7]));
    x.grad = null;
    z.sum().backward();
    expect(array(x.grad as unknown as Tensor)).toEqual([0, 0, 0]);
  });

  test('views in place turn the handle, not the elements', () => {
    const x = arange(6).reshape([2, 3]).clone() as Tensor;
    expect(x.t_().shape).toEqual([3, 2]);
    expect(array(x)).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    expect(x.unsqueeze_(0).squeeze_(0).transpose_(0, 1).isContiguous()).toBe(true);
    const y = ones([2, 3], { requiresGrad: true }).mul(2) as Tensor;
    y.t_();
    expect(String(y.gradFn)).toContain('TBackward');
    expect(() => ones([2, 3], { requiresGrad: true }).t_()).toThrow(nabla.InPlaceError);
  });
});

describe('order and counts', () => {
  test('NaN comes last, equal elements keep their order', () => {
    const x = tensor([2, Number.NaN, 1, 2, -Infinity]);
    expect(array(x.argsort())).toEqual([4, 2, 0, 3, 1]);
    expect(array(x.argsort(0, { descending: true }))).toEqual([1, 0, 3, 2, 4]);
    expect(array(x.topk(2, 0, { largest: false }).values)).toEqual([-Infinity, 1]);
  });

  test('medians, modes and quantiles', () => {
    expect(array(tensor([4, 1, 3, 2]).median())).toBe(2);
    expect(array(tensor([4, Number.NaN, 3]).median())).toBeNaN();
    expect(array(tensor([4, Number.NaN, 3]).nanmedian())).toBe(3);
    expect(array(tensor([3, 1, 1, 3, 2, 1, 3]).mode().indices)).toBe(5);
    expect(array(tensor([1, 2, 3, 4]).quantile(0.5))).toBe(2.5);
    const tied = ones([3], { requiresGrad: true });
    tied.median().backward();
    expect((array(tied.grad as Tensor) as number[]).map((g) => g.toFixed(4))).toEqual(['0.3333', '0.3333', '0.3333']);
  });

  test('different elements, slices and runs', () => {
    const [output, inverse, counts] = nabla.unique(tensor([3, 1, 3, 2]), {
      returnInverse: true,
      returnCounts: true,
    }) as unknown as Tensor[];
    expect([output, inverse, counts].map((x) => array(x as Tensor))).toEqual([
      [1, 2, 3],
      [2, 0, 2, 1],
      [1, 1, 2],
    ]);
    expect(
      array(
        nabla.unique(
          tensor([
            [2, 1],
            [1, 9],
            [2, 1],
          ]),
          { dim: 0 },
        ) as Tensor,
      ),
    ).toEqual([
      [1, 9],
      [2, 1],
    ]);
    expect(array(nabla.uniqueConsecutive(tensor([1, 1, 2, 1])) as Tensor)).toEqual([1, 2, 1]);
    expect(array(nabla.unique(tensor([9007199254740993n, 9007199254740992n])) as Tensor)).toHaveLength(2);
  });
});

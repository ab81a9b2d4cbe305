import { describe, expect, test } from 'vitest';
import { arange, autograd, ones, slice, type Tensor, tensor, zeros } from '../../src/index.ts';
import type { IndexItem } from '../../src/ops/index-plan.ts';
import { refused, total, values } from '../engine/support.ts';

const index = (...elements: number[]): Tensor => tensor(elements, { dtype: 'int64' });
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** Elements 0, 1, 2, … of this shape, which want a gradient. */
function counting(...shape: number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return arange(size, { dtype: 'float64' }).reshape(shape).requiresGrad_() as Tensor;
}

/** What of `counting(4, 4)` an index takes: shape, and flat positions. */
const patterns: [string, readonly IndexItem[], number[], number[]][] = [
  ['a row', [1], [4], range(4, 8)],
  ['an element', [1, 2], [], [6]],
  ['an element from the end', [-1, -2], [], [14]],
  ['a slice of rows', [slice(1, 3)], [2, 4], range(4, 12)],
  ['slices with steps', [slice(0, null, 2), slice(1, null, 2)], [2, 2], [1, 3, 9, 11]],
  ['all, then a column', [':', 2], [4], [2, 6, 10, 14]],
  ['an ellipsis', ['...', 1], [4], [1, 5, 9, 13]],
  ['a new dimension', [null, 1], [1, 4], range(4, 8)],
  ['new dimensions around', [slice(0, 2), null, 3, null], [2, 1, 1], [3, 7]],
  ['a list of rows', [[0, 2]], [2, 4], [...range(0, 4), ...range(8, 12)]],
  ['a tensor of rows', [index(3, 1)], [2, 4], [...range(12, 16), ...range(4, 8)]],
  ['lists of rows and columns', [index(0, 1, 3), index(2, 2, 0)], [3], [2, 6, 12]],
  ['indices that broadcast', [index(0, 1).reshape(2, 1), index(2, 3)], [2, 2], [2, 3, 6, 7]],
  ['a slice and a list', [slice(1, 3), index(0, 3)], [2, 2], [4, 7, 8, 11]],
  ['a list and a number', [index(0, 3), 1], [2], [1, 13]],
  ['a list, a new dimension and a list', [index(0, 3), null, index(1, 2)], [2, 1], [1, 14]],
  ['a mask of rows', [tensor([true, false, false, true])], [2, 4], [...range(0, 4), ...range(12, 16)]],
  ['a mask of elements', [tensor(range(0, 16).map((i) => i % 5 === 0)).reshape(4, 4)], [4], [0, 5, 10, 15]],
  ['nothing', [index()], [0, 4], []],
];

describe('reading', () => {
  for (const [what, items, shape, positions] of patterns) {
    test(`test_indexing: the elements, and a gradient of one for each place that they came from: ${what}`, () => {
      const x = counting(4, 4);
      const y = x.at(...items);
      expect([y.shape, Array.from(y.toTypedArray() as Float64Array)]).toEqual([shape, positions]);
      total(y).backward();
      const expected = range(0, 16).map((i) => positions.filter((position) => position === i).length);
      expect(values(x.grad?.reshape(16))).toEqual(expected);
    });
  }

  test('test_indexing: out of range and of the wrong dtype is refused', () => {
    const x = counting(4, 4);
    refused(() => x.at(4), 'IndexError', /4/);
    refused(() => x.at(0, 0, 0), 'IndexError');
    refused(() => x.at(tensor([0.5])), 'IndexError');
  });

  test('test_indexing_duplicates: a place that is taken several times gets the sum', () => {
    const x = counting(4, 4);
    total(x.at(index(1, 1, 3, 2, 1, 2))).backward();
    expect(values(x.grad)).toEqual([0, 3, 2, 1].map((n) => [n, n, n, n]));
    const y = counting(4, 4);
    total(y.at([1, 1, 3, 2, 1, 2], [0])).backward();
    expect(values(y.grad)).toEqual([0, 3, 2, 1].map((n) => [n, 0, 0, 0]));
    const z = counting(4, 4);
    const rows = index(1, 1, 0, 0, 1, 1).reshape(3, 2);
    const columns = index(0, 1, 1, 2, 0, 1).reshape(3, 2);
    total(
      z.at(rows, columns).mul(
        tensor(
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
          { dtype: 'float64' },
        ),
      ),
    ).backward();
    expect(values(z.grad)).toEqual([
      [0, 3, 4, 0],
      [6, 8, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
  });

  test('test_advanced_indexing_backwards_memory_format: an index whose memory is in another order changes nothing', () => {
    const shape = [2, 2, 2, 3];
    const elements = range(0, 24).map((i) => i % 2);
    const rows = tensor(elements, { dtype: 'int64' }).reshape(shape);
    const other = rows.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
    expect([other.isContiguous(), values(other)]).toEqual([false, values(rows)]);
    const [x, y] = [counting(2, 3), counting(2, 3)];
    const weights = arange(72, { dtype: 'float64' }).reshape(2, 2, 2, 3, 3);
    total(x.at(rows).mul(weights)).backward();
    total(y.at(other).mul(weights)).backward();
    expect(values(y.grad)).toEqual(values(x.grad));
  });
});

describe('writing', () => {
  for (const [what, items, shape, positions] of patterns) {
    test(`test_setitem: a number and a tensor go to the places, and gradients to the rest and to the tensor: ${what}`, () => {
      const weights = arange(16, { dtype: 'float64' }).add(1).reshape(4, 4);
      const kept = range(0, 16).map((i) => (positions.includes(i) ? 0 : i + 1));

      const x = counting(4, 4);
      const filled = x.clone();
      filled.set(items as IndexItem[], 2);
      expect(values(filled.reshape(16))).toEqual(range(0, 16).map((i) => (positions.includes(i) ? 2 : i)));
      total(filled.mul(weights)).backward();
      expect(values(x.grad?.reshape(16))).toEqual(kept);

      const z = counting(4, 4);
      const value = ones(shape, { dtype: 'float64' }).mul(7).requiresGrad_();
      const written = z.clone();
      written.set(items as IndexItem[], value);
      expect(values(written.reshape(16))).toEqual(range(0, 16).map((i) => (positions.includes(i) ? 7 : i)));
      total(written.mul(weights)).backward();
      expect(values(z.grad?.reshape(16))).toEqual(kept);
      expect(Array.from((value.grad as Tensor).toTypedArray() as Float64Array)).toEqual(positions.map((position) => position + 1));
    });
  }

  test('test_setitem: a value that broadcasts gets the sum, and second derivatives pass', () => {
    const base = counting(4, 4);
    const value = tensor([3], { dtype: 'float64', requiresGrad: true });
    const f = (x: Tensor, v: Tensor): Tensor => {
      const y = x.mul(1);
      y.set([slice(1, 3)], v.mul(v));
      return y.mul(y);
    };
    const y = f(base, value);
    total(y).backward();
    expect(values(value.grad)).toEqual([8 * 4 * 27]);
    expect(autograd.gradcheck(f, [base, value])).toBe(true);
    expect(autograd.gradgradcheck(f, [base, value])).toBe(true);
  });

  test('test_setitem_mask: a boolean mask', () => {
    const mask = tensor(range(0, 16).map((i) => i % 3 === 0)).reshape(4, 4);
    const x = counting(4, 4);
    const y = x.clone();
    y.set([mask], 5);
    total(y).backward();
    expect(values(x.grad?.reshape(16))).toEqual(range(0, 16).map((i) => (i % 3 === 0 ? 0 : 1)));
    const value = ones([6], { dtype: 'float64', requiresGrad: true });
    const z = zeros([4, 4], { dtype: 'float64' });
    z.set([mask], value);
    expect([z.requiresGrad, values(z.sum())]).toEqual([true, 6]);
    total(z.mul(counting(4, 4).detach())).backward();
    expect(values(value.grad)).toEqual([0, 3, 6, 9, 12, 15]);
    const scalar = tensor(2, { dtype: 'float64', requiresGrad: true });
    const w = counting(4, 4).clone();
    w.set([tensor([true, false, true, false])], scalar);
    total(w).backward();
    expect(values(scalar.grad)).toBe(8);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { broadcastPair, broadcastShapes, broadcastStrides, broadcastsTo, repeatedDims } from '../../src/shape/broadcast.ts';
import { distinctDims, normalizeDim, normalizeDims, normalizePermutation } from '../../src/shape/dims.ts';
import { contiguousStrides, formatShape, isContiguous, numel, sameShape } from '../../src/shape/shape.ts';
import { ArgumentError, IndexError, ShapeError } from '../../src/util/errors.ts';
import { coordinates, positions, shape, strided } from './oracle.ts';

const runs = { numRuns: 1000 };

describe('contiguity', () => {
  test('contiguous strides number the elements in order', () => {
    fc.assert(
      fc.property(shape, (s) => {
        expect(positions(s, contiguousStrides(s))).toEqual(Array.from({ length: numel(s) }, (_, i) => i));
        expect(isContiguous(s, contiguousStrides(s))).toBe(true);
        expect(contiguousStrides(s).every((step) => step > 0)).toBe(true);
      }),
      runs,
    );
  });

  test('isContiguous holds exactly where the elements lie in order', () => {
    fc.assert(
      fc.property(strided, ({ shape: s, strides }) => {
        const places = positions(s, strides);
        expect(isContiguous(s, strides)).toBe(places.every((p, i) => p - (places[0] as number) === i));
      }),
      runs,
    );
  });

  test('without elements any strides will do', () => {
    expect(isContiguous([2, 0, 3], [7, 7, 7])).toBe(true);
    expect(isContiguous([], [])).toBe(true);
  });

  test('formatShape and sameShape', () => {
    expect(formatShape([2, 3])).toBe('[2, 3]');
    expect(formatShape([])).toBe('[]');
    fc.assert(
      fc.property(shape, shape, (a, b) => void expect(sameShape(a, b)).toBe(formatShape(a) === formatShape(b))),
      runs,
    );
  });
});

describe('broadcasting', () => {
  /** The rule, literally: pad with ones, then each size is the one that is not 1. */
  const naive = (a: readonly number[], b: readonly number[]): number[] | null => {
    const rank = Math.max(a.length, b.length);
    const [x, y] = [a, b].map((s) => [...new Array<number>(rank - s.length).fill(1), ...s]) as [number[], number[]];
    return x.some((n, i) => n !== y[i] && n !== 1 && y[i] !== 1) ? null : x.map((n, i) => (n === 1 ? (y[i] as number) : n));
  };
  const tryBroadcast = (...shapes: number[][]): readonly number[] | null => {
    try {
      return broadcastShapes('add', ...shapes);
    } catch (e) {
      expect(e).toBeInstanceOf(ShapeError);
      return null;
    }
  };

  test('follows the rule', () => {
    fc.assert(
      fc.property(shape, shape, (a, b) => void expect(tryBroadcast(a, b)).toEqual(naive(a, b))),
      runs,
    );
  });

  test('is commutative and associative; scalars change nothing', () => {
    fc.assert(
      fc.property(shape, shape, shape, (a, b, c) => {
        expect(tryBroadcast(a, b)).toEqual(tryBroadcast(b, a));
        expect(tryBroadcast(a, [])).toBe(a);
        const ab = tryBroadcast(a, b);
        const bc = tryBroadcast(b, c);
        if (ab !== null && bc !== null) expect(tryBroadcast([...ab], c)).toEqual(tryBroadcast(a, [...bc]));
        if (ab !== null) expect(tryBroadcast([...ab], a)).toEqual(ab);
      }),
      runs,
    );
  });

  test('returns an operand’s own array where that has the shape', () => {
    fc.assert(
      fc.property(shape, shape, (a, b) => {
        const result = tryBroadcast(a, b);
        if (result === null) return;
        if (sameShape(result, a)) expect(result).toBe(a);
        else if (sameShape(result, b)) expect(result).toBe(b);
      }),
      runs,
    );
    const a = [2, 3];
    expect(broadcastPair('add', a, [2, 3])).toBe(a);
    expect(broadcastShapes('add')).toEqual([]);
  });

  test('broadcastsTo, the strides and the repeated dimensions agree', () => {
    fc.assert(
      fc.property(shape, shape, (a, b) => {
        const result = tryBroadcast(a, b);
        expect(broadcastsTo(a, b)).toBe(result !== null && sameShape(result, b));
        if (result === null) return;
        const strides = broadcastStrides(a, contiguousStrides(a), result);
        const shift = result.length - a.length;
        const expected = coordinates(result).map((at) =>
          at.slice(shift).reduce((sum, i, d) => sum + (a[d] === 1 ? 0 : i) * (contiguousStrides(a)[d] as number), 0),
        );
        expect(positions(result, strides)).toEqual(expected);
        const repeated = repeatedDims(a, result);
        expect(result.map((n, i) => (repeated.includes(i) ? 1 : n)).slice(shift)).toEqual(a);
      }),
      runs,
    );
  });

  test('the message names the operator, the shapes, the sizes and the dimension', () => {
    expect(() => broadcastShapes('add', [2, 3], [4, 3])).toThrow(
      'add: shapes [2, 3] and [4, 3] do not broadcast: sizes 2 and 4 differ at dimension -2, and neither is 1',
    );
  });
});

describe('dimensions', () => {
  test('negative ones count from the end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.integer({ min: -7, max: 7 }), (ndim, dim) => {
        const rank = Math.max(ndim, 1);
        if (dim >= -rank && dim < rank) expect(normalizeDim('sum', dim, ndim)).toBe((dim + rank) % rank);
        else expect(() => normalizeDim('sum', dim, ndim)).toThrow(IndexError);
      }),
      runs,
    );
    expect(() => normalizeDim('sum', 3, 2)).toThrow('sum: dimension 3 is out of range for a tensor of 2 dimensions (-2 to 1)');
    expect(() => normalizeDim('sum', 0.5, 2)).toThrow(ArgumentError);
  });

  test('lists: all, one, several, none twice', () => {
    for (const all of [null, undefined, []]) expect(normalizeDims('sum', all, 3)).toEqual([0, 1, 2]);
    expect(normalizeDims('sum', -1, 3)).toEqual([2]);
    expect(normalizeDims('sum', [-1, 0], 3)).toEqual([0, 2]);
    expect(normalizeDims('sum', 0, 0)).toEqual([]);
    expect(() => normalizeDims('sum', [1, -2], 3)).toThrow('sum: dimension 1 appears more than once in [1, -2]');
    expect(distinctDims('movedim', [-1, 0], 3)).toEqual([2, 0]);
    expect(normalizePermutation('permute', [-1, 0, 1], 3)).toEqual([2, 0, 1]);
    expect(() => normalizePermutation('permute', [0, 1], 3)).toThrow(/each of the 3 dimensions once/);
  });

  test('a list is not changed', () => {
    const list = [2, 0];
    normalizeDims('sum', list, 3);
    expect(list).toEqual([2, 0]);
  });
});

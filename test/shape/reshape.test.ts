import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asShape, inferReshape, viewStrides } from '../../src/shape/reshape.ts';
import { contiguousStrides, isContiguous, numel } from '../../src/shape/shape.ts';
import { ArgumentError, ShapeError } from '../../src/util/errors.ts';
import { positions, shape, strided } from './oracle.ts';

const runs = { numRuns: 2000 };

/** All shapes of `total` elements with sizes above 1, and some with ones put in. */
function factorizations(total: number): number[][] {
  if (total === 1) return [[]];
  const result: number[][] = [];
  for (let first = 2; first <= total; first++)
    if (total % first === 0) for (const rest of factorizations(total / first)) result.push([first, ...rest]);
  return result;
}
/** A shape of as many elements. */
const targetFor = (total: number): fc.Arbitrary<number[]> =>
  fc
    .tuple(fc.constantFrom(...factorizations(total)), fc.array(fc.nat(5), { maxLength: 2 }))
    .map(([sizes, ones]) => ones.reduce((s, at) => s.toSpliced(Math.min(at, s.length), 0, 1), sizes));

describe('viewStrides', () => {
  const cases = strided.chain((view) => targetFor(numel(view.shape)).map((target) => ({ ...view, target })));

  test('keeps every element in its place and its order', () => {
    fc.assert(
      fc.property(cases, ({ shape: s, strides, target }) => {
        const result = viewStrides(s, strides, target);
        if (result === null) return;
        expect(result).toHaveLength(target.length);
        expect(positions(target, result)).toEqual(positions(s, strides));
      }),
      runs,
    );
  });

  test('finds strides wherever there are any', () => {
    fc.assert(
      fc.property(cases, ({ shape: s, strides, target }) => {
        if (viewStrides(s, strides, target) !== null) return;
        // Where strides exist, the first step along each dimension tells them: try those.
        const places = positions(s, strides);
        const only = contiguousStrides(target).map((step, d) => (target[d] === 1 ? 0 : (places[step] as number) - (places[0] as number)));
        expect(positions(target, only, places[0])).not.toEqual(places);
      }),
      runs,
    );
  });

  test('a contiguous tensor can be viewed as anything', () => {
    fc.assert(
      fc.property(shape, (s) => {
        const result = viewStrides(s, contiguousStrides(s), [numel(s)]);
        expect(result).not.toBeNull();
        expect(isContiguous([numel(s)], result as number[])).toBe(true);
      }),
      runs,
    );
  });

  test.each<[number[], number[], number[], number[] | null]>([
    [
      [2, 3],
      [3, 1],
      [3, 2],
      [2, 1],
    ],
    [[3, 2], [1, 3], [6], null],
    [
      [3, 2],
      [1, 3],
      [3, 1, 2],
      [1, 6, 3],
    ],
    [[4], [0], [2, 2], [0, 0]],
    [[2, 4], [0, 1], [8], null],
    [[], [], [1, 1], [1, 1]],
    [[1], [7], [], []],
    [
      [0, 3],
      [3, 1],
      [5, 0],
      [1, 1],
    ],
    [[6], [-1], [2, 3], [-3, -1]],
  ])('%j with strides %j as %j', (s, strides, target, expected) => {
    const result = viewStrides(s, strides, target);
    if (expected === null || result === null) expect(result).toBe(expected);
    else expect(result.filter((_, d) => target[d] !== 1)).toEqual(expected.filter((_, d) => target[d] !== 1));
  });
});

describe('inferReshape', () => {
  test('the -1 is what makes the numbers of elements equal', () => {
    fc.assert(
      fc.property(shape, fc.array(fc.constantFrom<number[]>(1, 2, 3), { maxLength: 3 }), fc.nat(3), (s, others, at) => {
        const target = others.toSpliced(Math.min(at, others.length), 0, -1);
        if (numel(s) % numel(others) === 0) {
          const result = inferReshape('reshape', s, target);
          expect(numel(result)).toBe(numel(s));
          expect(result.filter((_, i) => target[i] !== -1)).toEqual(target.filter((n) => n !== -1));
        } else expect(() => inferReshape('reshape', s, target)).toThrow(ShapeError);
      }),
      runs,
    );
  });

  test.each<[number[], number[], RegExp]>([
    [[2, 3], [4, 2], /reshape: \[2, 3\] has 6 elements but \[4, 2\] has 8/],
    [[2, 3], [4, -1], /\[2, 3\] \(6 elements\) is not divisible into \[4, -1\]/],
    [[2, 3], [-1, -1], /only one size may be -1/],
    [[2, 3], [-2, 3], /not negative except for one -1/],
    [[2, 3], [1.5, 4], /whole numbers/],
    [[0], [0, -1], /could be any size/],
    [[2], [0, -1], /has 2 elements, but \[0, -1\] has none/],
  ])('%j as %j is refused', (s, target, message) => expect(() => inferReshape('reshape', s, target)).toThrow(message));
});

test('asShape takes an array or numbers', () => {
  expect(asShape('zeros', [[2, 3]])).toEqual([2, 3]);
  expect(asShape('zeros', [2, 3])).toEqual([2, 3]);
  expect(asShape('zeros', [])).toEqual([]);
  expect(asShape('zeros', [[]])).toEqual([]);
  expect(asShape('expand', [-1, 3], true)).toEqual([-1, 3]);
  for (const bad of [[-1], [2.5], [[2, Number.NaN]], ['2' as unknown as number], [[2], [3]]])
    expect(() => asShape('zeros', bad)).toThrow(ArgumentError);
});

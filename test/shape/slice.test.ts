import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalizeIndex, normalizeSlice, Slice, slice } from '../../src/shape/slice.ts';
import { ArgumentError, IndexError } from '../../src/util/errors.ts';

const size = fc.integer({ min: 0, max: 8 });
const edge = fc.option(fc.integer({ min: -11, max: 11 }));
const runs = { numRuns: 2000 };

/** The elements that a slice takes. */
function taken(start: number | null, stop: number | null, step: number, n: number): number[] {
  const s = normalizeSlice(start, stop, step, n);
  return Array.from({ length: s.length }, (_, i) => s.start + i * s.step);
}

test('a slice with step 1 takes what Array.prototype.slice takes', () => {
  fc.assert(
    fc.property(size, edge, edge, (n, start, stop) => {
      const numbers = Array.from({ length: n }, (_, i) => i);
      expect(taken(start, stop, 1, n)).toEqual(numbers.slice(start ?? 0, stop ?? n));
    }),
    runs,
  );
});

test('a longer step takes every so many of them', () => {
  fc.assert(
    fc.property(size, edge, edge, fc.integer({ min: 1, max: 4 }), (n, start, stop, step) => {
      expect(taken(start, stop, step, n)).toEqual(taken(start, stop, 1, n).filter((_, i) => i % step === 0));
    }),
    runs,
  );
});

test('a negative step is the mirror image of a positive one', () => {
  // Element i of a dimension is element n - 1 - i of its mirror image; a negative edge is mirrored once it counts from the front.
  const mirrored = (e: number | null, n: number) => (e === null ? null : n - 1 - (e < 0 ? e + n : e));
  fc.assert(
    fc.property(size, edge, edge, fc.integer({ min: 1, max: 4 }), (n, start, stop, step) => {
      const [a, b] = [mirrored(start, n), mirrored(stop, n)];
      const clamp = (e: number | null) => (e === null ? null : Math.max(0, e));
      expect(taken(start, stop, -step, n)).toEqual(taken(clamp(a), clamp(b), step, n).map((i) => n - 1 - i));
    }),
    runs,
  );
});

test('elements are within the dimension', () => {
  fc.assert(
    fc.property(size, edge, edge, fc.constantFrom(-3, -2, -1, 1, 2, 3), (n, start, stop, step) => {
      for (const i of taken(start, stop, step, n)) expect(i >= 0 && i < n).toBe(true);
    }),
    runs,
  );
});

test('the step may not be 0, and nothing may be fractional', () => {
  expect(() => normalizeSlice(0, 1, 0, 4)).toThrow(ArgumentError);
  expect(() => normalizeSlice(0.5, 1, 1, 4)).toThrow(ArgumentError);
  expect(() => normalizeSlice(0, 1, 1.5, 4)).toThrow(ArgumentError);
  expect(normalizeSlice(0, Number.POSITIVE_INFINITY, 1, 4)).toEqual({ start: 0, length: 4, step: 1 });
});

test('slice() remembers what was asked', () => {
  expect(slice(1, -1)).toEqual(new Slice(1, -1, 1));
  expect(slice()).toEqual(new Slice(null, null, 1));
});

test('an index is within the dimension', () => {
  expect(normalizeIndex('select', -1, 4)).toBe(3);
  expect(normalizeIndex('select', 3, 4)).toBe(3);
  expect(() => normalizeIndex('select', 4, 4)).toThrow('select: index 4 is out of range for a dimension of size 4 (-4 to 3)');
  expect(() => normalizeIndex('select', -5, 4)).toThrow(IndexError);
  expect(() => normalizeIndex('select', 0, 0)).toThrow('select: index 0 is out of range for a dimension of size 0');
  expect(() => normalizeIndex('select', 1.5, 4)).toThrow(ArgumentError);
});

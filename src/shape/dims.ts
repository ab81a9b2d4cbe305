/** Dimensions as users name them: negative ones count from the end. */
import { ArgumentError, IndexError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { formatShape } from './shape.ts';

/**
 * A dimension counted from the front. A 0-d tensor has the dimensions 0 and -1, as in PyTorch.
 *
 * @throws IndexError where the tensor has no such dimension, ArgumentError for what is no whole number.
 * @example
 * normalizeDim('sum', -1, 3); // 2
 */
export function normalizeDim(name: string, dim: number, ndim: number): number {
  const rank = ndim === 0 ? 1 : ndim;
  requireWhole(name, 'a dimension', dim);
  if (dim < -rank || dim >= rank) {
    throw new IndexError(`${name}: dimension ${dim} is out of range for a tensor of ${ndim} dimensions (${-rank} to ${rank - 1})`);
  }
  return dim < 0 ? dim + rank : dim;
}

/**
 * A list of dimensions, counted from the front and ascending. One number stands for a list of one; null, undefined and an empty list stand for
 * all dimensions.
 *
 * @throws IndexError and ArgumentError as `normalizeDim` does, ArgumentError where a dimension is named twice.
 * @example
 * normalizeDims('sum', [-1, 0], 3); // [0, 2]
 */
export function normalizeDims(name: string, dims: number | readonly number[] | null | undefined, ndim: number): number[] {
  const list = typeof dims === 'number' ? [dims] : (dims ?? []);
  if (list.length === 0) return Array.from({ length: ndim }, (_, i) => i);
  const normalized = distinctDims(name, list, ndim).sort((a, b) => a - b);
  return ndim === 0 ? [] : normalized;
}

/**
 * A list of dimensions counted from the front, in the order in which they were given.
 *
 * @throws as `normalizeDims` does.
 * @example
 * distinctDims('movedim', [-1, 0], 3); // [2, 0]
 */
export function distinctDims(name: string, dims: readonly number[], ndim: number): number[] {
  const normalized = dims.map((dim) => normalizeDim(name, dim, ndim));
  const twice = normalized.find((dim, i) => normalized.indexOf(dim) !== i);
  if (twice !== undefined) throw new ArgumentError(`${name}: dimension ${twice} appears more than once in ${formatShape(dims)}`);
  return normalized;
}

/**
 * An order of all dimensions, counted from the front.
 *
 * @throws as `normalizeDims` does, and ArgumentError where one is missing.
 * @example
 * normalizePermutation('permute', [-1, 0, 1], 3); // [2, 0, 1]
 */
export function normalizePermutation(name: string, dims: readonly number[], ndim: number): number[] {
  if (dims.length !== ndim) throw new ArgumentError(`${name}: ${formatShape(dims)} must name each of the ${ndim} dimensions once`);
  return distinctDims(name, dims, ndim);
}

import { ArgumentError, IndexError } from '../util/errors.ts';

/** A dimension counted from the front; negative ones count from the end; a 0-d tensor has dimensions 0 and -1. Throws IndexError. */
export function normalizeDim(name: string, dim: number, ndim: number): number {
  if (!Number.isInteger(dim)) throw new ArgumentError(`${name}: a dimension must be a whole number, got ${String(dim)}`);
  const rank = Math.max(1, ndim);
  if (dim < -rank || dim >= rank) throw new IndexError(`${name}: dimension ${dim} is out of range for a tensor of ${ndim} dimensions (${-rank} to ${rank - 1})`);
  return dim < 0 ? dim + rank : dim;
}

/** A list of dimensions, ascending; null, undefined and an empty list mean all. Duplicates are refused. */
export function normalizeDims(name: string, dims: number | readonly number[] | null | undefined, ndim: number): number[] {
  if (dims === null || dims === undefined || (Array.isArray(dims) && dims.length === 0)) return Array.from({ length: ndim }, (_, i) => i);
  const list = (typeof dims === 'number' ? [dims] : [...dims]).map((dim) => normalizeDim(name, dim, ndim));
  const seen = new Set(list);
  if (seen.size !== list.length) throw new ArgumentError(`${name}: dimension ${list.find((d, i) => list.indexOf(d) !== i)} appears more than once in the list of dimensions`);
  return ndim === 0 ? [] : list.sort((a, b) => a - b);
}

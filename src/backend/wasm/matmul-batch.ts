/** Batches of matrix products: which are one product of taller matrices, and in what steps the others follow each other. */
import type { View } from '../../runtime/view.ts';

/** A dimension of a batch: how many members, and how many bytes lie between the matrices of two. */
export interface BatchAxis {
  readonly count: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** The stride of a dimension of the result in an operand that is broadcast to it, in bytes. */
function strideIn(view: View, dims: number, dim: number, bytes: number): number {
  const own = dim - (dims - view.shape.length);
  return own < 0 || view.shape[own] === 1 ? 0 : view.strides[own]! * bytes;
}

/** The dimensions of a batch, the innermost first; those that are one run are merged. */
export function batchAxes(shape: readonly number[], a: View, b: View, bytes: number): BatchAxis[] {
  const dims = shape.length;
  const axes: BatchAxis[] = [];
  let c = shape[dims - 1]! * shape[dims - 2]! * bytes;
  for (let dim = dims - 3; dim >= 0; dim--) {
    const count = shape[dim]!;
    if (count === 1) continue;
    const axis = { count, a: strideIn(a, dims, dim, bytes), b: strideIn(b, dims, dim, bytes), c };
    const last = axes[axes.length - 1];
    c *= count;
    if (last !== undefined && axis.a === last.a * last.count && axis.b === last.b * last.count)
      axes[axes.length - 1] = { ...last, count: last.count * count };
    else axes.push(axis);
  }
  return axes;
}

/**
 * Whether a batch is one product: the matrix on the right is the same for all members, and the rows on the left follow each other in one stride, members of
 * one row aside.
 */
export function foldsRows(a: View, b: View, shape: readonly number[]): boolean {
  if (a.shape.length !== shape.length) return false;
  for (let dim = 0; dim < b.shape.length - 2; dim++) if (b.shape[dim] !== 1 && b.strides[dim] !== 0) return false;
  let stride = 0;
  let size = 1;
  for (let dim = shape.length - 2; dim >= 0; dim--) {
    const extent = a.shape[dim]!;
    if (extent !== shape[dim]) return false;
    if (extent === 1) continue;
    if (size > 1 && a.strides[dim] !== stride * size) return false;
    if (size === 1) stride = a.strides[dim]!;
    size *= extent;
  }
  return true;
}

/** The stride of the rows that `foldsRows` found to be one run. */
export function rowStride(view: View): number {
  for (let dim = view.shape.length - 2; dim >= 0; dim--) if (view.shape[dim] !== 1) return view.strides[dim]!;
  return 0;
}

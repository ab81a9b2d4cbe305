/** Reductions of which the parts are computed elsewhere: where they are cut, and how the results of the parts are joined, so that the bits are those of the whole. */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import { computeTypeOf } from '../../kernel/element.ts';
import { COLUMN_BLOCK } from '../../kernel/reduce.ts';
import type { ReduceKind } from '../../runtime/backend.ts';
import { addressOf, beginLaunch } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { GROUP, kernelsFor, LONG_COLUMN } from './reduce.ts';
import { PIECE, piecesOf } from './share-reduce.ts';

/** How many elements of one row may be reduced in one go; a single longer row is cut into pieces. */
export const LONGEST_ROW: number = 2 * PIECE - 1;

/** The pieces of a longer row: each of them is shorter, and so is what is left. Null where it has none such. */
export function rowPieces(count: number): { readonly count: number; readonly length: number } | null {
  const [pieces, length] = piecesOf(count);
  return length > LONGEST_ROW ? null : { count: pieces, length };
}

/** How many rows of columns are combined before they are combined with others. Null: that cannot be said. */
export function columnGroup(kind: ReduceKind, rows: number): number | null {
  if (rows <= LONG_COLUMN) return COLUMN_BLOCK;
  return kind === 'sum' ? GROUP : null;
}

const address = (view: View): number => addressOf(view.storage) + view.offset * view.type.itemsize;

function launched(kind: ReduceKind, type: DTypeInfo): ReturnType<typeof kernelsFor> {
  const kernels = kernelsFor(kind, type, computeTypeOf(type.name));
  beginLaunch();
  return kernels;
}

/** Combines `count` rows of partial results as the elements of planes are, which lie apart: `out` has the size of a row. */
export function joinPlanes(kind: ReduceKind, out: View, parts: View, count: number): void {
  const { type, size } = out;
  launched(kind, type).rows(address(out), address(parts), 1, 0, size, type.itemsize, count, size * type.itemsize, 1, type.itemsize);
}

/** Combines `count` rows of partial results as groups of rows are, one after the other. */
export function joinGroups(kind: ReduceKind, out: View, parts: View, count: number): void {
  const { type, size } = out;
  launched(kind, type).columns(address(out), address(parts), 1, 0, size, count, size * type.itemsize, 1, 0);
}

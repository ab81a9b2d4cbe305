/** Launches of row programs: each thread does some of the rows. */
import { ROWS_OF_A_SUM, type RowStage, SCRATCH_BYTES } from '../../kernel/rows.ts';
import { nanosecondsPerElement } from '../../kernel/vector/cost.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import type { View } from '../../runtime/view.ts';
import type { Expr } from '../../scalar/expr.ts';
import { chunksFor, type RowWork, rowsToShare, runRows } from './parallel.ts';

/** Chunks have about this many elements or more, so that few cache lines belong to two. */
const GRAIN = 256;
/** What a pass over a row takes for each element, apart from computing. */
const PASS_NANOSECONDS = 0.05;

function costOf(stages: readonly RowStage[]): number {
  const values = stages.flatMap(({ reduce = [], store = [] }) => [...reduce, ...store].map(([, value]) => value as Expr));
  return nanosecondsPerElement(values) + PASS_NANOSECONDS * stages.length;
}

/** Shares a launch where that pays, or returns false. Each row is computed in the same way wherever a chunk begins. */
export function shareRows(
  program: RowWork,
  kernel: KernelFunction,
  [rows, length, scratchAt, ...addresses]: readonly number[],
  operands: readonly View[],
  params: readonly number[],
): boolean {
  const [count, size] = [rows as number, length as number];
  program.cost ??= costOf(program.stages);
  const nanoseconds = count * size * program.cost * ((operands[0] as View).type.itemsize / 4);
  const shared = rowsToShare(nanoseconds, kernel);
  if (shared === null) return false;
  const { access } = program;
  const sums = access.includes('sum');
  const grain = sums ? ROWS_OF_A_SUM : Math.ceil(GRAIN / size);
  const chunk = Math.ceil(count / chunksFor(nanoseconds, Math.ceil(count / grain)) / grain) * grain;
  // From one row to the next.
  const elements = { row: size, each: 1, sum: size / ROWS_OF_A_SUM, shared: 0, one: 0 };
  const moves = access.map((kind, i) => elements[kind] * (operands[i] as View).type.itemsize);
  let at = 0;
  let chunks = 0;
  for (let first = 0; first < count; first += chunk, chunks++) {
    shared[at++] = Math.min(chunk, count - first);
    shared[at++] = size;
    shared[at++] = (scratchAt as number) + chunks * SCRATCH_BYTES;
    for (let i = 0; i < moves.length; i++) shared[at++] = (addresses[i] as number) + first * (moves[i] as number);
    for (const param of params) shared[at++] = param;
  }
  runRows(chunks, 3 + access.length + params.length, !sums);
  return true;
}

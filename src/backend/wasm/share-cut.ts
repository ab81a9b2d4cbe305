/** Launches whose kernel takes a number of results, or of what else stands in a row: each thread does some of them. */
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { chunksFor, rowsToShare, runRows } from './parallel.ts';

/** Shares what `Sharing.cut` describes where that pays; false if not. */
export function shareCut(
  kernel: KernelFunction,
  args: readonly number[],
  nanoseconds: number,
  count: number,
  moves: readonly number[],
  grain: number,
): boolean {
  const size = args[count] as number;
  const rows = size < 2 * grain ? null : rowsToShare(nanoseconds, kernel);
  if (rows === null) return false;
  const chunk = Math.ceil(size / chunksFor(nanoseconds, size / grain) / grain) * grain;
  let chunks = 0;
  for (let first = 0; first < size; first += chunk, chunks++) {
    const at = chunks * args.length;
    rows.set(args, at);
    for (let i = 0; i < moves.length; i++) rows[at + i] = (args[i] as number) + first * (moves[i] as number);
    rows[at + count] = Math.min(chunk, size - first);
  }
  runRows(chunks, args.length, true);
  return true;
}

/**
 * Launches that threads share. A launch is cut into chunks, of which the size depends on the size of the launch alone and whose results do not depend on
 * who computes them; a chunk is one row of arguments for the kernel, or one for each of several kernels, which run one after the other.
 *
 * ```ts
 * const rows = rowsToShare(nanoseconds, kernel);          // about how long it takes alone: before addresses are resolved or after, nothing is allocated
 * if (rows === null) kernel(n, out, x);                    // not worth it: run it as ever
 * else {
 *   for (let i = 0, at = 0; i < chunks; i++) {             // at most ROW_VALUES numbers: chunks × kernels × width
 *     rows[at++] = …; rows[at++] = …; rows[at++] = …;      // width numbers: one kernel with fewer parameters ignores the last ones
 *   }
 *   runRows(chunks, width);                                // all chunks are done when it returns
 * }
 * ```
 */
import type { RowAccess, RowStage } from '../../kernel/rows.ts';
import { type KernelFunction, type KernelSource, sourceOf } from '../../kernel/wasm/instantiate.ts';
import { threads } from '../../runtime/team.ts';
import type { View } from '../../runtime/view.ts';
import type { MapProgram } from '../../scalar/program.ts';

/** How many arguments all rows of a launch may have together. */
export const ROW_VALUES = 8192;

/** Launches of fewer elements are not worth a thought. */
export const SHARED_SIZE = 16384;

/** What a program for rows consists of, as far as threads are concerned. */
export interface RowWork {
  readonly access: readonly RowAccess[];
  readonly stages: readonly RowStage[];
  /** About how many nanoseconds an element takes; null until it is asked for. */
  cost: number | null;
}

/** Cuts launches. Each shares one with threads and returns true, or leaves it alone. */
export interface Sharing {
  /** A flat elementwise launch. */
  flat(program: MapProgram, kernel: KernelFunction, out: View, ins: readonly View[], params: readonly number[]): boolean;
  /** An elementwise launch whose loops are planned. `nested`: whether the kernel takes a plan. */
  loops(
    program: MapProgram,
    kernel: KernelFunction,
    out: View,
    ins: readonly View[],
    params: readonly number[],
    loops: number,
    nested: boolean,
  ): boolean;
  /**
   * A launch of a kernel whose argument number `count` says how many results there are, or what else takes `nanoseconds` together; from one to the next, its first arguments, addresses, move
   * by `moves`. `grain`: what is not cut apart. Nothing that is read is written.
   */
  cut(
    kernel: KernelFunction,
    args: readonly number[],
    nanoseconds: number,
    count: number,
    moves: readonly number[],
    grain: number,
  ): boolean;
  /** A launch of a program for rows. */
  rows(program: RowWork, kernel: KernelFunction, args: readonly number[], operands: readonly View[], params: readonly number[]): boolean;
}

/** What comes with the threads (`threads.ts`), so that a page without them carries none of it. */
export const sharing: { launches: Sharing | null } = { launches: null };

/** Nanoseconds of work that a chunk should have, so that claiming it does not count; and must have, where there are fewer chunks than `SOME`, so that threads end together. */
const CHUNK = 12e3;
const LEAST = 2e3;
const SOME = 8;
/** How many chunks a launch has at most. */
export const MOST_CHUNKS = 64;

/** The kernels of the launch, and nobody's before. Always the same list: a collection is dearer where old objects hold young ones (see `runtime/young.ts`). */
const steps: KernelSource[] = [];

/** Where to write the arguments of a launch of the kernels that takes `nanoseconds` alone; null where it is better run by this thread alone, in one piece. */
export function rowsToShare(nanoseconds: number, ...kernels: readonly KernelFunction[]): Float64Array | null {
  const { team } = threads;
  if (team === null || nanoseconds < LEAST) return null;
  if (steps.length > kernels.length) steps.length = kernels.length;
  for (let i = 0; i < kernels.length; i++) {
    const source = sourceOf(kernels[i] as KernelFunction);
    if (source === undefined) return null;
    steps[i] = source;
  }
  return team.rows(nanoseconds, steps);
}

/**
 * Runs `chunks` rows of `width` arguments, after `rowsToShare` for the same kernels, and returns when all are done. `repeatable`: whether a row that was done in part, by a thread that
 * ended meanwhile, may be done again: where nothing that is read is written.
 */
export function runRows(chunks: number, width: number, repeatable = false): void {
  threads.team?.run(steps, chunks, width, repeatable);
}

/** Into how many chunks to cut what takes so long alone and has `units` that cannot be cut. */
export function chunksFor(nanoseconds: number, units: number): number {
  const count = Math.floor(Math.min(units, MOST_CHUNKS, Math.max(nanoseconds / CHUNK, Math.min(SOME, nanoseconds / LEAST))));
  // As many for one thread as for the other.
  return count < 4 ? Math.max(1, count) : count & -2;
}

/**
 * What launches know of threads: whether a team of them is there. The team itself (`threads.ts`) comes with what asks for it: Node's start, or
 * `setNumThreads`, so that a page without threads carries none of it.
 */

/** A function that a thread can run: an export of a module, which the thread makes for itself from the bytes. */
export interface Code {
  /** The export, as this thread calls it. */
  readonly call: (...args: number[]) => unknown;
  /** The module. It imports the memory of the heap, and functions of `Math` at most. */
  readonly bytes: Uint8Array;
  /** Which of its exports. */
  readonly index: number;
  /** Where the bytes lie for the threads: -1 until they are needed, -2 where there was no room. */
  at: number;
}

/** Threads that share the work of a launch. */
export interface Team {
  /**
   * Where to write the rows of arguments of a launch that takes `nanoseconds` alone; null where it is better run alone: it is too small, nobody is
   * there or awake, or the machine is busy with something else. Wakes and starts threads when that pays.
   */
  rows(nanoseconds: number, steps: readonly Code[]): Float64Array | null;
  /** Runs all rows and returns when all are done. `repeatable`: whether a row may be done again that was done in part. Throws if it may not, and its thread ended meanwhile. */
  run(steps: readonly Code[], chunks: number, width: number, repeatable: boolean): void;
}

/** The team that there is. */
export const threads: { team: Team | null } = { team: null };

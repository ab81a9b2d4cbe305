import type { View } from './view.ts';

/**
 * What writes down a run, so that it can be run again without the code that made it (see `compile/`). It stands in front of the device itself; here it
 * hears what does not pass there.
 */
export interface Recorder {
  /** A launch of a kernel that came with its operators. `written`: what it writes. */
  launch<A extends readonly unknown[]>(kernel: (...args: A) => void, args: A, written: (...args: A) => readonly (View | null)[]): void;
  /** Elements that the host writes: `write` fills a view like `target`, and does so again in each later run. */
  fill(target: View, write: (target: View) => void): void;
  /** Bytes of the host, which later runs find as they are now. */
  keep(target: View, bytes: Uint8Array): void;
  /** Work that reads or changes numbers of the host: it is done again in each later run, as it is. */
  effect<R>(work: () => R): R;
  /** What runs cannot be done again without the code that asks for it. */
  refuse(reason: string): void;
  /** Something that is no tensor decides on what runs: later runs are the same as long as it reads the same. */
  watch(read: () => unknown): void;
  /** The gradient of a leaf has been set, added to or taken away. */
  gradient(leaf: object): void;
}

/** Who writes down what runs; null: nobody. */
export const recording: { by: Recorder | null } = { by: null };

/** Does work of the host in a way that a recorder does again. */
export function effect<R>(work: () => R): R {
  return recording.by === null ? work() : recording.by.effect(work);
}

/** A kernel that comes with its operators, in a form that a recorder hears of. `written`: what it writes, of its arguments. */
export function recordable<A extends readonly unknown[]>(
  kernel: (...args: A) => void,
  written: (...args: A) => readonly (View | null)[],
): (...args: A) => void {
  return (...args) => {
    if (recording.by === null) kernel(...args);
    else recording.by.launch(kernel, args, written);
  };
}

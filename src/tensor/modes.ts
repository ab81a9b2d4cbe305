import type { Observer } from './observer.ts';
import type { Tensor } from './tensor.ts';

/** What packs the tensors that nodes save, while hooks are there to do so; see `saved-hooks.ts`. */
export interface Saving {
  /** Packs what a new node saved. */
  pack(node: object): void;
  /** While a composite is recorded, hooks are shown its inputs in the place of the inner leaves. */
  enter(leaves: readonly object[], inputs: readonly object[]): void;
  /** Ends that where the composite keeps none of its values. */
  leave(leaves: readonly object[]): void;
  /** Ends it, packs the inputs of the composite and takes its inner values' memory; returns what it keeps of its results. */
  enclose<T extends object>(node: object, leaves: readonly T[], outputs: readonly T[]): readonly T[];
}

/** What remembers places in the user's code. */
export interface Tracing {
  /** Remembers where a node was recorded, or a storage written. */
  remember(subject: object): void;
}

/** What random operators ask for their numbers while vmap runs. */
export interface Randomness {
  /** The draw `sample` of the given shape, which reads `inputs` (of the same shape), for the members of the batch. */
  draw(
    name: string,
    inputs: readonly Tensor[],
    shape: readonly number[],
    sample: (inputs: readonly Tensor[], shape: readonly number[]) => Tensor,
  ): Tensor;
}

/** Global switches of the engine. One object with fixed fields: reading it is one load on the hot path. */
export const mode = {
  /** How many interpreters (forward mode, vmap, …) are running; 0 in plain eager code. */
  interpreters: 0,
  /** Keeps stack traces of recorded operations and of writes, for messages; see `tracing.ts`. */
  tracing: null as null | Tracing,
  /** Hooks on saved tensors; null: nodes keep the tensors themselves. */
  saving: null as null | Saving,
  /** Looks at a tensor that is about to be written in place; null unless saved tensors may be written (see `allow-mutation.ts`). */
  beforeWrite: null as null | ((target: object) => void),
  /** Sees every operator, in-place write and backward node instead of the engine, and hands them on. */
  observer: null as null | Observer,
  /** Draws random numbers for the members of a batch, while vmap runs. */
  randomness: null as null | Randomness,
  /** What inference mode refuses; null until it is first used. */
  inference: null as null | InferenceRules,
  /** Record operations on tensors that require a gradient. The last field, so that it can leave (see `task-storage.ts`) without slowing down the others. */
  grad: true,
};

/** The modes that a function runs under, and the task that it begins with. */
export interface TaskModes {
  grad: boolean;
  /** The version that new storages begin with: -1 in inference mode. */
  version: number;
}

/** What inference mode adds to the tape and to in-place operations. */
export interface InferenceRules {
  /** Throws: an inference tensor would have to be saved for a backward pass. */
  refuseSave(operator: string, x: object): void;
  /** Throws where an inference tensor is written outside of inference mode. */
  checkWrite(name: string, target: object): void;
}

/**
 * Whether operations are recorded now.
 *
 * @example
 * noGrad(() => isGradEnabled()); // false
 */
export function isGradEnabled(): boolean {
  return mode.grad;
}

/** For the library itself: `body` is synchronous. Recording is on in inference mode too, since a transform needs its tape there. */
export function withGradMode<R>(enabled: boolean, body: () => R): R {
  const before = mode.grad;
  mode.grad = enabled;
  try {
    return body();
  } finally {
    mode.grad = before;
  }
}

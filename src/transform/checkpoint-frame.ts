import type { DTypeInfo } from '../dtype/dtype.ts';
import { defaultGenerator } from '../runtime/random.ts';
import { untrack } from '../runtime/storage.ts';
import { edgesOf } from '../tensor/edges.ts';
import { outermostTask } from '../tensor/engine.ts';
import { mode, withGradMode } from '../tensor/modes.ts';
import { type AnyOperator, type Node, OperatorNode } from '../tensor/node.ts';
import { readSlot, type SavedHooks, withHooks } from '../tensor/saved-hooks.ts';
import { aliasOf, type Tensor } from '../tensor/tensor.ts';
import { AutogradError } from '../util/errors.ts';
import { countError, metadataError, type Runs, type SavedFacts } from './checkpoint-error.ts';
import { listOperators } from './checkpoint-trace.ts';
import { flattenTree, type Structure } from './tree.ts';

/** Runs a function in some context: a mode, an observer, hooks. */
export type CheckpointContext = <R>(body: () => R) => R;

/** What a checkpoint was asked for. */
export interface FrameOptions {
  readonly name: string;
  readonly preserveRngState: boolean;
  readonly checkMetadata: boolean;
  readonly debug: boolean;
  readonly earlyStop: boolean;
  readonly forwardContext: CheckpointContext;
  readonly recomputeContext: CheckpointContext;
}

/** Leaves the function as soon as all that the backward pass needs is there. */
class EarlyStop {
  readonly frame: Frame;
  constructor(frame: Frame) {
    this.frame = frame;
  }
}

/** What a node keeps in the place of a tensor: the number of the tensor among those that the function saves, or which input it is. */
class Holder {
  readonly index: number;
  readonly isInput: boolean;
  /** How many nodes keep it. */
  holders = 1;
  constructor(index: number, isInput: boolean) {
    this.index = index;
    this.isInput = isInput;
  }
}

/** The tensors of one recomputation that nodes still keep. */
type Recomputed = Map<number, Tensor>;

/** Keeps the inputs of a checkpoint, so that they are versioned, seen by hooks around, and freed like other saved tensors. */
const keeper: AnyOperator = {
  name: 'checkpoint',
  backwardName: 'CheckpointBackward',
  forward: () => {
    throw new AutogradError('checkpoint: the node that keeps its inputs is not an operation');
  },
  derivative: { kind: 'none' },
  batching: { kind: 'composite' },
  aliasing: 'fresh',
  composite: false,
};

/** One call of a checkpointed function: what its nodes saved is not kept, but computed again when it is needed. */
export class Frame {
  readonly #options: FrameOptions;
  readonly #structure: Structure;
  #fn: ((...inputs: never[]) => unknown) | null;
  /** The tensors among the inputs, until the first run is over: a checkpoint around this one may not want them to be kept. */
  #inputs: readonly Tensor[];
  #keeper: OperatorNode | null = null;
  readonly #state: Uint8Array | null;
  /** How many transforms run around it. */
  readonly #level = mode.interpreters;
  readonly #facts: SavedFacts[] = [];
  readonly #operators: string[] = [];
  /** What was computed again, for as long as the walk that asked for it lasts. */
  readonly #recomputed = new WeakMap<object, Recomputed>();
  /** Holders that some node keeps. */
  #alive = 0;
  /** Whether the first run is over: a function that differentiates inside of itself needs recomputed tensors before. */
  #complete = false;

  constructor(fn: (...inputs: never[]) => unknown, inputs: readonly unknown[], options: FrameOptions) {
    const { leaves, structure } = flattenTree(inputs);
    this.#fn = fn;
    this.#inputs = leaves;
    this.#structure = structure;
    this.#options = options;
    this.#state = options.preserveRngState ? defaultGenerator.getState() : null;
  }

  /** Runs the function for the first time. */
  run<R>(inputs: readonly unknown[]): R {
    const { next, nextIndex, shapes, types } = edgesOf(this.#inputs);
    this.#keeper = new OperatorNode(keeper, null, next, nextIndex, shapes, types, [], [] as DTypeInfo[], [...this.#inputs]);
    const { forwardContext, debug } = this.#options;
    const fn = this.#fn as (...inputs: unknown[]) => R;
    const call = (): R => forwardContext(() => fn(...inputs));
    const result = withHooks(this.#hooks(), () => (debug ? listOperators(this.#operators, call) : call())) as R;
    this.#complete = true;
    this.#inputs = [];
    return result;
  }

  #hooks(): SavedHooks {
    const versions = this.#inputs.map((x) => x.storage.version);
    return {
      name: this.#options.name,
      pack: (x, by) => {
        if (this.#isBelow(x)) return x;
        const input = this.#inputs.indexOf(x);
        if (input >= 0 && x.storage.version === versions[input]) return this.#hold(new Holder(input, true));
        this.#facts.push(factsOf(x, by));
        return this.#hold(new Holder(this.#facts.length - 1, false));
      },
      unpack: (packed) => (packed instanceof Holder ? this.#read(packed) : packed),
      share: (packed) => void (packed instanceof Holder && this.#share(packed)),
      drop: (packed) => void (packed instanceof Holder && this.#drop(packed)),
    };
  }

  /**
   * Whether a tape outside of the innermost transform saves it: that tape may be walked when the transform has ended, and its handles, which the function
   * would run on again, stand for nothing.
   */
  #isBelow(x: Tensor): boolean {
    return (x.wrapped?.level ?? 0) < this.#level;
  }

  #hold(holder: Holder): Holder {
    this.#alive += 1;
    return holder;
  }

  #share(holder: Holder): void {
    holder.holders += 1;
    this.#alive += 1;
  }

  /** Once no node keeps anything, nothing can ask for a recomputation. */
  #drop(holder: Holder): void {
    holder.holders -= 1;
    this.#alive -= 1;
    const walk = outermostTask();
    if (holder.holders === 0 && walk !== null && !holder.isInput) this.#recomputed.get(walk)?.delete(holder.index);
    if (this.#alive > 0 || !this.#complete) return;
    this.#keeper?.release();
    this.#keeper = null;
    this.#fn = null;
  }

  #read(holder: Holder): Tensor {
    if (holder.isInput) return this.#input(holder.index);
    const walk = outermostTask();
    if (walk === null) return this.#recompute().get(holder.index) as Tensor;
    let found = this.#recomputed.get(walk);
    if (found === undefined || !found.has(holder.index)) {
      found = this.#recompute();
      this.#recomputed.set(walk, found);
    }
    return found.get(holder.index) as Tensor;
  }

  #input(index: number): Tensor {
    return readSlot(this.#keeper as Node, index);
  }

  /** Runs the function again, and keeps what it saves now. */
  #recompute(): Recomputed {
    const inputs = Array.from({ length: this.#structure.count }, (_, i) => this.#input(i));
    const { preserveRngState, recomputeContext, debug } = this.#options;
    const result: Recomputed = new Map();
    const facts: SavedFacts[] = [];
    const operators: string[] = [];
    const fn = this.#fn as (...inputs: unknown[]) => unknown;
    const args = this.#structure.rebuild(inputs) as unknown[];
    const call = (): unknown => recomputeContext(() => fn(...args));
    const state = preserveRngState ? defaultGenerator.getState() : null;
    if (this.#state !== null) defaultGenerator.setState(this.#state);
    try {
      withGradMode(true, () => withHooks(this.#collecting(inputs, result, facts), () => (debug ? listOperators(operators, call) : call())));
    } catch (error) {
      if (!(error instanceof EarlyStop) || error.frame !== this) throw error;
    } finally {
      if (state !== null) defaultGenerator.setState(state);
    }
    this.#compare(facts, debug ? { first: this.#operators, again: operators } : null);
    return result;
  }

  #collecting(inputs: readonly Tensor[], into: Recomputed, facts: SavedFacts[]): SavedHooks {
    const versions = inputs.map((x) => x.storage.version);
    return {
      name: this.#options.name,
      pack: (x, by) => {
        if (this.#isBelow(x)) return x;
        const input = inputs.indexOf(x);
        if (input >= 0 && x.storage.version === versions[input]) return x;
        // Without its history: what is read gets the one that it had in the first run.
        into.set(facts.length, aliasOf(x));
        // A scope() in the function would free it when the function is left early.
        untrack(x.storage);
        facts.push(factsOf(x, by));
        if (facts.length === this.#facts.length && (this.#options.earlyStop || !this.#complete)) throw new EarlyStop(this);
        return x;
      },
      // The function may differentiate inside of itself.
      unpack: (packed) => packed,
    };
  }

  #compare(facts: readonly SavedFacts[], runs: Runs | null): void {
    const { name, checkMetadata } = this.#options;
    if (facts.length !== this.#facts.length) throw countError(name, this.#facts, facts, runs);
    const error = checkMetadata ? metadataError(name, this.#facts, facts, runs) : null;
    if (error !== null) throw error;
  }
}

function factsOf(x: Tensor, by: Node): SavedFacts {
  return { shape: x.shape, dtype: x.type.name, operator: by.operatorName };
}

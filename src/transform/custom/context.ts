import { describeValue, releasedMessage, staleSaveMessage } from '../../tensor/messages.ts';
import type { Node } from '../../tensor/node.ts';
import { isTensor, type Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, AutogradError } from '../../util/errors.ts';

/** Tensors kept for a rule, with the versions at which they were right. */
interface Kept {
  tensors: readonly (Tensor | null)[];
  versions: readonly number[];
}

const NOTHING: Kept = { tensors: [], versions: [] };

/** A node that keeps what was saved, as those of operators do: hooks on saved tensors see it. */
interface KeepingNode extends Node {
  keep(saved: readonly (Tensor | null)[]): void;
}

/** What the library itself reads and writes on a context. */
export interface ContextState {
  readonly name: string;
  backward: Kept;
  forward: Kept;
  /** Once the node keeps what was saved for the backward pass: where it has a tensor, and where null was saved. */
  slots: readonly boolean[] | null;
  /** Which of both `savedTensors` gives. */
  reading: 'backward' | 'forward';
  dirty: readonly Tensor[];
  nonDifferentiable: readonly Tensor[];
  materialize: boolean;
  materializeNonDifferentiable: boolean;
  /** The node whose derivative this is, once it is recorded. */
  node: KeepingNode | null;
}

/**
 * What the passes of a custom function share: saved tensors, and any property that the function sets.
 *
 * @example
 * class Scale extends autograd.Function {
 *   static forward(context, x, factor) {
 *     context.factor = factor;
 *     return x.mul(factor);
 *   }
 *   static backward(context, g) {
 *     return [g.mul(context.factor), null];
 *   }
 * }
 * Scale.apply(ones([2]), 3); // tensor([3., 3.])
 */
export class FunctionContext {
  /** For each argument whether it requires a gradient. */
  needsInputGrad: readonly boolean[] = [];
  [property: string]: unknown;
  readonly #state: ContextState;

  constructor(name: string) {
    this.#state = {
      name,
      backward: NOTHING,
      forward: NOTHING,
      slots: null,
      reading: 'backward',
      dirty: [],
      nonDifferentiable: [],
      materialize: true,
      materializeNonDifferentiable: true,
      node: null,
    };
  }

  /**
   * Keeps tensors (or null) for `backward`; their versions are checked when they are read there. Arguments and results belong here and not into
   * properties: only so are they found changed, freed with the graph, and connected for a second derivative.
   */
  saveForBackward(...tensors: (Tensor | null)[]): void {
    this.#state.backward = this.#kept('saveForBackward', tensors);
  }

  /** The same for `jvp`, which sees only what is saved here. */
  saveForForward(...tensors: (Tensor | null)[]): void {
    this.#state.forward = this.#kept('saveForForward', tensors);
  }

  /**
   * In `backward` what was saved for it, in `jvp` what was saved for that. An entry that was saved as null is null.
   * Throws AutogradError if one was changed in place since, or if all were freed by an earlier pass.
   */
  get savedTensors(): readonly Tensor[] {
    const { name, reading, slots, node } = this.#state;
    if (node?.released === true) throw new AutogradError(releasedMessage(node));
    if (reading === 'backward' && slots !== null) return slots.map((there, i) => (there ? node?.unpack(i) : null)) as readonly Tensor[];
    const { tensors, versions } = this.#state[reading];
    tensors.forEach((x, i) => {
      if (x !== null && x.storage.version !== versions[i])
        throw new AutogradError(staleSaveMessage(name, this, x, 'saved tensor', i, versions[i] as number));
    });
    return tensors as readonly Tensor[];
  }

  /** Says that `forward` changed these arguments in place; it must return them. */
  markDirty(...tensors: Tensor[]): void {
    this.#state.dirty = tensors;
  }

  /** Says that these results carry no gradient. */
  markNonDifferentiable(...tensors: Tensor[]): void {
    this.#state.nonDifferentiable = tensors;
  }

  /**
   * Whether gradients and tangents that did not arrive are passed on as zeros (the default) or as null; `nonDifferentiable: false` leaves null where
   * a result was marked as carrying no gradient.
   */
  setMaterializeGrads(value: boolean, options: { readonly nonDifferentiable?: boolean } = {}): void {
    this.#state.materialize = value;
    this.#state.materializeNonDifferentiable = options.nonDifferentiable ?? true;
  }

  /** @internal */
  state(): ContextState {
    return this.#state;
  }

  #kept(method: string, tensors: readonly (Tensor | null)[]): Kept {
    tensors.forEach((x, i) => {
      if (x !== null && !isTensor(x)) {
        throw new ArgumentError(
          `${this.#state.name}: ${method} takes tensors and null, got ${describeValue(x)} at position ${i}: keep it as a property of the context instead`,
        );
      }
    });
    return { tensors, versions: versionsOf(tensors) };
  }
}

function versionsOf(tensors: readonly (Tensor | null)[]): number[] {
  return tensors.map((x) => (x === null ? 0 : x.storage.version));
}

/** From here on a write makes what was saved stale; what forward itself wrote does not. The node, if there is one, takes over what it reads. */
export function seal(context: FunctionContext): void {
  const state = context.state();
  for (const kept of [state.backward, state.forward]) if (kept !== NOTHING) kept.versions = versionsOf(kept.tensors);
  if (state.node === null || state.slots !== null) return;
  state.node.keep(state.backward.tensors);
  state.slots = state.backward.tensors.map((x) => x !== null);
  state.backward = NOTHING;
}

/** Drops what was saved for forward mode. */
export function releaseContext(context: FunctionContext): void {
  context.state().forward = NOTHING;
}

/** A context with the same properties and declarations, and other handles on what was saved. */
export function translated(context: FunctionContext, to: (x: Tensor) => Tensor): FunctionContext {
  const from = context.state();
  const copy = Object.assign(new FunctionContext(from.name), context);
  const state = copy.state();
  for (const role of ['backward', 'forward'] as const) {
    const saved: readonly (Tensor | null)[] = role === 'backward' ? context.savedTensors : from.forward.tensors;
    const tensors = saved.map((x) => (x === null ? null : to(x)));
    state[role] = { tensors, versions: versionsOf(tensors) };
  }
  state.materialize = from.materialize;
  state.materializeNonDifferentiable = from.materializeNonDifferentiable;
  return copy;
}

/** Runs a forward rule: `savedTensors` is what was saved for it. */
export function readingForward<R>(context: FunctionContext, rule: () => R): R {
  const state = context.state();
  const before = state.reading;
  state.reading = 'forward';
  try {
    return rule();
  } finally {
    state.reading = before;
  }
}

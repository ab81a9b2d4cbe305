import type { Operator } from '../op/contract.ts';
import { apply } from '../tensor/apply.ts';
import { describeValue } from '../tensor/messages.ts';
import { metaOf } from '../tensor/meta.ts';
import type { Node } from '../tensor/node.ts';
import { aliasOf, isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { ArgumentError } from '../util/errors.ts';

type Gradients = readonly (Tensor | null)[];
/** What a hook may return: gradients in the place of those that it was shown, one alone for a list of one, or nothing. */
type Replacement = Gradients | Tensor | null | undefined | void;

/** Sees a module and the gradients of its outputs before they pass through it, and may replace them. */
export type FullBackwardPreHook<M> = (module: M, gradOutputs: Gradients) => Replacement;
/** Sees a module, the gradients of its inputs and of its outputs, and may replace the former. */
export type FullBackwardHook<M> = (module: M, gradInputs: Gradients, gradOutputs: Gradients) => Replacement;

/** The same values under a node of their own, to which hooks can be bound. */
const pass: Operator<Tensor, null> = {
  name: 'moduleHooks',
  backwardName: 'ModuleHooksBackward',
  forward: (inputs) => inputs.map(aliasOf),
  derivative: { kind: 'rules', vjp: (grads) => [...grads], jvp: (tangents) => [...tangents] },
  batching: { kind: 'composite' },
  aliasing: 'fresh',
  composite: false,
};

/** One call of a module whose backward pass is watched: its inputs and its outputs go through a node each. */
export class BackwardWatch {
  readonly #module: object;
  readonly #before: Iterable<{ readonly hook: FullBackwardPreHook<never> }>;
  readonly #after: Iterable<{ readonly hook: FullBackwardHook<never> }>;
  /** What arrived at the outputs in the pass that is running: null in a pass that reaches the inputs in another way, as a second derivative does. */
  #gradOutputs: Gradients | null = null;
  #inputCount = 0;
  #watchesInputs = false;

  constructor(
    module: object,
    before: Iterable<{ readonly hook: FullBackwardPreHook<never> }>,
    after: Iterable<{ readonly hook: FullBackwardHook<never> }>,
  ) {
    this.#module = module;
    this.#before = before;
    this.#after = after;
  }

  /** The inputs as the module gets them. */
  inputs(given: readonly unknown[]): readonly unknown[] {
    this.#inputCount = given.length;
    const { values, node, places } = passed(given);
    if (node === null) return given;
    values.forEach((value, i) => {
      if (isTensor(value)) linkToOriginal(value, given[i] as Tensor);
    });
    this.#watchesInputs = true;
    node.registerHook((grads) => {
      const gradOutputs = this.#gradOutputs;
      this.#gradOutputs = null;
      if (gradOutputs === null) return;
      const all = given.map((_, i) => grads[places.indexOf(i)] ?? null);
      const replaced = this.#runAfter(all, gradOutputs);
      return places.map((place) => replaced[place] ?? null);
    });
    return values;
  }

  /** The output as the caller gets it. */
  output(given: unknown): unknown {
    const list = Array.isArray(given) ? (given as unknown[]) : [given];
    const { values, node, places } = passed(list);
    if (node === null) return given;
    node.registerPrehook((grads) => {
      let gradOutputs: Gradients = list.map((_, i) => grads[places.indexOf(i)] ?? null);
      for (const { hook } of this.#before)
        gradOutputs = replacedBy('registerFullBackwardPreHook', hook(this.#module as never, gradOutputs), gradOutputs);
      if (this.#watchesInputs) this.#gradOutputs = gradOutputs;
      else this.#runAfter(new Array<null>(this.#inputCount).fill(null), gradOutputs);
      return places.map((place) => gradOutputs[place] ?? null);
    });
    return Array.isArray(given) ? values : values[0];
  }

  #runAfter(gradInputs: Gradients, gradOutputs: Gradients): Gradients {
    let current = gradInputs;
    for (const { hook } of this.#after)
      current = replacedBy('registerFullBackwardHook', hook(this.#module as never, current, gradOutputs), current);
    return current;
  }
}

/** The list with its tensors passed through a node; no node where none of them is tracked. */
function passed(list: readonly unknown[]): { values: unknown[]; node: Node | null; places: number[] } {
  const places = list.flatMap((value, i) => (isTensor(value) ? [i] : []));
  const tensors = places.map((place) => list[place] as Tensor);
  if (!tensors.some(isTracked)) return { values: [...list], node: null, places };
  const handles = apply(pass, tensors, null) as Tensor[];
  const values = [...list];
  places.forEach((place, k) => {
    const original = tensors[k] as Tensor;
    // What wants no gradient stays what it is.
    if (isTracked(original)) values[place] = handles[k];
  });
  return { values, node: handles.find((x, k) => isTracked(tensors[k] as Tensor) && x.node !== null)?.node ?? null, places };
}

/** A write into the input of a watched module could not be part of the original's history: it is refused as for views of custom functions. */
function linkToOriginal(handle: Tensor, original: Tensor): void {
  if (handle === original || handle.wrapped !== null) return;
  const meta = metaOf(handle);
  meta.base = original.meta?.base ?? original;
  meta.viewVersion = handle.storage.version;
  meta.origin = 'multi';
}

function replacedBy(name: string, returned: Replacement, before: Gradients): Gradients {
  if (returned === null || returned === undefined) return before;
  const list = isTensor(returned) ? [returned] : returned;
  if (!Array.isArray(list))
    throw new ArgumentError(`${name}: the hook returned ${describeValue(returned)}: return a list of gradients, or nothing to keep them`);
  if (list.length !== before.length)
    throw new ArgumentError(
      `${name}: the hook returned ${list.length} gradients for ${before.length}: return one for each, null where there is none`,
    );
  return list as Gradients;
}

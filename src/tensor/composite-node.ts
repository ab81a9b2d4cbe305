import { NO_STORAGE } from '../runtime/storage.ts';
import { AutogradError } from '../util/errors.ts';
import { edgeOf, edgesOf, type GradientEdge, shapesOf, typesOf } from './edges.ts';
import { gradients } from './engine.ts';
import { withoutValue } from './hollow.ts';
import { releasedMessage } from './messages.ts';
import { mode, withGradMode } from './modes.ts';
import { type AnyOperator, Node, nextSequence, versionsOf } from './node.ts';
import type { Tensor } from './tensor.ts';

/**
 * A composite operator recorded as one node around an inner tape. Where nothing on that tape saved anything, as for `stack`, no value is needed again:
 * the node keeps the tape alone, and may be gone through any number of times.
 */
export class CompositeNode extends Node {
  readonly operator: AnyOperator;
  readonly #linear: boolean;
  readonly params: unknown;
  #leaves: readonly Tensor[];
  #outputs: readonly Tensor[];

  constructor(operator: AnyOperator, params: unknown, inputs: readonly Tensor[], leaves: readonly Tensor[], outputs: readonly Tensor[]) {
    const { next, nextIndex, shapes, types } = edgesOf(inputs);
    super(nextSequence(), next, nextIndex, shapes, types, shapesOf(outputs), typesOf(outputs));
    this.operator = operator;
    this.params = params;
    this.#leaves = leaves;
    this.#linear = savesNothing(outputs);
    if (this.#linear) {
      if (mode.saving !== null) mode.saving.leave(leaves);
      for (const leaf of leaves) leaf.storage = NO_STORAGE;
      this.#outputs = outputs.map(withoutValue);
      return;
    }
    this.saved = inputs;
    this.versions = versionsOf(inputs);
    this.#outputs = mode.saving === null ? outputs : mode.saving.enclose(this, leaves, outputs);
  }

  get name(): string {
    return this.operator.backwardName;
  }
  override get operatorName(): string {
    return this.operator.name;
  }
  /** The nodes of the inner tape. */
  get inner(): Node[] {
    return [...reachable(this.#outputs)];
  }

  run(grads: readonly (Tensor | null)[], keep: boolean): readonly (Tensor | null)[] {
    if (this.released) throw new AutogradError(releasedMessage(this));
    const again = !this.#linear && (mode.grad || mode.interpreters !== 0);
    const inputs = again ? this.next.map((_, slot) => this.unpack(slot)) : this.#leaves;
    const outputs = again ? this.#recomposed(inputs) : this.#outputs;
    const wanted = inputs.filter((_, i) => this.next[i] !== null).map((input) => edgeOf(input) as GradientEdge);
    const roots: GradientEdge[] = [];
    const seeds: Tensor[] = [];
    grads.forEach((g, i) => {
      const root = edgeOf(outputs[i] as Tensor);
      if (g === null || root === null) return;
      roots.push(root);
      seeds.push(g);
    });
    const found = gradients(roots, seeds, wanted, { keepGraph: keep || again, createGraph: mode.grad });
    let k = 0;
    return inputs.map((_, i) => (this.next[i] === null ? null : (found[k++] ?? null)));
  }

  /** The outputs composed anew on the real inputs, so that their gradient is itself connected to the graph. */
  #recomposed(inputs: readonly Tensor[]): readonly Tensor[] {
    const result = withGradMode(true, () => this.operator.forward(inputs, this.params));
    return Array.isArray(result) ? result : [result];
  }

  override savedTensors(): readonly Tensor[] {
    if (this.#linear) return [];
    return [...super.savedTensors(), ...this.#leaves, ...this.#outputs, ...this.inner.flatMap((node) => node.savedTensors())];
  }

  override release(): void {
    if (this.#linear) return;
    for (const node of this.packs === null ? [] : this.inner) node.release();
    super.release();
    this.#leaves = [];
    this.#outputs = [];
  }
}

/** Whether gradients of these depend on nothing but gradients. */
function savesNothing(outputs: readonly Tensor[]): boolean {
  for (const node of reachable(outputs)) if (node.saved.length > 0 || !node.trusted) return false;
  return true;
}

/** The nodes that gradients of these flow to. */
function reachable(outputs: readonly Tensor[]): Set<Node> {
  const found = new Set(outputs.flatMap((output) => edgeOf(output)?.node ?? []));
  for (const node of found) for (const next of node.next) if (next !== null) found.add(next);
  return found;
}

import { type DTypeInfo, FLOAT32 } from '../../dtype/dtype.ts';
import { formatShape } from '../../shape/shape.ts';
import { edgesOf } from '../../tensor/edges.ts';
import { describeValue, releasedMessage, staleSaveMessage } from '../../tensor/messages.ts';
import { mode } from '../../tensor/modes.ts';
import { Node, nextSequence, refuseInference, versionsOf } from '../../tensor/node.ts';
import { structural } from '../../tensor/structural.ts';
import { isTensor, type Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, AutogradError } from '../../util/errors.ts';
import { type FunctionContext, releaseContext } from './context.ts';
import type { Rules } from './rules.ts';

/** One recorded call of a custom function: the inputs are the tensors among the arguments, the outputs all results, tensors or not. */
export class CustomNode extends Node {
  readonly #rules: Rules;
  /** What the call shares with its backward pass; PyTorch's users know it as the node itself. */
  readonly context: FunctionContext;
  /** Of each argument the index among the tensors, or -1. */
  readonly #places: readonly number[];
  /** Whether a gradient of the result can be given at all. */
  readonly #filled: readonly boolean[];

  constructor(
    rules: Rules,
    context: FunctionContext,
    args: readonly unknown[],
    results: readonly unknown[],
    nonDifferentiable: readonly number[],
  ) {
    const edges = edgesOf(args.filter(isTensor));
    super(
      nextSequence(),
      edges.next,
      edges.nextIndex,
      edges.shapes,
      edges.types,
      results.map((y) => (isTensor(y) ? y.shape : [])),
      results.map((y) => (isTensor(y) ? y.type : FLOAT32)),
    );
    let count = 0;
    this.#places = args.map((x) => (isTensor(x) ? count++ : -1));
    this.#rules = rules;
    this.context = context;
    const { materialize, materializeNonDifferentiable } = context.state();
    this.#filled = results.map((y, i) => isTensor(y) && materialize && (materializeNonDifferentiable || !nonDifferentiable.includes(i)));
    context.state().node = this;
  }

  get name(): string {
    return `${this.#rules.name}Backward`;
  }

  /** Its rules are a user's, who may keep what they see. */
  override get trusted(): boolean {
    return false;
  }

  run(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const given = this.#filled.map((filled, i) => {
      const g = grads[i] ?? null;
      return g === null && filled ? structural().zeros(this.outputShapes[i] as readonly number[], this.outputTypes[i] as DTypeInfo) : g;
    });
    return this.#checked(this.#rules.backward(this.context, given));
  }

  /** Checks what backward returned and picks the entries of the tensor arguments. */
  #checked(returned: unknown): (Tensor | null)[] {
    const name = this.#rules.name;
    const list = Array.isArray(returned) ? (returned as unknown[]) : [returned];
    const count = this.#places.length;
    if (list.length < count || list.slice(count).some((g) => g !== null && g !== undefined)) {
      throw new AutogradError(
        `${name}: backward returned ${plural(list.length, 'gradient')} for ${plural(count, 'argument')} of forward: return one for each, null where there is none`,
      );
    }
    const result: (Tensor | null)[] = [];
    this.#places.forEach((place, i) => {
      const g = list[i] ?? null;
      if (place < 0) {
        if (g !== null)
          throw new AutogradError(`${name}: backward returned a gradient for argument ${i}, which is not a tensor: return null there`);
        return;
      }
      if (g !== null && !isTensor(g)) {
        throw new ArgumentError(
          `${name}: backward returned ${describeValue(g)} for argument ${i} of shape ${formatShape(this.inputShapes[place] as readonly number[])}: return a tensor or null`,
        );
      }
      result.push(g);
    });
    return result;
  }

  /** Takes over what the context saved for the backward pass. */
  keep(saved: readonly (Tensor | null)[]): void {
    if (saved.length === 0) return;
    this.saved = saved;
    this.versions = versionsOf(saved);
    refuseInference(this.#rules.name, saved);
    if (mode.saving !== null) mode.saving.pack(this);
  }

  override get operatorName(): string {
    return this.#rules.name;
  }

  /** What was saved is numbered as it was given to `saveForBackward`. */
  override unpack(slot: number): Tensor {
    const unpacked = this.packs?.unpack(slot) ?? null;
    if (unpacked !== null) return unpacked;
    const saved = this.saved[slot] ?? null;
    if (saved === null) throw new AutogradError(releasedMessage(this));
    if (saved.storage.version !== this.versions[slot])
      throw new AutogradError(staleSaveMessage(this.operatorName, this, saved, 'saved tensor', slot, this.versions[slot] ?? 0));
    return saved;
  }

  /** What was saved has its history already, results included. */
  override outputOf(): number {
    return -1;
  }
  override slotRole(slot: number): readonly ['saved tensor', number] {
    return ['saved tensor', slot];
  }

  override release(): void {
    super.release();
    releaseContext(this.context);
  }
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

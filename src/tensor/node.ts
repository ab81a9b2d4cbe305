import type { DType, DTypeInfo } from '../dtype/dtype.ts';
import type { Operator, RuleContext } from '../op/contract.ts';
import { ArgumentError, AutogradError } from '../util/errors.ts';
import { describeTensor, describeValue, releasedMessage, staleSaveMessage } from './messages.ts';
import { type AutogradMeta, type HookHandle, HookList, metaOf, type TensorHook } from './meta.ts';
import { mode } from './modes.ts';
import { aliasOf, isTensor, type Tensor } from './tensor.ts';

/** An operator whose parameters nobody needs to know here. */
export type AnyOperator = Operator<Tensor, unknown>;

/** A hook before a node runs: sees and may replace the gradients of its outputs. */
export type NodePreHook = (gradOutputs: readonly (Tensor | null)[]) => readonly (Tensor | null)[] | void;
/** A hook after a node ran: sees and may replace the gradients of its inputs. */
export type NodePostHook = (
  gradInputs: readonly (Tensor | null)[],
  gradOutputs: readonly (Tensor | null)[],
) => readonly (Tensor | null)[] | void;

export type { HookHandle } from './meta.ts';

/**
 * Who looks at the gradient of one output: hooks in their order, then the state of the tensor that retains it (not the tensor, whose memory
 * the graph must not keep).
 */
export interface Watch {
  readonly hooks: HookList<TensorHook>;
  keeper: AutogradMeta | null;
}

/** What hooks made of the tensors that a node saved; see `saved-hooks.ts`. */
export interface PackedSaves {
  /** The tensor of a slot, unpacked; null where the slot holds the tensor itself. */
  unpack(slot: number): Tensor | null;
  /** Tensors among what was packed. */
  tensors(): readonly Tensor[];
  /** Forgets what was unpacked for a run of the node. */
  close(): void;
  release(): void;
}

/** What the engine writes on a node while it visits it. */
export interface NodeState {
  readonly task: number;
  /** Edges of this task that have not delivered yet. */
  dependencies: number;
  /** Whether a gradient is wanted here or further on. */
  needed: boolean;
  /** Positions of the results that are captured at outputs of this node: pairs of output index and result index. */
  captures: [number, number][] | null;
  readonly grads: (Tensor | null)[];
  /** The gradients of the inputs, where they were computed together with those of a node before; see `fuse-gradients.ts`. */
  prepared: readonly (Tensor | null)[] | null;
  /** The state of an outer task that is visiting the same node. */
  readonly previous: NodeState | null;
}

/** Shared by all nodes that save nothing. */
export const NOTHING: readonly never[] = [];
export const NO_VERSIONS: readonly number[] = NOTHING;

/** Refuses a hook that cannot be called. */
export function requireFunction(name: string, hook: unknown): void {
  if (typeof hook !== 'function') throw new ArgumentError(`${name}: the hook must be a function, got ${describeValue(hook)}`);
}

/** What users noted on nodes. Few do, so no node pays for it. */
const notes = new WeakMap<Node, Record<string, unknown>>();

let sequence = 0;

/** The number that the next recorded node gets. Later operations have larger numbers, so the order is topological. */
export function nextSequence(): number {
  return sequence++;
}

/**
 * One recorded operation: where gradients go next, what the derivative reads, and the shapes that gradients must have.
 *
 * Invariant: `next[i]` is null exactly if input i wants no gradient.
 *
 * @example
 * const y = ones([2], { requiresGrad: true }).mul(2);
 * y.gradFn instanceof autograd.graph.Node; // true
 * y.gradFn.name; // 'MulBackward'
 */
export abstract class Node {
  /** Of the nodes that are ready, the one with the largest number runs first. */
  sequence: number;
  readonly next: (Node | null)[];
  readonly nextIndex: readonly number[];
  /** Shapes and dtypes of the inputs: gradients are summed and cast to them. */
  readonly inputShapes: readonly (readonly number[])[];
  readonly inputTypes: readonly DTypeInfo[];
  /** Shapes and dtypes of the outputs. */
  outputShapes: readonly (readonly number[])[];
  outputTypes: readonly DTypeInfo[];
  state: NodeState | null = null;
  preHooks: HookList<NodePreHook> | null = null;
  postHooks: HookList<NodePostHook> | null = null;
  /** Who looks at the gradients of the outputs, by output index. */
  watched: (Watch | undefined)[] | null = null;
  released = false;
  /** What the derivative reads: inputs by index, then outputs; null where it reads nothing, empty if it reads nothing at all. */
  saved: readonly (Tensor | null)[];
  /** The storage versions at which they were saved. */
  versions: readonly number[];
  /** Set if hooks packed some of them. */
  packs: PackedSaves | null = null;
  /** Its rules are ours: they keep no tensor that they do not return, so the engine may free the rest. */
  get trusted(): boolean {
    return this.packs === null;
  }

  constructor(
    order: number,
    next: (Node | null)[],
    nextIndex: readonly number[],
    inputShapes: readonly (readonly number[])[],
    inputTypes: readonly DTypeInfo[],
    outputShapes: readonly (readonly number[])[],
    outputTypes: readonly DTypeInfo[],
    saved: readonly (Tensor | null)[] = NOTHING,
    versions: readonly number[] = NO_VERSIONS,
  ) {
    this.saved = saved;
    this.versions = versions;
    this.sequence = order;
    this.next = next;
    this.nextIndex = nextIndex;
    this.inputShapes = inputShapes;
    this.inputTypes = inputTypes;
    this.outputShapes = outputShapes;
    this.outputTypes = outputTypes;
    if (mode.tracing !== null) mode.tracing.remember(this);
  }

  /** Calls `hook` with the gradients of the outputs before the rule runs; what it returns replaces them. */
  registerPrehook(hook: NodePreHook): HookHandle {
    requireFunction('registerPrehook', hook);
    this.preHooks ??= new HookList();
    return this.preHooks.add(hook);
  }

  /** Calls `hook` with the gradients of the inputs and of the outputs after the rule has run; what it returns replaces the former. */
  registerHook(hook: NodePostHook): HookHandle {
    requireFunction('registerHook', hook);
    this.postHooks ??= new HookList();
    return this.postHooks.add(hook);
  }

  abstract get name(): string;
  /** Gradients of the inputs from those of the outputs; null where none is wanted or none arrives. */
  abstract run(grads: readonly (Tensor | null)[], keep: boolean): readonly (Tensor | null)[];
  /** The operator as messages name it. */
  get operatorName(): string {
    return this.name;
  }
  /** The tensors that the node keeps alive for its backward pass. */
  savedTensors(): readonly Tensor[] {
    const kept = this.saved.filter((x): x is Tensor => x !== null);
    return this.packs === null ? kept : [...kept, ...this.packs.tensors()];
  }
  /** Drops what was saved. */
  release(): void {
    this.released = true;
    this.saved = NOTHING;
    if (this.packs === null) return;
    this.packs.release();
    this.packs = null;
  }

  /** The tensor saved in `slot`: as it was recorded, or an error that says why it is not there. */
  unpack(slot: number): Tensor {
    if (this.packs !== null) {
      const unpacked = this.packs.unpack(slot);
      if (unpacked !== null) return unpacked;
    }
    const saved = this.saved[slot];
    if (saved === null || saved === undefined) throw new AutogradError(this.released ? releasedMessage(this) : this.notSavedMessage(slot));
    if (saved.storage.version !== this.versions[slot]) {
      const [role, index] = this.slotRole(slot);
      throw new AutogradError(staleSaveMessage(this.operatorName, this, saved, role, index, this.versions[slot] ?? 0));
    }
    const source = this.next[slot];
    if (saved.node === null && source !== null && source !== undefined && !(source instanceof AccumulateGrad))
      throw new AutogradError(
        `${this.operatorName}: its backward pass reads input ${slot}, ${describeTensor(saved)}, whose history detach_() has taken away since: use detach() there`,
      );
    const output = this.outputOf(slot);
    return output < 0 || saved.node === this || !this.differentiableOutput(output) ? saved : this.asOutput(saved, output);
  }

  /** Which output a slot holds, or a negative number for an input. */
  outputOf(slot: number): number {
    return slot - this.next.length;
  }

  slotRole(slot: number): readonly ['input' | 'output' | 'saved tensor', number] {
    const output = this.outputOf(slot);
    return output < 0 ? ['input', slot] : ['output', output];
  }

  /** Whether a gradient can flow into an output, going by what it is. */
  differentiableOutput(index: number): boolean {
    const type = this.outputTypes[index];
    return type?.isFloat === true || type?.isComplex === true;
  }

  /** A saved result with the history that it had when it was saved: the handle may have been detached since. */
  private asOutput(saved: Tensor, index: number): Tensor {
    const restored = aliasOf(saved);
    restored.node = this;
    restored.outputIndex = index;
    restored.tracked = true;
    return restored;
  }

  private notSavedMessage(slot: number): string {
    const [role, index] = this.slotRole(slot);
    return `${this.name}: ${role} ${index} was not saved: the operator's definition does not declare that its derivative reads it`;
  }

  /** The nodes that gradients flow to, as pairs of node and output index, as PyTorch's `next_functions`. */
  get nextFunctions(): readonly (readonly [Node | null, number])[] {
    return this.next.map((node, index) => [node, this.nextIndex[index] ?? 0] as const);
  }
  /**
   * How the engine orders nodes that could run: the largest number first. Later operations have larger ones; assigning another changes the order, never
   * the result, since a node waits for all gradients of its outputs.
   */
  get sequenceNr(): number {
    return this.sequence;
  }
  set sequenceNr(value: number) {
    this.sequence = value;
  }
  /** Shape and dtype of each output of the operation, which are those of the gradients that arrive; null where a leaf takes any dtype. */
  get inputMetadata(): readonly { readonly shape: readonly number[]; readonly dtype: DType | null }[] {
    return this.outputShapes.map((shape, index) => ({ shape, dtype: this.outputTypes[index]?.name ?? null }));
  }
  /** An object of the user's, for notes on the node. */
  get metadata(): Record<string, unknown> {
    let found = notes.get(this);
    if (found === undefined) {
      found = {};
      notes.set(this, found);
    }
    return found;
  }
  /** The gradients of the inputs, given one for each output: one step of `backward` by hand. Frees nothing that was saved. */
  call(...gradOutputs: (Tensor | null)[]): readonly (Tensor | null)[] {
    if (gradOutputs.length !== this.outputShapes.length)
      throw new ArgumentError(
        `${this.name}: call takes one gradient for each of its ${this.outputShapes.length} outputs, got ${gradOutputs.length}`,
      );
    const found = this.run(gradOutputs, true);
    return this.next.map((_, index) => found[index] ?? null);
  }
  toString(): string {
    return `<${this.name}>`;
  }
  get [Symbol.toStringTag](): string {
    return this.name;
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `<${this.name}>`;
  }
}

/**
 * The sink of a leaf's gradient. Not `run` by the ordinary path: the engine accumulates into the leaf.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * const [[sink]] = x.mul(2).gradFn.nextFunctions;
 * sink.name; // 'AccumulateGrad'
 * sink.variable === x; // true
 */
export class AccumulateGrad extends Node {
  readonly variable: Tensor;
  constructor(variable: Tensor) {
    super(Number.MAX_SAFE_INTEGER, [], NOTHING, NOTHING, NOTHING, [variable.shape], NOTHING);
    this.variable = variable;
    this.takeType();
  }
  /** Reads which dtype gradients of the leaf are cast to; none for any. */
  takeType(): void {
    const { meta, type } = this.variable;
    const wanted = meta === null || meta.gradType === undefined ? type : meta.gradType;
    this.outputTypes = wanted === null ? [] : [wanted];
  }
  get name(): string {
    return 'AccumulateGrad';
  }
  run(): readonly (Tensor | null)[] {
    return [];
  }
}

/** The node that gradients of a tracked tensor flow to. */
export function gradientNode(x: Tensor): Node | null {
  if (x.node !== null) return x.node;
  if (!x.tracked) return null;
  const meta = metaOf(x);
  meta.accumulator ??= new AccumulateGrad(x);
  return meta.accumulator;
}

/** The watch on an output of a node. */
export function watchOf(node: Node, index: number): Watch {
  node.watched ??= [];
  const known = node.watched[index];
  if (known !== undefined) return known;
  const made: Watch = { hooks: new HookList(), keeper: null };
  node.watched[index] = made;
  return made;
}

/** Gives a tensor another history. Hooks stay with the value that they were registered on; a retained gradient is that of the latest. */
export function setHistory(x: Tensor, node: Node | null, outputIndex: number): void {
  if (x.meta?.retainsGrad === true && node !== null && x.node !== null) {
    watchOf(x.node, x.outputIndex).keeper = null;
    watchOf(node, outputIndex).keeper = x.meta;
  }
  x.node = node;
  x.outputIndex = outputIndex;
}

type Rules = Extract<Operator<Tensor, unknown>['derivative'], { readonly kind: 'rules' }>;

/** A recorded call of an operator with declared derivative rules. */
export class OperatorNode extends Node implements RuleContext<Tensor, unknown> {
  readonly operator: Operator<Tensor, unknown>;
  readonly params: unknown;

  constructor(
    operator: Operator<Tensor, unknown>,
    params: unknown,
    next: (Node | null)[],
    nextIndex: readonly number[],
    inputShapes: readonly (readonly number[])[],
    inputTypes: readonly DTypeInfo[],
    outputShapes: readonly (readonly number[])[],
    outputTypes: readonly DTypeInfo[],
    saved: readonly (Tensor | null)[],
  ) {
    super(nextSequence(), next, nextIndex, inputShapes, inputTypes, outputShapes, outputTypes);
    this.operator = operator;
    this.params = params;
    if (saved.length > 0) {
      this.saved = saved;
      this.versions = versionsOf(saved);
      refuseInference(operator.name, saved);
      if (mode.saving !== null) mode.saving.pack(this);
    }
  }

  get name(): string {
    return this.operator.backwardName;
  }
  needs(index: number): boolean {
    return this.next[index] !== null && this.next[index] !== undefined;
  }
  override get operatorName(): string {
    return this.operator.name;
  }
  override get trusted(): boolean {
    return this.packs === null && this.operator.custom !== true;
  }
  override differentiableOutput(index: number): boolean {
    return super.differentiableOutput(index) && this.operator.nonDifferentiableOutputs?.includes(index) !== true;
  }
  get inputCount(): number {
    return this.next.length;
  }
  inputShape(index: number): readonly number[] {
    return this.inputShapes[index] as readonly number[];
  }
  inputType(index: number): DTypeInfo {
    return this.inputTypes[index] as DTypeInfo;
  }
  input(index: number): Tensor {
    return this.unpack(index);
  }
  output(index: number): Tensor {
    return this.unpack(this.next.length + index);
  }

  run(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    // Hooks may take all of them away.
    if (!grads.some(isTensor)) return NOTHING;
    const derivative = this.operator.derivative;
    switch (derivative.kind) {
      case 'linear': {
        const result = derivative.transpose(grads[0] as Tensor, this);
        return Array.isArray(result) ? (result as (Tensor | null)[]) : [result as Tensor];
      }
      case 'bilinear': {
        const g = grads[0] as Tensor;
        return [
          this.needs(0) ? derivative.left(g, this.input(1), this) : null,
          this.needs(1) ? derivative.right(g, this.input(0), this) : null,
        ];
      }
      default:
        return (derivative as Rules).vjp(grads, this);
    }
  }

  override release(): void {
    super.release();
    this.operator.onRelease?.();
  }
}

export function versionsOf(saved: readonly (Tensor | null)[]): readonly number[] {
  return saved.map((tensor) => (tensor === null ? 0 : tensor.storage.version));
}

/** Tensors made in inference mode cannot be saved: nothing counts what is written into them. */
export function refuseInference(operator: string, saved: readonly (Tensor | null)[]): void {
  for (const x of saved) if (x !== null && x.storage.version < 0) mode.inference?.refuseSave(operator, x);
}

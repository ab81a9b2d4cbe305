import type { DTypeInfo } from '../dtype/dtype.ts';
import type { Operator, RuleContext } from '../op/contract.ts';
import { AutogradError } from '../util/errors.ts';
import { staleSaveMessage } from './messages.ts';
import { metaOf, type TensorHook } from './meta.ts';
import { mode } from './modes.ts';
import type { Tensor } from './tensor.ts';
import { rememberPlace } from './trace.ts';

/** An operator whose parameters nobody needs to know here. */
export type AnyOperator = Operator<Tensor, unknown>;

/** A hook before a node runs: sees and may replace the gradients of its outputs. */
export type NodePreHook = (gradOutputs: readonly (Tensor | null)[]) => readonly (Tensor | null)[] | void;
/** A hook after a node ran: sees and may replace the gradients of its inputs. */
export type NodePostHook = (
  gradInputs: readonly (Tensor | null)[],
  gradOutputs: readonly (Tensor | null)[],
) => readonly (Tensor | null)[] | void;

/** Takes a hook away again. */
export interface HookHandle {
  remove(): void;
}

/** Who looks at the gradient of one output: hooks in their order, then the tensor that retains it. */
export interface Watch {
  hooks: readonly TensorHook[];
  keeper: Tensor | null;
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
  /** The state of an outer task that is visiting the same node. */
  readonly previous: NodeState | null;
}

let sequence = 0;

/** The number that the next recorded node gets. Later operations have larger numbers, so the order is topological. */
export function nextSequence(): number {
  return sequence++;
}

/**
 * One recorded operation: where gradients go next, what the derivative reads, and the shapes that gradients must have.
 *
 * Invariant: `next[i]` is null exactly if input i wants no gradient.
 */
export abstract class Node {
  readonly sequence: number;
  readonly next: (Node | null)[];
  readonly nextIndex: number[];
  /** Shapes and dtypes of the inputs: gradients are summed and cast to them. */
  readonly inputShapes: (readonly number[])[];
  readonly inputTypes: DTypeInfo[];
  /** Shapes and dtypes of the outputs. */
  outputShapes: (readonly number[])[];
  outputTypes: DTypeInfo[];
  state: NodeState | null = null;
  preHooks: NodePreHook[] | null = null;
  postHooks: NodePostHook[] | null = null;
  /** Who looks at the gradients of the outputs, by output index. */
  watched: (Watch | undefined)[] | null = null;
  released = false;
  /** Its rules are ours: they keep no tensor that they do not return, so the engine may free the rest. */
  get trusted(): boolean {
    return true;
  }

  constructor(
    order: number,
    next: (Node | null)[],
    nextIndex: number[],
    inputShapes: (readonly number[])[],
    inputTypes: DTypeInfo[],
    outputShapes: (readonly number[])[],
    outputTypes: DTypeInfo[],
  ) {
    this.sequence = order;
    this.next = next;
    this.nextIndex = nextIndex;
    this.inputShapes = inputShapes;
    this.inputTypes = inputTypes;
    this.outputShapes = outputShapes;
    this.outputTypes = outputTypes;
    if (mode.tracing) rememberPlace(this);
  }

  /** Calls `hook` with the gradients of the outputs before the rule runs; what it returns replaces them. */
  registerPrehook(hook: NodePreHook): HookHandle {
    this.preHooks = [...(this.preHooks ?? []), hook];
    return { remove: () => void (this.preHooks = (this.preHooks ?? []).filter((h) => h !== hook)) };
  }

  /** Calls `hook` with the gradients of the inputs and of the outputs after the rule has run; what it returns replaces the former. */
  registerHook(hook: NodePostHook): HookHandle {
    this.postHooks = [...(this.postHooks ?? []), hook];
    return { remove: () => void (this.postHooks = (this.postHooks ?? []).filter((h) => h !== hook)) };
  }

  abstract get name(): string;
  /** Gradients of the inputs from those of the outputs; null where none is wanted or none arrives. */
  abstract run(grads: readonly (Tensor | null)[], keep: boolean): readonly (Tensor | null)[];
  /** The tensors that the node keeps alive for its backward pass. */
  savedTensors(): readonly Tensor[] {
    return [];
  }
  /** Drops what was saved. */
  release(): void {
    this.released = true;
  }
  /** The nodes that gradients flow to, as pairs of node and output index, as PyTorch's `next_functions`. */
  get nextFunctions(): readonly (readonly [Node | null, number])[] {
    return this.next.map((node, index) => [node, this.nextIndex[index] ?? 0] as const);
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

/** The sink of a leaf's gradient. Not `run` by the ordinary path: the engine accumulates into the leaf. */
export class AccumulateGrad extends Node {
  readonly variable: Tensor;
  constructor(variable: Tensor) {
    super(Number.MAX_SAFE_INTEGER, [], [], [], [], [variable.shape], [variable.type]);
    this.variable = variable;
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
  const made: Watch = { hooks: [], keeper: null };
  node.watched[index] = made;
  return made;
}

/** Gives a tensor another history. Hooks stay with the value that they were registered on; a retained gradient is that of the latest. */
export function setHistory(x: Tensor, node: Node | null, outputIndex: number): void {
  if (x.meta?.retainsGrad === true && node !== null && x.node !== null) {
    watchOf(x.node, x.outputIndex).keeper = null;
    watchOf(node, outputIndex).keeper = x;
  }
  x.node = node;
  x.outputIndex = outputIndex;
}

/** A recorded call of an operator with declared derivative rules. */
export class OperatorNode extends Node implements RuleContext<Tensor, unknown> {
  readonly operator: Operator<Tensor, unknown>;
  readonly params: unknown;
  /** Saved inputs by index, then saved outputs: sparse, null where nothing is read. */
  savedInputs: readonly (Tensor | null)[];
  savedOutputs: readonly (Tensor | null)[];
  readonly inputVersions: readonly number[];
  readonly outputVersions: readonly number[];

  constructor(
    operator: Operator<Tensor, unknown>,
    params: unknown,
    next: (Node | null)[],
    nextIndex: number[],
    inputShapes: (readonly number[])[],
    inputTypes: DTypeInfo[],
    outputShapes: (readonly number[])[],
    outputTypes: DTypeInfo[],
    savedInputs: readonly (Tensor | null)[],
    savedOutputs: readonly (Tensor | null)[],
  ) {
    super(nextSequence(), next, nextIndex, inputShapes, inputTypes, outputShapes, outputTypes);
    this.operator = operator;
    this.params = params;
    this.savedInputs = savedInputs;
    this.savedOutputs = savedOutputs;
    this.inputVersions = versionsOf(savedInputs);
    this.outputVersions = versionsOf(savedOutputs);
  }

  get name(): string {
    return this.operator.backwardName;
  }
  needs(index: number): boolean {
    return this.next[index] !== null && this.next[index] !== undefined;
  }
  override get trusted(): boolean {
    return this.operator.custom !== true;
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
    return this.unpack(this.savedInputs[index], this.inputVersions[index], 'input', index);
  }
  output(index: number): Tensor {
    return this.unpack(this.savedOutputs[index], this.outputVersions[index], 'output', index);
  }

  private unpack(saved: Tensor | null | undefined, version: number | undefined, role: 'input' | 'output', index: number): Tensor {
    if (saved === null || saved === undefined) {
      throw new AutogradError(
        this.released
          ? `${this.name}: what it saved was freed by an earlier backward(); pass { retainGraph: true } to the first call to go through the graph again`
          : `${this.name}: ${role} ${index} was not saved: the operator's definition does not declare that its derivative reads it`,
      );
    }
    if (saved.storage.version !== version)
      throw new AutogradError(staleSaveMessage(this.operator.name, this, saved, role, index, version ?? 0));
    return saved;
  }

  run(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const derivative = this.operator.derivative;
    switch (derivative.kind) {
      case 'linear': {
        const g = grads[0];
        if (g === null || g === undefined) return [];
        const result = derivative.transpose(g, this);
        return Array.isArray(result) ? (result as (Tensor | null)[]) : [result as Tensor];
      }
      case 'bilinear': {
        const g = grads[0];
        if (g === null || g === undefined) return [];
        return [
          this.needs(0) ? derivative.left(g, this.input(1), this) : null,
          this.needs(1) ? derivative.right(g, this.input(0), this) : null,
        ];
      }
      case 'rules':
        return derivative.vjp(grads, this);
      default:
        throw new AutogradError(`${this.name}: an operator of kind '${derivative.kind}' is not recorded by this node`);
    }
  }

  override savedTensors(): readonly Tensor[] {
    return [...this.savedInputs, ...this.savedOutputs].filter((x): x is Tensor => x !== null);
  }

  override release(): void {
    this.released = true;
    this.savedInputs = NOTHING;
    this.savedOutputs = NOTHING;
    this.operator.onRelease?.();
  }
}

const NOTHING: readonly null[] = [];

function versionsOf(saved: readonly (Tensor | null)[]): readonly number[] {
  return saved.length === 0 ? NO_VERSIONS : saved.map((tensor) => (tensor === null ? 0 : tensor.storage.version));
}
const NO_VERSIONS: readonly number[] = [];

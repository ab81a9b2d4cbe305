/**
 * Chains of elementwise derivatives in one pass. Where the gradient that one elementwise node gives is what one other such node takes, and nobody else sees
 * it, both derivatives are one expression; and what a node gives to several inputs is computed side by side. The expressions are those that the nodes
 * would have run one by one, so that results have the same bits, and they are delivered when they would have been.
 */
import type { DTypeInfo } from '../dtype/dtype.ts';
import { backend } from '../runtime/backend.ts';
import { allocate, beginTracking, endTracking } from '../runtime/storage.ts';
import { arg, type Expr, forEachNode, param } from '../scalar/core.ts';
import type { MapProgram } from '../scalar/program.ts';
import { programOf } from '../scalar/several.ts';
import { substitute } from '../scalar/substitute.ts';
import { contiguousStrides, sameShape } from '../shape/shape.ts';
import { claims, fit, hold, isOurs } from './accumulate.ts';
import { MapNode } from './map-node.ts';
import type { MapOperator } from './map-operator.ts';
import type { Node, NodeState } from './node.ts';
import { Tensor } from './tensor.ts';

/** From how many elements on memory is what counts. */
const LARGE = 16384;
/** Chains are compiled when they were seen so often: it takes as long as several passes. */
const OFTEN = 3;
/** How much goes into one pass: longer code has more intermediate values than registers. */
const MOST_NODES = 6;
const MOST_OPERANDS = 7;
const MOST_CALLS = 60;
/** How many chains are remembered. */
const MOST_CHAINS = 256;

/** One derivative to compute: of `operator`, from the value `cotangent` and operands of the pass. */
interface Step {
  readonly operator: MapOperator;
  readonly cotangent: number;
  readonly operands: readonly number[];
  readonly firstParam: number;
}

/** What a node of the chain gives to its inputs: numbers of values; -1 for nothing. */
interface Given {
  readonly node: MapNode;
  /** Where the engine keeps the results of nodes other than the first until they are due. */
  readonly state: NodeState | null;
  readonly values: readonly number[];
}

/** Numbers of values: 0 is the gradient that arrives, k is what step k - 1 computes. */
class Chain {
  readonly operands: Tensor[];
  readonly params: number[] = [];
  readonly steps: Step[] = [];
  readonly given: Given[] = [];
  /** Values that nodes outside of the chain get. */
  readonly outputs: number[] = [];
  readonly #type: DTypeInfo;
  readonly #shape: readonly number[];
  #nodes = 0;

  constructor(g: Tensor) {
    this.#type = g.type;
    this.#shape = g.shape;
    this.operands = [g];
  }

  /** Adds a node that gets `cotangent`, and those that follow it. */
  add(node: MapNode, cotangent: number, state: NodeState | null): void {
    this.#nodes++;
    const values: number[] = [];
    const { next, operator, params } = node;
    for (let i = 0; i < next.length; i++) {
      const target = next[i] as Node | null;
      if (target === null || !(target.state as NodeState).needed) {
        values.push(-1);
        continue;
      }
      const partial = operator.partial(i);
      let value = cotangent;
      if (partial.operator !== null) {
        // The gradient that arrives stands for the cotangent, of which the number is known.
        const operands = node.operands(this.operands[0] as Tensor, partial).map((x) => this.#operand(x));
        this.steps.push({ operator: partial.operator, cotangent, operands: operands.slice(1), firstParam: this.params.length });
        this.params.push(...params.values);
        value = this.steps.length;
      }
      if (this.#takes(node, i, target)) {
        values.push(-1);
        this.add(target as MapNode, value, target.state as NodeState);
      } else {
        values.push(value);
        if (value !== 0 && !this.outputs.includes(value)) this.outputs.push(value);
      }
    }
    this.given.push({ node, state, values });
  }

  #operand(x: Tensor): number {
    const known = this.operands.indexOf(x);
    return known >= 0 ? known : this.operands.push(x) - 1;
  }

  /** Whether `target` takes what `node` gives to input `index` alone, with nobody looking, and as it is. */
  #takes(node: MapNode, index: number, target: Node): boolean {
    if (this.#nodes >= MOST_NODES || !(target instanceof MapNode)) return false;
    const { dependencies, captures, grads } = target.state as NodeState;
    return (
      dependencies === 1 &&
      captures === null &&
      grads[0] === null &&
      isUnseen(target) &&
      isPlain(target, this.#type, this.#shape) &&
      sameShape(node.inputShapes[index] as readonly number[], this.#shape) &&
      this.operands.length + this.outputs.length + target.operator.arity <= MOST_OPERANDS
    );
  }

  /** What a program for it depends on. */
  get key(): string {
    const steps = this.steps.map(({ operator, cotangent, operands }) => `${operator.serial} ${cotangent} ${operands.join(' ')}`);
    return `${steps.join()};${this.outputs.join()}`;
  }

  /** The program; null where it would be too long. */
  program(): MapProgram | null {
    const values: Expr[] = [arg(0)];
    for (const { operator, cotangent, operands, firstParam } of this.steps) {
      const args = [values[cotangent] as Expr, ...operands.map(arg)];
      const params = Array.from({ length: operator.paramCount }, (_, k) => param(firstParam + k));
      values.push(substitute(operator.expr, args, undefined, params));
    }
    const results = this.outputs.map((value) => values[value] as Expr);
    let calls = 0;
    forEachNode(results, ({ op }) => {
      if (typeof op !== 'string') calls++;
    });
    return calls > MOST_CALLS ? null : programOf(results, this.operands.length, this.params.length);
  }
}

/** Nobody hears of what a node takes. */
function isUnseen(node: Node): boolean {
  return node.watched === null && node.preHooks === null && node.postHooks === null && node.packs === null;
}

/** Whether a node computes gradients of a shape and dtype, in which they are stored as they were computed. */
function isPlain(node: MapNode, type: DTypeInfo, shape: readonly number[]): boolean {
  return node.params.compute === type && node.outputTypes[0] === type && sameShape(node.outputShapes[0] as readonly number[], shape);
}

/** Whether another node may follow, or there is work to share: where the derivatives of a single node are a product each, one pass takes as long as two. */
function mayGain({ next, operator }: MapNode): boolean {
  for (let i = 0; i < next.length; i++) {
    const target = next[i] as Node | null;
    if (target === null) continue;
    if (target instanceof MapNode) return true;
    if (next.length > 1 && operator.partial(i).operator?.expr.args.some(({ args }) => args.length > 0) === true) return true;
  }
  return false;
}

/** How often each chain was seen, then its program. */
const chains = new Map<string, number | MapProgram | null>();

function programFor(chain: Chain): MapProgram | null {
  const { key } = chain;
  const known = chains.get(key) ?? 0;
  if (typeof known !== 'number') return known;
  if (known === 0 && chains.size >= MOST_CHAINS) chains.clear();
  const found = known < OFTEN ? known + 1 : chain.program();
  chains.set(key, found);
  return typeof found === 'number' ? null : found;
}

/**
 * The gradients of a node's inputs, held, together with those of the nodes that follow it, which are left in their states. Null where the node runs better
 * by itself. For walks that record nothing.
 */
export function fuseGradients(node: MapNode, g: Tensor | null): readonly (Tensor | null)[] | null {
  if (g === null || g.size < LARGE || g.type.itemsize < 4 || !g.type.isFloat || node.postHooks !== null) return null;
  if (!isPlain(node, g.type, g.shape) || !mayGain(node)) return null;
  const chain = new Chain(g);
  chain.add(node, 0, null);
  if (chain.steps.length < 2 || chain.outputs.length === 0) return null;
  const program = programFor(chain);
  return program === null ? null : run(chain, program, g);
}

function run(chain: Chain, program: MapProgram, g: Tensor): readonly (Tensor | null)[] {
  const kept: (Tensor | null)[] = [];
  let own: readonly (Tensor | null)[] = [];
  const mark = beginTracking();
  try {
    // Everything is computed before anything is written: the first output may lie where a gradient does that nobody else holds.
    const inPlace = isOurs(g) && g.rowMajor && !chain.given.some(({ values }) => values.includes(0));
    const made = chain.outputs.map((_, k) => (inPlace && k === 0 ? g : likeGradient(g)));
    backend().map(program, made[0] as Tensor, [...made.slice(1), ...chain.operands], chain.params, g.type);
    const tensorOf = (value: number): Tensor | null => (value > 0 ? (made[chain.outputs.indexOf(value)] as Tensor) : value < 0 ? null : g);
    for (const { node, state, values } of chain.given) {
      const results = fit(node, values.map(tensorOf));
      kept.push(...results);
      if (state === null) own = results;
      else state.prepared = results;
    }
  } finally {
    endTracking(mark, (storage) => claims(kept, storage));
  }
  for (const x of kept) if (x !== null) hold(x);
  return own;
}

function likeGradient({ size, type, shape }: Tensor): Tensor {
  return new Tensor(allocate(size * type.itemsize), 0, shape, contiguousStrides(shape), type, size, true);
}

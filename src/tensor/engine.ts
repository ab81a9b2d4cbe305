import { beginTracking, creation, endTracking, trackerCount } from '../runtime/storage.ts';
import { addGradients, claims, drop, fit, hold } from './accumulate.ts';
import type { GradientEdge } from './edges.ts';
import { nulls } from './exact.ts';
import { fuseGradients } from './fuse-gradients.ts';
import { MapNode } from './map-node.ts';
import { mode } from './modes.ts';
import { AccumulateGrad, type Node, type NodeState } from './node.ts';
import { NodeHeap } from './node-heap.ts';
import { accumulateAt, runPostHooks, runPreHooks, runTensorHooks } from './run-hooks.ts';
import type { Tensor } from './tensor.ts';

export interface TaskOptions {
  /** Keep what the nodes saved, so that the graph can be used again. */
  readonly keepGraph: boolean;
  /** Record the gradient computation itself. */
  readonly createGraph: boolean;
  /** Accumulate into the targets that are leaves, instead of returning their gradients. */
  readonly accumulate?: boolean;
}

let taskCounter = 0;

/** One walk over the graph. Nested walks (hooks, composites) are tasks of their own: their state stacks up on the nodes. */
export class Task {
  readonly id = ++taskCounter;
  readonly options: TaskOptions;
  readonly roots: readonly GradientEdge[];
  readonly seeds: readonly Tensor[];
  /** Where gradients are wanted; null: in all leaves, where they are accumulated. */
  readonly targets: readonly GradientEdge[] | null;
  readonly results: (Tensor | null)[] = [];
  readonly ready = new NodeHeap();
  readonly visited: Node[] = [];
  /** Nested walks that were put off until the node that asked for them is done. */
  waiting: Task[] | null = null;
  /** What is called when all nodes have run. */
  callbacks: (() => void)[] | null = null;
  readonly #interpreters = mode.interpreters;
  readonly #observer = mode.observer;
  readonly #trackers = trackerCount();

  constructor(options: TaskOptions, roots: readonly GradientEdge[], seeds: readonly Tensor[], targets: readonly GradientEdge[] | null) {
    this.options = options;
    this.roots = roots;
    this.seeds = seeds;
    this.targets = targets;
  }

  /** Whether this walk, whose results nobody waits for, may run when the node of `outer` that asks for it has returned: all modes are the same. */
  mayWaitFor(outer: Task): boolean {
    return (
      !this.options.createGraph &&
      this.#interpreters === outer.#interpreters &&
      this.#observer === outer.#observer &&
      this.#trackers === outer.#trackers
    );
  }

  /** Finds out which nodes run, and puts the gradients of the roots where they start from. Gradients that the caller holds stay his. */
  begin(): void {
    if (this.targets === null) this.#discover();
    else this.#discoverNeeded(this.targets);
    const { roots, seeds } = this;
    for (let k = 0; k < roots.length; k++) {
      const { node, outputNr } = roots[k] as GradientEdge;
      const g = seeds[k] as Tensor;
      const { grads } = this.stateOf(node);
      const there = grads[outputNr] ?? null;
      hold(g);
      grads[outputNr] = there === null ? g : addGradients(there, g);
    }
    for (let k = 0; k < roots.length; k++) {
      const { node } = roots[k] as GradientEdge;
      const state = this.stateOf(node);
      const isFirst = k === 0 || roots.findIndex((root) => root.node === node) === k;
      if (isFirst && state.dependencies === 0 && state.needed) this.ready.push(node);
    }
  }

  stateOf(node: Node): NodeState {
    const state = node.state;
    if (state !== null && state.task === this.id) return state;
    const grads = nulls<Tensor>(node.outputShapes.length);
    const made: NodeState = { task: this.id, dependencies: 0, needed: true, captures: null, grads, prepared: null, previous: state };
    node.state = made;
    this.visited.push(node);
    return made;
  }

  /** Visits all nodes that the roots reach and counts the edges into each. */
  #discover(): void {
    const stack: Node[] = [];
    for (const { node } of this.roots) {
      if (node.state === null || node.state.task !== this.id) {
        this.stateOf(node);
        stack.push(node);
      }
    }
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      const next = node.next;
      for (let i = 0; i < next.length; i++) {
        const target = next[i] as Node | null;
        if (target === null) continue;
        const state = target.state;
        if (state === null || state.task !== this.id) {
          this.stateOf(target).dependencies = 1;
          stack.push(target);
        } else state.dependencies++;
      }
    }
  }

  /** The same, and marks the nodes that lead to a target: depth first, so that a node is left when all that it leads to is known. */
  #discoverNeeded(targets: readonly GradientEdge[]): void {
    targets.forEach(({ node, outputNr }, index) => {
      const state = this.stateOf(node);
      state.dependencies = UNSEEN;
      if (this.options.accumulate === true && node instanceof AccumulateGrad) return;
      const place: [number, number] = [outputNr, index];
      if (state.captures === null) state.captures = [place];
      else state.captures.push(place);
    });
    const path: Node[] = [];
    const positions: number[] = [];
    const enter = (node: Node, dependencies: number): void => {
      const known = node.state;
      const isTarget = known !== null && known.task === this.id;
      const state = isTarget ? known : this.stateOf(node);
      state.dependencies = dependencies;
      state.needed = isTarget;
      path.push(node);
      positions.push(0);
    };
    for (const { node: root } of this.roots) {
      if (isUnseen(root.state, this.id)) enter(root, 0);
      while (path.length > 0) {
        const top = path.length - 1;
        const node = path[top] as Node;
        const i = positions[top] as number;
        positions[top] = i + 1;
        if (i < node.next.length) {
          const target = node.next[i] as Node | null;
          if (target === null) continue;
          if (isUnseen(target.state, this.id)) enter(target, 1);
          else (target.state as NodeState).dependencies++;
        } else {
          const state = node.state as NodeState;
          state.needed ||= leadsOn(node);
          path.pop();
          positions.pop();
        }
      }
    }
  }

  visit(node: Node): void {
    const state = node.state as NodeState;
    const { grads, prepared } = state;
    if (prepared !== null) {
      this.#deliver(node, this.#consumed(node, [], prepared));
      return;
    }
    if (node.watched !== null) runTensorHooks(node, grads);
    if (state.captures !== null) {
      this.#capture(state, grads);
      if (!leadsOn(node)) return;
    }
    // A leaf that nothing is captured at, but whose gradient is wanted, accumulates it.
    if (node instanceof AccumulateGrad) {
      const g = grads[0] as Tensor | null;
      if (g !== null) accumulateAt(node, g, this.options.createGraph);
      return;
    }
    this.#deliver(node, grads.some((g) => g !== null) ? this.#differentiate(node, grads) : []);
  }

  #capture(state: NodeState, grads: readonly (Tensor | null)[]): void {
    for (const [output, index] of state.captures as [number, number][]) {
      const g = grads[output] ?? null;
      if (g !== null) hold(g);
      this.results[index] = g;
    }
  }

  /** Runs a node's rule, frees what it allocated on the way and the gradients it consumed. */
  #differentiate(node: Node, grads: (Tensor | null)[]): readonly (Tensor | null)[] {
    const hooked = node.preHooks === null ? grads : runPreHooks(node, grads);
    const free = node.trusted && !this.options.createGraph && mode.interpreters === 0;
    const fused = free && mode.observer === null && node instanceof MapNode ? fuseGradients(node, hooked[0] ?? null) : null;
    if (fused !== null) return this.#consumed(node, grads, fused);
    const mark = free ? beginTracking() : 0;
    let results: (Tensor | null)[] = [];
    try {
      results = fit(
        node,
        mode.observer === null ? node.run(hooked, this.options.keepGraph) : mode.observer.visit(node, hooked, this.options.keepGraph),
      );
    } finally {
      if (free) endTracking(mark, (storage) => claims(results, storage));
      else if (node.packs !== null) node.packs.close();
    }
    if (node.postHooks !== null) results = runPostHooks(node, results, hooked);
    for (const g of results) if (g !== null) hold(g);
    return this.#consumed(node, grads, results);
  }

  #consumed(node: Node, grads: readonly (Tensor | null)[], results: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    for (const g of grads) if (g !== null) drop(g);
    if (!this.options.keepGraph) node.release();
    return results;
  }

  #deliver(node: Node, results: readonly (Tensor | null)[]): void {
    const next = node.next;
    for (let i = 0; i < next.length; i++) {
      const target = next[i] as Node | null;
      if (target === null) continue;
      const state = target.state as NodeState;
      const g = results[i] ?? null;
      if (!state.needed) {
        if (g !== null) drop(g);
        continue;
      }
      if (g !== null) {
        const slot = node.nextIndex[i] as number;
        const before = state.grads[slot] ?? null;
        state.grads[slot] = before === null ? g : addGradients(before, g);
      }
      state.dependencies--;
      if (state.dependencies === 0) this.ready.push(target);
    }
  }

  /** Leaves the nodes as they were for an outer task. */
  finish(): void {
    for (const node of this.visited) node.state = (node.state as NodeState).previous;
  }
}

/** Stands for the number of dependencies of a target that the walk has not come to. */
const UNSEEN = -1;

function isUnseen(state: NodeState | null, task: number): boolean {
  return state === null || state.task !== task || state.dependencies === UNSEEN;
}

/** Whether a gradient is wanted behind `node`, of which all that follows is known to the walk. */
function leadsOn(node: Node): boolean {
  for (const target of node.next) if (target !== null && (target.state as NodeState).needed) return true;
  return false;
}

let running: Task | null = null;
/** The walk around all walks that run now. */
let outermost: Task | null = null;
let nesting = 0;

/** How many walks run inside each other on the stack. What a deeper one can put off waits for the loop of the one around it. */
const DEEPEST = 100;

/** The walk that runs now, or null outside of one. */
export function runningTask(): Task | null {
  return running;
}

/** The walk that the user started, around those that composites and hooks start inside it; null outside of one. */
export function outermostTask(): Task | null {
  return outermost;
}

/** Runs the walks that were put off, since somebody is about to look at what they give. */
export function settle(): void {
  if (running === null || running.waiting === null) return;
  for (let task = running.waiting.shift(); task !== undefined; task = running.waiting.shift()) drive(task);
}

/** Runs a walk, and those that it puts off while it runs: the innermost first, without going deeper on the stack. */
function drive(first: Task): void {
  const outer = running;
  const before = mode.grad;
  // In inference mode nothing is recorded, unless a transform does.
  const mayRecord = before || creation.version >= 0;
  const open: Task[] = [];
  const enter = (task: Task): Task => {
    open.push(task);
    running = task;
    mode.grad = task.options.createGraph && mayRecord;
    task.begin();
    return task;
  };
  if (nesting === 0) outermost = first;
  nesting++;
  try {
    for (let task = enter(first); ; ) {
      const inner = task.waiting?.shift();
      if (inner !== undefined) {
        task = enter(inner);
        continue;
      }
      const node = task.ready.pop();
      if (node !== null) task.visit(node);
      else if (task.callbacks !== null && task.callbacks.length > 0) (task.callbacks.shift() as () => void)();
      else {
        (open.pop() as Task).finish();
        const rest = open[open.length - 1];
        if (rest === undefined) break;
        task = rest;
        running = rest;
        mode.grad = rest.options.createGraph && mayRecord;
      }
    }
  } finally {
    nesting--;
    if (nesting === 0) outermost = null;
    running = outer;
    mode.grad = before;
    for (const task of open) task.finish();
  }
}

/** Gradients of `roots`, weighted by `seeds`, with respect to `targets`; null where none arrives. Leaves keep their `grad`. */
export function gradients(
  roots: readonly GradientEdge[],
  seeds: readonly Tensor[],
  targets: readonly GradientEdge[],
  options: TaskOptions,
): (Tensor | null)[] {
  settle();
  const task = new Task(options, roots, seeds, targets);
  drive(task);
  return targets.map((_, index) => task.results[index] ?? null);
}

/** Accumulates gradients of `roots`, weighted by `seeds`, into all leaves. */
export function accumulate(roots: readonly GradientEdge[], seeds: readonly Tensor[], options: TaskOptions): void {
  const task = new Task(options, roots, seeds, null);
  const outer = running as Task;
  if (nesting >= DEEPEST && task.mayWaitFor(outer)) {
    outer.waiting ??= [];
    outer.waiting.push(task);
    return;
  }
  settle();
  drive(task);
}

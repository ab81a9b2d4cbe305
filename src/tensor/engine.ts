import { beginTracking, endTracking, release, type Storage } from '../runtime/storage.ts';
import { formatShape } from '../shape/shape.ts';
import { AutogradError } from '../util/errors.ts';
import { accumulateIntoLeaf, addGradients, fitGradient, giveAway } from './accumulate.ts';
import { describeValue } from './messages.ts';
import { metaOf } from './meta.ts';
import { mode } from './modes.ts';
import { AccumulateGrad, gradientNode, type Node, type NodeState, type Watch } from './node.ts';
import { NodeHeap } from './node-heap.ts';
import type { Tensor } from './tensor.ts';

export interface TaskOptions {
  /** Keep what the nodes saved, so that the graph can be used again. */
  readonly keepGraph: boolean;
  /** Record the gradient computation itself. */
  readonly createGraph: boolean;
}

let taskCounter = 0;

/** One walk over the graph. Nested walks (hooks, composites) are tasks of their own: their state stacks up on the nodes. */
class Task {
  readonly id = ++taskCounter;
  readonly options: TaskOptions;
  /** Where gradients are captured instead of accumulated; null: accumulate into all leaves. */
  readonly targets: readonly Tensor[] | null;
  readonly results: (Tensor | null)[] = [];
  readonly ready = new NodeHeap();
  readonly visited: Node[] = [];

  constructor(options: TaskOptions, targets: readonly Tensor[] | null) {
    this.options = options;
    this.targets = targets;
  }

  stateOf(node: Node): NodeState {
    const state = node.state;
    if (state !== null && state.task === this.id) return state;
    const grads: (Tensor | null)[] = [];
    for (let i = node.outputShapes.length; i > 0; i--) grads.push(null);
    const made: NodeState = { task: this.id, dependencies: 0, needed: true, captures: null, grads, previous: state };
    node.state = made;
    this.visited.push(node);
    return made;
  }

  /** Visits all nodes that the roots reach and counts the edges into each. */
  discover(roots: readonly Node[]): void {
    const stack: Node[] = [];
    for (const root of roots) {
      if (root.state === null || root.state.task !== this.id) {
        this.stateOf(root);
        stack.push(root);
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

  /** Marks the nodes that lead to a target; a node's inputs have smaller numbers, so one pass in that order suffices. */
  markNeeded(targets: readonly Tensor[]): void {
    for (const node of this.visited) (node.state as NodeState).needed = false;
    targets.forEach((target, index) => {
      const node = gradientNode(target);
      if (node === null || node.state === null || node.state.task !== this.id) return;
      node.state.needed = true;
      node.state.captures ??= [];
      node.state.captures.push([target.outputIndex, index]);
    });
    const inOrder = this.visited.filter((node) => node.next.length > 0).sort((a, b) => a.sequence - b.sequence);
    for (const node of inOrder) {
      const state = node.state as NodeState;
      state.needed ||= node.next.some((target) => target?.state?.needed === true && target.state.task === this.id);
    }
  }

  run(): void {
    for (let node = this.ready.pop(); node !== null; node = this.ready.pop()) this.visit(node);
  }

  private visit(node: Node): void {
    const state = node.state as NodeState;
    const grads = state.grads;
    if (node.watched !== null) runTensorHooks(node, grads);
    if (state.captures !== null) this.capture(state, grads);
    if (node instanceof AccumulateGrad) {
      const g = grads[0] as Tensor | null;
      if (this.targets === null && g !== null) accumulateIntoLeaf(node.variable, g, this.options.createGraph);
      return;
    }
    if (this.targets !== null && !leadsOn(node, this.id)) return;
    this.deliver(node, grads.some((g) => g !== null) ? this.differentiate(node, grads) : []);
  }

  private capture(state: NodeState, grads: readonly (Tensor | null)[]): void {
    for (const [output, index] of state.captures as [number, number][]) {
      const g = grads[output] ?? null;
      if (g !== null && g.storage.holders >= 0) g.storage.holders++;
      this.results[index] = g;
    }
  }

  /** Runs a node's rule, frees what it allocated on the way and the gradients it consumed. */
  private differentiate(node: Node, grads: (Tensor | null)[]): readonly (Tensor | null)[] {
    const hooked = node.preHooks === null ? grads : runPreHooks(node, grads);
    const free = node.trusted && !this.options.createGraph && mode.interpreters === 0;
    const mark = free ? beginTracking() : 0;
    let results: (Tensor | null)[] = [];
    try {
      results = fit(
        node,
        mode.observer === null ? node.run(hooked, this.options.keepGraph) : mode.observer.visit(node, hooked, this.options.keepGraph),
      );
    } finally {
      if (free) endTracking(mark, (storage) => claims(results, storage));
    }
    if (mode.inspect !== null) mode.inspect(node, results);
    if (node.postHooks !== null) results = runPostHooks(node, results, hooked);
    for (const g of results) if (g !== null && g.storage.holders >= 0) g.storage.holders++;
    for (let i = 0; i < grads.length; i++) {
      const g = grads[i];
      if (g !== null && g !== undefined) dropHold(g.storage);
    }
    if (!this.options.keepGraph) node.release();
    return results;
  }

  private deliver(node: Node, results: readonly (Tensor | null)[]): void {
    const next = node.next;
    for (let i = 0; i < next.length; i++) {
      const target = next[i] as Node | null;
      if (target === null) continue;
      const state = target.state as NodeState;
      const g = results[i] ?? null;
      if (!state.needed) {
        if (g !== null) dropHold(g.storage);
        continue;
      }
      if (g !== null) {
        const slot = node.nextIndex[i] as number;
        const before = state.grads[slot] ?? null;
        state.grads[slot] = before === null ? g : addGradients(before, g);
      }
      if (--state.dependencies === 0) this.ready.push(target);
    }
  }

  /** Leaves the nodes as they were for an outer task. */
  finish(): void {
    for (const node of this.visited) {
      if (node.state !== null && node.state.task === this.id) node.state = node.state.previous;
    }
  }
}

function leadsOn(node: Node, task: number): boolean {
  for (const target of node.next)
    if (target !== null && target.state !== null && target.state.task === task && target.state.needed) return true;
  return false;
}

/** Keeps what is returned: the engine counts its holds from here on. */
function claims(results: readonly (Tensor | null)[], storage: Storage): boolean {
  for (const g of results) {
    if (g !== null && g.storage === storage) {
      storage.holders = 0;
      return true;
    }
  }
  return false;
}

export function dropHold(storage: Storage): void {
  if (storage.holders > 0 && --storage.holders === 0) release(storage);
}

/** Sums and casts each gradient to the shape and dtype of its input. */
function fit(node: Node, grads: readonly (Tensor | null)[]): (Tensor | null)[] {
  const results: (Tensor | null)[] = [];
  for (let i = 0; i < node.next.length; i++) {
    const g = grads[i];
    if (g === null || g === undefined || node.next[i] === null) results.push(null);
    else results.push(fitGradient(g, node, i));
  }
  return results;
}

function runTensorHooks(node: Node, grads: (Tensor | null)[]): void {
  (node.watched as (Watch | undefined)[]).forEach((watch, index) => {
    const g = grads[index];
    if (watch === undefined || g === null || g === undefined) return;
    let current = g;
    for (const hook of watch.hooks) {
      giveAway(current);
      current = checkHook(hook(current) ?? null, current, node.name) ?? current;
    }
    if (watch.keeper !== null) {
      const meta = metaOf(watch.keeper);
      giveAway(current);
      meta.grad = meta.grad === null ? current : addGradients(meta.grad, current);
    }
    if (current !== g) giveAway(current);
    grads[index] = current;
  });
}

function checkHook(returned: unknown, before: Tensor, name: string): Tensor | null {
  if (returned === null || returned === undefined) return null;
  const g = returned as Tensor;
  if (!Array.isArray(g.shape)) {
    throw new AutogradError(
      `a hook on the gradient at ${name} returned ${describeValue(returned)}: return a tensor, or nothing to keep the gradient`,
    );
  }
  if (formatShape(g.shape) !== formatShape(before.shape)) {
    throw new AutogradError(
      `a hook on the gradient at ${name} returned shape ${formatShape(g.shape)} for a gradient of shape ${formatShape(before.shape)}: keep the shape`,
    );
  }
  return g;
}

function runPreHooks(node: Node, grads: (Tensor | null)[]): (Tensor | null)[] {
  let current: readonly (Tensor | null)[] = grads;
  for (const hook of node.preHooks ?? []) {
    for (const g of current) if (g !== null) giveAway(g);
    current = hook(current) ?? current;
  }
  for (const g of current) if (g !== null) giveAway(g);
  return [...current];
}

function runPostHooks(node: Node, results: (Tensor | null)[], grads: readonly (Tensor | null)[]): (Tensor | null)[] {
  let current: readonly (Tensor | null)[] = results;
  for (const hook of node.postHooks ?? []) {
    for (const g of current) if (g !== null) giveAway(g);
    for (const g of grads) if (g !== null) giveAway(g);
    current = hook(current, grads) ?? current;
  }
  for (const g of current) if (g !== null) giveAway(g);
  return [...current];
}

/** Seeds a task with gradients of `roots` and runs it. Gradients that the caller holds stay his. */
function execute(task: Task, roots: readonly Tensor[], grads: readonly (Tensor | null)[]): void {
  const nodes = roots.map((root) => gradientNode(root) as Node);
  const before = mode.grad;
  mode.grad = task.options.createGraph;
  try {
    task.discover(nodes);
    if (task.targets !== null) task.markNeeded(task.targets);
    for (const [k, node] of nodes.entries()) {
      const g = grads[k] ?? null;
      if (g === null) continue;
      const state = task.stateOf(node);
      const slot = (roots[k] as Tensor).outputIndex;
      const there = state.grads[slot] ?? null;
      if (g.storage.holders >= 0) g.storage.holders++;
      state.grads[slot] = there === null ? g : addGradients(there, g);
    }
    for (const node of new Set(nodes)) {
      const state = task.stateOf(node);
      if (state.dependencies === 0 && state.needed) task.ready.push(node);
    }
    task.run();
  } finally {
    mode.grad = before;
    task.finish();
  }
}

/** Gradients of `roots`, weighted by `grads`, with respect to `targets`; null where none arrives. Leaves keep their `grad`. */
export function gradients(
  roots: readonly Tensor[],
  grads: readonly (Tensor | null)[],
  targets: readonly Tensor[],
  options: TaskOptions & { readonly allowUnused?: boolean },
): (Tensor | null)[] {
  const task = new Task(options, targets);
  execute(task, roots, grads);
  return targets.map((_, index) => task.results[index] ?? null);
}

/** Accumulates gradients of `roots` into all leaves. */
export function accumulate(roots: readonly Tensor[], grads: readonly (Tensor | null)[], options: TaskOptions): void {
  execute(new Task(options, null), roots, grads);
}

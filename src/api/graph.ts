import { edgeOf, GradientEdge } from '../tensor/edges.ts';
import { runningTask, type Task } from '../tensor/engine.ts';
import { describeTensor, describeValue } from '../tensor/messages.ts';
import { AccumulateGrad, Node } from '../tensor/node.ts';
import { NodeHeap } from '../tensor/node-heap.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, AutogradError } from '../util/errors.ts';

/** What `torch.autograd.graph` offers, and what its engine tells while it runs. */

export { allowMutationOnSavedTensors, type MutationContext } from '../tensor/allow-mutation.ts';
export { type MultiGradHookOptions, registerMultiGradHook } from '../tensor/multi-hooks.ts';
export { saveOnHost } from '../tensor/save-on-host.ts';
export { disableSavedTensorsHooks, savedTensorsHooks } from '../tensor/saved-hooks.ts';
export { type SavedTensor, savedValues } from '../tensor/saved-values.ts';
export { incrementVersion, unsafePreserveVersionCounter, unsafeSetVersionCounter } from '../tensor/versions.ts';
export { AccumulateGrad, GradientEdge, Node };

/**
 * Where gradients of a tensor arrive: the operation that made it and which of its outputs it is, or the sink of a leaf. `backward` and `grad` take
 * the edge in place of the tensor. It stays the edge of the value that the tensor has now, also where the tensor is changed in place later.
 * Throws AutogradError for a tensor that does not require a gradient.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * autograd.graph.getGradientEdge(x.mul(2)).node.name; // 'MulBackward'
 */
export function getGradientEdge(tensor: Tensor): GradientEdge {
  if (!isTensor(tensor)) throw new ArgumentError(`getGradientEdge: expected a tensor, got ${describeValue(tensor)}`);
  const edge = edgeOf(tensor);
  if (edge !== null) return edge;
  throw new AutogradError(`getGradientEdge: ${describeTensor(tensor)} does not require a gradient, so no gradient ever arrives at it`);
}

function requireRunning(name: string): Task {
  const task = runningTask();
  if (task !== null) return task;
  throw new AutogradError(`${name}: no backward pass is running: call it from a hook or from the backward of a custom function`);
}

/**
 * Calls `callback` when the backward pass that is running has visited all its nodes, after what was queued before. A pass within a pass has callbacks
 * of its own. Throws AutogradError outside of a backward pass.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * const seen: string[] = [];
 * x.registerHook(() => {
 *   autograd.graph.queueCallback(() => seen.push('all done'));
 *   seen.push('hook');
 * });
 * x.sum().backward();
 * seen; // ['hook', 'all done']
 */
export function queueCallback(callback: () => void): void {
  if (typeof callback !== 'function') throw new ArgumentError(`queueCallback: expected a function, got ${describeValue(callback)}`);
  const task = requireRunning('queueCallback');
  task.callbacks ??= [];
  task.callbacks.push(callback);
}

/**
 * The number of the backward pass that is running; each has a larger one than those before. -1 outside.
 *
 * @example
 * autograd.graph.currentGraphTaskId(); // -1
 */
export function currentGraphTaskId(): number {
  return runningTask()?.id ?? -1;
}

/**
 * Whether the backward pass that is running keeps what the graph saved (`retainGraph`). Throws AutogradError outside of one.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * let kept = false;
 * x.registerHook(() => void (kept = autograd.graph.currentGraphTaskKeepsGraph()));
 * x.sum().backward(null, { retainGraph: true });
 * kept; // true
 */
export function currentGraphTaskKeepsGraph(): boolean {
  return requireRunning('currentGraphTaskKeepsGraph').options.keepGraph;
}

/**
 * The nodes of the backward pass that is running, in the order in which it visits them. Throws AutogradError outside of one.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * const y = x.exp().sum();
 * let order: string[] = [];
 * y.registerHook(() => void (order = autograd.graph.currentGraphTaskExecutionOrder().map((node) => node.name)));
 * y.backward();
 * order; // ['SumBackward', 'ExpBackward', 'AccumulateGrad']
 */
export function currentGraphTaskExecutionOrder(): Node[] {
  const task = requireRunning('currentGraphTaskExecutionOrder');
  const roots = new Set(task.roots.map((root) => root.node).filter((node) => willRun(task, node)));
  const dependencies = countDependencies(task, roots);
  const ready = new NodeHeap();
  for (const root of roots) if (dependencies.get(root) === 0) ready.push(root);
  const order: Node[] = [];
  for (let node = ready.pop(); node !== null; node = ready.pop()) {
    order.push(node);
    for (const next of node.next) {
      if (next === null || !willRun(task, next)) continue;
      const left = (dependencies.get(next) as number) - 1;
      dependencies.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  return order;
}

/** Whether the pass visits a node: it does not where no wanted gradient lies behind. */
function willRun(task: Task, node: Node): boolean {
  let state = node.state;
  while (state !== null && state.task !== task.id) state = state.previous;
  return state?.needed === true;
}

function countDependencies(task: Task, roots: ReadonlySet<Node>): Map<Node, number> {
  const counts = new Map<Node, number>();
  for (const root of roots) counts.set(root, 0);
  const stack = [...roots];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    for (const next of node.next) {
      if (next === null || !willRun(task, next)) continue;
      const known = counts.get(next);
      if (known === undefined) stack.push(next);
      counts.set(next, (known ?? 0) + 1);
    }
  }
  return counts;
}

/**
 * Whether the backward pass that is running visits a node, or has visited it. Throws AutogradError outside of one.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * const other = x.exp();
 * let visited = true;
 * x.registerHook(() => void (visited = autograd.graph.willEngineExecuteNode(other.gradFn)));
 * x.sum().backward();
 * visited; // false
 */
export function willEngineExecuteNode(node: Node): boolean {
  if (!(node instanceof Node)) throw new ArgumentError(`willEngineExecuteNode: expected a node, got ${describeValue(node)}`);
  return willRun(requireRunning('willEngineExecuteNode'), node);
}

import { ArgumentError, AutogradError } from '../util/errors.ts';
import { runningTask, type Task } from './engine.ts';
import { describeTensor, describeValue } from './messages.ts';
import type { HookHandle } from './meta.ts';
import { gradientNode, type Node, type Watch, watchOf } from './node.ts';
import { isTensor, type Tensor } from './tensor.ts';
import { isTracked } from './views.ts';

/** When a hook over several gradients is called. */
export interface MultiGradHookOptions {
  /** When the hook runs: once all gradients of a backward pass are there (the default), or at the first. */
  readonly mode?: 'all' | 'any';
}

/** One place where a gradient is waited for. */
interface Place {
  readonly node: Node;
  readonly watch: Watch;
}

/**
 * Calls `fn` once in each backward pass that reaches any of `tensors`: in mode 'all' (the default) with the list of their gradients, when the last of those
 * that this pass computes is there, null for tensors that it does not reach; in mode 'any' with the first gradient. The gradients are as the hooks that were registered before
 * left them; `fn` cannot replace them. Passes inside of passes are counted for themselves. Returns a handle that takes the hook away.
 * Throws AutogradError for a tensor that does not require a gradient.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * const y = ones([2], { requiresGrad: true });
 * let seen = 0;
 * autograd.graph.registerMultiGradHook([x, y], (grads) => (seen = grads.length));
 * x.mul(y).sum().backward();
 * seen; // 2
 */
export function registerMultiGradHook(
  tensors: readonly Tensor[],
  fn: (grad: Tensor) => void,
  options: { readonly mode: 'any' },
): HookHandle;
export function registerMultiGradHook(
  tensors: readonly Tensor[],
  fn: (grads: (Tensor | null)[]) => void,
  options?: MultiGradHookOptions,
): HookHandle;
export function registerMultiGradHook(
  tensors: readonly Tensor[],
  fn: (grads: never) => void,
  options: MultiGradHookOptions = {},
): HookHandle {
  const when = options.mode ?? 'all';
  if (when !== 'all' && when !== 'any')
    throw new ArgumentError(`registerMultiGradHook: mode must be 'all' or 'any', got ${describeValue(options.mode)}`);
  if (typeof fn !== 'function') throw new ArgumentError(`registerMultiGradHook: the hook must be a function, got ${describeValue(fn)}`);
  const places = tensors.map(placeOf);
  const observer =
    when === 'all' ? whenAllAreThere(places, fn as (grads: (Tensor | null)[]) => void) : atFirst(fn as (grad: Tensor) => void);
  const handles = places.map(({ watch }, index) => watch.hooks.add((g) => observer(index, g), true));
  const remove = (): void => {
    for (const handle of handles) handle.remove();
  };
  return { remove, [Symbol.dispose]: remove };
}

function placeOf(x: Tensor): Place {
  if (!isTensor(x)) throw new ArgumentError(`registerMultiGradHook: expected tensors, got ${describeValue(x)}`);
  if (!isTracked(x))
    throw new AutogradError(`registerMultiGradHook: ${describeTensor(x)} does not require a gradient, so none will ever arrive`);
  const node = gradientNode(x) as Node;
  return { node, watch: watchOf(node, x.outputIndex) };
}

type Observer = (index: number, g: Tensor | null) => void;

function whenAllAreThere(places: readonly Place[], fn: (grads: (Tensor | null)[]) => void): Observer {
  const rounds = new WeakMap<Task, { left: number; readonly grads: (Tensor | null)[] }>();
  return (index, g) => {
    const task = runningTask() as Task;
    let round = rounds.get(task);
    if (round === undefined) {
      round = { left: places.filter(({ node }) => runs(task, node)).length, grads: places.map(() => null) };
      rounds.set(task, round);
    }
    round.grads[index] = g;
    if (--round.left === 0) fn(round.grads);
  };
}

function atFirst(fn: (grad: Tensor) => void): Observer {
  const done = new WeakSet<Task>();
  return (_, g) => {
    const task = runningTask() as Task;
    if (g === null || done.has(task)) return;
    done.add(task);
    fn(g);
  };
}

/** Whether the walk that runs comes to a node. Walks inside of it, whose states lie on top, are over when one of its hooks is called. */
function runs(task: Task, { state }: Node): boolean {
  return state !== null && state.task === task.id && state.needed;
}

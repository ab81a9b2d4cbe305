import { beginTracking, endTracking, release, type Storage } from '../runtime/storage.ts';
import { ArgumentError } from '../util/errors.ts';
import type { Node } from './node.ts';
import { Tensor } from './tensor.ts';

/**
 * Runs `body` and gives back at once the memory of all tensors that were made inside and are not part of what it returns. Not needed for
 * correctness or flat memory (the collector does that); it makes reuse immediate.
 *
 * What counts as returned: tensors in the result, in arrays and plain objects of it, their gradients, and what their graphs saved. Gradients of
 * leaves and the state of optimizers outlive the scope too, so that a training step can run in one. Tensors that were put elsewhere (pushed into an
 * outer array, say) must be returned: using them afterwards throws MemoryError. Throws ArgumentError for an asynchronous body.
 *
 * @example
 * const norm = scope(() => {
 *   const x = ones([1000]);
 *   return x.mul(x).sum().sqrt(); // the intermediate results are freed here
 * });
 */
export function scope<R>(body: () => R): R {
  const mark = beginTracking();
  let keep: (storage: Storage) => boolean = () => false;
  try {
    const result = body();
    if (result instanceof Promise)
      throw new ArgumentError('scope: the body must be synchronous: what an asynchronous one makes cannot be told apart from the rest');
    const kept = new Set<Storage>();
    collect(result, kept, new Set());
    keep = (storage) => kept.has(storage);
    return result;
  } finally {
    endTracking(mark, (storage) => keep(storage) || storage.holders >= 0);
  }
}

function collect(value: unknown, kept: Set<Storage>, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (value instanceof Tensor) {
    kept.add(value.storage);
    const below = value.wrapped?.interpreter.shown(value) ?? null;
    if (below !== null) collect([below.primal, below.tangent], kept, seen);
    if (value.meta?.grad) collect(value.meta.grad, kept, seen);
    if (value.node !== null) collectGraph(value.node, kept, seen);
    return;
  }
  for (const item of Array.isArray(value) ? value : Object.values(value)) collect(item, kept, seen);
}

/** What the nodes of a graph saved must stay alive as long as the graph. */
function collectGraph(root: Node, kept: Set<Storage>, seen: Set<object>): void {
  const stack: Node[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const saved of node.savedTensors()) kept.add(saved.storage);
    for (const next of node.next) if (next !== null) stack.push(next);
  }
}

/** Frees the memory of a tensor now, unless it is a view or shares its memory. Using it afterwards throws. */
export function disposeTensor(x: Tensor): void {
  if (x.meta?.base || x.storage.shared) return;
  release(x.storage);
}

import { withGradMode } from '../tensor/modes.ts';
import { AccumulateGrad, type Node } from '../tensor/node.ts';
import { structural } from '../tensor/structural.ts';
import { aliasOf, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';

/** Handles that a transform differentiates with respect to, on top of what the outside recorded of them. */

/** A recorded copy of the handle: gradients stop being looked for at it, and flow on to what the outside recorded. */
export function connected(x: Tensor): Tensor {
  return withGradMode(true, () => structural().select(structural().reshape(x, [1, ...x.shape]), 0, 0));
}

/** Cuts off the graph of a result that only this transform's own inputs hang on to; one that the outside recorded stays. */
export function released(x: Tensor, own: ReadonlySet<Tensor>): Tensor {
  if (!isTracked(x) || x.node === null) return own.has(x) ? aliasOf(x) : x;
  const stack: Node[] = [x.node];
  const seen = new Set(stack);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node instanceof AccumulateGrad && !own.has(node.variable)) return x;
    for (const next of node.next) {
      if (next === null || seen.has(next)) continue;
      seen.add(next);
      stack.push(next);
    }
  }
  return aliasOf(x);
}

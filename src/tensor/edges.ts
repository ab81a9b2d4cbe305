import type { DTypeInfo } from '../dtype/dtype.ts';
import { gradientNode, type Node } from './node.ts';
import type { Tensor } from './tensor.ts';
import { isTracked } from './views.ts';

/**
 * A place where gradients arrive: one output of a recorded operation, or the sink of a leaf. `backward` and `grad` take it instead of the tensor, so
 * that the tensor itself need not be kept.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * const edge = autograd.graph.getGradientEdge(x.mul(3));
 * backward(edge, ones([2]));
 * x.grad; // tensor([3., 3.])
 */
export class GradientEdge {
  readonly node: Node;
  /** Which output of the operation. */
  readonly outputNr: number;

  constructor(node: Node, outputNr: number) {
    this.node = node;
    this.outputNr = outputNr;
  }
}

/** Where gradients of `x` arrive; null for a tensor that wants none. */
export function edgeOf(x: Tensor): GradientEdge | null {
  // A view whose base was written gets its new history first.
  isTracked(x);
  const node = gradientNode(x);
  return node === null ? null : new GradientEdge(node, x.outputIndex);
}

/** Adds the edge of one input to a node under construction: where its gradient goes, and the shape and dtype it must have. */
export function addEdge(
  input: Tensor,
  next: (Node | null)[],
  nextIndex: number[],
  shapes: (readonly number[])[],
  types: DTypeInfo[],
): void {
  const differentiable = isTracked(input) && (input.type.isFloat || input.type.isComplex);
  next.push(differentiable ? gradientNode(input) : null);
  nextIndex.push(input.outputIndex);
  shapes.push(input.shape);
  types.push(input.type);
}

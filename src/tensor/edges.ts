import type { DTypeInfo } from '../dtype/dtype.ts';
import { gradientNode, type Node } from './node.ts';
import type { Tensor } from './tensor.ts';
import { isTracked } from './views.ts';

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

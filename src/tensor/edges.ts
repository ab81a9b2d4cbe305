import type { DTypeInfo } from '../dtype/dtype.ts';
import { nulls, sharedShapes, sharedTypes, sharedZeros } from './exact.ts';
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

/** The edges of a node under construction: where the gradient of each input goes, and the shape and dtype it must have. */
export interface Edges {
  readonly next: (Node | null)[];
  readonly nextIndex: readonly number[];
  readonly shapes: readonly (readonly number[])[];
  readonly types: readonly DTypeInfo[];
}

/** Those of a node with these inputs. */
export function edgesOf(inputs: readonly Tensor[]): Edges {
  const count = inputs.length;
  const next = nulls<Node>(count);
  for (let i = 0; i < count; i++) {
    const input = inputs[i] as Tensor;
    if (isTracked(input)) next[i] = gradientNode(input);
  }
  // Only now: a view whose base was written gets its new history, output index included, when it is asked whether it is tracked.
  return { next, nextIndex: indicesOf(inputs), shapes: shapesOf(inputs), types: typesOf(inputs) };
}

/** Which output of its operation each input is. */
export function indicesOf(inputs: readonly Tensor[]): readonly number[] {
  for (let i = 0; i < inputs.length; i++) if ((inputs[i] as Tensor).outputIndex !== 0) return inputs.map((x) => x.outputIndex);
  return sharedZeros(inputs.length);
}

export function shapesOf(tensors: readonly Tensor[]): readonly (readonly number[])[] {
  const count = tensors.length;
  if (count === 0) return [];
  const shape = (tensors[0] as Tensor).shape;
  if (count === 1) return sharedShapes(shape, 1);
  if (count === 2) return (tensors[1] as Tensor).shape === shape ? sharedShapes(shape, 2) : [shape, (tensors[1] as Tensor).shape];
  return tensors.map((x) => x.shape);
}

export function typesOf(tensors: readonly Tensor[]): readonly DTypeInfo[] {
  const count = tensors.length;
  if (count === 0) return [];
  const type = (tensors[0] as Tensor).type;
  for (let i = 1; i < count; i++) if ((tensors[i] as Tensor).type !== type) return tensors.map((x) => x.type);
  return sharedTypes(type, count);
}

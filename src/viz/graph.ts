import type { DType } from '../dtype/dtype.ts';
import { formatShape } from '../shape/shape.ts';
import { CompositeNode } from '../tensor/composite-node.ts';
import { edgeOf, GradientEdge } from '../tensor/edges.ts';
import { describeTensor, describeValue } from '../tensor/messages.ts';
import { AccumulateGrad, type Node } from '../tensor/node.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, AutogradError } from '../util/errors.ts';

/** The recorded graph as plain data, which the pictures are drawn from. */

/** What a graph may be asked of: a result, the edge to one, or several of them. */
export type GraphRoots = Tensor | GradientEdge | readonly (Tensor | GradientEdge)[];

/** A value in the graph. */
export interface GraphValue {
  readonly shape: readonly number[];
  readonly dtype: DType | null;
}

/** A tensor that a node keeps for its backward pass. */
export interface GraphSave extends GraphValue {
  /** What it was to the operation: an input, an output, or a value on the way. */
  readonly role: string;
  readonly index: number;
  /** The user's name for it. */
  readonly name: string | null;
  /** Hooks hold something else in its place, so shape and dtype are not known. */
  readonly packed: boolean;
}

/** One recorded operation, or the sink of a leaf. */
export interface GraphNode {
  readonly id: number;
  readonly name: string;
  /** The leaf whose gradient ends here; null for an operation. */
  readonly leaf: (GraphValue & { readonly name: string | null; readonly grad: boolean }) | null;
  readonly outputs: readonly GraphValue[];
  readonly saved: readonly GraphSave[];
  /** A backward pass has freed what was saved. */
  readonly freed: boolean;
  readonly sequenceNr: number;
  /** The graph goes on behind this node, further than was asked for. */
  readonly cut: boolean;
}

/** A value that goes from the operation that made it to one that reads it. */
export interface GraphArrow extends GraphValue {
  readonly from: number;
  readonly to: number;
  /** Which output of `from`. */
  readonly output: number;
  /** Which input of `to`. */
  readonly input: number;
}

/** A graph as plain data. Arrows point the way values flow; gradients flow back. */
export interface GraphDescription {
  readonly results: readonly (GraphValue & { readonly name: string | null; readonly node: number; readonly output: number })[];
  readonly nodes: readonly GraphNode[];
  readonly arrows: readonly GraphArrow[];
  /** How many nodes there are in all, drawn or not. */
  readonly total: number;
}

/** Options of `describeGraph`. */
export interface GraphOptions {
  /** How many nodes are described at most, from the results on. Default: all. */
  readonly nodes?: number;
}

/** The roots as edges. */
export function graphEdges(roots: GraphRoots): { readonly edge: GradientEdge; readonly tensor: Tensor | null }[] {
  const list: readonly unknown[] = Array.isArray(roots) ? roots : [roots];
  if (list.length === 0) throw new ArgumentError('graph: no tensors were given');
  return list.map((root) => {
    if (root instanceof GradientEdge) return { edge: root, tensor: null };
    if (!isTensor(root)) throw new ArgumentError(`graph: expected a tensor or a gradient edge, got ${describeValue(root)}`);
    const edge = edgeOf(root);
    if (edge === null) {
      throw new AutogradError(`graph: nothing was recorded for ${describeTensor(root)}: it does not require a gradient`);
    }
    return { edge, tensor: root };
  });
}

/**
 * All nodes that gradients of these results reach, each once, the nearest first.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * graphNodes(x.pow(2).sum()).length; // 3
 */
export function graphNodes(roots: GraphRoots): Node[] {
  const nodes = new Set(graphEdges(roots).map(({ edge }) => edge.node));
  for (const node of nodes) for (const next of node.next) if (next !== null) nodes.add(next);
  return [...nodes];
}

/**
 * The graph behind results as plain data: operations with the shapes and dtypes of what they returned and what they saved, leaves with their names,
 * and the arrows between them. Throws AutogradError where nothing was recorded.
 *
 * @example
 * const x = ones([2], { requiresGrad: true }).named('x');
 * describeGraph(x.mul(x)).nodes.map((node) => node.leaf?.name ?? node.name); // ['MulBackward', 'x']
 */
export function describeGraph(roots: GraphRoots, options: GraphOptions = {}): GraphDescription {
  const edges = graphEdges(roots);
  const all = graphNodes(roots);
  const shown = all.slice(0, Math.max(1, options.nodes ?? all.length));
  const ids = new Map(shown.map((node, id) => [node, id]));
  const arrows: GraphArrow[] = [];
  for (const [to, node] of shown.entries()) {
    node.next.forEach((next, input) => {
      const from = next === null ? undefined : ids.get(next);
      if (next === null || from === undefined) return;
      const output = node.nextIndex[input] ?? 0;
      arrows.push({ from, to, output, input, ...valueAt(next, output) });
    });
  }
  return {
    results: edges.map(({ edge, tensor }) => ({
      name: tensor?.meta?.name ?? null,
      node: ids.get(edge.node) ?? 0,
      output: edge.outputNr,
      ...valueAt(edge.node, edge.outputNr),
    })),
    nodes: shown.map((node, id) => describeNode(node, id, ids)),
    arrows,
    total: all.length,
  };
}

/**
 * The graph behind results as JSON text: what `describeGraph` gives.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * JSON.parse(graphJson(x.sum())).total; // 2
 */
export function graphJson(roots: GraphRoots, options: GraphOptions = {}): string {
  return JSON.stringify(describeGraph(roots, options), null, 2);
}

function valueAt(node: Node, output: number): GraphValue {
  return { shape: [...(node.outputShapes[output] ?? [])], dtype: node.outputTypes[output]?.name ?? null };
}

function describeNode(node: Node, id: number, shown: ReadonlyMap<Node, number>): GraphNode {
  return {
    id,
    name: node.name,
    leaf: node instanceof AccumulateGrad ? describeLeaf(node.variable) : null,
    outputs: node.outputShapes.map((_, output) => valueAt(node, output)),
    saved: savesOf(node),
    freed: node.released,
    sequenceNr: node.sequenceNr,
    cut: node.next.some((next) => next !== null && !shown.has(next)),
  };
}

function describeLeaf(variable: Tensor): GraphNode['leaf'] {
  return {
    name: variable.meta?.name ?? null,
    shape: [...variable.shape],
    dtype: variable.dtype,
    grad: variable.meta !== null && variable.meta.grad !== null,
  };
}

/** What a node keeps, and for an operator that is composed of others what those keep. */
function savesOf(node: Node): GraphSave[] {
  const found: GraphSave[] = [];
  const seen = new Set<Tensor>();
  for (const inner of node instanceof CompositeNode ? node.inner : [node]) {
    inner.saved.forEach((saved, slot) => {
      const [role, index] = inner === node ? inner.slotRole(slot) : (['inner', found.length] as const);
      if (saved !== null && !seen.has(saved)) {
        seen.add(saved);
        found.push({ role, index, name: saved.meta?.name ?? null, shape: [...saved.shape], dtype: saved.dtype, packed: false });
      }
    });
    for (const packed of inner.packs?.tensors() ?? []) {
      found.push({ role: 'packed', index: found.length, name: null, shape: [...packed.shape], dtype: packed.dtype, packed: true });
    }
  }
  return found;
}

/** What a leaf is called in pictures: its name, and its shape. */
export function leafLabel(leaf: NonNullable<GraphNode['leaf']>): string {
  return `${leaf.name ?? ''} ${formatShape(leaf.shape)}`.trim();
}

/** What a saved tensor is called in pictures. */
export function saveLabel(save: GraphSave): string {
  return `${save.name ?? (save.role === 'inner' || save.role === 'packed' ? save.role : `${save.role} ${save.index}`)} ${formatShape(save.shape)}`;
}

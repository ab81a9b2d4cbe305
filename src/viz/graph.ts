import { formatShape } from '../shape/shape.ts';
import { metaOf } from '../tensor/meta.ts';
import { AccumulateGrad, gradientNode, type Node } from '../tensor/node.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { AutogradError } from '../util/errors.ts';

/** The recorded graph behind a tensor, as a tree for the terminal and as DOT for a picture. */

function rootOf(x: Tensor): Node {
  const node = gradientNode(x);
  if (node === null) throw new AutogradError('graph: nothing was recorded for this tensor: it does not require a gradient');
  return node;
}

/** What a node is called in pictures: an operator by its name, a leaf by its own name and shape. */
function labelOf(node: Node): string {
  if (!(node instanceof AccumulateGrad)) return node.name;
  const { variable } = node;
  const name = metaOf(variable).name;
  return `AccumulateGrad → ${name === null ? 'leaf' : name} ${formatShape(variable.shape)}`;
}

/** Options of `graphTree`. */
export interface GraphTreeOptions {
  /** How many lines are drawn at most. Default 200. */
  readonly lines?: number;
}

/**
 * The graph as a tree: each operation with what it was made from below it. A node that is reached twice is drawn once and referred to after that.
 * Throws AutogradError where nothing was recorded.
 *
 * @example
 * const x = ones([2], { requiresGrad: true }).named('x');
 * console.log(graphTree(x.pow(2).sum()));
 * // SumBackward
 * // └─ PowBackward
 * //    └─ AccumulateGrad → x [2]
 */
export function graphTree(x: Tensor, options: GraphTreeOptions = {}): string {
  const most = options.lines ?? 200;
  const lines: string[] = [];
  const seen = new Map<Node, number>();
  interface Entry {
    readonly node: Node;
    readonly lead: string;
    readonly branch: string;
  }
  const stack: Entry[] = [{ node: rootOf(x), lead: '', branch: '' }];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { node, lead, branch } = entry;
    if (lines.length >= most) {
      lines.push(`… and more: ${graphNodes(x).length} nodes in all`);
      break;
    }
    const number = seen.get(node);
    const shared = number !== undefined && node.next.some((n) => n !== null);
    lines.push(`${lead}${branch}${labelOf(node)}${shared ? ` (as on line ${number})` : ''}`);
    if (shared) continue;
    if (number === undefined) seen.set(node, lines.length);
    const below = node.next.filter((n): n is Node => n !== null);
    const inner = branch === '' ? lead : `${lead}${branch.startsWith('└') ? '   ' : '│  '}`;
    for (let i = below.length - 1; i >= 0; i--)
      stack.push({ node: below[i] as Node, lead: inner, branch: i === below.length - 1 ? '└─ ' : '├─ ' });
  }
  return lines.join('\n');
}

/**
 * All nodes that gradients of `x` reach, each before what it was made from.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * graphNodes(x.pow(2).sum()).length; // 3
 */
export function graphNodes(x: Tensor): Node[] {
  const nodes = [rootOf(x)];
  const seen = new Set(nodes);
  for (let i = 0; i < nodes.length; i++) {
    for (const next of (nodes[i] as Node).next) {
      if (next === null || seen.has(next)) continue;
      seen.add(next);
      nodes.push(next);
    }
  }
  return nodes;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, (c) => `\\${c}`)}"`;
}

/**
 * The graph in the DOT language, in the colours that PyTorch's usual pictures have: the result green, operations grey, leaves blue. Arrows
 * point the way values flow.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * graphDot(x.sum()).startsWith('digraph'); // true
 */
export function graphDot(x: Tensor): string {
  const nodes = graphNodes(x);
  const id = new Map(nodes.map((node, i) => [node, `n${i}`]));
  const lines = nodes.flatMap((node) => {
    const own = `  ${id.get(node)} [label=${quoted(node.name)}, fillcolor=lightgrey];`;
    if (!(node instanceof AccumulateGrad)) return [own];
    const name = metaOf(node.variable).name ?? '';
    const leaf = `${id.get(node)}v`;
    return [
      own,
      `  ${leaf} [label=${quoted(`${name}\n${formatShape(node.variable.shape)}`.trim())}, fillcolor=lightblue];`,
      `  ${leaf} -> ${id.get(node)};`,
    ];
  });
  const edges = nodes.flatMap((node) => node.next.flatMap((next) => (next === null ? [] : [`  ${id.get(next)} -> ${id.get(node)};`])));
  const result = [
    `  out [label=${quoted(`${x.meta?.name ?? ''}\n${formatShape(x.shape)}`.trim())}, fillcolor=darkolivegreen1];`,
    `  n0 -> out;`,
  ];
  return [
    'digraph {',
    '  graph [rankdir=TB];',
    '  node [style=filled, shape=box, fontname="Helvetica", fontsize=11, height=0.2];',
    ...lines,
    ...result,
    ...edges,
    '}',
    '',
  ].join('\n');
}

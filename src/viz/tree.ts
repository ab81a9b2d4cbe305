import { formatShape } from '../shape/shape.ts';
import { AccumulateGrad, type Node } from '../tensor/node.ts';
import { type GraphRoots, graphEdges, graphNodes } from './graph.ts';

/** Options of `graphTree`. */
export interface GraphTreeOptions {
  /** How many lines are drawn at most. Default 200. */
  readonly lines?: number;
  /** Whether shapes of results are shown. Default false. */
  readonly shapes?: boolean;
  /** Whether it is shown what each node keeps for the backward pass. Default false. */
  readonly saved?: boolean;
}

/** What a node is called in the tree: an operator by its name, a leaf by its own name and shape. */
function labelOf(node: Node, options: GraphTreeOptions): string {
  if (node instanceof AccumulateGrad) {
    const { variable } = node;
    return `AccumulateGrad → ${variable.meta?.name ?? 'leaf'} ${formatShape(variable.shape)}`;
  }
  const parts = [node.name];
  if (options.shapes === true) parts.push(node.outputShapes.map(formatShape).join(' '));
  if (options.saved === true) parts.push(savedPart(node));
  return parts.filter((part) => part !== '').join(' ');
}

function savedPart(node: Node): string {
  if (node.released) return '(freed)';
  const saved = node.savedTensors();
  if (saved.length === 0) return '';
  return `(saved ${[...new Set(saved)].map((x) => `${x.meta?.name ?? ''} ${formatShape(x.shape)}`.trim()).join(', ')})`;
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
export function graphTree(roots: GraphRoots, options: GraphTreeOptions = {}): string {
  const most = options.lines ?? 200;
  const lines: string[] = [];
  const seen = new Map<Node, number>();
  interface Entry {
    readonly node: Node;
    readonly lead: string;
    readonly branch: string;
  }
  const stack: Entry[] = [...new Set(graphEdges(roots).map(({ edge }) => edge.node))]
    .reverse()
    .map((node) => ({ node, lead: '', branch: '' }));
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { node, lead, branch } = entry;
    if (lines.length >= most) {
      lines.push(`… and more: ${graphNodes(roots).length} nodes in all`);
      break;
    }
    const number = seen.get(node);
    const shared = number !== undefined && node.next.some((n) => n !== null);
    lines.push(`${lead}${branch}${labelOf(node, options)}${shared ? ` (as on line ${number})` : ''}`);
    if (shared) continue;
    if (number === undefined) seen.set(node, lines.length);
    const below = node.next.filter((n): n is Node => n !== null);
    const inner = branch === '' ? lead : `${lead}${branch.startsWith('└') ? '   ' : '│  '}`;
    for (let i = below.length - 1; i >= 0; i--)
      stack.push({ node: below[i] as Node, lead: inner, branch: i === below.length - 1 ? '└─ ' : '├─ ' });
  }
  return lines.join('\n');
}

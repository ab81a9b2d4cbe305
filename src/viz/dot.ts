import type { GraphRoots } from './graph.ts';
import { type BoxKind, type GraphPictureOptions, pictureOf } from './picture.ts';

/** The colours that PyTorch's usual pictures have. */
const COLOURS: Readonly<Record<BoxKind, string>> = {
  operation: 'lightgrey',
  leaf: 'lightblue',
  result: 'darkolivegreen1',
  saved: 'orange',
  more: 'white',
};

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, (c) => `\\${c}`).replaceAll('\n', '\\n')}"`;
}

/**
 * The graph in the DOT language, in the colours that PyTorch's usual pictures have: the result green, operations grey, leaves blue, what is saved
 * orange. Arrows point the way values flow.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * graphDot(x.sum()).startsWith('digraph'); // true
 */
export function graphDot(roots: GraphRoots, options: GraphPictureOptions = {}): string {
  const { boxes, arrows } = pictureOf(roots, options);
  return [
    'digraph {',
    '  graph [rankdir=TB];',
    '  node [style=filled, shape=box, fontname="Helvetica", fontsize=11, height=0.2];',
    ...boxes.map(
      ({ id, kind, lines, title }) =>
        `  ${id} [label=${quoted(lines.join('\n'))}, fillcolor=${COLOURS[kind]}${kind === 'operation' ? '' : `, tooltip=${quoted(title)}`}];`,
    ),
    ...arrows.map(({ from, to, quiet }) => `  ${from} -> ${to}${quiet ? ' [dir=none, style=dashed]' : ''};`),
    '}',
    '',
  ].join('\n');
}

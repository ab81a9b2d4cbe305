import { formatShape } from '../shape/shape.ts';
import { describeGraph, type GraphOptions, type GraphRoots, leafLabel, saveLabel } from './graph.ts';

/** What a picture of a graph is made of, whatever draws it: boxes, and arrows between them in the direction in which values flow. */

export type BoxKind = 'operation' | 'leaf' | 'result' | 'saved' | 'more';

export interface Box {
  readonly id: string;
  readonly kind: BoxKind;
  readonly lines: readonly string[];
  /** All that is known of it, for a reader who asks. */
  readonly title: string;
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** Dashed and without a head: a saved tensor, or what is left out. */
  readonly quiet: boolean;
}

export interface Picture {
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}

/** Options of pictures. */
export interface GraphPictureOptions extends GraphOptions {
  /** Whether operations show the shapes of their results. */
  readonly shapes?: boolean;
  /** Whether the tensors that operations keep for the backward pass are drawn. Default false. */
  readonly saved?: boolean;
}

export function pictureOf(roots: GraphRoots, options: GraphPictureOptions): Picture {
  const graph = describeGraph(roots, options);
  const boxes: Box[] = [];
  const arrows: Arrow[] = [];
  for (const node of graph.nodes) {
    const id = `n${node.id}`;
    const shapes = node.outputs.map(({ shape }) => formatShape(shape)).join(' ');
    const facts = [
      node.name,
      `outputs: ${node.outputs.map(({ shape, dtype }) => `${formatShape(shape)} ${dtype ?? 'any dtype'}`).join(', ')}`,
      ...(node.freed ? ['what was saved is freed'] : node.saved.map((save) => `saved: ${saveLabel(save)} ${save.dtype}`)),
    ];
    const shown = options.shapes === true && node.leaf === null;
    boxes.push({ id, kind: 'operation', lines: shown ? [node.name, shapes] : [node.name], title: facts.join('\n') });
    if (node.leaf !== null) {
      const { name, shape, dtype, grad } = node.leaf;
      const lines = [...(name === null ? [] : [name]), formatShape(shape)];
      boxes.push({ id: `${id}v`, kind: 'leaf', lines, title: `leaf ${leafLabel(node.leaf)} ${dtype}${grad ? '\nhas a gradient' : ''}` });
      arrows.push({ from: `${id}v`, to: id, quiet: false });
    }
    if (options.saved === true) {
      node.saved.forEach((save, k) => {
        const label = saveLabel(save);
        boxes.push({ id: `${id}s${k}`, kind: 'saved', lines: [label], title: `kept by ${node.name}: ${label} ${save.dtype}` });
        arrows.push({ from: `${id}s${k}`, to: id, quiet: true });
      });
    }
    if (node.cut) {
      boxes.push({ id: `${id}m`, kind: 'more', lines: ['…'], title: `the graph goes on here: ${graph.total} nodes in all` });
      arrows.push({ from: `${id}m`, to: id, quiet: true });
    }
  }
  graph.results.forEach(({ name, shape, dtype, node }, k) => {
    const id = k === 0 ? 'out' : `out${k}`;
    const lines = [...(name === null ? [] : [name]), formatShape(shape)];
    boxes.push({ id, kind: 'result', lines, title: `result ${formatShape(shape)} ${dtype}` });
    arrows.push({ from: `n${node}`, to: id, quiet: false });
  });
  for (const { from, to } of graph.arrows) arrows.push({ from: `n${from}`, to: `n${to}`, quiet: false });
  return { boxes, arrows };
}

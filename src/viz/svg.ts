import type { GraphRoots } from './graph.ts';
import { layered, type Point } from './layout.ts';
import { type Arrow, type Box, type BoxKind, type GraphPictureOptions, pictureOf } from './picture.ts';

const FILL: Readonly<Record<BoxKind, string>> = {
  operation: '#d3d3d3',
  leaf: '#add8e6',
  result: '#caff70',
  saved: '#ffa500',
  more: '#ffffff',
};
const FONT_SIZE = 11;
const LINE_HEIGHT = 14;
/** The average width of a character of the font, generously. */
const CHARACTER = 6.4;
const PADDING = 8;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/**
 * The graph as an SVG picture, laid out without any other tool: leaves blue and on top, operations grey with the shapes of their results, the result
 * green, and with `saved` what is kept for the backward pass orange. Pointing at a box shows all that is known of it. Graphs of more than `nodes`
 * nodes (default 300) are cut where that many were drawn from the results on.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * graphSvg(x.sum()).startsWith('<svg'); // true
 */
export function graphSvg(roots: GraphRoots, options: GraphPictureOptions = {}): string {
  const { boxes, arrows } = pictureOf(roots, { nodes: 300, shapes: true, ...options });
  const index = new Map(boxes.map((box, i) => [box.id, i]));
  const sizes = boxes.map(sizeOf);
  const drawing = layered(
    sizes,
    arrows.map(({ from, to }) => ({ from: index.get(from) as number, to: index.get(to) as number })),
  );
  const [width, height] = [rounded(drawing.width), rounded(drawing.height)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="Helvetica, Arial, sans-serif" font-size="${FONT_SIZE}">`,
    `  <title>autograd graph of ${boxes.filter(({ kind }) => kind === 'operation').length} nodes</title>`,
    '  <defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
    `  <rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...arrows.map((arrow, i) => drawArrow(arrow, drawing.routes[i] as readonly Point[])),
    ...boxes.map((box, i) => drawBox(box, sizes[i] as { width: number; height: number }, drawing.centres[i] as Point)),
    '</svg>',
    '',
  ].join('\n');
}

function sizeOf({ lines }: Box): { width: number; height: number } {
  return {
    width: Math.max(...lines.map((line) => line.length)) * CHARACTER + 2 * PADDING,
    height: lines.length * LINE_HEIGHT + PADDING,
  };
}

function drawBox({ kind, lines, title }: Box, { width, height }: { width: number; height: number }, { x, y }: Point): string {
  const top = y - (lines.length * LINE_HEIGHT) / 2;
  return [
    `  <g><title>${escaped(title)}</title>`,
    `<rect x="${rounded(x - width / 2)}" y="${rounded(y - height / 2)}" width="${rounded(width)}" height="${rounded(height)}" fill="${FILL[kind]}" stroke="#000000"/>`,
    ...lines.map(
      (line, k) => `<text x="${rounded(x)}" y="${rounded(top + (k + 0.75) * LINE_HEIGHT)}" text-anchor="middle">${escaped(line)}</text>`,
    ),
    '</g>',
  ].join('');
}

/** A curve that leaves and enters boxes vertically. */
function drawArrow({ quiet }: Arrow, points: readonly Point[]): string {
  const [first, ...rest] = points as readonly [Point, ...Point[]];
  let path = `M${rounded(first.x)} ${rounded(first.y)}`;
  let before = first;
  for (const point of rest) {
    const middle = rounded((before.y + point.y) / 2);
    path += `C${rounded(before.x)} ${middle} ${rounded(point.x)} ${middle} ${rounded(point.x)} ${rounded(point.y)}`;
    before = point;
  }
  return `  <path d="${path}" fill="none" stroke="#000000"${quiet ? ' stroke-dasharray="3 3"' : ' marker-end="url(#head)"'}/>`;
}

/** Pictures of what was recorded. */
export { graphDot } from './dot.ts';
export {
  describeGraph,
  type GraphArrow,
  type GraphDescription,
  type GraphNode,
  type GraphOptions,
  type GraphRoots,
  type GraphSave,
  type GraphValue,
  graphJson,
  graphNodes,
} from './graph.ts';
export type { GraphPictureOptions } from './picture.ts';
export { graphSvg } from './svg.ts';
export { type GraphTreeOptions, graphTree } from './tree.ts';

/** Pictures of what was recorded. */
export { type GraphTreeOptions, graphDot, graphNodes, graphTree } from './graph.ts';

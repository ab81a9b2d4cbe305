/** Pictures of what was recorded. */
export { graphDot, graphNodes, graphTree } from './graph.ts';

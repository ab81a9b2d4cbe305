import type { Node } from './node.ts';

/** A binary heap of nodes that are ready to run, the latest recorded first. */
export class NodeHeap {
  readonly #nodes: Node[] = [];

  push(node: Node): void {
    const nodes = this.#nodes;
    let hole = nodes.length;
    nodes.push(node);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = nodes[parent] as Node;
      if (above.sequence >= node.sequence) break;
      nodes[hole] = above;
      hole = parent;
    }
    nodes[hole] = node;
  }

  pop(): Node | null {
    const nodes = this.#nodes;
    const last = nodes.pop();
    if (last === undefined) return null;
    if (nodes.length === 0) return last;
    const top = nodes[0] as Node;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= nodes.length) break;
      if (child + 1 < nodes.length && (nodes[child + 1] as Node).sequence > (nodes[child] as Node).sequence) child++;
      const below = nodes[child] as Node;
      if (below.sequence <= last.sequence) break;
      nodes[hole] = below;
      hole = child;
    }
    nodes[hole] = last;
    return top;
  }
}

import { describe, expect, test } from 'vitest';
import { AutogradError, ones, type Tensor } from '../../src/index.ts';
import { graphDot, graphNodes, graphTree } from '../../src/viz/index.ts';

const leaf = (name: string): Tensor => ones([2, 2], { requiresGrad: true }).named(name) as Tensor;

describe('the recorded graph', () => {
  test('as a tree, from the result to the leaves', () => {
    const [a, b] = [leaf('a'), leaf('b')];
    expect(graphTree(a.mul(b).add(2).sum())).toBe(
      [
        'SumBackward',
        '└─ AddBackward',
        '   └─ MulBackward',
        '      ├─ AccumulateGrad → a [2, 2]',
        '      └─ AccumulateGrad → b [2, 2]',
      ].join('\n'),
    );
  });

  test('draws what is reached twice once, and refers to it after that', () => {
    const a = leaf('a');
    const shared = a.exp();
    expect(graphTree(shared.mul(shared.sin()))).toBe(
      ['MulBackward', '├─ ExpBackward', '│  └─ AccumulateGrad → a [2, 2]', '└─ SinBackward', '   └─ ExpBackward (as on line 2)'].join('\n'),
    );
  });

  test('of a leaf is the leaf', () => {
    expect(graphTree(ones([3], { requiresGrad: true }))).toBe('AccumulateGrad → leaf [3]');
  });

  test('as nodes, each once', () => {
    const a = leaf('a');
    const names = graphNodes(a.mul(a).sum()).map((node) => node.name);
    expect(names).toEqual(['SumBackward', 'MulBackward', 'AccumulateGrad']);
  });

  test('as DOT: a node for each operation, blue leaves, a green result, arrows the way values flow', () => {
    const dot = graphDot(leaf('say "x"').sum().named('out') as Tensor);
    expect(dot.startsWith('digraph {')).toBe(true);
    expect(dot).toContain('n0 [label="SumBackward", fillcolor=lightgrey]');
    expect(dot).toMatch(/label="say \\"x\\"(\\n|\n)\[2, 2\]", fillcolor=lightblue/);
    expect(dot).toContain('fillcolor=darkolivegreen1');
    expect(dot).toContain('n1 -> n0;');
    expect(dot).toContain('n0 -> out;');
  });

  test('a deep graph is no problem', () => {
    let x = leaf('a');
    for (let i = 0; i < 20_000; i++) x = x.add(1) as Tensor;
    expect(graphNodes(x)).toHaveLength(20_001);
    const lines = graphTree(x).split('\n');
    expect([lines.length, lines.at(-1)]).toEqual([201, '… and more: 20001 nodes in all']);
    expect(graphTree(x, { lines: 3 }).split('\n')).toHaveLength(4);
  });

  test('of what was not recorded is refused', () => {
    expect(() => graphTree(ones([2]))).toThrow(AutogradError);
    expect(() => graphDot(ones([2]).add(1))).toThrow(/nothing was recorded/);
  });
});

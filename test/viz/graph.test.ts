import { describe, expect, test } from 'vitest';
import { AutogradError, autograd, ones, type Tensor } from '../../src/index.ts';
import { describeGraph, graphDot, graphJson, graphNodes, graphSvg, graphTree } from '../../src/viz/index.ts';

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

describe('the graph as data', () => {
  test('nodes, leaves, arrows and results', () => {
    const [a, b] = [leaf('a'), leaf('b')];
    const graph = describeGraph(a.mul(b).sum().named('loss') as Tensor);
    expect(graph.total).toBe(4);
    expect(graph.results).toEqual([{ name: 'loss', shape: [], dtype: 'float32', node: 0, output: 0 }]);
    expect(graph.nodes.map(({ name, leaf: own, cut, freed }) => [name, own?.name ?? null, cut, freed])).toEqual([
      ['SumBackward', null, false, false],
      ['MulBackward', null, false, false],
      ['AccumulateGrad', 'a', false, false],
      ['AccumulateGrad', 'b', false, false],
    ]);
    expect(graph.nodes[1]?.saved.map(({ name, role, index, shape }) => [name, role, index, shape])).toEqual([
      ['a', 'input', 0, [2, 2]],
      ['b', 'input', 1, [2, 2]],
    ]);
    expect(graph.arrows.map(({ from, to, input, shape }) => [from, to, input, shape])).toEqual([
      [1, 0, 0, [2, 2]],
      [2, 1, 0, [2, 2]],
      [3, 1, 1, [2, 2]],
    ]);
  });

  test('after a backward pass: what was saved is gone, leaves have a gradient', () => {
    const loss = leaf('a').pow(2).sum();
    loss.backward();
    const { nodes } = describeGraph(loss);
    expect(nodes.map(({ saved, freed, leaf: own }) => [saved.length, freed, own?.grad ?? null])).toEqual([
      [0, true, null],
      [0, true, null],
      [0, false, true],
    ]);
  });

  test('as JSON, from several results or from an edge', () => {
    const a = leaf('a');
    const [x, y] = [a.sin(), a.cos()];
    expect(JSON.parse(graphJson([x, y]))).toEqual(describeGraph([x, y]));
    expect(describeGraph([x, y]).results.map(({ node }) => node)).toEqual([0, 1]);
    expect(describeGraph(autograd.graph.getGradientEdge(x)).nodes.map(({ name }) => name)).toEqual(['SinBackward', 'AccumulateGrad']);
    expect(graphNodes([x, y])).toHaveLength(3);
  });

  test('outputs are told apart', () => {
    const [, second] = leaf('a').mul(1).unbind(0) as [Tensor, Tensor];
    const { results, arrows } = describeGraph(second.sum());
    expect([results[0]?.output, arrows.find(({ to }) => to === 0)?.output]).toEqual([0, 1]);
  });

  test('what hooks packed is known by its tensors', () => {
    const a = leaf('a');
    const y = autograd.graph.savedTensorsHooks(
      (x: Tensor) => x.clone(),
      (x: Tensor) => x,
      () => a.sin(),
    );
    expect(describeGraph(y).nodes[0]?.saved).toEqual([
      { role: 'packed', index: 0, name: null, shape: [2, 2], dtype: 'float32', packed: true },
    ]);
  });

  test('cut where as many nodes are there as were asked for', () => {
    const graph = describeGraph(leaf('a').sin().cos().exp(), { nodes: 2 });
    expect([graph.total, graph.nodes.map(({ name, cut }) => [name, cut])]).toEqual([
      4,
      [
        ['ExpBackward', false],
        ['CosBackward', true],
      ],
    ]);
  });

  test('refuses what is no tensor, and nothing', () => {
    expect(() => describeGraph([])).toThrow(/no tensors/);
    expect(() => describeGraph(3 as never)).toThrow(/the number 3/);
  });
});

describe('what pictures show besides', () => {
  test('the tree: shapes and what is kept', () => {
    const [a, b] = [leaf('a'), leaf('b')];
    const loss = a.mul(b).sum();
    expect(graphTree(loss, { shapes: true, saved: true }).split('\n').slice(0, 2)).toEqual([
      'SumBackward []',
      '└─ MulBackward [2, 2] (saved a [2, 2], b [2, 2])',
    ]);
    loss.backward();
    expect(graphTree(loss, { saved: true }).split('\n')[1]).toBe('└─ MulBackward (freed)');
    expect(graphTree([a.sin(), b.cos()]).split('\n')).toEqual([
      'SinBackward',
      '└─ AccumulateGrad → a [2, 2]',
      'CosBackward',
      '└─ AccumulateGrad → b [2, 2]',
    ]);
  });

  test('DOT: shapes, orange boxes for what is kept, one green box for each result', () => {
    const a = leaf('a');
    const dot = graphDot([a.sin(), a.cos().named('y') as Tensor], { shapes: true, saved: true });
    expect(dot).toContain('n0 [label="SinBackward\\n[2, 2]", fillcolor=lightgrey]');
    expect(dot).toMatch(/n0s0 \[label="a \[2, 2\]", fillcolor=orange/);
    expect(dot).toContain('n0s0 -> n0 [dir=none, style=dashed];');
    expect(dot.match(/darkolivegreen1/g)).toHaveLength(2);
    expect(dot).toContain('n1 -> out1;');
  });

  test('DOT that Graphviz can draw', async () => {
    const { instance } = await import('@viz-js/viz');
    const drawn = (await instance()).renderString(graphDot(leaf('say "\\n"').mul(2).sum(), { shapes: true, saved: true }), {
      format: 'svg',
    });
    expect(drawn).toContain('MulBackward');
  });

  test('SVG: a box for each node, leaf and result, with colours, shapes, and all that is known when pointed at', () => {
    const svg = graphSvg(leaf('a<b>').mul(leaf('c')).sum().named('loss') as Tensor, { saved: true });
    expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true);
    expect([...svg.matchAll(/fill="(#\w{6})" stroke/g)].map(([, colour]) => colour).sort()).toEqual(
      ['#add8e6', '#add8e6', '#caff70', '#d3d3d3', '#d3d3d3', '#d3d3d3', '#d3d3d3', '#ffa500', '#ffa500'].sort(),
    );
    expect(svg).toContain('>a&lt;b&gt;</text>');
    expect(svg).toContain('<title>MulBackward\noutputs: [2, 2] float32\nsaved: a&lt;b&gt; [2, 2] float32');
    expect(svg.match(/marker-end/g)).toHaveLength(6);
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  test('SVG: boxes of one layer do not overlap, arrows point down', () => {
    const a = leaf('a');
    let x: Tensor = a;
    for (let i = 0; i < 6; i++) x = x.sin().add(x.cos()).mul(a.exp());
    const svg = graphSvg(x.sum(), { saved: true });
    const boxes = [...svg.matchAll(/<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)" fill="#\w+" stroke/g)].map(
      (found) => found.slice(1).map(Number),
    ) as [number, number, number, number][];
    expect(boxes.length).toBeGreaterThan(40);
    const overlapping = boxes.flatMap((p, i) =>
      boxes.slice(i + 1).filter((q) => p[0] < q[0] + q[2] && q[0] < p[0] + p[2] && p[1] < q[1] + q[3] && q[1] < p[1] + p[3]),
    );
    expect(overlapping).toEqual([]);
    for (const [, from, path] of svg.matchAll(/<path d="M[\d.]+ ([\d.]+)C([^"]+)"/g))
      expect(Number(path?.split(' ').at(-1))).toBeGreaterThan(Number(from));
  });

  test('SVG: a deep graph is cut, and says so', () => {
    let x: Tensor = leaf('a');
    for (let i = 0; i < 5000; i++) x = x.add(1);
    const svg = graphSvg(x);
    expect(svg.match(/AddBackward<\/text>/g)).toHaveLength(300);
    expect(svg).toContain('the graph goes on here: 5001 nodes in all');
    expect(graphSvg(x, { nodes: 10 }).match(/AddBackward<\/text>/g)).toHaveLength(10);
  });
});

import { describe, expect, test } from 'vitest';
import { vmap } from '../../src/func.ts';
import { arange, autograd, manualSeed, nn, randn, type Tensor } from '../../src/index.ts';

type Kind = 'LSTM' | 'GRU' | 'RNN';
type Options = nn.LSTMOptions;

interface Case {
  readonly title: string;
  readonly sizes: readonly [steps: number, batch: number, inputs: number, hidden: number];
  readonly options: Options;
}

const CASES: readonly Case[] = [
  { title: 'one layer', sizes: [5, 3, 4, 8], options: {} },
  { title: 'one step of one sequence', sizes: [1, 1, 3, 4], options: {} },
  { title: 'two layers in both directions', sizes: [7, 40, 5, 12], options: { numLayers: 2, bidirectional: true } },
  { title: 'no bias, and columns that are no whole tiles', sizes: [6, 33, 5, 20], options: { bias: false } },
  { title: 'the batch in front', sizes: [4, 4, 5, 8], options: { batchFirst: true } },
];

function make(kind: Kind, inputs: number, hidden: number, options: Options): nn.LSTM | nn.GRU | nn.RNN {
  return new nn[kind](inputs, hidden, options);
}

/** States of all steps and the last ones. */
function outputs(kind: Kind, layer: nn.LSTM | nn.GRU | nn.RNN, x: Tensor, h: Tensor, c: Tensor): Tensor[] {
  if (kind !== 'LSTM') return (layer as nn.GRU).forward(x, h);
  const [states, last] = (layer as nn.LSTM).forward(x, [h, c]);
  return [states, ...last];
}

/** Outputs and all gradients in a dtype: float64 runs the composition, float32 the kernels. */
function run(kind: Kind, type: 'float32' | 'float64', { sizes, options }: Case, order: 1 | 2): Tensor[] {
  const [steps, batch, inputs, hidden] = sizes;
  manualSeed(3);
  const layer = make(kind, inputs, hidden, options).to(type);
  const rows = (options.bidirectional === true ? 2 : 1) * (options.numLayers ?? 1);
  const operands = [randn([steps, batch, inputs]), randn([rows, batch, hidden]), randn([rows, batch, hidden])];
  const [x, h, c] = operands.map((each) => each.to(type).requiresGrad_(true)) as [Tensor, Tensor, Tensor];
  const [states, ...last] = outputs(kind, layer, x, h, c) as [Tensor, ...Tensor[]];
  const weighted = states.mul(arange(states.size).reshape(states.shape).sin().to(type)).sum();
  const loss = last.reduce((sum, each) => sum.add(each.cos().sum()) as typeof sum, weighted as Tensor);
  const wanted = [x, h, ...(kind === 'LSTM' ? [c] : []), ...layer.parameters()] as Tensor[];
  const first = autograd.grad(loss, [...wanted], null, { createGraph: order === 2 }) as Tensor[];
  if (order === 1) return [states, ...last, ...first];
  const through = first.map((g) => g.sin().sum() as Tensor).reduce((a, b) => a.add(b) as Tensor);
  return autograd.grad(through, [...wanted]) as Tensor[];
}

function difference(x: Tensor, y: Tensor): number {
  return Number(x.to('float64').sub(y).abs().max().item()) / (Number(y.abs().max().item()) + 1e-9);
}

describe.each(['LSTM', 'GRU', 'RNN'] as const)('%s in one call for all steps', (kind) => {
  test.each(CASES)('is the composition: $title', (each) => {
    const composed = run(kind, 'float64', each, 1);
    for (const [i, x] of run(kind, 'float32', each, 1).entries())
      expect(difference(x, composed[i] as Tensor), `result ${i}`).toBeLessThan(2e-6);
  });

  test('has the second derivatives of the composition', () => {
    const composed = run(kind, 'float64', CASES[0] as Case, 2);
    for (const [i, x] of run(kind, 'float32', CASES[0] as Case, 2).entries())
      expect(difference(x, composed[i] as Tensor), `result ${i}`).toBeLessThan(1e-5);
  });

  test('gives what each sequence of a batch gives alone', () => {
    manualSeed(4);
    const layer = make(kind, 3, 8, {});
    const x = randn([5, 40, 3]);
    const [h, c] = [randn([1, 40, 8]), randn([1, 40, 8])];
    const [all] = outputs(kind, layer, x, h, c) as [Tensor];
    for (const row of [0, 17, 39]) {
      const [own] = outputs(kind, layer, x.narrow(1, row, 1), h.narrow(1, row, 1), c.narrow(1, row, 1)) as [Tensor];
      expect(difference(own, all.narrow(1, row, 1).to('float64'))).toBe(0);
    }
  });

  test('is batched by vmap', () => {
    manualSeed(5);
    const layer = make(kind, 3, 4, {});
    const x = randn([2, 5, 3, 3]);
    const [h, c] = [randn([1, 3, 4]), randn([1, 3, 4])];
    const mapped = vmap((one: Tensor) => outputs(kind, layer, one, h, c)[0] as Tensor)(x) as Tensor;
    for (let i = 0; i < 2; i++)
      expect(
        difference(mapped.select(0, i) as Tensor, (outputs(kind, layer, x.select(0, i), h, c)[0] as Tensor).to('float64')),
      ).toBeLessThan(1e-6);
  });
});

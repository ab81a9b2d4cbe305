import { describe, expect, test } from 'vitest';
import { autograd, DTypeError, manualSeed, nn, noGrad, randn, ShapeError, type Tensor, vmap } from '../../src/index.ts';

const { gradcheck, gradgradcheck } = autograd;
type Wide = Tensor<number[], 'float64'>;

function wide(...shape: number[]): Wide {
  return randn(shape, { dtype: 'float64', requiresGrad: true }) as Wide;
}

function largest(x: Tensor): number {
  return Number(x.abs().max().item());
}

const KINDS = {
  'tanh RNN': () => new nn.RNN(2, 3, { bidirectional: true, dtype: 'float64' }),
  'relu RNN': () => new nn.RNN(2, 3, { nonlinearity: 'relu', dtype: 'float64' }),
  GRU: () => new nn.GRU(2, 3, { bidirectional: true, dtype: 'float64' }),
  'GRU without offsets': () => new nn.GRU(2, 3, { bias: false, dtype: 'float64' }),
  LSTM: () => new nn.LSTM(2, 3, { bidirectional: true, dtype: 'float64' }),
  'LSTM with projection': () => new nn.LSTM(2, 3, { projSize: 2, dtype: 'float64' }),
} as const;

/** All results of a module as one list of tensors. */
function run(module: nn.Module, x: Tensor, states: readonly Tensor[]): Tensor[] {
  if (module instanceof nn.LSTM) {
    const [output, [h, c]] = module.forward(x, [states[0] as Tensor, states[1] as Tensor]);
    return [output, h, c];
  }
  return (module as nn.GRU).forward(x, states[0] as Tensor);
}

function statesFor(module: nn.Module): Wide[] {
  const { bidirectional, hiddenSize, projSize } = module as nn.LSTM;
  const rows = bidirectional ? 2 : 1;
  const hidden = wide(rows, 2, projSize > 0 ? projSize : hiddenSize);
  return module instanceof nn.LSTM ? [hidden, wide(rows, 2, hiddenSize)] : [hidden];
}

describe.each(Object.entries(KINDS))('%s', (_, make) => {
  test('has the derivatives of what it computes, of both orders, by input, states and weights', () => {
    manualSeed(2);
    const module = make();
    const [x, states] = [wide(3, 2, 2), statesFor(module)];
    const f = (...inputs: Tensor[]): Tensor[] => run(module, inputs[0] as Tensor, inputs.slice(1, 1 + states.length));
    const inputs = [x, ...states, ...module.parameters()];
    expect(gradcheck(f as never, inputs as never)).toBe(true);
    expect(gradgradcheck(f as never, inputs as never)).toBe(true);
  });

  test('gives the same whether steps are recorded, written in place, or batched', () => {
    const module = make();
    const [x, states] = [wide(3, 2, 2).detach() as Wide, statesFor(module).map((state) => state.detach() as Wide)];
    const recorded = run(module, x.clone().requiresGrad_() as Tensor, states);
    const plain = noGrad(() => run(module, x, states));
    recorded.forEach((value, i) => {
      expect(largest(value.sub(plain[i] as Tensor) as Tensor)).toBe(0);
    });
    const batch = (vmap as unknown as (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor)(
      (each) => run(module, each, states)[0] as Tensor,
    );
    const twice = noGrad(() => batch(x.unsqueeze(0).expand(2, 3, 2, 2) as Tensor));
    expect(largest(twice.select(0, 1).sub(plain[0] as Tensor) as Tensor)).toBeLessThan(1e-14);
  });
});

describe('recurrent modules', () => {
  test('a layer is its cell, step by step', () => {
    const [layer, cell] = [new nn.LSTM(2, 3), new nn.LSTMCell(2, 3)];
    const state = [...layer.stateDict()].map(([name, value]) => [name.replace('_l0', ''), value] as const);
    cell.loadStateDict(Object.fromEntries(state));
    const x = randn([4, 2, 2]);
    let states: [Tensor, Tensor] | null = null;
    for (let step = 0; step < 4; step++) states = cell.forward(x.select(0, step), states);
    const [, [h, c]] = layer.forward(x);
    expect(largest(h.select(0, 0).sub((states as unknown as Tensor[])[0] as Tensor) as Tensor)).toBeLessThan(1e-6);
    expect(largest(c.select(0, 0).sub((states as unknown as Tensor[])[1] as Tensor) as Tensor)).toBeLessThan(1e-6);
  });

  test('the batch may come first, or not at all', () => {
    const [module, first] = [new nn.GRU(2, 3, { numLayers: 2 }), new nn.GRU(2, 3, { numLayers: 2, batchFirst: true })];
    first.loadStateDict(module.stateDict());
    const x = randn([4, 3, 2]);
    const [output, last] = module.forward(x);
    const [turned] = first.forward(x.transpose(0, 1) as Tensor);
    expect(largest(turned.transpose(0, 1).sub(output) as Tensor)).toBeLessThan(1e-6);
    const [single, ending] = module.forward(x.select(1, 2));
    expect(largest(single.sub(output.select(1, 2)) as Tensor)).toBeLessThan(1e-6);
    expect(largest(ending.sub(last.select(1, 2)) as Tensor)).toBeLessThan(1e-6);
  });

  /** Numbers made by PyTorch 2.13 from the same seed. */
  test('weights and dropout between layers are what PyTorch draws, and so are the gradients', () => {
    manualSeed(3);
    const module = new nn.LSTM(4, 3, { numLayers: 2, bidirectional: true, dropout: 0.4, projSize: 2 });
    const x = randn([5, 2, 4], { requiresGrad: true });
    const [output, [h, c]] = module.forward(x as Tensor);
    const loss = output.pow(2).sum().add(h.pow(2).sum()).add(c.pow(2).sum()) as Tensor;
    loss.backward();
    expect(Number(loss.item())).toBeCloseTo(5.74756, 4);
    expect(Number((x.grad as Tensor).sum().item())).toBeCloseTo(7.03119, 4);
    const sums = module.parameters().map(({ grad }) => Number((grad as Tensor).sum().item()));
    [4.86827, 0.01235, 2.164, 2.164, -0.80105, 0.91145, 0.26649, 1.93113, 1.93113, 0.24472].forEach((value, i) => {
      expect(sums[i]).toBeCloseTo(value, 4);
    });
  });

  test('what does not fit is refused', () => {
    const module = new nn.RNN(2, 3);
    expect(() => module.forward(randn([4, 1, 3]))).toThrow(ShapeError);
    expect(() => module.forward(randn([0, 1, 2]))).toThrow(ShapeError);
    expect(() => module.forward(randn([4, 1, 2]), randn([2, 1, 3]))).toThrow(ShapeError);
    expect(() => module.forward(randn([4, 1, 2], { dtype: 'float64' }))).toThrow(DTypeError);
    expect(() => new nn.LSTM(2, 3, { projSize: 3 })).toThrow(/below the hidden size/);
  });
});

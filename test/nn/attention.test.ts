import { describe, expect, test } from 'vitest';
import { ArgumentError, DTypeError, manualSeed, nn, ones, randn, ShapeError, type Tensor, tensor, zeros } from '../../src/index.ts';

const { scaledDotProductAttention } = nn.functional;

function largest(x: Tensor): number {
  return Number(x.abs().max().item());
}

/** Attention written out. */
function written(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | null): Tensor {
  const scores = q.mul(1 / Math.sqrt(q.shape.at(-1) as number)).matmul(k.mT) as Tensor;
  return (bias === null ? scores : scores.add(bias)).softmax(-1).matmul(v) as Tensor;
}

describe('scaledDotProductAttention', () => {
  const [q, k, v] = [
    randn([2, 4, 3], { dtype: 'float64' }),
    randn([2, 5, 3], { dtype: 'float64' }),
    randn([2, 5, 2], { dtype: 'float64' }),
  ];

  test('is softmax(q kᵀ / √E) v', () => {
    expect(largest(scaledDotProductAttention(q, k, v).sub(written(q, k, v, null)))).toBeLessThan(1e-14);
  });

  test('is causal from the first position on, as the mask that says so', () => {
    const allowed = ones([4, 5], { dtype: 'bool' }).tril();
    const causal = scaledDotProductAttention(q, k, v, null, { isCausal: true });
    expect(largest(causal.sub(scaledDotProductAttention(q, k, v, allowed)))).toBe(0);
    expect(largest(causal.select(1, 0).sub(v.select(1, 0)))).toBeLessThan(1e-15);
  });

  test('gives 0 and a gradient without NaN where nothing may be attended to', () => {
    const mask = tensor([[true, false, true, false, true], ...Array<boolean[]>(3).fill(Array<boolean>(5).fill(false))]);
    const x = q.clone().requiresGrad_() as Tensor;
    const result = scaledDotProductAttention(x, k, v, mask) as Tensor;
    expect(largest(result.narrow(1, 1, 3) as Tensor)).toBe(0);
    result.sum().backward();
    const grad = x.grad as Tensor;
    expect(grad.isfinite().all().item()).toBe(true);
    expect(largest(grad.select(1, 0))).toBeGreaterThan(0);
    expect(largest(grad.narrow(1, 1, 3) as Tensor)).toBe(0);
  });

  test('lets heads of keys serve several heads of queries', () => {
    const [heads, shared] = [randn([4, 3, 2]), randn([2, 5, 2])];
    const grouped = scaledDotProductAttention(heads, shared, shared, null, { enableGqa: true });
    const repeated = shared.repeatInterleave(2, 0) as Tensor<number[], 'float32'>;
    expect(largest(grouped.sub(scaledDotProductAttention(heads, repeated, repeated)))).toBe(0);
    expect(() => scaledDotProductAttention(randn([3, 3, 2]), shared, shared, null, { enableGqa: true })).toThrow(ShapeError);
  });

  test('drops weights as dropout does, the same in a second derivative', () => {
    manualSeed(5);
    const dropped = scaledDotProductAttention(q, k, v, null, { dropoutP: 0.5 });
    manualSeed(5);
    const mask = nn.functional.dropout(ones([2, 4, 5], { dtype: 'float64' }), 0.5);
    const scores = q.mul(1 / Math.sqrt(3)).matmul(k.mT) as Tensor;
    expect(largest(dropped.sub(scores.softmax(-1).mul(mask).matmul(v)))).toBeLessThan(1e-14);
  });

  test('refuses what does not fit, and a mask beside isCausal', () => {
    expect(() => scaledDotProductAttention(q, k.narrow(2, 0, 2), v)).toThrow(ShapeError);
    expect(() => scaledDotProductAttention(q, k.to('float32'), v)).toThrow(DTypeError);
    expect(() => scaledDotProductAttention(q, k, v, zeros([4, 5], { dtype: 'float64' }), { isCausal: true })).toThrow(ArgumentError);
    expect(() => scaledDotProductAttention(q, k, v, zeros([3, 5], { dtype: 'float64' }))).toThrow(ShapeError);
  });
});

describe('MultiheadAttention', () => {
  test('gives the same output with and without weights, and with its batch first', () => {
    const attention = new nn.MultiheadAttention(6, 2);
    const first = new nn.MultiheadAttention(6, 2, { batchFirst: true });
    first.loadStateDict(attention.stateDict());
    const [x, y] = [randn([4, 3, 6]), randn([5, 3, 6])];
    const [output, weights] = attention.forward(x, y, y);
    const [lean, none] = attention.forward(x, y, y, { needWeights: false });
    const [turned] = first.forward(x.transpose(0, 1) as Tensor, y.transpose(0, 1) as Tensor, y.transpose(0, 1) as Tensor);
    expect(largest(output.sub(lean) as Tensor)).toBeLessThan(1e-6);
    expect(largest(output.sub(turned.transpose(0, 1)) as Tensor)).toBeLessThan(1e-6);
    expect(none).toBeNull();
    expect(largest((weights as Tensor).sum(-1).sub(1) as Tensor)).toBeLessThan(1e-6);
  });

  test('projects keys and values of other sizes', () => {
    const attention = new nn.MultiheadAttention(6, 2, { kdim: 4, vdim: 5 });
    expect(attention.namedParameters().map(([name]) => name)).toEqual([
      'q_proj_weight',
      'k_proj_weight',
      'v_proj_weight',
      'in_proj_bias',
      'out_proj.weight',
      'out_proj.bias',
    ]);
    expect(attention.forward(randn([4, 3, 6]), randn([2, 3, 4]), randn([2, 3, 5]))[0].shape).toEqual([4, 3, 6]);
  });

  test('names of options are checked, and so are masks', () => {
    const attention = new nn.MultiheadAttention(6, 2);
    const x = randn([4, 3, 6]);
    expect(() => attention.forward(x, x, x, { mask: x } as object)).toThrow(/unknown option 'mask'/);
    expect(() => attention.forward(x, x, x, { isCausal: true })).toThrow(ArgumentError);
    expect(() => attention.forward(x, x, x, { keyPaddingMask: zeros([4, 3], { dtype: 'bool' }) })).toThrow(ShapeError);
    expect(() => new nn.MultiheadAttention(6, 4)).toThrow(ArgumentError);
  });
});

/** Numbers made by PyTorch 2.13 from the same seed. */
describe('transformers draw what PyTorch draws', () => {
  test('initial weights of a whole transformer, and dropout in it', () => {
    manualSeed(3);
    const model = new nn.Transformer(8, 2, { numEncoderLayers: 2, numDecoderLayers: 1, dimFeedforward: 16, dropout: 0.2 });
    const sums = model.parameters().map((parameter) => Number(parameter.sum().item()));
    const expected = [3.24, 0, 1.0809, 0, 4.2771, 0.0669, -0.0594, 0.4716, 8, 0, 8, 0, -2.9131, 0, -0.0395, 0, 4.9344, 0.0669, -0.1212];
    expected.forEach((value, i) => {
      expect(sums[i]).toBeCloseTo(value, 3);
    });
    expect(sums).toHaveLength(46);
    const tgtMask = nn.Transformer.generateSquareSubsequentMask(3);
    model.forward(randn([5, 2, 8]), randn([3, 2, 8]), { tgtMask, tgtIsCausal: true });
    const attention = new nn.MultiheadAttention(8, 2, { dropout: 0.3, addBiasKv: true, kdim: 4, vdim: 6 });
    const [output] = attention.forward(randn([3, 2, 8]), randn([4, 2, 4]), randn([4, 2, 6]));
    const rows = (output.sum(2).detach() as Tensor).flatten().toArray() as number[];
    [-0.3326, -0.4809, 0.3992, -0.263, 0.909, -0.6364].forEach((value, i) => {
      expect(rows[i]).toBeCloseTo(value, 3);
    });
  });

  test('a stack copies the layer that it is given, weights and all, and draws nothing', () => {
    const layer = new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 8, activation: 'gelu', normFirst: true });
    manualSeed(1);
    const stack = new nn.TransformerEncoder(layer, 2);
    const drawn = randn([1]).item();
    manualSeed(1);
    expect(randn([1]).item()).toBe(drawn);
    const state = stack.stateDict();
    for (const [name, value] of layer.stateDict())
      for (const i of [0, 1]) expect((state.get(`layers.${i}.${name}`) as Tensor).toArray()).toEqual(value.toArray());
    expect(stack.parameters()).toHaveLength(2 * layer.parameters().length);
    expect(stack.parameters()).not.toContain(layer.parameters()[0]);
  });
});

import { describe, expect, test } from 'vitest';
import { vmap } from '../../src/func.ts';
import { autograd, manualSeed, nn, randn, type Tensor, tensor } from '../../src/index.ts';
import { listenToAllocations } from '../../src/runtime/storage.ts';

const { scaledDotProductAttention } = nn.functional;
type Options = Parameters<typeof scaledDotProductAttention>[4];

/** How far two tensors are apart, as a part of the second. */
function difference(x: Tensor, y: Tensor): number {
  return Number(x.to('float64').sub(y).abs().max().item()) / (Number(y.abs().max().item()) + 1e-9);
}

/** The output and the three gradients in a dtype: float64 runs the composition, float32 the kernels. */
function run(operands: readonly Tensor[], type: 'float32' | 'float64', options: Options, order: 1 | 2): Tensor[] {
  const inputs = operands.map((x) => x.to(type).detach().requiresGrad_(true) as Tensor);
  const [q, k, v] = inputs as [Tensor, Tensor, Tensor];
  const out = scaledDotProductAttention(q, k, v, null, options) as Tensor;
  const weights = randn(out.shape, { dtype: 'float32' }).to(type);
  const first = autograd.grad(out.mul(weights).sum(), [...inputs], null, { createGraph: order === 2 }) as Tensor[];
  if (order === 1) return [out, ...first];
  const through = first.map((g) => g.sin().sum()).reduce((a, b) => a.add(b) as typeof a);
  return [out, ...(autograd.grad(through, inputs) as Tensor[])];
}

function expectEqual(operands: readonly Tensor[], options: Options, order: 1 | 2 = 1): void {
  manualSeed(1);
  const fused = run(operands, 'float32', options, order);
  manualSeed(1);
  const composed = run(operands, 'float64', options, order);
  for (const [i, x] of fused.entries()) expect(difference(x, composed[i] as Tensor), `result ${i}`).toBeLessThan(5e-6);
}

const SHAPES = [
  { title: 'whole tiles', q: [2, 3, 64, 32], k: [2, 3, 64, 32], v: [2, 3, 64, 32] },
  { title: 'one element', q: [1, 1], k: [1, 1], v: [1, 1] },
  { title: 'no dimensions in front', q: [5, 3], k: [7, 3], v: [7, 2] },
  { title: 'several blocks of keys', q: [2, 130, 17], k: [2, 301, 17], v: [2, 301, 23] },
  { title: 'more queries than keys', q: [301, 17], k: [130, 17], v: [130, 5] },
] as const;

describe('attention without all scores in memory', () => {
  for (const isCausal of [false, true]) {
    for (const { title, q, k, v } of SHAPES)
      test(`is the composition, ${isCausal ? 'causal' : 'full'}, ${title}`, () => {
        expectEqual([randn(q), randn(k), randn(v)], { isCausal });
      });
    test(`is the composition for shared heads, ${isCausal ? 'causal' : 'full'}`, () => {
      expectEqual([randn([2, 8, 50, 16]), randn([2, 2, 50, 16]), randn([2, 2, 50, 8])], { isCausal, enableGqa: true, scale: 2 });
    });
    test(`has the second derivatives of the composition, ${isCausal ? 'causal' : 'full'}`, () => {
      expectEqual([randn([2, 4, 9, 5]), randn([2, 2, 9, 5]), randn([2, 2, 9, 3])], { isCausal, enableGqa: true }, 2);
    });
  }

  test('reads views of one tensor, and lays heads beside each other where it finds them so', () => {
    const [b, t, h, e] = [2, 20, 3, 8];
    const all = randn([b, t, 3 * h * e]);
    const parts = all.split(h * e, 2).map((part) => part.view([b, t, h, e]).transpose(1, 2));
    expectEqual(parts, { isCausal: true });
    const [q, k, v] = parts as [Tensor<number[], 'float32'>, Tensor<number[], 'float32'>, Tensor<number[], 'float32'>];
    expect(scaledDotProductAttention(q, k, v).transpose(1, 2).isContiguous()).toBe(true);
    expect(scaledDotProductAttention(q.contiguous(), k, v).isContiguous()).toBe(true);
  });

  test('gives the gradients of pieces of one tensor in one tensor, which is the gradient of the whole', () => {
    const [b, t, h, e] = [2, 9, 3, 8];
    const given = randn([b, t, 3 * h * e]);
    const weights = randn([b, h, t, e]);
    const gradient = (type: 'float32' | 'float64', keep: boolean): [whole: Tensor, ofQuery: Tensor | null] => {
      const x = given.to(type).clone().requiresGrad_(true);
      const [q, k, v] = x
        .mul(1)
        .split(h * e, 2)
        .map((part) => part.view([b, t, h, e]).transpose(1, 2)) as [Tensor, Tensor, Tensor];
      if (keep) q.retainGrad();
      (
        scaledDotProductAttention(
          q as Tensor<number[], 'float32'>,
          k as Tensor<number[], 'float32'>,
          v as Tensor<number[], 'float32'>,
        ) as Tensor
      )
        .mul(weights.to(type))
        .sum()
        .backward();
      return [x.grad as Tensor, q.grad as Tensor | null];
    };
    const [expected] = gradient('float64', false);
    expect(difference(gradient('float32', false)[0], expected)).toBeLessThan(5e-6);
    // A gradient that somebody keeps is nobody else's memory.
    const [whole, ofQuery] = gradient('float32', true);
    (ofQuery as Tensor).fill_(0);
    expect(difference(whole, expected)).toBeLessThan(5e-6);
  });

  test('is batched by vmap', () => {
    const [q, k, v] = [randn([3, 2, 7, 4]), randn([2, 7, 4]), randn([3, 2, 7, 4])];
    const mapped = vmap((x: Tensor<number[], 'float32'>, y: Tensor<number[], 'float32'>) => scaledDotProductAttention(x, k, y) as Tensor)(
      q,
      v,
    );
    for (let i = 0; i < 3; i++)
      expect(difference((mapped as Tensor).select(0, i), scaledDotProductAttention(q.select(0, i), k, v.select(0, i)).to('float64'))).toBe(
        0,
      );
  });

  test('treats infinite scores and NaN as the composition does', () => {
    const big = Number.POSITIVE_INFINITY;
    for (const rows of [
      [[big], [1]],
      [[-big], [1]],
      [[Number.NaN], [1]],
      [[1], [big]],
    ]) {
      const k = tensor([[1], [2], [-1]]);
      const v = tensor([[1], [2], [3]]);
      const fused = scaledDotProductAttention(tensor(rows), k, v).toArray();
      const composed = scaledDotProductAttention(tensor(rows, { dtype: 'float64' }), k.to('float64'), v.to('float64')).toArray();
      const rounded = (x: unknown): unknown => (x as number[][]).map(([y]) => Math.fround(Math.round((y as number) * 1e5)));
      expect(rounded(fused)).toEqual(rounded(composed));
    }
  });

  test('allocates nothing of the size of the scores', () => {
    const x = randn([1024, 8]).requiresGrad_();
    let most = 0;
    const before = listenToAllocations((bytes) => {
      most = Math.max(most, bytes);
    });
    try {
      scaledDotProductAttention(x, x, x, null, { isCausal: true }).sum().backward();
    } finally {
      listenToAllocations(before);
    }
    expect(most).toBeLessThan((1024 * 1024 * 4) / 8);
  });
});

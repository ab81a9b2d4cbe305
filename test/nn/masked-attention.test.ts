import { describe, expect, test } from 'vitest';
import { vmap } from '../../src/func.ts';
import { autograd, manualSeed, nn, rand, randn, type Tensor, tensor } from '../../src/index.ts';
import { listenToAllocations } from '../../src/runtime/storage.ts';

const { scaledDotProductAttention } = nn.functional;
type Options = Parameters<typeof scaledDotProductAttention>[4];

function difference(x: Tensor, y: Tensor): number {
  return Number(x.to('float64').sub(y).abs().max().item()) / (Number(y.abs().max().item()) + 1e-9);
}

/** The output and the three gradients in a dtype: float64 runs the composition, float32 the kernels. */
function run(operands: readonly Tensor[], mask: Tensor, type: 'float32' | 'float64', options: Options, order: 1 | 2): Tensor[] {
  const inputs = operands.map((x) => x.to(type).detach().requiresGrad_(true) as Tensor);
  const [q, k, v] = inputs as [Tensor, Tensor, Tensor];
  const out = scaledDotProductAttention(q, k, v, mask.dtype === 'bool' ? mask : mask.to(type), options) as Tensor;
  const weights = randn(out.shape, { dtype: 'float32' }).to(type);
  const first = autograd.grad(out.mul(weights).sum(), [...inputs], null, { createGraph: order === 2 }) as Tensor[];
  if (order === 1) return [out, ...first];
  const through = first.map((g) => g.sin().sum()).reduce((a, b) => a.add(b) as typeof a);
  return [out, ...(autograd.grad(through, inputs) as Tensor[])];
}

function expectEqual(operands: readonly Tensor[], mask: Tensor, options: Options = {}, order: 1 | 2 = 1): void {
  manualSeed(1);
  const fused = run(operands, mask, 'float32', options, order);
  manualSeed(1);
  const composed = run(operands, mask, 'float64', options, order);
  for (const [i, x] of fused.entries()) expect(difference(x, composed[i] as Tensor), `result ${i}`).toBeLessThan(5e-6);
}

const chosen = (shape: readonly number[], share = 0.6): Tensor => rand(shape).lt(share) as Tensor;

/** -∞ where a mask is false. */
const barred = (mask: Tensor): Tensor => randn(mask.shape).maskedFill(mask.logicalNot() as Tensor<number[], 'bool'>, -Infinity) as Tensor;

const FORMS = [
  { title: 'one for all heads', mask: [1, 1, 130, 301] },
  { title: 'a matrix', mask: [130, 301] },
  { title: 'one for each head', mask: [2, 3, 130, 301] },
  { title: 'padding of keys', mask: [2, 1, 1, 301] },
  { title: 'one truth a query', mask: [1, 3, 130, 1] },
  { title: 'one number', mask: [1] },
] as const;

describe('attention with a mask, without all scores in memory', () => {
  for (const { title, mask } of FORMS) {
    const operands = (): Tensor[] => [randn([2, 3, 130, 17]), randn([2, 3, 301, 17]), randn([2, 3, 301, 23])];
    test(`is the composition: truth values, ${title}`, () => expectEqual(operands(), chosen(mask)));
    test(`is the composition: numbers, ${title}`, () => expectEqual(operands(), randn(mask)));
    test(`is the composition: numbers and -∞, ${title}`, () => expectEqual(operands(), barred(chosen(mask))));
  }

  test('is the composition for masks of any strides, shared heads and other scales', () => {
    const operands = [randn([2, 4, 50, 16]), randn([2, 2, 37, 16]), randn([2, 2, 37, 8])];
    expectEqual(operands, chosen([37, 50]).t(), { enableGqa: true, scale: 2 });
    expectEqual(operands, randn([37, 50]).t(), { enableGqa: true, scale: 2 });
    expectEqual(operands, randn([50, 74]).slice(1, 0, 74, 2), { enableGqa: true, scale: 0.1 });
  });

  test('has the second derivatives of the composition, rows of nothing included', () => {
    const operands = [randn([2, 4, 9, 5]), randn([2, 2, 7, 5]), randn([2, 2, 7, 3])];
    const mask = chosen([9, 7], 0.3);
    mask.select(0, 4).fill_(false);
    expectEqual(operands, mask, { enableGqa: true }, 2);
    expectEqual(operands, barred(mask), { enableGqa: true }, 2);
  });

  test('gives 0 and no gradient where a row may attend to nothing, also after whole blocks of nothing', () => {
    const operands = [randn([60, 8]), randn([300, 8]), randn([300, 8])];
    const mask = chosen([60, 300], 0.5);
    mask.slice(0, 0, 7).fill_(false);
    mask.slice(0, 10, 20).slice(1, 0, 256).fill_(false);
    mask.slice(0, 20, 30).slice(1, 128, 300).fill_(false);
    expectEqual(operands, mask);
    expectEqual(operands, barred(mask));
    const [q, k, v] = operands as [Tensor<number[], 'float32'>, Tensor<number[], 'float32'>, Tensor<number[], 'float32'>];
    expect(scaledDotProductAttention(q, k, v, mask).slice(0, 0, 7).abs().max().item()).toBe(0);
  });

  test('is batched by vmap', () => {
    const [q, k, v] = [randn([3, 2, 7, 4]), randn([2, 7, 4]), randn([3, 2, 7, 4])];
    const mask = chosen([7, 7]);
    const mapped = vmap(
      (x: Tensor<number[], 'float32'>, y: Tensor<number[], 'float32'>) => scaledDotProductAttention(x, k, y, mask) as Tensor,
    );
    const found = mapped(q, v) as Tensor;
    for (let i = 0; i < 3; i++)
      expect(difference(found.select(0, i), scaledDotProductAttention(q.select(0, i), k, v.select(0, i), mask).to('float64'))).toBe(0);
  });

  test('gives the gradient of a mask that asks for it', () => {
    const mask = tensor([[0.5, -1]], { requiresGrad: true });
    const [q, k, v] = [tensor([[1]]), tensor([[1], [2]]), tensor([[1], [3]])];
    const [gradient] = autograd.grad(scaledDotProductAttention(q, k, v, mask).sum(), [mask]) as [Tensor];
    const [a, b] = [Math.exp(1.5), Math.exp(1)];
    const share = (2 * a * b) / (a + b) ** 2;
    expect((gradient.toArray() as number[][])[0]?.map((x) => Math.round(x * 1e6))).toEqual([-share, share].map((x) => Math.round(x * 1e6)));
  });

  test('allocates nothing of the size of the scores', () => {
    const x = randn([1024, 8]).requiresGrad_();
    const mask = chosen([1, 1024]);
    let most = 0;
    const before = listenToAllocations((bytes) => {
      most = Math.max(most, bytes);
    });
    try {
      scaledDotProductAttention(x, x, x, mask).sum().backward();
    } finally {
      listenToAllocations(before);
    }
    expect(most).toBeLessThan((1024 * 1024 * 4) / 8);
  });
});

/** The kernels of embeddings, held to compositions of other operators and to plain loops. */
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { grad, indexSelect, manualSeed, nn, rand, randint, randn, type Tensor, tensor, vmap, zeros } from '../../src/index.ts';

const { embedding } = nn.functional;

const widths = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 20, 31, 64, 67, 600] as const;
const dtypes = ['float32', 'float64', 'float16', 'int32', 'uint8', 'complex64'] as const;

/** Values of every dtype. */
const table = (rows: number, width: number, dtype: (typeof dtypes)[number]): Tensor => randn([rows, width]).mul(50).abs().to(dtype);

describe('embedding', () => {
  it.each(dtypes)('gives the rows that indices of both kinds name: %s', (dtype) => {
    manualSeed(1);
    for (const width of widths) {
      const weight = table(11, width, dtype);
      const index = randint(0, 11, [3, 7], { dtype: 'int64' });
      const expected = indexSelect(weight, 0, index.reshape([21])).reshape([3, 7, width]);
      const found = embedding(index, weight);
      expect(found.shape).toEqual([3, 7, width]);
      expect(found.toArray()).toEqual(expected.toArray());
      expect(embedding(index.to('int32'), weight).toArray()).toEqual(expected.toArray());
    }
  });

  it.each(['float32', 'float64'] as const)('has the gradient that a loop adds up in order, to the bit: %s', (dtype) => {
    manualSeed(2);
    for (const width of widths) {
      const weight = randn([9, width], { dtype, requiresGrad: true });
      const index = randint(0, 9, [40], { dtype: 'int64' });
      const g = randn([40, width], { dtype });
      const expected = zeros([9, width], { dtype }).indexAdd(0, index, g);
      for (const at of [index, index.to('int32')]) {
        const [found] = grad(embedding(at, weight), [weight], [g]) as [Tensor];
        expect(found.toArray()).toEqual(expected.toArray());
        const [skipping] = grad(embedding(at, weight, { paddingIdx: -3 }), [weight], [g]) as [Tensor];
        expect(skipping.toArray()).toEqual(expected.toArray().map((row, i) => (i === 6 ? (row as number[]).map(() => 0) : row)));
      }
    }
  });

  it('has the same gradient from tensors with gaps, which have no kernel', () => {
    manualSeed(3);
    const weight = randn([6, 10], { requiresGrad: true });
    const index = randint(0, 6, [8, 2], { dtype: 'int64' });
    const g = randn([8, 2, 10]);
    const [expected] = grad(embedding(index, weight), [weight], [g]) as [Tensor];
    const apart = index.t().contiguous().t();
    const wide = randn([10, 6]).t().copy_(weight.detach()).requiresGrad_();
    const found = grad(embedding(apart, wide), [wide], [g.permute([2, 0, 1]).contiguous().permute([1, 2, 0])]);
    expect((found[0] as Tensor).toArray()).toEqual(expected.toArray());
  });

  it('divides by frequencies as before', () => {
    const weight = rand([4, 2], { requiresGrad: true });
    embedding(tensor([1n, 1n, 3n, 1n, 1n]), weight, { scaleGradByFreq: true })
      .sum()
      .backward();
    expect(weight.grad?.toArray()).toEqual([
      [0, 0],
      [1, 1],
      [0, 0],
      [1, 1],
    ]);
  });

  it.each([
    ['int64', [0, 4, 1], /index 4 is out of range/],
    ['int64', [0, -1, 1], /index -1 is out of range/],
    ['int64', [2 ** 32 + 1, 0], /index 4294967297 is out of range/],
    ['int64', [-(2 ** 40), 0], /index -1099511627776 is out of range/],
    ['int32', [3, 4], /index 4 is out of range/],
    ['int32', [3, -2], /index -2 is out of range/],
  ] as const)('refuses indices out of range: %s %j', (dtype, values, error) => {
    expect(() => embedding(tensor(values as readonly number[], { dtype }), rand([4, 3]))).toThrow(error);
  });

  it('takes no indices, and rows of nothing', () => {
    const weight = rand([4, 3], { requiresGrad: true });
    embedding(zeros([0, 2], { dtype: 'int64' }), weight)
      .sum()
      .backward();
    expect(weight.grad?.toArray()).toEqual(zeros([4, 3]).toArray());
    expect(embedding(tensor([1n]), zeros([4, 0])).shape).toEqual([1, 0]);
  });

  it('has derivatives of higher order, and batches', () => {
    manualSeed(4);
    const weight = randn([5, 3], { requiresGrad: true });
    const index = tensor([0n, 2n, 2n]);
    const [first] = grad(embedding(index, weight).pow(3).sum(), [weight], { createGraph: true }) as [Tensor];
    const [second] = grad(first.sum(), [weight]) as [Tensor];
    const counts = tensor([[1], [0], [2], [0], [0]]);
    expect(second.sub(weight.mul(6).mul(counts)).abs().max().item()).toBeLessThan(1e-5);
    const many = randint(0, 5, [4, 3], { dtype: 'int64' });
    expect((vmap((at: Tensor) => embedding(at, weight) as Tensor)(many) as Tensor).toArray()).toEqual(embedding(many, weight).toArray());
  });

  it('runs compiled, and refuses there as well', () => {
    manualSeed(5);
    const weight = randn([5, 3]);
    const looked = compile((at: Tensor) => embedding(at, weight).mul(2));
    for (let i = 0; i < 4; i++) {
      const index = randint(0, 5, [6], { dtype: 'int64' });
      expect(looked(index).toArray()).toEqual(embedding(index, weight).mul(2).toArray());
    }
    expect(() => looked(tensor([0n, 1n, 2n, 3n, 4n, 5n]))).toThrow(/index 5 is out of range/);
  });
});

import { describe, expect, it } from 'vitest';
import * as nabla from '../../src/index.ts';

const { arange, bernoulli, manualSeed, nn, normal, ones, rand, randn, tensor } = nabla;

/** Figures of PyTorch 2.13. */
describe('arange in integer dtypes', () => {
  it.each([
    [[3.1], [0n, 1n, 2n]],
    [
      [1, 5.000001, 2],
      [1n, 3n],
    ],
    [[-0.9, 2.1, 2], [0n]],
    [
      [-3.5, 2],
      [-3n, -2n, -1n, 0n, 1n],
    ],
  ] as const)('int64 takes the whole parts of %j first', (range, expected) => {
    expect([...arange(...(range as unknown as [number, number]), { dtype: 'int64' }).toTypedArray()]).toEqual(expected);
  });

  it.each([
    [[3.1], [0, 1, 2, 3]],
    [
      [0, 3, 0.5],
      [0, 0, 0, 0, 0, 0],
    ],
    [
      [0.5, 3.5, 1.5],
      [0, 1],
    ],
  ] as const)('int32 counts %j before it takes the whole parts', (range, expected) => {
    expect([...arange(...(range as unknown as [number, number]), { dtype: 'int32' }).toTypedArray()]).toEqual(expected);
  });
});

describe('dropout of channels without a batch', () => {
  it('draws one number a row of [C, L] and a block of [C, D, H, W]', () => {
    manualSeed(0);
    expect(nn.functional.dropout1d(ones([3, 4]), 0.5).toArray()).toEqual([Array(4).fill(0), Array(4).fill(0), Array(4).fill(2)]);
    manualSeed(0);
    const blocks = nn.functional.dropout3d(ones([3, 2, 2, 2]), 0.5);
    expect(blocks.sum([1, 2, 3]).toArray()).toEqual([0, 0, 16]);
  });
});

describe('draws from tensors', () => {
  it('are recorded with a derivative of zero', () => {
    const [mean, std] = [randn([3], { requiresGrad: true }), rand([3], { requiresGrad: true })];
    const drawn = normal(mean, std);
    expect(String(drawn.gradFn)).toContain('NormalBackward');
    drawn.sum().backward();
    expect(mean.grad?.toArray()).toEqual([0, 0, 0]);
    expect(std.grad?.toArray()).toEqual([0, 0, 0]);
    const p = tensor([0.25, 0.5], { requiresGrad: true });
    bernoulli(p).sum().backward();
    expect(p.grad?.toArray()).toEqual([0, 0]);
  });
});

import { describe, expect, it } from 'vitest';
import { manualSeed, nn, ones, rand } from '../../src/index.ts';
import { defaultGenerator, fillDropoutMask, Generator } from '../../src/runtime/random.ts';

const { dropout } = nn.functional;

/** The mask that a loop over single draws gives, after `before` other words of the generator. */
function looped(size: number, p: number, before: number, half: 'float16' | null): { mask: Float32Array; generator: Generator } {
  const generator = new Generator().manualSeed(7);
  for (let i = 0; i < before; i++) generator.draw32();
  return { mask: fillDropoutMask(generator, new Float32Array(size), p, { half }), generator };
}

describe('dropout masks drawn by a kernel', () => {
  it.each([
    [512, 0.5, 0],
    [512, 0.5, 1],
    [1000, 0.1, 623],
    [1001, 0.9, 624],
    [4099, 0.3, 17],
    [70001, 1e-17, 2],
    [70003, 0.4, 625],
  ])('are those of the loop, and leave its generator: %i elements, p %d, after %i words', (size, p, before) => {
    const expected = looped(size, p, before, null);
    manualSeed(7);
    if (before > 0) rand([before]);
    const found = dropout(ones([size]), p).toTypedArray() as Float32Array;
    expect(found.every((value, i) => value === expected.mask[i])).toBe(true);
    expect(found.some((value) => value === 0)).toBe(p > 1e-10);
    expect(defaultGenerator.getState()).toEqual(expected.generator.getState());
  });

  it('in half precision as well', () => {
    const expected = looped(2000, 0.3, 3, 'float16');
    manualSeed(7);
    rand([3]);
    expect([
      ...(dropout(ones([2000], { dtype: 'float16' }), 0.3)
        .to('float32')
        .toTypedArray() as Float32Array),
    ]).toEqual([...expected.mask]);
  });

  it('are what the derivative multiplies by', () => {
    const x = ones([3000], { requiresGrad: true });
    const y = dropout(x, 0.25);
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual(y.toArray());
  });
});

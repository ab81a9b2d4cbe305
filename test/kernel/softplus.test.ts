import { expect, test } from 'vitest';
import { logaddexp, nn, tensor } from '../../src/index.ts';

/** Numbers of all sizes, and those around which the computation changes. */
function numbers(): Float32Array {
  const found = [0, -0, Infinity, -Infinity, Number.NaN, 0.88137364, -0.88137364, 104, -104, 20, -20, 3e38, -3e38, 1e-40];
  for (let i = 0; i < 40001; i++) found.push(((i / 20000 - 1) * 110) / (1 + (i % 7) ** 3));
  return Float32Array.from(found);
}

/** The largest error in units in the last place of float32. */
function worst(found: Float32Array, wanted: readonly number[]): number {
  let most = 0;
  for (const [i, value] of wanted.entries()) {
    if (Object.is(found[i]! + 0, Math.fround(value) + 0)) continue;
    const unit = 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(value)))) - 23);
    most = Math.max(most, Number.isFinite(found[i]!) ? Math.abs(found[i]! - value) / unit : Infinity);
  }
  return most;
}

test('softplus is right to 2 ulp in float32', () => {
  const x = numbers();
  const found = nn.functional.softplus(tensor(x), { threshold: 1e39 }).toTypedArray() as Float32Array;
  const wanted = [...x].map((v) => Math.log1p(Math.exp(-Math.abs(v))) + Math.max(v, 0));
  expect(worst(found, wanted)).toBeLessThanOrEqual(2);
});

test('logaddexp is right to 2 ulp in float32, where nothing cancels', () => {
  const x = numbers();
  const wanted = [...x].map((v) => Math.log1p(Math.exp(-Math.abs(v))) + Math.max(v, 0));
  const found = logaddexp(tensor(x), tensor([0])).toTypedArray() as Float32Array;
  expect(worst(found, wanted)).toBeLessThanOrEqual(2);
});

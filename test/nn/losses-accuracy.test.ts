import { manualSeed, nn, randint, randn, type Tensor } from 'nabla';
import { describe, expect, test } from 'vitest';

const F = nn.functional;

/** The loss and its gradient, in float64. */
function crossEntropyIn(dtype: 'float32' | 'float64', logits: Tensor, target: Tensor): [number, Tensor] {
  const x = logits.to(dtype).clone().detach().requiresGrad_();
  const loss = F.crossEntropy(x, target);
  loss.backward();
  return [loss.item(), (x.grad as Tensor).to('float64')];
}

describe('the cross entropy in float32', () => {
  test.each([1, 10, 100, 1000])('has the digits of float64, for logits of size %i', (size) => {
    manualSeed(1);
    const logits = randn([64, 10]).mul(size);
    const target = randint(10, [64]);
    const [loss, gradient] = crossEntropyIn('float32', logits, target);
    const [exact, exactGradient] = crossEntropyIn('float64', logits, target);
    expect(Math.abs(loss / exact - 1)).toBeLessThan(1.2e-7);
    // A row's share is 1 / 64.
    expect(gradient.sub(exactGradient).abs().max().item()).toBeLessThan(3e-7 / 64);
  });

  test('a loss that is small is not lost beside the logits', () => {
    const logits = randn([1, 4]).mul(0).add(16);
    logits.select(1, 2).add_(16);
    const [loss] = crossEntropyIn('float32', logits, randint(1, [1]).add(2));
    const [exact] = crossEntropyIn('float64', logits, randint(1, [1]).add(2));
    expect(exact).toBeGreaterThan(3e-7);
    expect(Math.abs(loss / exact - 1)).toBeLessThan(0.3);
  });
});

import { describe, expect, test } from 'vitest';
import { manualSeed, nn, randn, type Tensor } from '../../src/index.ts';

const { functional: F } = nn;

type Loss = (input: Tensor, target: Tensor) => Tensor;

const LOSSES: Readonly<Record<string, Loss>> = {
  mseLoss: (x, y) => F.mseLoss(x, y),
  l1Loss: (x, y) => F.l1Loss(x, y),
  smoothL1Loss: (x, y) => F.smoothL1Loss(x, y, { beta: 0.7 }),
  huberLoss: (x, y) => F.huberLoss(x, y, { delta: 0.7 }),
  softMarginLoss: (x, y) => F.softMarginLoss(x, y),
};

function gradientsOf(loss: Loss, factor: number, createGraph: boolean): unknown[] {
  manualSeed(4);
  const leaves: Tensor[] = [randn([3, 37]), randn([3, 37])].map((x) => x.requiresGrad_());
  loss(leaves[0] as Tensor, leaves[1] as Tensor).backward(randn([]).mul(factor), { createGraph });
  return leaves.map(({ grad }) => (grad as Tensor).detach().toArray());
}

describe('the gradient of a mean of losses is one pass', () => {
  test.each(Object.entries(LOSSES))('%s: with the bits of the composition, which is what is recorded', (_, loss) => {
    for (const factor of [1, 0.3]) expect(gradientsOf(loss, factor, false)).toEqual(gradientsOf(loss, factor, true));
  });
});

/** Gradients that nobody asked for are freed when they are forgotten; others stay with whoever has them. */

import { compile } from 'nabla/compile';
import { describe, expect, test } from 'vitest';
import { nn, optim, randn, type Tensor } from '../../src/index.ts';
import type { Storage } from '../../src/runtime/storage.ts';
import { metaOf } from '../../src/tensor/meta.ts';

function backwardOf(layer: nn.Linear): Storage {
  layer
    .forward(randn([4, 30]))
    .square()
    .sum()
    .backward();
  return (metaOf(layer.weight).grad as Tensor).storage;
}

describe('a gradient that is forgotten', () => {
  const forget: Record<string, (layer: nn.Linear) => void> = {
    'by an optimizer': (layer) => new optim.AdamW(layer.parameters()).zeroGrad(),
    'by a module': (layer) => layer.zeroGrad(),
    'by null': (layer) => {
      layer.weight.grad = null;
    },
  };
  for (const [name, run] of Object.entries(forget)) {
    test(`${name} is freed at once`, () => {
      const layer = new nn.Linear(30, 20);
      const storage = backwardOf(layer);
      expect(storage.released).toBe(false);
      run(layer);
      expect(storage.released).toBe(true);
      expect(layer.weight.grad).toBeNull();
    });

    test(`${name} stays with whoever read it`, () => {
      const layer = new nn.Linear(30, 20);
      const storage = backwardOf(layer);
      const grad = layer.weight.grad as Tensor;
      const values = grad.toArray();
      run(layer);
      expect(storage.released).toBe(false);
      backwardOf(layer);
      expect(grad.toArray()).toEqual(values);
    });
  }

  test('stays where a hook or an optimizer of the user saw it', () => {
    const seen: Tensor[] = [];
    class Keeping extends optim.Optimizer<{ lr: number }> {
      protected override update(_parameter: Tensor, grad: Tensor): void {
        seen.push(grad);
      }
    }
    const layer = new nn.Linear(30, 20);
    const optimizer = new Keeping(layer.parameters(), { lr: 1 });
    backwardOf(layer);
    optimizer.step();
    optimizer.zeroGrad();
    layer.weight.registerPostAccumulateGradHook((leaf) => void seen.push(leaf.grad as Tensor));
    backwardOf(layer);
    optimizer.zeroGrad();
    expect(seen.map(({ storage }) => storage.released)).toEqual([false, false, false]);
  });

  test('may be accumulated into, given up within a recorded function, and made again', () => {
    const layer = new nn.Linear(30, 20);
    const x = randn([4, 30]);
    const optimizer = new optim.SGD(layer.parameters(), { lr: 0.01 });
    const step = (given: Tensor): Tensor => {
      optimizer.zeroGrad();
      const loss = layer.forward(given).square().mean();
      loss.backward();
      optimizer.step();
      return loss;
    };
    const compiled = compile(step);
    const losses: number[] = [];
    for (let i = 0; i < 12; i++) {
      losses.push((i % 3 === 2 ? step : compiled)(x).item() as number);
      layer.forward(x).sum().backward();
    }
    expect(losses.every((loss, i) => Number.isFinite(loss) && (i === 0 || loss < (losses[i - 1] as number)))).toBe(true);
  });
});

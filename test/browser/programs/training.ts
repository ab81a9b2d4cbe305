import { manualSeed, noGrad, randn } from 'nabla';

/** Trains a small network; returns the loss of each step and the gradient of the last, as plain numbers. */
export function run(): { losses: number[]; gradient: unknown } {
  manualSeed(0);
  const x = randn([16, 4]);
  const y = x.sum(1, { keepdim: true }).tanh();
  const w1 = randn([4, 8], { requiresGrad: true });
  const w2 = randn([8, 1], { requiresGrad: true });
  const losses: number[] = [];
  let gradient: unknown = null;
  for (let step = 0; step < 20; step++) {
    const loss = x.matmul(w1).tanh().matmul(w2).sub(y).pow(2).mean();
    loss.backward();
    losses.push(Number(loss.item()));
    gradient = w1.grad?.toArray();
    noGrad(() => {
      for (const w of [w1, w2]) {
        if (w.grad) w.sub_(w.grad, { alpha: 0.05 });
        w.grad = null;
      }
    });
  }
  return { losses, gradient };
}

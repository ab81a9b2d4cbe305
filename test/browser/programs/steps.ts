import { ones, tensor } from 'nabla';

const STEPS = 20_000;

/** Many small steps with a backward pass each, now and then giving way to the event loop as a page does. */
export async function run(): Promise<unknown> {
  const w = ones([16], { requiresGrad: true });
  const target = tensor([2]);
  for (let step = 0; step < STEPS; step++) {
    w.grad = null;
    w.mul(w).sub(target).pow(2).sum().backward();
    if (step % 500 === 0) await new Promise((resume) => setTimeout(resume, 0));
  }
  return w.grad?.toArray();
}

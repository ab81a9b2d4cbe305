/** Row kernels give the same bits whoever computes which rows. */
import { autograd, cat, manualSeed, nn, randint, randn, scope, type Tensor } from 'nabla';
import { beforeAll, describe, expect, test } from 'vitest';
import { awaitThreads, untilShared } from './support.ts';

manualSeed(0);
const x = randn([523, 301]);
const [weight, bias] = [randn([301]), randn([301])];
const labels = randint(0, 301, [523]);

/** Result and gradients in one line. */
function both(call: (...leaves: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor {
  const leaves = inputs.map((y) => y.clone().requiresGrad_());
  const y = call(...leaves);
  const found = autograd.grad([y], leaves, y.ndim === 0 ? undefined : [x]) as Tensor[];
  return cat([y.detach(), ...found].map((g) => g.reshape([-1])));
}

const cases: Record<string, () => Tensor> = {
  softmax: () => both((x) => x.softmax(1), x),
  logSoftmax: () => both((x) => x.logSoftmax(1), x),
  crossEntropy: () => both((x) => nn.functional.crossEntropy(x, labels), x),
  layerNorm: () => both((x, w, b) => nn.functional.layerNorm(x, [301], w, b), x, weight, bias),
};

const bytesOf = (tensor: Tensor): Buffer => Buffer.from((tensor.toTypedArray() as Float32Array).buffer);
const alone = Object.fromEntries(Object.entries(cases).map(([name, run]) => [name, bytesOf(run())]));

describe('two threads', () => {
  beforeAll(() => awaitThreads(2));

  test.each(Object.keys(cases))('%s has the bits that one thread gives it', async (name) => {
    const run = cases[name] as () => Tensor;
    const differs = (): boolean => !bytesOf(run()).equals(alone[name] as Buffer);
    for (let i = 0; i < 10; i++) expect(differs()).toBe(false);
    await untilShared(() => scope(() => void run()));
    expect(differs()).toBe(false);
  });
});

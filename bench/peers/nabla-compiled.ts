/** The same workloads, compiled: `tiny compiled` is to be compared with `tiny`. */
import type { Tensor } from 'nabla';
import type { compile as Compile } from 'nabla/compile';
import { denseSteps, imageSteps, sequenceSteps } from './nabla-training.ts';

type Nabla = typeof import('nabla');
type Workloads = Record<string, () => () => void>;

/** The chain of the elementwise workloads, whose gradient somebody looks at afterwards. */
function chain({ nn, randn }: Nabla, compile: typeof Compile, n: number): () => void {
  const [x, w, b] = [randn([n], { requiresGrad: true }), randn([n]), randn([n])];
  const step = compile((given: Tensor) => {
    given.grad = null;
    const l = nn.functional.gelu(given.mul(w).add(b)).tanh().mul(given).sum();
    l.backward();
    return l;
  });
  return () => {
    step(x);
  };
}

export function compiledSteps(nabla: Nabla, compile: typeof Compile): Workloads {
  const steps = { ...denseSteps(nabla, compile), ...imageSteps(nabla, compile), ...sequenceSteps(nabla, compile) };
  const workloads: Workloads = {};
  for (const [name, make] of Object.entries(steps)) workloads[`${name} compiled`] = make;
  for (const e of [4, 6]) workloads[`chain 1e${e} compiled`] = () => chain(nabla, compile, 10 ** e);
  return workloads;
}

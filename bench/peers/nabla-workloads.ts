/** Everything that is measured, on the nabla that is given: the peer in Node and the page in a browser run the same. */
import type { Tensor } from 'nabla';
import type { compile as Compile } from 'nabla/compile';
import { compiledSteps } from './nabla-compiled.ts';
import { denseSteps, imageSteps, sequenceSteps } from './nabla-training.ts';

type Step = () => void;
export type Workloads = Record<string, () => Step>;

export interface Library {
  readonly nabla: typeof import('nabla');
  readonly func: typeof import('nabla/func');
  readonly compile: typeof Compile;
}

/** Each workload by its name: makes its tensors, and returns what is to be timed. */
export function workloadsOf({ nabla, func, compile }: Library): Workloads {
  const { full, nn, ones, rand, randint, randn, scope } = nabla;
  const F = nn.functional;

  function elementwise(n: number, f: (x: Tensor) => unknown): () => Step {
    return () => {
      const x = rand([n]).sub(0.5).mul(4);
      return () => {
        f(x);
      };
    };
  }

  const scalar = (): Tensor => full([], 0.5, { dtype: 'float32', requiresGrad: true });

  const workloads: Workloads = {
    'dispatch, no tape': () => {
      const x = ones([4]);
      return () => {
        for (let i = 0; i < 100; i++) x.add(x);
      };
    },
    'dispatch, tape': () => {
      const x = ones([4], { requiresGrad: true });
      return () => {
        for (let i = 0; i < 100; i++) x.add(x);
      };
    },
    scalars: () => {
      const x = scalar();
      return () => {
        let y = x;
        for (let i = 0; i < 500; i++) y = y.mul(x).add(x);
        y.backward();
        x.grad = null;
      };
    },
    'reverse 1000': () => {
      const x = scalar();
      let y = x;
      for (let i = 0; i < 500; i++) y = y.mul(x).add(x);
      return () => {
        y.backward(null, { retainGraph: true });
        x.grad = null;
      };
    },
    'hessian 50': () => {
      const rosenbrock = (x: Tensor): Tensor => {
        const [now, next] = [x.narrow(0, 0, 49), x.narrow(0, 1, 49)];
        return next.sub(now.pow(2)).pow(2).mul(100).add(now.neg().add(1).pow(2)).sum();
      };
      const x = randn([50]);
      const run = func.hessian(rosenbrock);
      return () => {
        run(x);
      };
    },
    'per-sample gradients': () => {
      const parameters = { w1: randn([32, 64]).mul(0.1), b1: randn([32]), w2: randn([10, 32]).mul(0.1), b2: randn([10]) };
      const loss = (p: typeof parameters, x: Tensor, y: Tensor): Tensor =>
        F.crossEntropy(F.linear(F.linear(x, p.w1, p.b1).tanh(), p.w2, p.b2), y);
      const [x, y] = [randn([128, 64]), randint(10, [128])];
      const run = func.vmap(func.grad(loss), { inDims: [null, 0, 0] });
      return () => {
        run(parameters, x, y);
      };
    },
    seed: () => () => {
      const a = ones([2, 2], { requiresGrad: true });
      a.add(2).pow(2).sum().backward();
    },
    'transpose-add': () => {
      const x = randn([1000, 1000]);
      return () => {
        x.add(x.t());
      };
    },
    softmax: () => {
      const x = randn([512, 1000]);
      return () => {
        x.softmax(1);
      };
    },
  };
  workloads['layernorm'] = () => {
    const x = randn([512, 768]);
    return () => {
      F.layerNorm(x, [768]);
    };
  };
  for (const e of [4, 6]) {
    workloads[`chain 1e${e}`] = () => {
      const n = 10 ** e;
      const [x, w, b] = [randn([n], { requiresGrad: true }), randn([n]), randn([n])];
      return () => {
        F.gelu(x.mul(w).add(b)).tanh().mul(x).sum().backward();
        x.grad = null;
      };
    };
  }
  Object.assign(workloads, denseSteps(nabla), imageSteps(nabla), sequenceSteps(nabla), compiledSteps(nabla, compile));
  // Where the result's memory goes back at once, as reference counts have it in PyTorch.
  workloads['add 1e6 in scope'] = elementwise(1e6, (x) => scope(() => void x.add(x)));
  workloads['mul 1e6 in scope'] = elementwise(1e6, (x) => scope(() => void x.mul(x)));
  for (const n of [64, 128, 256, 512, 1024, 2048]) {
    workloads[`matmul ${n}`] = () => {
      const [a, b] = [randn([n, n]), randn([n, n])];
      return () => {
        a.matmul(b);
      };
    };
  }
  for (const e of [1, 2, 3, 4, 5, 6, 7]) {
    const n = 10 ** e;
    workloads[`add 1e${e}`] = elementwise(n, (x) => x.add(x));
    workloads[`mul 1e${e}`] = elementwise(n, (x) => x.mul(x));
    workloads[`sum 1e${e}`] = elementwise(n, (x) => x.sum());
    if (e <= 6) {
      workloads[`exp 1e${e}`] = elementwise(n, (x) => x.exp());
      workloads[`tanh 1e${e}`] = elementwise(n, (x) => x.tanh());
      workloads[`gelu 1e${e}`] = elementwise(n, (x) => F.gelu(x));
    }
  }
  return workloads;
}

/** jax-js's side: the WebAssembly device, compiled with jit; with the argument `eager`, its training steps without. */

import * as jax from '@jax-js/jax';

jax.defaultDevice('wasm');
const { serve } = await import('../timing.ts');
const { steps, eagerSteps } = await import('./jax-js-training.mjs');
const { numpy: np, random, nn } = jax;

const draw = (shape) => random.normal(random.key(0), shape);
/** Waits for the result and gives it back: its arrays are consumed by use. */
const done = (x) => {
  x.dataSync();
};
const elementwise = (n, f) => () => {
  const x = draw([n]);
  const g = jax.jit(f);
  return () => done(g(x.ref));
};

const workloads = {
  seed: () => {
    const g = jax.jit(jax.grad((a) => np.sum(np.square(np.add(a, 2)))));
    return () => done(g(np.ones([2, 2])));
  },
  'hessian 50': () => {
    const rosenbrock = (x) => {
      const [now, next] = [x.ref.slice([0, 49]), x.slice([1, 50])];
      return np.add(np.multiply(np.square(np.subtract(next, np.square(now.ref))), 100), np.square(np.subtract(1, now))).sum();
    };
    const x = draw([50]);
    const g = jax.jit(jax.hessian(rosenbrock));
    return () => done(g(x.ref));
  },
  'per-sample gradients': () => {
    const parameters = [draw([64, 32]), draw([32]), draw([32, 10]), draw([10])];
    const loss = ([w1, b1, w2, b2], x, y) => {
      const hidden = np.tanh(np.add(np.matmul(x, w1), b1));
      return np.negative(np.sum(np.multiply(nn.logSoftmax(np.add(np.matmul(hidden, w2), b2)), y)));
    };
    const labels = np.array(
      Array.from({ length: 128 }, (_, i) => i % 10),
      { dtype: np.int32 },
    );
    const [x, y] = [draw([128, 64]), nn.oneHot(labels, 10)];
    const g = jax.jit(jax.vmap(jax.grad(loss), [null, 0, 0]));
    return () => {
      for (const each of g(
        parameters.map((p) => p.ref),
        x.ref,
        y.ref,
      ))
        done(each);
    };
  },
  softmax: () => {
    const x = draw([512, 1000]);
    const g = jax.jit((y) => nn.softmax(y));
    return () => done(g(x.ref));
  },
};
for (const n of [64, 256, 512, 1024]) {
  workloads[`matmul ${n}`] = () => {
    const [a, b] = [draw([n, n]), draw([n, n])];
    const g = jax.jit((x, y) => np.matmul(x, y));
    return () => done(g(a.ref, b.ref));
  };
}
for (const e of [1, 2, 3, 4, 5, 6, 7]) {
  const n = 10 ** e;
  workloads[`add 1e${e}`] = elementwise(n, (x) => np.add(x.ref, x));
  workloads[`sum 1e${e}`] = elementwise(n, (x) => np.sum(x));
  if (e <= 6) {
    workloads[`exp 1e${e}`] = elementwise(n, (x) => np.exp(x));
    workloads[`tanh 1e${e}`] = elementwise(n, (x) => np.tanh(x));
  }
}
await serve(process.argv[3] === 'eager' ? eagerSteps : Object.assign(workloads, steps));

/** jax-js's side: the WebAssembly device, compiled with jit where it pays. */

import { register } from 'node:module';
import * as jax from '@jax-js/jax';

register('tsx/esm', import.meta.url);
jax.defaultDevice('wasm');
const { serve } = await import('../timing.ts');
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
await serve(workloads);

/** TensorFlow.js's side, eager: on the WebAssembly backend, or on the one that the second argument names (`cpu`, which alone has all derivatives of convolutions). */
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';

setThreadsCount(Number(process.argv[2] ?? 1));
await tf.setBackend(process.argv[3] ?? 'wasm');
await tf.ready();
const { serve } = await import('../timing.ts');

/** Reading the result makes sure that it was computed; a few bytes of it. */
const run = (f) => () => {
  tf.tidy(() => {
    f();
  });
};
const elementwise = (n, f) => () => {
  const x = tf.randomUniform([n], -2, 2);
  return run(() => f(x));
};

function dense(sizes, activation) {
  const weights = sizes.slice(1).map((out, i) => [tf.variable(tf.randomNormal([sizes[i], out], 0, 0.05)), tf.variable(tf.zeros([out]))]);
  const forward = (x) =>
    weights.reduce((h, [w, b], i) => (i < weights.length - 1 ? activation(h.matMul(w).add(b)) : h.matMul(w).add(b)), x);
  return { forward, variables: weights.flat() };
}

function training({ forward, variables }, x, loss, rate) {
  return () => {
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => loss(forward(x)), variables);
      for (const v of variables) v.assign(v.sub(grads[v.name].mul(rate)));
      value.dataSync();
    });
  };
}

/** A convolutional network on images with the channels last: convolutions with an activation, pooling where asked for, then dense layers. */
function convolutional(kernels, sizes, activation) {
  const filters = kernels.map(({ shape }) => [tf.variable(tf.randomNormal(shape, 0, 0.05)), tf.variable(tf.zeros([shape[3]]))]);
  const head = dense(sizes, activation);
  const forward = (x) => {
    let h = x;
    kernels.forEach(({ padding, pool }, i) => {
      h = activation(tf.conv2d(h, filters[i][0], 1, padding).add(filters[i][1]));
      if (pool !== undefined) h = pool(h);
    });
    return head.forward(h.reshape([x.shape[0], -1]));
  };
  return { forward, variables: [...filters.flat(), ...head.variables] };
}

const crossEntropy = (labels) => (out) => {
  const shifted = out.sub(out.max(1, true));
  return labels
    .mul(shifted.sub(shifted.exp().sum(1, true).log()))
    .sum()
    .div(-labels.shape[0]);
};
const oneHot = (rows) =>
  tf
    .oneHot(
      tf.tensor1d(
        Array.from({ length: rows }, (_, i) => i % 10),
        'int32',
      ),
      10,
    )
    .toFloat();

const workloads = {
  'dispatch, no tape': () => {
    const x = tf.ones([4]);
    return run(() => {
      for (let i = 0; i < 100; i++) x.add(x);
    });
  },
  seed: () => () => {
    tf.tidy(() => {
      tf.grad((a) => a.add(2).square().sum())(tf.ones([2, 2])).dataSync();
    });
  },
  tiny: () => {
    const y = tf.randomNormal([4, 1]);
    return training(
      dense([2, 16, 16, 1], (h) => h.tanh()),
      tf.randomNormal([4, 2]),
      (out) => out.sub(y).square().mean(),
      0.05,
    );
  },
  mlp: () =>
    training(
      dense([784, 512, 256, 10], (h) => h.relu()),
      tf.randomNormal([128, 784]),
      crossEntropy(oneHot(128)),
      1e-3,
    ),
  'digits step': () =>
    training(
      dense([64, 128, 10], (h) => h.relu()),
      tf.randomUniform([32, 64]),
      crossEntropy(oneHot(32)),
      2e-3,
    ),
  cnn: () => {
    const kernels = [
      { shape: [3, 3, 1, 32], padding: 'valid' },
      { shape: [3, 3, 32, 64], padding: 'valid', pool: (h) => h.maxPool(2, 2, 'valid') },
    ];
    const net = convolutional(kernels, [9216, 128, 10], (h) => h.relu());
    return training(net, tf.randomNormal([64, 28, 28, 1]), crossEntropy(oneHot(64)), 0.01);
  },
  'lenet on digits': () => {
    const kernels = [
      { shape: [3, 3, 1, 6], padding: 'same', pool: (h) => h.avgPool(2, 2, 'valid') },
      { shape: [3, 3, 6, 16], padding: 'valid' },
    ];
    const net = convolutional(kernels, [64, 32, 10], (h) => h.tanh());
    return training(net, tf.randomNormal([32, 8, 8, 1]), crossEntropy(oneHot(32)), 0.05);
  },
  softmax: () => {
    const x = tf.randomNormal([512, 1000]);
    return run(() => x.softmax());
  },
  'transpose-add': () => {
    const x = tf.randomNormal([1000, 1000]);
    return run(() => x.add(x.transpose()));
  },
};
for (const n of [64, 256, 512, 1024]) {
  workloads[`matmul ${n}`] = () => {
    const [a, b] = [tf.randomNormal([n, n]), tf.randomNormal([n, n])];
    return run(() => a.matMul(b));
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
  }
}
// A step takes minutes on this backend.
if (process.argv[3] === 'cpu') delete workloads.cnn;
await serve(workloads);

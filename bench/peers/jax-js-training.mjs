/**
 * jax-js's training steps: plain stochastic gradient descent, the whole step compiled with jit, or (as the peer `jax-js eager`) not. The step of `cnn` runs, but takes it
 * half a minute.
 */
import * as jax from '@jax-js/jax';

const { numpy: np, random, nn, lax } = jax;

const draw = (shape, scale = 1) => np.multiply(random.normal(random.key(0), shape), scale);
const labels = (rows, classes) =>
  nn.oneHot(
    np.array(
      Array.from({ length: rows }, (_, i) => i % classes),
      { dtype: np.int32 },
    ),
    classes,
  );

/** A step of gradient descent on a list of parameters: `loss(parameters, x, y)`, whose arrays are consumed by use. */
function descent(parameters, loss, rate, x, y, compile) {
  const step = (p, a, b) => {
    const [value, gradients] = jax.valueAndGrad(loss)(
      p.map((each) => each.ref),
      a,
      b,
    );
    return [value, p.map((each, i) => np.subtract(each, np.multiply(gradients[i], rate)))];
  };
  const run = compile ? jax.jit(step) : step;
  let state = parameters;
  return () => {
    const [value, next] = run(state, x.ref, y.ref);
    state = next;
    value.dataSync();
  };
}

const crossEntropy = (logits, y) => {
  const rows = logits.shape[0];
  return np.divide(np.negative(np.sum(np.multiply(nn.logSoftmax(logits), y))), rows);
};

/** Weights (inputs × outputs) and biases, one pair a layer. */
const layers = (sizes) => sizes.slice(1).flatMap((out, i) => [draw([sizes[i], out], sizes[i] ** -0.5), np.zeros([out])]);

function dense(p, x, activation) {
  let h = x;
  for (let i = 0; i < p.length; i += 2) {
    h = np.add(np.matmul(h, p[i]), p[i + 1]);
    if (i + 2 < p.length) h = activation(h);
  }
  return h;
}

const convolution = (x, weight, bias, padding) => np.add(lax.conv(x, weight, [1, 1], padding), np.reshape(bias, [1, bias.shape[0], 1, 1]));

/** Of 2 × 2 windows, by reshaping. */
const pooled = (x, reduce) => {
  const [n, c, h, w] = x.shape;
  return reduce(reduce(np.reshape(x, [n, c, h / 2, 2, w / 2, 2]), 5), 3);
};

const STEPS = {
  tiny: (compile) => {
    const loss = (p, x, y) => np.mean(np.square(np.subtract(dense(p, x, np.tanh), y)));
    return descent(layers([2, 16, 16, 1]), loss, 0.05, draw([4, 2]), draw([4, 1]), compile);
  },
  'digits step': (compile) => {
    const loss = (p, x, y) => crossEntropy(dense(p, x, nn.relu), y);
    return descent(layers([64, 128, 10]), loss, 2e-3, draw([32, 64]), labels(32, 10), compile);
  },
  mlp: (compile) => {
    const loss = (p, x, y) => crossEntropy(dense(p, x, nn.relu), y);
    return descent(layers([784, 512, 256, 10]), loss, 1e-3, draw([128, 784]), labels(128, 10), compile);
  },
  'lenet on digits': (compile) => {
    const loss = ([w1, b1, w2, b2, ...rest], x, y) => {
      const first = pooled(np.tanh(convolution(x, w1, b1, 'SAME')), np.mean);
      const second = np.tanh(convolution(first, w2, b2, 'VALID'));
      return crossEntropy(dense(rest, np.reshape(second, [32, 64]), np.tanh), y);
    };
    const parameters = [draw([6, 1, 3, 3], 0.3), np.zeros([6]), draw([16, 6, 3, 3], 0.1), np.zeros([16]), ...layers([64, 32, 10])];
    return descent(parameters, loss, 0.05, draw([32, 1, 8, 8]), labels(32, 10), compile);
  },
};

export const steps = Object.fromEntries(Object.entries(STEPS).map(([name, make]) => [name, () => make(true)]));
export const eagerSteps = Object.fromEntries(Object.entries(STEPS).map(([name, make]) => [name, () => make(false)]));

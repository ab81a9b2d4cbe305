import { describe, expect, test } from 'vitest';
import { manualSeed, optim, randn, ShapeError, type Tensor, tensor, zeros } from '../../src/index.ts';
import { Update } from '../../src/ops/optimizer-update.ts';
import * as S from '../../src/scalar/expr.ts';

type Numbers = Record<string, number>;
type State = Record<string, Tensor>;
/** One step in plain operators, as PyTorch writes it down: from the direction `d` and the number of the step. */
type Definition = (p: Tensor, d: Tensor, state: State, options: Numbers, step: number) => void;

const lerp = (x: Tensor, y: Tensor, weight: number): Tensor => x.add(y.sub(x).mul(weight));
const blend = (x: Tensor, a: number, y: Tensor, b: number): Tensor => x.mul(a).add(y.mul(b));
const put = (target: Tensor, value: Tensor): Tensor => target.copy_(value);
const of = (state: State, name: string, p: Tensor): Tensor => {
  state[name] ??= zeros(p.shape, { dtype: p.dtype });
  return state[name];
};

/** Fused expressions are computed in float32 up to a value with a name of its own: in tests of float16 the definition does that, too. */
const wide = (f: (...xs: Tensor[]) => Tensor, ...xs: Tensor[]): Tensor => {
  const { dtype } = xs[0] as Tensor;
  return dtype === 'float16' ? (f(...xs.map((x) => x.float())).half() as Tensor) : f(...xs);
};

const adam: Definition = (p, d, state, { lr = 0, decay = 0 }, step) => {
  const [m, v, most] = [of(state, 'm', p), of(state, 'v', p), of(state, 'most', p)];
  put(p, p.mul(1 - lr * decay));
  put(
    m,
    wide((a, b) => lerp(a, b, 1 - 0.9), m, d),
  );
  put(
    v,
    wide((a, b) => blend(a, 0.999, b.mul(b), 1 - 0.999), v, d),
  );
  put(most, most.maximum(v));
  const [size, root] = [lr / (1 - 0.9 ** step), Math.sqrt(1 - 0.999 ** step)];
  put(
    p,
    wide((a, b, c) => a.sub(b.mul(size * root).div(c.sqrt().add(1e-8 * root))), p, m, most),
  );
};

const DEFINITIONS: Readonly<Record<string, readonly [(p: Tensor) => { step(): unknown }, Definition, Numbers]>> = {
  SGD: [
    (p) => new optim.SGD([p], { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
    (p, d, state, { lr = 0 }, step) => {
      const buffer = of(state, 'buffer', p);
      put(buffer, step === 1 ? d : wide((a, b) => blend(a, 0.9, b, 1), buffer, d));
      const nesterov = wide((a, b) => a.add(b.mul(0.9)), d, buffer);
      put(
        p,
        wide((a, b) => a.add(b.mul(-lr)), p, nesterov),
      );
    },
    { lr: 0.1, penalty: 0.01 },
  ],
  'AdamW with the largest mean of squares': [(p) => new optim.AdamW([p], { lr: 0.1, amsgrad: true }), adam, { lr: 0.1, decay: 0.01 }],
  'Adam with a penalty': [(p) => new optim.Adam([p], { lr: 0.1, amsgrad: true, weightDecay: 0.3 }), adam, { lr: 0.1, penalty: 0.3 }],
  Adadelta: [
    (p) => new optim.Adadelta([p], { lr: 2 }),
    (p, d, state, { lr = 0 }) => {
      const [v, u] = [of(state, 'v', p), of(state, 'u', p)];
      put(
        v,
        wide((a, b) => blend(a, 0.9, b.mul(b), 1 - 0.9), v, d),
      );
      const change = wide((a, b, c) => a.add(1e-6).sqrt().div(b.add(1e-6).sqrt()).mul(c), u, v, d);
      put(
        p,
        wide((a, b) => a.add(b.mul(-lr)), p, change),
      );
      put(
        u,
        wide((a, b) => blend(a, 0.9, b.mul(b), 1 - 0.9), u, change),
      );
    },
    { lr: 2 },
  ],
};

const bits = (x: Tensor): unknown[] =>
  Array.from(x.detach().flatten().toTypedArray() as Float32Array, (v) => (Object.is(v, -0) ? '-0' : v));

describe.each(Object.entries(DEFINITIONS))('a step of %s in one pass', (_, [make, definition, options]) => {
  test.each(['float32', 'float64', 'float16'] as const)('has the bits of its definition for %s', (dtype) => {
    manualSeed(3);
    for (const shape of [[], [7], [33, 5]]) {
      const p = randn(shape).to(dtype) as Tensor;
      const expected = p.clone() as Tensor;
      p.requiresGrad_();
      const optimizer = make(p);
      const state: State = {};
      for (let step = 1; step <= 5; step++) {
        const grad = randn(shape).to(dtype) as Tensor;
        p.grad = grad;
        optimizer.step();
        const { penalty = 0 } = options;
        definition(expected, penalty === 0 ? grad : wide((a, b) => a.add(b.mul(penalty)), grad, expected), state, options, step);
      }
      expect(bits(p)).toEqual(bits(expected));
    }
  });
});

describe('a step of Adam', () => {
  test('is as far from the exact one as with the divisions in the order in which PyTorch writes them down', () => {
    manualSeed(5);
    const start = randn([5000]);
    const p = start.clone().requiresGrad_();
    const optimizer = new optim.Adam([p], { lr: 0.1 });
    let [written, exact] = [start, start.double()] as [Tensor, Tensor];
    let [m, v, mExact, vExact] = [zeros([5000]), zeros([5000]), exact.mul(0), exact.mul(0)] as [Tensor, Tensor, Tensor, Tensor];
    for (let step = 1; step <= 20; step++) {
      const grad = randn([5000]);
      p.grad = grad;
      optimizer.step();
      const [size, root] = [0.1 / (1 - 0.9 ** step), Math.sqrt(1 - 0.999 ** step)];
      m = lerp(m, grad, 1 - 0.9);
      v = blend(v, 0.999, grad.mul(grad), 1 - 0.999);
      written = written.sub(m.div(v.sqrt().div(root).add(1e-8)).mul(size));
      mExact = lerp(mExact, grad.double(), 1 - 0.9);
      vExact = blend(vExact, 0.999, grad.double().square(), 1 - 0.999);
      exact = exact.sub(mExact.div(vExact.sqrt().div(root).add(1e-8)).mul(size));
    }
    const errorOf = (x: Tensor): number => x.detach().double().sub(exact).square().mean().sqrt().item() as number;
    expect(errorOf(p)).toBeLessThan(1.05 * errorOf(written));
    expect(errorOf(p)).toBeLessThan(2e-7);
  });

  test('keeps no mean that is below the normal numbers in float32, and every one in float64', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const p = tensor([1, 2, 3, 4, 5], { dtype, requiresGrad: true });
      const optimizer = new optim.AdamW([p], { lr: 0.1 });
      for (const scale of [1e-37, ...new Array(30).fill(0)]) {
        p.grad = tensor([1, -1, 0, Number.NaN, 1e37], { dtype }).mul(scale);
        optimizer.step();
      }
      const mean = optimizer.state.get(p)?.['exp_avg'] as Tensor;
      const [first, second, third, fourth, fifth] = mean.toArray() as number[];
      expect([third, fourth]).toEqual([0, Number.NaN]);
      expect(fifth).toBeGreaterThan(1e-3);
      if (dtype === 'float32') expect([first, second]).toEqual([0, 0]);
      else expect(first).toBeCloseTo(1e-38 * 0.9 ** 30, 50);
    }
  });
});

describe('an update', () => {
  const [x, y, z] = [S.arg(0), S.arg(1), S.arg(2)];
  const step = new Update('step', 2, 3, 1, (_, __, put) => {
    const mean = put(0, S.add(x, z));
    put(1, S.sub(y, S.mul(S.param(0), mean)));
  });

  test('rounds what is stored in half types before it is read', () => {
    for (const dtype of ['float32', 'float16'] as const) {
      const [mean, parameter, grad] = [1, 0, 2 ** -12].map((value) => tensor([value], { dtype })) as [Tensor, Tensor, Tensor];
      step.run([mean, parameter, grad], [2 ** 12]);
      expect(parameter.toArray()).toEqual([dtype === 'float16' ? -(2 ** 12) : -(2 ** 12) - 1]);
    }
  });

  test('takes layouts of any kind', () => {
    const [mean, grad] = [randn([4, 6]), randn([4, 6])];
    const parameter = randn([6, 4]).t();
    const expected = [mean.add(grad), parameter.sub(mean.add(grad).mul(0.5))].map((t) => t.toArray());
    step.run([mean, parameter, grad], [0.5]);
    expect([mean.toArray(), parameter.toArray()]).toEqual(expected);
  });

  test('refuses a state of another shape and changes nothing', () => {
    const [mean, parameter, grad] = [zeros([3]), zeros([4]), zeros([4])];
    expect(() => step.run([mean, parameter, grad], [1])).toThrow(ShapeError);
    expect(() => step.run([mean, parameter, grad], [1])).toThrow(/step: the parameter has shape \[4\], its state \[3\]/);
    expect(parameter.toArray()).toEqual([0, 0, 0, 0]);
  });
});

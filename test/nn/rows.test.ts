/** Operators that run whole rows in one kernel, against what they are composed of: a transposed input takes that way. */
import { afterAll, describe, expect, test } from 'vitest';
import { autograd, configureKernels, kernelLevels, manualSeed, nn, randint, randn, type Tensor, tensor } from '../../src/index.ts';
import { type Recorder, recording } from '../../src/runtime/recorder.ts';

const F = nn.functional;

/** How often kernels that come with operators are launched. */
function launchesOf(run: () => void): number {
  let launches = 0;
  const counting = {
    launch: (kernel: (...args: unknown[]) => void, args: unknown[]) => {
      launches++;
      kernel(...args);
    },
    effect: (work: () => unknown) => work(),
    keep: () => {},
    fill: (target: unknown, write: (target: unknown) => void) => write(target),
    refuse: () => {},
    accumulated: () => {},
  };
  recording.by = counting as unknown as Recorder;
  try {
    run();
  } finally {
    recording.by = null;
  }
  return launches;
}

/** Result and gradients of one call, with x as it is or as a view that no row kernel takes. */
function results(call: (x: Tensor, ...more: Tensor[]) => Tensor, x: Tensor, more: readonly Tensor[], composed: boolean): Tensor[] {
  const laidOut = (x: Tensor): Tensor => (composed && x.ndim === 2 ? x.t().contiguous().t() : x.clone());
  const leaf = laidOut(x).detach().requiresGrad_();
  const parameters = more.map((y) => (y.isFloatingPoint() ? y.clone().detach().requiresGrad_() : y));
  const y = call(leaf, ...parameters);
  manualSeed(7);
  const g = randn(y.shape, { dtype: 'float64' }).to(y.dtype);
  return [y.detach(), ...autograd.grad([y], [leaf, ...parameters.filter((p) => p.requiresGrad)], [laidOut(g)])] as Tensor[];
}

function farthest(a: Tensor, b: Tensor): number {
  const [x, y] = [a.to('float64'), b.to('float64')];
  return x.sub(y).abs().div(y.abs().add(1)).max().item() as number;
}

const calls: Record<string, { call: (x: Tensor, ...more: Tensor[]) => Tensor; more: (rows: number, length: number) => Tensor[] }> = {
  softmax: { call: (x) => x.softmax(1), more: () => [] },
  logSoftmax: { call: (x) => x.logSoftmax(1), more: () => [] },
  'crossEntropy, mean': {
    call: (x, y) => F.crossEntropy(x, y as Tensor, { ignoreIndex: 1 }),
    more: (rows, length) => [randint(0, length, [rows])],
  },
  'crossEntropy, sum': {
    call: (x, y) => F.crossEntropy(x, y as Tensor, { reduction: 'sum' }),
    more: (rows, length) => [randint(0, length, [rows])],
  },
  layerNorm: { call: (x, w, b) => F.layerNorm(x, [x.shape[1] as number], w, b), more: (_, length) => [randn([length]), randn([length])] },
  'layerNorm, without bias': { call: (x, w) => F.layerNorm(x, [x.shape[1] as number], w), more: (_, length) => [randn([length])] },
  'layerNorm, plain': { call: (x) => F.layerNorm(x, [x.shape[1] as number]), more: () => [] },
  rmsNorm: { call: (x, w) => F.rmsNorm(x, [x.shape[1] as number], w, { eps: 1e-5 }), more: (_, length) => [randn([length])] },
};

const shapes: [number, number][] = [
  [2, 2],
  [3, 4],
  [4, 10],
  [70, 65],
  [130, 33],
  [3, 1023],
  [2, 2050],
  [40, 500],
];

describe.each(kernelLevels())('at the level %s', (level) => {
  afterAll(() => configureKernels({ level: 'wide' }));

  describe.each(Object.keys(calls))('%s', (name) => {
    const { call, more } = calls[name]!;

    test.each([
      ['float32', 4e-6],
      ['float64', 1e-13],
    ] as const)('in %s is what it is composed of', (dtype, tolerance) => {
      configureKernels({ level });
      for (const [rows, length] of shapes) {
        manualSeed(rows);
        const x = randn([rows, length], { dtype }).mul(3).add(1);
        const others = more(rows, length).map((y) => (y.isFloatingPoint() ? y.to(dtype) : y));
        let fused: Tensor[] = [];
        let composed: Tensor[] = [];
        expect(launchesOf(() => (fused = results(call, x, others, false)))).toBe(2);
        expect(launchesOf(() => (composed = results(call, x, others, true)))).toBe(0);
        expect(fused.length).toBe(composed.length);
        fused.forEach((y, i) => {
          expect(y.shape).toEqual(composed[i]!.shape);
          expect(farthest(y, composed[i]!), `${rows} × ${length}, result ${i}`).toBeLessThan(tolerance);
        });
      }
    });

    test('has the derivative of its derivative from what it is composed of', () => {
      manualSeed(2);
      const x = randn([3, 5], { dtype: 'float64' });
      const others = more(3, 5).map((y) => (y.isFloatingPoint() ? y.to('float64') : y));
      const second = (composed: boolean): Tensor => {
        const leaf = (composed ? x.t().contiguous().t() : x.clone()).requiresGrad_();
        const y = call(leaf, ...others);
        const [g] = autograd.grad([y.mul(y).sum()], [leaf], undefined, { createGraph: true });
        return autograd.grad([(g as Tensor).pow(2).sum()], [leaf])[0] as Tensor;
      };
      expect(farthest(second(false), second(true))).toBeLessThan(1e-12);
    });
  });
});

describe('rows of special values', () => {
  test('a row with NaN is NaN, and the others are not', () => {
    const x = tensor([
      [1, Number.NaN, 2],
      [1, 2, 3],
    ]);
    expect(x.softmax(1).isnan().toArray()).toEqual([
      [true, true, true],
      [false, false, false],
    ]);
  });

  test('infinities: nothing of -Infinity, NaN for a row of it', () => {
    const x = tensor([
      [Number.NEGATIVE_INFINITY, 0, 0],
      [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ]);
    expect(x.softmax(1).toArray()).toEqual([
      [0, 0.5, 0.5],
      [Number.NaN, Number.NaN, Number.NaN],
    ]);
    expect((x.logSoftmax(1).toArray() as number[][])[0]![0]).toBe(Number.NEGATIVE_INFINITY);
  });

  test('exponentials go down to the smallest numbers of float32', () => {
    const x = tensor([[0, -87, -95, -103, -110]]);
    const [values] = x.softmax(1).toArray() as number[][];
    const exact = [0, -87, -95, -103, -110].map((v) => Math.fround(Math.exp(v) / (1 + Math.exp(-87))));
    values!.forEach((value, i) => {
      expect(Math.abs(value - exact[i]!)).toBeLessThanOrEqual(Math.max(2 ** -149, exact[i]! * 2e-7));
    });
  });

  test('the half types are rounded from float32', () => {
    manualSeed(0);
    const x = randn([5, 37]);
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const given = x.to(dtype);
      const tolerance = dtype === 'float16' ? 2e-3 : 2e-2;
      expect(farthest(given.softmax(1), given.to('float32').softmax(1))).toBeLessThan(tolerance);
      expect(farthest(given.logSoftmax(1), given.to('float32').logSoftmax(1))).toBeLessThan(tolerance);
      expect(farthest(F.layerNorm(given, [37]), F.layerNorm(given.to('float32'), [37]))).toBeLessThan(tolerance);
    }
  });

  test('a class out of range is refused, and so is one below 0 that is not ignored', () => {
    expect(() => F.crossEntropy(randn([2, 3]), tensor([0n, 3n]))).toThrow(/index 3 is out of range for dimension 1/);
    expect(() => F.crossEntropy(randn([2, 3]), tensor([0n, -1n]))).toThrow(/index -1 is out of range/);
  });

  test('where no row counts the mean is NaN, and the sum 0', () => {
    const y = tensor([-100n, -100n]);
    expect(F.crossEntropy(randn([2, 3]), y).item()).toBeNaN();
    expect(F.crossEntropy(randn([2, 3]), y, { reduction: 'sum' }).item()).toBe(0);
  });
});

describe('norms of channels', () => {
  const x = (dtype: 'float32' | 'float64') => {
    manualSeed(3);
    return randn([3, 6, 5, 7], { dtype }).mul(2).add(1);
  };
  const forms: Record<string, (x: Tensor, w: Tensor, b: Tensor) => Tensor> = {
    groupNorm: (x, w, b) => F.groupNorm(x, 2, w, b),
    batchNorm: (x, w, b) => F.batchNorm(x, null, null, w, b, { training: true }),
    instanceNorm: (x, w, b) => F.instanceNorm(x, null, null, w, b),
  };

  test.each(Object.keys(forms))('%s in rows is what it is composed of', (name) => {
    const form = forms[name]!;
    for (const [dtype, tolerance] of [
      ['float32', 1e-5],
      ['float64', 1e-13],
    ] as const) {
      const run = (composed: boolean): Tensor[] => {
        const own = x(dtype);
        const leaf = (composed ? own.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]) : own).detach().requiresGrad_();
        manualSeed(4);
        const [w, b] = [randn([6], { dtype }).requiresGrad_(), randn([6], { dtype }).requiresGrad_()];
        const g = randn([3, 6, 5, 7], { dtype });
        const y = form(leaf, w, b);
        return [y.detach(), ...autograd.grad([y], [leaf, w, b], [g])] as Tensor[];
      };
      let fused: Tensor[] = [];
      let composed: Tensor[] = [];
      expect(launchesOf(() => (fused = run(false)))).toBeGreaterThan(0);
      expect(launchesOf(() => (composed = run(true)))).toBe(0);
      fused.forEach((y, i) => {
        expect(farthest(y, composed[i]!), `result ${i}`).toBeLessThan(tolerance);
      });
    }
  });
});

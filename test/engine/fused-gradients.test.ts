import { describe, expect, test } from 'vitest';
import { autograd, enableGrad, grad, manualSeed, nn, noGrad, ones, randn, type Tensor, where } from '../../src/index.ts';
import { backend, setBackend } from '../../src/runtime/backend.ts';
import { collectMemory, memory, resetPeakMemory } from '../../src/runtime/memory.ts';
import type { View } from '../../src/runtime/view.ts';

const N = 20000;
/** From the fourth time on, a chain runs as one pass. */
const TIMES = 6;

const bits = (x: Tensor): string =>
  Buffer.from(new Uint8Array((x.detach().toTypedArray() as Float32Array).slice().buffer)).toString('base64');

/** How many elementwise launches of at least `N` elements `run` makes. */
function launchesIn(run: () => void): number {
  const device = backend();
  let count = 0;
  setBackend({
    ...device,
    map: (program, out, ins, params, compute) => {
      if (out.size >= N) count++;
      device.map(program, out, ins, params, compute);
    },
  });
  try {
    run();
  } finally {
    setBackend(device);
  }
  return count;
}

const leaves = (count: number, shape: readonly number[] = [N], dtype: 'float32' | 'float64' | 'float16' = 'float32'): Tensor[] =>
  Array.from({ length: count }, () => randn(shape).to(dtype).detach().requiresGrad_() as Tensor);

const { gelu, silu } = nn.functional;
const PROGRAMS: Readonly<Record<string, (xs: readonly Tensor[]) => Tensor>> = {
  'a chain with a branch back to its input': ([x, y, z]) =>
    gelu((x as Tensor).mul(y as Tensor).add(z as Tensor))
      .tanh()
      .mul(x as Tensor),
  'a cell with gates': ([x, y, z]) =>
    (x as Tensor)
      .sigmoid()
      .mul(y as Tensor)
      .add((y as Tensor).sigmoid().mul((z as Tensor).tanh()))
      .tanh(),
  'scalars and divisions': ([x, y, z]) =>
    (x as Tensor)
      .mul(2)
      .add(y as Tensor)
      .div((z as Tensor).abs().add(0.5))
      .sub(3)
      .exp()
      .neg(),
  'values used twice': ([x, y, z]) => {
    const s = (x as Tensor).mul(y as Tensor);
    return s
      .mul(s)
      .add(s.exp())
      .mul(z as Tensor)
      .sin();
  },
  selections: ([x, y, z]) =>
    where((x as Tensor).gt(0), (y as Tensor).mul(z as Tensor), silu(y as Tensor))
      .relu()
      .mul((x as Tensor).pow(3)),
  'a long chain': ([x, y]) => {
    let s = x as Tensor;
    for (let i = 0; i < 12; i++)
      s = s
        .mul(0.9)
        .add(y as Tensor)
        .tanh()
        .sub(0.1);
    return s;
  },
};

describe.each(Object.entries(PROGRAMS))('%s', (_, program) => {
  test.each([
    ['float32', [[N], [N], [N]]],
    ['float64', [[N], [N], [N]]],
    ['float16', [[N], [N], [N]]],
    ['float32', [[200, 100], [100], [200, 1]]],
    ['float32', [[200, 100], [1], []]],
  ] as const)('has the gradients of its derivatives one by one: %s of %j', (dtype, shapes) => {
    manualSeed(1);
    const xs = shapes.map((shape) => leaves(1, shape, dtype)[0] as Tensor);
    const weight = randn([N]).to(dtype) as Tensor;
    const loss = (): Tensor => program(xs).flatten().mul(weight).sum() as Tensor;
    const used = xs.slice(0, program === PROGRAMS['a long chain'] ? 2 : 3);
    const expected = grad(loss(), used, null, { createGraph: true }) as Tensor[];
    for (let i = 0; i < TIMES; i++) {
      const found = grad(loss(), used) as Tensor[];
      expect(found.map(bits)).toEqual(expected.map(bits));
    }
    for (const x of used) x.grad = null;
    loss().backward();
    expect(used.map((x) => bits(x.grad as Tensor))).toEqual(expected.map(bits));
  });
});

describe('one pass', () => {
  const chain = (x: Tensor): Tensor => x.tanh().mul(3).exp().sigmoid();

  test('stands for many, once a chain has been seen a few times', () => {
    const [x] = leaves(1) as [Tensor];
    const counts = Array.from({ length: TIMES }, () => {
      const loss = chain(x).sum();
      return launchesIn(() => grad(loss, [x]));
    });
    expect(counts[0]).toBe(4);
    expect(counts.at(-1)).toBe(1);
  });

  test.each([8000, 1 << 20])('writes where the gradient lies that nobody else holds: %i elements', (n) => {
    const [x, y] = leaves(2, [n]) as [Tensor, Tensor];
    const run = (): void => {
      const loss = chain(x.mul(y)).cos().sin().exp().tanh().sum();
      collectMemory();
      resetPeakMemory();
      const before = memory().live;
      grad(loss, [x, y]);
      peak = memory().peak - before;
    };
    let peak = 0;
    for (let i = 0; i < TIMES; i++) run();
    // Two gradients, and no third one on the way.
    expect(peak).toBeLessThan(2.2 * 4 * n);
  });

  test('does not write where others look', () => {
    for (let i = 0; i < TIMES; i++) {
      const [x, y] = leaves(2, [1000]) as [Tensor, Tensor];
      const seen: Tensor[] = [];
      const z = x.exp();
      const s = z.mul(2);
      s.registerHook((g) => {
        seen.push(g as Tensor);
      });
      const t = s.sub(y.exp());
      t.retainGrad();
      t.mul(3).sum().backward();
      expect(seen[0]?.toArray()).toEqual(new Array(1000).fill(3));
      expect(t.grad?.toArray()).toEqual(new Array(1000).fill(3));
      expect(x.grad?.sub(z.mul(6)).abs().max().item()).toBe(0);
      expect(y.grad?.add(y.exp().mul(3)).abs().max().item()).toBe(0);
    }
  });

  test('needs less memory', () => {
    const [x] = leaves(1, [1 << 20]) as [Tensor];
    const peakOf = (createGraph: boolean): number => {
      const loss = chain(x).sum();
      collectMemory();
      resetPeakMemory();
      const before = memory().live;
      grad(loss, [x], null, { createGraph });
      return memory().peak - before;
    };
    for (let i = 0; i < TIMES; i++) peakOf(false);
    expect(peakOf(false)).toBeLessThan(1.1 * 4 * (1 << 20));
  });

  test('leaves what somebody looks at as it is: hooks, retained gradients, targets, hooks of nodes', () => {
    const seen: string[] = [];
    for (let i = 0; i < TIMES; i++) {
      const [x] = leaves(1) as [Tensor];
      noGrad(() => x.fill_(0.5));
      const [a, b, c] = [x.tanh(), x.mul(3), x.exp()];
      const [d, e, f] = [a.mul(2), b.sigmoid(), c.mul(2).add(1)];
      a.registerHook((g) => (g as Tensor).mul(10));
      b.retainGrad();
      c.gradFn?.registerHook(() => {
        seen.push('ran');
      });
      const total = d.add(e).add(f).sum();
      const [inner] = grad(total, [d], null, { retainGraph: true }) as [Tensor];
      expect(inner.sum().item()).toBe(N);
      total.backward();
      const s = 1 / (1 + Math.exp(-1.5));
      expect(Number((b.grad as Tensor).select(0, 7).item())).toBeCloseTo(s * (1 - s), 6);
      const expected = 20 * (1 - Math.tanh(0.5) ** 2) + 3 * s * (1 - s) + 2 * Math.exp(0.5);
      expect(Number((x.grad as Tensor).select(0, 7).item())).toBeCloseTo(expected, 4);
    }
    expect(seen.length).toBe(TIMES);
  });

  test('still refuses a saved tensor that was written, and a graph that is gone', () => {
    for (let i = 0; i < TIMES; i++) {
      const [x, y] = leaves(2) as [Tensor, Tensor];
      const factor = y.detach().clone();
      const loss = x.tanh().mul(factor).exp().sum();
      loss.backward();
      expect(() => loss.backward()).toThrow(/retainGraph/);
      const again = x.tanh().mul(factor).exp().sum();
      factor.add_(1);
      expect(() => again.backward()).toThrow(/add_/);
    }
  });

  test('may run again where the graph is kept, and inside of composites and hooks', () => {
    const [x] = leaves(1) as [Tensor];
    const loss = chain(x).sum();
    const first = grad(loss, [x], null, { retainGraph: true })[0] as Tensor;
    for (let i = 0; i < TIMES; i++) expect(bits(grad(loss, [x], null, { retainGraph: true })[0] as Tensor)).toBe(bits(first));
    const outer = x.mul(1);
    outer.registerHook(() => {
      const inner = enableGrad(() => grad(chain(x).sum(), [x])[0] as Tensor);
      expect(bits(inner)).toBe(bits(first));
    });
    outer.sum().backward();
  });

  test('is not taken where anomalies are looked for', () => {
    const [x] = leaves(1) as [Tensor];
    for (let i = 0; i < TIMES; i++) chain(x).sum().backward();
    autograd.detectAnomaly(() => {
      const y = x.mul(Number.POSITIVE_INFINITY);
      const loss = y.mul(0).exp().sum();
      expect(() => loss.backward()).toThrow(/NaN/);
    });
  });

  test('takes gradients of any layout', () => {
    const [x] = leaves(1, [100, 200]) as [Tensor];
    const g = randn([200, 100]).t();
    const run = (createGraph: boolean): Tensor => grad(chain(x), [x], [g], { createGraph })[0] as Tensor;
    const expected = bits(run(true));
    for (let i = 0; i < TIMES; i++) expect(bits(run(false))).toBe(expected);
    const once = ones([1]).expand([100, 200]);
    const found = grad(chain(x), [x], [once])[0] as Tensor;
    expect((found as unknown as View).rowMajor).toBe(true);
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import { manualSeed, noGrad, optim, randn, setNumThreads, type Tensor } from '../../src/index.ts';
import { team } from '../../src/runtime/threads.ts';
import { awaitThreads, untilShared } from '../threads/support.ts';

type Make = (params: Tensor[]) => { step(): unknown };

const OPTIMIZERS: Readonly<Record<string, Make>> = {
  SGD: (p) => new optim.SGD(p, { lr: 0.1 }),
  'SGD with a penalty': (p) => new optim.SGD(p, { lr: 0.1, weightDecay: 0.1 }),
  'SGD with momentum': (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
  Adam: (p) => new optim.Adam(p, { lr: 0.1, weightDecay: 0.1, maximize: true }),
  AdamW: (p) => new optim.AdamW(p, { lr: 0.1, amsgrad: true }),
  Adamax: (p) => new optim.Adamax(p, { lr: 0.1 }),
  NAdam: (p) => new optim.NAdam(p, { lr: 0.1, weightDecay: 0.1, decoupledWeightDecay: true }),
  RAdam: (p) => new optim.RAdam(p, { lr: 0.1 }),
  Adagrad: (p) => new optim.Adagrad(p, { lr: 0.1 }),
  RMSprop: (p) => new optim.RMSprop(p, { lr: 0.1, momentum: 0.9, centered: true }),
  Adadelta: (p) => new optim.Adadelta(p, { lr: 1, weightDecay: 0.1 }),
  ASGD: (p) => new optim.ASGD(p, { lr: 0.1 }),
  Rprop: (p) => new optim.Rprop(p, { lr: 0.1 }),
};

/** Parameters of many sizes, dtypes and layouts, with gradients that are the same for the same seed. */
function parameters(): Tensor[] {
  manualSeed(5);
  const sizes = [[3], [1], [], [40, 70], [0], [17, 5], [4096], [2, 3]];
  const dtypes = ['float32', 'float64', 'float32', 'float32', 'float32', 'float16', 'float32', 'float32'] as const;
  const made: Tensor[] = sizes.map((shape, k) => randn(shape, { dtype: dtypes[k] ?? 'float32' }) as Tensor);
  made.push(randn([6, 5]).t(), randn([8, 9]).slice(1, 2, 7) as Tensor);
  return made.map((x, k) => {
    const parameter = x.detach().requiresGrad_();
    if (k !== 7) parameter.grad = randn(x.shape, { dtype: x.dtype }) as Tensor;
    return parameter;
  });
}

const values = (params: readonly Tensor[]): unknown[] => params.map((p) => p.detach().contiguous().toArray());

/** With `alone`, each update is a launch of its own. */
function launching<O extends { step(): unknown }>(optimizer: O, alone: boolean): O {
  expect(optimizer).toHaveProperty('together', true);
  if (alone) Object.assign(optimizer, { together: false });
  return optimizer;
}

function trained(make: Make, alone: boolean): unknown[] {
  const params = parameters();
  const optimizer = launching(make(params), alone);
  for (let step = 0; step < 4; step++) {
    optimizer.step();
    noGrad(() => {
      for (const p of params) p.grad?.mul_(-0.7);
    });
  }
  return values(params);
}

describe('the updates of an optimizer are one launch', () => {
  test.each(Object.entries(OPTIMIZERS))('%s: with the bits of one launch for each parameter', (_, make) => {
    expect(trained(make, false)).toEqual(trained(make, true));
  });

  test('of parameters that are views of one memory, they run in their order', () => {
    const run = (alone: boolean): unknown => {
      manualSeed(1);
      const memory = randn([3000]);
      const params = [memory.narrow(0, 0, 2000), memory.narrow(0, 500, 2000)].map((x) => x.detach().requiresGrad_());
      for (const p of params) p.grad = memory.narrow(0, 1000, 2000).clone();
      const optimizer = launching(new optim.AdamW(params, { lr: 0.1 }), alone);
      for (let step = 0; step < 3; step++) optimizer.step();
      return memory.toArray();
    };
    expect(run(false)).toEqual(run(true));
  });

  test('a class that changes what an update does sees what was written', () => {
    class Clipped extends optim.Adam {
      protected override update(...args: Parameters<optim.Adam['update']>): void {
        super.update(...args);
        args[0].clamp_(-0.05, 0.05);
      }
    }
    const params = [randn([4]), randn([5])].map((x) => x.requiresGrad_());
    for (const p of params) p.grad = randn(p.shape);
    new Clipped(params, { lr: 0.5 }).step();
    for (const p of params) expect(p.abs().max().item()).toBeLessThanOrEqual(0.0501);
  });

  test('a state of another shape is refused when its parameter comes, and those before it are updated', () => {
    const params = [randn([4]), randn([5])].map((x) => x.requiresGrad_());
    for (const p of params) p.grad = randn(p.shape);
    const optimizer = new optim.SGD(params, { lr: 0.1, momentum: 0.9 });
    optimizer.step();
    optimizer.state.set(params[1] as Tensor, { momentum_buffer: randn([4]) });
    const before = values(params);
    expect(() => optimizer.step()).toThrow(/momentumStep: the parameter has shape \[5\], its state \[4\]/);
    expect(values(params)[0]).not.toEqual(before[0]);
    expect(values(params)[1]).toEqual(before[1]);
  });
});

describe('on threads', () => {
  afterEach(() => {
    team.eager = false;
    setNumThreads(1);
  });

  test('the table is cut by size, and the bits are those of one thread', async () => {
    const run = (): unknown[] => {
      manualSeed(2);
      const params = [70000, 3, 5000, 1, 513, 40000].map((n) => randn([n]).requiresGrad_());
      for (const p of params) p.grad = randn(p.shape);
      const optimizer = new optim.AdamW(params, { lr: 0.1 });
      for (let step = 0; step < 12; step++) optimizer.step();
      return values(params);
    };
    setNumThreads(1);
    const expected = run();
    await awaitThreads(2);
    await untilShared(() => expect(run()).toEqual(expected));
  });

  test('nothing is shared where one call reads what another one writes', async () => {
    const run = (): unknown => {
      manualSeed(3);
      const memory = randn([60000]);
      const params = [memory, memory.narrow(0, 0, 50000)].map((x) => x.detach().requiresGrad_());
      for (const p of params) p.grad = randn(p.shape);
      const optimizer = new optim.Adam(params, { lr: 0.1 });
      for (let step = 0; step < 3; step++) optimizer.step();
      return memory.toArray();
    };
    setNumThreads(1);
    const expected = run();
    await awaitThreads(2);
    for (let times = 0; times < 5; times++) expect(run()).toEqual(expected);
  });
});

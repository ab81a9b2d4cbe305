import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ArgumentError, ones, optim, tensor } from '../../src/index.ts';

const { lrScheduler } = optim;
type AnyScheduler = InstanceType<typeof lrScheduler.LRScheduler>;

interface Recorded {
  readonly rates: readonly (readonly number[])[];
  readonly momenta?: readonly (readonly number[])[];
  readonly metrics?: readonly number[];
}

/** Made by PyTorch 2.13: rates (and momenta) of all groups before each step. */
const recorded = JSON.parse(readFileSync(new URL('./data/schedules.json', import.meta.url), 'utf8')) as Readonly<Record<string, Recorded>>;

function groups(count: number): { params: ReturnType<typeof ones>[]; lr: number }[] {
  return Array.from({ length: count }, (_, i) => ({
    params: [ones([1], { requiresGrad: true }) as ReturnType<typeof ones>],
    lr: 0.1 * (i + 1),
  }));
}

const sgd = (count = 2, momentum = 0): optim.SGD => new optim.SGD(groups(count), { momentum });

interface Made {
  readonly optimizer: optim.SGD | optim.Adam;
  readonly scheduler: AnyScheduler;
}
const make = <O extends optim.SGD | optim.Adam>(optimizer: O, build: (optimizer: O) => AnyScheduler): Made => ({
  optimizer,
  scheduler: build(optimizer),
});

const schedules: Readonly<Record<string, () => Made>> = {
  sequential: () =>
    make(
      sgd(),
      (o) =>
        new lrScheduler.SequentialLR(o, {
          schedulers: [
            new lrScheduler.LinearLR(o, { startFactor: 0.2, totalIters: 4 }),
            new lrScheduler.CosineAnnealingLR(o, { TMax: 6 }),
            new lrScheduler.StepLR(o, { stepSize: 3, gamma: 0.5 }),
          ],
          milestones: [5, 14],
        }),
    ),
  chained: () =>
    make(
      sgd(),
      (o) =>
        new lrScheduler.ChainedScheduler([
          new lrScheduler.ConstantLR(o, { factor: 0.1, totalIters: 3 }),
          new lrScheduler.ExponentialLR(o, { gamma: 0.8 }),
        ]),
    ),
  lambda: () => make(sgd(), (o) => new lrScheduler.LambdaLR(o, { lrLambda: [(e) => 0.95 ** e, (e) => 1 / (1 + e)] })),
  multiplicative: () => make(sgd(), (o) => new lrScheduler.MultiplicativeLR(o, { lrLambda: (e) => (e % 2 === 1 ? 0.9 : 1.05) })),
  plateau: () =>
    make(
      sgd(),
      (o) =>
        new lrScheduler.ReduceLROnPlateau(o, {
          mode: 'max',
          factor: 0.3,
          patience: 1,
          threshold: 0.2,
          thresholdMode: 'abs',
          cooldown: 2,
          minLr: [0.01, 0.05],
        }),
    ),
  cyclic: () =>
    make(
      sgd(2, 0.9),
      (o) =>
        new lrScheduler.CyclicLR(o, { baseLr: [0.01, 0.02], maxLr: 0.3, stepSizeUp: 3, stepSizeDown: 5, mode: 'exp_range', gamma: 0.97 }),
    ),
  onecycle: () =>
    make(
      new optim.Adam(groups(2)),
      (o) => new lrScheduler.OneCycleLR(o, { maxLr: [0.2, 0.4], epochs: 5, stepsPerEpoch: 5, pctStart: 0.4, divFactor: 10 }),
    ),
  restarts: () => make(sgd(1), (o) => new lrScheduler.CosineAnnealingWarmRestarts(o, { T0: 2, TMult: 3, etaMin: 0.01 })),
  cosine: () => make(sgd(1), (o) => new lrScheduler.CosineAnnealingLR(o, { TMax: 4, etaMin: 0.02 })),
};

function close(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    expect(Math.abs(value - (expected[i] as number))).toBeLessThanOrEqual(1e-12);
  });
}

describe('schedules', () => {
  test.each(Object.keys(schedules))("give PyTorch's rates: %s", (name) => {
    const { rates, momenta, metrics } = recorded[name] as Recorded;
    const { optimizer, scheduler } = (schedules[name] as () => Made)();
    rates.forEach((expected, step) => {
      close(scheduler.getLastLr(), expected);
      const groups: readonly { readonly betas?: unknown; readonly momentum?: unknown }[] = optimizer.paramGroups;
      if (momenta !== undefined)
        close(
          groups.map(({ betas, momentum }) => Number(Array.isArray(betas) ? betas[0] : momentum)),
          momenta[step] as readonly number[],
        );
      optimizer.step();
      if (scheduler instanceof lrScheduler.ReduceLROnPlateau) scheduler.step(tensor(metrics?.[step] as number));
      else scheduler.step();
    });
  });

  test.each(['sequential', 'chained', 'plateau', 'cosine', 'restarts'])('go on from a saved state: %s', (name) => {
    const { rates, metrics } = recorded[name] as Recorded;
    const advance = ({ scheduler }: Made, from: number, to: number): void => {
      for (let i = from; i < to; i++)
        if (scheduler instanceof lrScheduler.ReduceLROnPlateau) scheduler.step(metrics?.[i]);
        else scheduler.step();
    };
    const first = (schedules[name] as () => Made)();
    advance(first, 0, 7);
    const second = (schedules[name] as () => Made)();
    second.optimizer.loadStateDict(first.optimizer.stateDict());
    second.scheduler.loadStateDict(JSON.parse(JSON.stringify(first.scheduler.stateDict())) as ReturnType<AnyScheduler['stateDict']>);
    advance(second, 7, 15);
    close(second.scheduler.getLastLr(), rates[15] as readonly number[]);
  });

  test('refuse what makes no sense, and leave the optimizer alone', () => {
    const optimizer = sgd(2);
    const refused: (() => unknown)[] = [
      () => new lrScheduler.StepLR(optimizer, { stepSize: 0 }),
      () => new lrScheduler.ConstantLR(optimizer, { factor: 2 }),
      () => new lrScheduler.LinearLR(optimizer, { startFactor: 0 }),
      () => new lrScheduler.LinearLR(optimizer, { endFactor: 2 }),
      () => new lrScheduler.CosineAnnealingLR(optimizer, { TMax: 1.5 }),
      () => new lrScheduler.CosineAnnealingWarmRestarts(optimizer, { T0: 2, TMult: 0 }),
      () => new lrScheduler.LambdaLR(optimizer, { lrLambda: [() => 1] }),
      () => new lrScheduler.CyclicLR(optimizer, { baseLr: 0.1, maxLr: 1, mode: 'square' as never }),
      () => new lrScheduler.OneCycleLR(optimizer, { maxLr: 1 }),
      () => new lrScheduler.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 3, annealStrategy: 'x' as never }),
      () => new lrScheduler.ReduceLROnPlateau(optimizer, { factor: 1 }),
      () => new lrScheduler.ReduceLROnPlateau(optimizer, { mode: 'x' as never }),
      () => new lrScheduler.SequentialLR(optimizer, { schedulers: [], milestones: [] }),
      () => new lrScheduler.ExponentialLR({} as never, { gamma: 1 }),
    ];
    for (const attempt of refused) expect(attempt).toThrow(ArgumentError);
    expect(optimizer.paramGroups.map(({ lr }) => lr)).toEqual([0.1, 0.2]);
  });

  test('with cycled momentum need an optimizer that has one', () => {
    const optimizer = new optim.Adagrad(groups(1));
    expect(() => new lrScheduler.CyclicLR(optimizer, { baseLr: 0.1, maxLr: 1 })).toThrow(/no momentum to cycle/);
    expect(new lrScheduler.CyclicLR(optimizer, { baseLr: 0.1, maxLr: 1, cycleMomentum: false }).getLastLr()).toEqual([0.1]);
  });

  test('of one cycle end', () => {
    const scheduler = new lrScheduler.OneCycleLR(sgd(1, 0.9), { maxLr: 1, totalSteps: 3 });
    for (let i = 0; i < 3; i++) scheduler.step();
    expect(() => scheduler.step()).toThrow(/all of the 3 steps are taken/);
  });

  test('are not mixed across optimizers', () => {
    const [a, b] = [sgd(1), sgd(1)];
    const schedulers = [new lrScheduler.ExponentialLR(a, { gamma: 0.5 }), new lrScheduler.ExponentialLR(b, { gamma: 0.5 })];
    expect(() => new lrScheduler.ChainedScheduler(schedulers)).toThrow(/one optimizer/);
    expect(() => new lrScheduler.ChainedScheduler([new lrScheduler.ReduceLROnPlateau(a)])).toThrow(/needs a metric/);
    expect(() => new lrScheduler.ReduceLROnPlateau(a).step()).toThrow(/needs the metric/);
    expect(() => new lrScheduler.ExponentialLR(a, { gamma: 0.5 }).loadStateDict({ nothing: 1 })).toThrow(ArgumentError);
  });
});

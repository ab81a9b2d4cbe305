import { describe, expect, test } from 'vitest';
import { ArgumentError, manualSeed, nn, ones, optim, randn, type Tensor, tensor } from '../../src/index.ts';

type Made = optim.Optimizer<object>;

const ALL: Readonly<Record<string, (params: optim.Params) => Made>> = {
  SGD: (params) => new optim.SGD(params, { lr: 0.1 }),
  'SGD with momentum': (params) => new optim.SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  Adam: (params) => new optim.Adam(params, { lr: 0.1, amsgrad: true }),
  AdamW: (params) => new optim.AdamW(params, { lr: 0.1 }),
  Adamax: (params) => new optim.Adamax(params, { lr: 0.1 }),
  NAdam: (params) => new optim.NAdam(params, { lr: 0.1 }),
  RAdam: (params) => new optim.RAdam(params, { lr: 0.1 }),
  Adagrad: (params) => new optim.Adagrad(params, { lr: 0.5 }),
  Adadelta: (params) => new optim.Adadelta(params, { lr: 20 }),
  RMSprop: (params) => new optim.RMSprop(params, { lr: 0.05, centered: true, momentum: 0.5 }),
  ASGD: (params) => new optim.ASGD(params, { lr: 0.1 }),
  Rprop: (params) => new optim.Rprop(params, { lr: 0.1 }),
};

function step(optimizer: Made, w: Tensor): number {
  optimizer.zeroGrad();
  const loss = w.sub(3).pow(2).sum() as Tensor;
  loss.backward();
  optimizer.step();
  return Number(loss.item());
}

const leaf = (values: readonly number[]): Tensor => tensor(values, { requiresGrad: true }) as Tensor;

describe.each(Object.entries(ALL))('%s', (_, make) => {
  test('descends', () => {
    const w = leaf([0, 1]);
    const optimizer = make([w]);
    const losses = Array.from({ length: 60 }, () => step(optimizer, w));
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 4);
  });

  test('goes on from a saved state as if it had not stopped', () => {
    const [w, v] = [leaf([0, 1]), leaf([0, 1])];
    const [one, other] = [make([w]), make([v])];
    for (let i = 0; i < 5; i++) step(one, w);
    v.data = w.data.clone();
    const saved = one.stateDict();
    other.loadStateDict({
      ...saved,
      state: Object.fromEntries(
        Object.entries(saved.state).map(([i, state]) => [
          i,
          Object.fromEntries(
            Object.entries(state).map(([name, value]) => [name, typeof value === 'object' && value !== null ? value.clone() : value]),
          ),
        ]),
      ),
    });
    for (let i = 0; i < 5; i++) {
      step(one, w);
      step(other, v);
    }
    expect(v.toArray()).toEqual(w.toArray());
  });

  test('writes in place: the same tensor, a counted write, no graph', () => {
    const w = leaf([0, 1]);
    const optimizer = make([w]);
    const saved = w.mul(w).sum() as Tensor;
    step(optimizer, w);
    expect([w.isLeaf, w.gradFn, w.requiresGrad]).toEqual([true, null, true]);
    expect(() => saved.backward()).toThrow(/\.step/);
  });

  test('leaves parameters without a gradient alone', () => {
    const [w, idle] = [leaf([0]), leaf([5])];
    const optimizer = make([w, idle]);
    step(optimizer, w);
    expect(idle.toArray()).toEqual([5]);
    expect(optimizer.state.has(idle)).toBe(false);
  });
});

describe('optimizers', () => {
  test('have groups with options of their own', () => {
    const [a, b] = [leaf([1]), leaf([1])];
    const optimizer = new optim.SGD([{ params: [a] }, { params: b, lr: 0.5, momentum: 0.9 }], { lr: 0.1 });
    expect(optimizer.paramGroups.map(({ lr, momentum }) => [lr, momentum])).toEqual([
      [0.1, 0],
      [0.5, 0.9],
    ]);
    a.add(b).sum().backward();
    optimizer.step();
    expect([a.item(), b.item()]).toEqual([Math.fround(0.9), 0.5]);
    optimizer.addParamGroup({ params: [leaf([2])], lr: 7 });
    expect(optimizer.paramGroups.map(({ lr }) => lr)).toEqual([0.1, 0.5, 7]);
  });

  test('call a closure with recording on, and return its loss', () => {
    const w = leaf([2]);
    const optimizer = new optim.SGD([w], { lr: 0.25 });
    const loss = optimizer.step(() => {
      optimizer.zeroGrad();
      const y = w.pow(2).sum() as Tensor;
      y.backward();
      return y;
    });
    expect([loss?.item(), w.item()]).toEqual([4, 1]);
  });

  test('forget gradients, or set them to zero', () => {
    const w = leaf([2]);
    const optimizer = new optim.SGD([w]);
    w.sum().backward();
    const { grad } = w;
    optimizer.zeroGrad({ setToNone: false });
    expect([w.grad === grad, w.grad?.item()]).toEqual([true, 0]);
    optimizer.zeroGrad();
    expect(w.grad).toBe(null);
  });

  test('refuse parameters that are none', () => {
    const w = leaf([1]);
    const refused: (() => unknown)[] = [
      () => new optim.SGD([]),
      () => new optim.SGD(w as never),
      () => new optim.SGD([w.mul(2)] as Tensor[]),
      () => new optim.SGD([w, w]),
      () => new optim.SGD([{ params: [w] }, { params: [w] }]),
      () => new optim.SGD([3 as never]),
      () => new optim.SGD([{ params: 3 as never }]),
      () => new optim.SGD(undefined as never),
    ];
    for (const attempt of refused) expect(attempt).toThrow(ArgumentError);
  });

  test.each([
    ['SGD', () => new optim.SGD([leaf([1])], { lr: -1 })],
    ['SGD', () => new optim.SGD([leaf([1])], { nesterov: true })],
    ['Adam', () => new optim.Adam([leaf([1])], { betas: [0.9, 1] })],
    ['AdamW', () => new optim.AdamW([leaf([1])], { eps: Number.NaN })],
    ['NAdam', () => new optim.NAdam([leaf([1])], { momentumDecay: -1 })],
    ['Adagrad', () => new optim.Adagrad([leaf([1])], { lrDecay: -1 })],
    ['Adadelta', () => new optim.Adadelta([leaf([1])], { rho: 1.5 })],
    ['RMSprop', () => new optim.RMSprop([leaf([1])], { alpha: -1 })],
    ['Rprop', () => new optim.Rprop([leaf([1])], { etas: [1.2, 0.5] })],
  ])('refuse options out of range: %s', (name, attempt) => {
    expect(attempt).toThrow(ArgumentError);
    expect(attempt).toThrow(new RegExp(`^${name.startsWith('Adam') ? 'Adam' : name}`));
  });

  test('refuse the state of other groups, with nothing changed', () => {
    const optimizer = new optim.Adam([leaf([1])], { lr: 0.5 });
    const { state } = optimizer.stateDict();
    expect(() => optimizer.loadStateDict({ state, paramGroups: [] })).toThrow(/0 parameter groups/);
    expect(() => optimizer.loadStateDict({ state, paramGroups: [{ params: [0, 1], lr: 9 }] })).toThrow(/2 parameters/);
    expect(optimizer.paramGroups[0]?.lr).toBe(0.5);
  });

  test('maximise: the negated problem gives the same way', () => {
    for (const [minimise, maximise] of [
      [new optim.SGD([leaf([1])], { lr: 0.1, momentum: 0.5 }), new optim.SGD([leaf([1])], { lr: 0.1, momentum: 0.5, maximize: true })],
      [new optim.Adam([leaf([1])], { lr: 0.1 }), new optim.Adam([leaf([1])], { lr: 0.1, maximize: true })],
    ]) {
      const [p, q] = [minimise?.paramGroups[0]?.params[0] as Tensor, maximise?.paramGroups[0]?.params[0] as Tensor];
      for (let i = 0; i < 4; i++) {
        minimise?.zeroGrad();
        maximise?.zeroGrad();
        p.pow(3).sum().backward();
        q.pow(3).neg().sum().backward();
        minimise?.step();
        maximise?.step();
      }
      expect(q.toArray()).toEqual(p.toArray());
    }
  });

  test('train a small network to the loss that it must reach', () => {
    manualSeed(0);
    const model = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 1));
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
    const x = randn([64, 2]);
    const y = x.select(1, 0).mul(x.select(1, 1)).reshape([64, 1]);
    let loss = ones([]) as Tensor;
    for (let i = 0; i < 200; i++) {
      optimizer.zeroGrad();
      loss = nn.functional.mseLoss(model.forward(x), y) as Tensor;
      loss.backward();
      optimizer.step();
    }
    expect(loss.item()).toBeLessThan(0.02);
  });
});

test('an optimizer prints its groups', () => {
  const optimizer = new optim.SGD([{ params: [ones([1])] }, { params: [ones([1])], lr: 0.5 }], { lr: 0.1 });
  expect(String(optimizer)).toBe(
    [
      'SGD (',
      'Parameter Group 0',
      '    dampening: 0',
      '    lr: 0.1',
      '    maximize: false',
      '    momentum: 0',
      '    nesterov: false',
      '    weightDecay: 0',
      '',
      'Parameter Group 1',
      '    dampening: 0',
      '    lr: 0.5',
      '    maximize: false',
      '    momentum: 0',
      '    nesterov: false',
      '    weightDecay: 0',
      ')',
    ].join('\n'),
  );
});

/** Compiled training steps give the bits of the steps as they are: losses, parameters, gradients, buffers and the state of optimizers. */
import { manualSeed, nn, optim, randint, randn, type Tensor } from 'nabla';
import { compile } from 'nabla/compile';
import { describe, expect, it } from 'vitest';

const F = nn.functional;

type Optimizer = optim.Optimizer<object>;

interface Training {
  readonly model: () => nn.Module & { forward(x: Tensor): Tensor };
  readonly optimizer: (parameters: Tensor[]) => Optimizer;
  readonly data: () => readonly [x: Tensor, y: Tensor];
  readonly loss: (out: Tensor, y: Tensor) => Tensor;
  readonly steps?: number;
}

/** All that a training leaves behind. */
function train(
  training: Training,
  compiled: boolean,
): { readonly trace: unknown; readonly replays: number; readonly reason: string | null } {
  manualSeed(0);
  const model = training.model();
  const optimizer = training.optimizer(model.parameters());
  const batches = [training.data(), training.data(), training.data()];
  const plain = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad();
    const loss = training.loss(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  };
  const step = compile(plain);
  const losses: unknown[] = [];
  for (let i = 0; i < (training.steps ?? 9); i++) {
    const [x, y] = batches[i % 3] as readonly [Tensor, Tensor];
    losses.push((compiled ? step : plain)(x, y).item());
  }
  const [signature] = step.explain().signatures;
  const state = [...optimizer.state.values()].map((own) =>
    Object.entries(own).map(([name, value]) => [name, typeof value === 'object' && value !== null ? value.toArray() : value]),
  );
  return {
    trace: [
      losses,
      model.parameters().map((p) => [p.toArray(), p.grad?.toArray(), p.requiresGrad]),
      model.buffers().map((b) => b.toArray()),
      state,
      randn([3]).toArray(),
    ],
    replays: signature?.programs.reduce((sum, { runs }) => sum + runs, 0) ?? 0,
    reason: signature?.reason ?? null,
  };
}

const dense = (...between: nn.Module[]) => new nn.Sequential(new nn.Linear(6, 16), ...(between as nn.Tanh[]), new nn.Linear(16, 3));
const points = (): readonly [Tensor, Tensor] => [randn([5, 6]), randn([5, 3])];
const classes = (): readonly [Tensor, Tensor] => [randn([5, 6]), randint(3, [5])];
const squares = (out: Tensor, y: Tensor): Tensor => F.mseLoss(out, y);
const entropy = (out: Tensor, y: Tensor): Tensor => F.crossEntropy(out, y);

class Recurrent extends nn.Module {
  tokens = new nn.Embedding(12, 8);
  lstm = new nn.LSTM(8, 10, { numLayers: 2 });
  out = new nn.Linear(10, 12);
  forward(i: Tensor): Tensor {
    return this.out.forward(this.lstm.forward(this.tokens.forward(i))[0]);
  }
}

const trainings: Record<string, Training> = {
  'a dense network with SGD': {
    model: () => dense(new nn.Tanh()),
    optimizer: (parameters) => new optim.SGD(parameters, { lr: 0.05 }),
    data: points,
    loss: squares,
  },
  'momentum and weight decay': {
    model: () => dense(new nn.GELU()),
    optimizer: (parameters) => new optim.SGD(parameters, { lr: 0.05, momentum: 0.9, weightDecay: 0.1 }),
    data: points,
    loss: squares,
  },
  'Adam, whose corrections change with each step': {
    model: () => dense(new nn.ReLU()),
    optimizer: (parameters) => new optim.Adam(parameters, { lr: 0.01 }),
    data: classes,
    loss: entropy,
  },
  'AdamW with amsgrad': {
    model: () => dense(new nn.SiLU()),
    optimizer: (parameters) => new optim.AdamW(parameters, { lr: 0.01, amsgrad: true }),
    data: classes,
    loss: entropy,
  },
  'dropout, which draws anew in each step': {
    model: () => dense(new nn.ReLU(), new nn.Dropout(0.5)),
    optimizer: (parameters) => new optim.SGD(parameters, { lr: 0.05 }),
    data: points,
    loss: squares,
  },
  'convolution, batch norm and pooling': {
    model: () =>
      new nn.Sequential(
        new nn.Conv2d(1, 4, 3),
        new nn.BatchNorm2d(4),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
        new nn.Linear(36, 3),
      ) as never,
    optimizer: (parameters) => new optim.SGD(parameters, { lr: 0.05 }),
    data: () => [randn([4, 1, 8, 8]), randint(3, [4])],
    loss: entropy,
  },
  'layer norm and softmax': {
    model: () => dense(new nn.LayerNorm([16]), new nn.Softmax(1)),
    optimizer: (parameters) => new optim.Adam(parameters, { lr: 0.01 }),
    data: points,
    loss: squares,
  },
  'embedding and LSTM': {
    model: () => new Recurrent(),
    optimizer: (parameters) => new optim.Adam(parameters, { lr: 0.01 }),
    data: () => [randint(12, [3, 4]), randint(12, [12])],
    loss: (out, y) => F.crossEntropy(out.view([-1, 12]), y),
  },
  attention: {
    model: () => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0, batchFirst: true }) as never,
    optimizer: (parameters) => new optim.SGD(parameters, { lr: 0.01 }),
    data: () => [randn([2, 5, 8]), randn([2, 5, 8])],
    loss: squares,
  },
};

describe('compiled training', () => {
  for (const [name, training] of Object.entries(trainings)) {
    it(`gives the bits of the steps as they are: ${name}`, () => {
      const plain = train(training, false);
      const compiled = train(training, true);
      expect(compiled.reason).toBeNull();
      expect(compiled.replays).toBeGreaterThanOrEqual(5);
      expect(compiled.trace).toEqual(plain.trace);
    });
  }

  it('follows a schedule of learning rates that is stepped inside, and one that is stepped outside', () => {
    const run = (compiled: boolean): unknown => {
      manualSeed(1);
      const model = dense(new nn.Tanh());
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 });
      const inner = new optim.lrScheduler.ExponentialLR(optimizer, { gamma: 0.9 });
      const outer = new optim.lrScheduler.StepLR(optimizer, { stepSize: 2, gamma: 0.5 });
      const [x, y] = points();
      const plain = (): Tensor => {
        optimizer.zeroGrad();
        const loss = squares(model.forward(x), y);
        loss.backward();
        optimizer.step();
        inner.step();
        return loss;
      };
      const step = compiled ? compile(plain) : plain;
      const losses: unknown[] = [];
      for (let i = 0; i < 8; i++) {
        losses.push(step().item(), optimizer.paramGroups[0]?.lr, inner.lastEpoch);
        if (i % 3 === 2) outer.step();
      }
      return losses;
    };
    expect(run(true)).toEqual(run(false));
  });

  it('accumulates gradients over calls where the function does not clear them', () => {
    const run = (compiled: boolean): unknown => {
      manualSeed(2);
      const model = dense(new nn.Tanh());
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
      const plain = (x: Tensor, y: Tensor): Tensor => {
        const loss = squares(model.forward(x), y);
        loss.backward();
        return loss;
      };
      const backward = compiled ? compile(plain) : plain;
      const seen: unknown[] = [];
      for (let i = 0; i < 20; i++) {
        seen.push(backward(...points()).item(), model.parameters()[0]?.grad?.toArray());
        if (i % 4 !== 3) continue;
        optimizer.step();
        optimizer.zeroGrad();
      }
      return seen;
    };
    expect(run(true)).toEqual(run(false));
  });

  it('goes on after training and evaluation were switched, each as it would', () => {
    const run = (compiled: boolean): unknown => {
      manualSeed(3);
      const model = new nn.Sequential(new nn.Linear(6, 8), new nn.BatchNorm1d(8), new nn.Dropout(0.3), new nn.Linear(8, 3));
      const step = (x: Tensor): Tensor => model.forward(x).detach();
      const f = compiled ? compile(step) : step;
      const seen: unknown[] = [];
      for (let i = 0; i < 16; i++) {
        model.train(i % 2 === 0);
        seen.push(f(randn([5, 6])).toArray());
      }
      return [seen, model.buffers().map((b) => b.toArray())];
    };
    expect(run(true)).toEqual(run(false));
  });
});

/** nabla's training steps: the networks of the comparison, one step a call. */
import type { nn as NN, Tensor } from 'nabla';

type Nabla = typeof import('nabla');
type Step = () => void;
type Workloads = Record<string, () => Step>;

interface Optimizer {
  zeroGrad(): void;
  step(): unknown;
}

/** What may be done to a step before it runs, such as compiling it. */
export type Prepare = <I extends Tensor>(step: (x: I) => Tensor) => (x: I) => Tensor;

const asItIs: Prepare = (step) => step;

type Training = <I extends Tensor>(model: { forward(x: I): Tensor }, x: I, loss: (out: Tensor) => Tensor, optimizer: Optimizer) => Step;

function trainer(prepare: Prepare): Training {
  return (model, x, loss, optimizer) => {
    const step = prepare((given: typeof x) => {
      optimizer.zeroGrad();
      const l = loss(model.forward(given));
      l.backward();
      optimizer.step();
      return l;
    });
    return () => {
      step(x).item();
    };
  };
}

/** The workloads that train dense networks. */
export function denseSteps({ nn, optim, rand, randint, randn }: Nabla, prepare: Prepare = asItIs): Workloads {
  const F = nn.functional;
  const training = trainer(prepare);
  return {
    tiny: () => {
      const model = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 16), new nn.Tanh(), new nn.Linear(16, 1));
      const y = randn([4, 1]);
      return training(model, randn([4, 2]), (out) => F.mseLoss(out, y), new optim.SGD(model.parameters(), { lr: 0.05 }));
    },
    mlp: () => {
      const model = new nn.Sequential(
        new nn.Linear(784, 512),
        new nn.ReLU(),
        new nn.Linear(512, 256),
        new nn.ReLU(),
        new nn.Linear(256, 10),
      );
      const y = randint(10, [128]);
      return training(model, randn([128, 784]), (out) => F.crossEntropy(out, y), new optim.Adam(model.parameters(), { lr: 1e-3 }));
    },
    'digits step': () => {
      const model = new nn.Sequential(new nn.Linear(64, 128), new nn.ReLU(), new nn.Linear(128, 10));
      const y = randint(10, [32]);
      return training(model, rand([32, 64]), (out) => F.crossEntropy(out, y), new optim.AdamW(model.parameters(), { lr: 2e-3 }));
    },
  };
}

/** The workloads that train convolutional networks. */
export function imageSteps({ nn, optim, randint, randn }: Nabla, prepare: Prepare = asItIs): Workloads {
  const F = nn.functional;
  const training = trainer(prepare);
  class ResidualBlock extends nn.Module {
    first = new nn.Conv2d(64, 64, 3, { padding: 1, bias: false });
    firstNorm = new nn.BatchNorm2d(64);
    second = new nn.Conv2d(64, 64, 3, { padding: 1, bias: false });
    secondNorm = new nn.BatchNorm2d(64);
    forward(x: Tensor): Tensor {
      const inner = F.relu(this.firstNorm.forward(this.first.forward(x)));
      return F.relu(x.add(this.secondNorm.forward(this.second.forward(inner))));
    }
  }
  return {
    cnn: () => {
      const model = new nn.Sequential(
        new nn.Conv2d(1, 32, 3),
        new nn.ReLU(),
        new nn.Conv2d(32, 64, 3),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
        new nn.Linear(9216, 128),
        new nn.ReLU(),
        new nn.Linear(128, 10),
      );
      const y = randint(10, [64]);
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
      return training(model, randn([64, 1, 28, 28]), (out) => F.crossEntropy(out, y), optimizer);
    },
    resblock: () => {
      const model = new ResidualBlock();
      const y = randn([8, 64, 32, 32]);
      return training(model, randn([8, 64, 32, 32]), (out) => F.mseLoss(out, y), new optim.SGD(model.parameters(), { lr: 0.01 }));
    },
    'lenet on digits': () => {
      const model = new nn.Sequential(
        new nn.Conv2d(1, 6, 3, { padding: 1 }),
        new nn.Tanh(),
        new nn.AvgPool2d(2),
        new nn.Conv2d(6, 16, 3),
        new nn.Tanh(),
        new nn.Flatten(),
        new nn.Linear(64, 32),
        new nn.Tanh(),
        new nn.Linear(32, 10),
      );
      const y = randint(10, [32]);
      return training(model, randn([32, 1, 8, 8]), (out) => F.crossEntropy(out, y), new optim.SGD(model.parameters(), { lr: 0.05 }));
    },
  };
}

/** The workloads that train networks over sequences. */
export function sequenceSteps({ arange, nn, optim, randint }: Nabla, prepare: Prepare = asItIs): Workloads {
  const F = nn.functional;
  const training = trainer(prepare);
  class Block extends nn.Module {
    heads: number;
    norm1: NN.LayerNorm;
    qkv: NN.Linear;
    out: NN.Linear;
    norm2: NN.LayerNorm;
    wide: NN.Linear;
    narrow: NN.Linear;
    constructor(width: number, heads: number) {
      super();
      this.heads = heads;
      this.norm1 = new nn.LayerNorm(width);
      this.qkv = new nn.Linear(width, 3 * width);
      this.out = new nn.Linear(width, width);
      this.norm2 = new nn.LayerNorm(width);
      this.wide = new nn.Linear(width, 4 * width);
      this.narrow = new nn.Linear(4 * width, width);
    }
    forward(x: Tensor): Tensor {
      const [b, t, d] = x.shape as [number, number, number];
      const parts = this.qkv.forward(this.norm1.forward(x)).split(d, 2);
      const [q, k, v] = parts.map((part) => part.view([b, t, this.heads, d / this.heads]).transpose(1, 2)) as [Tensor, Tensor, Tensor];
      const y = F.scaledDotProductAttention(q, k, v, null, { isCausal: true }).transpose(1, 2).contiguous().view([b, t, d]);
      const middle = x.add(this.out.forward(y));
      return middle.add(this.narrow.forward(F.gelu(this.wide.forward(this.norm2.forward(middle)))));
    }
  }
  class Gpt extends nn.Module {
    tokens = new nn.Embedding(65, 128);
    places = new nn.Embedding(64, 128);
    blocks = new nn.Sequential(new Block(128, 4), new Block(128, 4), new Block(128, 4), new Block(128, 4));
    norm = new nn.LayerNorm(128);
    head = new nn.Linear(128, 65, { bias: false });
    forward(i: Tensor): Tensor {
      const x = this.tokens.forward(i).add(this.places.forward(arange(i.shape[1] as number)));
      return this.head.forward(this.norm.forward(this.blocks.forward(x)));
    }
  }
  class Recurrent extends nn.Module {
    tokens = new nn.Embedding(64, 64);
    lstm = new nn.LSTM(64, 128, { numLayers: 2 });
    out = new nn.Linear(128, 64);
    forward(i: Tensor): Tensor {
      return this.out.forward(this.lstm.forward(this.tokens.forward(i))[0]);
    }
  }
  return {
    gpt: () => {
      const model = new Gpt();
      const y = randint(65, [12 * 64]);
      const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
      return training(model, randint(65, [12, 64]), (out) => F.crossEntropy(out.view([-1, 65]), y), optimizer);
    },
    lstm: () => {
      const model = new Recurrent();
      const y = randint(64, [512]);
      const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
      return training(model, randint(64, [32, 16]), (out) => F.crossEntropy(out.view([-1, 64]), y), optimizer);
    },
  };
}

import { describe, expect, test } from 'vitest';
import { ArgumentError, manualSeed, nn, noGrad, ones, randn, relu, ShapeError, type Tensor, tensor, zeros } from '../../src/index.ts';
import { fromSafetensors, toSafetensors } from '../../src/io/index.ts';

class Net extends nn.Module {
  readonly hidden = new nn.Linear(4, 8);
  readonly norm = new nn.BatchNorm1d(8);
  readonly out = new nn.Linear(8, 2, { bias: false });
  readonly scale = new nn.Parameter(ones([2]));

  forward(x: Tensor): Tensor {
    return this.out.forward(relu(this.norm.forward(this.hidden.forward(x)))).mul(this.scale);
  }
}

const names = (entries: readonly (readonly [string, unknown])[]): string[] => entries.map(([name]) => name);

describe('what a module has', () => {
  test('parameters by dotted name: its own first, then those of its modules', () => {
    expect(names(new Net().namedParameters())).toEqual(['scale', 'hidden.weight', 'hidden.bias', 'norm.weight', 'norm.bias', 'out.weight']);
  });

  test('buffers, and a state with the names that PyTorch gives', () => {
    const net = new Net();
    expect(names(net.namedBuffers())).toEqual(['norm.running_mean', 'norm.running_var', 'norm.num_batches_tracked']);
    expect([...net.stateDict().keys()]).toEqual([
      'scale',
      'hidden.weight',
      'hidden.bias',
      'norm.weight',
      'norm.bias',
      'norm.running_mean',
      'norm.running_var',
      'norm.num_batches_tracked',
      'out.weight',
    ]);
  });

  test('a buffer that is not persistent is no part of the state', () => {
    class Counter extends nn.Module {
      constructor() {
        super();
        this.registerBuffer('kept', zeros([1]));
        this.registerBuffer('scratch', zeros([1]), { persistent: false });
        this.registerBuffer('absent', null);
      }
    }
    const counter = new Counter();
    expect(names(counter.namedBuffers())).toEqual(['kept', 'scratch']);
    expect([...counter.stateDict().keys()]).toEqual(['kept']);
  });

  test('a parameter that is shared is listed once, but has all its names in the state', () => {
    class Tied extends nn.Module {
      readonly encoder = new nn.Linear(3, 3, { bias: false });
      readonly decoder = new nn.Linear(3, 3, { bias: false });
      constructor() {
        super();
        this.decoder.weight = this.encoder.weight;
      }
    }
    const tied = new Tied();
    expect(names(tied.namedParameters())).toEqual(['encoder.weight']);
    expect(tied.parameters()).toHaveLength(1);
    expect([...tied.stateDict().keys()]).toEqual(['encoder.weight', 'decoder.weight']);
  });

  test('a module that is shared is listed once', () => {
    const shared = new nn.Linear(2, 2);
    const net = new nn.Sequential(shared, new nn.ReLU(), shared);
    expect(net.modules()).toHaveLength(3);
    expect(net.parameters()).toHaveLength(2);
    expect([...net.stateDict().keys()]).toEqual(['0.weight', '0.bias', '2.weight', '2.bias']);
  });

  test('modules in lists, records and arrays', () => {
    class Deep extends nn.Module {
      readonly list = new nn.ModuleList([new nn.Linear(1, 1, { bias: false })]);
      readonly record = new nn.ModuleDict({ left: new nn.Linear(1, 1, { bias: false }) });
      readonly array = [new nn.Linear(1, 1, { bias: false }), new nn.Linear(1, 1, { bias: false })];
      readonly loose = new nn.ParameterList([new nn.Parameter(ones([1]))]);
      readonly numbers = [1, 2];
    }
    expect(names(new Deep().namedParameters())).toEqual([
      'list.0.weight',
      'record.left.weight',
      'array.0.weight',
      'array.1.weight',
      'loose.0',
    ]);
  });

  test('containers behave like what they contain', () => {
    const list = new nn.ModuleList([new nn.ReLU()]).append(new nn.Tanh());
    expect(list.length).toBe(2);
    expect(list.at(-1)).toBeInstanceOf(nn.Tanh);
    expect([...list].map((module) => module.constructor.name)).toEqual(['ReLU', 'Tanh']);
    const record = new nn.ModuleDict<nn.Module>({ a: new nn.ReLU() }).set('b', new nn.Tanh());
    expect([record.size, record.has('b'), [...record.keys()], record.delete('a'), record.get('a')]).toEqual([
      2,
      true,
      ['a', 'b'],
      true,
      undefined,
    ]);
    const chain = new nn.Sequential(new nn.Linear(2, 3)).append(new nn.ReLU());
    expect([chain.length, chain.at(-1)?.constructor.name, [...chain].length]).toEqual([2, 'ReLU', 2]);
    expect(() => new nn.ModuleList([relu as never])).toThrow(ArgumentError);
    expect(() => new nn.Sequential(...([relu] as never))).toThrow(/layer 0 is not a module/);
    expect(() => new nn.ModuleDict({ f: 3 as never })).toThrow(/'f' is not a module/);
    expect(() => new nn.ParameterList([ones([2])])).toThrow(/not a parameter/);
  });

  test('is printed as a tree', () => {
    expect(String(new nn.Sequential(new nn.Linear(4, 8), new nn.Sequential(new nn.ReLU(), new nn.Dropout(0.1)), new nn.LayerNorm(8)))).toBe(
      [
        'Sequential(',
        '  (0): Linear(inFeatures=4, outFeatures=8, bias=true)',
        '  (1): Sequential(',
        '    (0): ReLU()',
        '    (1): Dropout(p=0.1)',
        '  )',
        '  (2): LayerNorm([8], eps=0.00001, elementwiseAffine=true, bias=true)',
        ')',
      ].join('\n'),
    );
  });
});

describe('modes', () => {
  test('train and eval reach all modules', () => {
    const net = new nn.Sequential(new nn.Dropout(0.5), new nn.Sequential(new nn.Dropout(0.5)));
    expect(
      net
        .eval()
        .modules()
        .every((module) => !module.training),
    ).toBe(true);
    expect(net.forward(ones([4])).toArray()).toEqual([1, 1, 1, 1]);
    expect(
      net
        .train()
        .modules()
        .every((module) => module.training),
    ).toBe(true);
    manualSeed(0);
    expect(
      net
        .forward(ones([1000]))
        .eq(0)
        .sum()
        .item(),
    ).toBeGreaterThan(600);
  });

  test('requiresGrad_ freezes and thaws', () => {
    const net = new nn.Sequential(new nn.Linear(2, 2), new nn.Linear(2, 1));
    (net.at(0) as nn.Module).requiresGrad_(false);
    net
      .forward(ones([1, 2]))
      .sum()
      .backward();
    expect(net.parameters().map((parameter) => parameter.grad === null)).toEqual([true, true, false, false]);
    net.requiresGrad_();
    expect(net.parameters().every((parameter) => parameter.requiresGrad)).toBe(true);
    net.zeroGrad();
    expect(net.parameters().every((parameter) => parameter.grad === null)).toBe(true);
  });

  test('apply reaches children first', () => {
    const seen: string[] = [];
    new nn.Sequential(new nn.ReLU(), new nn.Sequential(new nn.Tanh())).apply((module) => seen.push(module.constructor.name));
    expect(seen).toEqual(['ReLU', 'Tanh', 'Sequential', 'Sequential']);
  });

  test('to casts floating parameters and buffers; parameters stay the same tensors', () => {
    const net = new Net();
    const [first] = net.parameters() as [Tensor];
    net
      .forward(randn([3, 4]))
      .sum()
      .backward();
    net.double();
    expect(net.parameters()[0]).toBe(first);
    expect([first.dtype, first.grad, first.requiresGrad]).toEqual(['float64', null, true]);
    expect(net.norm.runningMean?.dtype).toBe('float64');
    expect(net.norm.numBatchesTracked?.dtype).toBe('int64');
    net
      .forward(randn([3, 4], { dtype: 'float64' }))
      .sum()
      .backward();
    expect((first.grad as unknown as Tensor).dtype).toBe('float64');
    expect(
      net
        .float()
        .parameters()
        .every((parameter) => parameter.dtype === 'float32'),
    ).toBe(true);
  });

  test("to leaves a user's own tensor alone", () => {
    const weight = ones([2]);
    const loss = new nn.CrossEntropyLoss({ weight }).double();
    expect([weight.dtype, loss.weight?.dtype]).toEqual(['float32', 'float64']);
  });
});

describe('state', () => {
  test('goes through safetensors bytes into another module', () => {
    const net = new Net();
    net.forward(randn([16, 4]));
    const bytes = toSafetensors(net.stateDict());
    const copy = new Net();
    expect(copy.loadStateDict(fromSafetensors(bytes))).toEqual({ missingKeys: [], unexpectedKeys: [] });
    const x = randn([5, 4]);
    expect(copy.eval().forward(x).toArray()).toEqual(net.eval().forward(x).toArray());
    expect(copy.norm.numBatchesTracked?.item()).toBe(1);
  });

  test('goes into the same tensors, of whatever dtype they are, and out as views of them', () => {
    const linear = new nn.Linear(2, 2, { dtype: 'float64' });
    const { weight } = linear;
    linear.loadStateDict({
      weight: tensor([
        [1, 2],
        [3, 4],
      ]),
      bias: zeros([2]),
    });
    expect(linear.weight).toBe(weight);
    expect([weight.dtype, weight.toArray(), weight.requiresGrad]).toEqual([
      'float64',
      [
        [1, 2],
        [3, 4],
      ],
      true,
    ]);
    const state = linear.stateDict();
    expect((state.get('weight') as Tensor).requiresGrad).toBe(false);
    noGrad(() => weight.add_(1));
    expect((state.get('weight') as Tensor).toArray()).toEqual([
      [2, 3],
      [4, 5],
    ]);
  });

  test('a tensor saved for backward is known to have changed', () => {
    const linear = new nn.Linear(2, 1);
    const x = ones([1, 2], { requiresGrad: true });
    const y = linear.forward(x).sum();
    linear.loadStateDict(new nn.Linear(2, 1).stateDict());
    expect(() => y.backward()).toThrow(/in place|changed|modified/);
  });

  test.each([
    ['missing', { weight: zeros([2, 2]) }, /missing \[bias\], unexpected \[\]/],
    ['unexpected', { weight: zeros([2, 2]), bias: zeros([2]), extra: zeros([1]) }, /missing \[\], unexpected \[extra\]/],
  ])('%s names are refused before anything is changed', (_, state, message) => {
    const linear = new nn.Linear(2, 2);
    const before = linear.weight.toArray();
    expect(() => linear.loadStateDict(state)).toThrow(ArgumentError);
    expect(() => linear.loadStateDict(state)).toThrow(message);
    expect(linear.weight.toArray()).toEqual(before);
  });

  test('a wrong shape, or what is no tensor, is refused before anything is changed', () => {
    const linear = new nn.Linear(2, 2);
    const before = linear.weight.toArray();
    expect(() => linear.loadStateDict({ weight: zeros([2, 2]), bias: zeros([3]) })).toThrow(ShapeError);
    expect(() => linear.loadStateDict({ weight: zeros([2, 2]), bias: zeros([3]) })).toThrow(/'bias' has shape \[2\] in Linear but \[3\]/);
    expect(() => linear.loadStateDict({ weight: zeros([2, 2]), bias: [0, 0] as never })).toThrow(/'bias' must be a tensor/);
    expect(linear.weight.toArray()).toEqual(before);
  });

  test('without strict, what matches is loaded and the rest is told', () => {
    const linear = new nn.Linear(2, 2);
    const result = linear.loadStateDict({ weight: zeros([2, 2]), other: zeros([1]) }, { strict: false });
    expect(result).toEqual({ missingKeys: ['bias'], unexpectedKeys: ['other'] });
    expect(linear.weight.toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});

describe('hooks', () => {
  test('run in their order around forward, and may replace inputs and outputs', () => {
    const log: string[] = [];
    const layer = new nn.Identity();
    layer.registerForwardPreHook((_, [x]) => {
      log.push('before 1');
      return [(x as Tensor).add(1)];
    });
    layer.registerForwardPreHook((_, [x]) => {
      log.push('before 2');
      return [(x as Tensor).mul(10)];
    });
    layer.registerForwardHook((_, [x], output) => {
      log.push(`after 1 of ${(x as Tensor).item()}`);
      return (output as Tensor).add(0.5);
    });
    layer.registerForwardHook(() => {
      log.push('after 2');
    });
    expect(layer.forward(tensor(1)).item()).toBe(20.5);
    expect(log).toEqual(['before 1', 'before 2', 'after 1 of 20', 'after 2']);
  });

  test('see calls from containers, and stop when removed', () => {
    let calls = 0;
    const inner = new nn.ReLU();
    const handle = inner.registerForwardHook((module) => {
      expect(module).toBe(inner);
      calls++;
    });
    const net = new nn.Sequential(inner);
    net.forward(ones([1]));
    net.forward(ones([1]));
    handle.remove();
    handle.remove();
    net.forward(ones([1]));
    expect(calls).toBe(2);
  });

  test('do not show in the state, and must be functions', () => {
    const linear = new nn.Linear(1, 1);
    linear.registerForwardHook(() => undefined);
    expect([...linear.stateDict().keys()]).toEqual(['weight', 'bias']);
    expect(String(linear)).toBe('Linear(inFeatures=1, outFeatures=1, bias=true)');
    expect(() => linear.registerForwardHook(3 as never)).toThrow(ArgumentError);
  });
});

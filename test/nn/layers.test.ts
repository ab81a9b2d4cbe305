import { describe, expect, test } from 'vitest';
import { ArgumentError, DTypeError, empty, manualSeed, nn, ones, randn, ShapeError, type Tensor, tensor, zeros } from '../../src/index.ts';

/** Numbers made by PyTorch 2.13 from the same seed. */
describe('initialisation draws what PyTorch draws', () => {
  const drawn = (shape: number[], fill: (x: Tensor) => Tensor): number[] => {
    manualSeed(3);
    return fill(empty(shape) as Tensor)
      .flatten()
      .toArray() as number[];
  };
  const close = (actual: number[], expected: number[]): void => {
    expect(actual).toHaveLength(expected.length);
    actual.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 5);
    });
  };

  test('truncNormal_ where most of the distribution is cut off', () => {
    const values = [1.5106587409973145, 1.5108110904693604, 1.6354422569274902, 1.5673871040344238, 1.803138256072998, 1.786989450454712];
    close(
      drawn([6], (x) => nn.init.truncNormal_(x, { a: 1.5, b: 4 })),
      values,
    );
  });

  test('orthogonal_ of more than two dimensions', () => {
    const values = [
      1.56013727, 0.33956456, 0.17281488, -1.19197428, 0.83166993, -1.59172857, 0.51961982, 0.71043694, 0.29914874, 1.02367425, 1.43790972,
      0.89163738,
    ];
    close(
      drawn([3, 2, 2], (x) => nn.init.orthogonal_(x, { gain: 2 })),
      values,
    );
  });

  test('a rectangular orthogonal_ has orthonormal rows or columns', () => {
    const wide = nn.init.orthogonal_(empty([3, 5])) as Tensor;
    expect(
      wide
        .matmul(wide.t())
        .sub(
          tensor([
            [1, 0, 0],
            [0, 1, 0],
            [0, 0, 1],
          ]),
        )
        .abs()
        .max()
        .item(),
    ).toBeLessThan(1e-5);
    const tall = nn.init.orthogonal_(empty([5, 3])) as Tensor;
    expect(
      tall
        .t()
        .matmul(tall)
        .sub(
          tensor([
            [1, 0, 0],
            [0, 1, 0],
            [0, 0, 1],
          ]),
        )
        .abs()
        .max()
        .item(),
    ).toBeLessThan(1e-5);
  });

  test('eye_, dirac_ and sparse_', () => {
    expect(nn.init.eye_(empty([2, 3])).toArray()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
    const kernel = nn.init.dirac_(empty([4, 2, 3]), { groups: 2 }) as Tensor;
    expect(kernel.select(2, 1).toArray()).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 1],
    ]);
    expect(kernel.sum().item()).toBe(4);
    expect((nn.init.sparse_(empty([10, 4]), { sparsity: 0.3 }) as Tensor).eq(0).sum(0).toArray()).toEqual([3, 3, 3, 3]);
  });

  test('refuse shapes that they cannot fill', () => {
    expect(() => nn.init.orthogonal_(empty([3]))).toThrow(ShapeError);
    expect(() => nn.init.eye_(empty([3]))).toThrow(ShapeError);
    expect(() => nn.init.dirac_(empty([3, 3]))).toThrow(ShapeError);
    expect(() => nn.init.dirac_(empty([3, 3, 3]), { groups: 2 })).toThrow(ArgumentError);
    expect(() => nn.init.sparse_(empty([3, 3]), { sparsity: 2 })).toThrow(ArgumentError);
    expect(() => nn.init.kaimingUniform_(empty([3]))).toThrow(ShapeError);
    expect(() => nn.init.calculateGain('cube')).toThrow(ArgumentError);
  });
});

describe('layers', () => {
  test('Linear: shapes, without a bias, of another dtype', () => {
    const linear = new nn.Linear(3, 2);
    expect(linear.forward(ones([5, 4, 3])).shape).toEqual([5, 4, 2]);
    expect(new nn.Linear(3, 2, { bias: false }).bias).toBe(null);
    expect(new nn.Linear(3, 2, { dtype: 'float64' }).forward(ones([1, 3], { dtype: 'float64' })).dtype).toBe('float64');
    expect(() => linear.forward(ones([5, 4]) as never)).toThrow(/expected last dimension 3, got 4/);
    expect(() => new nn.Linear(-1, 2)).toThrow(ArgumentError);
    expect(() => new nn.Linear(1, 2, { dtype: 'int64' })).toThrow(DTypeError);
  });

  test('BatchNorm: batches while training, running statistics after that', () => {
    const norm = new nn.BatchNorm1d(2, { momentum: null });
    const x = tensor([
      [1, 10],
      [3, 30],
    ]);
    expect(norm.forward(x).toArray()).toEqual([
      [expect.closeTo(-1, 4), expect.closeTo(-1, 4)],
      [expect.closeTo(1, 4), expect.closeTo(1, 4)],
    ]);
    expect(norm.runningMean?.toArray()).toEqual([2, 20]);
    norm.forward(
      tensor([
        [5, 50],
        [7, 70],
      ]),
    );
    expect(norm.runningMean?.toArray()).toEqual([4, 40]);
    expect(norm.numBatchesTracked?.item()).toBe(2);
    norm.eval();
    norm.forward(x);
    expect(norm.runningMean?.toArray()).toEqual([4, 40]);
    expect(norm.forward(tensor([[4, 40]])).toArray()).toEqual([[0, 0]]);
    expect(() => norm.forward(ones([2, 2, 2, 2]) as never)).toThrow(ShapeError);
  });

  test('without tracking, InstanceNorm has no state', () => {
    expect([...new nn.InstanceNorm2d(3).stateDict().keys()]).toEqual([]);
    const norm = new nn.InstanceNorm1d(3, { affine: true, trackRunningStats: true });
    expect([...norm.stateDict().keys()]).toEqual(['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']);
    expect(norm.forward(randn([3, 5])).shape).toEqual([3, 5]);
    expect(() => norm.forward(randn([4, 5]))).toThrow(/3 channels/);
  });

  test('GroupNorm refuses groups that do not divide', () => {
    expect(() => new nn.GroupNorm(2, 3)).toThrow(ArgumentError);
  });

  test('Embedding: the padding row is 0 and stays; pretrained rows are frozen', () => {
    const table = new nn.Embedding(4, 2, { paddingIdx: -1 });
    expect(table.weight.select(0, 3).toArray()).toEqual([0, 0]);
    table
      .forward(tensor([0n, 3n]))
      .sum()
      .backward();
    expect((table.weight.grad as Tensor).toArray()).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(() => new nn.Embedding(4, 2, { paddingIdx: 4 })).toThrow(ArgumentError);
    const known = nn.Embedding.fromPretrained(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    );
    expect([known.weight.requiresGrad, known.numEmbeddings, known.forward(tensor([1n])).toArray()]).toEqual([false, 2, [[3, 4]]]);
    expect(nn.Embedding.fromPretrained(zeros([2, 2]), { freeze: false }).weight.requiresGrad).toBe(true);
  });

  test('Dropout refuses what is no probability, and keeps the expectation', () => {
    expect(() => new nn.Dropout(1.5)).toThrow(ArgumentError);
    manualSeed(0);
    expect(
      new nn.Dropout(0.25)
        .forward(ones([100_000]))
        .mean()
        .item(),
    ).toBeCloseTo(1, 2);
  });

  test('losses keep their weights as buffers', () => {
    const loss = new nn.CrossEntropyLoss({ weight: tensor([1, 2]), labelSmoothing: 0.1 });
    expect([...loss.stateDict().keys()]).toEqual(['weight']);
    expect(loss.parameters()).toEqual([]);
    expect(String(loss)).toBe('CrossEntropyLoss(labelSmoothing=0.1)');
    expect([...new nn.BCEWithLogitsLoss({ posWeight: tensor([3]) }).stateDict().keys()]).toEqual(['pos_weight']);
  });

  test('Parameter must have a dtype that can have a gradient', () => {
    expect(() => new nn.Parameter(tensor([1n]) as never)).toThrow(DTypeError);
    expect(new nn.Parameter(tensor([1n]), false).requiresGrad).toBe(false);
    expect(new nn.Parameter(ones([2])) instanceof nn.Parameter).toBe(true);
    expect(ones([2]) instanceof nn.Parameter).toBe(false);
  });

  test.each([
    ['Linear', [2], /Linear: outFeatures must be a whole number from 0 on, got undefined/],
    ['Linear', ['two', 2], /Linear: inFeatures .* got the string two/],
    ['Bilinear', [2, 2, -1], /Bilinear: outFeatures .* got the number -1/],
    ['Embedding', [2.5, 1], /Embedding: numEmbeddings .* got the number 2.5/],
    ['BatchNorm2d', [], /BatchNorm2d: numFeatures .* got undefined/],
    ['GroupNorm', [2], /GroupNorm: numChannels .* got undefined/],
    ['LayerNorm', [], /LayerNorm: normalizedShape must be a size, or a list of sizes, got undefined/],
    ['RMSNorm', [[2, -3]], /RMSNorm: normalizedShape .* got \[2, -3\]/],
  ] as const)('%s(%j) says which size is wrong', (name, args, message) => {
    const make = nn[name] as unknown as new (...args: readonly unknown[]) => nn.Module;
    expect(() => new make(...args)).toThrow(ArgumentError);
    expect(() => new make(...args)).toThrow(message);
  });
});

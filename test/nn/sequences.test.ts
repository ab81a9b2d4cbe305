import { describe, expect, test } from 'vitest';
import { ArgumentError, autograd, IndexError, manualSeed, nn, randn, ShapeError, type Tensor, tensor } from '../../src/index.ts';

const { ctcLoss, embeddingBag } = nn.functional;
type Wide = Tensor<number[], 'float64'>;

/** The probability of a labelling by all alignments, one by one. */
function byAlignments(probabilities: number[][], labels: readonly number[]): number {
  const classes = (probabilities[0] as number[]).length;
  const merged = (path: readonly number[]): number[] => path.filter((label, i) => label !== path[i - 1]).filter((label) => label !== 0);
  let total = 0;
  for (let code = 0; code < classes ** probabilities.length; code++) {
    const path = probabilities.map((_, step) => Math.floor(code / classes ** step) % classes);
    if (merged(path).join() === labels.join())
      total += path.reduce((p, label, step) => p * ((probabilities[step] as number[])[label] as number), 1);
  }
  return total;
}

describe('ctcLoss', () => {
  test('is the sum over all alignments', () => {
    manualSeed(4);
    const logProbs = randn([5, 1, 3], { dtype: 'float64' }).logSoftmax(2);
    const probabilities = logProbs.exp().select(1, 0).toArray() as number[][];
    for (const labels of [[], [1], [1, 2], [1, 1], [2, 1, 2]]) {
      const targets = tensor(labels, { dtype: 'int64' }) as Tensor;
      const loss = ctcLoss(logProbs, targets, [5], [labels.length], { reduction: 'sum' });
      expect(Number(loss.item())).toBeCloseTo(-Math.log(byAlignments(probabilities, labels)), 10);
    }
  });

  test('has the derivative of that behind a log-softmax', () => {
    const x = randn([5, 2, 3], { dtype: 'float64', requiresGrad: true }) as Wide;
    const targets = tensor([1n, 2n, 2n]) as Tensor;
    const f = (scores: Wide): Tensor => ctcLoss(scores.logSoftmax(2) as Wide, targets, [5, 4], [2, 1], { reduction: 'sum' });
    expect(autograd.gradcheck(f as never, [x] as never)).toBe(true);
  });

  test('labels that do not fit make it infinite, or count for nothing', () => {
    const logProbs = randn([2, 1, 3], { requiresGrad: true }).logSoftmax(2) as Tensor<number[], 'float32'>;
    const targets = tensor([[1n, 1n]]) as Tensor;
    expect(ctcLoss(logProbs, targets, [2], [2]).item()).toBe(Number.POSITIVE_INFINITY);
    const none = ctcLoss(logProbs, targets, [2], [2], { zeroInfinity: true });
    const [grad] = autograd.grad(none as never, [logProbs] as never) as unknown as Tensor[];
    expect(none.item()).toBe(0);
    expect(Number((grad as Tensor).abs().max().item())).toBe(0);
  });

  test('lengths, classes and blanks are checked', () => {
    const logProbs = randn([3, 1, 2]);
    expect(() => ctcLoss(logProbs, tensor([1n]) as Tensor, [4], [1])).toThrow(ArgumentError);
    expect(() => ctcLoss(logProbs, tensor([1n]) as Tensor, [3, 3], [1])).toThrow(ShapeError);
    expect(() => ctcLoss(logProbs, tensor([2n]) as Tensor, [3], [1])).toThrow(IndexError);
    expect(() => ctcLoss(logProbs, tensor([1n]) as Tensor, [3], [1], { blank: 2 })).toThrow(ArgumentError);
  });
});

describe('embeddingBag', () => {
  const weight = tensor([
    [1, 2],
    [3, 4],
    [5, 0],
  ]);

  test('sums, averages and picks the largest, by rows or by offsets; an empty bag gives 0', () => {
    const indices = tensor([0n, 1n, 2n, 2n]);
    const offsets = tensor([0n, 2n, 2n]) as Tensor;
    const bags = (mode: 'sum' | 'mean' | 'max'): unknown => embeddingBag(indices, weight, offsets, { mode }).toArray();
    expect(bags('sum')).toEqual([
      [4, 6],
      [0, 0],
      [10, 0],
    ]);
    expect(bags('mean')).toEqual([
      [2, 3],
      [0, 0],
      [5, 0],
    ]);
    expect(bags('max')).toEqual([
      [3, 4],
      [0, 0],
      [5, 0],
    ]);
    expect(embeddingBag(indices.reshape([2, 2]), weight, null, { mode: 'max' }).toArray()).toEqual([
      [3, 4],
      [5, 0],
    ]);
    expect(embeddingBag(indices, weight, tensor([0n, 3n, 4n]) as Tensor, { mode: 'sum', includeLastOffset: true }).toArray()).toEqual([
      [9, 6],
      [5, 0],
    ]);
  });

  test('a row of padding counts for nothing and gets no gradient', () => {
    const table = weight.clone().requiresGrad_() as Tensor<number[], 'float32'>;
    const result = embeddingBag(
      tensor([
        [0n, 2n],
        [2n, 2n],
      ]),
      table,
      null,
      { paddingIdx: 2 },
    );
    expect(result.toArray()).toEqual([
      [1, 2],
      [0, 0],
    ]);
    result.sum().backward();
    expect((table.grad as Tensor).toArray()).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
  });

  test('the module draws rows, and keeps its padding at 0', () => {
    const bag = new nn.EmbeddingBag(4, 2, { paddingIdx: -1, mode: 'sum' });
    expect(bag.weight.select(0, 3).toArray()).toEqual([0, 0]);
    const input = tensor([[0n, 3n]]) as Tensor;
    expect(bag.forward(input).toArray()).toEqual([bag.weight.select(0, 0).toArray()]);
    expect(() => bag.forward(input, null, { weights: input } as object)).toThrow(/unknown option/);
  });
});

/** Numbers made by PyTorch 2.13 from the same seed. */
test('AdaptiveLogSoftmaxWithLoss: log-probabilities of targets, of all classes, and gradients of the clusters that occur', () => {
  manualSeed(0);
  const layer = new nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10, 15], { divValue: 2, headBias: true });
  const x = randn([4, 16], { requiresGrad: true }) as Tensor;
  const { output, loss } = layer.forward(x, tensor([1n, 7n, 19n, 4n]) as Tensor);
  loss.backward();
  [-2.5401, -3.6749, -3.1292, -3.2545].forEach((value, i) => {
    expect((output.toArray() as number[])[i]).toBeCloseTo(value, 3);
  });
  expect(Number((x.grad as Tensor).sum().item())).toBeCloseTo(-0.32015, 4);
  expect(layer.parameters().map(({ grad }) => grad === null)).toEqual([false, false, false, false, true, true, false, false]);
  const all = layer.logProb(x);
  expect(
    all
      .gather(1, tensor([[1n], [7n], [19n], [4n]]))
      .sub(output.unsqueeze(1))
      .abs()
      .max()
      .item(),
  ).toBeLessThan(1e-6);
  expect(layer.predict(x).toArray()).toEqual([3, 3, 0, 0]);
  expect(() => new nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 5])).toThrow(ArgumentError);
  expect(() => layer.forward(x, tensor([1n, 7n, 20n, 4n]) as Tensor)).toThrow(IndexError);
});

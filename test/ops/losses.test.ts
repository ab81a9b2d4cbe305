import { describe, expect, test } from 'vitest';
import * as nabla from '../../src/index.ts';

const { ones, tensor, zeros } = nabla;
const { batchNorm, binaryCrossEntropy, crossEntropy, embedding, gaussianNllLoss, layerNorm, mseLoss, nllLoss, oneHot } =
  nabla.nn.functional;

const float64 = { dtype: 'float64' } as const;
const values = (x: nabla.Tensor): unknown => x.toArray();
const logits = () =>
  tensor(
    [
      [1, 2, -1],
      [0.5, -0.5, 3],
      [2, 0, 1],
    ],
    { ...float64, requiresGrad: true },
  );
const labels = tensor([1n, 2n, 0n]);
const weight = tensor([1, 2, 0.5], float64);

function close(actual: unknown, expected: unknown): void {
  const flat = (x: unknown): number[] => [x].flat(9) as number[];
  const [a, e] = [flat(actual), flat(expected)];
  expect(a).toHaveLength(e.length);
  a.forEach((x, i) => {
    expect(x).toBeCloseTo(e[i] as number, 10);
  });
}

/** Loss and gradient, as PyTorch 2.13 computes them. */
function check(loss: (x: nabla.Tensor) => nabla.Tensor, value: unknown, gradient: unknown): void {
  const x = logits();
  const y = loss(x);
  y.sum().backward();
  close(values(y), value);
  close(values(x.grad as nabla.Tensor), gradient);
}

describe('crossEntropy', () => {
  test('weights classes', () => {
    check((x) => crossEntropy(x, labels, { weight }), 0.33109641432020886, [
      [0.1482836916242395, -0.16835170702957644, 0.020068015405336988],
      [0.010542672044548692, 0.0038784323002023597, -0.014421104344751062],
      [-0.09564544120719377, 0.02572302090582298, 0.06992242030137075],
    ]);
  });

  test('smooths labels over those that count', () => {
    check((x) => crossEntropy(x, labels, { weight, labelSmoothing: 0.2, ignoreIndex: 0 }), 0.6029005320475921, [
      [0.1636307375844407, -0.17605135735462318, 0.012420619770182467],
      [-0.007970994907666985, -0.04645558005430781, 0.05442657496197475],
      [0, 0, 0],
    ]);
  });

  test('leaves ignored rows out', () => {
    check(
      (x) => crossEntropy(x, tensor([1n, -100n, 0n]), { reduction: 'none' }),
      [0.34901221676818633, 0, 0.4076059644443804],
      [
        [0.25949646034241913, -0.2946154873017588, 0.03511902695933973],
        [0, 0, 0],
        [-0.3347590442251782, 0.09003057317038043, 0.24472847105479764],
      ],
    );
  });

  test('takes probabilities as targets', () => {
    const target = tensor(
      [
        [0.2, 0.3, 0.5],
        [1, 0, 0],
        [0, 0.5, 0.5],
      ],
      float64,
    );
    check((x) => crossEntropy(x, target, { labelSmoothing: 0.1 }), 2.142121872941952, [
      [0.015387709003028596, 0.1340170597883026, -0.1494047687913312],
      [-0.28651154300716414, -0.0020614357439722687, 0.28857297875113647],
      [0.21063587414716278, -0.13110092005431762, -0.07953495409284524],
    ]);
  });

  test('survives large logits, and all rows ignored', () => {
    expect(crossEntropy(tensor([[1e4, -1e4]]), tensor([1n])).item()).toBe(20000);
    expect(crossEntropy(zeros([1, 2]), tensor([-100n])).item()).toBeNaN();
  });

  test('says what is wrong with a target', () => {
    expect(() => crossEntropy(zeros([2, 3]), tensor([0n, 3n]))).toThrow(nabla.IndexError);
    expect(() => crossEntropy(zeros([2, 3]), tensor([0, 1]))).toThrow(/must have dtype int64, got float32/);
    expect(() => nllLoss(zeros([2, 3]), tensor([0n]) as never)).toThrow(/needs class indices of shape \[2\]/);
  });
});

test('a mean over weights divides by their sum', () => {
  expect(mseLoss(tensor([1, 2]), tensor([0, 0]), { weight: tensor([1, 3]) }).item()).toBeCloseTo(13 / 4, 6);
});

test('probabilities and variances are looked at', () => {
  expect(() => binaryCrossEntropy(tensor([1.5]), tensor([1]))).toThrow(/between 0 and 1/);
  expect(() => gaussianNllLoss(tensor([0]), tensor([0]), tensor([-1]))).toThrow(/negative/);
});

test('a saturated probability that is wrong still gets a gradient', () => {
  const x = tensor([0], { ...float64, requiresGrad: true });
  binaryCrossEntropy(x, tensor([1], float64)).backward();
  expect(values(x.grad as nabla.Tensor)).toEqual([-1e12]);
});

test('batchNorm moves its running statistics, with the unbiased variance', () => {
  const runningMean = zeros([3], float64);
  const runningVar = ones([3], float64);
  const result = batchNorm(logits().detach(), runningMean, runningVar, null, null, { training: true, momentum: 0.25 });
  close((values(result) as number[][])[0], [-0.2672578057627255, 1.3887241979964466, -1.2247425750014138]);
  close(values(runningMean), [0.2916666666666667, 0.125, 0.25]);
  close(values(runningVar), [0.8958333333333333, 1.1875, 1.75]);
  expect(runningMean.requiresGrad).toBe(false);
});

test('layerNorm reads the shape that it is given', () => {
  expect(() => layerNorm(zeros([2, 3]), [2] as never)).toThrow(/must be the last dimensions of the input, which has shape \[2, 3\]/);
});

describe('embedding', () => {
  test('leaves padding alone and divides by frequency', () => {
    const table = ones([3, 2], { requiresGrad: true });
    embedding(tensor([0n, 2n, 2n, 1n]), table, { paddingIdx: 1, scaleGradByFreq: true })
      .sum()
      .backward();
    expect(values(table.grad as nabla.Tensor)).toEqual([
      [1, 1],
      [0, 0],
      [1, 1],
    ]);
  });

  test('shortens the rows that are looked up', () => {
    const table = tensor(
      [
        [3, 4],
        [0.3, 0.4],
        [6, 8],
      ],
      float64,
    );
    embedding(tensor([0n, 1n]), table, { maxNorm: 1 });
    const [first, second, third] = values(table) as number[][];
    expect(first?.[0]).toBeCloseTo(0.6, 6);
    expect([second, third]).toEqual([
      [0.3, 0.4],
      [6, 8],
    ]);
  });
});

test('oneHot counts the classes itself, and refuses others', () => {
  expect(oneHot(tensor([0n, 2n])).shape).toEqual([2, 3]);
  expect(() => oneHot(tensor([3n]), 2)).toThrow(nabla.IndexError);
  expect(() => oneHot(tensor([-1n]))).toThrow(/negative/);
});

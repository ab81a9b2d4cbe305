import { grad, manualSeed, nn, rand, randint, randn, setNumThreads, type Tensor } from 'nabla';
import { afterAll, describe, expect, test } from 'vitest';
import { team } from '../../src/runtime/threads.ts';
import { awaitThreads, untilShared } from './support.ts';

const F = nn.functional as unknown as Record<string, (...args: unknown[]) => Tensor>;

afterAll(() => setNumThreads(1));

interface Case {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly dtype?: 'float32' | 'float64';
}

/** Convolutions that are cut between images, between blocks of an image with and without a border, between groups, and between the elements of windows. */
const CASES: readonly Case[] = [
  { x: [9, 20, 30, 26], w: [32, 20, 3, 3], options: { padding: 1 } },
  { x: [1, 18, 90, 75], w: [20, 18, 3, 3], options: { padding: 1 } },
  { x: [10, 16, 30, 30], w: [32, 16, 3, 2], options: { padding: 1 } },
  { x: [1, 16, 90, 90], w: [32, 16, 5, 5], options: {} },
  { x: [2, 16, 60, 60], w: [24, 16, 5, 5], options: { padding: 2 }, dtype: 'float64' },
  { x: [16, 4, 48, 48], w: [6, 4, 3, 3], options: { padding: 1 } },
  { x: [2, 64, 40, 40], w: [64, 64, 1, 1], options: {} },
  { x: [2, 3, 150, 150], w: [6, 3, 3, 3], options: { padding: 1, stride: 2 } },
  { x: [2, 128, 7, 7], w: [128, 128, 3, 3], options: { padding: 1 } },
  { x: [4, 64, 30, 30], w: [64, 1, 3, 3], options: { groups: 64, padding: 1 } },
  { x: [1, 64, 60, 60], w: [64, 1, 3, 3], options: { groups: 64, stride: 2 } },
  { x: [1, 96, 58, 57], w: [96, 1, 5, 5], options: { groups: 96, dilation: [2, 1], padding: 2 } },
  { x: [3, 64, 33, 31], w: [64, 4, 3, 3], options: { groups: 16, padding: 1 } },
  { x: [2, 32, 40, 40], w: [32, 32, 3, 3], options: { dilation: 3, padding: 3 } },
  { x: [2, 32, 5, 28, 28], w: [32, 32, 3, 3, 3], options: { padding: 1 } },
];

function bytesOf(tensor: Tensor): Buffer {
  const { buffer, byteOffset, byteLength } = tensor.toTypedArray() as Float32Array;
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The names of the results whose bytes are not those that one thread gives. */
async function different(results: () => Readonly<Record<string, Tensor>>): Promise<readonly string[]> {
  setNumThreads(1);
  const alone = Object.entries(results()).map(([name, value]) => [name, bytesOf(value)] as const);
  await awaitThreads(2);
  const wrong = new Set<string>();
  await untilShared(() => {
    for (let i = 0; i < 3; i++) {
      const shared = results();
      for (const [name, bytes] of alone) if (!bytesOf(shared[name] as Tensor).equals(bytes)) wrong.add(name);
    }
  });
  return [...wrong];
}

describe('threads give the bits that one gives', () => {
  test.each(CASES)('a convolution and its gradients: $x with $w, $options', async ({ x, w, options, dtype: given }) => {
    const dtype: 'float32' | 'float64' = given ?? 'float32';
    manualSeed(2);
    const [input, weight, bias] = [x, w, [w[0] as number]].map((shape) => randn(shape as number[], { dtype }).requiresGrad_()) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const g = randn(F[`conv${x.length - 2}d`]!(input, weight, bias, options).shape as number[], { dtype });
    const wrong = await different(() => {
      const y = F[`conv${x.length - 2}d`]!(input, weight, bias, options);
      const [gx, gw, gb] = grad(y, [input, weight, bias], g) as unknown as [Tensor, Tensor, Tensor];
      return { y: y.detach(), gx, gw, gb };
    });
    expect(wrong).toEqual([]);
  });

  test.each([{}, { stride: 1, padding: 1 }])('max pooling and its gradient, %o', async (options) => {
    manualSeed(3);
    const x = randn([10, 12, 40, 41]).requiresGrad_();
    const g = randn(F.maxPool2d!(x, 3, options).shape as number[]);
    const wrong = await different(() => {
      const [y, places] = F.maxPool2d!(x, 3, { ...options, returnIndices: true }) as unknown as [Tensor, Tensor];
      return { y: y.detach(), places: places.to('float64'), gx: (grad(y, [x], g) as unknown as [Tensor])[0] };
    });
    expect(wrong).toEqual([]);
  });

  test('averages of windows and of planes, and the rows that indices fetch, with their gradients', async () => {
    manualSeed(4);
    const x = randn([10, 12, 60, 41]).requiresGrad_();
    const table = randn([500, 96]).requiresGrad_();
    const rows = randint(500, [40, 50]);
    const ofRows = randn([40, 50, 96]);
    const windows = { stride: 2, padding: 1 };
    const g = randn(F.avgPool2d!(x, 3, windows).shape as number[]);
    const wrong = await different(() => {
      const [average, plane, looked] = [F.avgPool2d!(x, 3, windows), F.adaptiveAvgPool2d!(x, 1), F.embedding!(rows, table)];
      const [gx] = grad(average, [x], g) as unknown as [Tensor];
      const [gw] = grad(looked, [table], ofRows) as unknown as [Tensor];
      return { average: average.detach(), plane: plane.detach(), looked: looked.detach(), gx, gw };
    });
    expect(wrong).toEqual([]);
  });

  test('attention with a mask', async () => {
    manualSeed(5);
    const [q, k, v] = [0, 0, 0].map(() => randn([4, 6, 90, 32]).requiresGrad_()) as [Tensor, Tensor, Tensor];
    const masks = [rand([4, 1, 1, 90]).lt(0.7), randn([90, 90])];
    const g = randn([4, 6, 90, 32]);
    const wrong = await different(() => {
      const results: Record<string, Tensor> = {};
      for (const [i, mask] of masks.entries()) {
        const y = F.scaledDotProductAttention!(q, k, v, mask);
        const [gq, gk, gv] = grad(y, [q, k, v], g) as unknown as [Tensor, Tensor, Tensor];
        Object.assign(results, { [`y${i}`]: y.detach(), [`q${i}`]: gq, [`k${i}`]: gk, [`v${i}`]: gv });
      }
      return results;
    });
    expect(wrong).toEqual([]);
  });
});

test('a launch in several parts wakes a worker that sleeps for each of them', async () => {
  const [x, w] = [randn([6, 32, 28, 28]), randn([32, 32, 3, 3])] as const;
  await awaitThreads(2);
  const before = team.chunksOfWorkers;
  F.conv2d!(x, w, { padding: 1 });
  // An image is a part.
  expect(team.chunksOfWorkers - before).toBeGreaterThanOrEqual(6);
});

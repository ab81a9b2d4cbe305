/** Results do not depend on the number of threads, to the last bit. */
import { grad, manualSeed, nn, rand, randint, scope, setNumThreads, type Tensor, where } from 'nabla';
import { beforeAll, describe, expect, test } from 'vitest';
import { team } from '../../src/runtime/threads.ts';
import { awaitThreads, untilShared } from './support.ts';

manualSeed(0);
const a = rand([300, 401]).sub(0.5);
const b = rand([300, 401]).sub(0.5);
const line = rand([300_007]).sub(0.5);
const doubles = rand([140_001], { dtype: 'float64' }).sub(0.5);
const tall = rand([5000, 77]).sub(0.5);
const cube = rand([7, 150, 201]).sub(0.5);
const longRows = rand([3, 140_003]).sub(0.5);
const uniform = rand([1]);
const table = rand([700, 65], { requiresGrad: true });
const places = randint(0, 700, [3000], { dtype: 'int64' });
const cotangent = rand([3000, 65]).sub(0.5);

const cases: Record<string, () => Tensor> = {
  'a flat map': () => line.exp(),
  'two operands': () => a.mul(b),
  'one of them uniform': () => line.add(uniform),
  'three operands and a parameter': () => where(a.gt(0), a, b).mul(3),
  'to another dtype': () => line.to('float64'),
  'truth values': () => line.gt(0.1),
  'a transposed operand': () => a.t().add(b.t().contiguous()),
  'a transposed result': () => a.t().mul(2).contiguous(),
  'a row for all': () => a.add(b.narrow(0, 3, 1)),
  'a column for all': () => a.mul(b.narrow(1, 5, 1)),
  'permuted dims': () => cube.permute([2, 0, 1]).tanh(),
  'rows with gaps': () => cube.narrow(2, 1, 190).add(1),
  'few long rows': () => longRows.add(longRows.narrow(0, 0, 1)),
  'every other element': () => line.narrow(0, 0, 300_000).reshape([-1, 2]).narrow(1, 0, 1).mul(3),
  'in place': () => a.clone().add_(1).mul_(b),
  'in place, one element of itself for all': () => {
    const x = line.clone();
    return x.add_(x.narrow(0, 0, 1));
  },
  'a sum': () => line.sum(),
  'a float64 sum': () => doubles.sum(),
  'a product': () => line.mul(0.001).add(1).prod(),
  'a maximum': () => line.max(),
  'a maximum with NaN': () => line.log().max(),
  'any and all': () => line.gt(0.4999).any().add(line.gt(-0.4999).all()),
  'sums of rows': () => a.sum(1),
  'sums of columns': () => a.sum(0),
  'sums of long columns': () => tall.sum(0),
  'sums of long rows': () => longRows.sum(1),
  'sums in the middle': () => cube.sum(1),
  'sums around': () => cube.sum([0, 2]),
  'sums of what is transposed': () => a.t().sum(1),
  'rows of a table': () => nn.functional.embedding(places, table),
  'the gradient of a table': () => grad(nn.functional.embedding(places, table, { paddingIdx: 5 }), table, cotangent)[0] as Tensor,
  'maxima of what is permuted': () => cube.permute([1, 2, 0]).amax(1),
};

function bytesOf(tensor: Tensor): Uint8Array {
  const array = tensor.toTypedArray() as Float32Array;
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Not `toEqual`, which takes seconds for a million bytes. */
function expectSame(result: Tensor, expected: Uint8Array | undefined): void {
  expect(Buffer.compare(bytesOf(result), expected as Uint8Array)).toBe(0);
}

const alone = Object.fromEntries(Object.entries(cases).map(([name, run]) => [name, bytesOf(run())]));

describe.each([2, 3])('%i threads', (count) => {
  beforeAll(() => awaitThreads(count));

  test.each(Object.keys(cases))('%s has the bits that one thread gives it', async (name) => {
    const run = cases[name] as () => Tensor;
    // A wide kernel may be tried and chosen on the way.
    for (let i = 0; i < 12; i++) expectSame(run(), alone[name]);
    if (!name.startsWith('in place, one')) await untilShared(() => scope(() => void run()));
    expectSame(run(), alone[name]);
  });
});

test('one element of itself for all is read before it is written', () => {
  team.eager = true;
  const x = rand([100_000]);
  const values = x.toTypedArray() as Float32Array;
  const result = x.clone();
  result.add_(result.narrow(0, 50_000, 1));
  const added = values[50_000] as number;
  expectSame(result, new Uint8Array(values.map((value) => value + added).buffer));
});

test('fewer threads, and more again', async () => {
  const expected = alone['a flat map'];
  for (const count of [3, 1, 2, 3, 1]) {
    setNumThreads(count);
    const before = team.chunksOfWorkers;
    if (count > 1) await untilShared(() => scope(() => void line.exp()));
    for (let i = 0; i < 5; i++) expectSame(line.exp(), expected);
    if (count === 1) expect(team.chunksOfWorkers).toBe(before);
  }
});

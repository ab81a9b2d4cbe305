import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { collate, DataLoader, type Dataset, randomSplit, Subset, TensorDataset } from '../../src/data/index.ts';
import { ArgumentError, arange, Generator, IndexError, manualSeed, ones, rand, ShapeError, type Tensor, tensor, zeros } from '../../src/index.ts';

interface LoaderRun {
  readonly seed: number;
  readonly shuffle: boolean;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly generator: number | null;
  readonly passes: readonly (readonly (readonly number[])[])[];
  readonly next: number;
}

/** Made by PyTorch 2.13: two passes over ten samples, and what the default generator draws next. */
const recorded = JSON.parse(readFileSync(new URL('./data/orders.json', import.meta.url), 'utf8')) as {
  readonly loaders: readonly LoaderRun[];
  readonly splits: readonly { readonly lengths: readonly number[]; readonly parts: readonly (readonly number[])[] }[];
};

const ten: Dataset<number> = { length: 10, get: (index) => index };

const batchesOf = (loader: Iterable<unknown>): unknown[] => Array.from(loader, (batch) => (batch as Tensor).toArray());

describe('DataLoader', () => {
  test.each(recorded.loaders)("draws the order that PyTorch's draws (seed $seed, shuffle $shuffle, $batchSize, $generator)", (run) => {
    manualSeed(run.seed);
    const generator = run.generator === null ? {} : { generator: new Generator().manualSeed(run.generator) };
    const loader = new DataLoader(ten, { batchSize: run.batchSize, shuffle: run.shuffle, dropLast: run.dropLast, ...generator });
    expect([batchesOf(loader), batchesOf(loader)]).toEqual(run.passes);
    expect(loader.length).toBe(run.passes[0]?.length);
    expect(rand([1]).item()).toBe(run.next);
  });

  test('stacks tensors sample by sample', () => {
    const data = new TensorDataset(arange(12).reshape([6, 2]), arange(6));
    const batches = [...new DataLoader(data, { batchSize: 4 })];
    expect(batches.map(([x, y]) => [(x as Tensor).shape, (y as Tensor).toArray()])).toEqual([
      [[4, 2], [0, 1, 2, 3]],
      [[2, 2], [4, 5]],
    ]);
  });

  test('makes a pass anew each time, and only as far as it is asked for', () => {
    let read = 0;
    const counted: Dataset<number> = {
      length: 100,
      get: (index) => {
        read++;
        return index;
      },
    };
    const loader = new DataLoader(counted, { batchSize: 10 });
    for (const _ of loader) break;
    expect(read).toBe(10);
    expect([...loader]).toHaveLength(10);
  });

  test('collates numbers, lists and objects, or as it is told', () => {
    expect((collate([1.5, 2]) as Tensor).toArray()).toEqual([1.5, 2]);
    expect((collate([true, false]) as Tensor).dtype).toBe('bool');
    const both = collate([
      { x: ones([2]), label: 1, name: 'a' },
      { x: zeros([2]), label: 0, name: 'b' },
    ]) as { x: Tensor; label: Tensor; name: string[] };
    expect([both.x.toArray(), both.label.toArray(), both.name]).toEqual([[[1, 1], [0, 0]], [1, 0], ['a', 'b']]);
    const own = new DataLoader(ten, { batchSize: 4, collate: (samples) => samples.join('+') });
    expect([...own]).toEqual(['0+1+2+3', '4+5+6+7', '8+9']);
  });

  test.each([0, -1, 1.5, Number.NaN])('a batch size of %d is refused', (batchSize) => {
    expect(() => new DataLoader(ten, { batchSize })).toThrow(ArgumentError);
  });

  test('of nothing gives nothing', () => {
    expect([...new DataLoader({ length: 0, get: () => 0 }, { batchSize: 3, shuffle: true })]).toEqual([]);
  });
});

describe('datasets', () => {
  test('of tensors give rows that are views', () => {
    const x = zeros([3, 2]);
    const data = new TensorDataset(x, arange(3));
    (data.get(1)[0] as Tensor).add_(1);
    expect(x.toArray()).toEqual([[0, 0], [1, 1], [0, 0]]);
    expect(data.length).toBe(3);
  });

  test('refuse what does not fit', () => {
    expect(() => new TensorDataset()).toThrow(ArgumentError);
    expect(() => new TensorDataset(ones([2]), ones([3]))).toThrow(ShapeError);
    expect(() => new TensorDataset(tensor(1))).toThrow(ShapeError);
    expect(() => new TensorDataset(ones([2])).get(2)).toThrow(IndexError);
    expect(() => new TensorDataset(ones([2])).get(-1)).toThrow(IndexError);
    expect(() => new Subset(ten, [3]).get(1)).toThrow(IndexError);
  });

  test.each(recorded.splits)('split at random as PyTorch splits: $lengths', ({ lengths, parts }) => {
    manualSeed(3);
    const split = randomSplit({ length: 11, get: (index: number) => index }, lengths);
    expect(split.map(({ indices }) => indices)).toEqual(parts);
    expect(split.map((part) => part.get(0))).toEqual(parts.map(([first]) => first));
  });

  test('lengths that do not add up are refused', () => {
    expect(() => randomSplit(ten, [5, 6])).toThrow(/add up to 11, the dataset has 10/);
    expect(() => randomSplit(ten, [0.5, 0.6])).toThrow(ArgumentError);
  });
});

import v8 from 'node:v8';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { memory, ones, type Tensor } from '../../src/index.ts';
import { Range } from '../../src/runtime/arena.ts';
import { Block, Cell } from '../../src/runtime/cell.ts';
import { type Census, openCensus } from '../../src/runtime/census.ts';
import { type Collector, openCollector } from '../../src/runtime/collector.ts';
import { collectMemory } from '../../src/runtime/memory.ts';
import { YoungPacer } from '../../src/runtime/pacer.ts';
import { UNIT_BYTES } from '../../src/runtime/sizes.ts';
import { addressOf, allocate, beginLaunch, pin, type Storage } from '../../src/runtime/storage.ts';
import { YoungBlocks } from '../../src/runtime/young.ts';
import { churn } from './churn.ts';

const MEGABYTE = 1048576;

const collector = openCollector() as Collector;
const census = openCensus(collector) as Census;

function newBlock(id: number): Block {
  return new Block(new Cell(id, 0, new Range(id, 1, null), 0, 0));
}

/** Adds blocks of which every third one is kept, by being told to `keep`. */
function add(young: YoungBlocks, first: number, count: number, keep: (block: Block) => void): void {
  for (let id = first; id < first + count; id++) {
    const block = newBlock(id);
    young.add(block);
    if (id % 3 === 0) keep(block);
  }
}

/** Which blocks a sweep found dead and which alive. */
function sweep(young: YoungBlocks): { dead: number[]; alive: number[] } {
  const [dead, alive]: [number[], number[]] = [[], []];
  collector.collect('minor');
  expect(young.settle({ dead: (cell) => void dead.push(cell.id), alive: (block) => void alive.push(block.cell.id) })).toBe(true);
  return { dead: dead.sort((a, b) => a - b), alive: alive.sort((a, b) => a - b) };
}

const ids = (first: number, count: number, kept: boolean): number[] =>
  Array.from({ length: count }, (_, i) => first + i).filter((id) => (id % 3 === 0) === kept);

describe('young blocks', () => {
  test('minor collections show which are dead, in one set or in several', () => {
    for (const count of [5, 3000]) {
      const young = new YoungBlocks(census);
      const held: Block[] = [];
      add(young, 0, count, (block) => held.push(block));
      const { dead, alive } = sweep(young);
      expect(alive.filter((id) => id % 3 === 0)).toEqual(ids(0, count, true));
      // The stack may still hold the last one.
      expect(dead.length).toBeGreaterThanOrEqual(ids(0, count, false).length - 2);
      expect(dead.every((id) => id % 3 !== 0)).toBe(true);
      expect(held.length).toBe(ids(0, count, true).length);
    }
  });

  test('are kept by old objects, maps and closures alone', () => {
    const box: { block: Block | null } = { block: null };
    const map = new Map<number, Block>();
    const closures: (() => Block)[] = [];
    for (let i = 0; i < 3; i++) collector.collect('minor');
    const young = new YoungBlocks(census);
    const ways = [
      (block: Block) => {
        box.block = block;
      },
      (block: Block) => void map.set(block.cell.id, block),
      (block: Block) => void closures.push(() => block),
    ];
    for (const [k, way] of ways.entries()) add(young, 3 * k, 3, way);
    expect(sweep(young).alive.filter((id) => id % 3 === 0)).toEqual([0, 3, 6]);
    expect([box.block?.cell.id, [...map.keys()], closures[0]?.().cell.id]).toEqual([0, [3], 6]);
  });

  test('grow old at the second sweep, and have a weak reference from then on', () => {
    const young = new YoungBlocks(census);
    const held: Block[] = [];
    add(young, 0, 9, (block) => held.push(block));
    sweep(young);
    expect(held.map((block) => block.cell.alive)).toEqual([null, null, null]);
    sweep(young);
    expect(held.map((block) => block.cell.alive?.deref() === block)).toEqual([true, true, true]);
    expect(young.madeOld).toBe(true);
    expect(sweep(young)).toEqual({ dead: [], alive: [] });
    collector.clearKept();
  });

  test('stay in the set that they are in from sweep to sweep while they are few, and those of many get a new one', () => {
    const young = new YoungBlocks(census);
    const newSet = vi.spyOn(census, 'newSet');
    const held: Block[] = [];
    for (let round = 0; round < 5; round++) {
      add(young, 100 * round, 7, (block) => held.push(block));
      const { dead, alive } = sweep(young);
      // Of this round and of the one before: those of earlier rounds are old.
      const kept = [...ids(100 * (round - 1), 7, true), ...ids(100 * round, 7, true)].filter((id) =>
        held.some(({ cell }) => cell.id === id),
      );
      expect(alive.filter((id) => kept.includes(id))).toEqual(kept);
      expect(dead.filter((id) => held.some(({ cell }) => cell.id === id))).toEqual([]);
      expect(newSet).toHaveBeenCalledTimes(1);
    }
    add(young, 1000, 100, (block) => held.push(block));
    expect(newSet).toHaveBeenCalledTimes(1);
    expect(sweep(young).alive.filter((id) => id >= 1000 && id % 3 === 0)).toEqual(ids(1000, 100, true));
    // For those who live on.
    expect(newSet).toHaveBeenCalledTimes(2);
    newSet.mockRestore();
  });

  test('of a new set are found although the sweep before had nothing to look at', () => {
    const young = new YoungBlocks(census);
    const held: Block[] = [];
    add(young, 0, 3000, (block) => held.push(block));
    sweep(young);
    // All that are left grow old here, so that no set is needed any more.
    sweep(young);
    expect(sweep(young)).toEqual({ dead: [], alive: [] });
    const late = newBlock(9000);
    young.add(late);
    expect(sweep(young)).toEqual({ dead: [], alive: [9000] });
    expect(held.length + late.cell.id).toBe(10000);
  });

  test('are collected on one thread until the program gives way to its event loop', async () => {
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    await turn();
    const set = vi.spyOn(v8, 'setFlagsFromString');
    for (let round = 0; round < 3; round++) collector.collect('minor');
    expect(set.mock.calls).toEqual([['--no-parallel-scavenge']]);
    await turn();
    expect(set.mock.calls).toEqual([['--no-parallel-scavenge'], ['--parallel-scavenge']]);
    set.mockRestore();
  });

  test('are listed only while somebody who is known to be there is found', () => {
    const set = census.newSet();
    expect(census.take([set])).toEqual([]);
    // A set without the witness stands for an inspector that leaves members out.
    expect(census.take([set, new WeakSet()])).toBe(null);
  });
});

describe('the pool', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Sweeps of young blocks come after so many megabytes, whatever they cost. */
  function fixBudget(megabytes: number): void {
    vi.spyOn(YoungPacer.prototype, 'adapt').mockImplementation(function (this: YoungPacer) {
      this.budget = (megabytes * MEGABYTE) / UNIT_BYTES;
    });
    collectMemory();
  }

  test.each([
    [1, 1],
    [2, 4],
    [3, 12],
  ])('takes nothing that is alive: random program %i, sweeps after %i MB', (seed, megabytes) => {
    fixBudget(megabytes);
    expect(churn(seed, 2500)).toBeGreaterThan(400 / megabytes);
  });

  test('finds dropped results early', () => {
    fixBudget(12);
    const x = ones([MEGABYTE / 4]);
    for (let i = 0; i < 400; i++) x.add(1);
    const before = memory().live;
    let most = 0;
    for (let i = 0; i < 400; i++) {
      x.add(1);
      most = Math.max(most, memory().live);
    }
    expect(most - before).toBeLessThan(24 * MEGABYTE);
  });

  test('finds them too where their memory was released before, by somebody else', () => {
    fixBudget(4);
    const x = ones([MEGABYTE / 4]);
    const fill = (): void => {
      for (let round = 0; round < 5; round++) {
        const many: Tensor[] = [];
        for (let i = 0; i < 40; i++) many.push(x.add(1));
        for (const each of many) each[Symbol.dispose]();
      }
    };
    for (let round = 0; round < 4; round++) fill();
    const before = memory().live;
    // The next sweep is due where the 40 megabytes were.
    for (let i = 0; i < 60; i++) x.add(1);
    let most = 0;
    for (let i = 0; i < 200; i++) {
      x.add(1);
      most = Math.max(most, memory().live);
    }
    expect(most - before).toBeLessThan(32 * MEGABYTE);
  });

  test('leaves the bytes of a dead block alone while they are pinned', () => {
    fixBudget(4);
    const cells: Cell[] = [];
    const make = (): void => {
      const storage: Storage = allocate(MEGABYTE);
      pin(storage);
      cells.push(storage.block.cell);
    };
    make();
    const [cell] = cells as [Cell];
    for (let i = 0; i < 40; i++) {
      const other = allocate(MEGABYTE);
      beginLaunch();
      expect(addressOf(other)).not.toBe(cell.address);
    }
    expect(cell.idle).toBe(false);
    cell.pins -= 1;
    collectMemory();
    expect(cell.idle || cell.range === null).toBe(true);
  });
});

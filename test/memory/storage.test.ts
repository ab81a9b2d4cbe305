import { array, assert, boolean, integer, oneof, property, tuple } from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { heap } from '../../src/runtime/heap.ts';
import { collectMemory, configureMemory, memory } from '../../src/runtime/memory.ts';
import {
  addressOf,
  allocate,
  beginLaunch,
  beginTracking,
  endTracking,
  labelStorage,
  pin,
  release,
  type Storage,
  unpin,
} from '../../src/runtime/storage.ts';
import { MemoryError } from '../../src/util/errors.ts';

const MEGABYTE = 1048576;

beforeEach(() => configureMemory({ debug: true }));
afterEach(() => configureMemory({ debug: false, reclaim: 'auto', budget: null, maximumBytes: 2 ** 32 }));

/** Writes a byte all over a storage, in a launch of its own. */
function mark(storage: Storage, value: number): void {
  beginLaunch();
  const address = addressOf(storage);
  heap.u8.fill(value, address, address + storage.byteLength);
}

/** Whether a storage holds the byte that `mark` wrote. */
function holds(storage: Storage, value: number): boolean {
  beginLaunch();
  const address = addressOf(storage);
  return Buffer.alloc(storage.byteLength, value).equals(heap.u8.subarray(address, address + storage.byteLength));
}

describe('allocate and release', () => {
  const sizes = oneof(integer({ min: 0, max: 300 }), integer({ min: 0, max: 5000 }), integer({ min: 0, max: 3_000_000 }));

  test('storages are aligned and keep their bytes whatever else comes and goes', () => {
    assert(
      property(array(tuple(boolean(), sizes, integer({ min: 0, max: 1000 })), { maxLength: 60 }), (script) => {
        const alive: { storage: Storage; value: number }[] = [];
        for (const [wantsMore, size, number] of script) {
          if (wantsMore || alive.length === 0) {
            const storage = allocate(size);
            expect(addressOf(storage) % 64).toBe(0);
            expect(addressOf(storage) + size).toBeLessThanOrEqual(heap.byteLength);
            mark(storage, number & 127);
            alive.push({ storage, value: number & 127 });
          } else {
            const { storage, value } = alive.splice(number % alive.length, 1)[0]!;
            expect(holds(storage, value)).toBe(true);
            release(storage);
          }
        }
        for (const { storage, value } of alive) expect(holds(storage, value)).toBe(true);
        for (const { storage } of alive) release(storage);
      }),
      { numRuns: 30 },
    );
  });

  test.each([1, 64, 1000, 2048, 5000, MEGABYTE])('a released storage of %i bytes is used again at once', (size) => {
    const keep = allocate(size);
    const first = allocate(size);
    const second = allocate(size);
    const addresses = [addressOf(first), addressOf(second)].sort();
    release(first);
    release(second);
    const again = [addressOf(allocate(size)), addressOf(allocate(size))].sort();
    expect(again).toEqual(addresses);
    release(keep);
  });

  test('live bytes are back where they were after a release', () => {
    for (const size of [0, 8, 700, 2048, 2049, 70_000, 3 * MEGABYTE]) {
      const before = memory().live;
      const storage = allocate(size);
      expect(memory().live).toBeGreaterThanOrEqual(before + size);
      release(storage);
      expect(memory().live).toBe(before);
    }
  });

  test('a storage is useless after its release', () => {
    for (const size of [16, MEGABYTE]) {
      const storage = allocate(size);
      expect(storage.released).toBe(false);
      release(storage);
      expect(storage.released).toBe(true);
      expect(() => addressOf(storage)).toThrow(/used after its release/);
      expect(() => release(storage)).toThrow(/released twice/);
      configureMemory({ debug: false });
      const before = memory().live;
      release(storage);
      expect(memory().live).toBe(before);
      configureMemory({ debug: true });
    }
  });

  test('a size that is no size is refused', () => {
    for (const size of [-1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => allocate(size)).toThrow();
  });
});

describe('tracking', () => {
  test('releases what is not kept; trackers nest', () => {
    const outside = allocate(10);
    const outer = beginTracking();
    const a = allocate(10);
    const inner = beginTracking();
    const b = allocate(MEGABYTE);
    const c = allocate(10);
    const d = allocate(10);
    release(d);
    endTracking(inner, (storage) => storage === b);
    expect([a, b, c].map((storage) => storage.released)).toEqual([false, false, true]);
    endTracking(outer, (storage) => storage === a);
    expect([a, b].map((storage) => storage.released)).toEqual([false, true]);
    const later = allocate(10);
    expect([outside.released, later.released]).toEqual([false, false]);
  });

  test('an end without a beginning is a defect', () => {
    expect(() => endTracking(0, () => true)).toThrow(/beginTracking/);
    // The failed call must not have unbalanced anything.
    const mark = beginTracking();
    const storage = allocate(10);
    endTracking(mark, () => false);
    expect(storage.released).toBe(true);
  });
});

describe('sweeps', () => {
  test.each([16, 1000, 2048, 100_000, MEGABYTE])('find unreachable storages of %i bytes and leave the others', (size) => {
    collectMemory();
    const before = memory();
    const kept: Storage[] = [];
    const count = Math.ceil((4 * MEGABYTE) / size / 32) + 200;
    for (let i = 0; i < count; i++) {
      const storage = allocate(size);
      if (i % 50 === 7) kept.push(storage);
    }
    for (const [index, storage] of kept.entries()) mark(storage, index & 127);
    const full = memory().live - before.live;
    expect(collectMemory()).toBe(true);
    expect(memory().sweeps).toBeGreaterThan(before.sweeps);
    const left = memory().live - before.live;
    // Of small storages a slab dies as a whole or not at all, and it holds at most 30; the stack may hold one block more.
    expect(left).toBeLessThan(size <= 2048 ? full * 0.75 : (kept.length + 2) * size * 1.1);
    expect(kept.every((storage, index) => holds(storage, index & 127))).toBe(true);
  });

  test('happen by themselves, so that a loop stays within its budget', () => {
    configureMemory({ budget: 32 * MEGABYTE });
    const before = memory().live;
    let most = 0;
    for (let i = 0; i < 2000; i++) {
      mark(allocate(MEGABYTE), 1);
      most = Math.max(most, memory().live);
    }
    expect(most - before).toBeLessThanOrEqual(34 * MEGABYTE);
  });
});

describe('running out of memory', () => {
  test('says what is asked, what is alive and what to do, and the program goes on', () => {
    collectMemory();
    configureMemory({ maximumBytes: 256 * MEGABYTE });
    const held: Storage[] = [];
    for (let i = 0; i < 3; i++) held.push(allocate(60 * MEGABYTE));
    for (const storage of held) labelStorage(storage, 'conv2d');
    for (const storage of held) pin(storage);
    const before = memory();
    let error: unknown;
    try {
      allocate(100 * MEGABYTE);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(MemoryError);
    expect((error as Error).message).toMatch(/100 MiB were asked for while .* MiB of at most 256 MiB are in use/);
    expect((error as Error).message).toMatch(/3 of 60 MiB \(conv2d\)/);
    expect((error as Error).message).toMatch(/smaller batch/);
    expect(memory().live).toBeLessThanOrEqual(before.live);
    for (const storage of held) unpin(storage);
    release(held[0]!);
    release(held[1]!);
    const storage = allocate(100 * MEGABYTE);
    mark(storage, 3);
    expect(holds(storage, 3)).toBe(true);
    release(storage);
  });

  test('more than the memory can ever have is refused at once', () => {
    const { sweeps } = memory();
    expect(() => allocate(2 ** 40)).toThrow(/1 TiB were asked for/);
    expect(() => allocate(1e300)).toThrow(MemoryError);
    expect(memory().sweeps).toBe(sweeps);
  });

  test('when all is alive, the least recently used moves out and comes back', () => {
    collectMemory();
    configureMemory({ maximumBytes: 256 * MEGABYTE });
    const before = memory();
    const held: Storage[] = [];
    for (let i = 0; i < 50; i++) {
      held.push(allocate(10 * MEGABYTE));
      mark(held[i]!, i);
    }
    expect(memory().evicted).toBeGreaterThan(before.evicted);
    expect(held.every((storage, index) => holds(storage, index))).toBe(true);
    expect(memory().restored).toBeGreaterThan(before.restored);
    for (const storage of held) release(storage);
  });
});

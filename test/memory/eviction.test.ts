import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { heap } from '../../src/runtime/heap.ts';
import { configureMemory, memory } from '../../src/runtime/memory.ts';
import { addressOf, allocate, beginLaunch, pin, release, type Storage, unpin } from '../../src/runtime/storage.ts';

const MEGABYTE = 1048576;

beforeAll(() => configureMemory({ reclaim: 'evict', debug: true }));
beforeEach(() => configureMemory({ reclaim: 'evict', budget: 16 * MEGABYTE }));
afterAll(() => configureMemory({ reclaim: 'auto', budget: null, debug: false }));

function mark(storage: Storage, value: number): void {
  beginLaunch();
  const address = addressOf(storage);
  heap.u8.fill(value, address, address + storage.byteLength);
}

function holds(storage: Storage, value: number): boolean {
  beginLaunch();
  const address = addressOf(storage);
  return Buffer.alloc(storage.byteLength, value).equals(heap.u8.subarray(address, address + storage.byteLength));
}

describe('eviction, where the host cannot collect in the middle of a job', () => {
  test.each([16, 2048, 100_000, MEGABYTE])('a loop of storages of %i bytes stays within the budget', (size) => {
    const before = memory();
    for (let done = 0; done < 200 * MEGABYTE; done += Math.max(size, 64)) allocate(size);
    expect(memory().live).toBeLessThanOrEqual(17 * MEGABYTE);
    expect(memory().sweeps).toBe(before.sweeps);
    expect(memory().evicted).toBeGreaterThan(before.evicted);
  });

  test.each([16, 1000, MEGABYTE])('storages of %i bytes come back with their contents', (size) => {
    const kept = Array.from({ length: 12 }, () => allocate(size));
    for (const [index, storage] of kept.entries()) mark(storage, index + 1);
    const { restored } = memory();
    for (let i = 0; i < 100; i++) mark(allocate(MEGABYTE), 99);
    expect(kept.every((storage, index) => holds(storage, index + 1))).toBe(true);
    expect(memory().restored).toBeGreaterThan(restored);
    for (const storage of kept) release(storage);
  });

  test('the addresses of one launch stay valid, even if they do not fit the budget', () => {
    const kept = Array.from({ length: 24 }, () => allocate(MEGABYTE));
    for (const [index, storage] of kept.entries()) mark(storage, index);
    for (let i = 0; i < 40; i++) mark(allocate(MEGABYTE), 99);
    beginLaunch();
    const addresses = kept.map(addressOf);
    expect(new Set(addresses).size).toBe(24);
    for (const [index, address] of addresses.entries()) expect(heap.u8[address + 12345]).toBe(index);
  });

  test('the budget grows for a program that uses more in turn', () => {
    const kept = Array.from({ length: 40 }, () => allocate(MEGABYTE));
    for (let round = 0; round < 20; round++) for (const storage of kept) mark(storage, round);
    const { restored } = memory();
    for (let round = 0; round < 20; round++) for (const storage of kept) mark(storage, round);
    expect(memory().restored - restored).toBeLessThan(40 * MEGABYTE);
  });

  test('a pinned storage stays where it is', () => {
    const storage = allocate(MEGABYTE);
    mark(storage, 5);
    pin(storage);
    const address = addressOf(storage);
    for (let i = 0; i < 100; i++) mark(allocate(MEGABYTE), 99);
    expect(heap.u8[address + 777]).toBe(5);
    unpin(storage);
    expect(() => unpin(storage)).toThrow(/unpinned more often/);
  });

  test('releasing what was moved out is safe', () => {
    const storages = [allocate(MEGABYTE), allocate(100), allocate(100)];
    for (let i = 0; i < 100; i++) mark(allocate(MEGABYTE), 99);
    const { live } = memory();
    for (const storage of storages) release(storage);
    expect(memory().live).toBe(live);
  });

  test('finalizers give blocks back between jobs', async () => {
    configureMemory({ reclaim: 'evict', budget: 2 ** 30 });
    const before = memory().live;
    for (let i = 0; i < 64; i++) allocate(MEGABYTE);
    for (let i = 0; i < 20000; i++) allocate(64);
    expect(memory().live - before).toBeGreaterThan(64 * MEGABYTE);
    const gc = (globalThis as { gc?: () => void }).gc;
    for (let i = 0; i < 10 && memory().live - before > 4 * MEGABYTE; i++) {
      gc?.();
      await setImmediate();
    }
    expect(memory().live - before).toBeLessThan(4 * MEGABYTE);
  });
});

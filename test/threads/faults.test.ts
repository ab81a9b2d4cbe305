/** What goes wrong with threads is survived. */
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { FunctionBuilder } from '../../src/kernel/wasm/encoder.ts';
import { instantiate, sourceOf } from '../../src/kernel/wasm/instantiate.ts';
import { heap } from '../../src/runtime/heap.ts';
import { addressOf, allocatePermanent } from '../../src/runtime/storage.ts';
import type { Code } from '../../src/runtime/team.ts';
import { team } from '../../src/runtime/threads.ts';
import { forgetWarnings } from '../../src/util/warn.ts';
import { awaitThreads } from './support.ts';

beforeAll(() => awaitThreads(3));
beforeEach(() => {
  team.eager = true;
});
afterEach(() => vi.restoreAllMocks());

/** Code that does nothing for the caller, and for workers what `emit` says: `(chunk) → nothing`. */
function codeOf(emit: (f: FunctionBuilder) => void, call: (chunk: number) => void = () => {}): Code {
  const f = new FunctionBuilder('test', ['i32']);
  emit(f);
  const source = sourceOf(instantiate([f], heap.memory)['test'] as () => number);
  return { bytes: source?.bytes as Uint8Array, index: 0, call, at: -1 };
}

/** Shares chunks 0 to `chunks` - 1, numbered in their only argument; whether there was anybody to share them with. */
function share(code: Code, chunks: number): boolean {
  const rows = team.rows(1e9, [code]);
  if (rows === null) return false;
  for (let i = 0; i < chunks; i++) rows[i] = i;
  team.run([code], chunks, 1, true);
  return true;
}

/** Keeps a worker busy for a while. */
function busy(f: FunctionBuilder, count: number): void {
  const turns = f.local('i32');
  f.i32(count).set(turns);
  f.loop((next) => f.get(turns).i32(1).op('i32.sub').tee(turns).brIf(next));
}

/** Keeps a worker busy for many milliseconds. */
function slow(f: FunctionBuilder): void {
  busy(f, 100_000_000);
}

test('every chunk is done once, by somebody', () => {
  const mine: number[] = [];
  const bytes = 4 * 1000;
  const storage = allocatePermanent(bytes);
  const at = addressOf(storage);
  heap.u8.fill(0, at, at + bytes);
  // Workers count in memory, the caller in its own list.
  const code = codeOf(
    (f) => f.get(0).i32(2).op('i32.shl').get(0).i32(2).op('i32.shl').load('i32.load', at).i32(1).op('i32.add').store('i32.store', at),
    (chunk) => mine.push(chunk),
  );
  const before = team.chunksOfWorkers;
  for (let round = 0; round < 20; round++) expect(share(code, 1000)).toBe(true);
  const counts = Array.from({ length: 1000 }, (_, i) => heap.i32[at / 4 + i] as number);
  for (const chunk of mine) counts[chunk] = (counts[chunk] as number) + 1;
  expect(counts).toEqual(Array(1000).fill(20));
  expect(team.chunksOfWorkers).toBe(before + 20_000 - mine.length);
});

test('one interruption does not end what saved more before', () => {
  // The time of the caller, in which a chunk takes as long as its argument says, whatever else the machine does.
  let clock = performance.now();
  const stopped = vi.spyOn(performance, 'now').mockImplementation(() => clock);
  const code = codeOf(
    (f) => busy(f, 100_000),
    (milliseconds) => {
      clock += milliseconds;
    },
  );
  team.eager = false;
  const launch = (...chunks: readonly number[]): boolean => {
    const rows = team.rows(1e9, [code]);
    rows?.set(chunks);
    if (rows !== null) team.run([code], chunks.length, 1, true);
    return rows !== null;
  };
  const even = Array<number>(40).fill(0.5);
  // Each chunk of a worker saves half a millisecond, where the caller has some to compare with.
  for (let saved = 0; saved < 20; ) {
    const before = team.chunksOfWorkers;
    expect(launch(...even)).toBe(true);
    const theirs = team.chunksOfWorkers - before;
    if (theirs <= even.length - 2) saved += theirs;
  }
  expect(launch(0.5, 0.5, 4, 0.5, 0.5, 0.5)).toBe(true);
  expect(launch(...even)).toBe(true);
  // Too many do.
  let shared = 0;
  while (launch(0.5, 0.5, 4, 0.5, 0.5, 0.5)) shared++;
  expect(shared).toBeLessThan(20);
  clock += 1000;
  expect(launch(...even)).toBe(true);
  stopped.mockRestore();
});

test('threads that cost more than they save rest, and come back', async () => {
  const code = codeOf(slow);
  // The caller takes no time for a chunk, a worker takes long: as if something else had interrupted it.
  expect(share(code, 8)).toBe(true);
  team.eager = false;
  let shared = 0;
  await vi.waitFor(
    () => {
      const before = team.chunksOfWorkers;
      if (share(code, 8) && team.chunksOfWorkers > before) shared++;
      else if (shared > 0) return;
      throw new Error('goes on');
    },
    { timeout: 20_000, interval: 1 },
  );
  expect(team.rows(1e9, [code])).toBe(null);
  await vi.waitFor(() => expect(team.rows(1e9, [code])).not.toBe(null), 20_000);
});

test('an error of the caller comes out when no worker writes any more', async () => {
  const code = codeOf(slow, () => {
    throw new RangeError('the kernel failed');
  });
  const before = team.chunksOfWorkers;
  expect(() => share(code, 4)).toThrow('the kernel failed');
  const after = team.chunksOfWorkers;
  expect(after).toBeGreaterThan(before);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(team.chunksOfWorkers).toBe(after);
});

test('a worker that cannot run a kernel is reported once, and the caller does its chunk', async () => {
  forgetWarnings();
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const done = new Set<number>();
  const broken: Code = { bytes: new Uint8Array([0, 97, 115, 109, 9]), index: 0, at: -1, call: (chunk) => done.add(chunk as number) };
  for (const end = performance.now() + 20_000; team.ready > 0 && performance.now() < end; ) share(broken, 5);
  expect(team.ready).toBe(0);
  expect([...done].sort()).toEqual([0, 1, 2, 3, 4]);
  await vi.waitFor(() => expect(warned).toHaveBeenCalled(), 20_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(warned.mock.calls).toEqual([
    [expect.stringMatching(/^nabla: a thread ended \(.*WebAssembly.*\): computation goes on without it/s)],
  ]);
  // Nobody is left, and the caller goes on alone.
  done.clear();
  expect(share(broken, 7)).toBe(true);
  expect(done.size).toBe(7);
});

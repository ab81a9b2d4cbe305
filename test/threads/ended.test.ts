/** Threads that something else ends while they compute: the caller, which cannot hear of it as long as it waits, goes on. */
import { ones, scope, setNumThreads } from 'nabla';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { FunctionBuilder } from '../../src/kernel/wasm/encoder.ts';
import { instantiate, sourceOf } from '../../src/kernel/wasm/instantiate.ts';
import { heap } from '../../src/runtime/heap.ts';
import type { Code } from '../../src/runtime/team.ts';
import { team } from '../../src/runtime/threads.ts';
import { forgetWarnings } from '../../src/util/warn.ts';
import { awaitThreads } from './support.ts';

const host = process.getBuiltinModule('worker_threads');
const { Worker } = host;
const workers: InstanceType<typeof Worker>[] = [];
const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});

beforeAll(() => {
  host.Worker = class extends Worker {
    constructor(...options: ConstructorParameters<typeof Worker>) {
      super(...options);
      workers.push(this);
    }
  };
});
afterAll(() => {
  host.Worker = Worker;
  vi.restoreAllMocks();
});

/** What a worker never comes to the end of, and the caller does by `call`. */
function endless(call: (chunk: number) => void): Code {
  const f = new FunctionBuilder('endless', ['i32']);
  f.loop((next) => f.i32(1).brIf(next));
  return { bytes: sourceOf(instantiate([f], heap.memory)['endless'] as () => number)?.bytes as Uint8Array, index: 0, call, at: -1 };
}

/** Shares chunks, of which the workers get one each, ends the workers meanwhile, and returns the chunks that the caller did. */
function shareAndEnd(chunks: number, repeatable: boolean): number[] {
  const done: number[] = [];
  const code = endless((chunk) => {
    done.push(chunk);
    for (const worker of workers) void worker.terminate();
  });
  const rows = team.rows(1e9, [code]) as Float64Array;
  for (let i = 0; i < chunks; i++) rows[i] = i;
  team.run([code], chunks, 1, repeatable);
  return done;
}

test('what a thread had in hand is done by the caller', async () => {
  await awaitThreads(2);
  expect(workers.length).toBe(1);
  forgetWarnings();
  const start = performance.now();
  expect(shareAndEnd(4, true).sort()).toEqual([0, 1, 2, 3]);
  expect(performance.now() - start).toBeLessThan(5000);
  expect(team.ready).toBe(0);
  expect(warned.mock.calls).toEqual([[expect.stringContaining('nabla: a thread ended (something else ended it): computation goes on')]]);
  // The next launch is the caller's.
  expect(shareAndEnd(3, true).sort()).toEqual([0, 1, 2]);
}, 60_000);

test('or said to be missing, where it cannot be done twice', async () => {
  // Those that ended do not come back; the third thread is a new worker.
  setNumThreads(3);
  await vi.waitFor(() => {
    scope(() => void ones([100_000]).exp());
    expect(team.ready).toBe(1);
  }, 20_000);
  const before = team.chunksOfWorkers;
  expect(() => shareAndEnd(4, false)).toThrow(/a thread was ended from outside in the middle of an operator.*is missing/);
  expect(team.chunksOfWorkers).toBe(before);
  expect(team.ready).toBe(0);
}, 60_000);

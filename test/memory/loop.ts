/**
 * Run as a process of its own by flat.test.ts: a plain synchronous loop that makes a temporary of 1 MB in each step.
 * Arguments: steps, megabytes of live weights, how dead storages are found. Prints one line of JSON.
 */
import { heap } from '../../src/runtime/heap.ts';
import { configureMemory, type MemoryOptions, memory } from '../../src/runtime/memory.ts';
import { addressOf, allocate, beginLaunch, type Storage } from '../../src/runtime/storage.ts';

const MEGABYTE = 1048576;
const [steps, weights, reclaim] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4] as MemoryOptions['reclaim']];
configureMemory({ reclaim: reclaim ?? 'auto' });

function make(value: number): Storage {
  const storage = allocate(MEGABYTE);
  beginLaunch();
  const start = addressOf(storage) / 4;
  heap.f32.fill(value, start, start + MEGABYTE / 4);
  return storage;
}

const held: Storage[] = [];
for (let i = 0; i < weights; i++) held.push(make(i));
const recent: (Storage | null)[] = new Array<Storage | null>(8).fill(null);
let early = 0;
let resident = 0;
const begin = performance.now();
for (let step = 1; step <= steps; step++) {
  recent[step & 7] = make(step);
  if (step % 250 === 0) resident = Math.max(resident, process.memoryUsage.rss());
  if (step === Math.min(1000, steps / 10)) early = process.memoryUsage.rss();
}
const microseconds = ((performance.now() - begin) / steps) * 1000;
const late = process.memoryUsage.rss();
beginLaunch();
const intact = held.every((storage, index) => heap.f32[addressOf(storage) / 4 + 1000] === index);
console.log(JSON.stringify({ version: process.version, intact, early, late, resident, microseconds, ...memory() }));

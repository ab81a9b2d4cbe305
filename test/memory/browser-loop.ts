/** Run in a browser by browser.test.ts: a loop of 1 MB temporaries, first without ever yielding, then with. */
import { heap } from '../../src/runtime/heap.ts';
import { memory } from '../../src/runtime/memory.ts';
import { addressOf, allocate, beginLaunch, type Storage } from '../../src/runtime/storage.ts';

const MEGABYTE = 1048576;
const STEPS = 3000;

function make(value: number): Storage {
  const storage = allocate(MEGABYTE);
  beginLaunch();
  heap.f32.fill(value, addressOf(storage) / 4, addressOf(storage) / 4 + MEGABYTE / 4);
  return storage;
}

export async function run(): Promise<unknown> {
  const held: Storage[] = [];
  for (let i = 0; i < 40; i++) held.push(make(i));
  for (let step = 0; step < STEPS; step++) make(step);
  const synchronous = memory();
  for (let step = 0; step < STEPS; step++) {
    make(step);
    if (step % 16 === 0) await new Promise((resume) => setTimeout(resume, 0));
  }
  beginLaunch();
  const intact = held.every((storage, index) => heap.f32[addressOf(storage) / 4 + 1000] === index);
  return { intact, synchronous, yielding: memory() };
}

/** Calling an operator and going back through it leaves nothing behind. */
import { collectMemory, memory as report } from '../../../src/runtime/memory.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { callsOf, type SampleCall } from '../calls.ts';
import { cotangentsFor, leavesOf, vjpOf } from '../gradients.ts';
import { type Entry, writesInput } from '../operators.ts';
import { type Check, CheckFailure } from '../report.ts';

const REPEATS = 4;

/** One use in its own function, so that nothing on the stack keeps its tensors. */
function use(call: SampleCall): void {
  const leaves = leavesOf(call);
  const outputs = call.run(writesInput(call.entry) ? call.tensors() : leaves);
  const wanted = call.differentiable.map((i) => leaves[i] as Tensor);
  if (wanted.length > 0) vjpOf(outputs, wanted, cotangentsFor(outputs, 'memory'));
}

function useAll(calls: readonly SampleCall[]): void {
  for (const call of calls) use(call);
}

function liveBytes(): number {
  collectMemory();
  return report().live;
}

/** Bytes that stay after each round of calls, once caches are warm. */
function leakOf(calls: readonly SampleCall[]): number {
  const before = liveBytes();
  for (let i = 0; i < REPEATS; i++) useAll(calls);
  return (liveBytes() - before) / REPEATS;
}

/** Bytes that each round of the sample calls of some operators leaves behind. */
export function leak(entries: readonly Entry[]): number {
  const calls = entries.flatMap(callsOf);
  if (calls.length === 0) return 0;
  useAll(calls);
  // What looks like a leak may be a last reference of the virtual machine's: a leak shows every time.
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && least > 0; attempt++) least = Math.min(least, leakOf(calls));
  return Math.max(0, least);
}

export const memory: Check = {
  name: 'memory',
  run(entry) {
    const bytes = leak([entry]);
    if (bytes > 0) throw new CheckFailure([`${bytes} bytes stay in use after each round of sample calls with their backward passes`]);
  },
};

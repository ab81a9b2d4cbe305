/** Calling an operator and going back through it leaves nothing behind. */
import { collectMemory } from '../../../src/runtime/memory.ts';
import { beginTracking, endTracking, type Storage } from '../../../src/runtime/storage.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { callsOf, type SampleCall } from '../calls.ts';
import { cotangentsFor, leavesOf, vjpOf } from '../gradients.ts';
import { type Entry, writesInput } from '../operators.ts';

const ATTEMPTS = 5;

/** One use in its own function, so that nothing on the stack keeps its tensors. */
function use(call: SampleCall): void {
  const leaves = leavesOf(call);
  const outputs = call.run(writesInput(call.entry) ? call.tensors() : leaves);
  const wanted = call.differentiable.map((i) => leaves[i] as Tensor);
  if (wanted.length > 0) vjpOf(outputs, wanted, cotangentsFor(outputs, 'memory'));
}

/** Uses an operator and returns what was allocated and not given back, seen weakly. */
function allocatedBy(entry: Entry): WeakRef<Storage>[] {
  const seen: WeakRef<Storage>[] = [];
  const mark = beginTracking();
  try {
    for (const call of callsOf(entry)) use(call);
  } finally {
    endTracking(mark, (storage) => seen.push(new WeakRef(storage)) > 0);
  }
  return seen;
}

/** A weak reference keeps its target to the end of the job: collecting needs another. */
async function collect(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  collectMemory();
}

/**
 * The operators of which something stays in memory after a call and its backward pass, with the bytes. The first use of each is not looked at:
 * it fills caches.
 */
export async function leaks(entries: readonly Entry[]): Promise<{ readonly name: string; readonly bytes: number }[]> {
  for (const entry of entries) allocatedBy(entry);
  let suspects = [...entries];
  let found: { name: string; bytes: number }[] = [];
  // What stays once may be a last reference of the virtual machine's: what leaks stays every time.
  for (let attempt = 0; attempt < ATTEMPTS && suspects.length > 0; attempt++) {
    const uses = suspects.map((entry) => ({ entry, storages: allocatedBy(entry) }));
    // Others are used last, so that what the machine still refers to is theirs.
    for (const entry of entries.slice(0, 3)) if (!suspects.includes(entry)) allocatedBy(entry);
    await collect();
    await collect();
    const staying = uses.map(({ entry, storages }) => ({
      entry,
      bytes: storages.reduce((sum, ref) => sum + (ref.deref()?.byteLength ?? 0), 0),
    }));
    suspects = staying.filter(({ bytes }) => bytes > 0).map(({ entry }) => entry);
    found = staying.filter(({ bytes }) => bytes > 0).map(({ entry, bytes }) => ({ name: entry.description.name, bytes }));
  }
  return found;
}

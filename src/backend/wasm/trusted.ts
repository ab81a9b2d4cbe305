/** Kernels that are compiled for a level only if they are right there: code from an optional pass of a compiler is not trusted before. */
import { FLOAT32 } from '../../dtype/dtype.ts';
import { FunctionBuilder } from '../../kernel/wasm/encoder.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, release, type Storage } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { instantiateAt, type KernelLevel } from './level.ts';

/**
 * The functions at a level. Wide code joins operations and changes no result: it has to give the bytes of the same code before it was joined, in what `tryOut` does
 * with it, or the latter is used.
 */
export function instantiateTrusted<K>(
  level: KernelLevel,
  functions: () => readonly FunctionBuilder[],
  pick: (kernels: Record<string, KernelFunction>) => K,
  tryOut: (kernels: K) => Uint8Array,
): K {
  if (level !== 'wide') return pick(instantiateAt(level, functions()));
  // With one function more: for the same bytes, V8 would return the module that it has.
  const separate = pick(instantiateAt('fused', [...functions(), new FunctionBuilder('separate', [])]));
  try {
    const joined = pick(instantiateAt('wide', functions()));
    const [expected, found] = [tryOut(separate), tryOut(joined)];
    return expected.every((byte, i) => byte === found[i]) ? joined : separate;
  } catch {
    return separate;
  }
}

/** Memory for runs of numbers, each of so many of `bytes` bytes and apart from the others: the storage, to be released, and where the runs begin. */
export function trialMemory(sizes: readonly number[], bytes: number): { readonly storage: Storage; readonly at: readonly number[] } {
  const starts: number[] = [];
  let end = 0;
  for (const size of sizes) {
    starts.push(end);
    end += (size + 15) & -16;
  }
  const storage = allocate(end * bytes);
  const base = addressOf(storage);
  return { storage, at: starts.map((start) => base + start * bytes) };
}

/** Contiguous float32 tensors of these shapes with known values, for `run`; returns what is in them afterwards. */
export function withTrialViews(shapes: readonly (readonly number[])[], run: (views: View[]) => void): Uint8Array {
  const views = shapes.map((shape) => {
    const strides = shape.map((_, dim) => shape.slice(dim + 1).reduce((a, b) => a * b, 1));
    const size = shape.reduce((a, b) => a * b, 1);
    return { storage: allocate(4 * size), offset: 0, shape, strides, type: FLOAT32, size, rowMajor: true };
  });
  const bytesOf = ({ storage, size }: View): Uint8Array => heap.u8.subarray(addressOf(storage), addressOf(storage) + 4 * size);
  views.forEach(({ storage, size }, k) => {
    const first = addressOf(storage) / 4;
    for (let i = 0; i < size; i++) heap.f32[first + i] = Math.sin(i * 1.7 + k);
  });
  run(views);
  const all = views.map((view) => bytesOf(view).slice());
  for (const { storage } of views) release(storage);
  const result = new Uint8Array(all.reduce((sum, bytes) => sum + bytes.length, 0));
  let at = 0;
  for (const bytes of all) {
    result.set(bytes, at);
    at += bytes.length;
  }
  return result;
}

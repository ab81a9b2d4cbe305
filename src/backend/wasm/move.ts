/** Elements copied to or from places that indices name: whole rows where they lie in one piece, any dtype by its size. */
import type { IndexedDim } from '../../runtime/backend.ts';
import { heap } from '../../runtime/heap.ts';
import { beginLaunch } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { addressOfView } from './host.ts';
import { type EvenAxis, eachPlace, type Offsets, planIndexed } from './indexed.ts';
import { moveIndexed } from './indexed-kernel.ts';

/** Rows from this many words on are copied by the host's own routine. */
const LONG_ROW = 48;

/** The array that moves elements of a size, and how many of its items an element takes. */
function carrierOf(itemsize: number): { readonly words: Uint8Array | Uint16Array | Uint32Array; readonly perElement: number } {
  if (itemsize === 1) return { words: heap.u8, perElement: 1 };
  if (itemsize === 2) return { words: heap.u16, perElement: 1 };
  return { words: heap.u32, perElement: itemsize / 4 };
}

type Words = Uint8Array | Uint16Array | Uint32Array;

function copyRow(words: Words, k: number, to: number, toStride: number, from: number, fromStride: number, size: number): void {
  if (toStride === 1 && fromStride === 1) {
    const length = size * k;
    const source = from * k;
    const target = to * k;
    if (length >= LONG_ROW) words.copyWithin(target, source, source + length);
    else for (let i = 0; i < length; i++) words[target + i] = words[source + i] as number;
    return;
  }
  for (let i = 0; i < size; i++) {
    const source = (from + i * fromStride) * k;
    const target = (to + i * toStride) * k;
    for (let w = 0; w < k; w++) words[target + w] = words[source + w] as number;
  }
}

function copyIndexed(words: Words, k: number, to: number, toOffsets: Offsets, from: number, fromOffsets: Offsets): void {
  const count = toOffsets.length;
  if (k === 1) {
    for (let i = 0; i < count; i++) words[to + (toOffsets[i] as number)] = words[from + (fromOffsets[i] as number)] as number;
    return;
  }
  for (let i = 0; i < count; i++) {
    const source = (from + (fromOffsets[i] as number)) * k;
    const target = (to + (toOffsets[i] as number)) * k;
    for (let w = 0; w < k; w++) words[target + w] = words[source + w] as number;
  }
}

/** `pull`: from the far side to the near one; otherwise the other way. */
function move(name: string, near: View, far: View, indexed: readonly IndexedDim[], pull: boolean): void {
  if (near.size === 0) return;
  beginLaunch();
  const only = indexed[0];
  if (indexed.length === 1 && only !== undefined) {
    moveIndexed(name, pull ? 'gather' : 'set', near, far, only);
    return;
  }
  const plan = planIndexed(name, near, far, indexed);
  const { itemsize } = near.type;
  const { words, perElement: k } = carrierOf(itemsize);
  const nearBase = addressOfView(near) / itemsize;
  const farBase = addressOfView(far) / itemsize;
  if (!plan.byRows) {
    eachPlace(plan.even, nearBase, farBase, (n, f) => {
      if (pull) copyIndexed(words, k, n, plan.near, f, plan.far);
      else copyIndexed(words, k, f, plan.far, n, plan.near);
    });
    return;
  }
  const row: EvenAxis = plan.even[plan.even.length - 1] ?? { size: 1, near: 1, far: 1 };
  const around = plan.even.slice(0, -1);
  const moveRow = (n: number, f: number): void => {
    if (pull) copyRow(words, k, n, row.near, f, row.far, row.size);
    else copyRow(words, k, f, row.far, n, row.near, row.size);
  };
  for (let i = 0; i < plan.near.length; i++) {
    const n = nearBase + (plan.near[i] as number);
    const f = farBase + (plan.far[i] as number);
    if (around.length === 0) moveRow(n, f);
    else eachPlace(around, n, f, moveRow);
  }
}

/** `out[p] = input[p, indices(p)]`: see `Backend.gather`. */
export function gather(name: string, out: View, input: View, indexed: readonly IndexedDim[]): void {
  move(name, out, input, indexed, true);
}

/** `out[p, indices(p)] = source[p]`, in row-major order of p: the last one stays where several meet. */
export function scatterSet(name: string, out: View, source: View, indexed: readonly IndexedDim[]): void {
  move(name, source, out, indexed, false);
}

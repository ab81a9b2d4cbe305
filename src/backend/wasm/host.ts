/**
 * What kernels written in JavaScript need to work on the heap. Like addresses, the arrays are valid until the next allocation or launch: a kernel
 * allocates all it needs, calls `beginLaunch`, takes its arrays, and runs.
 */
import { addressOfView, heapOf } from '../../runtime/elements.ts';
import { heap } from '../../runtime/heap.ts';
import type { View } from '../../runtime/view.ts';
import { axesOf, eachOffset } from './axes.ts';

export { addressOfView, elementsOf } from '../../runtime/elements.ts';

const WORD = 2 ** 32;

/** The int64 at a byte address, as a number: exact up to 2^53. Far cheaper than a BigInt. */
export function readInt64(address: number): number {
  const word = address / 4;
  return heap.i32[word + 1]! * WORD + heap.u32[word]!;
}

/** Writes a whole number of up to 2^53 as an int64. */
export function writeInt64(address: number, value: number): void {
  const word = address / 4;
  heap.u32[word] = value;
  heap.i32[word + 1] = Math.floor(value / WORD);
}

/** The integers of a view of any strides, in row-major order, as numbers: indices for a kernel. */
export function integersOf(view: View): Float64Array {
  const result = new Float64Array(view.size);
  const first = addressOfView(view);
  let i = 0;
  if (view.type.name === 'int64') {
    if (view.rowMajor) {
      const { u32, i32 } = heap;
      for (let word = first / 4; i < result.length; i++, word += 2) result[i] = i32[word + 1]! * WORD + u32[word]!;
      return result;
    }
    eachOffset(axesOf(view), (offset) => {
      result[i++] = readInt64(first + offset);
    });
    return result;
  }
  const array = heapOf(view.type.name);
  const { shift } = view.type;
  eachOffset(axesOf(view), (offset) => {
    result[i++] = Number(array[(first + offset) / (1 << shift)]!);
  });
  return result;
}

/**
 * What kernels written in JavaScript need to work on the heap. Like addresses, the arrays are valid until the next allocation or launch: a kernel
 * allocates all it needs, calls `beginLaunch`, takes its arrays, and runs.
 */
import type { DType } from '../../dtype/dtype.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { invariant } from '../../util/invariant.ts';
import { axesOf, eachOffset } from './axes.ts';

/** The typed array that holds the elements of each dtype: bits for the half types, pairs of parts for the complex ones. */
interface ElementArrays {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int64: BigInt64Array;
  readonly int32: Int32Array;
  readonly int16: Int16Array;
  readonly int8: Int8Array;
  readonly uint8: Uint8Array;
  readonly bool: Uint8Array;
  readonly complex64: Float32Array;
  readonly complex128: Float64Array;
  readonly float16: Uint16Array;
  readonly bfloat16: Uint16Array;
}

/** The array of all of the heap that holds elements of a dtype. */
function heapOf(type: DType): ElementArrays[DType] {
  switch (type) {
    case 'float32':
    case 'complex64':
      return heap.f32;
    case 'float64':
    case 'complex128':
      return heap.f64;
    case 'int64':
      return heap.i64;
    case 'int32':
      return heap.i32;
    case 'int16':
      return heap.i16;
    case 'int8':
      return heap.i8;
    case 'uint8':
    case 'bool':
      return heap.u8;
    case 'float16':
    case 'bfloat16':
      return heap.u16;
  }
}

/** Where the first element of a view is, in bytes from the start of the heap. */
export function addressOfView(view: View): number {
  return addressOf(view.storage) + view.offset * view.type.itemsize;
}

/**
 * The elements of a contiguous view, in place: `type` must be its dtype. The half types come as bits, complex numbers as pairs.
 * @example
 * const values = elementsOf(view, 'float32');
 */
export function elementsOf<T extends DType>(view: View, type: T): ElementArrays[T] {
  invariant(view.type.name === type, `elementsOf: the view holds ${view.type.name}, not ${type}`);
  invariant(view.rowMajor, 'elementsOf: the view is not contiguous');
  const array = heapOf(type) as ElementArrays[T];
  const start = addressOfView(view) / array.BYTES_PER_ELEMENT;
  const count = view.type.isComplex ? 2 * view.size : view.size;
  return array.subarray(start, start + count) as ElementArrays[T];
}

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

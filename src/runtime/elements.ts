/** Elements on the heap as typed arrays. Like addresses, the arrays are valid until the next allocation or launch. */
import type { DType } from '../dtype/dtype.ts';
import { invariant } from '../util/invariant.ts';
import { heap } from './heap.ts';
import { addressOf } from './storage.ts';
import type { View } from './view.ts';

/** The typed array that holds the elements of each dtype: bits for the half types, pairs of parts for the complex ones. */
export interface ElementArrays {
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
export function heapOf(type: DType): ElementArrays[DType] {
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

/** The elements of a contiguous view, in place: the half types as bits, complex numbers as pairs. */
export function elementsAt(view: View): ElementArrays[DType] {
  invariant(view.rowMajor, 'elementsAt: the view is not contiguous');
  const array = heapOf(view.type.name);
  const start = addressOfView(view) / array.BYTES_PER_ELEMENT;
  return array.subarray(start, start + (view.type.isComplex ? 2 * view.size : view.size));
}

/**
 * `elementsAt` for a dtype that is known: `type` must be the view's.
 * @example
 * const values = elementsOf(view, 'float32');
 */
export function elementsOf<T extends DType>(view: View, type: T): ElementArrays[T] {
  invariant(view.type.name === type, `elementsOf: the view holds ${view.type.name}, not ${type}`);
  return elementsAt(view) as ElementArrays[T];
}

/** From the files' values to values of the library: tensors, dtypes, slices, numbers that JSON cannot write. */
import { type Encoded, type EncodedTensor, isEncodedTensor } from './vectors.ts';

/** An index `start:stop:step`; null where Python leaves it out. */
export class SliceValue {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number | null;

  constructor(start: number | null, stop: number | null, step: number | null) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/** The index `...`. */
export class EllipsisValue {}

/** A complex number of Python. */
export class ComplexValue {
  readonly re: number;
  readonly im: number;

  constructor(re: number, im: number) {
    this.re = re;
    this.im = im;
  }
}

const NAMED_FLOATS: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY };

function decodeNumber(value: Encoded): number {
  if (typeof value === 'number') return value;
  const text = (value as { float: string }).float;
  const number = NAMED_FLOATS[text];
  if (number === undefined) throw new Error(`not a number of the vectors: ${JSON.stringify(value)}`);
  return number;
}

function decodeInteger(digits: string): number | bigint {
  const exact = BigInt(digits);
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : exact;
}

function decodeTagged(value: Readonly<Record<string, Encoded>>, tensor: (encoded: EncodedTensor) => unknown): unknown {
  if ('dtype' in value) return value.dtype;
  if ('float' in value) return decodeNumber(value);
  if ('int' in value) return decodeInteger(String(value.int));
  if ('ellipsis' in value) return new EllipsisValue();
  if ('slice' in value) {
    const [start, stop, step] = value.slice as (number | null)[];
    return new SliceValue(start ?? null, stop ?? null, step ?? null);
  }
  if ('complex' in value) {
    const [re, im] = value.complex as Encoded[];
    return new ComplexValue(decodeNumber(re), decodeNumber(im));
  }
  const entries = 'dict' in value ? (value.dict as Record<string, Encoded>) : value;
  return Object.fromEntries(Object.entries(entries).map(([key, item]) => [key, decode(item, tensor)]));
}

/** Decodes a value; `tensor` is called for each tensor, in order. */
export function decode(value: Encoded, tensor: (encoded: EncodedTensor) => unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (isEncodedTensor(value)) return tensor(value);
  if (Array.isArray(value)) return value.map((item) => decode(item, tensor));
  return decodeTagged(value as Record<string, Encoded>, tensor);
}

const ITEMSIZE: Readonly<Record<string, number>> = {
  float32: 4,
  float64: 8,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
  complex64: 8,
  complex128: 16,
  float16: 2,
  bfloat16: 2,
};

/** Bytes of one element. */
export function itemsizeOf(dtype: string): number {
  const size = ITEMSIZE[dtype];
  if (size === undefined) throw new Error(`unknown dtype ${dtype} in the vectors`);
  return size;
}

/** The upper halves of 32-bit floats, which is what bfloat16 is; the files write it in 32 bits. */
function upperHalves(bytes: Uint8Array): Uint8Array {
  const halves = new Uint8Array(bytes.length / 2);
  for (let at = 0; at < halves.length; at += 2) halves.set(bytes.subarray(2 * at + 2, 2 * at + 4), at);
  return halves;
}

/** The row-major elements of a tensor of the files, in memory of their own. */
export function bytesOf(encoded: EncodedTensor): Uint8Array {
  // A Buffer from the pool starts anywhere; typed arrays over it need an aligned start.
  const bytes = new Uint8Array(Buffer.from(encoded.d, 'base64'));
  return encoded.t === 'bfloat16' && bytes.length === 4 * sizeOf(encoded.s) ? upperHalves(bytes) : bytes;
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * Lays row-major elements out in a storage with the given strides (in elements, none negative), as the tensor lay in PyTorch's memory.
 * Elements of the storage that the tensor does not reach are zero.
 */
export function layOut(bytes: Uint8Array, shape: readonly number[], strides: readonly number[], itemsize: number): Uint8Array {
  const size = sizeOf(shape);
  if (size === 0) return new Uint8Array(0);
  const length = shape.reduce((last, extent, axis) => last + (extent - 1) * strides[axis]!, 1);
  const storage = new Uint8Array(length * itemsize);
  const index = new Array<number>(shape.length).fill(0);
  let target = 0;
  for (let element = 0; element < size; element++) {
    storage.set(bytes.subarray(element * itemsize, (element + 1) * itemsize), target * itemsize);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      target += strides[axis]!;
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      target -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return storage;
}

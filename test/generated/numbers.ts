/** Elements as JavaScript numbers, independent of the library's own reading and writing: complex numbers are pairs of numbers. */
import { type DTypeInfo, dtypeInfo } from '../../src/dtype/dtype.ts';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from '../../src/dtype/half.ts';
import type { DType, Tensor } from '../../src/index.ts';

/** How many numbers an element is. */
export function partsOf(type: DTypeInfo): number {
  return type.isComplex ? 2 : 1;
}

function roundToInteger(value: number): number {
  return Number.isFinite(value) ? Math.trunc(value) : 0;
}

const ENCODERS: Readonly<Record<DType, (values: readonly number[]) => ArrayBufferView>> = {
  float32: (v) => Float32Array.from(v),
  float64: (v) => Float64Array.from(v),
  int64: (v) => BigInt64Array.from(v, (x) => BigInt(roundToInteger(x))),
  int32: (v) => Int32Array.from(v),
  int16: (v) => Int16Array.from(v),
  int8: (v) => Int8Array.from(v),
  uint8: (v) => Uint8Array.from(v),
  bool: (v) => Uint8Array.from(v, (x) => (x !== 0 ? 1 : 0)),
  complex64: (v) => Float32Array.from(v),
  complex128: (v) => Float64Array.from(v),
  float16: (v) => Uint16Array.from(v, numberToFloat16),
  bfloat16: (v) => Uint16Array.from(v, numberToBfloat16),
};

/** Row-major elements as little-endian bytes. */
export function encode(values: readonly number[], dtype: DType): Uint8Array {
  const array = ENCODERS[dtype](values);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The elements of a tensor, row-major; int64 only as far as numbers are exact. */
export function numbersOf(x: Tensor): number[] {
  const { buffer } = x.toBytes() as Uint8Array<ArrayBuffer>;
  switch (x.dtype) {
    case 'float32':
    case 'complex64':
      return [...new Float32Array(buffer)];
    case 'float64':
    case 'complex128':
      return [...new Float64Array(buffer)];
    case 'int64':
      return [...new BigInt64Array(buffer)].map(Number);
    case 'int32':
      return [...new Int32Array(buffer)];
    case 'int16':
      return [...new Int16Array(buffer)];
    case 'int8':
      return [...new Int8Array(buffer)];
    case 'float16':
      return [...new Uint16Array(buffer)].map(float16ToNumber);
    case 'bfloat16':
      return [...new Uint16Array(buffer)].map(bfloat16ToNumber);
    default:
      return [...new Uint8Array(buffer)];
  }
}

export function typeOf(dtype: DType): DTypeInfo {
  return dtypeInfo(dtype);
}

export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** How large a scalar product could be: the sum of the sizes of its terms. */
export function magnitude(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] as number) * (b[i] as number));
  return sum;
}

/** The largest finite absolute value. */
export function largest(values: readonly number[]): number {
  return values.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
}

/** Whether two numbers are equal, up to a tolerance relative to `scale`; NaN equals NaN, infinities themselves. */
export function near(a: number, b: number, tolerance: number, scale = 1): boolean {
  return Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= tolerance * Math.max(scale, Math.abs(b));
}

/** The first difference between two lists, in words; null if there is none. The tolerance is relative to the largest value. */
export function difference(actual: readonly number[], expected: readonly number[], tolerance: number): string | null {
  if (actual.length !== expected.length) return `${actual.length} values, expected ${expected.length}`;
  const scale = Math.max(tolerance === 0 ? 0 : 1e-3, largest(expected));
  for (let i = 0; i < expected.length; i++) {
    if (!near(actual[i] as number, expected[i] as number, tolerance, scale)) return `element ${i} is ${actual[i]}, expected ${expected[i]}`;
  }
  return null;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Comparing what the library returned with what PyTorch returned. A comparison gives null, or says in one line what differs. */
import { bytesOf, itemsizeOf, sizeOf } from './decode.ts';
import type { EncodedTensor } from './vectors.ts';

/** A tensor as the library gave it: its dtype, shape and contiguous little-endian bytes. */
export interface Snapshot {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** Double precision: 1e-7 (second order 1e-6). All narrower floating types: 1e-4. */
export function toleranceOf(dtype: string, secondOrder = false): Tolerance {
  const tolerance = dtype === 'float64' || dtype === 'complex128' ? (secondOrder ? 1e-6 : 1e-7) : 1e-4;
  return { relative: tolerance, absolute: tolerance };
}

/** Whether a dtype is compared with a tolerance and can carry a gradient. */
export function isInexact(dtype: string): boolean {
  return dtype.startsWith('float') || dtype === 'bfloat16' || dtype.startsWith('complex');
}

/** A float16 or bfloat16 pattern as a number. */
export function halfToNumber(bits: number, dtype: string): number {
  if (dtype === 'bfloat16') return new Float32Array(new Uint32Array([bits << 16]).buffer)[0]!;
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

type Numbers = ArrayLike<number | bigint>;

/** The elements of a tensor; complex ones as (re, im) pairs. */
export function elementsOf(bytes: Uint8Array, dtype: string): Numbers {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset, byteLength } = aligned;
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'float64':
    case 'complex128':
      return new Float64Array(buffer, byteOffset, byteLength / 8);
    case 'int64':
      return new BigInt64Array(buffer, byteOffset, byteLength / 8);
    case 'int32':
      return new Int32Array(buffer, byteOffset, byteLength / 4);
    case 'int16':
      return new Int16Array(buffer, byteOffset, byteLength / 2);
    case 'int8':
      return new Int8Array(buffer, byteOffset, byteLength);
    case 'float16':
    case 'bfloat16':
      return Float64Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2), (bits) => halfToNumber(bits, dtype));
    default:
      return aligned;
  }
}

const same = (actual: number, expected: number): boolean => actual === expected || (Number.isNaN(actual) && Number.isNaN(expected));

/** NaN equals NaN and an infinity itself; otherwise |actual - expected| <= absolute + relative |expected|. */
export function closeTo(actual: number, expected: number, tolerance: Tolerance): boolean {
  if (same(actual, expected)) return true;
  return Math.abs(actual - expected) <= tolerance.absolute + tolerance.relative * Math.abs(expected) && Number.isFinite(expected);
}

function complexCloseTo(actual: Numbers, expected: Numbers, index: number, tolerance: Tolerance): boolean {
  let distance = 0;
  let magnitude = 0;
  for (let part = index; part < index + 2; part++) {
    const [a, e] = [actual[part] as number, expected[part] as number];
    if (Number.isFinite(e)) magnitude = Math.hypot(magnitude, e);
    if (same(a, e)) continue;
    if (!Number.isFinite(a) || !Number.isFinite(e)) return false;
    distance = Math.hypot(distance, a - e);
  }
  return distance <= tolerance.absolute + tolerance.relative * magnitude;
}

function position(element: number, shape: readonly number[]): string {
  const index: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(element % shape[axis]!);
    element = Math.floor(element / shape[axis]!);
  }
  return `[${index.join(', ')}]`;
}

function compareElements(actual: Snapshot, expected: EncodedTensor, tolerance: Tolerance): string | null {
  const complex = expected.t.startsWith('complex');
  const inexact = isInexact(expected.t);
  const got = elementsOf(actual.bytes, actual.dtype);
  const want = elementsOf(bytesOf(expected), expected.t);
  if (got.length !== want.length) return `toBytes gave ${actual.bytes.byteLength} bytes for ${actual.dtype} [${actual.shape}]`;
  const step = complex ? 2 : 1;
  let wrong = 0;
  let first = -1;
  for (let index = 0; index < want.length; index += step) {
    const equal = complex
      ? complexCloseTo(got, want, index, tolerance)
      : inexact
        ? closeTo(got[index] as number, want[index] as number, tolerance)
        : got[index] === want[index];
    if (equal) continue;
    if (first < 0) first = index;
    wrong++;
  }
  if (first < 0) return null;
  const show = (values: Numbers): string =>
    complex ? `${values[first]}${(values[first + 1] as number) < 0 ? '' : '+'}${values[first + 1]}j` : `${values[first]}`;
  return `${wrong} of ${want.length / step} elements differ, first at ${position(first / step, expected.s)}: expected ${show(want)}, got ${show(got)}`;
}

/** Compares dtype, shape and, unless `layoutOnly`, the values. */
export function compareTensor(actual: Snapshot, expected: EncodedTensor, tolerance: Tolerance, layoutOnly = false): string | null {
  if (actual.dtype !== expected.t) return `expected dtype ${expected.t}, got ${actual.dtype}`;
  if (actual.shape.length !== expected.s.length || actual.shape.some((size, axis) => size !== expected.s[axis])) {
    return `expected shape [${expected.s.join(', ')}], got [${actual.shape.join(', ')}]`;
  }
  return layoutOnly ? null : compareElements(actual, expected, tolerance);
}

/** Whether a tensor of the files is zero everywhere: as good as no gradient. */
export function isAllZero(bytes: Uint8Array, dtype: string): boolean {
  const values = elementsOf(bytes, dtype);
  for (let index = 0; index < values.length; index++) if (Number(values[index]) !== 0) return false;
  return true;
}

/**
 * Distance between two floating-point numbers, in units of the last place of their dtype (float32 or float64).
 * Equal numbers, and NaN with NaN, are 0 apart; numbers of which one is not finite are infinitely far.
 */
export function unitsInLastPlace(actual: number, expected: number, dtype: string): number {
  if (same(actual, expected)) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return Number.POSITIVE_INFINITY;
  const magnitude = Math.max(Math.abs(expected), dtype === 'float32' ? 2 ** -126 : 2 ** -1022);
  const exponent = Math.floor(Math.log2(magnitude));
  return Math.abs(actual - expected) / 2 ** (exponent - (dtype === 'float32' ? 23 : 52));
}

/** Compares bit by bit (`units` 0), or allows a few units in the last place. */
export function compareDraws(actual: Snapshot, expected: EncodedTensor, units: number): string | null {
  const layout = compareTensor(actual, expected, toleranceOf(expected.t), true);
  if (layout !== null) return layout;
  const got = elementsOf(actual.bytes, actual.dtype);
  const want = elementsOf(bytesOf(expected), expected.t);
  for (let index = 0; index < want.length; index++) {
    const exact = typeof want[index] === 'bigint' || units === 0;
    const equal = exact ? got[index] === want[index] : unitsInLastPlace(got[index] as number, want[index] as number, expected.t) <= units;
    if (!equal) return `at ${position(index, expected.s)}: expected ${want[index]}, got ${got[index]}`;
  }
  return null;
}

/** Bytes that a tensor of the files should have. */
export function expectedByteLength(encoded: EncodedTensor): number {
  return sizeOf(encoded.s) * itemsizeOf(encoded.t);
}

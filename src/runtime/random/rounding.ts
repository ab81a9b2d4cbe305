/** Rounding that the draws need: fused multiply-add in double precision and the two half types. */
import { productError, sumError } from './accurate.ts';

/** What floating-point draws are written to. */
export type FloatArray = Float32Array | Float64Array;

/** The half types, which are drawn in single precision and then rounded. */
export type HalfType = 'float16' | 'bfloat16';

/**
 * `a * b + c` with the product's rounding error added back: what a fused multiply-add gives, but for rare ties.
 * Where splitting would overflow, the plain expression is returned.
 */
export function multiplyAdd(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  if (c === 0 || !(Math.abs(a) < 2 ** 900 && Math.abs(b) < 2 ** 900 && Math.abs(product) < 2 ** 1000)) return sum;
  return sum + (productError(a, b, product) + sumError(product, c, sum));
}

const SINGLE = new Float32Array(1);
const SINGLE_BITS = new Uint32Array(SINGLE.buffer);

/** The nearest number of a half type, ties to even; doubles are rounded to single precision first, as PyTorch does. */
export function roundToHalf(value: number, half: HalfType): number {
  return half === 'float16' ? roundToFloat16(Math.fround(value)) : roundToBfloat16(value);
}

function roundToFloat16(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude < Number.POSITIVE_INFINITY) || magnitude === 0) return value;
  // The spacing of float16 at this magnitude: ten bits below the leading one, but never finer than 2^-24. Adding and subtracting
  // a number whose last bit is that spacing rounds to it, to even on ties.
  SINGLE[0] = magnitude;
  const exponent = Math.max((SINGLE_BITS[0]! >>> 23) - 127, -14);
  const anchor = 1.5 * 2 ** (exponent - 10 + 52);
  const rounded = magnitude + anchor - anchor;
  return Math.sign(value) * (rounded >= 65520 ? Number.POSITIVE_INFINITY : rounded);
}

function roundToBfloat16(value: number): number {
  if (Number.isNaN(value)) return value;
  SINGLE[0] = value;
  const bits = SINGLE_BITS[0]!;
  SINGLE_BITS[0] = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  return SINGLE[0];
}

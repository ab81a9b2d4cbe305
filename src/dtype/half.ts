/**
 * The two 16-bit floating formats as bit patterns. Conversions to them go through float32, as PyTorch's do, and round to nearest, ties to even.
 * Formats: IEEE 754-2019, binary16; bfloat16 is the upper half of binary32.
 */
const scratch = new DataView(new ArrayBuffer(4));

/** The bits of a number rounded to float32. */
function float32Bits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/** The float32 that has these bits. */
function float32FromBits(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** `bits` shifted right by `count` (1 to 30), rounded to nearest, ties to even. */
function shiftRounded(bits: number, count: number): number {
  const kept = bits >>> count;
  const rest = bits & ((1 << count) - 1);
  const half = 1 << (count - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

/**
 * The number that binary16 bits stand for.
 *
 * @example
 * float16ToNumber(0x3c00); // 1
 */
export function float16ToNumber(bits: number): number {
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  const magnitude =
    exponent === 31
      ? fraction === 0
        ? Number.POSITIVE_INFINITY
        : Number.NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1024 + fraction) * 2 ** (exponent - 25);
  return (bits & 0x8000) === 0 ? magnitude : -magnitude;
}

/**
 * A number as binary16 bits. From 65520 on it is infinite, below 2^-25 zero; every NaN becomes the quiet one.
 *
 * @example
 * numberToFloat16(1); // 0x3c00
 */
export function numberToFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const bits = float32Bits(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  const exponent = magnitude >>> 23;
  if (exponent >= 143) return sign | 0x7c00;
  // Normal results: move the exponent from bias 127 to 15; a carry out of the rounded fraction goes into it, up to infinity.
  if (exponent >= 113) return sign | shiftRounded(magnitude - (112 << 23), 13);
  if (exponent < 102) return sign;
  // Subnormal results count units of 2^-24.
  return sign | shiftRounded((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
}

/**
 * The number that bfloat16 bits stand for.
 *
 * @example
 * bfloat16ToNumber(0x3f80); // 1
 */
export function bfloat16ToNumber(bits: number): number {
  return float32FromBits((bits << 16) >>> 0);
}

/**
 * A number as bfloat16 bits. Every NaN becomes the quiet one.
 *
 * @example
 * numberToBfloat16(1); // 0x3f80
 */
export function numberToBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  const bits = float32Bits(value);
  return (((bits & 0x7fffffff) + 0x7fff + ((bits >>> 16) & 1)) >>> 16) | ((bits >>> 16) & 0x8000);
}

/** A number rounded to the nearest binary16. */
export function roundToFloat16(value: number): number {
  return float16ToNumber(numberToFloat16(value));
}

/** A number rounded to the nearest bfloat16. */
export function roundToBfloat16(value: number): number {
  return bfloat16ToNumber(numberToBfloat16(value));
}

/** Draws of whole numbers: from a range, over all of a type, and permutations. */
import { ArgumentError } from '../../util/errors.ts';
import type { Generator } from './generator.ts';
import { type HalfType, roundToHalf } from './rounding.ts';
import type { HalfOption, NumberArray } from './uniform.ts';

/** From this range on a draw takes 64 bits, so that the remainder's skew stays small. */
const WIDE_RANGE = 1n << 28n;

const SMALLEST_INT64 = -(1n << 63n);
const LARGEST_INT64 = (1n << 63n) - 1n;

/** The kinds of element that whole numbers are drawn for. */
type ElementType = 'float32' | 'float64' | 'int64' | 'int32' | 'int16' | 'int8' | 'uint8' | 'bool' | HalfType;

interface ElementRange {
  /** Whole numbers that the type holds exactly, both ends included. */
  readonly low: bigint;
  readonly high: bigint;
}

const RANGES: Readonly<Record<ElementType, ElementRange>> = {
  float32: { low: -(1n << 24n), high: 1n << 24n },
  float64: { low: -(1n << 53n), high: 1n << 53n },
  float16: { low: -(1n << 11n), high: 1n << 11n },
  bfloat16: { low: -(1n << 8n), high: 1n << 8n },
  int64: { low: SMALLEST_INT64, high: LARGEST_INT64 },
  int32: { low: -(1n << 31n), high: (1n << 31n) - 1n },
  int16: { low: -(1n << 15n), high: (1n << 15n) - 1n },
  int8: { low: -(1n << 7n), high: (1n << 7n) - 1n },
  uint8: { low: 0n, high: 255n },
  bool: { low: 0n, high: 1n },
};

/** Significant bits of the floating-point types. */
const DIGITS: Partial<Record<ElementType, number>> = { float32: 24, float64: 53, float16: 11, bfloat16: 8 };

/** Options of integer draws: a half type, or that a `Uint8Array` is the storage of a bool tensor. */
export interface IntegerOptions extends HalfOption {
  readonly bool?: boolean;
}

function elementType(out: NumberArray | BigInt64Array, options: IntegerOptions): ElementType {
  if (options.half) return options.half;
  if (out instanceof Float32Array) return 'float32';
  if (out instanceof Float64Array) return 'float64';
  if (out instanceof BigInt64Array) return 'int64';
  if (out instanceof Int32Array) return 'int32';
  if (out instanceof Int16Array) return 'int16';
  if (out instanceof Int8Array) return 'int8';
  return options.bool ? 'bool' : 'uint8';
}

/**
 * Fills with whole numbers from [low, high).
 *
 * @param low Smallest number to draw. A floating-point `out` moves the bounds inwards to numbers that it holds.
 * @param high One more than the largest; null for the largest that the type holds exactly, included (for floating point up to 2^24 or 2^53).
 * @throws ArgumentError if a bound is not a whole number or not one of the type, or the range is empty.
 * @example
 * fillRandint(new Generator().manualSeed(0), new BigInt64Array(4), 0, 10);   // 4, 9, 3, 0
 */
export function fillRandint<A extends NumberArray | BigInt64Array>(
  generator: Generator,
  out: A,
  low: number | bigint,
  high: number | bigint | null,
  options: IntegerOptions = {},
): A {
  const type = elementType(out, options);
  const { from, range } = drawnRange(wholeNumber('low', low), high === null ? null : wholeNumber('high', high), type);
  const round = options.half ?? null;
  if (range >= WIDE_RANGE) fillWide(generator, out, from, range, round);
  else fillNarrow(generator, out, from, Number(range), round);
  return out;
}

function wholeNumber(name: string, value: number | bigint): bigint {
  if (typeof value === 'bigint') return value;
  if (!Number.isSafeInteger(value)) throw new ArgumentError(`randint: ${name} must be a whole number, got ${value}`);
  return BigInt(value);
}

function drawnRange(low: bigint, high: bigint | null, type: ElementType): { from: bigint; range: bigint } {
  const digits = DIGITS[type];
  const round = roundingOf(type);
  const from = digits === undefined ? low : raiseToRepresentable(low, digits, round);
  let last: bigint;
  if (high === null) last = RANGES[type].high;
  else last = (digits === undefined ? high : lowerToRepresentable(high, digits, round)) - 1n;
  if (from > last)
    throw new ArgumentError(`randint: low must be less than high, got low ${low} and high ${high ?? `${last} + 1`} (${type})`);
  checkHeld('low', from, type);
  checkHeld('high - 1', last, type);
  return { from, range: last - from + 1n };
}

function checkHeld(name: string, value: bigint, type: ElementType): void {
  // Floating-point types hold larger whole numbers than they hold all of: PyTorch allows those.
  const { low, high } = type === 'float16' ? { low: -65504n, high: 65504n } : DIGITS[type] === undefined ? RANGES[type] : RANGES.int64;
  if (value < low || value > high) throw new ArgumentError(`randint: ${name} = ${value} is not a number of type ${type}`);
}

function roundingOf(type: ElementType): (value: bigint) => bigint {
  const toFloat = (value: bigint): number => {
    const double = Number(value);
    if (type === 'float32') return Math.fround(double);
    return type === 'float16' || type === 'bfloat16' ? roundToHalf(double, type) : double;
  };
  return (value) => {
    const float = toFloat(value);
    // A conversion that leaves the 64-bit range gives the smallest number, as the processor's does.
    return Number.isFinite(float) && float < 2 ** 63 ? BigInt(float) : SMALLEST_INT64;
  };
}

function bitLength(value: bigint): number {
  return (value < 0n ? -value : value).toString(2).length;
}

function raiseToRepresentable(from: bigint, digits: number, round: (value: bigint) => bigint): bigint {
  const rounded = round(from + 1n);
  return rounded < from ? rounded + (1n << BigInt(bitLength(from + 1n) - digits)) : from;
}

function lowerToRepresentable(to: bigint, digits: number, round: (value: bigint) => bigint): bigint {
  const rounded = round(to - 1n);
  return rounded >= to ? rounded - (1n << BigInt(bitLength(to - 1n) - digits)) : to;
}

function fillNarrow(generator: Generator, out: NumberArray | BigInt64Array, from: bigint, range: number, half: HalfType | null): void {
  if (out instanceof BigInt64Array) {
    for (let index = 0; index < out.length; index++) out[index] = BigInt(generator.draw32() % range) + from;
    return;
  }
  // A double holds the sum unless the base is beyond 2^53, where only a floating-point result can be meant.
  const base = Number(from);
  for (let index = 0; index < out.length; index++) {
    const value = (generator.draw32() % range) + base;
    out[index] = half === null ? value : roundToHalf(value, half);
  }
}

function fillWide(generator: Generator, out: NumberArray | BigInt64Array, from: bigint, range: bigint, half: HalfType | null): void {
  for (let index = 0; index < out.length; index++) {
    const value = BigInt.asIntN(64, (generator.draw64() % range) + from);
    if (out instanceof BigInt64Array) out[index] = value;
    else out[index] = half === null ? Number(value) : roundToHalf(Number(value), half);
  }
}

/**
 * Fills with whole numbers over the type's non-negative range: up to the largest integer, or for floating point up to 2^24 or 2^53
 * (2^11, 2^8 for the half types), included.
 *
 * @example
 * fillRandom(generator, new Int32Array(4));
 */
export function fillRandom<A extends NumberArray | BigInt64Array>(generator: Generator, out: A, options: IntegerOptions = {}): A {
  const type = elementType(out, options);
  const range = RANGES[type].high + 1n;
  if (type === 'int64' || type === 'float64') {
    fillWide(generator, out, 0n, range, null);
  } else {
    fillNarrow(generator, out, 0n, Number(range), options.half ?? null);
  }
  return out;
}

/** Up to this length a permutation is shuffled with 32-bit draws from the front, beyond it built with 64-bit draws. */
const LARGE_PERMUTATION = Math.trunc(0xffffffff / 20);

/**
 * A random permutation of 0 … n - 1.
 *
 * R. Durstenfeld: "Algorithm 235: random permutation", Communications of the ACM 7 (1964).
 *
 * @throws ArgumentError if `n` is not a whole number of at least 0.
 * @example
 * randperm(new Generator().manualSeed(0), 4);   // 2, 0, 1, 3
 */
export function randperm(generator: Generator, n: number): Int32Array {
  if (!Number.isInteger(n) || n < 0 || n > 0x7fffffff)
    throw new ArgumentError(`randperm: n must be a whole number from 0 to 2^31 - 1, got ${n}`);
  const out = new Int32Array(n);
  if (n < LARGE_PERMUTATION) {
    for (let index = 0; index < n; index++) out[index] = index;
    for (let index = 0; index < n - 1; index++) {
      const other = index + (generator.draw32() % (n - index));
      const kept = out[index]!;
      out[index] = out[other]!;
      out[other] = kept;
    }
    return out;
  }
  for (let index = 0; index < n; index++) {
    const other = Number(generator.draw64() % BigInt(index + 1));
    out[index] = out[other]!;
    out[other] = index;
  }
  return out;
}

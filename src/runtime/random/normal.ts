/**
 * Normal draws.
 *
 * G. E. P. Box, M. E. Muller: "A note on the generation of random normal deviates", Annals of Mathematical Statistics 29 (1958).
 * PyTorch's CPU fills sixteen or more contiguous elements in blocks of eight pairs, and everything else one by one in double precision with
 * the second of each pair kept for the next draw. In single precision the blocks take logarithm, sine and cosine from the polynomials of
 * S. L. Moshier's Cephes library (logf, sinf, cosf) with fused multiply-adds; they are evaluated here step by step, so that the numbers agree.
 */
import { ArgumentError } from '../../util/errors.ts';
import { cos, log, sin } from './accurate.ts';
import type { Generator } from './generator.ts';
import { type FloatArray, type HalfType, multiplyAdd, roundToHalf } from './rounding.ts';

const BLOCK = 16;
const PAIRS = 8;
const f = Math.fround;

/**
 * Fills with normal draws.
 *
 * @param options.half The elements are rounded to this half type and drawn as PyTorch draws that type; `out` then is a `Float32Array`.
 * @param options.contiguous False draws as PyTorch does into a tensor that is not contiguous: other numbers from sixteen elements on.
 * @throws ArgumentError if `std` is negative or not a number.
 * @example
 * fillNormal(new Generator().manualSeed(0), new Float32Array(3), 0, 1);   // 1.5410, -0.2934, -2.1788
 */
export function fillNormal<A extends FloatArray>(
  generator: Generator,
  out: A,
  mean = 0,
  std = 1,
  options: { readonly half?: HalfType | null; readonly contiguous?: boolean } = {},
): A {
  if (!(std >= 0)) throw new ArgumentError(`normal: std must be at least 0, got ${std}`);
  const half = options.half ?? null;
  if (out.length < BLOCK || options.contiguous === false) fillOneByOne(generator, out, mean, std, half);
  else if (half !== null) fillHalfBlocks(generator, out, mean, std, half);
  else fillBlocks(generator, out, mean, std);
  return out;
}

/** One normal draw in double precision. */
export function drawNormal(generator: Generator, mean: number, std: number): number {
  const kept = generator.nextNormal;
  if (!Number.isNaN(kept)) {
    generator.nextNormal = Number.NaN;
    return multiplyAdd(kept, std, mean);
  }
  const first = generator.uniform64();
  const second = generator.uniform64();
  const radius = Math.sqrt(-2 * Math.log1p(-second));
  const angle = 2 * Math.PI * first;
  generator.nextNormal = radius * sin(angle);
  return multiplyAdd(radius * cos(angle), std, mean);
}

function fillOneByOne(generator: Generator, out: FloatArray, mean: number, std: number, half: HalfType | null): void {
  for (let index = 0; index < out.length; index++) {
    const value = drawNormal(generator, mean, std);
    out[index] = half === null ? value : roundToHalf(value, half);
  }
}

function fillBlocks(generator: Generator, out: FloatArray, mean: number, std: number): void {
  const size = out.length;
  const transform = out instanceof Float32Array ? transformBlock32 : transformBlock64;
  fillStandardUniform(generator, out, 0, size);
  for (let start = 0; start + BLOCK <= size; start += BLOCK) transform(out, start, mean, std);
  if (size % BLOCK !== 0) {
    fillStandardUniform(generator, out, size - BLOCK, size);
    transform(out, size - BLOCK, mean, std);
  }
}

function fillHalfBlocks(generator: Generator, out: FloatArray, mean: number, std: number, half: HalfType): void {
  const size = out.length;
  const block = new Float32Array(BLOCK);
  const fillFrom = (start: number): void => {
    fillStandardUniform(generator, block, 0, BLOCK);
    transformBlock32(block, 0, mean, std);
    for (let index = 0; index < BLOCK; index++) out[start + index] = roundToHalf(block[index]!, half);
  };
  for (let start = 0; start + BLOCK <= size; start += BLOCK) fillFrom(start);
  if (size % BLOCK !== 0) fillFrom(size - BLOCK);
}

function fillStandardUniform(generator: Generator, out: FloatArray, start: number, end: number): void {
  if (out instanceof Float32Array) for (let index = start; index < end; index++) out[index] = generator.uniform32();
  else for (let index = start; index < end; index++) out[index] = generator.uniform64();
}

function transformBlock64(block: FloatArray, start: number, mean: number, std: number): void {
  for (let index = start; index < start + PAIRS; index++) {
    const radius = Math.sqrt(-2 * log(1 - block[index]!));
    const angle = 2 * Math.PI * block[index + PAIRS]!;
    block[index] = multiplyAdd(radius * cos(angle), std, mean);
    block[index + PAIRS] = multiplyAdd(radius * sin(angle), std, mean);
  }
}

const TWO_PI = f(2 * Math.PI);
const MANTISSA = new Float32Array(1);
const MANTISSA_BITS = new Uint32Array(MANTISSA.buffer);

function transformBlock32(block: FloatArray, start: number, mean: number, std: number): void {
  const mean32 = f(mean);
  const std32 = f(std);
  for (let index = start; index < start + PAIRS; index++) {
    const radius = f(Math.sqrt(f(-2 * log32(f(1 - block[index]!)))));
    const angle = f(TWO_PI * block[index + PAIRS]!);
    block[index] = f(f(radius * cos32(angle)) * std32 + mean32);
    block[index + PAIRS] = f(f(radius * sin32(angle)) * std32 + mean32);
  }
}

const SQRT_HALF = f(Math.SQRT1_2);
const LOG_POLYNOMIAL = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
  3.3333331174e-1,
].map(f);
const LN2_LOW = f(-2.1219444e-4);
const LN2_HIGH = f(0.693359375);

/** Natural logarithm of a positive normal single, as Cephes's logf: x = 2^e (1 + r), a polynomial in r, and e ln 2 in two parts. */
function log32(x: number): number {
  MANTISSA[0] = x;
  const bits = MANTISSA_BITS[0]!;
  let exponent = (bits >>> 23) - 126;
  MANTISSA_BITS[0] = (bits & 0x007fffff) | 0x3f000000;
  let rest = MANTISSA[0];
  if (rest < SQRT_HALF) {
    exponent -= 1;
    rest = f(rest - 1 + rest);
  } else {
    rest = f(rest - 1);
  }
  const square = f(rest * rest);
  let value = LOG_POLYNOMIAL[0]!;
  for (let term = 1; term < LOG_POLYNOMIAL.length; term++) value = f(value * rest + LOG_POLYNOMIAL[term]!);
  value = f(f(value * rest) * square);
  value = f(exponent * LN2_LOW + value);
  value = f(value - square * 0.5);
  return f(exponent * LN2_HIGH + f(rest + value));
}

const FOUR_OVER_PI = f(4 / Math.PI);
const QUARTER_PI_HIGH = f(0.78515625);
const QUARTER_PI_MIDDLE = f(0.00024187564849853516);
const QUARTER_PI_LOW = f(3.774894977445941e-8);

/** The octant of an angle in [0, 2π], rounded up to even, as Cephes counts them. */
function octant(angle: number): number {
  return (Math.trunc(f(angle * FOUR_OVER_PI)) + 1) & ~1;
}

/** The angle less its octant times π/4, subtracted in three parts. */
function reduce(angle: number, whole: number): number {
  return f(f(f(angle - whole * QUARTER_PI_HIGH) - whole * QUARTER_PI_MIDDLE) - whole * QUARTER_PI_LOW);
}

function sinPolynomial(x: number): number {
  const square = f(x * x);
  let value = f(f(-1.9515295891e-4) * square + f(8.3321608736e-3));
  value = f(value * square + f(-1.6666654611e-1));
  return f(f(value * square) * x + x);
}

function cosPolynomial(x: number): number {
  const square = f(x * x);
  let value = f(f(2.443315711809948e-5) * square + f(-1.388731625493765e-3));
  value = f(value * square + f(4.166664568298827e-2));
  value = f(f(value * square) * square - square * 0.5);
  return f(value + 1);
}

/** Sine of an angle in [0, 2π], as Cephes's sinf. */
function sin32(angle: number): number {
  const whole = octant(angle);
  const rest = reduce(angle, whole);
  const value = whole & 2 ? cosPolynomial(rest) : sinPolynomial(rest);
  return whole & 4 ? -value : value;
}

/** Cosine of an angle in [0, 2π], as Cephes's cosf. */
function cos32(angle: number): number {
  const whole = octant(angle);
  const rest = reduce(angle, whole);
  const value = whole & 2 ? sinPolynomial(rest) : cosPolynomial(rest);
  return (whole - 2) & 4 ? value : -value;
}

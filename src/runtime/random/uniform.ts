/** Draws that are a transformation of one uniform draw: uniform, exponential, Bernoulli, geometric, Cauchy, log-normal, dropout masks. */
import { ArgumentError } from '../../util/errors.ts';
import type { Generator } from './generator.ts';
import { drawNormal } from './normal.ts';
import { type FloatArray, type HalfType, multiplyAdd, roundToHalf } from './rounding.ts';

/** What whole-numbered draws are written to; a bool tensor is a `Uint8Array` of zeros and ones. */
export type NumberArray = FloatArray | Int8Array | Uint8Array | Int16Array | Int32Array;

/** Options of draws that may be rounded to a half type. */
export interface HalfOption {
  /** The elements are drawn and rounded as PyTorch does for this half type; `out` then is a `Float32Array`. */
  readonly half?: HalfType | null;
}

const LARGEST = { float16: 65504, bfloat16: 3.3895313892515355e38, float32: 3.4028234663852886e38, float64: Number.MAX_VALUE };

/**
 * Fills with draws from [from, to).
 *
 * @throws ArgumentError if the bounds are not finite in the type of `out`, out of order, or too far apart for it.
 * @example
 * fillUniform(new Generator().manualSeed(0), new Float32Array(2), 0, 1);   // 0.4963, 0.7682
 */
export function fillUniform<A extends FloatArray>(generator: Generator, out: A, from = 0, to = 1, options: HalfOption = {}): A {
  const half = options.half ?? null;
  checkBounds(from, to, LARGEST[half ?? (out instanceof Float32Array ? 'float32' : 'float64')]);
  if (half !== null) {
    fillUniformHalf(generator, out, from, to, half);
  } else if (out instanceof Float32Array) {
    const low = Math.fround(from);
    const high = Math.fround(to);
    const width = Math.fround(high - low);
    for (let index = 0; index < out.length; index++) {
      const value = Math.fround(generator.uniform32() * width + low);
      out[index] = value === high ? low : value;
    }
  } else {
    const width = to - from;
    for (let index = 0; index < out.length; index++) {
      const value = multiplyAdd(generator.uniform64(), width, from);
      out[index] = value === to ? from : value;
    }
  }
  return out;
}

function checkBounds(from: number, to: number, largest: number): void {
  if (!(Math.abs(from) <= largest && Math.abs(to) <= largest)) {
    throw new ArgumentError(`uniform: the bounds must be finite and no larger than ${largest}, got from ${from} to ${to}`);
  }
  if (from > to) throw new ArgumentError(`uniform: from must not be greater than to, got from ${from} to ${to}`);
  if (to - from > largest) throw new ArgumentError(`uniform: to - from must be at most ${largest}, got from ${from} to ${to}`);
}

function fillUniformHalf(generator: Generator, out: FloatArray, from: number, to: number, half: HalfType): void {
  const low = Math.fround(from);
  const width = Math.fround(Math.fround(to) - low);
  const lowHalf = roundToHalf(from, half);
  const highHalf = roundToHalf(to, half);
  for (let index = 0; index < out.length; index++) {
    const value = roundToHalf(Math.fround(generator.uniform32() * width + low), half);
    out[index] = value === highHalf ? lowHalf : value;
  }
}

/** Fills each element with `draw()` in double precision, rounded to what `out` holds. */
function fillFrom(out: FloatArray, half: HalfType | null | undefined, draw: () => number): void {
  if (half) for (let index = 0; index < out.length; index++) out[index] = roundToHalf(draw(), half);
  else for (let index = 0; index < out.length; index++) out[index] = draw();
}

/**
 * Fills with exponential draws of rate `lambda`.
 *
 * @throws ArgumentError if `lambda` is not positive.
 * @example
 * fillExponential(generator, new Float32Array(10), 1.5);
 */
export function fillExponential<A extends FloatArray>(generator: Generator, out: A, lambda = 1, options: HalfOption = {}): A {
  if (!(lambda > 0)) throw new ArgumentError(`exponential: lambda must be positive, got ${lambda}`);
  const scale = -1 / lambda;
  fillFrom(out, options.half, () => scale * Math.log1p(-generator.uniform64()));
  return out;
}

/**
 * Fills with Cauchy draws.
 *
 * @throws ArgumentError if `sigma` is not positive.
 * @example
 * fillCauchy(generator, new Float64Array(10), 0, 1);
 */
export function fillCauchy<A extends FloatArray>(generator: Generator, out: A, median = 0, sigma = 1, options: HalfOption = {}): A {
  if (!(sigma > 0)) throw new ArgumentError(`cauchy: sigma must be positive, got ${sigma}`);
  fillFrom(out, options.half, () => multiplyAdd(sigma, Math.tan(Math.PI * (generator.uniform64() - 0.5)), median));
  return out;
}

/**
 * Fills with draws whose logarithm is normal with this mean and standard deviation.
 *
 * @throws ArgumentError if `std` is not positive.
 * @example
 * fillLogNormal(generator, new Float64Array(10), 1, 2);
 */
export function fillLogNormal<A extends FloatArray>(generator: Generator, out: A, mean = 1, std = 2, options: HalfOption = {}): A {
  if (!(std > 0)) throw new ArgumentError(`logNormal: std must be positive, got ${std}`);
  fillFrom(out, options.half, () => Math.exp(drawNormal(generator, mean, std)));
  return out;
}

/**
 * Fills with the number of trials up to the first success, each trial succeeding with probability `p`.
 *
 * @throws ArgumentError if `p` is not between 0 and 1, both excluded.
 * @example
 * fillGeometric(generator, new Float32Array(10), 0.25);
 */
export function fillGeometric<A extends NumberArray | BigInt64Array>(generator: Generator, out: A, p: number, options: HalfOption = {}): A {
  if (!(p > 0 && p < 1)) throw new ArgumentError(`geometric: p must lie strictly between 0 and 1, got ${p}`);
  const scale = Math.log1p(-p);
  for (let index = 0; index < out.length; index++) {
    const value = Math.ceil(Math.log(generator.uniform64()) / scale);
    if (out instanceof BigInt64Array) out[index] = Number.isFinite(value) ? BigInt(value) : -(1n << 63n);
    else out[index] = options.half ? roundToHalf(value, options.half) : value;
  }
  return out;
}

/**
 * Fills with ones of probability `p` and zeros.
 *
 * @param p One probability, or one for each element. Probabilities held in single precision (`Float32Array`) are compared with a draw of
 * single precision, all others with one of double precision, as in PyTorch.
 * @throws ArgumentError if a probability is not between 0 and 1, or there are not as many as elements; `out` is then unchanged.
 * @example
 * fillBernoulli(new Generator().manualSeed(0), new Float32Array(5), 0.3);
 */
export function fillBernoulli<A extends NumberArray | BigInt64Array>(generator: Generator, out: A, p: number | FloatArray): A {
  checkProbabilities(p, out.length);
  const ones = out instanceof BigInt64Array ? new Uint8Array(out.length) : out;
  for (let index = 0; index < ones.length; index++) {
    if (typeof p === 'number') ones[index] = generator.uniform64() < p ? 1 : 0;
    else if (p instanceof Float32Array) ones[index] = generator.uniform32() < p[index]! ? 1 : 0;
    else ones[index] = generator.uniform64() < p[index]! ? 1 : 0;
  }
  if (out instanceof BigInt64Array) for (let index = 0; index < out.length; index++) out[index] = ones[index] === 1 ? 1n : 0n;
  return out;
}

function checkProbabilities(p: number | FloatArray, length: number): void {
  if (typeof p === 'number') {
    if (!(p >= 0 && p <= 1)) throw new ArgumentError(`bernoulli: p must lie between 0 and 1, got ${p}`);
    return;
  }
  if (p.length !== length) throw new ArgumentError(`bernoulli: ${p.length} probabilities for ${length} elements`);
  for (let index = 0; index < p.length; index++) {
    if (!(p[index]! >= 0 && p[index]! <= 1)) {
      throw new ArgumentError(`bernoulli: p must lie between 0 and 1, but element ${index} is ${p[index]}`);
    }
  }
}

/**
 * Fills with a dropout mask: 0 with probability `p`, else 1 / (1 - p). The mask of `p = 1` is all zeros and draws nothing.
 *
 * @throws ArgumentError if `p` is not between 0 and 1.
 * @example
 * fillDropoutMask(generator, new Float32Array(4), 0.5);   // zeros and twos
 */
export function fillDropoutMask<A extends FloatArray>(generator: Generator, out: A, p: number, options: HalfOption = {}): A {
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`dropout: p must lie between 0 and 1, got ${p}`);
  if (p === 1) {
    out.fill(0);
    return out;
  }
  const keep = 1 - p;
  const kept = keptScale(keep, out instanceof Float32Array ? (options.half ?? 'float32') : 'float64');
  for (let index = 0; index < out.length; index++) out[index] = generator.uniform64() < keep ? kept : 0;
  return out;
}

/** What a dropout that keeps so many multiplies what is kept by, in the arithmetic of a dtype. */
export function keptScale(keep: number, type: HalfType | 'float32' | 'float64'): number {
  if (type === 'float64') return 1 / keep;
  const scale = Math.fround(1 / Math.fround(keep));
  return type === 'float32' ? scale : roundToHalf(scale, type);
}

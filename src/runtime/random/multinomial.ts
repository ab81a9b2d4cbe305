/** Draws of categories with given weights. */
import { ArgumentError } from '../../util/errors.ts';
import type { Generator } from './generator.ts';
import { type FloatArray, type HalfType, roundToHalf } from './rounding.ts';
import { fillExponential } from './uniform.ts';

/** Options of `multinomial`. */
export interface MultinomialOptions {
  readonly replacement?: boolean;
  /** The weights are numbers of this half type. */
  readonly half?: HalfType | null;
}

const MOST_CATEGORIES = 2 ** 24;

/**
 * Draws categories of each row of weights.
 *
 * Without replacement, category i gets the key p_i / e_i with exponential e_i, and the largest keys win (P. S. Efraimidis, P. G. Spirakis:
 * "Weighted random sampling with a reservoir", Information Processing Letters 97, 2006). With replacement, each draw is looked up in the
 * cumulated weights.
 *
 * @param weights `rows` rows of `categories` weights each, one after the other; they need not add up to one.
 * @returns `rows` rows of `samples` category numbers.
 * @throws ArgumentError if a weight is negative or not finite, a row has no weight, or more is asked for than can be drawn.
 * @example
 * multinomial(generator, Float32Array.of(1, 2, 3), 1, 3, 2);   // two different numbers of 0, 1, 2
 */
export function multinomial(
  generator: Generator,
  weights: FloatArray,
  rows: number,
  categories: number,
  samples: number,
  options: MultinomialOptions = {},
): BigInt64Array {
  const replacement = options.replacement ?? false;
  checkMultinomial(weights, rows, categories, samples, replacement);
  const out = new BigInt64Array(rows * samples);
  if (rows === 0) return out;
  const half = options.half ?? null;
  // One sample is drawn by keys either way: there is nothing to put back.
  if (replacement && samples > 1) drawWithReplacement(generator, weights, rows, categories, samples, out);
  else drawWithoutReplacement(generator, weights, rows, categories, samples, half, out);
  return out;
}

function checkMultinomial(weights: FloatArray, rows: number, categories: number, samples: number, replacement: boolean): void {
  if (!Number.isInteger(samples) || samples <= 0) throw new ArgumentError(`multinomial: at least one sample must be drawn, got ${samples}`);
  if (categories > MOST_CATEGORIES) throw new ArgumentError(`multinomial: at most 2^24 categories, got ${categories}`);
  if (!replacement && samples > categories) {
    throw new ArgumentError(`multinomial: cannot draw ${samples} different categories of ${categories}; pass replacement: true`);
  }
  for (let row = 0; row < rows; row++) {
    let total = 0;
    for (let index = row * categories; index < (row + 1) * categories; index++) {
      const weight = weights[index]!;
      if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
        throw new ArgumentError(`multinomial: weights must be finite and at least 0, but element ${index} is ${weight}`);
      }
      total += weight;
    }
    if (!(total > 0)) throw new ArgumentError(`multinomial: all weights of row ${row} are 0`);
  }
}

function drawWithoutReplacement(
  generator: Generator,
  weights: FloatArray,
  rows: number,
  categories: number,
  samples: number,
  half: HalfType | null,
  out: BigInt64Array,
): void {
  const keys = fillExponential(generator, weights.slice(), 1, { half });
  for (let index = 0; index < keys.length; index++) {
    const key = weights[index]! / keys[index]!;
    keys[index] = half === null ? key : roundToHalf(key, half);
  }
  for (let row = 0; row < rows; row++) {
    const start = row * categories;
    const order = Array.from({ length: categories }, (_, index) => index);
    order.sort((a, b) => keys[start + b]! - keys[start + a]! || a - b);
    for (let sample = 0; sample < samples; sample++) out[row * samples + sample] = BigInt(order[sample]!);
  }
}

function drawWithReplacement(
  generator: Generator,
  weights: FloatArray,
  rows: number,
  categories: number,
  samples: number,
  out: BigInt64Array,
): void {
  // Of the weights' own precision, so that every addition and division rounds as PyTorch's does.
  const cumulated = weights instanceof Float32Array ? new Float32Array(categories) : new Float64Array(categories);
  const single = weights instanceof Float32Array;
  for (let row = 0; row < rows; row++) {
    let total = 0;
    for (let index = 0; index < categories; index++) {
      total += weights[row * categories + index]!;
      if (single) total = Math.fround(total);
      cumulated[index] = total;
    }
    for (let index = 0; index < categories; index++) cumulated[index] = cumulated[index]! / total;
    cumulated[categories - 1] = 1;
    for (let sample = 0; sample < samples; sample++) {
      out[row * samples + sample] = BigInt(firstNotBelow(cumulated, generator.uniform64()));
    }
  }
}

function firstNotBelow(sorted: FloatArray, value: number): number {
  let left = 0;
  let right = sorted.length;
  while (right > left) {
    const middle = left + ((right - left) >>> 1);
    if (sorted[middle]! < value) left = middle + 1;
    else right = middle;
  }
  return left;
}

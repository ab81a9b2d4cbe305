/** Draws by rejection, in double precision: Poisson, binomial, gamma. */
import { ArgumentError } from '../../util/errors.ts';
import type { Generator } from './generator.ts';
import { drawNormal } from './normal.ts';
import type { FloatArray } from './rounding.ts';

/**
 * Fills with Poisson draws, one for each rate.
 *
 * Below ten by multiplying uniform draws (D. E. Knuth), from ten on by transformed rejection (W. Hörmann: "The transformed rejection method
 * for generating Poisson random variables", Insurance: Mathematics and Economics 12, 1993).
 *
 * @throws ArgumentError if a rate is negative or not a number; `out` is then unchanged.
 * @example
 * fillPoisson(generator, new Float32Array(2), Float32Array.of(0.5, 30));
 */
export function fillPoisson<A extends FloatArray>(generator: Generator, out: A, rates: ArrayLike<number>): A {
  for (let index = 0; index < rates.length; index++) {
    if (!(rates[index]! >= 0)) throw new ArgumentError(`poisson: rates must be at least 0, but element ${index} is ${rates[index]}`);
  }
  for (let index = 0; index < out.length; index++) out[index] = drawPoisson(generator, rates[index]!);
  return out;
}

function drawPoisson(generator: Generator, rate: number): number {
  if (rate >= 10) return drawPoissonByRejection(generator, rate);
  if (rate === 0) return 0;
  const limit = Math.exp(-rate);
  let product = generator.uniform64();
  let count = 0;
  while (product > limit) {
    count += 1;
    product *= generator.uniform64();
  }
  return count;
}

function drawPoissonByRejection(generator: Generator, rate: number): number {
  const logRate = Math.log(rate);
  const b = 0.931 + 2.53 * Math.sqrt(rate);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const quickBound = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = generator.uniform64() - 0.5;
    const v = generator.uniform64();
    const slack = 0.5 - Math.abs(u);
    const count = Math.floor(((2 * a) / slack + b) * u + rate + 0.43);
    if (slack >= 0.07 && v <= quickBound) return count;
    if (count < 0 || (slack < 0.013 && v > slack)) continue;
    const left = Math.log(v) + Math.log(inverseAlpha) - Math.log(a / (slack * slack) + b);
    if (left <= -rate + count * logRate - logFactorial(count)) return count;
  }
}

/** ln n!, by Stirling's series from ten on. */
function logFactorial(n: number): number {
  if (n < 10) {
    let product = 1;
    for (let factor = 2; factor <= n; factor++) product *= factor;
    return Math.log(product);
  }
  const inverse = 1 / n;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square * (1 / 1188)))));
  return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + series;
}

/**
 * Fills with binomial draws: successes among `counts` trials of probability `probabilities`.
 *
 * Few expected successes are counted by geometric gaps, many drawn by transformed rejection (W. Hörmann: "The generation of binomial random
 * variates", Journal of Statistical Computation and Simulation 46, 1993).
 *
 * @throws ArgumentError if a count is negative, or a probability not between 0 and 1; `out` is then unchanged.
 * @example
 * fillBinomial(generator, new Float32Array(1), Float32Array.of(100), Float32Array.of(0.3));
 */
export function fillBinomial<A extends FloatArray>(
  generator: Generator,
  out: A,
  counts: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): A {
  for (let index = 0; index < out.length; index++) {
    const probability = probabilities[index]!;
    if (!(counts[index]! >= 0)) throw new ArgumentError(`binomial: counts must be at least 0, but element ${index} is ${counts[index]}`);
    if (!(probability >= 0 && probability <= 1)) {
      throw new ArgumentError(`binomial: probabilities must lie between 0 and 1, but element ${index} is ${probability}`);
    }
  }
  for (let index = 0; index < out.length; index++) out[index] = drawBinomial(generator, counts[index]!, probabilities[index]!);
  return out;
}

function drawBinomial(generator: Generator, count: number, probability: number): number {
  if (count <= 0 || probability <= 0) return 0;
  if (probability >= 1) return count;
  const rare = Math.min(probability, 1 - probability);
  const successes = count * rare >= 10 ? drawBinomialByRejection(generator, count, rare) : drawBinomialByGaps(generator, count, rare);
  return probability <= 0.5 ? successes : count - successes;
}

function drawBinomialByGaps(generator: Generator, count: number, probability: number): number {
  const scale = Math.log1p(-probability);
  let trials = 0;
  for (let successes = 0; ; successes++) {
    trials += Math.ceil(Math.log(generator.uniform64()) / scale);
    if (trials > count) return successes;
  }
}

function drawBinomialByRejection(generator: Generator, count: number, probability: number): number {
  const deviation = Math.sqrt(count * probability * (1 - probability));
  const b = 1.15 + 2.53 * deviation;
  const a = -0.0873 + 0.0248 * b + 0.01 * probability;
  const center = count * probability + 0.5;
  const quickBound = 0.92 - 4.2 / b;
  const odds = probability / (1 - probability);
  const alpha = (2.83 + 5.1 / b) * deviation;
  const mode = Math.floor((count + 1) * probability);
  for (;;) {
    const u = generator.uniform64() - 0.5;
    const v = generator.uniform64();
    const slack = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / slack + b) * u + center);
    if (k < 0 || k > count) continue;
    if (slack >= 0.07 && v <= quickBound) return k;
    const bound =
      (mode + 0.5) * Math.log((mode + 1) / (odds * (count - mode + 1))) +
      (count + 1) * Math.log((count - mode + 1) / (count - k + 1)) +
      (k + 0.5) * Math.log((odds * (count - k + 1)) / (k + 1)) +
      stirlingTail(mode) +
      stirlingTail(count - mode) -
      stirlingTail(k) -
      stirlingTail(count - k);
    if (Math.log((v * alpha) / (a / (slack * slack) + b)) <= bound) return k;
  }
}

/** ln n! less Stirling's approximation of it at n + 1. */
function stirlingTail(n: number): number {
  if (n < 10) return logFactorial(n) - ((n + 0.5) * Math.log(n + 1) - (n + 1) + 0.5 * Math.log(2 * Math.PI));
  const square = (n + 1) * (n + 1);
  return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (n + 1);
}

const THIRD = Math.fround(1 / 3);
const SQUEEZE = Math.fround(0.0331);

/**
 * Fills with gamma draws of scale one, one for each shape parameter.
 *
 * G. Marsaglia, W. W. Tsang: "A simple method for generating gamma variables", ACM Transactions on Mathematical Software 26 (2000).
 *
 * @throws ArgumentError if a shape parameter is negative or not a number; `out` is then unchanged.
 * @example
 * fillStandardGamma(generator, new Float32Array(2), Float32Array.of(0.5, 3));
 */
export function fillStandardGamma<A extends FloatArray>(generator: Generator, out: A, shapes: ArrayLike<number>): A {
  const single = out instanceof Float32Array;
  const smallest = single ? 2 ** -126 : 2 ** -1022;
  for (let index = 0; index < shapes.length; index++) {
    if (!(shapes[index]! >= 0)) throw new ArgumentError(`gamma: shapes must be at least 0, but element ${index} is ${shapes[index]}`);
  }
  for (let index = 0; index < out.length; index++) out[index] = Math.max(smallest, drawStandardGamma(generator, shapes[index]!, single));
  return out;
}

/** Single precision rounds the quantities that PyTorch keeps in the type of the shape parameter. */
function drawStandardGamma(generator: Generator, shape: number, single: boolean): number {
  const round = single ? Math.fround : (value: number): number => value;
  let scale = 1;
  if (shape < 1) {
    if (shape === 0) return 0;
    scale = (1 - generator.uniform64()) ** round(1 / shape);
    shape = round(shape + 1);
  }
  const d = round(shape - THIRD);
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    let x: number;
    let y: number;
    do {
      x = drawNormal(generator, 0, 1);
      y = 1 + c * x;
    } while (y <= 0);
    const v = y * y * y;
    const u = 1 - generator.uniform64();
    const square = x * x;
    if (u < 1 - SQUEEZE * square * square || Math.log(u) < 0.5 * square + d * (1 - v + Math.log(v))) return scale * d * v;
  }
}

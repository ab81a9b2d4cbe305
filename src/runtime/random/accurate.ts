/**
 * Logarithm, sine and cosine in double precision, rounded correctly but in rare cases.
 *
 * The engines' own functions may be off by a unit in the last place, and differ from engine to engine; a normal draw multiplies two of
 * them. Here the leading part of each series is kept as an unevaluated sum of two doubles (T. J. Dekker: "A floating-point technique for
 * extending the available precision", Numerische Mathematik 18, 1971), so that every engine gives the same draws.
 */

const SPLIT = 2 ** 27 + 1;

/** The rounding error of `product = a * b`, exactly (no overflow for magnitudes below 2^900). */
export function productError(a: number, b: number, product: number): number {
  const aScaled = a * SPLIT;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = b * SPLIT;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** The rounding error of `sum = a + b`, exactly. */
export function sumError(a: number, b: number, sum: number): number {
  const shared = sum - a;
  return a - (sum - shared) + (b - shared);
}

// ln 2 in two parts, the first with so few bits that its multiples by exponents are exact.
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

const DOUBLE = new Float64Array(1);
const DOUBLE_WORDS = new Uint32Array(DOUBLE.buffer);

/** Natural logarithm of a positive normal double: e ln 2 + 2 artanh((m - 1) / (m + 1)) for x = 2^e m with m around 1. */
export function log(x: number): number {
  DOUBLE[0] = x;
  const upper = DOUBLE_WORDS[1]!;
  let exponent = (upper >>> 20) - 1023;
  DOUBLE_WORDS[1] = (upper & 0xfffff) | 0x3ff00000;
  let mantissa = DOUBLE[0];
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const numerator = mantissa - 1;
  const denominator = mantissa + 1;
  const ratio = numerator / denominator;
  const product = ratio * denominator;
  const rest = numerator - product - productError(ratio, denominator, product) - ratio * sumError(mantissa, 1, denominator);
  const ratioLow = rest / denominator;
  const square = ratio * ratio;
  let series = 2 / 25;
  for (let odd = 23; odd >= 3; odd -= 2) series = series * square + 2 / odd;
  const whole = exponent * LN2_HIGH;
  const sum = whole + 2 * ratio;
  return sum + (sumError(whole, 2 * ratio, sum) + (exponent * LN2_LOW + (2 * ratioLow + ratio * square * series)));
}

// π / 2 in three parts, the first two with so few bits that small multiples are exact.
const HALF_PI_HIGH = 1.5707963267341256;
const HALF_PI_MIDDLE = 6.077100506303966e-11;
const HALF_PI_LOW = 2.0222662487959506e-21;

const REST = { quadrant: 0, high: 0, low: 0 };

/** Leaves in `REST` the nearest multiple of π / 2 and what the angle, in [0, 2π], has more than it. */
function reduce(angle: number): void {
  const quadrant = Math.round(angle * (2 / Math.PI));
  const first = angle - quadrant * HALF_PI_HIGH;
  const second = -quadrant * HALF_PI_MIDDLE;
  const sum = first + second;
  const low = sumError(first, second, sum) - quadrant * HALF_PI_LOW;
  const high = sum + low;
  REST.quadrant = quadrant & 3;
  REST.high = high;
  REST.low = low - (high - sum);
}

const SIN_SERIES = taylor(5);
const COS_SERIES = taylor(4);

/** ±1/n! for n = from, from + 2, …, highest power first; the sign is that of the Taylor series. */
function taylor(from: number): readonly number[] {
  const coefficients: number[] = [];
  let factorial = 1;
  for (let n = 1; n <= from + 16; n++) {
    factorial *= n;
    if (n >= from && (n - from) % 2 === 0) coefficients.unshift((n & 2 ? -1 : 1) / factorial);
  }
  return coefficients;
}

function horner(coefficients: readonly number[], x: number): number {
  let value = coefficients[0]!;
  for (let index = 1; index < coefficients.length; index++) value = value * x + coefficients[index]!;
  return value;
}

function sinOfRest(): number {
  const { high, low } = REST;
  const square = high * high;
  const cube = square * high;
  const cubeLow = productError(square, high, cube) + productError(high, high, square) * high;
  const third = cube / 6;
  const product = third * 6;
  const thirdLow = (cube - product - productError(third, 6, product) + cubeLow) / 6;
  const sum = high - third;
  return sum + (sumError(high, -third, sum) + (low * (1 - square / 2) - thirdLow + cube * square * horner(SIN_SERIES, square)));
}

function cosOfRest(): number {
  const { high, low } = REST;
  const square = high * high;
  const squareLow = productError(high, high, square);
  const half = -square / 2;
  const sum = 1 + half;
  return sum + (sumError(1, half, sum) + (square * square * horner(COS_SERIES, square) - squareLow / 2 - high * low));
}

/** Sine of an angle in [0, 2π]. */
export function sin(angle: number): number {
  reduce(angle);
  const value = REST.quadrant & 1 ? cosOfRest() : sinOfRest();
  return REST.quadrant & 2 ? -value : value;
}

/** Cosine of an angle in [0, 2π]. */
export function cos(angle: number): number {
  reduce(angle);
  const value = REST.quadrant & 1 ? sinOfRest() : cosOfRest();
  return (REST.quadrant + 1) & 2 ? -value : value;
}

/**
 * Special functions of one float64 (and the Hurwitz zeta function of two), accurate to about 1e-15 relative except near zeros other than
 * those named. Polynomials are interpolants made by scripts/coefficients.py; numbers of formulas are those of the NIST Digital Library of
 * Mathematical Functions (https://dlmf.nist.gov).
 */

/** Evaluates a polynomial, ascending coefficients, by Horner's rule. */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + (coefficients[i] ?? 0);
  return sum;
}

/** erf(x) / x in x^2, for x^2 in [0, 1]. */
export const ERF = [
  1.1283791670955126, -0.3761263890318375, 0.11283791670954879, -0.026866170645076792, 0.0052239776248180145, -0.000854832698083379,
  0.0001205533111164271, -1.4925595266831182e-5, 1.6461000484121368e-6, -1.6350312701054695e-7, 1.4659775274047436e-8,
  -1.1372848856791674e-9, 5.957176147748911e-11,
];

/** (1 + 2x) exp(x^2) erfc(x) in (x - 3.75) / (x + 3.75), for x in [0.5, 28]; the map is that of Shepherd and Laframboise (1981). */
export const ERFCX = [
  1.2375126308378275, -0.14024059858554702, 0.0035854154854636595, 0.08227673849015017, -0.10880393014170636, 0.0923043211602373,
  -0.05869339859054567, 0.02836227742070009, -0.009746579548162297, 0.0017556258418799954, 0.00029371360428269433, -0.0002901540462281235,
  5.1649327115663387e-5, 2.238421628349864e-5, -1.1444642657338937e-5, -9.737575162722984e-7, 1.7521493143336468e-6, -5.648882545128533e-8,
  -2.5850383762693714e-7, 2.2092545188283267e-8, 3.758556054987387e-8, -2.800256565516931e-9, -4.021812318055577e-9,
];

/** (1 + 2x) exp(x^2) erfc(x) / (1 + 2x) for x in [0.5, 28]. */
function erfcxInner(x: number): number {
  return polynomial(ERFCX, (x - 3.75) / (x + 3.75)) / (1 + 2 * x);
}

/** exp(-x^2) without the rounding error of the square. */
function expOfMinusSquare(x: number): number {
  const high = Math.fround(x);
  return Math.exp(-high * high) * Math.exp((high - x) * (high + x));
}

/** The error function (DLMF 7.2.1). */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 1) return x * polynomial(ERF, x * x);
  if (a < 6) return x > 0 ? 1 - erfc(a) : erfc(a) - 1;
  return Math.sign(x);
}

/** The complementary error function 1 - erf(x), without cancellation. */
export function erfc(x: number): number {
  if (x < 0.5) return x < -0.5 ? 2 - erfc(-x) : 1 - erf(x);
  return x < 28 ? expOfMinusSquare(x) * erfcxInner(x) : x >= 28 ? 0 : x;
}

/** The scaled complementary error function exp(x^2) erfc(x). */
export function erfcx(x: number): number {
  if (x < 0) return x < -26.7 ? Infinity : 2 / expOfMinusSquare(x) - erfcx(-x);
  if (x < 0.5) return erfc(x) / expOfMinusSquare(x);
  if (x < 28) return erfcxInner(x);
  // The asymptotic series, DLMF 7.12.1.
  const z = 0.5 / (x * x);
  return (1 - z * (1 - 3 * z * (1 - 5 * z * (1 - 7 * z * (1 - 9 * z))))) / (x * Math.sqrt(Math.PI));
}

/** erfinv(x) / x in w - 5/2, for w = -log(1 - x^2) up to 5; and in sqrt(w) - 3 up to 16; to 1e-10. */
export const ERFINV = [
  1.50140935111, 0.246640276785, -0.00417731781, -0.0012527080836, 0.0002182506494, -4.99588145e-6, -3.41711523e-6, 4.7864482e-7,
  1.3691496e-8, -1.0854397e-8, 8.327e-10, 1.23029e-10, -2.12036e-11,
];
export const ERFINV_TAIL = [
  2.83297679854, 1.00167527618, 0.00944554254, -0.00764378757, 0.00568480611, -0.00355892762, 0.00148633833, -0.0001488026, -0.00029160587,
  0.00020724832, -3.277988e-5, -2.840912e-5, 1.210024e-5,
];

/** The inverse of the error function: a step of Halley's method from ten digits, or three from the first terms of the asymptotic series of erfc. */
export function erfinv(x: number): number {
  const target = Math.abs(x);
  if (!(target < 1)) return target === 1 ? x * Infinity : Number.NaN;
  const w = -Math.log((1 - target) * (1 + target));
  let y = target * (w < 5 ? polynomial(ERFINV, w - 2.5) : polynomial(ERFINV_TAIL, Math.sqrt(w) - 3));
  let steps = 1;
  if (w > 16) {
    y = Math.sqrt(w - Math.log((Math.PI / 4) * w) / 2);
    steps = 3;
  }
  for (; steps > 0; steps--) {
    const difference = target < 0.5 ? erf(y) - target : 1 - target - erfc(y);
    const newton = difference / ((2 / Math.sqrt(Math.PI)) * expOfMinusSquare(y));
    y -= newton / (1 + y * newton);
  }
  return x < 0 ? -y : x === 0 ? x : y;
}

/** log(gamma(x)) / ((x - 1) (x - 2)) in x - 2, for x in [1.5, 2.5]: its own zeros are exact. */
export const LOG_GAMMA = [
  0.42278433509846713, -0.10031730167435295, 0.0329650006211554, -0.0123841921935575, 0.004998641164786, -0.002108130823558,
  0.000915376917298, -0.00040570765763, 0.00018255276299, -8.309168562e-5, 3.816725026e-5, -1.768736546e-5, 8.234427e-6, -3.7391346e-6,
  1.756569e-6, -1.089e-6, 5.16135e-7,
];

/** The coefficients B(2k) / (2k (2k - 1)) of Stirling's series, DLMF 5.11.1. */
export const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400];

/** The logarithm of the absolute value of the gamma function. */
export function lgamma(x: number): number {
  if (x <= 0.5) return lgammaBelowHalf(x);
  if (x >= 10) {
    const inverse = 1 / x;
    return (x - 0.5) * (Math.log(x) - 1) + (0.5 * Math.log(2 * Math.PI) - 0.5) + inverse * polynomial(STIRLING, inverse * inverse);
  }
  if (x < 1.5) return lgamma(x + 1) - Math.log(x);
  // gamma(x) = (x - 1) (x - 2) … gamma(y) brings x down to [1.5, 2.5).
  let y = x;
  let product = 1;
  while (y >= 2.5) {
    y -= 1;
    product *= y;
  }
  return Math.log(product) + (y - 1) * (y - 2) * polynomial(LOG_GAMMA, y - 2);
}

function lgammaBelowHalf(x: number): number {
  if (x === Math.floor(x)) return Infinity;
  if (Math.abs(x) < 1e-300) return -Math.log(Math.abs(x));
  if (x > 0) return lgamma(x + 1) - Math.log(x);
  // Reflection, DLMF 5.5.3. The difference is exact, and the sine is not sensitive where it is large.
  return Math.log(Math.PI / Math.abs(x * Math.sin(Math.PI * (x - Math.round(x))))) - lgamma(-x);
}

/** B(2k) / 2k, DLMF 5.11.2. */
export const DIGAMMA = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160];

/** The derivative of log(gamma(x)): -Infinity at 0 (Infinity at -0), NaN at the other poles. */
export function digamma(x: number): number {
  if (x === 0) return -1 / x;
  if (x < 0) {
    const fraction = x - Math.round(x);
    if (fraction === 0) return Number.NaN;
    // Reflection, DLMF 5.5.4.
    return digamma(1 - x) - Math.PI / Math.tan(Math.PI * fraction);
  }
  let y = x;
  let sum = 0;
  while (y < 10) {
    sum -= 1 / y;
    y += 1;
  }
  const inverse = 1 / (y * y);
  return sum + Math.log(y) - 0.5 / y - inverse * polynomial(DIGAMMA, inverse);
}

/** B(2k) / (2k)!, DLMF 24.2. */
const EULER_MACLAURIN = [
  1 / 12,
  -1 / 720,
  1 / 30240,
  -1 / 1209600,
  1 / 47900160,
  -691 / 1307674368000,
  1 / 74724249600,
  -3617 / 10670622842880000,
];

/** The Hurwitz zeta function: the sum of (q + k) ** -s over k >= 0, for s > 1; by Euler and Maclaurin, DLMF 25.11.28. */
export function zeta(s: number, q: number): number {
  if (s === 1) return Infinity;
  if (!(s > 1) || Number.isNaN(q)) return Number.NaN;
  if (q === Infinity) return 0;
  if (q <= 0) return zetaOfNegative(s, q);
  let sum = 0;
  let a = q;
  while (a < 12 + s) {
    sum += a ** -s;
    a += 1;
  }
  const power = a ** -s;
  sum += (power * a) / (s - 1) + power / 2;
  let factor = (power / a) * s;
  let order = s;
  for (const coefficient of EULER_MACLAURIN) {
    sum += factor * coefficient;
    factor *= ((order + 1) * (order + 2)) / (a * a);
    order += 2;
  }
  return sum;
}

/** The two-sided sum over all integers has period 1 in q: it takes a negative q to positive ones. */
function zetaOfNegative(s: number, q: number): number {
  const fraction = q - Math.floor(q);
  if (fraction === 0) return Infinity;
  if (s !== Math.floor(s)) return Number.NaN;
  const others = zeta(s, 1 - fraction) - zeta(s, 1 - q);
  return zeta(s, fraction) + (s % 2 === 0 ? others : -others);
}

/** The n-th derivative of `digamma`, n >= 0: (-1) ** (n + 1) n! zeta(n + 1, x), DLMF 5.15.1. */
export function polygamma(n: number, x: number): number {
  if (n === 0) return digamma(x);
  let factor = n % 2 === 0 ? -1 : 1;
  for (let k = 2; k <= n; k++) factor *= k;
  return factor * zeta(n + 1, x);
}

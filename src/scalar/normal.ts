/** The normal distribution function's relatives, for one float64. */
import { erfc, erfcx, erfinv } from './special.ts';

const ROOT_HALF = Math.SQRT1_2;

/** The distribution function of the standard normal distribution: erfc(-x / sqrt(2)) / 2. */
export function ndtr(x: number): number {
  return 0.5 * erfc(-x * ROOT_HALF);
}

/** log(ndtr(x)), which neither underflows on the left nor loses digits on the right. */
export function logNdtr(x: number): number {
  return x < -1 ? Math.log(erfcx(-x * ROOT_HALF) / 2) - 0.5 * x * x : Math.log1p(-0.5 * erfc(x * ROOT_HALF));
}

/** The left tail of the inverse of `ndtr`: Newton's method on its logarithm, from the leading terms of the asymptotic expansion. */
function leftTail(p: number): number {
  const target = Math.log(p);
  let x = -Math.sqrt(-2 * target - Math.log(2 * Math.PI * Math.max(1, -2 * target)));
  for (let step = 0; step < 6; step++) {
    // ndtr(x) / density(x), without the common factor exp(-x * x / 2).
    const ratio = Math.sqrt(Math.PI / 2) * erfcx(-x * ROOT_HALF);
    x -= (logNdtr(x) - target) * ratio;
  }
  return x;
}

/** The inverse of `ndtr`; infinite at 0 and 1, NaN outside. */
export function ndtri(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN;
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  if (p < 0.05) return leftTail(p);
  return p > 0.95 ? -leftTail(1 - p) : Math.SQRT2 * erfinv(2 * p - 1);
}

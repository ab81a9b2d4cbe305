/**
 * Special functions for float32, as expressions that float64 computes to 1e-10: with a sixth of the work that all its digits would take. The polynomials are interpolants made by
 * scripts/coefficients.py.
 */
import type { Expr, Narrow } from './core.ts';
import { abs, add, div, mul, neg, sqrt, sub } from './intrinsics/arithmetic.ts';
import { exp, log } from './intrinsics/exponential.ts';
import { eq, ge, le, lt, select } from './intrinsics/logic.ts';
import { DIGAMMA, ERFINV, ERFINV_TAIL, LOG_GAMMA, STIRLING } from './special.ts';

/** A polynomial, ascending coefficients, by Horner's rule. */
function polynomial(coefficients: readonly number[], x: Expr): Expr {
  return coefficients.reduceRight<Expr | number>((sum, c) => add(mul(sum, x), c), 0) as Expr;
}

/** exp(a^2) erfc(a) (a + 3) in 1 / (a + 3), for a in [0, 10.2]. */
const ERFC = [
  0.56420347962, 1.69145559376, 4.8356237566, 11.8413535628, 42.8844333364, -49.718151844, 932.72485046, -3777.02195738, 13394.18466433,
  -29453.5355936, 32873.4485267, -14694.012606,
];

/** erfc of |x|, and 2 less that below 0. */
export function erfcNarrow(x: Expr): Narrow {
  const t = div(1, add(abs(x), 3));
  // The square of a float32 is exact.
  const right = mul(mul(exp(neg(mul(x, x))), t), polynomial(ERFC, t));
  return [select(lt(x, 0), sub(2, right), right)];
}

/** See ERFINV. */
export function erfinvNarrow(x: Expr): Narrow {
  const w = neg(log(mul(sub(1, x), add(1, x))));
  const factor = select(lt(w, 5), polynomial(ERFINV, sub(w, 2.5)), polynomial(ERFINV_TAIL, sub(sqrt(w), 3)));
  return [mul(x, select(eq(abs(x), 1), Number.POSITIVE_INFINITY, factor))];
}

/** Below 3.5 by gamma(x + 1) = x gamma(x), beyond by Stirling's series; what is not positive one by one. */
export function lgammaNarrow(x: Expr): Narrow {
  const isLarge = ge(x, 3.5);
  const isBelow = lt(x, 1.5);
  const t = add(x, select(isBelow, select(lt(x, 0.5), 2, 1), select(ge(x, 2.5), -1, 0)));
  const factor = select(isBelow, select(lt(x, 0.5), mul(x, add(x, 1)), x), select(ge(x, 2.5), t, 1));
  const logarithm = log(select(isLarge, x, factor));
  const near = mul(mul(sub(t, 1), sub(t, 2)), polynomial(LOG_GAMMA, sub(t, 2)));
  const inverse = div(1, x);
  const far = add(
    mul(sub(x, 0.5), sub(logarithm, 1)),
    add(mul(inverse, polynomial(STIRLING, mul(inverse, inverse))), 0.5 * Math.log(2 * Math.PI) - 0.5),
  );
  return [select(isLarge, far, add(near, select(isBelow, neg(logarithm), logarithm))), le(x, 0)];
}

/** The asymptotic series from 8 on; below by 1 / x + … + 1 / (x + 7), of which ends that belong together have like denominators. What is not positive one by one. */
export function digammaNarrow(x: Expr): Narrow {
  const isBelow = lt(x, 8);
  const y = select(isBelow, add(x, 8), x);
  const inverse = div(1, y);
  const square = mul(inverse, inverse);
  const far = sub(sub(log(y), mul(0.5, inverse)), mul(square, polynomial(DIGAMMA, square)));
  const twice = add(x, x);
  const p = mul(x, add(x, 7));
  const pair = (low: number, high: number): Expr => div(add(add(p, p), low + high), mul(add(p, low), add(p, high)));
  return [sub(far, select(isBelow, mul(add(twice, 7), add(pair(0, 6), pair(10, 12))), 0)), le(x, 0)];
}

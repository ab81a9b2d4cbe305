/** Special functions. */
import { binary, type Expr, unary } from '../core.ts';
import * as narrow from '../narrow.ts';
import * as values from '../special.ts';
import { add, mul, neg, sub } from './arithmetic.ts';
import { exp } from './exponential.ts';

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);
const square = (x: Expr): Expr => mul(x, x);

export const erf = unary('erf', values.erf, { partials: (_, x) => [mul(TWO_OVER_ROOT_PI, exp(neg(square(x))))] });
export const erfc = unary('erfc', values.erfc, {
  partials: (_, x) => [mul(-TWO_OVER_ROOT_PI, exp(neg(square(x))))],
  narrow: narrow.erfcNarrow,
});
export const erfcx = unary('erfcx', values.erfcx, { partials: (y, x) => [sub(mul(mul(2, x), y), TWO_OVER_ROOT_PI)] });
// Not by the result, which may be overwritten.
export const erfinv: (x: Expr | number) => Expr = unary('erfinv', values.erfinv, {
  partials: (_, x) => [mul(1 / TWO_OVER_ROOT_PI, exp(square(erfinv(x))))],
  narrow: narrow.erfinvNarrow,
});
export const lgamma = unary('lgamma', values.lgamma, { partials: (_, x) => [digamma(x)], narrow: narrow.lgammaNarrow });
export const digamma = unary('digamma', values.digamma, { partials: (_, x) => [polygamma(1, x)], narrow: narrow.digammaNarrow });

/** The derivative of order n (first operand, a whole number) of `digamma`. */
export const polygamma = binary('polygamma', values.polygamma, { partials: (_, n, x) => [null, polygamma(add(n, 1), x)] });

/** The Hurwitz zeta function of s (no derivative) and q. */
export const zeta = binary('zeta', values.zeta, { partials: (_, s, q) => [null, neg(mul(s, zeta(add(s, 1), q)))] });

/** Bessel functions and orthogonal polynomials. Only who uses them loads them: the core does not know them. */
import * as values from '../bessel.ts';
import { type Expr, ternary, unary } from '../core.ts';
import * as polynomials from '../polynomials.ts';
import { add, div, mul, neg, sign, sub } from './arithmetic.ts';
import { eq, select } from './logic.ts';

/** y / x, and its limit at 0. */
const perX = (y: Expr, x: Expr, limit: Expr | number): Expr => select(eq(x, 0), limit, div(y, x));

type Function = (x: Expr | number) => Expr;

export const i0: Function = unary('i0', values.i0, { partials: (_, x) => [i1(x)] });
export const i1: Function = unary('i1', values.i1, { partials: (y, x) => [sub(i0(x), perX(y, x, 0.5))] });
export const i0e: Function = unary('i0e', values.i0e, { partials: (y, x) => [sub(i1e(x), mul(sign(x), y))] });
export const i1e: Function = unary('i1e', values.i1e, {
  partials: (y, x) => [sub(sub(i0e(x), mul(sign(x), y)), perX(y, x, 0.5))],
});
export const k0: Function = unary('k0', values.k0, { partials: (_, x) => [neg(k1(x))] });
export const k1: Function = unary('k1', values.k1, { partials: (y, x) => [neg(add(k0(x), div(y, x)))] });
export const k0e: Function = unary('k0e', values.k0e, { partials: (y, x) => [sub(y, k1e(x))] });
export const k1e: Function = unary('k1e', values.k1e, { partials: (y, x) => [sub(sub(y, k0e(x)), div(y, x))] });
export const besselJ0: Function = unary('besselJ0', values.besselJ0, { partials: (_, x) => [neg(besselJ1(x))] });
export const besselJ1: Function = unary('besselJ1', values.besselJ1, { partials: (y, x) => [sub(besselJ0(x), perX(y, x, 0.5))] });
export const besselY0: Function = unary('besselY0', values.besselY0, { partials: (_, x) => [neg(besselY1(x))] });
export const besselY1: Function = unary('besselY1', values.besselY1, { partials: (y, x) => [sub(besselY0(x), div(y, x))] });
/** Ai'' = x Ai. */
export const airyAi: Function = unary('airyAi', values.airyAi, { partials: (_, x) => [airyAiSlope(x)] });
const airyAiSlope: Function = unary('airyAiSlope', values.airyAiSlope, { partials: (_, x) => [mul(x, airyAi(x))] });

/** A polynomial of x by its degree. The degree is cut to a whole number, so that its derivative is 0. */
function polynomial(name: string, evaluate: (x: number, n: number, order: number) => number): (x: Expr, n: Expr) => Expr {
  const derived = ternary(name, evaluate, { partials: (_, x, n, order) => [derived(x, n, add(order, 1)), null, null] });
  return (x, n) => derived(x, n, 0);
}
export const chebyshevT = polynomial('chebyshevT', polynomials.chebyshevT);
export const chebyshevU = polynomial('chebyshevU', polynomials.chebyshevU);
export const chebyshevV = polynomial('chebyshevV', polynomials.chebyshevV);
export const chebyshevW = polynomial('chebyshevW', polynomials.chebyshevW);
export const shiftedChebyshevT = polynomial('shiftedChebyshevT', polynomials.shiftedChebyshevT);
export const shiftedChebyshevU = polynomial('shiftedChebyshevU', polynomials.shiftedChebyshevU);
export const shiftedChebyshevV = polynomial('shiftedChebyshevV', polynomials.shiftedChebyshevV);
export const shiftedChebyshevW = polynomial('shiftedChebyshevW', polynomials.shiftedChebyshevW);
export const hermiteH = polynomial('hermiteH', polynomials.hermiteH);
export const hermiteHe = polynomial('hermiteHe', polynomials.hermiteHe);
export const laguerreL = polynomial('laguerreL', polynomials.laguerreL);
export const legendreP = polynomial('legendreP', polynomials.legendreP);

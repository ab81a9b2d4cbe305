/** Exponentials, logarithms and hyperbolic functions. */
import { binary, constant, type Expr, unary } from '../core.ts';
import { add, mul, reciprocal, rsqrt, sqrt, sub } from './arithmetic.ts';
import { eq, ge, select } from './logic.ts';

const square = (x: Expr): Expr => mul(x, x);

export const exp = unary('exp', Math.exp, { partials: (y) => [y] });
export const exp2 = unary('exp2', (a) => 2 ** a, { partials: (y) => [mul(y, Math.LN2)] });
export const expm1 = unary('expm1', Math.expm1, { partials: (y) => [add(y, 1)] });
export const log = unary('log', Math.log, { partials: (_, x) => [reciprocal(x)] });
export const log2 = unary('log2', Math.log2, { partials: (_, x) => [reciprocal(mul(x, Math.LN2))] });
export const log10 = unary('log10', Math.log10, { partials: (_, x) => [reciprocal(mul(x, Math.LN10))] });
export const log1p = unary('log1p', Math.log1p, { partials: (_, x) => [reciprocal(add(x, 1))] });

export const sinh = unary('sinh', Math.sinh, { partials: (_, x) => [cosh(x)] });
export const cosh = unary('cosh', Math.cosh, { partials: (_, x) => [sinh(x)] });
export const tanh = unary('tanh', Math.tanh, { partials: (y) => [sub(1, square(y))] });
export const asinh = unary('asinh', Math.asinh, { partials: (_, x) => [rsqrt(add(square(x), 1))] });
export const acosh = unary('acosh', Math.acosh, { partials: (_, x) => [rsqrt(sub(square(x), 1))] });
export const atanh = unary('atanh', Math.atanh, { partials: (_, x) => [reciprocal(sub(1, square(x)))] });

/** 1 / (1 + exp(-x)), which neither overflows nor loses small values. */
export const sigmoid = unary('sigmoid', (x) => 1 / (1 + Math.exp(-x)), { partials: (y) => [mul(sub(constant(1), y), y)] });

/** C's pow: 1 for a base of 1 or an exponent of 0 even where the other operand is NaN (ECMAScript's `**` differs). */
function powerOf(a: number, b: number): number {
  if (a === 1 || b === 0) return 1;
  return a === -1 && Math.abs(b) === Infinity ? 1 : a ** b;
}

function simplifyPower(a: Expr, b: Expr): Expr | null {
  if (b.op !== 'const') return null;
  if (b.value === 2) return mul(a, a);
  if (b.value === 3) return mul(mul(a, a), a);
  if (b.value === 0.5) return sqrt(a);
  if (b.value === -0.5) return rsqrt(a);
  return b.value === 1 ? a : null;
}

/** The power. For a constant exponent of 2, 3, 0.5 or -0.5 it is the product or root that PyTorch uses too. */
export const pow = binary('pow', powerOf, {
  partials: (y, a, b) => [
    select(eq(b, 0), 0, mul(b, pow(a, sub(b, 1)))),
    // 0 ** b is 0 around every b > 0: the derivative is 0, where y * log(a) would be NaN.
    select(zeroToPositive(a, b), 0, mul(y, log(a))),
  ],
  simplify: simplifyPower,
});

function zeroToPositive(a: Expr, b: Expr): Expr {
  return select(eq(a, 0), ge(b, 0), 0);
}

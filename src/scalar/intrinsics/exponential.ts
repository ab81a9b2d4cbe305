/** Exponentials, logarithms and hyperbolic functions. */
import { constant, type Expr, unary } from '../core.ts';
import { add, mul, reciprocal, rsqrt, setLogarithm, sub } from './arithmetic.ts';

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

setLogarithm(log);

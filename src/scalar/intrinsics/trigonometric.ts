/** Trigonometric functions, in radians. */
import { binary, type Expr, unary } from '../core.ts';
import { add, mul, neg, reciprocal, rsqrt, sub } from './arithmetic.ts';
import { eq, select } from './logic.ts';

const square = (x: Expr): Expr => mul(x, x);

export const sin = unary('sin', Math.sin, { partials: (_, x) => [cos(x)] });
export const cos = unary('cos', Math.cos, { partials: (_, x) => [neg(sin(x))] });
export const tan = unary('tan', Math.tan, { partials: (y) => [add(1, square(y))] });
export const asin = unary('asin', Math.asin, { partials: (_, x) => [rsqrt(sub(1, square(x)))] });
export const acos = unary('acos', Math.acos, { partials: (_, x) => [neg(rsqrt(sub(1, square(x))))] });
export const atan = unary('atan', Math.atan, { partials: (_, x) => [reciprocal(add(square(x), 1))] });

/** The angle of the point (b, a). */
export const atan2 = binary('atan2', Math.atan2, {
  partials: (_, a, b) => {
    const length = add(square(a), square(b));
    const inverse = select(eq(length, 0), 0, reciprocal(length));
    return [mul(b, inverse), mul(neg(a), inverse)];
  },
});

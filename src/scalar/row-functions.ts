/** Functions for passes over rows: the operands are known to be small enough for code that is shorter than the general one. */
import { type Expr, type Operand, ternary, unary } from './core.ts';
import { div, exp, neg, reciprocal } from './intrinsics.ts';

/** exp(x) for x up to 64: what is left when the largest element, or the logarithm of the sum, was taken off. */
export const expOfRest: (x: Operand) => Expr = unary('expOfRest', Math.exp, { expand: exp });

/** a / -b from -b and 1 / b, so that all that is left to do for each a is multiply-adds. */
const quotient = ternary('quotient', (a, minus) => a / -minus, { expand: (a, minus) => div(a, neg(minus)) });

/** a / b for a normal number b that is the same for a row. */
export function shareOf(a: Operand, b: Operand): Expr {
  return quotient(a, neg(b), reciprocal(b));
}

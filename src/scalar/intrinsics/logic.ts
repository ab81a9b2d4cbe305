/** Comparisons, logic, classification and bits. Results of the first three are 0 or 1. */
import { binary, type Expr, ternary, unary } from '../core.ts';

function comparison(name: string, evaluate: (a: number, b: number) => boolean) {
  return binary(name, (a, b) => Number(evaluate(a, b)), { boolean: true });
}

export const lt = comparison('lt', (a, b) => a < b);
export const le = comparison('le', (a, b) => a <= b);
export const gt = comparison('gt', (a, b) => a > b);
export const ge = comparison('ge', (a, b) => a >= b);
export const eq = comparison('eq', (a, b) => a === b);
export const ne = comparison('ne', (a, b) => a !== b);

/** Logical operators: any operand other than 0 counts as true. */
export const and = comparison('and', (a, b) => a !== 0 && b !== 0);
export const or = comparison('or', (a, b) => a !== 0 || b !== 0);
export const xor = comparison('xor', (a, b) => (a !== 0) !== (b !== 0));

function operandOfNot(a: Expr): Expr | null {
  if (typeof a.op === 'string' || a.op.name !== 'not') return null;
  const operand = a.args[0];
  return operand?.isBoolean ? operand : null;
}

export const not = unary('not', (a) => Number(a === 0), {
  boolean: true,
  simplify: operandOfNot,
});

export const isnan = unary('isnan', (a) => Number(Number.isNaN(a)), { boolean: true });
export const isinf = unary('isinf', (a) => Number(Math.abs(a) === Infinity), { boolean: true });
export const isfinite = unary('isfinite', (a) => Number(Number.isFinite(a)), { boolean: true });
export const signbit = unary('signbit', (a) => Number(a < 0 || Object.is(a, -0)), { boolean: true });

/** The second operand where the first is not 0, else the third. */
export const select = ternary('select', (c, a, b) => (c !== 0 ? a : b), {
  simplify: (c, a, b) => {
    if (a === b) return a;
    return c.op === 'const' ? (c.value !== 0 ? a : b) : null;
  },
});

export const integersOnly = (): number => Number.NaN;

export const bitAnd = binary('bitAnd', integersOnly);
export const bitOr = binary('bitOr', integersOnly);
export const bitXor = binary('bitXor', integersOnly);

/** All bits inverted; for bool, the logical not. */
export const bitNot = unary('bitNot', integersOnly);

/** Shifts by less than 0 or by more than the width shift every bit out. */
export const shiftLeft = binary('shiftLeft', integersOnly);
export const shiftRight = binary('shiftRight', integersOnly);

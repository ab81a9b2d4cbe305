/** Arithmetic, rounding and extrema. The conventions at kinks are those of PyTorch. */
import { binary, constant, type Expr, isConstant, unary } from '../core.ts';
import { eq, ge, integersOnly, isnan, le, lt, ne, or, select } from './logic.ts';

const one = constant(1);
const minusOne = constant(-1);
const zeroAlmostEverywhere = (): null[] => [null, null];

export const neg = unary('neg', (a) => -a, {
  partials: () => [minusOne],
  simplify: (a) => (typeof a.op !== 'string' && a.op.name === 'neg' ? (a.args[0] ?? null) : null),
});

export const add = binary('add', (a, b) => a + b, {
  partials: () => [one, one],
  simplify: (a, b) => (isConstant(b, -0) ? a : isConstant(a, -0) ? b : null),
});

export const sub = binary('sub', (a, b) => a - b, {
  partials: () => [one, minusOne],
  simplify: (a, b) => (isConstant(b, 0) ? a : null),
});

export const mul = binary('mul', (a, b) => a * b, {
  partials: (_, a, b) => [b, a],
  simplify: (a, b) => {
    if (isConstant(b, 1)) return a;
    if (isConstant(a, 1)) return b;
    if (isConstant(b, -1)) return neg(a);
    return isConstant(a, -1) ? neg(b) : null;
  },
});

/** The quotient; integers are truncated toward zero. A zero divisor counts as 1 for integers: the operator has refused it before. */
export const div = binary('div', (a, b) => a / b, {
  // Not by the quotient itself: that may be overwritten, as in x.div(y).mul_(z).
  partials: (_, a, b) => [reciprocal(b), neg(div(div(a, b), b))],
  simplify: (a, b) => (isConstant(b, 1) ? a : null),
});

export const reciprocal = unary('reciprocal', (a) => 1 / a, { partials: (y) => [neg(mul(y, y))] });

export const abs = unary('abs', Math.abs, { partials: (_, a) => [sign(a)] });

/** -1, 0 or 1; 0 at NaN, as PyTorch has it. */
export const sign = unary('sign', (a) => (a > 0 ? 1 : a < 0 ? -1 : 0));

export const floor = unary('floor', Math.floor);
export const ceil = unary('ceil', Math.ceil);
export const trunc = unary('trunc', Math.trunc);

/** To the nearest integer; halves go to the even one. */
export const round = unary('round', (a) => {
  const rounded = Math.round(a);
  const even = rounded - a === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
  return even === 0 && (a < 0 || Object.is(a, -0)) ? -0 : even;
});

/** The larger one; NaN wins. Equal operands share the derivative. */
export const max = binary('max', (a, b) => Math.max(a, b), {
  partials: (_, a, b) => [share(a, b, lt(a, b)), share(a, b, lt(b, a))],
});

/** The smaller one; NaN wins. Equal operands share the derivative. */
export const min = binary('min', (a, b) => Math.min(a, b), {
  partials: (_, a, b) => [share(a, b, lt(b, a)), share(a, b, lt(a, b))],
});

function share(a: Expr, b: Expr, loses: Expr): Expr {
  return select(eq(a, b), 0.5, select(loses, 0, 1));
}

/** The larger one; a number wins over NaN. The first operand takes the derivative at ties. */
export const fmax = binary('fmax', (a, b) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b)), {
  partials: (_, a, b) => takes(or(ge(a, b), isnan(b))),
});

/** The smaller one; a number wins over NaN. The first operand takes the derivative at ties. */
export const fmin = binary('fmin', (a, b) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b)), {
  partials: (_, a, b) => takes(or(le(a, b), isnan(b))),
});

function takes(first: Expr): Expr[] {
  return [select(first, 1, 0), select(first, 0, 1)];
}

/** The remainder with the sign of the dividend. */
export const fmod = binary('fmod', (a, b) => a % b, {
  partials: (_, a, b) => [one, neg(trunc(div(a, b)))],
});

function remainderOf(a: number, b: number): number {
  const r = a % b;
  return r !== 0 && r < 0 !== b < 0 ? r + b : r;
}

/** The remainder with the sign of the divisor. */
export const remainder = binary('remainder', remainderOf, {
  partials: (_, a, b) => [one, neg(floorDivide(a, b))],
});

function floorDivideOf(a: number, b: number): number {
  if (b === 0) return a / b;
  const r = a % b;
  const quotient = (a - r) / b - (r !== 0 && r < 0 !== b < 0 ? 1 : 0);
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const whole = Math.floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

/** The floor of the quotient, consistent with `remainder`. */
export const floorDivide = binary('floorDivide', floorDivideOf, {
  partials: zeroAlmostEverywhere,
});

export const sqrt = unary('sqrt', Math.sqrt, { partials: (y) => [div(0.5, y)] });
export const rsqrt = unary('rsqrt', (a) => 1 / Math.sqrt(a), { partials: (y) => [mul(-0.5, mul(mul(y, y), y))] });

/** The length of the vector (a, b). */
export const hypot = binary('hypot', Math.hypot, { partials: (y, a, b) => [div(a, y), div(b, y)] });

function copysignOf(a: number, b: number): number {
  return b < 0 || Object.is(b, -0) ? -Math.abs(a) : Math.abs(a);
}

/** The magnitude of the first operand with the sign of the second. */
export const copysign = binary('copysign', copysignOf, {
  partials: (y, a) => [select(eq(a, 0), 0, div(y, a)), null],
});

const bits = new DataView(new ArrayBuffer(8));

function nextafterOf(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN;
  if (a === b) return b;
  if (a === 0) return b > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE;
  bits.setFloat64(0, a);
  bits.setBigInt64(0, bits.getBigInt64(0) + (b > a === a > 0 ? 1n : -1n));
  return bits.getFloat64(0);
}

/** The next number of the dtype toward the second operand. */
export const nextafter = binary('nextafter', nextafterOf, {
  perType: true,
  partials: (_, a, b) => [select(ne(a, b), 1, 0), null],
});

/** Greatest common divisor, for integers. */
export const gcd = binary('gcd', integersOnly);

/** Least common multiple, for integers. */
export const lcm = binary('lcm', integersOnly);

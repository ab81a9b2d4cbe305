/**
 * Functions that other intrinsics make up (`expand`), or that have a float64 evaluation only, with derivatives that are better than those of the
 * composition: fewer saved values, no overflow, PyTorch's convention at kinks.
 */
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from '../../dtype/half.ts';
import { binary, constant, type Expr, ternary, unary } from '../core.ts';
import * as normal from '../normal.ts';
import * as values from '../special.ts';
import { abs, add, div, max, min, mul, neg, reciprocal, sub } from './arithmetic.ts';
import { exp, exp2, log, log1p, sigmoid } from './exponential.ts';
import { and, eq, ge, gt, isinf, isnan, le, lt, ne, or, select } from './logic.ts';
import { erf, erfcx } from './special.ts';

const indicator = (condition: Expr): Expr => select(condition, 1, 0);

/** The larger one of x and 0. The derivative reads the value alone, and is 0 at 0. */
export const relu = unary('relu', (x) => Math.max(x, 0), {
  partials: (y) => [select(le(y, 0), 0, 1)],
  expand: (x) => max(x, 0),
});

/** The larger one; NaN wins. At ties the first operand takes the whole derivative (`max` shares it). */
export const clampMin = binary('clampMin', (x, low) => Math.max(x, low), {
  partials: (_, x, low) => [indicator(ge(x, low)), indicator(lt(x, low))],
  expand: (x, low) => max(x, low),
});

/** The smaller one; NaN wins. At ties the first operand takes the whole derivative. */
export const clampMax = binary('clampMax', (x, high) => Math.min(x, high), {
  partials: (_, x, high) => [indicator(le(x, high)), indicator(gt(x, high))],
  expand: (x, high) => min(x, high),
});

/** a + w (b - a), from the nearer end, so that it is exact at both. */
export const lerp = ternary('lerp', (a, b, w) => (Math.abs(w) < 0.5 ? a + w * (b - a) : b - (b - a) * (1 - w)), {
  partials: (_, a, b, w) => [sub(1, w), w, sub(b, a)],
  expand: (a, b, w) => {
    const difference = sub(b, a);
    return select(lt(abs(w), 0.5), add(a, mul(w, difference)), sub(b, mul(difference, sub(1, w))));
  },
});

/** log(x / (1 - x)), the inverse of the sigmoid. */
export const logit = unary('logit', (x) => Math.log(x / (1 - x)), {
  partials: (_, x) => [select(or(lt(x, 0), gt(x, 1)), Number.NaN, reciprocal(mul(x, sub(1, x))))],
  expand: (x) => log(div(x, sub(1, x))),
});

/** log(1 + exp(x)), without overflow. */
export const softplus = unary('softplus', (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0), {
  partials: (_, x) => [sigmoid(x)],
  expand: (x) => add(log1p(exp(neg(abs(x)))), max(x, 0)),
});

function bothSameInfinity(a: Expr, b: Expr): Expr {
  return and(isinf(a), eq(a, b));
}

/** log(exp(a) + exp(b)), without overflow. */
export const logaddexp = binary(
  'logaddexp',
  (a, b) => (a === b && Math.abs(a) === Infinity ? a : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))),
  {
    partials: (_, a, b) => [sigmoid(sub(a, b)), sigmoid(sub(b, a))],
    expand: (a, b) => select(bothSameInfinity(a, b), a, add(max(a, b), softplus(neg(abs(sub(a, b)))))),
  },
);

/** log2(2 ** a + 2 ** b), without overflow. */
export const logaddexp2 = binary(
  'logaddexp2',
  (a, b) => (a === b && Math.abs(a) === Infinity ? a : Math.max(a, b) + Math.log1p(2 ** -Math.abs(a - b)) * Math.LOG2E),
  {
    partials: (_, a, b) => [sigmoid(mul(sub(a, b), Math.LN2)), sigmoid(mul(sub(b, a), Math.LN2))],
    expand: (a, b) => select(bothSameInfinity(a, b), a, add(max(a, b), mul(log1p(exp2(neg(abs(sub(a, b))))), Math.LOG2E))),
  },
);

/** x log(y): 0 where x is 0, whatever y is, unless it is NaN. */
export const xlogy = binary('xlogy', (x, y) => (Number.isNaN(y) ? y : x === 0 ? 0 : x * Math.log(y)), {
  partials: (_, x, y) => [select(and(eq(x, 0), le(y, 0)), 0, log(y)), div(x, y)],
  expand: (x, y) => select(isnan(y), y, select(eq(x, 0), 0, mul(x, log(y)))),
});

/** x log(1 + y): 0 where x is 0, whatever y is, unless it is NaN. */
export const xlog1py = binary('xlog1py', (x, y) => (Number.isNaN(y) ? y : x === 0 ? 0 : x * Math.log1p(y)), {
  partials: (_, x, y) => [select(and(eq(x, 0), le(y, -1)), 0, log1p(y)), div(x, add(y, 1))],
  expand: (x, y) => select(isnan(y), y, select(eq(x, 0), 0, mul(x, log1p(y)))),
});

/** Entropy, -x log(x): 0 at 0, -Infinity below. */
export const entr = unary('entr', (x) => (Number.isNaN(x) ? x : x > 0 ? -x * Math.log(x) : x === 0 ? 0 : -Infinity), {
  partials: (_, x) => [neg(add(log(x), 1))],
  expand: (x) => select(isnan(x), x, select(gt(x, 0), neg(mul(x, log(x))), select(eq(x, 0), 0, constant(-Infinity)))),
});

/**
 * The normal distribution function to the digits that count where it is a factor: the sum of 1/2 and an odd function, which loses the left tail's.
 * `erfc` keeps them.
 */
export const normalCdf = unary('normalCdf', (x) => 0.5 * (1 + values.erf(x * Math.SQRT1_2)), {
  partials: (_, x) => [mul(exp(mul(-0.5, mul(x, x))), 1 / Math.sqrt(2 * Math.PI))],
  expand: (x) => mul(0.5, add(1, erf(mul(x, Math.SQRT1_2)))),
});

/** The inverse of the normal distribution function. */
export const ndtri = unary('ndtri', normal.ndtri, {
  partials: (y) => [mul(Math.sqrt(2 * Math.PI), exp(mul(0.5, mul(y, y))))],
});

/** The logarithm of the normal distribution function. */
export const logNdtr = unary('logNdtr', normal.logNdtr, {
  // density(x) / ndtr(x): by erfcx, which does not underflow on the left; by exponents elsewhere, where erfcx overflows.
  partials: (y, x) => [
    select(
      lt(x, -1),
      div(Math.sqrt(2 / Math.PI), erfcx(mul(x, -Math.SQRT1_2))),
      mul(exp(sub(mul(mul(x, x), -0.5), y)), 1 / Math.sqrt(2 * Math.PI)),
    ),
  ],
});

const bits = new DataView(new ArrayBuffer(8));

/** e with |x| = m 2 ** e and m in [0.5, 1); 0 for 0, infinities and NaN. */
function exponentOf(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return 0;
  bits.setFloat64(0, x);
  const biased = (bits.getUint32(0) >>> 20) & 0x7ff;
  return biased === 0 ? exponentOf(x * 2 ** 54) - 54 : biased - 1022;
}

/** x / 2 ** e in two steps, neither of which overflows. */
function mantissaOf(x: number): number {
  const exponent = exponentOf(x);
  const half = exponent >> 1;
  return x / 2 ** half / 2 ** (exponent - half);
}

/** The binary exponent, as C's frexp has it. */
export const binaryExponent = unary('binaryExponent', exponentOf);

/** The number divided by 2 to its binary exponent: its magnitude lies in [0.5, 1). */
export const mantissa = unary('mantissa', mantissaOf, { partials: (_, x) => [reciprocal(exp2(binaryExponent(x)))] });

const HALF_SIGN = 2 ** 15;

/** The next number toward the second operand in a dtype of 16 bits: patterns are a sign bit and a magnitude. */
function neighbour(name: string, toBits: (x: number) => number, toNumber: (bits: number) => number) {
  const evaluate = (a: number, b: number): number => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN;
    if (a === b) return b;
    if (a === 0) return toNumber(b > 0 ? 1 : HALF_SIGN + 1);
    return toNumber(toBits(a) + (b > a === a > 0 ? 1 : -1));
  };
  return binary(name, evaluate, { partials: (_, a, b) => [select(ne(a, b), 1, 0), null] });
}

/** `nextafter` for float16 numbers. */
export const nextafterFloat16 = neighbour('nextafterFloat16', numberToFloat16, float16ToNumber);

/** `nextafter` for bfloat16 numbers. */
export const nextafterBfloat16 = neighbour('nextafterBfloat16', numberToBfloat16, bfloat16ToNumber);

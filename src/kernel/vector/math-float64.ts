/**
 * float64 functions in straight-line vector code, reduced as in math-float32.ts; log by the series of the inverse hyperbolic tangent. The
 * polynomials are interpolants made by scripts/coefficients.py.
 */
import { ERF, ERFCX } from '../../scalar/special.ts';
import { mathImport } from '../math-imports.ts';
import type { VectorEmitter, VectorRule, Vectors } from './emitter.ts';
import { polynomial as polynomialOf } from './polynomial.ts';

export const add = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f64x2.add', a, b);
export const sub = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f64x2.sub', a, b);
export const mul = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f64x2.mul', a, b);
export const div = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f64x2.div', a, b);
export const number = (e: VectorEmitter, value: number): Vectors => e.splat('f64x2', value);
export const magnitude = (e: VectorEmitter, x: Vectors): Vectors => e.op1('f64x2.abs', x);
export const polynomial = (e: VectorEmitter, coefficients: readonly number[], x: Vectors): Vectors =>
  polynomialOf(e, 'f64x2', coefficients, x);

/** `a` with the sign of `b`. */
export const withSign = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.select(number(e, -0), b, a);

/** Adding this number (1.5 * 2^52) rounds a small float to an integer, which the low bits of the sum hold. */
const ROUNDER = 6755399441055744;

/** log(2) in two parts: the first has 32 bits, so that its multiples by exponents are exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

function clamp(e: VectorEmitter, x: Vectors, low: number, high: number): Vectors {
  return e.op2('f64x2.pmin', e.op2('f64x2.pmax', x, number(e, low)), number(e, high));
}

/** (exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2. */
const EXP = [
  0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326136, 0.0013888888888883748, 0.00019841269874820627, 2.4801587325547743e-5,
  2.7557255400206422e-6, 2.75572736431103e-7, 2.5105217004720745e-8, 2.0914686968086876e-9,
];

/** x = n log(2) + r: gives n, as bits on top of those of `ROUNDER`, and r. */
function reduceByLn2(e: VectorEmitter, x: Vectors): { sum: Vectors; n: Vectors; r: Vectors } {
  const sum = add(e, mul(e, x, number(e, Math.LOG2E)), number(e, ROUNDER));
  const n = sub(e, sum, number(e, ROUNDER));
  const r = sub(e, sub(e, x, mul(e, n, number(e, LN2_HIGH))), mul(e, n, number(e, LN2_LOW)));
  return { sum, n, r };
}

function expm1Reduced(e: VectorEmitter, r: Vectors): Vectors {
  return add(e, r, mul(e, mul(e, r, r), polynomial(e, EXP, r)));
}

/** 2^n from bits whose low ones hold n: the shift drops the others. */
function powerOfTwo(e: VectorEmitter, bits: Vectors, bias: number): Vectors {
  return e.shift('i64x2.shl', e.op2('i64x2.add', bits, e.splat('i64x2', bias)), 52);
}

export function exp(e: VectorEmitter, x: Vectors): Vectors {
  const { sum, n, r } = reduceByLn2(e, clamp(e, x, -746, 710));
  const p = add(e, expm1Reduced(e, r), number(e, 1));
  // In two steps, so that results near the limits of the range are rounded once and right.
  const half = add(e, mul(e, n, number(e, 0.5)), number(e, ROUNDER));
  const rest = e.op2('i64x2.sub', sum, half);
  return mul(e, mul(e, p, powerOfTwo(e, half, 1023)), powerOfTwo(e, rest, 1023));
}

/** `exact` for operands so small that the function is the identity to the last bit (and keeps the sign of 0), else `computed`. */
function unlessTiny(e: VectorEmitter, x: Vectors, computed: Vectors): Vectors {
  return e.select(e.op2('f64x2.lt', magnitude(e, x), number(e, 1e-20)), x, computed);
}

/** 2 (s q + (s - 1/2)) with s = 2^(n-1) and q = exp(r) - 1. */
export function expm1(e: VectorEmitter, x: Vectors): Vectors {
  const { sum, r } = reduceByLn2(e, clamp(e, x, -38, 710));
  const s = powerOfTwo(e, sum, 1022);
  const half = add(e, mul(e, s, expm1Reduced(e, r)), sub(e, s, number(e, 0.5)));
  return unlessTiny(e, x, add(e, half, half));
}

/** 1 / (1 + t) or t / (1 + t) with t = exp(-|x|), which does not overflow. */
function sigmoid(e: VectorEmitter, x: Vectors): Vectors {
  const one = number(e, 1);
  const t = exp(e, e.op2('v128.or', x, number(e, -0)));
  return div(e, e.select(e.op2('f64x2.lt', x, number(e, 0)), t, one), add(e, one, t));
}

/** (2 atanh(s) / s - 2) / s^2 in s^2, for s = f / (2 + f) and 1 + f in [sqrt(1/2), sqrt(2)]. */
const ATANH = [
  0.6666666666666666, 0.40000000000000885, 0.28571428570799784, 0.22222222392581045, 0.18181795547521137, 0.15386244737621665,
  0.13268638369266825, 0.13088034850927555,
];

const ONE_BITS = 0x3ff0000000000000n;
const ROOT_HALF_BITS = 0x3fe6a09e667f3bcdn;
const SMALLEST_NORMAL = 2 ** -1022;

/** log of a positive finite number: x = 2^k (1 + f), log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R(s)). */
function logOfPositive(e: VectorEmitter, x: Vectors): Vectors {
  const isSmall = e.op2('f64x2.lt', x, number(e, SMALLEST_NORMAL));
  const bits = e.select(isSmall, mul(e, x, number(e, 2 ** 54)), x);
  const biased = e.shift('i64x2.shr_u', e.op2('i64x2.add', bits, e.int64(ONE_BITS - ROOT_HALF_BITS)), 52);
  const significand = e.op2('i64x2.add', e.op2('i64x2.sub', bits, e.shift('i64x2.shl', biased, 52)), e.int64(ONE_BITS));
  // Bits under those of 2^52 are an integer.
  const exponent = sub(e, e.op2('v128.or', biased, number(e, 2 ** 52)), number(e, 2 ** 52 + 1023));
  const k = sub(e, exponent, e.op2('v128.and', isSmall, number(e, 54)));
  const f = sub(e, significand, number(e, 1));
  const s = div(e, f, add(e, f, number(e, 2)));
  const square = mul(e, s, s);
  const series = mul(e, square, polynomial(e, ATANH, square));
  const halfSquare = mul(e, mul(e, f, f), number(e, 0.5));
  const correction = add(e, mul(e, s, add(e, halfSquare, series)), mul(e, k, number(e, LN2_LOW)));
  return sub(e, mul(e, k, number(e, LN2_HIGH)), sub(e, sub(e, halfSquare, correction), f));
}

/** Gives the function's limits where the reduction means nothing: -Infinity at 0, NaN below, x itself at Infinity and NaN. */
function logLimits(e: VectorEmitter, x: Vectors, computed: Vectors): Vectors {
  const positive = e.select(e.op2('f64x2.lt', x, number(e, Infinity)), computed, x);
  const atZero = e.select(e.op2('f64x2.eq', x, number(e, 0)), number(e, -Infinity), positive);
  return e.select(e.op2('f64x2.lt', x, number(e, 0)), number(e, Number.NaN), atZero);
}

export function log(e: VectorEmitter, x: Vectors): Vectors {
  return logLimits(e, x, logOfPositive(e, x));
}

/** log(u) + c / u with u = 1 + x rounded, and c what the rounding took away. */
export function log1p(e: VectorEmitter, x: Vectors): Vectors {
  const one = number(e, 1);
  const u = add(e, x, one);
  const isLarge = e.op2('f64x2.ge', magnitude(e, x), one);
  const lost = e.select(isLarge, sub(e, one, sub(e, u, x)), sub(e, x, sub(e, u, one)));
  const computed = add(e, logOfPositive(e, u), div(e, lost, u));
  return unlessTiny(e, x, logLimits(e, u, computed));
}

/** (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 in r^2, for |r| <= pi / 4. */
const SIN = [
  -0.16666666666666666, 0.008333333333333331, -0.0001984126984126504, 2.755731921932058e-6, -2.50521062259944e-8, 1.6058530596645953e-10,
  -7.586636882825159e-13,
];
const COS = [
  0.041666666666666664, -0.0013888888888888887, 2.4801587301584632e-5, -2.755731922139249e-7, 2.0876755787492604e-9,
  -1.1470460319209511e-11, 4.745838412531023e-14,
];

/** pi / 2 in three parts; multiples of the first two by integers of 20 bits are exact. */
const HALF_PI = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21] as const;

/** Up to here the reduction is good to all bits; beyond, each lane calls the engine's own function. */
const LARGEST_REDUCED = 2 ** 20;

/** x = k pi / 2 + r + low: k as an integer in the low bits, low what rounding took from r. */
function reduceByQuarter(e: VectorEmitter, x: Vectors): { bits: Vectors; r: Vectors; low: Vectors } {
  const bits = add(e, mul(e, x, number(e, 2 / Math.PI)), number(e, ROUNDER));
  const k = sub(e, bits, number(e, ROUNDER));
  const first = sub(e, sub(e, x, mul(e, k, number(e, HALF_PI[0]))), mul(e, k, number(e, HALF_PI[1])));
  const tail = mul(e, k, number(e, HALF_PI[2]));
  const r = sub(e, first, tail);
  return { bits, r, low: sub(e, sub(e, first, r), tail) };
}

/** sin and cos of r + low. */
function sineAndCosine(e: VectorEmitter, r: Vectors, low: Vectors): { sine: Vectors; cosine: Vectors } {
  const square = mul(e, r, r);
  const sine = add(e, r, add(e, mul(e, mul(e, square, r), polynomial(e, SIN, square)), low));
  const half = mul(e, square, number(e, 0.5));
  const one = number(e, 1);
  const head = sub(e, one, half);
  // What rounding took from 1 - r^2 / 2 goes into the tail.
  const lost = sub(e, sub(e, one, head), half);
  const fourth = sub(e, mul(e, mul(e, square, square), polynomial(e, COS, square)), mul(e, r, low));
  return { sine, cosine: add(e, head, add(e, lost, fourth)) };
}

function circular(name: 'sin' | 'cos'): VectorRule {
  return (e, operand) => {
    const x = operand as Vectors;
    const { bits, r, low } = reduceByQuarter(e, x);
    const quarter = name === 'sin' ? bits : e.op2('i64x2.add', bits, e.splat('i64x2', 1));
    const { sine, cosine } = sineAndCosine(e, r, low);
    const odd = e.op2('i64x2.eq', e.op2('v128.and', quarter, e.splat('i64x2', 1)), e.splat('i64x2', 1));
    const sign = e.shift('i64x2.shl', e.op2('v128.and', quarter, e.splat('i64x2', 2)), 62);
    const computed = e.op2('v128.xor', e.select(odd, cosine, sine), sign);
    return ofLarge(e, name, x, name === 'sin' ? unlessTiny(e, x, computed) : computed);
  };
}

/** The tangent: the quotient is good to 3 units in the last place of float64, so it serves float32 alone. */
export function tan(e: VectorEmitter, x: Vectors): Vectors {
  const { bits, r, low } = reduceByQuarter(e, x);
  const { sine, cosine } = sineAndCosine(e, r, low);
  const odd = e.op2('i64x2.eq', e.op2('v128.and', bits, e.splat('i64x2', 1)), e.splat('i64x2', 1));
  const quotient = div(e, e.select(odd, e.op1('f64x2.neg', cosine), sine), e.select(odd, sine, cosine));
  return ofLarge(e, 'tan', x, unlessTiny(e, x, quotient));
}

/** Replaces the lanes with large operands, which are rare, by calls of the engine's function. */
function ofLarge(e: VectorEmitter, name: 'sin' | 'cos' | 'tan', x: Vectors, computed: Vectors): Vectors {
  const isLarge = e.op2('f64x2.gt', magnitude(e, x), number(e, LARGEST_REDUCED));
  return e.correctLanes('f64x2', isLarge, [x], computed, ([operand], lane) => {
    e.f
      .get(operand as number)
      .lane('f64x2.extract_lane', lane)
      .call(mathImport(name, 1));
  });
}

/** erf(x) / x - 1 in x^2, for |x| <= 1. */
const ERF_LESS_ONE = [0.1283791670955126, ...ERF.slice(1)];

function erfNearZero(e: VectorEmitter, x: Vectors): Vectors {
  return add(e, x, mul(e, x, polynomial(e, ERF_LESS_ONE, mul(e, x, x))));
}

/** erfc(a) for a >= 0.5. */
function erfcOfPositive(e: VectorEmitter, a: Vectors): Vectors {
  const x = e.op2('f64x2.pmin', a, number(e, 28));
  // exp(-x^2) = exp(-h^2) exp((h - x) (h + x)), where h has few bits and its square is exact.
  const h = e.op2('v128.and', x, e.int64(-0x8000000n));
  const power = mul(e, exp(e, e.op1('f64x2.neg', mul(e, h, h))), add(e, number(e, 1), expm1Reduced(e, mul(e, sub(e, h, x), add(e, h, x)))));
  const t = div(e, sub(e, x, number(e, 3.75)), add(e, x, number(e, 3.75)));
  return div(e, mul(e, power, polynomial(e, ERFCX, t)), add(e, number(e, 1), add(e, x, x)));
}

export function erf(e: VectorEmitter, x: Vectors): Vectors {
  const a = magnitude(e, x);
  const far = sub(e, number(e, 1), erfcOfPositive(e, a));
  return withSign(e, e.select(e.op2('f64x2.lt', a, number(e, 1)), erfNearZero(e, a), far), x);
}

export function erfc(e: VectorEmitter, x: Vectors): Vectors {
  const half = number(e, 0.5);
  const a = magnitude(e, x);
  const positive = erfcOfPositive(e, a);
  const far = e.select(e.op2('f64x2.lt', x, number(e, 0)), sub(e, number(e, 2), positive), positive);
  const near = sub(e, number(e, 1), erfNearZero(e, x));
  return e.select(e.op2('f64x2.lt', a, half), near, far);
}

/** The tangent hyperbolic: t / (t + 2) with t = exp(2 |x|) - 1, under the sign of x. */
export function tanh(e: VectorEmitter, x: Vectors): Vectors {
  const a = e.op2('f64x2.pmin', magnitude(e, x), number(e, 20));
  const t = expm1(e, add(e, a, a));
  return withSign(e, unlessTiny(e, a, div(e, t, add(e, t, number(e, 2)))), x);
}

const unary =
  (rule: (e: VectorEmitter, x: Vectors) => Vectors): VectorRule =>
  (e, x) =>
    rule(e, x as Vectors);

/** The functions that float64 has vector code for, by intrinsic. */
export const float64Functions: Record<string, VectorRule> = {
  exp: unary(exp),
  expm1: unary(expm1),
  log: unary(log),
  log1p: unary(log1p),
  sigmoid: unary(sigmoid),
  sin: circular('sin'),
  cos: circular('cos'),
  tanh: unary(tanh),
  erf: unary(erf),
  erfc: unary(erfc),
};

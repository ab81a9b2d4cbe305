/**
 * float32 functions computed in float64, two lanes at a time: nearly always rounded right, and safe from cancellation. Rules take and give
 * vectors of float64 whose values are float32; results are rounded by the caller.
 */
import { arg, type Intrinsic } from '../../scalar/core.ts';
import { intrinsicImport } from '../math-imports.ts';
import type { VectorEmitter, VectorRule, Vectors } from './emitter.ts';
import { joinLowHalves, widen } from './halves.ts';
import { add, div, expm1, log1p, magnitude, mul, number, polynomial, sub, tan, withSign } from './math-float64.ts';

const sqrt = (e: VectorEmitter, x: Vectors): Vectors => e.op1('f64x2.sqrt', x);
const less = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f64x2.lt', a, b);
const equal = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f64x2.eq', a, b);
const both = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('v128.and', a, b);
const either = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('v128.or', a, b);
const isInteger = (e: VectorEmitter, x: Vectors): Vectors => equal(e, e.op1('f64x2.trunc', x), x);
const isInfinite = (e: VectorEmitter, x: Vectors): Vectors => equal(e, magnitude(e, x), number(e, Infinity));

/** log2(1 + f) / s in s^2, for s = f / (2 + f) and 1 + f in [sqrt(1/2), sqrt(2)], to 4e-12. */
const LOG2 = [2.88539008179, 0.961796673368, 0.577083583007, 0.411672687344, 0.340732993242];

/** 2^r for |r| <= 1/2, to 6e-11. */
const EXP2 = [
  0.99999999996, 0.693147180557, 0.240226512135, 0.0555041090633, 0.00961802561332, 0.00133334784737, 0.000154697292141, 1.53037007114e-5,
];

const ONE_BITS = 0x3ff0000000000000n;
const ROOT_HALF_BITS = 0x3fe6a09e667f3bcdn;
/** Adding this number (1.5 * 2^52) rounds a small float to an integer, which the low bits of the sum hold. */
const ROUNDER = 6755399441055744;

/** log2 of a float32 that is not negative, to ten digits and within 1e-11 of 0. */
function log2Narrow(e: VectorEmitter, x: Vectors): Vectors {
  const biased = e.shift('i64x2.shr_u', e.op2('i64x2.add', x, e.int64(ONE_BITS - ROOT_HALF_BITS)), 52);
  const significand = e.op2('i64x2.sub', x, e.shift('i64x2.shl', e.op2('i64x2.sub', biased, e.splat('i64x2', 1023)), 52));
  const k = sub(e, e.op2('v128.or', biased, number(e, 2 ** 52)), number(e, 2 ** 52 + 1023));
  const f = sub(e, significand, number(e, 1));
  const s = div(e, f, add(e, f, number(e, 2)));
  const value = add(e, k, mul(e, s, polynomial(e, LOG2, mul(e, s, s))));
  const finite = e.select(less(e, x, number(e, Infinity)), value, x);
  return e.select(equal(e, x, number(e, 0)), number(e, -Infinity), finite);
}

/** 2^x to ten digits, 0 or infinite where float32 is. */
function exp2Narrow(e: VectorEmitter, x: Vectors): Vectors {
  const clamped = e.op2('f64x2.pmin', e.op2('f64x2.pmax', x, number(e, -300)), number(e, 300));
  const sum = add(e, clamped, number(e, ROUNDER));
  const r = sub(e, clamped, sub(e, sum, number(e, ROUNDER)));
  const power = e.shift('i64x2.shl', e.op2('i64x2.add', sum, e.splat('i64x2', 1023)), 52);
  return mul(e, polynomial(e, EXP2, r), power);
}

/** 2^(b log2|a|), with the sign of an odd power and the cases that C's pow defines. */
function pow(e: VectorEmitter, a: Vectors, b: Vectors): Vectors {
  const one = number(e, 1);
  const size = magnitude(e, a);
  const power = exp2Narrow(e, mul(e, b, log2Narrow(e, size)));
  const isWhole = isInteger(e, b);
  const isOdd = e.op2('v128.andnot', isWhole, isInteger(e, mul(e, b, number(e, 0.5))));
  const signed = e.op2('v128.xor', power, both(e, both(e, isOdd, number(e, -0)), a));
  const isNegative = both(e, less(e, a, number(e, 0)), e.op2('f64x2.gt', a, number(e, -Infinity)));
  const defined = e.op2('v128.or', e.op2('v128.andnot', isNegative, isWhole), signed);
  const isUnit = both(e, equal(e, size, one), isInfinite(e, b));
  const isOne = either(e, either(e, equal(e, a, one), equal(e, b, number(e, 0))), isUnit);
  return e.select(isOne, one, defined);
}

function sinh(e: VectorEmitter, x: Vectors): Vectors {
  const t = expm1(e, magnitude(e, x));
  const twice = add(e, t, div(e, t, add(e, t, number(e, 1))));
  // Beyond the range of float32 t is infinite at the latest where the quotient would be NaN.
  const finite = e.select(isInfinite(e, t), t, twice);
  return withSign(e, mul(e, finite, number(e, 0.5)), x);
}

function cosh(e: VectorEmitter, x: Vectors): Vectors {
  const t = exp2Narrow(e, mul(e, x, number(e, Math.LOG2E)));
  return mul(e, add(e, t, div(e, number(e, 1), t)), number(e, 0.5));
}

function asinh(e: VectorEmitter, x: Vectors): Vectors {
  const a = magnitude(e, x);
  const square = mul(e, a, a);
  const one = number(e, 1);
  const rest = div(e, square, add(e, one, sqrt(e, add(e, square, one))));
  return withSign(e, e.select(isInfinite(e, a), a, log1p(e, add(e, a, rest))), x);
}

function acosh(e: VectorEmitter, x: Vectors): Vectors {
  const t = sub(e, x, number(e, 1));
  const value = log1p(e, add(e, t, sqrt(e, mul(e, t, add(e, t, number(e, 2))))));
  return e.select(less(e, t, number(e, 0)), number(e, Number.NaN), value);
}

/** Half the logarithm of (1 + a) / (1 - a), which near 0 is the series of `LOG2`. */
function atanh(e: VectorEmitter, x: Vectors): Vectors {
  const a = magnitude(e, x);
  const one = number(e, 1);
  const near = mul(e, a, polynomial(e, LOG2, mul(e, a, a)));
  const far = log2Narrow(e, div(e, add(e, one, a), sub(e, one, a)));
  const computed = mul(e, e.select(less(e, a, number(e, 0.17)), near, far), number(e, Math.LN2 / 2));
  return withSign(e, undefinedAboveOne(e, a, computed), x);
}

/** atan(x) / x in x^2, for |x| <= 1. */
const ATAN = [
  0.999999999989, -0.333333329517, 0.199999783362, -0.142852256082, 0.111053067324, -0.0904917909372, 0.074952623781, -0.0602219638794,
  0.0436465894428, -0.0260059959776, 0.0114276332774, -0.00319542524074, 0.000419227860113,
];

const HALF_PI = Math.PI / 2;

/** The angle of (x, y) for x, y >= 0. */
function angle(e: VectorEmitter, y: Vectors, x: Vectors): Vectors {
  const swap = e.op2('f64x2.gt', y, x);
  const large = e.select(swap, y, x);
  const ratio = div(e, e.select(swap, x, y), large);
  // 0 / 0 is the angle 0, and the angle of (Infinity, Infinity) is half a right one.
  const one = number(e, 1);
  const known = e.select(equal(e, large, number(e, 0)), number(e, 0), e.select(both(e, isInfinite(e, x), isInfinite(e, y)), one, ratio));
  const t = mul(e, known, polynomial(e, ATAN, mul(e, known, known)));
  return e.select(swap, sub(e, number(e, HALF_PI), t), t);
}

function atan(e: VectorEmitter, x: Vectors): Vectors {
  return withSign(e, angle(e, magnitude(e, x), number(e, 1)), x);
}

function atan2(e: VectorEmitter, y: Vectors, x: Vectors): Vectors {
  const t = angle(e, magnitude(e, y), magnitude(e, x));
  const isLeft = e.op2('i64x2.lt_s', x, e.splat('i64x2', 0));
  const full = e.select(isLeft, sub(e, number(e, Math.PI), t), t);
  const isUndefined = either(e, e.op2('f64x2.ne', x, x), e.op2('f64x2.ne', y, y));
  return e.select(isUndefined, number(e, Number.NaN), withSign(e, full, y));
}

/** asin(x) / x in x^2, for |x| <= 1/2. */
const ASIN = [
  0.999999999986, 0.166666673642, 0.0749994190875, 0.0446611393087, 0.0301025068997, 0.0246508626606, 0.00740100723908, 0.0347484248081,
];

/** The angle of the sine |x| up to 1/2, and beyond half of the one that is left to a right angle, by the sine of that half. */
function halfAngle(e: VectorEmitter, x: Vectors): { isLarge: Vectors; t: Vectors } {
  const a = magnitude(e, x);
  const half = number(e, 0.5);
  const isLarge = e.op2('f64x2.gt', a, half);
  const square = e.select(isLarge, mul(e, sub(e, number(e, 1), a), half), mul(e, a, a));
  return { isLarge, t: mul(e, e.select(isLarge, sqrt(e, square), a), polynomial(e, ASIN, square)) };
}

function asin(e: VectorEmitter, x: Vectors): Vectors {
  const { isLarge, t } = halfAngle(e, x);
  return withSign(e, e.select(isLarge, sub(e, number(e, HALF_PI), add(e, t, t)), t), x);
}

function acos(e: VectorEmitter, x: Vectors): Vectors {
  const { isLarge, t } = halfAngle(e, x);
  const ofMagnitude = e.select(isLarge, add(e, t, t), sub(e, number(e, HALF_PI), t));
  return e.select(less(e, x, number(e, 0)), sub(e, number(e, Math.PI), ofMagnitude), ofMagnitude);
}

function undefinedAboveOne(e: VectorEmitter, a: Vectors, computed: Vectors): Vectors {
  return e.select(e.op2('f64x2.le', a, number(e, 1)), computed, number(e, Number.NaN));
}

function hypot(e: VectorEmitter, a: Vectors, b: Vectors): Vectors {
  const length = sqrt(e, add(e, mul(e, a, a), mul(e, b, b)));
  return e.select(either(e, isInfinite(e, a), isInfinite(e, b)), number(e, Infinity), length);
}

/** Quotients from here on leave no exact remainder in float64: those lanes are computed one by one. */
const LARGEST_QUOTIENT = 2 ** 28;

/** The truncated quotient of a and b, and the remainder with the sign of a. */
function divide(e: VectorEmitter, a: Vectors, b: Vectors): { quotient: Vectors; rest: Vectors } {
  const rounded = e.op1('f64x2.trunc', div(e, a, b));
  const rest = sub(e, a, mul(e, rounded, b));
  // The quotient may have been rounded up to an integer: then the remainder has the wrong sign.
  const isOver = less(e, mul(e, rest, a), number(e, 0));
  const step = withSign(e, number(e, 1), mul(e, a, b));
  const quotient = e.select(isOver, sub(e, rounded, step), rounded);
  const exact = e.select(isOver, add(e, rest, mul(e, step, b)), rest);
  const isBelow = both(e, isInfinite(e, b), e.op2('f64x2.lt', magnitude(e, a), number(e, Infinity)));
  return { quotient, rest: e.select(isBelow, a, withSign(e, exact, a)) };
}

function fmod(e: VectorEmitter, a: Vectors, b: Vectors): Vectors {
  return divide(e, a, b).rest;
}

/** Where a remainder is not 0 and has not the sign of the divisor. */
function disagrees(e: VectorEmitter, rest: Vectors, b: Vectors): Vectors {
  const zero = number(e, 0);
  return both(e, e.op2('f64x2.ne', rest, zero), e.op2('v128.xor', less(e, rest, zero), less(e, b, zero)));
}

function remainder(e: VectorEmitter, a: Vectors, b: Vectors): Vectors {
  const { rest } = divide(e, a, b);
  return e.select(disagrees(e, rest, b), add(e, rest, b), rest);
}

function floorDivide(e: VectorEmitter, a: Vectors, b: Vectors): Vectors {
  const { quotient, rest } = divide(e, a, b);
  const floored = e.select(disagrees(e, rest, b), sub(e, quotient, number(e, 1)), quotient);
  return e.select(equal(e, b, number(e, 0)), div(e, a, b), e.select(e.op2('f64x2.ne', rest, rest), rest, floored));
}

const unary =
  (rule: (e: VectorEmitter, x: Vectors) => Vectors): VectorRule =>
  (e, x) =>
    rule(e, x as Vectors);
const binary =
  (rule: (e: VectorEmitter, a: Vectors, b: Vectors) => Vectors): VectorRule =>
  (e, a, b) =>
    rule(e, a as Vectors, b as Vectors);

/** Functions of float32 in float64, by intrinsic. */
const wideFunctions: Record<string, VectorRule> = {
  tan: unary(tan),
  sinh: unary(sinh),
  cosh: unary(cosh),
  asinh: unary(asinh),
  acosh: unary(acosh),
  atanh: unary(atanh),
  asin: unary(asin),
  acos: unary(acos),
  atan: unary(atan),
  atan2: binary(atan2),
  pow: binary(pow),
  hypot: binary(hypot),
  fmod: binary(fmod),
  remainder: binary(remainder),
  floorDivide: binary(floorDivide),
};

const NEEDS_SMALL_QUOTIENT = new Set(['fmod', 'remainder', 'floorDivide']);

/** Applies a rule to vectors of float32, by halves. */
export function applyWide(e: VectorEmitter, intrinsic: Intrinsic, rule: VectorRule, operands: readonly Vectors[]): Vectors {
  const wide = operands.map((operand) => widen(e, operand));
  const width = Math.max(...wide.map((halves) => halves.length));
  const narrow = e.withWidth(width, () => {
    // An operand that is the same for all vectors has two halves, which are the same too.
    const halves = wide.map((own) => (own.length < width ? own.slice(0, 1) : own));
    const value = rule(e, ...halves);
    return e.op1(
      'f32x4.demote_f64x2_zero',
      NEEDS_SMALL_QUOTIENT.has(intrinsic.name) ? correctLargeQuotients(e, intrinsic, halves, value) : value,
    );
  });
  return joinLowHalves(e, narrow);
}

/** Replaces lanes whose quotient is large (and finite: an infinite one means a division by 0), which is rare. */
function correctLargeQuotients(e: VectorEmitter, intrinsic: Intrinsic, operands: readonly Vectors[], computed: Vectors): Vectors {
  const [a, b] = operands as [Vectors, Vectors];
  const quotient = magnitude(e, div(e, a, b));
  const isLarge = both(e, e.op2('f64x2.ge', quotient, number(e, LARGEST_QUOTIENT)), less(e, quotient, number(e, Infinity)));
  return callLanes(e, intrinsic, isLarge, operands, computed);
}

/** Replaces the lanes of a mask by what the function gives, one by one. */
function callLanes(e: VectorEmitter, intrinsic: Intrinsic, mask: Vectors, operands: readonly Vectors[], computed: Vectors): Vectors {
  return e.correctLanes('f64x2', mask, operands, computed, (own, lane) => {
    for (const operand of own) e.f.get(operand).lane('f64x2.extract_lane', lane);
    e.f.call(intrinsicImport(intrinsic));
  });
}

/** The rule of an intrinsic for float32: its own code, or an expression. */
export function wideRule(intrinsic: Intrinsic): VectorRule | undefined {
  const { name, narrow } = intrinsic;
  return narrow === null
    ? wideFunctions[name]
    : (e, x) => {
        const operands = [x as Vectors];
        const inner = e.within(operands);
        const [value, except] = narrow(arg(0));
        const computed = inner.value(value);
        return except === undefined ? computed : callLanes(e, intrinsic, inner.mask(except), operands, computed);
      };
}

/**
 * float32 functions computed in float64, two lanes at a time: nearly always rounded right, and safe from cancellation. Rules take and give
 * vectors of float64 whose values are float32; results are rounded by the caller.
 */
import type { Intrinsic } from '../../scalar/expr.ts';
import { intrinsicImport } from '../math-imports.ts';
import type { VectorEmitter, VectorRule, Vectors } from './emitter.ts';
import { joinLowHalves, widen } from './halves.ts';
import { add, div, log1p, magnitude, mul, number, polynomial, sub, tan, withSign } from './math-float64.ts';

const sqrt = (e: VectorEmitter, x: Vectors): Vectors => e.op1('f64x2.sqrt', x);
const less = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f64x2.lt', a, b);
const equal = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f64x2.eq', a, b);
const both = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('v128.and', a, b);
const either = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('v128.or', a, b);
const isInteger = (e: VectorEmitter, x: Vectors): Vectors => equal(e, e.op1('f64x2.trunc', x), x);
const isInfinite = (e: VectorEmitter, x: Vectors): Vectors => equal(e, magnitude(e, x), number(e, Infinity));

/** log2(1 + f) / s in s^2, for s = f / (2 + f) and 1 + f in [sqrt(1/2), sqrt(2)], to 4e-12. */
const LOG2 = [2.885390081790048, 0.9617966733682309, 0.5770835830070087, 0.41167268734376855, 0.3407329932424559];

/** 2^r for |r| <= 1/2, to 6e-11. */
const EXP2 = [
  0.9999999999595618, 0.6931471805568324, 0.24022651213498092, 0.055504109063258665, 0.009618025613318034, 0.0013333478473685416,
  0.00015469729214118296, 1.5303700711365693e-5,
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

/** sinh(x) / x in x^2, for |x| <= 1/2. */
const SINH = [0.9999999999155186, 0.16666667747951538, 0.008333117159188563, 0.00019979487837063834];

function sinh(e: VectorEmitter, x: Vectors): Vectors {
  const a = magnitude(e, x);
  const near = mul(e, a, polynomial(e, SINH, mul(e, a, a)));
  const t = exp2Narrow(e, mul(e, a, number(e, Math.LOG2E)));
  const far = mul(e, sub(e, t, div(e, number(e, 1), t)), number(e, 0.5));
  return withSign(e, e.select(less(e, a, number(e, 0.5)), near, far), x);
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

/** erf(x) / x in x^2, for |x| <= 1/2. */
const ERF = [
  1.1283791670824095, -0.37612638525650693, 0.11283774013179539, -0.026863143032249386, 0.005200413724335493, -0.0007694534279142308,
];

/** (1 + 2x) exp(x^2) erfc(x) in (x - 3.75) / (x + 3.75), for x in [1/2, 10.5]. */
const ERFCX = [
  1.2375126308230957, -0.14024059862378319, 0.0035854186964470714, 0.08227673539897025, -0.10880404310402307, 0.09230445651315064,
  -0.05869186476951203, 0.028360868555252935, -0.009756853292029443, 0.0017602206553292156, 0.00032885335041589356, -0.000288455281428336,
];

/** The squares of float32 numbers are exact. */
function erfc(e: VectorEmitter, x: Vectors): Vectors {
  const a = e.op2('f64x2.pmin', magnitude(e, x), number(e, 10.5));
  const square = mul(e, a, a);
  const power = exp2Narrow(e, mul(e, square, number(e, -Math.LOG2E)));
  const t = div(e, sub(e, a, number(e, 3.75)), add(e, a, number(e, 3.75)));
  const positive = div(e, mul(e, power, polynomial(e, ERFCX, t)), add(e, number(e, 1), add(e, a, a)));
  const far = e.select(less(e, x, number(e, 0)), sub(e, number(e, 2), positive), positive);
  const near = sub(e, number(e, 1), mul(e, x, polynomial(e, ERF, square)));
  return e.select(less(e, a, number(e, 0.5)), near, far);
}

/** atan(x) / x in x^2, for |x| <= 1. */
const ATAN = [
  0.9999999999887381, -0.3333333295165722, 0.19999978336217084, -0.1428522560816021, 0.11105306732424464, -0.09049179093720577,
  0.07495262378099696, -0.06022196387937433, 0.04364658944281667, -0.02600599597760862, 0.011427633277375594, -0.0031954252407363944,
  0.00041922786011272897,
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
  0.9999999999863537, 0.16666667364186447, 0.07499941908754719, 0.04466113930866896, 0.03010250689966149, 0.024650862660604088,
  0.0074010072390753795, 0.0347484248080839,
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
export const wideFunctions: Record<string, VectorRule> = {
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
  erfc: unary(erfc),
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
  return e.correctLanes('f64x2', isLarge, operands, computed, (own, lane) => {
    for (const operand of own) e.f.get(operand).lane('f64x2.extract_lane', lane);
    e.f.call(intrinsicImport(intrinsic));
  });
}

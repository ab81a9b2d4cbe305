/**
 * float32 functions in straight-line vector code, after the usual reductions (W. J. Cody and W. Waite, "Software Manual for the Elementary
 * Functions", 1980): exp by powers of two, log by the exponent's bits, sin and cos by quarters of the circle. The polynomials are interpolants made
 * by scripts/coefficients.py. docs/design/accuracy.md has the measured errors: at most 2 units in the last place.
 */
import { mathImport } from '../math-imports.ts';
import type { VectorEmitter, VectorRule, Vectors } from './emitter.ts';
import { joinLowHalves, widen } from './halves.ts';
import { polynomial as polynomialOf } from './polynomial.ts';

const add = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f32x4.add', a, b);
const sub = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f32x4.sub', a, b);
const mul = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f32x4.mul', a, b);
const div = (e: VectorEmitter, a: Vectors, b: Vectors): Vectors => e.op2('f32x4.div', a, b);
const float = (e: VectorEmitter, value: number): Vectors => e.splat('f32x4', value);
const int = (e: VectorEmitter, value: number): Vectors => e.splat('i32x4', value);

const polynomial = (e: VectorEmitter, coefficients: readonly number[], x: Vectors): Vectors => polynomialOf(e, 'f32x4', coefficients, x);

/** Adding this number (1.5 * 2^23) rounds a small float to an integer, which the low bits of the sum hold. */
const ROUNDER = 12582912;
const ROUNDER_BITS = 0x4b400000;

/** log(2) in two parts: the first has few bits, so that its small multiples are exact. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -0.00021219444005469057;

/** Keeps x in [low, high]; NaN stays. */
function clamp(e: VectorEmitter, x: Vectors, low: number, high: number): Vectors {
  return e.op2('f32x4.pmin', e.op2('f32x4.pmax', x, float(e, low)), float(e, high));
}

/** (exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2. */
const EXP = [0.5, 0.16666577, 0.041666555, 0.008363179, 0.0013926184];

/** x = n log(2) + r: gives n as bits with `ROUNDER_BITS` added, as a float, and r. */
function reduceByLn2(e: VectorEmitter, x: Vectors): { sum: Vectors; n: Vectors; r: Vectors } {
  const sum = add(e, mul(e, x, float(e, Math.LOG2E)), float(e, ROUNDER));
  const n = sub(e, sum, float(e, ROUNDER));
  const r = sub(e, sub(e, x, mul(e, n, float(e, LN2_HIGH))), mul(e, n, float(e, LN2_LOW)));
  return { sum, n, r };
}

/** exp(r) - 1 for small r. */
function expm1Reduced(e: VectorEmitter, r: Vectors): Vectors {
  return add(e, r, mul(e, mul(e, r, r), polynomial(e, EXP, r)));
}

/** p * 2^n in two steps, so that results near the limits of the range are rounded once and right. */
function scale(e: VectorEmitter, p: Vectors, sum: Vectors): Vectors {
  const n = e.op2('i32x4.sub', sum, int(e, ROUNDER_BITS));
  const half = e.shift('i32x4.shr_s', n, 1);
  const first = e.shift('i32x4.shl', e.op2('i32x4.add', half, int(e, 127)), 23);
  const second = e.shift('i32x4.shl', e.op2('i32x4.add', e.op2('i32x4.sub', n, half), int(e, 127)), 23);
  return mul(e, mul(e, p, first), second);
}

function exp(e: VectorEmitter, x: Vectors): Vectors {
  const { sum, r } = reduceByLn2(e, clamp(e, x, -104, 89));
  return scale(e, add(e, expm1Reduced(e, r), float(e, 1)), sum);
}

function exp2(e: VectorEmitter, x: Vectors): Vectors {
  const clamped = clamp(e, x, -151, 129);
  const sum = add(e, clamped, float(e, ROUNDER));
  const r = mul(e, sub(e, clamped, sub(e, sum, float(e, ROUNDER))), float(e, Math.LN2));
  return scale(e, add(e, expm1Reduced(e, r), float(e, 1)), sum);
}

/** exp(x) - 1 for x in [-17.5, 89]: 2 (s q + (s - 1/2)) with s = 2^(n-1) and q = exp(r) - 1, which is q itself for n = 0. */
function expm1InRange(e: VectorEmitter, x: Vectors): Vectors {
  const { sum, r } = reduceByLn2(e, x);
  const s = e.shift('i32x4.shl', e.op2('i32x4.sub', sum, int(e, ROUNDER_BITS - 126)), 23);
  const half = add(e, mul(e, s, expm1Reduced(e, r)), sub(e, s, float(e, 0.5)));
  return add(e, half, half);
}

/** `exact` for operands so small that the function is the identity to the last bit (and keeps the sign of 0), else `computed`. */
function unlessTiny(e: VectorEmitter, x: Vectors, computed: Vectors): Vectors {
  return e.select(e.op2('f32x4.lt', e.op1('f32x4.abs', x), float(e, 1e-10)), x, computed);
}

function expm1(e: VectorEmitter, x: Vectors): Vectors {
  return unlessTiny(e, x, expm1InRange(e, clamp(e, x, -17.5, 89)));
}

/** (tanh(x) - x) / x^3 in x^2, for |x| <= 0.625. */
const TANH = [-0.33333333, 0.13333304, -0.0539592596, 0.021768919, -0.0083439455, 0.0022927448];

/** A polynomial near 0, elsewhere 1 - 2 / (exp(2 |x|) + 1), under the sign of x. */
function tanh(e: VectorEmitter, x: Vectors): Vectors {
  const magnitude = e.op2('f32x4.pmin', e.op1('f32x4.abs', x), float(e, 9.5));
  const square = mul(e, magnitude, magnitude);
  const near = add(e, magnitude, mul(e, mul(e, magnitude, square), polynomial(e, TANH, square)));
  const { sum, r } = reduceByLn2(e, add(e, magnitude, magnitude));
  const power = e.shift('i32x4.shl', e.op2('i32x4.sub', sum, int(e, ROUNDER_BITS - 127)), 23);
  const one = float(e, 1);
  const denominator = add(e, mul(e, add(e, expm1Reduced(e, r), one), power), one);
  const far = sub(e, one, div(e, float(e, 2), denominator));
  return e.select(float(e, -0), x, e.select(e.op2('f32x4.lt', magnitude, float(e, 0.625)), near, far));
}

/** exp(x) for x up to 0: the power of two is made too large and taken back, so that results below the normal numbers are rounded once and right. */
function expBelowZero(e: VectorEmitter, x: Vectors): Vectors {
  const { sum, r } = reduceByLn2(e, e.op2('f32x4.pmax', x, float(e, -104)));
  const power = e.shift('i32x4.shl', e.op2('i32x4.sub', sum, int(e, ROUNDER_BITS - 127 - 32)), 23);
  return mul(e, mul(e, add(e, expm1Reduced(e, r), float(e, 1)), power), float(e, 2 ** -32));
}

/** 1 / (1 + t) or t / (1 + t) with t = exp(-|x|), which does not overflow. */
function sigmoid(e: VectorEmitter, x: Vectors): Vectors {
  const one = float(e, 1);
  const t = expBelowZero(e, e.op2('v128.or', x, float(e, -0)));
  return div(e, e.select(e.op2('f32x4.lt', x, float(e, 0)), t, one), add(e, one, t));
}

/** erf(x) / x - 1 in x^2, for |x| <= 1. */
const ERF = [0.12837917, -0.37612627, 0.112835947, -0.026854212, 0.0051890874, -0.00080168643, 0.00007875875];

/** erfc(x) in (x - ERFC_CENTER) / ERFC_RADIUS, for x in [1, 3.93]. */
const ERFC = [
  0.00049023424, -0.0037967196, 0.01371122, -0.03029758, 0.04488897, -0.04528917, 0.0288798165, -0.0068642228, -0.0072795484, 0.0092109784,
  -0.0034937106, -0.001592886, 0.00167730327, -0.000019996927, -0.00022466833,
];
const ERFC_CENTER = 2.465;
const ERFC_RADIUS = 1.465;

function erf(e: VectorEmitter, x: Vectors): Vectors {
  const magnitude = e.op2('f32x4.pmin', e.op1('f32x4.abs', x), float(e, ERFC_CENTER + ERFC_RADIUS));
  const near = add(e, magnitude, mul(e, magnitude, polynomial(e, ERF, mul(e, magnitude, magnitude))));
  const t = mul(e, sub(e, magnitude, float(e, ERFC_CENTER)), float(e, 1 / ERFC_RADIUS));
  const far = sub(e, float(e, 1), polynomial(e, ERFC, t));
  return e.select(float(e, -0), x, e.select(e.op2('f32x4.lt', magnitude, float(e, 1)), near, far));
}

/** The normal distribution function less 1/2, over x, in x^2 as a quotient, for |x| <= 5.6: to 1e-8, and at the end 1e-7 too much. */
const NORMAL_NUMERATOR = [0.39894222, 0.03437114, 0.0047070193, 0.00017380319, 0.000006356773, 2.2155945e-8];
const NORMAL_DENOMINATOR = [1, 0.2528214, 0.028937404, 0.0019127284, 0.00007508865, 0.0000011805066];

/** What is too much at the end makes the bounds of 0 and 1 exact. */
function normalCdf(e: VectorEmitter, operand: Vectors): Vectors {
  const x = clamp(e, operand, -5.6, 5.6);
  const square = mul(e, x, x);
  const quotient = div(e, mul(e, x, polynomial(e, NORMAL_NUMERATOR, square)), polynomial(e, NORMAL_DENOMINATOR, square));
  return add(e, clamp(e, quotient, -0.5, 0.5), float(e, 0.5));
}

/** (log(1 + f) - f + f^2 / 2) / f^3 for 1 + f in [sqrt(1/2), sqrt(2)]. */
const LOG = [0.3333333, -0.24999997, 0.20000716, -0.16667802, 0.14249058, -0.12425687, 0.1168542, -0.11479734, 0.069716115];

const ROOT_HALF_BITS = 0x3f3504f3;
const SMALLEST_NORMAL = 2 ** -126;

/** x = 2^k (1 + f): gives k as a float, and f. */
function reduceByExponent(e: VectorEmitter, x: Vectors): { k: Vectors; f: Vectors } {
  const isSmall = e.op2('f32x4.lt', x, float(e, SMALLEST_NORMAL));
  const bits = e.select(isSmall, mul(e, x, float(e, 2 ** 23)), x);
  const exponent = e.shift('i32x4.shr_s', e.op2('i32x4.sub', bits, int(e, ROOT_HALF_BITS)), 23);
  const significand = e.op2('i32x4.sub', bits, e.shift('i32x4.shl', exponent, 23));
  const k = e.op2('i32x4.sub', exponent, e.op2('v128.and', isSmall, int(e, 23)));
  return { k: e.op1('f32x4.convert_i32x4_s', k), f: sub(e, significand, float(e, 1)) };
}

/** log(1 + f) - f, for the range of `reduceByExponent`. */
function logTail(e: VectorEmitter, f: Vectors): Vectors {
  const square = mul(e, f, f);
  const cubic = mul(e, mul(e, square, f), polynomial(e, LOG, f));
  return sub(e, cubic, mul(e, square, float(e, 0.5)));
}

/** Gives the function's limits where the reduction means nothing: -Infinity at 0, NaN below, x itself at Infinity and NaN. */
function logLimits(e: VectorEmitter, x: Vectors, computed: Vectors): Vectors {
  const positive = e.select(e.op2('f32x4.lt', x, float(e, Infinity)), computed, x);
  const atZero = e.select(e.op2('f32x4.eq', x, float(e, 0)), float(e, -Infinity), positive);
  return e.select(e.op2('f32x4.lt', x, float(e, 0)), float(e, Number.NaN), atZero);
}

function logOfPositive(e: VectorEmitter, x: Vectors): Vectors {
  const { k, f } = reduceByExponent(e, x);
  const tail = add(e, logTail(e, f), mul(e, k, float(e, LN2_LOW)));
  return add(e, add(e, f, tail), mul(e, k, float(e, LN2_HIGH)));
}

function log(e: VectorEmitter, x: Vectors): Vectors {
  return logLimits(e, x, logOfPositive(e, x));
}

/** A logarithm to another base: log(1 + f) times `high + low`, plus k times the logarithm of 2 in two parts. */
function logToBase(factor: number, twoHigh: number, twoLow: number): VectorRule {
  // The leading product is exact: f times few bits, after f itself was cut to few bits.
  const high = Math.fround(Math.round(factor * 2 ** 10) / 2 ** 10);
  const low = factor - high;
  return (e, x) => {
    const { k, f } = reduceByExponent(e, x as Vectors);
    const head = e.op2('v128.and', f, int(e, -4096));
    const rest = add(e, sub(e, f, head), logTail(e, f));
    const small = add(e, add(e, mul(e, rest, float(e, factor)), mul(e, head, float(e, low))), mul(e, k, float(e, twoLow)));
    const sum = add(e, add(e, small, mul(e, head, float(e, high))), mul(e, k, float(e, twoHigh)));
    return logLimits(e, x as Vectors, sum);
  };
}

const LOG10_OF_2_HIGH = 0.30102539062;

/** log(u) + c / u with u = 1 + x rounded, and c what the rounding took away. */
function log1p(e: VectorEmitter, x: Vectors): Vectors {
  const one = float(e, 1);
  const u = add(e, x, one);
  const isLarge = e.op2('f32x4.ge', e.op1('f32x4.abs', x), float(e, 1));
  // The rounding error of the sum, after Dekker (1971): small operand minus what of it arrived.
  const lost = e.select(isLarge, sub(e, one, sub(e, u, x)), sub(e, x, sub(e, u, one)));
  const computed = add(e, logOfPositive(e, u), div(e, lost, u));
  return unlessTiny(e, x, logLimits(e, u, computed));
}

/** max(x, 0) + log(1 + t) with t = exp(-|x|), for which 1 + t lies between 1 and 2: above the root of 2, half of it is 1 + (t - 1) / 2. */
function softplus(e: VectorEmitter, x: Vectors): Vectors {
  const t = expBelowZero(e, e.op2('v128.or', x, float(e, -0)));
  const isLarge = e.op2('f32x4.gt', t, float(e, Math.SQRT2 - 1));
  const f = e.select(isLarge, mul(e, sub(e, t, float(e, 1)), float(e, 0.5)), t);
  const tail = add(e, logTail(e, f), e.op2('v128.and', isLarge, float(e, LN2_LOW)));
  const sum = add(e, add(e, f, tail), e.op2('v128.and', isLarge, float(e, LN2_HIGH)));
  return add(e, e.op2('f32x4.pmax', x, float(e, 0)), sum);
}

/** (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 in r^2, for |r| <= pi / 4. */
const SIN = [-0.166666647, 0.008332748, -0.0001958789];
const COS = [0.041666665, -0.0013888303, 0.000024547942];

/** pi / 2 in two parts; multiples of the first by integers of 20 bits are exact in float64. */
const HALF_PI_HIGH = 1.5707963267341256;
const HALF_PI_LOW = 6.077100506506192e-11;

/** Up to here the reduction is good to all bits of float32; beyond, each lane is computed in float64. */
const LARGEST_REDUCED = 2 ** 20;

/** x = k pi / 2 + r: k as integers, and r rounded from float64. */
function reduceByQuarter(e: VectorEmitter, x: Vectors): { k: Vectors; r: Vectors } {
  const widened = widen(e, x);
  const { k, r } = e.withWidth(widened.length, () => {
    const quarter = e.op1('f64x2.nearest', e.op2('f64x2.mul', widened, e.splat('f64x2', 2 / Math.PI)));
    const high = e.op2('f64x2.sub', widened, e.op2('f64x2.mul', quarter, e.splat('f64x2', HALF_PI_HIGH)));
    const rest = e.op2('f64x2.sub', high, e.op2('f64x2.mul', quarter, e.splat('f64x2', HALF_PI_LOW)));
    return { k: e.op1('i32x4.trunc_sat_f64x2_s_zero', quarter), r: e.op1('f32x4.demote_f64x2_zero', rest) };
  });
  return { k: joinLowHalves(e, k), r: joinLowHalves(e, r) };
}

/** sin, or cos, which is sin a quarter later. */
function circular(name: 'sin' | 'cos'): VectorRule {
  return (e, operand) => {
    const x = operand as Vectors;
    const { k, r } = reduceByQuarter(e, x);
    const quarter = name === 'sin' ? k : e.op2('i32x4.add', k, int(e, 1));
    const square = mul(e, r, r);
    const sine = add(e, r, mul(e, mul(e, square, r), polynomial(e, SIN, square)));
    const fourth = mul(e, mul(e, square, square), polynomial(e, COS, square));
    const cosine = add(e, sub(e, float(e, 1), mul(e, square, float(e, 0.5))), fourth);
    const odd = e.op2('i32x4.eq', e.op2('v128.and', quarter, int(e, 1)), int(e, 1));
    const sign = e.shift('i32x4.shl', e.op2('v128.and', quarter, int(e, 2)), 30);
    const computed = e.op2('v128.xor', e.select(odd, cosine, sine), sign);
    return circularOfLarge(e, name, x, name === 'sin' ? unlessTiny(e, x, computed) : computed);
  };
}

/** Replaces the lanes with large operands, which are rare, by calls in float64. */
function circularOfLarge(e: VectorEmitter, name: 'sin' | 'cos', x: Vectors, computed: Vectors): Vectors {
  const isLarge = e.op2('f32x4.gt', e.op1('f32x4.abs', x), float(e, LARGEST_REDUCED));
  return e.correctLanes('f32x4', isLarge, [x], computed, ([operand], lane) => {
    e.f
      .get(operand as number)
      .lane('f32x4.extract_lane', lane)
      .op('f64.promote_f32')
      .call(mathImport(name, 1))
      .op('f32.demote_f64');
  });
}

/** The neighbour of a toward b: its bits plus or minus one. */
const nextafter: VectorRule = (e, first, second) => {
  const [a, b] = [first as Vectors, second as Vectors];
  const grows = e.op2('v128.xor', e.op2('f32x4.gt', b, a), e.op2('f32x4.lt', a, float(e, 0)));
  const neighbour = e.op2('i32x4.add', a, e.select(grows, int(e, 1), int(e, -1)));
  const fromZero = e.op2('v128.or', e.op2('v128.and', b, float(e, -0)), int(e, 1));
  const moved = e.select(e.op2('f32x4.eq', a, float(e, 0)), fromZero, neighbour);
  // Where a is b there is nothing to do, and where they cannot be compared the sum is NaN.
  const ordered = e.op2('v128.or', e.op2('f32x4.lt', a, b), e.op2('f32x4.gt', a, b));
  return e.select(ordered, moved, e.select(e.op2('f32x4.eq', a, b), b, add(e, a, b)));
};

const unary =
  (rule: (e: VectorEmitter, x: Vectors) => Vectors): VectorRule =>
  (e, x) =>
    rule(e, x as Vectors);

/** The functions that float32 has vector code for, by intrinsic. */
export const float32Functions: Record<string, VectorRule> = {
  exp: unary(exp),
  exp2: unary(exp2),
  expm1: unary(expm1),
  tanh: unary(tanh),
  sigmoid: unary(sigmoid),
  softplus: unary(softplus),
  erf: unary(erf),
  normalCdf: unary(normalCdf),
  log: unary(log),
  log2: logToBase(Math.LOG2E, 1, 0),
  log10: logToBase(Math.LOG10E, LOG10_OF_2_HIGH, Math.log10(2) - LOG10_OF_2_HIGH),
  log1p: unary(log1p),
  sin: circular('sin'),
  cos: circular('cos'),
  nextafter,
};

/** Intrinsics on vectors of floats. */
import type { Intrinsic } from '../../scalar/expr.ts';
import { intrinsicImport, mathImport } from '../math-imports.ts';
import type { ImportedFunction } from '../wasm/encoder.ts';
import type { VectorEmitter, VectorRule, Vectors } from './emitter.ts';
import { float32Functions } from './math-float32.ts';
import { float64Functions } from './math-float64.ts';
import { applyWide, wideRule } from './math-wide.ts';

type FloatShape = 'f32x4' | 'f64x2';

function signBits(e: VectorEmitter): Vectors {
  return e.number(-0);
}

/** The larger or smaller one by `choose` (which gives its first operand for NaN and ties), NaN in either operand winning. */
function extremum(shape: FloatShape, choose: 'pmax' | 'pmin'): VectorRule {
  return (e, a, b) => e.select(e.op2(`${shape}.ne`, b, b), b, e.op2(`${shape}.${choose}`, a, b));
}

/** The same with a number winning over NaN. */
function extremumOfNumbers(shape: FloatShape, choose: 'pmax' | 'pmin'): VectorRule {
  return (e, a, b) => e.select(e.op2(`${shape}.ne`, a, a), b, e.op2(`${shape}.${choose}`, a, b));
}

function sign(shape: FloatShape): VectorRule {
  return (e, a) => {
    const zero = e.number(0);
    const one = e.number(1);
    const positive = e.op2('v128.and', e.op2(`${shape}.gt`, a, zero), one);
    return e.op2(`${shape}.sub`, positive, e.op2('v128.and', e.op2(`${shape}.lt`, a, zero), one));
  };
}

const unaryOf =
  (name: Parameters<VectorEmitter['op1']>[0]): VectorRule =>
  (e, a) =>
    e.op1(name, a as Vectors);
const binaryOf =
  (name: Parameters<VectorEmitter['op2']>[0]): VectorRule =>
  (e, a, b) =>
    e.op2(name, a as Vectors, b as Vectors);

function commonRules(shape: FloatShape): Record<string, VectorRule> {
  return {
    neg: unaryOf(`${shape}.neg`),
    abs: unaryOf(`${shape}.abs`),
    sqrt: unaryOf(`${shape}.sqrt`),
    floor: unaryOf(`${shape}.floor`),
    ceil: unaryOf(`${shape}.ceil`),
    trunc: unaryOf(`${shape}.trunc`),
    round: unaryOf(`${shape}.nearest`),
    add: binaryOf(`${shape}.add`),
    sub: binaryOf(`${shape}.sub`),
    mul: binaryOf(`${shape}.mul`),
    div: binaryOf(`${shape}.div`),
    max: extremum(shape, 'pmax'),
    min: extremum(shape, 'pmin'),
    fmax: extremumOfNumbers(shape, 'pmax'),
    fmin: extremumOfNumbers(shape, 'pmin'),
    sign: sign(shape),
    reciprocal: (e, a) => e.op2(`${shape}.div`, e.number(1), a as Vectors),
    rsqrt: (e, a) => e.op2(`${shape}.div`, e.number(1), e.op1(`${shape}.sqrt`, a as Vectors)),
    copysign: (e, a, b) => e.select(signBits(e), b as Vectors, a as Vectors),
  };
}

const RULES: Record<FloatShape, Record<string, VectorRule>> = {
  f32x4: { ...commonRules('f32x4'), ...float32Functions },
  f64x2: { ...commonRules('f64x2'), ...float64Functions },
};

/** The rules for values in a float shape, by intrinsic. */
export function floatValues(shape: FloatShape): Record<string, VectorRule> {
  return RULES[shape];
}

function comparison(operation: 'lt' | 'le' | 'gt' | 'ge' | 'eq' | 'ne'): VectorRule {
  return (e, a, b) => e.op2(`${e.shape as FloatShape}.${operation}`, a as Vectors, b as Vectors);
}

const magnitude = (e: VectorEmitter, a: Vectors): Vectors => e.op1(`${e.shape}.abs`, a);

/** The rules for masks in either float shape, by intrinsic. */
export const FLOAT_MASKS: Record<string, VectorRule> = {
  lt: comparison('lt'),
  le: comparison('le'),
  gt: comparison('gt'),
  ge: comparison('ge'),
  eq: comparison('eq'),
  ne: comparison('ne'),
  isnan: (e, a) => e.op2(`${e.shape}.ne`, a as Vectors, a as Vectors),
  isinf: (e, a) => e.op2(`${e.shape}.eq`, magnitude(e, a as Vectors), e.number(Infinity)),
  isfinite: (e, a) => e.op2(`${e.shape as FloatShape}.lt`, magnitude(e, a as Vectors), e.number(Infinity)),
  signbit: (e, a) => e.shift(`${e.maskShape}.shr_s`, a as Vectors, e.shape === 'f32x4' ? 31 : 63),
};

/** `Math.pow` where the engine's own function serves; what ECMAScript defines otherwise than C is corrected around the call. */
function importFor(intrinsic: Intrinsic): ImportedFunction {
  return intrinsic.name === 'pow' ? mathImport('pow', 2) : intrinsicImport(intrinsic);
}

/** Computes an intrinsic that the compute dtype has no rule for: in wider vectors, or else lane by lane by its float64 function. */
export function floatFallback(e: VectorEmitter, intrinsic: Intrinsic, operands: readonly Vectors[]): Vectors {
  const { f } = e;
  const wide = e.shape === 'f32x4' ? wideRule(intrinsic) : undefined;
  if (wide !== undefined) return applyWide(e, intrinsic, wide, operands);
  const target = importFor(intrinsic);
  const shape = e.shape as FloatShape;
  const result = e.each(operands, (own) => {
    f.f64(0).op('f64x2.splat');
    for (let lane = 0; lane < e.lanes; lane++) {
      for (const operand of own) {
        f.get(operand).lane(`${shape}.extract_lane`, lane);
        if (shape === 'f32x4') f.op('f64.promote_f32');
      }
      f.call(target);
      if (shape === 'f32x4') f.op('f32.demote_f64');
      f.lane(`${shape}.replace_lane`, lane);
    }
  });
  return intrinsic.name === 'pow' ? correctPower(e, operands, result) : result;
}

/** C's pow is 1 for a base of 1, and for a base of -1 with an infinite exponent, where ECMAScript's is NaN. */
function correctPower(e: VectorEmitter, operands: readonly Vectors[], power: Vectors): Vectors {
  const [base, exponent] = operands as [Vectors, Vectors];
  const shape = e.shape as FloatShape;
  const one = e.number(1);
  const isOne = e.op2(`${shape}.eq`, base, one);
  const isMinusOne = e.op2(`${shape}.eq`, base, e.number(-1));
  const isInfinite = e.op2(`${shape}.eq`, e.op1(`${shape}.abs`, exponent), e.number(Infinity));
  return e.select(e.op2('v128.or', isOne, e.op2('v128.and', isMinusOne, isInfinite)), one, power);
}

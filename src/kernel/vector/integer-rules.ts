/** Intrinsics on vectors of integers and of bool (bytes of 0 or 1). */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import type { Intrinsic } from '../../scalar/expr.ts';
import { intrinsicImport } from '../math-imports.ts';
import type { Instruction, Local } from '../wasm/encoder.ts';
import type { VectorEmitter, VectorRule, Vectors } from './emitter.ts';
import { laneRules } from './lane-rules.ts';
import { LANE_TYPE, type VectorShape } from './shape.ts';

type IntegerShape = 'i32x4' | 'i64x2' | 'i16x8' | 'i8x16';

const identity: VectorRule = (_, a) => a as Vectors;

function op1(name: Instruction): VectorRule {
  return (e, a) => e.op1(name, a as Vectors);
}

function op2(name: Instruction): VectorRule {
  return (e, a, b) => e.op2(name, a as Vectors, b as Vectors);
}

/** There is no product of bytes: 16-bit products, of which the low bytes are kept. */
const multiplyBytes: VectorRule = (e, a, b) => {
  const mask = e.splat('i16x8', 255);
  const low = e.op2('v128.and', e.op2('i16x8.extmul_low_i8x16_u', a as Vectors, b as Vectors), mask);
  const high = e.op2('v128.and', e.op2('i16x8.extmul_high_i8x16_u', a as Vectors, b as Vectors), mask);
  return e.op2('i8x16.narrow_i16x8_u', low, high);
};

function extremum(shape: IntegerShape, kind: 'max' | 'min', signed: boolean): VectorRule {
  if (shape !== 'i64x2') return op2(`${shape}.${kind}_${signed ? 's' : 'u'}`);
  return (e, a, b) => e.select(e.op2(kind === 'max' ? 'i64x2.gt_s' : 'i64x2.lt_s', a as Vectors, b as Vectors), a as Vectors, b as Vectors);
}

/** Masks are -1 where set: (a < 0) - (a > 0). */
function sign(shape: IntegerShape, signed: boolean): VectorRule {
  if (!signed) return (e, a) => e.op2('i8x16.min_u', a as Vectors, e.number(1));
  return (e, a) => {
    const zero = e.number(0);
    return e.op2(`${shape}.sub`, e.op2(`${shape}.lt_s`, a as Vectors, zero), e.op2(`${shape}.gt_s`, a as Vectors, zero));
  };
}

function makeRules(shape: IntegerShape, signed: boolean): Record<string, VectorRule> {
  return {
    neg: op1(`${shape}.neg`),
    abs: signed ? op1(`${shape}.abs`) : identity,
    add: op2(`${shape}.add`),
    sub: op2(`${shape}.sub`),
    mul: shape === 'i8x16' ? multiplyBytes : op2(`${shape}.mul`),
    max: extremum(shape, 'max', signed),
    min: extremum(shape, 'min', signed),
    fmax: extremum(shape, 'max', signed),
    fmin: extremum(shape, 'min', signed),
    sign: sign(shape, signed),
    floor: identity,
    ceil: identity,
    trunc: identity,
    round: identity,
    bitAnd: op2('v128.and'),
    bitOr: op2('v128.or'),
    bitXor: op2('v128.xor'),
    bitNot: op1('v128.not'),
  };
}

/** After arithmetic on bool, what is not 0 is 1 again. */
function toBool(rule: VectorRule): VectorRule {
  return (e, ...operands) => e.op2('i8x16.min_u', rule(e, ...operands), e.number(1));
}

const bytes = makeRules('i8x16', false);
const boolRules: Record<string, VectorRule> = {
  ...bytes,
  neg: toBool(bytes.neg as VectorRule),
  add: toBool(bytes.add as VectorRule),
  sub: toBool(bytes.sub as VectorRule),
  mul: op2('v128.and'),
  bitNot: (e, a) => e.op2('v128.xor', a as Vectors, e.number(1)),
};

const RULES = new Map<string, Record<string, VectorRule>>([
  ['int64', makeRules('i64x2', true)],
  ['int32', makeRules('i32x4', true)],
  ['int16', makeRules('i16x8', true)],
  ['int8', makeRules('i8x16', true)],
  ['uint8', bytes],
  ['bool', boolRules],
]);

/** The rules for values of an integer dtype or bool, by intrinsic. */
export function integerValues(type: DTypeInfo, _shape: VectorShape): Record<string, VectorRule> {
  return RULES.get(type.name) as Record<string, VectorRule>;
}

function comparison(operation: 'lt' | 'le' | 'gt' | 'ge'): VectorRule {
  return (e, a, b) => {
    const shape = e.shape as Exclude<IntegerShape, 'i64x2'>;
    return e.op2(e.type.isSigned ? `${e.shape as IntegerShape}.${operation}_s` : `${shape}.${operation}_u`, a as Vectors, b as Vectors);
  };
}

const nowhere: VectorRule = (e) => e.splat('i32x4', 0);
const everywhere: VectorRule = (e) => e.splat('i32x4', -1);

/** The rules for masks in every integer shape, by intrinsic. */
export const INTEGER_MASKS: Record<string, VectorRule> = {
  lt: comparison('lt'),
  le: comparison('le'),
  gt: comparison('gt'),
  ge: comparison('ge'),
  eq: (e, a, b) => e.op2(`${e.shape}.eq`, a as Vectors, b as Vectors),
  ne: (e, a, b) => e.op2(`${e.shape}.ne`, a as Vectors, b as Vectors),
  isnan: nowhere,
  isinf: nowhere,
  isfinite: everywhere,
  signbit: (e, a) => (e.type.isSigned ? e.op2(`${e.shape as IntegerShape}.lt_s`, a as Vectors, e.number(0)) : e.splat('i32x4', 0)),
};

function extractLane(e: VectorEmitter, vector: Local, lane: number): void {
  const { f, shape } = e;
  f.get(vector);
  if (shape === 'i32x4' || shape === 'i64x2') f.lane(`${shape}.extract_lane`, lane);
  else f.lane(`${shape as 'i16x8' | 'i8x16'}.extract_lane_${e.type.isSigned ? 's' : 'u'}`, lane);
}

/** Computes lane by lane: in integers where the intrinsic has a rule for them, else through float64. */
export function integerFallback(e: VectorEmitter, intrinsic: Intrinsic, operands: readonly Vectors[]): Vectors {
  const { f } = e;
  const scalar = LANE_TYPE[e.shape] as 'i32' | 'i64';
  const rule = laneRules[intrinsic.name];
  const lanes = operands.map(() => f.local(scalar));
  const result = e.each(operands, (own) => {
    f.i32x4(0);
    for (let lane = 0; lane < e.lanes; lane++) {
      own.forEach((operand, i) => {
        extractLane(e, operand, lane);
        f.set(lanes[i] as Local);
      });
      if (rule !== undefined) rule(f, scalar, lanes[0] as Local, lanes[1] ?? 0);
      else {
        for (const local of lanes) f.get(local).op(`f64.convert_${scalar}_s`);
        f.call(intrinsicImport(intrinsic)).op(`${scalar}.trunc_sat_f64_s`);
      }
      f.lane(`${e.shape as IntegerShape}.replace_lane`, lane);
    }
  });
  return e.type.kind === 'bool' ? e.op2('i8x16.min_u', result, e.number(1)) : result;
}

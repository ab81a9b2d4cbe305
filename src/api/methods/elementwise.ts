/** Methods that work element by element. Each is the function of its name, with the tensor as the first argument. */
import type { DType } from '../../dtype/dtype.ts';
import type { FloatDType, NumericDType, RealDType, RealNumericDType, WholeDType } from '../../dtype/types.ts';
import type { CloseOptions } from '../../ops/comparison.ts';
import type { AlphaOptions, InplaceOptions, ShrinkOptions } from '../../ops/nn/activation.ts';
import type { RoundOptions } from '../../ops/rounding.ts';
import type { NanToNumOptions, ValueOptions } from '../../ops/selection.ts';
import type {
  AddProductMethod,
  BinaryFloatMethod,
  BinaryPromoteMethod,
  BinarySameDTypeMethod,
  BinaryTensorsFloatMethod,
  BinaryTensorsMethod,
  BinaryToMethod,
  ClampMethod,
  CloseElementsMethod,
  ClosenessMethod,
  ComparisonMethod,
  EqualMethod,
  FrexpMethod,
  LdexpMethod,
  LerpMethod,
  PreluMethod,
  QuotientMethod,
  TensorComparisonMethod,
  UnaryBoolMethod,
  UnaryFloatMethod,
  UnaryRealMethod,
  UnarySameMethod,
  UnarySquareMethod,
  WhereMethod,
} from '../../ops/types.ts';

/** Of one tensor. */
export interface UnaryMethods {
  abs: UnaryRealMethod<NumericDType>;
  absolute: UnaryRealMethod<NumericDType>;
  acos: UnaryFloatMethod;
  acosh: UnaryFloatMethod;
  angle: UnaryFloatMethod<RealDType>;
  arccos: UnaryFloatMethod;
  arccosh: UnaryFloatMethod;
  arcsin: UnaryFloatMethod;
  arcsinh: UnaryFloatMethod;
  arctan: UnaryFloatMethod;
  arctanh: UnaryFloatMethod;
  asin: UnaryFloatMethod;
  asinh: UnaryFloatMethod;
  atan: UnaryFloatMethod;
  atanh: UnaryFloatMethod;
  bitwiseNot: UnarySameMethod<WholeDType>;
  ceil: UnarySameMethod<RealNumericDType>;
  conj: UnarySameMethod;
  conjPhysical: UnarySameMethod;
  cos: UnaryFloatMethod;
  cosh: UnaryFloatMethod;
  deg2rad: UnaryFloatMethod<RealDType>;
  digamma: UnaryFloatMethod<RealDType>;
  erf: UnaryFloatMethod<RealDType>;
  erfc: UnaryFloatMethod<RealDType>;
  erfinv: UnaryFloatMethod<RealDType>;
  exp: UnaryFloatMethod;
  exp2: UnaryFloatMethod;
  expm1: UnaryFloatMethod;
  fix: UnarySameMethod<RealNumericDType>;
  floor: UnarySameMethod<RealNumericDType>;
  frac: UnarySameMethod<FloatDType>;
  frexp: FrexpMethod<FloatDType>;
  hardshrink: UnarySameMethod<RealNumericDType, [options?: ShrinkOptions]>;
  isfinite: UnaryBoolMethod;
  isinf: UnaryBoolMethod;
  isnan: UnaryBoolMethod;
  isneginf: UnaryBoolMethod<RealDType>;
  isposinf: UnaryBoolMethod<RealDType>;
  isreal: UnaryBoolMethod;
  lgamma: UnaryFloatMethod<RealDType>;
  log: UnaryFloatMethod;
  log10: UnaryFloatMethod;
  log1p: UnaryFloatMethod;
  log2: UnaryFloatMethod;
  logicalNot: UnaryBoolMethod;
  logit: UnaryFloatMethod<RealDType, [eps?: number | null]>;
  mvlgamma: UnaryFloatMethod<RealDType, [p: number]>;
  nanToNum: UnarySameMethod<RealDType, [options?: NanToNumOptions]>;
  neg: UnarySameMethod<NumericDType>;
  negative: UnarySameMethod<NumericDType>;
  polygamma: UnaryFloatMethod<RealDType, [n: number]>;
  positive: UnarySameMethod<NumericDType>;
  prelu: PreluMethod;
  rad2deg: UnaryFloatMethod<RealDType>;
  reciprocal: UnaryFloatMethod;
  relu: UnarySameMethod<RealNumericDType, [options?: InplaceOptions]>;
  resolveConj: UnarySameMethod;
  resolveNeg: UnarySameMethod;
  round: UnarySameMethod<RealNumericDType, [options?: RoundOptions]>;
  rsqrt: UnaryFloatMethod;
  sgn: UnarySameMethod<RealDType>;
  sigmoid: UnaryFloatMethod;
  sign: UnarySameMethod<RealDType>;
  signbit: UnaryBoolMethod<RealDType>;
  sin: UnaryFloatMethod;
  sinc: UnaryFloatMethod;
  sinh: UnaryFloatMethod;
  sqrt: UnaryFloatMethod;
  square: UnarySquareMethod;
  tan: UnaryFloatMethod;
  tanh: UnaryFloatMethod;
  trunc: UnarySameMethod<RealNumericDType>;
}

/** Of two operands, which broadcast. */
export interface BinaryMethods {
  add: BinaryPromoteMethod<'add', DType, [options?: AlphaOptions]>;
  arctan2: BinaryTensorsFloatMethod<'arctan2', RealDType>;
  atan2: BinaryTensorsFloatMethod<'atan2', RealDType>;
  bitwiseAnd: BinaryPromoteMethod<'bitwiseAnd', WholeDType>;
  bitwiseLeftShift: BinaryPromoteMethod<'bitwiseLeftShift', WholeDType>;
  bitwiseOr: BinaryPromoteMethod<'bitwiseOr', WholeDType>;
  bitwiseRightShift: BinaryPromoteMethod<'bitwiseRightShift', WholeDType>;
  bitwiseXor: BinaryPromoteMethod<'bitwiseXor', WholeDType>;
  clampMax: BinaryPromoteMethod<'clampMax', RealDType>;
  clampMin: BinaryPromoteMethod<'clampMin', RealDType>;
  copysign: BinaryFloatMethod<'copysign', RealDType>;
  div: QuotientMethod<'div'>;
  divide: QuotientMethod<'divide'>;
  floatPower: BinaryToMethod<'float64', 'floatPower', RealDType>;
  floorDivide: BinaryPromoteMethod<'floorDivide', RealDType>;
  fmax: BinaryTensorsMethod<'fmax', RealDType>;
  fmin: BinaryTensorsMethod<'fmin', RealDType>;
  fmod: BinaryPromoteMethod<'fmod', RealDType>;
  gcd: BinaryTensorsMethod<'gcd', WholeDType>;
  heaviside: BinarySameDTypeMethod<'heaviside', RealDType>;
  hypot: BinaryTensorsMethod<'hypot', RealDType>;
  lcm: BinaryTensorsMethod<'lcm', WholeDType>;
  ldexp: LdexpMethod;
  logaddexp: BinaryTensorsMethod<'logaddexp', RealDType>;
  logaddexp2: BinaryTensorsMethod<'logaddexp2', RealDType>;
  maximum: BinaryTensorsMethod<'maximum', RealDType>;
  minimum: BinaryTensorsMethod<'minimum', RealDType>;
  mul: BinaryPromoteMethod<'mul'>;
  multiply: BinaryPromoteMethod<'multiply'>;
  nextafter: BinaryTensorsMethod<'nextafter', RealDType>;
  pow: BinaryPromoteMethod<'pow'>;
  remainder: BinaryPromoteMethod<'remainder', RealDType>;
  rsub: BinaryPromoteMethod<'rsub', NumericDType, [options?: AlphaOptions]>;
  sub: BinaryPromoteMethod<'sub', NumericDType, [options?: AlphaOptions]>;
  subtract: BinaryPromoteMethod<'subtract', NumericDType, [options?: AlphaOptions]>;
  trueDivide: QuotientMethod<'trueDivide'>;
  xlogy: BinaryFloatMethod<'xlogy', RealDType>;
}

/** Comparisons and logic. */
export interface ComparisonMethods {
  allclose: ClosenessMethod<boolean, 'allclose', [options?: CloseOptions]>;
  eq: ComparisonMethod<'eq'>;
  equal: EqualMethod;
  ge: ComparisonMethod<'ge', RealDType>;
  greater: ComparisonMethod<'greater', RealDType>;
  greaterEqual: ComparisonMethod<'greaterEqual', RealDType>;
  gt: ComparisonMethod<'gt', RealDType>;
  isclose: CloseElementsMethod<'isclose', [options?: CloseOptions]>;
  le: ComparisonMethod<'le', RealDType>;
  less: ComparisonMethod<'less', RealDType>;
  lessEqual: ComparisonMethod<'lessEqual', RealDType>;
  logicalAnd: TensorComparisonMethod<'logicalAnd'>;
  logicalOr: TensorComparisonMethod<'logicalOr'>;
  logicalXor: TensorComparisonMethod<'logicalXor'>;
  lt: ComparisonMethod<'lt', RealDType>;
  ne: ComparisonMethod<'ne'>;
  notEqual: ComparisonMethod<'notEqual'>;
}

/** Of three operands. */
export interface TernaryMethods {
  addcdiv: AddProductMethod<'addcdiv', DType, [options?: ValueOptions]>;
  addcmul: AddProductMethod<'addcmul', DType, [options?: ValueOptions]>;
  clamp: ClampMethod<'clamp', RealDType>;
  clip: ClampMethod<'clip', RealDType>;
  lerp: LerpMethod<'lerp', FloatDType>;
  where: WhereMethod;
}

/** Methods that write their result into the tensor. They return it; what is written must fit its shape and its dtype's kind. */
import type { DType } from '../../dtype/dtype.ts';
import type { FloatDType, FloatingDType, NumericDType, RealDType, RealNumericDType, WholeDType } from '../../dtype/types.ts';
import type { Scalar } from '../../ops/family.ts';
import type { AlphaOptions, InplaceOptions } from '../../ops/nn/activation.ts';
import type { DrawOptions } from '../../ops/random.ts';
import type { RoundOptions } from '../../ops/rounding.ts';
import type { IncludeSelfOptions, Reduction as ScatterReduction } from '../../ops/scatter-reduce.ts';
import type { NanToNumOptions, ValueOptions } from '../../ops/selection.ts';
import type {
  InPlaceAddedProduct,
  InPlaceAddProduct,
  InPlaceBinary,
  InPlaceBinaryFloat,
  InPlaceBinaryTensors,
  InPlaceBinaryTo,
  InPlaceClamp,
  InPlaceComparison,
  InPlaceCopy,
  InPlaceIndexPut,
  InPlaceIndexWrite,
  InPlaceLdexp,
  InPlaceLerp,
  InPlaceMasked,
  InPlacePut,
  InPlaceQuotient,
  InPlaceScan,
  InPlaceScatter,
  InPlaceTensorComparison,
  InPlaceTriangle,
  InPlaceUnary,
  OperandOf,
} from '../../ops/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** The in-place forms of other methods. */
export interface InPlaceMethods {
  abs_: InPlaceUnary<RealNumericDType>;
  absolute_: InPlaceUnary<RealNumericDType>;
  acos_: InPlaceUnary<FloatingDType>;
  acosh_: InPlaceUnary<FloatingDType>;
  add_: InPlaceBinary<'add_', DType, [options?: AlphaOptions]>;
  addbmm_: InPlaceAddedProduct<'addbmm'>;
  addcdiv_: InPlaceAddProduct<'addcdiv_', DType, [options?: ValueOptions]>;
  addcmul_: InPlaceAddProduct<'addcmul_', DType, [options?: ValueOptions]>;
  addmm_: InPlaceAddedProduct<'addmm'>;
  addmv_: InPlaceAddedProduct<'addmv'>;
  addr_: InPlaceAddedProduct<'addr', DType>;
  arccos_: InPlaceUnary<FloatingDType>;
  arccosh_: InPlaceUnary<FloatingDType>;
  arcsin_: InPlaceUnary<FloatingDType>;
  arcsinh_: InPlaceUnary<FloatingDType>;
  arctan2_: InPlaceBinaryFloat<'arctan2_', RealDType>;
  arctan_: InPlaceUnary<FloatingDType>;
  arctanh_: InPlaceUnary<FloatingDType>;
  asin_: InPlaceUnary<FloatingDType>;
  asinh_: InPlaceUnary<FloatingDType>;
  atan2_: InPlaceBinaryFloat<'atan2_', RealDType>;
  atan_: InPlaceUnary<FloatingDType>;
  atanh_: InPlaceUnary<FloatingDType>;
  baddbmm_: InPlaceAddedProduct<'baddbmm'>;
  bitwiseAnd_: InPlaceBinary<'bitwiseAnd_', WholeDType>;
  bitwiseLeftShift_: InPlaceBinary<'bitwiseLeftShift_', WholeDType>;
  bitwiseNot_: InPlaceUnary<WholeDType>;
  bitwiseOr_: InPlaceBinary<'bitwiseOr_', WholeDType>;
  bitwiseRightShift_: InPlaceBinary<'bitwiseRightShift_', WholeDType>;
  bitwiseXor_: InPlaceBinary<'bitwiseXor_', WholeDType>;
  ceil_: InPlaceUnary<RealNumericDType>;
  clampMax_: InPlaceBinary<'clampMax_', RealDType>;
  clampMin_: InPlaceBinary<'clampMin_', RealDType>;
  clamp_: InPlaceClamp<'clamp_', RealDType>;
  clip_: InPlaceClamp<'clip_', RealDType>;
  conjPhysical_: InPlaceUnary;
  copy_: InPlaceCopy<'copy_', [options?: { readonly nonBlocking?: boolean }]>;
  copysign_: InPlaceBinaryFloat<'copysign_', RealDType>;
  cos_: InPlaceUnary<FloatingDType>;
  cosh_: InPlaceUnary<FloatingDType>;
  cumprod_: InPlaceScan<'cumprod_'>;
  cumsum_: InPlaceScan<'cumsum_'>;
  deg2rad_: InPlaceUnary<FloatDType>;
  digamma_: InPlaceUnary<FloatDType>;
  div_: InPlaceQuotient<'div_'>;
  divide_: InPlaceQuotient<'divide_'>;
  eq_: InPlaceComparison<'eq_'>;
  erf_: InPlaceUnary<FloatDType>;
  erfc_: InPlaceUnary<FloatDType>;
  erfinv_: InPlaceUnary<FloatDType>;
  exp2_: InPlaceUnary<FloatingDType>;
  exp_: InPlaceUnary<FloatingDType>;
  expm1_: InPlaceUnary<FloatingDType>;
  fill_: InPlaceUnary<DType, [value: Scalar | Tensor]>;
  fix_: InPlaceUnary<RealNumericDType>;
  floatPower_: InPlaceBinaryTo<'float64', 'floatPower_', RealDType>;
  floorDivide_: InPlaceBinary<'floorDivide_', RealDType>;
  floor_: InPlaceUnary<RealNumericDType>;
  fmod_: InPlaceBinary<'fmod_', RealDType>;
  frac_: InPlaceUnary<FloatDType>;
  gcd_: InPlaceBinaryTensors<'gcd_', WholeDType>;
  ge_: InPlaceComparison<'ge_', RealDType>;
  greaterEqual_: InPlaceComparison<'greaterEqual_', RealDType>;
  greater_: InPlaceComparison<'greater_', RealDType>;
  gt_: InPlaceComparison<'gt_', RealDType>;
  heaviside_: InPlaceBinaryTensors<'heaviside_', RealDType>;
  hypot_: InPlaceBinaryTensors<'hypot_', RealDType>;
  indexAdd_: InPlaceIndexWrite<'indexAdd_', Tensor, [options?: { readonly alpha?: Scalar }]>;
  indexCopy_: InPlaceIndexWrite<'indexCopy_', Tensor>;
  indexFill_: InPlaceIndexWrite<'indexFill_', OperandOf>;
  indexPut_: InPlaceIndexPut<'indexPut_'>;
  indexReduce_: InPlaceIndexWrite<'indexReduce_', Tensor, [reduce: ScatterReduction, options?: IncludeSelfOptions]>;
  lcm_: InPlaceBinaryTensors<'lcm_', WholeDType>;
  ldexp_: InPlaceLdexp;
  le_: InPlaceComparison<'le_', RealDType>;
  lerp_: InPlaceLerp<'lerp_', FloatDType>;
  lessEqual_: InPlaceComparison<'lessEqual_', RealDType>;
  less_: InPlaceComparison<'less_', RealDType>;
  lgamma_: InPlaceUnary<FloatDType>;
  log10_: InPlaceUnary<FloatingDType>;
  log1p_: InPlaceUnary<FloatingDType>;
  log2_: InPlaceUnary<FloatingDType>;
  log_: InPlaceUnary<FloatingDType>;
  logicalAnd_: InPlaceTensorComparison<'logicalAnd_'>;
  logicalNot_: InPlaceUnary;
  logicalOr_: InPlaceTensorComparison<'logicalOr_'>;
  logicalXor_: InPlaceTensorComparison<'logicalXor_'>;
  logit_: InPlaceUnary<FloatDType, [eps?: number | null]>;
  lt_: InPlaceComparison<'lt_', RealDType>;
  maskedFill_: InPlaceMasked<'maskedFill_', OperandOf>;
  maskedScatter_: InPlaceMasked<'maskedScatter_', Tensor>;
  mul_: InPlaceBinary<'mul_'>;
  multiply_: InPlaceBinary<'multiply_'>;
  mvlgamma_: InPlaceUnary<FloatDType, [p: number]>;
  nanToNum_: InPlaceUnary<RealDType, [options?: NanToNumOptions]>;
  ne_: InPlaceComparison<'ne_'>;
  neg_: InPlaceUnary<NumericDType>;
  negative_: InPlaceUnary<NumericDType>;
  nextafter_: InPlaceBinaryTensors<'nextafter_', RealDType>;
  notEqual_: InPlaceComparison<'notEqual_'>;
  polygamma_: InPlaceUnary<FloatDType, [n: number]>;
  pow_: InPlaceBinary<'pow_'>;
  put_: InPlacePut<'put_'>;
  rad2deg_: InPlaceUnary<FloatDType>;
  reciprocal_: InPlaceUnary<FloatingDType>;
  relu_: InPlaceUnary<RealNumericDType, [options?: InplaceOptions]>;
  remainder_: InPlaceBinary<'remainder_', RealDType>;
  renorm_: InPlaceUnary<FloatDType, [p: number, dim: number, maxnorm: number]>;
  round_: InPlaceUnary<RealNumericDType, [options?: RoundOptions]>;
  rsqrt_: InPlaceUnary<FloatingDType>;
  scatterAdd_: InPlaceScatter<'scatterAdd_', Tensor>;
  scatterReduce_: InPlaceScatter<'scatterReduce_', Tensor, [reduce: ScatterReduction, options?: IncludeSelfOptions]>;
  scatter_: InPlaceScatter<'scatter_', OperandOf, [options?: { readonly reduce?: 'add' | 'multiply' | null }]>;
  sgn_: InPlaceUnary<RealDType>;
  sigmoid_: InPlaceUnary<FloatingDType>;
  sign_: InPlaceUnary<RealDType>;
  sin_: InPlaceUnary<FloatingDType>;
  sinc_: InPlaceUnary<FloatingDType>;
  sinh_: InPlaceUnary<FloatingDType>;
  sqrt_: InPlaceUnary<FloatingDType>;
  square_: InPlaceUnary<NumericDType>;
  sub_: InPlaceBinary<'sub_', NumericDType, [options?: AlphaOptions]>;
  subtract_: InPlaceBinary<'subtract_', NumericDType, [options?: AlphaOptions]>;
  tan_: InPlaceUnary<FloatingDType>;
  tanh_: InPlaceUnary<FloatingDType>;
  tril_: InPlaceTriangle<'tril_'>;
  triu_: InPlaceTriangle<'triu_'>;
  trueDivide_: InPlaceQuotient<'trueDivide_'>;
  trunc_: InPlaceUnary<RealNumericDType>;
  xlogy_: InPlaceBinaryFloat<'xlogy_', RealDType>;
  zero_: InPlaceUnary;
}

/** Random draws into the tensor. */
export interface DrawMethods {
  bernoulli_: InPlaceUnary<RealDType, [p?: number | Tensor, options?: DrawOptions]>;
  cauchy_: InPlaceUnary<FloatDType, [median?: number, sigma?: number, options?: DrawOptions]>;
  exponential_: InPlaceUnary<FloatDType, [lambd?: number, options?: DrawOptions]>;
  geometric_: InPlaceUnary<RealDType, [p: number, options?: DrawOptions]>;
  logNormal_: InPlaceUnary<FloatDType, [mean?: number, std?: number, options?: DrawOptions]>;
  normal_: InPlaceUnary<FloatDType, [mean?: number, std?: number, options?: DrawOptions]>;
  random_: InPlaceUnary<RealDType, [from?: number | null, to?: number | null, options?: DrawOptions]>;
  uniform_: InPlaceUnary<FloatDType, [from?: number, to?: number, options?: DrawOptions]>;
}

/** Products of matrices and vectors, casts, and new tensors like this one. */
import type { RealDType } from '../../dtype/types.ts';
import type { ToOptions } from '../../ops/cast.ts';
import type { DrawOptions } from '../../ops/random.ts';
import type {
  AddedProductMethod,
  AddrMethod,
  KronMethod,
  MultinomialMethod,
  NewFullMethod,
  NewMethod,
  NewStridedMethod,
  OuterMethod,
  ProductMethod,
  ToMethod,
  TypeAsMethod,
  UnarySameMethod,
  UnaryToMethod,
} from '../../ops/types.ts';

/** Products. The operands have one dtype. */
export interface ProductMethods {
  addbmm: AddedProductMethod<'addbmm'>;
  addmm: AddedProductMethod<'addmm'>;
  addmv: AddedProductMethod<'addmv'>;
  addr: AddrMethod;
  baddbmm: AddedProductMethod<'baddbmm'>;
  bmm: ProductMethod<'bmm'>;
  dot: ProductMethod<'dot'>;
  ger: OuterMethod<'ger'>;
  inner: ProductMethod<'inner'>;
  kron: KronMethod;
  matmul: ProductMethod<'matmul'>;
  mm: ProductMethod<'mm'>;
  mv: ProductMethod<'mv'>;
  outer: OuterMethod<'outer'>;
  vdot: ProductMethod<'dot', 'vdot'>;
}

/** Other dtypes. */
export interface CastMethods {
  bfloat16: UnaryToMethod<'bfloat16'>;
  bool: UnaryToMethod<'bool'>;
  byte: UnaryToMethod<'uint8'>;
  cdouble: UnaryToMethod<'complex128'>;
  cfloat: UnaryToMethod<'complex64'>;
  char: UnaryToMethod<'int8'>;
  double: UnaryToMethod<'float64'>;
  float: UnaryToMethod<'float32'>;
  half: UnaryToMethod<'float16'>;
  int: UnaryToMethod<'int32'>;
  long: UnaryToMethod<'int64'>;
  short: UnaryToMethod<'int16'>;
  to: ToMethod<ToOptions>;
  typeAs: TypeAsMethod;
}

/** New tensors, in the dtype of this one, and draws. */
export interface NewMethods {
  bernoulli: UnarySameMethod<RealDType, [p?: number | null, options?: DrawOptions]>;
  multinomial: MultinomialMethod<[replacement?: boolean | ({ readonly replacement?: boolean } & DrawOptions), options?: DrawOptions]>;
  newEmpty: NewMethod;
  newEmptyStrided: NewStridedMethod;
  newFull: NewFullMethod;
  newOnes: NewMethod;
  newZeros: NewMethod;
}

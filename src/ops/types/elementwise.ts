/**
 * Functions and methods that work element by element. `D` is what dtypes they take, `N` the name that messages give, `O` what follows the operands.
 *
 * Interfaces with the suffix `Method` are the same as methods of a tensor, `InPlace…` the methods that write the result into it.
 */
import type { DType } from '../../dtype/dtype.ts';
import type { FitsInto, FloatingDType, RealType, ToFloat } from '../../dtype/types.ts';
import type { Arg, Args, Broadcast, Broadcast3, InPlace, Ok, Out } from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Described, Scalar } from '../family.ts';
import type { Chosen, Common, Common3, DTypeOf, Named, OneDType, OperandOf, Pair, ShapeOf, Unless } from './operands.ts';

// ---------------------------------------------------------------- one operand

/** The shape and the dtype stay. */
export interface UnarySame<D extends DType = DType, O extends readonly unknown[] = []> extends Described {
  <X extends Tensor<number[], D>>(input: X, ...options: O): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type UnarySameMethod<D extends DType = DType, O extends readonly unknown[] = []> = <X extends Tensor<number[], D>>(
  this: X,
  ...options: O
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
/** The shape stays; integers and bool become the default float. */
export interface UnaryFloat<D extends DType = DType, O extends readonly unknown[] = []> extends Described {
  <X extends Tensor<number[], D>>(input: X, ...options: O): Tensor<ShapeOf<X>, ToFloat<DTypeOf<X>>>;
}
export type UnaryFloatMethod<D extends DType = DType, O extends readonly unknown[] = []> = <X extends Tensor<number[], D>>(
  this: X,
  ...options: O
) => Tensor<ShapeOf<X>, ToFloat<DTypeOf<X>>>;
/** The shape stays; complex dtypes become those of their parts. */
export interface UnaryReal<D extends DType = DType> extends Described {
  <X extends Tensor<number[], D>>(input: X): Tensor<ShapeOf<X>, RealType<DTypeOf<X>>>;
}
export type UnaryRealMethod<D extends DType = DType> = <X extends Tensor<number[], D>>(this: X) => Tensor<ShapeOf<X>, RealType<DTypeOf<X>>>;
/** The shape stays; the dtype is R whatever it was. */
export interface UnaryTo<R extends DType, D extends DType = DType> extends Described {
  <X extends Tensor<number[], D>>(input: X): Tensor<ShapeOf<X>, R>;
}
export type UnaryToMethod<R extends DType, D extends DType = DType> = <X extends Tensor<number[], D>>(this: X) => Tensor<ShapeOf<X>, R>;
/** A test of each element. */
export interface UnaryBool<D extends DType = DType> extends UnaryTo<'bool', D> {}
export interface UnaryBoolMethod<D extends DType = DType> extends UnaryToMethod<'bool', D> {}
type Squared<D extends DType> = DType extends D ? DType : D extends 'bool' ? 'int64' : D;
/** The shape stays; bool becomes int64. */
export interface UnarySquare extends Described {
  <X extends Tensor>(input: X): Tensor<ShapeOf<X>, Squared<DTypeOf<X>>>;
}
export type UnarySquareMethod = <X extends Tensor>(this: X) => Tensor<ShapeOf<X>, Squared<DTypeOf<X>>>;
/** Mantissa and exponent. */
export interface FrexpFunction<D extends DType> extends Described {
  <X extends Tensor<number[], D>>(input: X): Named<{ mantissa: Tensor<ShapeOf<X>, DTypeOf<X>>; exponent: Tensor<ShapeOf<X>, 'int32'> }>;
}
export type FrexpMethod<D extends DType> = <X extends Tensor<number[], D>>(
  this: X,
) => Named<{ mantissa: Tensor<ShapeOf<X>, DTypeOf<X>>; exponent: Tensor<ShapeOf<X>, 'int32'> }>;
/** The order comes first. */
export interface OrderFirst<D extends DType> extends Described {
  <X extends Tensor<number[], D>>(n: number, input: X): Tensor<ShapeOf<X>, ToFloat<DTypeOf<X>>>;
}
/** The dtype that a target names: a dtype, a tensor, options, or none. */
type Target<X, A, E extends DType> = A extends DType
  ? A
  : A extends Tensor
    ? DTypeOf<A>
    : A extends { readonly dtype: infer F extends DType }
      ? F
      : Chosen<E, DTypeOf<X>>;
type TargetArgument<O> = DType | 'cpu' | 'wasm' | Tensor | O | null | undefined;
export interface ToFunction<O> extends Described {
  <X extends Tensor, const A extends TargetArgument<O> = undefined, E extends DType = never>(
    input: X,
    target?: A,
    options?: Omit<O, 'dtype'> & { readonly dtype?: E | null },
  ): Tensor<ShapeOf<X>, Target<X, A, NoInfer<E>>>;
}
export type ToMethod<O> = <X extends Tensor, const A extends TargetArgument<O> = undefined, E extends DType = never>(
  this: X,
  target?: A,
  options?: Omit<O, 'dtype'> & { readonly dtype?: E | null },
) => Tensor<ShapeOf<X>, Target<X, A, NoInfer<E>>>;
export interface TypeAsFunction extends Described {
  <X extends Tensor, Y extends Tensor>(input: X, other: Y): Tensor<ShapeOf<X>, DTypeOf<Y>>;
}
export type TypeAsMethod = <X extends Tensor, Y extends Tensor>(this: X, other: Y) => Tensor<ShapeOf<X>, DTypeOf<Y>>;
/** Writes into the tensor itself, which must be of one of the dtypes D. */
export type InPlaceUnary<D extends DType = DType, O extends readonly unknown[] = []> = <X extends Tensor<number[], D>>(
  this: X,
  ...options: O
) => X;
/** Writes a result that cannot be whole. */
export interface InPlaceUnaryFloat<D extends DType = FloatingDType, O extends readonly unknown[] = []> extends InPlaceUnary<D, O> {}

// ---------------------------------------------------------------- two operands

/** Operands broadcast, the dtype is promoted; either may be a scalar. */
export interface BinaryPromote<N extends string, D extends DType = DType, O extends readonly unknown[] = []> extends Described {
  <X extends OperandOf<D>, Y extends OperandOf<D>>(
    input: X,
    other: Arg<Pair<X, Y, N>, Y>,
    ...options: O
  ): Tensor<Out<Pair<X, Y, N>>, Common<X, Y>>;
}
export type BinaryPromoteMethod<N extends string, D extends DType = DType, O extends readonly unknown[] = []> = <
  X extends Tensor<number[], D>,
  Y extends OperandOf<D>,
>(
  this: X,
  other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  ...options: O
) => Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, Common<X, Y>>;
/** The same where the first operand is a tensor. */
export interface BinaryOther<N extends string, D extends DType = DType, O extends readonly unknown[] = []> extends Described {
  <X extends Tensor<number[], D>, Y extends OperandOf<D>>(
    input: X,
    other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
    ...options: O
  ): Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, Common<X, Y>>;
}
/** The same where both operands are tensors. */
export interface BinaryTensors<N extends string, D extends DType = DType> extends Described {
  <X extends Tensor<number[], D>, Y extends Tensor<number[], D>>(
    input: X,
    other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  ): Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, Common<X, Y>>;
}
export type BinaryTensorsMethod<N extends string, D extends DType = DType> = <X extends Tensor<number[], D>, Y extends Tensor<number[], D>>(
  this: X,
  other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
) => Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, Common<X, Y>>;
/** The dtype is promoted and made a float. */
export interface BinaryFloat<N extends string, D extends DType = DType> extends Described {
  <X extends OperandOf<D>, Y extends OperandOf<D>>(
    input: X,
    other: Arg<Pair<X, Y, N>, Y>,
  ): Tensor<Out<Pair<X, Y, N>>, ToFloat<Common<X, Y>>>;
}
export type BinaryFloatMethod<N extends string, D extends DType = DType> = <X extends Tensor<number[], D>, Y extends OperandOf<D>>(
  this: X,
  other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
) => Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, ToFloat<Common<X, Y>>>;
/** The same where both operands are tensors. */
export interface BinaryTensorsFloat<N extends string, D extends DType = DType> extends Described {
  <X extends Tensor<number[], D>, Y extends Tensor<number[], D>>(
    input: X,
    other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  ): Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, ToFloat<Common<X, Y>>>;
}
export type BinaryTensorsFloatMethod<N extends string, D extends DType = DType> = <
  X extends Tensor<number[], D>,
  Y extends Tensor<number[], D>,
>(
  this: X,
  other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
) => Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, ToFloat<Common<X, Y>>>;
/** The same where the first operand is a tensor. */
export interface BinaryOtherFloat<N extends string, D extends DType = DType> extends Described {
  <X extends Tensor<number[], D>, Y extends OperandOf<D>>(
    input: X,
    other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  ): Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, ToFloat<Common<X, Y>>>;
}
/** `input · 2 ** other`: the exponent counts as a float. */
type Scaled<X, Y> = Common<X, Tensor<ShapeOf<Y>, ToFloat<DTypeOf<Y>>>>;
export interface LdexpFunction extends Described {
  <X extends Tensor, Y extends Tensor>(
    input: X,
    other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, 'ldexp'>, Y>,
  ): Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, 'ldexp'>>, Scaled<X, Y>>;
}
export type LdexpMethod = <X extends Tensor, Y extends Tensor>(
  this: X,
  other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, 'ldexp'>, Y>,
) => Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, 'ldexp'>>, Scaled<X, Y>>;
export type InPlaceLdexp = <X extends Tensor, Y extends Tensor>(this: X, other: Arg<Written<X, Y, Scaled<X, Y>, 'ldexp_'>, Y>) => X;
/** Whatever the dtypes, the result is R: comparisons, logic, double precision. */
export interface BinaryTo<R extends DType, N extends string, D extends DType = DType> extends Described {
  <X extends OperandOf<D>, Y extends OperandOf<D>>(input: X, other: Arg<Pair<X, Y, N>, Y>): Tensor<Out<Pair<X, Y, N>>, R>;
}
export type BinaryToMethod<R extends DType, N extends string, D extends DType = DType> = <
  X extends Tensor<number[], D>,
  Y extends OperandOf<D>,
>(
  this: X,
  other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
) => Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, R>;
/** Compares a tensor with another or with a scalar. */
export interface Comparison<N extends string, D extends DType = DType> extends Described {
  <X extends Tensor<number[], D>, Y extends OperandOf<D>>(
    input: X,
    other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  ): Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, 'bool'>;
}
export interface ComparisonMethod<N extends string, D extends DType = DType> extends BinaryToMethod<'bool', N, D> {}
/** Compares tensors only. */
export interface TensorComparison<N extends string, D extends DType = DType, O extends readonly unknown[] = []> extends Described {
  <X extends Tensor<number[], D>, Y extends Tensor<number[], D>>(
    input: X,
    other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
    ...options: O
  ): Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, 'bool'>;
}
export type TensorComparisonMethod<N extends string, D extends DType = DType, O extends readonly unknown[] = []> = <
  X extends Tensor<number[], D>,
  Y extends Tensor<number[], D>,
>(
  this: X,
  other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  ...options: O
) => Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, 'bool'>;

/** Two tensors of one dtype. */
type SamePair<X, Y, N extends string> = Unless<OneDType<DTypeOf<X>, DTypeOf<Y>, N>, Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>;
/** Operands of one dtype, which the result has. */
export interface BinarySameDType<N extends string, D extends DType = DType> extends Described {
  <X extends Tensor<number[], D>, Y extends Tensor<number[], D>>(
    input: X,
    other: Arg<SamePair<X, Y, N>, Y>,
  ): Tensor<Out<SamePair<X, Y, N>>, DTypeOf<X>>;
}
export type BinarySameDTypeMethod<N extends string, D extends DType = DType> = <
  X extends Tensor<number[], D>,
  Y extends Tensor<number[], D>,
>(
  this: X,
  other: Arg<SamePair<X, Y, N>, Y>,
) => Tensor<Out<SamePair<X, Y, N>>, DTypeOf<X>>;
/** Whether operands of one dtype are close. */
export interface Closeness<R, N extends string, O extends readonly unknown[]> extends Described {
  <X extends Tensor, Y extends Tensor>(input: X, other: Arg<SamePair<X, Y, N>, Y>, ...options: O): R;
}
export type ClosenessMethod<R, N extends string, O extends readonly unknown[]> = <X extends Tensor, Y extends Tensor>(
  this: X,
  other: Arg<SamePair<X, Y, N>, Y>,
  ...options: O
) => R;
/** The same, element by element. */
export interface CloseElements<N extends string, O extends readonly unknown[]> extends Described {
  <X extends Tensor, Y extends Tensor>(input: X, other: Arg<SamePair<X, Y, N>, Y>, ...options: O): Tensor<Out<SamePair<X, Y, N>>, 'bool'>;
}
export type CloseElementsMethod<N extends string, O extends readonly unknown[]> = <X extends Tensor, Y extends Tensor>(
  this: X,
  other: Arg<SamePair<X, Y, N>, Y>,
  ...options: O
) => Tensor<Out<SamePair<X, Y, N>>, 'bool'>;

/** Whether two tensors are the same: of any shapes. */
export interface EqualFunction extends Described {
  (input: Tensor, other: Tensor): boolean;
}

export type EqualMethod = (this: Tensor, other: Tensor) => boolean;

/** Division: exact, and then a float, unless the quotient is rounded. */
export interface QuotientFunction<N extends string> extends Described {
  <X extends OperandOf, Y extends OperandOf, const M extends RoundingMode = null>(
    input: X,
    other: Arg<Pair<X, Y, N>, Y>,
    options?: RoundingOptions<M>,
  ): Tensor<Out<Pair<X, Y, N>>, Quotient<Common<X, Y>, M>>;
}
export type QuotientMethod<N extends string> = <X extends Tensor, Y extends OperandOf, const M extends RoundingMode = null>(
  this: X,
  other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  options?: RoundingOptions<M>,
) => Tensor<Out<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>, Quotient<Common<X, Y>, M>>;
export type InPlaceQuotient<N extends string> = <X extends Tensor, Y extends OperandOf, const M extends RoundingMode = null>(
  this: X,
  other: Arg<Written<X, Y, Quotient<Common<X, Y>, M>, N>, Y>,
  options?: RoundingOptions<M>,
) => X;
export type RoundingMode = 'floor' | 'trunc' | null;
export interface RoundingOptions<M extends RoundingMode = RoundingMode> {
  readonly roundingMode?: M;
}
type Quotient<D extends DType, M> = [M] extends [null] ? ToFloat<D> : null extends M ? DType : D;

// ---------------------------------------------------------------- in place

/** Whether an operand of the type Y fits into the target X: its shape, and the dtype R of the result. */
type Written<X, Y, R extends DType, N extends string> = Unless<FitsInto<R, DTypeOf<X>, N>, InPlace<ShapeOf<X>, ShapeOf<Y>, N>>;
export type InPlaceBinary<N extends string, D extends DType = DType, O extends readonly unknown[] = []> = <
  X extends Tensor<number[], D>,
  Y extends OperandOf<D>,
>(
  this: X,
  other: Arg<Written<X, Y, Common<X, Y>, N>, Y>,
  ...options: O
) => X;
export type InPlaceBinaryTensors<N extends string, D extends DType = DType> = <
  X extends Tensor<number[], D>,
  Y extends Tensor<number[], D>,
>(
  this: X,
  other: Arg<Written<X, Y, Common<X, Y>, N>, Y>,
) => X;
export type InPlaceBinaryFloat<N extends string, D extends DType = DType> = <X extends Tensor<number[], D>, Y extends OperandOf<D>>(
  this: X,
  other: Arg<Written<X, Y, ToFloat<Common<X, Y>>, N>, Y>,
) => X;
/** A result of the dtype R, whatever the operands. */
export type InPlaceBinaryTo<R extends DType, N extends string, D extends DType = DType> = <
  X extends Tensor<number[], D>,
  Y extends OperandOf<D>,
>(
  this: X,
  other: Arg<Written<X, Y, R, N>, Y>,
) => X;
/** Comparisons write 0 and 1 into any dtype. */
export type InPlaceComparison<N extends string, D extends DType = DType> = <X extends Tensor<number[], D>, Y extends OperandOf<D>>(
  this: X,
  other: Arg<InPlace<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
) => X;
export type InPlaceTensorComparison<N extends string, D extends DType = DType> = <
  X extends Tensor<number[], D>,
  Y extends Tensor<number[], D>,
>(
  this: X,
  other: Arg<InPlace<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
) => X;

// ---------------------------------------------------------------- three operands

type Selected<C, X, Y> = Broadcast3<ShapeOf<C>, ShapeOf<X>, ShapeOf<Y>, 'where'>;
type SelectedOf<C, A> = A extends readonly [infer X, infer Y] ? Selected<C, X, Y> : Ok<[]>;
type WhereResult<C, A> = A extends readonly [infer X, infer Y] ? Tensor<Out<Selected<C, X, Y>>, Either<X, Y>> : Tensor<[number], 'int64'>[];
/** Selection by a bool tensor; without operands to select from, where any tensor is not 0. */
export interface WhereFunction extends Described {
  <
    C extends Tensor<number[], A extends readonly [] ? DType : 'bool' | 'uint8'>,
    const A extends readonly [] | readonly [input: OperandOf, other: OperandOf],
  >(
    condition: C,
    ...operands: Args<SelectedOf<C, A>, A>
  ): WhereResult<C, A>;
}
export type WhereMethod = <X extends Tensor, C extends Tensor<number[], 'bool' | 'uint8'>, Y extends OperandOf>(
  this: X,
  condition: Arg<Broadcast<ShapeOf<C>, ShapeOf<X>, 'where'>, C>,
  other: Arg<Selected<C, X, Y>, Y>,
) => Tensor<Out<Selected<C, X, Y>>, Either<X, Y>>;
/** The dtype of two operands that may both be scalars. */
type Either<X, Y> = [X | Y] extends [Scalar] ? DType : Common<X, Y>;

type Bound<D extends DType> = OperandOf<D> | null | undefined;
/** The bounds of `clamp`; null and undefined stand for none. Rest parameters, since optional ones do not take a union such as `number | Tensor`. */
type Bounds<D extends DType> = readonly [min?: Bound<D>, max?: Bound<D>];
type Clamped<X, A, N extends string> = A extends readonly [infer Low, infer High]
  ? Broadcast3<ShapeOf<X>, ShapeOf<Low>, ShapeOf<High>, N>
  : A extends readonly [infer Low]
    ? Broadcast<ShapeOf<X>, ShapeOf<Low>, N>
    : Ok<ShapeOf<X>>;
type WithBound<X, B> = [B] extends [null | undefined] ? DTypeOf<X> : Common<X, B>;
type ClampDType<X, A> = A extends readonly [infer Low, infer High]
  ? [Low, High] extends [Tensor, Tensor]
    ? Common3<X, Low, High>
    : WithBound<Tensor<ShapeOf<X>, WithBound<X, Low>>, High>
  : A extends readonly [infer Low]
    ? WithBound<X, Low>
    : DTypeOf<X>;
export interface ClampFunction<N extends string, D extends DType> extends Described {
  <X extends Tensor<number[], D>, const A extends Bounds<D>>(
    input: X,
    ...bounds: Args<Clamped<X, A, N>, A>
  ): Tensor<Out<Clamped<X, A, N>>, ClampDType<X, A>>;
}
export type ClampMethod<N extends string, D extends DType> = <X extends Tensor<number[], D>, const A extends Bounds<D>>(
  this: X,
  ...bounds: Args<Clamped<X, A, N>, A>
) => Tensor<Out<Clamped<X, A, N>>, ClampDType<X, A>>;
type InPlaceClamped<X, A, N extends string> = Unless<
  FitsInto<ClampDType<X, A>, DTypeOf<X>, N>,
  Clamped<X, A, N> extends infer R ? (R extends Ok<infer S> ? InPlace<ShapeOf<X>, S, N> : R) : never
>;
export type InPlaceClamp<N extends string, D extends DType> = <X extends Tensor<number[], D>, const A extends Bounds<D>>(
  this: X,
  ...bounds: Args<InPlaceClamped<X, A, N>, A>
) => X;

type Third<X, Y, Z, N extends string> = Broadcast3<ShapeOf<X>, ShapeOf<Y>, ShapeOf<Z>, N>;
/** `input + value · tensor1 · tensor2` and the like. */
export interface AddProductFunction<N extends string, D extends DType, O extends readonly unknown[]> extends Described {
  <X extends Tensor<number[], D>, Y extends Tensor<number[], D>, Z extends Tensor<number[], D>>(
    input: X,
    tensor1: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
    tensor2: Arg<Third<X, Y, Z, N>, Z>,
    ...options: O
  ): Tensor<Out<Third<X, Y, Z, N>>, Common3<X, Y, Z>>;
}
export type AddProductMethod<N extends string, D extends DType, O extends readonly unknown[]> = <
  X extends Tensor<number[], D>,
  Y extends Tensor<number[], D>,
  Z extends Tensor<number[], D>,
>(
  this: X,
  tensor1: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  tensor2: Arg<Third<X, Y, Z, N>, Z>,
  ...options: O
) => Tensor<Out<Third<X, Y, Z, N>>, Common3<X, Y, Z>>;
export type InPlaceAddProduct<N extends string, D extends DType, O extends readonly unknown[]> = <
  X extends Tensor<number[], D>,
  Y extends Tensor<number[], D>,
  Z extends Tensor<number[], D>,
>(
  this: X,
  tensor1: Arg<Written<X, Y, DTypeOf<Y>, N>, Y>,
  tensor2: Arg<Written<X, Z, DTypeOf<Z>, N>, Z>,
  ...options: O
) => X;
type LerpEnd<X, Y, N extends string> = Unless<OneDType<DTypeOf<X>, DTypeOf<Y>, N>, Broadcast<ShapeOf<X>, ShapeOf<Y>, N>>;
type LerpWeight<X, Y, W, N extends string> = Unless<W extends Tensor ? OneDType<DTypeOf<X>, DTypeOf<W>, N> : Ok<[]>, Third<X, Y, W, N>>;
/** Interpolation: tensors of one dtype, the weight may be a number. */
export interface LerpFunction<N extends string, D extends DType> extends Described {
  <X extends Tensor<number[], D>, Y extends Tensor<number[], D>, W extends OperandOf<D>>(
    input: X,
    end: Arg<LerpEnd<X, Y, N>, Y>,
    weight: Arg<LerpWeight<X, Y, W, N>, W>,
  ): Tensor<Out<Third<X, Y, W, N>>, DTypeOf<X>>;
}
export type LerpMethod<N extends string, D extends DType> = <
  X extends Tensor<number[], D>,
  Y extends Tensor<number[], D>,
  W extends OperandOf<D>,
>(
  this: X,
  end: Arg<LerpEnd<X, Y, N>, Y>,
  weight: Arg<LerpWeight<X, Y, W, N>, W>,
) => Tensor<Out<Third<X, Y, W, N>>, DTypeOf<X>>;
export type InPlaceLerp<N extends string, D extends DType> = <
  X extends Tensor<number[], D>,
  Y extends Tensor<number[], D>,
  W extends OperandOf<D>,
>(
  this: X,
  end: Arg<Written<X, Y, DTypeOf<Y>, N>, Y>,
  weight: Arg<InPlace<ShapeOf<X>, ShapeOf<W>, N>, W>,
) => X;

/** Functions and methods that reduce dimensions, or work along one. `N` is the name that messages give. */
import type { DType } from '../../dtype/dtype.ts';
import type { FitsInto, FloatDType, FloatingDType, RealDType, RealType, SumType, ToFloat } from '../../dtype/types.ts';
import type { Along, Arg, Broadcast, Identical, IsOpen, Ok, Out, Reduce, Shortened, Show, Unsized } from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Described, Scalar } from '../family.ts';
import type { AsShape, Chosen, Common, DTypeOf, Named, ShapeOf, Sizes, Unless } from './operands.ts';

/** One dimension, several, or all of them (null, undefined, an empty list). */
export type DimsArgument = number | Sizes | null | undefined;
/** One dimension, or all of them. */
export type DimArgument = number | null | undefined;

/** Keep reduced dimensions with size 1. */
export interface Keepdim<K extends boolean = boolean> {
  readonly keepdim?: K;
}
/** The dtype to compute and return. */
export interface ResultDType<E extends DType = DType> {
  readonly dtype?: E | null;
}

type Reduced<X, I, K, N extends string> = Reduce<ShapeOf<X>, I, K, N>;

// ---------------------------------------------------------------- to one value each

/** Sums and products: integers accumulate in int64. */
export interface SumFunction<N extends string, I0 extends DimsArgument = DimsArgument, D extends DType = DType, O = unknown>
  extends Described {
  <X extends Tensor<number[], D>, const I extends I0 = undefined & I0, K extends boolean = false, E extends DType = never>(
    input: X,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K> & ResultDType<E> & O,
  ): Tensor<Out<Reduced<X, I, K, N>>, Chosen<NoInfer<E>, SumType<DTypeOf<X>>>>;
}
export type SumMethod<N extends string, I0 extends DimsArgument = DimsArgument, D extends DType = DType> = <
  X extends Tensor<number[], D>,
  const I extends I0 = undefined & I0,
  K extends boolean = false,
  E extends DType = never,
>(
  this: X,
  dim?: Arg<Reduced<X, I, K, N>, I>,
  options?: Keepdim<K> & ResultDType<E>,
) => Tensor<Out<Reduced<X, I, K, N>>, Chosen<NoInfer<E>, SumType<DTypeOf<X>>>>;
/** Means: a floating dtype, or `dtype`. */
export interface MeanFunction<N extends string, D extends DType = FloatingDType, O = unknown> extends Described {
  <
    X extends Tensor<number[], [E] extends [never] ? D : DType>,
    const I extends DimsArgument = undefined,
    K extends boolean = false,
    E extends DType = never,
  >(
    input: X,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K> & ResultDType<E> & O,
  ): Tensor<Out<Reduced<X, I, K, N>>, Chosen<NoInfer<E>, DTypeOf<X>>>;
}
export type MeanMethod<N extends string, D extends DType = FloatingDType> = <
  X extends Tensor<number[], [E] extends [never] ? D : DType>,
  const I extends DimsArgument = undefined,
  K extends boolean = false,
  E extends DType = never,
>(
  this: X,
  dim?: Arg<Reduced<X, I, K, N>, I>,
  options?: Keepdim<K> & ResultDType<E>,
) => Tensor<Out<Reduced<X, I, K, N>>, Chosen<NoInfer<E>, DTypeOf<X>>>;
/** The dtype stays. `O`: options besides keepdim. */
export interface Reduction<N extends string, D extends DType = DType, O = unknown> extends Described {
  <X extends Tensor<number[], D>, const I extends DimsArgument = undefined, K extends boolean = false>(
    input: X,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K> & O,
  ): Tensor<Out<Reduced<X, I, K, N>>, DTypeOf<X>>;
}
export type ReductionMethod<N extends string, D extends DType = DType, O = unknown> = <
  X extends Tensor<number[], D>,
  const I extends DimsArgument = undefined,
  K extends boolean = false,
>(
  this: X,
  dim?: Arg<Reduced<X, I, K, N>, I>,
  options?: Keepdim<K> & O,
) => Tensor<Out<Reduced<X, I, K, N>>, DTypeOf<X>>;
/** Integers and bool become the default float. */
export interface FloatReduction<N extends string, D extends DType = DType> extends Described {
  <X extends Tensor<number[], D>, const I extends DimsArgument = undefined, K extends boolean = false>(
    input: X,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K>,
  ): Tensor<Out<Reduced<X, I, K, N>>, ToFloat<DTypeOf<X>>>;
}
export type FloatReductionMethod<N extends string, D extends DType = DType> = <
  X extends Tensor<number[], D>,
  const I extends DimsArgument = undefined,
  K extends boolean = false,
>(
  this: X,
  dim?: Arg<Reduced<X, I, K, N>, I>,
  options?: Keepdim<K>,
) => Tensor<Out<Reduced<X, I, K, N>>, ToFloat<DTypeOf<X>>>;
/** The dtype stays, or is that of the options; of `std` and `var` (`F` true) it is a float. */
export interface ChosenReduction<N extends string, D extends DType, O = unknown, F = false> extends Described {
  <X extends Tensor<number[], D>, const I extends DimsArgument = undefined, K extends boolean = false, E extends DType = never>(
    input: X,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K> & ResultDType<E> & O,
  ): Tensor<Out<Reduced<X, I, K, N>>, Chosen<NoInfer<E>, F extends true ? ToFloat<DTypeOf<X>> : DTypeOf<X>>>;
}
/** Whether any or all hold: bool, and uint8 for uint8. */
export interface TruthReduction<N extends string> extends Described {
  <X extends Tensor, const I extends DimsArgument = undefined, K extends boolean = false>(
    input: X,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K>,
  ): Tensor<Out<Reduced<X, I, K, N>>, Truth<DTypeOf<X>>>;
}
export type TruthReductionMethod<N extends string> = <
  X extends Tensor,
  const I extends DimsArgument = undefined,
  K extends boolean = false,
>(
  this: X,
  dim?: Arg<Reduced<X, I, K, N>, I>,
  options?: Keepdim<K>,
) => Tensor<Out<Reduced<X, I, K, N>>, Truth<DTypeOf<X>>>;
type Truth<D extends DType> = DType extends D ? DType : D extends 'uint8' ? 'uint8' : 'bool';
/** Counts. */
export interface CountReduction<N extends string> extends Described {
  <X extends Tensor, const I extends DimsArgument = undefined>(
    input: X,
    dim?: Arg<Reduced<X, I, false, N>, I>,
  ): Tensor<Out<Reduced<X, I, false, N>>, 'int64'>;
}
export type CountReductionMethod<N extends string> = <X extends Tensor, const I extends DimsArgument = undefined>(
  this: X,
  dim?: Arg<Reduced<X, I, false, N>, I>,
) => Tensor<Out<Reduced<X, I, false, N>>, 'int64'>;
/** Positions of extrema. */
export interface ArgReduction<N extends string, D extends DType = RealDType, O = unknown> extends Described {
  <X extends Tensor<number[], D>, const I extends DimArgument = undefined, K extends boolean = false>(
    input: X,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K> & O,
  ): Tensor<Out<Reduced<X, I, K, N>>, 'int64'>;
}
export type ArgReductionMethod<N extends string, D extends DType = RealDType> = <
  X extends Tensor<number[], D>,
  const I extends DimArgument = undefined,
  K extends boolean = false,
>(
  this: X,
  dim?: Arg<Reduced<X, I, K, N>, I>,
  options?: Keepdim<K>,
) => Tensor<Out<Reduced<X, I, K, N>>, 'int64'>;
/** Norms: the order comes first; a floating dtype, or `dtype`. */
export interface NormFunction<N extends string, P> extends Described {
  <
    X extends Tensor<number[], [E] extends [never] ? FloatingDType : DType>,
    const I extends DimsArgument = undefined,
    K extends boolean = false,
    E extends DType = never,
  >(
    input: X,
    p?: P,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K> & ResultDType<E>,
  ): Tensor<Out<Reduced<X, I, K, N>>, Chosen<NoInfer<E>, RealType<DTypeOf<X>>>>;
}
export type NormMethod<N extends string, P> = <
  X extends Tensor<number[], FloatingDType>,
  const I extends DimsArgument = undefined,
  K extends boolean = false,
  E extends DType = never,
>(
  this: X,
  p?: P,
  dim?: Arg<Reduced<X, I, K, N>, I>,
  options?: Keepdim<K> & ResultDType<E>,
) => Tensor<Out<Reduced<X, I, K, N>>, Chosen<NoInfer<E>, RealType<DTypeOf<X>>>>;

/** The sum of a diagonal. */
type TraceShape<S> = S extends readonly [unknown, unknown]
  ? Ok<[]>
  : IsOpen<S> extends true
    ? Ok<[]>
    : `trace: expected a matrix, got ${Show<S>}`;
export interface TraceFunction extends Described {
  <X extends Tensor>(input: Arg<TraceShape<ShapeOf<X>>, X>): Tensor<[], SumType<DTypeOf<X>>>;
}
export type TraceMethod = <X extends Tensor>(this: Arg<TraceShape<ShapeOf<X>>, X>) => Tensor<[], SumType<DTypeOf<X>>>;
/** The norm of a difference. */
export interface DistFunction<N extends string> extends Described {
  <X extends Tensor<number[], RealDType>, Y extends Tensor<number[], RealDType>>(
    input: X,
    other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
    p?: number,
  ): Tensor<[], Common<X, Y>>;
}
export type DistMethod<N extends string> = <X extends Tensor<number[], RealDType>, Y extends Tensor<number[], RealDType>>(
  this: X,
  other: Arg<Broadcast<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  p?: number,
) => Tensor<[], Common<X, Y>>;

// ---------------------------------------------------------------- several results

/** Two reductions at once, by name, in the order of `Names`. */
export interface PairReduction<N extends string, Names extends string, D extends DType, O = unknown> extends Described {
  <X extends Tensor<number[], D>, const I extends DimsArgument = undefined, K extends boolean = false>(
    input: X,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K> & O,
  ): Named<{ [P in Names]: Tensor<Out<Reduced<X, I, K, N>>, DTypeOf<X>> }>;
}
/** The least and the largest. */
export interface AminmaxFunction<D extends DType> extends Described {
  <X extends Tensor<number[], D>, const I extends DimArgument = undefined, K extends boolean = false>(
    input: X,
    options?: Keepdim<K> & { readonly dim?: Arg<Reduced<X, I, K, 'aminmax'>, I> },
  ): Named<{ [P in 'min' | 'max']: Tensor<Out<Reduced<X, I, K, 'aminmax'>>, DTypeOf<X>> }>;
}
export type AminmaxMethod<D extends DType> = <
  X extends Tensor<number[], D>,
  const I extends DimArgument = undefined,
  K extends boolean = false,
>(
  this: X,
  options?: Keepdim<K> & { readonly dim?: Arg<Reduced<X, I, K, 'aminmax'>, I> },
) => Named<{ [P in 'min' | 'max']: Tensor<Out<Reduced<X, I, K, 'aminmax'>>, DTypeOf<X>> }>;

/** Values, and where they come from. */
export type Indexed<S extends number[], D extends DType> = Named<{ values: Tensor<S, D>; indices: Tensor<S, 'int64'> }>;
/** Extrema: of all, along a dimension (with indices), or of two tensors. */
type ExtremumShape<X, A, K, N extends string> = A extends Tensor
  ? Broadcast<ShapeOf<X>, ShapeOf<A>, N>
  : A extends number
    ? Reduced<X, A, K, N>
    : Ok<[]>;
type ExtremumResult<X, A, K, N extends string> = A extends Tensor
  ? Tensor<Out<ExtremumShape<X, A, K, N>>, Common<X, A>>
  : A extends number
    ? Indexed<Out<ExtremumShape<X, A, K, N>>, DTypeOf<X>>
    : Tensor<[], DTypeOf<X>>;
export interface ExtremumOf<N extends string, D extends DType = RealDType> extends Described {
  <X extends Tensor<number[], D>, const A extends DimArgument | Tensor<number[], D> = undefined, K extends boolean = false>(
    input: X,
    dim?: Arg<ExtremumShape<X, A, K, N>, A>,
    options?: Keepdim<K>,
  ): ExtremumResult<X, A, K, N>;
}
export type ExtremumMethod<N extends string, D extends DType = RealDType> = <
  X extends Tensor<number[], D>,
  const A extends DimArgument | Tensor<number[], D> = undefined,
  K extends boolean = false,
>(
  this: X,
  dim?: Arg<ExtremumShape<X, A, K, N>, A>,
  options?: Keepdim<K>,
) => ExtremumResult<X, A, K, N>;
/** One of each row, and where it comes from: `I0` is the dimension if none is named. */
export interface IndexedReduction<N extends string, D extends DType = RealDType, I0 extends number = -1> extends Described {
  <X extends Tensor<number[], D>, const I extends number = I0, K extends boolean = false>(
    input: X,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K>,
  ): Indexed<Out<Reduced<X, I, K, N>>, DTypeOf<X>>;
}
export type IndexedReductionMethod<N extends string, D extends DType = RealDType, I0 extends number = -1> = <
  X extends Tensor<number[], D>,
  const I extends number = I0,
  K extends boolean = false,
>(
  this: X,
  dim?: Arg<Reduced<X, I, K, N>, I>,
  options?: Keepdim<K>,
) => Indexed<Out<Reduced<X, I, K, N>>, DTypeOf<X>>;
/** Of all elements the value, along a dimension values and indices: `median`. */
type MedianResult<X, I, K, N extends string> = [I] extends [null | undefined]
  ? Tensor<[], DTypeOf<X>>
  : Indexed<Out<Reduced<X, I, K, N>>, DTypeOf<X>>;
export interface MedianFunction<N extends string, D extends DType = RealDType> extends Described {
  <X extends Tensor<number[], D>, const I extends DimArgument = undefined, K extends boolean = false>(
    input: X,
    dim?: Arg<Reduced<X, I, K, N>, I>,
    options?: Keepdim<K>,
  ): MedianResult<X, I, K, N>;
}
export type MedianMethod<N extends string, D extends DType = RealDType> = <
  X extends Tensor<number[], D>,
  const I extends DimArgument = undefined,
  K extends boolean = false,
>(
  this: X,
  dim?: Arg<Reduced<X, I, K, N>, I>,
  options?: Keepdim<K>,
) => MedianResult<X, I, K, N>;

// ---------------------------------------------------------------- along a dimension

/** Running sums and products. */
export interface ScanFunction<N extends string, O = unknown> extends Described {
  <X extends Tensor, I extends number, E extends DType = never>(
    input: X,
    dim: Arg<Along<ShapeOf<X>, I, N>, I>,
    options?: ResultDType<E> & O,
  ): Tensor<ShapeOf<X>, Chosen<NoInfer<E>, SumType<DTypeOf<X>>>>;
}
export type ScanMethod<N extends string> = <X extends Tensor, I extends number, E extends DType = never>(
  this: X,
  dim: Arg<Along<ShapeOf<X>, I, N>, I>,
  options?: ResultDType<E>,
) => Tensor<ShapeOf<X>, Chosen<NoInfer<E>, SumType<DTypeOf<X>>>>;
export type InPlaceScan<N extends string> = <X extends Tensor, I extends number>(
  this: X,
  dim: Arg<Unless<FitsInto<SumType<DTypeOf<X>>, DTypeOf<X>, N>, Along<ShapeOf<X>, I, N>>, I>,
  options?: ResultDType,
) => X;
/** The shape and the dtype stay. */
export interface AlongDim<N extends string, D extends DType = DType> extends Described {
  <X extends Tensor<number[], D>, I extends number>(input: X, dim: Arg<Along<ShapeOf<X>, I, N>, I>): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type AlongDimMethod<N extends string, D extends DType = DType> = <X extends Tensor<number[], D>, I extends number>(
  this: X,
  dim: Arg<Along<ShapeOf<X>, I, N>, I>,
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
/** Running extrema. */
export interface ExtremeScan<N extends string, D extends DType = RealDType> extends Described {
  <X extends Tensor<number[], D>, I extends number>(input: X, dim: Arg<Along<ShapeOf<X>, I, N>, I>): Indexed<ShapeOf<X>, DTypeOf<X>>;
}
export type ExtremeScanMethod<N extends string, D extends DType = RealDType> = <X extends Tensor<number[], D>, I extends number>(
  this: X,
  dim: Arg<Along<ShapeOf<X>, I, N>, I>,
) => Indexed<ShapeOf<X>, DTypeOf<X>>;
/** Softmax and its kin: a floating dtype, or `dtype`. `I0`: undefined where the dimension may be left out. */
export interface SoftmaxLike<N extends string, O = unknown> extends Described {
  <X extends Tensor<number[], [E] extends [never] ? FloatDType : RealDType>, I extends number, E extends FloatDType = never>(
    input: X,
    dim: Arg<Along<ShapeOf<X>, I, N>, I>,
    options?: ResultDType<E> & O,
  ): Tensor<ShapeOf<X>, Chosen<NoInfer<E>, DTypeOf<X>>>;
}
export type SoftmaxLikeMethod<N extends string> = <
  X extends Tensor<number[], [E] extends [never] ? FloatDType : RealDType>,
  I extends number,
  E extends FloatDType = never,
>(
  this: X,
  dim: Arg<Along<ShapeOf<X>, I, N>, I>,
  options?: ResultDType<E>,
) => Tensor<ShapeOf<X>, Chosen<NoInfer<E>, DTypeOf<X>>>;
/** The same where the dimension may be left out. */
export interface ImpliedSoftmax<N extends string> extends Described {
  <
    X extends Tensor<number[], [E] extends [never] ? FloatDType : RealDType>,
    const I extends DimArgument = undefined,
    E extends FloatDType = never,
  >(
    input: X,
    dim?: Arg<Along<ShapeOf<X>, I, N>, I>,
    options?: ResultDType<E>,
  ): Tensor<ShapeOf<X>, Chosen<NoInfer<E>, DTypeOf<X>>>;
}

/** Differences of neighbours. */
type DiffShape<X, N, I, A, B> = [A | B] extends [null | undefined]
  ? Shortened<ShapeOf<X>, N extends number ? N : 1, I extends number ? I : -1, 'diff'>
  : Ok<Unsized<ShapeOf<X>>>;
export interface DiffFunction extends Described {
  <
    X extends Tensor,
    N extends number | null | undefined = undefined,
    I extends number | null | undefined = undefined,
    A extends Tensor | null | undefined = undefined,
    B extends Tensor | null | undefined = undefined,
  >(
    input: Arg<DiffShape<X, N, I, A, B>, X>,
    n?: N,
    dim?: I,
    prepend?: A,
    append?: B,
  ): Tensor<Out<DiffShape<X, N, I, A, B>>, DTypeOf<X>>;
}
export type DiffMethod = <
  X extends Tensor,
  N extends number | null | undefined = undefined,
  I extends number | null | undefined = undefined,
  A extends Tensor | null | undefined = undefined,
  B extends Tensor | null | undefined = undefined,
>(
  this: Arg<DiffShape<X, N, I, A, B>, X>,
  n?: N,
  dim?: I,
  prepend?: A,
  append?: B,
) => Tensor<Out<DiffShape<X, N, I, A, B>>, DTypeOf<X>>;
/** Integrals along a dimension, the last by default. */
type Places<Y, P> = P extends Tensor
  ? Identical<ShapeOf<P>, ShapeOf<Y>> extends true
    ? Ok<ShapeOf<Y>>
    : ShapeOf<P> extends readonly [unknown]
      ? Ok<ShapeOf<Y>>
      : Ok<Unsized<ShapeOf<Y>>>
  : Ok<ShapeOf<Y>>;
type IntegralDType<Y, P> = ToFloat<P extends Tensor ? Common<Y, P> : DTypeOf<Y>>;
interface IntegralOptions<I extends number> {
  /** The distance of neighbours where no places are given. Default 1. */
  readonly dx?: Scalar;
  readonly dim?: I;
}
export interface TrapezoidFunction<N extends string> extends Described {
  <Y extends Tensor, P extends Tensor | null | undefined = undefined, I extends number = -1>(
    y: Y,
    x?: P,
    options?: IntegralOptions<I>,
  ): Tensor<Out<Reduce<Out<Places<Y, P>>, I, false, N>>, IntegralDType<Y, P>>;
}
export interface CumulativeTrapezoidFunction<N extends string> extends Described {
  <Y extends Tensor, P extends Tensor | null | undefined = undefined, I extends number = -1>(
    y: Y,
    x?: P,
    options?: IntegralOptions<I>,
  ): Tensor<Out<Shortened<Out<Places<Y, P>>, 1, I, N>>, IntegralDType<Y, P>>;
}
/** Draws of indices, from each row. */
type Drawn<S, N> = S extends readonly [unknown] ? [N] : S extends readonly [infer R, unknown] ? [R, N] : number[];
export interface MultinomialFunction<O extends readonly unknown[]> extends Described {
  <X extends Tensor<number[], FloatDType>, N extends number>(
    input: X,
    numSamples: N,
    ...options: O
  ): Tensor<AsShape<Drawn<ShapeOf<X>, N>>, 'int64'>;
}
export type MultinomialMethod<O extends readonly unknown[]> = <X extends Tensor<number[], FloatDType>, N extends number>(
  this: X,
  numSamples: N,
  ...options: O
) => Tensor<AsShape<Drawn<ShapeOf<X>, N>>, 'int64'>;

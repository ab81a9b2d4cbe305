/** Functions and methods that take elements by index or by mask, write them, and put them in order. `N` is the name that messages give. */
import type { DType } from '../../dtype/dtype.ts';
import type { FloatDType, FloatingDType, RealDType, ToFloat } from '../../dtype/types.ts';
import type {
  Along,
  Arg,
  Args,
  Broadcast,
  Copy,
  Expand,
  Gather,
  IndexSelect,
  IndexShape,
  InPlace,
  IsOpen,
  Nonzero,
  Ok,
  Out,
  Reduce,
  RepeatedAlong,
  Scatter,
  Select,
  Show,
  TakeAlongDim,
  TopK,
} from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Described } from '../family.ts';
import type { Listed, SizesArguments } from './movement.ts';
import type { AsShape, DTypeOf, OneDType, OperandOf, ShapeOf, Sizes, Unless } from './operands.ts';
import type { DimArgument, Indexed, Keepdim } from './reduction.ts';

/** The dtypes of indices. */
export type IndexDType = 'int64' | 'int32';
type Indices = Tensor<number[], IndexDType>;
type Mask = Tensor<number[], 'bool'>;
/** What is written: tensors of the dtype of what they are written into, or numbers. */
type Source<X, V, N extends string> = V extends Tensor ? OneDType<DTypeOf<X>, DTypeOf<V>, N> : true;

// ---------------------------------------------------------------- by index

export interface GatherFunction<N extends string> extends Described {
  <X extends Tensor, I extends number, J extends Indices>(
    input: X,
    dim: I,
    index: Arg<Gather<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
    options?: { readonly sparseGrad?: boolean },
  ): Tensor<Out<Gather<ShapeOf<X>, I, ShapeOf<J>, N>>, DTypeOf<X>>;
}
export type GatherMethod<N extends string> = <X extends Tensor, I extends number, J extends Indices>(
  this: X,
  dim: I,
  index: Arg<Gather<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
  options?: { readonly sparseGrad?: boolean },
) => Tensor<Out<Gather<ShapeOf<X>, I, ShapeOf<J>, N>>, DTypeOf<X>>;
export interface IndexSelectFunction<N extends string> extends Described {
  <X extends Tensor, I extends number, J extends Indices>(
    input: X,
    dim: I,
    index: Arg<IndexSelect<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
  ): Tensor<Out<IndexSelect<ShapeOf<X>, I, ShapeOf<J>, N>>, DTypeOf<X>>;
}
export type IndexSelectMethod<N extends string> = <X extends Tensor, I extends number, J extends Indices>(
  this: X,
  dim: I,
  index: Arg<IndexSelect<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
) => Tensor<Out<IndexSelect<ShapeOf<X>, I, ShapeOf<J>, N>>, DTypeOf<X>>;
export interface TakeFunction extends Described {
  <X extends Tensor, J extends Indices>(input: X, index: J): Tensor<ShapeOf<J>, DTypeOf<X>>;
}
export type TakeMethod = <X extends Tensor, J extends Indices>(this: X, index: J) => Tensor<ShapeOf<J>, DTypeOf<X>>;
export interface TakeAlongDimFunction<N extends string> extends Described {
  <X extends Tensor, J extends Indices, I extends DimArgument = undefined>(
    input: X,
    indices: Arg<TakeAlongDim<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
    dim?: I,
  ): Tensor<Out<TakeAlongDim<ShapeOf<X>, I, ShapeOf<J>, N>>, DTypeOf<X>>;
}
export type TakeAlongDimMethod<N extends string> = <X extends Tensor, J extends Indices, I extends DimArgument = undefined>(
  this: X,
  indices: Arg<TakeAlongDim<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
  dim?: I,
) => Tensor<Out<TakeAlongDim<ShapeOf<X>, I, ShapeOf<J>, N>>, DTypeOf<X>>;

/** Written at the places that an index of the same rank names. `V`: what may be written, `O`: what follows. */
export interface ScatterFunction<N extends string, V extends OperandOf, O extends readonly unknown[] = []> extends Described {
  <X extends Tensor, I extends number, J extends Indices, W extends V>(
    input: X,
    dim: I,
    index: Arg<Scatter<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
    src: Arg<Source<X, W, N>, W>,
    ...options: O
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type ScatterMethod<N extends string, V extends OperandOf, O extends readonly unknown[] = []> = <
  X extends Tensor,
  I extends number,
  J extends Indices,
  W extends V,
>(
  this: X,
  dim: I,
  index: Arg<Scatter<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
  src: Arg<Source<X, W, N>, W>,
  ...options: O
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
export type InPlaceScatter<N extends string, V extends OperandOf, O extends readonly unknown[] = []> = <
  X extends Tensor,
  I extends number,
  J extends Indices,
  W extends V,
>(
  this: X,
  dim: I,
  index: Arg<Scatter<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
  src: Arg<Source<X, W, N>, W>,
  ...options: O
) => X;
/** Slices written at the places that a line of indices names. */
export interface IndexWriteFunction<N extends string, V extends OperandOf, O extends readonly unknown[] = []> extends Described {
  <X extends Tensor, I extends number, J extends Indices, W extends V>(
    input: X,
    dim: I,
    index: Arg<IndexSelect<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
    source: Arg<Source<X, W, N>, W>,
    ...options: O
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type IndexWriteMethod<N extends string, V extends OperandOf, O extends readonly unknown[] = []> = <
  X extends Tensor,
  I extends number,
  J extends Indices,
  W extends V,
>(
  this: X,
  dim: I,
  index: Arg<IndexSelect<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
  source: Arg<Source<X, W, N>, W>,
  ...options: O
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
export type InPlaceIndexWrite<N extends string, V extends OperandOf, O extends readonly unknown[] = []> = <
  X extends Tensor,
  I extends number,
  J extends Indices,
  W extends V,
>(
  this: X,
  dim: I,
  index: Arg<IndexSelect<ShapeOf<X>, I, ShapeOf<J>, N>, J>,
  source: Arg<Source<X, W, N>, W>,
  ...options: O
) => X;
type PutOptions = { readonly accumulate?: boolean };
export interface PutFunction<N extends string> extends Described {
  <X extends Tensor, V extends Tensor>(
    input: X,
    index: Indices,
    source: Arg<Source<X, V, N>, V>,
    options?: PutOptions,
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type PutMethod<N extends string> = <X extends Tensor, V extends Tensor>(
  this: X,
  index: Indices,
  source: Arg<Source<X, V, N>, V>,
  options?: PutOptions,
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
export type InPlacePut<N extends string> = <X extends Tensor, V extends Tensor>(
  this: X,
  index: Indices,
  source: Arg<Source<X, V, N>, V>,
  options?: PutOptions,
) => X;

// ---------------------------------------------------------------- by mask

type Masked<X, M, N extends string> = Broadcast<ShapeOf<X>, ShapeOf<M>, N>;
/** `V`: what stands where the mask is true. */
export interface MaskedFunction<N extends string, V> extends Described {
  <X extends Tensor, M extends Mask>(input: X, mask: Arg<Masked<X, M, N>, M>, value: V): Tensor<Out<Masked<X, M, N>>, DTypeOf<X>>;
}
export type MaskedMethod<N extends string, V> = <X extends Tensor, M extends Mask>(
  this: X,
  mask: Arg<Masked<X, M, N>, M>,
  value: V,
) => Tensor<Out<Masked<X, M, N>>, DTypeOf<X>>;
export type InPlaceMasked<N extends string, V> = <X extends Tensor, M extends Mask>(
  this: X,
  mask: Arg<InPlace<ShapeOf<X>, ShapeOf<M>, N>, M>,
  value: V,
) => X;
export interface MaskedSelectFunction<N extends string> extends Described {
  <X extends Tensor, M extends Mask>(input: X, mask: Arg<Masked<X, M, N>, M>): Tensor<[number], DTypeOf<X>>;
}
export type MaskedSelectMethod<N extends string> = <X extends Tensor, M extends Mask>(
  this: X,
  mask: Arg<Masked<X, M, N>, M>,
) => Tensor<[number], DTypeOf<X>>;

/** Coordinates of what is not zero: a table, or a line for each dimension. */
type Positions<X, A> = A extends true ? Tensor<[number], 'int64'>[] : Tensor<Nonzero<ShapeOf<X>>, 'int64'>;
export interface NonzeroFunction extends Described {
  <X extends Tensor, A extends boolean = false>(input: X, options?: { readonly asTuple?: A }): Positions<X, A>;
}
export type NonzeroMethod = <X extends Tensor, A extends boolean = false>(this: X, options?: { readonly asTuple?: A }) => Positions<X, A>;
type Rows<X, R> = Nonzero<ShapeOf<X>> extends [number, infer K extends number] ? [R & number, K] : [number, number];
export interface NonzeroStaticFunction extends Described {
  <X extends Tensor, R extends number>(input: X, options: { readonly size: R; readonly fillValue?: number }): Tensor<Rows<X, R>, 'int64'>;
}
export type NonzeroStaticMethod = <X extends Tensor, R extends number>(
  this: X,
  options: { readonly size: R; readonly fillValue?: number },
) => Tensor<Rows<X, R>, 'int64'>;
export interface ArgwhereFunction extends Described {
  <X extends Tensor>(input: X): Tensor<Nonzero<ShapeOf<X>>, 'int64'>;
}
export type ArgwhereMethod = <X extends Tensor>(this: X) => Tensor<Nonzero<ShapeOf<X>>, 'int64'>;

// ---------------------------------------------------------------- order

export interface SortFunction<N extends string, O> extends Described {
  <X extends Tensor<number[], RealDType>, I extends number = -1>(
    input: X,
    dim?: Arg<Along<ShapeOf<X>, I, N>, I>,
    options?: O,
  ): Indexed<ShapeOf<X>, DTypeOf<X>>;
}
export type SortMethod<N extends string, O> = <X extends Tensor<number[], RealDType>, I extends number = -1>(
  this: X,
  dim?: Arg<Along<ShapeOf<X>, I, N>, I>,
  options?: O,
) => Indexed<ShapeOf<X>, DTypeOf<X>>;
export interface ArgsortFunction<N extends string, O> extends Described {
  <X extends Tensor<number[], RealDType>, I extends number = -1>(
    input: X,
    dim?: Arg<Along<ShapeOf<X>, I, N>, I>,
    options?: O,
  ): Tensor<ShapeOf<X>, 'int64'>;
}
export type ArgsortMethod<N extends string, O> = <X extends Tensor<number[], RealDType>, I extends number = -1>(
  this: X,
  dim?: Arg<Along<ShapeOf<X>, I, N>, I>,
  options?: O,
) => Tensor<ShapeOf<X>, 'int64'>;
export interface TopkFunction<N extends string, O> extends Described {
  <X extends Tensor<number[], RealDType>, K extends number, I extends number = -1>(
    input: X,
    k: Arg<TopK<ShapeOf<X>, K, I, N>, K>,
    dim?: I,
    options?: O,
  ): Indexed<Out<TopK<ShapeOf<X>, K, I, N>>, DTypeOf<X>>;
}
export type TopkMethod<N extends string, O> = <X extends Tensor<number[], RealDType>, K extends number, I extends number = -1>(
  this: X,
  k: Arg<TopK<ShapeOf<X>, K, I, N>, K>,
  dim?: I,
  options?: O,
) => Indexed<Out<TopK<ShapeOf<X>, K, I, N>>, DTypeOf<X>>;
/** The k-th of each line. */
export interface KthvalueFunction<N extends string> extends Described {
  <X extends Tensor<number[], RealDType>, const I extends number = -1, K extends boolean = false>(
    input: X,
    k: number,
    dim?: Arg<Reduce<ShapeOf<X>, I, K, N>, I>,
    options?: Keepdim<K>,
  ): Indexed<Out<Reduce<ShapeOf<X>, I, K, N>>, DTypeOf<X>>;
}
export type KthvalueMethod<N extends string> = <
  X extends Tensor<number[], RealDType>,
  const I extends number = -1,
  K extends boolean = false,
>(
  this: X,
  k: number,
  dim?: Arg<Reduce<ShapeOf<X>, I, K, N>, I>,
  options?: Keepdim<K>,
) => Indexed<Out<Reduce<ShapeOf<X>, I, K, N>>, DTypeOf<X>>;
/** A line of probabilities puts a dimension before the others. */
type QuantileShape<X, Q, I, K, N extends string> = Q extends Tensor
  ? ShapeOf<Q> extends readonly [infer L]
    ? Reduce<ShapeOf<X>, I, K, N> extends infer R
      ? R extends Ok<infer S extends readonly unknown[]>
        ? Ok<[L, ...S]>
        : R
      : never
    : ShapeOf<Q> extends readonly []
      ? Reduce<ShapeOf<X>, I, K, N>
      : Ok<number[]>
  : Reduce<ShapeOf<X>, I, K, N>;
export interface QuantileFunction<N extends string, O> extends Described {
  <
    X extends Tensor<number[], FloatDType>,
    Q extends number | Tensor<number[], FloatDType>,
    const I extends DimArgument = undefined,
    K extends boolean = false,
  >(
    input: X,
    q: Q,
    dim?: Arg<QuantileShape<X, Q, I, K, N>, I>,
    options?: Keepdim<K> & O,
  ): Tensor<Out<QuantileShape<X, Q, I, K, N>>, DTypeOf<X>>;
}
export type QuantileMethod<N extends string, O> = <
  X extends Tensor<number[], FloatDType>,
  Q extends number | Tensor<number[], FloatDType>,
  const I extends DimArgument = undefined,
  K extends boolean = false,
>(
  this: X,
  q: Q,
  dim?: Arg<QuantileShape<X, Q, I, K, N>, I>,
  options?: Keepdim<K> & O,
) => Tensor<Out<QuantileShape<X, Q, I, K, N>>, DTypeOf<X>>;

// ---------------------------------------------------------------- repeated, and written into views

type Repeats<R> = R extends number ? R : number;
export interface RepeatInterleaveFunction extends Described {
  <X extends Tensor, R extends number | Indices = number, I extends DimArgument = undefined>(
    input: X,
    repeats?: R,
    dim?: Arg<RepeatedAlong<ShapeOf<X>, I, Repeats<R>>, I>,
    options?: { readonly outputSize?: number | null },
  ): Tensor<Out<RepeatedAlong<ShapeOf<X>, I, Repeats<R>>>, DTypeOf<X>>;
}
export type RepeatInterleaveMethod = <X extends Tensor, R extends number | Indices, I extends DimArgument = undefined>(
  this: X,
  repeats: R,
  dim?: Arg<RepeatedAlong<ShapeOf<X>, I, Repeats<R>>, I>,
  options?: { readonly outputSize?: number | null },
) => Tensor<Out<RepeatedAlong<ShapeOf<X>, I, Repeats<R>>>, DTypeOf<X>>;
/** What is written into a part must have the part's shape P. */
type FitsPart<X, V, P, N extends string> = P extends string
  ? P
  : Unless<OneDType<DTypeOf<X>, DTypeOf<V>, N>, P extends Ok<infer S> ? InPlace<ShapeOf<V>, S, N> : Ok<ShapeOf<X>>>;
export interface SelectScatterFunction<N extends string> extends Described {
  <X extends Tensor, V extends Tensor, I extends number, J extends number>(
    input: X,
    src: Arg<FitsPart<X, V, Select<ShapeOf<X>, I, J, N>, N>, V>,
    dim: I,
    index: J,
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type SelectScatterMethod<N extends string> = <X extends Tensor, V extends Tensor, I extends number, J extends number>(
  this: X,
  src: Arg<FitsPart<X, V, Select<ShapeOf<X>, I, J, N>, N>, V>,
  dim: I,
  index: J,
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
/** The same for parts of which the shape is not followed. */
export interface PartScatterFunction<N extends string, A extends readonly unknown[]> extends Described {
  <X extends Tensor, V extends Tensor>(
    input: X,
    src: Arg<OneDType<DTypeOf<X>, DTypeOf<V>, N>, V>,
    ...part: A
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type PartScatterMethod<N extends string, A extends readonly unknown[]> = <X extends Tensor, V extends Tensor>(
  this: X,
  src: Arg<OneDType<DTypeOf<X>, DTypeOf<V>, N>, V>,
  ...part: A
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
export interface AsStridedFunction extends Described {
  <X extends Tensor, const S extends Sizes>(
    input: X,
    size: S,
    stride: Sizes,
    storageOffset?: number | null,
  ): Tensor<AsShape<S>, DTypeOf<X>>;
}
export type AsStridedMethod = <X extends Tensor, const S extends Sizes>(
  this: X,
  size: S,
  stride: Sizes,
  storageOffset?: number | null,
) => Tensor<AsShape<S>, DTypeOf<X>>;

/** Rows are variables: one to one of them. */
type CovarianceShape<S, N extends string> = S extends readonly [infer V, unknown]
  ? Ok<[V, V]>
  : S extends readonly [] | readonly [unknown]
    ? Ok<[]>
    : IsOpen<S> extends true
      ? Ok<number[]>
      : `${N}: expected at most 2 dims, got ${Show<S>}`;
export interface CovarianceFunction<N extends string, O extends readonly unknown[]> extends Described {
  <X extends Tensor>(
    input: Arg<CovarianceShape<ShapeOf<X>, N>, X>,
    ...options: O
  ): Tensor<Out<CovarianceShape<ShapeOf<X>, N>>, ToFloat<DTypeOf<X>>>;
}
export type CovarianceMethod<N extends string, O extends readonly unknown[]> = <X extends Tensor>(
  this: Arg<CovarianceShape<ShapeOf<X>, N>, X>,
  ...options: O
) => Tensor<Out<CovarianceShape<ShapeOf<X>, N>>, ToFloat<DTypeOf<X>>>;

// ---------------------------------------------------------------- at and set

export interface AtFunction<I0> extends Described {
  <X extends Tensor, const I extends readonly I0[]>(
    input: X,
    ...indices: Args<IndexShape<ShapeOf<X>, I>, I>
  ): Tensor<Out<IndexShape<ShapeOf<X>, I>>, DTypeOf<X>>;
}
export type AtMethod<I0> = <X extends Tensor, const I extends readonly I0[]>(
  this: X,
  ...indices: Args<IndexShape<ShapeOf<X>, I>, I>
) => Tensor<Out<IndexShape<ShapeOf<X>, I>>, DTypeOf<X>>;
/** One index, or a list of them. */
type IndexList<I> = I extends readonly unknown[] ? I : [I];
/** A message where the value does not fit into the part. */
type SetInto<X, I, V> =
  IndexShape<ShapeOf<X>, IndexList<I>> extends infer P ? (P extends Ok<infer S> ? InPlace<S, ShapeOf<V>, 'set'> : P) : never;
export interface SetFunction<I0> extends Described {
  <X extends Tensor, const I extends I0 | readonly I0[], V extends OperandOf>(input: X, indices: I, value: Arg<SetInto<X, I, V>, V>): X;
}
export type SetMethod<I0> = <X extends Tensor, const I extends I0 | readonly I0[], V extends OperandOf>(
  this: X,
  indices: I,
  value: Arg<SetInto<X, I, V>, V>,
) => X;
type IndexTensors = readonly (Tensor<number[], IndexDType | 'bool' | 'uint8'> | null)[];
export interface IndexPutFunction<N extends string> extends Described {
  <X extends Tensor, V extends Tensor>(
    input: X,
    indices: IndexTensors,
    values: Arg<Source<X, V, N>, V>,
    options?: PutOptions,
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type IndexPutMethod<N extends string> = <X extends Tensor, V extends Tensor>(
  this: X,
  indices: IndexTensors,
  values: Arg<Source<X, V, N>, V>,
  options?: PutOptions,
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
export type InPlaceIndexPut<N extends string> = <X extends Tensor, V extends Tensor>(
  this: X,
  indices: IndexTensors,
  values: Arg<Source<X, V, N>, V>,
  options?: PutOptions,
) => X;

// ---------------------------------------------------------------- copies

/** Written over the whole target, converted to its dtype. */
export type InPlaceCopy<N extends string, O extends readonly unknown[]> = <X extends Tensor, V extends Tensor>(
  this: X,
  src: Arg<InPlace<ShapeOf<X>, ShapeOf<V>, N>, V>,
  ...options: O
) => X;
export interface CopyInto<N extends string, O extends readonly unknown[]> extends Described {
  <X extends Tensor, V extends Tensor>(input: X, src: Arg<InPlace<ShapeOf<X>, ShapeOf<V>, N>, V>, ...options: O): X;
}
type SummedTo<X, A extends readonly unknown[], N extends string> =
  Expand<Listed<A>, ShapeOf<X>, N> extends infer R ? (R extends string ? R : Ok<Copy<Listed<A>>>) : never;
/** Sums over what broadcasting added. Integers sum in int64 where anything is summed. */
export interface SumToSizeFunction<N extends string> extends Described {
  <X extends Tensor, const A extends SizesArguments>(
    input: X,
    ...size: Args<SummedTo<X, A, N>, A>
  ): Tensor<Out<SummedTo<X, A, N>>, FloatOrUnknown<DTypeOf<X>>>;
}
export type SumToSizeMethod<N extends string> = <X extends Tensor, const A extends SizesArguments>(
  this: X,
  ...size: Args<SummedTo<X, A, N>, A>
) => Tensor<Out<SummedTo<X, A, N>>, FloatOrUnknown<DTypeOf<X>>>;
type FloatOrUnknown<D extends DType> = [D] extends [FloatingDType] ? D : DType;

/** Functions that make tensors. Their results say what was passed; what a result is assigned to never changes it. */
import type { DType } from '../../dtype/dtype.ts';
import type { FloatDType } from '../../dtype/types.ts';
import type {
  Add,
  AllLiteral,
  Arg,
  Args,
  Broadcast,
  Copy,
  DataDType,
  DataShape,
  Divide,
  DivideWithRest,
  Out,
  Subtract,
  ValidDims,
} from '../../shape/types.ts';
import type { TensorData, TypedArray } from '../../tensor/data.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { CreateOptions } from '../creation.ts';
import type { Described, Scalar } from '../family.ts';
import type { RandomOptions } from '../random.ts';
import type { AsShape, Common, DTypeOf, ShapeOf, Sizes } from './operands.ts';

/** What a function of a shape takes: sizes as an array or as numbers, then options. */
export type CreationArguments<O = CreateOptions> = readonly (number | Sizes | O | null | undefined)[];
/** The sizes among these arguments. */
type SizesIn<A extends readonly unknown[]> = A extends readonly [infer N extends Sizes, ...unknown[]]
  ? N
  : A extends Sizes
    ? A
    : A extends readonly [...infer N extends Sizes, unknown]
      ? N
      : number[];
/** The dtype that the options among these arguments name. */
type DTypeIn<A extends readonly unknown[], D extends DType> = A extends readonly [...unknown[], { readonly dtype: infer E extends DType }]
  ? E
  : A extends readonly [...unknown[], { readonly dtype?: infer E }]
    ? undefined extends E
      ? D
      : DType
    : D;
/** A message for options that do not exist, else the shape's. */
type Checked<A extends readonly unknown[], O> = A extends readonly [...unknown[], infer L]
  ? L extends number | Sizes | null | undefined
    ? ValidDims<SizesIn<A>>
    : [Exclude<keyof L, keyof O>] extends [never]
      ? ValidDims<SizesIn<A>>
      : `unknown option '${Exclude<keyof L, keyof O> & string}'`
  : ValidDims<SizesIn<A>>;
/** `zeros([2, 3], { dtype })`, `zeros(2, 3)`. */
export interface CreationFunction<O = CreateOptions> extends Described {
  <const A extends CreationArguments<O>>(...args: Args<Checked<A, O>, A>): Tensor<AsShape<SizesIn<A>>, DTypeIn<A, 'float32'>>;
}
/** The same for random numbers: floats only. */
export interface DrawFunction extends CreationFunction<RandomOptions> {}

/** Options with the dtype as a type. */
export type TypedOptions<E extends DType, O = CreateOptions> = Omit<O, 'dtype'> & { readonly dtype?: E | null };

/** What one scalar makes: whole numbers int64. */
type ScalarDType<V> = V extends boolean
  ? 'bool'
  : V extends bigint
    ? 'int64'
    : V extends number
      ? number extends V
        ? DType
        : `${V}` extends `${string}.${string}` | `${string}e-${string}` | 'Infinity' | '-Infinity' | 'NaN'
          ? 'float32'
          : 'int64'
      : DType;
export interface FullFunction extends Described {
  <const N extends Sizes, const V extends Scalar, E extends DType = ScalarDType<V>>(
    size: Arg<ValidDims<N>, N>,
    fillValue: V,
    options?: TypedOptions<E>,
  ): Tensor<Copy<N>, NoInfer<E>>;
}
export interface ScalarTensorFunction extends Described {
  <E extends DType = 'float32'>(s: Scalar, options?: TypedOptions<E>): Tensor<[], NoInfer<E>>;
}

interface TypedArrayDTypes {
  Float32Array: 'float32';
  Float64Array: 'float64';
  Int8Array: 'int8';
  Uint8Array: 'uint8';
  Uint8ClampedArray: 'uint8';
  Int16Array: 'int16';
  Int32Array: 'int32';
  BigInt64Array: 'int64';
}
type ArrayDType<A> = A extends { readonly [Symbol.toStringTag]: infer K extends keyof TypedArrayDTypes } ? TypedArrayDTypes[K] : DType;
type MadeDType<A> = A extends Tensor ? DTypeOf<A> : A extends TypedArray ? ArrayDType<A> : DataDType<A>;
type MadeShape<A> = A extends Tensor ? ShapeOf<A> : A extends TypedArray ? [number] : DataShape<A>;
export interface TensorFunction extends Described {
  <const A extends TensorData | Tensor, E extends DType = MadeDType<A>>(
    data: A,
    options?: TypedOptions<E>,
  ): Tensor<MadeShape<A>, NoInfer<E>>;
}

// ---------------------------------------------------------------- ranges

/** How many steps of the size By lead from From to To; not known unless all are literals from 0 on. */
type Steps<From, To, By> =
  AllLiteral<[From, To, By]> extends true
    ? `${From & number}|${To & number}|${By & number}` extends `${string}-${string}` | `${string}.${string}`
      ? number
      : By extends 1
        ? Size<Subtract<To & number, From & number>>
        : Subtract<To & number, From & number> extends infer L extends number
          ? DivideWithRest<L, By & number> extends [infer Q extends number, infer R]
            ? R extends 0
              ? Q
              : Divide<Add<L, Subtract<By & number, 1> & number>, By & number>
            : number
          : number
    : number;
type Size<N> = N extends number ? N : number;
type RangeDType<A> = A extends bigint | boolean
  ? 'int64'
  : number extends A
    ? DType
    : `${A & number}` extends `${string}.${string}` | `${string}e-${string}`
      ? 'float32'
      : 'int64';
type RangeOf<A extends readonly unknown[]> = A extends readonly [infer F, infer T, infer B, ...unknown[]]
  ? B extends number
    ? Steps<F, T, B>
    : T extends number
      ? Steps<F, T, 1>
      : Steps<0, F, 1>
  : A extends readonly [infer F, infer T]
    ? T extends number
      ? Steps<F, T, 1>
      : Steps<0, F, 1>
    : A extends readonly [infer F]
      ? Steps<0, F, 1>
      : number;
type RangeDTypes<A extends readonly unknown[]> = A extends readonly [infer H, ...infer T]
  ? H extends Scalar
    ? RangeDType<H> extends 'int64'
      ? RangeDTypes<T>
      : RangeDType<H>
    : 'int64'
  : 'int64';
type RangeArguments = readonly [Scalar, ...(Scalar | CreateOptions | null | undefined)[]];
export interface ArangeFunction extends Described {
  <const A extends RangeArguments>(...args: A): Tensor<[RangeOf<A>], DTypeIn<A, RangeDTypes<A>>>;
}
export interface LinspaceFunction extends Described {
  <N extends number, E extends DType = 'float32'>(
    start: Scalar | Tensor<[]>,
    end: Scalar | Tensor<[]>,
    steps: N,
    options?: TypedOptions<E>,
  ): Tensor<[N], NoInfer<E>>;
}
export interface LogspaceFunction extends Described {
  <N extends number, E extends DType = 'float32'>(
    start: Scalar | Tensor<[]>,
    end: Scalar | Tensor<[]>,
    steps: N,
    base?: number | (TypedOptions<E> & { readonly base?: number }),
    options?: TypedOptions<E> & { readonly base?: number },
  ): Tensor<[N], NoInfer<E>>;
}
export interface EyeFunction extends Described {
  <N extends number, M extends number | null | undefined | TypedOptions<DType> = undefined, E extends DType = OptionDType<M>>(
    n: N,
    m?: M,
    options?: TypedOptions<E>,
  ): Tensor<[N, M extends number ? M : N], NoInfer<E>>;
}
type OptionDType<M> = M extends { readonly dtype: infer E extends DType } ? E : 'float32';

// ---------------------------------------------------------------- like another tensor

export interface LikeFunction<O = CreateOptions> extends Described {
  <X extends Tensor, E extends DType = DTypeOf<X>>(input: X, options?: TypedOptions<E, O>): Tensor<ShapeOf<X>, NoInfer<E>>;
}
export interface FullLikeFunction extends Described {
  <X extends Tensor, E extends DType = DTypeOf<X>>(input: X, fillValue: Scalar, options?: TypedOptions<E>): Tensor<ShapeOf<X>, NoInfer<E>>;
}
export interface RandintLikeFunction extends Described {
  <X extends Tensor, E extends DType = DTypeOf<X>>(
    input: X,
    low: number,
    high?: number | TypedOptions<E, RandomOptions>,
    options?: TypedOptions<E, RandomOptions>,
  ): Tensor<ShapeOf<X>, NoInfer<E>>;
}
/** Another shape in the dtype of a tensor. */
export interface NewFunction extends Described {
  <X extends Tensor, const N extends Sizes, E extends DType = DTypeOf<X>>(
    input: X,
    size: Arg<ValidDims<N>, N>,
    options?: TypedOptions<E>,
  ): Tensor<Copy<N>, NoInfer<E>>;
}
export type NewMethod = <X extends Tensor, const N extends Sizes, E extends DType = DTypeOf<X>>(
  this: X,
  size: Arg<ValidDims<N>, N>,
  options?: TypedOptions<E>,
) => Tensor<Copy<N>, NoInfer<E>>;
export interface NewFullFunction extends Described {
  <X extends Tensor, const N extends Sizes, E extends DType = DTypeOf<X>>(
    input: X,
    size: Arg<ValidDims<N>, N>,
    fillValue: Scalar,
    options?: TypedOptions<E>,
  ): Tensor<Copy<N>, NoInfer<E>>;
}
export type NewFullMethod = <X extends Tensor, const N extends Sizes, E extends DType = DTypeOf<X>>(
  this: X,
  size: Arg<ValidDims<N>, N>,
  fillValue: Scalar,
  options?: TypedOptions<E>,
) => Tensor<Copy<N>, NoInfer<E>>;
/** A shape with strides or a layout. */
export interface StridedFunction extends Described {
  <const N extends Sizes, E extends DType = 'float32'>(
    size: Arg<ValidDims<N>, N>,
    layout: Sizes,
    options?: TypedOptions<E>,
  ): Tensor<Copy<N>, NoInfer<E>>;
}
export interface NewStridedFunction extends Described {
  <X extends Tensor, const N extends Sizes, E extends DType = DTypeOf<X>>(
    input: X,
    size: Arg<ValidDims<N>, N>,
    stride: Sizes,
    options?: TypedOptions<E>,
  ): Tensor<Copy<N>, NoInfer<E>>;
}
export type NewStridedMethod = <X extends Tensor, const N extends Sizes, E extends DType = DTypeOf<X>>(
  this: X,
  size: Arg<ValidDims<N>, N>,
  stride: Sizes,
  options?: TypedOptions<E>,
) => Tensor<Copy<N>, NoInfer<E>>;

// ---------------------------------------------------------------- random

/** `randint(high, shape)`, `randint(low, high, shape)`. */
type DrawnShape<A extends readonly unknown[]> = A extends readonly [number, infer N extends Sizes, ...unknown[]]
  ? Copy<N>
  : A extends readonly [number, number, infer N extends Sizes, ...unknown[]]
    ? Copy<N>
    : number[];
type RandintArguments = readonly [number, Sizes, RandomOptions?] | readonly [number, number, Sizes, RandomOptions?];
export interface RandintFunction extends Described {
  <const A extends RandintArguments>(...args: A): Tensor<DrawnShape<A>, DTypeIn<A, 'int64'>>;
}
export interface RandpermFunction extends Described {
  <N extends number, E extends DType = 'int64'>(n: N, options?: TypedOptions<E, RandomOptions>): Tensor<[N], NoInfer<E>>;
}
type NormalShape<M, S, N> = M extends Tensor
  ? S extends Tensor
    ? Out<Broadcast<ShapeOf<M>, ShapeOf<S>, 'normal'>>
    : ShapeOf<M>
  : S extends Tensor
    ? ShapeOf<S>
    : S extends Sizes
      ? Copy<S>
      : N extends Sizes
        ? Copy<N>
        : number[];
/** Of numbers and a size, or one draw for each element of a tensor. */
export interface NormalFunction extends Described {
  <
    M extends number | Tensor<number[], FloatDType>,
    const S extends number | Tensor<number[], FloatDType> | Sizes = 1,
    const N extends Sizes | RandomOptions | null | undefined = undefined,
  >(
    mean: M,
    std?: S,
    size?: N,
    options?: RandomOptions,
  ): Tensor<
    NormalShape<M, S, N>,
    M extends Tensor ? (S extends Tensor ? Common<M, S> : DTypeOf<M>) : S extends Tensor ? DTypeOf<S> : DType
  >;
}

/** Draws into a tensor. */
export interface DrawInto<D extends DType, A extends readonly unknown[]> extends Described {
  <X extends Tensor<number[], D>>(input: X, ...parameters: A): X;
}

/** A window of M weights. `O`: its options. */
export interface WindowFunction<O> extends Described {
  <M extends number, E extends 'float32' | 'float64' = 'float32'>(
    M: M,
    options?: Omit<O, 'dtype'> & { readonly dtype?: E | null },
  ): Tensor<AsShape<[M]>, E>;
}

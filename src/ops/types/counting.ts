/** Functions and methods that count, look up, and find what is different; and those that change the shape of the tensor itself. */
import type { DType } from '../../dtype/dtype.ts';
import type { FloatDType, IntegerDType, RealDType } from '../../dtype/types.ts';
import type { Arg, MatrixTranspose, Ok, Out, SameShape, Unsized } from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Described, Scalar } from '../family.ts';
import type { SizesArguments } from './movement.ts';
import type { AsShape, DTypeOf, Named, OperandOf, ShapeOf } from './operands.ts';
import type { DimArgument } from './reduction.ts';

/** Weights have the shape of what they weigh. */
type Weighted<X, W> = W extends Tensor ? SameShape<ShapeOf<X>, ShapeOf<W>, 'bincount'> : Ok<[]>;
type CountDType<W> = W extends Tensor ? (DType extends DTypeOf<W> ? DType : DTypeOf<W> extends 'float32' ? 'float32' : 'float64') : 'int64';
export interface BincountFunction extends Described {
  <X extends Tensor<[number], IntegerDType>, W extends Tensor | null | undefined = undefined>(
    input: X,
    weights?: Arg<Weighted<X, W>, W>,
    minlength?: number,
  ): Tensor<[number], CountDType<W>>;
}
export type BincountMethod = <X extends Tensor<[number], IntegerDType>, W extends Tensor | null | undefined = undefined>(
  this: X,
  weights?: Arg<Weighted<X, W>, W>,
  minlength?: number,
) => Tensor<[number], CountDType<W>>;
interface HistogramRange {
  readonly min?: number;
  readonly max?: number;
}
export interface HistcFunction extends Described {
  <X extends Tensor<number[], FloatDType>, B extends number = 100>(input: X, bins?: B, options?: HistogramRange): Tensor<[B], DTypeOf<X>>;
}
export type HistcMethod = <X extends Tensor<number[], FloatDType>, B extends number = 100>(
  this: X,
  bins?: B,
  options?: HistogramRange,
) => Tensor<[B], DTypeOf<X>>;

/** What is different: elements as a line, or slices along a dimension. */
type Distinct<X, I> = Tensor<AsShape<[I] extends [null | undefined] ? [number] : SlicesOf<ShapeOf<X>>>, DTypeOf<X>>;
type SlicesOf<S> = S extends readonly number[] ? Unsized<S> : number[];
type Inverse<X, I> = Tensor<AsShape<[I] extends [null | undefined] ? ShapeOf<X> : [number]>, 'int64'>;
type UniqueResult<X, I, R, C> = R extends true
  ? C extends true
    ? Named<{ output: Distinct<X, I>; inverseIndices: Inverse<X, I>; counts: Tensor<[number], 'int64'> }>
    : Named<{ output: Distinct<X, I>; inverseIndices: Inverse<X, I> }>
  : C extends true
    ? Named<{ output: Distinct<X, I>; counts: Tensor<[number], 'int64'> }>
    : Distinct<X, I>;
interface UniqueChoice<I, R, C> {
  /** Also return where each element went. */
  readonly returnInverse?: R;
  /** Also return how often each occurs. */
  readonly returnCounts?: C;
  /** Compare the slices along a dimension instead of elements. */
  readonly dim?: I;
}
/** `O`: further options. */
export interface UniqueFunction<O> extends Described {
  <X extends Tensor<number[], RealDType>, I extends DimArgument = undefined, R extends boolean = false, C extends boolean = false>(
    input: X,
    options?: UniqueChoice<I, R, C> & O,
  ): UniqueResult<X, I, R, C>;
}
export type UniqueMethod<O> = <
  X extends Tensor<number[], RealDType>,
  I extends DimArgument = undefined,
  R extends boolean = false,
  C extends boolean = false,
>(
  this: X,
  options?: UniqueChoice<I, R, C> & O,
) => UniqueResult<X, I, R, C>;

/** Where values belong in sorted lines. */
export interface SearchsortedFunction<O> extends Described {
  <X extends Tensor<number[], RealDType>, V extends OperandOf<RealDType>, W extends boolean = false>(
    sortedSequence: X,
    input: V,
    options?: O & { readonly outInt32?: W },
  ): Tensor<ShapeOf<V>, W extends true ? 'int32' : 'int64'>;
}
export interface BucketizeFunction<O> extends Described {
  <V extends OperandOf<RealDType>, W extends boolean = false>(
    input: V,
    boundaries: Tensor<[number], RealDType>,
    options?: O & { readonly outInt32?: W },
  ): Tensor<ShapeOf<V>, W extends true ? 'int32' : 'int64'>;
}
export interface IsinFunction<O> extends Described {
  <X extends Tensor | Scalar>(elements: X, testElements: Tensor | Scalar, options?: O): Tensor<ShapeOf<X>, 'bool'>;
}

/** `mH`, which takes a 0-d tensor too. */
type Adjoint<S> = S extends readonly [] ? Ok<[]> : MatrixTranspose<S, 'adjoint'>;
export interface AdjointFunction extends Described {
  <X extends Tensor>(input: Arg<Adjoint<ShapeOf<X>>, X>): Tensor<Out<Adjoint<ShapeOf<X>>>, DTypeOf<X>>;
}
export type AdjointMethod = <X extends Tensor>(this: Arg<Adjoint<ShapeOf<X>>, X>) => Tensor<Out<Adjoint<ShapeOf<X>>>, DTypeOf<X>>;

/** Gives the tensor itself another shape. Types follow the result, not the variable that the method was called on. */
type SizesOf<A extends readonly unknown[]> = A extends readonly [infer N extends readonly number[]]
  ? N
  : A extends readonly number[]
    ? A
    : number[];
export interface ResizeFunction extends Described {
  <X extends Tensor, const A extends SizesArguments>(input: X, ...size: A): Tensor<AsShape<SizesOf<A>>, DTypeOf<X>>;
}
export type ResizeMethod = <X extends Tensor, const A extends SizesArguments>(
  this: X,
  ...size: A
) => Tensor<AsShape<SizesOf<A>>, DTypeOf<X>>;
export interface ResizeAsFunction extends Described {
  <X extends Tensor, Y extends Tensor>(input: X, template: Y): Tensor<ShapeOf<Y>, DTypeOf<X>>;
}
export type ResizeAsMethod = <X extends Tensor, Y extends Tensor>(this: X, template: Y) => Tensor<ShapeOf<Y>, DTypeOf<X>>;

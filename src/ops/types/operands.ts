/**
 * What every signature is written with. A signature takes its operands as type parameters (`X`, `Y`), so that it mentions neither the shape nor the
 * dtype of the class: only then are typed and untyped tensors assignable to each other.
 */
import type { DType } from '../../dtype/dtype.ts';
import type { Promote, PromoteScalar, ResultType } from '../../dtype/types.ts';
import type { Broadcast, Copy } from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Scalar } from '../family.ts';

/** Sizes or dimensions, as an argument. */
export type Sizes = readonly number[];
/** A tensor of one of the dtypes D, or a scalar. */
export type OperandOf<D extends DType = DType> = Tensor<number[], D> | Scalar;

// `any`, and not DType and Shape: only then the compiler decides these for a tensor whose shape is a type parameter.
/** The shape of a tensor type; a scalar is 0-d. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type ShapeOf<X> = X extends Tensor<infer S, any> ? S : [];
/** The dtype of a tensor type. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type DTypeOf<X> = X extends Tensor<any, infer D> ? D : DType;

/** Sizes as a shape. */
export type AsShape<S> = S extends Sizes ? Copy<S> : number[];
/** The dtype in which two operands are computed, either of which may be a scalar. */
export type Common<X, Y> =
  Y extends Tensor<infer SY, infer DY>
    ? X extends Tensor<infer SX, infer DX>
      ? ResultType<SX, DX, SY, DY>
      : PromoteScalar<DY, X>
    : PromoteScalar<DTypeOf<X>, Y>;
/** The same for three tensors, where all have one dtype or all have dimensions; else it is not known. */
export type Common3<X, Y, Z> = [DTypeOf<X> | DTypeOf<Y> | DTypeOf<Z>] extends [DTypeOf<X> & DTypeOf<Y> & DTypeOf<Z>]
  ? DTypeOf<X>
  : [] extends ShapeOf<X> | ShapeOf<Y> | ShapeOf<Z>
    ? DType
    : Promote<Promote<DTypeOf<X>, DTypeOf<Y>>, DTypeOf<Z>>;
/** The dtype of an option, where one was given, else D. */
export type Chosen<E extends DType, D extends DType> = [E] extends [never] ? D : E;

/** The shape of two operands, or why they do not go together. Two scalars are no operands. */
export type Pair<X, Y, Op extends string> = [X | Y] extends [Scalar]
  ? `${Op}: one operand must be a tensor`
  : Broadcast<ShapeOf<X>, ShapeOf<Y>, Op>;

/** R, unless a check of something else has found a fault. */
export type Unless<Fault, R> = [Fault] extends [string] ? Fault : R;
/** True for one dtype, a message for two: products of matrices and some others do not promote. */
export type OneDType<A, B, Op extends string> = [A & B] extends [never] ? `${Op}: the dtypes ${A & string} and ${B & string} differ` : true;

/** The shapes of a list of tensors. */
export type ShapesOf<L extends readonly Tensor[]> = { -readonly [P in keyof L]: ShapeOf<L[P]> };
/** The promoted dtype of a list of tensors. */
export type DTypeOfAll<L extends readonly unknown[], D extends DType = never> = L extends readonly [infer A, ...infer R]
  ? DTypeOfAll<R, [D] extends [never] ? DTypeOf<A> : Promote<D, DTypeOf<A>>>
  : [D] extends [never]
    ? DTypeOf<L[number]>
    : D;

/** Several results by name; also iterable, in that order. */
export type Named<R> = Readonly<R> & Iterable<R[keyof R]> & { readonly length: number };

/**
 * Optional tensors `T`, and options behind them all or in the place of the first that is left out, as every function that takes both accepts them: `f(x)`, `f(x, weight)`,
 * `f(x, weight, options)`, `f(x, options)`.
 */
export type ThenOptions<T extends readonly unknown[], O> = [...Partial<T>, options?: O] | Fewer<T, O>;
type Fewer<T extends readonly unknown[], O> = T extends readonly [...infer H, unknown] ? [...H, options: O] | Fewer<H, O> : never;

/**
 * A tensor that exists in types only, with a signature of each kind: the toolbox of `src/shape/types.ts` and `src/dtype/types.ts` is tested through
 * it, and the signatures are the pattern for the library's own.
 */
import type { DType } from '../../src/dtype/dtype.ts';
import type { Item, Promote, PromoteScalar, ResultType, SumType, ToFloat } from '../../src/dtype/types.ts';
import type { Slice } from '../../src/shape/slice.ts';
import type * as T from '../../src/shape/types.ts';
import type { Arg, Args, Copy, Dim, Out, Shape } from '../../src/shape/types.ts';

export type { DType } from '../../src/dtype/dtype.ts';
export type { Dim, Shape } from '../../src/shape/types.ts';

type DTypeView<X> = X extends infer U ? U : never;
type ShapeView<X> = X extends infer U ? Readonly<U> : never;
type Sizes = readonly number[];

// `any`, and not DType and Shape: only then the compiler decides these for a tensor whose shape is a type parameter.
/** The shape of an operand; a number is a 0-d one. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type ShapeOf<X> = X extends Tensor<infer S, any> ? S : [];
/** The dtype of an operand. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type DTypeOf<X> = X extends Tensor<any, infer D> ? D : DType;
/** The dtype that two operands, of which the second may be a scalar, are computed in. */
type Common<X, Y> =
  Y extends Tensor<infer SY, infer DY>
    ? X extends Tensor<infer SX, infer DX>
      ? ResultType<SX, DX, SY, DY>
      : never
    : PromoteScalar<DTypeOf<X>, Y>;
type Other = number | boolean | Tensor;

declare const tag: unique symbol;

export declare class Tensor<S extends Shape = number[], D extends DType = DType> {
  protected constructor();
  protected [tag]?(s: S, d: D): void;
  readonly shape: ShapeView<S>;
  readonly dtype: DTypeView<D>;

  add<X extends Tensor, Y extends Other>(
    this: X,
    other: Arg<T.Broadcast<ShapeOf<X>, ShapeOf<Y>, 'add'>, Y>,
  ): Tensor<Out<T.Broadcast<ShapeOf<X>, ShapeOf<Y>, 'add'>>, Common<X, Y>>;
  sub<X extends Tensor, Y extends Other>(
    this: X,
    other: Arg<T.Broadcast<ShapeOf<X>, ShapeOf<Y>, 'sub'>, Y>,
  ): Tensor<Out<T.Broadcast<ShapeOf<X>, ShapeOf<Y>, 'sub'>>, Common<X, Y>>;
  mul<X extends Tensor, Y extends Other>(
    this: X,
    other: Arg<T.Broadcast<ShapeOf<X>, ShapeOf<Y>, 'mul'>, Y>,
  ): Tensor<Out<T.Broadcast<ShapeOf<X>, ShapeOf<Y>, 'mul'>>, Common<X, Y>>;
  div<X extends Tensor, Y extends Other>(
    this: X,
    other: Arg<T.Broadcast<ShapeOf<X>, ShapeOf<Y>, 'div'>, Y>,
  ): Tensor<Out<T.Broadcast<ShapeOf<X>, ShapeOf<Y>, 'div'>>, ToFloat<Common<X, Y>>>;
  gt<X extends Tensor, Y extends Other>(
    this: X,
    other: Arg<T.Broadcast<ShapeOf<X>, ShapeOf<Y>, 'gt'>, Y>,
  ): Tensor<Out<T.Broadcast<ShapeOf<X>, ShapeOf<Y>, 'gt'>>, 'bool'>;
  /** In place: the other operand must fit into the target. */
  add_<X extends Tensor, Y extends Other>(this: X, other: Arg<T.InPlace<ShapeOf<X>, ShapeOf<Y>, 'add_'>, Y>): X;
  /** Selects where a condition holds; guards the last operand for all three. */
  where<X extends Tensor<number[], 'bool'>, A extends Tensor, B extends Tensor>(
    this: X,
    a: Arg<T.Broadcast<ShapeOf<X>, ShapeOf<A>, 'where'>, A>,
    b: Arg<T.Broadcast3<ShapeOf<X>, ShapeOf<A>, ShapeOf<B>, 'where'>, B>,
  ): Tensor<Out<T.Broadcast3<ShapeOf<X>, ShapeOf<A>, ShapeOf<B>, 'where'>>, Promote<DTypeOf<A>, DTypeOf<B>>>;

  relu<X extends Tensor>(this: X): Tensor<ShapeOf<X>, DTypeOf<X>>;
  exp<X extends Tensor>(this: X): Tensor<ShapeOf<X>, ToFloat<DTypeOf<X>>>;
  sqrt<X extends Tensor>(this: X): Tensor<ShapeOf<X>, ToFloat<DTypeOf<X>>>;
  softmax<X extends Tensor, I extends number>(
    this: X,
    dim: Arg<T.Along<ShapeOf<X>, I, 'softmax'>, I>,
  ): Tensor<ShapeOf<X>, ToFloat<DTypeOf<X>>>;
  flip<X extends Tensor, const I extends Sizes>(this: X, dims: Arg<T.AlongMany<ShapeOf<X>, I, 'flip'>, I>): Tensor<ShapeOf<X>, DTypeOf<X>>;
  tril<X extends Tensor>(this: Arg<T.Triangle<ShapeOf<X>, 'tril'>, X>): Tensor<ShapeOf<X>, DTypeOf<X>>;

  matmul<X extends Tensor, Y extends Tensor>(
    this: X,
    other: Arg<T.MatMul<ShapeOf<X>, ShapeOf<Y>>, Y>,
  ): Tensor<Out<T.MatMul<ShapeOf<X>, ShapeOf<Y>>>, Promote<DTypeOf<X>, DTypeOf<Y>>>;

  sum<X extends Tensor, const I extends number | Sizes | undefined = undefined, K extends boolean = false>(
    this: X,
    dim?: Arg<T.Reduce<ShapeOf<X>, I, K, 'sum'>, I>,
    options?: { keepdim?: K },
  ): Tensor<Out<T.Reduce<ShapeOf<X>, I, K, 'sum'>>, SumType<DTypeOf<X>>>;
  mean<X extends Tensor, const I extends number | Sizes | undefined = undefined, K extends boolean = false>(
    this: X,
    dim?: Arg<T.Reduce<ShapeOf<X>, I, K, 'mean'>, I>,
    options?: { keepdim?: K },
  ): Tensor<Out<T.Reduce<ShapeOf<X>, I, K, 'mean'>>, ToFloat<DTypeOf<X>>>;
  argmax<X extends Tensor, I extends number | undefined = undefined, K extends boolean = false>(
    this: X,
    dim?: Arg<T.Reduce<ShapeOf<X>, I, K, 'argmax'>, I>,
    options?: { keepdim?: K },
  ): Tensor<Out<T.Reduce<ShapeOf<X>, I, K, 'argmax'>>, 'int64'>;
  topk<X extends Tensor, K extends number, I extends number = -1>(
    this: X,
    k: Arg<T.TopK<ShapeOf<X>, K, I>, K>,
    dim?: I,
  ): {
    readonly values: Tensor<Out<T.TopK<ShapeOf<X>, K, I>>, DTypeOf<X>>;
    readonly indices: Tensor<Out<T.TopK<ShapeOf<X>, K, I>>, 'int64'>;
  };

  reshape<X extends Tensor, const N extends Sizes>(
    this: X,
    shape: Arg<T.Reshape<ShapeOf<X>, N>, N>,
  ): Tensor<Out<T.Reshape<ShapeOf<X>, N>>, DTypeOf<X>>;
  view<X extends Tensor, const N extends Sizes>(
    this: X,
    ...shape: Args<T.Reshape<ShapeOf<X>, N, 'view'>, N>
  ): Tensor<Out<T.Reshape<ShapeOf<X>, N, 'view'>>, DTypeOf<X>>;
  flatten<X extends Tensor, I extends number = 0, J extends number = -1>(
    this: X,
    start?: Arg<T.Flatten<ShapeOf<X>, I, J>, I>,
    end?: J,
  ): Tensor<Out<T.Flatten<ShapeOf<X>, I, J>>, DTypeOf<X>>;
  transpose<X extends Tensor, I extends number, J extends number>(
    this: X,
    dim0: Arg<T.Transpose<ShapeOf<X>, I, J>, I>,
    dim1: J,
  ): Tensor<Out<T.Transpose<ShapeOf<X>, I, J>>, DTypeOf<X>>;
  permute<X extends Tensor, const P extends Sizes>(
    this: X,
    dims: Arg<T.Permute<ShapeOf<X>, P>, P>,
  ): Tensor<Out<T.Permute<ShapeOf<X>, P>>, DTypeOf<X>>;
  unsqueeze<X extends Tensor, I extends number>(
    this: X,
    dim: Arg<T.Unsqueeze<ShapeOf<X>, I>, I>,
  ): Tensor<Out<T.Unsqueeze<ShapeOf<X>, I>>, DTypeOf<X>>;
  squeeze<X extends Tensor, const I extends number | Sizes | undefined = undefined>(
    this: X,
    dim?: Arg<T.Squeeze<ShapeOf<X>, I>, I>,
  ): Tensor<Out<T.Squeeze<ShapeOf<X>, I>>, DTypeOf<X>>;
  expand<X extends Tensor, const N extends Sizes>(
    this: X,
    shape: Arg<T.Expand<ShapeOf<X>, N>, N>,
  ): Tensor<Out<T.Expand<ShapeOf<X>, N>>, DTypeOf<X>>;
  at<X extends Tensor, const I extends readonly T.Index[]>(
    this: X,
    ...index: Args<T.IndexShape<ShapeOf<X>, I>, I>
  ): Tensor<Out<T.IndexShape<ShapeOf<X>, I>>, DTypeOf<X>>;
  gather<X extends Tensor, I extends number, Y extends Tensor<number[], 'int64'>>(
    this: X,
    dim: I,
    index: Arg<T.Gather<ShapeOf<X>, I, ShapeOf<Y>>, Y>,
  ): Tensor<Out<T.Gather<ShapeOf<X>, I, ShapeOf<Y>>>, DTypeOf<X>>;

  to<X extends Tensor, E extends DType>(this: X, dtype: E): Tensor<ShapeOf<X>, E>;
  item<X extends Tensor>(this: Arg<T.OneElement<ShapeOf<X>>, X>): Item<DTypeOf<X>>;
  backward<X extends Tensor>(this: Arg<T.ScalarOnly<ShapeOf<X>, 'backward'>, X>): void;
  expectShape<X extends Tensor, const N extends Sizes>(
    this: X,
    shape: Arg<T.Expect<ShapeOf<X>, N>, N>,
  ): Tensor<Out<T.Expect<ShapeOf<X>, N>>, DTypeOf<X>>;
}

interface Options<D extends DType> {
  dtype?: D;
  requiresGrad?: boolean;
}
// The results say NoInfer<D>: else `const x: Tensor<[2], 'int64'> = zeros([2])` would infer D from the annotation.
export declare function zeros<const N extends Sizes, D extends DType = 'float32'>(
  shape: Arg<T.ValidDims<N>, N>,
  options?: Options<D>,
): Tensor<Copy<N>, NoInfer<D>>;
export declare function ones<const N extends Sizes, D extends DType = 'float32'>(
  shape: Arg<T.ValidDims<N>, N>,
  options?: Options<D>,
): Tensor<Copy<N>, NoInfer<D>>;
export declare function randn<const N extends Sizes, D extends DType = 'float32'>(
  shape: Arg<T.ValidDims<N>, N>,
  options?: Options<D>,
): Tensor<Copy<N>, NoInfer<D>>;
export declare function randint<const N extends Sizes>(low: number, high: number, shape: N): Tensor<Copy<N>, 'int64'>;
export declare function arange<N extends number>(end: N): Tensor<[N], 'int64'>;
export declare function tensor<const A extends T.NestedData>(data: A): Tensor<T.DataShape<A>, T.DataDType<A>>;

type Shapes<L extends readonly Tensor[]> = { -readonly [P in keyof L]: ShapeOf<L[P]> };
type CommonDType<L extends readonly Tensor[]> = DTypeOf<L[number]>;
export declare function cat<const L extends readonly Tensor[], I extends number = 0>(
  tensors: Arg<T.CatAll<Shapes<L>, I>, L>,
  dim?: I,
): Tensor<Out<T.CatAll<Shapes<L>, I>>, CommonDType<L>>;
export declare function stack<const L extends readonly Tensor[], I extends number = 0>(
  tensors: Arg<T.StackAll<Shapes<L>, I>, L>,
  dim?: I,
): Tensor<Out<T.StackAll<Shapes<L>, I>>, CommonDType<L>>;
export declare function einsum<E extends string, const L extends readonly Tensor[]>(
  equation: Arg<T.Einsum<E, Shapes<L>>, E>,
  ...operands: L
): Tensor<Out<T.Einsum<E, Shapes<L>>>, CommonDType<L>>;
export declare function crossEntropy<X extends Tensor, Y extends Tensor, R extends 'none' | 'mean' | 'sum' = 'mean'>(
  input: X,
  target: Arg<T.CrossEntropyShape<ShapeOf<X>, ShapeOf<Y>, R>, Y>,
  options?: { reduction?: R },
): Tensor<Out<T.CrossEntropyShape<ShapeOf<X>, ShapeOf<Y>, R>>, DTypeOf<X>>;
export declare function slice<Start extends number | null = null, Stop extends number | null = null, Step extends number = 1>(
  start?: Start,
  stop?: Stop,
  step?: Step,
): Slice<Start, Stop, Step>;
export declare function dim<Name extends string>(name: Name, size: number): Dim<Name>;

/** Products of vectors and matrices. They do not promote: operands have one dtype. `N` is the name that messages give. */
import type { DType } from '../../dtype/dtype.ts';
import type { NumericDType } from '../../dtype/types.ts';
import type { Addmm, Arg, Bmm, Broadcast, Dot, Einsum, Inner, InPlace, Kron, MatMul, Mm, Mv, Ok, Out, Outer } from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Described, Scalar } from '../family.ts';
import type { Common, Common3, DTypeOf, DTypeOfAll, OneDType, ShapeOf, ShapesOf, Unless } from './operands.ts';

/** The shape R, if both operands have one dtype. */
type Product<X, Y, R, N extends string> = Unless<OneDType<DTypeOf<X>, DTypeOf<Y>, N>, R>;

/** Products by their shape functions: the property is the name of the kind. */
interface ProductShapes<A, B, N extends string> {
  matmul: MatMul<A, B, N>;
  mm: Mm<A, B, N>;
  bmm: Bmm<A, B, N>;
  mv: Mv<A, B, N>;
  dot: Dot<A, B, N>;
  inner: Inner<A, B, N>;
}
type Kind = keyof ProductShapes<[], [], string>;
type ProductOf<X, Y, K extends Kind, N extends string> = Product<X, Y, ProductShapes<ShapeOf<X>, ShapeOf<Y>, N>[K], N>;
/** A product of two tensors, of the kind K. */
export interface ProductFunction<K extends Kind, N extends string = K> extends Described {
  <X extends Tensor<number[], NumericDType>, Y extends Tensor<number[], NumericDType>>(
    input: X,
    other: Arg<ProductOf<X, Y, K, N>, Y>,
  ): Tensor<Out<ProductOf<X, Y, K, N>>, DTypeOf<X>>;
}
export type ProductMethod<K extends Kind, N extends string = K> = <
  X extends Tensor<number[], NumericDType>,
  Y extends Tensor<number[], NumericDType>,
>(
  this: X,
  other: Arg<ProductOf<X, Y, K, N>, Y>,
) => Tensor<Out<ProductOf<X, Y, K, N>>, DTypeOf<X>>;
/** All products of elements: these promote. */
export interface OuterFunction<N extends string> extends Described {
  <X extends Tensor, Y extends Tensor>(
    input: X,
    vec2: Arg<Outer<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  ): Tensor<Out<Outer<ShapeOf<X>, ShapeOf<Y>, N>>, Common<X, Y>>;
}
export type OuterMethod<N extends string> = <X extends Tensor, Y extends Tensor>(
  this: X,
  vec2: Arg<Outer<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
) => Tensor<Out<Outer<ShapeOf<X>, ShapeOf<Y>, N>>, Common<X, Y>>;
export interface KronFunction extends Described {
  <X extends Tensor, Y extends Tensor>(input: X, other: Y): Tensor<Out<Kron<ShapeOf<X>, ShapeOf<Y>>>, Common<X, Y>>;
}
export type KronMethod = <X extends Tensor, Y extends Tensor>(this: X, other: Y) => Tensor<Out<Kron<ShapeOf<X>, ShapeOf<Y>>>, Common<X, Y>>;

/** Factors of `beta · input + alpha · product`. */
export interface Factors {
  /** Factor of `input`; 0 leaves it out, also where it is NaN. Default 1. */
  readonly beta?: Scalar;
  /** Factor of the product. Default 1. */
  readonly alpha?: Scalar;
}
/** R, broadcast with the shape that is added to it. */
type Added<I, R, N extends string> = R extends Ok<infer P> ? Broadcast<P, I, N> : R;
interface AddedShapes<I, A, B, N extends string> {
  addmm: Addmm<I, A, B, N>;
  addmv: Added<I, Mv<A, B, N>, N>;
  baddbmm: Added<I, Bmm<A, B, N>, N>;
  addbmm: Bmm<A, B, N> extends infer R ? (R extends Ok<readonly [unknown, infer P, infer Q]> ? Broadcast<[P, Q], I, N> : R) : never;
  addr: Added<I, Outer<A, B, N>, N>;
}
type AddedKind = keyof AddedShapes<[], [], [], string>;
type AddedOf<I, X, Y, K extends AddedKind, N extends string> = Unless<
  Unless<OneDType<DTypeOf<X>, DTypeOf<Y>, N>, OneDType<DTypeOf<I>, DTypeOf<X>, N>>,
  AddedShapes<ShapeOf<I>, ShapeOf<X>, ShapeOf<Y>, N>[K]
>;
export interface AddedProduct<K extends AddedKind, N extends string = K> extends Described {
  <I extends Tensor<number[], NumericDType>, X extends Tensor<number[], NumericDType>, Y extends Tensor<number[], NumericDType>>(
    input: I,
    left: X,
    right: Arg<AddedOf<I, X, Y, K, N>, Y>,
    options?: Factors,
  ): Tensor<Out<AddedOf<I, X, Y, K, N>>, DTypeOf<I>>;
}
export type AddedProductMethod<K extends AddedKind, N extends string = K> = <
  I extends Tensor<number[], NumericDType>,
  X extends Tensor<number[], NumericDType>,
  Y extends Tensor<number[], NumericDType>,
>(
  this: I,
  left: X,
  right: Arg<AddedOf<I, X, Y, K, N>, Y>,
  options?: Factors,
) => Tensor<Out<AddedOf<I, X, Y, K, N>>, DTypeOf<I>>;
/** The sum must fit into the target. */
type InPlaceAdded<I, R, N extends string> = R extends Ok<infer P> ? InPlace<ShapeOf<I>, P, N> : R;
export type InPlaceAddedProduct<K extends AddedKind, D extends DType = NumericDType, N extends string = `${K}_`> = <
  I extends Tensor<number[], D>,
  X extends Tensor<number[], D>,
  Y extends Tensor<number[], D>,
>(
  this: I,
  left: X,
  right: Arg<InPlaceAdded<I, AddedOf<I, X, Y, K, N>, N>, Y>,
  options?: Factors,
) => I;
/** `addr` promotes. */
export interface AddrFunction extends Described {
  <I extends Tensor, X extends Tensor, Y extends Tensor>(
    input: I,
    vec1: X,
    vec2: Arg<AddedShapes<ShapeOf<I>, ShapeOf<X>, ShapeOf<Y>, 'addr'>['addr'], Y>,
    options?: Factors,
  ): Tensor<Out<AddedShapes<ShapeOf<I>, ShapeOf<X>, ShapeOf<Y>, 'addr'>['addr']>, Common3<I, X, Y>>;
}
export type AddrMethod = <I extends Tensor, X extends Tensor, Y extends Tensor>(
  this: I,
  vec1: X,
  vec2: Arg<AddedShapes<ShapeOf<I>, ShapeOf<X>, ShapeOf<Y>, 'addr'>['addr'], Y>,
  options?: Factors,
) => Tensor<Out<AddedShapes<ShapeOf<I>, ShapeOf<X>, ShapeOf<Y>, 'addr'>['addr']>, Common3<I, X, Y>>;

export interface EinsumFunction extends Described {
  <E extends string, const L extends readonly Tensor[]>(
    equation: Arg<Einsum<E, ShapesOf<L>>, E>,
    ...operands: L
  ): Tensor<Out<Einsum<E, ShapesOf<L>>>, DTypeOfAll<L>>;
}
/** Sums over dimensions of both. */
export interface TensordotFunction extends Described {
  <X extends Tensor, Y extends Tensor>(
    a: X,
    b: Arg<OneDType<DTypeOf<X>, DTypeOf<Y>, 'tensordot'>, Y>,
    dims?: number | readonly [readonly number[], readonly number[]],
  ): Tensor<number[], DTypeOf<X>>;
}

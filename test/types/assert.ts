/** Assertions on types: they compile, or they do not. */
import type { DTypeOf, Tensor } from 'nabla';

export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** As `ShapeOf`, but for what is no tensor it gives nothing. */
type ShapeOfTensor<X> = X extends Tensor<infer S> ? S : never;

/** `is<[2, 3]>()(t)` compiles where the shape of `t` is exactly that. */
export declare function is<S>(): <X>(x: Equal<ShapeOfTensor<X>, S> extends true ? X : { got: ShapeOfTensor<X>; want: S }) => void;
/** The same for the dtype. */
export declare function isDType<D>(): <X>(x: Equal<DTypeOf<X>, D> extends true ? X : { got: DTypeOf<X>; want: D }) => void;
/** `same<A, B>()` compiles where both types are the same. */
export declare function same<A, B>(...unequal: Equal<A, B> extends true ? [] : [{ got: A; want: B }]): void;

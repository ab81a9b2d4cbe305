/** Functions of neural networks. `N` is the name that messages give. */
import type { DType } from '../../dtype/dtype.ts';
import type { FloatDType } from '../../dtype/types.ts';
import type { Arg, HalvedShape, LinearByWeight, Out } from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Described } from '../family.ts';
import type { DTypeOf, OneDType, ShapeOf, Unless } from './operands.ts';

/** `input @ weightᵀ + bias`. */
type Affine<X, W, N extends string> = Unless<OneDType<DTypeOf<X>, DTypeOf<W>, N>, LinearByWeight<ShapeOf<X>, ShapeOf<W>, N>>;
export interface LinearFunction<N extends string> extends Described {
  <X extends Tensor, W extends Tensor>(
    input: X,
    weight: Arg<Affine<X, W, N>, W>,
    bias?: Tensor | null,
  ): Tensor<Out<Affine<X, W, N>>, DTypeOf<X>>;
}
/** The first half of a dimension, gated by the second. */
export interface GluFunction<N extends string> extends Described {
  <X extends Tensor<number[], FloatDType>, I extends number = -1>(
    input: X,
    dim?: Arg<HalvedShape<ShapeOf<X>, I, N>, I>,
  ): Tensor<Out<HalvedShape<ShapeOf<X>, I, N>>, DTypeOf<X>>;
}
/** Slopes of one floating dtype with the input. */
export interface PreluFunction<D extends DType = FloatDType> extends Described {
  <X extends Tensor<number[], D>, W extends Tensor<number[], D>>(
    input: X,
    weight: Arg<OneDType<DTypeOf<X>, DTypeOf<W>, 'prelu'>, W>,
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type PreluMethod<D extends DType = FloatDType> = <X extends Tensor<number[], D>, W extends Tensor<number[], D>>(
  this: X,
  weight: Arg<OneDType<DTypeOf<X>, DTypeOf<W>, 'prelu'>, W>,
) => Tensor<ShapeOf<X>, DTypeOf<X>>;

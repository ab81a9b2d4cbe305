import type { ToFloat } from '../dtype/types.ts';
import type { DTypeOf, ShapeOf } from '../ops/types.ts';
import type { Apply, Arg, Out, ShapeFunction, UnknownFunction } from '../shape/types.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';

declare const shapeFunction: unique symbol;

/** A module from tensor to tensor: what can stand in `Sequential`. */
export type UnaryModule = Module & { forward(input: Tensor): Tensor };

/**
 * A module from tensor to tensor of which the compiler knows what it makes of shapes: `F`. Its `forward` follows shapes and dtypes; what it does is
 * `run`, which also a subclass of a layer overrides.
 *
 * A module of your own extends `Module` and defines `forward` with any signature; in `Sequential` that signature says what it makes of shapes.
 *
 * @example
 * class Doubled extends nn.Linear {
 *   run(input) {
 *     return super.run(input).mul(2);
 *   }
 * }
 * new Doubled(2, 3).forward(ones([4, 2])).shape; // [4, 3]
 */
export abstract class Layer<F extends ShapeFunction = UnknownFunction> extends Module {
  /** In types only. */
  declare readonly [shapeFunction]?: F;

  /** The output for an input. */
  forward<F extends ShapeFunction, X extends Tensor>(
    this: Layer<F>,
    input: Arg<Apply<F, ShapeOf<X>>, X>,
  ): Tensor<Out<Apply<F, ShapeOf<X>>>, ToFloat<DTypeOf<X>>> {
    // What `run` returns has that shape; only the compiler cannot see it.
    return this.run(input as Tensor) as unknown as Tensor<Out<Apply<F, ShapeOf<X>>>, ToFloat<DTypeOf<X>>>;
  }

  /** What the layer does. */
  protected abstract run(input: Tensor): Tensor;
}

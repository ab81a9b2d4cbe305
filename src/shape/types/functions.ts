/**
 * Shape functions as values of the type level, for layers: `Sequential` folds a shape through the functions of its layers.
 *
 * A function is an interface whose `out` is written in terms of `this['in']`; `Apply` fills `in`.
 */
import type {
  Conv1dShape,
  Conv2dShape,
  Conv3dShape,
  ConvTranspose1dShape,
  ConvTranspose2dShape,
  ConvTranspose3dShape,
  PerDim,
  Pool1dShape,
  Pool2dShape,
  Pool3dShape,
  Resize2d,
  ResizedShape,
} from './conv.ts';
import type { Ok } from './core.ts';
import type { Embedding } from './indexing.ts';
import type { ChannelsShape, LayerNormShape, LinearShape } from './linear.ts';
import type { Along, Reduce } from './reduce.ts';
import type { Flatten, Unflatten } from './reshape.ts';

export interface ShapeFunction {
  readonly in: unknown;
  /** `Ok<shape>` or a message. */
  readonly out: unknown;
}
/** The result of a shape function; anything at all (`any`) gives an unknown shape. */
export type Apply<F extends ShapeFunction, S> = 0 extends 1 & F ? Ok<number[]> : (F & { readonly in: S })['out'];

export interface IdentityFunction extends ShapeFunction {
  readonly out: Ok<this['in']>;
}
/** A module of which nothing is known. */
export interface UnknownFunction extends ShapeFunction {
  readonly out: Ok<number[]>;
}
export interface LinearFunction<In extends number, Out extends number> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? LinearShape<S, In, Out> : never;
}
export interface FlattenFunction<From extends number, To extends number> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Flatten<S, From, To> : never;
}
export interface UnflattenFunction<I extends number, N> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Unflatten<S, I, N> : never;
}
export interface LayerNormFunction<N> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? LayerNormShape<S, N> : never;
}
export interface ChannelsFunction<C extends number, Op extends string, Spatial extends number = number> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? ChannelsShape<S, C, Op, Spatial> : never;
}
export interface AlongFunction<I, Op extends string> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Along<S, I, Op> : never;
}
export interface ReduceFunction<I, Keep extends boolean, Op extends string> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Reduce<S, I, Keep, Op> : never;
}
export interface EmbeddingFunction<V extends number, E extends number> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Embedding<S, [V, E]> : never;
}
type Padding = PerDim | 'same' | 'valid';
export interface Conv1dFunction<
  In extends number,
  Out extends number,
  K extends PerDim,
  Stride extends PerDim,
  P extends Padding,
  D extends PerDim,
> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Conv1dShape<S, In, Out, K, Stride, P, D> : never;
}
export interface Conv2dFunction<
  In extends number,
  Out extends number,
  K extends PerDim,
  Stride extends PerDim,
  P extends Padding,
  D extends PerDim,
> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Conv2dShape<S, In, Out, K, Stride, P, D> : never;
}
export interface Conv3dFunction<
  In extends number,
  Out extends number,
  K extends PerDim,
  Stride extends PerDim,
  P extends Padding,
  D extends PerDim,
> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Conv3dShape<S, In, Out, K, Stride, P, D> : never;
}
export interface Pool1dFunction<K extends PerDim, Stride extends PerDim, P extends PerDim, D extends PerDim = 1> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Pool1dShape<S, K, Stride, P, D> : never;
}
export interface Pool2dFunction<K extends PerDim, Stride extends PerDim, P extends PerDim, D extends PerDim = 1> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Pool2dShape<S, K, Stride, P, D> : never;
}
export interface ConvTranspose1dFunction<
  In extends number,
  Out extends number,
  K extends PerDim,
  Stride extends PerDim,
  P extends PerDim,
  OP extends PerDim,
  D extends PerDim,
> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? ConvTranspose1dShape<S, In, Out, K, Stride, P, OP, D> : never;
}
export interface ConvTranspose2dFunction<
  In extends number,
  Out extends number,
  K extends PerDim,
  Stride extends PerDim,
  P extends PerDim,
  OP extends PerDim,
  D extends PerDim,
> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? ConvTranspose2dShape<S, In, Out, K, Stride, P, OP, D> : never;
}
export interface ConvTranspose3dFunction<
  In extends number,
  Out extends number,
  K extends PerDim,
  Stride extends PerDim,
  P extends PerDim,
  OP extends PerDim,
  D extends PerDim,
> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? ConvTranspose3dShape<S, In, Out, K, Stride, P, OP, D> : never;
}
export interface Pool3dFunction<K extends PerDim, Stride extends PerDim, P extends PerDim, D extends PerDim = 1> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Pool3dShape<S, K, Stride, P, D> : never;
}
/** The last N dimensions become others. */
export interface ResizedFunction<N extends 1 | 2 | 3, Target, Op extends string> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? ResizedShape<S, N, Target, Op> : never;
}
export interface Resize2dFunction<Target extends PerDim, Op extends string> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Resize2d<S, Target, Op> : never;
}

/** Layers that exist in types only; see declared-tensor.ts. */
import type { DType } from '../../src/dtype/dtype.ts';
import type { ToFloat } from '../../src/dtype/types.ts';
import type * as T from '../../src/shape/types.ts';
import type { Apply, Arg, Ok, Out, PerDim, Shape, ShapeFunction } from '../../src/shape/types.ts';
import type { DTypeOf, ShapeOf, Tensor } from './declared-tensor.ts';

declare const fn: unique symbol;
/** Base class of user modules: has no forward, so that a subclass may declare any signature. */
export declare class Module {
  parameters(): Tensor[];
}
/** A tensor-to-tensor module whose shape function the compiler knows. */
export declare class Layer<F extends ShapeFunction> extends Module {
  readonly [fn]?: F;
  forward<F extends ShapeFunction, X extends Tensor>(
    this: Layer<F>,
    x: Arg<Apply<F, ShapeOf<X>>, X>,
  ): Tensor<Out<Apply<F, ShapeOf<X>>>, ToFloat<DTypeOf<X>>>;
}
/** Whatever can stand in Sequential: a layer, or a module of the user's from tensor to tensor. */
export interface Unary {
  forward(x: Tensor): Tensor;
}
/** The function of a module by the signature of its forward. */
interface SignatureFunction<A extends Shape, B> extends ShapeFunction {
  readonly out: this['in'] extends infer S extends Shape
    ? Tensor<S> extends Tensor<A>
      ? Ok<B>
      : `expected ${T.Show<A>}, got ${T.Show<S>}`
    : never;
}
type FunctionOf<M> =
  M extends Layer<infer F>
    ? F
    : M extends { forward(x: Tensor<infer A, DType>): Tensor<infer B, DType> }
      ? SignatureFunction<A, B>
      : T.UnknownFunction;
/** A shape through a list of modules. */
export type Chain<L extends readonly unknown[], S> = number extends L['length']
  ? Ok<number[]>
  : L extends readonly [infer M, ...infer R]
    ? Apply<FunctionOf<M>, S> extends infer O
      ? O extends Ok<infer X>
        ? Chain<R, X>
        : O
      : never
    : Ok<S>;
/** The same at construction: the module that does not accept what comes before it becomes a message that says which it is. */
type CheckChain<L extends readonly unknown[], S, R extends unknown[] = []> = number extends L['length']
  ? L
  : L extends readonly [infer M, ...infer Rest]
    ? Apply<FunctionOf<M>, S> extends infer O
      ? O extends Ok<infer X>
        ? CheckChain<Rest, X, [...R, unknown]>
        : [...R, `layer ${R['length']}: ${O & string}`, ...{ [K in keyof Rest]: unknown }]
      : never
    : R;
interface SequentialFunction<L extends readonly Unary[]> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Chain<L, S> : never;
}

export declare class Linear<I extends number, O extends number> extends Layer<T.LinearFunction<I, O>> {
  constructor(inFeatures: I, outFeatures: O, options?: { bias?: boolean });
  readonly weight: Tensor<[O, I], 'float32'>;
}
export declare class ReLU extends Layer<T.IdentityFunction> {}
export declare class GELU extends Layer<T.IdentityFunction> {}
export declare class Dropout extends Layer<T.IdentityFunction> {
  constructor(p?: number);
}
export declare class LayerNorm<const N extends PerDim> extends Layer<T.LayerNormFunction<N>> {
  constructor(normalizedShape: N);
}
export declare class Flatten<A extends number = 1, B extends number = -1> extends Layer<T.FlattenFunction<A, B>> {
  constructor(start?: A, end?: B);
}
export declare class Embedding<V extends number, E extends number> extends Layer<T.EmbeddingFunction<V, E>> {
  constructor(count: V, width: E);
}
export declare class Conv2d<
  I extends number,
  O extends number,
  const K extends PerDim,
  const Stride extends PerDim = 1,
  const P extends PerDim | 'same' | 'valid' = 0,
  const D extends PerDim = 1,
> extends Layer<T.Conv2dFunction<I, O, K, Stride, P, D>> {
  constructor(inChannels: I, outChannels: O, kernelSize: K, options?: { stride?: Stride; padding?: P; dilation?: D });
}
export declare class MaxPool2d<const K extends PerDim, const Stride extends PerDim = K, const P extends PerDim = 0> extends Layer<
  T.Pool2dFunction<K, Stride, P>
> {
  constructor(kernelSize: K, options?: { stride?: Stride; padding?: P });
}
export declare class Sequential<const L extends readonly Unary[]> extends Layer<SequentialFunction<L>> {
  constructor(...layers: L extends CheckChain<L, number[]> ? L : CheckChain<L, number[]>);
}

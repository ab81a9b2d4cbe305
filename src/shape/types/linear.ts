/** Layers and losses. */

import type { DivideWithRest } from './arith.ts';
import type { Broadcast } from './broadcast.ts';
import type { AllLiteral, Differ, EqualDim, EqualShape, IsOpen, Ok, Unsized } from './core.ts';
import type { At, DimKey, RemoveAt, SetAt } from './dims.ts';
import type { OutOfRange, Show, ShowDim } from './show.ts';

/** `[..., In]` to `[..., Out]`. */
export type LinearShape<S, In, Out, Op extends string = 'linear'> = S extends readonly [...infer B, infer K]
  ? Differ<K, In> extends true
    ? `${Op}: expected last dim ${ShowDim<In>}, got ${ShowDim<K>} in ${Show<S>}`
    : Ok<[...B, Out]>
  : S extends readonly []
    ? `${Op}: input is 0-dimensional`
    : Ok<[...number[], Out]>;

/** `linear` as a function: the weight is `[Out, In]`, or `[In]` for one output without a dimension. */
export type LinearByWeight<S, W, Op extends string = 'linear'> = W extends readonly [infer Out, infer In]
  ? LinearShape<S, In, Out, Op>
  : W extends readonly [infer In]
    ? LinearShape<S, In, 1, Op> extends infer R
      ? R extends Ok<readonly [...infer B, unknown]>
        ? Ok<B>
        : R
      : never
    : IsOpen<W> extends true
      ? Ok<number[]>
      : `${Op}: expected a weight [out, in], got ${Show<W>}`;

/** Two inputs and a weight `[Out, In1, In2]`. */
export type BilinearShape<A, B, In1, In2, Out, Op extends string = 'bilinear'> = A extends readonly [...infer AB, infer K1]
  ? B extends readonly [...infer BB, infer K2]
    ? Differ<K1, In1> extends true
      ? `${Op}: expected last dim ${ShowDim<In1>}, got ${ShowDim<K1>} in ${Show<A>}`
      : Differ<K2, In2> extends true
        ? `${Op}: expected last dim ${ShowDim<In2>}, got ${ShowDim<K2>} in ${Show<B>}`
        : EqualShape<AB, BB> extends infer R
          ? R extends 'differ'
            ? `${Op}: shapes ${Show<A>} and ${Show<B>} differ before the last dim`
            : R extends readonly unknown[]
              ? Ok<[...R, Out]>
              : never
          : never
    : Ok<[...number[], Out]>
  : Ok<[...number[], Out]>;

type Suffix<S, N, Whole, WholeN, Op extends string> = N extends readonly [...infer NI, infer NL]
  ? S extends readonly [...infer SI, infer SL]
    ? Differ<SL, NL> extends true
      ? `${Op}: expected last dims ${Show<WholeN>}, got ${Show<Whole>}`
      : Suffix<SI, NI, Whole, WholeN, Op>
    : S extends readonly []
      ? `${Op}: expected last dims ${Show<WholeN>}, got ${Show<Whole>}`
      : Ok<Whole>
  : Ok<Whole>;
/** The last dimensions must be N, a size or a list of them: layer normalization. */
export type LayerNormShape<S, N, Op extends string = 'layerNorm'> = N extends readonly unknown[]
  ? Suffix<S, N, S, N, Op>
  : S extends readonly [...unknown[], infer K]
    ? Differ<K, N> extends true
      ? `${Op}: expected last dim ${ShowDim<N>}, got ${ShowDim<K>} in ${Show<S>}`
      : Ok<S>
    : Ok<S>;

/** Dimension 1 must be C: batch normalization, PReLU. `Spatial`: how many dimensions follow it, if that is fixed. */
export type ChannelsShape<S, C, Op extends string, Spatial extends number = number> = S extends readonly [unknown, infer K, ...infer Rest]
  ? Differ<K, C> extends true
    ? `${Op}: expected ${ShowDim<C>} channels, got ${ShowDim<K>} in ${Show<S>}`
    : number extends Spatial | Rest['length']
      ? Ok<S>
      : Rest['length'] extends Spatial
        ? Ok<S>
        : `${Op}: wrong number of dims, got ${Show<S>}`
  : IsOpen<S> extends true
    ? Ok<S>
    : `${Op}: expected at least 2 dims, got ${Show<S>}`;

type Half<D> = AllLiteral<[D]> extends true ? DivideWithRest<D & number, 2> : [number, 0];
/** Dimension I is halved: gated linear units. */
export type HalvedShape<S, I, Op extends string = 'glu'> =
  DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : K extends '?'
        ? Ok<Unsized<S>>
        : Half<At<S, K>> extends [infer H, infer Rest]
          ? Differ<Rest, 0> extends true
            ? `${Op}: dim ${I & number} of ${Show<S>} must have an even size`
            : Ok<SetAt<S, K, H>>
          : never
    : never;

/** Dimension 1 is divided into G groups: group normalization. */
export type GroupNormShape<S, G, Op extends string = 'groupNorm'> = S extends readonly [unknown, infer C, ...unknown[]]
  ? AllLiteral<[C, G]> extends true
    ? Differ<DivideWithRest<C & number, G & number>[1], 0> extends true
      ? `${Op}: ${ShowDim<C>} channels of ${Show<S>} are not divisible into ${ShowDim<G>} groups`
      : Ok<S>
    : Ok<S>
  : IsOpen<S> extends true
    ? Ok<S>
    : `${Op}: expected at least 2 dims, got ${Show<S>}`;

/** `[..., L, E], [..., S, E], [..., S, V] -> [..., L, V]`. */
export type AttentionShape<Q, K, V, Op extends string = 'scaledDotProductAttention'> = Q extends readonly [...infer B, infer L, infer E]
  ? K extends readonly [...unknown[], infer S1, infer E1]
    ? V extends readonly [...unknown[], infer S2, infer Width]
      ? Differ<E, E1> extends true
        ? `${Op}: query ${Show<Q>} and key ${Show<K>} differ in their last dim`
        : Differ<S1, S2> extends true
          ? `${Op}: key ${Show<K>} and value ${Show<V>} differ in length`
          : Ok<[...B, L, Width]>
      : Ok<number[]>
    : Ok<number[]>
  : Ok<number[]>;

/** What a loss of the shape S becomes: 'none' leaves it, 'mean' and 'sum' give a scalar. */
export type Reduced<S, Reduction> = string extends Reduction ? Ok<number[]> : Reduction extends 'none' ? Ok<S> : Ok<[]>;

/** A loss of input and target of one shape. They must be equal: broadcasting them is nearly always a mistake. */
export type ElementwiseLoss<A, B, Reduction, Op extends string> =
  EqualShape<A, B> extends infer S
    ? S extends 'differ'
      ? `${Op}: input ${Show<A>} and target ${Show<B>} differ`
      : Reduced<S, Reduction>
    : never;

/** A loss whose operands broadcast. */
export type BroadcastLoss<A, B, Reduction, Op extends string> =
  Broadcast<A, B, Op> extends infer R ? (R extends Ok<infer S> ? Reduced<S, Reduction> : R) : never;

type ClassTarget<S, T, Batch, Reduction, Op extends string> =
  EqualShape<Batch, T> extends infer R
    ? R extends 'differ'
      ? EqualShape<S, T> extends 'differ'
        ? `${Op}: target ${Show<T>} fits neither as classes ${Show<Batch>} nor as probabilities ${Show<S>}`
        : Reduced<Batch, Reduction>
      : Reduced<R, Reduction>
    : never;
/**
 * Scores `[C]`, `[N, C]` or `[N, C, d1, …]`, and as the target class numbers (without C) or, unless `nllLoss`, probabilities (the same shape).
 */
export type CrossEntropyShape<S, T, Reduction, Op extends string = 'crossEntropy'> =
  IsOpen<S> extends true
    ? Reduced<number[], Reduction>
    : IsOpen<T> extends true
      ? Reduced<number[], Reduction>
      : S extends readonly [unknown]
        ? ClassTarget<S, T, [], Reduction, Op>
        : S extends readonly [infer N, unknown, ...infer D]
          ? ClassTarget<S, T, [N, ...D], Reduction, Op>
          : `${Op}: input is 0-dimensional`;

/** Two operands that broadcast, and then lose dimension I: cosine similarity, pairwise distance. */
export type SimilarityShape<A, B, I, Op extends string> =
  Broadcast<A, B, Op> extends infer R
    ? R extends Ok<infer S>
      ? DimKey<S, I> extends infer K
        ? K extends 'range'
          ? OutOfRange<S, I, Op>
          : K extends '?'
            ? Ok<number[]>
            : Ok<RemoveAt<S, K>>
        : never
      : R
    : never;

/** `[N, A], [N, B]`: one row each; N must agree. */
export type SameBatch<A, B, Op extends string> = A extends readonly [infer N1, ...unknown[]]
  ? B extends readonly [infer N2, ...unknown[]]
    ? EqualDim<N1, N2> extends 'differ'
      ? `${Op}: batch sizes ${ShowDim<N1>} and ${ShowDim<N2>} differ`
      : Ok<A>
    : Ok<A>
  : Ok<A>;

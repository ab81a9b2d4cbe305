/** Functions of neural networks. `N` is the name that messages give. */
import type { DType } from '../../dtype/dtype.ts';
import type { FloatDType, RealDType, ToFloat } from '../../dtype/types.ts';
import type {
  Arg,
  BroadcastLoss,
  CrossEntropyShape,
  ElementwiseLoss,
  Embedding,
  GroupNormShape,
  HalvedShape,
  LayerNormShape,
  LinearByWeight,
  OneHot,
  Out,
  Reduced,
  SimilarityShape,
} from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Described } from '../family.ts';
import type { IndexDType } from './indexing.ts';
import type { AsShape, Common, DTypeOf, OneDType, ShapeOf, Sizes, ThenOptions, Unless } from './operands.ts';

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

// ---------------------------------------------------------------- losses

/** What becomes of the losses of all elements. */
export type LossReduction = 'mean' | 'sum' | 'none';
interface Reducing<R> {
  /** 'mean', 'sum', or 'none' for the losses as they are. */
  readonly reduction?: R;
}
/**
 * Losses of input and target of one shape. Run time broadcasts them, as PyTorch does with a warning; here they must be equal, since nearly always another
 * shape is a mistake: [8, 1] and [8] would make 64 losses of 8.
 */
export interface ElementLoss<N extends string, O, R0 extends string = LossReduction> extends Described {
  <X extends Tensor<number[], RealDType>, Y extends Tensor<number[], RealDType>, R extends R0 = 'mean' & R0>(
    input: X,
    target: Arg<ElementwiseLoss<ShapeOf<X>, ShapeOf<Y>, R, N>, Y>,
    options?: Reducing<R> & O,
  ): Tensor<Out<ElementwiseLoss<ShapeOf<X>, ShapeOf<Y>, R, N>>, ToFloat<Common<X, Y>>>;
}
/** Losses whose operands broadcast. */
export interface BroadcastingLoss<N extends string, O, R0 extends string = LossReduction> extends Described {
  <X extends Tensor<number[], RealDType>, Y extends Tensor<number[], RealDType>, R extends R0 = 'mean' & R0>(
    input: X,
    target: Arg<BroadcastLoss<ShapeOf<X>, ShapeOf<Y>, R, N>, Y>,
    options?: Reducing<R> & O,
  ): Tensor<Out<BroadcastLoss<ShapeOf<X>, ShapeOf<Y>, R, N>>, ToFloat<Common<X, Y>>>;
}
/** Scores and classes: int64 class numbers, or probabilities of the shape of the scores. */
export interface ClassLoss<N extends string, O> extends Described {
  <X extends Tensor<number[], FloatDType>, Y extends Tensor<number[], RealDType>, R extends LossReduction = 'mean'>(
    input: X,
    target: Arg<CrossEntropyShape<ShapeOf<X>, ShapeOf<Y>, R, N>, Y>,
    options?: Reducing<R> & O,
  ): Tensor<Out<CrossEntropyShape<ShapeOf<X>, ShapeOf<Y>, R, N>>, DTypeOf<X>>;
}
/** Losses of which only the reduction is followed. `A`: the operands after the first. */
export interface ReducedLoss<A extends readonly unknown[], O> extends Described {
  <X extends Tensor<number[], RealDType>, R extends LossReduction = 'mean'>(
    input: X,
    ...rest: [...A, options?: Reducing<R> & O]
  ): Tensor<Out<Reduced<number[], R>>, ToFloat<DTypeOf<X>>>;
}

// ---------------------------------------------------------------- rows, normalisation, similarity

export interface EmbeddingLookup<O> extends Described {
  <X extends Tensor<number[], IndexDType>, W extends Tensor>(
    input: X,
    weight: Arg<Embedding<ShapeOf<X>, ShapeOf<W>>, W>,
    options?: O,
  ): Tensor<Out<Embedding<ShapeOf<X>, ShapeOf<W>>>, DTypeOf<W>>;
}
export interface OneHotFunction extends Described {
  <X extends Tensor<number[], 'int64'>, C extends number = -1>(input: X, numClasses?: C): Tensor<AsShape<OneHot<ShapeOf<X>, C>>, 'int64'>;
}
type Affines = Tensor | null | undefined;
/** Over the last dimensions. `A`: what follows their sizes. */
export interface LastDimsNorm<N extends string, A extends readonly unknown[]> extends Described {
  <X extends Tensor<number[], FloatDType>, const S extends number | Sizes>(
    input: X,
    normalizedShape: Arg<LayerNormShape<ShapeOf<X>, S, N>, S>,
    ...rest: A
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export interface GroupsNorm<N extends string, O> extends Described {
  <X extends Tensor<number[], FloatDType>, G extends number>(
    input: X,
    numGroups: Arg<GroupNormShape<ShapeOf<X>, G, N>, G>,
    ...rest: ThenOptions<[weight: Affines, bias: Affines], O>
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
/** Operands that broadcast, and then lose a dimension. */
export interface SimilarityFunction<N extends string, O> extends Described {
  <X extends Tensor<number[], FloatDType>, Y extends Tensor<number[], FloatDType>, I extends number = 1>(
    x1: X,
    x2: Arg<SimilarityShape<ShapeOf<X>, ShapeOf<Y>, I, N>, Y>,
    dim?: I,
    options?: O,
  ): Tensor<Out<SimilarityShape<ShapeOf<X>, ShapeOf<Y>, I, N>>, Common<X, Y>>;
}

// ---------------------------------------------------------------- attention

/** [..., L, E], [..., S, E] and [..., S, Ev]; where the leading dimensions differ, they broadcast and are not followed. */
type Attended<Q, V> = Q extends readonly [...infer B, infer L, unknown]
  ? V extends readonly [...infer C, unknown, infer F]
    ? [B, C] extends [C, B]
      ? AsShape<[...B, L, F]>
      : number[]
    : number[]
  : number[];
export interface AttentionFunction<O> extends Described {
  <Q extends Tensor<number[], FloatDType>, V extends Tensor<number[], FloatDType>>(
    query: Q,
    key: Tensor<number[], FloatDType>,
    value: V,
    ...rest: ThenOptions<[attnMask: Tensor | null], O>
  ): Tensor<Attended<ShapeOf<Q>, ShapeOf<V>>, DTypeOf<Q>>;
}
export interface MultiHeadAttentionFunction<O> extends Described {
  <Q extends Tensor<number[], FloatDType>>(
    query: Q,
    key: Tensor<number[], FloatDType>,
    value: Tensor<number[], FloatDType>,
    embedDimToCheck: number,
    numHeads: number,
    inProjWeight: Tensor | null,
    inProjBias: Tensor | null,
    biasK: Tensor | null,
    biasV: Tensor | null,
    addZeroAttn: boolean,
    dropoutP: number,
    outProjWeight: Tensor,
    outProjBias: Tensor | null,
    options?: O,
  ): [output: Tensor<ShapeOf<Q>, DTypeOf<Q>>, weights: Tensor<number[], DTypeOf<Q>> | null];
}

// ---------------------------------------------------------------- bags, sequences

type Bags<X, W> = X extends readonly [infer B, unknown] ? (W extends readonly [unknown, infer F] ? AsShape<[B, F]> : number[]) : number[];
export interface EmbeddingBagFunction<O> extends Described {
  <X extends Tensor<number[], IndexDType>, W extends Tensor<number[], FloatDType>>(
    input: X,
    weight: W,
    offsets?: Tensor | null,
    options?: O,
  ): Tensor<Bags<ShapeOf<X>, ShapeOf<W>>, DTypeOf<W>>;
}
type Lengths = Tensor | number | Sizes;
export interface CtcFunction<O> extends Described {
  <X extends Tensor<number[], FloatDType>, R extends LossReduction = 'mean'>(
    logProbs: X,
    targets: Tensor,
    inputLengths: Lengths,
    targetLengths: Lengths,
    options?: Reducing<R> & Omit<O, 'reduction'>,
  ): Tensor<Out<Reduced<number[], R>>, DTypeOf<X>>;
}

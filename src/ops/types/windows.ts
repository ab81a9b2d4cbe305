/** Convolutions and what else looks at windows of an image. */
import type { DType } from '../../dtype/dtype.ts';
import type { FloatDType, RealDType } from '../../dtype/types.ts';
import type {
  Arg,
  Conv1dByWeight,
  Conv2dByWeight,
  Conv3dByWeight,
  ConvTranspose1dByWeight,
  ConvTranspose2dByWeight,
  ConvTranspose3dByWeight,
  OpenSpatial,
  Out,
  PerDim,
  PooledShape,
  ResizedShape,
} from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Described } from '../family.ts';
import type { DTypeOf, OneDType, ShapeOf, Unless } from './operands.ts';

type Padding = PerDim | 'same' | 'valid';

/** Options of a convolution; each says something of the result's shape. */
export interface ConvolutionChoices<S extends PerDim, P extends Padding, D extends PerDim, G extends number> {
  /** Steps from one window to the next. */
  readonly stride?: S;
  /** Zeros around the input: numbers, 'valid' for none, or 'same' for as many as keep its size (with a stride of 1). */
  readonly padding?: P;
  /** Steps from one element of a window to the next. */
  readonly dilation?: D;
  /** The channels are cut into this many parts; each part of the output sees one part of the input. */
  readonly groups?: G;
}
/** Options of a transposed convolution. */
export interface TransposedChoices<S extends PerDim, P extends PerDim, OP extends PerDim, D extends PerDim, G extends number>
  extends ConvolutionChoices<S, P, D, G> {
  /** Elements added at the end of each dimension, to tell apart sizes that a stride makes equal. */
  readonly outputPadding?: OP;
}

type C1<X, W, S, P, D, G> = Unless<OneDType<DTypeOf<X>, DTypeOf<W>, 'conv1d'>, Conv1dByWeight<ShapeOf<X>, ShapeOf<W>, S, P, D, G>>;
type T1<X, W, S, P, OP, D, G> = Unless<
  OneDType<DTypeOf<X>, DTypeOf<W>, 'convTranspose1d'>,
  ConvTranspose1dByWeight<ShapeOf<X>, ShapeOf<W>, S, P, OP, D, G>
>;
type C2<X, W, S, P, D, G> = Unless<OneDType<DTypeOf<X>, DTypeOf<W>, 'conv2d'>, Conv2dByWeight<ShapeOf<X>, ShapeOf<W>, S, P, D, G>>;
type T2<X, W, S, P, OP, D, G> = Unless<
  OneDType<DTypeOf<X>, DTypeOf<W>, 'convTranspose2d'>,
  ConvTranspose2dByWeight<ShapeOf<X>, ShapeOf<W>, S, P, OP, D, G>
>;
type C3<X, W, S, P, D, G> = Unless<OneDType<DTypeOf<X>, DTypeOf<W>, 'conv3d'>, Conv3dByWeight<ShapeOf<X>, ShapeOf<W>, S, P, D, G>>;
type T3<X, W, S, P, OP, D, G> = Unless<
  OneDType<DTypeOf<X>, DTypeOf<W>, 'convTranspose3d'>,
  ConvTranspose3dByWeight<ShapeOf<X>, ShapeOf<W>, S, P, OP, D, G>
>;

/** The convolutions by their names. Of two forms each: options may stand in the place of a bias that is left out. The form that messages speak of comes last. */
export interface ConvolutionFunctions {
  conv1d: Described &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends Padding = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<C1<X, W, S, P, D, G>, W>,
      options: ConvolutionChoices<S, P, D, G>,
    ) => Tensor<Out<C1<X, W, S, P, D, G>>, DTypeOf<X>>) &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends Padding = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<C1<X, W, S, P, D, G>, W>,
      bias?: Tensor | null,
      options?: ConvolutionChoices<S, P, D, G>,
    ) => Tensor<Out<C1<X, W, S, P, D, G>>, DTypeOf<X>>);
  convTranspose1d: Described &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends PerDim = 0,
      const OP extends PerDim = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<T1<X, W, S, P, OP, D, G>, W>,
      options: TransposedChoices<S, P, OP, D, G>,
    ) => Tensor<Out<T1<X, W, S, P, OP, D, G>>, DTypeOf<X>>) &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends PerDim = 0,
      const OP extends PerDim = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<T1<X, W, S, P, OP, D, G>, W>,
      bias?: Tensor | null,
      options?: TransposedChoices<S, P, OP, D, G>,
    ) => Tensor<Out<T1<X, W, S, P, OP, D, G>>, DTypeOf<X>>);
  conv2d: Described &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends Padding = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<C2<X, W, S, P, D, G>, W>,
      options: ConvolutionChoices<S, P, D, G>,
    ) => Tensor<Out<C2<X, W, S, P, D, G>>, DTypeOf<X>>) &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends Padding = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<C2<X, W, S, P, D, G>, W>,
      bias?: Tensor | null,
      options?: ConvolutionChoices<S, P, D, G>,
    ) => Tensor<Out<C2<X, W, S, P, D, G>>, DTypeOf<X>>);
  convTranspose2d: Described &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends PerDim = 0,
      const OP extends PerDim = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<T2<X, W, S, P, OP, D, G>, W>,
      options: TransposedChoices<S, P, OP, D, G>,
    ) => Tensor<Out<T2<X, W, S, P, OP, D, G>>, DTypeOf<X>>) &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends PerDim = 0,
      const OP extends PerDim = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<T2<X, W, S, P, OP, D, G>, W>,
      bias?: Tensor | null,
      options?: TransposedChoices<S, P, OP, D, G>,
    ) => Tensor<Out<T2<X, W, S, P, OP, D, G>>, DTypeOf<X>>);
  conv3d: Described &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends Padding = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<C3<X, W, S, P, D, G>, W>,
      options: ConvolutionChoices<S, P, D, G>,
    ) => Tensor<Out<C3<X, W, S, P, D, G>>, DTypeOf<X>>) &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends Padding = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<C3<X, W, S, P, D, G>, W>,
      bias?: Tensor | null,
      options?: ConvolutionChoices<S, P, D, G>,
    ) => Tensor<Out<C3<X, W, S, P, D, G>>, DTypeOf<X>>);
  convTranspose3d: Described &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends PerDim = 0,
      const OP extends PerDim = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<T3<X, W, S, P, OP, D, G>, W>,
      options: TransposedChoices<S, P, OP, D, G>,
    ) => Tensor<Out<T3<X, W, S, P, OP, D, G>>, DTypeOf<X>>) &
    (<
      X extends Tensor<number[], RealDType>,
      W extends Tensor<number[], RealDType>,
      const S extends PerDim = 1,
      const P extends PerDim = 0,
      const OP extends PerDim = 0,
      const D extends PerDim = 1,
      const G extends number = 1,
    >(
      input: X,
      weight: Arg<T3<X, W, S, P, OP, D, G>, W>,
      bias?: Tensor | null,
      options?: TransposedChoices<S, P, OP, D, G>,
    ) => Tensor<Out<T3<X, W, S, P, OP, D, G>>, DTypeOf<X>>);
}

/** Options of pooling; each says something of the result's shape. */
export interface PoolingChoices<S extends PerDim | null, P extends PerDim, C extends boolean> {
  /** Steps from one window to the next; by default the size of the windows. */
  readonly stride?: S;
  /** Elements around the input that belong to windows, at most half of their size. */
  readonly padding?: P;
  /** A last window that the input does not fill counts. */
  readonly ceilMode?: C;
}
interface Counting {
  /** The padding's zeros count in the average. Default true. */
  readonly countIncludePad?: boolean;
}
interface Dividing extends Counting {
  /** What sums are divided by instead of the sizes of windows. */
  readonly divisorOverride?: number | null;
}
interface Dilating<D extends PerDim> {
  /** Steps from one element of a window to the next. */
  readonly dilation?: D;
}
interface Indexing<R extends boolean> {
  /** Return the places of the largest elements as well, counted in each plane. */
  readonly returnIndices?: R;
}
/** What a pooling makes of the shape: sizes are followed where the last windows are full. */
type Pooled<X, N extends 1 | 2 | 3, K, S, P, D, C, Op extends string> = C extends false
  ? PooledShape<ShapeOf<X>, N, K, S extends PerDim ? S : K, P, D, Op>
  : OpenSpatial<ShapeOf<X>, N>;
type WithPlaces<Shape extends number[], X, R> = R extends true
  ? [Tensor<Shape, DTypeOf<X>>, Tensor<Shape, 'int64'>]
  : R extends false
    ? Tensor<Shape, DTypeOf<X>>
    : Tensor<Shape, DTypeOf<X>> | [Tensor<Shape, DTypeOf<X>>, Tensor<Shape, 'int64'>];

type MaxPool<N extends 1 | 2 | 3, Op extends string> = Described &
  (<
    X extends Tensor<number[], RealDType>,
    const K extends PerDim,
    const S extends PerDim | null = null,
    const P extends PerDim = 0,
    const D extends PerDim = 1,
    C extends boolean = false,
    R extends boolean = false,
  >(
    input: Arg<Pooled<X, N, K, S, P, D, C, Op>, X>,
    kernelSize: K,
    options?: PoolingChoices<S, P, C> & Dilating<D> & Indexing<R>,
  ) => WithPlaces<Out<Pooled<X, N, K, S, P, D, C, Op>>, X, R>);
type AveragePool<N extends 1 | 2 | 3, Op extends string, O> = Described &
  (<
    X extends Tensor<number[], RealDType>,
    const K extends PerDim,
    const S extends PerDim | null = null,
    const P extends PerDim = 0,
    C extends boolean = false,
  >(
    input: Arg<Pooled<X, N, K, S, P, 1, C, Op>, X>,
    kernelSize: K,
    options?: PoolingChoices<S, P, C> & O,
  ) => Tensor<Out<Pooled<X, N, K, S, P, 1, C, Op>>, DTypeOf<X>>);
type NormPool<N extends 1 | 2 | 3, Op extends string> = Described &
  (<X extends Tensor<number[], FloatDType>, const K extends PerDim, const S extends PerDim | null = null, C extends boolean = false>(
    input: Arg<Pooled<X, N, K, S, 0, 1, C, Op>, X>,
    normType: number,
    kernelSize: K,
    options?: { readonly stride?: S; readonly ceilMode?: C },
  ) => Tensor<Out<Pooled<X, N, K, S, 0, 1, C, Op>>, DTypeOf<X>>);
/** One size, or one for each dimension; null keeps it. */
type Wanted = number | readonly (number | null)[];
type AdaptiveAverage<N extends 1 | 2 | 3, Op extends string> = Described &
  (<X extends Tensor<number[], FloatDType>, const T extends Wanted>(
    input: Arg<ResizedShape<ShapeOf<X>, N, T, Op>, X>,
    outputSize: T,
  ) => Tensor<Out<ResizedShape<ShapeOf<X>, N, T, Op>>, DTypeOf<X>>);
type AdaptiveMax<N extends 1 | 2 | 3, Op extends string> = Described &
  (<X extends Tensor<number[], RealDType>, const T extends Wanted, R extends boolean = false>(
    input: Arg<ResizedShape<ShapeOf<X>, N, T, Op>, X>,
    outputSize: T,
    options?: Indexing<R>,
  ) => WithPlaces<Out<ResizedShape<ShapeOf<X>, N, T, Op>>, X, R>);
type Unpool<N extends 1 | 2 | 3> = Described &
  (<X extends Tensor<number[], RealDType>>(
    input: X,
    indices: Tensor<number[], 'int64'>,
    kernelSize: PerDim,
    options?: { readonly stride?: PerDim | null; readonly padding?: PerDim; readonly outputSize?: readonly number[] | null },
  ) => Tensor<Out<OpenSpatial<ShapeOf<X>, N>>, DTypeOf<X>>);
type FractionalMax<N extends 2 | 3> = Described &
  (<X extends Tensor<number[], RealDType>, R extends boolean = false>(
    input: X,
    kernelSize: PerDim,
    options?: Indexing<R> & {
      /** How many windows; or `outputRatio`, as a share of the input's size. */
      readonly outputSize?: PerDim | null;
      readonly outputRatio?: number | readonly number[] | null;
      /** Numbers from [0, 1) that say where the windows begin, [N, C, dimensions]; by default they are drawn. */
      readonly _randomSamples?: Tensor | null;
    },
  ) => WithPlaces<Out<OpenSpatial<ShapeOf<X>, N>>, X, R>);

/** The poolings by their names. */
export interface PoolingFunctions {
  maxPool1d: MaxPool<1, 'maxPool1d'>;
  avgPool1d: AveragePool<1, 'avgPool1d', Counting>;
  lpPool1d: NormPool<1, 'lpPool1d'>;
  adaptiveAvgPool1d: AdaptiveAverage<1, 'adaptiveAvgPool1d'>;
  adaptiveMaxPool1d: AdaptiveMax<1, 'adaptiveMaxPool1d'>;
  maxUnpool1d: Unpool<1>;
  maxPool2d: MaxPool<2, 'maxPool2d'>;
  avgPool2d: AveragePool<2, 'avgPool2d', Dividing>;
  lpPool2d: NormPool<2, 'lpPool2d'>;
  adaptiveAvgPool2d: AdaptiveAverage<2, 'adaptiveAvgPool2d'>;
  adaptiveMaxPool2d: AdaptiveMax<2, 'adaptiveMaxPool2d'>;
  maxUnpool2d: Unpool<2>;
  maxPool3d: MaxPool<3, 'maxPool3d'>;
  avgPool3d: AveragePool<3, 'avgPool3d', Dividing>;
  lpPool3d: NormPool<3, 'lpPool3d'>;
  adaptiveAvgPool3d: AdaptiveAverage<3, 'adaptiveAvgPool3d'>;
  adaptiveMaxPool3d: AdaptiveMax<3, 'adaptiveMaxPool3d'>;
  maxUnpool3d: Unpool<3>;
  fractionalMaxPool2d: FractionalMax<2>;
  fractionalMaxPool3d: FractionalMax<3>;
}

/** An image of which the last three dimensions change. */
export interface RearrangedFunction extends Described {
  <X extends Tensor>(input: X, factor: number): Tensor<Out<OpenSpatial<ShapeOf<X>, 3>>, DTypeOf<X>>;
}
/** Sizes of windows, and how they lie. */
interface Windows {
  readonly dilation?: PerDim;
  readonly padding?: PerDim;
  readonly stride?: PerDim;
}
export interface UnfoldColumns extends Described {
  <D extends DType>(input: Tensor<number[], D>, kernelSize: PerDim, options?: Windows): Tensor<number[], D>;
}
export interface FoldColumns extends Described {
  <D extends DType>(input: Tensor<number[], D>, outputSize: PerDim, kernelSize: PerDim, options?: Windows): Tensor<number[], D>;
}
/** Another size of the last dimensions; how many, the rank says. */
export interface InterpolationFunction<D extends DType, O> extends Described {
  <E extends D>(input: Tensor<number[], E>, options: O): Tensor<number[], E>;
}
/** Values of images at the places of a grid. */
export interface GridSampleFunction<O extends readonly unknown[]> extends Described {
  <D extends FloatDType>(input: Tensor<number[], D>, grid: Tensor<number[], D>, ...rest: O): Tensor<number[], D>;
}
export interface AffineGridFunction extends Described {
  <D extends FloatDType>(
    theta: Tensor<number[], D>,
    size: readonly number[],
    options?: { readonly alignCorners?: boolean | null },
  ): Tensor<number[], D>;
}

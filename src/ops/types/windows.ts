/** Convolutions and what else looks at windows of an image. */
import type { RealDType } from '../../dtype/types.ts';
import type {
  Arg,
  Conv1dByWeight,
  Conv2dByWeight,
  Conv3dByWeight,
  ConvTranspose1dByWeight,
  ConvTranspose2dByWeight,
  ConvTranspose3dByWeight,
  Out,
  PerDim,
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

/** The convolutions by their names. */
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
      bias?: Tensor | null,
      options?: TransposedChoices<S, P, OP, D, G>,
    ) => Tensor<Out<T3<X, W, S, P, OP, D, G>>, DTypeOf<X>>);
}

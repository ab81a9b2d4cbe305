import { avgPool1d, avgPool2d, avgPool3d, lpPool1d, lpPool2d, lpPool3d } from '../ops/nn/average-pooling.ts';
import { maxPool1d, maxPool2d, maxPool3d } from '../ops/nn/max-pooling.ts';
import type { PerDim, Pool1dFunction, Pool2dFunction, Pool3dFunction, ShapeFunction, UnknownFunction } from '../shape/types.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Layer } from './layer.ts';
import { describeOptions } from './repr.ts';

/** How the windows of a pooling layer lie. */
export interface PoolOptions<S extends PerDim | null, C extends boolean> {
  /** Steps from one window to the next; by default the size of the windows. */
  readonly stride?: S;
  /** A last window that the input does not fill counts. */
  readonly ceilMode?: C;
}
/** Options of max pooling layers. */
export interface MaxPoolOptions<S extends PerDim | null, P extends PerDim, D extends PerDim, C extends boolean> extends PoolOptions<S, C> {
  /** Elements around the input that belong to windows, at most half of their size. */
  readonly padding?: P;
  /** Steps from one element of a window to the next. */
  readonly dilation?: D;
  /** Return the places of the largest elements as well. */
  readonly returnIndices?: boolean;
}
/** Options of average pooling layers. */
export interface AvgPoolOptions<S extends PerDim | null, P extends PerDim, C extends boolean> extends PoolOptions<S, C> {
  /** Zeros around the input, at most half of a window. */
  readonly padding?: P;
  /** They count in the average. Default true. */
  readonly countIncludePad?: boolean;
}
/** Options of average pooling layers in two and three dimensions. */
export interface AvgPoolDivisorOptions<S extends PerDim | null, P extends PerDim, C extends boolean> extends AvgPoolOptions<S, P, C> {
  /** What sums are divided by instead of the sizes of windows. */
  readonly divisorOverride?: number | null;
}

/** By default the windows lie side by side. */
type Step<S, K extends PerDim> = S extends PerDim ? S : K;
/** Sizes are followed where the last windows are full. */
type Full<C, F extends ShapeFunction> = C extends false ? F : UnknownFunction;
type Real = Tensor<number[], 'float32'>;

/** A layer that keeps its options as they were given. */
abstract class PoolingLayer<F extends ShapeFunction, O extends object> extends Layer<F> {
  readonly kernelSize: PerDim;
  readonly options: O;

  constructor(kernelSize: PerDim, options: O) {
    super(options);
    this.kernelSize = kernelSize;
    this.options = options;
  }

  override extraRepr(): string {
    return describeOptions({ kernelSize: this.kernelSize, ...this.options });
  }
}

/**
 * The largest element of each window of [N, C, L] or [C, L]. With `returnIndices` the result is a pair, of values and places.
 *
 * @example
 * new nn.MaxPool1d(2).forward(ones([1, 3, 4])).shape; // [1, 3, 2]
 */
export class MaxPool1d<
  const K extends PerDim = PerDim,
  const S extends PerDim | null = null,
  const P extends PerDim = 0,
  const D extends PerDim = 1,
  C extends boolean = false,
> extends PoolingLayer<Full<C, Pool1dFunction<K, Step<S, K>, P, D>>, MaxPoolOptions<S, P, D, C>> {
  static readonly signature: string = 'kernel_size, *, stride, padding, dilation, return_indices, ceil_mode';

  constructor(kernelSize: K, options: MaxPoolOptions<S, P, D, C> = {}) {
    super(kernelSize, options);
  }

  protected override run(input: Tensor): Tensor {
    // With indices it is a pair, which only a caller who asks for them sees.
    return maxPool1d(input as Real, this.kernelSize, this.options as object) as unknown as Tensor;
  }
}

/**
 * The largest element of each window of [N, C, H, W] or [C, H, W]. With `returnIndices` the result is a pair, of values and places.
 *
 * @example
 * new nn.MaxPool2d(2).forward(ones([1, 3, 4, 4])).shape; // [1, 3, 2, 2]
 */
export class MaxPool2d<
  const K extends PerDim = PerDim,
  const S extends PerDim | null = null,
  const P extends PerDim = 0,
  const D extends PerDim = 1,
  C extends boolean = false,
> extends PoolingLayer<Full<C, Pool2dFunction<K, Step<S, K>, P, D>>, MaxPoolOptions<S, P, D, C>> {
  static readonly signature: string = 'kernel_size, *, stride, padding, dilation, return_indices, ceil_mode';

  constructor(kernelSize: K, options: MaxPoolOptions<S, P, D, C> = {}) {
    super(kernelSize, options);
  }

  protected override run(input: Tensor): Tensor {
    // With indices it is a pair, which only a caller who asks for them sees.
    return maxPool2d(input as Real, this.kernelSize, this.options as object) as unknown as Tensor;
  }
}

/**
 * The largest element of each window of [N, C, D, H, W] or [C, D, H, W]. With `returnIndices` the result is a pair, of values and places.
 *
 * @example
 * new nn.MaxPool3d(2).forward(ones([1, 3, 4, 4, 4])).shape; // [1, 3, 2, 2, 2]
 */
export class MaxPool3d<
  const K extends PerDim = PerDim,
  const S extends PerDim | null = null,
  const P extends PerDim = 0,
  const D extends PerDim = 1,
  C extends boolean = false,
> extends PoolingLayer<Full<C, Pool3dFunction<K, Step<S, K>, P, D>>, MaxPoolOptions<S, P, D, C>> {
  static readonly signature: string = 'kernel_size, *, stride, padding, dilation, return_indices, ceil_mode';

  constructor(kernelSize: K, options: MaxPoolOptions<S, P, D, C> = {}) {
    super(kernelSize, options);
  }

  protected override run(input: Tensor): Tensor {
    // With indices it is a pair, which only a caller who asks for them sees.
    return maxPool3d(input as Real, this.kernelSize, this.options as object) as unknown as Tensor;
  }
}

/**
 * The average of each window of [N, C, L] or [C, L].
 *
 * @example
 * new nn.AvgPool1d(2).forward(ones([1, 3, 4])).shape; // [1, 3, 2]
 */
export class AvgPool1d<
  const K extends PerDim = PerDim,
  const S extends PerDim | null = null,
  const P extends PerDim = 0,
  C extends boolean = false,
> extends PoolingLayer<Full<C, Pool1dFunction<K, Step<S, K>, P>>, AvgPoolOptions<S, P, C>> {
  static readonly signature: string = 'kernel_size, *, stride, padding, ceil_mode, count_include_pad';

  constructor(kernelSize: K, options: AvgPoolOptions<S, P, C> = {}) {
    super(kernelSize, options);
  }

  protected override run(input: Tensor): Tensor {
    return avgPool1d(input as Real, this.kernelSize, this.options as object);
  }
}

/**
 * The average of each window of [N, C, H, W] or [C, H, W].
 *
 * @example
 * new nn.AvgPool2d(2).forward(ones([1, 3, 4, 4])).shape; // [1, 3, 2, 2]
 */
export class AvgPool2d<
  const K extends PerDim = PerDim,
  const S extends PerDim | null = null,
  const P extends PerDim = 0,
  C extends boolean = false,
> extends PoolingLayer<Full<C, Pool2dFunction<K, Step<S, K>, P>>, AvgPoolDivisorOptions<S, P, C>> {
  static readonly signature: string = 'kernel_size, *, stride, padding, ceil_mode, count_include_pad, divisor_override';

  constructor(kernelSize: K, options: AvgPoolDivisorOptions<S, P, C> = {}) {
    super(kernelSize, options);
  }

  protected override run(input: Tensor): Tensor {
    return avgPool2d(input as Real, this.kernelSize, this.options as object);
  }
}

/**
 * The average of each window of [N, C, D, H, W] or [C, D, H, W].
 *
 * @example
 * new nn.AvgPool3d(2).forward(ones([1, 3, 4, 4, 4])).shape; // [1, 3, 2, 2, 2]
 */
export class AvgPool3d<
  const K extends PerDim = PerDim,
  const S extends PerDim | null = null,
  const P extends PerDim = 0,
  C extends boolean = false,
> extends PoolingLayer<Full<C, Pool3dFunction<K, Step<S, K>, P>>, AvgPoolDivisorOptions<S, P, C>> {
  static readonly signature: string = 'kernel_size, *, stride, padding, ceil_mode, count_include_pad, divisor_override';

  constructor(kernelSize: K, options: AvgPoolDivisorOptions<S, P, C> = {}) {
    super(kernelSize, options);
  }

  protected override run(input: Tensor): Tensor {
    return avgPool3d(input as Real, this.kernelSize, this.options as object);
  }
}

/**
 * The p-norm of each window of [N, C, L] or [C, L], p being `normType`.
 *
 * @example
 * new nn.LPPool1d(2, 2).forward(ones([1, 3, 4])).shape; // [1, 3, 2]
 */
export class LPPool1d<
  const K extends PerDim = PerDim,
  const S extends PerDim | null = null,
  C extends boolean = false,
> extends PoolingLayer<Full<C, Pool1dFunction<K, Step<S, K>, 0>>, PoolOptions<S, C>> {
  static readonly signature: string = 'norm_type, kernel_size, *, stride, ceil_mode';
  readonly normType: number;

  constructor(normType: number, kernelSize: K, options: PoolOptions<S, C> = {}) {
    super(kernelSize, options);
    this.normType = normType;
  }

  protected override run(input: Tensor): Tensor {
    return lpPool1d(input as Real, this.normType, this.kernelSize, this.options as object);
  }

  override extraRepr(): string {
    return `normType=${this.normType}, ${super.extraRepr()}`;
  }
}

/**
 * The p-norm of each window of [N, C, H, W] or [C, H, W], p being `normType`.
 *
 * @example
 * new nn.LPPool2d(2, 2).forward(ones([1, 3, 4, 4])).shape; // [1, 3, 2, 2]
 */
export class LPPool2d<
  const K extends PerDim = PerDim,
  const S extends PerDim | null = null,
  C extends boolean = false,
> extends PoolingLayer<Full<C, Pool2dFunction<K, Step<S, K>, 0>>, PoolOptions<S, C>> {
  static readonly signature: string = 'norm_type, kernel_size, *, stride, ceil_mode';
  readonly normType: number;

  constructor(normType: number, kernelSize: K, options: PoolOptions<S, C> = {}) {
    super(kernelSize, options);
    this.normType = normType;
  }

  protected override run(input: Tensor): Tensor {
    return lpPool2d(input as Real, this.normType, this.kernelSize, this.options as object);
  }

  override extraRepr(): string {
    return `normType=${this.normType}, ${super.extraRepr()}`;
  }
}

/**
 * The p-norm of each window of [N, C, D, H, W] or [C, D, H, W], p being `normType`.
 *
 * @example
 * new nn.LPPool3d(2, 2).forward(ones([1, 3, 4, 4, 4])).shape; // [1, 3, 2, 2, 2]
 */
export class LPPool3d<
  const K extends PerDim = PerDim,
  const S extends PerDim | null = null,
  C extends boolean = false,
> extends PoolingLayer<Full<C, Pool3dFunction<K, Step<S, K>, 0>>, PoolOptions<S, C>> {
  static readonly signature: string = 'norm_type, kernel_size, *, stride, ceil_mode';
  readonly normType: number;

  constructor(normType: number, kernelSize: K, options: PoolOptions<S, C> = {}) {
    super(kernelSize, options);
    this.normType = normType;
  }

  protected override run(input: Tensor): Tensor {
    return lpPool3d(input as Real, this.normType, this.kernelSize, this.options as object);
  }

  override extraRepr(): string {
    return `normType=${this.normType}, ${super.extraRepr()}`;
  }
}

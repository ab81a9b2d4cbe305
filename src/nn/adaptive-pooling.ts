import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from '../ops/nn/average-pooling.ts';
import { type FractionalOptions, fractionalMaxPool2d, fractionalMaxPool3d } from '../ops/nn/fractional-pooling.ts';
import {
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  maxUnpool1d,
  maxUnpool2d,
  maxUnpool3d,
  type UnpoolingOptions,
} from '../ops/nn/max-pooling.ts';
import type { PerDim, ResizedFunction, ShapeFunction } from '../shape/types.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Layer } from './layer.ts';
import { Module } from './module.ts';
import { describeOptions } from './repr.ts';

/** One size, or one for each dimension; null keeps it. */
type Wanted = number | readonly (number | null)[];
type Real = Tensor<number[], 'float32'>;
type Places = Tensor<number[], 'int64'>;

/** Options of adaptive max pooling layers. */
export interface AdaptiveMaxOptions {
  /** Return the places of the largest elements as well. */
  readonly returnIndices?: boolean;
}

/** Windows that share the input evenly. */
abstract class AdaptiveLayer<F extends ShapeFunction> extends Layer<F> {
  readonly outputSize: Wanted;
  readonly options: AdaptiveMaxOptions;

  constructor(outputSize: Wanted, options: AdaptiveMaxOptions = {}) {
    super(options);
    this.outputSize = outputSize;
    this.options = options;
  }

  override extraRepr(): string {
    return describeOptions({ outputSize: this.outputSize, ...this.options });
  }
}

/**
 * Averages over as many windows as `outputSize` says, which share [N, C, L] or [C, L] evenly; null keeps a size.
 *
 * @example
 * new nn.AdaptiveAvgPool1d(2).forward(ones([1, 3, 5])).shape; // [1, 3, 2]
 */
export class AdaptiveAvgPool1d<const T extends Wanted = Wanted> extends AdaptiveLayer<ResizedFunction<1, T, 'AdaptiveAvgPool1d'>> {
  static readonly signature: string = 'output_size';

  constructor(outputSize: T) {
    super(outputSize);
  }

  protected override run(input: Tensor): Tensor {
    return adaptiveAvgPool1d(input as Real, this.outputSize);
  }
}

/**
 * Averages over as many windows as `outputSize` says, which share [N, C, H, W] or [C, H, W] evenly; null keeps a size.
 *
 * @example
 * new nn.AdaptiveAvgPool2d(2).forward(ones([1, 3, 5, 5])).shape; // [1, 3, 2, 2]
 */
export class AdaptiveAvgPool2d<const T extends Wanted = Wanted> extends AdaptiveLayer<ResizedFunction<2, T, 'AdaptiveAvgPool2d'>> {
  static readonly signature: string = 'output_size';

  constructor(outputSize: T) {
    super(outputSize);
  }

  protected override run(input: Tensor): Tensor {
    return adaptiveAvgPool2d(input as Real, this.outputSize);
  }
}

/**
 * Averages over as many windows as `outputSize` says, which share [N, C, D, H, W] or [C, D, H, W] evenly; null keeps a size.
 *
 * @example
 * new nn.AdaptiveAvgPool3d(2).forward(ones([1, 3, 5, 5, 5])).shape; // [1, 3, 2, 2, 2]
 */
export class AdaptiveAvgPool3d<const T extends Wanted = Wanted> extends AdaptiveLayer<ResizedFunction<3, T, 'AdaptiveAvgPool3d'>> {
  static readonly signature: string = 'output_size';

  constructor(outputSize: T) {
    super(outputSize);
  }

  protected override run(input: Tensor): Tensor {
    return adaptiveAvgPool3d(input as Real, this.outputSize);
  }
}

/**
 * The largest element of each of as many windows as `outputSize` says, which share [N, C, L] or [C, L] evenly; null keeps a size. With `returnIndices` the result is a
 * pair, of values and places.
 *
 * @example
 * new nn.AdaptiveMaxPool1d(2).forward(ones([1, 3, 5])).shape; // [1, 3, 2]
 */
export class AdaptiveMaxPool1d<const T extends Wanted = Wanted> extends AdaptiveLayer<ResizedFunction<1, T, 'AdaptiveMaxPool1d'>> {
  static readonly signature: string = 'output_size, *, return_indices';

  constructor(outputSize: T, options: AdaptiveMaxOptions = {}) {
    super(outputSize, options);
  }

  protected override run(input: Tensor): Tensor {
    return adaptiveMaxPool1d(input as Real, this.outputSize, this.options) as unknown as Tensor;
  }
}

/**
 * The largest element of each of as many windows as `outputSize` says, which share [N, C, H, W] or [C, H, W] evenly; null keeps a size. With `returnIndices` the result is a
 * pair, of values and places.
 *
 * @example
 * new nn.AdaptiveMaxPool2d(2).forward(ones([1, 3, 5, 5])).shape; // [1, 3, 2, 2]
 */
export class AdaptiveMaxPool2d<const T extends Wanted = Wanted> extends AdaptiveLayer<ResizedFunction<2, T, 'AdaptiveMaxPool2d'>> {
  static readonly signature: string = 'output_size, *, return_indices';

  constructor(outputSize: T, options: AdaptiveMaxOptions = {}) {
    super(outputSize, options);
  }

  protected override run(input: Tensor): Tensor {
    return adaptiveMaxPool2d(input as Real, this.outputSize, this.options) as unknown as Tensor;
  }
}

/**
 * The largest element of each of as many windows as `outputSize` says, which share [N, C, D, H, W] or [C, D, H, W] evenly; null keeps a size. With `returnIndices` the result is a
 * pair, of values and places.
 *
 * @example
 * new nn.AdaptiveMaxPool3d(2).forward(ones([1, 3, 5, 5, 5])).shape; // [1, 3, 2, 2, 2]
 */
export class AdaptiveMaxPool3d<const T extends Wanted = Wanted> extends AdaptiveLayer<ResizedFunction<3, T, 'AdaptiveMaxPool3d'>> {
  static readonly signature: string = 'output_size, *, return_indices';

  constructor(outputSize: T, options: AdaptiveMaxOptions = {}) {
    super(outputSize, options);
  }

  protected override run(input: Tensor): Tensor {
    return adaptiveMaxPool3d(input as Real, this.outputSize, this.options) as unknown as Tensor;
  }
}

/** Options of unpooling layers. */
export type MaxUnpoolOptions = Omit<UnpoolingOptions, 'outputSize'>;

abstract class Unpooling extends Module {
  readonly kernelSize: PerDim;
  readonly options: MaxUnpoolOptions;

  constructor(kernelSize: PerDim, options: MaxUnpoolOptions = {}) {
    super(options);
    this.kernelSize = kernelSize;
    this.options = options;
  }

  override extraRepr(): string {
    return describeOptions({ kernelSize: this.kernelSize, ...this.options });
  }
}

/**
 * Puts the elements of [N, C, L] or [C, L] back where `MaxPool1d` found them, among zeros. `outputSize` says which of the sizes that pooling makes equal it was.
 *
 * @example
 * new nn.MaxUnpool1d(2).forward(tensor([[3, 4]]), tensor([[0n, 3n]])); // tensor([[3., 0., 0., 4.]])
 */
export class MaxUnpool1d extends Unpooling {
  static readonly signature: string = 'kernel_size, *, stride, padding';
  static readonly forwardSignature: string = 'input, indices, output_size?';

  forward(input: Tensor, indices: Tensor, outputSize: readonly number[] | null = null): Tensor {
    return maxUnpool1d(input as Real, indices as Places, this.kernelSize, { ...this.options, outputSize });
  }
}

/**
 * Puts the elements of [N, C, H, W] or [C, H, W] back where `MaxPool2d` found them, among zeros. `outputSize` says which of the sizes that pooling makes equal it was.
 *
 * @example
 * new nn.MaxUnpool2d(2).forward(tensor([[[4]]]), tensor([[[3n]]])); // tensor([[[0., 0.], [0., 4.]]])
 */
export class MaxUnpool2d extends Unpooling {
  static readonly signature: string = 'kernel_size, *, stride, padding';
  static readonly forwardSignature: string = 'input, indices, output_size?';

  forward(input: Tensor, indices: Tensor, outputSize: readonly number[] | null = null): Tensor {
    return maxUnpool2d(input as Real, indices as Places, this.kernelSize, { ...this.options, outputSize });
  }
}

/**
 * Puts the elements of [N, C, D, H, W] or [C, D, H, W] back where `MaxPool3d` found them, among zeros. `outputSize` says which of the sizes that pooling makes equal it was.
 *
 * @example
 * new nn.MaxUnpool3d(2).forward(ones([1, 1, 1, 1]), zeros([1, 1, 1, 1], { dtype: 'int64' })).shape; // [1, 2, 2, 2]
 */
export class MaxUnpool3d extends Unpooling {
  static readonly signature: string = 'kernel_size, *, stride, padding';
  static readonly forwardSignature: string = 'input, indices, output_size?';

  forward(input: Tensor, indices: Tensor, outputSize: readonly number[] | null = null): Tensor {
    return maxUnpool3d(input as Real, indices as Places, this.kernelSize, { ...this.options, outputSize });
  }
}

/**
 * The largest elements of windows of one size that lie at random distances. Graham, "Fractional max-pooling", 2014.
 *
 * @example
 * new nn.FractionalMaxPool2d(2, { outputRatio: 0.5 }).forward(ones([1, 1, 6, 6])).shape; // [1, 1, 3, 3]
 */
export class FractionalMaxPool2d extends Layer {
  static readonly signature: string = 'kernel_size, *, output_size, output_ratio, return_indices, _random_samples';
  readonly kernelSize: PerDim;
  readonly options: Omit<FractionalOptions, '_randomSamples'>;
  /** Where the windows lie, if it was given: a buffer, as in PyTorch. */
  _randomSamples: Tensor | null;

  constructor(kernelSize: PerDim, options: FractionalOptions = {}) {
    super(options);
    const { _randomSamples: samples, ...rest } = options;
    this.kernelSize = kernelSize;
    this.options = rest;
    this._randomSamples = samples ?? null;
    this.registerBuffer('_randomSamples', this._randomSamples);
  }

  protected override run(input: Tensor): Tensor {
    const options = { ...this.options, _randomSamples: this._randomSamples };
    return fractionalMaxPool2d(input as Real, this.kernelSize, options) as unknown as Tensor;
  }

  override extraRepr(): string {
    return describeOptions({ kernelSize: this.kernelSize, ...this.options });
  }
}

/**
 * The largest elements of windows of one size that lie at random distances. Graham, "Fractional max-pooling", 2014.
 *
 * @example
 * new nn.FractionalMaxPool3d(2, { outputRatio: 0.5 }).forward(ones([1, 1, 6, 6, 6])).shape; // [1, 1, 3, 3, 3]
 */
export class FractionalMaxPool3d extends Layer {
  static readonly signature: string = 'kernel_size, *, output_size, output_ratio, return_indices, _random_samples';
  readonly kernelSize: PerDim;
  readonly options: Omit<FractionalOptions, '_randomSamples'>;
  /** Where the windows lie, if it was given: a buffer, as in PyTorch. */
  _randomSamples: Tensor | null;

  constructor(kernelSize: PerDim, options: FractionalOptions = {}) {
    super(options);
    const { _randomSamples: samples, ...rest } = options;
    this.kernelSize = kernelSize;
    this.options = rest;
    this._randomSamples = samples ?? null;
    this.registerBuffer('_randomSamples', this._randomSamples);
  }

  protected override run(input: Tensor): Tensor {
    const options = { ...this.options, _randomSamples: this._randomSamples };
    return fractionalMaxPool3d(input as Real, this.kernelSize, options) as unknown as Tensor;
  }

  override extraRepr(): string {
    return describeOptions({ kernelSize: this.kernelSize, ...this.options });
  }
}

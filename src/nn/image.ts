import { type FoldOptions, fold, unfold } from '../ops/nn/fold.ts';
import { type InterpolateOptions, interpolate, type SizeOptions } from '../ops/nn/interpolation.ts';
import { channelShuffle, pixelShuffle, pixelUnshuffle } from '../ops/nn/pixel-shuffle.ts';
import type { PerDim } from '../shape/types.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Layer } from './layer.ts';
import { describeOptions } from './repr.ts';

type Real = Tensor<number[], 'float32'>;

/** Options of `Upsample`. */
export type UpsampleLayerOptions = Omit<InterpolateOptions, 'antialias'>;

/**
 * Another size of the spatial dimensions of [N, C, …]: see `nn.functional.interpolate`.
 *
 * @example
 * new nn.Upsample({ scaleFactor: 2 }).forward(tensor([[[1, 3]]])); // tensor([[[1., 1., 3., 3.]]])
 */
export class Upsample extends Layer {
  static readonly signature: string = '*, size, scale_factor, mode, align_corners, recompute_scale_factor';
  readonly options: UpsampleLayerOptions;

  constructor(options: UpsampleLayerOptions = {}) {
    super(options);
    this.options = options;
  }

  protected override run(input: Tensor): Tensor {
    return interpolate(input as Real, this.options);
  }

  override extraRepr(): string {
    return describeOptions(this.options);
  }
}

/**
 * Images of another size, of the nearest elements.
 *
 * @example
 * new nn.UpsamplingNearest2d({ scaleFactor: 2 }).forward(ones([1, 1, 2, 3])).shape; // [1, 1, 4, 6]
 */
export class UpsamplingNearest2d extends Upsample {
  static override readonly signature: string = '*, size, scale_factor';

  constructor(options: SizeOptions = {}) {
    super(options);
  }
}

/**
 * Images of another size, linear in each dimension, with the corners kept.
 *
 * @example
 * new nn.UpsamplingBilinear2d({ scaleFactor: 2 }).forward(ones([1, 1, 2, 3])).shape; // [1, 1, 4, 6]
 */
export class UpsamplingBilinear2d extends Upsample {
  static override readonly signature: string = '*, size, scale_factor';

  constructor(options: SizeOptions = {}) {
    super(options);
  }

  protected override run(input: Tensor): Tensor {
    return interpolate(input as Real, { ...this.options, mode: 'bilinear', alignCorners: true });
  }
}

/**
 * Channels become space: [..., C · r², H, W] to [..., C, H · r, W · r].
 *
 * @example
 * new nn.PixelShuffle(2).forward(ones([1, 8, 2, 3])).shape; // [1, 2, 4, 6]
 */
export class PixelShuffle extends Layer {
  static readonly signature: string = 'upscale_factor';
  readonly upscaleFactor: number;

  constructor(upscaleFactor: number) {
    super();
    this.upscaleFactor = upscaleFactor;
  }

  protected override run(input: Tensor): Tensor {
    return pixelShuffle(input, this.upscaleFactor);
  }

  override extraRepr(): string {
    return `upscaleFactor=${this.upscaleFactor}`;
  }
}

/**
 * Space becomes channels: [..., C, H · r, W · r] to [..., C · r², H, W].
 *
 * @example
 * new nn.PixelUnshuffle(2).forward(ones([1, 2, 4, 6])).shape; // [1, 8, 2, 3]
 */
export class PixelUnshuffle extends Layer {
  static readonly signature: string = 'downscale_factor';
  readonly downscaleFactor: number;

  constructor(downscaleFactor: number) {
    super();
    this.downscaleFactor = downscaleFactor;
  }

  protected override run(input: Tensor): Tensor {
    return pixelUnshuffle(input, this.downscaleFactor);
  }

  override extraRepr(): string {
    return `downscaleFactor=${this.downscaleFactor}`;
  }
}

/**
 * Channels cut into groups and dealt out one from each in turn: [N, C, …].
 *
 * @example
 * new nn.ChannelShuffle(2).forward(tensor([[[1], [2], [3], [4]]])); // tensor([[[1.], [3.], [2.], [4.]]])
 */
export class ChannelShuffle extends Layer {
  static readonly signature: string = 'groups';
  readonly groups: number;

  constructor(groups: number) {
    super();
    this.groups = groups;
  }

  protected override run(input: Tensor): Tensor {
    return channelShuffle(input, this.groups);
  }

  override extraRepr(): string {
    return `groups=${this.groups}`;
  }
}

/**
 * The windows of images as columns: [N, C, H, W] to [N, C · kernel elements, windows].
 *
 * @example
 * new nn.Unfold(2).forward(ones([1, 3, 4, 4])).shape; // [1, 12, 9]
 */
export class Unfold extends Layer {
  static readonly signature: string = 'kernel_size, *, dilation, padding, stride';
  readonly kernelSize: PerDim;
  readonly options: FoldOptions;

  constructor(kernelSize: PerDim, options: FoldOptions = {}) {
    super(options);
    this.kernelSize = kernelSize;
    this.options = options;
  }

  protected override run(input: Tensor): Tensor {
    return unfold(input, this.kernelSize, this.options);
  }

  override extraRepr(): string {
    return describeOptions({ kernelSize: this.kernelSize, ...this.options });
  }
}

/**
 * The sum of columns back in the windows of images: [N, C · kernel elements, windows] to [N, C, …outputSize].
 *
 * @example
 * new nn.Fold(4, 2).forward(ones([1, 12, 9])).shape; // [1, 3, 4, 4]
 */
export class Fold extends Layer {
  static readonly signature: string = 'output_size, kernel_size, *, dilation, padding, stride';
  readonly outputSize: PerDim;
  readonly kernelSize: PerDim;
  readonly options: FoldOptions;

  constructor(outputSize: PerDim, kernelSize: PerDim, options: FoldOptions = {}) {
    super(options);
    this.outputSize = outputSize;
    this.kernelSize = kernelSize;
    this.options = options;
  }

  protected override run(input: Tensor): Tensor {
    return fold(input, this.outputSize, this.kernelSize, this.options);
  }

  override extraRepr(): string {
    return describeOptions({ outputSize: this.outputSize, kernelSize: this.kernelSize, ...this.options });
  }
}

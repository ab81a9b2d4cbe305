import type { DType } from '../dtype/dtype.ts';
import { type DTypeInfo, INT64 } from '../dtype/dtype.ts';
import { getDefaultDtype } from '../dtype/promotion.ts';
import { fullTensor } from '../ops/create.ts';
import { optionalType } from '../ops/family.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm, localResponseNorm, rmsNorm } from '../ops/nn/normalization.ts';
import { reshape } from '../ops/structural.ts';
import { add, arg } from '../scalar/expr.ts';
import { formatShape } from '../shape/shape.ts';
import type { ChannelsFunction, GroupNormShape, IdentityFunction, LayerNormFunction, PerDim, ShapeFunction } from '../shape/types.ts';
import { elementsOf } from '../tensor/data.ts';
import { markWritten } from '../tensor/inplace.ts';
import { MapOperator } from '../tensor/map-operator.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { emptyParameter, requireSizes, sizeList } from './empty-parameter.ts';
import * as init from './init.ts';
import { Layer } from './layer.ts';
import { describeOptions } from './repr.ts';

/** One batch more. */
const COUNT = new MapOperator('batchNorm', () => add(arg(0), 1), 1, 0, false);

function filled(shape: readonly number[], value: number, dtype: DType | null | undefined): Tensor {
  return init.constant_(emptyParameter('normalization', shape, dtype), value);
}

/** The channels must divide into G groups. */
interface GroupNormFunction<G extends number> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? GroupNormShape<S, G> : never;
}

// ---------------------------------------------------------------- over trailing dimensions, over groups

/** Options of `LayerNorm`. */
export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Learn a factor (and an offset) for each element. Default true. */
  readonly elementwiseAffine?: boolean;
  /** Learn an offset. Default true. */
  readonly bias?: boolean;
  readonly dtype?: DType | null;
}

/**
 * Normalises each example over its last dimensions, `normalizedShape`; `weight` starts as 1, `bias` as 0. Ba, Kiros, Hinton, "Layer
 * Normalization", 2016.
 *
 * @example
 * new nn.LayerNorm(2).forward(tensor([[1, 3]])); // tensor([[-1.0000,  1.0000]], gradFn=<LayerNormBackward>)
 */
export class LayerNorm<const N extends PerDim = PerDim> extends Layer<LayerNormFunction<N>> {
  static readonly signature: string = 'normalized_shape, *, eps, elementwise_affine, bias, dtype';
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  weight: Tensor | null;
  bias: Tensor | null;

  constructor(normalizedShape: N, options: LayerNormOptions = {}) {
    super(options);
    this.normalizedShape = sizeList('LayerNorm', 'normalizedShape', normalizedShape);
    this.eps = options.eps ?? 1e-5;
    const affine = options.elementwiseAffine ?? true;
    this.weight = affine ? filled(this.normalizedShape, 1, options.dtype) : null;
    this.bias = affine && (options.bias ?? true) ? filled(this.normalizedShape, 0, options.dtype) : null;
  }

  protected override run(input: Tensor): Tensor {
    return layerNorm(input, this.normalizedShape, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    return `${formatShape(this.normalizedShape)}, ${describeOptions({ eps: this.eps, elementwiseAffine: this.weight !== null, bias: this.bias !== null })}`;
  }
}

/** Options of `RMSNorm`. */
export interface RMSNormOptions {
  /** Added to the mean of squares; the dtype's machine epsilon by default. */
  readonly eps?: number | null;
  /** Learn a factor for each element. Default true. */
  readonly elementwiseAffine?: boolean;
  readonly dtype?: DType | null;
}

/**
 * Divides each example by the root of its mean square over the last dimensions. Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019.
 *
 * @example
 * new nn.RMSNorm(2, { elementwiseAffine: false }).forward(tensor([[3, 3]])); // tensor([[1., 1.]])
 */
export class RMSNorm<const N extends PerDim = PerDim> extends Layer<LayerNormFunction<N>> {
  static readonly signature: string = 'normalized_shape, *, eps, elementwise_affine, dtype';
  readonly normalizedShape: readonly number[];
  readonly eps: number | null;
  weight: Tensor | null;

  constructor(normalizedShape: N, options: RMSNormOptions = {}) {
    super(options);
    this.normalizedShape = sizeList('RMSNorm', 'normalizedShape', normalizedShape);
    this.eps = options.eps ?? null;
    this.weight = (options.elementwiseAffine ?? true) ? filled(this.normalizedShape, 1, options.dtype) : null;
  }

  protected override run(input: Tensor): Tensor {
    return rmsNorm(input, this.normalizedShape, this.weight, { eps: this.eps });
  }

  override extraRepr(): string {
    return `${formatShape(this.normalizedShape)}, ${describeOptions({ eps: this.eps, elementwiseAffine: this.weight !== null })}`;
  }
}

/** Options of `GroupNorm`. */
export interface GroupNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Learn a factor (and an offset) for each channel. Default true. */
  readonly affine?: boolean;
  /** Learn an offset. Default true. */
  readonly bias?: boolean;
  readonly dtype?: DType | null;
}

/**
 * Normalises each example over groups of its channels: `input` [N, C, …]. Throws ArgumentError if the groups do not divide the channels. Wu, He,
 * "Group Normalization", 2018.
 *
 * @example
 * new nn.GroupNorm(1, 2, { affine: false }).forward(tensor([[1, 3]])); // tensor([[-1.0000,  1.0000]])
 */
export class GroupNorm<const G extends number = number> extends Layer<GroupNormFunction<G>> {
  static readonly signature: string = 'num_groups, num_channels, *, eps, affine, dtype, bias';
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  weight: Tensor | null;
  bias: Tensor | null;

  constructor(numGroups: G, numChannels: number, options: GroupNormOptions = {}) {
    super(options);
    requireSizes('GroupNorm', { numGroups, numChannels });
    if (numChannels % numGroups !== 0) throw new ArgumentError(`GroupNorm: ${numGroups} groups do not divide ${numChannels} channels`);
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = options.eps ?? 1e-5;
    const affine = options.affine ?? true;
    this.weight = affine ? filled([numChannels], 1, options.dtype) : null;
    this.bias = affine && (options.bias ?? true) ? filled([numChannels], 0, options.dtype) : null;
  }

  protected override run(input: Tensor): Tensor {
    return groupNorm(input, this.numGroups, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, ${describeOptions({ eps: this.eps, affine: this.weight !== null })}`;
  }
}

/** Options of `LocalResponseNorm`. */
export interface LocalResponseNormOptions {
  readonly alpha?: number;
  readonly beta?: number;
  readonly k?: number;
}

/**
 * Divides each element by a power of the mean square of the `size` channels around it. Krizhevsky, Sutskever, Hinton, "ImageNet Classification
 * with Deep Convolutional Neural Networks", 2012.
 *
 * @example
 * new nn.LocalResponseNorm(2).forward(ones([1, 2, 1])).shape; // [1, 2, 1]
 */
export class LocalResponseNorm extends Layer<IdentityFunction> {
  static readonly signature: string = 'size, *, alpha, beta, k';
  readonly size: number;
  readonly options: LocalResponseNormOptions;

  constructor(size: number, options: LocalResponseNormOptions = {}) {
    super(options);
    this.size = size;
    this.options = options;
  }

  protected override run(input: Tensor): Tensor {
    return localResponseNorm(input, this.size, this.options);
  }

  override extraRepr(): string {
    return [String(this.size), describeOptions(this.options)].filter((part) => part !== '').join(', ');
  }
}

// ---------------------------------------------------------------- over batches, over instances

/** Options of `BatchNorm1d` and the like. */
export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** The share of a new batch in the running statistics; null for their plain average. Default 0.1. */
  readonly momentum?: number | null;
  /** Learn a factor (and an offset) for each channel. */
  readonly affine?: boolean;
  /** Keep statistics for evaluation. */
  readonly trackRunningStats?: boolean;
  readonly dtype?: DType | null;
  /** Learn an offset. Default true. */
  readonly bias?: boolean;
}

/** What normalising over batches and over instances share: parameters and running statistics for each channel. */
abstract class RunningNorm<F extends ShapeFunction> extends Layer<F> {
  static readonly signature: string = 'num_features, *, eps, momentum, affine, track_running_stats, dtype, bias';
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly trackRunningStats: boolean;
  weight: Tensor | null;
  bias: Tensor | null;
  runningMean: Tensor | null = null;
  runningVar: Tensor | null = null;
  numBatchesTracked: Tensor | null = null;

  constructor(numFeatures: number, options: BatchNormOptions, affine: boolean, tracked: boolean) {
    super(options);
    requireSizes(new.target.name, { numFeatures });
    this.numFeatures = numFeatures;
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum;
    this.trackRunningStats = options.trackRunningStats ?? tracked;
    const learned = options.affine ?? affine;
    this.weight = learned ? filled([numFeatures], 1, options.dtype) : null;
    this.bias = learned && (options.bias ?? true) ? filled([numFeatures], 0, options.dtype) : null;
    if (!this.trackRunningStats) return;
    const type: DTypeInfo = optionalType(options.dtype) ?? getDefaultDtype();
    this.registerBuffer('runningMean', fullTensor([numFeatures], 0, type));
    this.registerBuffer('runningVar', fullTensor([numFeatures], 1, type));
    this.registerBuffer('numBatchesTracked', fullTensor([], 0, INT64));
  }

  /** How many dimensions an input has, for messages; the last is the one without a batch where that is allowed. */
  protected abstract accepts(input: Tensor): boolean;

  protected checkInput(input: Tensor): void {
    if (!this.accepts(input)) {
      throw new ShapeError(
        `${this.constructor.name}: an input of ${input.ndim} dimensions, ${formatShape(input.shape)}, is not what it normalises`,
      );
    }
  }

  override extraRepr(): string {
    const { eps, momentum, trackRunningStats, weight } = this;
    return `${this.numFeatures}, ${describeOptions({ eps, momentum, affine: weight !== null, trackRunningStats })}`;
  }
}

/** Normalises each channel over the batch. */
abstract class BatchNorm<C extends number, Spatial extends number> extends RunningNorm<ChannelsFunction<C, 'batchNorm', Spatial>> {
  constructor(numFeatures: C, options: BatchNormOptions = {}) {
    super(numFeatures, options, true, true);
  }

  protected override run(input: Tensor): Tensor {
    this.checkInput(input);
    const momentum = this.training && this.trackRunningStats ? this.countBatch() : (this.momentum ?? 0);
    const used = !this.training || this.trackRunningStats;
    const [mean, variance] = used ? [this.runningMean, this.runningVar] : [null, null];
    const training = this.training || this.runningMean === null;
    return batchNorm(input, mean, variance, this.weight, this.bias, { training, momentum, eps: this.eps });
  }

  /** Counts a batch; its share in the running statistics. */
  private countBatch(): number {
    if (this.numBatchesTracked === null) return this.momentum ?? 0;
    COUNT.forwardInto(this.numBatchesTracked, [this.numBatchesTracked], { values: [], compute: INT64 });
    markWritten(this.numBatchesTracked, 'batchNorm');
    // The count is looked at only where it matters.
    return this.momentum ?? 1 / Number(elementsOf(this.numBatchesTracked)[0]);
  }
}

/**
 * Normalises each channel of [N, C] or [N, C, L] over the batch while training, by the running statistics in evaluation. Ioffe, Szegedy, "Batch
 * Normalization", 2015. Throws ShapeError for other dimensions.
 *
 * @example
 * new nn.BatchNorm1d(1, { affine: false }).forward(tensor([[1], [3]])); // tensor([[-1.0000], [1.0000]])
 */
export class BatchNorm1d<const C extends number = number> extends BatchNorm<C, 0 | 1> {
  protected override accepts(input: Tensor): boolean {
    return input.ndim === 2 || input.ndim === 3;
  }
}

/**
 * As `BatchNorm1d`, of [N, C, H, W].
 *
 * @example
 * new nn.BatchNorm2d(3).forward(ones([2, 3, 4, 4])).shape; // [2, 3, 4, 4]
 */
export class BatchNorm2d<const C extends number = number> extends BatchNorm<C, 2> {
  protected override accepts(input: Tensor): boolean {
    return input.ndim === 4;
  }
}

/**
 * As `BatchNorm1d`, of [N, C, D, H, W].
 *
 * @example
 * new nn.BatchNorm3d(3).forward(ones([2, 3, 2, 2, 2])).shape; // [2, 3, 2, 2, 2]
 */
export class BatchNorm3d<const C extends number = number> extends BatchNorm<C, 3> {
  protected override accepts(input: Tensor): boolean {
    return input.ndim === 5;
  }
}

/** Normalises each channel of each example. */
abstract class InstanceNorm extends RunningNorm<IdentityFunction> {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super(numFeatures, options, false, false);
  }

  /** Dimensions of an input without a batch. */
  protected abstract get dimensions(): number;

  protected override accepts(input: Tensor): boolean {
    return input.ndim === this.dimensions || input.ndim === this.dimensions + 1;
  }

  protected override run(input: Tensor): Tensor {
    this.checkInput(input);
    const channels = input.shape[input.ndim - this.dimensions];
    if (this.weight !== null && channels !== this.numFeatures) {
      throw new ShapeError(
        `${this.constructor.name}: has parameters for ${this.numFeatures} channels, the input ${formatShape(input.shape)} has ${channels}`,
      );
    }
    if (input.ndim > this.dimensions) return this.normalize(input);
    return reshape(this.normalize(reshape(input, [1, ...input.shape])), input.shape);
  }

  private normalize(input: Tensor): Tensor {
    const useInputStats = this.training || !this.trackRunningStats;
    return instanceNorm(input, this.runningMean, this.runningVar, this.weight, this.bias, {
      useInputStats,
      momentum: this.momentum ?? 0,
      eps: this.eps,
    });
  }
}

/**
 * Normalises each channel of each example of [N, C, L] or [C, L]. Ulyanov, Vedaldi, Lempitsky, "Instance Normalization", 2016. Learns and tracks
 * nothing unless asked to. Throws ShapeError for other dimensions.
 *
 * @example
 * new nn.InstanceNorm1d(1).forward(tensor([[[1, 3]]])); // tensor([[[-1.0000,  1.0000]]])
 */
export class InstanceNorm1d extends InstanceNorm {
  protected override get dimensions(): number {
    return 2;
  }
}

/**
 * As `InstanceNorm1d`, of [N, C, H, W] or [C, H, W].
 *
 * @example
 * new nn.InstanceNorm2d(3).forward(ones([2, 3, 4, 4])).shape; // [2, 3, 4, 4]
 */
export class InstanceNorm2d extends InstanceNorm {
  protected override get dimensions(): number {
    return 3;
  }
}

/**
 * As `InstanceNorm1d`, of [N, C, D, H, W] or [C, D, H, W].
 *
 * @example
 * new nn.InstanceNorm3d(3).forward(ones([2, 3, 2, 2, 2])).shape; // [2, 3, 2, 2, 2]
 */
export class InstanceNorm3d extends InstanceNorm {
  protected override get dimensions(): number {
    return 4;
  }
}

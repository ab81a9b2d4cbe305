import {
  type ClassificationOptions,
  type CrossEntropyOptions,
  crossEntropy,
  linearCrossEntropy,
  nllLoss,
} from '../ops/nn/classification-loss.ts';
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type DivergenceOptions,
  type GaussianOptions,
  gaussianNllLoss,
  huberLoss,
  klDiv,
  type LogitsLossOptions,
  l1Loss,
  mseLoss,
  type PoissonOptions,
  poissonNllLoss,
  smoothL1Loss,
  type WeightedLossOptions,
} from '../ops/nn/loss.ts';
import type { LossOptions } from '../ops/nn/reduced-loss.ts';
import { reshape } from '../ops/structural.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Linear, type LinearOptions } from './linear.ts';
import { Module } from './module.ts';
import { describeOptions } from './repr.ts';

/**
 * Losses as modules. Each keeps its options and calls the function of the same name in `nn.functional`, which says what it computes, what shapes and
 * dtypes it takes, and what it throws.
 */

/** What all losses share: options that stay as they were given; weights among them are buffers, so that they are saved and cast with the module. */
export abstract class Loss<Options extends object> extends Module {
  readonly options: Options;

  constructor(options: Options) {
    super(options);
    this.options = options;
  }

  override extraRepr(): string {
    return describeOptions(this.options);
  }
}

/**
 * Mean absolute error.
 *
 * @example
 * new nn.L1Loss().forward(tensor([1, 2]), tensor([1, 4])); // tensor(1.)
 */
export class L1Loss extends Loss<LossOptions> {
  static readonly signature: string = '*, reduction';
  constructor(options: LossOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, this.options);
  }
}

/**
 * Mean squared error.
 *
 * @example
 * new nn.MSELoss({ reduction: 'sum' }).forward(tensor([1, 2]), tensor([1, 4])); // tensor(4.)
 */
export class MSELoss extends Loss<LossOptions> {
  static readonly signature: string = '*, reduction';
  constructor(options: LossOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, this.options);
  }
}

/** Options of `SmoothL1Loss`. */
export interface SmoothL1Options extends LossOptions {
  /** Where squared becomes absolute. Default 1. */
  readonly beta?: number;
}

/**
 * Squared below `beta`, absolute above.
 *
 * @example
 * new nn.SmoothL1Loss().forward(tensor([0, 3]), tensor([1, 0])); // tensor(1.5000)
 */
export class SmoothL1Loss extends Loss<SmoothL1Options> {
  static readonly signature: string = '*, reduction, beta';
  constructor(options: SmoothL1Options = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(input, target, this.options);
  }
}

/** Options of `HuberLoss`. */
export interface HuberOptions extends LossOptions {
  /** Where squared becomes linear. Default 1. */
  readonly delta?: number;
}

/**
 * Squared up to `delta`, linear beyond.
 *
 * @example
 * new nn.HuberLoss({ delta: 2 }).forward(tensor([0, 3]), tensor([1, 0])); // tensor(2.2500)
 */
export class HuberLoss extends Loss<HuberOptions> {
  static readonly signature: string = '*, reduction, delta';
  constructor(options: HuberOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return huberLoss(input, target, this.options);
  }
}

/** A loss with a weight for each class or element. */
export abstract class WeightedLoss<Options extends { readonly weight?: Tensor | null }> extends Loss<Options> {
  weight: Tensor | null = null;

  constructor(options: Options) {
    super(options);
    this.registerBuffer('weight', options.weight ?? null);
  }
}

/**
 * Cross entropy of unnormalised log-probabilities and class indices, or probabilities of classes.
 *
 * @example
 * new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }).forward(tensor([[0, 0]]), tensor([1n])); // tensor(0.6931)
 */
export class CrossEntropyLoss extends WeightedLoss<CrossEntropyOptions> {
  static readonly signature: string = '*, weight, ignore_index, reduction, label_smoothing';
  constructor(options: CrossEntropyOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return crossEntropy(input, target, { ...this.options, weight: this.weight });
  }
}

/**
 * Negative log-likelihood of class indices.
 *
 * @example
 * new nn.NLLLoss().forward(tensor([[-1, -2], [-3, -4]]), tensor([0n, 1n])); // tensor(2.5000)
 */
export class NLLLoss extends WeightedLoss<ClassificationOptions> {
  static readonly signature: string = '*, weight, ignore_index, reduction';
  constructor(options: ClassificationOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return nllLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** Options of `LinearCrossEntropyLoss`. */
export interface LinearLossOptions extends CrossEntropyOptions, LinearOptions {
  /** Sizes between the rows and the classes. */
  readonly outFeatures?: readonly number[];
  /** Accepted for PyTorch's sake: how it splits the work says nothing here. */
  readonly options?: null;
}

/**
 * A linear layer and the cross entropy of its outputs. `linear.weight`: [numClasses · outFeatures, inFeatures].
 *
 * @example
 * new nn.LinearCrossEntropyLoss(3, 4).forward(ones([2, 3]), tensor([0n, 3n])).shape; // []
 */
export class LinearCrossEntropyLoss extends WeightedLoss<CrossEntropyOptions> {
  static readonly signature: string =
    'in_features, num_classes, *, out_features, bias, reduction, weight, ignore_index, label_smoothing, options, dtype';
  readonly linear: Linear;
  readonly #features: readonly number[];

  constructor(inFeatures: number, numClasses: number, options: LinearLossOptions = {}) {
    const { outFeatures = [], bias = false, dtype, options: _chunks, ...rest } = options;
    super(rest);
    this.#features = [numClasses, ...outFeatures];
    const total = this.#features.reduce((n, size) => n * size, 1);
    this.linear = new Linear(inFeatures, total, { bias, ...(dtype === undefined ? {} : { dtype }) });
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, bias } = this.linear;
    const shape = this.#features;
    return linearCrossEntropy(input, reshape(weight, [...shape, weight.shape[1] as number]), target, {
      ...this.options,
      linearBias: bias === null ? null : reshape(bias, shape),
      weight: this.weight,
    });
  }
}

/**
 * Binary cross entropy of probabilities.
 *
 * @example
 * new nn.BCELoss().forward(tensor([0.5, 0.5]), tensor([0, 1])); // tensor(0.6931)
 */
export class BCELoss extends WeightedLoss<WeightedLossOptions> {
  static readonly signature: string = '*, weight, reduction';
  constructor(options: WeightedLossOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(input, target, { ...this.options, weight: this.weight });
  }
}

/**
 * Binary cross entropy of log-odds.
 *
 * @example
 * new nn.BCEWithLogitsLoss().forward(tensor([0, 0]), tensor([0, 1])); // tensor(0.6931)
 */
export class BCEWithLogitsLoss extends WeightedLoss<LogitsLossOptions> {
  static readonly signature: string = '*, weight, reduction, pos_weight';
  posWeight: Tensor | null = null;
  constructor(options: LogitsLossOptions = {}) {
    super(options);
    this.registerBuffer('posWeight', options.posWeight ?? null);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropyWithLogits(input, target, { ...this.options, weight: this.weight, posWeight: this.posWeight });
  }
}

/**
 * Kullback-Leibler divergence from log-probabilities.
 *
 * @example
 * new nn.KLDivLoss({ logTarget: true }).forward(tensor([0, 0]), tensor([0, 0])); // tensor(0.)
 */
export class KLDivLoss extends Loss<DivergenceOptions> {
  static readonly signature: string = '*, reduction, log_target';
  constructor(options: DivergenceOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return klDiv(input, target, this.options);
  }
}

/**
 * Negative log-likelihood of counts under Poisson distributions.
 *
 * @example
 * new nn.PoissonNLLLoss().forward(tensor([0, 0]), tensor([1, 2])); // tensor(1.)
 */
export class PoissonNLLLoss extends Loss<PoissonOptions> {
  static readonly signature: string = '*, log_input, full, eps, reduction';
  constructor(options: PoissonOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return poissonNllLoss(input, target, this.options);
  }
}

/**
 * Negative log-likelihood under normal distributions of given variances.
 *
 * @example
 * new nn.GaussianNLLLoss().forward(tensor([0, 0]), tensor([1, 1]), tensor([1, 1])); // tensor(0.5000)
 */
export class GaussianNLLLoss extends Loss<GaussianOptions> {
  static readonly signature: string = '*, full, eps, reduction';
  constructor(options: GaussianOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor, variance: Tensor | number): Tensor {
    return gaussianNllLoss(input, target, variance, this.options);
  }
}

import {
  type ClassWeightOptions,
  cosineEmbeddingLoss,
  hingeEmbeddingLoss,
  type MarginOptions,
  type MultiMarginOptions,
  marginRankingLoss,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  multiMarginLoss,
  softMarginLoss,
  type TripletDistanceOptions,
  type TripletOptions,
  tripletMarginLoss,
  tripletMarginWithDistanceLoss,
} from '../ops/nn/margin-loss.ts';
import type { LossOptions } from '../ops/nn/reduced-loss.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Loss, WeightedLoss } from './loss.ts';

/** Losses of margins and distances as modules; the functions of the same names say what they compute. */

/**
 * The input where the target is 1, what it lacks of `margin` where it is -1.
 *
 * @example
 * new nn.HingeEmbeddingLoss().forward(tensor([0.5, 0.5]), tensor([1, -1])); // tensor(0.5000)
 */
export class HingeEmbeddingLoss extends Loss<MarginOptions> {
  static readonly signature: string = '*, margin, reduction';
  constructor(options: MarginOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return hingeEmbeddingLoss(input, target, this.options);
  }
}

/**
 * What `input1` lacks to be ahead of `input2` by `margin`, or the other way round.
 *
 * @example
 * new nn.MarginRankingLoss().forward(tensor([1]), tensor([3]), tensor([1])); // tensor(2.)
 */
export class MarginRankingLoss extends Loss<MarginOptions> {
  static readonly signature: string = '*, margin, reduction';
  constructor(options: MarginOptions = {}) {
    super(options);
  }
  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return marginRankingLoss(input1, input2, target, this.options);
  }
}

/**
 * The cosine distance of similar pairs, the excess of the cosine over `margin` of dissimilar ones.
 *
 * @example
 * new nn.CosineEmbeddingLoss().forward(tensor([[1, 0]]), tensor([[1, 0]]), tensor([1])); // tensor(0.)
 */
export class CosineEmbeddingLoss extends Loss<MarginOptions> {
  static readonly signature: string = '*, margin, reduction';
  constructor(options: MarginOptions = {}) {
    super(options);
  }
  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return cosineEmbeddingLoss(input1, input2, target, this.options);
  }
}

/** Options of `TripletMarginLoss`. */
export interface TripletLossOptions extends TripletOptions {
  /** The order of the norm. Default 2. */
  readonly p?: number;
  readonly eps?: number;
}

/**
 * What the negative lacks to be further from the anchor than the positive by `margin`.
 *
 * @example
 * new nn.TripletMarginLoss().forward(tensor([[0, 0]]), tensor([[0, 1]]), tensor([[0, 1]])); // tensor(1.)
 */
export class TripletMarginLoss extends Loss<TripletLossOptions> {
  static readonly signature: string = '*, margin, p, eps, swap, reduction';
  constructor(options: TripletLossOptions = {}) {
    super(options);
  }
  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    return tripletMarginLoss(anchor, positive, negative, this.options);
  }
}

/**
 * `TripletMarginLoss` with any distance.
 *
 * @example
 * new nn.TripletMarginWithDistanceLoss({ margin: 2 }).forward(tensor([[0, 0]]), tensor([[0, 1]]), tensor([[0, 1]])); // tensor(2.)
 */
export class TripletMarginWithDistanceLoss extends Loss<TripletDistanceOptions> {
  static readonly signature: string = '*, distance_function, margin, swap, reduction';
  constructor(options: TripletDistanceOptions = {}) {
    super(options);
  }
  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    return tripletMarginWithDistanceLoss(anchor, positive, negative, this.options);
  }
}

/**
 * log(1 + e^(-y x)) of targets 1 and -1.
 *
 * @example
 * new nn.SoftMarginLoss().forward(tensor([0, 0]), tensor([1, -1])); // tensor(0.6931)
 */
export class SoftMarginLoss extends Loss<LossOptions> {
  static readonly signature: string = '*, reduction';
  constructor(options: LossOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return softMarginLoss(input, target, this.options);
  }
}

/**
 * What the class lacks to be ahead of each other class by `margin`.
 *
 * @example
 * new nn.MultiMarginLoss().forward(tensor([[0, 0]]), tensor([1n])); // tensor(0.5000)
 */
export class MultiMarginLoss extends WeightedLoss<MultiMarginOptions> {
  static readonly signature: string = '*, p, margin, weight, reduction';
  constructor(options: MultiMarginOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return multiMarginLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/**
 * What each of several classes lacks to be ahead of all the others by 1.
 *
 * @example
 * new nn.MultiLabelMarginLoss().forward(tensor([[0, 0]]), tensor([[1n, -1n]])); // tensor(0.5000)
 */
export class MultiLabelMarginLoss extends Loss<LossOptions> {
  static readonly signature: string = '*, reduction';
  constructor(options: LossOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return multilabelMarginLoss(input, target, this.options);
  }
}

/**
 * Binary cross entropy of log-odds, averaged over the classes.
 *
 * @example
 * new nn.MultiLabelSoftMarginLoss().forward(tensor([[0, 0]]), tensor([[1, 0]])); // tensor(0.6931)
 */
export class MultiLabelSoftMarginLoss extends WeightedLoss<ClassWeightOptions> {
  static readonly signature: string = '*, weight, reduction';
  constructor(options: ClassWeightOptions = {}) {
    super(options);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return multilabelSoftMarginLoss(input, target, { ...this.options, weight: this.weight });
  }
}

import { cosineSimilarity, type DistanceOptions, pairwiseDistance } from '../ops/nn/distance.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';
import { describeOptions } from './repr.ts';

/**
 * The p-norm of the difference of vectors (the last dimension).
 *
 * @example
 * new nn.PairwiseDistance({ eps: 0 }).forward(tensor([0, 0]), tensor([3, 4])); // tensor(5.)
 */
export class PairwiseDistance extends Module {
  static readonly signature: string = '*, p, eps, keepdim';
  readonly options: DistanceOptions;

  constructor(options: DistanceOptions = {}) {
    super(options);
    this.options = options;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return pairwiseDistance(x1, x2, this.options);
  }

  override extraRepr(): string {
    return describeOptions(this.options);
  }
}

/** Options of `CosineSimilarity`. */
export interface CosineSimilarityOptions {
  /** The dimension of the vectors. Default 1. */
  readonly dim?: number;
  /** The least norm that is divided by. Default 1e-8. */
  readonly eps?: number;
}

/**
 * The cosine of the angle between vectors.
 *
 * @example
 * new nn.CosineSimilarity().forward(tensor([[1, 0]]), tensor([[1, 1]])); // tensor([0.7071])
 */
export class CosineSimilarity extends Module {
  static readonly signature: string = '*, dim, eps';
  readonly options: CosineSimilarityOptions;

  constructor(options: CosineSimilarityOptions = {}) {
    super(options);
    this.options = options;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    const { dim = 1, eps = 1e-8 } = this.options;
    return cosineSimilarity(x1, x2, dim, { eps });
  }

  override extraRepr(): string {
    return describeOptions(this.options);
  }
}

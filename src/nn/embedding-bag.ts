import type { DType } from '../dtype/dtype.ts';
import { fillTensor } from '../ops/create.ts';
import { paddingOf } from '../ops/nn/embedding.ts';
import { type EmbeddingBagOptions, embeddingBag } from '../ops/nn/embedding-bag.ts';
import { select } from '../ops/structural.ts';
import { formatShape } from '../shape/shape.ts';
import { withGradMode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { checkOptions, optionNames } from '../util/options.ts';
import { emptyParameter, requireSizes } from './empty-parameter.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';
import { describeOptions } from './repr.ts';

/** Options of `EmbeddingBag`. */
export interface EmbeddingBagModuleOptions extends Omit<EmbeddingBagOptions, 'perSampleWeights'> {
  readonly dtype?: DType | null;
}

/** Options of `EmbeddingBag.fromPretrained`. */
export interface PretrainedBagOptions extends Omit<EmbeddingBagOptions, 'perSampleWeights'> {
  /** Do not learn the rows. Default true. */
  readonly freeze?: boolean;
}

/**
 * Sums, means or largest elements of learned rows: `weight` [numEmbeddings, embeddingDim], standard normal at first, the row `paddingIdx` 0.
 * `forward(input, offsets?, { perSampleWeights })` is `nn.functional.embeddingBag`. Throws ArgumentError for a `paddingIdx` out of range.
 *
 * @example
 * new nn.EmbeddingBag(10, 3, { mode: 'sum' }).forward(tensor([[1n, 2n], [4n, 5n]])).shape; // [2, 3]
 */
export class EmbeddingBag extends Module {
  static readonly signature: string =
    'num_embeddings, embedding_dim, *, max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset, padding_idx, dtype';
  static readonly forwardSignature: string = 'input, offsets?, *, per_sample_weights';
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly options: Omit<EmbeddingBagOptions, 'perSampleWeights'>;
  weight: Tensor;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingBagModuleOptions = {}) {
    super(options);
    requireSizes('EmbeddingBag', { numEmbeddings, embeddingDim });
    const { dtype, ...rest } = options;
    paddingOf(rest.paddingIdx, numEmbeddings);
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.options = rest;
    this.weight = emptyParameter('EmbeddingBag', [numEmbeddings, embeddingDim], dtype);
    this.resetParameters();
  }

  /** A table with these rows, [count, features], which are not learned unless `freeze` is false. The tensor is shared. */
  static fromPretrained(rows: Tensor, options: PretrainedBagOptions = {}): EmbeddingBag {
    const { freeze = true, ...rest } = options;
    if (rows.ndim !== 2) throw new ShapeError(`EmbeddingBag.fromPretrained: the rows must be a matrix, got ${formatShape(rows.shape)}`);
    const [numEmbeddings, embeddingDim] = rows.shape as [number, number];
    const weight = new Parameter(rows as Tensor<number[], 'float32'>, !freeze);
    return Object.assign(new EmbeddingBag(0, 0), { numEmbeddings, embeddingDim, options: rest, weight });
  }

  resetParameters(): void {
    init.normal_(this.weight);
    const padding = paddingOf(this.options.paddingIdx, this.numEmbeddings);
    if (padding >= 0) withGradMode(false, () => fillTensor(select(this.weight, 0, padding), 0));
  }

  forward(input: Tensor, offsets: Tensor | null = null, options: Pick<EmbeddingBagOptions, 'perSampleWeights'> = {}): Tensor {
    checkOptions('EmbeddingBag.forward', options, optionNames(EmbeddingBag.forwardSignature));
    return embeddingBag(input as Tensor<number[], 'int64'>, this.weight as Tensor<number[], 'float32'>, offsets, {
      ...this.options,
      ...options,
    }) as Tensor;
  }

  override extraRepr(): string {
    return [`${this.numEmbeddings}, ${this.embeddingDim}`, describeOptions({ mode: 'mean', ...this.options })].join(', ');
  }
}

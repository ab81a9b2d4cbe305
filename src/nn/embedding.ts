import type { DType } from '../dtype/dtype.ts';
import { fillTensor } from '../ops/create.ts';
import { type EmbeddingOptions, embedding } from '../ops/nn/embedding.ts';
import { select } from '../ops/structural.ts';
import { formatShape } from '../shape/shape.ts';
import type { EmbeddingFunction } from '../shape/types.ts';
import { withGradMode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { emptyParameter, requireSizes } from './empty-parameter.ts';
import * as init from './init.ts';
import { Layer } from './layer.ts';
import { Parameter } from './parameter.ts';
import { describeOptions } from './repr.ts';

/** Options of `Embedding`. */
export interface EmbeddingModuleOptions extends EmbeddingOptions {
  readonly dtype?: DType | null;
}

/** Options of `Embedding.fromPretrained`. */
export interface PretrainedOptions extends EmbeddingOptions {
  /** Do not learn the rows. Default true. */
  readonly freeze?: boolean;
}

/**
 * A table of learned rows, looked up by index: `weight` [numEmbeddings, embeddingDim], standard normal at first, the row `paddingIdx` 0. Throws
 * ArgumentError for a `paddingIdx` out of range.
 *
 * @example
 * new nn.Embedding(10, 3).forward(tensor([1n, 2n])).shape; // [2, 3]
 */
export class Embedding<const V extends number = number, const E extends number = number> extends Layer<EmbeddingFunction<V, E>> {
  static readonly signature: string =
    'num_embeddings, embedding_dim, *, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, dtype';
  readonly numEmbeddings: V;
  readonly embeddingDim: E;
  readonly options: EmbeddingOptions;
  weight: Tensor<[V, E]>;

  constructor(numEmbeddings: V, embeddingDim: E, options: EmbeddingModuleOptions = {}) {
    super(options);
    requireSizes('Embedding', { numEmbeddings, embeddingDim });
    const { dtype, ...rest } = options;
    const padding = rest.paddingIdx ?? null;
    if (padding !== null && !(Number.isInteger(padding) && padding >= -numEmbeddings && padding < numEmbeddings)) {
      throw new ArgumentError(`Embedding: paddingIdx ${padding} is out of range for ${numEmbeddings} rows`);
    }
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.options = rest;
    this.weight = emptyParameter('Embedding', [numEmbeddings, embeddingDim], dtype);
    this.resetParameters();
  }

  /** A table with these rows, [count, features], which are not learned unless `freeze` is false. The tensor is shared. */
  static fromPretrained<V extends number, E extends number>(rows: Tensor<[V, E]>, options: PretrainedOptions = {}): Embedding<V, E> {
    const { freeze = true, ...rest } = options;
    if (rows.ndim !== 2) throw new ShapeError(`Embedding.fromPretrained: the rows must be a matrix, got ${formatShape(rows.shape)}`);
    const table = new Embedding<V, E>(0 as V, 0 as E);
    const made = { numEmbeddings: rows.shape[0], embeddingDim: rows.shape[1], options: rest, weight: new Parameter(rows, !freeze) };
    return Object.assign(table, made);
  }

  resetParameters(): void {
    init.normal_(this.weight);
    const { paddingIdx = null } = this.options;
    if (paddingIdx === null) return;
    withGradMode(false, () => fillTensor(select(this.weight, 0, paddingIdx < 0 ? paddingIdx + this.numEmbeddings : paddingIdx), 0));
  }

  protected override run(input: Tensor): Tensor {
    return embedding(input, this.weight, this.options);
  }

  override extraRepr(): string {
    return [`${this.numEmbeddings}, ${this.embeddingDim}`, describeOptions(this.options)].filter((part) => part !== '').join(', ');
  }
}

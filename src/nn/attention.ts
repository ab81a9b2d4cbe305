import type { DType } from '../dtype/dtype.ts';
import { multiHeadAttentionForward } from '../ops/nn/multi-head-attention.ts';
import { permute } from '../ops/structural.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions, optionNames } from '../util/options.ts';
import { emptyParameter, requireSizes } from './empty-parameter.ts';
import * as init from './init.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { describeOptions } from './repr.ts';

/** Options of `MultiheadAttention`. */
export interface MultiheadAttentionOptions {
  /** Probability with which a weight is dropped in training. Default 0. */
  readonly dropout?: number;
  /** Learn offsets of all projections. Default true. */
  readonly bias?: boolean;
  /** Learn one more key and value. */
  readonly addBiasKv?: boolean;
  /** One more key and value of zeros. */
  readonly addZeroAttn?: boolean;
  /** Features of keys. Default `embedDim`. */
  readonly kdim?: number | null;
  /** Features of values. Default `embedDim`. */
  readonly vdim?: number | null;
  /** Tensors are [N, length, features] instead of [length, N, features]. */
  readonly batchFirst?: boolean;
  readonly dtype?: DType | null;
}

/** What a call of `MultiheadAttention` can say. In masks, true forbids; floating masks are added to the scores. */
export interface AttentionCallOptions {
  /** Keys that nobody attends to: [N, S] or [S]. */
  readonly keyPaddingMask?: Tensor | null;
  /** Return the weights too. Default true; false is faster. */
  readonly needWeights?: boolean;
  /** [L, S] or [N · heads, L, S]. */
  readonly attnMask?: Tensor | null;
  /** Average the weights over the heads. Default true. */
  readonly averageAttnWeights?: boolean;
  /** Says that `attnMask` is the causal mask. */
  readonly isCausal?: boolean;
}

function turned(x: Tensor): Tensor {
  return x.ndim === 3 ? permute(x, [1, 0, 2]) : x;
}

/**
 * Multi-head attention (Vaswani et al., "Attention is all you need", 2017). `forward(query, key, value)` takes [L, N, embedDim], [S, N, kdim] and
 * [S, N, vdim], with `batchFirst` N in front, or all without N, and returns the output and the weights [N, L, S] (null with `needWeights: false`).
 * Projections start Xavier-uniform, offsets 0. Throws ArgumentError unless the heads divide `embedDim`.
 *
 * @example
 * const attention = new nn.MultiheadAttention(8, 2, { batchFirst: true });
 * const x = ones([1, 3, 8]);
 * const [output, weights] = attention.forward(x, x, x);
 * [output.shape, weights.shape]; // [[1, 3, 8], [1, 3, 3]]
 */
export class MultiheadAttention extends Module {
  static readonly signature: string = 'embed_dim, num_heads, *, dropout, bias, add_bias_kv, add_zero_attn, kdim, vdim, batch_first, dtype';
  static readonly forwardSignature: string =
    'query, key, value, *, key_padding_mask, need_weights, attn_mask, average_attn_weights, is_causal';
  readonly embedDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly batchFirst: boolean;
  readonly addZeroAttn: boolean;
  readonly kdim: number;
  readonly vdim: number;
  inProjWeight: Tensor | null = null;
  qProjWeight: Tensor | null = null;
  kProjWeight: Tensor | null = null;
  vProjWeight: Tensor | null = null;
  inProjBias: Tensor | null;
  biasK: Tensor | null;
  biasV: Tensor | null;
  readonly outProj: Linear;

  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super(options);
    requireSizes('MultiheadAttention', { embedDim, numHeads });
    if (!(embedDim > 0 && numHeads > 0 && embedDim % numHeads === 0))
      throw new ArgumentError(`MultiheadAttention: embedDim ${embedDim} cannot be divided among ${numHeads} heads`);
    const { dtype = null, bias = true, addBiasKv = false } = options;
    const empty = (...shape: number[]): Tensor => emptyParameter('MultiheadAttention', shape, dtype);
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.dropout = options.dropout ?? 0;
    this.batchFirst = options.batchFirst ?? false;
    this.addZeroAttn = options.addZeroAttn ?? false;
    this.kdim = options.kdim ?? embedDim;
    this.vdim = options.vdim ?? embedDim;
    requireSizes('MultiheadAttention', { kdim: this.kdim, vdim: this.vdim });
    if (this.kdim === embedDim && this.vdim === embedDim) this.inProjWeight = empty(3 * embedDim, embedDim);
    else {
      this.qProjWeight = empty(embedDim, embedDim);
      this.kProjWeight = empty(embedDim, this.kdim);
      this.vProjWeight = empty(embedDim, this.vdim);
    }
    this.inProjBias = bias ? empty(3 * embedDim) : null;
    this.biasK = addBiasKv ? empty(1, 1, embedDim) : null;
    this.biasV = addBiasKv ? empty(1, 1, embedDim) : null;
    this.outProj = new Linear(embedDim, embedDim, { bias, dtype });
    this.resetParameters();
  }

  /** Draws the projections and learned positions anew; `outProj.weight` stays. */
  resetParameters(): void {
    for (const weight of [this.inProjWeight, this.qProjWeight, this.kProjWeight, this.vProjWeight])
      if (weight !== null) init.xavierUniform_(weight);
    if (this.inProjBias !== null) {
      init.zeros_(this.inProjBias);
      init.zeros_(this.outProj.bias as Tensor);
    }
    for (const learned of [this.biasK, this.biasV]) if (learned !== null) init.xavierNormal_(learned);
  }

  forward(query: Tensor, key: Tensor, value: Tensor, options: AttentionCallOptions = {}): [output: Tensor, weights: Tensor | null] {
    checkOptions('MultiheadAttention.forward', options, optionNames(MultiheadAttention.forwardSignature));
    const [q, k, v] = this.batchFirst ? turnedAll(query, key, value) : [query, key, value];
    const [output, weights] = multiHeadAttentionForward(
      q,
      k,
      v,
      this.embedDim,
      this.numHeads,
      this.inProjWeight,
      this.inProjBias,
      this.biasK,
      this.biasV,
      this.addZeroAttn,
      this.dropout,
      this.outProj.weight,
      this.outProj.bias,
      {
        ...options,
        training: this.training,
        useSeparateProjWeight: this.inProjWeight === null,
        qProjWeight: this.qProjWeight,
        kProjWeight: this.kProjWeight,
        vProjWeight: this.vProjWeight,
      },
    );
    return [this.batchFirst ? turned(output) : output, weights];
  }

  override extraRepr(): string {
    const { embedDim, numHeads, dropout, batchFirst } = this;
    return describeOptions({ embedDim, numHeads, dropout, batchFirst });
  }
}

/** Each with its batch second; what was one tensor stays one, so that it is projected once. */
function turnedAll(query: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor, Tensor] {
  const k = turned(key);
  return [query === key ? k : turned(query), k, value === key ? k : turned(value)];
}

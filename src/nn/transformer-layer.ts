import type { DType } from '../dtype/dtype.ts';
import { add } from '../ops/arithmetic.ts';
import { gelu, relu } from '../ops/nn/activation.ts';
import { defaultGenerator } from '../runtime/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions, optionNames } from '../util/options.ts';
import { MultiheadAttention } from './attention.ts';
import { Dropout } from './dropout.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { LayerNorm } from './normalization.ts';

/** Options of the layers of a transformer. */
export interface TransformerLayerOptions {
  /** Features between the two linear layers. Default 2048. */
  readonly dimFeedforward?: number;
  /** Default 0.1. */
  readonly dropout?: number;
  /** Between the two linear layers: 'relu' (the default), 'gelu', or a function. */
  readonly activation?: 'relu' | 'gelu' | ((x: Tensor) => Tensor);
  /** Added to variances. Default 1e-5. */
  readonly layerNormEps?: number;
  /** Tensors are [N, length, features] instead of [length, N, features]. */
  readonly batchFirst?: boolean;
  /** Normalise before attention and linear layers, not after. */
  readonly normFirst?: boolean;
  /** Learn offsets. Default true. */
  readonly bias?: boolean;
  readonly dtype?: DType | null;
}

/** Masks of an encoder layer. True forbids; floating masks are added to the scores. */
export interface EncoderLayerMasks {
  /** Which positions attend to which: [S, S] or [N · heads, S, S]. */
  readonly srcMask?: Tensor | null;
  /** Positions that nobody attends to: [N, S] or [S]. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Says that `srcMask` is the causal mask. */
  readonly isCausal?: boolean;
}

/** Masks of a decoder layer. True forbids; floating masks are added to the scores. */
export interface DecoderLayerMasks {
  /** Which positions of the target attend to which: [T, T] or [N · heads, T, T]. */
  readonly tgtMask?: Tensor | null;
  /** Which of them attend to which of the memory: [T, S] or [N · heads, T, S]. */
  readonly memoryMask?: Tensor | null;
  /** Positions of the target that nobody attends to: [N, T] or [T]. */
  readonly tgtKeyPaddingMask?: Tensor | null;
  /** Positions of the memory that nobody attends to: [N, S] or [S]. */
  readonly memoryKeyPaddingMask?: Tensor | null;
  /** Says that `tgtMask` is the causal mask. */
  readonly tgtIsCausal?: boolean;
  /** Says that `memoryMask` is the causal mask. */
  readonly memoryIsCausal?: boolean;
}

const SIGNATURE = 'd_model, nhead, *, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, dtype';

function activationOf(name: string, activation: TransformerLayerOptions['activation']): (x: Tensor) => Tensor {
  if (typeof activation === 'function') return activation;
  if (activation === undefined || activation === 'relu') return relu;
  if (activation === 'gelu') return gelu;
  throw new ArgumentError(`${name}: activation must be 'relu', 'gelu' or a function, got '${String(activation)}'`);
}

/** A layer with attention to itself, then two linear layers: what encoder and decoder layers share. */
abstract class TransformerLayer extends Module {
  static readonly signature: string = SIGNATURE;
  readonly normFirst: boolean;
  readonly dModel: number;
  readonly nhead: number;
  readonly options: TransformerLayerOptions;
  readonly activation: (x: Tensor) => Tensor;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions) {
    super(options);
    this.dModel = dModel;
    this.nhead = nhead;
    this.options = options;
    this.normFirst = options.normFirst ?? false;
    this.activation = activationOf(new.target.name, options.activation);
  }

  /** Another layer with these options and weights. A subclass whose constructor takes other arguments overrides it. */
  copy(): this {
    const state = defaultGenerator.getState();
    const Same = this.constructor as new (dModel: number, nhead: number, options: TransformerLayerOptions) => this;
    const made = new Same(this.dModel, this.nhead, this.options);
    defaultGenerator.setState(state);
    const mine = this.parameters();
    made.parameters().forEach((parameter, i) => {
      parameter.tracked = (mine[i] as Tensor).tracked;
    });
    made.loadStateDict(this.stateDict());
    return made.train(this.training);
  }

  protected makeAttention(): MultiheadAttention {
    const { dropout = 0.1, bias = true, batchFirst = false, dtype = null } = this.options;
    return new MultiheadAttention(this.dModel, this.nhead, { dropout, bias, batchFirst, dtype });
  }

  protected makeLinear(inFeatures: number, outFeatures: number): Linear {
    const { bias = true, dtype = null } = this.options;
    return new Linear(inFeatures, outFeatures, { bias, dtype });
  }

  protected makeNorm(): LayerNorm {
    const { layerNormEps: eps = 1e-5, bias = true, dtype = null } = this.options;
    return new LayerNorm(this.dModel, { eps, bias, dtype });
  }

  protected makeDropout(): Dropout {
    return new Dropout(this.options.dropout ?? 0.1);
  }

  /** `x` and what `block` makes of it, normalised before or after. */
  protected residual(x: Tensor, norm: LayerNorm, block: (x: Tensor) => Tensor): Tensor {
    return this.normFirst ? add(x, block(norm.forward(x))) : norm.forward(add(x, block(x)));
  }
}

/**
 * One layer of a transformer's encoder (Vaswani et al., 2017): attention to itself, then two linear layers, each with dropout, a residual connection and
 * a normalisation. `forward(src)` takes [S, N, dModel], with `batchFirst` N in front, or without N, and keeps that shape.
 *
 * @example
 * new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16 }).forward(ones([3, 1, 8])).shape; // [3, 1, 8]
 */
export class TransformerEncoderLayer extends TransformerLayer {
  static readonly forwardSignature: string = 'src, *, src_mask, src_key_padding_mask, is_causal';
  readonly selfAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(dModel, nhead, options);
    const { dimFeedforward = 2048 } = options;
    this.selfAttn = this.makeAttention();
    this.linear1 = this.makeLinear(dModel, dimFeedforward);
    this.dropout = this.makeDropout();
    this.linear2 = this.makeLinear(dimFeedforward, dModel);
    this.norm1 = this.makeNorm();
    this.norm2 = this.makeNorm();
    this.dropout1 = this.makeDropout();
    this.dropout2 = this.makeDropout();
  }

  forward(src: Tensor, masks: EncoderLayerMasks = {}): Tensor {
    checkOptions('TransformerEncoderLayer.forward', masks, optionNames(TransformerEncoderLayer.forwardSignature));
    const { srcMask: attnMask = null, srcKeyPaddingMask: keyPaddingMask = null, isCausal = false } = masks;
    const attended = this.residual(src, this.norm1, (x) => {
      const [mixed] = this.selfAttn.forward(x, x, x, { attnMask, keyPaddingMask, isCausal, needWeights: false });
      return this.dropout1.forward(mixed) as Tensor;
    });
    return this.residual(attended, this.norm2, (x) => {
      const hidden = this.dropout.forward(this.activation(this.linear1.forward(x) as Tensor)) as Tensor;
      return this.dropout2.forward(this.linear2.forward(hidden) as Tensor) as Tensor;
    });
  }
}

/**
 * One layer of a transformer's decoder (Vaswani et al., 2017): attention to itself, to the encoder's output, then two linear layers. `forward(tgt, memory)`
 * takes [T, N, dModel] and [S, N, dModel], with `batchFirst` N in front, or both without N, and returns the shape of `tgt`.
 *
 * @example
 * new nn.TransformerDecoderLayer(8, 2, { dimFeedforward: 16 }).forward(ones([3, 1, 8]), ones([5, 1, 8])).shape; // [3, 1, 8]
 */
export class TransformerDecoderLayer extends TransformerLayer {
  static readonly forwardSignature: string =
    'tgt, memory, *, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal, memory_is_causal';
  readonly selfAttn: MultiheadAttention;
  readonly multiheadAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly dropout3: Dropout;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(dModel, nhead, options);
    const { dimFeedforward = 2048 } = options;
    this.selfAttn = this.makeAttention();
    this.multiheadAttn = this.makeAttention();
    this.linear1 = this.makeLinear(dModel, dimFeedforward);
    this.dropout = this.makeDropout();
    this.linear2 = this.makeLinear(dimFeedforward, dModel);
    this.norm1 = this.makeNorm();
    this.norm2 = this.makeNorm();
    this.norm3 = this.makeNorm();
    this.dropout1 = this.makeDropout();
    this.dropout2 = this.makeDropout();
    this.dropout3 = this.makeDropout();
  }

  forward(tgt: Tensor, memory: Tensor, masks: DecoderLayerMasks = {}): Tensor {
    checkOptions('TransformerDecoderLayer.forward', masks, optionNames(TransformerDecoderLayer.forwardSignature));
    const { tgtMask = null, memoryMask = null, tgtKeyPaddingMask = null, memoryKeyPaddingMask = null } = masks;
    const { tgtIsCausal = false, memoryIsCausal = false } = masks;
    const own = { attnMask: tgtMask, keyPaddingMask: tgtKeyPaddingMask, isCausal: tgtIsCausal, needWeights: false };
    const attended = this.residual(tgt, this.norm1, (x) => this.dropout1.forward(this.selfAttn.forward(x, x, x, own)[0]) as Tensor);
    const across = { attnMask: memoryMask, keyPaddingMask: memoryKeyPaddingMask, isCausal: memoryIsCausal, needWeights: false };
    const informed = this.residual(attended, this.norm2, (x) => {
      const [mixed] = this.multiheadAttn.forward(x, memory, memory, across);
      return this.dropout2.forward(mixed) as Tensor;
    });
    return this.residual(informed, this.norm3, (x) => {
      const hidden = this.dropout.forward(this.activation(this.linear1.forward(x) as Tensor)) as Tensor;
      return this.dropout3.forward(this.linear2.forward(hidden) as Tensor) as Tensor;
    });
  }
}

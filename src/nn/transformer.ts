import { type DType, FLOAT32 } from '../dtype/dtype.ts';
import { fullTensor } from '../ops/create.ts';
import { optionalType } from '../ops/family.ts';
import { triangleOf } from '../ops/triangular.ts';
import { formatShape } from '../shape/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { checkOptions, optionNames } from '../util/options.ts';
import { ModuleList } from './container.ts';
import { requireSizes } from './empty-parameter.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { LayerNorm } from './normalization.ts';
import {
  type DecoderLayerMasks,
  type EncoderLayerMasks,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './transformer-layer.ts';

/** A layer that `TransformerEncoder` can stack. */
export type EncoderLayer = Module & { forward(src: Tensor, masks?: EncoderLayerMasks): Tensor; copy(): EncoderLayer };
/** A layer that `TransformerDecoder` can stack. */
export type DecoderLayer = Module & { forward(tgt: Tensor, memory: Tensor, masks?: DecoderLayerMasks): Tensor; copy(): DecoderLayer };
type Norm = Module & { forward(input: Tensor): Tensor };

/** Options of the stacks of a transformer. */
export interface StackOptions {
  /** Normalises the result. */
  readonly norm?: Norm | null;
}

/** Masks of an encoder. True forbids; floating masks are added to the scores. */
export interface EncoderMasks {
  /** Which positions attend to which: [S, S] or [N · heads, S, S]. */
  readonly mask?: Tensor | null;
  /** Positions that nobody attends to: [N, S] or [S]. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Says that `mask` is the causal mask. */
  readonly isCausal?: boolean | null;
}

/**
 * `numLayers` encoder layers one after the other, each a copy of the one given (`copy()`), which itself is not among them.
 *
 * @example
 * const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16 });
 * new nn.TransformerEncoder(layer, 2).forward(ones([3, 1, 8])).shape; // [3, 1, 8]
 */
export class TransformerEncoder extends Module {
  static readonly signature: string = 'encoder_layer, num_layers, *, norm';
  static readonly forwardSignature: string = 'src, *, mask, src_key_padding_mask, is_causal';
  readonly layers: ModuleList<EncoderLayer>;
  readonly norm: Norm | null;

  constructor(encoderLayer: EncoderLayer, numLayers: number, options: StackOptions = {}) {
    super(options);
    requireSizes('TransformerEncoder', { numLayers });
    this.layers = new ModuleList(Array.from({ length: numLayers }, () => encoderLayer.copy()));
    this.norm = options.norm ?? null;
  }

  forward(src: Tensor, masks: EncoderMasks = {}): Tensor {
    checkOptions('TransformerEncoder.forward', masks, optionNames(TransformerEncoder.forwardSignature));
    const each = { srcMask: masks.mask ?? null, srcKeyPaddingMask: masks.srcKeyPaddingMask ?? null, isCausal: masks.isCausal ?? false };
    let x = src;
    for (const layer of this.layers) x = layer.forward(x, each);
    return this.norm === null ? x : this.norm.forward(x);
  }
}

/**
 * `numLayers` decoder layers one after the other, each a copy of the one given (`copy()`), which itself is not among them.
 *
 * @example
 * const layer = new nn.TransformerDecoderLayer(8, 2, { dimFeedforward: 16 });
 * new nn.TransformerDecoder(layer, 2).forward(ones([3, 1, 8]), ones([5, 1, 8])).shape; // [3, 1, 8]
 */
export class TransformerDecoder extends Module {
  static readonly signature: string = 'decoder_layer, num_layers, *, norm';
  static readonly forwardSignature: string = TransformerDecoderLayer.forwardSignature;
  readonly layers: ModuleList<DecoderLayer>;
  readonly norm: Norm | null;

  constructor(decoderLayer: DecoderLayer, numLayers: number, options: StackOptions = {}) {
    super(options);
    requireSizes('TransformerDecoder', { numLayers });
    this.layers = new ModuleList(Array.from({ length: numLayers }, () => decoderLayer.copy()));
    this.norm = options.norm ?? null;
  }

  forward(tgt: Tensor, memory: Tensor, masks: DecoderLayerMasks = {}): Tensor {
    checkOptions('TransformerDecoder.forward', masks, optionNames(TransformerDecoder.forwardSignature));
    let x = tgt;
    for (const layer of this.layers) x = layer.forward(x, memory, masks);
    return this.norm === null ? x : this.norm.forward(x);
  }
}

/** Options of `Transformer`. */
export interface TransformerOptions extends TransformerLayerOptions {
  /** Default 6. */
  readonly numEncoderLayers?: number;
  /** Default 6. */
  readonly numDecoderLayers?: number;
  /** Instead of the encoder. */
  readonly customEncoder?: (Module & { forward(src: Tensor, masks?: EncoderMasks): Tensor }) | null;
  /** Instead of the decoder. */
  readonly customDecoder?: (Module & { forward(tgt: Tensor, memory: Tensor, masks?: DecoderLayerMasks): Tensor }) | null;
}

/** Masks of a transformer. True forbids; floating masks are added to the scores. */
export interface TransformerMasks extends DecoderLayerMasks {
  /** Which positions of the source attend to which: [S, S] or [N · heads, S, S]. */
  readonly srcMask?: Tensor | null;
  /** Positions of the source that nobody attends to: [N, S] or [S]. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Says that `srcMask` is the causal mask. */
  readonly srcIsCausal?: boolean | null;
}

/**
 * A transformer (Vaswani et al., "Attention is all you need", 2017): `encoder` and `decoder`, stacks of layers with a normalisation at their end, all
 * matrices Xavier-uniform. `forward(src, tgt)` takes [S, N, dModel] and [T, N, dModel], with `batchFirst` N in front, or both without N, and returns the
 * shape of `tgt`. Throws ShapeError for tensors that do not fit.
 *
 * @example
 * const model = new nn.Transformer(8, 2, { numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 16 });
 * model.forward(ones([5, 1, 8]), ones([3, 1, 8])).shape; // [3, 1, 8]
 */
export class Transformer extends Module {
  static readonly signature: string =
    'd_model?, nhead?, *, num_encoder_layers, num_decoder_layers, dim_feedforward, dropout, activation, custom_encoder, custom_decoder, layer_norm_eps, batch_first, norm_first, bias, dtype';
  static readonly forwardSignature: string =
    'src, tgt, *, src_mask, tgt_mask, memory_mask, src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask, src_is_causal, tgt_is_causal, memory_is_causal';
  readonly encoder: NonNullable<TransformerOptions['customEncoder']>;
  readonly decoder: NonNullable<TransformerOptions['customDecoder']>;
  readonly dModel: number;
  readonly nhead: number;
  readonly batchFirst: boolean;

  constructor(dModel = 512, nhead = 8, options: TransformerOptions = {}) {
    super(options);
    const { numEncoderLayers = 6, numDecoderLayers = 6, customEncoder = null, customDecoder = null, ...layer } = options;
    const makeNorm = (): LayerNorm =>
      new LayerNorm(dModel, { eps: layer.layerNormEps ?? 1e-5, bias: layer.bias ?? true, dtype: layer.dtype ?? null });
    this.encoder =
      customEncoder ?? new TransformerEncoder(new TransformerEncoderLayer(dModel, nhead, layer), numEncoderLayers, { norm: makeNorm() });
    this.decoder =
      customDecoder ?? new TransformerDecoder(new TransformerDecoderLayer(dModel, nhead, layer), numDecoderLayers, { norm: makeNorm() });
    this.dModel = dModel;
    this.nhead = nhead;
    this.batchFirst = layer.batchFirst ?? false;
    this.resetParameters();
  }

  /** Draws all matrices anew. */
  resetParameters(): void {
    for (const parameter of this.parameters()) if (parameter.ndim > 1) init.xavierUniform_(parameter);
  }

  forward(src: Tensor, tgt: Tensor, masks: TransformerMasks = {}): Tensor {
    checkOptions('Transformer.forward', masks, optionNames(Transformer.forwardSignature));
    this.checkInputs(src, tgt);
    const { srcMask = null, srcKeyPaddingMask = null, srcIsCausal = null, ...rest } = masks;
    const memory = this.encoder.forward(src, { mask: srcMask, srcKeyPaddingMask, isCausal: srcIsCausal });
    return this.decoder.forward(tgt, memory, rest);
  }

  private checkInputs(src: Tensor, tgt: Tensor): void {
    const shapes = `src ${formatShape(src.shape)}, tgt ${formatShape(tgt.shape)}`;
    const batch = this.batchFirst ? 0 : 1;
    if (src.ndim !== tgt.ndim || src.ndim < 2 || src.ndim > 3 || (src.ndim === 3 && src.shape[batch] !== tgt.shape[batch]))
      throw new ShapeError(`Transformer: source and target must both have 3 dimensions and one batch, or both 2, got ${shapes}`);
    if (src.shape.at(-1) !== this.dModel || tgt.shape.at(-1) !== this.dModel)
      throw new ShapeError(`Transformer: expected ${this.dModel} features, got ${shapes}`);
  }

  /**
   * The causal mask [size, size]: 0 up to the diagonal, -∞ above it.
   *
   * @example
   * nn.Transformer.generateSquareSubsequentMask(2); // tensor([[0., -inf], [0., 0.]])
   */
  static generateSquareSubsequentMask(size: number, options: { readonly dtype?: DType | null } = {}): Tensor {
    requireSizes('Transformer.generateSquareSubsequentMask', { size });
    return triangleOf('triu', fullTensor([size, size], Number.NEGATIVE_INFINITY, optionalType(options.dtype) ?? FLOAT32), 1);
  }
}

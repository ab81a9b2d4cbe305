import type { DType } from '../dtype/dtype.ts';
import { bilinear } from '../ops/nn/bilinear.ts';
import { linear } from '../ops/nn/linear.ts';
import type { IdentityFunction, LinearFunction } from '../shape/types.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { emptyParameter, requireSizes } from './empty-parameter.ts';
import * as init from './init.ts';
import { Layer } from './layer.ts';
import { Module } from './module.ts';
import { describeOptions } from './repr.ts';

/** Options of linear layers. */
export interface LinearOptions {
  readonly bias?: boolean;
  readonly dtype?: DType | null;
}

/**
 * An affine map `x Wᵀ + b` of the last dimension. `weight` has shape [outFeatures, inFeatures], `bias` [outFeatures] or is null; both start
 * uniform within ±1/√inFeatures, as in PyTorch.
 *
 * @example
 * new Linear(3, 2).forward(ones([5, 3])).shape; // [5, 2]
 */
export class Linear<const I extends number = number, const O extends number = number> extends Layer<LinearFunction<I, O>> {
  static readonly signature: string = 'in_features, out_features, *, bias, dtype';
  readonly inFeatures: I;
  readonly outFeatures: O;
  weight: Tensor<[O, I]>;
  bias: Tensor<[O]> | null;

  constructor(inFeatures: I, outFeatures: O, options: LinearOptions = {}) {
    super(options);
    requireSizes('Linear', { inFeatures, outFeatures });
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    const dtype = options.dtype ?? null;
    this.weight = emptyParameter('Linear', [outFeatures, inFeatures], dtype);
    this.bias = (options.bias ?? true) ? emptyParameter('Linear', [outFeatures], dtype) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    init.kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    if (this.bias !== null) {
      const bound = this.inFeatures > 0 ? 1 / Math.sqrt(this.inFeatures) : 0;
      init.uniform_(this.bias, -bound, bound);
    }
  }

  protected override run(input: Tensor): Tensor {
    return linear(input, this.weight, this.bias);
  }

  override extraRepr(): string {
    return `inFeatures=${this.inFeatures}, outFeatures=${this.outFeatures}, bias=${this.bias !== null}`;
  }
}

/**
 * Passes its input on.
 *
 * @example
 * new nn.Identity().forward(tensor([1, 2])); // tensor([1., 2.])
 */
export class Identity extends Layer<IdentityFunction> {
  static readonly signature: string = '';
  protected override run(input: Tensor): Tensor {
    return input;
  }
}

/**
 * A bilinear map x1ᵀ W x2 + b of two inputs' last dimensions. `weight`: [outFeatures, in1Features, in2Features], `bias`: [outFeatures] or null; both
 * start uniform within ±1/√in1Features.
 *
 * @example
 * new nn.Bilinear(3, 4, 2).forward(ones([5, 3]), ones([5, 4])).shape; // [5, 2]
 */
export class Bilinear extends Module {
  static readonly signature: string = 'in1_features, in2_features, out_features, *, bias, dtype';
  readonly in1Features: number;
  readonly in2Features: number;
  readonly outFeatures: number;
  weight: Tensor;
  bias: Tensor | null;

  constructor(in1Features: number, in2Features: number, outFeatures: number, options: LinearOptions = {}) {
    super(options);
    requireSizes('Bilinear', { in1Features, in2Features, outFeatures });
    if (!(in1Features > 0)) throw new ArgumentError(`Bilinear: in1Features must be above 0, got ${in1Features}`);
    this.in1Features = in1Features;
    this.in2Features = in2Features;
    this.outFeatures = outFeatures;
    const dtype = options.dtype ?? null;
    this.weight = emptyParameter('Bilinear', [outFeatures, in1Features, in2Features], dtype);
    this.bias = (options.bias ?? true) ? emptyParameter('Bilinear', [outFeatures], dtype) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features);
    init.uniform_(this.weight, -bound, bound);
    if (this.bias !== null) init.uniform_(this.bias, -bound, bound);
  }

  forward(input1: Tensor, input2: Tensor): Tensor {
    return bilinear(input1, input2, this.weight, this.bias);
  }

  override extraRepr(): string {
    const { in1Features, in2Features, outFeatures, bias } = this;
    return describeOptions({ in1Features, in2Features, outFeatures, bias: bias !== null });
  }
}

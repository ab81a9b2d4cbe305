import type { DType } from '../dtype/dtype.ts';
import { empty } from '../ops/creation.ts';
import { linear } from '../ops/nn/linear.ts';
import type { Tensor } from '../tensor/tensor.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

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
export class Linear extends Module {
  static readonly signature = 'in_features, out_features, *, bias, dtype';
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Tensor;
  bias: Tensor | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    const dtype = options.dtype ?? null;
    this.weight = new Parameter(empty([outFeatures, inFeatures], { dtype }));
    this.bias = (options.bias ?? true) ? new Parameter(empty([outFeatures], { dtype })) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    init.kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    if (this.bias !== null) {
      const bound = this.inFeatures > 0 ? 1 / Math.sqrt(this.inFeatures) : 0;
      init.uniform_(this.bias, -bound, bound);
    }
  }

  forward(input: Tensor): Tensor {
    return linear(input, this.weight, this.bias);
  }

  override extraRepr(): string {
    return `inFeatures=${this.inFeatures}, outFeatures=${this.outFeatures}, bias=${this.bias !== null}`;
  }
}

/** Passes its input on. */
export class Identity extends Module {
  static readonly signature = '';
  forward(input: Tensor): Tensor {
    return input;
  }
}

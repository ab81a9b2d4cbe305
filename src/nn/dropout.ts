import { alphaDropout, featureAlphaDropout } from '../ops/nn/alpha-dropout.ts';
import { type DropoutOptions, dropout, dropout1d, dropout2d, dropout3d } from '../ops/nn/dropout.ts';
import type { IdentityFunction } from '../shape/types.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { Layer } from './layer.ts';

export interface DropoutModuleOptions {
  readonly inplace?: boolean;
}

type DropoutFunction = (input: Tensor, p?: number, options?: DropoutOptions) => Tensor;

abstract class DropoutBase extends Layer<IdentityFunction> {
  static readonly signature: string = 'p?, *, inplace';
  readonly p: number;
  readonly inplace: boolean;

  constructor(p = 0.5, options: DropoutModuleOptions = {}) {
    super(options);
    if (!(p >= 0 && p <= 1)) throw new ArgumentError(`${new.target.name}: p is a probability from 0 to 1, got ${p}`);
    this.p = p;
    this.inplace = options.inplace ?? false;
  }

  protected abstract get call(): DropoutFunction;

  protected override run(input: Tensor): Tensor {
    return this.call(input, this.p, { training: this.training, inplace: this.inplace });
  }

  override extraRepr(): string {
    return `p=${this.p}`;
  }
}

/**
 * Zeroes elements with probability `p` while training, and scales the rest so that the expectation stays.
 *
 * @example
 * new Dropout(0.5).eval().forward(ones([3])); // tensor([1., 1., 1.])
 */
export class Dropout extends DropoutBase {
  protected override get call(): DropoutFunction {
    return dropout;
  }
}
/**
 * Zeroes whole channels of [N, C, L].
 *
 * @example
 * new nn.Dropout1d(0.5).eval().forward(ones([1, 2, 3])); // tensor([[[1., 1., 1.], [1., 1., 1.]]])
 */
export class Dropout1d extends DropoutBase {
  protected override get call(): DropoutFunction {
    return dropout1d;
  }
}
/**
 * Zeroes whole channels of [N, C, H, W].
 *
 * @example
 * new nn.Dropout2d(0.5).eval().forward(ones([1, 2, 1, 2])); // tensor([[[[1., 1.]], [[1., 1.]]]])
 */
export class Dropout2d extends DropoutBase {
  protected override get call(): DropoutFunction {
    return dropout2d;
  }
}
/**
 * Zeroes whole channels of [N, C, D, H, W].
 *
 * @example
 * new nn.Dropout3d(0.5).eval().forward(ones([1, 2, 1, 1, 2])).shape; // [1, 2, 1, 1, 2]
 */
export class Dropout3d extends DropoutBase {
  protected override get call(): DropoutFunction {
    return dropout3d;
  }
}

/**
 * Dropout for networks of SELU: mean and variance stay as they are.
 *
 * @example
 * new nn.AlphaDropout(0.5).eval().forward(ones([3])); // tensor([1., 1., 1.])
 */
export class AlphaDropout extends DropoutBase {
  protected override get call(): DropoutFunction {
    return alphaDropout as DropoutFunction;
  }
}

/**
 * `AlphaDropout` of whole channels of [N, C, …].
 *
 * @example
 * new nn.FeatureAlphaDropout(0.5).forward(ones([1, 2, 3])).shape; // [1, 2, 3]
 */
export class FeatureAlphaDropout extends DropoutBase {
  protected override get call(): DropoutFunction {
    return featureAlphaDropout as DropoutFunction;
  }
}

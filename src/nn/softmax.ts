import { functionalLogSoftmax, functionalSoftmax, softmin } from '../ops/nn/softmax.ts';
import { formatShape } from '../shape/shape.ts';
import type { AlongFunction } from '../shape/types.ts';
import { ShapeError } from '../util/errors.ts';
import { Activation } from './activation.ts';

/**
 * exp(x) over its sum along `dim`: probabilities. Without `dim`: 0 for 0, 1 and 3 dimensions, else 1.
 *
 * @example
 * new nn.Softmax(0).forward(tensor([0, 0])); // tensor([0.5000, 0.5000])
 */
export class Softmax<const I extends number = number> extends Activation<AlongFunction<I, 'softmax'>> {
  static readonly signature: string = 'dim?';
  constructor(dim: I | null = null) {
    super((x) => functionalSoftmax(x, dim as number | null), { dim });
  }
}

/**
 * The logarithm of `Softmax`, without its underflow.
 *
 * @example
 * new nn.LogSoftmax(0).forward(tensor([0, 0])); // tensor([-0.6931, -0.6931])
 */
export class LogSoftmax<const I extends number = number> extends Activation<AlongFunction<I, 'logSoftmax'>> {
  static readonly signature: string = 'dim?';
  constructor(dim: I | null = null) {
    super((x) => functionalLogSoftmax(x, dim as number | null), { dim });
  }
}

/**
 * `Softmax` of the negated input.
 *
 * @example
 * new nn.Softmin(0).forward(tensor([0, 0])); // tensor([0.5000, 0.5000])
 */
export class Softmin<const I extends number = number> extends Activation<AlongFunction<I, 'softmin'>> {
  static readonly signature: string = 'dim?';
  constructor(dim: I | null = null) {
    super((x) => softmin(x, dim as number | null), { dim });
  }
}

/**
 * `Softmax` over the channels of [N, C, H, W] or [C, H, W]. Throws ShapeError for other dimensions.
 *
 * @example
 * new nn.Softmax2d().forward(zeros([2, 1, 1])); // tensor([[[0.5000]], [[0.5000]]])
 */
export class Softmax2d extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => {
      if (x.ndim !== 3 && x.ndim !== 4)
        throw new ShapeError(`Softmax2d: the input must be [N, C, H, W] or [C, H, W], got ${formatShape(x.shape)}`);
      return functionalSoftmax(x, -3);
    });
  }
}

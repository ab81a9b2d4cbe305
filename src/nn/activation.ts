import type { DType } from '../dtype/dtype.ts';
import { empty } from '../ops/creation.ts';
import { sigmoid } from '../ops/exponential.ts';
import * as F from '../ops/nn/activation.ts';
import { tanh } from '../ops/trigonometric.ts';
import type { HalvedShape, IdentityFunction, ShapeFunction } from '../shape/types.ts';
import type { Tensor } from '../tensor/tensor.ts';
import * as init from './init.ts';
import { Layer } from './layer.ts';
import { Parameter } from './parameter.ts';
import { describeOptions } from './repr.ts';

/** The size along dimension I is halved. */
interface HalvedFunction<I> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? HalvedShape<S, I> : never;
}

/**
 * Activations as layers: each calls the function of the same name.
 *
 * @example
 * class Square extends nn.Activation {
 *   constructor() {
 *     super((x) => x.square());
 *   }
 * }
 * new Square().forward(tensor([3])); // tensor([9.])
 */
export abstract class Activation<F extends ShapeFunction = IdentityFunction> extends Layer<F> {
  readonly #run: (input: Tensor) => Tensor;
  readonly #repr: string;

  constructor(run: (input: Tensor) => Tensor, options: object = {}) {
    super(options);
    this.#run = run;
    this.#repr = describeOptions(options);
  }

  protected override run(input: Tensor): Tensor {
    return this.#run(input);
  }

  override extraRepr(): string {
    return this.#repr;
  }
}

/**
 * max(0, x).
 *
 * @example
 * new ReLU().forward(tensor([-1, 2])); // tensor([0., 2.])
 */
export class ReLU extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.relu(x, options), options);
  }
}

/**
 * min(max(0, x), 6).
 *
 * @example
 * new nn.ReLU6().forward(tensor([-1, 0.5, 2])); // tensor([0.0000, 0.5000, 2.0000])
 */
export class ReLU6 extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.relu6(x, options), options);
  }
}

/**
 * x above 0, α (eˣ - 1) below.
 *
 * @example
 * new nn.ELU().forward(tensor([-1, 0.5, 2])); // tensor([-0.6321,  0.5000,  2.0000])
 */
export class ELU extends Activation {
  static readonly signature: string = '*, alpha, inplace';
  constructor(options: F.AlphaOptions = {}) {
    super((x) => F.elu(x, options), options);
  }
}

/**
 * max(0, x) + min(0, α (e^(x/α) - 1)).
 *
 * @example
 * new nn.CELU().forward(tensor([-1, 0.5, 2])); // tensor([-0.6321,  0.5000,  2.0000])
 */
export class CELU extends Activation {
  static readonly signature: string = '*, alpha, inplace';
  constructor(options: F.AlphaOptions = {}) {
    super((x) => F.celu(x, options), options);
  }
}

/**
 * Scaled exponential linear unit.
 *
 * @example
 * new nn.SELU().forward(tensor([-1, 0.5, 2])); // tensor([-1.1113,  0.5254,  2.1014])
 */
export class SELU extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.selu(x, options), options);
  }
}

/**
 * x Φ(x), exact or by a hyperbolic tangent.
 *
 * @example
 * new nn.GELU().forward(tensor([-1, 0.5, 2])); // tensor([-0.1587,  0.3457,  1.9545])
 */
export class GELU extends Activation {
  static readonly signature: string = '*, approximate';
  constructor(options: F.GeluOptions = {}) {
    super((x) => F.gelu(x, options), options);
  }
}

/**
 * First half times the sigmoid of the second, along a dimension.
 *
 * @example
 * new nn.GLU().forward(tensor([1, 2, 0, 0])); // tensor([0.5000, 1.0000])
 */
export class GLU<const I extends number = -1> extends Activation<HalvedFunction<I>> {
  static readonly signature: string = 'dim?';
  constructor(dim?: I) {
    super((x) => F.glu(x, (dim ?? -1) as number), { dim: dim ?? -1 });
  }
}

/**
 * x σ(x).
 *
 * @example
 * new nn.SiLU().forward(tensor([-1, 0.5, 2])); // tensor([-0.2689,  0.3112,  1.7616])
 */
export class SiLU extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.silu(x, options), options);
  }
}

/**
 * x tanh(softplus(x)).
 *
 * @example
 * new nn.Mish().forward(tensor([-1, 0.5, 2])); // tensor([-0.3034,  0.3752,  1.9440])
 */
export class Mish extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.mish(x, options), options);
  }
}

/**
 * 1 / (1 + e⁻ˣ).
 *
 * @example
 * new nn.Sigmoid().forward(tensor([-1, 0.5, 2])); // tensor([0.2689, 0.6225, 0.8808])
 */
export class Sigmoid extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => sigmoid(x));
  }
}

/**
 * Hyperbolic tangent.
 *
 * @example
 * new nn.Tanh().forward(tensor([-1, 0.5, 2])); // tensor([-0.7616,  0.4621,  0.9640])
 */
export class Tanh extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => tanh(x));
  }
}

/**
 * x - tanh(x).
 *
 * @example
 * new nn.Tanhshrink().forward(tensor([-1, 0.5, 2])); // tensor([-0.2384,  0.0379,  1.0360])
 */
export class Tanhshrink extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => F.tanhshrink(x));
  }
}

/**
 * log σ(x).
 *
 * @example
 * new nn.LogSigmoid().forward(tensor([-1, 0.5, 2])); // tensor([-1.3133, -0.4741, -0.1269])
 */
export class LogSigmoid extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => F.logsigmoid(x));
  }
}

/**
 * x / (1 + |x|).
 *
 * @example
 * new nn.Softsign().forward(tensor([-1, 0.5, 2])); // tensor([-0.5000,  0.3333,  0.6667])
 */
export class Softsign extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => F.softsign(x));
  }
}

/**
 * A smooth max(0, x).
 *
 * @example
 * new nn.Softplus().forward(tensor([-1, 0.5, 2])); // tensor([0.3133, 0.9741, 2.1269])
 */
export class Softplus extends Activation {
  static readonly signature: string = '*, beta, threshold';
  constructor(options: F.SoftplusOptions = {}) {
    super((x) => F.softplus(x, options), options);
  }
}

/**
 * 0 within ±λ, pulled towards 0 by λ outside.
 *
 * @example
 * new nn.Softshrink().forward(tensor([-1, 0.5, 2])); // tensor([-0.5000,  0.0000,  1.5000])
 */
export class Softshrink extends Activation {
  static readonly signature: string = '*, lambd';
  constructor(options: F.ShrinkOptions = {}) {
    super((x) => F.softshrink(x, options), options);
  }
}

/**
 * 0 within ±λ.
 *
 * @example
 * new nn.Hardshrink().forward(tensor([-1, 0.5, 2])); // tensor([-1.,  0.,  2.])
 */
export class Hardshrink extends Activation {
  static readonly signature: string = '*, lambd';
  constructor(options: F.ShrinkOptions = {}) {
    super((x) => F.hardshrink(x, options), options);
  }
}

/**
 * Clamped to [minVal, maxVal].
 *
 * @example
 * new nn.Hardtanh().forward(tensor([-1, 0.5, 2])); // tensor([-1.0000,  0.5000,  1.0000])
 */
export class Hardtanh extends Activation {
  static readonly signature: string = '*, min_val, max_val, inplace';
  constructor(options: F.HardtanhOptions = {}) {
    super((x) => F.hardtanh(x, options), options);
  }
}

/**
 * A piecewise linear sigmoid.
 *
 * @example
 * new nn.Hardsigmoid().forward(tensor([-1, 0.5, 2])); // tensor([0.3333, 0.5833, 0.8333])
 */
export class Hardsigmoid extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.hardsigmoid(x, options), options);
  }
}

/**
 * x times the piecewise linear sigmoid.
 *
 * @example
 * new nn.Hardswish().forward(tensor([-1, 0.5, 2])); // tensor([-0.3333,  0.2917,  1.6667])
 */
export class Hardswish extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.hardswish(x, options), options);
  }
}

/**
 * x above 0, a small multiple of it below.
 *
 * @example
 * new nn.LeakyReLU().forward(tensor([-1, 0.5, 2])); // tensor([-0.0100,  0.5000,  2.0000])
 */
export class LeakyReLU extends Activation {
  static readonly signature: string = '*, negative_slope, inplace';
  constructor(options: F.LeakyReluOptions = {}) {
    super((x) => F.leakyRelu(x, options), options);
  }
}

/**
 * `value` where x is not above `threshold`.
 *
 * @example
 * new nn.Threshold(0.1, 20).forward(tensor([-1, 0.5])); // tensor([20.0000,  0.5000])
 */
export class Threshold extends Activation {
  static readonly signature: string = 'threshold, value, *, inplace';
  constructor(threshold: number, value: number, options: F.InplaceOptions = {}) {
    super((x) => F.threshold(x, threshold, value, options), { threshold, value });
  }
}

/**
 * Leaky with slopes drawn while training.
 *
 * @example
 * new nn.RReLU().eval().forward(tensor([-6, 2])); // tensor([-1.3750,  2.0000])
 */
export class RReLU extends Layer<IdentityFunction> {
  static readonly signature: string = '*, lower, upper, inplace';
  readonly options: F.RreluOptions;
  constructor(options: F.RreluOptions = {}) {
    super(options);
    this.options = options;
  }
  protected override run(input: Tensor): Tensor {
    return F.rrelu(input, { ...this.options, training: this.training });
  }
}

/** Options of `PReLU`. */
export interface PReLUOptions {
  /** One slope for all, or one for each channel. Default 1. */
  readonly numParameters?: number;
  /** Where the slopes start. Default 0.25. */
  readonly init?: number;
  readonly dtype?: DType | null;
}

/**
 * Leaky with learned slopes.
 *
 * @example
 * new nn.PReLU().forward(tensor([-1, 0.5, 2])); // tensor([-0.2500,  0.5000,  2.0000], gradFn=<PreluBackward>)
 */
export class PReLU extends Layer<IdentityFunction> {
  static readonly signature: string = '*, num_parameters, init, dtype';
  weight: Tensor;
  constructor(options: PReLUOptions = {}) {
    super(options);
    this.weight = new Parameter(
      init.constant_(empty([options.numParameters ?? 1], { dtype: options.dtype ?? null }), options.init ?? 0.25),
    );
  }
  protected override run(input: Tensor): Tensor {
    return F.prelu(input, this.weight);
  }
}

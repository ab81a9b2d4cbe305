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

/** Activations as layers: each calls the function of the same name. */
export abstract class Activation<F extends ShapeFunction = IdentityFunction> extends Layer<F> {
  readonly #run: (input: Tensor) => Tensor;
  readonly #repr: string;

  constructor(run: (input: Tensor) => Tensor, options: object = {}) {
    super();
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

/** min(max(0, x), 6). */
export class ReLU6 extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.relu6(x, options), options);
  }
}

/** x above 0, α (eˣ - 1) below. */
export class ELU extends Activation {
  static readonly signature: string = '*, alpha, inplace';
  constructor(options: F.AlphaOptions = {}) {
    super((x) => F.elu(x, options), options);
  }
}

/** max(0, x) + min(0, α (e^(x/α) - 1)). */
export class CELU extends Activation {
  static readonly signature: string = '*, alpha, inplace';
  constructor(options: F.AlphaOptions = {}) {
    super((x) => F.celu(x, options), options);
  }
}

/** Scaled exponential linear unit. */
export class SELU extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.selu(x, options), options);
  }
}

/** x Φ(x), exact or by a hyperbolic tangent. */
export class GELU extends Activation {
  static readonly signature: string = '*, approximate';
  constructor(options: F.GeluOptions = {}) {
    super((x) => F.gelu(x, options), options);
  }
}

/** First half times the sigmoid of the second, along a dimension. */
export class GLU<const I extends number = -1> extends Activation<HalvedFunction<I>> {
  static readonly signature: string = 'dim?';
  constructor(dim?: I) {
    super((x) => F.glu(x, (dim ?? -1) as number), { dim: dim ?? -1 });
  }
}

/** x σ(x). */
export class SiLU extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.silu(x, options), options);
  }
}

/** x tanh(softplus(x)). */
export class Mish extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.mish(x, options), options);
  }
}

/** 1 / (1 + e⁻ˣ). */
export class Sigmoid extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => sigmoid(x));
  }
}

/** Hyperbolic tangent. */
export class Tanh extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => tanh(x));
  }
}

/** x - tanh(x). */
export class Tanhshrink extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => F.tanhshrink(x));
  }
}

/** log σ(x). */
export class LogSigmoid extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => F.logsigmoid(x));
  }
}

/** x / (1 + |x|). */
export class Softsign extends Activation {
  static readonly signature: string = '';
  constructor() {
    super((x) => F.softsign(x));
  }
}

/** A smooth max(0, x). */
export class Softplus extends Activation {
  static readonly signature: string = '*, beta, threshold';
  constructor(options: F.SoftplusOptions = {}) {
    super((x) => F.softplus(x, options), options);
  }
}

/** 0 within ±λ, pulled towards 0 by λ outside. */
export class Softshrink extends Activation {
  static readonly signature: string = '*, lambd';
  constructor(options: F.ShrinkOptions = {}) {
    super((x) => F.softshrink(x, options), options);
  }
}

/** 0 within ±λ. */
export class Hardshrink extends Activation {
  static readonly signature: string = '*, lambd';
  constructor(options: F.ShrinkOptions = {}) {
    super((x) => F.hardshrink(x, options), options);
  }
}

/** Clamped to [minVal, maxVal]. */
export class Hardtanh extends Activation {
  static readonly signature: string = '*, min_val, max_val, inplace';
  constructor(options: F.HardtanhOptions = {}) {
    super((x) => F.hardtanh(x, options), options);
  }
}

/** A piecewise linear sigmoid. */
export class Hardsigmoid extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.hardsigmoid(x, options), options);
  }
}

/** x times the piecewise linear sigmoid. */
export class Hardswish extends Activation {
  static readonly signature: string = '*, inplace';
  constructor(options: F.InplaceOptions = {}) {
    super((x) => F.hardswish(x, options), options);
  }
}

/** x above 0, a small multiple of it below. */
export class LeakyReLU extends Activation {
  static readonly signature: string = '*, negative_slope, inplace';
  constructor(options: F.LeakyReluOptions = {}) {
    super((x) => F.leakyRelu(x, options), options);
  }
}

/** `value` where x is not above `threshold`. */
export class Threshold extends Activation {
  static readonly signature: string = 'threshold, value, *, inplace';
  constructor(threshold: number, value: number, options: F.InplaceOptions = {}) {
    super((x) => F.threshold(x, threshold, value, options), { threshold, value });
  }
}

/** Leaky with slopes drawn while training. */
export class RReLU extends Layer<IdentityFunction> {
  static readonly signature: string = '*, lower, upper, inplace';
  readonly options: F.RreluOptions;
  constructor(options: F.RreluOptions = {}) {
    super();
    this.options = options;
  }
  protected override run(input: Tensor): Tensor {
    return F.rrelu(input, { ...this.options, training: this.training });
  }
}

export interface PReLUOptions {
  /** One slope for all, or one for each channel. Default 1. */
  readonly numParameters?: number;
  /** Where the slopes start. Default 0.25. */
  readonly init?: number;
  readonly dtype?: DType | null;
}

/** Leaky with learned slopes. */
export class PReLU extends Layer<IdentityFunction> {
  static readonly signature: string = '*, num_parameters, init, dtype';
  weight: Tensor;
  constructor(options: PReLUOptions = {}) {
    super();
    this.weight = new Parameter(
      init.constant_(empty([options.numParameters ?? 1], { dtype: options.dtype ?? null }), options.init ?? 0.25),
    );
  }
  protected override run(input: Tensor): Tensor {
    return F.prelu(input, this.weight);
  }
}

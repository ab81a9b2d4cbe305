import { ArgumentError } from '../util/errors.ts';
import { type AnyOptimizer, checkCount, forGroups, LRScheduler } from './scheduler.ts';

/** Schedules that fall, or rise, along one curve. Rates follow from the rate before, so that they can be chained. */

/** Options of `StepLR`. */
export interface StepLROptions {
  /** The rate is multiplied by `gamma` every so many steps. */
  readonly stepSize: number;
  /** Default 0.1. */
  readonly gamma?: number;
}

/**
 * Multiplies the rate by `gamma` every `stepSize` steps. Throws ArgumentError if `stepSize` is no whole number above 0.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 0.5 });
 * const scheduler = new optim.lrScheduler.StepLR(optimizer, { stepSize: 1, gamma: 0.5 });
 * scheduler.step();
 * scheduler.getLastLr(); // [0.25]
 */
export class StepLR extends LRScheduler {
  static readonly signature: string = 'optimizer, *, step_size, gamma';
  readonly stepSize: number;
  readonly gamma: number;

  constructor(optimizer: AnyOptimizer, options: StepLROptions) {
    super(optimizer);
    checkCount('StepLR', 'stepSize', options.stepSize);
    this.stepSize = options.stepSize;
    this.gamma = options.gamma ?? 0.1;
    this.begin();
  }

  protected override rate(current: number): number {
    return this.lastEpoch > 0 && this.lastEpoch % this.stepSize === 0 ? current * this.gamma : current;
  }
}

/** Options of `MultiStepLR`. */
export interface MultiStepLROptions {
  /** The steps at which the rate is multiplied by `gamma`; one that occurs twice counts twice. */
  readonly milestones: readonly number[];
  /** Default 0.1. */
  readonly gamma?: number;
}

/**
 * Multiplies the rate by `gamma` at each milestone.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 0.5 });
 * const scheduler = new optim.lrScheduler.MultiStepLR(optimizer, { milestones: [1], gamma: 0.5 });
 * scheduler.step();
 * scheduler.getLastLr(); // [0.25]
 */
export class MultiStepLR extends LRScheduler {
  static readonly signature: string = 'optimizer, *, milestones, gamma';
  readonly milestones: readonly number[];
  readonly gamma: number;

  constructor(optimizer: AnyOptimizer, options: MultiStepLROptions) {
    super(optimizer);
    this.milestones = [...options.milestones];
    this.gamma = options.gamma ?? 0.1;
    this.begin();
  }

  protected override rate(current: number): number {
    return current * this.gamma ** this.milestones.filter((milestone) => milestone === this.lastEpoch).length;
  }
}

/** Options of `ConstantLR`. */
export interface ConstantLROptions {
  /** From 0 to 1. Default 1/3. */
  readonly factor?: number;
  /** Default 5. */
  readonly totalIters?: number;
}

/**
 * The rate times `factor` for the first `totalIters` steps. Throws ArgumentError for a factor out of range.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 0.5 });
 * new optim.lrScheduler.ConstantLR(optimizer, { factor: 0.5 }).getLastLr(); // [0.25]
 */
export class ConstantLR extends LRScheduler {
  static readonly signature: string = 'optimizer, *, factor, total_iters';
  readonly factor: number;
  readonly totalIters: number;

  constructor(optimizer: AnyOptimizer, options: ConstantLROptions = {}) {
    super(optimizer);
    this.factor = options.factor ?? 1 / 3;
    this.totalIters = options.totalIters ?? 5;
    if (!(this.factor >= 0 && this.factor <= 1)) throw new ArgumentError(`ConstantLR: factor must be from 0 to 1, got ${this.factor}`);
    this.begin();
  }

  protected override rate(current: number): number {
    if (this.lastEpoch === 0) return current * this.factor;
    return this.lastEpoch === this.totalIters ? current * (1 / this.factor) : current;
  }
}

/** Options of `LinearLR`. */
export interface LinearLROptions {
  /** Above 0, up to 1. Default 1/3. */
  readonly startFactor?: number;
  /** From 0 to 1. Default 1. */
  readonly endFactor?: number;
  /** Default 5. */
  readonly totalIters?: number;
}

/**
 * A factor of the rate that goes straight from `startFactor` to `endFactor` in `totalIters` steps: a warm-up. Throws ArgumentError for factors out of
 * range.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 });
 * scheduler.step();
 * scheduler.getLastLr(); // [0.75]
 */
export class LinearLR extends LRScheduler {
  static readonly signature: string = 'optimizer, *, start_factor, end_factor, total_iters';
  readonly startFactor: number;
  readonly endFactor: number;
  readonly totalIters: number;

  constructor(optimizer: AnyOptimizer, options: LinearLROptions = {}) {
    super(optimizer);
    this.startFactor = options.startFactor ?? 1 / 3;
    this.endFactor = options.endFactor ?? 1;
    this.totalIters = options.totalIters ?? 5;
    if (!(this.startFactor > 0 && this.startFactor <= 1))
      throw new ArgumentError(`LinearLR: startFactor must be above 0 and at most 1, got ${this.startFactor}`);
    if (!(this.endFactor >= 0 && this.endFactor <= 1))
      throw new ArgumentError(`LinearLR: endFactor must be from 0 to 1, got ${this.endFactor}`);
    this.begin();
  }

  protected override rate(current: number): number {
    if (this.lastEpoch === 0) return current * this.startFactor;
    if (this.lastEpoch > this.totalIters) return current;
    const rise = this.endFactor - this.startFactor;
    return current * (1 + rise / (this.totalIters * this.startFactor + (this.lastEpoch - 1) * rise));
  }
}

/**
 * Multiplies the rate by `gamma` in each step.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, { gamma: 0.5 });
 * scheduler.step();
 * scheduler.getLastLr(); // [0.5]
 */
export class ExponentialLR extends LRScheduler {
  static readonly signature: string = 'optimizer, *, gamma';
  readonly gamma: number;

  constructor(optimizer: AnyOptimizer, options: { readonly gamma: number }) {
    super(optimizer);
    this.gamma = options.gamma;
    this.begin();
  }

  protected override rate(current: number): number {
    return this.lastEpoch === 0 ? current : current * this.gamma;
  }
}

/** Options of `PolynomialLR`. */
export interface PolynomialLROptions {
  /** Default 5. */
  readonly totalIters?: number;
  /** Default 1. */
  readonly power?: number;
}

/**
 * The rate times (1 - step / totalIters) to a power, down to 0.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.PolynomialLR(optimizer, { totalIters: 2 });
 * scheduler.step();
 * scheduler.getLastLr(); // [0.5]
 */
export class PolynomialLR extends LRScheduler {
  static readonly signature: string = 'optimizer, *, total_iters, power';
  readonly totalIters: number;
  readonly power: number;

  constructor(optimizer: AnyOptimizer, options: PolynomialLROptions = {}) {
    super(optimizer);
    this.totalIters = options.totalIters ?? 5;
    this.power = options.power ?? 1;
    this.begin();
  }

  protected override rate(current: number): number {
    const { lastEpoch, totalIters } = this;
    if (lastEpoch === 0 || lastEpoch > totalIters) return current;
    return current * ((1 - lastEpoch / totalIters) / (1 - (lastEpoch - 1) / totalIters)) ** this.power;
  }
}

/** Options of `CosineAnnealingLR`. */
export interface CosineAnnealingOptions {
  /** Steps of half a period. */
  readonly TMax: number;
  /** The least rate. Default 0. */
  readonly etaMin?: number;
}

/**
 * Half a cosine from the rate down to `etaMin` in `TMax` steps, and up again (Loshchilov and Hutter, 2017, without restarts). Throws ArgumentError if
 * `TMax` is no whole number above 0.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, { TMax: 2 });
 * scheduler.step();
 * scheduler.getLastLr(); // [0.5]
 */
export class CosineAnnealingLR extends LRScheduler {
  static readonly signature: string = 'optimizer, *, T_max, eta_min';
  readonly TMax: number;
  readonly etaMin: number;

  constructor(optimizer: AnyOptimizer, options: CosineAnnealingOptions) {
    super(optimizer);
    checkCount('CosineAnnealingLR', 'TMax', options.TMax);
    this.TMax = options.TMax;
    this.etaMin = options.etaMin ?? 0;
    this.begin();
  }

  protected override rate(current: number, base: number): number {
    const { lastEpoch, TMax, etaMin } = this;
    if (lastEpoch === 0) return current;
    // At the bottom the quotient below is 0 / 0: the way up starts anew.
    if ((lastEpoch - 1 - TMax) % (2 * TMax) === 0) return current + ((base - etaMin) * (1 - Math.cos(Math.PI / TMax))) / 2;
    const height = (epoch: number): number => 1 + Math.cos((Math.PI * epoch) / TMax);
    return (height(lastEpoch) / height(lastEpoch - 1)) * (current - etaMin) + etaMin;
  }
}

/** Options of `CosineAnnealingWarmRestarts`. */
export interface WarmRestartsOptions {
  /** Steps of the first period. */
  readonly T0: number;
  /** By what each period is longer than the one before. Default 1. */
  readonly TMult?: number;
  /** The least rate. Default 0. */
  readonly etaMin?: number;
}

/**
 * Half a cosine from the rate down to `etaMin`, again and again (Loshchilov and Hutter, 2017). Throws ArgumentError for periods that are no whole numbers
 * above 0.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.CosineAnnealingWarmRestarts(optimizer, { T0: 2 });
 * scheduler.step();
 * scheduler.getLastLr(); // [0.5]
 */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  static readonly signature: string = 'optimizer, *, T_0, T_mult, eta_min';
  readonly T0: number;
  readonly TMult: number;
  readonly etaMin: number;

  constructor(optimizer: AnyOptimizer, options: WarmRestartsOptions) {
    super(optimizer);
    this.T0 = options.T0;
    this.TMult = options.TMult ?? 1;
    this.etaMin = options.etaMin ?? 0;
    checkCount('CosineAnnealingWarmRestarts', 'T0', this.T0);
    checkCount('CosineAnnealingWarmRestarts', 'TMult', this.TMult);
    this.begin();
  }

  protected override rate(_: number, base: number): number {
    let at = this.lastEpoch;
    let period = this.T0;
    if (this.TMult === 1) at %= period;
    else for (; at >= period; period *= this.TMult) at -= period;
    return this.etaMin + ((base - this.etaMin) * (1 + Math.cos((Math.PI * at) / period))) / 2;
  }
}

/** A factor for each step, or one such function for each group. */
export type RateLambda = (epoch: number) => number;

/**
 * The first rate times a function of the step.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.LambdaLR(optimizer, { lrLambda: (epoch) => 1 / (1 + epoch) });
 * scheduler.step();
 * scheduler.getLastLr(); // [0.5]
 */
export class LambdaLR extends LRScheduler {
  static readonly signature: string = 'optimizer, *, lr_lambda';
  readonly #lambdas: readonly RateLambda[];

  constructor(optimizer: AnyOptimizer, options: { readonly lrLambda: RateLambda | readonly RateLambda[] }) {
    super(optimizer);
    this.#lambdas = forGroups('LambdaLR', 'lrLambda', optimizer, options.lrLambda);
    this.begin();
  }

  protected override rate(_: number, base: number, index: number): number {
    return base * (this.#lambdas[index] as RateLambda)(this.lastEpoch);
  }
}

/**
 * The rate times a function of the step, in each step.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.MultiplicativeLR(optimizer, { lrLambda: () => 0.5 });
 * scheduler.step();
 * scheduler.getLastLr(); // [0.5]
 */
export class MultiplicativeLR extends LRScheduler {
  static readonly signature: string = 'optimizer, *, lr_lambda';
  readonly #lambdas: readonly RateLambda[];

  constructor(optimizer: AnyOptimizer, options: { readonly lrLambda: RateLambda | readonly RateLambda[] }) {
    super(optimizer);
    this.#lambdas = forGroups('MultiplicativeLR', 'lrLambda', optimizer, options.lrLambda);
    this.begin();
  }

  protected override rate(current: number, _: number, index: number): number {
    return this.lastEpoch === 0 ? current : current * (this.#lambdas[index] as RateLambda)(this.lastEpoch);
  }
}

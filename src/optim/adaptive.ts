import { adadeltaStep, adagradStep, rmspropStep } from '../ops/optimizer-steps.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type CommonOptions, checkRange, Optimizer, type ParamGroup, type ParamState, type Params } from './optimizer.ts';

/** Optimizers that scale the step of each element by the size of its past gradients. */

/** Options of `Adagrad`. */
export interface AdagradOptions extends CommonOptions {
  /** Step size. Default 0.01. */
  readonly lr?: number;
  /** How fast the step size falls: lr / (1 + steps · lrDecay). Default 0. */
  readonly lrDecay?: number;
  /** What the sums of squares start with. Default 0. */
  readonly initialAccumulatorValue?: number;
  /** Keeps the division finite. Default 1e-10. */
  readonly eps?: number;
}

/**
 * Adagrad: steps are divided by the root of the sum of all squared gradients (Duchi et al., 2011). Throws ArgumentError for negative options.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = new optim.Adagrad([w], { lr: 0.1 });
 * w.pow(2).sum().backward();
 * optimizer.step();
 * w; // tensor([0.9000], requiresGrad=true)
 */
export class Adagrad extends Optimizer<Required<AdagradOptions>> {
  static readonly signature: string = 'params, *, lr, lr_decay, weight_decay, initial_accumulator_value, eps, maximize';
  static override readonly together = true;

  constructor(params: Params, options: AdagradOptions = {}) {
    const all = { lr: 1e-2, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, maximize: false, ...options };
    for (const name of ['lr', 'lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps'] as const) checkRange('Adagrad', name, all[name]);
    super(params, all);
  }

  protected override update(parameter: Tensor, grad: Tensor, group: ParamGroup & Required<AdagradOptions>, state: ParamState): void {
    const step = this.countStep(state);
    const sum = this.stateTensor(state, 'sum', parameter, group.initialAccumulatorValue);
    adagradStep({ parameter, grad, way: group }, sum, group.lr / (1 + (step - 1) * group.lrDecay), group.eps);
  }
}

/** Options of `RMSprop`. */
export interface RMSpropOptions extends CommonOptions {
  /** Step size. Default 0.01. */
  readonly lr?: number;
  /** Decay of the mean of squares. Default 0.99. */
  readonly alpha?: number;
  /** Keeps the division finite. Default 1e-8. */
  readonly eps?: number;
  /** Share of the last step that is kept. */
  readonly momentum?: number;
  /** Divide by the deviation instead of the root mean square. */
  readonly centered?: boolean;
}

/**
 * RMSprop: steps are divided by the root of a running mean of squared gradients (Tieleman and Hinton, 2012; centred: Graves, 2013). Throws
 * ArgumentError for negative options.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = new optim.RMSprop([w], { lr: 0.01 });
 * w.pow(2).sum().backward();
 * optimizer.step();
 * w; // tensor([0.9000], requiresGrad=true)
 */
export class RMSprop extends Optimizer<Required<RMSpropOptions>> {
  static readonly signature: string = 'params, *, lr, alpha, eps, weight_decay, momentum, centered, maximize';
  static override readonly together = true;

  constructor(params: Params, options: RMSpropOptions = {}) {
    const all = { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, maximize: false, ...options };
    for (const name of ['lr', 'alpha', 'eps', 'weightDecay', 'momentum'] as const) checkRange('RMSprop', name, all[name]);
    super(params, all);
  }

  protected override update(parameter: Tensor, grad: Tensor, group: ParamGroup & Required<RMSpropOptions>, state: ParamState): void {
    const { lr: rate, alpha, eps, momentum, centered } = group;
    this.countStep(state);
    const squares = this.stateTensor(state, 'square_avg', parameter);
    const mean = centered ? this.stateTensor(state, 'grad_avg', parameter) : null;
    const buffer = momentum === 0 ? null : this.stateTensor(state, 'momentum_buffer', parameter);
    rmspropStep({ parameter, grad, way: group }, { squares, mean, buffer }, { alpha, eps, rate, momentum });
  }
}

/** Options of `Adadelta`. */
export interface AdadeltaOptions extends CommonOptions {
  /** Factor of the step. Default 1. */
  readonly lr?: number;
  /** Decay of the means of squares. Default 0.9. */
  readonly rho?: number;
  /** Keeps the division finite. Default 1e-6. */
  readonly eps?: number;
}

/**
 * Adadelta: steps as large as past steps were, relative to past gradients (Zeiler, 2012). Throws ArgumentError for options out of range.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = new optim.Adadelta([w]);
 * w.pow(2).sum().backward();
 * optimizer.step();
 * w; // tensor([0.9968], requiresGrad=true)
 */
export class Adadelta extends Optimizer<Required<AdadeltaOptions>> {
  static readonly signature: string = 'params, *, lr, rho, eps, weight_decay, maximize';
  static override readonly together = true;

  constructor(params: Params, options: AdadeltaOptions = {}) {
    const all = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false, ...options };
    for (const name of ['lr', 'eps', 'weightDecay'] as const) checkRange('Adadelta', name, all[name]);
    if (!(all.rho >= 0 && all.rho <= 1)) checkRange('Adadelta', 'rho', all.rho, 0, 1);
    super(params, all);
  }

  protected override update(parameter: Tensor, grad: Tensor, group: ParamGroup & Required<AdadeltaOptions>, state: ParamState): void {
    const { lr: rate, rho, eps } = group;
    this.countStep(state);
    const squares = this.stateTensor(state, 'square_avg', parameter);
    const changes = this.stateTensor(state, 'acc_delta', parameter);
    adadeltaStep({ parameter, grad, way: group }, { squares, changes }, { rho, eps, rate });
  }
}

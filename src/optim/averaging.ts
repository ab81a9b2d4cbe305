import { asgdStep, rpropStep } from '../ops/optimizer-steps.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { type CommonOptions, checkRange, Optimizer, type ParamGroup, type ParamState, type Params } from './optimizer.ts';

/** Options of `ASGD`. */
export interface ASGDOptions extends CommonOptions {
  /** Step size. Default 0.01. */
  readonly lr?: number;
  /** How fast the step size falls. Default 1e-4. */
  readonly lambd?: number;
  /** The power with which it falls. Default 0.75. */
  readonly alpha?: number;
  /** The step from which on parameters are averaged. Default 1e6. */
  readonly t0?: number;
}

/**
 * Averaged stochastic gradient descent (Polyak and Juditsky, 1992): the average of the parameters is kept in the state as `ax`. Throws ArgumentError for
 * negative options.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = new optim.ASGD([w], { lr: 0.1 });
 * w.pow(2).sum().backward();
 * optimizer.step();
 * w; // tensor([0.8000], requiresGrad=true)
 */
export class ASGD extends Optimizer<Required<ASGDOptions>> {
  static readonly signature: string = 'params, *, lr, lambd, alpha, t0, weight_decay, maximize';
  static override readonly together = true;

  constructor(params: Params, options: ASGDOptions = {}) {
    const all = { lr: 1e-2, lambd: 1e-4, alpha: 0.75, t0: 1e6, weightDecay: 0, maximize: false, ...options };
    checkRange('ASGD', 'lr', all.lr);
    checkRange('ASGD', 'weightDecay', all.weightDecay);
    super(params, all);
  }

  protected override update(parameter: Tensor, grad: Tensor, group: ParamGroup & Required<ASGDOptions>, state: ParamState): void {
    const { lr, lambd, alpha, t0 } = group;
    const step = this.countStep(state);
    const average = this.stateTensor(state, 'ax', parameter);
    const rate = Number(state['eta'] ?? lr);
    asgdStep({ parameter, grad, way: group }, average, { kept: 1 - lambd * rate, rate, weight: Number(state['mu'] ?? 1) });
    state['eta'] = lr / (1 + lambd * lr * step) ** alpha;
    state['mu'] = 1 / Math.max(1, step - t0);
  }
}

/** Options of `Rprop`. */
export interface RpropOptions {
  /** The first step size. Default 0.01. */
  readonly lr?: number;
  /** Factors of a step size where the gradient changed its sign, and where it kept it. Default [0.5, 1.2]. */
  readonly etas?: readonly [number, number];
  /** The least and the largest step size. Default [1e-6, 50]. */
  readonly stepSizes?: readonly [number, number];
  readonly maximize?: boolean;
}

/**
 * Resilient propagation: each element has a step size of its own, which only the signs of gradients change (Riedmiller and Braun, 1993). Throws
 * ArgumentError for options out of range.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = new optim.Rprop([w], { lr: 0.1 });
 * w.pow(2).sum().backward();
 * optimizer.step();
 * w; // tensor([0.9000], requiresGrad=true)
 */
export class Rprop extends Optimizer<Required<RpropOptions>> {
  static readonly signature: string = 'params, *, lr, etas, step_sizes, maximize';
  static override readonly together = true;

  constructor(params: Params, options: RpropOptions = {}) {
    const all = { lr: 1e-2, etas: [0.5, 1.2] as const, stepSizes: [1e-6, 50] as const, maximize: false, ...options };
    checkRange('Rprop', 'lr', all.lr);
    const [shrink, grow] = all.etas;
    if (!(shrink > 0 && shrink < 1 && grow > 1))
      throw new ArgumentError(`Rprop: etas must lie below and above 1, got ${shrink} and ${grow}`);
    super(params, all);
  }

  protected override update(parameter: Tensor, grad: Tensor, group: ParamGroup & Required<RpropOptions>, state: ParamState): void {
    this.countStep(state);
    const previous = this.stateTensor(state, 'prev', parameter);
    const sizes = this.stateTensor(state, 'step_size', parameter, group.lr);
    const way = { weightDecay: 0, maximize: group.maximize };
    rpropStep({ parameter, grad, way }, { previous, sizes }, group.etas, group.stepSizes);
  }
}

import { adamaxStep, nadamStep, radamStep } from '../ops/optimizer-steps.ts';
import type { Way } from '../ops/optimizer-update.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type CommonOptions, checkRange, Optimizer, type ParamGroup, type ParamState, type Params } from './optimizer.ts';

/** Relatives of Adam. */

/** Options that all of them have. */
export interface AdamLikeOptions extends CommonOptions {
  /** Step size. */
  readonly lr?: number;
  /** Decay rates of the running mean and of the running measure of size. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Keeps the division finite. Default 1e-8. */
  readonly eps?: number;
}

function checkOptions(name: string, options: Required<AdamLikeOptions>): void {
  checkRange(name, 'lr', options.lr);
  checkRange(name, 'eps', options.eps);
  checkRange(name, 'betas[0]', options.betas[0], 0, 1);
  checkRange(name, 'betas[1]', options.betas[1], 0, 1);
  checkRange(name, 'weightDecay', options.weightDecay);
}

const COMMON = { betas: [0.9, 0.999] as const, eps: 1e-8, weightDecay: 0, maximize: false };

/**
 * Adamax: Adam with the largest past gradient in place of the root mean square (Kingma and Ba, 2015). Throws ArgumentError for options out of range.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = new optim.Adamax([w], { lr: 0.1 });
 * w.pow(2).sum().backward();
 * optimizer.step();
 * w; // tensor([0.9000], requiresGrad=true)
 */
export class Adamax extends Optimizer<Required<AdamLikeOptions>> {
  static readonly signature: string = 'params, *, lr, betas, eps, weight_decay, maximize';
  static override readonly together = true;

  constructor(params: Params, options: AdamLikeOptions = {}) {
    const all = { lr: 2e-3, ...COMMON, ...options };
    checkOptions('Adamax', all);
    super(params, all);
  }

  protected override update(parameter: Tensor, grad: Tensor, group: ParamGroup & Required<AdamLikeOptions>, state: ParamState): void {
    const { betas, eps, lr } = group;
    const step = this.countStep(state);
    const mean = this.stateTensor(state, 'exp_avg', parameter);
    const largest = this.stateTensor(state, 'exp_inf', parameter);
    adamaxStep({ parameter, grad, way: group }, { mean, largest }, { betas, eps, rate: lr / (1 - betas[0] ** step) });
  }
}

/** Options of `RAdam`. */
export interface RAdamOptions extends AdamLikeOptions {
  /** Let the decay shrink the parameters directly. */
  readonly decoupledWeightDecay?: boolean;
}

/**
 * Adam whose step is rectified while the mean of squares is still uncertain (Liu et al., 2020). Throws ArgumentError for options out of range.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = new optim.RAdam([w], { lr: 0.1 });
 * w.pow(2).sum().backward();
 * optimizer.step();
 * w; // tensor([0.8000], requiresGrad=true)
 */
export class RAdam extends Optimizer<Required<RAdamOptions>> {
  static readonly signature: string = 'params, *, lr, betas, eps, weight_decay, decoupled_weight_decay, maximize';
  static override readonly together = true;

  constructor(params: Params, options: RAdamOptions = {}) {
    const all = { lr: 1e-3, ...COMMON, decoupledWeightDecay: false, ...options };
    checkOptions('RAdam', all);
    super(params, all);
  }

  protected override update(parameter: Tensor, grad: Tensor, group: ParamGroup & Required<RAdamOptions>, state: ParamState): void {
    const { betas, eps } = group;
    const [beta1, beta2] = betas;
    const step = this.countStep(state);
    const mean = this.stateTensor(state, 'exp_avg', parameter);
    const squares = this.stateTensor(state, 'exp_avg_sq', parameter);
    const { way, shrink } = decayed(group);
    const rate = group.lr / (1 - beta1 ** step);
    const correction = 1 - beta2 ** step;
    // The length of the moving average, at most and now: below 5 its variance is unbounded.
    const longest = 2 / (1 - beta2) - 1;
    const length = longest - (2 * step * beta2 ** step) / correction;
    const rectified = length > 5;
    const factor = rectified ? Math.sqrt(((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length)) : 1;
    radamStep(
      { parameter, grad, way },
      { mean, squares },
      { betas, rate: rectified ? rate * factor * Math.sqrt(correction) : rate, eps, shrink, rectified },
    );
  }
}

/** Options of `NAdam`. */
export interface NAdamOptions extends RAdamOptions {
  /** How fast the momentum approaches its limit. Default 0.004. */
  readonly momentumDecay?: number;
}

/**
 * Adam with Nesterov's momentum (Dozat, 2016). Throws ArgumentError for options out of range.
 *
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = new optim.NAdam([w], { lr: 0.1 });
 * w.pow(2).sum().backward();
 * optimizer.step();
 * w; // tensor([0.8944], requiresGrad=true)
 */
export class NAdam extends Optimizer<Required<NAdamOptions>> {
  static readonly signature: string = 'params, *, lr, betas, eps, weight_decay, momentum_decay, decoupled_weight_decay, maximize';
  static override readonly together = true;

  constructor(params: Params, options: NAdamOptions = {}) {
    const all = { lr: 2e-3, ...COMMON, momentumDecay: 4e-3, decoupledWeightDecay: false, ...options };
    checkOptions('NAdam', all);
    checkRange('NAdam', 'momentumDecay', all.momentumDecay);
    super(params, all);
  }

  protected override update(parameter: Tensor, grad: Tensor, group: ParamGroup & Required<NAdamOptions>, state: ParamState): void {
    const { lr, eps, momentumDecay } = group;
    const [beta1, beta2] = group.betas;
    const step = this.countStep(state);
    const momentum = (at: number): number => beta1 * (1 - 0.5 * 0.96 ** (at * momentumDecay));
    const [now, next] = [momentum(step), momentum(step + 1)];
    const product = Number(state['mu_product'] ?? 1) * now;
    state['mu_product'] = product;
    const mean = this.stateTensor(state, 'exp_avg', parameter);
    const squares = this.stateTensor(state, 'exp_avg_sq', parameter);
    const { way, shrink } = decayed(group);
    const [a, b] = [(-lr * (1 - now)) / (1 - product), (-lr * next) / (1 - product * next)];
    nadamStep({ parameter, grad, way }, { mean, squares }, { betas: group.betas, a, b, correction: 1 - beta2 ** step, eps, shrink });
  }
}

/** Where the decay goes: into the gradient, or, decoupled, into a factor that shrinks the parameter right away. */
function decayed(group: Required<RAdamOptions>): { readonly way: Way; readonly shrink: number } {
  const { lr, weightDecay, decoupledWeightDecay, maximize } = group;
  if (!decoupledWeightDecay) return { way: group, shrink: 1 };
  return { way: { maximize, weightDecay: 0 }, shrink: 1 - lr * weightDecay };
}

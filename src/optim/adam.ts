import { adamStep } from '../ops/optimizer-steps.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Correction, checkRange, Optimizer, type ParamGroup, type ParamState, type Params } from './optimizer.ts';

/** Options of `Adam` and `AdamW`. */
export interface AdamOptions {
  /** Step size. Default 0.001. */
  readonly lr?: number;
  /** Decay rates of the running mean and the running mean of squares. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Keeps the division finite. Default 1e-8. */
  readonly eps?: number;
  /** Adam: factor of the L2 penalty (default 0). AdamW: decoupled decay (default 0.01). */
  readonly weightDecay?: number;
  /** Divide by the largest mean of squares so far. */
  readonly amsgrad?: boolean;
  /** Climb instead of descending. */
  readonly maximize?: boolean;
}

interface AllOptions extends Required<AdamOptions> {
  readonly decoupledWeightDecay: boolean;
}

/**
 * Adam (Kingma and Ba, 2015), as PyTorch defines it.
 *
 * @example
 * const w = tensor([1.0], { requiresGrad: true });
 * const optimizer = new Adam([w], { lr: 0.1 });
 * w.pow(2).sum().backward();
 * optimizer.step();
 * w; // tensor([0.9000], requiresGrad=true)
 */
export class Adam extends Optimizer<AllOptions> {
  static readonly signature: string = 'params, *, lr, betas, eps, weight_decay, amsgrad, maximize, decoupled_weight_decay';
  static override readonly together = true;
  readonly #first = new Correction();
  readonly #second = new Correction();

  constructor(params: Params, options: AdamOptions & { readonly decoupledWeightDecay?: boolean } = {}) {
    const all = {
      lr: 1e-3,
      betas: [0.9, 0.999] as const,
      eps: 1e-8,
      weightDecay: 0,
      amsgrad: false,
      maximize: false,
      decoupledWeightDecay: false,
      ...options,
    };
    checkRange('Adam', 'lr', all.lr);
    checkRange('Adam', 'eps', all.eps);
    checkRange('Adam', 'betas[0]', all.betas[0], 0, 1);
    checkRange('Adam', 'betas[1]', all.betas[1], 0, 1);
    checkRange('Adam', 'weightDecay', all.weightDecay);
    super(params, all);
  }

  protected override update(parameter: Tensor, grad: Tensor, group: ParamGroup & AllOptions, state: ParamState): void {
    const { betas, lr, eps, amsgrad, maximize, weightDecay, decoupledWeightDecay } = group;
    const mean = this.stateTensor(state, 'exp_avg', parameter);
    const squares = this.stateTensor(state, 'exp_avg_sq', parameter);
    const largest = amsgrad ? this.stateTensor(state, 'max_exp_avg_sq', parameter) : null;
    const step = this.countStep(state);
    const way = { maximize, weightDecay: decoupledWeightDecay ? 0 : weightDecay };
    adamStep(
      { parameter, grad, way },
      { mean, squares, largest },
      {
        betas,
        size: lr / this.#first.at(betas[0], step),
        root: Math.sqrt(this.#second.at(betas[1], step)),
        eps,
        shrink: decoupledWeightDecay ? 1 - lr * weightDecay : 1,
      },
    );
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019): the decay shrinks the parameters directly and does not enter the running means.
 *
 * @example
 * const w = tensor([1.0], { requiresGrad: true });
 * new AdamW([w], { lr: 0.1 }).paramGroups[0].weightDecay; // 0.01
 */
export class AdamW extends Adam {
  static override readonly signature = 'params, *, lr, betas, eps, weight_decay, amsgrad, maximize';

  constructor(params: Params, options: AdamOptions = {}) {
    super(params, { weightDecay: 1e-2, ...options, decoupledWeightDecay: true });
  }
}

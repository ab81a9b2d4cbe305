import { momentumStep, sgdStep } from '../ops/optimizer-steps.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkRange, Optimizer, type ParamGroup, type ParamState, type Params } from './optimizer.ts';

/** Options of `SGD`. */
export interface SGDOptions {
  /** Step size. Default 0.001. */
  readonly lr?: number;
  /** Share of the last step that is kept. */
  readonly momentum?: number;
  readonly dampening?: number;
  /** Factor of the L2 penalty. */
  readonly weightDecay?: number;
  readonly nesterov?: boolean;
  /** Climb instead of descending. */
  readonly maximize?: boolean;
}

/**
 * Stochastic gradient descent, with momentum (Sutskever et al., 2013) as PyTorch defines it.
 *
 * @example
 * const w = tensor([1.0], { requiresGrad: true });
 * const optimizer = new SGD([w], { lr: 0.1 });
 * w.pow(2).sum().backward();
 * optimizer.step();
 * w; // tensor([0.8000], requiresGrad=true)
 */
export class SGD extends Optimizer<Required<SGDOptions>> {
  static readonly signature = 'params, *, lr, momentum, dampening, weight_decay, nesterov, maximize';
  static override readonly together = true;

  constructor(params: Params, options: SGDOptions = {}) {
    const all = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false, ...options };
    checkRange('SGD', 'lr', all.lr);
    checkRange('SGD', 'momentum', all.momentum);
    checkRange('SGD', 'weightDecay', all.weightDecay);
    if (all.nesterov && (all.momentum <= 0 || all.dampening !== 0))
      throw new ArgumentError('SGD: nesterov needs a momentum above 0 and no dampening');
    super(params, all);
  }

  protected override update(parameter: Tensor, grad: Tensor, group: ParamGroup & Required<SGDOptions>, state: ParamState): void {
    const { lr: rate, momentum, dampening, nesterov } = group;
    // As PyTorch: with `maximize` the gradient is negated first, and the penalty still pulls towards zero.
    const moved = { parameter, grad, way: group };
    if (momentum === 0) {
      sgdStep(moved, rate);
      return;
    }
    const first = state['momentum_buffer'] === undefined;
    const velocity = this.stateTensor(state, 'momentum_buffer', parameter);
    momentumStep(moved, velocity, { rate, momentum, dampening, nesterov, first });
  }
}

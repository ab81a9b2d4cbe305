import { fullTensor } from '../ops/create.ts';
import { catTensors } from '../ops/join.ts';
import { narrow } from '../ops/movement.ts';
import { addScaled, negated } from '../ops/optimizer-steps.ts';
import { dot } from '../ops/products.ts';
import { clone, reshape } from '../ops/structural.ts';
import { untrack } from '../runtime/storage.ts';
import { elementsOf } from '../tensor/data.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { markWritten } from '../tensor/inplace.ts';
import { mode, withGradMode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkRange, Optimizer, type ParamState, type Params } from './optimizer.ts';
import { type LinePoint, strongWolfe } from './strong-wolfe.ts';

/** Options of `LBFGS`. */
export interface LBFGSOptions {
  /** Step size. Default 1. */
  readonly lr?: number;
  /** Iterations in one `step`. Default 20. */
  readonly maxIter?: number;
  /** Calls of the closure in one `step`. Default 1.25 · maxIter. */
  readonly maxEval?: number | null;
  /** Stop where no element of the gradient is larger. Default 1e-7. */
  readonly toleranceGrad?: number;
  /** Stop where neither loss nor parameters change more. Default 1e-9. */
  readonly toleranceChange?: number;
  /** How many changes are remembered. Default 100. */
  readonly historySize?: number;
  /** 'strong_wolfe', or null (the default): a step of fixed size. */
  readonly lineSearchFn?: 'strong_wolfe' | null;
}

type AllOptions = { readonly [K in keyof LBFGSOptions]-?: NonNullable<LBFGSOptions[K]> | Extract<LBFGSOptions[K], null> } & {
  readonly maxEval: number;
};

/** What one step hands on to the next. */
interface Memory {
  direction: Tensor;
  step: number;
  /** Changes of the gradient, of the parameters, and the reciprocals of their products. */
  readonly gradients: Tensor[];
  readonly changes: Tensor[];
  readonly reciprocals: number[];
  scale: number;
  previousGrad: Tensor | null;
  previousLoss: number;
}

/** Products this small do not tell the curvature. */
const LEAST_CURVATURE = 1e-10;

function product(a: Tensor, b: Tensor): number {
  return Number(elementsOf(dot(a as Vector, b as Vector))[0]);
}
type Vector = Tensor<number[], 'float32'>;

/** The largest of the magnitudes, and their sum. */
function magnitudes(x: Tensor): { readonly largest: number; readonly sum: number } {
  let [largest, sum] = [0, 0];
  for (const value of elementsOf(x)) {
    const size = Math.abs(Number(value));
    if (!(size <= largest)) largest = size;
    sum += size;
  }
  return { largest, sum };
}

function scaledCopy(x: Tensor, factor: number): Tensor {
  const made = fullTensor(x.shape, 0, x.type);
  addScaled(made, x, factor);
  return made;
}

/**
 * L-BFGS (Nocedal, 1980): steps along the gradient times an inverse Hessian that the last changes suggest, with a fixed size or a line search for the strong
 * Wolfe conditions. `step(closure)` calls the closure, which clears the gradients, computes the loss and calls `backward`, several times, and returns its
 * first loss. One group of parameters. Throws ArgumentError for options out of range, and for a step without a closure.
 *
 * @example
 * const w = tensor([4], { requiresGrad: true });
 * const optimizer = new optim.LBFGS([w], { lineSearchFn: 'strong_wolfe' });
 * optimizer.step(() => {
 *   optimizer.zeroGrad();
 *   const loss = w.sub(1).pow(2).sum();
 *   loss.backward();
 *   return loss;
 * });
 * w; // tensor([1.], requiresGrad=true)
 */
export class LBFGS extends Optimizer<AllOptions> {
  static readonly signature: string = 'params, *, lr, max_iter, max_eval, tolerance_grad, tolerance_change, history_size, line_search_fn';

  constructor(params: Params, options: LBFGSOptions = {}) {
    const { maxIter = 20 } = options;
    const all = { lr: 1, toleranceGrad: 1e-7, toleranceChange: 1e-9, historySize: 100, lineSearchFn: null, ...options, maxIter };
    checkRange('LBFGS', 'lr', all.lr);
    checkRange('LBFGS', 'historySize', all.historySize, 1);
    if (all.lineSearchFn !== null && all.lineSearchFn !== 'strong_wolfe')
      throw new ArgumentError(`LBFGS: lineSearchFn must be 'strong_wolfe' or null, got '${String(all.lineSearchFn)}'`);
    super(params, { ...all, maxEval: options.maxEval ?? Math.floor((maxIter * 5) / 4) });
    if (this.paramGroups.length !== 1) throw new ArgumentError(`LBFGS: takes one group of parameters, got ${this.paramGroups.length}`);
  }

  override step(closure?: () => Tensor): Tensor {
    if (typeof closure !== 'function')
      throw new ArgumentError(
        'LBFGS: step needs a closure that clears the gradients, computes the loss, calls backward and returns the loss',
      );
    return withGradMode(false, () => this.run(() => withGradMode(true, closure)));
  }

  /** Never called: a step moves all parameters at once. */
  protected override update(): never {
    throw new ArgumentError('LBFGS: parameters cannot be updated one by one: call step(closure)');
  }

  private get parameters(): readonly Tensor[] {
    return (this.paramGroups[0] as { params: Tensor[] }).params;
  }

  private get own(): ParamState {
    const first = this.parameters[0] as Tensor;
    let state = this.state.get(first);
    if (state === undefined) {
      state = { func_evals: 0, n_iter: 0 };
      this.state.set(first, state);
    }
    return state;
  }

  private run(closure: () => Tensor): Tensor {
    const group = this.paramGroups[0] as AllOptions & { lr: number };
    const state = this.own;
    const lossOf = (x: Tensor): number => Number(elementsOf(x)[0]);
    const first = closure();
    let evaluations = 1;
    let [loss, grad] = [lossOf(first), this.flatGrad()];
    const evaluate = (): void => {
      loss = lossOf(closure());
      grad = this.flatGrad();
      evaluations++;
    };
    if (magnitudes(grad).largest > group.toleranceGrad) {
      const memory = this.recall(grad);
      for (let iteration = 1; iteration <= group.maxIter; iteration++) {
        state['n_iter'] = Number(state['n_iter']) + 1;
        this.turn(memory, grad, group.historySize);
        const start: LinePoint = { step: 0, loss, grad, slope: product(grad, memory.direction) };
        memory.previousGrad = grad;
        memory.previousLoss = loss;
        memory.step = state['n_iter'] === 1 ? Math.min(1, 1 / magnitudes(grad).sum) * group.lr : group.lr;
        if (start.slope > -group.toleranceChange) break;
        if (group.lineSearchFn !== null) {
          const along = this.along(memory.direction, evaluate, () => ({ loss, grad }));
          const shortest = group.toleranceChange / magnitudes(memory.direction).largest;
          const found = strongWolfe({ start, most: group.maxEval - evaluations, evaluate: along }, memory.step, shortest);
          [memory.step, loss, grad] = [found.step, found.loss, found.grad];
          this.move(memory.direction, memory.step);
        } else {
          this.move(memory.direction, memory.step);
          if (iteration < group.maxIter) evaluate();
        }
        if (this.isDone(memory, group, evaluations, loss, grad)) break;
      }
      this.remember(memory);
    }
    state['func_evals'] = Number(state['func_evals']) + evaluations;
    return first;
  }

  private isDone(memory: Memory, group: AllOptions, evaluations: number, loss: number, grad: Tensor): boolean {
    return (
      evaluations >= group.maxEval ||
      magnitudes(grad).largest <= group.toleranceGrad ||
      magnitudes(memory.direction).largest * Math.abs(memory.step) <= group.toleranceChange ||
      Math.abs(loss - memory.previousLoss) < group.toleranceChange
    );
  }

  /** Takes up the last change, and turns the direction by the two-loop recursion. */
  private turn(memory: Memory, grad: Tensor, historySize: number): void {
    if (memory.previousGrad === null) {
      memory.direction = negated(grad);
      return;
    }
    const { gradients, changes, reciprocals } = memory;
    const difference = clone(grad);
    addScaled(difference, memory.previousGrad, -1);
    const change = scaledCopy(memory.direction, memory.step);
    const curvature = product(difference, change);
    if (curvature > LEAST_CURVATURE) {
      if (gradients.length === historySize) for (const list of [gradients, changes, reciprocals]) list.shift();
      gradients.push(difference);
      changes.push(change);
      reciprocals.push(1 / curvature);
      memory.scale = curvature / product(difference, difference);
    }
    const shares: number[] = [];
    const q = negated(grad);
    for (let i = gradients.length - 1; i >= 0; i--) {
      shares[i] = product(changes[i] as Tensor, q) * (reciprocals[i] as number);
      addScaled(q, gradients[i] as Tensor, -(shares[i] as number));
    }
    const direction = scaledCopy(q, memory.scale);
    for (let i = 0; i < gradients.length; i++) {
      const share = product(gradients[i] as Tensor, direction) * (reciprocals[i] as number);
      addScaled(direction, changes[i] as Tensor, (shares[i] as number) - share);
    }
    memory.direction = direction;
  }

  /** Tries points on a line; the parameters are back where they were afterwards. */
  private along(direction: Tensor, evaluate: () => void, current: () => { loss: number; grad: Tensor }): (step: number) => LinePoint {
    const start = this.parameters.map(clone);
    return (step) => {
      this.move(direction, step);
      evaluate();
      this.parameters.forEach((parameter, i) => {
        this.write(parameter, () => IDENTITY.forwardInto(parameter, [start[i] as Tensor], { values: [], compute: parameter.type }));
      });
      const { loss, grad } = current();
      return { step, loss, grad, slope: product(grad, direction) };
    };
  }

  private move(direction: Tensor, step: number): void {
    let offset = 0;
    for (const parameter of this.parameters) {
      const part = reshape(narrow(direction, 0, offset, parameter.size), parameter.shape);
      this.write(parameter, () => addScaled(parameter, part, step));
      offset += parameter.size;
    }
  }

  private write(parameter: Tensor, change: () => void): void {
    if (mode.beforeWrite !== null) mode.beforeWrite(parameter);
    change();
    markWritten(parameter, 'LBFGS.step');
  }

  /** All gradients in one line; zeros where there is none. */
  private flatGrad(): Tensor {
    const parts = this.parameters.map(({ meta, size, type }) => {
      const grad = meta?.grad ?? null;
      return grad === null ? fullTensor([size], 0, type) : reshape(clone(grad), [size]);
    });
    return catTensors(parts, 0);
  }

  private recall(grad: Tensor): Memory {
    const state = this.own;
    const list = <T>(name: string): T[] => [...((state[name] ?? []) as unknown as readonly T[])];
    return {
      direction: (state['d'] as Tensor | undefined) ?? negated(grad),
      step: Number(state['t'] ?? 0),
      gradients: list<Tensor>('old_dirs'),
      changes: list<Tensor>('old_stps'),
      reciprocals: list<number>('ro'),
      scale: Number(state['H_diag'] ?? 1),
      previousGrad: (state['prev_flat_grad'] as Tensor | undefined) ?? null,
      previousLoss: Number(state['prev_loss'] ?? 0),
    };
  }

  private remember(memory: Memory): void {
    const state = this.own;
    this.keepState(state, 'd', memory.direction);
    this.keepState(state, 'prev_flat_grad', memory.previousGrad as Tensor);
    for (const x of [...memory.gradients, ...memory.changes]) untrack(x.storage);
    Object.assign(state, {
      t: memory.step,
      old_dirs: memory.gradients,
      old_stps: memory.changes,
      ro: memory.reciprocals,
      H_diag: memory.scale,
      prev_loss: memory.previousLoss,
    });
  }
}

import * as S from '../scalar/expr.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mapOperator } from './family.ts';
import { DIRECTIONS, directed, directionOf, type Exprs, type Put, Update, type Way } from './optimizer-update.ts';

/**
 * The steps of the optimizers: each updates a parameter and its state in one pass over memory. They write in place without a trace on the tape; the caller
 * counts the write.
 */

/** A parameter, its gradient, and which way it goes along it. */
export interface Moved {
  readonly parameter: Tensor;
  readonly grad: Tensor;
  readonly way: Way;
}

const at = (xs: Exprs, i: number): S.Expr => xs[i] as S.Expr;
const blend = (a: S.Expr, x: S.Expr, b: S.Expr, y: S.Expr): S.Expr => S.add(S.mul(a, x), S.mul(b, y));
const lerp = (x: S.Expr, y: S.Expr, weight: S.Expr): S.Expr => S.add(x, S.mul(weight, S.sub(y, x)));
const square = (x: S.Expr): S.Expr => S.mul(x, x);

const scale = mapOperator('scale', 1, 1, (xs, ps) => S.mul(at(ps, 0), at(xs, 0)), false);

/** -grad, as a tensor of its own */
export function negated(grad: Tensor): Tensor {
  return scale.forward([grad], { values: [-1], compute: grad.type });
}

/** The rule of an update, in terms of the targets, the direction and the launch parameters after those of the direction. */
type StepRule = (targets: Exprs, direction: S.Expr, params: Exprs, put: Put, variant: number) => void;

/** The updates of one optimizer: the parameter is the last of the targets. One update for each kind of direction and variant, made when it is first used. */
class Steps {
  readonly #name: string;
  readonly #params: number;
  readonly #rule: StepRule;
  readonly #made: (Update | undefined)[] = [];

  constructor(name: string, params: number, rule: StepRule) {
    this.#name = name;
    this.#params = params;
    this.#rule = rule;
  }

  /** Updates `state`, then the parameter. */
  run(moved: Moved, state: readonly Tensor[], values: readonly number[], variant = 0): void {
    const { maximize, weightDecay } = moved.way;
    const direction = directionOf(moved.way);
    const index = variant * DIRECTIONS + direction;
    const update = this.#made[index] ?? this.#make(state.length + 1, direction, variant);
    this.#made[index] = update;
    update.step(state, moved.parameter, moved.grad, maximize ? -1 : 1, weightDecay, values);
  }

  #make(targets: number, direction: number, variant: number): Update {
    // The gradient as it is has no use for a sign and a penalty.
    const own = direction === 0 ? 0 : 2;
    return new Update(this.#name, targets, targets + 1, this.#params + own, (operands, params, put) => {
      const grad = at(operands, targets);
      const d = direction === 0 ? grad : put(null, directed(direction, grad, at(operands, targets - 1), params));
      this.#rule(operands.slice(0, targets), d, params.slice(own), put, variant);
    });
  }
}

const scaledAdd = new Update('addScaled', 1, 2, 1, ([x, y], [factor], put) => {
  put(0, S.add(x as S.Expr, S.mul(factor as S.Expr, y as S.Expr)));
});

/** target += factor · other */
export function addScaled(target: Tensor, other: Tensor, factor: number): void {
  scaledAdd.run([target, other], [factor]);
}

const sgd = new Steps('sgdStep', 1, ([p], d, [rate], put) => {
  put(0, S.add(p as S.Expr, S.mul(rate as S.Expr, d)));
});

const NO_STATE: readonly Tensor[] = [];

/** p -= rate · d */
export function sgdStep(moved: Moved, rate: number): void {
  // Without a penalty the sign goes into the rate.
  if (moved.way.weightDecay === 0) addScaled(moved.parameter, moved.grad, moved.way.maximize ? rate : -rate);
  else sgd.run(moved, NO_STATE, [-rate]);
}

const momentumSteps = new Steps('momentumStep', 3, ([velocity, p], d, [kept, added, rate], put, variant) => {
  const v = put(0, (variant & 1) !== 0 ? d : blend(kept as S.Expr, velocity as S.Expr, added as S.Expr, d));
  const step = (variant & 2) !== 0 ? put(null, S.add(d, S.mul(kept as S.Expr, v))) : v;
  put(1, S.add(p as S.Expr, S.mul(rate as S.Expr, step)));
});

/** velocity = momentum · velocity + (1 - dampening) · d, at first d; p -= rate · velocity, or (Nesterov) rate · (d + momentum · velocity) */
export function momentumStep(
  moved: Moved,
  velocity: Tensor,
  options: {
    readonly rate: number;
    readonly momentum: number;
    readonly dampening: number;
    readonly nesterov: boolean;
    readonly first: boolean;
  },
): void {
  const { rate, momentum, dampening, nesterov, first } = options;
  momentumSteps.run(moved, [velocity], [momentum, 1 - dampening, -rate], (first ? 1 : 0) + (nesterov ? 2 : 0));
}

/** Factors of the running means of gradients and of their squares. */
type Betas = readonly [number, number];

const adam = new Steps('adamStep', 7, (targets, d, params, put, variant) => {
  const [w1, b2, w2, size, eps, shrink, tiny] = params as [S.Expr, S.Expr, S.Expr, S.Expr, S.Expr, S.Expr, S.Expr];
  const last = targets.length - 1;
  const moved = lerp(at(targets, 0), d, w1);
  const mean = put(0, S.select(S.lt(S.abs(moved), tiny), 0, moved));
  const current = put(1, blend(b2, at(targets, 1), w2, square(d)));
  const largest = last === 3 ? put(2, S.max(at(targets, 2), current)) : current;
  const p = (variant & 2) !== 0 ? put(null, S.mul(shrink, at(targets, last))) : at(targets, last);
  put(last, S.sub(p, S.div(S.mul(size, mean), S.add(S.sqrt(largest), eps))));
});

/**
 * mean += (1 - β₁) (d - mean); squares = β₂ squares + (1 - β₂) d²; largest, where given, is the maximum of squares so far;
 * p = shrink · p - size · mean / (√squares / root + eps), the quotient by root multiplied out: a division less. In float32 a mean that is below the normal numbers is 0, where it would stay for good if the
 * gradients are: arithmetic with such numbers takes twice as long.
 */
export function adamStep(
  moved: Moved,
  state: { readonly mean: Tensor; readonly squares: Tensor; readonly largest: Tensor | null },
  options: { readonly betas: Betas; readonly size: number; readonly root: number; readonly eps: number; readonly shrink: number },
): void {
  const { mean, squares, largest } = state;
  const { betas, size, root, eps, shrink } = options;
  const variant = (largest === null ? 0 : 1) + (shrink === 1 ? 0 : 2);
  const tiny = mean.type.itemsize === 4 ? 2 ** -126 : 0;
  const tensors = largest === null ? [mean, squares] : [mean, squares, largest];
  adam.run(moved, tensors, [1 - betas[0], betas[1], 1 - betas[1], size * root, eps * root, shrink, tiny], variant);
}

const adagrad = new Steps('adagradStep', 2, ([sum, p], d, [rate, eps], put) => {
  const squares = put(0, S.add(sum as S.Expr, square(d)));
  put(1, S.add(p as S.Expr, S.mul(rate as S.Expr, S.div(d, S.add(S.sqrt(squares), eps as S.Expr)))));
});

/** sum += d²; p -= rate · d / (√sum + eps) */
export function adagradStep(moved: Moved, sum: Tensor, rate: number, eps: number): void {
  adagrad.run(moved, [sum], [-rate, eps]);
}

const rmsprop = new Steps('rmspropStep', 5, (targets, d, params, put, variant) => {
  const [kept, added, eps, rate, momentum] = params as [S.Expr, S.Expr, S.Expr, S.Expr, S.Expr];
  let k = 0;
  let variance = put(k, blend(kept, at(targets, k), added, square(d)));
  if ((variant & 1) !== 0) variance = S.sub(variance, square(put(++k, lerp(at(targets, k), d, added))));
  let step = S.div(d, S.add(S.sqrt(variance), eps));
  if ((variant & 2) !== 0) step = put(++k, S.add(S.mul(momentum, at(targets, k)), step));
  put(++k, S.add(at(targets, k), S.mul(rate, step)));
});

/** squares = α squares + (1 - α) d²; step = d / (√(squares - mean²) + eps), with the mean of d where it is given, and with momentum where there is a buffer */
export function rmspropStep(
  moved: Moved,
  state: { readonly squares: Tensor; readonly mean: Tensor | null; readonly buffer: Tensor | null },
  options: { readonly alpha: number; readonly eps: number; readonly rate: number; readonly momentum: number },
): void {
  const { squares, mean, buffer } = state;
  const tensors = [squares, mean, buffer].filter((x) => x !== null);
  const { alpha, eps, rate, momentum } = options;
  rmsprop.run(moved, tensors, [alpha, 1 - alpha, eps, -rate, momentum], (mean === null ? 0 : 1) + (buffer === null ? 0 : 2));
}

const adadelta = new Steps('adadeltaStep', 4, ([old, changes, p], d, params, put) => {
  const [kept, added, eps, rate] = params as [S.Expr, S.Expr, S.Expr, S.Expr];
  const squares = put(0, blend(kept, old as S.Expr, added, square(d)));
  const change = put(null, S.mul(S.div(S.sqrt(S.add(changes as S.Expr, eps)), S.sqrt(S.add(squares, eps))), d));
  put(2, S.add(p as S.Expr, S.mul(rate, change)));
  put(1, blend(kept, changes as S.Expr, added, square(change)));
});

/** squares = ρ squares + (1 - ρ) d²; change = √(changes + eps) / √(squares + eps) · d; p -= rate · change; changes = ρ changes + (1 - ρ) change² */
export function adadeltaStep(
  moved: Moved,
  state: { readonly squares: Tensor; readonly changes: Tensor },
  options: { readonly rho: number; readonly eps: number; readonly rate: number },
): void {
  const { rho, eps, rate } = options;
  adadelta.run(moved, [state.squares, state.changes], [rho, 1 - rho, eps, -rate]);
}

const adamax = new Steps('adamaxStep', 4, ([mean, largest, p], d, params, put) => {
  const [w1, kept, eps, rate] = params as [S.Expr, S.Expr, S.Expr, S.Expr];
  const m = put(0, lerp(mean as S.Expr, d, w1));
  const size = put(1, S.max(S.mul(kept, largest as S.Expr), S.add(S.abs(d), eps)));
  put(2, S.add(p as S.Expr, S.mul(rate, S.div(m, size))));
});

/** mean += (1 - β₁) (d - mean); largest = max(β₂ largest, |d| + eps); p -= rate · mean / largest */
export function adamaxStep(
  moved: Moved,
  state: { readonly mean: Tensor; readonly largest: Tensor },
  options: { readonly betas: Betas; readonly eps: number; readonly rate: number },
): void {
  const { betas, eps, rate } = options;
  adamax.run(moved, [state.mean, state.largest], [1 - betas[0], betas[1], eps, -rate]);
}

const radam = new Steps('radamStep', 6, (targets, d, params, put, variant) => {
  const [w1, b2, w2, rate, eps, shrink] = params as [S.Expr, S.Expr, S.Expr, S.Expr, S.Expr, S.Expr];
  const mean = put(0, lerp(at(targets, 0), d, w1));
  const squares = put(1, blend(b2, at(targets, 1), w2, square(d)));
  const p = (variant & 1) !== 0 ? put(null, S.mul(shrink, at(targets, 2))) : at(targets, 2);
  const step = (variant & 2) !== 0 ? S.div(mean, S.add(S.sqrt(squares), eps)) : mean;
  put(2, S.add(p, S.mul(rate, step)));
});

/** The means of Adam; p = shrink · p - rate · mean, `rectified` divided by √squares + eps */
export function radamStep(
  moved: Moved,
  state: { readonly mean: Tensor; readonly squares: Tensor },
  options: { readonly betas: Betas; readonly rate: number; readonly eps: number; readonly shrink: number; readonly rectified: boolean },
): void {
  const { betas, rate, eps, shrink, rectified } = options;
  const values = [1 - betas[0], betas[1], 1 - betas[1], -rate, eps, shrink];
  radam.run(moved, [state.mean, state.squares], values, (shrink === 1 ? 0 : 1) + (rectified ? 2 : 0));
}

const nadam = new Steps('nadamStep', 8, (targets, d, params, put, variant) => {
  const [w1, b2, w2, a, b, correction, eps, shrink] = params as [S.Expr, S.Expr, S.Expr, S.Expr, S.Expr, S.Expr, S.Expr, S.Expr];
  const mean = put(0, lerp(at(targets, 0), d, w1));
  const squares = put(1, blend(b2, at(targets, 1), w2, square(d)));
  const p = (variant & 1) !== 0 ? put(null, S.mul(shrink, at(targets, 2))) : at(targets, 2);
  const size = S.add(S.sqrt(S.div(squares, correction)), eps);
  put(2, S.add(S.add(p, S.mul(a, S.div(d, size))), S.mul(b, S.div(mean, size))));
});

/** The means of Adam; p = shrink · p + a · d / size + b · mean / size with size = √(squares / correction) + eps */
export function nadamStep(
  moved: Moved,
  state: { readonly mean: Tensor; readonly squares: Tensor },
  options: {
    readonly betas: Betas;
    readonly a: number;
    readonly b: number;
    readonly correction: number;
    readonly eps: number;
    readonly shrink: number;
  },
): void {
  const { betas, a, b, correction, eps, shrink } = options;
  const values = [1 - betas[0], betas[1], 1 - betas[1], a, b, correction, eps, shrink];
  nadam.run(moved, [state.mean, state.squares], values, shrink === 1 ? 0 : 1);
}

const asgd = new Steps('asgdStep', 3, ([average, p], d, params, put, variant) => {
  const [kept, rate, weight] = params as [S.Expr, S.Expr, S.Expr];
  const moved = put(1, blend(kept, p as S.Expr, rate, d));
  put(0, variant === 0 ? lerp(average as S.Expr, moved, weight) : moved);
});

/** p = kept · p - rate · d; average += weight · (p - average), for weight 1 a copy */
export function asgdStep(
  moved: Moved,
  average: Tensor,
  options: { readonly kept: number; readonly rate: number; readonly weight: number },
): void {
  const { kept, rate, weight } = options;
  asgd.run(moved, [average], [kept, -rate, weight], weight === 1 ? 1 : 0);
}

const rprop = new Steps('rpropStep', 4, ([previous, sizes, p], d, params, put) => {
  const [shrink, grow, low, high] = params as [S.Expr, S.Expr, S.Expr, S.Expr];
  const agreement = S.mul(d, previous as S.Expr);
  const factor = S.select(S.gt(agreement, 0), grow, S.select(S.lt(agreement, 0), shrink, 1));
  const size = put(1, S.min(S.max(S.mul(sizes as S.Expr, factor), low), high));
  const direction = put(0, S.select(S.lt(agreement, 0), 0, d));
  put(2, S.sub(p as S.Expr, S.mul(S.sign(direction), size)));
});

/**
 * Step sizes grow by `etas[1]` where the gradient keeps its sign, shrink by `etas[0]` where it changes it, within `bounds`; then previous = d, or 0 where the
 * sign changed; p -= sign(previous) · sizes
 */
export function rpropStep(
  moved: Moved,
  state: { readonly previous: Tensor; readonly sizes: Tensor },
  etas: readonly [number, number],
  bounds: readonly [number, number],
): void {
  rprop.run(moved, [state.previous, state.sizes], [...etas, ...bounds]);
}

import * as S from '../scalar/expr.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
import { mode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mapOperator } from './family.ts';

/**
 * The elementwise updates of the optimizers, each one pass over memory. They write parameters and state in place without a trace on the tape;
 * the caller counts the write.
 */

type Exprs = readonly S.Expr[];
const at = (xs: Exprs, i: number): S.Expr => xs[i] as S.Expr;

function step(name: string, arity: number, scalars: number, build: (xs: Exprs, ps: Exprs) => S.Expr): MapOperator {
  return mapOperator(name, arity, scalars, build, false);
}

function run(operator: MapOperator, target: Tensor, inputs: readonly Tensor[], values: readonly number[]): void {
  if (mode.observer !== null) observed(operator, target, inputs, values);
  else operator.forwardInto(target, inputs, { values, compute: target.type });
}

/** A profile shows these updates under the names of their operators. */
function observed(operator: MapOperator, target: Tensor, inputs: readonly Tensor[], values: readonly number[]): void {
  mode.observer?.write(operator.name, target, () => {
    operator.forwardInto(target, inputs, { values, compute: target.type });
    return target;
  });
}

const scaledAdd = step('addScaled', 2, 1, (xs, ps) => S.add(at(xs, 0), S.mul(at(ps, 0), at(xs, 1))));
const blend = step('blend', 2, 2, (xs, ps) => S.add(S.mul(at(ps, 0), at(xs, 0)), S.mul(at(ps, 1), at(xs, 1))));
const lerp = step('lerp', 2, 1, (xs, ps) => S.add(at(xs, 0), S.mul(at(ps, 0), S.sub(at(xs, 1), at(xs, 0)))));
const squareBlend = step('squareBlend', 2, 2, (xs, ps) =>
  S.add(S.mul(at(ps, 0), at(xs, 0)), S.mul(at(ps, 1), S.mul(at(xs, 1), at(xs, 1)))),
);
const maximum = step('maximum', 2, 0, (xs) => S.max(at(xs, 0), at(xs, 1)));
const scale = step('scale', 1, 1, (xs, ps) => S.mul(at(ps, 0), at(xs, 0)));
/** p - size · m / (√v / root + eps) */
const adam = step('adamStep', 3, 3, (xs, ps) =>
  S.sub(at(xs, 0), S.mul(at(ps, 0), S.div(at(xs, 1), S.add(S.div(S.sqrt(at(xs, 2)), at(ps, 1)), at(ps, 2))))),
);

/** target += factor · other */
export function addScaled(target: Tensor, other: Tensor, factor: number): void {
  run(scaledAdd, target, [target, other], [factor]);
}

/** target = a · target + b · other */
export function blendInto(target: Tensor, other: Tensor, a: number, b: number): void {
  run(blend, target, [target, other], [a, b]);
}

/** target += weight · (other - target) */
export function lerpInto(target: Tensor, other: Tensor, weight: number): void {
  run(lerp, target, [target, other], [weight]);
}

/** target = a · target + b · other² */
export function blendSquareInto(target: Tensor, other: Tensor, a: number, b: number): void {
  run(squareBlend, target, [target, other], [a, b]);
}

export function maximumInto(target: Tensor, other: Tensor): void {
  run(maximum, target, [target, other], []);
}

export function scaleInto(target: Tensor, factor: number): void {
  run(scale, target, [target], [factor]);
}

/** target -= size · mean / (√square / root + eps) */
export function adamInto(target: Tensor, mean: Tensor, square: Tensor, size: number, root: number, eps: number): void {
  run(adam, target, [target, mean, square], [size, root, eps]);
}

const penalty = step('penalised', 2, 2, (xs, ps) => S.add(S.mul(at(ps, 0), at(xs, 0)), S.mul(at(ps, 1), at(xs, 1))));
/** a · target + b · x / (√v + eps) */
const quotient = step('rootQuotient', 3, 3, (xs, ps) =>
  S.add(S.mul(at(ps, 0), at(xs, 0)), S.mul(at(ps, 1), S.div(at(xs, 1), S.add(S.sqrt(at(xs, 2)), at(ps, 2))))),
);
/** a · target + b · x / (√(v - m²) + eps) */
const centredQuotient = step('centredQuotient', 4, 3, (xs, ps) => {
  const variance = S.sub(at(xs, 2), S.mul(at(xs, 3), at(xs, 3)));
  return S.add(S.mul(at(ps, 0), at(xs, 0)), S.mul(at(ps, 1), S.div(at(xs, 1), S.add(S.sqrt(variance), at(ps, 2)))));
});
const plainQuotient = step('quotient', 3, 1, (xs, ps) => S.add(at(xs, 0), S.mul(at(ps, 0), S.div(at(xs, 1), at(xs, 2)))));
const infinity = step('infinityNorm', 2, 2, (xs, ps) => S.max(S.mul(at(ps, 0), at(xs, 0)), S.add(S.abs(at(xs, 1)), at(ps, 1))));
const adadeltaChange = step('adadelta', 3, 1, (xs, ps) =>
  S.mul(S.div(S.sqrt(S.add(at(xs, 1), at(ps, 0))), S.sqrt(S.add(at(xs, 2), at(ps, 0)))), at(xs, 0)),
);
/** p + a · g / d + b · m / d with d = √(v / c) + eps */
const nadam = step('nadam', 4, 4, (xs, ps) => {
  const d = S.add(S.sqrt(S.div(at(xs, 3), at(ps, 2))), at(ps, 3));
  return S.add(S.add(at(xs, 0), S.mul(at(ps, 0), S.div(at(xs, 1), d))), S.mul(at(ps, 1), S.div(at(xs, 2), d)));
});
const rpropSize = step('rpropSize', 3, 4, (xs, ps) => {
  const agreement = S.mul(at(xs, 1), at(xs, 2));
  const factor = S.select(S.gt(agreement, 0), at(ps, 1), S.select(S.lt(agreement, 0), at(ps, 0), 1));
  return S.min(S.max(S.mul(at(xs, 0), factor), at(ps, 2)), at(ps, 3));
});
const rpropGradient = step('rpropGradient', 2, 0, (xs) => S.select(S.lt(S.mul(at(xs, 0), at(xs, 1)), 0), 0, at(xs, 1)));
const signedStep = step('signedStep', 3, 0, (xs) => S.sub(at(xs, 0), S.mul(S.sign(at(xs, 1)), at(xs, 2))));

/** -grad, as a tensor of its own */
export function negated(grad: Tensor): Tensor {
  return scale.forward([grad], { values: [-1], compute: grad.type });
}

/** sign · grad + decay · parameter, as a tensor of its own */
export function penalised(grad: Tensor, parameter: Tensor, sign: number, decay: number): Tensor {
  return penalty.forward([grad, parameter], { values: [sign, decay], compute: parameter.type });
}

/** target = a · target + b · x / (√square + eps), or √(square - mean²) where the mean is given */
export function rootQuotientInto(
  target: Tensor,
  x: Tensor,
  square: Tensor,
  mean: Tensor | null,
  factors: { readonly a: number; readonly b: number; readonly eps: number },
): void {
  const { a, b, eps } = factors;
  if (mean === null) run(quotient, target, [target, x, square], [a, b, eps]);
  else run(centredQuotient, target, [target, x, square, mean], [a, b, eps]);
}

/** target += factor · x / y */
export function addQuotient(target: Tensor, x: Tensor, y: Tensor, factor: number): void {
  run(plainQuotient, target, [target, x, y], [factor]);
}

/** target = max(decay · target, |grad| + eps) */
export function infinityNormInto(target: Tensor, grad: Tensor, decay: number, eps: number): void {
  run(infinity, target, [target, grad], [decay, eps]);
}

/** √(changes + eps) / √(squares + eps) · grad, as a tensor of its own */
export function adadeltaStep(grad: Tensor, changes: Tensor, squares: Tensor, eps: number): Tensor {
  return adadeltaChange.forward([grad, changes, squares], { values: [eps], compute: grad.type });
}

/** target += a · grad / d + b · mean / d with d = √(square / correction) + eps */
export function nadamInto(
  target: Tensor,
  grad: Tensor,
  mean: Tensor,
  square: Tensor,
  factors: { readonly a: number; readonly b: number; readonly correction: number; readonly eps: number },
): void {
  run(nadam, target, [target, grad, mean, square], [factors.a, factors.b, factors.correction, factors.eps]);
}

/** Step sizes grow by `etas[1]` where the gradient keeps its sign, shrink by `etas[0]` where it changes it, within `bounds`. */
export function rpropSizeInto(
  sizes: Tensor,
  grad: Tensor,
  previous: Tensor,
  etas: readonly [number, number],
  bounds: readonly [number, number],
): void {
  run(rpropSize, sizes, [sizes, grad, previous], [etas[0], etas[1], bounds[0], bounds[1]]);
}

/** previous = grad, or 0 where the sign changed */
export function rpropGradientInto(previous: Tensor, grad: Tensor): void {
  run(rpropGradient, previous, [previous, grad], []);
}

/** target -= sign(direction) · sizes */
export function signedStepInto(target: Tensor, direction: Tensor, sizes: Tensor): void {
  run(signedStep, target, [target, direction, sizes], []);
}

import * as S from '../scalar/expr.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
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
  operator.forwardInto(target, inputs, { values, compute: target.type });
}

const scaledAdd = step('addScaled', 2, 1, (xs, ps) => S.add(at(xs, 0), S.mul(at(ps, 0), at(xs, 1))));
const blend = step('blend', 2, 2, (xs, ps) => S.add(S.mul(at(ps, 0), at(xs, 0)), S.mul(at(ps, 1), at(xs, 1))));
const lerp = step('lerp', 2, 1, (xs, ps) => S.add(at(xs, 0), S.mul(at(ps, 0), S.sub(at(xs, 1), at(xs, 0)))));
const squareBlend = step('squareBlend', 2, 2, (xs, ps) => S.add(S.mul(at(ps, 0), at(xs, 0)), S.mul(at(ps, 1), S.mul(at(xs, 1), at(xs, 1)))));
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

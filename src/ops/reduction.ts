/** What reductions share: launches with or without the reduced dimensions, and the small maps around them. */

import type { DTypeInfo } from '../dtype/dtype.ts';
import { backend, type ReduceKind } from '../runtime/backend.ts';
import { release } from '../runtime/storage.ts';
import { and, div, type Expr, eq, isnan, ne, or, select } from '../scalar/expr.ts';
import { contiguousStrides, formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { mode } from '../tensor/modes.ts';
import { type Tensor, viewOf } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { ArgumentError } from '../util/errors.ts';
import { emptyTensor } from './create.ts';
import { callMap, mapOperator } from './family.ts';
import { SCALE } from './maps.ts';
import { reducedShape, reshape, sumDimsOperator } from './structural.ts';

/** Which dimensions are reduced, and whether they stay with size 1. */
export interface DimsParams {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
}

/** One kernel's reduction of a plain tensor. */
export function reduceBy(kind: ReduceKind, x: Tensor, dims: readonly number[], type: DTypeInfo, keepdim: boolean): Tensor {
  const slim = reducedShape(x.shape, dims);
  const result = emptyTensor(keepdim ? reducedShape(x.shape, dims, true) : slim, type);
  backend().reduce(kind, keepdim ? viewOf(result, slim, contiguousStrides(slim), 0) : result, x, dims);
  return result;
}

/** Gives back the memory of plain temporaries that nobody else has seen. */
export function discard(...temporaries: readonly Tensor[]): void {
  for (const x of temporaries) release(x.storage);
}

/** A plain contiguous tensor seen in another shape of as many elements. */
export function seenAs(x: Tensor, shape: readonly number[]): Tensor {
  return viewOf(x, shape, contiguousStrides(shape), x.offset);
}

/** A reduced tensor with the reduced dimensions of `shape` back in place, of size 1. */
export function restored(x: Tensor, shape: readonly number[], dims: readonly number[]): Tensor {
  return reshape(x, reducedShape(shape, dims, true));
}

/** The sum over normalised dimensions, which stay with size 1. */
export function sumKept(x: Tensor, dims: readonly number[]): Tensor {
  return restored(applyOne(sumDimsOperator, [x], { dims, type: x.type }), x.shape, dims);
}

/** The sum over normalised dimensions. */
export function sumOver(x: Tensor, dims: readonly number[], keepdim = false): Tensor {
  const result = applyOne(sumDimsOperator, [x], { dims, type: x.type });
  return keepdim ? restored(result, x.shape, dims) : result;
}

/** `x` times a number. */
export function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : callMap(SCALE, [x], [factor], x.type);
}

/** The mean over normalised dimensions. */
export function meanOver(x: Tensor, dims: readonly number[], keepdim = false): Tensor {
  return scaled(sumOver(x, dims, keepdim), 1 / countOf(x.shape, dims));
}

/** How many elements each result is made of. */
export function countOf(shape: readonly number[], dims: readonly number[]): number {
  return dims.reduce((n, d) => n * (shape[d] as number), 1);
}

/** Whether a derivative or another interpretation of what is computed from `x` may be asked for: then a composition has to be differentiable. */
export function needsComposition(x: Tensor): boolean {
  return x.wrapped !== null || (mode.grad && isTracked(x));
}

/** Whether nobody looks at what is computed from `x` but its result: then the device is asked right away. */
export function isPlain(x: Tensor): boolean {
  return mode.observer === null && !needsComposition(x);
}

/** Refuses to reduce nothing, where there is no neutral element. */
export function requireElements(name: string, x: Tensor, dims: readonly number[]): void {
  const empty = dims.find((d) => x.shape[d] === 0);
  if (empty !== undefined) {
    throw new ArgumentError(
      `${name}: dimension ${empty} of ${formatShape(x.shape)} has no elements, and ${name} of nothing is not defined: reduce other dimensions`,
    );
  }
}

const TIES = mapOperator('eq', 2, 0, ([x, y]) => select(sameValue(x as Expr, y as Expr), 1, 0), false);
const SHARE = mapOperator('div', 3, 0, ([g, hit, count]) => select(ne(hit as Expr, 0), div(g as Expr, count as Expr), 0));

function sameValue(x: Expr, y: Expr): Expr {
  return or(eq(x, y), and(isnan(x), isnan(y)));
}

/** The cotangent of an extremum, spread evenly over all elements that are equal to it. `g` and `extremum` have the reduced dimensions. */
export function spreadOverTies(g: Tensor, x: Tensor, extremum: Tensor, dims: readonly number[]): Tensor {
  const hits = callMap(TIES, [x, extremum], [], x.type);
  return callMap(SHARE, [g, hits, sumKept(hits, dims)], [], x.type);
}

/** Elements picked by an index along one dimension, and its transpose. */
import { INT64 } from '../dtype/dtype.ts';
import { type Expr, eq, select } from '../scalar/expr.ts';
import { tensorOfElements } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { callMap, mapOperator } from './family.ts';
import { catTensors } from './join.ts';
import { sumKept } from './reduction.ts';

const SAME = mapOperator('eq', 2, 0, ([x, y]) => eq(x as Expr, y as Expr));
const WHERE = mapOperator('where', 2, 0, ([hit, x]) => select(hit as Expr, x as Expr, 0));

/** Where the position along `dim` is the index. */
export function positionsEqual(indices: Tensor, dim: number, size: number): Tensor {
  const shape = indices.shape.map((_, d) => (d === dim ? size : 1));
  const positions = tensorOfElements(
    Array.from({ length: size }, (_, i) => i),
    shape,
    INT64,
  );
  return callMap(SAME, [positions, indices], [], INT64);
}

/** `x[…, indices, …]` along `dim`, where `indices` has size 1. */
export function pick(x: Tensor, indices: Tensor, dim: number): Tensor {
  return sumKept(callMap(WHERE, [positionsEqual(indices, dim, x.shape[dim] as number), x], [], x.type), [dim]);
}

/** The transpose of `pick`: `g` at the indices, zeros elsewhere along `dim`, which gets `size` elements. */
export function place(g: Tensor, indices: Tensor, dim: number, size: number): Tensor {
  return callMap(WHERE, [positionsEqual(indices, dim, size), g], [], g.type);
}

const SAME_AT = mapOperator('eq', 1, 1, ([x], [k]) => eq(x as Expr, k as Expr));

/**
 * Elements of `g` added up at their indices along `dim`, which gets `size` elements: the transpose of picking several. `indices` has the shape of
 * `g`.
 */
export function placeAlong(g: Tensor, indices: Tensor, dim: number, size: number): Tensor {
  const parts: Tensor[] = [];
  for (let k = 0; k < size; k++) {
    const hits = callMap(SAME_AT, [indices], [k], INT64);
    parts.push(sumKept(callMap(WHERE, [hits, g], [], g.type), [dim]));
  }
  return catTensors(parts, dim);
}

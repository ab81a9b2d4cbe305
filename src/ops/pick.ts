/** Elements picked by an index along one dimension, and its transpose. */
import { INT64 } from '../dtype/dtype.ts';
import { eq, type Expr, select } from '../scalar/expr.ts';
import { tensorOfElements } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { callMap, mapOperator } from './family.ts';
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

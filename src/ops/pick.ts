/** Elements picked by an index along one dimension, and its transpose. */
import { INT64 } from '../dtype/dtype.ts';
import { type Expr, eq } from '../scalar/expr.ts';
import { tensorOfElements } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { callMap, mapOperator } from './family.ts';
import { gatherAlong, spreadAlong } from './gather.ts';
import { replaced } from './view.ts';

const SAME = mapOperator('eq', 2, 0, ([x, y]) => eq(x as Expr, y as Expr));

/** Where the position along `dim` is the index; `indices` has size 1 there. */
export function positionsEqual(indices: Tensor, dim: number, size: number): Tensor {
  const shape = indices.shape.map((_, d) => (d === dim ? size : 1));
  const positions = tensorOfElements(
    Array.from({ length: size }, (_, i) => i),
    shape,
    INT64,
  );
  return callMap(SAME, [positions, indices], [], INT64);
}

/** The elements that `indices` (int64, of the same rank) name along `dim`. */
export function pick(x: Tensor, indices: Tensor, dim: number): Tensor {
  return gatherAlong(x, indices, dim);
}

/** The transpose of `pick`: `g` added at the indices to zeros, `size` of them along `dim`. */
export function place(g: Tensor, indices: Tensor, dim: number, size: number): Tensor {
  return spreadAlong(g, indices, dim, replaced(g.shape, dim, size));
}

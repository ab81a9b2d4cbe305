import { INT64 } from '../../dtype/dtype.ts';
import * as S from '../../scalar/expr.ts';
import { tensorOfElements } from '../../tensor/data.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError } from '../../util/errors.ts';
import { callMap, mapOperator } from '../family.ts';
import { expand, permute, reshape } from '../structural.ts';
import { drawMask } from './dropout.ts';

export const MUL = mapOperator('mul', 2, 0, ([x, y]) => S.mul(x as S.Expr, y as S.Expr));

const UP_TO = mapOperator('where', 3, 0, ([s, row, column]) =>
  S.select(S.le(column as S.Expr, row as S.Expr), s as S.Expr, Number.NEGATIVE_INFINITY),
);

function positions(count: number, shape: readonly number[]): Tensor {
  return tensorOfElements([...Array(count).keys()], shape, INT64);
}

/** Scores [..., L, S] of which position l keeps those up to l. */
export function causalScores(scores: Tensor): Tensor {
  const [rows, columns] = scores.shape.slice(-2) as [number, number];
  return callMap(UP_TO, [scores, positions(rows, [rows, 1]), positions(columns, [columns])], [], scores.type);
}

/** A mask of zeros and 1 / (1 - p) as an operand, so that whoever composes again composes with the same draws; null for p = 0. */
export function dropMask(name: string, shape: readonly number[], p: number, type: Tensor['type']): Tensor | null {
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`${name}: the dropout is a probability from 0 to 1, got ${p}`);
  return p === 0 ? null : drawMask(name, shape, p, type);
}

/** The last two dimensions swapped. */
export function turned(x: Tensor): Tensor {
  return permute(
    x,
    [...x.shape.keys()].map((d) => (d < x.ndim - 2 ? d : 2 * x.ndim - 3 - d)),
  );
}

/** Each head `count` times in a row. */
export function repeatHeads(x: Tensor, count: number): Tensor {
  if (count === 1) return x;
  const [heads, length, features] = x.shape.slice(-3) as [number, number, number];
  const batch = x.shape.slice(0, -3);
  const seen = expand(reshape(x, [...batch, heads, 1, length, features]), [...batch, heads, count, length, features]);
  return reshape(seen, [...batch, heads * count, length, features]);
}

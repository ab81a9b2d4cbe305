import { BOOL, INT64 } from '../../dtype/dtype.ts';
import * as S from '../../scalar/expr.ts';
import { tensorOfElements } from '../../tensor/data.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError } from '../../util/errors.ts';
import { amaxOver } from '../extrema.ts';
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

/** Scores where the mask allows them, -∞ elsewhere. Of a row that nothing is allowed in, all scores are 0: what comes of it is replaced afterwards. */
const ALLOWED = mapOperator('where', 3, 0, ([s, mask, dead]) =>
  S.select(S.ne(dead as S.Expr, 0), 0, S.select(S.ne(mask as S.Expr, 0), s as S.Expr, Number.NEGATIVE_INFINITY)),
);
const BIASED = mapOperator('add', 3, 0, ([s, bias, dead]) => S.select(S.ne(dead as S.Expr, 0), 0, S.add(s as S.Expr, bias as S.Expr)));
/** Rows that attend to nothing are 0. */
const ALIVE = mapOperator('where', 2, 0, ([x, dead]) => S.select(S.ne(dead as S.Expr, 0), 0, x as S.Expr));
const IS_NOTHING = mapOperator('eq', 1, 0, ([x]) => S.eq(x as S.Expr, Number.NEGATIVE_INFINITY), false);
const IS_FALSE = mapOperator('eq', 1, 0, ([x]) => S.eq(x as S.Expr, 0), false);

/** Which rows of a mask allow nothing, as bool with a last dimension of size 1. */
export function rowsOfNothing(mask: Tensor): Tensor {
  const last = mask.ndim - 1;
  return callMap(mask.type === BOOL ? IS_FALSE : IS_NOTHING, [amaxOver(mask, [last], true)], [], mask.type);
}

export function maskedScores(scores: Tensor, mask: Tensor, dead: Tensor): Tensor {
  return callMap(mask.type === BOOL ? ALLOWED : BIASED, [scores, mask, dead], [], scores.type);
}

/** `x` [..., L, E] with zeros in the rows that attend to nothing. */
export function aliveRows(x: Tensor, dead: Tensor): Tensor {
  return callMap(ALIVE, [x, dead], [], x.type);
}

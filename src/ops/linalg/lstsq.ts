import { INT64 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import { broadcastShapes } from '../../shape/broadcast.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyMany } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../../util/errors.ts';
import { emptyTensor } from '../create.ts';
import { compositeOperator, described, requireTensor } from '../family.ts';
import { sliceDim } from '../movement.ts';
import { sumOver } from '../reduction.ts';
import { type NamedResults, namedResults } from '../results.ts';
import { reshape } from '../structural.ts';
import { asColumn, minus, product, requireDecomposable, requireMatrices, requireOneType, times, withBatch } from './algebra.ts';
import { pseudoInverse, rankOfMatrices } from './pinv.ts';
import { singularValues } from './svd.ts';

const DRIVERS = ['gels', 'gelsy', 'gelsd', 'gelss'] as const;
export type LeastSquaresDriver = (typeof DRIVERS)[number];

export interface LeastSquaresOptions {
  /** Which of the results PyTorch would give: 'gels' no rank and singular values, 'gelsy' (the default) no singular values, 'gelsd' and 'gelss' all. */
  readonly driver?: LeastSquaresDriver | null;
}

interface LeastSquaresParams {
  readonly rcond: number | null;
  readonly vector: boolean;
  /** Return the sums of squares, or else nothing. */
  readonly residuals: boolean;
}

const operator = compositeOperator<LeastSquaresParams>('linalg.lstsq', ([A, B], { rcond, vector, residuals }) => {
  const [a, b] = [A as Tensor, vector ? asColumn(B as Tensor) : (B as Tensor)];
  const batch = broadcastShapes('linalg.lstsq', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [matrix, right] = [withBatch(a, batch, 2), withBatch(b, batch, 2)];
  const x = product(pseudoInverse('linalg.lstsq', matrix, rcond), right);
  const solution = vector ? reshape(x, x.shape.slice(0, -1)) : x;
  if (!residuals) return [solution, sliceDim(reshape(x, [x.size]), 0, 0, 0)];
  const difference = minus(product(matrix, x), right);
  return [solution, sumOver(times(difference, difference), [difference.ndim - 2])];
});

/**
 * Least squares: the X of smallest norm that makes A X - B smallest, from the pseudo-inverse. B holds matrices, or vectors if it has one dimension less than A.
 * Also the sums of squares of what remains (`residuals`: where m > n and A has full rank, else empty), and by `driver` the rank (int64) and the singular values of
 * A. Singular values up to `rcond` times the largest count as 0 (default: the machine epsilon times max(m, n)). float32 or float64.
 *
 * @example
 * linalg.lstsq(tensor([[1, 0], [1, 1], [1, 2]]), tensor([[1], [3], [5]])).solution; // tensor([[1.0000], [2.0000]])
 */
export const lstsq = described(
  'linalg.lstsq',
  (
    A: Tensor,
    B: Tensor,
    rcond: number | null = null,
    { driver = 'gelsy' }: LeastSquaresOptions = {},
  ): NamedResults<'solution' | 'residuals' | 'rank' | 'singularValues'> => {
    const name = 'linalg.lstsq';
    requireMatrices(name, A);
    requireTensor(name, 'B', B);
    requireDecomposable(name, B.type);
    requireOneType(name, A, B);
    const chosen = driver ?? 'gelsy';
    if (!DRIVERS.includes(chosen)) throw new ArgumentError(`${name}: driver must be one of ${DRIVERS.join(', ')}, got ${String(driver)}`);
    const vector = B.ndim === A.ndim - 1;
    const [m, n] = A.shape.slice(-2) as [number, number];
    if (B.ndim === 0 || B.ndim < A.ndim - 1 || B.shape.at(vector ? -1 : -2) !== m) {
      throw new ShapeError(`${name}: A of shape ${formatShape(A.shape)} does not fit B of shape ${formatShape(B.shape)}`);
    }
    broadcastShapes(name, A.shape.slice(0, -2), B.shape.slice(0, vector ? -1 : -2));
    const [solution, residuals] = applyMany(operator, [A, B], { rcond, vector, residuals: m > n && chosen !== 'gelsy' }) as [
      Tensor,
      Tensor,
    ];
    return namedResults(
      ['solution', 'residuals', 'rank', 'singularValues'],
      [
        solution,
        residuals,
        chosen === 'gels' ? emptyTensor([0], INT64) : rankOfMatrices(name, A.detach(), rcond),
        chosen === 'gelsd' || chosen === 'gelss' ? singularValues(name, A) : emptyTensor([0], A.type),
      ],
    );
  },
  {
    signature: 'A, B, rcond?, *, driver',
    samples: [
      { args: [t([3, 3]), t([3, 2])] },
      { args: [t([4, 2]), t([4, 1]), null, { driver: 'gels' }] },
      { args: [t([2, 2, 3]), t([2, 2, 2]), null, { driver: 'gelsd' }] },
    ],
    bad: [
      { args: [t([3]), t([3])], error: /at least 2 dimensions/ },
      { args: [t([3, 2]), t([2, 1])], error: /does not fit/ },
      { args: [t([3, 2]), t([3, 1]), null, { driver: 'best' }], error: /driver/ },
    ],
  },
);

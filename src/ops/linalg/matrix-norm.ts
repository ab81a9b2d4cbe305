import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { distinctDims } from '../../shape/dims.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../../util/errors.ts';
import { amaxOver, aminOver } from '../extrema.ts';
import { callMap, compositeOperator, described, mapOperator, optionalType, requireTensor } from '../family.ts';
import type { Dims } from '../reduce.ts';
import { type DimsParams, restored } from '../reduction.ts';
import { cast, permute, reshape } from '../structural.ts';
import type { PerMatrixFunction } from '../types.ts';
import { over, requireDecomposable, requireMatrices, requireSquare, times } from './algebra.ts';
import { type NormOptions, normOver, vectorNorm } from './norm.ts';
import { nuclearOver } from './nuclear-norm.ts';
import { invEx, inverseOf } from './solve.ts';
import { singularValues } from './svd.ts';

/** A norm of matrices: 'fro', 'nuc', or 1, 2, Infinity and their negatives. */
export type MatrixOrder = 'fro' | 'nuc' | number;

interface MatrixNormParams extends DimsParams {
  readonly name: string;
  readonly order: MatrixOrder;
}

function matrixNormOf(x: Tensor, { name, order, dims, keepdim }: MatrixNormParams): Tensor {
  if (order === 'fro') return normOver(x, 2, dims, keepdim);
  if (order === 'nuc') return nuclearOver(name, x, { dims, keepdim });
  const extremum = order > 0 ? amaxOver : aminOver;
  const [row, column] = dims as [number, number];
  const kept = ((): Tensor => {
    if (Math.abs(order) === 2) {
      const rest = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
      const values = singularValues(name, permute(x, [...rest, ...dims]));
      return restored(extremum(values, [values.ndim - 1], false), x.shape, dims);
    }
    const [summed, compared] = Math.abs(order) === 1 ? [row, column] : [column, row];
    return extremum(normOver(x, 1, [summed], true), [compared], true);
  })();
  return keepdim ? kept : flattened(kept, dims);
}

function flattened(x: Tensor, dims: readonly number[]): Tensor {
  return reshape(
    x,
    x.shape.filter((_, d) => !dims.includes(d)),
  );
}

const operator = compositeOperator<MatrixNormParams>('linalg.matrixNorm', ([x], params) => matrixNormOf(x as Tensor, params));

function matrixOrder(name: string, order: unknown): MatrixOrder {
  if (order === 'fro' || order === 'nuc') return order;
  const number = order === 'inf' ? Number.POSITIVE_INFINITY : order === '-inf' ? Number.NEGATIVE_INFINITY : order;
  if (typeof number === 'number' && [1, 2, Number.POSITIVE_INFINITY].includes(Math.abs(number))) return number;
  throw new ArgumentError(`${name}: a matrix norm has order 'fro', 'nuc', 1, -1, 2, -2, Infinity or -Infinity, got ${String(order)}`);
}

function matrixNormed(name: string, A: Tensor, order: unknown, dim: Dims, options: NormOptions): Tensor {
  requireTensor(name, 'A', A);
  const checked = matrixOrder(name, order);
  requireDecomposable(name, A.type);
  // The first is that of the rows, whichever comes first in the tensor.
  const dims = distinctDims(name, typeof dim === 'number' ? [dim] : (dim ?? []), A.ndim);
  if (dims.length !== 2) throw new ShapeError(`${name}: dim must name two dimensions of ${formatShape(A.shape)}, got ${dims.length}`);
  if (typeof checked === 'number') requireCompared(name, A, checked, dims);
  const dtype = optionalType(options.dtype);
  if (dtype !== null) requireDecomposable(name, dtype);
  return applyOne(operator, [dtype === null ? A : cast(A, dtype)], { name, order: checked, dims, keepdim: options.keepdim === true });
}

/** Refuses the largest or smallest of no sums. */
function requireCompared(name: string, A: Tensor, order: number, dims: readonly number[]): void {
  const [rows, columns] = dims.map((d) => A.shape[d]);
  const compared = Math.abs(order) === 1 ? [columns] : Math.abs(order) === 2 ? [rows, columns] : [rows];
  if (compared.includes(0))
    throw new ArgumentError(`${name}: the norm of order ${order} of ${formatShape(A.shape)} compares no elements and is not defined`);
}

const kinks = { skipNumericGradient: true };

/**
 * Norms of matrices in two dimensions: 'fro' (the default, the root of the sum of squares), 'nuc' (the sum of singular values), 1 and -1 (the largest or smallest
 * sum of absolute values of a column), Infinity and -Infinity (of a row), 2 and -2 (the largest or smallest singular value). float32 or float64.
 *
 * @example
 * linalg.matrixNorm(tensor([[3, 0], [0, 4]]), 2); // tensor(4.)
 */
export const matrixNorm = described(
  'linalg.matrixNorm',
  (A: Tensor, ord: MatrixOrder = 'fro', dim: Dims = [-2, -1], keepdim = false, options: NormOptions = {}): Tensor => {
    requireMatrices('linalg.matrixNorm', A);
    return matrixNormed('linalg.matrixNorm', A, ord, dim, { ...options, keepdim });
  },
  {
    signature: 'A, ord?, dim?, keepdim?, *, dtype',
    samples: [
      { args: [t([2, 3])] },
      { args: [t([2, 3, 4]), 'nuc', [0, 2], true] },
      { args: [t([2, 3]), 2] },
      { args: [t([2, 3, 3]), -2] },
      { args: [t([2, 3]), 1], ...kinks },
      { args: [t([2, 3, 2]), 1, [-1, 0]], ...kinks },
      { args: [t([2, 3]), Number.NEGATIVE_INFINITY], ...kinks },
    ],
    bad: [
      { args: [t([3])], error: /at least 2 dimensions/ },
      { args: [t([2, 2]), 3], error: /order/ },
      { args: [t([2, 2, 2]), 'fro', [0]], error: /two dimensions/ },
    ],
  },
);

/**
 * A norm of vectors or matrices. Two dimensions in `dim`, or a matrix and an `ord`: `linalg.matrixNorm`; else `linalg.vectorNorm`, without `ord` and `dim` of
 * all elements. Needs a floating dtype.
 *
 * @example
 * linalg.norm(tensor([3, 4])); // tensor(5.)
 */
export const linalgNorm = described(
  'linalg.norm',
  (A: Tensor, ord: MatrixOrder | null = null, dim: Dims = null, options: NormOptions = {}): Tensor => {
    const name = 'linalg.norm';
    const count = dim === null || dim === undefined ? null : typeof dim === 'number' ? 1 : dim.length;
    if (ord === null) return vectorNorm(A, 2, dim ?? undefined, options) as Tensor;
    if (count === null && A.ndim !== 1 && A.ndim !== 2) {
      throw new ShapeError(`${name}: with an order, the input has 1 or 2 dimensions or dim names them, got ${formatShape(A.shape)}`);
    }
    if (count === 2 || (count === null && A.ndim === 2)) return matrixNormed(name, A, ord, dim ?? [0, 1], options);
    if (count !== null && count !== 1) throw new ShapeError(`${name}: dim must name one or two dimensions, got ${count}`);
    if (ord === 'fro' || ord === 'nuc')
      throw new ArgumentError(`${name}: order '${ord}' is of matrices, got one dimension of ${formatShape(A.shape)}`);
    return vectorNorm(A, ord, dim ?? undefined, options) as Tensor;
  },
  {
    signature: 'A, ord?, dim?, *, keepdim, dtype',
    tensors: 1,
    samples: [
      { args: [t([2, 3, 4])] },
      { args: [t([3]), 3] },
      { args: [t([2, 3]), 'nuc'] },
      { args: [t([2, 3, 4]), 2, [0, 1], { keepdim: true }] },
      { args: [t([2, 3]), 1, 1], ...kinks },
    ],
    bad: [
      { args: [t([2, 3, 4]), 2], error: /dim names/ },
      { args: [t([3]), 'fro'], error: /matrices/ },
    ],
  },
);

const INFINITE = mapOperator('where', 2, 0, ([x, info]) => S.select(S.ne(info as S.Expr, 0), Number.POSITIVE_INFINITY, x as S.Expr));

const condOperator = compositeOperator<MatrixOrder>('linalg.cond', ([A], p) => {
  const x = A as Tensor;
  if (p === 2 || p === -2) {
    const values = singularValues('linalg.cond', x);
    const [large, small] = [amaxOver(values, [values.ndim - 1], false), aminOver(values, [values.ndim - 1], false)];
    return p === 2 ? over(large, small) : over(small, large);
  }
  const params = { name: 'linalg.cond', order: p, dims: [x.ndim - 2, x.ndim - 1], keepdim: false };
  const { info } = invEx(x);
  const result = times(matrixNormOf(x, params), matrixNormOf(inverseOf(x), params));
  return callMap(INFINITE, [result, cast(info, x.type)], [], x.type);
});

/**
 * The condition number of matrices: the ratio of the largest and smallest singular value (`p` null or 2; -2: its reciprocal), or the norm of order `p` of A times
 * that of its inverse, Infinity where it has none. float32 or float64.
 *
 * @example
 * linalg.cond(tensor([[4, 0], [0, 2]])); // tensor(2.)
 */
export const cond: PerMatrixFunction<[p?: MatrixOrder | null]> = described(
  'linalg.cond',
  (A: Tensor, p: MatrixOrder | null = null): Tensor => {
    const order = matrixOrder('linalg.cond', p ?? 2);
    if (order === 2 || order === -2) requireMatrices('linalg.cond', A);
    else requireSquare('linalg.cond', A);
    if (A.shape.slice(-2).includes(0)) {
      throw new ArgumentError(`linalg.cond: the condition of a matrix without elements is not defined, got ${formatShape(A.shape)}`);
    }
    return applyOne(condOperator, [A], order);
  },
  {
    signature: 'A, p?',
    samples: [{ args: [t([3, 3])] }, { args: [t([2, 2, 3]), -2] }, { args: [t([3, 3]), 'fro'] }, { args: [t([2, 2]), 1], ...kinks }],
    bad: [
      { args: [t([2, 3]), 'fro'], error: /square/ },
      { args: [t([0, 0])], error: /without elements/ },
    ],
  },
);

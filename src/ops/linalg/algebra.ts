/** What operators on matrices and their derivatives are written in. Matrices stand in the last two dimensions; everything before is a batch. */

import { type DTypeInfo, FLOAT32, FLOAT64 } from '../../dtype/dtype.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape } from '../../shape/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { DTypeError, ShapeError } from '../../util/errors.ts';
import { fullTensor } from '../create.ts';
import { callMap, floatOnly, mapOperator, realOnly, requireTensor } from '../family.ts';
import { ADD, DIV, MUL, NEG, SUB } from '../maps.ts';
import { matrixProduct } from '../matmul.ts';
import { diagonalOf, sliceDim } from '../movement.ts';
import { cloneOperator, expand, permute, reshape } from '../structural.ts';
import { triangleOf } from '../triangular.ts';
import { placeDiagonal } from '../view-scatter.ts';

/** x + y, broadcast. */
export function plus(x: Tensor, y: Tensor): Tensor {
  return callMap(ADD, [x, y], [], x.type);
}

/** x − y, broadcast. */
export function minus(x: Tensor, y: Tensor): Tensor {
  return callMap(SUB, [x, y], [], x.type);
}

/** x · y elementwise, broadcast. */
export function times(x: Tensor, y: Tensor): Tensor {
  return callMap(MUL, [x, y], [], x.type);
}

/** x / y elementwise, broadcast. */
export function over(x: Tensor, y: Tensor): Tensor {
  return callMap(DIV, [x, y], [], x.type);
}

export function negated(x: Tensor): Tensor {
  return callMap(NEG, [x], [], x.type);
}

/** The sum of those that are there; null if none is. */
export function sumOfTerms(...terms: readonly (Tensor | null)[]): Tensor | null {
  return terms.reduce<Tensor | null>((sum, term) => (sum === null ? term : term === null ? sum : plus(sum, term)), null);
}

/** The last two dimensions swapped: a view. */
export function transposed(x: Tensor): Tensor {
  return permute(
    x,
    x.shape.map((_, i) => (i === x.ndim - 1 ? i - 1 : i === x.ndim - 2 ? i + 1 : i)),
  );
}

/** The matrix product of several matrices, from left to right. */
export function product(...factors: readonly Tensor[]): Tensor {
  return factors.reduce((left, right) => matrixProduct(left, right));
}

/** A vector as a row that broadcasts over the rows of a matrix. */
export function asRow(x: Tensor): Tensor {
  return reshape(x, [...x.shape.slice(0, -1), 1, x.shape.at(-1) as number]);
}

/** A vector as a column that broadcasts over the columns of a matrix. */
export function asColumn(x: Tensor): Tensor {
  return reshape(x, [...x.shape, 1]);
}

/** X + Xᵀ. */
export function symmetricSum(x: Tensor): Tensor {
  return plus(x, transposed(x));
}

/** X − Xᵀ. */
export function skewSum(x: Tensor): Tensor {
  return minus(x, transposed(x));
}

/** The main diagonals: a view. */
export function diagonalPart(x: Tensor): Tensor {
  return diagonalOf(x, 0, x.ndim - 2, x.ndim - 1);
}

/** Square matrices with the last dimension of `x` on their diagonal. */
export function diagonalMatrix(x: Tensor): Tensor {
  const n = x.shape.at(-1) as number;
  return placeDiagonal(x, [...x.shape, n], 0, x.ndim - 1, x.ndim);
}

/** The strictly lower triangle and half the diagonal: what differentials of triangular factors are made of. */
export function lowerHalf(x: Tensor): Tensor {
  const half = callMap(HALVE, [diagonalPart(x)], [], x.type);
  return plus(triangleOf('tril', x, -1), diagonalMatrix(half));
}
const HALVE = mapOperator('mul', 1, 0, ([x]) => S.mul(x as S.Expr, 0.5));

/** The first `length` rows (`dim` -2) or columns (-1): a view. */
export function leading(x: Tensor, dim: -1 | -2, length: number): Tensor {
  return x.shape.at(dim) === length ? x : sliceDim(x, x.ndim + dim, 0, length);
}

/** Ones on the main diagonal of m rows and n columns, zeros elsewhere. */
export function identity(m: number, type: DTypeInfo, n = m): Tensor {
  return placeDiagonal(fullTensor([Math.min(m, n)], 1, type), [m, n], 0, 0, 1);
}

/** `x` with its leading dimensions expanded to `batch`. */
export function withBatch(x: Tensor, batch: readonly number[], trailing: number): Tensor {
  return expand(x, [...batch, ...x.shape.slice(x.ndim - trailing)]);
}

/** A plain tensor with its elements in row-major order, for kernels. */
export function packed(x: Tensor): Tensor {
  return x.rowMajor ? x : (cloneOperator.forward([x], null) as Tensor);
}

/** float32 or float64: other floating dtypes have no decompositions. */
export function requireDecomposable(name: string, type: DTypeInfo): void {
  realOnly(floatOnly(type, name), name);
  if (type !== FLOAT32 && type !== FLOAT64) throw new DTypeError(`${name}: not defined for dtype ${type.name}; cast with .to('float32')`);
}

/** Throws unless `x` is a matrix or a batch of matrices of float32 or float64. */
export function requireMatrices(name: string, x: unknown, role = 'A'): asserts x is Tensor {
  requireTensor(name, role, x);
  if (x.ndim < 2) throw new ShapeError(`${name}: ${role} must have at least 2 dimensions, got ${formatShape(x.shape)}`);
  requireDecomposable(name, x.type);
}

/** The same, of square ones. */
export function requireSquare(name: string, x: unknown, role = 'A'): asserts x is Tensor {
  requireMatrices(name, x, role);
  if (x.shape.at(-1) !== x.shape.at(-2))
    throw new ShapeError(`${name}: ${role} must be square in its last two dimensions, got ${formatShape(x.shape)}`);
}

/** Throws unless both have one dtype. */
export function requireOneType(name: string, a: Tensor, b: Tensor): void {
  if (a.type !== b.type) throw new DTypeError(`${name}: the operands have dtypes ${a.dtype} and ${b.dtype}; cast one with .to(…)`);
}

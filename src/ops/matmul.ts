import { BOOL } from '../dtype/dtype.ts';
import { type Operator, t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { broadcastShapes } from '../shape/broadcast.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { DTypeError, ShapeError } from '../util/errors.ts';
import { add } from './arithmetic.ts';
import { emptyTensor } from './create.ts';
import { compositeOperator, described, makeOperator, requireTensor } from './family.ts';
import { isPlain, needsComposition } from './reduction.ts';
import { permute, reshape } from './structural.ts';
import type { ProductFunction } from './types.ts';

/** The last two dimensions swapped. */
function transposed(x: Tensor): Tensor {
  return permute(
    x,
    x.shape.map((_, i) => (i === x.ndim - 1 ? i - 1 : i === x.ndim - 2 ? i + 1 : i)),
  );
}

/** Room for the product of matrices. */
function emptyProduct(a: Tensor, b: Tensor): Tensor {
  const rows = a.shape[a.ndim - 2] as number;
  const columns = b.shape[b.ndim - 1] as number;
  if (a.ndim === 2 && b.ndim === 2) return emptyTensor([rows, columns], a.type);
  return emptyTensor([...broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns], a.type);
}

function multiplied(a: Tensor, b: Tensor): Tensor {
  const result = emptyProduct(a, b);
  backend().matmul(result, a, b);
  return result;
}

/** `[..., M, K] @ [..., K, N]`, batch dimensions broadcast: the primitive under all matrix products. */
export const matrixProductOperator: Operator<Tensor, string> = makeOperator<string>({
  name: 'mm',
  forward: ([a, b]) => multiplied(a as Tensor, b as Tensor),
  derivative: { kind: 'bilinear', left: (g, b) => matrixProduct(g, transposed(b)), right: (g, a) => matrixProduct(transposed(a), g) },
  batching: { kind: 'align' },
});

export function matrixProduct(a: Tensor, b: Tensor): Tensor {
  return isPlain(a) && isPlain(b) ? multiplied(a, b) : applyOne(matrixProductOperator, [a, b], 'matmul');
}

/**
 * `start + a @ b`, where `start` broadcasts to the product: one launch, whose sums begin with it, where nobody asks for a derivative or another interpretation of
 * the two operators. Both ways are within rounding of each other: sums of k + 1 terms in another order.
 */
export function addedProduct(start: Tensor, a: Tensor, b: Tensor): Tensor {
  if (a.type.isComplex || needsComposition(start) || needsComposition(a) || needsComposition(b)) return add(start, matrixProduct(a, b));
  const result = emptyProduct(a, b);
  backend().matmul(result, a, b, start);
  return result;
}

const matmulOperator = compositeOperator<null>('matmul', ([a, b]) => {
  const left = a as Tensor;
  const right = b as Tensor;
  const l = left.ndim === 1 ? reshape(left, [1, left.shape[0] as number]) : left;
  const r = right.ndim === 1 ? reshape(right, [right.shape[0] as number, 1]) : right;
  const product = matrixProduct(l, r);
  const shape = [...product.shape];
  if (right.ndim === 1) shape.pop();
  if (left.ndim === 1) shape.splice(shape.length - (right.ndim === 1 ? 1 : 2), 1);
  return reshape(product, shape);
});

/** Refuses operands that no matrix product is defined for. */
export function checkProduct(name: string, a: Tensor, b: Tensor): void {
  requireTensor(name, 'input', a);
  requireTensor(name, 'other', b);
  if (a.type !== b.type) {
    throw new DTypeError(
      `${name}: the operands have dtypes ${a.dtype} and ${b.dtype}: a matrix product does not promote, cast one with .to(…)`,
    );
  }
  if (a.type === BOOL) throw new DTypeError(`${name}: not defined for dtype bool; cast with .to('int64')`);
  if (a.ndim === 0 || b.ndim === 0) {
    throw new ShapeError(
      `${name}: both operands need at least one dimension, got ${formatShape(a.shape)} and ${formatShape(b.shape)}; use mul for scalars`,
    );
  }
  const inner = a.shape[a.ndim - 1];
  const other = b.shape[b.ndim === 1 ? 0 : b.ndim - 2];
  if (inner !== other) {
    throw new ShapeError(`${name}: inner dimensions ${inner} and ${other} differ in ${formatShape(a.shape)} @ ${formatShape(b.shape)}`);
  }
}

/**
 * Matrix product with batches: vectors count as a row (left) or a column (right), leading dimensions broadcast.
 * Both operands have one dtype. Throws ShapeError that names both shapes.
 *
 * @example
 * matmul(ones([2, 3]), ones([3, 4])).shape; // [2, 4]
 */
export const matmul: ProductFunction<'matmul'> = described(
  'matmul',
  (input: Tensor, other: Tensor): Tensor => {
    checkProduct('matmul', input, other);
    broadcastShapes('matmul', input.shape.slice(0, -2), other.shape.slice(0, -2));
    if (input.ndim === 2 && other.ndim === 2) return applyOne(matrixProductOperator, [input, other], 'matmul');
    return applyOne(matmulOperator, [input, other], null);
  },
  {
    signature: 'input, other',
    samples: [
      { args: [t([2, 3]), t([3, 4])] },
      { args: [t([3]), t([3])] },
      { args: [t([3]), t([2, 3, 4])] },
      { args: [t([5, 1, 2, 3]), t([4, 3, 2])] },
      { args: [t([0, 3]), t([3, 2])] },
    ],
    bad: [{ args: [t([2, 3]), t([4, 5])], error: /inner dimensions 3 and 4 differ in \[2, 3\] @ \[4, 5\]/ }],
  },
);

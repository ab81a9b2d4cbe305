/**
 * Decompositions of matrices in the last two dimensions, batches in the leading ones: JavaScript over the heap. All views are contiguous, of float32 or
 * float64 (`pivots` and `info`, one for each matrix, int32). float32 is computed in float64 and rounded at the end.
 */
import { beginLaunch } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { factorCholesky, factorLu, factorQr, reflectorProduct, solveTriangle } from './factorisations.ts';
import { elementsOf } from './host.ts';
import { oneSidedJacobi, symmetricJacobi } from './jacobi.ts';

type Floats = Float32Array | Float64Array;

function floatsOf(view: View): Floats {
  return view.type.name === 'float64' ? elementsOf(view, 'float64') : elementsOf(view, 'float32');
}

/** Rows and columns of the matrices of a view, and how many there are. */
function extentOf(view: View): { readonly rows: number; readonly columns: number; readonly count: number } {
  const rows = view.shape.at(-2) as number;
  const columns = view.shape.at(-1) as number;
  return { rows, columns, count: view.shape.slice(0, -2).reduce((product, size) => product * size, 1) };
}

/** A float64 copy of matrix `index` of a batch. */
function matrixAt(values: Floats, index: number, size: number): Float64Array {
  return Float64Array.from(values.subarray(index * size, (index + 1) * size));
}

/** `rows` vectors of `columns` elements as `columns` vectors of `rows`. */
function transposed(values: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j]!;
  return result;
}

/**
 * Singular values, descending, of an m × n matrix: `u` is [m, k] and `vh` [k, n] with k = min(m, n), or both are square; both or none are null. Of singular
 * values that are 0 the vectors are any that complete a basis. False if the input is not finite.
 */
export function svd(u: View | null, s: View, vh: View | null, input: View): boolean {
  const { rows, columns, count } = extentOf(input);
  const [length, rank] = [Math.max(rows, columns), Math.min(rows, columns)];
  const full = u !== null && vh !== null && ((u.shape.at(-1) as number) > rank || (vh.shape.at(-2) as number) > rank);
  beginLaunch();
  const source = floatsOf(input);
  const [left, values, right] = [u === null ? null : floatsOf(u), floatsOf(s), vh === null ? null : floatsOf(vh)];
  for (let index = 0; index < count; index++) {
    const matrix = matrixAt(source, index, rows * columns);
    const tall = rows >= columns;
    const found = oneSidedJacobi(tall ? transposed(matrix, rows, columns) : matrix, length, rank, full);
    if (found === null) return false;
    values.set(found.values, index * rank);
    // A wide matrix was decomposed as its transpose: the roles of the vectors are exchanged.
    const [first, second] = tall ? [found.left, found.right] : [found.right, found.left];
    if (left !== null && rows > 0) left.set(transposed(first, first.length / rows, rows), index * first.length);
    if (right !== null) right.set(second, index * second.length);
  }
  return true;
}

/** Eigenvalues, ascending, and vectors (in columns) of the symmetric matrix whose lower or upper triangle is read. False if it is not finite. */
export function eigh(values: View, vectors: View, input: View, upper: boolean): boolean {
  const { rows: n, count } = extentOf(input);
  beginLaunch();
  const [source, numbers, columns] = [floatsOf(input), floatsOf(values), floatsOf(vectors)];
  for (let index = 0; index < count; index++) {
    const matrix = matrixAt(source, index, n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        if (upper) matrix[i * n + j] = matrix[j * n + i]!;
        else matrix[j * n + i] = matrix[i * n + j]!;
      }
    }
    const found = symmetricJacobi(matrix, n);
    if (found === null) return false;
    numbers.set(found.values, index * n);
    columns.set(transposed(found.vectors, n, n), index * n * n);
  }
  return true;
}

/** LU with partial pivoting, as LAPACK stores it: pivots count from 1, `info` is the first step with a pivot of 0, or 0. */
export function lu(factors: View, pivots: View, info: View, input: View): void {
  const { rows, columns, count } = extentOf(input);
  beginLaunch();
  const [source, target] = [floatsOf(input), floatsOf(factors)];
  const [swaps, status] = [elementsOf(pivots, 'int32'), elementsOf(info, 'int32')];
  const rank = Math.min(rows, columns);
  for (let index = 0; index < count; index++) {
    const matrix = matrixAt(source, index, rows * columns);
    status[index] = factorLu(matrix, rows, columns, swaps.subarray(index * rank, (index + 1) * rank));
    target.set(matrix, index * matrix.length);
  }
}

/** The lower Cholesky factor, from the lower triangle; `info` is the order of the first minor that is not positive, or 0. */
export function cholesky(factor: View, info: View, input: View): void {
  const { rows: n, count } = extentOf(input);
  beginLaunch();
  const [source, target, status] = [floatsOf(input), floatsOf(factor), elementsOf(info, 'int32')];
  for (let index = 0; index < count; index++) {
    const matrix = matrixAt(source, index, n * n);
    status[index] = factorCholesky(matrix, n);
    for (let i = 0; i < n; i++) matrix.fill(0, i * n + i + 1, (i + 1) * n);
    target.set(matrix, index * n * n);
  }
}

/** Householder's QR as LAPACK stores it: R in the upper triangle, the reflectors below it and their factors in `tau`. */
export function reflectors(factors: View, tau: View, input: View): void {
  const { rows, columns, count } = extentOf(input);
  const rank = Math.min(rows, columns);
  beginLaunch();
  const [source, target, scales] = [floatsOf(input), floatsOf(factors), floatsOf(tau)];
  for (let index = 0; index < count; index++) {
    const matrix = matrixAt(source, index, rows * columns);
    const factor = new Float64Array(rank);
    factorQr(matrix, rows, columns, factor);
    target.set(matrix, index * matrix.length);
    scales.set(factor, index * rank);
  }
}

/** The first columns, as many as `q` has, of the product of the reflectors. */
export function productOfReflectors(q: View, factors: View, tau: View): void {
  const { rows, columns, count } = extentOf(factors);
  const width = q.shape.at(-1) as number;
  const reflectorCount = tau.shape.at(-1) as number;
  beginLaunch();
  const [source, scales, target] = [floatsOf(factors), floatsOf(tau), floatsOf(q)];
  for (let index = 0; index < count; index++) {
    const scale = matrixAt(scales, index, reflectorCount);
    const product = reflectorProduct(matrixAt(source, index, rows * columns), rows, columns, scale, reflectorCount, width);
    target.set(product, index * product.length);
  }
}

/** Solves `a @ out = b` for a triangular `a`, of which the other triangle is not read; `unit`: its diagonal counts as ones. */
export function solveTriangular(out: View, a: View, b: View, upper: boolean, unit: boolean): void {
  const { rows, columns, count } = extentOf(b);
  beginLaunch();
  const [matrices, rightSides, target] = [floatsOf(a), floatsOf(b), floatsOf(out)];
  for (let index = 0; index < count; index++) {
    const solution = matrixAt(rightSides, index, rows * columns);
    solveTriangle(matrixAt(matrices, index, rows * rows), solution, rows, columns, upper, unit);
    target.set(solution, index * solution.length);
  }
}

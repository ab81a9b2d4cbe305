/**
 * Dense factorisations on plain arrays of float64, matrices in row-major order, in place. The algorithms are those of G. Golub, C. Van Loan,
 * "Matrix Computations" (3.4, 4.2, 5.2); signs and storage are LAPACK's.
 */

/**
 * PA = LU with partial pivoting: L (unit diagonal) and U share the array. `pivots` gets, for each step, the row that was swapped with it, from 1 on.
 * Returns the first step, from 1 on, whose pivot is 0; 0 if there is none.
 */
export function factorLu(a: Float64Array, m: number, n: number, pivots: Int32Array): number {
  let singular = 0;
  for (let k = 0; k < Math.min(m, n); k++) {
    let row = k;
    for (let i = k + 1; i < m; i++) if (Math.abs(a[i * n + k]!) > Math.abs(a[row * n + k]!)) row = i;
    pivots[k] = row + 1;
    if (row !== k) {
      for (let j = 0; j < n; j++) [a[k * n + j], a[row * n + j]] = [a[row * n + j]!, a[k * n + j]!];
    }
    const pivot = a[k * n + k]!;
    if (pivot === 0) {
      if (singular === 0) singular = k + 1;
      continue;
    }
    for (let i = k + 1; i < m; i++) {
      const factor = a[i * n + k]! / pivot;
      a[i * n + k] = factor;
      if (factor !== 0) for (let j = k + 1; j < n; j++) a[i * n + j]! -= factor * a[k * n + j]!;
    }
  }
  return singular;
}

/** A = LLᵀ: reads the lower triangle, writes L with zeros above. Returns the order of the first minor that is not positive; 0 if all are. */
export function factorCholesky(a: Float64Array, n: number): number {
  for (let j = 0; j < n; j++) {
    let pivot = a[j * n + j]!;
    for (let k = 0; k < j; k++) pivot -= a[j * n + k]! ** 2;
    if (!(pivot > 0)) return j + 1;
    const root = Math.sqrt(pivot);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = sum / root;
    }
    for (let i = 0; i < j; i++) a[i * n + j] = 0;
  }
  return 0;
}

/** Householder's A = QR: R on and above the diagonal, below it the reflectors (their first element is 1), and their factors in `tau`. */
export function factorQr(a: Float64Array, m: number, n: number, tau: Float64Array): void {
  for (let k = 0; k < Math.min(m, n); k++) {
    const alpha = a[k * n + k]!;
    let tail = 0;
    for (let i = k + 1; i < m; i++) tail = Math.hypot(tail, a[i * n + k]!);
    if (tail === 0) {
      tau[k] = 0;
      continue;
    }
    const beta = alpha < 0 ? Math.hypot(alpha, tail) : -Math.hypot(alpha, tail);
    tau[k] = (beta - alpha) / beta;
    for (let i = k + 1; i < m; i++) a[i * n + k]! /= alpha - beta;
    a[k * n + k] = beta;
    for (let j = k + 1; j < n; j++) {
      let sum = a[k * n + j]!;
      for (let i = k + 1; i < m; i++) sum += a[i * n + k]! * a[i * n + j]!;
      sum *= tau[k]!;
      a[k * n + j]! -= sum;
      for (let i = k + 1; i < m; i++) a[i * n + j]! -= sum * a[i * n + k]!;
    }
  }
}

/** The first `columns` columns of the product of `count` reflectors stored in the columns of `a` (m rows, n columns). */
export function reflectorProduct(a: Float64Array, m: number, n: number, tau: Float64Array, count: number, columns: number): Float64Array {
  const q = new Float64Array(m * columns);
  for (let i = 0; i < Math.min(m, columns); i++) q[i * columns + i] = 1;
  for (let k = count - 1; k >= 0; k--) {
    for (let j = 0; j < columns; j++) {
      let sum = q[k * columns + j]!;
      for (let i = k + 1; i < m; i++) sum += a[i * n + k]! * q[i * columns + j]!;
      sum *= tau[k]!;
      q[k * columns + j]! -= sum;
      for (let i = k + 1; i < m; i++) q[i * columns + j]! -= sum * a[i * n + k]!;
    }
  }
  return q;
}

/** Solves AX = B for a triangular A of `n` rows; B, with `columns` columns, becomes X. `unit`: the diagonal counts as ones. */
export function solveTriangle(a: Float64Array, b: Float64Array, n: number, columns: number, upper: boolean, unit: boolean): void {
  for (let step = 0; step < n; step++) {
    const i = upper ? n - 1 - step : step;
    const [from, to] = upper ? [i + 1, n] : [0, i];
    for (let k = from; k < to; k++) {
      const factor = a[i * n + k]!;
      if (factor !== 0) for (let j = 0; j < columns; j++) b[i * columns + j]! -= factor * b[k * columns + j]!;
    }
    if (!unit) for (let j = 0; j < columns; j++) b[i * columns + j]! /= a[i * n + i]!;
  }
}

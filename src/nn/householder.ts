/**
 * The orthonormal factor Q of A = QR, R with a positive diagonal, which makes it unique: Householder reflections (Golub and Van Loan, "Matrix
 * Computations", section 5.2). `a`: rows × columns in row-major order, rows at least columns; the result has the same layout.
 *
 * @example
 * orthonormalColumns(Float64Array.of(3, 4), 2, 1); // [0.6, 0.8]
 */
export function orthonormalColumns(a: Float64Array, rows: number, columns: number): Float64Array {
  const work = a.slice();
  const reflections: Float64Array[] = [];
  const signs: number[] = [];
  for (let k = 0; k < columns; k++) {
    const v = new Float64Array(rows);
    for (let i = k; i < rows; i++) v[i] = work[i * columns + k] as number;
    const length = norm(v);
    // The diagonal of R becomes -sign · length: away from the element, so that nothing cancels.
    const sign = (v[k] as number) < 0 ? -1 : 1;
    v[k] = (v[k] as number) + sign * length;
    const size = norm(v);
    if (size > 0) for (let i = k; i < rows; i++) v[i] = (v[i] as number) / size;
    reflect(work, v, k, rows, columns);
    reflections.push(v);
    signs.push(length === 0 ? 0 : -sign);
  }
  const q = new Float64Array(rows * columns);
  for (let k = 0; k < columns; k++) q[k * columns + k] = signs[k] as number;
  for (let k = columns - 1; k >= 0; k--) reflect(q, reflections[k] as Float64Array, k, rows, columns);
  return q;
}

function norm(v: Float64Array): number {
  let sum = 0;
  for (const x of v) sum += x * x;
  return Math.sqrt(sum);
}

/** Reflects all columns at the plane with normal v, whose first elements are 0: x - 2 v (v · x). */
function reflect(x: Float64Array, v: Float64Array, first: number, rows: number, columns: number): void {
  for (let j = 0; j < columns; j++) {
    let dot = 0;
    for (let i = first; i < rows; i++) dot += (v[i] as number) * (x[i * columns + j] as number);
    for (let i = first; i < rows; i++) x[i * columns + j] = (x[i * columns + j] as number) - 2 * dot * (v[i] as number);
  }
}

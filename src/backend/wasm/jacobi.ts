/**
 * Jacobi's method for singular values and for eigenvalues of symmetric matrices, on plain arrays of float64. It is simple and the most accurate of
 * the dense methods: see J. Demmel, K. Veselić, "Jacobi's method is more accurate than QR", SIAM J. Matrix Anal. Appl. 13 (1992).
 */

const EPSILON = 2 ** -52;
const MAXIMUM_SWEEPS = 40;

/** Left and right singular vectors, one after the other, and singular values in descending order. */
export interface SingularTriplets {
  /** Vectors of `length` elements: as many as singular values, or `length` of them. */
  readonly left: Float64Array;
  readonly values: Float64Array;
  readonly right: Float64Array;
}

function dot(a: Float64Array, i: number, b: Float64Array, j: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += a[i + k]! * b[j + k]!;
  return sum;
}

/** Rotates two vectors of `a` that start at `i` and `j`. */
function rotate(a: Float64Array, i: number, j: number, length: number, cosine: number, sine: number): void {
  for (let k = 0; k < length; k++) {
    const x = a[i + k]!;
    const y = a[j + k]!;
    a[i + k] = cosine * x - sine * y;
    a[j + k] = sine * x + cosine * y;
  }
}

/** The tangent of the smaller angle that makes an off-diagonal element vanish, where `zeta` is its cotangent doubled. */
function smallerTangent(zeta: number): number {
  if (Math.abs(zeta) > 1e150) return 1 / (2 * zeta);
  return (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
}

/**
 * Singular values and vectors of the matrix whose `count` columns, of `length` ≥ `count` elements, lie one after the other in `columns`, which is
 * used up. Hestenes' one-sided method: rotations make the columns orthogonal, and their lengths are the singular values. Null if an element is not finite.
 *
 * @param full complete the left vectors to a basis
 */
export function oneSidedJacobi(columns: Float64Array, length: number, count: number, full: boolean): SingularTriplets | null {
  const right = new Float64Array(count * count);
  for (let j = 0; j < count; j++) right[j * count + j] = 1;
  const scale = largest(columns);
  if (!Number.isFinite(scale)) return null;
  if (scale > 0) for (let i = 0; i < columns.length; i++) columns[i]! /= scale;
  // Ten sweeps are many: what still turns after all of them is in the last digit.
  for (let sweep = 0; sweep < MAXIMUM_SWEEPS && orthogonalise(columns, right, length, count); sweep++);
  return sorted(columns, right, length, count, scale, full);
}

function largest(values: Float64Array): number {
  let found = 0;
  for (const value of values) {
    if (Number.isNaN(value)) return value;
    found = Math.max(found, Math.abs(value));
  }
  return found;
}

/** The Euclidean length, also of numbers whose squares are too small to be represented. */
function lengthOf(vector: Float64Array): number {
  const scale = largest(vector);
  if (scale === 0) return 0;
  let sum = 0;
  for (const value of vector) sum += (value / scale) ** 2;
  return scale * Math.sqrt(sum);
}

/** One sweep over all pairs of columns; whether any was rotated. */
function orthogonalise(columns: Float64Array, right: Float64Array, length: number, count: number): boolean {
  let rotated = false;
  // Squared lengths are carried along in a sweep, and taken anew before the next so that rounding does not add up.
  const squares = new Float64Array(count);
  for (let j = 0; j < count; j++) squares[j] = dot(columns, j * length, columns, j * length, length);
  for (let p = 0; p < count - 1; p++) {
    for (let q = p + 1; q < count; q++) {
      const i = p * length;
      const j = q * length;
      const product = dot(columns, i, columns, j, length);
      const alpha = squares[p]!;
      const beta = squares[q]!;
      if (product === 0 || Math.abs(product) <= 4 * EPSILON * Math.sqrt(alpha) * Math.sqrt(beta)) continue;
      const tangent = smallerTangent((beta - alpha) / (2 * product));
      const cosine = 1 / Math.sqrt(1 + tangent * tangent);
      rotate(columns, i, j, length, cosine, cosine * tangent);
      rotate(right, p * count, q * count, count, cosine, cosine * tangent);
      squares[p] = Math.max(0, alpha - tangent * product);
      squares[q] = beta + tangent * product;
      rotated = true;
    }
  }
  return rotated;
}

function sorted(columns: Float64Array, right: Float64Array, length: number, count: number, scale: number, full: boolean): SingularTriplets {
  const lengths = Float64Array.from({ length: count }, (_, j) => lengthOf(columns.subarray(j * length, (j + 1) * length)));
  const order = Array.from(lengths.keys()).sort((a, b) => lengths[b]! - lengths[a]!);
  const result = {
    left: new Float64Array(length * (full ? length : count)),
    values: new Float64Array(count),
    right: new Float64Array(count * count),
  };
  // Directions of columns this short are rounding errors: they are made orthogonal to the others explicitly.
  const noise = (lengths[order[0] ?? 0] ?? 0) * EPSILON * length;
  order.forEach((from, to) => {
    const size = lengths[from]!;
    result.values[to] = size * scale;
    result.right.set(right.subarray(from * count, (from + 1) * count), to * count);
    if (size > noise) for (let k = 0; k < length; k++) result.left[to * length + k] = columns[from * length + k]! / size;
    else complete(result.left, to, length);
  });
  for (let to = count; to < result.left.length / Math.max(length, 1); to++) complete(result.left, to, length);
  return result;
}

/** Makes vector `index` a unit vector orthogonal to those before it, out of the coordinate direction that they leave most of. */
function complete(vectors: Float64Array, index: number, length: number): void {
  const at = index * length;
  const covered = new Float64Array(length);
  for (let j = 0; j < index; j++) for (let k = 0; k < length; k++) covered[k]! += vectors[j * length + k]! ** 2;
  let direction = 0;
  for (let k = 1; k < length; k++) if (covered[k]! < covered[direction]! - 1e-8) direction = k;
  vectors.fill(0, at, at + length);
  vectors[at + direction] = 1;
  // Twice is enough: the second pass removes what rounding left in the first.
  for (let pass = 0; pass < 2; pass++) {
    for (let j = 0; j < index; j++) {
      const part = dot(vectors, at, vectors, j * length, length);
      for (let k = 0; k < length; k++) vectors[at + k]! -= part * vectors[j * length + k]!;
    }
    const size = Math.sqrt(dot(vectors, at, vectors, at, length));
    for (let k = 0; k < length; k++) vectors[at + k]! /= size;
  }
}

/**
 * Eigenvalues in ascending order, and eigenvectors one after the other, of a symmetric matrix of `n` rows, which is used up: Jacobi's cyclic method
 * (Golub, Van Loan, "Matrix Computations", 8.5). Null if an element is not finite.
 */
export function symmetricJacobi(matrix: Float64Array, n: number): { readonly values: Float64Array; readonly vectors: Float64Array } | null {
  const vectors = new Float64Array(n * n);
  for (let j = 0; j < n; j++) vectors[j * n + j] = 1;
  const scale = largest(matrix);
  if (!Number.isFinite(scale)) return null;
  if (scale > 0) for (let i = 0; i < matrix.length; i++) matrix[i]! /= scale;
  for (let sweep = 0; sweep < MAXIMUM_SWEEPS && diagonalise(matrix, vectors, n); sweep++);
  const order = Array.from({ length: n }, (_, j) => j).sort((a, b) => matrix[a * n + a]! - matrix[b * n + b]!);
  const result = { values: Float64Array.from(order, (j) => matrix[j * n + j]! * scale), vectors: new Float64Array(n * n) };
  order.forEach((from, to) => {
    result.vectors.set(vectors.subarray(from * n, (from + 1) * n), to * n);
  });
  return result;
}

function rotateColumns(matrix: Float64Array, p: number, q: number, n: number, cosine: number, sine: number): void {
  for (let at = 0; at < n * n; at += n) {
    const x = matrix[at + p]!;
    const y = matrix[at + q]!;
    matrix[at + p] = cosine * x - sine * y;
    matrix[at + q] = sine * x + cosine * y;
  }
}

/** One sweep over all elements above the diagonal; whether any was rotated away. */
function diagonalise(matrix: Float64Array, vectors: Float64Array, n: number): boolean {
  let rotated = false;
  for (let p = 0; p < n - 1; p++) {
    for (let q = p + 1; q < n; q++) {
      const element = matrix[p * n + q]!;
      // The matrix is scaled to a largest element of 1.
      if (Math.abs(element) <= 2 ** -60) continue;
      const tangent = smallerTangent((matrix[q * n + q]! - matrix[p * n + p]!) / (2 * element));
      const cosine = 1 / Math.sqrt(1 + tangent * tangent);
      rotate(matrix, p * n, q * n, n, cosine, cosine * tangent);
      rotateColumns(matrix, p, q, n, cosine, cosine * tangent);
      matrix[p * n + q] = 0;
      matrix[q * n + p] = 0;
      rotate(vectors, p * n, q * n, n, cosine, cosine * tangent);
      rotated = true;
    }
  }
  return rotated;
}

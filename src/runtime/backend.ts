/** What a device does: the handful of launches that every operator is made of. */
import type { DTypeInfo } from '../dtype/dtype.ts';
import type { MapProgram } from '../scalar/program.ts';
import { invariant } from '../util/invariant.ts';
import type { View } from './view.ts';

/** How a reduction combines elements. */
export type ReduceKind = 'sum' | 'prod' | 'max' | 'min' | 'any' | 'all';

/** How a scan combines elements. */
export type ScanKind = 'sum' | 'prod' | 'max' | 'min' | 'logaddexp';

/** How a scatter combines an element with what is there. */
export type ScatterMode = 'set' | 'add' | 'mul' | 'max' | 'min';

/** A dimension of one side of a gather or scatter in which indices say where to go. */
export interface IndexedDim {
  /** int64, with the shape of the launch: stride 0 along what does not matter. */
  readonly index: View;
  /** Indices from 0 to `size` - 1 are allowed, and with `wrap` those from -`size` on. */
  readonly size: number;
  readonly wrap: boolean;
  /** Elements from one index to the next. */
  readonly stride: number;
  /** What it is called in messages; below 0: the tensor as if it were flat. */
  readonly dim: number;
}

/** One element of a sorted line: that of a rank, the lower median (NaN if there is one; of the numbers alone), or the most frequent one. */
export type LinePick = number | 'median' | 'nanmedian' | 'mode';

/** A device. Outputs are allocated by the caller; no launch allocates tensors. */
export interface Backend {
  /**
   * Evaluates a scalar expression at each element.
   * `ins` are broadcast to `out.shape`, right-aligned; `out` may have any strides, so in-place writes through views work.
   * Operands are converted to `compute`, and the result from there to `out.type`.
   */
  map(program: MapProgram, out: View, ins: readonly View[], params: readonly number[], compute: DTypeInfo): void;
  /**
   * Reduces `dims` away. `out` is contiguous and has the shape without `dims`. Accumulates in `out.type` (float32 for the half types); loads convert.
   * NaN wins in max and min; a sum is blocked.
   */
  reduce(kind: ReduceKind, out: View, input: View, dims: readonly number[]): void;
  /** The index of the largest or smallest element along `dim`: the first one wins, NaN wins. `indices` is int64. */
  argReduce(kind: 'max' | 'min', values: View | null, indices: View, input: View, dim: number): void;
  /** Running combination along `dim`; `indices` (int64), where given, says where a running max or min came from. */
  scan(kind: ScanKind, out: View, indices: View | null, input: View, dim: number): void;
  /** `[..., M, K] @ [..., K, N]`: batch dims broadcast, operands have any strides, `out` is contiguous. Integers are exact. */
  matmul(out: View, a: View, b: View): void;
  /**
   * `out[p] = input[p, indices(p)]` at each position p. `input` has the shape of `out`, with stride 0 along what only indices decide; both have one
   * dtype. Throws IndexError that names `name`, before anything is written.
   */
  gather(name: string, out: View, input: View, indexed: readonly IndexedDim[]): void;
  /**
   * `out[p, indices(p)]` combined with `source[p]`, one position after the other in row-major order, so that the last one stays where several are set.
   * `out` has the shape of `source`, with stride 0 along what only indices decide; both have one dtype. Throws IndexError before anything is written.
   */
  scatter(name: string, mode: ScatterMode, out: View, source: View, indexed: readonly IndexedDim[]): void;
  /**
   * Sorts along `dim`: stable, NaN after all numbers (`descending`: before them). Writes the first elements of each line and their positions (int64),
   * as many as `values` and `indices` have along `dim`; either may be null. All have any strides.
   */
  sort(values: View | null, indices: View | null, input: View, dim: number, descending: boolean): void;
  /**
   * Writes one element of each sorted line along `dim`, and its position (int64); both have size 1 along `dim`, and any strides. Lines are not empty.
   * Of equal elements, a rank takes the one that a stable sort puts there; the mode is the smallest of those that are equally frequent, at the last
   * of its positions.
   */
  pick(values: View, indices: View, input: View, dim: number, which: LinePick): void;
  /**
   * For each value the number of elements of its line that are smaller (`right`: or equal). `sorted` is one line, or one for each line of `values`.
   * All are contiguous; `out` is int64 or int32.
   */
  search(out: View, sorted: View, values: View, right: boolean): void;
  /**
   * Decompositions of matrices in the last two dimensions, batches in the leading ones. All views are contiguous, of float32 or float64 (`pivots` and
   * `info`, one for each matrix, int32).
   *
   * Singular values, descending, of an m × n matrix: `u` is [m, k] and `vh` [k, n] with k = min(m, n), or both are square; both or none are null. Of singular
   * values that are 0 the vectors are any that complete a basis. False if the input is not finite.
   */
  svd(u: View | null, s: View, vh: View | null, input: View): boolean;
  /** Eigenvalues, ascending, and vectors (in columns) of the symmetric matrix whose lower or upper triangle is read. False if it is not finite. */
  eigh(values: View, vectors: View, input: View, upper: boolean): boolean;
  /** LU with partial pivoting, as LAPACK stores it: pivots count from 1, `info` is the first step with a pivot of 0, or 0. */
  lu(factors: View, pivots: View, info: View, input: View): void;
  /** The lower Cholesky factor, from the lower triangle; `info` is the order of the first minor that is not positive, or 0. */
  cholesky(factor: View, info: View, input: View): void;
  /** Householder's QR as LAPACK stores it: R in the upper triangle, the reflectors below it and their factors in `tau`. */
  reflectors(factors: View, tau: View, input: View): void;
  /** The first columns, as many as `q` has, of the product of the reflectors. */
  reflectorProduct(q: View, factors: View, tau: View): void;
  /** Solves `a @ out = b` for a triangular `a`, of which the other triangle is not read; `unit`: its diagonal counts as ones. */
  solveTriangular(out: View, a: View, b: View, upper: boolean, unit: boolean): void;
  /** How many elements are not zero; writes their coordinates to the rows of `out` (int64), up to as many as it has. Both are contiguous. */
  nonzero(out: View | null, input: View): number;
}

let current: Backend | null = null;

/** Puts a device in charge. The entry module does this once at start. */
export function setBackend(backend: Backend): void {
  current = backend;
}

/** The device in charge. */
export function backend(): Backend {
  invariant(current !== null, 'no backend is set: import the library through its entry module');
  return current;
}

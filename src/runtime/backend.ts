/** What a device does: the handful of launches that nearly every operator is made of. Sorting, scans and decompositions come with the operators that need them. */
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
  /**
   * `[..., M, K] @ [..., K, N]`: batch dims broadcast, operands have any strides, `out` is contiguous. Integers are exact. Of real numbers the sums may begin with
   * `start`, which is broadcast to `out`, or is `out` itself.
   */
  matmul(out: View, a: View, b: View, start?: View | null): void;
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

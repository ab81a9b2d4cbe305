/** What a device does: the handful of launches that every operator is made of. */
import type { DTypeInfo } from '../dtype/dtype.ts';
import type { MapProgram } from '../scalar/program.ts';
import { invariant } from '../util/invariant.ts';
import type { View } from './view.ts';

/** How a reduction combines elements. */
export type ReduceKind = 'sum' | 'prod' | 'max' | 'min' | 'any' | 'all';

/** How a scan combines elements. */
export type ScanKind = 'sum' | 'prod' | 'max' | 'min' | 'logaddexp';

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

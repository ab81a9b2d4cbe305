/** What the functions of a matrix product have in common. */
import { COMPUTE_BYTES, type ComputeType, LANES, VECTOR_SHAPE } from './element.ts';
import { advance } from './loops.ts';
import type { FunctionBuilder, Local } from './wasm/encoder.ts';

/** What the emitted code depends on. */
export interface MatmulVariant {
  readonly compute: ComputeType;
  /** Whether products are added with relaxed SIMD's fused multiply-add. */
  readonly fused: boolean;
  /** Rows of a tile, and vectors in each: what the registers hold beside what is being multiplied. */
  readonly rows: number;
  readonly vectors: number;
  /** What is done to the tiles of `multiplyFunction` in the place of `storeTile`: see `matmul-stores.ts`. */
  readonly store?: typeof storeTile;
}

/** Columns of a tile. */
export function tileColumns({ compute, vectors }: MatmulVariant): number {
  return vectors * LANES[compute];
}

/** Bytes of a tile. */
export function tileBytes({ rows, vectors }: MatmulVariant): number {
  return rows * vectors * 16;
}

export const SCALAR_LOAD = { f32: 'f32.load', f64: 'f64.load', i32: 'i32.load', i64: 'i64.load' } as const;
export const SCALAR_STORE = { f32: 'f32.store', f64: 'f64.store', i32: 'i32.store', i64: 'i64.store' } as const;

export function alignmentOf(compute: ComputeType): number {
  return Math.log2(COMPUTE_BYTES[compute]);
}

/** The load that fills a vector with one value. */
export function splatLoad(compute: ComputeType): 'v128.load32_splat' | 'v128.load64_splat' {
  return COMPUTE_BYTES[compute] === 4 ? 'v128.load32_splat' : 'v128.load64_splat';
}

/** accumulator += the product of two locals. */
export function multiplyAdd(f: FunctionBuilder, { compute, fused }: MatmulVariant, accumulator: Local, a: Local, b: Local): void {
  const shape = VECTOR_SHAPE[compute];
  if (fused && compute === 'f32') f.get(a).get(b).get(accumulator).op('f32x4.relaxed_madd').set(accumulator);
  else if (fused && compute === 'f64') f.get(a).get(b).get(accumulator).op('f64x2.relaxed_madd').set(accumulator);
  else f.get(accumulator).get(a).get(b).op(`${shape}.mul`).op(`${shape}.add`).set(accumulator);
}

/** Loads the rows of a tile, which lie `step` bytes apart from the address on: it moves past them. */
export function loadTile(f: FunctionBuilder, rows: readonly (readonly Local[])[], address: Local, step: Local, alignment: number): void {
  for (const row of rows) {
    row.forEach((vector, j) => {
      f.get(address)
        .load('v128.load', 16 * j, alignment)
        .set(vector);
    });
    advance(f, address, step);
  }
}

/** Stores the rows of a tile, as `loadTile` finds them. */
export function storeTile(f: FunctionBuilder, rows: readonly (readonly Local[])[], address: Local, step: Local, alignment: number): void {
  for (const row of rows) {
    row.forEach((vector, j) => {
      f.get(address)
        .get(vector)
        .store('v128.store', 16 * j, alignment);
    });
    advance(f, address, step);
  }
}

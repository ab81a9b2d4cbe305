/** Kernels that look at windows: sums of weighted rows, and the largest element of each window. */
import { COMPUTE_BYTES, type ComputeType, computeTypeOf } from '../../kernel/element.ts';
import { resampleFunction } from '../../kernel/resample.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { invariant } from '../../util/invariant.ts';
import { addressOfView } from './host.ts';

/** A sparse matrix, row by row: row i has the columns `indices` and values `weights` from `starts[i]` up to `starts[i + 1]`. */
export interface Taps {
  readonly starts: Int32Array;
  readonly indices: Int32Array;
  readonly weights: Float64Array;
  /** How many columns it has. */
  readonly size: number;
}

const resamplers: Partial<Record<ComputeType, KernelFunction>> = {};

/**
 * `out[…, i, …] = Σ weights · x[…, indices, …]` along a dimension of contiguous tensors of one dtype; `inner`: the elements of the dimensions behind it.
 * dtypes: those that are computed in themselves.
 */
export function resample(out: View, x: View, inner: number, taps: Taps): void {
  if (out.size === 0) return;
  const compute = computeTypeOf(out.type.name);
  const bytes = COMPUTE_BYTES[compute];
  invariant(out.type.itemsize === bytes && x.type === out.type, `resample: dtype ${out.type.name}`);
  resamplers[compute] ??= instantiate([resampleFunction(compute)], heap.memory).resample!;
  const count = taps.starts.length - 1;
  const total = taps.indices.length;
  const weightsAt = ((4 * (count + 1 + total) + 15) & -16) >>> 0;
  const scratch = allocate(weightsAt + total * bytes);
  beginLaunch();
  const starts = addressOf(scratch);
  const offsets = starts + 4 * (count + 1);
  const weights = starts + weightsAt;
  heap.i32.set(taps.starts, starts / 4);
  for (let i = 0; i < total; i++) heap.i32[offsets / 4 + i] = taps.indices[i]! * inner * bytes;
  if (compute === 'f32') heap.f32.set(taps.weights, weights / 4);
  else if (compute === 'f64') heap.f64.set(taps.weights, weights / 8);
  else if (compute === 'i32') heap.i32.set(taps.weights, weights / 4);
  else for (let i = 0; i < total; i++) heap.i64[weights / 8 + i] = BigInt(taps.weights[i]!);
  const outer = out.size / (count * inner);
  resamplers[compute](addressOfView(out), addressOfView(x), outer, count, inner, starts, offsets, weights, taps.size * inner * bytes);
  release(scratch);
}

/** Where the windows of one dimension begin, how many elements each has, and the step between those. */
export interface WindowLine {
  /** One entry an output; or that many for each of some planes, which the others repeat. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly step: number;
}

/**
 * The largest element of each window and its place in its plane (int64): the first of equal ones; NaN wins. `input` is contiguous, [planes, D, H, W], and so
 * are the results.
 */
export function maxWindows(values: View, indices: View, input: View, lines: readonly [WindowLine, WindowLine, WindowLine]): void {
  if (values.size === 0) return;
  beginLaunch();
  const { i64, f32, f64, i32, i16, i8, u8 } = heap;
  const arrays = { float32: f32, float64: f64, int64: i64, int32: i32, int16: i16, int8: i8, uint8: u8 } as const;
  const array = arrays[values.type.name as keyof typeof arrays];
  invariant(array !== undefined, `maxWindows: dtype ${values.type.name}`);
  // Numbers and bigints are compared alike; the loop is compiled for the kind that it meets.
  largest(array as Float64Array, values, indices, input, lines);
}

function largest(
  array: Float64Array,
  values: View,
  indices: View,
  input: View,
  lines: readonly [WindowLine, WindowLine, WindowLine],
): void {
  const { itemsize } = values.type;
  const { i32 } = heap;
  let to = addressOfView(values) / itemsize;
  let index = addressOfView(indices) / 4;
  let plane = addressOfView(input) / itemsize;
  const [planes, , height, width] = input.shape as readonly [number, number, number, number];
  const size = (input.shape[1] as number) * height * width;
  const [, depths, rows, columns] = values.shape as readonly [number, number, number, number];
  const [a, b, c] = lines;
  for (let p = 0; p < planes; p++) {
    // Where the entries of this plane begin in each table.
    const [ta, tb, tc] = [(p * depths) % a.starts.length, (p * rows) % b.starts.length, (p * columns) % c.starts.length];
    for (let i = 0; i < depths; i++) {
      const z0 = a.starts[ta + i]!;
      const z1 = z0 + a.counts[i]! * a.step;
      for (let j = 0; j < rows; j++) {
        const y0 = b.starts[tb + j]!;
        const y1 = y0 + b.counts[j]! * b.step;
        for (let k = 0; k < columns; k++) {
          const x0 = c.starts[tc + k]!;
          const x1 = x0 + c.counts[k]! * c.step;
          let place = (z0 * height + y0) * width + x0;
          let best = array[plane + place]!;
          for (let z = z0; z < z1; z += a.step) {
            for (let y = y0; y < y1; y += b.step) {
              const row = (z * height + y) * width;
              for (let x = x0; x < x1; x += c.step) {
                const value = array[plane + row + x]!;
                // biome-ignore lint/suspicious/noSelfCompare: only NaN differs from itself, and this also holds for bigints
                if (value > best || value !== value) {
                  best = value;
                  place = row + x;
                }
              }
            }
          }
          array[to++] = best;
          i32[index] = place;
          i32[index + 1] = 0;
          index += 2;
        }
      }
    }
    plane += size;
  }
}

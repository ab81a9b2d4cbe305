/** Kernels that look at windows: sums of weighted rows, and the largest element of each window. */
import { COMPUTE_BYTES, type ComputeType, computeTypeOf } from '../../kernel/element.ts';
import { maxWindowsFunction, spreadMaxFunction, WINDOW_ENTRY, type WindowStep } from '../../kernel/max-windows.ts';
import { resampleFunction } from '../../kernel/resample.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { invariant } from '../../util/invariant.ts';
import { addressOfView } from './host.ts';
import { chunksFor, rowsToShare } from './parallel.ts';
import { launchParts } from './window-parts.ts';

/** A sparse matrix, row by row: row i has the columns `indices` and values `weights` from `starts[i]` up to `starts[i + 1]`. */
export interface Taps {
  readonly starts: Int32Array;
  readonly indices: Int32Array;
  readonly weights: Float64Array;
  /** How many columns it has. */
  readonly size: number;
}

/** Nanoseconds for each element of a window, or vector of them. */
const PER_ELEMENT = 0.6;

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
  const kernel = resamplers[compute];
  const nanoseconds = outer * total * (Math.floor((inner * bytes) / 16) + ((inner * bytes) % 16) / bytes) * PER_ELEMENT;
  const shares = rowsToShare(nanoseconds, kernel);
  const each = shares === null ? outer : Math.ceil(outer / chunksFor(nanoseconds, outer));
  const [outAt, xAt, step] = [addressOfView(out), addressOfView(x), taps.size * inner * bytes];
  const parts = Array.from({ length: Math.ceil(outer / each) }, (_, i) => {
    const first = i * each;
    const [to, from] = [outAt + first * count * inner * bytes, xAt + first * step];
    return [to, from, Math.min(each, outer - first), count, inner, starts, offsets, weights, step];
  });
  launchParts(shares, parts, kernel);
  release(scratch);
}

/** Where the windows of one dimension begin, how many elements each has, and the step between those. */
export interface WindowLine {
  /** One entry an output; or that many for each of some planes, which the others repeat. */
  readonly starts: Int32Array;
  /** One entry an output. */
  readonly counts: Int32Array;
  readonly step: number;
}

const largest = new Map<string, KernelFunction>();

function largestKernel(compute: ComputeType, step: WindowStep): KernelFunction {
  const key = `${compute} ${step}`;
  let kernel = largest.get(key);
  if (kernel === undefined) {
    kernel = instantiate([maxWindowsFunction(compute, step)], heap.memory).maxWindows!;
    largest.set(key, kernel);
  }
  return kernel;
}

/** Writes a line of windows and returns how far they lie apart. */
function writeLine(address: number, { starts, counts }: WindowLine): number {
  const { i32 } = heap;
  const length = counts.length;
  const middle = length >> 1;
  const apart = middle > 0 ? starts[middle]! - starts[middle - 1]! : 1;
  let alike = 0;
  for (let i = starts.length - 1; i >= 0; i--) {
    const k = i % length;
    const follows = k + 1 < length && counts[k + 1] === counts[k] && starts[i + 1]! - starts[i]! === apart;
    alike = follows ? alike + 1 : 0;
    const at = address / 4 + 3 * i;
    i32[at] = starts[i]!;
    i32[at + 1] = counts[k]!;
    i32[at + 2] = alike >= 3 ? 1 : 0;
  }
  return apart;
}

/**
 * The largest element of each window and its place in its plane (int64): the first of equal ones; NaN wins. `input` is contiguous, [planes, D, H, W], and so
 * are the results; dtypes: those that are computed in themselves.
 */
export function maxWindows(values: View, indices: View, input: View, lines: readonly [WindowLine, WindowLine, WindowLine]): void {
  if (values.size === 0) return;
  const compute = computeTypeOf(values.type.name);
  const bytes = COMPUTE_BYTES[compute];
  invariant(values.type.itemsize === bytes && input.type === values.type, `maxWindows: dtype ${values.type.name}`);
  const [planes, depth, height, width] = input.shape as readonly [number, number, number, number];
  const [, depths, rows, columns] = values.shape as readonly [number, number, number, number];
  const sizes = lines.map(({ starts }) => starts.length * WINDOW_ENTRY);
  const scratch = allocate(sizes.reduce((sum, size) => sum + size, 0));
  beginLaunch();
  const zAt = addressOf(scratch);
  const [yAt, xAt] = [zAt + sizes[0]!, zAt + sizes[0]! + sizes[1]!];
  const [z, y, x] = lines;
  writeLine(zAt, z);
  writeLine(yAt, y);
  const apart = writeLine(xAt, x);
  const kernel = largestKernel(compute, apart === 1 || apart === 2 ? apart : 0);
  const own = lines.some(({ starts, counts }) => starts.length > counts.length);
  const [valuesAt, indicesAt, inputAt] = [addressOfView(values), addressOfView(indices), addressOfView(input)];
  const [elements, outputs] = [depth * height * width, depths * rows * columns];
  const nanoseconds = values.size * z.counts[0]! * y.counts[0]! * x.counts[0]! * PER_ELEMENT;
  /** The arguments for some planes. */
  const args = (first: number, count: number): number[] => {
    /** Where the entries of a plane begin in a table. */
    const entries = (at: number, length: number, { starts }: WindowLine): number => at + ((first * length) % starts.length) * WINDOW_ENTRY;
    return [
      valuesAt + first * outputs * bytes,
      indicesAt + first * outputs * 8,
      inputAt + first * elements * bytes,
      count,
      elements,
      depths,
      rows,
      columns,
      entries(zAt, depths, z),
      entries(yAt, rows, y),
      entries(xAt, columns, x),
      z.step,
      y.step,
      x.step,
      height * width,
      width,
      apart,
    ];
  };
  const shares = own ? null : rowsToShare(nanoseconds, kernel);
  const each = own ? 1 : shares === null ? planes : Math.ceil(planes / chunksFor(nanoseconds, planes));
  const parts = Array.from({ length: Math.ceil(planes / each) }, (_, i) => args(i * each, Math.min(each, planes - i * each)));
  launchParts(shares, parts, kernel);
  release(scratch);
}

const spreaders: Partial<Record<ComputeType, KernelFunction>> = {};

/** Adds the values of each plane at the places that the indices name, in planes of zeros; all are contiguous, [planes, …], and the indices lie inside. */
export function spreadMax(out: View, values: View, indices: View, planes: number): void {
  if (out.size === 0) return;
  const compute = computeTypeOf(out.type.name);
  invariant(out.type.itemsize === COMPUTE_BYTES[compute] && values.type === out.type, `spreadMax: dtype ${out.type.name}`);
  spreaders[compute] ??= instantiate([spreadMaxFunction(compute)], heap.memory).spreadMax!;
  const kernel = spreaders[compute];
  const bytes = out.type.itemsize;
  const [count, elements] = [values.size / planes, out.size / planes];
  const nanoseconds = (values.size + out.size / 8) * PER_ELEMENT;
  const shares = rowsToShare(nanoseconds, kernel);
  const each = shares === null ? planes : Math.ceil(planes / chunksFor(nanoseconds, planes));
  beginLaunch();
  const [outAt, valuesAt, indicesAt] = [addressOfView(out), addressOfView(values), addressOfView(indices)];
  const parts = Array.from({ length: Math.ceil(planes / each) }, (_, i) => {
    const first = i * each;
    const taken = Math.min(each, planes - first);
    return [outAt + first * elements * bytes, valuesAt + first * count * bytes, indicesAt + first * count * 8, taken, count, elements];
  });
  launchParts(shares, parts, kernel);
}

/** Launches of matrix products: batches, dtypes, what they are added to, and the choice between the ways to multiply. */
import { type DTypeInfo, FLOAT32, FLOAT64, INT32, INT64 } from '../../dtype/dtype.ts';
import { type ComputeType, computeTypeOf } from '../../kernel/element.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, allocatePermanent, beginLaunch, release, type Storage } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { axesOf } from './axes.ts';
import { copyConsecutively } from './copy.ts';
import { addressOfView } from './host.ts';
import { type BatchAxis, batchAxes, foldsRows, rowStride } from './matmul-batch.ts';
import { type MatmulKernels, matmulKernels } from './matmul-kernels.ts';
import {
  ADD,
  align,
  BLOCK_ROWS,
  columnsAtATime,
  columnsOf,
  depthOf,
  EDGE_BYTES,
  membersAtATime,
  multiplyAll,
  nanosecondsOf,
  type Path,
  type Problem,
  rowsAtATime,
  SET,
} from './matmul-run.ts';
import { rowsToShare } from './parallel.ts';

/** What decides between the ways to multiply. Measured; tests change it to try all of them on small matrices. */
export const matmulTuning = {
  /** Bytes of a from which on it is packed: where its rows are runs, and where they are not. */
  packedRuns: 1 << 20,
  packedTurned: 1 << 14,
  /** b is read where it is, if its rows are runs: up to this many values, and up to `streamedRows` rows of a. */
  directValues: 8192,
  streamedRows: 4,
  /** Rows of b are added to each other for up to so many rows, or steps of the inner dimension. */
  combinedRows: 2,
  combinedSteps: 4,
  /** A matrix is multiplied with at most this many vectors one by one, if both lie along the inner dimension. */
  dotVectors: 2,
};
/** Nanoseconds from which on a product may be shared with threads. */
const SHARED = 2e4;
/** Bytes of a that are multiplied with a panel of b in one go. */
const WHOLE = 1 << 19;
/** How far beyond the end of b whole vectors are read. */
const SLACK_BYTES = 64;

const COMPUTE_INFO: Record<ComputeType, DTypeInfo> = { f32: FLOAT32, f64: FLOAT64, i32: INT32, i64: INT64 };

const COMBINE: Path = { name: 'combine', rightBytes: 0, leftBytes: 0, slots: 1 };
const COMBINE_SHARED: Path = { ...COMBINE, slots: 2 };
const DIRECT: Path = { name: 'products', rightBytes: 0, leftBytes: 0, slots: 1 };

/** `readable`: whether b may be read a little beyond its end; `shared`: whether threads may help. */
function choosePath(problem: Problem, kernels: MatmulKernels, axes: readonly BatchAxis[], readable: boolean, shared: boolean): Path {
  const { m, n, k, acs, brs, bcs } = problem;
  const { bytes, columns, variant } = kernels;
  const tuning = matmulTuning;
  const thin = (name: 'dotColumns' | 'dotRows', rightBytes: number): Path => ({ name, rightBytes, leftBytes: 0, slots: shared ? 2 : 1 });
  if (n <= tuning.dotVectors && acs === bytes) return thin('dotColumns', brs === bytes ? 0 : n * k * bytes);
  if (m <= tuning.dotVectors && brs === bytes && bcs !== bytes) return thin('dotRows', acs === bytes ? 0 : m * k * bytes);
  const direct = bcs === bytes && readable && (m <= tuning.streamedRows || n * k <= tuning.directValues);
  if (bcs === bytes && axes.length === 0 && (m <= tuning.combinedRows || k <= tuning.combinedSteps))
    return shared ? COMBINE_SHARED : COMBINE;
  if (direct && (!shared || m <= tuning.streamedRows)) return DIRECT;
  const depth = depthOf(k);
  const widthMost = columnsOf(m);
  const packsLeft = m * k * bytes > (acs === bytes ? tuning.packedRuns : tuning.packedTurned);
  const single = direct || (!packsLeft && depth === k && n <= widthMost && m * k * bytes <= WHOLE);
  const whole = (width: number): number => depth * Math.ceil(width / columns) * columns * bytes;
  const right = whole(Math.min(n, widthMost));
  if (!shared)
    return {
      name: single ? 'products' : 'blocks',
      rightBytes: right,
      leftBytes: packsLeft ? depth * Math.min(m, BLOCK_ROWS) * bytes : 0,
      slots: 1,
    };
  if (single && axes.length > 0)
    return { name: 'products', rightBytes: direct ? 0 : right, leftBytes: 0, slots: membersAtATime(axes, true).chunks };
  if (m <= BLOCK_ROWS) {
    const chunk = columnsAtATime(n, columns);
    return { name: 'few', rightBytes: whole(chunk), leftBytes: 0, slots: Math.ceil(n / chunk) };
  }
  return {
    name: 'blocks',
    rightBytes: right,
    leftBytes: packsLeft && acs !== bytes ? depth * m * bytes : 0,
    slots: Math.ceil(m / rowsAtATime(m, variant.rows)),
  };
}

/** The bytes of scratch memory of a path. */
function scratchBytes({ name, rightBytes, leftBytes, slots }: Path): number {
  if (name === 'blocks') return slots * EDGE_BYTES + align(rightBytes) + leftBytes;
  return slots * (EDGE_BYTES + align(rightBytes));
}

/** A contiguous view of the values of `view`, in the memory at hand and of another dtype. */
function converted(view: View, type: DTypeInfo): View {
  const strides: number[] = [];
  let stride = 1;
  for (let dim = view.shape.length - 1; dim >= 0; dim--) {
    strides[dim] = stride;
    stride *= view.shape[dim]!;
  }
  return { storage: allocate(view.size * type.itemsize), offset: 0, shape: view.shape, strides, type, size: view.size, rowMajor: true };
}

/** A view with the strides that broadcast it to the shape of `out`. */
function broadcastTo(out: View, view: View): View {
  const missing = out.shape.length - view.shape.length;
  const strides = out.shape.map((_, dim) => (dim < missing || view.shape[dim - missing] === 1 ? 0 : view.strides[dim - missing]!));
  return { ...view, shape: out.shape, strides, size: out.size, rowMajor: false };
}

/**
 * Matrix product of real matrices: `[..., M, K] @ [..., K, N]` into the contiguous `out`. Batch dims are broadcast; operands may have any strides.
 * It is added to `start`, which is broadcast to `out`, or may be `out`. Integers wrap, so they are exact. The half types and small integers are multiplied as float32 and int32.
 */
export function matmulReal(out: View, a: View, b: View, start: View | null = null): void {
  if (out.size === 0) return;
  const compute = computeTypeOf(out.type.name);
  const type = COMPUTE_INFO[compute];
  if (a.type === type && b.type === type && out.type === type && (start === null || start.type === type)) {
    launch(out, a, b, start, compute);
    return;
  }
  const left = a.type === type ? a : converted(a, type);
  const right = b.type === type ? b : converted(b, type);
  const result = out.type === type ? out : converted(out, type);
  beginLaunch();
  if (left !== a) convert(left, a);
  if (right !== b) convert(right, b);
  if (start !== null && start !== result) convert(result, broadcastTo(result, start));
  launch(result, left, right, start === null ? null : result, compute);
  beginLaunch();
  if (result !== out) convert(out, result);
  for (const [view, original] of [
    [left, a],
    [right, b],
    [result, out],
  ] as const)
    if (view !== original) release(view.storage);
}

/** Copies the values of a view to a contiguous one. */
function convert(target: View, source: View): void {
  copyConsecutively(addressOfView(target), target.type.name, addressOfView(source), source.type.name, axesOf(source));
}

/** The room at an edge of products that pack nothing. */
let edge: Storage | null = null;

const NO_AXES: readonly BatchAxis[] = [];

/** The row that is added to each row of the product, if it is one; anything else is written to the result first, so that the product is added to that. */
function rowToAdd(out: View, added: View | null): View | null {
  if (added === null || added === out) return null;
  const start = broadcastTo(out, added);
  const last = out.shape.length - 1;
  if (out.shape[last]! > 1 && start.strides.every((stride, dim) => stride === (dim === last ? 1 : 0))) return start;
  beginLaunch();
  convert(out, start);
  return null;
}

function launch(out: View, a: View, b: View, added: View | null, compute: ComputeType): void {
  const kernels = matmulKernels(compute);
  const { bytes } = kernels;
  const dims = out.shape.length;
  const [aDims, bDims] = [a.shape.length, b.shape.length];
  const k = a.shape[aDims - 1]!;
  const n = out.shape[dims - 1]!;
  let m = out.shape[dims - 2]!;
  const start = rowToAdd(out, added);
  let ars = a.strides[aDims - 2]! * bytes;
  let acs = a.strides[aDims - 1]! * bytes;
  let brs = b.strides[bDims - 2]! * bytes;
  let bcs = b.strides[bDims - 1]! * bytes;
  let axes = NO_AXES;
  if (dims > 2) {
    if (foldsRows(a, b, out.shape)) {
      m = out.size / n;
      ars = rowStride(a) * bytes;
    } else axes = batchAxes(out.shape, a, b, bytes);
  }
  // The stride of an axis of one element is free: choose the one that makes runs.
  if (m === 1) ars = k * acs;
  if (n === 1) bcs = brs === bytes ? k * bytes : bytes;
  if (k === 1) {
    if (acs !== bytes) acs = bytes;
    if (bcs !== bytes) brs = bytes;
  }
  // A column is the row of the product of the transposes.
  const swap = n === 1 && acs !== bytes && ars === bytes && m > 1;
  const [left, right] = swap ? [b, a] : [a, b];
  const problem: Problem = swap ? { m: 1, n: m, k, ars: bcs, acs: brs, brs: acs, bcs: ars } : { m, n, k, ars, acs, brs, bcs };
  const readable = addressOf(right.storage) + right.storage.byteLength + SLACK_BYTES <= heap.u8.byteLength;
  const nanoseconds = (out.size / (m * n)) * nanosecondsOf(problem, kernels);
  const shared = nanoseconds >= SHARED && rowsToShare(nanoseconds, kernels.multiply) !== null;
  const path = choosePath(problem, kernels, axes, readable, shared);
  // Nothing is allocated where b is read beyond its end, so that it stays where it was found to lie.
  edge ??= allocatePermanent(EDGE_BYTES);
  const scratch = path.slots === 1 && path.rightBytes === 0 ? edge : allocate(scratchBytes(path));
  beginLaunch();
  const at = {
    a: addressOfView(left),
    b: addressOfView(right),
    c: addressOfView(out),
    origin: added === null ? SET : start === null ? ADD : addressOfView(start),
    scratch: addressOf(scratch),
  };
  if (k > 0) multiplyAll(kernels, problem, path, swap ? axes.map(turned) : axes, at);
  else if (added === null) heap.u8.fill(0, at.c, at.c + out.size * bytes);
  else if (start !== null) convert(out, start);
  if (scratch !== edge) release(scratch);
}

function turned(axis: BatchAxis): BatchAxis {
  return { ...axis, a: axis.b, b: axis.a };
}

/** Launches of matrix products: batches, dtypes, what they are added to, and the choice between the ways to multiply. */
import { type DTypeInfo, FLOAT32, FLOAT64, INT32, INT64 } from '../../dtype/dtype.ts';
import { type ComputeType, computeTypeOf } from '../../kernel/element.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, allocatePermanent, beginLaunch, release, type Storage, unpin } from '../../runtime/storage.ts';
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
  blocksOf,
  columnsOf,
  completing,
  depthOf,
  EDGE_BYTES,
  membersAtATime,
  multiplyAll,
  nanosecondsOf,
  type Path,
  type Problem,
  SET,
  WHOLE,
} from './matmul-run.ts';
import { rowsToShare } from './parallel.ts';

/** What decides between the ways to multiply. Measured; tests change it to try all of them on small matrices. */
export const matmulTuning = {
  /** Bytes of a from which on it is packed: where its rows are runs, and where they are not. */
  packedRuns: 1 << 20,
  packedTurned: 1 << 17,
  /** b is read where it is, if its rows are runs: up to this many values, for up to `streamedRows` rows of a, and for some more where so many products are to be added. */
  directValues: 8192,
  streamedRows: 4,
  directRows: 64,
  directProducts: 2 ** 25,
  /** Rows of b are added to each other for up to so many rows, or steps of the inner dimension. */
  combinedRows: 2,
  combinedSteps: 4,
  /** A matrix is multiplied with at most this many vectors one by one, if both lie along the inner dimension. */
  dotVectors: 2,
  /** The same for up to this many, where tiles would compute many columns more than there are. */
  dottedColumns: 16,
};
/** Nanoseconds from which on a product may be shared with threads. */
const SHARED = 2e4;
/** How far beyond the end of b whole vectors are read. */
const SLACK_BYTES = 64;

const COMPUTE_INFO: Record<ComputeType, DTypeInfo> = { f32: FLOAT32, f64: FLOAT64, i32: INT32, i64: INT64 };

function pathOf(name: Path['name'], rightBytes = 0, leftBytes = 0, slots = 1): Path {
  return { name, rightBytes, leftBytes, slots };
}

/** `readable`: whether b may be read a little beyond its end; `shared`: whether threads may help. */
function choosePath(problem: Problem, kernels: MatmulKernels, axes: readonly BatchAxis[], readable: boolean, shared: boolean): Path {
  const { m, n, k, acs, brs, bcs } = problem;
  const { bytes, columns } = kernels;
  const tuning = matmulTuning;
  if (n <= tuning.dotVectors && acs === bytes) return pathOf('dotColumns', brs === bytes ? 0 : n * k * bytes);
  const inRuns = bcs === bytes;
  if (m <= tuning.dotVectors && brs === bytes && !inRuns) return pathOf('dotRows', acs === bytes ? 0 : m * k * bytes);
  const batched = axes.length > 0;
  // A few columns that lie along the inner dimension, as of the last layer of a classifier, where tiles would compute more of them than there are.
  const cost = kernels.level === 'wide' ? 2.2 : 1.2;
  if (acs === bytes && brs === bytes && !batched && n <= tuning.dottedColumns && n * cost < Math.ceil(n / columns) * columns)
    if (nanosecondsOf(problem, kernels) < SHARED) return pathOf('dotColumns');
  if (inRuns && !batched && (m <= tuning.combinedRows || k <= tuning.combinedSteps)) return pathOf('combine');
  const isShort = m <= tuning.directRows && m * n * k <= tuning.directProducts;
  const direct = inRuns && readable && (m <= tuning.streamedRows || isShort || n * k <= tuning.directValues);
  // What is done with blocks that are complete needs blocks.
  const cut = shared || completing.run !== null;
  if (direct && (!cut || m <= tuning.streamedRows)) return pathOf('products');
  const depth = depthOf(k);
  const widthMost = columnsOf(m, shared);
  const leftBytes = m * k * bytes;
  const packsLeft = leftBytes > (acs === bytes ? tuning.packedRuns : tuning.packedTurned);
  const single = direct || (!packsLeft && depth === k && n <= widthMost && leftBytes <= WHOLE);
  const width = Math.min(n, widthMost);
  const rightBytes = depth * Math.ceil(width / columns) * columns * bytes;
  if (single && (batched || !cut)) return pathOf('products', direct ? 0 : rightBytes, 0, cut ? membersAtATime(axes, true).chunks : 1);
  if (!shared) return pathOf('blocks', rightBytes, packsLeft ? depth * Math.min(m, BLOCK_ROWS) * bytes : 0);
  return pathOf('blocks', rightBytes, packsLeft && acs !== bytes && m > BLOCK_ROWS ? depth * m * bytes : 0, blocksOf(m, kernels));
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

/** The scratch memory of products. It is kept, so that it is in the cache for the next one, and a step that allocates nothing else allocates nothing. */
let room: Storage | null = null;
/** More is given back. */
const MOST_ROOM = 1 << 22;

function roomFor(bytes: number): Storage {
  if (room !== null && bytes <= room.byteLength) return room;
  if (bytes > MOST_ROOM) return allocate(bytes);
  if (room !== null) {
    unpin(room);
    release(room);
  }
  room = allocatePermanent(2 ** Math.ceil(Math.log2(bytes)));
  return room;
}

const NO_AXES: readonly BatchAxis[] = [];

/**
 * The row that is added to each row of the product, if it is one; anything else is written to the result first, so that the product is added to that. `runs`: whether rows of a are runs, so
 * that a column is not turned into a row.
 */
function rowToAdd(out: View, added: View | null, runs: boolean): View | null {
  if (added === null || added === out) return null;
  if (isRow(added, out.shape[out.shape.length - 1]!, runs)) return added;
  beginLaunch();
  convert(out, broadcastTo(out, added));
  return null;
}

function isRow(added: View, columns: number, runs: boolean): boolean {
  if (columns === 1) return runs && added.size === 1;
  const last = added.shape.length - 1;
  if (last < 0 || added.shape[last] !== columns || added.strides[last] !== 1) return false;
  for (let dim = 0; dim < last; dim++) if (added.shape[dim] !== 1 && added.strides[dim] !== 0) return false;
  return true;
}

function launch(out: View, a: View, b: View, added: View | null, compute: ComputeType): void {
  const kernels = matmulKernels(compute);
  const { bytes } = kernels;
  const dims = out.shape.length;
  const [aDims, bDims] = [a.shape.length, b.shape.length];
  const k = a.shape[aDims - 1]!;
  const n = out.shape[dims - 1]!;
  let m = out.shape[dims - 2]!;
  const start = rowToAdd(out, added, a.strides[aDims - 1] === 1);
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
  const scratch = roomFor(path.slots * EDGE_BYTES + (path.name === 'blocks' ? 1 : path.slots) * align(path.rightBytes) + path.leftBytes);
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
  else if (start !== null) convert(out, broadcastTo(out, start));
  if (scratch !== room) release(scratch);
}

function turned(axis: BatchAxis): BatchAxis {
  return { ...axis, a: axis.b, b: axis.a };
}

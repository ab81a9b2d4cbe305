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

/** Steps of the inner dimension that are multiplied at a time: a panel of b stays in the first-level cache. */
const DEPTH = 512;
/** Rows of a that are multiplied at a time: they stay in the second-level cache, and are whole tiles of 4 or 6 rows. */
const BLOCK_ROWS = 60;
/** Columns of b that are packed at a time: many, and few where one block of a multiplies them all. */
const BLOCK_COLUMNS = 1024;
const FEW_COLUMNS = 128;
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
/** Room for the largest tile at an edge. */
const EDGE_BYTES = 384;
/** How far beyond the end of b whole vectors are read. */
const SLACK_BYTES = 64;

const COMPUTE_INFO: Record<ComputeType, DTypeInfo> = { f32: FLOAT32, f64: FLOAT64, i32: INT32, i64: INT64 };

/** What a product is added to, if not to a row elsewhere: c itself, or nothing. */
const ADD = 0;
const SET = 1;

/** One product of two matrices: m × k by k × n. Strides are in bytes: of rows (r) and columns (c) of a and b. */
interface Problem {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly ars: number;
  readonly acs: number;
  readonly brs: number;
  readonly bcs: number;
}

/** How a product runs, and the scratch memory it needs for that, beside the edge: for what is packed of b (or vectors), and of a. */
interface Path {
  readonly name: 'dotColumns' | 'dotRows' | 'combine' | 'products' | 'blocks';
  readonly rightBytes: number;
  readonly leftBytes: number;
}

const COMBINE: Path = { name: 'combine', rightBytes: 0, leftBytes: 0 };
const DIRECT: Path = { name: 'products', rightBytes: 0, leftBytes: 0 };

/** `readable`: whether b may be read a little beyond its end. */
function choosePath({ m, n, k, acs, brs, bcs }: Problem, { bytes, columns }: MatmulKernels, batched: boolean, readable: boolean): Path {
  const tuning = matmulTuning;
  if (n <= tuning.dotVectors && acs === bytes) return { name: 'dotColumns', rightBytes: brs === bytes ? 0 : n * k * bytes, leftBytes: 0 };
  if (m <= tuning.dotVectors && brs === bytes && bcs !== bytes)
    return { name: 'dotRows', rightBytes: acs === bytes ? 0 : m * k * bytes, leftBytes: 0 };
  if (bcs === bytes) {
    if (!batched && (m <= tuning.combinedRows || k <= tuning.combinedSteps)) return COMBINE;
    if (readable && (m <= tuning.streamedRows || n * k <= tuning.directValues)) return DIRECT;
  }
  const depth = depthOf(k);
  const width = Math.ceil(Math.min(n, columnsOf(m)) / columns) * columns;
  const packsLeft = m * k * bytes > (acs === bytes ? tuning.packedRuns : tuning.packedTurned);
  const single = !packsLeft && depth === k && n <= columnsOf(m);
  return {
    name: single ? 'products' : 'blocks',
    rightBytes: depth * width * bytes,
    leftBytes: packsLeft ? depth * Math.min(m, BLOCK_ROWS) * bytes : 0,
  };
}

function columnsOf(m: number): number {
  return m <= BLOCK_ROWS ? FEW_COLUMNS : BLOCK_COLUMNS;
}

/** Equal parts of the inner dimension, of whole vectors. */
function depthOf(k: number): number {
  return k <= DEPTH ? k : (Math.ceil(k / Math.ceil(k / DEPTH)) + 7) & -8;
}

function align(bytes: number): number {
  return (bytes + 63) & -64;
}

/** Multiplies the matrices at the addresses a and b; the result at c is contiguous. */
function multiply(kernels: MatmulKernels, problem: Problem, path: Path, at: Addresses): void {
  const { m, n, k, ars, acs, brs, bcs } = problem;
  const { a, b, c, origin } = at;
  const { bytes } = kernels;
  const right = at.scratch + EDGE_BYTES;
  const type = bytes === 4 ? 'int32' : 'int64';
  const rowBytes = n * bytes;
  const from = origin === ADD ? c : origin === SET ? 0 : origin;
  const fromRow = origin === ADD ? rowBytes : 0;
  switch (path.name) {
    case 'dotColumns':
      if (brs !== bytes)
        copyConsecutively(right, type, b, type, [
          { size: n, stride: bcs },
          { size: k, stride: brs },
        ]);
      if (brs === bytes) kernels.dots(m, k, a, ars, b, c, rowBytes, n, bcs, bytes, from, fromRow, bytes);
      else kernels.dots(m, k, a, ars, right, c, rowBytes, n, k * bytes, bytes, from, fromRow, bytes);
      return;
    case 'dotRows':
      if (acs !== bytes)
        copyConsecutively(right, type, a, type, [
          { size: m, stride: ars },
          { size: k, stride: acs },
        ]);
      if (acs === bytes) kernels.dots(n, k, b, bcs, a, c, bytes, m, ars, rowBytes, from, bytes, fromRow);
      else kernels.dots(n, k, b, bcs, right, c, bytes, m, k * bytes, rowBytes, from, bytes, fromRow);
      return;
    case 'combine':
      kernels.combine(m, n, k, a, ars, acs, b, brs, c, rowBytes, from, fromRow);
      return;
    default:
      multiplyBlocks(kernels, problem, path, at);
  }
}

function multiplyBlocks(kernels: MatmulKernels, problem: Problem, path: Path, { a, b, c, origin, scratch }: Addresses): void {
  const { m, n, k, ars, acs, brs, bcs } = problem;
  const { bytes, columns } = kernels;
  const right = scratch + EDGE_BYTES;
  const left = right + align(path.rightBytes);
  const rowBytes = n * bytes;
  const brsPacked = columns * bytes;
  const depthMost = depthOf(k);
  const widthMost = columnsOf(m);
  for (let column = 0; column < n; column += widthMost) {
    const width = Math.min(widthMost, n - column);
    for (let step = 0; step < k; step += depthMost) {
      const depth = Math.min(depthMost, k - step);
      const from = step > 0 ? ADD : origin === SET ? SET : origin === ADD ? ADD : origin + column * bytes;
      const panelBytes = depth * brsPacked;
      kernels.packRight(right, b + step * brs + column * bcs, width, depth, bcs, brs);
      for (let row = 0; row < m; row += BLOCK_ROWS) {
        const height = Math.min(BLOCK_ROWS, m - row);
        const target = c + row * rowBytes + column * bytes;
        const source = a + row * ars + step * acs;
        if (path.leftBytes === 0)
          kernels.multiply(height, width, depth, source, right, brsPacked, panelBytes, target, rowBytes, scratch, from, ars, acs);
        else {
          kernels.packLeft(left, source, height, depth, ars, acs);
          kernels.multiplyPacked(height, width, depth, left, right, brsPacked, panelBytes, target, rowBytes, scratch, from);
        }
      }
    }
  }
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

/** Where the operands of a launch lie. */
interface Addresses {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** ADD, SET, or the address of the row that each row is added to. */
  readonly origin: number;
  readonly scratch: number;
}

/** The room at an edge of products that pack nothing. */
let edge: Storage | null = null;

const NO_AXES: readonly BatchAxis[] = [];
const ONE_MEMBER: BatchAxis = { count: 1, a: 0, b: 0, c: 0 };

/** Runs the products of a batch, the innermost dimension in one call where it can. */
function multiplyAll(kernels: MatmulKernels, problem: Problem, path: Path, axes: readonly BatchAxis[], at: Addresses): void {
  const visit = (depth: number, a: number, b: number, c: number): void => {
    if (depth === 0 && path.name === 'products') {
      const { count, a: as, b: bs, c: cs } = axes[0] ?? ONE_MEMBER;
      const { m, n, k, ars, acs, brs, bcs } = problem;
      const panels = path.rightBytes === 0 ? 0 : at.scratch + EDGE_BYTES;
      kernels.products(count, as, bs, cs, m, n, k, a, ars, acs, b, brs, bcs, c, panels, at.scratch, at.origin);
      return;
    }
    const axis = axes[depth];
    if (axis === undefined) multiply(kernels, problem, path, { ...at, a, b, c });
    else for (let i = 0; i < axis.count; i++) visit(depth - 1, a + i * axis.a, b + i * axis.b, c + i * axis.c);
  };
  visit(Math.max(axes.length - 1, 0), at.a, at.b, at.c);
}

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
  const path = choosePath(problem, kernels, axes.length > 0, readable);
  const packed = path.rightBytes + path.leftBytes;
  // Nothing is allocated where b is read beyond its end, so that it stays where it was found to lie.
  edge ??= allocatePermanent(EDGE_BYTES);
  const scratch = packed === 0 ? edge : allocate(EDGE_BYTES + align(path.rightBytes) + path.leftBytes);
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

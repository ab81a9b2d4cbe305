/** Launches of matrix products: batches, dtypes and the choice between the direct path, dot products and packed blocks. */
import { type DTypeInfo, FLOAT32, FLOAT64, INT32, INT64 } from '../../dtype/dtype.ts';
import { type ComputeType, computeTypeOf } from '../../kernel/element.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release, type Storage } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { axesOf } from './axes.ts';
import { copyConsecutively } from './copy.ts';
import { type MatmulKernels, matmulKernels } from './matmul-kernels.ts';

/** Steps of the inner dimension that are multiplied at a time: a panel of b stays in the first-level cache. */
const DEPTH = 256;
/** Rows of a that are packed at a time: they stay in the second-level cache, and are whole tiles of 4 or 6 rows. */
const BLOCK_ROWS = 120;
/** Columns of b that are packed at a time. */
const BLOCK_COLUMNS = 1024;
/** What decides between the ways to multiply. Measured; tests change it to try all of them on small matrices. */
export const matmulTuning = {
  /** a is packed for more rows than this and at least `packedColumns` columns. */
  directRows: 32,
  packedColumns: 32,
  /** b is read where it is up to this many values, or up to `streamedRows` rows of a, if its rows are runs. */
  directValues: 16384,
  streamedRows: 4,
  /** A matrix is multiplied with at most this many vectors one by one, if both lie along the inner dimension. */
  dotVectors: 2,
};
/** Room for the largest tile at an edge. */
const EDGE_BYTES = 384;

const COMPUTE_INFO: Record<ComputeType, DTypeInfo> = { f32: FLOAT32, f64: FLOAT64, i32: INT32, i64: INT64 };

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

/** How a product runs, and the scratch memory it needs for that. */
interface Path {
  readonly name: 'dotColumns' | 'dotRows' | 'direct' | 'blocks';
  readonly packsLeft: boolean;
  /** Bytes for the packed block or edge of b (or a vector), and for the packed block of a. */
  readonly rightBytes: number;
  readonly leftBytes: number;
}

const NO_SCRATCH: Path = { name: 'direct', packsLeft: false, rightBytes: 0, leftBytes: 0 };

function choosePath({ m, n, k, acs, brs, bcs }: Problem, { bytes, columns }: MatmulKernels): Path {
  const tuning = matmulTuning;
  if (n <= tuning.dotVectors && acs === bytes)
    return { name: 'dotColumns', packsLeft: false, rightBytes: brs === bytes ? 0 : k * bytes, leftBytes: 0 };
  if (m <= tuning.dotVectors && brs === bytes && bcs !== bytes) {
    return { name: 'dotRows', packsLeft: false, rightBytes: acs === bytes ? 0 : k * bytes, leftBytes: 0 };
  }
  if (
    bcs === bytes &&
    (m <= tuning.streamedRows || (n * k <= tuning.directValues && (m <= tuning.directRows || n < tuning.packedColumns)))
  ) {
    if (n % columns === 0) return NO_SCRATCH;
    return { name: 'direct', packsLeft: false, rightBytes: k * columns * bytes, leftBytes: 0 };
  }
  const depth = Math.min(k, DEPTH);
  const packsLeft = m > tuning.directRows && n >= tuning.packedColumns;
  const width = Math.ceil(Math.min(n, BLOCK_COLUMNS) / columns) * columns;
  return {
    name: 'blocks',
    packsLeft,
    rightBytes: depth * width * bytes,
    leftBytes: packsLeft ? depth * Math.min(m, BLOCK_ROWS) * bytes : 0,
  };
}

function align(bytes: number): number {
  return (bytes + 63) & -64;
}

/** The bytes of scratch memory of a path: edge tile, then b, then a. */
function scratchBytes(path: Path): number {
  return path === NO_SCRATCH ? 0 : EDGE_BYTES + align(path.rightBytes) + path.leftBytes;
}

/** Multiplies the matrices at the addresses a and b; the result at c is contiguous. */
function multiply(
  kernels: MatmulKernels,
  problem: Problem,
  path: Path,
  compute: ComputeType,
  a: number,
  b: number,
  c: number,
  scratch: number,
): void {
  const { m, n, k, ars, acs, brs, bcs } = problem;
  const { bytes, columns } = kernels;
  const right = scratch + EDGE_BYTES;
  const type = COMPUTE_INFO[compute].name;
  switch (path.name) {
    case 'dotColumns':
      for (let j = 0; j < n; j++) {
        const vector = brs === bytes ? b + j * bcs : right;
        if (brs !== bytes) copyConsecutively(right, type, b + j * bcs, type, [{ size: k, stride: brs }]);
        kernels.dots(m, k, a, ars, vector, c + j * bytes, n * bytes);
      }
      return;
    case 'dotRows':
      for (let i = 0; i < m; i++) {
        const vector = acs === bytes ? a + i * ars : right;
        if (acs !== bytes) copyConsecutively(right, type, a + i * ars, type, [{ size: k, stride: acs }]);
        kernels.dots(n, k, b, bcs, vector, c + i * n * bytes, bytes);
      }
      return;
    case 'direct': {
      const edge = n % columns;
      const whole = n - edge;
      if (whole > 0) kernels.multiply(m, whole, k, a, b, brs, columns * bytes, c, n * bytes, scratch, 1, ars, acs);
      if (edge === 0) return;
      kernels.packRight(right, b + whole * bytes, edge, k, bytes, brs);
      kernels.multiply(m, edge, k, a, right, columns * bytes, 0, c + whole * bytes, n * bytes, scratch, whole > 0 ? 0 : 1, ars, acs);
      return;
    }
    case 'blocks':
      multiplyBlocks(kernels, problem, path, a, b, c, scratch);
  }
}

function multiplyBlocks(kernels: MatmulKernels, problem: Problem, path: Path, a: number, b: number, c: number, scratch: number): void {
  const { m, n, k, ars, acs, brs, bcs } = problem;
  const { bytes, columns } = kernels;
  const right = scratch + EDGE_BYTES;
  const left = right + align(path.rightBytes);
  const rowBytes = n * bytes;
  const brsPacked = columns * bytes;
  let clear = n <= BLOCK_COLUMNS ? 1 : 0;
  if (clear === 0) heap.u8.fill(0, c, c + m * rowBytes);
  for (let column = 0; column < n; column += BLOCK_COLUMNS) {
    const width = Math.min(BLOCK_COLUMNS, n - column);
    for (let step = 0; step < k; step += DEPTH) {
      const depth = Math.min(DEPTH, k - step);
      kernels.packRight(right, b + step * brs + column * bcs, width, depth, bcs, brs);
      const panelBytes = depth * brsPacked;
      const target = c + column * bytes;
      if (!path.packsLeft)
        kernels.multiply(m, width, depth, a + step * acs, right, brsPacked, panelBytes, target, rowBytes, scratch, clear, ars, acs);
      else {
        for (let row = 0; row < m; row += BLOCK_ROWS) {
          const height = Math.min(BLOCK_ROWS, m - row);
          kernels.packLeft(left, a + row * ars + step * acs, height, depth, ars, acs);
          kernels.multiplyPacked(
            height,
            width,
            depth,
            left,
            right,
            brsPacked,
            panelBytes,
            target + row * rowBytes,
            rowBytes,
            scratch,
            clear,
          );
        }
      }
      clear = 0;
    }
  }
}

/** A batch of products: the offsets in bytes of its members, in the order of the output. */
interface Batch {
  readonly count: number;
  readonly aOffsets: readonly number[];
  readonly bOffsets: readonly number[];
}

const SINGLE_PRODUCT: Batch = { count: 1, aOffsets: [0], bOffsets: [0] };

/** The offsets in bytes of the matrices of `view` when its batch dims are broadcast to those of `shape`. */
function batchOffsets(view: View, shape: readonly number[], bytes: number): number[] {
  const missing = shape.length - view.shape.length;
  let offsets = [0];
  for (let dim = 0; dim < shape.length - 2; dim++) {
    const own = dim - missing;
    const stride = own < 0 || view.shape[own] === 1 ? 0 : view.strides[own]! * bytes;
    const size = shape[dim]!;
    offsets = offsets.flatMap((offset) => Array.from({ length: size }, (_, i) => offset + i * stride));
  }
  return offsets;
}

/** Whether the matrix on the right is the same for the whole batch, and the rows of the left ones follow each other in one stride: then it is one product. */
function foldsRows(a: View, b: View, shape: readonly number[]): boolean {
  if (a.shape.length !== shape.length) return false;
  for (let dim = 0; dim < b.shape.length - 2; dim++) if (b.shape[dim] !== 1 && b.strides[dim] !== 0) return false;
  let stride = 0;
  let size = 1;
  for (let dim = shape.length - 2; dim >= 0; dim--) {
    const extent = a.shape[dim]!;
    if (extent !== shape[dim]) return false;
    if (extent === 1) continue;
    if (size > 1 && a.strides[dim] !== stride * size) return false;
    if (size === 1) stride = a.strides[dim]!;
    size *= extent;
  }
  return true;
}

/** The stride of the rows that `foldsRows` found to be one run. */
function rowStride(a: View): number {
  for (let dim = a.shape.length - 2; dim >= 0; dim--) if (a.shape[dim] !== 1) return a.strides[dim]!;
  return 0;
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

/**
 * Matrix product of real matrices: `[..., M, K] @ [..., K, N]` into the contiguous `out`. Batch dims are broadcast; operands may have any strides.
 * Integers wrap, so they are exact. The half types and small integers are multiplied as float32 and int32.
 */
export function matmulReal(out: View, a: View, b: View): void {
  if (out.size === 0) return;
  const compute = computeTypeOf(out.type.name);
  const type = COMPUTE_INFO[compute];
  if (a.type === type && b.type === type && out.type === type) {
    launch(out, a, b, compute);
    return;
  }
  const left = a.type === type ? a : converted(a, type);
  const right = b.type === type ? b : converted(b, type);
  const result = out.type === type ? out : converted(out, type);
  beginLaunch();
  if (left !== a) convert(left, a);
  if (right !== b) convert(right, b);
  launch(result, left, right, compute);
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
  const to = addressOf(target.storage) + target.offset * target.type.itemsize;
  copyConsecutively(
    to,
    target.type.name,
    addressOf(source.storage) + source.offset * source.type.itemsize,
    source.type.name,
    axesOf(source),
  );
}

function launch(out: View, a: View, b: View, compute: ComputeType): void {
  const kernels = matmulKernels(compute);
  const { bytes } = kernels;
  const dims = out.shape.length;
  const [aDims, bDims] = [a.shape.length, b.shape.length];
  const k = a.shape[aDims - 1]!;
  const n = out.shape[dims - 1]!;
  let m = out.shape[dims - 2]!;
  let ars = a.strides[aDims - 2]! * bytes;
  let acs = a.strides[aDims - 1]! * bytes;
  let brs = b.strides[bDims - 2]! * bytes;
  let bcs = b.strides[bDims - 1]! * bytes;
  let batch = SINGLE_PRODUCT;
  if (dims > 2) {
    if (foldsRows(a, b, out.shape)) {
      m = out.size / n;
      ars = rowStride(a) * bytes;
    } else batch = { count: out.size / (m * n), aOffsets: batchOffsets(a, out.shape, bytes), bOffsets: batchOffsets(b, out.shape, bytes) };
  }
  // The stride of an axis of one element is free: choose the one that makes runs.
  if (m === 1) ars = k * acs;
  if (n === 1) bcs = brs === bytes ? k * bytes : bytes;
  if (k === 1) {
    if (acs !== bytes) acs = bytes;
    if (bcs !== bytes) brs = bytes;
  }
  const swap = n === 1 && acs !== bytes && ars === bytes && m > 1;
  const problem = swap ? { m: 1, n: m, k, ars: bcs, acs: brs, brs: acs, bcs: ars } : { m, n, k, ars, acs, brs, bcs };
  const path = choosePath(problem, kernels);
  const needed = scratchBytes(path);
  const scratch: Storage | null = needed > 0 ? allocate(needed) : null;
  beginLaunch();
  const aAddress = addressOf(a.storage) + a.offset * bytes;
  const bAddress = addressOf(b.storage) + b.offset * bytes;
  const cAddress = addressOf(out.storage) + out.offset * bytes;
  if (k === 0) {
    heap.u8.fill(0, cAddress, cAddress + out.size * bytes);
  } else {
    const scratchAddress = scratch === null ? 0 : addressOf(scratch);
    for (let i = 0; i < batch.count; i++) {
      const aMember = aAddress + batch.aOffsets[i]!;
      const bMember = bAddress + batch.bOffsets[i]!;
      const cMember = cAddress + i * m * n * bytes;
      if (swap) multiply(kernels, problem, path, compute, bMember, aMember, cMember, scratchAddress);
      else multiply(kernels, problem, path, compute, aMember, bMember, cMember, scratchAddress);
    }
  }
  if (scratch !== null) release(scratch);
}

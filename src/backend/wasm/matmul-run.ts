/** How matrix products run, alone or shared with threads: in which blocks, and what a thread takes at a time. Results do not depend on the cut, to the last bit. */
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { copyConsecutively } from './copy.ts';
import type { BatchAxis } from './matmul-batch.ts';
import type { MatmulKernels } from './matmul-kernels.ts';
import { rowsToShare, runRows } from './parallel.ts';

/** Steps of the inner dimension that are multiplied at a time: a panel of b stays in the first-level cache. */
export const DEPTH = 512;
/** Rows of a that are multiplied at a time: they stay in the second-level cache, and are whole tiles of 4 or 6 rows. */
export const BLOCK_ROWS = 60;
/** Bytes of a that are multiplied with a panel of b in one go. */
export const WHOLE = 1 << 19;
/** Columns of b that are packed at a time: many, and few where one block of a multiplies them all. */
const BLOCK_COLUMNS = 1024;
const FEW_COLUMNS = 128;
/** Room for the largest tile at an edge. */
export const EDGE_BYTES = 384;
/** Into how many chunks threads cut what they share, about, and at most. */
const CHUNKS = 12;
export const MOST_CHUNKS = 192;
/** Bytes that are packed in a nanosecond. */
const PACKING = 20;

/** What a product is added to, if not to a row elsewhere: c itself, or nothing. */
export const ADD = 0;
export const SET = 1;

/** One product of two matrices: m × k by k × n. Strides are in bytes: of rows (r) and columns (c) of a and b. */
export interface Problem {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly ars: number;
  readonly acs: number;
  readonly brs: number;
  readonly bcs: number;
}

/** How a product runs, and the scratch memory it needs for that, beside the edge: for what is packed of b (or vectors), and of a. */
export interface Path {
  readonly name: 'dotColumns' | 'dotRows' | 'combine' | 'products' | 'blocks';
  readonly rightBytes: number;
  readonly leftBytes: number;
  /** How many chunks are cut, if threads share it: each has an edge of its own, and each of `products` packs for itself. */
  readonly slots: number;
}

/** Where the operands of a launch lie. */
export interface Addresses {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** ADD, SET, or the address of the row that each row is added to. */
  readonly origin: number;
  readonly scratch: number;
}

export function align(bytes: number): number {
  return (bytes + 63) & -64;
}

/** Columns of b that are packed at a time, for so many rows of a. */
export function columnsOf(m: number, shared: boolean): number {
  return m <= BLOCK_ROWS && !shared ? FEW_COLUMNS : BLOCK_COLUMNS;
}

/** Equal parts of the inner dimension, of whole vectors. */
export function depthOf(k: number): number {
  return k <= DEPTH ? k : (Math.ceil(k / Math.ceil(k / DEPTH)) + 7) & -8;
}

/** How long a product takes alone, in nanoseconds. */
export function nanosecondsOf({ m, n, k }: Problem, { bytes, level }: MatmulKernels): number {
  return (m * n * k * bytes) / (level === 'wide' ? 200 : 100);
}

/** Rows and columns that a thread takes at a time: of few rows some columns, else two tiles of rows at least, since it reads all of b for them. */
function blockOf(m: number, n: number, { columns, variant: { rows } }: MatmulKernels): readonly [rows: number, columns: number] {
  if (m <= BLOCK_ROWS) return [m, columns * Math.ceil(n / columns / CHUNKS)];
  const tiles = m / rows;
  return [rows * Math.max(2, Math.min(Math.floor(tiles / CHUNKS), BLOCK_ROWS / rows), Math.ceil(tiles / MOST_CHUNKS)), n];
}

/** Into how many blocks threads cut the multiplication of one packed block of b, at most. */
export function blocksOf(m: number, kernels: MatmulKernels): number {
  return m <= BLOCK_ROWS ? CHUNKS : Math.ceil(m / blockOf(m, 1, kernels)[0]);
}

/** What runs chunks of which the results are complete, in the place of `runChunks`, and of how many rows they should be: set while a product runs that has more to do with them (`matmul-then.ts`). */
export const completing: { run: typeof runChunks | null; rows: number } = { run: null, rows: 0 };

/** Runs chunks of work, each a call of each kernel, whose arguments follow each other; all kernels have as many. Threads share them if that pays. `adds`: to what is there. */
export function runChunks(
  nanoseconds: number,
  kernels: readonly KernelFunction[],
  chunks: number,
  adds: boolean,
  argumentsOf: (chunk: number) => readonly number[],
): void {
  const table = chunks < 2 ? null : rowsToShare(nanoseconds, ...kernels);
  for (let first = 0; first < chunks; first += MOST_CHUNKS) {
    const count = Math.min(MOST_CHUNKS, chunks - first);
    let at = 0;
    for (let i = first; i < first + count; i++) {
      const values = argumentsOf(i);
      const width = values.length / kernels.length;
      if (table === null && kernels.length === 1) kernels[0]!(...values);
      else if (table === null) for (const [step, kernel] of kernels.entries()) kernel(...values.slice(step * width, (step + 1) * width));
      else for (const value of values) table[at++] = value;
    }
    if (table !== null) runRows(count, at / count / kernels.length, !adds);
  }
}

const ONE_MEMBER: BatchAxis = { count: 1, a: 0, b: 0, c: 0 };

/** How many members of the innermost dimension of a batch a thread takes at a time, and how often there are so many or fewer. */
export function membersAtATime(
  axes: readonly BatchAxis[],
  shared: boolean,
): { readonly outer: number; readonly part: number; readonly chunks: number } {
  const count = axes[0]?.count ?? 1;
  const outer = axes.slice(1).reduce((product, axis) => product * axis.count, 1);
  const part = shared ? Math.ceil(count / Math.ceil(CHUNKS / outer)) : count;
  return { outer, part, chunks: outer * Math.ceil(count / part) };
}

/** Runs the products of a batch: small ones all of the innermost dimension in one call. */
export function multiplyAll(kernels: MatmulKernels, problem: Problem, path: Path, axes: readonly BatchAxis[], at: Addresses): void {
  const { m, n, k, ars, acs, brs, bcs } = problem;
  const small = path.name === 'products';
  const shared = path.slots > 1;
  if (axes.length === 0 && !shared) {
    // Most products are one, and many of them take less time than lists of calls.
    if (!small) (path.name === 'blocks' ? multiplyBlocks : multiplyThin)(kernels, problem, path, at);
    else {
      const panels = path.rightBytes === 0 ? 0 : at.scratch + EDGE_BYTES;
      kernels.products(1, 0, 0, 0, m, n, k, at.a, ars, acs, at.b, brs, bcs, at.c, panels, at.scratch, at.origin);
    }
    return;
  }
  const { count, a: as, b: bs, c: cs } = axes[0] ?? ONE_MEMBER;
  const { outer, part } = membersAtATime(axes, shared);
  const calls: number[][] = [];
  const visit = (depth: number, a: number, b: number, c: number): void => {
    const axis = axes[depth];
    if (axis !== undefined && !(small && depth === 0)) {
      for (let i = 0; i < axis.count; i++) visit(depth - 1, a + i * axis.a, b + i * axis.b, c + i * axis.c);
    } else if (path.name === 'blocks') multiplyBlocks(kernels, problem, path, { ...at, a, b, c });
    else if (!small) multiplyThin(kernels, problem, path, { ...at, a, b, c });
    else {
      for (let i = 0; i < count; i += part) {
        const edge = at.scratch + calls.length * (EDGE_BYTES + align(path.rightBytes));
        const panels = path.rightBytes === 0 ? 0 : edge + EDGE_BYTES;
        const [members, ai, bi, ci] = [Math.min(part, count - i), a + i * as, b + i * bs, c + i * cs];
        if (shared) calls.push([members, as, bs, cs, m, n, k, ai, ars, acs, bi, brs, bcs, ci, panels, edge, at.origin]);
        else kernels.products(members, as, bs, cs, m, n, k, ai, ars, acs, bi, brs, bcs, ci, panels, edge, at.origin);
      }
    }
  };
  visit(Math.max(axes.length - 1, 0), at.a, at.b, at.c);
  const run = completing.run ?? runChunks;
  run(nanosecondsOf(problem, kernels) * count * outer, [kernels.products], calls.length, at.origin === ADD, (i) => calls[i]!);
}

/** Products of vectors, and sums of rows. */
function multiplyThin(kernels: MatmulKernels, problem: Problem, path: Path, { a, b, c, origin, scratch }: Addresses): void {
  const { m, n, k, ars, acs, brs, bcs } = problem;
  const { bytes } = kernels;
  const right = scratch + EDGE_BYTES;
  const rowBytes = n * bytes;
  const from = origin === ADD ? c : origin === SET ? 0 : origin;
  const fromRow = origin === ADD ? rowBytes : 0;
  /** The stride of vectors, which are copied, one after the other, if they do not lie in runs. */
  const vectors = (source: number, count: number, across: number, along: number): readonly [address: number, stride: number] => {
    if (along === bytes) return [source, across];
    const type = bytes === 4 ? 'int32' : 'int64';
    copyConsecutively(right, type, source, type, [
      { size: count, stride: across },
      { size: k, stride: along },
    ]);
    return [right, k * bytes];
  };
  if (path.name === 'dotColumns') {
    const [x, xs] = vectors(b, n, bcs, brs);
    kernels.dots(m, k, a, ars, x, c, rowBytes, n, xs, bytes, from, fromRow, bytes);
  } else if (path.name === 'dotRows') {
    const [x, xs] = vectors(a, m, ars, acs);
    kernels.dots(n, k, b, bcs, x, c, bytes, m, xs, rowBytes, from, bytes, fromRow);
  } else kernels.combine(m, n, k, a, ars, acs, b, brs, c, rowBytes, from, fromRow);
}

/** A product block by block: of b, some columns are packed, then blocks of rows are multiplied with them, or of few rows some columns. */
function multiplyBlocks(kernels: MatmulKernels, problem: Problem, path: Path, { a, b, c, origin, scratch }: Addresses): void {
  const { m, n, k, ars, acs, brs, bcs } = problem;
  const { bytes, columns } = kernels;
  const shared = path.slots > 1;
  const right = scratch + path.slots * EDGE_BYTES;
  const left = right + align(path.rightBytes);
  const rowBytes = n * bytes;
  const panelRow = columns * bytes;
  const depthMost = depthOf(k);
  const widthMost = columnsOf(m, shared);
  for (let column = 0; column < n; column += widthMost) {
    const width = Math.min(widthMost, n - column);
    const [rows, some] = shared ? blockOf(m, width, kernels) : [(path.leftBytes === 0 && completing.rows) || BLOCK_ROWS, width];
    const across = Math.ceil(width / some);
    const part = shared ? columns * Math.ceil(width / columns / CHUNKS) : width;
    for (let step = 0; step < k; step += depthMost) {
      const depth = Math.min(depthMost, k - step);
      const source = b + step * brs + column * bcs;
      runChunks((width * depth * bytes) / PACKING, [kernels.packRight], Math.ceil(width / part), false, (i) => {
        const first = i * part;
        return [right + first * depth * bytes, source + first * bcs, Math.min(part, width - first), depth, bcs, brs];
      });
      const nanoseconds = shared ? nanosecondsOf({ ...problem, n: width, k: depth }, kernels) : 0;
      const steps = path.leftBytes === 0 ? [kernels.multiply] : [kernels.packLeft, kernels.multiplyPacked];
      const run = (step + depth === k && completing.run) || runChunks;
      run(nanoseconds, steps, across * Math.ceil(m / rows), step > 0 || origin === ADD, (i) => {
        const [row, first] = [Math.floor(i / across) * rows, (i % across) * some];
        const [height, wide] = [Math.min(rows, m - row), Math.min(some, width - first)];
        const block = a + row * ars + step * acs;
        const panels = right + first * depth * bytes;
        const offset = (column + first) * bytes;
        const target = c + row * rowBytes + offset;
        const edge = shared ? scratch + i * EDGE_BYTES : scratch;
        const from = step > 0 ? ADD : origin === ADD || origin === SET ? origin : origin + offset;
        if (path.leftBytes === 0)
          return [height, wide, depth, block, panels, panelRow, depth * panelRow, target, rowBytes, edge, from, ars, acs];
        const packed = shared ? left + row * depth * bytes : left;
        return [
          ...[packed, block, height, depth, ars, acs, 0, 0, 0, 0, 0],
          ...[height, wide, depth, packed, panels, panelRow, depth * panelRow, target, rowBytes, edge, from],
        ];
      });
    }
  }
}

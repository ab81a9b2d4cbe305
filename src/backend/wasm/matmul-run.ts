/** How matrix products run, alone or shared with threads: in which blocks, and what a thread takes at a time. Results do not depend on the cut, to the last bit. */
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { copyConsecutively } from './copy.ts';
import type { BatchAxis } from './matmul-batch.ts';
import type { MatmulKernels } from './matmul-kernels.ts';
import { rowsToShare, runRows } from './parallel.ts';

/** Steps of the inner dimension that are multiplied at a time: a panel of b stays in the first-level cache. */
const DEPTH = 512;
/** Rows of a that are multiplied at a time: they stay in the second-level cache, and are whole tiles of 4 or 6 rows. */
export const BLOCK_ROWS = 60;
/** Columns of b that are packed at a time: many, and few where one block of a multiplies them all. */
const BLOCK_COLUMNS = 1024;
const FEW_COLUMNS = 128;
/** Room for the largest tile at an edge. */
export const EDGE_BYTES = 384;
/** Into how many chunks threads cut what they share, about, and at most. */
const CHUNKS = 12;
const MOST_CHUNKS = 192;
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

/**
 * How a product runs, and the scratch memory it needs for that: `slots` times the room at an edge, then what is packed of b (or vectors), then of a. With more
 * than one slot, it may be shared. A slot that packs for itself has `rightBytes` of its own.
 */
export interface Path {
  readonly name: 'dotColumns' | 'dotRows' | 'combine' | 'products' | 'few' | 'blocks';
  readonly rightBytes: number;
  readonly leftBytes: number;
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
export function columnsOf(m: number): number {
  return m <= BLOCK_ROWS ? FEW_COLUMNS : BLOCK_COLUMNS;
}

/** Equal parts of the inner dimension, of whole vectors. */
export function depthOf(k: number): number {
  return k <= DEPTH ? k : (Math.ceil(k / Math.ceil(k / DEPTH)) + 7) & -8;
}

/** How long a product takes alone, in nanoseconds. */
export function nanosecondsOf({ m, n, k }: Problem, { bytes, level }: MatmulKernels): number {
  return (m * n * k * bytes) / (level === 'wide' ? 200 : 100);
}

/** Of so many units, how many a thread takes at a time, up to `most`. */
export function unitsAtATime(units: number, most: number): number {
  return Math.max(Math.min(Math.max(Math.floor(units / CHUNKS), 1), most), Math.ceil(units / MOST_CHUNKS));
}

/** Tiles of rows that a thread takes at a time: a few at least, since it reads all of b for them. */
export function rowsAtATime(m: number, rows: number): number {
  return rows * Math.max(2, unitsAtATime(Math.ceil(m / rows), BLOCK_ROWS / rows));
}

/** Columns that a thread takes at a time. */
export function columnsAtATime(n: number, columns: number): number {
  return columns * unitsAtATime(Math.ceil(n / columns), FEW_COLUMNS / columns);
}

/** Runs chunks of work, each a call of each kernel, whose arguments follow each other; all kernels have as many. Threads share them if that pays. */
function runChunks(
  nanoseconds: number,
  kernels: readonly KernelFunction[],
  chunks: number,
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
    if (table !== null) runRows(count, at / count / kernels.length);
  }
}

/** Runs the products of a batch, the innermost dimension in one call where it can. */
export function multiplyAll(kernels: MatmulKernels, problem: Problem, path: Path, axes: readonly BatchAxis[], at: Addresses): void {
  if (path.name === 'products') {
    runProducts(kernels, problem, path, axes, at);
    return;
  }
  const visit = (depth: number, a: number, b: number, c: number): void => {
    const axis = axes[depth];
    if (axis === undefined) multiply(kernels, problem, path, { ...at, a, b, c });
    else for (let i = 0; i < axis.count; i++) visit(depth - 1, a + i * axis.a, b + i * axis.b, c + i * axis.c);
  };
  visit(axes.length - 1, at.a, at.b, at.c);
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

function runProducts(kernels: MatmulKernels, problem: Problem, path: Path, axes: readonly BatchAxis[], at: Addresses): void {
  const { m, n, k, ars, acs, brs, bcs } = problem;
  const { count, a: as, b: bs, c: cs } = axes[0] ?? ONE_MEMBER;
  const calls: number[][] = [];
  const slotBytes = EDGE_BYTES + align(path.rightBytes);
  const { outer, part } = membersAtATime(axes, path.slots > 1);
  const visit = (depth: number, a: number, b: number, c: number): void => {
    const axis = depth > 0 ? axes[depth] : undefined;
    if (axis !== undefined) {
      for (let i = 0; i < axis.count; i++) visit(depth - 1, a + i * axis.a, b + i * axis.b, c + i * axis.c);
      return;
    }
    for (let first = 0; first < count; first += part) {
      const edge = at.scratch + (path.slots === 1 ? 0 : calls.length * slotBytes);
      const [members, panels] = [Math.min(part, count - first), path.rightBytes === 0 ? 0 : edge + EDGE_BYTES];
      const [aFirst, bFirst, cFirst] = [a + first * as, b + first * bs, c + first * cs];
      if (path.slots === 1)
        kernels.products(members, as, bs, cs, m, n, k, aFirst, ars, acs, bFirst, brs, bcs, cFirst, panels, edge, at.origin);
      else calls.push([members, as, bs, cs, m, n, k, aFirst, ars, acs, bFirst, brs, bcs, cFirst, panels, edge, at.origin]);
    }
  };
  visit(axes.length - 1, at.a, at.b, at.c);
  if (calls.length > 0) runChunks(nanosecondsOf(problem, kernels) * count * outer, [kernels.products], calls.length, (i) => calls[i]!);
}

/** Multiplies the matrices at the addresses a and b; the result at c is contiguous. */
function multiply(kernels: MatmulKernels, problem: Problem, path: Path, at: Addresses): void {
  if (path.name === 'blocks') multiplyBlocks(kernels, problem, path, at);
  else if (path.name === 'few') multiplyFewRows(kernels, problem, path, at);
  else multiplyThin(kernels, problem, path, at);
}

/** Products of vectors, and sums of rows. */
function multiplyThin(kernels: MatmulKernels, problem: Problem, path: Path, { a, b, c, origin, scratch }: Addresses): void {
  const { m, n, k, ars, acs, brs, bcs } = problem;
  const { bytes } = kernels;
  const right = scratch + EDGE_BYTES;
  const rowBytes = n * bytes;
  const from = origin === ADD ? c : origin === SET ? 0 : origin;
  const fromRow = origin === ADD ? rowBytes : 0;
  /** A consecutive copy of vectors that are not. */
  const vectors = (source: number, count: number, across: number, along: number): readonly [address: number, stride: number] => {
    if (along === bytes) return [source, across];
    const type = bytes === 4 ? 'int32' : 'int64';
    copyConsecutively(right, type, source, type, [
      { size: count, stride: across },
      { size: k, stride: along },
    ]);
    return [right, k * bytes];
  };
  const columnwise = path.name === 'dotColumns';
  if (columnwise || path.name === 'dotRows') {
    const [x, xs] = columnwise ? vectors(b, n, bcs, brs) : vectors(a, m, ars, acs);
    const [rows, first, stride, count] = columnwise ? [m, a, ars, n] : [n, b, bcs, m];
    const [cs, ccs, ss, scs] = columnwise ? [rowBytes, bytes, fromRow, bytes] : [bytes, rowBytes, bytes, fromRow];
    if (path.slots === 1) {
      kernels.dots(rows, k, first, stride, x, c, cs, count, xs, ccs, from, ss, scs);
      return;
    }
    const chunk = 4 * unitsAtATime(Math.ceil(rows / 4), rows);
    runChunks(2 * nanosecondsOf(problem, kernels), [kernels.dots], Math.ceil(rows / chunk), (i) => {
      const row = i * chunk;
      const start = from === 0 ? 0 : from + row * ss;
      return [Math.min(chunk, rows - row), k, first + row * stride, stride, x, c + row * cs, cs, count, xs, ccs, start, ss, scs];
    });
    return;
  }
  if (path.slots === 1) {
    kernels.combine(m, n, k, a, ars, acs, b, brs, c, rowBytes, from, fromRow);
    return;
  }
  // Of few rows, threads take some columns, in whole vectors.
  const [height, width] = m > CHUNKS ? [unitsAtATime(m, m), n] : [m, 16 * unitsAtATime(Math.ceil(n / 16), n)];
  const across = Math.ceil(n / width);
  runChunks(2 * nanosecondsOf(problem, kernels), [kernels.combine], across * Math.ceil(m / height), (i) => {
    const [row, column] = [Math.floor(i / across) * height, (i % across) * width];
    const offset = column * bytes;
    const start = from === 0 ? 0 : from + row * fromRow + offset;
    const [rows, columns] = [Math.min(height, m - row), Math.min(width, n - column)];
    return [rows, columns, k, a + row * ars, ars, acs, b + offset, brs, c + row * rowBytes + offset, rowBytes, start, fromRow];
  });
}

/** What a block is added to: the step before it, or where the whole begins. */
function originOf(origin: number, step: number, offset: number): number {
  return step > 0 ? ADD : origin === ADD || origin === SET ? origin : origin + offset;
}

/** A product with few rows in one slot for each run of columns: each packs its own part of b. */
function multiplyFewRows(
  kernels: MatmulKernels,
  { m, n, k, ars, acs, brs, bcs }: Problem,
  path: Path,
  { a, b, c, origin, scratch }: Addresses,
): void {
  const { bytes, columns } = kernels;
  const chunk = columnsAtATime(n, columns);
  const slotBytes = EDGE_BYTES + align(path.rightBytes);
  const rowBytes = columns * bytes;
  const depthMost = depthOf(k);
  for (let step = 0; step < k; step += depthMost) {
    const depth = Math.min(depthMost, k - step);
    runChunks((m * n * depth * bytes) / 100, [kernels.packRight, kernels.multiply], Math.ceil(n / chunk), (i) => {
      const column = i * chunk;
      const width = Math.min(chunk, n - column);
      const edge = scratch + i * slotBytes;
      const right = edge + EDGE_BYTES;
      const offset = column * bytes;
      return [
        ...[right, b + step * brs + column * bcs, width, depth, bcs, brs, 0, 0, 0, 0, 0, 0, 0],
        ...[m, width, depth, a + step * acs, right, rowBytes, depth * rowBytes, c + offset, n * bytes, edge],
        ...[originOf(origin, step, offset), ars, acs],
      ];
    });
  }
}

function multiplyBlocks(kernels: MatmulKernels, problem: Problem, path: Path, { a, b, c, origin, scratch }: Addresses): void {
  const { m, n, k, ars, acs, brs, bcs } = problem;
  const { bytes, columns } = kernels;
  const { rows } = kernels.variant;
  const right = scratch + path.slots * EDGE_BYTES;
  const left = right + align(path.rightBytes);
  const rowBytes = n * bytes;
  const brsPacked = columns * bytes;
  const depthMost = depthOf(k);
  const widthMost = columnsOf(m);
  const heightMost = path.slots === 1 ? BLOCK_ROWS : rowsAtATime(m, rows);
  for (let column = 0; column < n; column += widthMost) {
    const width = Math.min(widthMost, n - column);
    for (let step = 0; step < k; step += depthMost) {
      const depth = Math.min(depthMost, k - step);
      const from = originOf(origin, step, column * bytes);
      const panelBytes = depth * brsPacked;
      const source = b + step * brs + column * bcs;
      if (path.slots === 1) kernels.packRight(right, source, width, depth, bcs, brs);
      else {
        const part = columns * unitsAtATime(Math.ceil(width / columns), 16);
        runChunks((width * depth * bytes) / PACKING, [kernels.packRight], Math.ceil(width / part), (i) => {
          const first = i * part;
          return [right + (first / columns) * panelBytes, source + first * bcs, Math.min(part, width - first), depth, bcs, brs];
        });
      }
      const blockOf = (row: number, height: number, edge: number): number[] => {
        const target = c + row * rowBytes + column * bytes;
        const block = a + row * ars + step * acs;
        if (path.leftBytes === 0)
          return [height, width, depth, block, right, brsPacked, panelBytes, target, rowBytes, edge, from, ars, acs];
        const panels = path.slots === 1 ? left : left + row * depth * bytes;
        return [
          ...[panels, block, height, depth, ars, acs, 0, 0, 0, 0, 0],
          ...[height, width, depth, panels, right, brsPacked, panelBytes, target, rowBytes, edge, from],
        ];
      };
      const steps = path.leftBytes === 0 ? [kernels.multiply] : [kernels.packLeft, kernels.multiplyPacked];
      runChunks(path.slots === 1 ? 0 : nanosecondsOf({ ...problem, n: width, k: depth }, kernels), steps, Math.ceil(m / heightMost), (i) =>
        blockOf(i * heightMost, Math.min(heightMost, m - i * heightMost), scratch + (path.slots === 1 ? 0 : i * EDGE_BYTES)),
      );
    }
  }
}

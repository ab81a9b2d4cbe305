/** Reductions cut for threads: between results, each of which one thread computes as ever; a long row is several results, which are joined, on one thread too. */
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { sharing } from './parallel.ts';

/** What reading and combining a byte takes. */
const PER_BYTE = 0.0125;

/** Columns that are not cut apart: what the kernel combines at a time, and whole cache lines of results. */
const COLUMN_GRAIN = 64;

/**
 * Runs a reducing kernel that reads so many bytes, shared with threads where that pays. Its argument number `count` says how many results there are; from one to the next, the
 * addresses of result and input, its first two arguments, move by `resultStep` and `inputStep`. `grain`: results that are not cut apart.
 */
export function runCut(
  kernel: KernelFunction,
  args: readonly number[],
  bytes: number,
  count: number,
  resultStep: number,
  inputStep: number,
  grain = 1,
): void {
  if (sharing.launches?.cut(kernel, args, bytes * PER_BYTE, count, [resultStep, inputStep], grain) !== true) kernel(...args);
}

/** Runs the kernel for columns, cut between places or between columns. */
export function runColumns(kernel: KernelFunction, args: readonly number[], itemsize: number, resultBytes: number): void {
  const [, , n1, s1, width, r1, , r0] = args as [number, number, number, number, number, number, number, number];
  const bytes = n1 * width * r1 * r0 * itemsize;
  if (n1 > 1 || width < 2 * COLUMN_GRAIN) runCut(kernel, args, bytes, 2, width * resultBytes, s1);
  else runCut(kernel, args, bytes, 4, resultBytes, itemsize, COLUMN_GRAIN);
}

/** Rows from twice this many elements on are long where there are few of them: each is so many pieces of one length, and a rest. */
export const PIECE: number = 1 << 16;
const MOST_PIECES = 32;
const FEW_ROWS = 8;

/** Bytes for the results of the pieces of a long row, and of its rest. */
export const PIECES_BYTES: number = (MOST_PIECES + 1) * 8;

/** Whether rows are reduced piece by piece. */
export function areLong(rows: number, count: number): boolean {
  return rows < FEW_ROWS && count >= 2 * PIECE;
}

/** How many pieces a long row has, and how long each is. */
export function piecesOf(count: number): readonly [pieces: number, piece: number] {
  const pieces = Math.min(MOST_PIECES, Math.floor(count / PIECE));
  return [pieces, Math.floor(count / pieces / 16) * 16];
}

/** Reduces a long row: `rows` does its pieces, whose results lie at `partials`, and `join` the results; it reads elements of `resultBytes`. */
export function reduceLongRow(
  rows: KernelFunction,
  join: KernelFunction,
  target: number,
  source: number,
  count: number,
  itemsize: number,
  partials: number,
  resultBytes: number,
): void {
  const [pieces, piece] = piecesOf(count);
  const whole = pieces * piece;
  const step = piece * itemsize;
  runCut(rows, [partials, source, 1, 0, pieces, step, 1, 0, piece, itemsize], whole * itemsize, 4, resultBytes, step);
  rows(partials + pieces * resultBytes, source + whole * itemsize, 1, 0, 1, 0, 1, 0, count - whole, itemsize);
  join(target, partials, 1, 0, 1, 0, 1, 0, pieces + 1, resultBytes);
}

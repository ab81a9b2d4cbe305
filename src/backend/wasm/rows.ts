/** Launches of row programs: all rows of a call at once. */
import { DTYPES, type DTypeInfo } from '../../dtype/dtype.ts';
import { compileRows, ROWS_OF_A_SUM, type RowAccess, type RowStage, SCRATCH_BYTES } from '../../kernel/rows.ts';
import { nanosecondsPerElement } from '../../kernel/vector/cost.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { addressOf, allocatePermanent, beginLaunch, type Storage } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import type { Expr } from '../../scalar/expr.ts';
import { addressOfView } from './host.ts';
import { kernelLevels, levelEpoch } from './level.ts';
import { chunksFor, MOST_CHUNKS, rowsToShare, runRows as runChunks } from './parallel.ts';
import { kernelFor, LARGE, type TrialFor } from './widen.ts';

export { ROWS_OF_A_SUM } from '../../kernel/rows.ts';

/** Chunks for threads have about this many elements or more, so that few cache lines belong to two. */
const GRAIN = 256;
/** What a pass over a row takes for each element, apart from computing. */
const PASS_NANOSECONDS = 0.05;

/** A row program with the kernels that it was compiled to. The stages are built at the first use. */
export class RowProgram {
  readonly kernels = new Map<number, KernelFunction>();
  /** When they were compiled: see `levelEpoch`. */
  epoch = -1;
  readonly access: readonly RowAccess[];
  readonly paramCount: number;
  readonly #build: () => readonly RowStage[];
  #stages: readonly RowStage[] | null = null;
  #cost: number | null = null;

  constructor(access: readonly RowAccess[], paramCount: number, build: () => readonly RowStage[]) {
    this.access = access;
    this.paramCount = paramCount;
    this.#build = build;
  }

  get stages(): readonly RowStage[] {
    this.#stages ??= this.#build();
    return this.#stages;
  }

  /** About how many nanoseconds an element takes. */
  get cost(): number {
    this.#cost ??= costOf(this.stages);
    return this.#cost;
  }

  /** The operands that it writes. */
  get written(): readonly number[] {
    return [...new Set(this.stages.flatMap(({ store }) => store?.map(([operand]) => operand) ?? []))];
  }
}

function costOf(stages: readonly RowStage[]): number {
  const values = stages.flatMap(({ reduce = [], store = [] }) => [...reduce, ...store].map(([, value]) => value as Expr));
  return nanosecondsPerElement(values) + PASS_NANOSECONDS * stages.length;
}

/** How many elements an operand has. */
function sizeOf(access: RowAccess, rows: number, length: number): number {
  return { row: rows * length, shared: length, each: rows, one: 1, sum: Math.ceil(rows / ROWS_OF_A_SUM) * length }[access];
}

let scratch: Storage | null = null;

/**
 * Runs a program on `rows` rows of `length` elements, at least one of each. Operands are contiguous, one for each access of the program; the first one's
 * dtype is what is computed in. Those that are 'shared' or 'one' are not written.
 */
export function runRows(program: RowProgram, rows: number, length: number, operands: readonly View[], params: readonly number[]): void {
  const large = rows * length >= LARGE;
  let key = large ? 1 : 0;
  for (let i = 0; i < operands.length; i++) key = key * DTYPES.length + (operands[i] as View).type.index;
  if (program.epoch !== levelEpoch()) {
    program.epoch = levelEpoch();
    program.kernels.clear();
  }
  const kernel = program.kernels.get(key) ?? compile(program, key, operands, large);
  scratch ??= allocatePermanent(MOST_CHUNKS * SCRATCH_BYTES);
  beginLaunch();
  const args = [rows, length, addressOf(scratch)];
  for (let i = 0; i < operands.length; i++) args.push(addressOfView(operands[i] as View));
  if (large && share(program, kernel, args, operands, params)) return;
  kernel(...args, ...params);
}

/** Shares a launch with threads, and returns true, or leaves it alone. Each row is computed in the same way wherever a chunk begins. */
function share(
  program: RowProgram,
  kernel: KernelFunction,
  [rows, length, scratchAt, ...addresses]: readonly number[],
  operands: readonly View[],
  params: readonly number[],
): boolean {
  const size = (rows as number) * (length as number);
  const nanoseconds = size * program.cost * ((operands[0] as View).type.itemsize / 4);
  const shared = rowsToShare(nanoseconds, kernel);
  if (shared === null) return false;
  const { access } = program;
  const grain = access.includes('sum') ? ROWS_OF_A_SUM : Math.ceil(GRAIN / (length as number));
  const most = chunksFor(nanoseconds, Math.ceil((rows as number) / grain));
  const chunk = Math.ceil((rows as number) / most / grain) * grain;
  let at = 0;
  let chunks = 0;
  for (let first = 0; first < (rows as number); first += chunk, chunks++) {
    shared[at++] = Math.min(chunk, (rows as number) - first);
    shared[at++] = length as number;
    shared[at++] = (scratchAt as number) + chunks * SCRATCH_BYTES;
    access.forEach((kind, i) => {
      const before = kind === 'shared' || kind === 'one' ? 0 : sizeOf(kind, first, length as number);
      shared[at++] = (addresses[i] as number) + before * (operands[i] as View).type.itemsize;
    });
    for (const param of params) shared[at++] = param;
  }
  runChunks(chunks, 3 + access.length + params.length, !access.includes('sum'));
  return true;
}

function compile(program: RowProgram, key: number, operands: readonly View[], large: boolean): KernelFunction {
  const { access, stages, paramCount, kernels, written } = program;
  const types = operands.map(({ type }) => type);
  const fused = kernelLevels().includes('fused');
  const make = (name: string) =>
    compileRows(name, { access, stages, paramCount, compute: types[0] as DTypeInfo, types, fused, wide: name === 'wide' });
  // The first rows alone: as many as make a launch a large one.
  const trialFor: TrialFor = ([all, length, ...rest]) => {
    const rows = Math.min(all as number, Math.ceil(LARGE / (length as number)));
    const runs = written.map((i) => {
      const start = rest[1 + i] as number;
      return [start, start + sizeOf(access[i] as RowAccess, rows, length as number) * (types[i] as DTypeInfo).itemsize] as const;
    });
    return { args: [rows, length as number, ...rest], written: runs };
  };
  const replace = (kernel: KernelFunction): unknown => kernels.set(key, kernel);
  const kernel = kernelFor(make, large, trialFor, replace, fused ? 'fused' : 'plain');
  replace(kernel);
  return kernel;
}

/** Launches of row programs: all rows of a call at once. */
import { DTYPES, type DTypeInfo } from '../../dtype/dtype.ts';
import { compileRows, ROWS_OF_A_SUM, type RowAccess, type RowStage, SCRATCH_BYTES } from '../../kernel/rows.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { addressOf, allocatePermanent, beginLaunch, type Storage } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { addressOfView } from './host.ts';
import { kernelLevels, levelEpoch } from './level.ts';
import { MOST_CHUNKS, type RowWork, SHARED_SIZE, sharing } from './parallel.ts';
import { kernelFor, LARGE, type TrialFor } from './widen.ts';

export { ROWS_OF_A_SUM } from '../../kernel/rows.ts';

/** A row program with the kernels that it was compiled to. The stages are built at the first use. */
export class RowProgram implements RowWork {
  readonly kernels = new Map<number, KernelFunction>();
  /** When they were compiled: see `levelEpoch`. */
  epoch = -1;
  cost: number | null = null;
  readonly access: readonly RowAccess[];
  readonly paramCount: number;
  readonly #build: () => readonly RowStage[];
  #stages: readonly RowStage[] | null = null;

  constructor(access: readonly RowAccess[], paramCount: number, build: () => readonly RowStage[]) {
    this.access = access;
    this.paramCount = paramCount;
    this.#build = build;
  }

  get stages(): readonly RowStage[] {
    this.#stages ??= this.#build();
    return this.#stages;
  }

  /** The operands that it writes. */
  get written(): readonly number[] {
    return [...new Set(this.stages.flatMap(({ store }) => store?.map(([operand]) => operand) ?? []))];
  }
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
  const shared = rows * length >= SHARED_SIZE && sharing.launches?.rows(program, kernel, args, operands, params) === true;
  if (!shared) kernel(...args, ...params);
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

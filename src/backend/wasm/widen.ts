/**
 * Elementwise kernels that prove busy on large tensors are compiled again for the widest level (see level.ts), which takes milliseconds: once they
 * have run a few times, and only if the wide code gives the same bits as the plain one for the launch at hand.
 */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import { WIDE_NAME } from '../../kernel/map.ts';
import type { FunctionBuilder } from '../../kernel/wasm/encoder.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { instantiateAt, type KernelLevel, kernelLevels } from './level.ts';

/** From how many elements on a launch counts as large. */
export const LARGE: number = 16384;
/** From how many elements on elementwise kernels become wide: a compilation takes as long as a launch of millions. */
export const WIDENED: number = 2048;
const LAUNCHES = 8;

/** After how many launches of so many elements a compilation has paid. */
export function launchesFor(elements: number): number {
  return Math.max(LAUNCHES, 2 ** 20 / elements);
}

/** A run of bytes. */
type Run = readonly [start: number, end: number];

/** What a launch is tried on before its wide kernel is trusted. */
interface Trial {
  /** The arguments of the launch, or of one that is a part of it. */
  readonly args: readonly number[];
  readonly written: readonly Run[];
}

/** The trial for the arguments of a launch; null where its outputs are not runs of bytes. */
export type TrialFor = (args: readonly number[]) => Trial | null;

/** Compiles the kernel of one function, at `level`. For large launches, a kernel that replaces itself, through `replace`, by its wide form. */
export function kernelFor(
  make: (name: string) => FunctionBuilder,
  large: boolean,
  trialFor: TrialFor,
  replace: (kernel: KernelFunction) => void,
  level: KernelLevel = 'plain',
  launchesBefore: number = LAUNCHES,
): KernelFunction {
  const plain = instantiateAt(level, [make('map')]).map as KernelFunction;
  if (!large || kernelLevels()[0] !== 'wide') return plain;
  let launches = 0;
  return (...args) => {
    launches += 1;
    const trial = launches < launchesBefore ? null : trialFor(args);
    if (trial === null) return plain(...args);
    const wide = compileWide(make);
    const chosen = wide !== null && sameBits(wide, plain, trial) && isFaster(wide, plain, trial) ? wide : plain;
    replace(chosen);
    return chosen(...args);
  };
}

function compileWide(make: (name: string) => FunctionBuilder): KernelFunction | null {
  try {
    // Under another name: for the same bytes, V8 would return the module that it has.
    return instantiateAt('wide', [make(WIDE_NAME)])[WIDE_NAME] as KernelFunction;
  } catch {
    return null;
  }
}

/** Whether both kernels write the same. Leaves everything as it was: a launch may write where it reads. */
export function sameBits(wide: KernelFunction, plain: KernelFunction, { args, written }: Trial): boolean {
  const before = written.map(bytesOf);
  const resultOf = (kernel: KernelFunction): Uint8Array[] => {
    kernel(...args);
    const result = written.map(bytesOf);
    for (const [k, [start]] of written.entries()) heap.u8.set(before[k] as Uint8Array, start);
    return result;
  };
  const found = resultOf(wide);
  return resultOf(plain).every((expected, k) => expected.every((byte, i) => byte === (found[k] as Uint8Array)[i]));
}

/** Of so many runs the fastest one counts. */
const RUNS = 3;

/** Whether the wide kernel is the faster one, whose bits are the same: where vectors could not be joined it may take twice as long. Leaves everything as it was. */
function isFaster(wide: KernelFunction, plain: KernelFunction, { args, written }: Trial): boolean {
  const before = written.map(bytesOf);
  const timeOf = (kernel: KernelFunction): number => {
    const start = performance.now();
    kernel(...args);
    const time = performance.now() - start;
    for (const [k, [at]] of written.entries()) heap.u8.set(before[k] as Uint8Array, at);
    return time;
  };
  const times = Array.from({ length: RUNS }, () => [timeOf(wide), timeOf(plain)] as const);
  return Math.min(...times.map(([time]) => time)) <= Math.min(...times.map(([, time]) => time));
}

function bytesOf([start, end]: Run): Uint8Array {
  return heap.u8.slice(start, end);
}

/** The trial of a flat launch, `(elements, outputs…, inputs…)`: its first elements, so many that the last of them are not a whole vector. */
export function flatTrial(outputs: readonly DTypeInfo[]): TrialFor {
  return (args) => {
    const elements = Math.min(args[0] as number, LARGE - 1);
    const written = outputs.map((type, k): Run => [args[k + 1] as number, (args[k + 1] as number) + elements * type.itemsize]);
    return { args: [elements, ...args.slice(1)], written };
  };
}

/** What a launch with loops writes and reads: its kernel knows addresses alone. */
export const looped: { out: View | null; ins: readonly View[] } = { out: null, ins: [] };

/** The trial of the launch in `looped`, which has so many outputs: the first inputs are outputs, too. */
export function loopedTrial(outputs: number): TrialFor {
  return (args) => {
    const views = [looped.out, ...looped.ins].slice(0, outputs);
    const written: Run[] = [];
    for (const view of views) {
      if (view?.rowMajor !== true) return null;
      const start = addressOf(view.storage) + view.offset * view.type.itemsize;
      written.push([start, start + view.size * view.type.itemsize]);
    }
    return { args, written };
  };
}

/**
 * Elementwise kernels that prove busy on large tensors are compiled again for the widest level (see level.ts), which takes milliseconds: once they
 * have run a few times, and only if the wide code gives the same bits as the plain one for the launch at hand.
 */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import type { FunctionBuilder } from '../../kernel/wasm/encoder.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { instantiateAt, kernelLevels } from './level.ts';

/** From how many elements on a launch counts as large. */
export const LARGE: number = 16384;
const LAUNCHES = 8;

/** The bytes that a launch writes, from its arguments; null if it also reads them or they are not one run. */
export type Extent = (args: readonly number[]) => readonly [start: number, end: number] | null;

/** Compiles the kernel of one function. For large launches, a kernel that replaces itself, through `replace`, by its wide form. */
export function kernelFor(
  make: (name: string) => FunctionBuilder,
  large: boolean,
  extent: Extent,
  replace: (kernel: KernelFunction) => void,
): KernelFunction {
  const plain = instantiate([make('map')], heap.memory).map as KernelFunction;
  if (!large || kernelLevels()[0] !== 'wide') return plain;
  let launches = 0;
  return (...args) => {
    launches += 1;
    const result = plain(...args);
    const written = launches < LAUNCHES ? null : extent(args);
    if (written === null) return result;
    const wide = compileWide(make);
    replace(wide !== null && sameBits(wide, plain, args, written) ? wide : plain);
    return result;
  };
}

function compileWide(make: (name: string) => FunctionBuilder): KernelFunction | null {
  try {
    // Under another name: for the same bytes, V8 would return the module that it has.
    return instantiateAt('wide', [make('wide')]).wide as KernelFunction;
  } catch {
    return null;
  }
}

/** Runs the wide kernel after the plain one, and the plain one again if they differ. */
function sameBits(wide: KernelFunction, plain: KernelFunction, args: readonly number[], [start, end]: readonly [number, number]): boolean {
  const expected = heap.u8.slice(start, end);
  wide(...args);
  const found = heap.u8.subarray(start, end);
  for (let i = 0; i < expected.length; i++) {
    if (expected[i] !== found[i]) {
      plain(...args);
      return false;
    }
  }
  return true;
}

/** The extent of a flat launch: `(elements, output, inputs…)`. */
export function flatExtent(output: DTypeInfo, inputs: readonly DTypeInfo[]): Extent {
  return (args) => {
    const elements = args[0] as number;
    const start = args[1] as number;
    const end = start + elements * output.itemsize;
    for (let k = 0; k < inputs.length; k++) {
      const input = args[2 + k] as number;
      if (input < end && input + elements * (inputs[k] as DTypeInfo).itemsize > start) return null;
    }
    return [start, end];
  };
}

/** What a launch with loops writes and reads: its kernel knows addresses alone. */
export const looped: { out: View | null; ins: readonly View[] } = { out: null, ins: [] };

/** The extent of the launch in `looped`. */
export function loopedExtent(): readonly [number, number] | null {
  const { out, ins } = looped;
  if (out?.rowMajor !== true || ins.some((view) => view.storage === out.storage)) return null;
  const start = addressOf(out.storage) + out.offset * out.type.itemsize;
  return [start, start + out.size * out.type.itemsize];
}

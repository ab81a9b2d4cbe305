/** Kernels in a browser stay as they are: the wide level is not there. */
import type { FunctionBuilder } from '../../kernel/wasm/encoder.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import type { View } from '../../runtime/view.ts';

/** No launch counts as large. */
export const LARGE = Number.POSITIVE_INFINITY;
export const WIDENED = LARGE;

export function launchesFor(): number {
  return LARGE;
}

export function kernelFor(make: (name: string) => FunctionBuilder): KernelFunction {
  return instantiate([make('map')], heap.memory).map as KernelFunction;
}

/** Written by launches, read by nobody. */
export const looped: { out: View | null; ins: readonly View[] } = { out: null, ins: [] };

const noTrial = (): null => null;

export function flatTrial(): () => null {
  return noTrial;
}

export function loopedTrial(): () => null {
  return noTrial;
}

export function sameBits(): boolean {
  return false;
}

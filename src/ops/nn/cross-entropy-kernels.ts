/** Kernels of the cross entropy come with it: see `KERNEL_DOORS` in scripts/layers.ts. */
import * as kernels from '../../backend/wasm/cross-entropy.ts';
import { recordable } from '../../runtime/recorder.ts';

export const crossEntropyRows = recordable(kernels.crossEntropy, (_name, loss, logarithms, count) => [loss, logarithms, count]);
export const crossEntropyGradient = recordable(kernels.crossEntropyGradient, (gradient) => [gradient]);

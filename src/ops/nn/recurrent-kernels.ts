/** Kernels that come with the operators that need them, not with the device; see `KERNEL_DOORS` in scripts/layers.ts. */
import * as kernels from '../../backend/wasm/recurrent.ts';
import { recordable } from '../../runtime/recorder.ts';

export type { CellStep, RecurrentCell } from '../../backend/wasm/recurrent.ts';

export const recurrentForward = recordable(kernels.recurrentForward, (_, states, carried, kept) => [states, carried, kept]);
export const recurrentBackward = recordable(kernels.recurrentBackward, (_, ofInput, ofProduct, ofFirst, ofCarried) => [
  ofInput,
  ofProduct,
  ofFirst,
  ofCarried,
]);

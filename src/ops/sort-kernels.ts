/** Kernels that come with the operators that need them, not with the device; see `KERNEL_DOORS` in scripts/layers.ts. */
import * as kernels from '../backend/wasm/sort.ts';
import { recordable } from '../runtime/recorder.ts';

export { type LinePick, nonzero } from '../backend/wasm/sort.ts';

export const sort = recordable(kernels.sort, (values, indices) => [values, indices]);
export const pick = recordable(kernels.pick, (values, indices) => [values, indices]);
export const search = recordable(kernels.search, (out) => [out]);

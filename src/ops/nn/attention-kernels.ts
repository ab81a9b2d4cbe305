/** Kernels that come with the operators that need them, not with the device; see `KERNEL_DOORS` in scripts/layers.ts. */
import * as kernels from '../../backend/wasm/attention.ts';
import { recordable } from '../../runtime/recorder.ts';

export const attend = recordable(kernels.attend, (out, known) => [out, known]);
export const attendBackward = recordable(kernels.attendBackward, (ofQuery, ofKey, ofValue) => [ofQuery, ofKey, ofValue]);

/** Kernels of embeddings come with them: see `KERNEL_DOORS` in scripts/layers.ts. */
import * as kernels from '../../backend/wasm/embedding.ts';
import { recordable } from '../../runtime/recorder.ts';

export const lookUp = recordable(kernels.lookUp, (_name, out) => [out]);
export const spreadRows = recordable(kernels.spreadRows, (out) => [out]);

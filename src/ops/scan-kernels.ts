/** Scans come with the operators that run along lines: see `KERNEL_DOORS` in scripts/layers.ts. */
import { scanComplex } from '../backend/wasm/complex-reduce.ts';
import * as kernels from '../backend/wasm/scan.ts';
import type { ScanKind } from '../runtime/backend.ts';
import { recordable } from '../runtime/recorder.ts';
import type { View } from '../runtime/view.ts';

/** Running combination along `dim`; `indices` (int64), where given, says where a running max or min came from. */
export const scan = recordable(
  function scan(kind: ScanKind, out: View, indices: View | null, input: View, dim: number): void {
    if (input.type.isComplex) scanComplex(kind, out, input, dim);
    else kernels.scan(kind, out, indices, input, dim);
  },
  (_kind, out, indices) => [out, indices],
);

/** Kernels of row programs come with the operators that run them: see `KERNEL_DOORS` in scripts/layers.ts. */
import * as kernels from '../../backend/wasm/rows.ts';
import { recordable } from '../../runtime/recorder.ts';
import type { View } from '../../runtime/view.ts';

export { ROWS_OF_A_SUM, RowProgram } from '../../backend/wasm/rows.ts';

export const runRows = recordable(kernels.runRows, ({ written }, _rows, _length, operands) => written.map((i) => operands[i] as View));

/** Kernels of row programs, for the operators that run them: see `KERNEL_DOORS` in scripts/layers.ts. */

export { RowProgram, runRows } from '../../backend/wasm/rows.ts';

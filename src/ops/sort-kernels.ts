/** Kernels that come with the operators that need them, not with the device; see `KERNEL_DOORS` in scripts/layers.ts. */
export { type LinePick, nonzero, pick, search, sort } from '../backend/wasm/sort.ts';

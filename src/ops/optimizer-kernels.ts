/** Kernels of the optimizers come with them, not with the device: see `KERNEL_DOORS` in scripts/layers.ts. */
export { MapTable } from '../backend/wasm/map-table.ts';

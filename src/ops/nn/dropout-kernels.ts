/** A kernel that comes with the operators that need it, not with the device; see `KERNEL_DOORS` in scripts/layers.ts. */
export { drawKept } from '../../backend/wasm/random-mask.ts';

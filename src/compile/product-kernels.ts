/** Matrix products that elementwise programs complete block by block: they come with what compiles, not with the device; see `KERNEL_DOORS` in scripts/layers.ts. */
export { completes, type Lie, MOST_INPUTS, ProductMap } from '../backend/wasm/matmul-then.ts';

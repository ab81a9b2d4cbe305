/** Matrix products that elementwise programs complete block by block: they come with what compiles, not with the device; see `KERNEL_DOORS` in scripts/layers.ts. */
export { type Lie, MOST_INPUTS, ProductMap, thenTuning } from '../backend/wasm/matmul-then.ts';

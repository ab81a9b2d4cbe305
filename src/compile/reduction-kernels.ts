/** How reductions are cut into parts and joined: see `KERNEL_DOORS` in scripts/layers.ts. */
export { columnGroup, joinGroups, joinPlanes, LONGEST_ROW, rowPieces } from '../backend/wasm/reduce-parts.ts';

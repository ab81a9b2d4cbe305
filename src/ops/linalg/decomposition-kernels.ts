/** Kernels that come with the operators that need them, not with the device; see `KERNEL_DOORS` in scripts/layers.ts. */
export { cholesky, eigh, lu, productOfReflectors, reflectors, solveTriangular, svd } from '../../backend/wasm/decompositions.ts';

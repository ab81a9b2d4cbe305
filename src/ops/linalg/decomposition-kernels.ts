/** Kernels that come with the operators that need them, not with the device; see `KERNEL_DOORS` in scripts/layers.ts. */
import * as kernels from '../../backend/wasm/decompositions.ts';
import { recordable } from '../../runtime/recorder.ts';

// Whether these find what they look for depends on the values.
export { eigh, svd } from '../../backend/wasm/decompositions.ts';

export const cholesky = recordable(kernels.cholesky, (factor, info) => [factor, info]);
export const lu = recordable(kernels.lu, (factors, pivots, info) => [factors, pivots, info]);
export const reflectors = recordable(kernels.reflectors, (factors, tau) => [factors, tau]);
export const productOfReflectors = recordable(kernels.productOfReflectors, (q) => [q]);
export const solveTriangular = recordable(kernels.solveTriangular, (out) => [out]);

/** What operators need to run a row program where there is one for a call, and to compose otherwise. */
import type { Tensor } from '../../tensor/tensor.ts';
import { countOf, needsComposition } from '../reduction.ts';

/** How many elements are next to each other where `dims`, in order, are the innermost ones of a contiguous float tensor; 0 where they are not. */
export function rowLength(x: Tensor, dims: readonly number[]): number {
  const [first] = dims;
  if (first === undefined || !x.rowMajor || !x.type.isFloat || x.size === 0) return 0;
  for (let d = first; d < x.ndim; d++) if (x.shape[d] !== 1 && !dims.includes(d)) return 0;
  return countOf(x.shape, dims);
}

/** Whether kernels may run on these tensors: they are contiguous, of one dtype, and nobody wants to look inside. */
export function arePlain(xs: readonly Tensor[]): boolean {
  const type = xs[0]?.type;
  return xs.every((x) => x.rowMajor && x.type === type && !needsComposition(x));
}

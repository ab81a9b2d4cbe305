/** The norm of tensors with the nuclear norm of matrices, apart from the other norms: the methods of tensors do without the decomposition that it takes. */
import { t } from '../../op/contract.ts';
import { normalizeDims } from '../../shape/dims.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ShapeError } from '../../util/errors.ts';
import { compositeOperator, described, optionalType } from '../family.ts';
import type { Dims } from '../reduce.ts';
import { type DimsParams, restored, sumOver } from '../reduction.ts';
import { cast, permute } from '../structural.ts';
import type { NormFunction } from '../types.ts';
import { requireDecomposable } from './algebra.ts';
import { NORM_SIGNATURE, type NormOptions, pNormed } from './norm.ts';
import { singularValues } from './svd.ts';

/**
 * The p-norm over `dim` (one dimension, several, or all): `p` a number, or 'fro' for 2, or 'nuc' for the nuclear norm of the matrices in two dimensions, which
 * is the sum of their singular values; the method `x.norm` does not take 'nuc'. Needs a floating dtype. See `linalg.vectorNorm` and `linalg.svdvals`.
 *
 * @example
 * norm(tensor([[3, 4], [6, 8]]), 2, 1); // tensor([5., 10.])
 */
export const pNorm: NormFunction<'norm', number | 'fro' | 'nuc' | null> = described(
  'norm',
  (input: Tensor, p: number | 'fro' | 'nuc' | null = 'fro', dim?: Dims, options: NormOptions = {}): Tensor =>
    p === 'nuc' ? nuclear(input, dim, options) : pNormed(input, p, dim, options),
  {
    signature: NORM_SIGNATURE,
    tensors: 1,
    samples: [
      { args: [t([2, 3])] },
      { args: [t([2, 3]), 3, 1] },
      { args: [t([2, 3]), 'fro', [0, 1], { keepdim: true }] },
      { args: [t([]), 2] },
      { args: [t([2, 3]), 'nuc'] },
      { args: [t([3, 2, 3]), 'nuc', [2, 0], { keepdim: true }] },
    ],
    bad: [
      { args: [t([2, 3]), 2, 2], error: /dimension 2 is out of range/ },
      { args: [t([2, 3, 4]), 'nuc'], error: /name two dimensions/ },
    ],
  },
);

/** The sum of the singular values of the matrices in two dimensions. */
export function nuclearOver(name: string, x: Tensor, { dims, keepdim }: DimsParams): Tensor {
  const rest = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const values = singularValues(name, permute(x, [...rest, ...dims]));
  const sum = sumOver(values, [values.ndim - 1]);
  return keepdim ? restored(sum, x.shape, dims) : sum;
}

const nuclearOperator = compositeOperator<DimsParams>('norm', ([x], params) => nuclearOver('norm', x as Tensor, params));

function nuclear(input: Tensor, dim: Dims | undefined, options: NormOptions): Tensor {
  requireDecomposable('norm', input.type);
  const dims = normalizeDims('norm', dim, input.ndim);
  if (dims.length !== 2) {
    throw new ShapeError(
      `norm: the nuclear norm is of matrices: name two dimensions of ${formatShape(input.shape)} in dim, got ${dims.length}`,
    );
  }
  const dtype = optionalType(options.dtype);
  if (dtype !== null) requireDecomposable('norm', dtype);
  return applyOne(nuclearOperator, [dtype === null ? input : cast(input, dtype)], { dims, keepdim: options.keepdim === true });
}

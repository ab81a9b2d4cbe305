import { t } from '../op/contract.ts';
import { formatShape } from '../shape/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { conj } from './complex-parts.ts';
import { described, requireDims } from './family.ts';
import { mT } from './reshaping.ts';
import type { AdjointFunction, HermitianFunction, MatrixTransposeFunction } from './types.ts';

/** Conjugate transposes: of real dtypes the transposes. */

const turned = (input: Tensor): Tensor => mT(input.type.isComplex ? conj(input) : input);

/**
 * The conjugate transpose of a matrix; of a real one its transpose, a view. A 0-d tensor comes back as it is.
 *
 * @example
 * H(tensor([[1, 2], [3, 4]])); // tensor([[1., 3.], [2., 4.]])
 */
export const H: HermitianFunction = described(
  'H',
  (input: Tensor): Tensor => {
    if (input.ndim === 0) return input.type.isComplex ? conj(input) : input;
    if (input.ndim !== 2) throw new ShapeError(`H: expects a matrix (2 dimensions), got ${formatShape(input.shape)}: for batches use mH`);
    return turned(input);
  },
  { signature: 'input', tensors: 1, samples: [{ args: [t([2, 3])] }, { args: [t([])] }], bad: [{ args: [t([3])], error: /a matrix/ }] },
);

/**
 * The conjugate transposes of a batch of matrices (the last two dimensions); of real ones the transposes, a view.
 *
 * @example
 * mH(ones([5, 2, 3])).shape; // [5, 3, 2]
 */
export const mH: MatrixTransposeFunction = described(
  'mH',
  (input: Tensor): Tensor => {
    requireDims('mH', input, 2);
    return turned(input);
  },
  {
    signature: 'input',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([4, 2, 3])] }],
    bad: [{ args: [t([3])], error: /at least 2/ }],
  },
);

/**
 * `mH` as a method, which takes a 0-d tensor too.
 *
 * @example
 * adjoint(ones([5, 2, 3])).shape; // [5, 3, 2]
 */
export const adjoint: AdjointFunction = described(
  'adjoint',
  (input: Tensor): Tensor => {
    if (input.ndim === 0) return input.type.isComplex ? conj(input) : input;
    requireDims('adjoint', input, 2);
    return turned(input);
  },
  {
    signature: 'input',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([4, 2, 3])] }, { args: [t([])] }],
    bad: [{ args: [t([3])], error: /at least 2/ }],
  },
);

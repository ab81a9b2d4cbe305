import { t } from '../op/contract.ts';
import { normalizeDim } from '../shape/dims.ts';
import { asShape, inferReshape } from '../shape/reshape.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { described, makeOperator, requireTensor } from './family.ts';
import { permute as permuteView, permuteOperator, reshapeOperator } from './structural.ts';

/** A shape as an array, or as numbers. */
export type ShapeArguments = readonly (number | readonly number[])[];

/**
 * The same elements in another shape; one size may be -1. A view where the strides allow it, else a copy.
 *
 * @example
 * reshape(arange(6), [2, -1]).shape; // [2, 3]
 */
export const reshape = described(
  'reshape',
  (input: Tensor, ...shape: ShapeArguments): Tensor => {
    requireTensor('reshape', 'input', input);
    return applyOne(reshapeOperator, [input], inferReshape('reshape', input.shape, asShape('reshape', shape, true)));
  },
  {
    signature: 'input, shape',
    samples: [{ args: [t([2, 3]), [3, 2]] }, { args: [t([2, 3, 4]), [-1, 4]] }, { args: [t([]), [1, 1]] }],
    bad: [{ args: [t([2, 3]), [4, 2]], error: /\[2, 3\] has 6 elements but \[4, 2\] has 8/ }],
  },
);

/** The dimensions in another order: a view. */
export const permute = described(
  'permute',
  (input: Tensor, ...dims: ShapeArguments): Tensor => {
    requireTensor('permute', 'input', input);
    const list = (dims.length === 1 && Array.isArray(dims[0]) ? dims[0] : dims) as readonly number[];
    if (list.length !== input.ndim) {
      throw new ShapeError(`permute: ${formatShape(list)} must list every dimension of ${formatShape(input.shape)} once`);
    }
    const order = list.map((dim) => normalizeDim('permute', dim, input.ndim));
    if (new Set(order).size !== order.length) throw new ShapeError(`permute: ${formatShape(list)} lists a dimension twice`);
    return applyOne(permuteOperator, [input], order);
  },
  {
    signature: 'input, dims',
    samples: [{ args: [t([2, 3]), [1, 0]] }, { args: [t([2, 3, 4]), [2, 0, 1]] }],
    bad: [{ args: [t([2, 3]), [0, 0]], error: /twice/ }],
  },
);

/** Swaps two dimensions: a view. Its node is called by the function's name, so it is an operator of its own over the same kernel. */
const transposeOperator = makeOperator<readonly number[]>({
  name: 'transpose',
  aliasing: 'view',
  forward: permuteOperator.forward,
  derivative: { kind: 'linear', transpose: (g, context) => permuteView(g, context.params) },
  batching: permuteOperator.batching,
});

/**
 * Swaps two dimensions: a view.
 *
 * @example
 * transpose(ones([2, 3]), 0, 1).shape; // [3, 2]
 */
export const transpose = described(
  'transpose',
  (input: Tensor, dim0: number, dim1: number): Tensor => {
    requireTensor('transpose', 'input', input);
    const a = normalizeDim('transpose', dim0, input.ndim);
    const b = normalizeDim('transpose', dim1, input.ndim);
    const order = input.shape.map((_, i) => (i === a ? b : i === b ? a : i));
    return applyOne(transposeOperator, [input], order);
  },
  {
    signature: 'input, dim0, dim1',
    samples: [{ args: [t([2, 3]), 0, 1] }, { args: [t([2, 3, 4]), -1, 0] }],
    bad: [{ args: [t([2, 3]), 0, 2], error: /dimension 2 is out of range/ }],
  },
);

import { t } from '../op/contract.ts';
import { applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { described, type Operand } from './family.ts';
import { planWhere } from './selection.ts';

type WhereFunction = (condition: Tensor, input: Operand, other: Operand) => Tensor;

const select: WhereFunction = (condition, input, other) => {
  if (input === undefined || other === undefined) {
    throw new ArgumentError(
      'where: needs condition, input and other; for the positions of true elements use nonzero(condition, { asTuple: true })',
    );
  }
  const { operator, inputs, values, compute } = planWhere(condition, input, other);
  return applyOne(operator, inputs, { values, compute });
};

const condition = (shape: readonly number[]) => t(shape, { dtype: 'bool', grad: false });

/**
 * Elements of `input` where `condition` (bool) is true, of `other` elsewhere, broadcast; both may be numbers. Dtype: PyTorch's promotion of `input`
 * and `other`. As a method it is called on `input`: `x.where(condition, other)`.
 *
 * @example
 * where(tensor([true, false]), tensor([1, 2]), 0); // tensor([1., 0.])
 */
export const where = described('where', select, {
  signature: 'condition, input, other',
  samples: [
    { args: [condition([2, 3]), t([2, 3]), t([2, 3])] },
    { args: [condition([3]), t([2, 1]), t([])] },
    { args: [condition([2]), t([2]), 0.5] },
    { args: [condition([0, 3]), 1, t([3])] },
  ],
  bad: [{ args: [t([2]), t([2]), t([2])], error: /condition must have dtype bool/ }],
});

import { INT64 } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import { applyOne } from '../tensor/apply.ts';
import { requirePlain } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { emptyTensor } from './create.ts';
import { described, type Operand, requireTensor } from './family.ts';
import { planWhere } from './selection.ts';
import { nonzero as launchNonzero } from './sort-kernels.ts';
import { clone, contiguous, reshape, select } from './structural.ts';
import type { WhereFunction } from './types.ts';

/** The coordinates of elements that are not 0: a tensor of int64 for each dimension. */
function positions(source: Tensor): Tensor[] {
  requireTensor('where', 'condition', source);
  requirePlain('where', source);
  const x = contiguous(source.ndim === 0 ? reshape(source, [1]) : source);
  const found = emptyTensor([launchNonzero(null, x), x.ndim], INT64);
  launchNonzero(found, x);
  return x.shape.map((_, dim) => clone(select(found, 1, dim)));
}

function choose(condition: Tensor, input?: Operand, other?: Operand): Tensor | Tensor[] {
  if (input === undefined && other === undefined) return positions(condition);
  if (input === undefined || other === undefined) throw new ArgumentError('where: needs condition, input and other, or condition alone');
  const { operator, inputs, values, compute } = planWhere(condition, input, other);
  return applyOne(operator, inputs, { values, compute });
}

const condition = (shape: readonly number[]) => t(shape, { dtype: 'bool', grad: false });

/**
 * Elements of `input` where `condition` (bool) is true, of `other` elsewhere, broadcast; both may be numbers. Dtype: PyTorch's promotion of `input`
 * and `other`. As a method it is called on `input`: `x.where(condition, other)`. With `condition` alone (any dtype): the coordinates of what is not
 * 0, one int64 tensor for each dimension.
 *
 * @example
 * where(tensor([true, false]), tensor([1, 2]), 0); // tensor([1., 0.])
 */
export const where: WhereFunction = described('where', choose, {
  signature: 'condition, input?, other?',
  samples: [
    { args: [condition([2, 3]), t([2, 3]), t([2, 3])] },
    { args: [condition([3]), t([2, 1]), t([])] },
    { args: [condition([2]), t([2]), 0.5] },
    { args: [condition([0, 3]), 1, t([3])] },
  ],
  bad: [{ args: [t([2]), t([2]), t([2])], error: /condition must have dtype bool/ }],
});

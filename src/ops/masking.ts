import { BOOL } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { broadcastShapes } from '../shape/broadcast.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { mapInPlace } from '../tensor/inplace.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { DTypeError, ShapeError } from '../util/errors.ts';
import { compositeOperator, described, isScalar, mapOperator, requireSameType, requireTensor, type Scalar } from './family.ts';
import { fillValue } from './fill-value.ts';
import { flatIndexing, indexFamily } from './indexed.ts';
import { sliceDim } from './movement.ts';
import { positionsOf } from './nonzero.ts';
import { expand, reshape } from './structural.ts';
import type { MaskedFunction, MaskedSelectFunction, OperandOf } from './types.ts';

/** Elements chosen by masks. */

/** A mask is a bool tensor. */
export function requireMask(name: string, mask: unknown): asserts mask is Tensor {
  requireTensor(name, 'mask', mask);
  if (mask.type !== BOOL)
    throw new DTypeError(`${name}: mask must have dtype bool, got ${mask.dtype}: compare it, for example with .ne(0)`);
}

const FILL = mapOperator('maskedFill', 2, 1, ([x, mask], [value]) => S.select(mask as S.Expr, value as S.Expr, x as S.Expr));
const FILL_TENSOR = mapOperator('maskedFill', 3, 0, ([x, mask, value]) => S.select(mask as S.Expr, value as S.Expr, x as S.Expr));

interface FillPlan {
  readonly operator: MapOperator;
  readonly inputs: readonly Tensor[];
  readonly values: readonly number[];
}

function planFill(input: Tensor, mask: Tensor, value: Tensor | Scalar): FillPlan {
  requireTensor('maskedFill', 'input', input);
  requireMask('maskedFill', mask);
  if (isScalar(value)) return { operator: FILL, inputs: [input, mask], values: [Number(value)] };
  return { operator: FILL_TENSOR, inputs: [input, mask, fillValue('maskedFill', input, value, ': use where')], values: [] };
}

/**
 * `input` with `value` (a number or a 0-d tensor) where `mask` (bool) is true; the two broadcast. The dtype is that of `input`.
 *
 * @example
 * maskedFill(tensor([1, 2]), tensor([true, false]), 0); // tensor([0., 2.])
 */
export const maskedFill: MaskedFunction<'maskedFill', OperandOf> = described(
  'maskedFill',
  Object.assign(
    (input: Tensor, mask: Tensor, value: Tensor | Scalar): Tensor => {
      const { operator, inputs, values } = planFill(input, mask, value);
      return applyOne(operator, inputs, { values, compute: input.type });
    },
    {
      inPlace: (input: Tensor, mask: Tensor, value: Tensor | Scalar): Tensor => {
        const { operator, inputs, values } = planFill(input, mask, value);
        return mapInPlace('maskedFill_', input, operator, inputs, { values, compute: input.type });
      },
    },
  ),
  {
    signature: 'input, mask, value',
    samples: [
      { args: [t([2, 3]), t([2, 3], { dtype: 'bool', grad: false }), 1.5] },
      { args: [t([2, 3]), t([3], { dtype: 'bool', grad: false }), t([])] },
      { args: [t([]), t([], { dtype: 'bool', grad: false }), 2] },
    ],
    bad: [
      { args: [t([2, 3]), t([2, 3]), 1], error: /mask must have dtype bool/ },
      { args: [t([2, 3]), t([4], { dtype: 'bool', grad: false }), 1], error: /broadcast/ },
      { args: [t([2]), t([2], { dtype: 'bool', grad: false }), t([1])], error: /0-d/ },
    ],
  },
);

const selectFamily = indexFamily('maskedSelect');

const maskedSelectOperator = compositeOperator<null>('maskedSelect', ([x, mask]) => {
  const shape = broadcastShapes('maskedSelect', (x as Tensor).shape, (mask as Tensor).shape);
  const at = positionsOf(expand(mask as Tensor, shape));
  return applyOne(selectFamily.gather, [expand(x as Tensor, shape), at], flatIndexing(shape, at.shape));
});

/**
 * The elements of `input` where `mask` (bool) is true, as one line in row-major order; the two broadcast.
 *
 * @example
 * maskedSelect(tensor([1, 2, 3]), tensor([true, false, true])); // tensor([1., 3.])
 */
export const maskedSelect: MaskedSelectFunction<'maskedSelect'> = described(
  'maskedSelect',
  (input: Tensor, mask: Tensor): Tensor => {
    requireMask('maskedSelect', mask);
    return applyOne(maskedSelectOperator, [input, mask], null);
  },
  {
    signature: 'input, mask',
    tensors: 1,
    samples: [
      { args: [t([2, 3]), t([2, 3], { dtype: 'bool', values: [true, false, true, true, false, false], grad: false })] },
      { args: [t([2, 1]), t([3], { dtype: 'bool', values: [true, false, true], grad: false })] },
      { args: [t([]), t([], { dtype: 'bool', values: [true], grad: false })] },
    ],
    bad: [{ args: [t([2, 3]), t([2, 3])], error: /mask must have dtype bool/ }],
  },
);

const scatterFamily = indexFamily('maskedScatter');

const maskedScatterOperator = compositeOperator<null>('maskedScatter', ([x, mask, source]) => {
  const shape = broadcastShapes('maskedScatter', (x as Tensor).shape, (mask as Tensor).shape);
  const at = positionsOf(expand(mask as Tensor, shape));
  const values = source as Tensor;
  if (values.size < at.size) {
    throw new ShapeError(
      `maskedScatter: source ${formatShape(values.shape)} has ${values.size} elements, but mask has ${at.size} that are true`,
    );
  }
  const taken = sliceDim(reshape(values, [values.size]), 0, 0, at.size);
  return applyOne(scatterFamily.set, [expand(x as Tensor, shape), taken, at], flatIndexing(shape, at.shape));
});

/**
 * `input` with the elements of `source`, one after the other, where `mask` (bool) is true; input and mask broadcast. `source` has the dtype of `input`
 * and at least as many elements as the mask has true ones.
 *
 * @example
 * maskedScatter(zeros([3]), tensor([true, false, true]), tensor([1, 2])); // tensor([1., 0., 2.])
 */
export const maskedScatter: MaskedFunction<'maskedScatter', Tensor> = described(
  'maskedScatter',
  (input: Tensor, mask: Tensor, source: Tensor): Tensor => {
    requireMask('maskedScatter', mask);
    requireTensor('maskedScatter', 'source', source);
    requireSameType('maskedScatter', 'source', input, source);
    return applyOne(maskedScatterOperator, [input, mask, source], null);
  },
  {
    signature: 'input, mask, source',
    tensors: 1,
    samples: [
      { args: [t([2, 3]), t([2, 3], { dtype: 'bool', values: [true, false, true, true, false, false], grad: false }), t([4])] },
      { args: [t([3]), t([2, 3], { dtype: 'bool', values: [true, false, true, true, false, false], grad: false }), t([2, 2])] },
      { args: [t([]), t([], { dtype: 'bool', values: [true], grad: false }), t([1])] },
    ],
    bad: [
      { args: [t([3]), t([3], { dtype: 'bool', values: [true, true, true], grad: false }), t([2])], error: /3 that are true/ },
      { args: [t([3]), t([3]), t([3])], error: /mask must have dtype bool/ },
    ],
  },
);

import type { DType, DTypeInfo } from '../dtype/dtype.ts';
import { BOOL, INT64 } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import { normalizeDims } from '../shape/dims.ts';
import { applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { DTypeError } from '../util/errors.ts';
import { callMap, compositeOperator, described, optionalType } from './family.ts';
import { SCALE } from './maps.ts';
import { cast, expand as expandTo, type ReduceParams, reducedShape, reshape, sumDimsOperator } from './structural.ts';
import type { MeanFunction, SumFunction } from './types.ts';

/** Which dimensions: one, several, or all (null, undefined, an empty list). */
export type Dims = number | readonly number[] | null;

/** Options of reductions. */
export interface ReduceOptions {
  /** Keep reduced dimensions with size 1. */
  readonly keepdim?: boolean;
  /** The dtype to accumulate in and return. */
  readonly dtype?: DType | null;
}

/**
 * Sum over `dim` (one dimension, several, or all). Integers and bool are summed exactly in int64 unless `dtype` says otherwise.
 * Throws IndexError for a dimension out of range.
 *
 * @example
 * sum(ones([2, 3]), 1); // tensor([3., 3.])
 */
export const sum: SumFunction<'sum'> = described(
  'sum',
  (input: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => {
    const dims = normalizeDims('sum', dim, input.ndim);
    const type = optionalType(options.dtype) ?? (input.type.isInteger || input.type === BOOL ? INT64 : input.type);
    const source =
      type === input.type || !(type.isFloat || type.isComplex) || !(input.type.isFloat || input.type.isComplex) ? input : cast(input, type);
    return applyOne(sumDimsOperator, [source], { dims, type, keepdim: options.keepdim === true });
  },
  {
    signature: 'input, dim?, *, keepdim, dtype',
    tensors: 1,
    samples: [
      { args: [t([2, 3])] },
      { args: [t([2, 3, 4]), 1] },
      { args: [t([2, 3, 4]), [0, -1], { keepdim: true }] },
      { args: [t([])] },
      { args: [t([0, 2]), 0] },
    ],
    bad: [{ args: [t([2, 3]), 2], error: /dimension 2 is out of range/ }],
  },
);

interface MeanParams extends ReduceParams {
  readonly count: number;
}

const meanOperator = compositeOperator<MeanParams>(
  'mean',
  ([x], params) => callMap(SCALE, [applyOne(sumDimsOperator, [x as Tensor], params)], [1 / params.count], params.type),
  {
    kind: 'rules',
    vjp: ([g], context) => {
      const shape = context.inputShape(0);
      const spread = callMap(SCALE, [g as Tensor], [1 / context.params.count], (g as Tensor).type);
      return [expandTo(reshape(spread, reducedShape(shape, context.params.dims, true)), shape)];
    },
  },
);

/**
 * Mean over `dim`. Needs a floating or complex dtype (or `dtype`).
 *
 * @example
 * mean(tensor([1, 2, 3])); // tensor(2.)
 */
export const mean: MeanFunction<'mean'> = described(
  'mean',
  (input: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => {
    const dims = normalizeDims('mean', dim, input.ndim);
    const type: DTypeInfo = optionalType(options.dtype) ?? input.type;
    if (!type.isFloat && !type.isComplex)
      throw new DTypeError(`mean: needs a floating or complex dtype, got ${type.name}: cast with .to('float32'), or pass { dtype }`);
    const count = dims.reduce((n, d) => n * (input.shape[d] as number), 1);
    return applyOne(meanOperator, [cast(input, type)], { dims, type, count, keepdim: options.keepdim === true });
  },
  {
    signature: 'input, dim?, *, keepdim, dtype',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([2, 3, 4]), 1] }, { args: [t([2, 3, 4]), [0, -1], { keepdim: true }] }],
    bad: [{ args: [t([2], { dtype: 'int64' })], error: /floating/ }],
  },
);

import type { DType } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import type { Expr } from '../scalar/expr.ts';
import { broadcastsTo } from '../shape/broadcast.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { checkWritable, mapInPlace, markWritten, mayOverlap } from '../tensor/inplace.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
import { mode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { DTypeError, ShapeError } from '../util/errors.ts';
import { fillTensor } from './create.ts';
import { described, exactOperand, isScalar, mapOperator, requireTensor, type Scalar } from './family.ts';
import { fillValue } from './fill-value.ts';
import type { CopyInto, DrawInto, UnarySame } from './types.ts';

/** Tensors overwritten: the old elements count for nothing, and their gradient is zero. */

const FILL = mapOperator('fill', 1, 1, (_, [value]) => value as Expr);
const FILL_TENSOR = mapOperator('fill', 2, 0, ([, value]) => value as Expr);
const COPY = mapOperator('copy', 2, 0, ([, source]) => source as Expr);

interface FillPlan {
  readonly operator: MapOperator;
  readonly inputs: readonly Tensor[];
  readonly values: readonly number[];
}

function planFill(input: Tensor, given: Tensor | Scalar): FillPlan {
  requireTensor('fill', 'input', input);
  const value = exactOperand('fill', given);
  if (isScalar(value)) return { operator: FILL, inputs: [input], values: [Number(value)] };
  return { operator: FILL_TENSOR, inputs: [input, fillValue('fill', input, value)], values: [] };
}

/** Whether a write into `target` can go straight to its elements: nobody records, transforms or observes it. */
function isPlainWrite(target: Tensor, source: Tensor | null): boolean {
  if (mode.observer !== null && !target.type.isComplex) return false;
  // Under interpreters a view may turn out to be wrapped as its base is.
  if (mode.interpreters !== 0 || target.wrapped !== null || (source !== null && source.wrapped !== null)) return false;
  if (mode.grad && (isTracked(target) || (source !== null && isTracked(source)))) return false;
  return source === null || !mayOverlap(source, target);
}

/** `fill_` and `zero_` under the name that messages give. */
export function fillInPlace(name: string, input: Tensor, value: Tensor | Scalar): Tensor {
  const { operator, inputs, values } = planFill(input, value);
  if (inputs.length === 1 && isPlainWrite(input, null)) {
    checkWritable(name, input);
    fillTensor(input, values[0] as number);
    markWritten(input, name);
    return input;
  }
  return mapInPlace(name, input, operator, inputs, { values, compute: input.type });
}

/**
 * A tensor like `input` with all elements equal to `value`, a number or a 0-d tensor. The dtype is that of `input`.
 *
 * @example
 * fill(zeros([2]), 7); // tensor([7., 7.])
 */
export const fill: UnarySame<DType, [value: Tensor | Scalar]> = described(
  'fill',
  Object.assign(
    (input: Tensor, value: Tensor | Scalar): Tensor => {
      const { operator, inputs, values } = planFill(input, value);
      return applyOne(operator, inputs, { values, compute: input.type });
    },
    { inPlace: (input: Tensor, value: Tensor | Scalar): Tensor => fillInPlace('fill_', input, value) },
  ),
  {
    signature: 'input, value',
    samples: [{ args: [t([2, 3]), 1.5] }, { args: [t([2]), t([])] }, { args: [t([]), 2] }],
    bad: [{ args: [t([2]), t([1])], error: /0-d/ }],
  },
);

/**
 * Writes zeros into `input` and returns it.
 *
 * @example
 * zero_(ones([2])); // tensor([0., 0.])
 */
export const zero_: DrawInto<DType, []> = described(
  'zero_',
  (input: Tensor): Tensor => {
    return fillInPlace('zero_', input, 0);
  },
  {
    signature: 'input',
    tensors: 1,
    samples: [{ args: [t([2, 3], { grad: false })] }, { args: [t([], { grad: false })] }],
    bad: [{ args: [3], error: /must be a tensor/ }],
  },
);

/** `copy_` under the name that messages give. */
export function copyInPlace(name: string, input: Tensor, src: Tensor): Tensor {
  requireTensor(name, 'input', input);
  requireTensor(name, 'src', src);
  if (src.type.isComplex && !input.type.isComplex)
    throw new DTypeError(`${name}: complex numbers cannot be written into dtype ${input.dtype}: copy their real part`);
  if (!broadcastsTo(src.shape, input.shape))
    throw new ShapeError(
      `${name}: src of shape ${formatShape(src.shape)} does not broadcast to input of shape ${formatShape(input.shape)}`,
    );
  if (!isPlainWrite(input, src)) return mapInPlace(name, input, COPY, [input, src], { values: [], compute: input.type });
  checkWritable(name, input);
  backend().map(IDENTITY.program, input, [src], [], input.type);
  markWritten(input, name);
  return input;
}

/**
 * Writes the elements of `src` into `input`, broadcast and converted to its dtype, and returns it. The gradient goes to `src`.
 *
 * @example
 * copy_(zeros([2, 2]), tensor([1, 2])); // tensor([[1., 2.], [1., 2.]])
 */
export const copy_: CopyInto<'copy_', [options?: { readonly nonBlocking?: boolean }]> = described(
  'copy_',
  (input: Tensor, src: Tensor, _options: { readonly nonBlocking?: boolean } = {}): Tensor => copyInPlace('copy_', input, src),
  {
    signature: 'input, src, *, non_blocking',
    samples: [
      { args: [t([2, 3], { grad: false }), t([3], { grad: false })] },
      { args: [t([2], { grad: false }), t([2], { dtype: 'int64', low: 0, high: 9, grad: false })] },
      { args: [t([], { grad: false }), t([], { grad: false })] },
    ],
    bad: [{ args: [t([2], { grad: false }), t([3], { grad: false })], error: /does not broadcast/ }],
  },
);

import { formatShape } from '../shape/shape.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { cast } from './structural.ts';

/** The tensor that fills places of `input`, in its dtype. Throws unless `value` is a 0-d tensor that fits; `hint` says what else to use. */
export function fillValue(name: string, input: Tensor, value: unknown, hint = ''): Tensor {
  const wanted = `${name}: value must be a number or a 0-d tensor, got `;
  if (!isTensor(value)) throw new ArgumentError(wanted + describeValue(value));
  if (value.ndim !== 0) throw new ShapeError(wanted + formatShape(value.shape) + hint);
  if (value.type.isComplex && !input.type.isComplex)
    throw new DTypeError(`${name}: a complex value cannot be written into dtype ${input.dtype}`);
  return cast(value, input.type);
}

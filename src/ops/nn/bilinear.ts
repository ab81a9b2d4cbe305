import { t } from '../../op/contract.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { DTypeError, ShapeError } from '../../util/errors.ts';
import { callMap, compositeOperator, described, requireTensor } from '../family.ts';
import { ADD } from '../maps.ts';
import { matrixProduct } from '../matmul.ts';
import { permute, reshape } from '../structural.ts';

const bilinearOperator = compositeOperator<null>('nn.functional.bilinear', ([first, second, weight, bias]) => {
  const x1 = first as Tensor;
  const x2 = second as Tensor;
  const [out, in1, in2] = (weight as Tensor).shape as [number, number, number];
  const rows = x1.shape.slice(0, -1).reduce((n, size) => n * size, 1);
  // x1 W for all outputs at once, then one product with x2 for each row.
  const flat = reshape(permute(weight as Tensor, [1, 0, 2]), [in1, out * in2]);
  const half = reshape(matrixProduct(reshape(x1, [rows, in1]), flat), [rows, out, in2]);
  const whole = reshape(matrixProduct(half, reshape(x2, [rows, in2, 1])), [...x1.shape.slice(0, -1), out]);
  return bias === undefined ? whole : callMap(ADD, [whole, bias], [], whole.type);
});

/**
 * x1ᵀ W x2 + bias: `input1` [..., in1], `input2` [..., in2], `weight` [out, in1, in2], `bias` [out] or null; one dtype.
 *
 * @example
 * nn.functional.bilinear(tensor([1, 2]), tensor([3]), ones([1, 2, 1])); // tensor([9.])
 */
export const bilinear = described(
  'nn.functional.bilinear',
  (input1: Tensor, input2: Tensor, weight: Tensor, bias?: Tensor | null): Tensor => {
    const name = 'nn.functional.bilinear';
    const inputs = [input1, input2, weight, ...(bias === null || bias === undefined ? [] : [bias])];
    inputs.forEach((x, i) => {
      requireTensor(name, ['input1', 'input2', 'weight', 'bias'][i] as string, x);
      if (x.type !== input1.type)
        throw new DTypeError(`${name}: the operands have dtypes ${inputs.map((y) => y.dtype).join(', ')}: they must be equal`);
    });
    if (weight.ndim !== 3) throw new ShapeError(`${name}: weight must have shape [out, in1, in2], got ${formatShape(weight.shape)}`);
    const [out, in1, in2] = weight.shape as readonly [number, number, number];
    const fits =
      input1.ndim > 0 && input2.ndim === input1.ndim && input1.shape[input1.ndim - 1] === in1 && input2.shape[input2.ndim - 1] === in2;
    if (!fits || formatShape(input1.shape.slice(0, -1)) !== formatShape(input2.shape.slice(0, -1))) {
      throw new ShapeError(
        `${name}: inputs ${formatShape(input1.shape)} and ${formatShape(input2.shape)} do not fit a weight of ${formatShape(weight.shape)}`,
      );
    }
    if (inputs.length === 4 && formatShape((bias as Tensor).shape) !== formatShape([out]))
      throw new ShapeError(`${name}: bias must have shape [${out}], got ${formatShape((bias as Tensor).shape)}`);
    return applyOne(bilinearOperator, inputs, null);
  },
  {
    signature: 'input1, input2, weight, bias?',
    samples: [{ args: [t([2, 3]), t([2, 4]), t([5, 3, 4]), t([5])] }, { args: [t([3]), t([4]), t([5, 3, 4])] }],
    bad: [{ args: [t([2, 3]), t([2, 4]), t([5, 3, 3])], error: /do not fit/ }],
  },
);

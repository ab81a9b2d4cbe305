import { type Saves, t } from '../../op/contract.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { type Tensor, viewOf } from '../../tensor/tensor.ts';
import { DTypeError, ShapeError } from '../../util/errors.ts';
import { add } from '../arithmetic.ts';
import { compositeOperator, described, requireTensor } from '../family.ts';
import { addedProduct, matrixProduct } from '../matmul.ts';
import { isPlain, reduceBy } from '../reduction.ts';
import { permute, reshape, sumDimsOperator } from '../structural.ts';
import type { LinearFunction } from '../types.ts';

/** All but the last dimension as one. */
function rowsOf(x: Tensor): Tensor {
  const columns = x.shape[x.ndim - 1] as number;
  return x.ndim === 2 ? x : reshape(x, [columns === 0 ? x.shape.slice(0, -1).reduce((a, b) => a * b, 1) : x.size / columns, columns]);
}

const FLIP = [1, 0];

function flipped(x: Tensor): Tensor {
  if (!isPlain(x)) return permute(x, FLIP);
  const { shape, strides } = x;
  return viewOf(x, [shape[1] as number, shape[0] as number], [strides[1] as number, strides[0] as number], x.offset);
}

/** What the derivative reads: for the gradient of the weight the input, and the other way round. */
const SAVES: readonly Saves[] = [{}, { inputs: [1] }, { inputs: [0] }, { inputs: [0, 1] }];

/** x Wᵀ + b: one matrix product over all rows, which begins with b. The rule is two more of them and a sum. */
const linearOperator = compositeOperator<null>(
  'nn.functional.linear',
  ([input, weight, bias]) => {
    const x = input as Tensor;
    const w = weight as Tensor;
    if (w.ndim === 1) {
      const dots = reshape(matrixProduct(rowsOf(x), reshape(w, [w.size, 1])), x.shape.slice(0, -1));
      return bias === undefined ? dots : add(dots, bias);
    }
    const product = bias === undefined ? matrixProduct(rowsOf(x), flipped(w)) : addedProduct(bias, rowsOf(x), flipped(w));
    return x.ndim === 2 ? product : reshape(product, [...x.shape.slice(0, -1), w.shape[0] as number]);
  },
  {
    kind: 'rules',
    saves: (needs) => SAVES[(needs[0] === true ? 1 : 0) + (needs[1] === true ? 2 : 0)] as Saves,
    vjp: ([given], context) => {
      const g = given as Tensor;
      const vector = context.inputShape(1).length === 1;
      const rows = vector ? reshape(g, [g.size, 1]) : rowsOf(g);
      const weight = (): Tensor => (vector ? reshape(context.input(1), [1, context.input(1).size]) : context.input(1));
      return [
        context.needs(0) ? reshape(matrixProduct(rows, weight()), context.inputShape(0)) : null,
        context.needs(1) ? reshape(matrixProduct(flipped(rows), rowsOf(context.input(0))), context.inputShape(1)) : null,
        context.inputCount > 2 && context.needs(2) ? biasGradient(rows, context.inputShape(2)) : null,
      ];
    },
  },
);

const FIRST = [0];
const BOTH = [0, 1];

function biasGradient(rows: Tensor, shape: readonly number[]): Tensor {
  const dims = shape.length === 0 ? BOTH : FIRST;
  const summed = isPlain(rows)
    ? reduceBy('sum', rows, dims, rows.type, false)
    : applyOne(sumDimsOperator, [rows], { dims, type: rows.type });
  return reshape(summed, shape);
}

/**
 * `input @ weightᵀ + bias` over the last dimension. `input`: [..., in], `weight`: [out, in] or [in], `bias`: [out] or null; one dtype.
 *
 * @example
 * linear(ones([2, 3]), ones([4, 3])).shape; // [2, 4]
 */
export const linear: LinearFunction<'linear'> = described(
  'nn.functional.linear',
  (input: Tensor, weight: Tensor, bias?: Tensor | null): Tensor => {
    requireTensor('linear', 'input', input);
    requireTensor('linear', 'weight', weight);
    const inputs = [input, weight];
    if (bias !== undefined && bias !== null) {
      requireTensor('linear', 'bias', bias);
      inputs.push(bias);
    }
    for (const x of inputs)
      if (x.type !== input.type)
        throw new DTypeError(
          `linear: the operands have dtypes ${inputs.map((y) => y.dtype).join(', ')}: they must be equal, cast with .to(…)`,
        );
    if (weight.ndim < 1 || weight.ndim > 2)
      throw new ShapeError(`linear: weight must have 1 or 2 dimensions, got ${formatShape(weight.shape)}`);
    const features = weight.shape[weight.ndim - 1] as number;
    if (input.ndim === 0 || input.shape[input.ndim - 1] !== features) {
      throw new ShapeError(
        `linear: expected last dimension ${features}, got ${input.shape[input.ndim - 1] ?? 'none'} in ${formatShape(input.shape)} (weight ${formatShape(weight.shape)})`,
      );
    }
    const outputs = weight.ndim === 1 ? 1 : (weight.shape[0] as number);
    if (inputs.length > 2 && !((bias as Tensor).ndim <= 1 && ((bias as Tensor).size === outputs || (bias as Tensor).size === 1))) {
      throw new ShapeError(`linear: bias must have shape [${outputs}], got ${formatShape((bias as Tensor).shape)}`);
    }
    return applyOne(linearOperator, inputs, null);
  },
  {
    signature: 'input, weight, bias?',
    samples: [{ args: [t([2, 3]), t([4, 3]), t([4])] }, { args: [t([2, 5, 3]), t([4, 3])] }, { args: [t([3]), t([4, 3]), t([4])] }],
    bad: [{ args: [t([2, 3]), t([4, 5])], error: /expected last dimension 5, got 3/ }],
  },
);

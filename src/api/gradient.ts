import { type DType, dtypeInfo } from '../dtype/dtype.ts';
import { recording } from '../runtime/recorder.ts';
import { formatShape, sameShape } from '../shape/shape.ts';
import { forgetGradient, giveAway } from '../tensor/accumulate.ts';
import { settle } from '../tensor/engine.ts';
import { describeTensor, describeValue } from '../tensor/messages.ts';
import { metaOf } from '../tensor/meta.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { ArgumentError, AutogradError, DTypeError, ShapeError } from '../util/errors.ts';
import { warnOnce } from '../util/warn.ts';

/** The members `grad` and `gradDtype` of a tensor. */

export function gradOf(x: Tensor): Tensor | null {
  settle();
  const meta = x.meta;
  const grad = meta === null ? null : meta.grad;
  if (grad === null && x.node !== null && meta?.retainsGrad !== true) {
    warnOnce(
      'grad of a result',
      `grad: ${describeTensor(x)} is not a leaf, so backward() does not keep its gradient: call retainGrad() on it before, or read the grad of a leaf`,
    );
  }
  if (grad !== null) giveAway(grad);
  return grad;
}

/** Sets or clears the gradient: a tensor of the same shape and of the dtype that gradients have here, another one than `x` itself. */
export function setGrad(x: Tensor, value: Tensor | null | undefined): void {
  settle();
  if (value === null || value === undefined) {
    if (x.meta !== null) forgetGradient(x.meta);
    recording.by?.gradient(x);
    return;
  }
  if (!isTensor(value)) throw new ArgumentError(`grad: assign a tensor or null, got ${describeValue(value)}`);
  if (value === x) throw new AutogradError('grad: a tensor cannot be its own gradient: assign a clone()');
  if (!sameShape(value.shape, x.shape)) {
    throw new ShapeError(
      `grad: assigned a gradient of shape ${formatShape(value.shape)} to ${describeTensor(x)}: the shapes must be equal`,
    );
  }
  const wanted = typeOf(x);
  if (wanted !== null && value.type !== wanted) {
    throw new DTypeError(
      `grad: assigned a ${value.dtype} gradient to ${describeTensor(x)}, whose gradients are ${wanted.name}: cast it with to('${wanted.name}'), or set gradDtype`,
    );
  }
  giveAway(value);
  metaOf(x).grad = value;
  recording.by?.gradient(x);
}

function typeOf(x: Tensor): Tensor['type'] | null {
  const type = x.meta?.gradType;
  return type === undefined ? x.type : type;
}

function requireLeaf(x: Tensor): void {
  if (!isTracked(x) || x.node === null) return;
  throw new AutogradError(
    `gradDtype: ${describeTensor(x)} is not a leaf: gradients of results have the dtype of the result; set it on the leaves`,
  );
}

/** The dtype that gradients of a leaf are cast to; null: none, they stay as they come. */
export function gradDtypeOf(x: Tensor): DType | null {
  requireLeaf(x);
  return typeOf(x)?.name ?? null;
}

export function setGradDtype(x: Tensor, value: DType | null): void {
  requireLeaf(x);
  const type = value === null ? null : dtypeInfo(value);
  if (type !== null && (!(type.isFloat || type.isComplex) || type.isComplex !== x.type.isComplex)) {
    throw new DTypeError(
      `gradDtype: ${type.name} for ${describeTensor(x)}: gradients have a ${x.type.isComplex ? 'complex' : 'floating'} dtype here`,
    );
  }
  const grad = x.meta?.grad ?? null;
  if (grad !== null && type !== null && grad.type !== type) {
    throw new DTypeError(
      `gradDtype: ${describeTensor(x)} has a gradient of dtype ${grad.type.name} already: set grad to null before gradients become ${type.name}`,
    );
  }
  const meta = metaOf(x);
  meta.gradType = type;
  meta.accumulator?.takeType();
}

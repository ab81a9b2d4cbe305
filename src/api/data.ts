import { separatelyCounted } from '../runtime/storage.ts';
import { sameShape } from '../shape/shape.ts';
import { requirePlain } from '../tensor/data.ts';
import { checkHistory, markWritten } from '../tensor/inplace.ts';
import { describeTensor, describeValue } from '../tensor/messages.ts';
import { aliasOf, isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { ArgumentError, DTypeError, InPlaceError } from '../util/errors.ts';

/** The values of a tensor apart from its history: reading them, and giving it others. */

/** A handle on the elements of `x` that counts its own writes. */
export function dataOf(x: Tensor): Tensor {
  requirePlain('data', x);
  const view = aliasOf(x);
  view.storage = separatelyCounted(x.storage);
  // Forward mode leaves a tensor its values; the tangent stays behind.
  view.wrapped = null;
  return view;
}

/** Moves the handle to the elements of `value`, of whatever shape and dtype; its version, gradient and history stay as they are. */
export function setData(x: Tensor, value: Tensor): void {
  requirePair('data', x, value);
  if (isTracked(x) && !value.type.isFloat && !value.type.isComplex) {
    throw new DTypeError(
      `data: assigned ${value.dtype} values to ${describeTensor(x)}, which requires a gradient: only floating and complex dtypes can have one`,
    );
  }
  // A gradient that arrives later has the new shape and dtype.
  if (x.meta !== null && (x.type !== value.type || !sameShape(x.shape, value.shape))) x.meta.accumulator = null;
  move(x, value);
}

/** `set_`: the same as a write in place. What was recorded with a leaf before keeps its old sink. */
export function setSource(x: Tensor, source: Tensor): Tensor {
  requirePair('set_', x, source);
  if (x.type !== source.type)
    throw new DTypeError(`set_: the source is ${describeTensor(source)} and the target ${describeTensor(x)}: the dtypes must be equal`);
  checkHistory('set_', x);
  if (isTracked(x) && x.node !== null) {
    throw new InPlaceError(
      `set_: the target, ${describeTensor(x)}, has a history that the new elements are no part of: detach_() it first, or use copy_() to record the change`,
    );
  }
  if (x.meta !== null) x.meta.accumulator = null;
  move(x, source);
  markWritten(x, 'set_');
  return x;
}

function requirePair(name: string, x: Tensor, value: unknown): void {
  if (!isTensor(value)) throw new ArgumentError(`${name}: expected a tensor, got ${describeValue(value)}`);
  requirePlain(name, x);
  requirePlain(name, value);
  if (x.wrapped !== null)
    throw new InPlaceError(
      `${name}: ${describeTensor(x)} has a tangent, which would not be that of the new elements: copy_() them instead`,
    );
}

function move(x: Tensor, value: Tensor): void {
  const storage = separatelyCounted(value.storage);
  // The versions that nodes saved are those of this handle.
  if (storage.version >= 0) storage.version = Math.max(x.storage.version, 0);
  // What it was a view of has nothing to do with the new elements.
  if (x.meta !== null) x.meta.base = null;
  Object.assign(x, {
    storage,
    offset: value.offset,
    shape: value.shape,
    strides: value.strides,
    type: value.type,
    size: value.size,
    rowMajor: value.rowMajor,
  });
}

import { elementsAt } from '../runtime/elements.ts';
import { beginLaunch, pin, unpin } from '../runtime/storage.ts';
import { ArgumentError, InPlaceError, MemoryError } from '../util/errors.ts';
import { requirePlain, rowMajorCopy, type TypedArray, writeBack } from './data.ts';
import { checkWritable, markWritten } from './inplace.ts';
import { describeTensor, describeValue } from './messages.ts';
import { mode } from './modes.ts';
import type { Tensor } from './tensor.ts';
import { isTracked } from './views.ts';

/** The elements as they lie in memory: half types as their 16 bits, bool as bytes of 0 and 1, complex numbers as pairs. */
export type LentArray = TypedArray | Uint16Array;

/** Options of `withData`. */
export interface LendOptions {
  /** What the callback writes becomes the tensor's values, and counts as a change in place. */
  readonly write?: boolean;
}

/**
 * Lends the elements in row-major order as a typed array, without copying where they lie so, for the length of `body`; returns what it returns.
 * The array must not be kept, nor written unless `write` is set.
 */
export function lendData<R>(x: Tensor, body: (view: LentArray) => R, options: LendOptions = {}): R {
  if (typeof body !== 'function') throw new ArgumentError(`withData: give a function that gets the elements, not ${describeValue(body)}`);
  requirePlain('withData', x);
  const writes = options.write === true;
  if (writes && x.wrapped !== null) {
    throw new InPlaceError(
      'withData: the tensor has a tangent that a write from outside cannot change: write into it with in-place operations, or before it is made dual',
    );
  }
  if (writes) checkWritable('withData', x);
  if (writes && mode.grad && isTracked(x)) {
    throw new InPlaceError(
      `withData: ${describeTensor(x)} has a history that a write from outside cannot be part of: write inside noGrad(() => …), or into a detach()ed clone`,
    );
  }
  const lent = x.rowMajor ? x : rowMajorCopy(x);
  pin(lent.storage);
  try {
    beginLaunch();
    const view = elementsAt(lent) as LentArray;
    const result = body(view);
    if (result instanceof Promise)
      throw new ArgumentError('withData: the callback must be synchronous: the elements are lent until it returns');
    if (view.byteLength !== x.size * x.type.itemsize) {
      throw new MemoryError(
        'withData: memory grew while elements were lent, which cuts the array off: make tensors before or after the callback, or use toTypedArray() for a copy',
      );
    }
    if (writes && lent !== x) writeBack(x, lent);
    return result;
  } finally {
    unpin(lent.storage);
    if (writes) markWritten(x, 'withData');
  }
}

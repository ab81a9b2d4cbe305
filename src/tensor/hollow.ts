import { allocatePermanent, type Storage } from '../runtime/storage.ts';
import { metaOf } from './meta.ts';
import { Tensor } from './tensor.ts';

let noStorage: Storage | null = null;

/** A storage without bytes, for handles of which only the history is used. */
export function hollow(): Storage {
  noStorage ??= allocatePermanent(0);
  return noStorage;
}

/** A handle with the same history that holds no memory. */
export function withoutValue(x: Tensor): Tensor {
  const handle = new Tensor(hollow(), 0, x.shape, x.strides, x.type, x.size, x.rowMajor);
  handle.node = x.node;
  handle.outputIndex = x.outputIndex;
  handle.tracked = x.tracked;
  if (x.node === null && x.meta?.accumulator) metaOf(handle).accumulator = x.meta.accumulator;
  return handle;
}

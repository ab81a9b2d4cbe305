import { allocatePermanent, type Storage } from '../runtime/storage.ts';
import { gradientNode } from './node.ts';
import { Tensor } from './tensor.ts';

let noStorage: Storage | null = null;

/** A storage without bytes, for handles of which only the history is used. */
export function hollow(): Storage {
  noStorage ??= allocatePermanent(0);
  return noStorage;
}

/** A handle with the same history that holds no memory; that of a leaf has the sink of the leaf. */
export function withoutValue(x: Tensor): Tensor {
  const handle = new Tensor(hollow(), 0, x.shape, x.strides, x.type, x.size, x.rowMajor);
  handle.node = gradientNode(x);
  handle.outputIndex = x.outputIndex;
  handle.tracked = x.tracked;
  return handle;
}

import { NO_STORAGE } from '../runtime/storage.ts';
import { gradientNode } from './node.ts';
import { Tensor } from './tensor.ts';

/** A handle with the same history that holds no memory; that of a leaf has the sink of the leaf. */
export function withoutValue(x: Tensor): Tensor {
  const handle = new Tensor(NO_STORAGE, 0, x.shape, x.strides, x.type, x.size, x.rowMajor);
  handle.node = gradientNode(x);
  handle.outputIndex = x.outputIndex;
  handle.tracked = x.tracked;
  return handle;
}

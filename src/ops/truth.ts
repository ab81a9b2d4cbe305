import { BOOL } from '../dtype/dtype.ts';
import { backend } from '../runtime/backend.ts';
import { heap } from '../runtime/heap.ts';
import { addressOf, beginLaunch } from '../runtime/storage.ts';
import { requirePlain } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { emptyTensor } from './create.ts';

/** Whether no element is zero: looks at the values, so `x` must not be under a transform. */
export function everyElement(name: string, x: Tensor): boolean {
  requirePlain(name, x);
  const result = emptyTensor([], BOOL);
  backend().reduce(
    'all',
    result,
    x,
    x.shape.map((_, i) => i),
  );
  beginLaunch();
  return heap.u8[addressOf(result.storage)] !== 0;
}

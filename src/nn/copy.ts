import { backend } from '../runtime/backend.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { markWritten } from '../tensor/inplace.ts';
import { mode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Overwrites the values of a parameter or buffer without a trace on the tape: loading and initialising. */
export function copyInto(target: Tensor, value: Tensor): void {
  if (mode.beforeWrite !== null) mode.beforeWrite(target);
  backend().map(IDENTITY.program, target, [value], [], target.type);
  markWritten(target, 'copy_');
}

import type { Operator } from '../op/contract.ts';
import type { Tensor } from './tensor.ts';

/** The door to operators for modules that `apply.ts` itself is built on; it fills this in when it loads. */
export const dispatch: { apply: (operator: Operator<Tensor, never>, inputs: readonly Tensor[], params: never) => Tensor | Tensor[] } = {
  apply() {
    throw new Error('the dispatcher is not loaded');
  },
};

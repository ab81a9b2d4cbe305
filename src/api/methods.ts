import type { Tensor } from '../tensor/tensor.ts';
import type { CoreMembers } from './core.ts';
import type { METHODS } from './method-names.ts';

/** The types of all methods. Shapes and dtypes are followed where the operator's rule can be written down. */
declare module '../tensor/methods.ts' {
  interface Methods extends CoreMembers {
    // biome-ignore lint/suspicious/noExplicitAny: until each method's type is written, any name and arguments are accepted
    [name: string]: any;
  }
}

export type { METHODS, Tensor };

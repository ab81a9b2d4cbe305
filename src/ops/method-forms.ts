import type { Tensor } from '../tensor/tensor.ts';
import { castMethods } from './cast.ts';
import type { Operand } from './family.ts';
import { polygamma } from './gamma.ts';
import { setAt } from './indexing.ts';
import { normMethod } from './linalg/norm.ts';
import { where } from './where.ts';

/**
 * Functions behind methods that are not the exported function of their name: the tensor is not its first argument, another export has the name, or
 * the method takes less, since decompositions are not for methods.
 */
export const METHOD_FORMS: Readonly<Record<string, (...args: never[]) => unknown>> = {
  ...castMethods,
  norm: normMethod,
  polygamma: (input: Tensor, n: number): Tensor => polygamma(n, input),
  set: setAt,
  where: (input: Tensor, condition: Tensor, other: Operand): Tensor => where(condition, input, other),
};

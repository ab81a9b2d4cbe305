import { requireWhole } from '../util/whole.ts';
import type { Dim } from './types/core.ts';

/**
 * A size with a name in the types: two names are never the same size, so that the compiler tells a batch from a time, while at run time it is a number
 * like any other. Throws ArgumentError for what is no size.
 *
 * @example
 * const batch = dim('batch', 32);
 * zeros([batch, 3]).shape; // [32, 3]
 */
export function dim<Name extends string>(name: Name, size: number): Dim<Name> {
  requireWhole('dim', `the size of '${name}'`, size, 0);
  return size as Dim<Name>;
}

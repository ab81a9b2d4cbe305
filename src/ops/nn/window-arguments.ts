import { describeValue } from '../../tensor/messages.ts';
import { ArgumentError } from '../../util/errors.ts';

/** One number for all spatial dimensions, or one for each. */
export type PerDim = number | readonly number[];

/** A whole number for each of `dims` spatial dimensions; throws ArgumentError for anything else, or for one below `least`. */
export function perDim(name: string, role: string, given: unknown, dims: number, least: number): number[] {
  const list: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
  const values: unknown = typeof list === 'number' ? Array<number>(dims).fill(list) : list;
  if (!Array.isArray(values) || values.length !== dims) {
    throw new ArgumentError(
      `${name}: ${role} must be one number or a list of ${dims}, got ${Array.isArray(given) ? `${given.length} of them` : describeValue(given)}`,
    );
  }
  for (const value of values) {
    if (!Number.isInteger(value) || (value as number) < least)
      throw new ArgumentError(`${name}: ${role} must be whole numbers from ${least} on, got ${describeValue(value)}`);
  }
  return values as number[];
}

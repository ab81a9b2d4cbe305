import { ArgumentError } from './errors.ts';

/** Throws ArgumentError unless `value` is a whole number, `least` or more: `name` is what was called, `role` the argument. */
export function requireWhole(name: string, role: string, value: unknown, least = Number.NEGATIVE_INFINITY): asserts value is number {
  if (Number.isInteger(value) && (value as number) >= least) return;
  const from = least === Number.NEGATIVE_INFINITY ? '' : ` from ${least} on`;
  throw new ArgumentError(`${name}: ${role} must be a whole number${from}, got ${String(value)}`);
}

/**
 * Sizes of blocks. The unit is 64 bytes, which is also the alignment: a cache line, and enough for any vector load.
 *
 * Classes are geometric with sixteen steps to the doubling, so rounding a size up to its class wastes at most one part in sixteen.
 */

/** Bytes in a unit: every block starts at and is as long as a multiple of it. */
export const UNIT_BYTES = 64;

/** A megabyte, in units. */
export const MEGABYTE = 1048576 / UNIT_BYTES;

const STEPS_BITS = 4;
const STEPS = 1 << STEPS_BITS;

/** How many classes cover 4 GiB. */
export const CLASS_COUNT = (26 - STEPS_BITS + 1) * STEPS + STEPS;

/** How many whole units hold `bytes`; at least one. */
export function unitsFor(bytes: number): number {
  return bytes <= UNIT_BYTES ? 1 : Math.ceil(bytes / UNIT_BYTES);
}

/** The class of the largest class size that is not above `units`. */
export function classOf(units: number): number {
  if (units < STEPS) return units;
  const exponent = 31 - Math.clz32(units);
  return ((exponent - STEPS_BITS + 1) << STEPS_BITS) + ((units >>> (exponent - STEPS_BITS)) & (STEPS - 1));
}

/** `units` rounded up to a class size. */
export function roundToClass(units: number): number {
  if (units < STEPS) return units;
  const step = 1 << (31 - Math.clz32(units) - STEPS_BITS);
  return (units + step - 1) & -step;
}

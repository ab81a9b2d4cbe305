/** Throws if something that this library guarantees to itself does not hold: a defect of ours, not of the caller. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`nabla invariant violated: ${message}`);
}

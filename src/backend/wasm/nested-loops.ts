/** One loop of a kernel over several operands: how often, and how far each moves from one round to the next. */
export type Loop<K extends string> = { readonly size: number } & Readonly<Record<K, number>>;

/** Adds an inner loop to a list: not at all if it has one round, merged with the last loop where every operand of `steps` runs on. */
export function pushLoop<K extends string>(loops: Loop<K>[], loop: Loop<K>, steps: readonly K[]): void {
  const { size } = loop;
  if (size === 1) return;
  const last = loops[loops.length - 1];
  if (last !== undefined && steps.every((step) => last[step] === loop[step] * size))
    loops[loops.length - 1] = { ...loop, size: last.size * size };
  else loops.push(loop);
}

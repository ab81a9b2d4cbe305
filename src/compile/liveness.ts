/** What of a recording matters to anybody. */
import { type Buffer, type Item, readsOf, writesOf } from './items.ts';

/** Leaves out what writes only what nobody reads. `seen`: buffers that somebody looks at afterwards, besides those that were there before. */
export function withoutDead(items: readonly Item[], seen: ReadonlySet<Buffer>): Item[] {
  const live = new Set<Buffer>(seen);
  const kept: Item[] = [];
  for (const item of [...items].reverse()) {
    if (!isNeeded(item, live)) continue;
    kept.push(item);
    for (const operand of writesOf(item)) if (operand.isWhole && !isUpdate(item)) live.delete(operand.buffer);
    for (const operand of readsOf(item)) live.add(operand.buffer);
    if (item.kind === 'gradient' && item.grad !== null) live.add(item.grad.buffer);
  }
  return kept.reverse();
}

function isNeeded(item: Item, live: ReadonlySet<Buffer>): boolean {
  // Draws move their generator on, whether somebody looks at the numbers or not.
  if (item.kind === 'effect' || item.kind === 'gradient' || item.kind === 'fill') return true;
  return writesOf(item).some(({ buffer }) => !buffer.made || live.has(buffer));
}

/** Whether it may read what it writes. */
function isUpdate(item: Item): boolean {
  const written = writesOf(item);
  return readsOf(item).some(({ buffer }) => written.some((operand) => operand.buffer === buffer));
}

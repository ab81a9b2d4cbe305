/** Where the buffers of a run lie in one stretch of memory, in which those that are never there together share places. */
import { type Buffer, type Item, readsOf, writesOf } from './items.ts';

export interface MemoryPlan {
  readonly bytes: number;
  readonly offsets: ReadonlyMap<Buffer, number>;
  /** What all buffers would take without sharing. */
  readonly unshared: number;
}

interface Span {
  readonly buffer: Buffer;
  readonly bytes: number;
  first: number;
  last: number;
  offset: number;
}

/** Lines of 64 bytes, as storages have them. */
function aligned(bytes: number): number {
  return (bytes + 63) & -64;
}

/** Places the buffers that `isTemporary` takes: the largest first, each at the lowest offset that is free while it is needed. */
export function planMemory(items: readonly Item[], isTemporary: (buffer: Buffer) => boolean): MemoryPlan {
  const spans = new Map<Buffer, Span>();
  items.forEach((item, at) => {
    for (const { buffer } of [...readsOf(item), ...writesOf(item)]) {
      if (!isTemporary(buffer)) continue;
      const span = spans.get(buffer);
      if (span === undefined)
        spans.set(buffer, { buffer, bytes: aligned(Math.max(buffer.byteLength, 1)), first: at, last: at, offset: -1 });
      else span.last = at;
    }
  });
  const placed: Span[] = [];
  let bytes = 0;
  for (const span of [...spans.values()].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    span.offset = lowestOffset(
      placed.filter((other) => other.first <= span.last && span.first <= other.last),
      span.bytes,
    );
    placed.push(span);
    bytes = Math.max(bytes, span.offset + span.bytes);
  }
  const unshared = placed.reduce((sum, span) => sum + span.bytes, 0);
  return { bytes, offsets: new Map(placed.map(({ buffer, offset }) => [buffer, offset])), unshared };
}

function lowestOffset(taken: readonly Span[], bytes: number): number {
  let offset = 0;
  for (const other of [...taken].sort((a, b) => a.offset - b.offset)) {
    if (offset + bytes <= other.offset) break;
    offset = Math.max(offset, other.offset + other.bytes);
  }
  return offset;
}

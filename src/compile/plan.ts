/** Where the buffers of a run lie in one stretch of memory, in which those that are never there together share places. */
import { type Buffer, type Item, type Operand, readsOf, writesOf } from './items.ts';

export interface MemoryPlan {
  readonly bytes: number;
  readonly offsets: ReadonlyMap<Buffer, number>;
  /** What all buffers would take without sharing. */
  readonly unshared: number;
}

interface Span {
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
  const last = new Map<Buffer, number>();
  items.forEach((item, at) => {
    for (const { buffer } of [...readsOf(item), ...writesOf(item)]) if (isTemporary(buffer)) last.set(buffer, at);
  });
  const spans = new Map<Buffer, Span>();
  items.forEach((item, at) => {
    const place = overwritten(item, (buffer) => last.get(buffer) === at && spans.has(buffer));
    for (const { buffer } of [...readsOf(item), ...writesOf(item)]) {
      if (!last.has(buffer) || spans.has(buffer)) continue;
      const shared = place !== null && item.kind === 'map' && buffer === item.out.buffer ? spans.get(place) : undefined;
      const span = shared ?? { bytes: aligned(Math.max(buffer.byteLength, 1)), first: at, last: at, offset: -1 };
      span.last = last.get(buffer) as number;
      spans.set(buffer, span);
    }
  });
  const placed: Span[] = [];
  let bytes = 0;
  for (const span of [...new Set(spans.values())].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    span.offset = lowestOffset(
      placed.filter((other) => other.first <= span.last && span.first <= other.last),
      span.bytes,
    );
    placed.push(span);
    bytes = Math.max(bytes, span.offset + span.bytes);
  }
  const unshared = [...spans.keys()].reduce((sum, { byteLength }) => sum + aligned(Math.max(byteLength, 1)), 0);
  return { bytes, offsets: new Map([...spans].map(([buffer, { offset }]) => [buffer, offset])), unshared };
}

/** The buffer in the place of which an elementwise launch may put its result: read for the last time, element by element in the same order. */
function overwritten(item: Item, isOver: (buffer: Buffer) => boolean): Buffer | null {
  if (item.kind !== 'map' || !item.out.isWhole) return null;
  const { out, ins } = item;
  const outputs = ins.slice(0, item.program.more.length).map(({ buffer }) => buffer);
  const alike = (operand: Operand): boolean =>
    operand.isWhole && operand.size === out.size && operand.type.itemsize === out.type.itemsize && !outputs.includes(operand.buffer);
  const found = ins.find((operand) => alike(operand) && operand.buffer !== out.buffer && isOver(operand.buffer));
  if (found === undefined) return null;
  return ins.every((operand) => operand.buffer !== found.buffer || alike(operand)) ? found.buffer : null;
}

function lowestOffset(taken: readonly Span[], bytes: number): number {
  let offset = 0;
  for (const other of [...taken].sort((a, b) => a.offset - b.offset)) {
    if (offset + bytes <= other.offset) break;
    offset = Math.max(offset, other.offset + other.bytes);
  }
  return offset;
}

/** Where the buffers of a run lie in one stretch of memory, in which those that are never there together share places. */
import { type BlocksItem, type Buffer, type Item, type MapItem, type Operand, readsOf, writesOf } from './items.ts';

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
    const places = overwritten(item, (buffer) => last.get(buffer) === at && spans.has(buffer));
    for (const { buffer } of [...readsOf(item), ...writesOf(item)]) {
      if (!last.has(buffer) || spans.has(buffer)) continue;
      const place = places.get(buffer);
      const shared = place === undefined ? undefined : spans.get(place);
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

/** Buffers in the place of which launches may put their results, by those of the results. */
function overwritten(item: Item, isOver: (buffer: Buffer) => boolean): ReadonlyMap<Buffer, Buffer> {
  if (item.kind === 'blocks') return overwrittenInBlocks(item, isOver);
  const found = item.kind === 'map' && item.out.isWhole ? overwrittenBy(item, isOver) : null;
  return found === null ? NOTHING : new Map([[(item as MapItem).out.buffer, found]]);
}

const NOTHING: ReadonlyMap<Buffer, Buffer> = new Map();

/** The buffer in the place of which an elementwise launch may put its result: read for the last time, element by element in the same order. */
function overwrittenBy({ out, ins, program }: MapItem, isOver: (buffer: Buffer) => boolean): Buffer | null {
  const outputs = ins.slice(0, program.more.length).map(({ buffer }) => buffer);
  const alike = (operand: Operand): boolean =>
    operand.isWhole && operand.size === out.size && operand.type.itemsize === out.type.itemsize && !outputs.includes(operand.buffer);
  const found = ins.find((operand) => alike(operand) && operand.buffer !== out.buffer && isOver(operand.buffer));
  if (found === undefined) return null;
  return ins.every((operand) => operand.buffer !== found.buffer || alike(operand)) ? found.buffer : null;
}

/** The same in blocks: what is overwritten must be read in the same blocks, and by no later launch of a block. */
function overwrittenInBlocks({ body, moves }: BlocksItem, isOver: (buffer: Buffer) => boolean): ReadonlyMap<Buffer, Buffer> {
  const places = new Map<Buffer, Buffer>();
  const taken = new Set<Buffer>();
  const usesOf = (buffer: Buffer): (readonly [member: number, operand: Operand])[] =>
    body.flatMap((item, k) =>
      [...readsOf(item), ...writesOf(item)].filter((operand) => operand.buffer === buffer).map((operand) => [k, operand] as const),
    );
  body.forEach((item, at) => {
    if (item.kind !== 'map') return;
    const { out, ins } = item;
    const alike = (operand: Operand): boolean =>
      operand.rowMajor &&
      operand.offset === out.offset &&
      operand.size === out.size &&
      operand.type.itemsize === out.type.itemsize &&
      moves.get(operand) === moves.get(out);
    if (!moves.has(out) || usesOf(out.buffer).some(([k, operand]) => k < at || !alike(operand))) return;
    const found = ins.find(
      ({ buffer }) =>
        buffer !== out.buffer &&
        buffer.byteLength === out.buffer.byteLength &&
        isOver(buffer) &&
        !taken.has(buffer) &&
        usesOf(buffer).every(([k, operand]) => k <= at && alike(operand)) &&
        !body.some((other, k) => k <= at && writesOf(other).some((operand) => operand.buffer === buffer)),
    );
    if (found === undefined) return;
    taken.add(found.buffer);
    places.set(out.buffer, found.buffer);
  });
  return places;
}

function lowestOffset(taken: readonly Span[], bytes: number): number {
  let offset = 0;
  for (const other of [...taken].sort((a, b) => a.offset - b.offset)) {
    if (offset + bytes <= other.offset) break;
    offset = Math.max(offset, other.offset + other.bytes);
  }
  return offset;
}

/**
 * Elementwise launches and the reductions of what they make run block by block, where that is more than the cache holds. What nobody else reads is never
 * there as a whole.
 */
import { type Cut, Cutter, cutMap, isAligned, newBuffer } from './cut.ts';
import { type BlocksItem, type Buffer, type CallItem, type Item, type MapItem, type Operand, readsOf, writesOf } from './items.ts';
import { cutReduction } from './map-reduce.ts';

/** So many bytes passed on from launch to launch are worth it: fewer are in the cache anyway. */
const LEAST_BYTES = 1 << 21;
/** Bytes of a block, all operands together. */
const BLOCK_BYTES = 1 << 19;
/** How many items ahead the next launch of a chain may be. */
const REACH = 48;

type Launch = MapItem | CallItem;

interface Member {
  readonly index: number;
  readonly item: Launch;
  readonly cut: Cut;
  readonly join: CallItem | null;
}

interface Chain {
  readonly members: readonly Member[];
  readonly units: number;
  readonly perBlock: number;
  /** Whether what is left is a part even if it is nothing. */
  readonly isFixed: boolean;
  /** Bytes that launches pass on. */
  readonly passed: number;
}

/** Runs in blocks what is worth it. `seen`: buffers that somebody looks at afterwards. */
export function runInBlocks(items: readonly Item[], seen: ReadonlySet<Buffer>): Item[] {
  const uses = new Map<Buffer, number>();
  for (const item of items) for (const buffer of buffersOf(item)) uses.set(buffer, (uses.get(buffer) ?? 0) + 1);
  const taken = new Set<number>();
  return items.flatMap((item, at) => {
    if (taken.has(at)) return [];
    const chain = bestChain(items, at, taken);
    if (chain === null) return [item];
    for (const { index } of chain.members) taken.add(index);
    return itemsOf(chain, (buffer) => buffer.made && !seen.has(buffer) && uses.get(buffer) === usesIn(chain, buffer));
  });
}

function buffersOf(item: Item): Set<Buffer> {
  return new Set([...readsOf(item), ...writesOf(item)].map(({ buffer }) => buffer));
}

function usesIn({ members }: Chain, buffer: Buffer): number {
  return members.filter(({ item }) => buffersOf(item).has(buffer)).length;
}

const bytesOf = ({ size, type }: Operand): number => size * type.itemsize;

/** The chain that begins with an item, cut in the way in which most is passed on. */
function bestChain(items: readonly Item[], at: number, taken: ReadonlySet<number>): Chain | null {
  const first = items[at] as Item;
  if (first.kind !== 'map') return null;
  const most = Math.max(...writesOf(first).map(bytesOf));
  if (most < LEAST_BYTES) return null;
  let best: Chain | null = null;
  for (const units of unitsNear(items, at)) {
    const chain = chainOf(items, at, units, taken);
    if (chain !== null && chain.passed > (best?.passed ?? 0)) best = chain;
  }
  return best;
}

/** Into how many units launches ahead want to be cut. */
function unitsNear(items: readonly Item[], at: number): Set<number> {
  const found = new Set<number>();
  for (const item of items.slice(at, at + REACH)) {
    if (item.kind === 'effect') break;
    if (item.kind !== 'call') continue;
    const units = cutReduction(item)?.units;
    if (units !== undefined) found.add(units);
  }
  return found;
}

class Growth {
  readonly members: Member[] = [];
  readonly units: number;
  readonly #items: readonly Item[];
  /** What members write, in units. */
  readonly #written = new Map<Buffer, Operand>();
  /** What members use otherwise than in units. */
  readonly #apart = new Set<Buffer>();
  readonly #passed = new Map<Buffer, number>();
  /** What is there only after the last block. */
  readonly #late = new Set<Buffer>();
  readonly #moving = new Map<Buffer, number>();
  grain = 1;
  isFixed = false;

  constructor(items: readonly Item[], units: number) {
    this.#items = items;
    this.units = units;
  }

  /** Takes a launch into the chain; false: it does not fit. */
  take(index: number, between: readonly number[]): boolean {
    const item = this.#items[index] as Item;
    if (item.kind !== 'map' && item.kind !== 'call') return false;
    const [reads, writes] = [readsOf(item), writesOf(item)];
    if (this.members.length > 0 && !reads.some(({ buffer }) => this.#written.has(buffer))) return false;
    const reduction = item.kind === 'call' ? cutReduction(item) : null;
    const cut = item.kind === 'map' ? cutMap(item, this.units) : reduction?.units === this.units ? reduction.cut : null;
    if (cut === null || !this.#suits(reduction) || !this.#canMove(reads, writes, between)) return false;
    const join = reduction?.join ?? null;
    if (!this.#fits(item, reads, join === null ? writes : [], writes)) return false;
    this.#note(item, reads, join === null ? writes : [], join === null ? [] : writes);
    this.members.push({ index, item, cut, join });
    if (reduction !== null) {
      this.grain = Math.max(this.grain, reduction.grain);
      this.isFixed ||= reduction.isFixed;
    }
    return true;
  }

  #suits(reduction: ReturnType<typeof cutReduction>): boolean {
    if (reduction === null) return true;
    const { grain, isFixed } = reduction;
    if ((isFixed || this.isFixed) && this.members.some(({ join }) => join !== null)) return grain === this.grain;
    return Math.max(grain, this.grain) % Math.min(grain, this.grain) === 0;
  }

  /** Whether a launch may run before those that it would be moved over. */
  #canMove(reads: readonly Operand[], writes: readonly Operand[], between: readonly number[]): boolean {
    const touched = new Set([...reads, ...writes].map(({ buffer }) => buffer));
    const written = new Set(writes.map(({ buffer }) => buffer));
    return between.every((index) => {
      const item = this.#items[index] as Item;
      return !writesOf(item).some(({ buffer }) => touched.has(buffer)) && !readsOf(item).some(({ buffer }) => written.has(buffer));
    });
  }

  /** Whether blocks do not meet in memory: what one member writes, others use in the same units. */
  #fits(item: Launch, reads: readonly Operand[], now: readonly Operand[], writes: readonly Operand[]): boolean {
    const aligned = (operand: Operand): boolean => isAligned(item, operand, this.units);
    if ([...reads, ...writes].some(({ buffer }) => this.#late.has(buffer))) return false;
    if (!now.every((operand) => aligned(operand) && !this.#apart.has(operand.buffer))) return false;
    if (now.length === 0 && writes.some(({ buffer }) => this.#written.has(buffer) || this.#moving.has(buffer) || this.#apart.has(buffer)))
      return false;
    const own = new Set(writes.map(({ buffer }) => buffer));
    return reads.every((operand) => aligned(operand) || !(this.#written.has(operand.buffer) || own.has(operand.buffer)));
  }

  #note(item: Launch, reads: readonly Operand[], now: readonly Operand[], late: readonly Operand[]): void {
    for (const operand of reads) {
      if (this.#written.has(operand.buffer)) this.#passed.set(operand.buffer, bytesOf(operand));
      if (!isAligned(item, operand, this.units)) this.#apart.add(operand.buffer);
      if (operand.size >= this.units) this.#moving.set(operand.buffer, bytesOf(operand));
    }
    for (const operand of now) {
      this.#written.set(operand.buffer, operand);
      this.#moving.set(operand.buffer, bytesOf(operand));
    }
    for (const { buffer } of late) this.#late.add(buffer);
  }

  /** The chain, if it is one that is worth it. */
  finish(): Chain | null {
    const passed = [...this.#passed.values()].reduce((a, b) => a + b, 0);
    if (this.members.length < 2 || passed < LEAST_BYTES) return null;
    const bytes = [...this.#moving.values()].reduce((a, b) => a + b, 0) / this.units;
    const { grain } = this;
    const perBlock = this.isFixed ? grain : Math.max(1, Math.floor(BLOCK_BYTES / bytes / grain)) * grain;
    const { members, units, isFixed } = this;
    return 2 * perBlock > units ? null : { members, units, perBlock, isFixed, passed };
  }
}

function chainOf(items: readonly Item[], at: number, units: number, taken: ReadonlySet<number>): Chain | null {
  const growth = new Growth(items, units);
  if (!growth.take(at, [])) return null;
  const between: number[] = [];
  for (let index = at + 1; index < Math.min(items.length, at + REACH); index++) {
    if ((items[index] as Item).kind === 'effect') break;
    if (!taken.has(index) && !growth.take(index, between)) between.push(index);
  }
  return growth.finish();
}

/** The items that run a chain. */
function itemsOf({ members, units, perBlock, isFixed }: Chain, isOwn: (buffer: Buffer) => boolean): Item[] {
  const written = new Set(members.flatMap(({ item, join }) => (join === null ? writesOf(item).map(({ buffer }) => buffer) : [])));
  const small = new Map<Buffer, Buffer>();
  for (const buffer of written) if (isOwn(buffer)) small.set(buffer, newBuffer((buffer.byteLength / units) * perBlock));
  const count = Math.floor(units / perBlock);
  const cutter = new Cutter(perBlock, small);
  const part = (from: number, taken: number): Launch[] => members.flatMap(({ cut }) => cut(cutter, from, taken));
  const body = part(0, perBlock);
  const moves = new Map(cutter.moves);
  const left = units - count * perBlock;
  const blocks: BlocksItem = {
    kind: 'blocks',
    operator: members.map(({ item }) => item.operator).join('+'),
    count,
    body,
    moves,
    rest: left > 0 || isFixed ? part(count * perBlock, left) : [],
  };
  return [blocks, ...members.flatMap(({ join }) => join ?? [])];
}

/**
 * The pool: blocks, the cells that say where they are, and how blocks that nobody uses any more are found.
 *
 * Three ways lead back. A release is immediate: the block waits, last in first out, for the next request of its class. Where the host
 * can collect in the middle of a job, a sweep over weak references finds dead blocks as soon as enough may have piled up. Where it cannot,
 * finalizers give blocks back between jobs, and within a job the least recently used blocks move out of the heap into ordinary array
 * buffers, which the collector owns, and come back when they are used.
 */
import { Arena, CHUNK_UNITS, ChunkedArena, type Range } from './arena.ts';
import { Block, Cell } from './cell.ts';
import { heap } from './heap.ts';
import { availableMemory, collectEvicted } from './machine.ts';
import { CLASS_COUNT, classOf, MEGABYTE, roundToClass, UNIT_BYTES } from './sizes.ts';

/** How dead blocks are found. */
export type Reclaim = 'sweep' | 'evict';

/** Ranges up to this size come from chunks. */
const SMALL_RANGE_UNITS = 65536 / UNIT_BYTES;
/** Leftovers below these stay with the block. The first is the smallest slab, the second the largest small range. */
const SMALL_SPLIT = 30;
const LARGE_SPLIT = SMALL_RANGE_UNITS + 1;
/** The first kilobyte stays unused, so that no storage has the address 0. */
const FIRST_UNIT = 16;
/** What is left to the machine: a process that takes its last memory is killed without a word. */
const RESERVE = 64 * MEGABYTE;
/** How much may be evicted past need, so that evictions are rare. */
const EVICTION_SLACK = 0.25;
const EVICTION_BUDGET = 256 * MEGABYTE;
/** How many bytes are allocated between two nudges of the collector. */
const NUDGE_UNITS = 32 * MEGABYTE;

/** Finds dead blocks with the help of the host's collector. */
export interface Sweeper {
  /** Chooses how many units may pile up; null leaves it to the sweeper. */
  configure(budget: number | null): void;
  /** Whether sweeps work here: tried out at the first call. */
  open(): boolean;
  /** Takes note of a new block. */
  watch(block: Block): void;
  /** Whether only a dear sweep would find out that the block of a cell is dead. */
  isOld(cell: Cell): boolean;
  /** The live units past which the next sweep is due. */
  readonly limitUnits: number;
  /** Sweeps, so that there may be room for `units`. */
  sweep(units: number): void;
  /** Finds all that is dead. */
  sweepAll(): void;
}

/** The state behind storages. One instance serves the process. */
export class Pool {
  /** Counts launches: blocks used at the current clock neither move nor die. */
  clock = 1;
  /** Units in use by storages, dead ones included until they are found. */
  liveUnits = 0;
  peakUnits = 0;
  /** The live units past which dead blocks are looked for. */
  limitUnits = 0;
  /** Registered cells by id: those with bytes on the heap. */
  readonly registry = new Map<number, Cell>();
  /** The heap is never made longer than this. */
  maximumBytes = Number.POSITIVE_INFINITY;
  /** Whether bytes may move out of a full heap. */
  overflow = true;
  sweeps = 0;
  /**
   * What the host's collector took. Not a field of the pool: a number that is no longer whole changes the shape of the object that it is in, and
   * all compiled code that knows the pool would have to be compiled again.
   */
  readonly collecting = { milliseconds: 0 };
  evictedUnits = 0;
  restoredUnits = 0;

  /** Slabs with free slots, by slot kind, and released blocks, by class. */
  readonly #slabs: Block[][] = Array.from({ length: 33 }, () => []);
  readonly #released: Block[][] = Array.from({ length: CLASS_COUNT }, () => []);
  /** Cells whose blocks died: large ones by class, slabs by slot units. */
  readonly #dead: Cell[][] = Array.from({ length: CLASS_COUNT }, () => []);
  readonly #deadSlabs: Cell[][] = Array.from({ length: 33 }, () => []);
  #idleCells = 0;
  readonly #large = new Arena(LARGE_SPLIT, FIRST_UNIT);
  readonly #small = new ChunkedArena(SMALL_SPLIT, {
    take: (units) => this.#large.take(units),
    give: (chunk) => void this.#large.give(chunk),
  });
  #nextId = 1;
  #reclaim: Reclaim = 'evict';
  #sweeper: Sweeper | null = null;
  #evictionBudget = EVICTION_BUDGET;
  #evictedLast = 0;
  #restoredLast = 0;
  #nudgeUnits = 0;
  /** The last buffer made to be seen by the engine's collector. */
  nudge: ArrayBuffer | null = null;
  readonly #finalizers = new FinalizationRegistry<number>((id) => {
    const cell = this.registry.get(id);
    if (cell !== undefined) this.dead(cell);
  });

  constructor() {
    this.configure(null, null);
  }

  /** Gives the pool what the host's collector can do: before the first block is taken. */
  install(sweeper: Sweeper): void {
    this.#sweeper = sweeper;
    this.configure(null, null);
  }

  get reclaim(): Reclaim {
    return this.#reclaim;
  }

  /** How many bytes of the heap were ever used. */
  get reservedBytes(): number {
    return this.#large.end * UNIT_BYTES;
  }

  /** Chooses how dead blocks are found and how many bytes of them may pile up; null leaves the choice to the pool. */
  configure(reclaim: Reclaim | null, budget: number | null): void {
    const units = budget === null ? null : budget / UNIT_BYTES;
    this.#reclaim = this.#sweeper === null ? 'evict' : (reclaim ?? 'sweep');
    this.#evictionBudget = units ?? EVICTION_BUDGET;
    this.#sweeper?.configure(units);
    this.#setLimit();
  }

  #setLimit(): void {
    this.limitUnits = this.#reclaim === 'sweep' && this.#sweeper !== null ? this.#sweeper.limitUnits : this.#evictionBudget;
  }

  // ---- taking and giving blocks ----

  /** A block for at least `units`, which is a class size. Throws MemoryError with nothing changed. */
  takeBlock(units: number): Block {
    if (this.liveUnits + units > this.limitUnits) this.#makeRoom(units);
    const kind = classOf(units);
    let block = this.#released[kind]!.pop();
    // An old block would only be missed by a major sweep: its bytes get a new one.
    if (block === undefined) block = this.#open(this.#dead[kind]!.pop() ?? this.#newCell(kind, units, 0, 0));
    else if (this.#reclaim === 'sweep' && this.#sweeper?.isOld(block.cell) === true) block = this.#open(block.cell);
    const cell = block.cell;
    if (cell.idle) this.#idleCells -= 1;
    cell.idle = false;
    cell.label = '';
    this.#addLive(cell.units);
    return block;
  }

  /** Takes a block back that no storage lies in any more. */
  giveBlock(block: Block): void {
    const cell = block.cell;
    if (cell.range === null) {
      cell.bytes = null;
      return;
    }
    this.liveUnits -= cell.units;
    cell.idle = true;
    this.#idleCells += 1;
    this.#released[cell.kind]!.push(block);
  }

  /** A slab with a free slot. */
  slabFor(slotUnits: number): Block {
    const list = this.#slabs[slotUnits]!;
    return list.length > 0 ? list[list.length - 1]! : this.#newSlab(slotUnits, list);
  }

  /** Tells that the slab which `slabFor` gave has no free slot left. */
  slabFull(slab: Block): void {
    slab.cell.listed = false;
    this.#slabs[slab.cell.slotUnits]!.pop();
  }

  /** Tells that a slot of a slab became free. */
  slotFreed(slab: Block): void {
    const cell = slab.cell;
    if (cell.range === null) return;
    this.liveUnits -= cell.slotUnits;
    if (cell.listed) return;
    cell.listed = true;
    this.#slabs[cell.slotUnits]!.push(slab);
  }

  /** Brings the bytes of an evicted block back onto the heap. */
  restore(cell: Cell): void {
    const bytes = cell.bytes as Uint8Array;
    if (this.#reclaim === 'evict' && this.liveUnits + cell.units > this.limitUnits) this.#evictOver(cell.units);
    const range = this.#takeRangeInPlace(cell.units) ?? this.#takeRange(cell.units);
    cell.range = range;
    cell.address = range.start * UNIT_BYTES;
    heap.u8.set(bytes, cell.address);
    cell.bytes = null;
    this.registry.set(cell.id, cell);
    this.restoredUnits += cell.units;
    this.#addLive(cell.usedUnits);
  }

  /** Looks for dead blocks now, thoroughly. False where the host cannot. */
  collect(): boolean {
    this.clock += 1;
    const sweeper = this.#openSweeper();
    if (sweeper === null) return false;
    sweeper.sweepAll();
    this.#flush();
    this.#setLimit();
    return true;
  }

  #newSlab(slotUnits: number, list: Block[]): Block {
    const slots = Math.min(30, Math.max(4, Math.floor(128 / slotUnits)));
    const units = roundToClass(slots * slotUnits);
    if (this.liveUnits + units > this.limitUnits) this.#makeRoom(units);
    const cell = this.#deadSlabs[slotUnits]!.pop() ?? this.#newCell(classOf(units), units, slotUnits, slots);
    if (cell.idle) this.#idleCells -= 1;
    cell.idle = false;
    cell.listed = true;
    const slab = this.#open(cell);
    list.push(slab);
    return slab;
  }

  #newCell(kind: number, units: number, slotUnits: number, slots: number): Cell {
    // By contract no address that was resolved before an allocation is used after it.
    this.clock += 1;
    const cell = new Cell(this.#nextId++, kind, this.#takeRange(units), slotUnits, slots);
    this.registry.set(cell.id, cell);
    return cell;
  }

  /** A new block for a cell that has none. */
  #open(cell: Cell): Block {
    const block = new Block(cell);
    if (this.#reclaim === 'sweep' && this.#sweeper !== null) this.#sweeper.watch(block);
    else this.#watch(block, cell);
    return block;
  }

  #addLive(units: number): void {
    this.liveUnits += units;
    if (this.liveUnits > this.peakUnits) this.peakUnits = this.liveUnits;
  }

  #watch(block: Block, cell: Cell): void {
    this.#finalizers.register(block, cell.id);
    this.#nudgeUnits += cell.units;
    if (this.#nudgeUnits < NUDGE_UNITS) return;
    // The engine's collector does not see the heap's bytes. It sees those of this buffer, which nobody touches, so they cost no memory.
    this.#nudgeUnits = 0;
    this.nudge = new ArrayBuffer(NUDGE_UNITS * UNIT_BYTES);
    this.dropSlabs(false);
  }

  /** Told that the block of a cell died: keeps the cell for the next block of its kind. */
  dead(cell: Cell): void {
    this.liveUnits -= cell.usedUnits;
    cell.alive = null;
    cell.idle = true;
    cell.freeSlots = cell.allSlots;
    this.#idleCells += 1;
    if (cell.slotUnits === 0) this.#dead[cell.kind]!.push(cell);
    else this.#deadSlabs[cell.slotUnits]!.push(cell);
  }

  /** Takes a cell's bytes off the heap for good. */
  #discard(cell: Cell): void {
    this.registry.delete(cell.id);
    this.#giveRange(cell);
  }

  #giveRange(cell: Cell): void {
    const range = cell.range as Range;
    cell.range = null;
    cell.address = 0;
    if (range.chunk === null) this.#large.give(range);
    else this.#small.give(range);
  }

  // ---- ranges ----

  #takeRange(units: number): Range {
    let range = this.#tryTake(units);
    if (range === null && this.#flush()) range = this.#tryTake(units);
    if (range === null && this.#extend(units)) range = this.#tryTake(units);
    if (range === null) range = this.#takeAtTheLimit(units);
    return range ?? this.refuse(units * UNIT_BYTES);
  }

  /** Throws the error for `bytes` that cannot be had. */
  refuse(bytes: number): never {
    return fail(this, bytes);
  }

  /**
   * A range on the heap as long as it is: other blocks move out rather than the heap grow, so that `heap.f32[addressOf(x) / 4]`, where the
   * view is read first, is right.
   */
  #takeRangeInPlace(units: number): Range | null {
    for (let wanted = units; ; wanted *= 2) {
      const range = this.#tryTake(units) ?? (this.#flush() ? this.#tryTake(units) : null);
      if (range !== null) return range;
      if (this.#extend(units, Math.min(heap.byteLength, this.maximumBytes))) return this.#tryTake(units);
      if (this.#evict(wanted) === 0) return null;
      this.#small.trim();
    }
  }

  #tryTake(units: number): Range | null {
    return units <= SMALL_RANGE_UNITS ? this.#small.take(units) : this.#large.take(units);
  }

  /** Lengthens the used part of the heap, and the heap where needed, until a range of `units` is free. */
  #extend(units: number, most: number = this.maximumBytes): boolean {
    const wanted = units <= SMALL_RANGE_UNITS ? CHUNK_UNITS : units;
    const more = Math.max(wanted - this.#large.freeAtEnd, 1);
    const bytes = (this.#large.end + more) * UNIT_BYTES;
    if (bytes > most || !hasRoom(bytes - heap.byteLength) || !heap.reserve(bytes)) return false;
    this.#large.extend(more);
    return true;
  }

  /** The heap cannot grow: find all that is dead, then move out what was not used for longest, as much as it takes. */
  #takeAtTheLimit(units: number): Range | null {
    if (units * UNIT_BYTES > Math.min(this.maximumBytes, heap.maximumBytes)) return null;
    this.#small.trim();
    let range = this.#tryTake(units);
    const sweeper = range === null ? this.#openSweeper() : null;
    if (sweeper !== null) {
      sweeper.sweepAll();
      this.#flush();
      this.#small.trim();
      range = this.#tryTake(units) ?? (this.#extend(units) ? this.#tryTake(units) : null);
    }
    for (let wanted = units; range === null; wanted *= 2) {
      if (!this.overflow || !hasRoom(wanted * UNIT_BYTES) || this.#evict(wanted) === 0) return null;
      this.#small.trim();
      range = this.#tryTake(units) ?? (this.#extend(units) ? this.#tryTake(units) : null);
    }
    return range;
  }

  /** Makes free ranges of all that is idle, which then merge. False if nothing is. */
  #flush(): boolean {
    if (this.#idleCells === 0) return false;
    for (const list of this.#released) {
      for (const block of list) this.#discard(block.cell);
      list.length = 0;
    }
    for (const lists of [this.#dead, this.#deadSlabs]) {
      for (const list of lists) {
        for (const cell of list) this.#discard(cell);
        list.length = 0;
      }
    }
    this.#idleCells = 0;
    return true;
  }

  // ---- reclaiming ----

  /** Called from allocations only: addresses resolved earlier are void by contract, so the clock moves on. */
  #makeRoom(units: number): void {
    this.clock += 1;
    const sweeper = this.#reclaim === 'sweep' ? this.#openSweeper() : null;
    if (sweeper === null) {
      this.#evictOver(units);
      return;
    }
    sweeper.sweep(units);
    this.#setLimit();
  }

  #openSweeper(): Sweeper | null {
    if (this.#sweeper === null || this.#sweeper.open()) return this.#sweeper;
    this.#sweeper = null;
    if (this.#reclaim === 'sweep') this.#fallBackToEviction();
    return null;
  }

  #fallBackToEviction(): void {
    this.#reclaim = 'evict';
    this.#setLimit();
    for (const cell of this.registry.values()) {
      const block = cell.alive?.deref();
      if (block !== undefined) this.#finalizers.register(block, cell.id);
      else if (cell.alive !== null) this.dead(cell);
      cell.alive = null;
    }
  }

  /** Told that a block is alive: a slab that has free slots, and is in no list, comes into its list. */
  alive(block: Block): void {
    const cell = block.cell;
    if (cell.slotUnits === 0 || cell.freeSlots === 0 || cell.listed) return;
    cell.listed = true;
    this.#slabs[cell.slotUnits]!.push(block);
  }

  /** Lets go of slabs with free slots, or of the young ones, so that those without any live storage can die. */
  dropSlabs(youngOnly: boolean): void {
    for (const list of this.#slabs) {
      let kept = 0;
      for (const slab of list) {
        if (youngOnly && slab.cell.alive !== null) list[kept++] = slab;
        else slab.cell.listed = false;
      }
      list.length = kept;
    }
  }

  // ---- eviction ----

  #evictOver(units: number): void {
    // What comes back soon after it was moved out is alive: then the budget is too small for the program.
    const evicted = this.evictedUnits - this.#evictedLast;
    const restored = this.restoredUnits - this.#restoredLast;
    if (restored > evicted / 4) this.#evictionBudget *= 1.5;
    this.#evictedLast = this.evictedUnits;
    this.#restoredLast = this.restoredUnits;
    if (evicted > 0) collectEvicted();
    const goal = this.#evictionBudget * (1 - EVICTION_SLACK);
    if (this.liveUnits + units > goal) this.#evict(this.liveUnits + units - goal);
    if (this.liveUnits + units > this.#evictionBudget) this.#evictionBudget = (this.liveUnits + units) * (1 + EVICTION_SLACK);
    this.limitUnits = this.#evictionBudget;
  }

  /** Moves at least `units` out of the heap where possible, least recently used first. Returns how many were. */
  #evict(units: number): number {
    this.dropSlabs(false);
    const candidates = [...this.registry.values()].filter((cell) => !cell.idle && cell.pins === 0 && cell.lastUse < this.clock);
    candidates.sort((left, right) => left.lastUse - right.lastUse || left.id - right.id);
    let moved = 0;
    for (const cell of candidates) {
      if (moved >= units || !this.#moveOut(cell)) break;
      moved += cell.units;
    }
    this.evictedUnits += moved;
    return moved;
  }

  #moveOut(cell: Cell): boolean {
    const bytes = copyOut(cell.address, cell.units * UNIT_BYTES);
    if (bytes === null) return false;
    this.liveUnits -= cell.usedUnits;
    this.#discard(cell);
    cell.bytes = bytes;
    return true;
  }
}

/** Raises the error for `bytes` that cannot be had; set by the module that words it. */
let fail = (_pool: Pool, bytes: number): never => {
  throw new RangeError(`out of memory: ${bytes} bytes`);
};

/** Chooses what is thrown when there is no memory left. */
export function setMemoryFailure(failure: (pool: Pool, bytes: number) => never): void {
  fail = failure;
}

/** The pool of the process. */
export const pool = new Pool();

/** Whether the machine has `bytes` more. Asked only where the process is about to take them: asking takes microseconds. */
function hasRoom(bytes: number): boolean {
  return bytes <= 0 || availableMemory() - RESERVE >= bytes;
}

function copyOut(address: number, byteLength: number): Uint8Array | null {
  try {
    const bytes = new Uint8Array(byteLength);
    bytes.set(heap.u8.subarray(address, address + byteLength));
    return bytes;
  } catch {
    return null;
  }
}

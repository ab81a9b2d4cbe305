/**
 * The young blocks: those whose death a minor collection shows. A block that is still there after two of them is old: it gets a weak reference, which
 * only a major collection clears. Nobody else may make a weak reference to a young block, since that would keep it until the end of the job.
 */
import { Block, type Cell } from './cell.ts';
import type { Census } from './census.ts';

/** What happens to the blocks of a sweep. */
export interface Outcome {
  /** A block died, and nothing pins its bytes. */
  dead(cell: Cell): void;
  /** A block is alive. */
  alive(block: Block): void;
}

/** How many blocks a set may have. The table behind it stays small enough for V8 to keep it among its young objects, whose members are cheap to drop. */
const SET_SIZE = 1024;
/**
 * After a sweep of so few blocks the set and the list of cells stay: a new set is old objects' reference to a young one, through which collections have to look, for
 * which V8 14 wakes a thread (20 µs, and a processor that a kernel may be using) where nothing else young is alive either.
 */
const FEW = 32;

/** Young blocks and their cells. */
export class YoungBlocks {
  readonly #census: Census;
  #sets: WeakSet<Block>[] = [];
  /** The last of the sets, and how many more blocks it may have. */
  #set: WeakSet<Block> | null = null;
  #room = 0;
  /** The first `#count` are of the blocks in the sets. */
  #cells: Cell[] = [];
  #count = 0;
  /** How many blocks died in the last sweep. */
  died = 0;
  /** Whether the last sweep made weak references. */
  madeOld = false;

  constructor(census: Census) {
    this.#census = census;
  }

  /** Adds a new block. */
  add(block: Block): void {
    const cell = block.cell;
    cell.alive = null;
    cell.grown = false;
    this.#insert(block);
  }

  /** After a collection: tells which blocks died and lets the others grow old. False if that cannot be told any more. */
  settle(outcome: Outcome): boolean {
    const found = this.#census.take(this.#sets);
    if (found === null) return false;
    const cells = this.#cells;
    const count = this.#count;
    const stays = count <= FEW && this.#sets.length <= 1;
    if (!stays) this.#startAnew();
    else if (this.#set !== null) this.#room = SET_SIZE - found.length;
    this.#count = 0;
    this.died = count - found.length;
    this.madeOld = false;
    for (const block of found) block.cell.counted = true;
    for (let index = 0; index < count; index += 1) {
      const cell = cells[index]!;
      // Those that were moved out of the heap are nobody's business any more.
      if (!cell.counted && cell.range !== null) this.#bury(cell, outcome);
    }
    for (const block of found) {
      this.#grow(block, stays);
      outcome.alive(block);
    }
    return true;
  }

  #startAnew(): void {
    this.#cells = [];
    this.#sets = [];
    // What is added to a set that no census asks for would be taken for dead.
    this.#set = null;
    this.#room = 0;
  }

  #insert(block: Block): void {
    if (this.#room === 0) {
      this.#set = this.#census.newSet();
      this.#sets.push(this.#set);
      this.#room = SET_SIZE;
    }
    this.#room -= 1;
    (this.#set as WeakSet<Block>).add(block);
    this.#cells[this.#count++] = block.cell;
  }

  #bury(cell: Cell, outcome: Outcome): void {
    // A block that nobody refers to: a later sweep finds it dead again, when the bytes may no longer be pinned.
    if (cell.pins > 0) this.#makeOld(new Block(cell));
    else outcome.dead(cell);
  }

  #grow(block: Block, isMember: boolean): void {
    const cell = block.cell;
    cell.counted = false;
    const old = cell.grown || cell.idle;
    cell.grown = true;
    if (old) this.#makeOld(block);
    if (!isMember) {
      if (!old) this.#insert(block);
    } else if (old) (this.#set as WeakSet<Block>).delete(block);
    else this.#cells[this.#count++] = cell;
  }

  #makeOld(block: Block): void {
    block.cell.alive = new WeakRef(block);
    this.madeOld = true;
  }
}

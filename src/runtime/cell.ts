/**
 * What stands between a storage and its bytes: storage -> block -> cell.
 *
 * The registry holds cells and never a storage or a block, so the collector may take those at any time. A block lives as long as a storage
 * that lies in it; the cell says where the bytes of the block are, and outlives it until they are given back.
 */
import type { Range } from './arena.ts';

/** Where the bytes of one block are. */
export class Cell {
  /** Names the cell in the registry without referring to it. */
  readonly id: number;
  /** The size class that was asked for. */
  readonly kind: number;
  readonly units: number;
  /** Where the bytes are on the heap; 0 while they are not on it. */
  address: number;
  range: Range | null;
  /** The clock of the last launch that used the block. */
  lastUse: number;
  /** How many reasons there are to leave the bytes where they are. */
  pins = 0;
  /** Units in a slot, where the block is a slab of equal slots; else 0. */
  readonly slotUnits: number;
  /** One bit for each free slot. */
  freeSlots: number;
  readonly slotCount: number;
  /** Whether the slab hangs in the list of slabs with free slots. */
  listed = false;
  /** Whether no storage lies in the block, which waits for its next use. */
  idle = false;
  /** The bytes, while they are moved out of the heap. */
  bytes: Uint8Array | null = null;
  /** Tells whether the block is still alive, where a major sweep looks: null while it is young. */
  alive: WeakRef<Block> | null = null;
  /** Whether the block, while it is young, has lived through a sweep. */
  grown = false;
  /** Whether the census that is being taken has found the block. */
  counted = false;
  /** What the block was allocated for, as far as the layers above tell. */
  label = '';

  constructor(id: number, kind: number, range: Range, slotUnits: number, slotCount: number) {
    this.id = id;
    this.kind = kind;
    this.units = range.units;
    this.address = range.start * 64;
    this.range = range;
    this.lastUse = 0;
    this.slotUnits = slotUnits;
    this.slotCount = slotCount;
    this.freeSlots = this.allSlots;
  }

  /** The bits of all slots. */
  get allSlots(): number {
    return (1 << this.slotCount) - 1;
  }

  /** The units that storages use: the whole block, or the slots taken. */
  get usedUnits(): number {
    if (this.slotUnits === 0) return this.idle ? 0 : this.units;
    return (this.slotCount - countBits(this.freeSlots)) * this.slotUnits;
  }
}

/** What storages refer to: alive exactly as long as one of them is. */
export class Block {
  /** Where blocks go that the inspector comes by while a census is taken: always the same list, see `young.ts`. */
  static readonly found: Block[] = [];
  /** How many blocks known to be alive, which count already, it came by; -1 while no census is taken. */
  static witnesses = -1;
  readonly cell: Cell;

  constructor(cell: Cell) {
    this.cell = cell;
  }

  /** What Node's inspector calls to print a block. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    if (Block.witnesses >= 0) {
      if (this.cell.counted) Block.witnesses += 1;
      else Block.found.push(this);
    }
    return 'Block';
  }
}

function countBits(bits: number): number {
  let count = 0;
  for (; bits !== 0; bits &= bits - 1) count += 1;
  return count;
}

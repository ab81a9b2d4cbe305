/**
 * Storage: a run of bytes on the heap that tensors are views of.
 *
 * A storage is given back by `release`, at once, or when nothing reaches it any more. How to run a kernel on storages: allocate all that it
 * needs, call `beginLaunch`, resolve every address with `addressOf`, run. An allocation or the next launch makes the addresses void.
 */
import { MemoryError } from '../util/errors.ts';
import { invariant } from '../util/invariant.ts';
import { Range } from './arena.ts';
import { Block, Cell } from './cell.ts';
import { heap } from './heap.ts';
import { pool } from './pool.ts';
import './sweeps.ts';
import { roundToClass, UNIT_BYTES, unitsFor } from './sizes.ts';

/** The version that new storages begin with. */
export const creation = { version: 0 };

/** A run of bytes on the heap. The views of one tensor share the storage and its `version`. */
export class Storage {
  /** @internal What the storage lies in. */
  block: Block;
  /** @internal Where in the block it starts. */
  readonly byteOffset: number;
  /** How many bytes were asked for. */
  readonly byteLength: number;
  /** Counts in-place writes, so that autograd can tell when a saved tensor changed. -1: made in inference mode, writes are not counted. */
  version = creation.version;
  /**
   * How many gradient slots of a running backward pass hold this storage; -1 once anybody else may see it. Set by the autograd engine,
   * which adds in place and releases only what it alone can see.
   */
  holders = -1;
  /** Whether handles that know nothing of each other look at it (`detach`, `data`, parameters): disposing of one must not free it. */
  shared = false;
  /** The operator that last wrote in place, for error messages. */
  writer: string | null = null;
  /** What shape it wrote. */
  writtenShape: readonly number[] | null = null;

  constructor(block: Block, byteOffset: number, byteLength: number) {
    this.block = block;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
  }

  /** Whether the bytes were given back by `release`. */
  get released(): boolean {
    return this.block === RELEASED;
  }
}

/** What released storages refer to: it has no address, so a use after release is found. */
const RELEASED = new Block(new Cell(0, 0, new Range(0, 0, null), 0, 0));

/** A storage that was never anything: it counts as released, and belongs to handles of which the values are not used. */
export const NO_STORAGE: Storage = new Storage(RELEASED, 0, 0);

/** Storages up to this size share slabs. */
const SLOT_LIMIT = 2048;

/** The units of the slot for each number of units asked for. */
const SLOT_UNITS = slotSizes();

/**
 * Storages from this size on begin at different places of their blocks, as far as those are larger. Blocks lie multiples of large powers of two apart, so kernels that go along several of them would ask the same
 * parts of the caches and of the memory for all of them at once.
 */
const STAGGERED_BYTES = 1 << 20;
const TURNS = 8;
const STEP_BYTES = 1024;
let turn = 0;

const tracked: Storage[] = [];
/** What trackers may not free, while there are any. */
const escaped = new Set<Storage>();
let trackers = 0;
/** Trackers and the allocation listener together: what `allocate` looks at. */
let attentive = 0;
let listener: AllocationListener | null = null;
let launchListener: (() => void) | null = null;
let checked = false;

/**
 * Storage for `bytes` bytes, 64-byte aligned; its contents are whatever was there before.
 *
 * Throws MemoryError if there is no room, with nothing changed.
 * @example
 * const storage = allocate(4 * 10);
 * heap.f32.fill(1, addressOf(storage) / 4, addressOf(storage) / 4 + 10);
 */
export function allocate(bytes: number): Storage {
  const storage = bytes <= SLOT_LIMIT ? allocateSlot(bytes) : allocateBlock(bytes);
  if (attentive > 0) noteAllocation(storage);
  return storage;
}

function noteAllocation(storage: Storage): void {
  if (trackers > 0) tracked.push(storage);
  if (listener !== null) listener(storage.byteLength, storage);
}

/** Hears of each allocation. */
export type AllocationListener = (bytes: number, storage: Storage) => void;

/** Calls `heard` with each storage that is allocated from here on; null ends it. Returns who listened before. */
export function listenToAllocations(heard: AllocationListener | null): AllocationListener | null {
  const before = listener;
  listener = heard;
  attentive = trackers + (heard === null ? 0 : 1);
  return before;
}

/** Storage that a device keeps for good: no tracker frees it and it never moves. */
export function allocatePermanent(bytes: number): Storage {
  const storage = bytes <= SLOT_LIMIT ? allocateSlot(bytes) : allocateBlock(bytes);
  pin(storage);
  return storage;
}

/**
 * Gives the bytes back at once: only for a storage that nothing else uses any more. A second release does nothing, and is an invariant
 * error where memory is checked (`configureMemory({ debug: true })`).
 */
export function release(storage: Storage): void {
  const block = storage.block;
  if (block === RELEASED) {
    invariant(!checked, 'a storage was released twice');
    return;
  }
  if (checked) poison(storage);
  storage.block = RELEASED;
  const cell = block.cell;
  if (cell.slotUnits === 0) {
    pool.giveBlock(block);
    return;
  }
  cell.freeSlots |= 1 << (storage.byteOffset / (cell.slotUnits * UNIT_BYTES));
  pool.slotFreed(block);
}

/**
 * Where the bytes are now, in bytes from the start of the heap: valid until the next allocation or launch.
 * Addresses reach 4 GiB, so divide them or shift with `>>>`. Throws if the storage was released.
 */
export function addressOf(storage: Storage): number {
  const cell = storage.block.cell;
  cell.lastUse = pool.clock;
  if (cell.address === 0) bringBack(storage);
  return cell.address + storage.byteOffset;
}

/** Storages from this size on bear a label. */
const LABELLED_BYTES = 65536;

/** Says what a storage holds, for the message when memory runs out. Small ones bear no label. */
export function labelStorage(storage: Storage, label: string): void {
  if (storage.byteLength >= LABELLED_BYTES) storage.block.cell.label = label;
}

/** Starts a launch: the addresses resolved from here on stay valid until the next launch or allocation. */
export function beginLaunch(): void {
  pool.clock += 1;
  if (launchListener !== null) launchListener();
}

/** Calls `heard` whenever a launch begins, or the host is about to look at the heap; null ends it. */
export function listenToLaunches(heard: (() => void) | null): void {
  launchListener = heard;
}

/** Keeps the bytes of a storage where they are, across launches and allocations, until `unpin` is called as often. */
export function pin(storage: Storage): void {
  addressOf(storage);
  storage.block.cell.pins += 1;
}

/** Takes back one `pin`. */
export function unpin(storage: Storage): void {
  const cell = storage.block.cell;
  invariant(cell.pins > 0, 'a storage was unpinned more often than it was pinned');
  cell.pins -= 1;
}

/** How many trackers are open. */
export function trackerCount(): number {
  return trackers;
}

/** Starts a list of the storages allocated from here on, for `endTracking`; trackers nest. */
export function beginTracking(): number {
  trackers += 1;
  attentive += 1;
  return tracked.length;
}

/**
 * Ends the list that began at `mark`: releases every storage in it that `keep` refuses and that was not released before.
 * What is kept counts as allocated in the tracker around it. Call it in a `finally`, with `() => false` if what ran has failed.
 */
export function endTracking(mark: number, keep: (storage: Storage) => boolean): void {
  invariant(trackers > 0 && mark <= tracked.length, 'endTracking without its beginTracking');
  trackers -= 1;
  attentive -= 1;
  let kept = mark;
  for (let index = mark; index < tracked.length; index += 1) {
    const storage = tracked[index]!;
    if (storage.released) continue;
    if (escaped.has(storage)) continue;
    if (!keep(storage)) release(storage);
    else if (trackers > 0) tracked[kept++] = storage;
  }
  tracked.length = kept;
  if (trackers === 0 && escaped.size > 0) escaped.clear();
}

/** Takes a storage out of all trackers: it is held by what outlives them, such as the gradient of a leaf. */
export function untrack(storage: Storage): void {
  if (trackers > 0) escaped.add(storage);
}

/** Another storage over the same bytes, which counts its own writes. Neither may be freed before the collector comes. */
export function separatelyCounted(storage: Storage): Storage {
  const alias = new Storage(storage.block, storage.byteOffset, storage.byteLength);
  alias.version = Math.min(storage.version, 0);
  alias.shared = true;
  storage.shared = true;
  untrack(storage);
  return alias;
}

/** Whether two storages are the same bytes. */
export function sameBytes(a: Storage, b: Storage): boolean {
  return a === b || (a.block === b.block && a.byteOffset === b.byteOffset);
}

/** Whether double releases are errors and released bytes are overwritten. Off by default: it costs time. */
export function checkMemory(on: boolean): void {
  checked = on;
}

function allocateSlot(bytes: number): Storage {
  invariant(bytes >= 0, 'a storage needs a number of bytes');
  const slab = pool.slabFor(SLOT_UNITS[(bytes + UNIT_BYTES - 1) >>> 6]!);
  const cell = slab.cell;
  const slot = cell.freeSlots & -cell.freeSlots;
  cell.freeSlots ^= slot;
  if (cell.freeSlots === 0) pool.slabFull(slab);
  pool.liveUnits += cell.slotUnits;
  return new Storage(slab, (31 - Math.clz32(slot)) * cell.slotUnits * UNIT_BYTES, bytes);
}

function allocateBlock(bytes: number): Storage {
  invariant(bytes > 0 && bytes < Number.POSITIVE_INFINITY, 'a storage needs a number of bytes');
  if (bytes > heap.maximumBytes) pool.refuse(bytes);
  const units = roundToClass(unitsFor(bytes));
  if (bytes < STAGGERED_BYTES) return new Storage(pool.takeBlock(units), 0, bytes);
  turn = (turn + 1) % TURNS;
  const room = units * UNIT_BYTES - bytes;
  return new Storage(pool.takeBlock(units), Math.min(turn * STEP_BYTES, room - (room % UNIT_BYTES)), bytes);
}

function bringBack(storage: Storage): void {
  if (storage.block === RELEASED) {
    throw new MemoryError(
      'a tensor was used after its release: its memory was given back at the end of scope() or using; return it from the scope, or keep a clone()',
    );
  }
  pool.restore(storage.block.cell);
}

/** Fills released bytes with a pattern that is NaN as a float and far from any index as an integer. */
function poison(storage: Storage): void {
  const address = storage.block.cell.address;
  if (address === 0) return;
  heap.u8.fill(0xff, address + storage.byteOffset, address + storage.byteOffset + storage.byteLength);
}

/** Sixteen slot sizes: multiples of 64 bytes up to 512, then four steps to the doubling. */
function slotSizes(): Uint8Array {
  const sizes = new Uint8Array(SLOT_LIMIT / UNIT_BYTES + 1);
  for (let units = 0; units < sizes.length; units += 1) {
    const step = units <= 8 ? 1 : units <= 16 ? 2 : 4;
    sizes[units] = Math.max(1, Math.ceil(units / step) * step);
  }
  return sizes;
}

/**
 * Address ranges: which units of the heap are taken and which are free.
 *
 * Two-level segregated fit (Masmano, Ripoll, Crespo and Real, "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004):
 * free ranges hang in one last-in-first-out bin a size class, a bitmap finds the first bin that fits, what is left over is split off, and
 * neighbours merge when freed. Taking and freeing are O(1) and fragmentation stays bounded in long runs.
 */
import { invariant } from '../util/invariant.ts';
import { CLASS_COUNT, classOf } from './sizes.ts';

/** A run of units, free or taken, linked to its neighbours in the order of addresses. */
export class Range {
  start: number;
  units: number;
  free = false;
  previous: Range | null = null;
  next: Range | null = null;
  binPrevious: Range | null = null;
  binNext: Range | null = null;
  /** What the range was cut from: null for the heap itself. */
  readonly chunk: Range | null;

  constructor(start: number, units: number, chunk: Range | null) {
    this.start = start;
    this.units = units;
    this.chunk = chunk;
  }
}

/** Where an arena gets chunks from and gives back those that became free as a whole. */
export interface ChunkSource {
  take(units: number): Range | null;
  give(chunk: Range): void;
}

/** A set of ranges with O(1) take and give. */
export class Arena {
  readonly #bins: (Range | null)[] = new Array<Range | null>(CLASS_COUNT).fill(null);
  readonly #words = new Int32Array((CLASS_COUNT + 31) >>> 5);
  readonly #minimumSplit: number;
  #freeUnits = 0;
  /** An empty range after all others: never free, so nothing merges with it. */
  #end: Range;

  /** `minimumSplit`: leftovers smaller than this stay with the range that they are part of. `start`: where `extend` begins. */
  constructor(minimumSplit: number, start: number) {
    this.#minimumSplit = minimumSplit;
    this.#end = new Range(start, 0, null);
  }

  /** The first unit after all that `extend` added. */
  get end(): number {
    return this.#end.start;
  }

  /** How many units just before `end` are free. */
  get freeAtEnd(): number {
    const last = this.#end.previous;
    return last?.free === true ? last.units : 0;
  }

  /** Adds free units at the end. */
  extend(units: number): void {
    const range = this.#end;
    this.#end = new Range(range.start + units, 0, null);
    range.units = units;
    this.#bridge(range, this.#end);
    this.give(range);
  }

  /** How many units are free. */
  get freeUnits(): number {
    return this.#freeUnits;
  }

  /** A taken range of at least `units`, which is a class size; null where none is free. */
  take(units: number): Range | null {
    const bin = this.#firstBin(classOf(units));
    if (bin < 0) return null;
    const range = this.#bins[bin] as Range;
    this.#unlink(range);
    const left = range.units - units;
    if (left >= this.#minimumSplit) this.#split(range, units);
    return range;
  }

  /** Frees a taken range, merging it with free neighbours. Returns the free range that it is now part of. */
  give(range: Range): Range {
    invariant(!range.free, 'a range was freed twice');
    const { previous, next } = range;
    if (next?.free === true) {
      this.#unlink(next);
      range.units += next.units;
      this.#bridge(range, next.next);
    }
    if (previous?.free === true) {
      this.#unlink(previous);
      previous.units += range.units;
      this.#bridge(previous, range.next);
      range = previous;
    }
    this.#link(range);
    return range;
  }

  /** Adds the units of a chunk, as a free range without neighbours. */
  add(chunk: Range): void {
    this.#link(new Range(chunk.start, chunk.units, chunk));
  }

  /** Takes a free range out of the arena for good. */
  remove(range: Range): void {
    this.#unlink(range);
  }

  #split(range: Range, units: number): void {
    const rest = new Range(range.start + units, range.units - units, range.chunk);
    range.units = units;
    this.#bridge(rest, range.next);
    this.#bridge(range, rest);
    this.#link(rest);
  }

  #bridge(left: Range, right: Range | null): void {
    left.next = right;
    if (right !== null) right.previous = left;
  }

  #link(range: Range): void {
    const bin = classOf(range.units);
    const head = this.#bins[bin] as Range | null;
    range.free = true;
    range.binPrevious = null;
    range.binNext = head;
    if (head !== null) head.binPrevious = range;
    this.#bins[bin] = range;
    this.#words[bin >>> 5]! |= 1 << (bin & 31);
    this.#freeUnits += range.units;
  }

  #unlink(range: Range): void {
    const { binPrevious, binNext } = range;
    if (binNext !== null) binNext.binPrevious = binPrevious;
    if (binPrevious !== null) binPrevious.binNext = binNext;
    else {
      const bin = classOf(range.units);
      this.#bins[bin] = binNext;
      if (binNext === null) this.#words[bin >>> 5]! &= ~(1 << (bin & 31));
    }
    range.free = false;
    range.binPrevious = null;
    range.binNext = null;
    this.#freeUnits -= range.units;
  }

  /** The first bin at or after `from` that holds a range, or -1. */
  #firstBin(from: number): number {
    let word = from >>> 5;
    let bits = this.#words[word]! & (-1 << (from & 31));
    while (bits === 0) {
      word += 1;
      if (word >= this.#words.length) return -1;
      bits = this.#words[word]!;
    }
    return (word << 5) + 31 - Math.clz32(bits & -bits);
  }
}

/** Chunks are large enough that a heap full of small blocks has few of them, and small enough to become free as a whole. */
export const CHUNK_UNITS = 1 << 14;

/** An arena for small ranges, which it cuts from chunks of its own so that they never lie scattered among the large ones. */
export class ChunkedArena {
  readonly #arena: Arena;
  readonly #source: ChunkSource;
  #spare: Range | null = null;

  constructor(minimumSplit: number, source: ChunkSource) {
    this.#arena = new Arena(minimumSplit, 0);
    this.#source = source;
  }

  get freeUnits(): number {
    return this.#arena.freeUnits;
  }

  /** A range of at least `units`, which is a class size; null where neither a chunk nor a new chunk has room. */
  take(units: number): Range | null {
    const range = this.#arena.take(units) ?? this.#takeFromNewChunk(units);
    if (range !== null && this.#spare !== null && range.chunk === this.#spare.chunk) this.#spare = null;
    return range;
  }

  /** Frees a range. One chunk without any taken range is kept for what comes; more go back to the source. */
  give(range: Range): void {
    const merged = this.#arena.give(range);
    const chunk = merged.chunk;
    if (chunk === null || merged.units !== chunk.units) return;
    if (this.#spare === null) this.#spare = merged;
    else if (this.#spare !== merged) this.#drop(merged, chunk);
  }

  /** Gives the spare chunk back too. */
  trim(): void {
    const spare = this.#spare;
    this.#spare = null;
    if (spare?.chunk) this.#drop(spare, spare.chunk);
  }

  #drop(range: Range, chunk: Range): void {
    this.#arena.remove(range);
    this.#source.give(chunk);
  }

  #takeFromNewChunk(units: number): Range | null {
    const chunk = this.#source.take(CHUNK_UNITS);
    if (chunk === null) return null;
    this.#arena.add(chunk);
    return this.#arena.take(units);
  }
}

/**
 * Sorting orders of one line: stable, NaN after all numbers, -0 equal to 0. Lines are sorted by keys that compare as plain numbers; the order comes
 * as positions.
 */

/** What a line is compared by. */
export type Keys = Float64Array | BigInt64Array;

/**
 * What keys are exact as, which decides on the digits that sort them: float32 or float64, an integer of 32 bits, or nothing that digits are made of.
 */
export type KeyKind = 'float32' | 'float64' | 'int32' | 'other';

/** Below this many elements, insertion sort wins. */
const SMALL = 24;
/** From this many elements on, keys are sorted by their digits. */
const RADIX_FROM = 256;
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/** The buffers of a sort by digits: an order, and one or two words of sortable bits for each of its elements. */
class Digits {
  readonly order: Int32Array;
  readonly low: Uint32Array;
  readonly high: Uint32Array;

  constructor(capacity: number, order: Int32Array, wide: boolean) {
    this.order = order;
    this.low = new Uint32Array(capacity);
    this.high = new Uint32Array(wide ? capacity : 0);
  }
}

/** Buffers for lines of up to `capacity` elements; reused from line to line. */
export class LineSorter {
  readonly order: Int32Array;
  readonly #other: Int32Array;
  readonly #counts = new Uint32Array(DIGITS);
  #digits: readonly [Digits, Digits] | null = null;

  constructor(capacity: number) {
    this.order = new Int32Array(capacity);
    this.#other = new Int32Array(capacity);
  }

  /** Positions of the first `count` keys in sorted order. */
  sort(keys: Keys, count: number, descending: boolean, kind: KeyKind): Int32Array {
    const { order } = this;
    if (kind !== 'other' && count >= RADIX_FROM) return this.#radix(keys as Float64Array, count, descending, kind);
    const numbers = this.#numbersFirst(keys, count);
    const before = descending ? isGreater : isLess;
    for (let start = 0; start < numbers; start += SMALL) insertionSort(keys, order, start, Math.min(numbers, start + SMALL), before);
    this.#merge(keys, numbers, before);
    if (descending && numbers < count) this.#rotate(numbers, count);
    return order;
  }

  /** Fills `order` with the positions of numbers, then those of NaN; returns how many numbers there are. */
  #numbersFirst(keys: Keys, count: number): number {
    const { order } = this;
    let numbers = 0;
    for (let i = 0; i < count; i++) if (!Number.isNaN(keys[i] as number)) order[numbers++] = i;
    let next = numbers;
    for (let i = 0; next < count; i++) if (Number.isNaN(keys[i] as number)) order[next++] = i;
    return numbers;
  }

  /** Puts what follows `numbers` positions in front of them. */
  #rotate(numbers: number, count: number): void {
    this.#other.set(this.order.subarray(numbers, count));
    this.#other.set(this.order.subarray(0, numbers), count - numbers);
    this.order.set(this.#other.subarray(0, count));
  }

  /** Bottom-up merging of sorted runs. The result is in `order`. */
  #merge(keys: Keys, count: number, before: Before): void {
    let [from, to] = [this.order, this.#other];
    for (let width = SMALL; width < count; width *= 2) {
      for (let start = 0; start < count; start += 2 * width) {
        mergeRuns(keys, from, to, start, Math.min(count, start + width), Math.min(count, start + 2 * width), before);
      }
      [from, to] = [to, from];
    }
    if (from !== this.order) this.order.set(from.subarray(0, count));
  }

  /** Least significant digit first; digits that all keys share are passed over. */
  #radix(keys: Float64Array, count: number, descending: boolean, kind: Exclude<KeyKind, 'other'>): Int32Array {
    const wide = kind === 'float64';
    const capacity = this.order.length;
    this.#digits ??= [new Digits(capacity, this.order, wide), new Digits(capacity, this.#other, wide)];
    let [from, to] = this.#digits;
    for (let i = 0; i < count; i++) from.order[i] = i;
    if (wide) sortableWords(keys, count, descending, from.low, from.high);
    else sortableBits(keys, count, descending, kind, from.low);
    for (let shift = 0; shift < (wide ? 64 : 32); shift += shift === 22 ? 10 : DIGIT_BITS) {
      if (!this.#countDigits(shift < 32 ? from.low : from.high, count, shift & 31)) continue;
      this.#distribute(from, to, count, shift, wide);
      [from, to] = [to, from];
    }
    if (from.order !== this.order) this.order.set(from.order.subarray(0, count));
    return this.order;
  }

  /** Where the first key with each digit goes; false if all have the same. */
  #countDigits(words: Uint32Array, count: number, shift: number): boolean {
    const counts = this.#counts;
    counts.fill(0);
    for (let i = 0; i < count; i++) counts[((words[i] as number) >>> shift) & (DIGITS - 1)]!++;
    if (counts[((words[0] as number) >>> shift) & (DIGITS - 1)] === count) return false;
    let total = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const here = counts[digit] as number;
      counts[digit] = total;
      total += here;
    }
    return true;
  }

  #distribute(from: Digits, to: Digits, count: number, shift: number, wide: boolean): void {
    const counts = this.#counts;
    const words = shift < 32 ? from.low : from.high;
    const { order, low, high } = from;
    const { order: toOrder, low: toLow, high: toHigh } = to;
    for (let i = 0; i < count; i++) {
      const place = counts[((words[i] as number) >>> (shift & 31)) & (DIGITS - 1)]!++;
      toOrder[place] = order[i] as number;
      toLow[place] = low[i] as number;
      if (wide) toHigh[place] = high[i] as number;
    }
  }
}

type Before = (a: number | bigint, b: number | bigint) => boolean;

function isLess(a: number | bigint, b: number | bigint): boolean {
  return a < b;
}

function isGreater(a: number | bigint, b: number | bigint): boolean {
  return a > b;
}

/** a < b, with NaN after all numbers. */
function comesFirst(a: number | bigint, b: number | bigint): boolean {
  return a < b || (Number.isNaN(b as number) && !Number.isNaN(a as number));
}

/** a > b, with NaN before all numbers. */
function comesLast(a: number | bigint, b: number | bigint): boolean {
  return a > b || (Number.isNaN(a as number) && !Number.isNaN(b as number));
}

function insertionSort(keys: Keys, order: Int32Array, start: number, end: number, before: Before): void {
  for (let i = start + 1; i < end; i++) {
    const position = order[i] as number;
    const key = keys[position] as number;
    let hole = i;
    while (hole > start && before(key, keys[order[hole - 1] as number] as number)) {
      order[hole] = order[hole - 1] as number;
      hole--;
    }
    order[hole] = position;
  }
}

function mergeRuns(keys: Keys, from: Int32Array, to: Int32Array, start: number, middle: number, end: number, before: Before): void {
  let left = start;
  let right = middle;
  for (let i = start; i < end; i++) {
    const takeRight =
      right < end && (left >= middle || before(keys[from[right] as number] as number, keys[from[left] as number] as number));
    to[i] = from[takeRight ? right++ : left++] as number;
  }
}

const singleScratch = new Float32Array(1);
const singleBits = new Uint32Array(singleScratch.buffer);
const doubleScratch = new Float64Array(1);
const doubleBits = new Uint32Array(doubleScratch.buffer);

/**
 * Unsigned integers in the order of the keys. A float's bits grow with it once the sign is turned over (all bits are, where it is negative);
 * this is the usual construction for sorting IEEE 754 numbers by their digits.
 */
function sortableBits(keys: Float64Array, count: number, descending: boolean, kind: 'float32' | 'int32', bits: Uint32Array): void {
  const flip = descending ? 0xffffffff : 0;
  for (let i = 0; i < count; i++) {
    const key = keys[i] as number;
    let sortable: number;
    if (kind === 'int32') sortable = key ^ 0x80000000;
    else if (Number.isNaN(key)) sortable = 0xffffffff;
    else {
      singleScratch[0] = key + 0; // -0 + 0 is 0
      const raw = singleBits[0] as number;
      sortable = raw & 0x80000000 ? ~raw : raw | 0x80000000;
    }
    bits[i] = sortable ^ flip;
  }
}

/** The same for float64, in two words. */
function sortableWords(keys: Float64Array, count: number, descending: boolean, low: Uint32Array, high: Uint32Array): void {
  const flip = descending ? 0xffffffff : 0;
  for (let i = 0; i < count; i++) {
    const key = keys[i] as number;
    if (Number.isNaN(key)) {
      low[i] = 0xffffffff ^ flip;
      high[i] = 0xffffffff ^ flip;
      continue;
    }
    doubleScratch[0] = key + 0;
    const rawLow = doubleBits[0] as number;
    const rawHigh = doubleBits[1] as number;
    const negative = (rawHigh & 0x80000000) !== 0;
    low[i] = (negative ? ~rawLow : rawLow) ^ flip;
    high[i] = (negative ? ~rawHigh : rawHigh | 0x80000000) ^ flip;
  }
}

/**
 * Positions of the first `wanted` of `count` keys in sorted order, by a heap of the best so far: for few out of many.
 * Equal keys come in the order of their positions, as a stable sort has them.
 */
export function selectFirst(keys: Keys, count: number, wanted: number, descending: boolean): Int32Array {
  const before = descending ? comesLast : comesFirst;
  /** Whether position a comes after position b in the sorted order. */
  const later = (a: number, b: number): boolean => {
    const [x, y] = [keys[a] as number, keys[b] as number];
    return before(y, x) || (!before(x, y) && a > b);
  };
  const best = new Int32Array(wanted);
  const sink = (from: number, size: number): void => {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) return;
      if (child + 1 < size && later(best[child + 1] as number, best[child] as number)) child++;
      if (!later(best[child] as number, best[at] as number)) return;
      [best[at], best[child]] = [best[child] as number, best[at] as number];
      at = child;
    }
  };
  for (let i = 0; i < wanted; i++) best[i] = i;
  for (let i = (wanted >> 1) - 1; i >= 0; i--) sink(i, wanted);
  for (let i = wanted; i < count; i++) {
    // A later position replaces the worst kept one only where its key comes strictly before.
    if (!before(keys[i] as number, keys[best[0] as number] as number)) continue;
    best[0] = i;
    sink(0, wanted);
  }
  for (let size = wanted - 1; size > 0; size--) {
    [best[0], best[size]] = [best[size] as number, best[0] as number];
    sink(0, size);
  }
  return best;
}

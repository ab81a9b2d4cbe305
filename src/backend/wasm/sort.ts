/** Sorting and searching along one dimension. */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import { bfloat16ToNumber, float16ToNumber } from '../../dtype/half.ts';
import { heap } from '../../runtime/heap.ts';
import { beginLaunch } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { invariant } from '../../util/invariant.ts';
import { addressOfView, readInt64, writeInt64 } from './host.ts';
import { type KeyKind, type Keys, LineSorter, selectFirst } from './order.ts';

/** One element of a sorted line: that of a rank, the lower median (NaN if there is one; of the numbers alone), or the most frequent one. */
export type LinePick = number | 'median' | 'nanmedian' | 'mode';

type KeyReader = (element: number) => number | bigint;

/** Reads an element, counted from the start of the heap, as what it is compared by. */
function readerFor(type: DTypeInfo): KeyReader {
  const { f32, f64, i64, i32, i16, i8, u8, u16 } = heap;
  switch (type.name) {
    case 'float32':
      return (i) => f32[i] as number;
    case 'float64':
      return (i) => f64[i] as number;
    case 'int64':
      return (i) => i64[i] as bigint;
    case 'int32':
      return (i) => i32[i] as number;
    case 'int16':
      return (i) => i16[i] as number;
    case 'int8':
      return (i) => i8[i] as number;
    case 'uint8':
    case 'bool':
      return (i) => u8[i] as number;
    case 'float16':
      return (i) => float16ToNumber(u16[i] as number);
    case 'bfloat16':
      return (i) => bfloat16ToNumber(u16[i] as number);
    default:
      invariant(false, `sort: ${type.name} has no order`);
  }
}

function kindOf(type: DTypeInfo): KeyKind {
  if (type.name === 'float64' || type.name === 'int64') return type.name === 'float64' ? 'float64' : 'other';
  return type.isFloat ? 'float32' : 'int32';
}

/** Element offsets of the lines of a view along `dim`, in row-major order of the other dimensions. */
function lineStarts(view: View, dim: number): Float64Array {
  const { shape, strides } = view;
  const count = shape.reduce((n, size, d) => (d === dim ? n : n * size), 1);
  const starts = new Float64Array(count);
  let filled = 1;
  for (let d = 0; d < shape.length; d++) {
    if (d === dim) continue;
    const size = shape[d] as number;
    for (let i = filled - 1; i >= 0; i--) {
      const start = starts[i] as number;
      for (let k = size - 1; k >= 0; k--) starts[i * size + k] = start + k * (strides[d] as number);
    }
    filled *= size;
  }
  return starts;
}

/** Reads lines as keys, one after the other. */
class Lines {
  readonly length: number;
  keys: Keys;
  kind: KeyKind;
  readonly #type: DTypeInfo;
  readonly #read: KeyReader;
  readonly stride: number;
  readonly #base: number;
  readonly #starts: Float64Array;

  constructor(input: View, dim: number) {
    this.length = input.shape[dim] as number;
    this.#type = input.type;
    this.keys = new Float64Array(this.length);
    this.kind = kindOf(input.type);
    this.#read = readerFor(input.type);
    this.stride = input.strides[dim] as number;
    this.#base = addressOfView(input) / input.type.itemsize;
    this.#starts = lineStarts(input, dim);
  }

  get count(): number {
    return this.#starts.length;
  }

  /** Takes the keys of a line. */
  load(line: number): void {
    const { length, stride } = this;
    const read = this.#read;
    const first = this.#base + (this.#starts[line] as number);
    if (this.#type.name === 'int64') {
      this.#loadIntegers(first);
      return;
    }
    const { keys } = this;
    const { name } = this.#type;
    // The two that are sorted most are read without a call for each element.
    if (name === 'float32' || name === 'float64') {
      const elements = name === 'float32' ? heap.f32 : heap.f64;
      for (let i = 0; i < length; i++) keys[i] = elements[first + i * stride] as number;
    } else for (let i = 0; i < length; i++) keys[i] = read(first + i * stride) as never;
  }

  /** int64 is compared as numbers where those are exact. */
  #loadIntegers(first: number): void {
    const { length, stride } = this;
    const keys = this.keys instanceof Float64Array ? this.keys : new Float64Array(length);
    let [low, high] = [0, 0];
    for (let i = 0; i < length; i++) {
      const key = readInt64(8 * (first + i * stride));
      keys[i] = key;
      if (key < low) low = key;
      else if (key > high) high = key;
    }
    this.keys = keys;
    if (low >= -(2 ** 31) && high < 2 ** 31) this.kind = 'int32';
    else if (Number.isSafeInteger(low) && Number.isSafeInteger(high)) this.kind = 'float64';
    else {
      this.kind = 'other';
      const { i64 } = heap;
      this.keys = BigInt64Array.from({ length }, (_, i) => i64[first + i * stride] as bigint);
    }
  }

  /** Where an element of a line is, in elements from the start of the heap. */
  elementAt(line: number, position: number): number {
    return this.#base + (this.#starts[line] as number) + position * this.stride;
  }
}

/** Where the lines of an output are, in elements from the start of the heap. */
interface Places {
  readonly base: number;
  readonly starts: Float64Array;
  readonly step: number;
}

function placesOf(view: View | null, dim: number): Places | null {
  if (view === null) return null;
  return { base: addressOfView(view) / view.type.itemsize, starts: lineStarts(view, dim), step: view.strides[dim] as number };
}

/** Writes elements, and their positions, to the lines of the outputs. */
class LineWriter {
  readonly #values: Places | null;
  readonly #indices: Places | null;
  readonly #itemsize: number;
  readonly #lines: Lines;

  constructor(lines: Lines, values: View | null, indices: View | null, dim: number) {
    this.#lines = lines;
    this.#values = placesOf(values, dim);
    this.#indices = placesOf(indices, dim);
    this.#itemsize = values?.type.itemsize ?? 0;
  }

  /** The first `count` positions of `order`, and the elements there, become a line. */
  write(line: number, order: Int32Array, count: number): void {
    const values = this.#values;
    const indices = this.#indices;
    const lines = this.#lines;
    if (values !== null) {
      moveElements(
        this.#itemsize,
        values.base + (values.starts[line] as number),
        values.step,
        lines.elementAt(line, 0),
        lines.stride,
        order,
        count,
      );
    }
    if (indices !== null) writePositions(indices.base + (indices.starts[line] as number), indices.step, order, count);
  }
}

/** Copies the elements at `positions` one after the other; all numbers are elements. */
function moveElements(
  itemsize: number,
  to: number,
  step: number,
  from: number,
  stride: number,
  positions: Int32Array,
  count: number,
): void {
  const { u8, u16, u32 } = heap;
  if (itemsize === 8) {
    for (let i = 0; i < count; i++) {
      const target = 2 * (to + i * step);
      const source = 2 * (from + (positions[i] as number) * stride);
      u32[target] = u32[source] as number;
      u32[target + 1] = u32[source + 1] as number;
    }
    return;
  }
  const words = itemsize === 4 ? u32 : itemsize === 2 ? u16 : u8;
  for (let i = 0; i < count; i++) words[to + i * step] = words[from + (positions[i] as number) * stride] as number;
}

/** Writes positions as int64. */
function writePositions(to: number, step: number, positions: Int32Array, count: number): void {
  const { i32 } = heap;
  for (let i = 0; i < count; i++) {
    const word = 2 * (to + i * step);
    i32[word] = positions[i] as number;
    i32[word + 1] = 0;
  }
}

/**
 * Sorts along `dim`: stable, NaN after all numbers (`descending`: before them). Writes the first elements of each line and their positions (int64),
 * as many as `values` and `indices` have along `dim`; either may be null. All have any strides.
 */
export function sort(values: View | null, indices: View | null, input: View, dim: number, descending: boolean): void {
  const kept = (values ?? indices) as View;
  if (kept.size === 0) return;
  beginLaunch();
  const lines = new Lines(input, dim);
  const writer = new LineWriter(lines, values, indices, dim);
  const { length } = lines;
  const wanted = kept.shape[dim] as number;
  const sorter = wanted < length && wanted * 8 <= length ? null : new LineSorter(length);
  for (let line = 0; line < lines.count; line++) {
    lines.load(line);
    const order =
      sorter === null ? selectFirst(lines.keys, length, wanted, descending) : sorter.sort(lines.keys, length, descending, lines.kind);
    writer.write(line, order, wanted);
  }
}

/**
 * Writes one element of each sorted line along `dim`, and its position (int64); both have size 1 along `dim`, and any strides. Lines are not empty.
 * Of equal elements, a rank takes the one that a stable sort puts there; the mode is the smallest of those that are equally frequent, at the last
 * of its positions.
 */
export function pick(values: View, indices: View, input: View, dim: number, which: LinePick): void {
  if (values.size === 0) return;
  beginLaunch();
  const lines = new Lines(input, dim);
  const writer = new LineWriter(lines, values, indices, dim);
  const sorter = new LineSorter(lines.length);
  const chosen = new Int32Array(1);
  for (let line = 0; line < lines.count; line++) {
    lines.load(line);
    const order = sorter.sort(lines.keys, lines.length, false, lines.kind);
    chosen[0] = order[rankOf(which, lines.keys, order)] as number;
    writer.write(line, chosen, 1);
  }
}

/** Where in the sorted line the wanted element is. */
function rankOf(which: LinePick, keys: Keys, order: Int32Array): number {
  if (typeof which === 'number') return which;
  if (which === 'mode') return mostFrequent(keys, order);
  const count = keys.length;
  let numbers = count;
  while (numbers > 0 && Number.isNaN(keys[order[numbers - 1] as number] as number)) numbers--;
  if (which === 'median' && numbers < count) return numbers;
  return numbers === 0 ? 0 : (numbers - 1) >> 1;
}

/** The end of the longest run of equal keys, the first of several. */
function mostFrequent(keys: Keys, order: Int32Array): number {
  let best = 0;
  let longest = 0;
  let start = 0;
  for (let i = 0; i < keys.length; i++) {
    if (keys[order[i] as number] !== keys[order[start] as number]) start = i;
    if (i - start + 1 > longest) {
      longest = i - start + 1;
      best = i;
    }
  }
  return best;
}

/**
 * For each value the number of elements of its line that are smaller (`right`: or equal). `sorted` is one line, or one for each line of `values`.
 * All are contiguous; `out` is int64 or int32.
 */
export function search(out: View, sorted: View, values: View, right: boolean): void {
  if (out.size === 0) return;
  beginLaunch();
  const read = readerFor(sorted.type);
  const readValue = readerFor(values.type);
  const length = sorted.shape[sorted.shape.length - 1] as number;
  const perLine = sorted.shape.length === 1 ? values.size : (values.shape[values.shape.length - 1] as number);
  const sortedBase = addressOfView(sorted) / sorted.type.itemsize;
  const valueBase = addressOfView(values) / values.type.itemsize;
  const outAddress = addressOfView(out);
  const { i32 } = heap;
  const wide = out.type.name === 'int64';
  for (let k = 0; k < values.size; k++) {
    const value = readValue(valueBase + k);
    const line = sorted.shape.length === 1 ? 0 : Math.floor(k / perLine);
    const base = sortedBase + line * length;
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = low + ((high - low) >> 1);
      const element = read(base + middle);
      // Written as a negation, so that every search for NaN ends behind the last element.
      if (!(right ? element > value : element >= value)) low = middle + 1;
      else high = middle;
    }
    if (wide) writeInt64(outAddress + 8 * k, low);
    else i32[outAddress / 4 + k] = low;
  }
}

/** Whether an element is not zero. */
function truthOf(type: DTypeInfo): (element: number) => boolean {
  const { f32, f64, u32, u16, u8 } = heap;
  switch (type.name) {
    case 'float32':
      return (i) => f32[i] !== 0;
    case 'float64':
      return (i) => f64[i] !== 0;
    case 'complex64':
      return (i) => f32[2 * i] !== 0 || f32[2 * i + 1] !== 0;
    case 'complex128':
      return (i) => f64[2 * i] !== 0 || f64[2 * i + 1] !== 0;
    case 'float16':
    case 'bfloat16':
      return (i) => ((u16[i] as number) & 0x7fff) !== 0;
    case 'int64':
      return (i) => u32[2 * i] !== 0 || u32[2 * i + 1] !== 0;
    case 'int32':
      return (i) => u32[i] !== 0;
    case 'int16':
      return (i) => u16[i] !== 0;
    default:
      return (i) => u8[i] !== 0;
  }
}

/** How many elements are not zero; writes their coordinates to the rows of `out` (int64), up to as many as it has. Both are contiguous. */
export function nonzero(out: View | null, input: View): number {
  if (input.size === 0) return 0;
  beginLaunch();
  const base = addressOfView(input) / input.type.itemsize;
  const test = truthOf(input.type);
  // Masks are what is asked for most: they are read without a call for each element.
  const bytes = input.type.itemsize === 1 ? heap.u8 : null;
  const isSet = (i: number): boolean => (bytes === null ? test(base + i) : bytes[base + i] !== 0);
  if (out === null) {
    let count = 0;
    if (bytes !== null) for (let i = 0; i < input.size; i++) count += bytes[base + i] === 0 ? 0 : 1;
    else for (let i = 0; i < input.size; i++) if (test(base + i)) count++;
    return count;
  }
  const word = addressOfView(out) / 4;
  const limit = out.shape[0] as number;
  const { shape } = input;
  let found = 0;
  for (let i = 0; i < input.size && found < limit; i++) if (isSet(i)) writeCoordinates(word + 2 * shape.length * found++, i, shape);
  return found;
}

/** The coordinates of an element, counted in row-major order, as int64. */
function writeCoordinates(word: number, element: number, shape: readonly number[]): void {
  const { u32 } = heap;
  let rest = element;
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d] as number;
    const next = d === 0 ? 0 : Math.floor(rest / size);
    u32[word + 2 * d] = rest - next * size;
    u32[word + 2 * d + 1] = 0;
    rest = next;
  }
}

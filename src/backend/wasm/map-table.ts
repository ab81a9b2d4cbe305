/** One elementwise program on the operands of many tensors, in one call: what takes less time than a launch, such as the step of an optimizer for a bias, shares one. */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import { compileMap } from '../../kernel/map.ts';
import { compileEach, paramsAt, rowBytes } from '../../kernel/map-table.ts';
import { isHeavy, nanosecondsPerElement } from '../../kernel/vector/cost.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocatePermanent, beginLaunch, type Storage } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import type { MapProgram } from '../../scalar/expr.ts';
import { addressOfView } from './host.ts';
import { instantiateAt, type KernelLevel, kernelLevels } from './level.ts';
import { chunksFor, MOST_CHUNKS, rowsToShare, runRows, SHARED_SIZE } from './parallel.ts';
import { flatTrial, sameBits, WIDENED } from './widen.ts';

const TABLE_BYTES = 1 << 16;
/** A table of so many elements has no use for more: the memory of all its operands stays in place until it has run. */
const MOST_ELEMENTS = 2 ** 22;
/** Threads begin at multiples of this many elements of a tensor. */
const GRAIN = 256;
/** What fetching or writing a byte takes. */
const PER_BYTE = 0.008;
/** After so many elements a compilation for the widest level has paid. */
const PAID = 2 ** 20;

/** What a program was compiled to for one dtype. */
interface TableKernel {
  map: KernelFunction;
  each: KernelFunction;
  /** How many elements it has computed; infinite once it is known whether there is a wide form. */
  elements: number;
  readonly nanoseconds: number;
}

let table: Storage | null = null;

/**
 * Collects calls of one program and runs them together. Each computes what `Backend.map` does, in the order in which they came, to the last bit; in the same dtype all
 * along, on views that are contiguous and of one size.
 */
export class MapTable {
  #program: MapProgram | null = null;
  #type: DTypeInfo | null = null;
  /** Operands of all rows, and null behind them: it is not emptied, which would have it grow again in each step. */
  readonly #views: (View | null)[] = [];
  #viewCount = 0;
  readonly #params = new Float64Array(TABLE_BYTES / 8);
  #paramCount = 0;
  #rows = 0;
  #elements = 0;

  /**
   * Takes a call on, to be made when `run` is called or sooner; the result of the program goes to the operand behind those that `program.more` writes. Operands are those of `first`, then
   * `second` and `third`, parameters `sign` and `decay`, if the program has so many, then `params`: callers make no lists. False, once all calls before it are made, if it is not of the kind described.
   */
  add(
    program: MapProgram,
    first: readonly View[],
    second: View,
    third: View,
    sign: number,
    decay: number,
    params: readonly number[],
  ): boolean {
    const { type, size } = second;
    let fits = type.kind !== 'complex' && size > 0 && isAlike(second, type, size) && isAlike(third, type, size);
    for (let k = 0; k < first.length; k++) fits &&= isAlike(first[k] as View, type, size);
    if (!fits || program !== this.#program || type !== this.#type || this.#isFull()) this.run();
    if (!fits) return false;
    this.#program = program;
    this.#type = type;
    const views = this.#views;
    let count = this.#viewCount;
    for (let k = 0; k < first.length; k++) views[count++] = first[k] as View;
    views[count] = second;
    views[count + 1] = third;
    this.#viewCount = count + 2;
    const numbers = this.#params;
    count = this.#paramCount;
    if (program.paramCount > params.length) {
      numbers[count++] = sign;
      numbers[count++] = decay;
    }
    for (let k = 0; k < params.length; k++) numbers[count++] = params[k] as number;
    this.#paramCount = count;
    this.#rows += 1;
    this.#elements += size;
    return true;
  }

  #isFull(): boolean {
    const { arity, paramCount } = this.#program as MapProgram;
    return this.#elements > MOST_ELEMENTS || (this.#rows + MOST_CHUNKS + 1) * rowBytes(arity + 2, paramCount) > TABLE_BYTES;
  }

  /** Makes the calls that were taken on. */
  run(): void {
    if (this.#rows === 0) return;
    const program = this.#program as MapProgram;
    const type = this.#type as DTypeInfo;
    const kernel = kernelOf(program, type);
    table ??= allocatePermanent(TABLE_BYTES);
    beginLaunch();
    if (kernel.elements < Number.POSITIVE_INFINITY && this.#elements >= WIDENED) this.#widen(kernel, program, type);
    const nanoseconds = this.#elements * kernel.nanoseconds;
    const shared = this.#elements < SHARED_SIZE ? null : rowsToShare(nanoseconds, kernel.each);
    if (shared !== null && this.#areApart()) runRows(this.#write(chunksFor(nanoseconds, this.#elements / GRAIN), shared), 2);
    else {
      this.#write(1, null);
      kernel.each(addressOf(table), this.#rows);
    }
    this.#views.fill(null, 0, this.#viewCount);
    this.#viewCount = 0;
    this.#paramCount = 0;
    this.#rows = 0;
    this.#elements = 0;
  }

  /** Whether no call reads or writes what another one does. */
  #areApart(): boolean {
    const seen = new Set<number>();
    for (let k = 0; k < this.#viewCount; k++) seen.add(addressOf((this.#views[k] as View).storage));
    return seen.size === this.#viewCount;
  }

  /** Writes the table, cut into up to so many chunks of about one size: of each, where its rows begin and how many they are go to `chunks`. Returns how many there are. */
  #write(most: number, chunks: Float64Array | null): number {
    const { arity, paramCount, more } = this.#program as MapProgram;
    const { itemsize } = this.#type as DTypeInfo;
    const { u32, f64 } = heap;
    const views = this.#views;
    const params = this.#params;
    const result = more.length;
    const bytes = rowBytes(arity + 2, paramCount);
    const piece = Math.ceil(this.#elements / most / GRAIN) * GRAIN;
    let room = piece;
    let at = addressOf(table as Storage);
    let chunk = at;
    let count = 0;
    for (let row = 0; row < this.#rows; row++) {
      const view = row * arity;
      const size = (views[view] as View).size;
      for (let first = 0; first < size; ) {
        const part = chunks === null ? size : Math.min(size - first, Math.ceil(room / GRAIN) * GRAIN);
        let word = at >>> 2;
        u32[word++] = part;
        word += 1;
        for (let k = 0; k < arity; k++) u32[word + k] = addressOfView(views[view + k] as View) + first * itemsize;
        u32[word - 1] = u32[word + result] as number;
        const param = (at + paramsAt(arity + 2)) / 8;
        for (let k = 0; k < paramCount; k++) f64[param + k] = params[row * paramCount + k] as number;
        at += bytes;
        first += part;
        room -= part;
        if (chunks === null || (room > 0 && (first < size || row < this.#rows - 1))) continue;
        chunks[2 * count] = chunk;
        chunks[2 * count + 1] = (at - chunk) / bytes;
        count += 1;
        chunk = at;
        room = piece;
      }
    }
    return count;
  }

  /** Counts what the kernel has computed, and has it replaced by its wide form once that pays: if the longest call gives the same bits. */
  #widen(kernel: TableKernel, program: MapProgram, type: DTypeInfo): void {
    kernel.elements += this.#elements;
    if (kernel.elements < PAID) return;
    kernel.elements = Number.POSITIVE_INFINITY;
    if (kernelLevels()[0] !== 'wide') return;
    const { arity, paramCount, more } = program;
    let longest = 0;
    const sizeOf = (row: number): number => (this.#views[row * arity] as View).size;
    for (let row = 1; row < this.#rows; row++) if (sizeOf(row) > sizeOf(longest)) longest = row;
    const addresses = this.#views.slice(longest * arity, (longest + 1) * arity).map((view) => addressOfView(view as View));
    const params = this.#params.slice(longest * paramCount, (longest + 1) * paramCount);
    const trial = flatTrial([type, ...more.map(() => type)])([sizeOf(longest), addresses[more.length] as number, ...addresses, ...params]);
    try {
      const wide = compile('wide', program, type);
      if (trial !== null && sameBits(wide.map, kernel.map, trial)) Object.assign(kernel, wide);
    } catch {
      // The kernel stays as it is.
    }
  }
}

function isAlike(view: View, type: DTypeInfo, size: number): boolean {
  return view.type === type && view.size === size && view.rowMajor;
}

function kernelOf(program: MapProgram, type: DTypeInfo): TableKernel {
  const key = `each ${type.index}`;
  const known = program.kernels.get(key) as TableKernel | undefined;
  if (known !== undefined) return known;
  const results = [program.expr, ...program.more];
  const bytes = (results.length + program.arity) * type.itemsize;
  const kernel: TableKernel = {
    ...compile('plain', program, type),
    elements: isHeavy(results) ? 0 : Number.POSITIVE_INFINITY,
    nanoseconds: (nanosecondsPerElement(results) * type.itemsize) / 4 + bytes * PER_BYTE,
  };
  program.kernels.set(key, kernel);
  return kernel;
}

function compile(
  level: KernelLevel,
  { expr, more, arity, paramCount }: MapProgram,
  type: DTypeInfo,
): { readonly map: KernelFunction; readonly each: KernelFunction } {
  const inputs = new Array<DTypeInfo>(arity).fill(type);
  const inputAccess = new Array<'unit'>(arity).fill('unit');
  const signature = {
    expr,
    more,
    compute: type,
    output: type,
    inputs,
    paramCount,
    outputAccess: 'unit',
    inputAccess,
    nested: false,
  } as const;
  const map = compileMap(level, signature);
  const exports = instantiateAt(level, [map, compileEach(map, arity + 2, paramCount)]);
  return { map: exports[level] as KernelFunction, each: exports['each'] as KernelFunction };
}

/**
 * The heap: one 32-bit WebAssembly memory that every storage lives in, with typed views over it.
 *
 * The views are replaced when the memory grows, so read `heap.f32` at each use and never keep it.
 */

import { ArgumentError } from '../util/errors.ts';
import { canShareMemory } from './machine.ts';

/** The size of a WebAssembly page in bytes, fixed by the WebAssembly core specification. */
export const PAGE_BYTES = 65536;

/** How many pages a 32-bit WebAssembly memory can have. */
const MAXIMUM_PAGES = 65536;

const INITIAL_PAGES = 256;

/** What can be chosen before the memory exists. */
export interface HeapOptions {
  /** Pages at the start. */
  readonly initialPages?: number;
  /** Pages that the memory never grows past: at most 65536, which is 4 GiB. */
  readonly maximumPages?: number;
  /** Whether the memory is shared between threads: where there can be threads, unless it is chosen here. */
  readonly shared?: boolean;
}

/** The WebAssembly memory and current typed views over all of it. The memory is made when it is first needed; until then the views are empty. */
export class Heap {
  u8: Uint8Array = new Uint8Array(0);
  i8: Int8Array = new Int8Array(0);
  u16: Uint16Array = new Uint16Array(0);
  i16: Int16Array = new Int16Array(0);
  u32: Uint32Array = new Uint32Array(0);
  i32: Int32Array = new Int32Array(0);
  f32: Float32Array = new Float32Array(0);
  f64: Float64Array = new Float64Array(0);
  i64: BigInt64Array = new BigInt64Array(0);
  #memory: WebAssembly.Memory | null = null;
  #initialPages = INITIAL_PAGES;
  #maximumPages = MAXIMUM_PAGES;
  #shared: boolean | null = null;

  /** Chooses the sizes of the memory. Throws once the memory exists, since its limits are fixed then. */
  configure(options: HeapOptions): void {
    if (this.#memory !== null) throw new ArgumentError('The memory is already in use: choose its limits before the first tensor is made.');
    this.#initialPages = options.initialPages ?? this.#initialPages;
    this.#maximumPages = Math.min(options.maximumPages ?? this.#maximumPages, MAXIMUM_PAGES);
    this.#shared = options.shared ?? this.#shared;
  }

  /** The memory itself, for kernels to import. */
  get memory(): WebAssembly.Memory {
    if (this.#memory === null) {
      this.#memory = this.#create();
      this.#renew(this.#memory.buffer);
    }
    return this.#memory;
  }

  /** Whether other threads can work on the memory. */
  get isShared(): boolean {
    return this.#shared ?? canShareMemory();
  }

  /** The bytes that the memory has now. */
  get byteLength(): number {
    return this.memory.buffer.byteLength;
  }

  /** The bytes that the memory can have at most. */
  get maximumBytes(): number {
    return this.#maximumPages * PAGE_BYTES;
  }

  /** Makes the memory at least `bytes` long, growing geometrically. False if it cannot be had. */
  reserve(bytes: number): boolean {
    const memory = this.memory;
    const current = memory.buffer.byteLength / PAGE_BYTES;
    const needed = Math.ceil(bytes / PAGE_BYTES);
    if (needed <= current) return true;
    if (needed > this.#maximumPages) return false;
    const wished = Math.min(Math.max(needed, current + Math.ceil(current / 2)), this.#maximumPages);
    if (!tryGrow(memory, wished - current) && !tryGrow(memory, needed - current)) return false;
    this.#renew(memory.buffer);
    return true;
  }

  /** A memory that can grow as far as the host lets it: small devices refuse to set aside 4 GiB of addresses. */
  #create(): WebAssembly.Memory {
    for (;;) {
      const initial = Math.min(this.#initialPages, this.#maximumPages);
      try {
        return new WebAssembly.Memory({ initial, maximum: this.#maximumPages, shared: this.isShared });
      } catch (error) {
        if (this.#maximumPages <= INITIAL_PAGES) throw error;
        this.#maximumPages >>>= 1;
      }
    }
  }

  #renew(buffer: ArrayBufferLike): void {
    this.u8 = new Uint8Array(buffer);
    this.i8 = new Int8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i16 = new Int16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
  }
}

/** The heap of the process. */
export const heap = new Heap();

function tryGrow(memory: WebAssembly.Memory, pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch {
    return false;
  }
}

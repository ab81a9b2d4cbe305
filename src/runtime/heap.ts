/**
 * The heap: one 32-bit WebAssembly memory that every storage lives in, with typed views over it.
 *
 * The views are replaced when the memory grows, so read `heap.f32` at each use and never keep it.
 */

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
  /** Whether the memory is shared between threads. */
  readonly shared?: boolean;
}

/** The WebAssembly memory and current typed views over all of it; made when first used. */
export class Heap {
  #memory: WebAssembly.Memory | null = null;
  #views: Views | null = null;
  #initialPages = INITIAL_PAGES;
  #maximumPages = MAXIMUM_PAGES;
  #shared = false;

  /** Chooses the sizes of the memory. Throws once the memory exists, since its limits are fixed then. */
  configure(options: HeapOptions): void {
    if (this.#memory !== null) throw new Error('the heap is already in use: configure it before the first tensor is made');
    this.#initialPages = options.initialPages ?? this.#initialPages;
    this.#maximumPages = Math.min(options.maximumPages ?? this.#maximumPages, MAXIMUM_PAGES);
    this.#shared = options.shared ?? this.#shared;
  }

  get memory(): WebAssembly.Memory {
    if (this.#memory === null) this.#create();
    return this.#memory as WebAssembly.Memory;
  }

  /** The bytes that the memory has now. */
  get byteLength(): number {
    return this.memory.buffer.byteLength;
  }

  /** The bytes that the memory can have at most. */
  get maximumBytes(): number {
    return this.#maximumPages * PAGE_BYTES;
  }

  get u8(): Uint8Array {
    return this.#current().u8;
  }
  get i8(): Int8Array {
    return this.#current().i8;
  }
  get u16(): Uint16Array {
    return this.#current().u16;
  }
  get i16(): Int16Array {
    return this.#current().i16;
  }
  get u32(): Uint32Array {
    return this.#current().u32;
  }
  get i32(): Int32Array {
    return this.#current().i32;
  }
  get f32(): Float32Array {
    return this.#current().f32;
  }
  get f64(): Float64Array {
    return this.#current().f64;
  }
  get i64(): BigInt64Array {
    return this.#current().i64;
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
    this.#views = makeViews(memory.buffer);
    return true;
  }

  #current(): Views {
    if (this.#views === null) this.#create();
    return this.#views as Views;
  }

  #create(): void {
    const limits = { initial: Math.min(this.#initialPages, this.#maximumPages), maximum: this.#maximumPages, shared: this.#shared };
    this.#memory = new WebAssembly.Memory(limits);
    this.#views = makeViews(this.#memory.buffer);
  }
}

/** The heap of the process. */
export const heap = new Heap();

interface Views {
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i16: Int16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
}

function makeViews(buffer: ArrayBufferLike): Views {
  return {
    u8: new Uint8Array(buffer),
    i8: new Int8Array(buffer),
    u16: new Uint16Array(buffer),
    i16: new Int16Array(buffer),
    u32: new Uint32Array(buffer),
    i32: new Int32Array(buffer),
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
    i64: new BigInt64Array(buffer),
  };
}

function tryGrow(memory: WebAssembly.Memory, pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch {
    return false;
  }
}

/** What a recorded run consists of: launches and work of the host, on buffers that stand for storages. */
import type { DTypeInfo } from '../dtype/dtype.ts';
import type { Storage } from '../runtime/storage.ts';
import type { View } from '../runtime/view.ts';
import type { MapProgram } from '../scalar/program.ts';
import { isContiguous } from '../shape/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A run of bytes that a recorded run used. */
export class Buffer {
  /** Counts the buffers of a recording, in the order in which launches met them; -1: none did. */
  index = -1;
  readonly byteLength: number;
  /** Allocated while it was recorded; else it was there before, and later runs find it where it is. */
  readonly made: boolean;
  /** Allocated by work that is done again as it is: nobody else can know where it will be. */
  readonly foreign: boolean;
  /** The storages that are these bytes. None of what was made: the recording must not keep memory that the function drops. */
  readonly storages: Storage[] = [];
  /** The versions that they had when they were first seen. */
  readonly versions: number[] = [];
  /** Which argument of the call it belongs to, or -1. */
  argument = -1;
  /** Where the argument begins in it. */
  origin = 0;

  constructor(storage: Storage, made: boolean, foreign: boolean) {
    this.byteLength = storage.byteLength;
    this.made = made;
    this.foreign = foreign;
    this.see(storage);
  }

  /** Notes another storage that is the same bytes. */
  see(storage: Storage): void {
    if (this.made) return;
    this.storages.push(storage);
    this.versions.push(storage.version);
  }

  /** Where it was before: of buffers that were there. */
  get storage(): Storage {
    return this.storages[0] as Storage;
  }
}

/** A view of a buffer. */
export class Operand {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly type: DTypeInfo;
  readonly size: number;
  readonly rowMajor: boolean;

  constructor(buffer: Buffer, view: Omit<View, 'storage'>) {
    this.buffer = buffer;
    this.offset = view.offset;
    this.shape = view.shape;
    this.strides = view.strides;
    this.type = view.type;
    this.size = view.size;
    this.rowMajor = view.rowMajor || isContiguous(view.shape, view.strides);
  }

  /** Whether it is all of its buffer. */
  get isWhole(): boolean {
    return this.rowMajor && this.offset === 0 && this.size * this.type.itemsize === this.buffer.byteLength;
  }
}

/** An elementwise launch. */
export interface MapItem {
  readonly kind: 'map';
  readonly operator: string;
  readonly program: MapProgram;
  readonly out: Operand;
  readonly ins: readonly Operand[];
  readonly params: readonly number[];
  readonly compute: DTypeInfo;
}

/** Any other launch. `args` are those of `run`, with operands in the places of views. */
export interface CallItem {
  readonly kind: 'call';
  readonly operator: string;
  readonly name: string;
  readonly run: (...args: never[]) => void;
  readonly args: readonly unknown[];
  readonly reads: readonly Operand[];
  readonly writes: readonly Operand[];
}

/** Elements that the host draws, in every run anew. */
export interface FillItem {
  readonly kind: 'fill';
  readonly operator: string;
  readonly target: Operand;
  readonly write: (target: View) => void;
}

/** Bytes of the host. */
export interface KeepItem {
  readonly kind: 'keep';
  readonly operator: string;
  readonly target: Operand;
  readonly bytes: Uint8Array;
}

/** Work that is done again in every run, such as a step of an optimizer: it may read and write everything that outlives the run. */
export interface EffectItem {
  readonly kind: 'effect';
  readonly work: () => unknown;
}

/** A leaf gets this gradient, or none. */
export interface GradientItem {
  readonly kind: 'gradient';
  readonly leaf: Tensor;
  readonly grad: Operand | null;
  /** The tensor that was its gradient. */
  readonly handle: Tensor | null;
}

/** Launches that run one after the other on a block of their elements, then on the next one: what one leaves is in the cache for those after it. */
export interface BlocksItem {
  readonly kind: 'blocks';
  readonly operator: string;
  /** How many blocks there are. */
  readonly count: number;
  /** What is done with the first block; */
  readonly body: readonly (MapItem | CallItem)[];
  /** how many elements further on operands lie for the next one; */
  readonly moves: ReadonlyMap<Operand, number>;
  /** and what is done with what is left after the last one. */
  readonly rest: readonly (MapItem | CallItem)[];
}

export type Item = MapItem | CallItem | FillItem | KeepItem | EffectItem | GradientItem | BlocksItem;

const NONE: readonly Operand[] = [];

/** What an item reads, of buffers. */
export function readsOf(item: Item): readonly Operand[] {
  if (item.kind === 'map') return item.ins;
  if (item.kind === 'blocks') return [...item.body, ...item.rest].flatMap(readsOf);
  return item.kind === 'call' ? item.reads : NONE;
}

/** What an item writes. */
export function writesOf(item: Item): readonly Operand[] {
  switch (item.kind) {
    case 'map':
      // The outputs but the first lie in the place of the first inputs.
      return item.program.more.length === 0 ? [item.out] : [item.out, ...item.ins.slice(0, item.program.more.length)];
    case 'call':
      return item.writes;
    case 'fill':
    case 'keep':
      return [item.target];
    case 'blocks':
      return [...item.body, ...item.rest].flatMap(writesOf);
    default:
      return NONE;
  }
}

/** Arguments with what stands in the places of views replaced: in arrays and plain objects, nested. */
export function replaceIn<From extends object>(
  value: unknown,
  isIt: (value: object) => value is From,
  replace: (found: From) => unknown,
): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (isIt(value)) return replace(value);
  if (Array.isArray(value)) {
    // Lists of numbers are most of what there is: they stay the same lists.
    if (value.every((each) => typeof each !== 'object')) return value;
    return value.map((each) => replaceIn(each, isIt, replace));
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaceIn(each, isIt, replace)]));
}

/** A recorded run as a list of steps that run it again, on memory that is planned. */

import type { DTypeInfo } from '../dtype/dtype.ts';
import { type Backend, backend } from '../runtime/backend.ts';
import { heap } from '../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release, Storage, untrack } from '../runtime/storage.ts';
import type { View } from '../runtime/view.ts';
import type { MapProgram } from '../scalar/program.ts';
import { metaOf } from '../tensor/meta.ts';
import { Tensor } from '../tensor/tensor.ts';
import {
  type BlocksItem,
  type Buffer,
  type CallItem,
  type GradientItem,
  type Item,
  type KeepItem,
  Operand,
  readsOf,
  replaceIn,
  writesOf,
} from './items.ts';
import type { MemoryPlan } from './plan.ts';

/** A view whose storage is known at the time of a run. */
export class Slot implements View {
  storage: Storage;
  offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly type: DTypeInfo;
  readonly size: number;
  readonly rowMajor: boolean;

  constructor(storage: Storage, operand: Operand) {
    this.storage = storage;
    this.offset = operand.offset;
    this.shape = operand.shape;
    this.strides = operand.strides;
    this.type = operand.type;
    this.size = operand.size;
    this.rowMajor = operand.rowMajor;
  }
}

/** One thing that a run does. */
interface Step {
  run(): void;
}

class MapStep implements Step {
  readonly device: Backend;
  readonly program: MapProgram;
  readonly out: Slot;
  readonly ins: readonly Slot[];
  readonly params: readonly number[];
  readonly compute: DTypeInfo;

  constructor(device: Backend, program: MapProgram, out: Slot, ins: readonly Slot[], params: readonly number[], compute: DTypeInfo) {
    this.device = device;
    this.program = program;
    this.out = out;
    this.ins = ins;
    this.params = params;
    this.compute = compute;
  }

  run(): void {
    this.device.map(this.program, this.out, this.ins, this.params, this.compute);
  }
}

class CallStep implements Step {
  readonly call: (...args: never[]) => void;
  readonly args: never[];

  constructor(call: (...args: never[]) => void, args: readonly unknown[]) {
    this.call = call;
    this.args = args as never[];
  }

  run(): void {
    this.call(...this.args);
  }
}

class ThreeStep implements Step {
  readonly call: (a: never, b: never, c: never) => void;
  readonly a: never;
  readonly b: never;
  readonly c: never;

  constructor(call: (...args: never[]) => void, [a, b, c]: readonly unknown[]) {
    this.call = call;
    this.a = a as never;
    this.b = b as never;
    this.c = c as never;
  }

  run(): void {
    this.call(this.a, this.b, this.c);
  }
}

class FourStep implements Step {
  readonly call: (a: never, b: never, c: never, d: never) => void;
  readonly a: never;
  readonly b: never;
  readonly c: never;
  readonly d: never;

  constructor(call: (...args: never[]) => void, [a, b, c, d]: readonly unknown[]) {
    this.call = call;
    this.a = a as never;
    this.b = b as never;
    this.c = c as never;
    this.d = d as never;
  }

  run(): void {
    this.call(this.a, this.b, this.c, this.d);
  }
}

/** Steps on one block after the other: what they use moves on, and goes back in the end. */
class BlocksStep implements Step {
  readonly count: number;
  readonly body: readonly Step[];
  readonly rest: readonly Step[];
  readonly slots: readonly Slot[];
  readonly moves: readonly number[];

  constructor(count: number, body: readonly Step[], rest: readonly Step[], moving: readonly (readonly [Slot, number])[]) {
    this.count = count;
    this.body = body;
    this.rest = rest;
    this.slots = moving.map(([slot]) => slot);
    this.moves = moving.map(([, move]) => move);
  }

  run(): void {
    const { count, body, rest } = this;
    let done = 0;
    try {
      for (; done < count; done++) {
        for (let i = 0; i < body.length; i++) (body[i] as Step).run();
        this.#move(1);
      }
    } finally {
      this.#move(-done);
    }
    for (let i = 0; i < rest.length; i++) (rest[i] as Step).run();
  }

  #move(blocks: number): void {
    const { slots, moves } = this;
    for (let i = 0; i < slots.length; i++) (slots[i] as Slot).offset += blocks * (moves[i] as number);
  }
}

class EffectStep implements Step {
  readonly work: () => unknown;

  constructor(work: () => unknown) {
    this.work = work;
  }

  run(): void {
    this.work();
  }
}

class FillStep implements Step {
  readonly write: (target: View) => void;
  readonly target: Slot;

  constructor(write: (target: View) => void, target: Slot) {
    this.write = write;
    this.target = target;
  }

  run(): void {
    this.write(this.target);
  }
}

class KeepStep implements Step {
  readonly bytes: Uint8Array;
  readonly target: Slot;

  constructor(bytes: Uint8Array, target: Slot) {
    this.bytes = bytes;
    this.target = target;
  }

  run(): void {
    beginLaunch();
    heap.u8.set(this.bytes, addressOf(this.target.storage));
  }
}

/** Where a leaf is to be found: it may be an argument. */
export interface LeafPlace {
  leaf: Tensor;
}

class GradientStep implements Step {
  readonly place: LeafPlace;
  readonly grad: { readonly handle: Tensor } | null;

  constructor(place: LeafPlace, grad: { readonly handle: Tensor } | null) {
    this.place = place;
    this.grad = grad;
  }

  run(): void {
    const grad = this.grad === null ? null : this.grad.handle;
    // What saved the gradient of the run before must find that it changed.
    if (grad !== null && grad.storage.version >= 0) grad.storage.version++;
    if (grad !== null || this.place.leaf.meta !== null) metaOf(this.place.leaf).grad = grad;
  }
}

/** The memory that the temporary tensors of all programs of a function share: one of them runs at a time. */
export class Arena {
  storage: Storage | null = null;

  reserve(bytes: number): void {
    const before = this.storage;
    if (before !== null && before.byteLength >= bytes) return;
    this.storage = allocate(bytes);
    untrack(this.storage);
    if (before !== null) release(before);
  }
}

/** What a program is made of. */
export interface ProgramParts {
  readonly items: readonly Item[];
  readonly plan: MemoryPlan;
  /** Buffers that get new memory in each run: those of results. */
  readonly fresh: ReadonlySet<Buffer>;
  /** Buffers of gradients, which keep their memory. */
  readonly gradients: ReadonlySet<Buffer>;
  /** Where a leaf is to be found, and the handle of a gradient. */
  placeOf(leaf: Tensor): LeafPlace;
}

/** Steps, and the slots that they use. */
export class Program {
  readonly #steps: Step[] = [];
  readonly #slots = new Map<Buffer, Slot[]>();
  readonly #storages = new Map<Buffer, Storage>();
  readonly #shifts = new Map<Buffer, number>();
  readonly #gradients = new Map<Buffer, { handle: Tensor }>();
  readonly #fresh: readonly (readonly [buffer: Buffer, slots: Slot[]])[];
  readonly #device = backend();
  readonly #arena: Arena;
  readonly #offsets: ReadonlyMap<Buffer, number>;
  /** Hears of the slots of a block. */
  #moving: ((operand: Operand, slot: Slot) => void) | null = null;
  /** Where the temporary tensors are. */
  #placed: Storage | null = null;

  constructor(parts: ProgramParts, arena: Arena) {
    this.#arena = arena;
    this.#offsets = parts.plan.offsets;
    if (parts.plan.bytes > 0) arena.reserve(parts.plan.bytes);
    this.#placeTemporaries();
    const constants = constantBuffers(parts);
    for (const item of parts.items) {
      if (item.kind === 'keep' && constants.has(item.target.buffer)) this.#storeConstant(item);
      else this.#steps.push(this.#stepOf(item, parts));
    }
    this.#fresh = [...parts.fresh].map((buffer) => [buffer, this.#slots.get(buffer) ?? []] as const);
  }

  get length(): number {
    return this.#steps.length;
  }

  /** Puts a buffer that was there before, or an argument, somewhere else. `shift`: how many elements further on its views begin. */
  bind(buffer: Buffer, storage: Storage, shift: number): void {
    this.#storages.set(buffer, storage);
    this.#shifts.set(buffer, this.shiftOf(buffer) + shift);
    for (const slot of this.#slots.get(buffer) ?? []) {
      slot.storage = storage;
      slot.offset += shift;
    }
  }

  storageOf(buffer: Buffer): Storage {
    return this.#storages.get(buffer) ?? buffer.storage;
  }

  /** How many elements further on than when they were recorded the views of a buffer begin. */
  shiftOf(buffer: Buffer): number {
    return this.#shifts.get(buffer) ?? 0;
  }

  /** The tensor that is the gradient in a buffer. */
  gradientIn(buffer: Buffer): Tensor | null {
    return this.#gradients.get(buffer)?.handle ?? null;
  }

  run(): void {
    const fresh = this.#fresh;
    for (let i = 0; i < fresh.length; i++) {
      const [buffer, slots] = fresh[i] as readonly [Buffer, Slot[]];
      const storage = allocate(buffer.byteLength);
      this.#storages.set(buffer, storage);
      for (let k = 0; k < slots.length; k++) (slots[k] as Slot).storage = storage;
      const gradient = this.#gradients.get(buffer);
      if (gradient !== undefined) gradient.handle = copyOn(gradient.handle, storage);
    }
    if (this.#placed !== this.#arena.storage) this.#placeTemporaries();
    const steps = this.#steps;
    for (let i = 0; i < steps.length; i++) (steps[i] as Step).run();
  }

  #placeTemporaries(): void {
    const arena = this.#arena.storage;
    this.#placed = arena;
    if (arena === null) return;
    for (const [buffer, offset] of this.#offsets)
      this.bind(buffer, new Storage(arena.block, arena.byteOffset + offset, buffer.byteLength), 0);
  }

  #slotOf(operand: Operand): Slot {
    const { buffer } = operand;
    let storage = this.#storages.get(buffer);
    if (storage === undefined) {
      storage = buffer.made ? this.#ownStorage(buffer) : buffer.storage;
      this.#storages.set(buffer, storage);
    }
    const slot = new Slot(storage, operand);
    const slots = this.#slots.get(buffer);
    if (slots === undefined) this.#slots.set(buffer, [slot]);
    else slots.push(slot);
    this.#moving?.(operand, slot);
    return slot;
  }

  #ownStorage(buffer: Buffer): Storage {
    const storage = allocate(buffer.byteLength);
    untrack(storage);
    return storage;
  }

  #storeConstant(item: KeepItem): void {
    new KeepStep(item.bytes, this.#slotOf(item.target)).run();
  }

  #stepOf(item: Item, parts: ProgramParts): Step {
    switch (item.kind) {
      case 'map': {
        const ins = item.ins.map((operand) => this.#slotOf(operand));
        return new MapStep(this.#device, item.program, this.#slotOf(item.out), ins, item.params, item.compute);
      }
      case 'call':
        return this.#callOf(item);
      case 'fill':
        return new FillStep(item.write, this.#slotOf(item.target));
      case 'keep':
        return new KeepStep(item.bytes, this.#slotOf(item.target));
      case 'effect':
        return new EffectStep(item.work);
      case 'gradient':
        return new GradientStep(parts.placeOf(item.leaf), this.#gradientOf(item));
      case 'blocks':
        return this.#blocksOf(item, parts);
    }
  }

  #blocksOf({ count, body, moves, rest }: BlocksItem, parts: ProgramParts): Step {
    const moving: [Slot, number][] = [];
    this.#moving = (operand, slot) => void (moves.has(operand) && moving.push([slot, moves.get(operand) as number]));
    const steps = body.map((item) => this.#stepOf(item, parts));
    this.#moving = null;
    return new BlocksStep(
      count,
      steps,
      rest.map((item) => this.#stepOf(item, parts)),
      moving,
    );
  }

  #callOf(item: CallItem): Step {
    const args = item.args.map((arg) => replaceIn(arg, isOperand, (operand) => this.#slotOf(operand)));
    if (args.length === 3) return new ThreeStep(item.run, args);
    if (args.length === 4) return new FourStep(item.run, args);
    return new CallStep(item.run, args);
  }

  /** One handle for each buffer of gradients: the gradient of the run before is written again. */
  #gradientOf({ grad, handle }: GradientItem): { handle: Tensor } | null {
    if (grad === null || handle === null) return null;
    const { buffer } = grad;
    // Only a gradient that was set by hand lies in memory that was there before.
    if (!buffer.made) return { handle };
    let known = this.#gradients.get(buffer);
    if (known === undefined) {
      const slot = this.#slotOf(grad);
      known = { handle: copyOn(handle, slot.storage) };
      this.#gradients.set(buffer, known);
    }
    return known;
  }
}

/** A handle like another one, on other memory. */
function copyOn(x: Tensor, storage: Storage): Tensor {
  return new Tensor(storage, x.offset, x.shape, x.strides, x.type, x.size, x.rowMajor);
}

function isOperand(value: object): value is Operand {
  return value instanceof Operand;
}

/** Buffers that hold bytes of the host and are written by nothing else: they are filled once. */
function constantBuffers({ items, fresh, gradients }: ProgramParts): Set<Buffer> {
  const found = new Set<Buffer>();
  const written = new Set<Buffer>();
  for (const item of items) {
    for (const { buffer } of writesOf(item)) {
      if (item.kind !== 'keep' || found.has(buffer) || fresh.has(buffer) || gradients.has(buffer)) written.add(buffer);
      else found.add(buffer);
    }
  }
  for (const buffer of written) found.delete(buffer);
  return found;
}

/** The buffers that need no memory of their own: made in the run, and of no use after it. */
export function temporaries({ items, fresh, gradients }: Omit<ProgramParts, 'plan'>): (buffer: Buffer) => boolean {
  const constants = constantBuffers({ items, fresh, gradients } as ProgramParts);
  return (buffer) => buffer.made && !fresh.has(buffer) && !gradients.has(buffer) && !constants.has(buffer);
}

/** Whether a launch writes memory that was there before. */
export function writesHeld(items: readonly Item[]): boolean {
  return items.some((item) => writesOf(item).some(({ buffer }) => !buffer.made));
}

/** How many launches of the device there are. */
export function launchesIn(items: readonly Item[]): number {
  return items.reduce(
    (sum, item) => sum + (item.kind === 'map' || item.kind === 'call' ? 1 : item.kind === 'blocks' ? item.body.length : 0),
    0,
  );
}

/** Buffers that launches read and that nothing in the run has written before. */
export function heldBuffers(items: readonly Item[]): Set<Buffer> {
  const held = new Set<Buffer>();
  for (const item of items) for (const { buffer } of [...readsOf(item), ...writesOf(item)]) if (!buffer.made) held.add(buffer);
  return held;
}

/** A program with what must hold for it to stand for a call. */
import { getDefaultDtype } from '../dtype/promotion.ts';
import type { Storage } from '../runtime/storage.ts';
import { sameBytes } from '../runtime/storage.ts';
import { metaOf } from '../tensor/meta.ts';
import { mode } from '../tensor/modes.ts';
import type { Node } from '../tensor/node.ts';
import { Tensor } from '../tensor/tensor.ts';
import { type Form, type Geometry, geometryOf, hasGeometry, matches, rebuild } from './arguments.ts';
import { runInBlocks } from './blocks.ts';
import { epiloguesIn, withEpilogues } from './epilogue.ts';
import { fuse } from './fuse.ts';
import { type Buffer, type GradientItem, type Item, type Operand, readsOf, writesOf } from './items.ts';
import { withoutDead } from './liveness.ts';
import { planMemory } from './plan.ts';
import { type Arena, heldBuffers, type LeafPlace, launchesIn, Program, temporaries, writesHeld } from './program.ts';
import type { Captured, Recording, Watched } from './recording.ts';

/** A recorded call. */
export interface Trace {
  readonly recording: Recording;
  readonly form: Form;
  readonly args: readonly Tensor[];
  readonly resultForm: Form;
  readonly results: readonly Tensor[];
  /** The gradients that leaves had before. */
  readonly gradients: ReadonlyMap<Tensor, Tensor | null>;
}

/** Where a result comes from. */
type Source =
  | { readonly kind: 'argument'; readonly index: number }
  | { readonly kind: 'same'; readonly tensor: Tensor }
  | { readonly kind: 'gradient'; readonly buffer: Buffer }
  | {
      readonly kind: 'fresh';
      readonly operand: Operand;
      readonly tracked: boolean;
      readonly node: Node | null;
      readonly outputIndex: number;
    };

/** What the gradient of a leaf must be for a program to run. */
interface GradientGuard {
  readonly place: LeafPlace;
  /** Null: it must have none. */
  readonly input: { readonly buffer: Buffer; readonly geometry: Geometry; storage: Storage; offset: number } | null;
}

interface ArgumentSlot {
  readonly geometry: Geometry;
  readonly buffer: Buffer;
  /** The first argument in the same memory. */
  readonly first: number;
  storage: Storage;
  offset: number;
}

/** Raised while a program is built: the calls cannot be compiled. */
export class Refusal extends Error {}

export class Variant {
  readonly recorded: number;
  readonly launches: number;
  readonly epilogues: readonly string[];
  readonly steps: number;
  readonly bytes: number;
  readonly unsharedBytes: number;
  runs = 0;
  /** Runs since a call was last compared with the recording. */
  sinceCheck = 0;
  /** The recording, where calls are compared with it. */
  readonly trace: Trace | null;
  readonly #form: Form;
  readonly #grad = mode.grad;
  readonly #defaultType = getDefaultDtype();
  readonly #captured: readonly Captured[];
  readonly #watched: readonly Watched[];
  readonly #arguments: readonly ArgumentSlot[];
  readonly #places = new Map<Tensor, LeafPlace>();
  readonly #argumentPlaces: (LeafPlace | null)[];
  readonly #guards: readonly GradientGuard[];
  readonly #writes: readonly (readonly [buffer: Buffer, storage: Storage | null, count: number])[];
  readonly #program: Program;
  readonly #resultForm: Form;
  readonly #sources: readonly Source[];
  readonly #held: readonly Buffer[];
  readonly #writesHeld: boolean;
  readonly #reuse: boolean;
  /** The results, where each run gives the same tensors. */
  #results: Tensor[] | null = null;
  /** The tensors of the call that was accepted last. */
  readonly #current: Tensor[] = [];

  constructor(before: Trace, now: Trace, arena: Arena, reuse: boolean, verifies: boolean) {
    this.trace = verifies ? now : null;
    this.#reuse = reuse;
    const { recording, args } = now;
    this.#form = now.form;
    this.#resultForm = now.resultForm;
    this.#captured = [...recording.captured.values()].filter(
      ({ tensor }) => before.recording.captured.has(tensor) && !args.includes(tensor),
    );
    this.#watched = recording.watched;
    this.#arguments = args.map((x) => argumentSlot(x, args, recording));
    this.#argumentPlaces = args.map(() => null);
    refuseForeign(recording.items);
    const gradientItems = recording.items.filter((item): item is GradientItem => item.kind === 'gradient');
    for (const { leaf } of gradientItems) this.#findPlace(leaf, before, now);
    const items = withoutHiddenGradients(recording.items.filter((item) => item.kind !== 'gradient' || this.#isSeen(item, before, now)));
    this.#sources = now.results.map((x, i) => this.#sourceOf(x, before.results[i] as Tensor, now, items));
    const results = new Set(this.#sources.flatMap((source) => freshBuffer(source)));
    const fresh: ReadonlySet<Buffer> = reuse ? new Set() : results;
    const gradients = new Set<Buffer>(reuse ? results : []);
    for (const item of items) if (item.kind === 'gradient' && item.grad?.buffer.made === true) gradients.add(item.grad.buffer);
    const seen = new Set([...fresh, ...gradients]);
    const live = withoutDead(items, seen);
    const fused = withEpilogues(runInBlocks(fuse(live, seen), seen), seen);
    const plan = planMemory(fused, temporaries({ items: fused, fresh, gradients, placeOf: noPlace }));
    this.#guards = this.#guardsOf(gradientItems, now, fused);
    this.#writes = writesOfHeld(recording);
    this.#held = [...heldBuffers(fused)];
    this.#writesHeld = writesHeld(fused);
    this.#program = new Program({ items: fused, plan, fresh, gradients, placeOf: (leaf) => this.#places.get(leaf) as LeafPlace }, arena);
    this.recorded = launchesIn(recording.items);
    this.launches = launchesIn(fused);
    this.epilogues = epiloguesIn(fused);
    this.steps = this.#program.length;
    this.bytes = plan.bytes;
    this.unsharedBytes = plan.unshared;
  }

  // ---- what must hold ----

  /** Whether the program stands for a call with these arguments, now. Remembers them for `run`. */
  accepts(args: readonly unknown[]): boolean {
    return (
      mode.grad === this.#grad &&
      getDefaultDtype() === this.#defaultType &&
      matches(this.#form, args, this.#current) &&
      this.#acceptsArguments() &&
      this.#acceptsCaptured() &&
      this.#acceptsGradients()
    );
  }

  #acceptsArguments(): boolean {
    const slots = this.#arguments;
    let moved = false;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as ArgumentSlot;
      const x = this.#current[i] as Tensor;
      if (!hasGeometry(x, slot.geometry) || x.wrapped !== null || (x.node !== null && x.tracked)) return false;
      if (x.storage === slot.storage && x.offset === slot.offset) continue;
      moved = true;
      if (slot.first < i && !sameBytes(x.storage, (this.#current[slot.first] as Tensor).storage)) return false;
    }
    return !moved || this.#areApart();
  }

  /** Whether arguments that were apart still are, where something is written into memory that was there before. */
  #areApart(): boolean {
    if (!this.#writesHeld) return true;
    const slots = this.#arguments;
    return slots.every((slot, i) => {
      if (slot.first < i) return true;
      const { storage } = this.#current[i] as Tensor;
      const isOther = slots.every((other, k) => k >= i || other.first < k || !sameBytes(storage, (this.#current[k] as Tensor).storage));
      return isOther && this.#held.every((buffer) => buffer.argument >= 0 || !sameBytes(storage, this.#program.storageOf(buffer)));
    });
  }

  #acceptsCaptured(): boolean {
    const captured = this.#captured;
    for (let i = 0; i < captured.length; i++) {
      const { tensor, storage, shape, strides, tracked } = captured[i] as Captured;
      if (tensor.storage !== storage || tensor.tracked !== tracked || tensor.strides !== strides || tensor.shape !== shape) return false;
    }
    const watched = this.#watched;
    for (let i = 0; i < watched.length; i++) {
      const { read, value } = watched[i] as Watched;
      if (read() !== value) return false;
    }
    return true;
  }

  #acceptsGradients(): boolean {
    this.#placeArguments();
    const guards = this.#guards;
    for (let i = 0; i < guards.length; i++) {
      const { place, input } = guards[i] as GradientGuard;
      const grad = place.leaf.meta?.grad ?? null;
      if (input === null ? grad !== null : grad === null || !hasGeometry(grad, input.geometry)) return false;
    }
    return true;
  }

  #placeArguments(): void {
    const places = this.#argumentPlaces;
    for (let i = 0; i < places.length; i++) {
      const place = places[i] as LeafPlace | null;
      if (place !== null) place.leaf = this.#current[i] as Tensor;
    }
  }

  // ---- running ----

  /** Runs the call that was accepted last. */
  run(): unknown {
    this.runs++;
    this.sinceCheck++;
    this.#bind();
    this.#program.run();
    const writes = this.#writes;
    for (let i = 0; i < writes.length; i++) {
      const [buffer, fixed, count] = writes[i] as readonly [Buffer, Storage | null, number];
      const storage = fixed ?? this.#program.storageOf(buffer);
      if (storage.version >= 0) storage.version += count;
    }
    const sources = this.#sources;
    if (sources.length === 0) return rebuild(this.#resultForm, []);
    const results = this.#resultsOf(sources);
    return this.#resultForm.kind === 'tensor' ? results[0] : rebuild(this.#resultForm, results);
  }

  #resultsOf(sources: readonly Source[]): Tensor[] {
    if (!this.#reuse) return sources.map((source) => this.#resultOf(source));
    const known = this.#results;
    // Only what lies in memory of the program's own is the same tensor.
    this.#results = sources.map((source, i) => {
      const isOwn = source.kind === 'fresh' && source.operand.buffer.made;
      const result = isOwn && known !== null ? (known[i] as Tensor) : this.#resultOf(source);
      if (isOwn) result.storage.version++;
      return result;
    });
    return this.#results;
  }

  #bind(): void {
    const slots = this.#arguments;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as ArgumentSlot;
      const { storage, offset } = this.#current[i] as Tensor;
      if (slot.first === i && (storage !== slot.storage || offset !== slot.offset))
        this.#program.bind(slot.buffer, storage, offset - slot.offset);
      slot.storage = storage;
      slot.offset = offset;
    }
    const guards = this.#guards;
    for (let i = 0; i < guards.length; i++) {
      const { place, input } = guards[i] as GradientGuard;
      if (input === null) continue;
      const { storage, offset } = metaOf(place.leaf).grad as Tensor;
      if (storage === input.storage && offset === input.offset) continue;
      this.#program.bind(input.buffer, storage, offset - input.offset);
      input.storage = storage;
      input.offset = offset;
    }
  }

  #resultOf(source: Source): Tensor {
    switch (source.kind) {
      case 'argument':
        return this.#current[source.index] as Tensor;
      case 'same':
        return source.tensor;
      case 'gradient':
        return this.#program.gradientIn(source.buffer) as Tensor;
      case 'fresh': {
        const { operand, tracked, node, outputIndex } = source;
        const { buffer, shape, strides, type, size, rowMajor } = operand;
        const offset = operand.offset + this.#program.shiftOf(buffer);
        const result = new Tensor(this.#program.storageOf(buffer), offset, shape, strides, type, size, rowMajor);
        result.tracked = tracked;
        result.node = node;
        result.outputIndex = outputIndex;
        return result;
      }
    }
  }

  // ---- building ----

  /** Whether a leaf was there before, or is an argument: then its gradient is seen afterwards. */
  #findPlace(leaf: Tensor, before: Trace, now: Trace): void {
    if (this.#places.has(leaf)) return;
    const index = now.args.indexOf(leaf);
    if (index < 0 && !before.recording.leaves.has(leaf)) return;
    const place = { leaf };
    this.#places.set(leaf, place);
    if (index >= 0) this.#argumentPlaces[index] = place;
  }

  #isSeen({ leaf, grad, handle }: GradientItem, before: Trace, now: Trace): boolean {
    if (!this.#places.has(leaf)) return false;
    if (grad === null || grad.buffer.made) return true;
    // Added to where it lay: the leaf has it still.
    if (now.gradients.get(leaf) === handle) return false;
    if (before.recording.items.some((item) => item.kind === 'gradient' && item.handle === handle)) return true;
    throw new Refusal('a leaf is given a gradient that was there before, and another one in each run');
  }

  #sourceOf(x: Tensor, previous: Tensor, now: Trace, items: readonly Item[]): Source {
    const index = now.args.indexOf(x);
    if (index >= 0) return { kind: 'argument', index };
    if (x === previous) return { kind: 'same', tensor: x };
    const operand = now.recording.operandOf(x);
    const isGradient = items.some((item) => item.kind === 'gradient' && item.handle === x);
    if (isGradient && operand.buffer.made) return { kind: 'gradient', buffer: operand.buffer };
    if (operand.buffer.foreign) throw new Refusal('a result is a tensor that an effect made');
    if (x.meta !== null && x.meta.grad !== null) throw new Refusal('a result is a leaf that the function made, with its gradient');
    if (x.node !== null && !x.node.released)
      throw new Refusal(
        'a result has a history that can still be differentiated: call backward() inside of the compiled function, or compile inside noGrad(() => …)',
      );
    return { kind: 'fresh', operand, tracked: x.tracked, node: x.node, outputIndex: x.outputIndex };
  }

  #guardsOf(gradientItems: readonly GradientItem[], now: Trace, items: readonly Item[]): GradientGuard[] {
    const guards: GradientGuard[] = [];
    for (const [leaf, place] of this.#places) {
      const grad = now.gradients.get(leaf);
      if (grad === undefined) throw new Refusal('a leaf got a gradient in one run only');
      if (grad === null) {
        const first = gradientItems.find((item) => item.leaf === leaf) as GradientItem;
        if (first.handle !== null) guards.push({ place, input: null });
        continue;
      }
      const buffer = now.recording.bufferOf(grad.storage);
      if (!items.some((item) => [...readsOf(item), ...writesOf(item)].some((operand) => operand.buffer === buffer))) continue;
      const { storage, offset } = grad;
      guards.push({ place, input: { buffer, geometry: geometryOf(grad), storage, offset } });
    }
    return guards;
  }
}

const noPlace = (leaf: Tensor): LeafPlace => ({ leaf });

function argumentSlot(x: Tensor, args: readonly Tensor[], recording: Recording): ArgumentSlot {
  const buffer = recording.bufferOf(x.storage);
  const first = args.findIndex((other) => recording.bufferOf(other.storage) === buffer);
  return { geometry: geometryOf(x), buffer, first, storage: x.storage, offset: x.offset };
}

function freshBuffer(source: Source): Buffer[] {
  if (source.kind === 'gradient') return [source.buffer];
  return source.kind === 'fresh' && source.operand.buffer.made ? [source.operand.buffer] : [];
}

/** Effects are run again as they are, so nobody knows where the memory lies that they made. */
function refuseForeign(items: readonly Item[]): void {
  for (const item of items)
    for (const { buffer } of [...readsOf(item), ...writesOf(item)])
      if (buffer.foreign) throw new Refusal('memory that an effect made is used outside of it');
}

/** Leaves out gradients that are taken away again before anything looks at them. */
function withoutHiddenGradients(items: readonly Item[]): Item[] {
  const hidden = new Set<Tensor>();
  const kept: Item[] = [];
  for (const item of [...items].reverse()) {
    if (item.kind === 'effect') hidden.clear();
    if (item.kind === 'gradient') {
      if (item.grad !== null && hidden.has(item.leaf)) continue;
      if (item.grad === null) hidden.add(item.leaf);
    }
    kept.push(item);
  }
  return kept.reverse();
}

/** How many writes the launches count on memory that was there before. Storage null: that of the buffer at the time. */
function writesOfHeld(recording: Recording): (readonly [Buffer, Storage | null, number])[] {
  const buffers = new Set<Buffer>();
  for (const item of recording.items) for (const { buffer } of writesOf(item)) if (!buffer.made) buffers.add(buffer);
  return [...buffers].flatMap((buffer) =>
    buffer.storages.flatMap((storage, i): (readonly [Buffer, Storage | null, number])[] => {
      const count = storage.version - (buffer.versions[i] as number) - (recording.effectWrites.get(storage) ?? 0);
      return count > 0 ? [[buffer, i === 0 ? null : storage, count]] : [];
    }),
  );
}

import { NO_STORAGE } from '../runtime/storage.ts';
import { formatShape } from '../shape/shape.ts';
import { ArgumentError, AutogradError, InPlaceError } from '../util/errors.ts';
import type { CompositeNode } from './composite-node.ts';
import { withoutValue } from './hollow.ts';
import { describeTensor, describeValue } from './messages.ts';
import { metaOf } from './meta.ts';
import { mode, type Saving, withGradMode } from './modes.ts';
import { type AccumulateGrad, gradientNode, type Node, type PackedSaves } from './node.ts';
import { aliasOf, isTensor, type Tensor } from './tensor.ts';
import { isTracked } from './views.ts';

/**
 * Hooks on what nodes save. While some are set, `mode.saving` is: each node that is recorded then hands its saved tensors over at once, and keeps in
 * their place what the pack function made of them. The functions run without recording and without hooks; errors of theirs pass through.
 */

/** Two functions that are called when a tensor is saved and when it is needed. */
export interface SavedHooks {
  /** For messages. */
  readonly name: string;
  /** `by`: the node that saves it. */
  pack(x: Tensor, by: Node): unknown;
  unpack(packed: unknown): unknown;
  /** Another node holds what was packed before. */
  share?(packed: unknown): void;
  /** A node holds it no longer. */
  drop?(packed: unknown): void;
}

let current: SavedHooks | null = null;
/** What `disableSavedTensorsHooks` says instead. */
let disabled: string | null = null;

/** Sets the hooks for nodes that are recorded from here on; returns those before. */
function install(hooks: SavedHooks | null): SavedHooks | null {
  const before = current;
  current = hooks;
  mode.saving = hooks === null ? null : saving;
  return before;
}

/** Runs a user's function as plain code: not recorded, nothing packed. */
function aside<R>(body: () => R): R {
  const before = install(null);
  try {
    // Under interpreters a tape below this level may have to see what runs.
    return withGradMode(mode.grad && mode.interpreters !== 0, body);
  } finally {
    install(before);
  }
}

/** What a node keeps for one saved tensor: the packed value, and which history the unpacked one must have. */
class Packed {
  readonly hooks: SavedHooks;
  readonly value: unknown;
  readonly name: string | null;
  readonly shape: readonly number[];
  readonly type: Tensor['type'];
  readonly tracked: boolean;
  readonly node: Node | null;
  readonly outputIndex: number;
  readonly sink: AccumulateGrad | null;

  constructor(hooks: SavedHooks, value: unknown, x: Tensor) {
    this.hooks = hooks;
    this.value = value;
    this.name = x.meta?.name ?? null;
    this.shape = x.shape;
    this.type = x.type;
    this.tracked = isTracked(x);
    this.node = x.node;
    this.outputIndex = x.outputIndex;
    this.sink = this.tracked && x.node === null ? (gradientNode(x) as AccumulateGrad) : null;
  }

  read(): Tensor {
    const data = aside(() => this.hooks.unpack(this.value));
    this.#check(data);
    if (!this.tracked && !data.tracked) return data;
    const restored = aliasOf(data);
    restored.node = this.node;
    restored.outputIndex = this.outputIndex;
    restored.tracked = this.tracked;
    if (this.sink !== null) metaOf(restored).accumulator = this.sink;
    return restored;
  }

  #check(data: unknown): asserts data is Tensor {
    const what = `${this.hooks.name}: the unpack function returned`;
    const packed = `${this.name === null ? 'a tensor' : `'${this.name}'`} of shape ${formatShape(this.shape)} and dtype ${this.type.name}`;
    if (!isTensor(data)) throw new ArgumentError(`${what} ${describeValue(data)}: return the tensor that was packed, ${packed}`);
    if (formatShape(data.shape) !== formatShape(this.shape) || data.type !== this.type)
      throw new ArgumentError(
        `${what} a tensor of shape ${formatShape(data.shape)} and dtype ${data.type.name} for ${packed}: the shape and the dtype must be equal`,
      );
  }
}

/** The packed slots of a node. */
class Packs implements PackedSaves {
  readonly #slots: (Packed | null)[] = [];
  /** What was unpacked while the node runs: once, however often its rule reads it. */
  #open: (Tensor | null)[] = [];

  put(slot: number, packed: Packed): void {
    this.#slots[slot] = packed;
  }

  /** Whether a slot was packed. */
  has(slot: number): boolean {
    return (this.#slots[slot] ?? null) !== null;
  }

  read(slot: number): Tensor | null {
    return this.#slots[slot]?.read() ?? null;
  }

  unpack(slot: number): Tensor | null {
    this.#open[slot] ??= this.read(slot);
    return this.#open[slot] ?? null;
  }

  close(): void {
    this.#open = [];
  }

  tensors(): readonly Tensor[] {
    return this.#slots.flatMap((packed) => tensorsIn(packed?.value));
  }

  release(): void {
    for (const packed of this.#slots) if (packed) packed.hooks.drop?.(packed.value);
    this.#slots.length = 0;
    this.#open = [];
  }
}

function tensorsIn(value: unknown): Tensor[] {
  if (isTensor(value)) return [value];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  return Object.values(value).filter(isTensor);
}

/** Inner leaves of composites that are being recorded: the inputs that they stand for, and how those were packed. */
interface StandIn {
  readonly input: Tensor;
  packed: { readonly hooks: SavedHooks; readonly value: unknown } | null;
}
const standIns = new WeakMap<object, StandIn>();

/** The packed form of a tensor that a node saves. */
function packTensor(hooks: SavedHooks, x: Tensor, by: Node): Packed {
  const standIn = standIns.get(x);
  if (standIn?.packed?.hooks === hooks) {
    hooks.share?.(standIn.packed.value);
    return new Packed(hooks, standIn.packed.value, x);
  }
  let shown = x;
  for (let next = standIn; next !== undefined; next = standIns.get(shown)) shown = next.input;
  const version = shown.storage.version;
  const value = aside(() => hooks.pack(shown, by));
  if (shown.storage.version !== version) {
    hooks.drop?.(value);
    throw new InPlaceError(
      `${hooks.name}: the pack function changed the tensor that it was given, ${describeTensor(shown)}, in place: it belongs to the graph; work on a clone()`,
    );
  }
  for (let next = standIn; next !== undefined; next = standIns.get(next.input)) next.packed = { hooks, value };
  return new Packed(hooks, value, x);
}

/** A result that a node saves gets its history now, as it will have it when it is returned. */
function asResult(node: Node, slot: number, x: Tensor): void {
  const output = node.outputOf(slot);
  if (output < 0 || !node.differentiableOutput(output)) return;
  x.node = node;
  x.outputIndex = output;
  x.tracked = true;
}

function packsOf(node: Node): Packs {
  node.packs ??= new Packs();
  return node.packs as Packs;
}

function packNode(node: Node): void {
  const hooks = current as SavedHooks;
  const packs = packsOf(node);
  const saved = node.saved;
  node.saved = saved.map(() => null);
  saved.forEach((x, slot) => {
    if (x === null) return;
    asResult(node, slot, x);
    packs.put(slot, packTensor(hooks, x, node));
  });
}

const saving: Saving = {
  pack: packNode as (node: object) => void,
  enter(leaves, inputs) {
    leaves.forEach((leaf, i) => {
      standIns.set(leaf, { input: inputs[i] as Tensor, packed: null });
    });
  },
  leave(leaves) {
    for (const leaf of leaves) standIns.delete(leaf);
  },
  enclose(node, leaves, outputs) {
    encloseNode(node as CompositeNode, leaves as readonly Tensor[]);
    return (outputs as readonly Tensor[]).map(withoutValue) as never;
  },
};

/** Packs the inputs of a composite, unless an inner node has, and lets go of the inner leaves' memory. */
function encloseNode(node: CompositeNode, leaves: readonly Tensor[]): void {
  const hooks = current as SavedHooks;
  const packs = packsOf(node);
  const inputs = node.saved as readonly Tensor[];
  node.saved = inputs.map(() => null);
  leaves.forEach((leaf, slot) => {
    const input = inputs[slot] as Tensor;
    const known = standIns.get(leaf)?.packed ?? null;
    if (known?.hooks === hooks) {
      hooks.share?.(known.value);
      packs.put(slot, new Packed(hooks, known.value, input));
    } else packs.put(slot, packTensor(hooks, input, node));
    standIns.delete(leaf);
    leaf.storage = NO_STORAGE;
  });
}

/** Ends what a `using` scope set. */
class SavedHooksScope implements Disposable {
  #end: (() => void) | null;
  constructor(end: () => void) {
    this.#end = end;
  }
  [Symbol.dispose](): void {
    this.#end?.();
    this.#end = null;
  }
}

/** Runs `body` between a beginning and its end, or hands the end out as a scope. */
function during<R>(name: string, end: () => void, body: (() => R) | undefined): R | Disposable {
  if (body === undefined) return new SavedHooksScope(end);
  try {
    const result = body();
    if (result instanceof Promise)
      throw new ArgumentError(
        `${name}: the function must be synchronous, since its hooks end when it returns: call ${name} around the parts between awaits`,
      );
    return result;
  } finally {
    end();
  }
}

/** Runs `body` with hooks; refused while they are disabled. */
export function withHooks<R>(hooks: SavedHooks, body: (() => R) | undefined): R | Disposable {
  if (disabled !== null) throw new AutogradError(disabled);
  const before = install(hooks);
  return during(hooks.name, () => install(before), body);
}

/**
 * Runs `body` with hooks on what is saved for the backward pass. Each tensor that an operation saves is given to `pack`, and what that returns is kept;
 * when the backward pass needs the tensor it gets what `unpack` makes of it, which must have the same shape and dtype. So values can be compressed, moved
 * elsewhere, or counted. The innermost hooks hold where calls nest. An operation keeps the hooks that were set when it was recorded.
 * Without `body`: a scope for `using`.
 *
 * `pack` must not write into the tensor; it may keep it. What is unpacked is not checked against writes in place: hooks that keep the tensor itself
 * take over that responsibility.
 * Throws InPlaceError if `pack` changed the tensor, AutogradError while hooks are disabled; the backward pass throws ArgumentError if `unpack` returns no
 * tensor or another shape or dtype.
 *
 * @example
 * const x = tensor([1, 2, 3], { requiresGrad: true });
 * const half = (x) => x.to('float16');
 * const y = autograd.graph.savedTensorsHooks(half, (h) => h.to('float32'), () => x.mul(x).sum());
 * y.backward();
 * x.grad; // tensor([2., 4., 6.])
 */
export function savedTensorsHooks<P>(pack: (x: Tensor) => P, unpack: (packed: P) => Tensor): Disposable;
export function savedTensorsHooks<P, R>(pack: (x: Tensor) => P, unpack: (packed: P) => Tensor, body: () => R): R;
export function savedTensorsHooks<P, R>(pack: (x: Tensor) => P, unpack: (packed: P) => Tensor, body?: () => R): R | Disposable {
  return withHooks(pairOf('savedTensorsHooks', pack, unpack), body);
}

function pairOf<P>(name: string, pack: (x: Tensor) => P, unpack: (packed: P) => Tensor): SavedHooks {
  if (typeof pack !== 'function') throw new ArgumentError(`${name}: pack must be a function, got ${describeValue(pack)}`);
  if (typeof unpack !== 'function') throw new ArgumentError(`${name}: unpack must be a function, got ${describeValue(unpack)}`);
  return { name, pack: (x) => pack(x), unpack: unpack as (packed: unknown) => unknown };
}

/**
 * Runs `body` with hooks on saved tensors forbidden: whoever sets some inside gets an AutogradError that says `message`, and so does this call inside of
 * hooks. For code that such hooks would break. The innermost message holds where calls nest. Without `body`: a scope for `using`.
 *
 * @example
 * const keep = (x) => x;
 * try {
 *   autograd.graph.disableSavedTensorsHooks('not here', () => autograd.graph.savedTensorsHooks(keep, keep, () => 1));
 * } catch (error) {
 *   error.message; // 'not here'
 * }
 */
export function disableSavedTensorsHooks(message: string): Disposable;
export function disableSavedTensorsHooks<R>(message: string, body: () => R): R;
export function disableSavedTensorsHooks<R>(message: string, body?: () => R): R | Disposable {
  if (typeof message !== 'string')
    throw new ArgumentError(`disableSavedTensorsHooks: message must be a string, got ${describeValue(message)}`);
  if (current !== null) throw new AutogradError(message);
  const before = disabled;
  disabled = message;
  const end = (): void => {
    disabled = before;
  };
  return during('disableSavedTensorsHooks', end, body);
}

/** Packs one saved tensor of a recorded node; see `SavedTensor`. */
export function packSlot(node: Node, slot: number, pack: (x: Tensor) => unknown, unpack: (packed: never) => Tensor): void {
  const hooks = pairOf('registerHooks', pack, unpack as (packed: unknown) => Tensor);
  const packs = packsOf(node);
  if (packs.has(slot))
    throw new AutogradError(`registerHooks: this tensor saved by ${node.name} has hooks already: one pair is allowed at a time`);
  const x = node.unpack(slot);
  packs.put(slot, packTensor(hooks, x, node));
  node.saved = node.saved.map((tensor, k) => (k === slot ? null : tensor));
}

/** The tensor in a slot, as the backward pass would get it. */
export function readSlot(node: Node, slot: number): Tensor {
  const packs = node.packs as Packs | null;
  return packs?.has(slot) === true ? (packs.read(slot) as Tensor) : node.unpack(slot);
}

/** Whether a node saved something in a slot. */
export function holdsSlot(node: Node, slot: number): boolean {
  return (node.saved[slot] ?? null) !== null || (node.packs as Packs | null)?.has(slot) === true;
}

/** From here on a node may run functions of a user, who may keep what they see: the engine must not free what it allocates. */
export function markUntrusted(node: Node): void {
  packsOf(node);
}

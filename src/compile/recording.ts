import type { DTypeInfo } from '../dtype/dtype.ts';
import type { Operator } from '../op/contract.ts';
import { type Backend, backend, setBackend } from '../runtime/backend.ts';
import { heap } from '../runtime/heap.ts';
import { type Recorder, recording } from '../runtime/recorder.ts';
import { addressOf, beginLaunch, listenToAllocations, listenToLaunches, type Storage } from '../runtime/storage.ts';
import type { View } from '../runtime/view.ts';
import type { MapProgram } from '../scalar/program.ts';
import { perform } from '../tensor/apply.ts';
import { mode } from '../tensor/modes.ts';
import { type Node, nextSequence } from '../tensor/node.ts';
import type { Observer } from '../tensor/observer.ts';
import { isTensor, Tensor } from '../tensor/tensor.ts';
import { places } from '../tensor/trace.ts';
import { tracing } from '../tensor/tracing.ts';
import { Buffer, type Item, Operand, replaceIn } from './items.ts';

/** A tensor that was there before, with what makes it what it is. */
export interface Captured {
  readonly tensor: Tensor;
  readonly storage: Storage;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly tracked: boolean;
}

/** Something that the function looked at and that is no tensor. */
export interface Watched {
  readonly read: () => unknown;
  readonly value: unknown;
}

type Launch = (...args: never[]) => void;

/** Which arguments of the device's launches are written whole; the others are taken to be read and written. */
const OUTPUTS: Readonly<Record<string, readonly number[]>> = {
  reduce: [1],
  argReduce: [1, 2],
  matmul: [0],
  gather: [1],
};

function isView(value: object): value is View {
  return value instanceof Tensor || ('storage' in value && 'rowMajor' in value && 'strides' in value);
}

/** Runs a function once, as it is, and writes down what reaches the device. */
export class Recording implements Recorder, Observer {
  readonly items: Item[] = [];
  /** Why what was written down does not stand for the function; null: it does, as far as is known. */
  reason: string | null = null;
  readonly captured = new Map<Tensor, Captured>();
  readonly watched: Watched[] = [];
  /** Leaves that got a gradient, or lost it. */
  readonly leaves = new Set<Tensor>();
  /** How many writes of effects each storage counts. */
  readonly effectWrites = new Map<Storage, number>();

  readonly #device: Backend = backend();
  readonly #bufferOf = new WeakMap<Storage, Buffer>();
  /** Storages that were there before. */
  readonly #held: Storage[] = [];
  /** Buffers by where they lie: other handles on the same bytes are storages of their own. */
  readonly #byPlace = new WeakMap<object, Map<number, Buffer>>();
  #count = 0;
  /** Above 0: what runs is part of something that was written down already. */
  #depth = 0;
  #inEffect = false;
  #operators: string[] = [];
  readonly #firstNode = nextSequence();

  /** Runs `body` under the recorder. */
  run<R>(body: () => R): R {
    const observer = mode.observer;
    const heard = listenToAllocations((bytes, storage) => {
      heard?.(bytes, storage);
      this.#add(storage, true);
    });
    recording.by = this;
    mode.observer = this;
    setBackend(this.#recordingDevice());
    listenToLaunches(() => this.#looked());
    try {
      return body();
    } finally {
      listenToLaunches(null);
      setBackend(this.#device);
      mode.observer = observer;
      recording.by = null;
      listenToAllocations(heard);
    }
  }

  /** The buffer of a storage. */
  bufferOf(storage: Storage): Buffer {
    const known = this.#bufferOf.get(storage);
    if (known !== undefined) return known;
    const alias = this.#byPlace.get(storage.block)?.get(storage.byteOffset);
    if (alias === undefined || alias.byteLength !== storage.byteLength) return this.#add(storage, false);
    alias.see(storage);
    this.#bufferOf.set(storage, alias);
    if (!alias.made) this.#held.push(storage);
    return alias;
  }

  /** Notes that a tensor is number `index` of those that belong to the call. */
  take(x: Tensor, index: number): void {
    const buffer = this.bufferOf(x.storage);
    if (buffer.argument >= 0) return;
    buffer.argument = index;
    buffer.origin = x.offset;
  }

  operandOf(view: View): Operand {
    const buffer = this.bufferOf(view.storage);
    if (buffer.index < 0) buffer.index = this.#count++;
    return new Operand(buffer, view);
  }

  #add(storage: Storage, made: boolean): Buffer {
    const buffer = new Buffer(storage, made, made && this.#inEffect);
    this.#bufferOf.set(storage, buffer);
    if (!made) this.#held.push(storage);
    let places = this.#byPlace.get(storage.block);
    if (places === undefined) this.#byPlace.set(storage.block, (places = new Map()));
    places.set(storage.byteOffset, buffer);
    return buffer;
  }

  // ---- the device ----

  #recordingDevice(): Backend {
    const device = this.#device;
    const wrapped: Record<string, unknown> = {};
    for (const [name, launch] of Object.entries(device) as [string, Launch][]) {
      if (typeof launch !== 'function') wrapped[name] = launch;
      else wrapped[name] = (...args: never[]) => this.#launch(name, launch, args, OUTPUTS[name]);
    }
    wrapped['map'] = (program: MapProgram, out: View, ins: readonly View[], params: readonly number[], compute: DTypeInfo) => {
      this.#mapped(program, out, ins, params, compute);
      this.#inside(() => device.map(program, out, ins, params, compute));
    };
    return wrapped as unknown as Backend;
  }

  #mapped(program: MapProgram, out: View, ins: readonly View[], params: readonly number[], compute: DTypeInfo): void {
    if (this.#depth > 0) return;
    this.#push({
      kind: 'map',
      operator: this.#operator,
      program,
      out: this.operandOf(out),
      ins: ins.map((view) => this.operandOf(view)),
      params: [...params],
      compute,
    });
  }

  /** `outputs`: the arguments that are written whole; without it every view may be read and written. */
  #launch(name: string, run: Launch, args: readonly unknown[], outputs?: readonly number[]): unknown {
    if (this.#depth === 0) {
      const found: Operand[] = [];
      const stored = args.map((arg) =>
        replaceIn(arg, isView, (view) => {
          const operand = this.operandOf(view);
          found.push(operand);
          return operand;
        }),
      );
      const writes = outputs === undefined ? found : outputs.map((at) => stored[at]).filter((each) => each instanceof Operand);
      const reads = outputs === undefined ? found : found.filter((each) => !writes.includes(each));
      this.#push({ kind: 'call', operator: this.#operator, name, run, args: stored, reads, writes });
    }
    return this.#inside(() => run(...(args as never[])));
  }

  #push(item: Item): void {
    this.items.push(item);
  }

  #inside<R>(body: () => R): R {
    this.#depth++;
    try {
      return body();
    } finally {
      this.#depth--;
    }
  }

  get #operator(): string {
    return this.#operators.at(-1) ?? '';
  }

  // ---- what does not pass there ----

  launch<A extends readonly unknown[]>(kernel: (...args: A) => void, args: A, written: (...args: A) => readonly (View | null)[]): void {
    if (this.#depth > 0) {
      kernel(...args);
      return;
    }
    const outputs = new Set<unknown>(written(...args));
    const found: [Operand, boolean][] = [];
    const stored = args.map((arg) =>
      replaceIn(arg, isView, (view) => {
        const operand = this.operandOf(view);
        found.push([operand, outputs.has(view)]);
        return operand;
      }),
    );
    this.#push({
      kind: 'call',
      operator: this.#operator,
      name: kernel.name,
      run: kernel as unknown as Launch,
      args: stored,
      // What is written may be added to.
      reads: found.map(([operand]) => operand),
      writes: found.filter(([, isOutput]) => isOutput).map(([operand]) => operand),
    });
    this.#inside(() => kernel(...args));
  }

  fill(target: View, write: (target: View) => void): void {
    if (this.#depth === 0) this.#push({ kind: 'fill', operator: this.#operator, target: this.operandOf(target), write });
    this.#inside(() => write(target));
  }

  keep(target: View, bytes: Uint8Array): void {
    if (this.#depth === 0) {
      const item = { kind: 'keep', operator: this.#operator, target: this.operandOf(target), bytes: bytes.slice() } as const;
      this.#push(item);
    }
    this.#inside(() => {
      beginLaunch();
      heap.u8.set(bytes, addressOf(target.storage));
    });
  }

  effect<R>(work: () => R): R {
    if (this.#depth > 0) return work();
    this.#push({ kind: 'effect', work });
    const before = this.#held.map((storage) => [storage, storage.version] as const);
    this.#inEffect = true;
    try {
      return this.#inside(work);
    } finally {
      this.#inEffect = false;
      for (const [storage, version] of before) {
        if (storage.version !== version) this.effectWrites.set(storage, (this.effectWrites.get(storage) ?? 0) + storage.version - version);
      }
    }
  }

  watch(read: () => unknown): void {
    if (this.#depth === 0) this.watched.push({ read, value: read() });
  }

  gradient(leaf: object): void {
    if (this.#depth > 0 || !isTensor(leaf)) return;
    const handle = leaf.meta?.grad ?? null;
    this.leaves.add(leaf);
    this.#push({ kind: 'gradient', leaf, grad: handle === null ? null : this.operandOf(handle), handle });
  }

  refuse(reason: string): void {
    if (this.#depth > 0 || this.reason !== null) return;
    const subject = {};
    tracing.remember(subject);
    const place = places.get(subject)?.split('\n')[0]?.trim() ?? '';
    this.reason = place === '' ? reason : `${reason} (${place})`;
  }

  /** Somebody looks at the heap, or writes there, who did not say what for. */
  #looked(): void {
    if (this.#depth > 0) return;
    const operator = this.#operator;
    const what = operator === '' ? 'the code' : `${operator}()`;
    this.refuse(`${what} reads the values of a tensor, or writes them, on the host: what it does with them cannot be replayed`);
  }

  // ---- the observer ----

  apply(operator: Operator<Tensor, never>, inputs: readonly Tensor[], params: never): Tensor | Tensor[] {
    return this.#under(operator.name, inputs, () => perform(operator, inputs, params));
  }

  write(name: string, target: Tensor, write: () => Tensor): Tensor {
    return this.#under(name, [target], write);
  }

  call<R>(name: string, _pure: boolean, inputs: readonly Tensor[], forward: () => R): R {
    return this.#under(name, inputs, forward);
  }

  visit(node: Node, grads: readonly (Tensor | null)[], keep: boolean): readonly (Tensor | null)[] {
    if (node.sequence < this.#firstNode) this.refuse(`backward() reaches ${node.name}, which was recorded before the call`);
    return this.#under(node.name, [], () => node.run(grads, keep));
  }

  #under<R>(name: string, inputs: readonly Tensor[], body: () => R): R {
    for (const input of inputs) this.#note(name, input);
    this.#operators.push(name);
    try {
      return body();
    } finally {
      this.#operators.pop();
    }
  }

  #note(name: string, tensor: Tensor): void {
    if (this.captured.has(tensor) || this.bufferOf(tensor.storage).made) return;
    if (mode.grad && tensor.node !== null && tensor.node.sequence < this.#firstNode)
      this.refuse(`${name}() reads a tensor whose history was recorded before the call: detach() it`);
    const { storage, shape, strides, tracked } = tensor;
    this.captured.set(tensor, { tensor, storage, shape, strides, tracked });
  }
}

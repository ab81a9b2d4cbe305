import type { Operator } from '../op/contract.ts';
import { pool } from '../runtime/pool.ts';
import { UNIT_BYTES } from '../runtime/sizes.ts';
import { type AllocationListener, listenToAllocations, type Storage } from '../runtime/storage.ts';
import { perform } from '../tensor/apply.ts';
import { mode } from '../tensor/modes.ts';
import type { Node } from '../tensor/node.ts';
import type { Observer } from '../tensor/observer.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type EventKind, ProfilerEvent } from './profiler-events.ts';
import type { MemorySample } from './profiler-trace.ts';

/** Profiles that run now, the innermost last. */
const running: Recorder[] = [];

/** Writes down what passes between the user and the engine, from its construction to `stop`. */
export class Recorder implements Observer {
  readonly events: ProfilerEvent[] = [];
  readonly samples: MemorySample[] = [];
  /** The most that was in use at once, more than at the start. */
  peakBytes = 0;
  /** Everything allocated, also outside of operators. */
  allocatedBytes = 0;
  readonly #shapes: boolean;
  readonly #memory: boolean;
  readonly #outer: Observer | null;
  readonly #outerListener: AllocationListener | null = null;
  readonly #origin: number;
  readonly #baseUnits: number;
  #open: ProfilerEvent | null = null;
  #stopped: number | null = null;

  constructor(shapes: boolean, memory: boolean) {
    this.#shapes = shapes;
    this.#memory = memory;
    this.#outer = mode.observer;
    this.#baseUnits = pool.liveUnits;
    mode.observer = this;
    running.push(this);
    if (memory) this.#outerListener = listenToAllocations((bytes, storage) => this.#allocated(bytes, storage));
    this.#origin = performance.now();
  }

  /** Microseconds from the start to now, or to `stop`. */
  get elapsed(): number {
    return this.#stopped ?? (performance.now() - this.#origin) * 1000;
  }

  get stopped(): boolean {
    return this.#stopped !== null;
  }

  /** Ends the recording; of profiles that were started inside, too. */
  stop(): void {
    if (this.#stopped !== null) return;
    for (let inner = running.at(-1); inner !== undefined && inner !== this; inner = running.at(-1)) inner.stop();
    this.#stopped = this.elapsed;
    for (let event = this.#open; event !== null; event = event.parent) event.end = this.#stopped;
    this.#open = null;
    running.pop();
    mode.observer = this.#outer;
    if (this.#memory) listenToAllocations(this.#outerListener);
  }

  begin(name: string, kind: EventKind): ProfilerEvent {
    const event = new ProfilerEvent(name, kind, this.elapsed, this.#open);
    this.events.push(event);
    this.#open = event;
    return event;
  }

  /** Ends `event` and what is still open inside it. */
  end(event: ProfilerEvent): void {
    if (this.#stopped !== null || event.end !== 0) return;
    const now = this.elapsed;
    for (let inner = this.#open; inner !== null; inner = inner.parent) {
      inner.end = now;
      if (inner === event) break;
    }
    this.#open = event.parent;
    if (event.parent !== null) event.parent.peakBytes = Math.max(event.parent.peakBytes, event.peakBytes);
    if (this.#memory) this.samples.push({ at: now, bytes: pool.liveUnits * UNIT_BYTES });
  }

  apply(operator: Operator<Tensor, never>, inputs: readonly Tensor[], params: never): Tensor | Tensor[] {
    const event = this.begin(operator.name, 'operator');
    if (this.#shapes) event.inputShapes = inputs.map((x) => [...x.shape]);
    try {
      const result = this.#outer === null ? perform(operator, inputs, params) : this.#outer.apply(operator, inputs, params);
      const first = Array.isArray(result) ? result.find((x) => x.node !== null) : result;
      if (first !== undefined && first.node !== null && !inputs.includes(first)) event.sequenceNumber = first.node.sequence;
      return result;
    } finally {
      this.end(event);
    }
  }

  write(name: string, target: Tensor, write: () => Tensor): Tensor {
    const event = this.begin(name, 'write');
    if (this.#shapes) event.inputShapes = [[...target.shape]];
    try {
      return this.#outer === null ? write() : this.#outer.write(name, target, write);
    } finally {
      this.end(event);
    }
  }

  call<R>(name: string, pure: boolean, inputs: readonly Tensor[], forward: () => R): R {
    const event = this.begin(name, 'operator');
    if (this.#shapes) event.inputShapes = inputs.map((x) => [...x.shape]);
    try {
      return this.#outer === null ? forward() : this.#outer.call(name, pure, inputs, forward);
    } finally {
      this.end(event);
    }
  }

  visit(node: Node, grads: readonly (Tensor | null)[], keep: boolean): readonly (Tensor | null)[] {
    const event = this.begin(node.name, 'backward');
    event.sequenceNumber = node.sequence;
    if (this.#shapes) event.inputShapes = grads.flatMap((g) => (g === null ? [] : [[...g.shape]]));
    try {
      return this.#outer === null ? node.run(grads, keep) : this.#outer.visit(node, grads, keep);
    } finally {
      this.end(event);
    }
  }

  #allocated(bytes: number, storage: Storage): void {
    this.#outerListener?.(bytes, storage);
    this.allocatedBytes += bytes;
    const above = Math.max(0, (pool.liveUnits - this.#baseUnits) * UNIT_BYTES);
    this.peakBytes = Math.max(this.peakBytes, above);
    if (this.#open === null) return;
    this.#open.selfBytes += bytes;
    this.#open.peakBytes = Math.max(this.#open.peakBytes, above);
  }
}

/** Opens a range in every running profile; the result closes it. */
export function openRange(name: string): () => void {
  const opened = running.map((recorder) => [recorder, recorder.begin(name, 'range')] as const);
  return () => {
    for (const [recorder, event] of opened) recorder.end(event);
  };
}

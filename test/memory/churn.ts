/**
 * A random program of tensors that live and die in every way there is, for young.test.ts: each live tensor has one value all over, which is looked at
 * again and again. A block that was taken while somebody could reach it shows as a wrong value.
 */
import { full, memory, noGrad, scope, type Tensor, tensor } from '../../src/index.ts';

const LENGTH = 65536;

/** The value of a storage, shared by all views of it. */
interface Truth {
  value: number;
}

/** A way to reach a tensor, and what it has to hold. */
interface Held {
  readonly get: () => Tensor;
  readonly truth: Truth;
}

/** A generator of its own, so that the program is the same whatever the library draws (Marsaglia's xorshift, 2003). */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function filled(shape: readonly number[], value: number): Tensor {
  return full(shape, value, { dtype: 'float32' });
}

function same(found: unknown, value: number): void {
  if (found !== value) throw new Error(`a tensor that holds ${value} shows ${String(found)}`);
}

function check(x: Tensor, value: number): void {
  const flat = x.reshape([-1]);
  for (const index of [0, flat.size >> 1, flat.size - 1]) same(flat.select(0, index).item(), value);
}

/** Runs the program. Objects made at the beginning are old by the time young tensors are put into them. */
export class Churn {
  readonly #random: (below: number) => number;
  readonly #held: Held[] = [];
  readonly #map = new Map<number, Tensor>();
  readonly #box: { slots: (Tensor | null)[] } = { slots: new Array<Tensor | null>(512).fill(null) };
  readonly #graphs: { output: Tensor; leaf: Tensor; value: number }[] = [];
  #next = 1;

  constructor(seed: number) {
    this.#random = generator(seed);
  }

  step(): void {
    this.#actions[this.#random(this.#actions.length)]!();
    const held = this.#held[this.#random(this.#held.length + 1)];
    if (held !== undefined) check(held.get(), held.truth.value);
    while (this.#held.length > 60) this.#drop();
  }

  /** Looks at everything that is alive. */
  finish(): void {
    for (const { get, truth } of this.#held) check(get(), truth.value);
    while (this.#graphs.length > 0) this.#goBack();
  }

  #value(): number {
    this.#next = (this.#next % 4095) + 1;
    return this.#next;
  }

  #hold(x: Tensor, truth: Truth): void {
    const id = this.#next++ * 8;
    const slot = this.#random(512);
    const { slots } = this.#box;
    const ways: (() => () => Tensor)[] = [
      () => () => x,
      () => {
        this.#map.set(id, x);
        return () => this.#map.get(id) as Tensor;
      },
      () => {
        if (slots[slot] !== null) return () => x;
        slots[slot] = x;
        return () => slots[slot] as Tensor;
      },
    ];
    this.#held.push({ get: ways[this.#random(3)]!(), truth });
  }

  #drop(): void {
    const [gone] = this.#held.splice(this.#random(this.#held.length), 1);
    if (gone === undefined) return;
    const x = gone.get();
    const slot = this.#box.slots.indexOf(x);
    if (slot >= 0) this.#box.slots[slot] = null;
    for (const [id, each] of this.#map) if (each === x) this.#map.delete(id);
  }

  #goBack(): void {
    const [graph] = this.#graphs.splice(this.#random(this.#graphs.length), 1);
    if (graph === undefined) return;
    graph.output.sum().backward();
    check(graph.leaf.grad as Tensor, 2 * graph.value);
  }

  readonly #actions: (() => void)[] = [
    // Garbage.
    () => void filled([LENGTH], this.#value()).add(1),
    () => void filled([LENGTH], this.#value()).mul(2).exp(),
    () => {
      const value = this.#value();
      this.#hold(filled([LENGTH], value), { value });
    },
    // A view of a view, whose base nobody holds.
    () => {
      const value = this.#value();
      this.#hold(
        filled([64, LENGTH / 64], value)
          .t()
          .narrow(0, 3, 900)
          .reshape([-1, 9])
          .select(1, 4),
        { value },
      );
    },
    // A second view of what is held, in place of it or beside it.
    () => {
      const held = this.#held[this.#random(this.#held.length + 1)];
      if (held === undefined) return;
      const flat = held.get().reshape([-1]);
      this.#hold(flat.narrow(0, 0, Math.min(flat.size, 10)), held.truth);
    },
    // In place, through one of the views: all see it.
    () => {
      const value = this.#value();
      const base = filled([LENGTH], value);
      const truth = { value };
      this.#hold(base.narrow(0, 1000, 5000), truth);
      this.#hold(base, truth);
      base.add_(1);
      truth.value += 1;
    },
    () => {
      const held = this.#held[this.#random(this.#held.length + 1)];
      if (held !== undefined) this.#hold(held.get().add(1), { value: held.truth.value + 1 });
    },
    () => this.#drop(),
    () => this.#drop(),
    // Saved on the tape and nowhere else.
    () => {
      const value = this.#value() % 100;
      const leaf = tensor(value, { dtype: 'float32', requiresGrad: true });
      const saved = leaf.expand([LENGTH]).mul(1);
      this.#graphs.push({ output: saved.mul(saved).select(0, 7), leaf, value });
      if (this.#graphs.length > 20) this.#goBack();
    },
    // Given back by hand, and used again at once.
    () => {
      const value = this.#value();
      const kept = scope(() => {
        const inner = filled([LENGTH], value).mul(2);
        return inner.add(filled([LENGTH], 1));
      });
      this.#hold(kept, { value: 2 * value + 1 });
    },
    () => {
      using x = filled([LENGTH], this.#value());
      x.add(1);
    },
    // Lent, while sweeps go on.
    () => {
      const value = this.#value();
      const x = filled([LENGTH], value);
      // Room, since memory must not grow while elements are lent.
      scope(() => {
        for (let i = 0; i < 16; i++) filled([LENGTH], 0);
      });
      x.withData((view) => {
        for (let i = 0; i < 12; i++) filled([LENGTH], 0);
        for (const index of [0, 777, LENGTH - 1]) same(view[index], value);
      });
    },
    // Small ones, which share slabs with others.
    () => {
      const value = this.#value();
      noGrad(() => {
        const many = Array.from({ length: 50 }, (_, i) => filled([1 + (i % 500)], value));
        for (const index of [3, 30]) this.#hold(many[index] as Tensor, { value });
      });
    },
  ];
}

/** How many sweeps a program of so many steps took. */
export function churn(seed: number, steps: number): number {
  const before = memory().sweeps;
  const program = new Churn(seed);
  for (let step = 0; step < steps; step++) program.step();
  program.finish();
  return memory().sweeps - before;
}

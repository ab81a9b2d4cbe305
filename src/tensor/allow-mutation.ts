import { type Storage, untrack } from '../runtime/storage.ts';
import { AutogradError } from '../util/errors.ts';
import { mode, withGradMode } from './modes.ts';
import { withHooks } from './saved-hooks.ts';
import { structural } from './structural.ts';
import { aliasOf, type Tensor } from './tensor.ts';

/** What nodes hold instead of a tensor that they saved: the tensor itself until it is about to be written, then a copy. */
class Kept {
  readonly context: MutationContext;
  /** How often the context had been cleared. */
  readonly generation: number;
  readonly original: Tensor;
  copy: Tensor | null = null;
  /** How many nodes hold it. */
  holders = 1;

  constructor(context: MutationContext, generation: number, original: Tensor) {
    this.context = context;
    this.generation = generation;
    this.original = original;
  }

  isOf(x: Tensor): boolean {
    const y = this.original;
    return y.offset === x.offset && y.type === x.type && equal(y.shape, x.shape) && equal(y.strides, x.strides);
  }
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

let active: MutationContext | null = null;

/**
 * The copies that one `allowMutationOnSavedTensors` holds.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * autograd.graph.allowMutationOnSavedTensors((context) => {
 *   const y = x.clone();
 *   const out = y.sin();
 *   y.zero_();
 *   return context.copies;
 * }); // 1
 */
export class MutationContext implements Disposable {
  /** By storage, what nodes saved of its present version. */
  #kept = new WeakMap<Storage, Kept[]>();
  #copies = 0;
  /** Counts `clear`: what was kept before is void. */
  #generation = 0;
  #end: (() => void) | null = null;

  /** How many tensors were copied because they were written while a node held them, and are still held. */
  get copies(): number {
    return this.#copies;
  }

  /** Forgets all that was saved so far: what was recorded until now can no longer be differentiated. Happens at the end by itself. */
  clear(): void {
    this.#kept = new WeakMap();
    this.#copies = 0;
    this.#generation++;
  }

  /** @internal */
  begin(end: () => void): void {
    this.#end = end;
  }

  /** @internal What a node holds of `x`: one for all nodes that save it before it is written. */
  keep(x: Tensor): Kept {
    const list = this.#kept.get(x.storage) ?? [];
    const known = list.find((kept) => kept.isOf(x));
    if (known !== undefined) {
      known.holders++;
      return known;
    }
    const made = new Kept(this, this.#generation, aliasOf(x));
    this.#kept.set(x.storage, [...list, made]);
    return made;
  }

  /** @internal */
  drop(kept: Kept): void {
    if (--kept.holders > 0 || kept.generation !== this.#generation) return;
    if (kept.copy !== null) {
      this.#copies--;
      return;
    }
    const list = this.#kept.get(kept.original.storage) ?? [];
    this.#kept.set(
      kept.original.storage,
      list.filter((each) => each !== kept),
    );
  }

  /** @internal Copies what nodes saved of a storage that is about to be written. */
  beforeWrite(target: Tensor): void {
    const list = this.#kept.get(target.storage);
    if (list === undefined) return;
    this.#kept.delete(target.storage);
    for (const kept of list) {
      kept.copy = withGradMode(false, () => structural().clone(kept.original));
      untrack(kept.copy.storage);
      this.#copies++;
    }
  }

  /** @internal */
  valueKept(kept: Kept): Tensor {
    if (active !== this || kept.generation !== this.#generation)
      throw new AutogradError(
        'allowMutationOnSavedTensors: what the graph saved is kept only while the call that it was recorded in runs: call backward() inside of it',
      );
    return kept.copy ?? kept.original;
  }

  [Symbol.dispose](): void {
    this.#end?.();
    this.#end = null;
  }
}

/**
 * Runs `body` so that tensors which a graph saved may be written in place before its backward pass: the first write to one copies it, and the graph keeps
 * the copy. What was not saved, or is no longer, is not copied. The backward pass must run inside. `body` gets the context, whose `copies` says how many
 * copies are held. Leaves that require a gradient still cannot be written. Without `body`: the context, for `using`.
 * Throws AutogradError inside of another such call.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true });
 * autograd.graph.allowMutationOnSavedTensors(() => {
 *   const y = x.clone();
 *   const out = y.pow(2).sum();
 *   y.sin_();
 *   out.backward();
 * });
 * x.grad; // tensor([2., 4.])
 */
export function allowMutationOnSavedTensors(): MutationContext;
export function allowMutationOnSavedTensors<R>(body: (context: MutationContext) => R): R;
export function allowMutationOnSavedTensors<R>(body?: (context: MutationContext) => R): R | MutationContext {
  if (active !== null)
    throw new AutogradError(
      'allowMutationOnSavedTensors: already allowed here: calls inside of each other are not possible, and not needed',
    );
  const context = new MutationContext();
  const hooks = {
    name: 'allowMutationOnSavedTensors',
    pack: (x: Tensor) => context.keep(x),
    unpack: (packed: unknown) => (packed as Kept).context.valueKept(packed as Kept),
    share: (packed: unknown) => void (packed as Kept).holders++,
    drop: (packed: unknown) => context.drop(packed as Kept),
  };
  const begin = (): void => {
    active = context;
    mode.beforeWrite = (target) => context.beforeWrite(target as Tensor);
  };
  const end = (): void => {
    active = null;
    mode.beforeWrite = null;
    context.clear();
  };
  if (body === undefined) {
    const scope = withHooks(hooks, undefined) as Disposable;
    begin();
    context.begin(() => {
      end();
      scope[Symbol.dispose]();
    });
    return context;
  }
  const inside = (): R => {
    begin();
    try {
      return body(context);
    } finally {
      end();
    }
  };
  return withHooks(hooks, inside) as R;
}

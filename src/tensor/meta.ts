import type { DTypeInfo } from '../dtype/dtype.ts';
import type { AccumulateGrad } from './node.ts';
import type { Tensor } from './tensor.ts';

/** A hook on a gradient: may return another gradient in its place. */
export type TensorHook = (grad: Tensor) => Tensor | null | undefined | void;
/** A hook that runs when a leaf's gradient has been accumulated. */
export type AccumulateHook = (leaf: Tensor) => void;

/** Takes a hook away again: by name, or at the end of a block that began with `using`. */
export interface HookHandle extends Disposable {
  remove(): void;
}

/** Hooks in the order in which they were registered. A list is never changed, so one that is being gone through stays as it was. */
export class HookList<F> {
  entries: readonly { readonly hook: F; readonly always: boolean }[] = [];

  /** The same function may be added several times; each handle takes its own entry away. `always`: also where no gradient arrives. */
  add(hook: F, always = false): HookHandle {
    const entry = { hook, always };
    this.entries = [...this.entries, entry];
    const remove = (): void => {
      this.entries = this.entries.filter((each) => each !== entry);
    };
    return { remove, [Symbol.dispose]: remove };
  }
}

/** How a view came to be, which decides what writing into it in place means. */
export type ViewOrigin = 'single' | 'multi' | 'no-grad' | 'inference' | 'custom';

/** Autograd state that most tensors never need. */
export class AutogradMeta {
  grad: Tensor | null = null;
  /** The dtype of `grad` where it is not the tensor's own; null: any. */
  gradType: DTypeInfo | null | undefined = undefined;
  /** The sink of a leaf's gradient. */
  accumulator: AccumulateGrad | null = null;
  accumulateHooks: HookList<AccumulateHook> | null = null;
  retainsGrad = false;
  /** The tensor that owns the storage, when this one is a differentiable view of it. */
  base: Tensor | null = null;
  origin: ViewOrigin = 'single';
  /** The storage version at which `node` was right; a later in-place write makes a view's history stale. */
  viewVersion = 0;
  name: string | null = null;
  /** A parameter of a module: collected by `parameters()`. */
  isParameter = false;
}

export function metaOf(x: Tensor): AutogradMeta {
  x.meta ??= new AutogradMeta();
  return x.meta;
}

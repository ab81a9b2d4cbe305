import type { AccumulateGrad } from './node.ts';
import type { Tensor } from './tensor.ts';

/** A hook on a gradient: may return another gradient in its place. */
export type TensorHook = (grad: Tensor) => Tensor | null | undefined | void;
/** A hook that runs when a leaf's gradient has been accumulated. */
export type AccumulateHook = (leaf: Tensor) => void;

/** How a view came to be, which decides what writing into it in place means. */
export type ViewOrigin = 'single' | 'multi' | 'no-grad';

/** Autograd state that most tensors never need. */
export class AutogradMeta {
  grad: Tensor | null = null;
  /** The sink of a leaf's gradient. */
  accumulator: AccumulateGrad | null = null;
  accumulateHooks: AccumulateHook[] | null = null;
  retainsGrad = false;
  /** The tensor that owns the storage, when this one is a differentiable view of it. */
  base: Tensor | null = null;
  /** The same for a value that an interpreter wraps: only told apart from others, its history is not followed. */
  wrappedBase: Tensor | null = null;
  origin: ViewOrigin = 'single';
  /** The storage version at which `node` was right; a later in-place write makes a view's history stale. */
  viewVersion = 0;
  /** Writes through this handle and its views are not counted: `x.data` and what is taken from it. */
  unversioned = false;
  name: string | null = null;
  /** A parameter of a module: collected by `parameters()`. */
  isParameter = false;
}

export function metaOf(x: Tensor): AutogradMeta {
  x.meta ??= new AutogradMeta();
  return x.meta;
}

import { InPlaceError } from '../util/errors.ts';
import { describeTensor } from './messages.ts';
import type { AutogradMeta, ViewOrigin } from './meta.ts';
import { withGradMode } from './modes.ts';
import { setHistory } from './node.ts';
import { structural } from './structural.ts';
import type { Tensor, Wrapped } from './tensor.ts';

/**
 * Whether operations on `x` are recorded. A view whose storage was written since its history was made first gets a new history: the write
 * became part of its base's.
 */
export function isTracked(x: Tensor): boolean {
  const meta = x.meta;
  if (meta === null || meta.base === null || meta.viewVersion === x.storage.version) return x.tracked;
  return refreshView(x, meta, meta.base);
}

/** The handle as the interpreters that still run see it: wraps of ended ones are taken off, and a view is wrapped as its base is. */
export function settled(name: string, x: Tensor): Tensor {
  settleOne(name, x);
  const base = x.meta?.base ?? null;
  if (base === null || base.wrapped === null) return x;
  settleOne(name, base);
  const wrapped = base.wrapped as Wrapped | null;
  if (wrapped !== null && wrapped.level > (x.wrapped?.level ?? 0)) wrapped.interpreter.join(x, base);
  return x;
}

function settleOne(name: string, x: Tensor): void {
  while (x.wrapped?.interpreter.ended === true) x.wrapped.interpreter.settle(name, x);
}

/** Why a view of this origin cannot be written, or follow what is written into its base, where gradients are recorded. */
export const REBASE_REASONS: Record<ViewOrigin, string | null> = {
  single: null,
  multi:
    'one of several views that one operator returned (such as split or unbind), so its history cannot be rewritten: use narrow or select for a view that may be written, or the functional form',
  'no-grad': 'a view made inside noGrad, which gradients do not follow: make it outside of noGrad, or write inside it',
  inference: 'a view made inside inferenceMode, which gradients do not follow: make it outside of that mode',
  custom: 'a view made by a custom function, whose backward knows nothing of the write: return a clone() from forward',
};

function refreshView(view: Tensor, meta: AutogradMeta, base: Tensor): boolean {
  // The bits of numbers, seen as integers, have no gradient.
  if (!base.tracked || !(view.type.isFloat || view.type.isComplex)) return view.tracked;
  const reason = meta.origin === 'multi' ? null : REBASE_REASONS[meta.origin];
  if (reason !== null) {
    throw new InPlaceError(
      `${describeTensor(base)} was changed in place, last by ${view.storage.writer}, and ${describeTensor(view)} is seen through ${reason}`,
    );
  }
  meta.viewVersion = view.storage.version;
  const again = withGradMode(true, () => structural().asStrided(base, view.shape, view.strides, view.offset));
  setHistory(view, again.node, again.outputIndex);
  view.tracked = true;
  return true;
}

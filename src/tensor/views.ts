import { InPlaceError } from '../util/errors.ts';
import { describeTensor } from './messages.ts';
import type { AutogradMeta } from './meta.ts';
import { withGradMode } from './modes.ts';
import { setHistory } from './node.ts';
import { structural } from './structural.ts';
import type { Tensor } from './tensor.ts';

/**
 * Whether operations on `x` are recorded. A view whose storage was written since its history was made first gets a new history: the write
 * became part of its base's.
 */
export function isTracked(x: Tensor): boolean {
  const meta = x.meta;
  if (meta === null || meta.base === null || meta.viewVersion === x.storage.version) return x.tracked;
  return refreshView(x, meta, meta.base);
}

/** Inside transforms an in-place write points a handle at a new value: views that were taken of it before show the old one. */
export function refuseStaleView(name: string, x: Tensor): void {
  const base = x.meta?.wrappedBase ?? x.meta?.base ?? null;
  if (base === null || base.storage === x.storage) return;
  throw new InPlaceError(
    `${name}: ${describeTensor(x)} is a view of a tensor that was written in place inside a transform after the view was taken: take the view again`,
  );
}

function refreshView(view: Tensor, meta: AutogradMeta, base: Tensor): boolean {
  meta.viewVersion = view.storage.version;
  if (!base.tracked) return view.tracked;
  const again = withGradMode(true, () => structural().asStrided(base, view.shape, view.strides, view.offset));
  setHistory(view, again.node, again.outputIndex);
  view.tracked = true;
  return true;
}

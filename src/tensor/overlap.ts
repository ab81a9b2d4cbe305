import type { View } from '../runtime/view.ts';

/** The lowest and highest element that a view touches, counted from the start of its storage. */
export function addressRange(x: View): readonly [number, number] {
  let low = x.offset;
  let high = x.offset;
  if (x.size === 0) return [0, -1];
  for (let i = 0; i < x.shape.length; i++) {
    const reach = ((x.shape[i] as number) - 1) * (x.strides[i] as number);
    if (reach > 0) high += reach;
    else low += reach;
  }
  return [low, high];
}

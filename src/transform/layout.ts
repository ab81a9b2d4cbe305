import { structural } from '../tensor/structural.ts';
import type { Interpreter, Tensor } from '../tensor/tensor.ts';

/** Where tangents lie in memory: as their primals do, so that a view of the one is a view of the other. */

/** An interpreter under which a value may differ between the members of a batch. */
export interface Spreading extends Interpreter {
  /** `x` with a value for each member of the batches that `source` is in; `x` itself where it has. */
  spread(x: Tensor, source: Tensor): Tensor;
}

/** `x` as something that values like `source` can be written into: `x` itself, or a copy with more members. */
export function spreadLike(x: Tensor, source: Tensor): Tensor {
  const [own, other] = [x.wrapped, source.wrapped];
  if (other === null) return x;
  const top = own !== null && own.level > other.level ? own : other;
  return (top.interpreter as Spreading).spread(x, source);
}

export function sameLayout(a: Tensor, b: Tensor): boolean {
  return a.strides.every((stride, i) => stride === b.strides[i] || (b.shape[i] as number) <= 1);
}

/** Zeros in the layout of `like`, with a value for each member of the batches that one of `sources` is in. */
export function zerosInLayout(like: Tensor, sources: readonly (Tensor | null)[]): Tensor {
  let [low, high] = [0, 0];
  like.shape.forEach((size, i) => {
    const reach = (size - 1) * (like.strides[i] as number);
    if (reach < 0) low += reach;
    else high += reach;
  });
  let line = structural().zeros([like.size === 0 ? 0 : high - low + 1], like.type);
  for (const source of sources) if (source !== null) line = spreadLike(line, source);
  return structural().asStrided(line, like.shape, like.strides, line.offset - low);
}

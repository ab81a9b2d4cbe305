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

/**
 * Zeros in the layout of `like`, with a value for each member of the batches that one of `sources` is in: over a storage as long, so that there is a
 * place for every view of that storage.
 */
export function zerosInLayout(like: Tensor, sources: readonly (Tensor | null)[]): Tensor {
  const [start, length] = like.wrapped === null ? [0, like.storage.byteLength / like.type.itemsize] : reachOf(like);
  let line = structural().zeros([length], like.type);
  for (const source of sources) if (source !== null) line = spreadLike(line, source);
  return structural().asStrided(line, like.shape, like.strides, line.offset + like.offset - start);
}

/** Where the elements of one member of a batch start, and how many places they span. */
function reachOf(x: Tensor): [start: number, length: number] {
  let [low, high] = [x.offset, x.offset];
  x.shape.forEach((size, i) => {
    const reach = (size - 1) * (x.strides[i] as number);
    if (reach < 0) low += reach;
    else high += reach;
  });
  return [low, x.size === 0 ? 0 : high - low + 1];
}

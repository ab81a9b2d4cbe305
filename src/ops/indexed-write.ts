/** Functions that write into places that indices name, with their in-place forms. */

import { applyOne } from '../tensor/apply.ts';
import { checkWritable, markWritten, mayOverlap, writeInPlace } from '../tensor/inplace.ts';
import { mode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { fullTensor } from './create.ts';
import { type Described, type DescriptionInput, described } from './family.ts';
import type { IndexFamily, Indexing } from './indexed.ts';
import { scatterInto } from './indexed.ts';
import { expand } from './structural.ts';

/** One call, made ready: all checks but that of the indices themselves are behind it. */
export interface WritePlan {
  readonly family: IndexFamily;
  readonly mode: 'add' | 'set';
  /** A number stands for itself everywhere, only with `set`. */
  readonly values: Tensor | number;
  /** Brings the values to the shape of the positions and the dtype of the input; null: they have them. */
  readonly fit: ((values: Tensor) => Tensor) | null;
  readonly indices: readonly Tensor[];
  readonly indexing: Indexing;
}

export interface IndexedWrite<A extends readonly unknown[]> extends Described {
  (input: Tensor, ...args: A): Tensor;
  inPlace(input: Tensor, ...args: A): Tensor;
}

/** The functional form of a plan. */
export function applyWrite(x: Tensor, plan: WritePlan): Tensor {
  const { family, values, indices, indexing } = plan;
  if (typeof values === 'number') return applyOne(family.fill(values), [x, ...indices], indexing);
  if (plan.fit !== null) return applyOne(family.fitted, [x, values, ...indices], { ...indexing, mode: plan.mode, fit: plan.fit });
  return applyOne(plan.mode === 'add' ? family.add : family.set, [x, values, ...indices], indexing);
}

/** The in-place form: the kernel writes into the target itself while nothing is recorded, otherwise the general path runs. */
export function applyWriteInPlace(name: string, target: Tensor, plan: WritePlan): Tensor {
  return mode.observer === null ? carryOut(name, target, plan) : mode.observer.write(name, target, () => carryOut(name, target, plan));
}

function carryOut(name: string, target: Tensor, plan: WritePlan): Tensor {
  const { values, indices, indexing } = plan;
  const tensors = typeof values === 'number' ? indices : [values, ...indices];
  const recorded = mode.grad && (isTracked(target) || tensors.some(isTracked));
  const plain = mode.interpreters === 0 && [target, ...tensors].every((x) => x.wrapped === null);
  const direct =
    plain &&
    !recorded &&
    (target.rowMajor || !indexing.flat) &&
    !tensors.some((x) => x.storage === target.storage || mayOverlap(x, target));
  if (!direct) return writeInPlace(name, target, (old) => applyWrite(old, plan));
  checkWritable(name, target);
  scatterInto(
    name,
    plan.mode,
    target,
    typeof values === 'number' ? expand(fullTensor([], values, target.type), indexing.shape) : (plan.fit?.(values) ?? values),
    indices,
    indexing,
  );
  markWritten(target, name);
  return target;
}

/** A function with an in-place form from what turns its arguments into a plan. `R`: what users see of it, see `described`. */
export function indexedWrite<A extends readonly unknown[], R extends object = IndexedWrite<A>>(
  name: string,
  plan: (input: Tensor, ...args: A) => WritePlan,
  description: DescriptionInput & { readonly signature: string },
): R {
  const f = Object.assign((input: Tensor, ...args: A): Tensor => applyWrite(input, plan(input, ...args)), {
    inPlace: (input: Tensor, ...args: A): Tensor => applyWriteInPlace(`${name}_`, input, plan(input, ...args)),
  });
  return described<typeof f, R>(name, f, description);
}

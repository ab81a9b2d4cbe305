import { backend } from '../runtime/backend.ts';
import { recording } from '../runtime/recorder.ts';
import { allocate, labelStorage, release, type Storage, untrack } from '../runtime/storage.ts';
import { formatShape } from '../shape/shape.ts';
import { AutogradError } from '../util/errors.ts';
import { nulls } from './exact.ts';
import { IDENTITY } from './identity.ts';
import { type AutogradMeta, metaOf } from './meta.ts';
import { mode } from './modes.ts';
import type { Node } from './node.ts';
import { structural } from './structural.ts';
import { Tensor } from './tensor.ts';

/** From here on others than the engine may see `g`: it must neither be written nor freed. */
export function giveAway(g: Tensor): void {
  g.storage.holders = -1;
}

/** Whether the engine alone holds `g`, once. */
export function isOurs(g: Tensor): boolean {
  return g.storage.holders === 1;
}

/** Counts one more slot that holds `g`, if the engine counts them. */
export function hold(g: Tensor): void {
  if (g.storage.holders >= 0) g.storage.holders++;
}

/** Counts one less, and frees what no slot holds any more. */
export function drop(g: Tensor): void {
  const { storage } = g;
  if (storage.holders <= 0) return;
  storage.holders--;
  if (storage.holders === 0) release(storage);
}

/** The holders of a gradient that only its leaf refers to: it is freed when the leaf forgets it, unless somebody has asked for it (`giveAway`). */
const UNSEEN = -2;

/** Sets a leaf's gradient to null. */
export function forgetGradient(meta: AutogradMeta): void {
  const storage = meta.grad?.storage;
  if (storage !== undefined && storage.holders === UNSEEN && recording.by === null) release(storage);
  meta.grad = null;
}

/** a + b; in place when nobody can tell. */
export function addGradients(a: Tensor, b: Tensor): Tensor {
  const operators = structural();
  if (mode.grad || mode.interpreters !== 0) return operators.add(a, b);
  if (isOurs(a) && a.rowMajor) {
    operators.accumulate(a, b);
    drop(b);
    return a;
  }
  if (isOurs(b) && b.rowMajor && a.type === b.type) {
    operators.accumulate(b, a);
    drop(a);
    return b;
  }
  const sum = operators.add(a, b);
  sum.storage.holders = 1;
  drop(a);
  drop(b);
  return sum;
}

/**
 * Adds `g` to a leaf's gradient. The first gradient is taken over when it is the engine's own, else copied, and is laid out as the leaf is; later ones
 * are added in place, unless the gradient is recorded, or nobody may write where it lies.
 */
export function accumulateIntoLeaf(leaf: Tensor, g: Tensor, createGraph: boolean): void {
  const meta = metaOf(leaf);
  const operators = structural();
  const before = meta.grad;
  if (before === null) {
    if (createGraph) meta.grad = g.node === null ? copyLike(leaf, g) : g;
    else if (isOurs(g) && isLaidOutLike(leaf, g)) meta.grad = g;
    else {
      meta.grad = copyLike(leaf, g);
      drop(g);
    }
    // Where a graph or a recording looks on, others see it at once.
    meta.grad.storage.holders = createGraph || mode.interpreters !== 0 || recording.by !== null ? -1 : UNSEEN;
    untrack(meta.grad.storage);
    labelStorage(meta.grad.storage, meta.name === null ? 'gradient' : `gradient of ${meta.name}`);
  } else if (createGraph || mode.interpreters !== 0 || before.storage.version < 0 || !isDense(before)) {
    meta.grad = operators.add(before, g);
    untrack(meta.grad.storage);
    drop(g);
  } else {
    operators.accumulate(before, g);
    before.storage.version++;
    drop(g);
  }
  if (recording.by !== null) recording.by.gradient(leaf);
  if (meta.accumulateHooks !== null) for (const { hook } of meta.accumulateHooks.entries) checkReturn(hook(leaf));
}

/** Whether the elements fill a stretch of memory, each an address of its own, in whatever order of dimensions. */
function isDense(x: Tensor): boolean {
  if (x.rowMajor) return true;
  const order = x.shape
    .map((_, dim) => dim)
    .filter((dim) => x.shape[dim] !== 1)
    .sort((a, b) => (x.strides[a] as number) - (x.strides[b] as number));
  let stride = 1;
  for (const dim of order) {
    if (x.strides[dim] !== stride) return false;
    stride *= x.shape[dim] as number;
  }
  return true;
}

/** Gradients lie as their leaves do where those are dense, so that an optimizer walks both alike, and in row-major order otherwise. */
function isLaidOutLike(leaf: Tensor, g: Tensor): boolean {
  if (leaf.rowMajor || !isDense(leaf)) return g.rowMajor;
  return leaf.strides.every((stride, dim) => stride === g.strides[dim] || leaf.shape[dim] === 1);
}

function copyLike(leaf: Tensor, g: Tensor): Tensor {
  if (leaf.rowMajor || g.wrapped !== null || !isDense(leaf)) return structural().clone(g);
  const copy = new Tensor(allocate(g.size * g.type.itemsize), 0, g.shape, leaf.strides, g.type, g.size, false);
  backend().map(IDENTITY.program, copy, [g], [], g.type);
  return copy;
}

function checkReturn(returned: unknown): void {
  if (returned === undefined || returned === null) return;
  throw new AutogradError(
    `a hook after accumulation returned ${typeof returned}: it must return nothing; change the leaf's grad itself instead`,
  );
}

/** A gradient as the node that it goes to needs it: summed over broadcast dimensions, cast to its dtype. */
export function fitGradient(g: Tensor, node: Node, index: number): Tensor {
  const shape = node.inputShapes[index] as readonly number[];
  // Not the input's own dtype: a leaf may want another, or take any.
  const type = (node.next[index] as Node).outputTypes[node.nextIndex[index] as number];
  if (!sumsTo(g.shape, shape)) {
    throw new AutogradError(
      `${node.name}: the gradient for input ${index} has shape ${formatShape(g.shape)}, the input has ${formatShape(shape)}: ` +
        'a backward rule must return the shape of its input, or one that broadcasting can sum back to it',
    );
  }
  const fitted = structural().sumTo(g, shape);
  return fitted.type === type || type === undefined ? fitted : structural().cast(fitted, type);
}

function sumsTo(from: readonly number[], to: readonly number[]): boolean {
  const shift = from.length - to.length;
  for (let i = 0; i < to.length; i++) if (to[i] !== from[i + shift] && to[i] !== 1) return false;
  return shift >= 0;
}

/** Keeps what is returned: the engine counts its holds from here on. */
export function claims(results: readonly (Tensor | null)[], storage: Storage): boolean {
  for (const g of results) {
    if (g !== null && g.storage === storage) {
      storage.holders = 0;
      return true;
    }
  }
  return false;
}

/** Sums and casts each gradient to the shape and dtype of its input. */
export function fit(node: Node, grads: readonly (Tensor | null)[]): (Tensor | null)[] {
  const results = nulls<Tensor>(node.next.length);
  for (let i = 0; i < results.length; i++) {
    const g = grads[i];
    if (g !== null && g !== undefined && node.next[i] !== null) results[i] = fitGradient(g, node, i);
  }
  return results;
}

import { labelStorage, release, untrack } from '../runtime/storage.ts';
import { formatShape } from '../shape/shape.ts';
import { AutogradError } from '../util/errors.ts';
import { metaOf } from './meta.ts';
import { mode } from './modes.ts';
import type { Node } from './node.ts';
import { structural } from './structural.ts';
import { aliasOf, type Tensor } from './tensor.ts';

/** From here on others than the engine may see `g`: it must neither be written nor freed. */
export function giveAway(g: Tensor): void {
  g.storage.holders = -1;
}

/** Whether the engine alone holds `g`, once. */
function isOurs(g: Tensor): boolean {
  return g.storage.holders === 1;
}

function drop(g: Tensor): void {
  if (g.storage.holders > 0 && --g.storage.holders === 0) release(g.storage);
}

/** a + b; in place when nobody can tell. */
export function addGradients(a: Tensor, b: Tensor): Tensor {
  const operators = structural();
  if (mode.grad || mode.interpreters !== 0) return operators.add(a, b);
  if (isOurs(a) && a.rowMajor && a.node === null) {
    operators.accumulate(a, b);
    drop(b);
    return a;
  }
  if (isOurs(b) && b.rowMajor && b.node === null && a.type === b.type) {
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

/** Adds `g` to a leaf's gradient: takes it over when it is the engine's own, else copies; adds in place unless the gradient is recorded. */
export function accumulateIntoLeaf(leaf: Tensor, g: Tensor, createGraph: boolean): void {
  const meta = metaOf(leaf);
  const operators = structural();
  if (meta.grad === null) {
    if (createGraph) meta.grad = g.node === null && !isOurs(g) ? operators.clone(g) : g;
    else if (isOurs(g) && g.rowMajor) meta.grad = detached(g);
    else {
      meta.grad = detached(operators.clone(g));
      drop(g);
    }
    giveAway(meta.grad);
    untrack(meta.grad.storage);
    labelStorage(meta.grad.storage, meta.name === null ? 'gradient' : `gradient of ${meta.name}`);
  } else if (createGraph || meta.grad.tracked || meta.grad.storage.version < 0) {
    meta.grad = operators.add(meta.grad, g);
    untrack(meta.grad.storage);
  } else {
    operators.accumulate(meta.grad, g);
    meta.grad.storage.version++;
    drop(g);
  }
  if (meta.accumulateHooks !== null) for (const { hook } of meta.accumulateHooks.entries) checkReturn(hook(leaf));
}

function checkReturn(returned: unknown): void {
  if (returned === undefined || returned === null) return;
  throw new AutogradError(
    `a hook after accumulation returned ${typeof returned}: it must return nothing; change the leaf's grad itself instead`,
  );
}

function detached(g: Tensor): Tensor {
  return g.tracked || g.meta !== null ? aliasOf(g) : g;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A gradient as its input needs it: summed over broadcast dimensions, cast to its dtype. */
export function fitGradient(g: Tensor, node: Node, index: number): Tensor {
  const shape = node.inputShapes[index] as readonly number[];
  const type = node.inputTypes[index] as Tensor['type'];
  let fitted = g;
  if (!sameShape(g.shape, shape)) {
    if (!sumsTo(g.shape, shape)) {
      throw new AutogradError(
        `${node.name}: the gradient for input ${index} has shape ${formatShape(g.shape)}, the input has ${formatShape(shape)}: ` +
          'a backward rule must return the shape of its input, or one that broadcasting can sum back to it',
      );
    }
    fitted = structural().sumTo(fitted, shape);
  }
  return fitted.type === type ? fitted : structural().cast(fitted, type);
}

function sumsTo(from: readonly number[], to: readonly number[]): boolean {
  if (to.length > from.length) return false;
  const shift = from.length - to.length;
  return to.every((size, i) => size === from[i + shift] || size === 1);
}

import { formatShape } from '../shape/shape.ts';
import { AutogradError } from '../util/errors.ts';
import { accumulateIntoLeaf, giveAway } from './accumulate.ts';
import { describeValue } from './messages.ts';
import type { AutogradMeta } from './meta.ts';
import type { AccumulateGrad, Node, Watch } from './node.ts';
import { structural } from './structural.ts';
import { isTensor, type Tensor } from './tensor.ts';

/**
 * What the engine calls where somebody looks at gradients. The order at one node: hooks of its output tensors, then retained gradients, then
 * capture for `grad()`, hooks before the node, the node, hooks after it. See docs/design/0007-hooks-and-capture.md.
 */

type Gradients = readonly (Tensor | null)[];

/** Shows the gradients of a node's outputs to the hooks of the tensors, and keeps what is retained. */
export function runTensorHooks(node: Node, grads: (Tensor | null)[]): void {
  // The list has holes where nobody looks, which are left out.
  (node.watched as Watch[]).forEach((watch, index) => {
    const g = grads[index] ?? null;
    if (g !== null) grads[index] = runWatch(node, watch, g);
    else for (const { hook, always } of watch.hooks.entries) if (always) (hook as unknown as (grad: null) => void)(null);
  });
}

function runWatch(node: Node, watch: Watch, g: Tensor): Tensor {
  let current = g;
  for (const { hook } of watch.hooks.entries) {
    giveAway(current);
    current = checked(`a hook on the gradient at ${node.name}`, hook(current), current) ?? current;
  }
  giveAway(current);
  if (watch.keeper !== null) retain(watch.keeper, current);
  return current;
}

/** Adds up what several backward passes bring, in a new tensor each time: what comes, and what was there, may be in somebody's hands. */
function retain(meta: AutogradMeta, g: Tensor): void {
  meta.grad = meta.grad === null ? structural().clone(g) : structural().add(meta.grad, g);
  giveAway(meta.grad);
}

/** The gradient that a hook returned, or null if it returned nothing. */
function checked(what: string, returned: unknown, before: Tensor | null): Tensor | null {
  if (returned === null || returned === undefined) return null;
  if (!isTensor(returned))
    throw new AutogradError(`${what} returned ${describeValue(returned)}: return a tensor, or nothing to keep the gradient`);
  if (before === null) return returned;
  if (formatShape(returned.shape) !== formatShape(before.shape))
    throw new AutogradError(
      `${what} returned shape ${formatShape(returned.shape)} for a gradient of shape ${formatShape(before.shape)}: keep the shape`,
    );
  if (returned.type !== before.type)
    throw new AutogradError(
      `${what} returned dtype ${returned.type.name} for a gradient of dtype ${before.type.name}: keep the dtype, with .to('${before.type.name}')`,
    );
  return returned;
}

/** The list that a hook of a node returned, or the one before if it returned nothing. */
function checkedList(what: string, returned: unknown, before: Gradients): Gradients {
  if (returned === null || returned === undefined) return before;
  if (!Array.isArray(returned))
    throw new AutogradError(
      `${what} returned ${describeValue(returned)}: return an array with one gradient for each of the ${before.length}, or nothing to keep them`,
    );
  if (returned.length !== before.length)
    throw new AutogradError(
      `${what} returned ${returned.length} gradients for ${before.length}: return one for each, null where there is none`,
    );
  return returned.map((g, i) => checked(what, g, before[i] ?? null));
}

function giveAllAway(grads: Gradients): void {
  for (const g of grads) if (g !== null) giveAway(g);
}

/** Shows the gradients of a node's outputs to the hooks before it. */
export function runPreHooks(node: Node, grads: Gradients): (Tensor | null)[] {
  let current = grads;
  for (const { hook } of (node.preHooks as NonNullable<Node['preHooks']>).entries) {
    giveAllAway(current);
    current = checkedList(`a hook before ${node.name}`, hook(current), current);
  }
  giveAllAway(current);
  return [...current];
}

/** Shows the gradients of a node's inputs, and those of its outputs, to the hooks after it. */
export function runPostHooks(node: Node, results: Gradients, grads: Gradients): (Tensor | null)[] {
  let current = results;
  giveAllAway(grads);
  for (const { hook } of (node.postHooks as NonNullable<Node['postHooks']>).entries) {
    giveAllAway(current);
    current = checkedList(`a hook after ${node.name}`, hook(current, grads), current);
  }
  giveAllAway(current);
  return [...current];
}

/** Lets a gradient into a leaf, past the hooks of its sink, which has no gradients to pass on. */
export function accumulateAt(sink: AccumulateGrad, g: Tensor, createGraph: boolean): void {
  const arriving = sink.preHooks === null ? g : (runPreHooks(sink, [g])[0] ?? null);
  if (arriving !== null) accumulateIntoLeaf(sink.variable, arriving, createGraph);
  if (sink.postHooks !== null) runPostHooks(sink, [], [arriving]);
}

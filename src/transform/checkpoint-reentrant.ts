import type { Operator } from '../op/contract.ts';
import { defaultGenerator } from '../runtime/random.ts';
import { apply } from '../tensor/apply.ts';
import { backward } from '../tensor/autograd.ts';
import { runningTask } from '../tensor/engine.ts';
import { mode, withGradMode } from '../tensor/modes.ts';
import { aliasOf, isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { ArgumentError, AutogradError } from '../util/errors.ts';
import { flattenTree, type Structure } from './tree.ts';

/**
 * The older form of a checkpoint: one node around the whole function, which runs without recording at first, and again with recording inside the
 * node's backward pass, with a backward pass of its own. So it needs the gradients of all leaves to be accumulated.
 */
export function reentrantCheckpoint<R>(
  name: string,
  fn: (...inputs: never[]) => R,
  inputs: readonly unknown[],
  preserveRngState: boolean,
): R {
  if (mode.interpreters !== 0) {
    throw new AutogradError(`${name}: useReentrant: true does not work inside vmap, jvp and other transforms: leave it out`);
  }
  const given = inputs.filter(isTensor);
  const state = preserveRngState ? defaultGenerator.getState() : null;
  let results: Structure | null = null;
  const call = (tensors: readonly Tensor[]): R => {
    let at = 0;
    return (fn as (...inputs: unknown[]) => R)(...inputs.map((x) => (isTensor(x) ? tensors[at++] : x)));
  };
  const operator: Operator<Tensor, null> = {
    name,
    backwardName: 'CheckpointFunctionBackward',
    forward: (tensors) => {
      const returned = call(tensors);
      if (returned instanceof Promise) throw new ArgumentError(`${name}: the function must be synchronous`);
      const { leaves, structure } = flattenTree(returned);
      results = structure;
      return leaves.map((y) => (tensors.includes(y) || y.node !== null ? aliasOf(y) : y));
    },
    derivative: {
      kind: 'rules',
      saves: { inputs: given.map((_, i) => i) },
      vjp: (grads, context) =>
        differentiate(
          name,
          call,
          given.map((_, i) => context.input(i)),
          grads,
          state,
        ),
    },
    batching: { kind: 'composite' },
    aliasing: 'fresh',
    composite: false,
    custom: true,
  };
  const outputs = withGradMode(mode.grad, () => apply(operator, given, null)) as Tensor[];
  return (results as Structure | null)?.rebuild(outputs) as R;
}

/** Runs the function with recording, and a backward pass through it: leaves inside get their gradients, and so do the inputs. */
function differentiate(
  name: string,
  call: (tensors: readonly Tensor[]) => unknown,
  inputs: readonly Tensor[],
  grads: readonly (Tensor | null)[],
  state: Uint8Array | null,
): (Tensor | null)[] {
  if (mode.grad) throw new AutogradError(`${name}: with useReentrant: true the gradient cannot itself be differentiated: leave it out`);
  if (runningTask()?.targets !== null) {
    throw new AutogradError(
      `${name}: with useReentrant: true, gradients of single tensors (grad(), or inputs of backward()) cannot be computed, since leaves inside would be accumulated into: leave it out`,
    );
  }
  const leaves = inputs.map((x) => {
    const leaf = aliasOf(x);
    leaf.tracked = isTracked(x);
    return leaf;
  });
  const outputs = flattenTree(withGradMode(true, () => rewound(state, () => call(leaves)))).leaves;
  const roots: Tensor[] = [];
  const seeds: Tensor[] = [];
  outputs.forEach((y, i) => {
    const g = grads[i] ?? null;
    if (g === null || !isTracked(y)) return;
    roots.push(y);
    seeds.push(g);
  });
  if (roots.length === 0) {
    throw new AutogradError(
      `${name}: with useReentrant: true at least one output of the function must require a gradient: none of them depends on a tensor that does`,
    );
  }
  backward(roots, seeds);
  return leaves.map((leaf) => leaf.meta?.grad ?? null);
}

/** Runs `body` with the generator as it was, and puts it back. */
function rewound<R>(state: Uint8Array | null, body: () => R): R {
  if (state === null) return body();
  const now = defaultGenerator.getState();
  defaultGenerator.setState(state);
  try {
    return body();
  } finally {
    defaultGenerator.setState(now);
  }
}

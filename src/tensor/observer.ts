import type { Operator } from '../op/contract.ts';
import type { Node } from './node.ts';
import type { Tensor } from './tensor.ts';

/**
 * Stands between the user and the engine while it is `mode.observer`: the profiler times what passes, a checkpoint answers for operators whose
 * results it kept. Every method must hand on to the observer that was there before, or do the work itself. Plain code pays one comparison a call.
 */
export interface Observer {
  /** A call of an operator. Runs it with `perform`, or returns results in its place. */
  apply(operator: Operator<Tensor, never>, inputs: readonly Tensor[], params: never): Tensor | Tensor[];
  /** An in-place operation, which `write` carries out. */
  write(name: string, target: Tensor, write: () => Tensor): Tensor;
  /**
   * The forward of a custom function, which `forward` runs. `pure`: what its backward pass reads follows from inputs and results alone, so results may be
   * returned in its place.
   */
  call<R>(name: string, pure: boolean, inputs: readonly Tensor[], forward: () => R): R;
  /** A node of a backward pass: returns what `node.run(grads, keep)` returns. */
  visit(node: Node, grads: readonly (Tensor | null)[], keep: boolean): readonly (Tensor | null)[];
}

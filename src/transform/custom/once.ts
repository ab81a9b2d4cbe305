import type { DTypeInfo } from '../../dtype/dtype.ts';
import { mode, withGradMode } from '../../tensor/modes.ts';
import { gradientNode, Node, nextSequence } from '../../tensor/node.ts';
import { aliasOf, isTensor, type Tensor } from '../../tensor/tensor.ts';
import { isTracked } from '../../tensor/views.ts';
import { AutogradError } from '../../util/errors.ts';
import type { FunctionContext } from './context.ts';
import type { Gradient } from './rules.ts';

/** Takes the place of a second derivative that was said not to exist. */
class OnceDifferentiable extends Node {
  readonly #function: string;
  constructor(name: string, sources: readonly (readonly [Node | null, number])[], results: readonly Tensor[]) {
    const shapes = sources.map(([node, index]) => node?.outputShapes[index] ?? []);
    const types = sources.map(([node, index]) => node?.outputTypes[index] as DTypeInfo);
    super(
      nextSequence(),
      sources.map(([node]) => node),
      sources.map(([, index]) => index),
      shapes,
      types,
      results.map((y) => y.shape),
      results.map((y) => y.type),
    );
    this.#function = name;
  }
  get name(): string {
    return 'OnceDifferentiableBackward';
  }
  run(): never {
    throw new AutogradError(
      `${this.#function}: its backward is marked onceDifferentiable, and was differentiated again: write it in differentiable operations, without the mark, to allow that`,
    );
  }
}

/**
 * Wraps a `backward` that cannot itself be differentiated: it runs without recording, and a second derivative through what it returns is refused with
 * a reason (also where it would depend on the saved tensors only, where PyTorch gives a result that is silently incomplete).
 *
 * @example
 * class Double extends autograd.Function {
 *   static forward(context, x) {
 *     return x.mul(2);
 *   }
 *   static backward = autograd.onceDifferentiable((context, g) => g.mul(2));
 * }
 * Double.apply(ones([2])); // tensor([2., 2.])
 */
export function onceDifferentiable<A extends unknown[], G extends Gradient | readonly Gradient[]>(
  backward: (context: FunctionContext, ...grads: A) => G,
): (context: FunctionContext, ...grads: A) => G {
  return (context, ...grads) => {
    const found = withGradMode(false, () => backward(context, ...grads));
    if (!mode.grad) return found;
    const list = (Array.isArray(found) ? found : [found]) as Gradient[];
    const results = list.filter(isTensor);
    const arrived = grads.filter((g): g is A[number] & Tensor => isTensor(g) && isTracked(g));
    const sources = [...arrived.map((g) => [gradientNode(g), g.outputIndex] as const), ...(context.state().node?.nextFunctions ?? [])];
    const refusing = new OnceDifferentiable(context.state().name, sources, results);
    let index = 0;
    const guarded = list.map((g) => (isTensor(g) ? made(g, refusing, index++) : g));
    return (Array.isArray(found) ? guarded : guarded[0]) as G;
  };
}

function made(g: Tensor, node: Node, index: number): Tensor {
  const result = aliasOf(g);
  result.node = node;
  result.outputIndex = index;
  result.tracked = true;
  return result;
}

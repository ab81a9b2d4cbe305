import { UINT8 } from '../dtype/dtype.ts';
import { broadcastShapes } from '../shape/broadcast.ts';
import { formatShape } from '../shape/shape.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { detach } from './detach.ts';
import { argmax } from './extrema.ts';
import { requireTensor, type Scalar } from './family.ts';
import { gather } from './gather.ts';
import { any } from './statistics.ts';
import { cast, expand, reshape } from './structural.ts';
import type { DTypeOf, ShapeOf } from './types.ts';
import { where } from './where.ts';

/** Elements of a list of tensors that a function gets one by one. */
type Spread<X extends readonly Tensor[]> = { [K in keyof X]: X[K] };

const choose = where as unknown as (condition: Tensor, input: Tensor, other: Tensor | Scalar) => Tensor;

/**
 * `where(condition, f(input), other)` whose gradient is right where `f` has none: `f` never sees the elements for which `condition` is false.
 *
 * With `where` alone those are computed too, and a derivative that is infinite or NaN there reaches the input as 0 · inf = NaN. Here they are replaced
 * before `f` sees them by an element for which the condition is true (by 1 where there is none), so that `f` and its derivatives are evaluated where
 * the caller says that they exist, and their gradient is exactly 0. Everything is made of differentiable operators, so this holds in higher
 * derivatives, in forward mode and under `vmap`.
 *
 * `condition`: bool, broadcast with the inputs. `input`: a tensor, or a list of them for a function of several. `f`: elementwise, its result has the
 * common shape. `other`: a tensor or a number. Throws ShapeError if `f` returns another shape, and what `where` throws.
 *
 * @example
 * const x = tensor([-1, 0, 4], { requiresGrad: true });
 * const y = safeWhere(x.gt(0), x, (x) => x.sqrt(), 0); // tensor([0., 0., 2.], gradFn=<WhereBackward>)
 * y.sum().backward();
 * x.grad; // tensor([0.0000, 0.0000, 0.2500])
 */
export function safeWhere<X extends Tensor>(
  condition: Tensor,
  input: X,
  f: (input: Tensor<ShapeOf<X>, DTypeOf<X>>) => Tensor,
  other: Tensor | Scalar,
): Tensor;
export function safeWhere<const X extends readonly Tensor[]>(
  condition: Tensor,
  inputs: X,
  f: (...inputs: Spread<X>) => Tensor,
  other: Tensor | Scalar,
): Tensor;
export function safeWhere(
  condition: Tensor,
  input: Tensor | readonly Tensor[],
  f: (...inputs: never[]) => Tensor,
  other: Tensor | Scalar,
): Tensor {
  requireTensor('safeWhere', 'condition', condition);
  const inputs = isTensor(input) ? [input] : input;
  if (!Array.isArray(inputs) || inputs.length === 0) throw new ArgumentError('safeWhere: input must be a tensor or a list of tensors');
  for (const [i, x] of inputs.entries()) requireTensor('safeWhere', inputs.length === 1 ? 'input' : `input ${i}`, x);
  if (typeof f !== 'function') throw new ArgumentError(`safeWhere: f must be a function of the input, got ${typeof f}`);
  const shape = broadcastShapes('safeWhere', condition.shape, ...inputs.map((x) => x.shape));
  const mask = expand(condition, shape);
  const result = f(...(inputs.map((x) => harmless(mask, expand(x, shape))) as never[]));
  requireTensor('safeWhere', 'the result of f', result);
  if (formatShape(result.shape) !== formatShape(shape)) {
    throw new ShapeError(
      `safeWhere: f returned shape ${formatShape(result.shape)} for inputs of shape ${formatShape(shape)}: f must work element by element`,
    );
  }
  return choose(mask, result, other);
}

/** `x` with the elements that the mask refuses replaced by one that it lets through, or by 1. No gradient reaches the one that stands in. */
function harmless(mask: Tensor, x: Tensor): Tensor {
  if (x.size === 0) return x;
  const chosen = reshape(argmax(cast(reshape(mask, [x.size]), UINT8), 0) as Tensor, [1]);
  const element = gather(reshape(detach(x) as Tensor, [x.size]), 0, chosen as Tensor<number[], 'int64'>) as Tensor;
  return choose(mask, x, choose(any(mask) as Tensor, reshape(element, []), 1));
}

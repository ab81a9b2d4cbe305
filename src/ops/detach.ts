import { applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { viewOf } from '../tensor/tensor.ts';
import { makeOperator, requireTensor } from './family.ts';
import type { DTypeOf, ShapeOf } from './types.ts';

/** The same elements without history: shares storage and version. */
const detachOperator = makeOperator<null>({
  name: 'detach',
  forward: ([x]) => {
    const source = x as Tensor;
    source.storage.shared = true;
    return viewOf(source, source.shape, source.strides, source.offset);
  },
  derivative: { kind: 'none' },
  batching: { kind: 'leading' },
});

/**
 * The same elements without history: no gradient flows through. Shares storage and version with `input`.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * x.mul(2).detach().requiresGrad; // false
 */
export function detach<X extends Tensor>(input: X): Tensor<ShapeOf<X>, DTypeOf<X>> {
  requireTensor('detach', 'input', input);
  return applyOne(detachOperator, [input], null) as Tensor<ShapeOf<X>, DTypeOf<X>>;
}

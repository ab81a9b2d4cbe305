import type { DType } from '../dtype/dtype.ts';
import type { CreateOptions } from '../ops/creation.ts';
import type { DTypeOf, ShapeOf } from '../ops/types.ts';
import { describeValue } from '../tensor/messages.ts';
import { aliasOf, type Shape, Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { warnOnce } from '../util/warn.ts';
import { setRequiresGrad } from './members.ts';

type VariableOptions = Pick<CreateOptions, 'requiresGrad'> | boolean;
/** `Variable(tensor, { requiresGrad })`, with or without `new`. Shape and dtype are those of the data. */
export interface VariableConstructor {
  new <X extends Tensor>(data: X, options?: VariableOptions): Tensor<ShapeOf<X>, DTypeOf<X>>;
  <X extends Tensor>(data: X, options?: VariableOptions): Tensor<ShapeOf<X>, DTypeOf<X>>;
}

/** As a type, a Variable is a tensor. */
export type Variable<S extends Shape = number[], D extends DType = DType> = Tensor<S, D>;

/**
 * The old name of a tensor that takes part in differentiation: shares the elements of `data`, is a leaf of its own. Since tensors themselves carry
 * gradients it is a tensor like any other, and every tensor is a Variable. A second argument of `true` is short for `{ requiresGrad: true }`.
 *
 * @example
 * const a = new Variable(ones([2, 2]), { requiresGrad: true });
 * a.add(2).pow(2).sum().backward();
 * a.grad; // tensor([[6., 6.], [6., 6.]])
 */
export const Variable: VariableConstructor = makeVariable as unknown as VariableConstructor;

const OPTIONS: ReadonlySet<string> = new Set(['requiresGrad', 'volatile']);

function makeVariable(data: Tensor, options: VariableOptions = {}): Tensor {
  if (!(data instanceof Tensor))
    throw new ArgumentError(`Variable: data must be a tensor, got ${describeValue(data)}; wrap data in tensor(…)`);
  if (typeof options === 'object') {
    checkOptions('Variable', options, OPTIONS);
    if ('volatile' in options)
      warnOnce('volatile', 'Variable: volatile has had no effect for long: compute inside noGrad(() => …) instead');
  }
  data.storage.shared = true;
  const leaf = aliasOf(data);
  const wanted = typeof options === 'boolean' ? options : (options.requiresGrad ?? false);
  return setRequiresGrad(leaf, wanted);
}
Object.defineProperty(makeVariable, Symbol.hasInstance, { value: (x: unknown) => x instanceof Tensor });

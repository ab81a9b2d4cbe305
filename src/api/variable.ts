import type { CreateOptions } from '../ops/creation.ts';
import { describeValue } from '../tensor/messages.ts';
import { aliasOf, Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { setRequiresGrad } from './members.ts';

/** `Variable(tensor, { requiresGrad })`, with or without `new`. */
export interface VariableConstructor {
  new (data: Tensor, options?: Pick<CreateOptions, 'requiresGrad'> | boolean): Tensor;
  (data: Tensor, options?: Pick<CreateOptions, 'requiresGrad'> | boolean): Tensor;
}

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

function makeVariable(data: Tensor, options: Pick<CreateOptions, 'requiresGrad'> | boolean = {}): Tensor {
  if (!(data instanceof Tensor))
    throw new ArgumentError(`Variable: data must be a tensor, got ${describeValue(data)}; wrap data in tensor(…)`);
  data.storage.shared = true;
  const leaf = aliasOf(data);
  const wanted = typeof options === 'boolean' ? options : (options.requiresGrad ?? false);
  return setRequiresGrad(leaf, wanted);
}
Object.defineProperty(makeVariable, Symbol.hasInstance, { value: (x: unknown) => x instanceof Tensor });

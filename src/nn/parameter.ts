import { labelStorage } from '../runtime/storage.ts';
import { describeValue } from '../tensor/messages.ts';
import { metaOf } from '../tensor/meta.ts';
import { aliasOf, Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError } from '../util/errors.ts';

/** `Parameter(tensor)`, with or without `new`; `instanceof` tells parameters from other tensors. */
export interface ParameterConstructor {
  new (data: Tensor, requiresGrad?: boolean): Tensor;
  (data: Tensor, requiresGrad?: boolean): Tensor;
}

/**
 * A tensor that a module learns: a leaf that wants a gradient, and that `module.parameters()` finds.
 *
 * @example
 * const scale = new Parameter(ones([3]));
 * scale.requiresGrad; // true
 */
export const Parameter: ParameterConstructor = makeParameter as unknown as ParameterConstructor;

function makeParameter(data: Tensor, requiresGrad = true): Tensor {
  if (!(data instanceof Tensor)) throw new ArgumentError(`Parameter: data must be a tensor, got ${describeValue(data)}`);
  if (requiresGrad && !data.type.isFloat && !data.type.isComplex)
    throw new DTypeError(`Parameter: a tensor of dtype ${data.dtype} cannot require a gradient`);
  data.storage.shared = true;
  const parameter = aliasOf(data);
  parameter.tracked = requiresGrad;
  metaOf(parameter).isParameter = true;
  labelStorage(parameter.storage, 'parameter');
  return parameter;
}
Object.defineProperty(makeParameter, Symbol.hasInstance, { value: isParameter });

export function isParameter(x: unknown): x is Tensor {
  return x instanceof Tensor && x.meta !== null && x.meta.isParameter;
}

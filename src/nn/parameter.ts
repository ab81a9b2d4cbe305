import type { DType } from '../dtype/dtype.ts';
import type { FloatingDType } from '../dtype/types.ts';
import type { DTypeOf, ShapeOf } from '../ops/types.ts';
import { labelStorage } from '../runtime/storage.ts';
import { describeValue } from '../tensor/messages.ts';
import { metaOf } from '../tensor/meta.ts';
import { aliasOf, type Shape, Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError } from '../util/errors.ts';

/** What can have a gradient; anything, where none is wanted. */
type Learnable<R> = Tensor<number[], R extends false ? DType : FloatingDType>;
/** `Parameter(tensor)`, with or without `new`; `instanceof` tells parameters from other tensors. Shape and dtype are those of the data. */
export interface ParameterConstructor {
  new <X extends Learnable<R>, R extends boolean = true>(data: X, requiresGrad?: R): Tensor<ShapeOf<X>, DTypeOf<X>>;
  <X extends Learnable<R>, R extends boolean = true>(data: X, requiresGrad?: R): Tensor<ShapeOf<X>, DTypeOf<X>>;
}

/** As a type, a parameter is a tensor. */
export type Parameter<S extends Shape = number[], D extends DType = DType> = Tensor<S, D>;

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

/**
 * Whether a tensor was made as a parameter of a module.
 *
 * @example
 * nn.isParameter(new nn.Linear(2, 1).weight); // true
 */
export function isParameter(x: unknown): x is Tensor {
  return x instanceof Tensor && x.meta !== null && x.meta.isParameter;
}

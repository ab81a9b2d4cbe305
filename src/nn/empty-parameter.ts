import type { DType } from '../dtype/dtype.ts';
import { getDefaultDtype } from '../dtype/promotion.ts';
import { emptyTensor } from '../ops/create.ts';
import { optionalType } from '../ops/family.ts';
import { asShape } from '../shape/reshape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Parameter } from './parameter.ts';

/** A parameter to be initialised, of the default dtype unless said otherwise. Throws ArgumentError for sizes that are none, naming the module. */
export function emptyParameter<const S extends readonly number[]>(
  module: string,
  shape: S,
  dtype: DType | null | undefined,
): Tensor<[...S]> {
  const type = optionalType(dtype) ?? getDefaultDtype();
  return new Parameter(emptyTensor(asShape(module, [shape]), type) as Tensor<number[], 'float32'>) as Tensor as Tensor<[...S]>;
}

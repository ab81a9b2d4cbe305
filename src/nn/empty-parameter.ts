import type { DType } from '../dtype/dtype.ts';
import { getDefaultDtype } from '../dtype/promotion.ts';
import { emptyTensor } from '../ops/create.ts';
import { optionalType } from '../ops/family.ts';
import { asShape } from '../shape/reshape.ts';
import { formatShape } from '../shape/shape.ts';
import { describeValue } from '../tensor/messages.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
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

/** Throws ArgumentError unless the constructor's arguments, given by their names, are whole numbers from 0 on. */
export function requireSizes(module: string, sizes: Readonly<Record<string, unknown>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (Number.isInteger(size) && (size as number) >= 0) continue;
    throw new ArgumentError(`${module}: ${name} must be a whole number from 0 on, got ${describeValue(size)}`);
  }
}

/** One size, or several, as a list. Throws ArgumentError for anything else. */
export function sizeList(module: string, name: string, sizes: unknown): number[] {
  const list: unknown = typeof sizes === 'number' ? [sizes] : sizes;
  if (Array.isArray(list) && list.every((size) => Number.isInteger(size) && size >= 0)) return [...list];
  const got = Array.isArray(list) ? formatShape(list) : describeValue(list);
  throw new ArgumentError(`${module}: ${name} must be a size, or a list of sizes, got ${got}`);
}

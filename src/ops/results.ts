import type { Tensor } from '../tensor/tensor.ts';

/** Several results: an object with PyTorch's names that is also iterable. */
export type NamedResults<N extends string> = { readonly [K in N]: Tensor } & Iterable<Tensor> & { readonly length: number };

/**
 * Gives results their names: `const { values, indices } = …` and `const [values, indices] = …` both work.
 */
export function namedResults<const N extends string>(names: readonly N[], values: readonly Tensor[]): NamedResults<N> {
  const result = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  Object.defineProperty(result, Symbol.iterator, { value: () => values[Symbol.iterator]() });
  Object.defineProperty(result, 'length', { value: values.length });
  return result as NamedResults<N>;
}

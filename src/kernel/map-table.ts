/** Flat elementwise kernels over many tensors: one call goes over a table of their arguments. */
import { advanceBy, repeat } from './loops.ts';
import { FunctionBuilder } from './wasm/encoder.ts';

/** Where the launch parameters of a row begin, after `words` 32-bit words. */
export function paramsAt(words: number): number {
  return (4 * words + 7) & ~7;
}

/** How many bytes the arguments of one call take: words, then launch parameters. */
export function rowBytes(words: number, params: number): number {
  return paramsAt(words) + 8 * params;
}

/** A function `each` of the address of a table and its number of rows, at least one: calls `map`, which takes `words` integers and `params` numbers, with each row. */
export function compileEach(map: FunctionBuilder, words: number, params: number): FunctionBuilder {
  const f = new FunctionBuilder('each', ['i32', 'i32']);
  repeat(f, f.local('i32'), 1, () => {
    for (let k = 0; k < words; k++) f.get(0).load('i32.load', 4 * k);
    for (let k = 0; k < params; k++) f.get(0).load('f64.load', paramsAt(words) + 8 * k);
    f.call(map);
    advanceBy(f, 0, rowBytes(words, params));
  });
  return f;
}

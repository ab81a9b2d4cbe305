// biome-ignore-all assist/source/organizeImports: bundlers keep this order, and compressors look 32 kB back: modules that read alike are neighbours
/** The WebAssembly device: the default one, in Node and in browsers. */
import type { Backend } from '../../runtime/backend.ts';
import { map } from './map.ts';
import { reduce } from './reduce.ts';
import { argReduce } from './arg-reduce.ts';
import { reduceComplex } from './complex-reduce.ts';
import { gather } from './move.ts';
import { scatter } from './scatter.ts';
import { matmulComplex } from './complex-matmul.ts';
import { matmulReal } from './matmul.ts';

/** The device that runs kernels emitted as WebAssembly, on the heap. */
export const wasmBackend: Backend = {
  map,
  reduce: (kind, out, input, dims) => {
    if (input.type.isComplex) reduceComplex(kind, out, input, dims);
    else reduce(kind, out, input, dims);
  },
  argReduce,
  matmul: (out, a, b, start) => {
    if (out.type.isComplex) matmulComplex(out, a, b);
    else matmulReal(out, a, b, start);
  },
  gather,
  scatter,
};

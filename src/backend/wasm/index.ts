/** The WebAssembly device: the default one, in Node and in browsers. */
import type { Backend } from '../../runtime/backend.ts';
import { argReduce } from './arg-reduce.ts';
import { matmulComplex } from './complex-matmul.ts';
import { map } from './map.ts';
import { matmulReal } from './matmul.ts';
import { reduce } from './reduce.ts';
import { scan } from './scan.ts';

/** The device that runs kernels emitted as WebAssembly, on the heap. */
export const wasmBackend: Backend = {
  map,
  reduce,
  argReduce,
  scan,
  matmul: (out, a, b) => {
    if (out.type.isComplex) matmulComplex(out, a, b);
    else matmulReal(out, a, b);
  },
};

import { loadElement, storeElement } from './element.ts';
import { advanceBy, repeat } from './loops.ts';
import { FunctionBuilder } from './wasm/encoder.ts';

/** The function `combineProducts`: `(out, rr, ii, ri, ir, count)` writes the complex numbers (rr - ii, ri + ir), all consecutive. */
export function combineProductsFunction(type: 'float32' | 'float64'): FunctionBuilder {
  const compute = type === 'float32' ? 'f32' : 'f64';
  const bytes = type === 'float32' ? 4 : 8;
  const f = new FunctionBuilder('combineProducts', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [out, rr, ii, ri, ir, count] = [0, 1, 2, 3, 4, 5];
  const left = f.local('i32');
  repeat(f, left, count, () => {
    f.get(out);
    loadElement(f, type, compute, rr);
    loadElement(f, type, compute, ii);
    f.op(`${compute}.sub`);
    storeElement(f, type);
    f.get(out);
    loadElement(f, type, compute, ri);
    loadElement(f, type, compute, ir);
    f.op(`${compute}.add`);
    storeElement(f, type, bytes);
    advanceBy(f, out, 2 * bytes);
    for (const part of [rr, ii, ri, ir]) advanceBy(f, part, bytes);
  });
  return f;
}

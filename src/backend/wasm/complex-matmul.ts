import { combineProductsFunction } from '../../kernel/complex-matmul.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { partOf } from './complex.ts';
import { matmulReal } from './matmul.ts';

const kernels: Partial<Record<string, KernelFunction>> = {};

/** Matrix product of complex matrices as four products of their parts, which are read where they lie. */
export function matmulComplex(out: View, a: View, b: View): void {
  if (out.size === 0) return;
  const [ar, ai, br, bi] = [partOf(a, 0), partOf(a, 1), partOf(b, 0), partOf(b, 1)];
  const type = ar.type;
  const product = (x: View, y: View): View => {
    const view: View = { ...out, storage: allocate(out.size * type.itemsize), offset: 0, type };
    matmulReal(view, x, y);
    return view;
  };
  const products = [product(ar, br), product(ai, bi), product(ar, bi), product(ai, br)];
  kernels[type.name] ??= instantiate([combineProductsFunction(type.name === 'float32' ? 'float32' : 'float64')], heap.memory)
    .combineProducts!;
  beginLaunch();
  const target = addressOf(out.storage) + out.offset * out.type.itemsize;
  const [rr, ii, ri, ir] = products.map((view) => addressOf(view.storage)) as [number, number, number, number];
  kernels[type.name]!(target, rr, ii, ri, ir, out.size);
  for (const view of products) release(view.storage);
}

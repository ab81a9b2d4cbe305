/** Matrix products that are completed in their stores: `matmul-then.ts` runs them, where that pays. */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import { multiplyFunction } from '../../kernel/matmul.ts';
import { storeOf } from '../../kernel/matmul-stores.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { beginLaunch, release } from '../../runtime/storage.ts';
import type { Expr } from '../../scalar/expr.ts';
import { instantiateAt } from './level.ts';
import type { MatmulKernels } from './matmul-kernels.ts';
import { SET } from './matmul-run.ts';
import { trialMemory } from './trusted.ts';

const ROWS = 13;
const DEPTH = 5;

/**
 * `multiply`, or `multiplyPacked`, with an expression in its stores, in which every operand is the product; null if it does not give the bits of the product and then
 * `complete`, which computes the expression in place: `(address, elements)`.
 */
export function compileStored(
  kernels: MatmulKernels,
  packed: boolean,
  expr: Expr,
  type: DTypeInfo,
  complete: (address: number, elements: number) => void,
): KernelFunction | null {
  const name = packed ? 'multiplyPacked' : 'multiply';
  try {
    const variant = { ...kernels.variant, store: storeOf(expr, type) };
    const kernel = instantiateAt(kernels.level, [multiplyFunction(variant, packed)])[name] as KernelFunction;
    return givesSameBits(kernels, packed, kernel, complete) ? kernel : null;
  } catch {
    return null;
  }
}

function givesSameBits(
  kernels: MatmulKernels,
  packed: boolean,
  kernel: KernelFunction,
  complete: (address: number, elements: number) => void,
): boolean {
  const { bytes } = kernels;
  const columns = 2 * kernels.columns;
  const size = ROWS * columns;
  const sizes = [ROWS * DEPTH, ROWS * DEPTH, columns * DEPTH, columns * DEPTH, kernels.edgeBytes / bytes, size, size];
  const { storage, at } = trialMemory(sizes, bytes);
  beginLaunch();
  const [a, left, b, right, edge, expected, found] = at as [number, number, number, number, number, number, number];
  const values = bytes === 4 ? heap.f32 : heap.f64;
  for (let i = 0; i < columns * DEPTH; i++) {
    values[b / bytes + i] = Math.sin(i * 1.7);
    if (i < ROWS * DEPTH) values[a / bytes + i] = Math.cos(i * 1.3);
  }
  kernels.packRight(right, b, columns, DEPTH, bytes, columns * bytes);
  kernels.packLeft(left, a, ROWS, DEPTH, DEPTH * bytes, bytes);
  const panel = kernels.columns * bytes;
  const strides = packed ? [] : [DEPTH * bytes, bytes];
  const run = (multiply: KernelFunction, c: number): unknown =>
    multiply(ROWS, columns, DEPTH, packed ? left : a, right, panel, DEPTH * panel, c, columns * bytes, edge, SET, ...strides);
  run(packed ? kernels.multiplyPacked : kernels.multiply, expected);
  complete(expected, size);
  run(kernel, found);
  let same = true;
  for (let i = 0; i < size * bytes; i++) same &&= heap.u8[expected + i] === heap.u8[found + i];
  release(storage);
  return same;
}

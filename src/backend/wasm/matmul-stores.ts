/** Matrix products that are completed in their stores: `matmul-then.ts` runs them, where that pays. */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import { multiplyFunction } from '../../kernel/matmul.ts';
import { type StoredProgram, tileEnd } from '../../kernel/matmul-stores.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { beginLaunch, release } from '../../runtime/storage.ts';
import { instantiateAt } from './level.ts';
import type { MatmulKernels } from './matmul-kernels.ts';
import { SET } from './matmul-run.ts';
import { trialMemory } from './trusted.ts';

const ROWS = 13;
const DEPTH = 5;

/** `multiply`, or `multiplyPacked`, with a program in its stores; null if it does not give the bits of the product and then `map`, a flat launch of the program. */
export function compileStored(kernels: MatmulKernels, packed: boolean, stored: StoredProgram, map: KernelFunction): KernelFunction | null {
  try {
    const variant = { ...kernels.variant, end: tileEnd(stored, kernels.variant) };
    const kernel = instantiateAt(kernels.level, [multiplyFunction(variant, packed)])[
      packed ? 'multiplyPacked' : 'multiply'
    ] as KernelFunction;
    return givesSameBits(kernels, packed, stored, kernel, map) ? kernel : null;
  } catch {
    return null;
  }
}

function givesSameBits(
  kernels: MatmulKernels,
  packed: boolean,
  { places, results, keeps, type }: StoredProgram,
  kernel: KernelFunction,
  map: KernelFunction,
): boolean {
  const { bytes } = kernels;
  const columns = 2 * kernels.columns;
  const size = ROWS * columns;
  const others = Math.max(...places) + 1;
  const sizes = [
    ROWS * DEPTH,
    ROWS * DEPTH,
    columns * DEPTH,
    columns * DEPTH,
    kernels.edgeBytes / bytes,
    size,
    ...Array<number>(others).fill(size),
  ];
  const { storage, at } = trialMemory(sizes, bytes);
  beginLaunch();
  const [a, left, b, right, edge, c] = at as [number, number, number, number, number, number];
  const placeOf = (place: number): number => at[6 + place] as number;
  const addressOf = (place: number): number => (place < 0 ? c : placeOf(place));
  const written = new Set([...results.map(([, operand]) => addressOf(places[operand + 1] as number)), ...(keeps ? [c] : [])]);
  const run = (kernelOf: KernelFunction, more: readonly number[]): void => {
    fill(at, sizes, type);
    kernels.packRight(right, b, columns, DEPTH, bytes, columns * bytes);
    if (packed) kernels.packLeft(left, a, ROWS, DEPTH, DEPTH * bytes, bytes);
    const panel = kernels.columns * bytes;
    const strides = packed ? [] : [DEPTH * bytes, bytes];
    kernelOf(ROWS, columns, DEPTH, packed ? left : a, right, panel, DEPTH * panel, c, columns * bytes, edge, SET, ...strides, ...more);
  };
  const found = (): Uint8Array[] => [...written].map((address) => heap.u8.slice(address, address + size * bytes));
  run(packed ? kernels.multiplyPacked : kernels.multiply, []);
  map(size, ...places.map(addressOf));
  const expected = found();
  run(
    kernel,
    Array.from({ length: others }, (_, i) => placeOf(i) - c),
  );
  const same = found().every((part, i) => part.every((byte, k) => byte === (expected[i] as Uint8Array)[k]));
  release(storage);
  return same;
}

function fill(at: readonly number[], sizes: readonly number[], { itemsize }: DTypeInfo): void {
  const values = itemsize === 4 ? heap.f32 : heap.f64;
  at.forEach((address, run) => {
    for (let i = 0; i < (sizes[run] as number); i++) values[address / itemsize + i] = Math.sin(i * 1.7 + run);
  });
}

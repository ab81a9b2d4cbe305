import { mathImports } from '../math-imports.ts';
import { encodeModule, type FunctionBuilder } from './encoder.ts';

/** An exported function of a kernel module; addresses and counts are i32, launch parameters f64. */
export type KernelFunction = (...args: number[]) => number;

function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
}

/**
 * Compiles functions into one module over `memory` and returns its exports by name. Synchronous: kernels are small.
 * Functions that the code imports from 'math' are those of `Math` and of nabla's special functions.
 */
export function instantiate(functions: readonly FunctionBuilder[], memory: WebAssembly.Memory): Record<string, KernelFunction> {
  const bytes = encodeModule(functions, { shared: isShared(memory) });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory }, math: mathImports });
  return instance.exports as Record<string, KernelFunction>;
}

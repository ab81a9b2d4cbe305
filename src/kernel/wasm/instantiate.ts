import { encodeModule, type FunctionBuilder, importsOf } from './encoder.ts';

/** An exported function of a kernel module; addresses and counts are i32, launch parameters f64. */
export type KernelFunction = (...args: number[]) => number;

function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
}

/** Compiles functions into one module over `memory` and returns its exports by name. Synchronous: kernels are small. */
export function instantiate(functions: readonly FunctionBuilder[], memory: WebAssembly.Memory): Record<string, KernelFunction> {
  const bytes = encodeModule(functions, { shared: isShared(memory) });
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = { env: { memory } };
  for (const f of importsOf(functions)) {
    imports[f.module] ??= {};
    (imports[f.module] as Record<string, WebAssembly.ImportValue>)[f.name] = f.implementation;
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  return instance.exports as Record<string, KernelFunction>;
}

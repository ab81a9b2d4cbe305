import { encodeModule, type FunctionBuilder, importsOf } from './encoder.ts';

/** An exported function of a kernel module; addresses and counts are i32, launch parameters f64. */
export type KernelFunction = (...args: number[]) => number;

/** Where a kernel comes from, so that other threads can make it for themselves: its module and which of the exports it is. */
export interface KernelSource {
  readonly call: KernelFunction;
  readonly bytes: Uint8Array;
  readonly index: number;
  /** For whoever hands out the bytes. */
  at: number;
}

const sources = new WeakMap<KernelFunction, KernelSource>();

/** The source of a kernel over shared memory; undefined where other threads cannot have it. */
export function sourceOf(kernel: KernelFunction): KernelSource | undefined {
  return sources.get(kernel);
}

function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
}

/** Compiles functions into one module over `memory` and returns its exports by name. Synchronous: kernels are small. */
export function instantiate(functions: readonly FunctionBuilder[], memory: WebAssembly.Memory): Record<string, KernelFunction> {
  const shared = isShared(memory);
  const bytes = encodeModule(functions, { shared });
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = { env: { memory } };
  let portable = shared;
  for (const f of importsOf(functions)) {
    portable &&= f.name.startsWith('Math.');
    imports[f.module] ??= {};
    (imports[f.module] as Record<string, WebAssembly.ImportValue>)[f.name] = f.implementation;
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  const kernels = instance.exports as Record<string, KernelFunction>;
  if (portable) for (const [index, call] of Object.values(kernels).entries()) sources.set(call, { call, bytes, index, at: -1 });
  return kernels;
}

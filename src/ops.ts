/**
 * The entry `nabla/ops`: the operators as functions, for applications that count bytes. A bundler drops each one that is not imported.
 *
 * Tensors made here have their own members (`backward`, `grad`, `toArray`, …); operators are methods only where the main entry is loaded.
 */
import { attachCore } from './api/core.ts';
import { wasmBackend } from './backend/wasm/index.ts';
import { setBackend } from './runtime/backend.ts';

setBackend(wasmBackend);
attachCore();

export * from './ops/index.ts';

import { wasmBackend } from '../backend/wasm/index.ts';
import { setBackend } from '../runtime/backend.ts';
import { attachMethods } from './attach.ts';
import { attachCore } from './core.ts';

/** Puts the library together: the default device and the methods. Runs once, when the entry module loads. */
export function start(): void {
  setBackend(wasmBackend);
  attachCore();
  attachMethods();
}

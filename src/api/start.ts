import { wasmBackend } from '../backend/wasm/index.ts';
import { setBackend } from '../runtime/backend.ts';
import { Tensor } from '../tensor/tensor.ts';
import { attachMethods } from './attach.ts';
import { attachCore } from './core.ts';

/** Puts the library together: the default device and the methods. Runs once, when the entry module loads. */
export function start(): void {
  setBackend(wasmBackend);
  // Without this, V8 copies the list of members at each of the hundreds that are added: it does not take the object for a prototype yet.
  Object.create(Tensor.prototype);
  attachCore();
  attachMethods();
}

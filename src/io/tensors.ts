import type { DType } from '../dtype/dtype.ts';
import { fromBytes } from '../ops/creation.ts';
import { bytesOf } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { readBytes, writeFileAtomic } from './files.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

/** Tensors by name, as `module.stateDict()` gives them. */
export type NamedTensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

function entries(tensors: NamedTensors): [string, Tensor][] {
  return tensors instanceof Map ? [...tensors] : Object.entries(tensors);
}

/**
 * The bytes of a safetensors file with these tensors.
 *
 * @example
 * const bytes = toSafetensors({ weight: ones([2, 2]) });
 * fromSafetensors(bytes).get('weight'); // tensor([[1., 1.], [1., 1.]])
 */
export function toSafetensors(tensors: NamedTensors, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  return encodeSafetensors(
    new Map(entries(tensors).map(([name, x]) => [name, { dtype: x.type.name, shape: x.shape, bytes: bytesOf(x) }])),
    metadata,
  );
}

/**
 * The tensors of a safetensors file. Throws FormatError with the reason for a malformed one.
 *
 * @example
 * const bytes = toSafetensors({ weight: ones([2]) });
 * fromSafetensors(bytes).get('weight'); // tensor([1., 1.])
 */
export function fromSafetensors(bytes: Uint8Array): Map<string, Tensor> {
  const { tensors } = decodeSafetensors(bytes);
  return new Map([...tensors].map(([name, x]) => [name, fromBytes(x.bytes, x.shape, x.dtype as DType)]));
}

/**
 * Writes tensors to a safetensors file, all or nothing: a reader never sees half a file. Node, Deno and Bun.
 *
 * @example
 * // not run: it writes a file
 * await saveSafetensors('model.safetensors', model.stateDict());
 */
export async function saveSafetensors(
  path: string | URL,
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomic(path, toSafetensors(tensors, metadata));
}

/**
 * Reads the tensors of a safetensors file.
 *
 * @example
 * // not run: it reads a file
 * model.loadStateDict(await loadSafetensors('model.safetensors'));
 */
export async function loadSafetensors(path: string | URL): Promise<Map<string, Tensor>> {
  return fromSafetensors(await readBytes(path));
}

/** Launches of embeddings: rows of a table, and their gradients. */
import { lookFunction, spreadFunction } from '../../kernel/embedding.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { beginLaunch } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { addressOfView, integersOf } from './host.ts';
import { requireInRange } from './indexed.ts';
import { SHARED_SIZE, sharing } from './parallel.ts';

/** Of what is fetched, or made zero. */
const BYTES_PER_NANOSECOND = 16;
/** What an index takes, apart from its row. */
const INDEX_NANOSECONDS = 1.5;
/** Into how many parts a gradient is cut at most, each of which goes over all indices. */
const PARTS = 8;

const kernels = new Map<string, KernelFunction>();

function kernelFor(key: string, make: () => Parameters<typeof instantiate>[0][number]): KernelFunction {
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    const made = make();
    kernel = instantiate([made], heap.memory)[made.name] as KernelFunction;
    kernels.set(key, kernel);
  }
  return kernel;
}

const indexBytes = (index: View): 4 | 8 => (index.type.itemsize === 4 ? 4 : 8);

/** Writes the rows of `table` that `index` (int32 or int64) names to `out`, all of them contiguous. Throws IndexError for one that is not there. */
export function lookUp(name: string, out: View, index: View, table: View): void {
  const [rows, width] = table.shape as [number, number];
  const size = width * table.type.itemsize;
  const unit = size % 4 === 0 ? 4 : 1;
  const bytes = indexBytes(index);
  const kernel = kernelFor(`look ${bytes} ${unit}`, () => lookFunction(bytes, unit));
  beginLaunch();
  const at = addressOfView(index);
  const args = [addressOfView(out), at, addressOfView(table), index.size, size, rows];
  const nanoseconds = index.size * (INDEX_NANOSECONDS + size / BYTES_PER_NANOSECOND);
  // Threads only find what the indices were seen to name: rows of no bytes are looked up first.
  const check = sharing.launches === null || index.size * width < SHARED_SIZE ? null : kernel(0, at, 0, index.size, 0, rows);
  if (check === 0 && sharing.launches?.cut(kernel, args, nanoseconds, 3, [size, bytes], 1) === true) return;
  if (check === 1 || kernel(...args) === 1) requireInRange(name, { index, size: rows, stride: 0, wrap: false, dim: 0 }, integersOf(index));
}

/** Fills `out` [rows, width] with the sums of the rows of `values` that `index` gives each, in order; row `skipped` is 0 (-1: none). All are contiguous, and float32 or float64. */
export function spreadRows(out: View, values: View, index: View, skipped: number): void {
  const [rows, width] = out.shape as [number, number];
  const { name, itemsize } = out.type;
  const bytes = indexBytes(index);
  const kernel = kernelFor(`spread ${bytes} ${name}`, () => spreadFunction(bytes, name as 'float32' | 'float64'));
  beginLaunch();
  const args = [addressOfView(out), 0, rows, addressOfView(index), addressOfView(values), index.size, width, skipped];
  const size = width * itemsize;
  const nanoseconds = index.size * INDEX_NANOSECONDS + ((rows + 2 * index.size) * size) / BYTES_PER_NANOSECOND;
  if (sharing.launches?.cut(kernel, args, nanoseconds, 2, [size, 1], Math.ceil(rows / PARTS)) !== true) kernel(...args);
}

/** Elementwise launches cut for threads: each element is computed by the same code wherever it lies, so that any cut gives the same bits. */
import { nanosecondsPerElement } from '../../kernel/vector/cost.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { addressOf, sameBytes } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import type { MapProgram } from '../../scalar/program.ts';
import { chunksFor, rowsToShare, runRows } from './parallel.ts';

/** Chunks begin at multiples of this many elements: whole cache lines, in which no two threads write. */
const GRAIN = 256;

/** What fetching or writing a byte takes. */
const PER_BYTE = 0.008;

const costs = new WeakMap<MapProgram, number>();

/** About how many nanoseconds a launch takes. */
function nanosecondsOf(program: MapProgram, out: View, ins: readonly View[]): number {
  let perElement = costs.get(program);
  if (perElement === undefined) {
    perElement = nanosecondsPerElement([program.expr, ...program.more]);
    costs.set(program, perElement);
  }
  let bytes = out.type.itemsize;
  for (let k = 0; k < ins.length; k++) if ((ins[k] as View).size > 1) bytes += (ins[k] as View).type.itemsize;
  return out.size * ((perElement * out.type.itemsize) / 4 + bytes * PER_BYTE);
}

/** Whether what one chunk writes is nothing that another one reads or writes. */
function areApart(out: View, ins: readonly View[], more: number): boolean {
  for (let written = -1; written < more; written++) {
    const target = written < 0 ? out : (ins[written] as View);
    for (let k = 0; k < ins.length; k++) {
      const view = ins[k] as View;
      if (!sameBytes(view.storage, target.storage)) continue;
      if (view.size !== target.size || view.offset !== target.offset || view.type.itemsize !== target.type.itemsize) return false;
    }
  }
  return true;
}

function addressOfView(view: View): number {
  return addressOf(view.storage) + view.offset * view.type.itemsize;
}

/** Shares a flat launch with threads, and returns true, or leaves it alone. */
export function shareFlat(
  program: MapProgram,
  kernel: KernelFunction,
  out: View,
  ins: readonly View[],
  params: readonly number[],
): boolean {
  const nanoseconds = nanosecondsOf(program, out, ins);
  const rows = rowsToShare(nanoseconds, kernel);
  if (rows === null || !areApart(out, ins, program.more.length)) return false;
  const n = out.size;
  const chunk = Math.ceil(n / chunksFor(nanoseconds, n / GRAIN) / GRAIN) * GRAIN;
  let chunks = 0;
  let at = 0;
  for (let first = 0; first < n; first += chunk, chunks++) {
    rows[at++] = Math.min(chunk, n - first);
    rows[at++] = addressOfView(out) + first * out.type.itemsize;
    for (let k = 0; k < ins.length; k++) {
      const view = ins[k] as View;
      rows[at++] = addressOfView(view) + (view.size === n ? first * view.type.itemsize : 0);
    }
    for (let k = 0; k < params.length; k++) rows[at++] = params[k] as number;
  }
  runRows(chunks, 2 + ins.length + params.length);
  return true;
}

/** Elementwise launches cut for threads: each element is computed by the same code wherever it lies, so that any cut gives the same bits. */
import { nanosecondsPerElement } from '../../kernel/vector/cost.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocatePermanent, beginLaunch, type Storage, sameBytes } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import type { MapProgram } from '../../scalar/program.ts';
import { sizes, starts, strides, writePlan } from './map-plan.ts';
import { chunksFor, ROW_VALUES, rowsToShare, runRows } from './parallel.ts';

/** Chunks begin at multiples of this many elements: whole cache lines, in which no two threads write. */
const GRAIN = 256;

/** What fetching or writing a byte takes. */
const PER_BYTE = 0.008;

/** How much longer fetching takes where elements lie apart. */
const NESTED = 2;

/** Rounds of a loop that are enough for chunks. */
const ROUNDS = 16;

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
      const { size, offset, type, strides } = target;
      if (view.size !== size || view.offset !== offset || view.type.itemsize !== type.itemsize) return false;
      // Of one size and broadcast to one shape: the shapes are the same.
      if (view.strides.some((stride, dim) => stride !== strides[dim])) return false;
    }
  }
  return true;
}

/** Whether elements may be computed again after some of them were written. */
function isRepeatable(program: MapProgram, out: View, ins: readonly View[]): boolean {
  return program.more.length === 0 && ins.every(({ storage }) => !sameBytes(storage, out.storage));
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
  runRows(chunks, 2 + ins.length + params.length, isRepeatable(program, out, ins));
  return true;
}

/** Where the plans of chunks are: a kernel counts its loops in its plan, so that each chunk needs one of its own. */
let plans: Storage | null = null;
const PLANS_BYTES = 1 << 16;

/** Shares a launch whose loops are planned, and returns true, or leaves it alone. `nested`: whether the kernel takes a plan. */
export function shareLoops(
  program: MapProgram,
  kernel: KernelFunction,
  out: View,
  ins: readonly View[],
  params: readonly number[],
  loops: number,
  nested: boolean,
): boolean {
  const nanoseconds = nanosecondsOf(program, out, ins) * (nested ? NESTED : 1);
  const rows = rowsToShare(nanoseconds, kernel);
  if (rows === null || !areApart(out, ins, program.more.length)) return false;
  if (plans === null) {
    plans = allocatePermanent(PLANS_BYTES);
    beginLaunch();
  }
  const operands = ins.length + 1;
  const loop = loopToCut(loops, operands);
  const size = sizes[loop] as number;
  const grain = loop === 0 ? GRAIN : 1;
  const width = 1 + (nested ? 1 : 0) + operands + params.length;
  const planBytes = 4 * (operands + 1 + (loops - 1) * (2 + operands));
  const room = Math.floor(Math.min(ROW_VALUES / width, PLANS_BYTES / planBytes));
  const chunk = Math.ceil(size / Math.min(room, chunksFor(nanoseconds, size / grain)) / grain) * grain;
  let plan = addressOf(plans);
  let chunks = 0;
  let at = 0;
  for (let first = 0; first < size; first += chunk, chunks++) {
    sizes[loop] = Math.min(chunk, size - first);
    rows[at++] = sizes[0] as number;
    if (nested) {
      writePlan(heap.i32, plan >>> 2, loops, operands);
      rows[at++] = plan;
      plan += planBytes;
    }
    for (let k = 0; k < operands; k++) {
      const view = k === 0 ? out : (ins[k - 1] as View);
      rows[at++] = addressOfView(view) + (starts[k] as number) + first * (strides[loop * operands + k] as number);
    }
    for (let k = 0; k < params.length; k++) rows[at++] = params[k] as number;
  }
  sizes[loop] = size;
  runRows(chunks, width, isRepeatable(program, out, ins));
  return true;
}

/** The loop that moves farthest in the output, of those that have rounds enough, else the longest: threads write apart from each other. */
function loopToCut(loops: number, operands: number): number {
  let best = 0;
  for (let loop = 1; loop < loops; loop++) {
    const enough = Math.min(sizes[loop] as number, ROUNDS) - Math.min(sizes[best] as number, ROUNDS);
    if (enough > 0 || (enough === 0 && (strides[loop * operands] as number) > (strides[best * operands] as number))) best = loop;
  }
  return best;
}

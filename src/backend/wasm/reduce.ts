/** Launches of reductions: which kernel fits the layout of the input. */

import type { DType, DTypeInfo } from '../../dtype/dtype.ts';
import { dtypeInfo } from '../../dtype/dtype.ts';
import { COMPUTE_BYTES, type ComputeType, computeTypeOf, isNative } from '../../kernel/element.ts';
import { type Combination, identityOf, reduceFunctions } from '../../kernel/reduce.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import type { ReduceKind } from '../../runtime/backend.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, allocatePermanent, beginLaunch, release, type Storage } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { type Axis, axisOf, countOf, eachOffset, pushAxis, SINGLE } from './axes.ts';
import { copyConsecutively } from './copy.ts';
import { SHARED_SIZE } from './parallel.ts';
import { areLong, PIECES_BYTES, reduceLongRow, runColumns, runCut } from './share-reduce.ts';

export interface ReduceKernels {
  readonly rows: KernelFunction;
  readonly strided: KernelFunction;
  readonly columns: KernelFunction;
}

const KINDS: Record<ReduceKind, number> = { sum: 0, prod: 1, max: 2, min: 3, any: 4, all: 5 };
const COMPUTES: Record<ComputeType, number> = { f32: 0, f64: 1, i32: 2, i64: 3 };
const NATIVE_TYPES: Record<ComputeType, DType> = { f32: 'float32', f64: 'float64', i32: 'int32', i64: 'int64' };
/** What the kinds mean where the result is a truth value. */
const TRUTH_KINDS: Record<ReduceKind, Combination> = { sum: 'any', prod: 'all', max: 'any', min: 'all', any: 'any', all: 'all' };
/** Longer columns of floats are summed in groups of half as many rows, so that the error does not grow with the length. */
export const LONG_COLUMN = 2048;
export const GROUP: number = LONG_COLUMN / 2;

const kernels: (ReduceKernels | undefined)[] = [];
/** Results of the pieces of a long row. */
let partials: Storage | null = null;

export function kernelsFor(kind: Combination, type: DTypeInfo, compute: ComputeType): ReduceKernels {
  const key = (KINDS[kind] * 4 + COMPUTES[compute]) * 16 + type.index;
  let found = kernels[key];
  if (found === undefined) {
    const { rows, strided, columns } = instantiate(reduceFunctions(kind, type.name, compute), heap.memory);
    found = { rows: rows!, strided: strided!, columns: columns! };
    kernels[key] = found;
  }
  return found;
}

/** How a reduction runs: everything that depends on the layout alone. Strides are in bytes. */
interface Plan {
  readonly pattern: 'rows' | 'strided' | 'columns';
  /** The kept axes in the order in which the kernel writes results. */
  readonly kept: readonly Axis[];
  readonly reduced: readonly Axis[];
  /** The bytes from the first element of the view to the first one that the kernel reads. */
  readonly start: number;
  /** Where the results are not in the order of the output: their axes in that order, with strides in results. */
  readonly resultAxes: readonly Axis[] | null;
  /** Whether the input has to be made consecutive first. */
  readonly copies: boolean;
}

function planFor(input: View, dims: readonly number[]): Plan {
  const kept: Axis[] = [];
  let reduced: Axis[] = [];
  let start = 0;
  for (let dim = 0; dim < input.shape.length; dim++) {
    let axis = axisOf(input, dim);
    if (!dims.includes(dim)) {
      pushAxis(kept, axis);
      continue;
    }
    if (axis.stride < 0) {
      // The order of what is reduced is free: start from the lowest address.
      start += (axis.size - 1) * axis.stride;
      axis = { size: axis.size, stride: -axis.stride };
    }
    pushAxis(reduced, axis);
  }
  if (reduced.length > 1) {
    const sorted = reduced.sort((a, b) => b.stride - a.stride);
    reduced = [];
    for (const axis of sorted) pushAxis(reduced, axis);
  }
  const { itemsize } = input.type;
  const inner = reduced[reduced.length - 1];
  if (reduced.length > 2) return { pattern: 'rows', kept, reduced, start, resultAxes: null, copies: true };
  if (inner === undefined || inner.stride === itemsize) return { pattern: 'rows', kept, reduced, start, resultAxes: null, copies: false };
  if (!kept.some((axis) => axis.stride === itemsize)) return { pattern: 'strided', kept, reduced, start, resultAxes: null, copies: false };
  if (kept[kept.length - 1]!.stride === itemsize) return { pattern: 'columns', kept, reduced, start, resultAxes: null, copies: false };
  const order = kept.map((_, i) => i).sort((a, b) => Math.abs(kept[b]!.stride) - Math.abs(kept[a]!.stride));
  const unit = order.findIndex((i) => kept[i]!.stride === itemsize);
  order.push(...order.splice(unit, 1));
  const resultStrides: number[] = [];
  let stride = 1;
  for (const i of order.toReversed()) {
    resultStrides[i] = stride;
    stride *= kept[i]!.size;
  }
  const resultAxes = kept.map(({ size }, i) => ({ size, stride: resultStrides[i]! }));
  return { pattern: 'columns', kept: order.map((i) => kept[i]!), reduced, start, resultAxes, copies: false };
}

/**
 * Reduces `dims` of `input` into `out`, which is contiguous and has the shape without them. `dims` are not negative. Accumulates in
 * `out.type` (float32 for the half types); max and min of nothing give the lowest and highest value.
 */
export function reduce(kind: ReduceKind, out: View, input: View, dims: readonly number[]): void {
  if (out.size === 0) return;
  const compute = computeTypeOf(out.type.name);
  const combination: Combination = out.type.kind === 'bool' ? TRUTH_KINDS[kind] : kind;
  if (input.size === 0) {
    fill(out, compute, identityOf(combination, compute));
    return;
  }
  if (input.rowMajor && isNative(out.type.name) && reduceRun(combination, out, input, dims, compute)) return;
  const plan = planFor(input, dims);
  const resultBytes = COMPUTE_BYTES[compute];
  const result = plan.resultAxes !== null || !isNative(out.type.name) ? allocate(out.size * resultBytes) : null;
  const copy = plan.copies ? allocate(input.size * input.type.itemsize) : null;
  const groups = combination === 'sum' && out.type.isFloat ? groupStorage(plan, resultBytes) : null;
  beginLaunch();
  const target = addressOf(out.storage) + out.offset * out.type.itemsize;
  const results = result === null ? target : addressOf(result);
  const source = addressOf(input.storage) + input.offset * input.type.itemsize + plan.start;
  run(plan, kernelsFor(combination, input.type, compute), results, source, copy, input.type, groups, compute);
  if (result !== null) {
    const axes = plan.resultAxes ?? [{ size: out.size, stride: 1 }];
    const scaled = axes.map(({ size, stride }) => ({ size, stride: stride * resultBytes }));
    copyConsecutively(target, out.type.name, results, NATIVE_TYPES[compute], scaled);
    release(result);
  }
  if (copy !== null) release(copy);
  if (groups !== null) release(groups);
}

/** The most frequent layout, without a plan: contiguous, and the reduced dims are next to each other, in order. False if it is another one. */
function reduceRun(kind: Combination, out: View, input: View, dims: readonly number[], compute: ComputeType): boolean {
  if (dims.length === 0) return false;
  const { shape, type } = input;
  const first = dims[0]!;
  let count = shape[first]!;
  for (let i = 1; i < dims.length; i++) {
    if (dims[i] !== first + i) return false;
    count *= shape[first + i]!;
  }
  let width = 1;
  for (let dim = first + dims.length; dim < shape.length; dim++) width *= shape[dim]!;
  if (width > 1 && count > LONG_COLUMN) return false;
  const outer = out.size / width;
  const { itemsize } = type;
  const kernel = kernelsFor(kind, type, compute);
  const resultBytes = out.type.itemsize;
  const long = width === 1 && areLong(outer, count);
  if (long) partials ??= allocatePermanent(PIECES_BYTES);
  beginLaunch();
  const target = addressOf(out.storage) + out.offset * resultBytes;
  const source = addressOf(input.storage) + input.offset * itemsize;
  const step = count * width * itemsize;
  if (long) {
    const join = kernelsFor(kind, out.type, compute).rows;
    const at = addressOf(partials as Storage);
    for (let i = 0; i < outer; i++)
      reduceLongRow(kernel.rows, join, target + i * resultBytes, source + i * step, count, itemsize, at, resultBytes);
  } else if (input.size < SHARED_SIZE) {
    if (width === 1) kernel.rows(target, source, 1, 0, outer, step, 1, 0, count, itemsize);
    else kernel.columns(target, source, outer, step, width, 1, 0, count, width * itemsize);
  } else if (width === 1)
    runCut(kernel.rows, [target, source, 1, 0, outer, step, 1, 0, count, itemsize], input.size * itemsize, 4, resultBytes, step);
  else runColumns(kernel.columns, [target, source, outer, step, width, 1, 0, count, width * itemsize], itemsize, resultBytes);
  return true;
}

/** Room for the sums of the groups of rows of one place, where columns are too long to be summed in one go. */
function groupStorage(plan: Plan, resultBytes: number): Storage | null {
  const rows = plan.reduced[plan.reduced.length - 1];
  if (plan.pattern !== 'columns' || rows === undefined || rows.size <= LONG_COLUMN) return null;
  return allocate(groupCount(plan) * plan.kept[plan.kept.length - 1]!.size * resultBytes);
}

function groupCount({ reduced }: Plan): number {
  const rows = reduced[reduced.length - 1]!.size;
  return Math.ceil(rows / GROUP) * (reduced.length > 1 ? reduced[0]!.size : 1);
}

function run(
  plan: Plan,
  kernel: ReduceKernels,
  results: number,
  source: number,
  copy: Storage | null,
  type: DTypeInfo,
  groups: Storage | null,
  compute: ComputeType,
): void {
  const { kept, reduced } = plan;
  if (copy !== null) {
    const target = addressOf(copy);
    const count = countOf(reduced);
    copyConsecutively(target, type.name, source, type.name, [...kept, ...reduced]);
    kernel.rows(results, target, 1, 0, countOf(kept), count * type.itemsize, 1, 0, count, type.itemsize);
    return;
  }
  const r1 = reduced.length > 1 ? reduced[0]! : SINGLE;
  const r0 = reduced.length > 0 ? reduced[reduced.length - 1]! : SINGLE;
  const k0 = kept[kept.length - 1] ?? SINGLE;
  const k1 = kept[kept.length - 2] ?? SINGLE;
  const bytes = k1.size * k0.size * COMPUTE_BYTES[compute];
  let position = results;
  const place = (offset: number): void => {
    const from = source + offset;
    if (groups !== null) {
      for (let i = 0; i < k1.size; i++)
        sumLongColumns(kernel, position + (i * bytes) / k1.size, from + i * k1.stride, k0, r1, r0, groups, type, compute);
    } else if (plan.pattern === 'columns')
      runColumns(
        kernel.columns,
        [position, from, k1.size, k1.stride, k0.size, r1.size, r1.stride, r0.size, r0.stride],
        type.itemsize,
        COMPUTE_BYTES[compute],
      );
    else {
      const args = [position, from, k1.size, k1.stride, k0.size, k0.stride, r1.size, r1.stride, r0.size, r0.stride];
      const one = k1.size === 1;
      const read = k1.size * k0.size * r1.size * r0.size * type.itemsize;
      runCut(kernel[plan.pattern], args, read, one ? 4 : 2, (one ? 1 : k0.size) * COMPUTE_BYTES[compute], one ? k0.stride : k1.stride);
    }
    position += bytes;
  };
  if (kept.length <= 2) place(0);
  else eachOffset(kept.slice(0, -2), place);
}

function sumLongColumns(
  kernel: ReduceKernels,
  result: number,
  from: number,
  width: Axis,
  r1: Axis,
  r0: Axis,
  groups: Storage,
  type: DTypeInfo,
  compute: ComputeType,
): void {
  const rowBytes = width.size * COMPUTE_BYTES[compute];
  const first = addressOf(groups);
  let position = first;
  for (let j = 0; j < r1.size; j++) {
    const start = from + j * r1.stride;
    const whole = Math.floor(r0.size / GROUP);
    const step = GROUP * r0.stride;
    const args = [position, start, whole, step, width.size, 1, 0, GROUP, r0.stride];
    runCut(kernel.columns, args, whole * GROUP * width.size * type.itemsize, 2, rowBytes, step);
    position += whole * rowBytes;
    const rest = r0.size - whole * GROUP;
    if (rest === 0) continue;
    kernel.columns(position, start + whole * step, 1, 0, width.size, 1, 0, rest, r0.stride);
    position += rowBytes;
  }
  const count = (position - first) / rowBytes;
  kernelsFor('sum', dtypeInfo(NATIVE_TYPES[compute]), compute).columns(result, first, 1, 0, width.size, 1, 0, count, rowBytes);
}

/** Fills a contiguous view with one number. */
function fill(out: View, compute: ComputeType, value: number | bigint): void {
  const constant = allocate(8);
  beginLaunch();
  const source = addressOf(constant);
  const index = source / COMPUTE_BYTES[compute];
  if (compute === 'i64') heap.i64[index] = BigInt(value);
  else heap[compute][index] = Number(value);
  const target = addressOf(out.storage) + out.offset * out.type.itemsize;
  copyConsecutively(target, out.type.name, source, NATIVE_TYPES[compute], [{ size: out.size, stride: 0 }]);
  release(constant);
}

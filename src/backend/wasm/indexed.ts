/**
 * The geometry of a launch whose elements are found by indices. One side (near) is walked plainly, the other (far) jumps where the indices say.
 * Indices are checked here, before anything is written.
 */
import type { IndexedDim } from '../../runtime/backend.ts';
import type { View } from '../../runtime/view.ts';
import { IndexError } from '../../util/errors.ts';
import { integersOf } from './host.ts';
import { pushLoop } from './nested-loops.ts';

/** Offsets in elements. */
export type Offsets = Int32Array | Float64Array;

/** A dimension along which no index changes: both sides step evenly. */
export interface EvenAxis {
  readonly size: number;
  readonly near: number;
  readonly far: number;
}

/** For each combination of indices, where it leads on both sides, and the even axes around it. */
export interface IndexedPlan {
  readonly near: Offsets;
  readonly far: Offsets;
  readonly even: readonly EvenAxis[];
  /** Whether the even axes are the inner loops (rows are moved), or the indices are. */
  readonly byRows: boolean;
}

/** Where each element of a shape is under these strides, in row-major order. */
function offsetsOf(shape: readonly number[], strides: readonly number[], wide: boolean): Offsets {
  const count = shape.reduce((n, size) => n * size, 1);
  const offsets = wide ? new Float64Array(count) : new Int32Array(count);
  let filled = 1;
  for (let dim = 0; dim < shape.length; dim++) {
    const size = shape[dim] as number;
    const stride = strides[dim] as number;
    for (let i = filled - 1; i >= 0; i--) {
      const start = offsets[i] as number;
      for (let k = size - 1; k >= 0; k--) offsets[i * size + k] = start + k * stride;
    }
    filled *= size;
  }
  return offsets;
}

/** Throws IndexError for the first index that is out of range. */
export function requireInRange(name: string, { size, dim, wrap }: IndexedDim, values: Float64Array): void {
  const low = wrap ? -size : 0;
  for (let i = 0; i < values.length; i++) {
    const index = values[i] as number;
    if (!(index >= low && index < size)) throw outOfRange(name, index, dim, size, wrap);
  }
}

/** Adds `index * stride` to the offsets. */
function addIndices(name: string, offsets: Offsets, axis: IndexedDim, values: Float64Array): void {
  requireInRange(name, axis, values);
  const { size, stride } = axis;
  for (let i = 0; i < values.length; i++) {
    const index = values[i] as number;
    offsets[i] = (offsets[i] as number) + (index < 0 ? index + size : index) * stride;
  }
}

function outOfRange(name: string, index: number, dim: number, size: number, wrap: boolean): IndexError {
  const range = size === 0 ? 'which has no elements' : `which has size ${size}: allowed are ${wrap ? -size : 0} to ${size - 1}`;
  return new IndexError(`${name}: index ${index} is out of range for ${dim < 0 ? 'the flattened tensor' : `dimension ${dim}`}, ${range}`);
}

/** How far a view reaches, in elements. */
function reach(view: View): number {
  return view.shape.reduce((sum, size, i) => sum + (size - 1) * Math.abs(view.strides[i] as number), 1);
}

/** Plans a launch over the positions of `near`; `far` has the same shape, with stride 0 along what only indices decide. Throws IndexError. */
export function planIndexed(name: string, near: View, far: View, indexed: readonly IndexedDim[]): IndexedPlan {
  const { shape } = near;
  const varies = shape.map((size, d) => size > 1 && indexed.some(({ index }) => index.strides[d] !== 0));
  const even: EvenAxis[] = [];
  const dims: number[] = [];
  let inner = false;
  shape.forEach((size, d) => {
    if (varies[d] === true) dims.push(d);
    else pushLoop(even, { size, near: near.strides[d] as number, far: far.strides[d] as number }, ['near', 'far']);
    if (size > 1) inner = varies[d] === true;
  });
  const of = (values: readonly number[]): number[] => dims.map((d) => values[d] as number);
  const farthest = indexed.reduce((sum, { size, stride }) => sum + size * Math.abs(stride), reach(far));
  const wide = Math.max(farthest, reach(near)) >= 2 ** 31;
  const sizes = of(shape);
  const count = sizes.reduce((n, size) => n * size, 1);
  const farOffsets = offsetsOf(sizes, of(far.strides), wide);
  for (const axis of indexed) {
    const { index } = axis;
    const strides = of(index.strides);
    const view: View = { ...viewFields(index), shape: sizes, strides, size: count, rowMajor: isRun(sizes, strides) };
    addIndices(name, farOffsets, axis, integersOf(view));
  }
  return {
    near: offsetsOf(sizes, of(near.strides), wide),
    far: farOffsets,
    even,
    byRows: !inner || (even.length > 0 && isLong(even, count)),
  };
}

/** Rows are worth moving whole where they are long and lie in one piece on both sides, even if the innermost dimension is an indexed one. */
function isLong(even: readonly EvenAxis[], count: number): boolean {
  const last = even[even.length - 1] as EvenAxis;
  return count === 1 || (last.near === 1 && last.far === 1 && last.size >= 16);
}

function viewFields(view: View): Pick<View, 'storage' | 'offset' | 'type'> {
  return { storage: view.storage, offset: view.offset, type: view.type };
}

function isRun(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (strides[d] !== expected) return false;
    expected *= shape[d] as number;
  }
  return true;
}

/** Calls `body` with both offsets of each place that the axes span. */
export function eachPlace(axes: readonly EvenAxis[], near: number, far: number, body: (near: number, far: number) => void): void {
  const [axis, ...rest] = axes;
  if (axis === undefined) {
    body(near, far);
    return;
  }
  for (let i = 0; i < axis.size; i++) eachPlace(rest, near + i * axis.near, far + i * axis.far, body);
}

/** The loops of an elementwise launch: which axes there are once they are merged and sorted, and how operands lie along the innermost. */
import type { Access } from '../../kernel/map.ts';
import type { View } from '../../runtime/view.ts';

/** Loops over operands: operand 0 is the output, the others are the inputs. The innermost loop comes first. */
export interface Loops {
  /** How often each loop runs. */
  readonly sizes: number[];
  /** Bytes from one element to the next, by loop and operand. */
  readonly strides: number[][];
  /** Byte offsets of the first elements from those of the views, by operand: not 0 where an axis is walked backwards. */
  readonly starts: number[];
}

/** Strides of the inputs for each axis of the output, 0 where an input is broadcast. */
function stridesAlong(axis: number, out: View, ins: readonly View[]): number[] {
  const strides = [(out.strides[axis] as number) * out.type.itemsize];
  for (const view of ins) {
    const own = axis - (out.shape.length - view.shape.length);
    strides.push(own < 0 || view.shape[own] === 1 ? 0 : (view.strides[own] as number) * view.type.itemsize);
  }
  return strides;
}

/** Whether loop `a` belongs inside loop `b`: by the strides of the output, then of the inputs; 0 says nothing. */
function belongsInside(a: readonly number[], b: readonly number[]): boolean {
  for (let k = 0; k < a.length; k++) {
    const x = Math.abs(a[k] as number);
    const y = Math.abs(b[k] as number);
    if (x !== 0 && y !== 0 && x !== y) return x < y;
  }
  return false;
}

/** Whether going around `inner` once is one step of `outer`, for every operand. */
function canMerge(size: number, inner: readonly number[], outer: readonly number[]): boolean {
  for (let k = 0; k < inner.length; k++) if ((inner[k] as number) * size !== outer[k]) return false;
  return true;
}

/** The loops of a launch: axes of one element dropped, negative output strides reversed, sorted, and merged where they are one run. */
export function planLoops(out: View, ins: readonly View[]): Loops {
  const sizes: number[] = [];
  const strides: number[][] = [];
  const starts: number[] = [0];
  for (let k = 0; k < ins.length; k++) starts.push(0);
  for (let axis = out.shape.length - 1; axis >= 0; axis--) {
    const size = out.shape[axis] as number;
    if (size === 1) continue;
    const along = stridesAlong(axis, out, ins);
    if ((along[0] as number) < 0) {
      for (let k = 0; k < along.length; k++) {
        starts[k] = (starts[k] as number) + (along[k] as number) * (size - 1);
        along[k] = -(along[k] as number);
      }
    }
    // Insertion sort: axes come from the innermost on, so that there is mostly nothing to move.
    let at = sizes.length;
    while (at > 0 && belongsInside(along, strides[at - 1] as number[])) at--;
    sizes.splice(at, 0, size);
    strides.splice(at, 0, along);
  }
  let last = 0;
  for (let k = 1; k < sizes.length; k++) {
    if (canMerge(sizes[last] as number, strides[last] as number[], strides[k] as number[])) {
      sizes[last] = (sizes[last] as number) * (sizes[k] as number);
      continue;
    }
    last++;
    sizes[last] = sizes[k] as number;
    strides[last] = strides[k] as number[];
  }
  if (sizes.length === 0) {
    sizes.push(1);
    strides.push(starts.map(() => 0));
  } else {
    sizes.length = last + 1;
    strides.length = last + 1;
  }
  return { sizes, strides, starts };
}

/** How an operand with elements of `itemsize` bytes lies along a loop. */
export function accessOf(stride: number, itemsize: number): Access {
  if (stride === itemsize) return 'unit';
  return stride === 0 ? 'uniform' : 'strided';
}

const CACHE_LINE = 64;
/** Elements of a tile along the inner loop: as many cache lines stay in the first-level cache while the next loop runs. */
const TILE = 64;
/** Below this many elements the operands stay in the second-level cache anyway. */
const WORTH_TILING = 1 << 14;

/**
 * Cuts the inner loop into tiles where an operand jumps from cache line to cache line along it while the elements of its lines are used by
 * another loop: the tiles become the outermost loop. Returns the loops of the whole tiles and those of the rest, or null if one pass is as good.
 */
export function tile(loops: Loops, size: number): { whole: Loops; rest: Loops | null; restStart: number[] } | null {
  const { sizes, strides, starts } = loops;
  const inner = sizes[0] as number;
  if (sizes.length < 2 || inner <= TILE || size < WORTH_TILING) return null;
  const first = strides[0] as number[];
  const jumps = first.some(
    (stride, k) => Math.abs(stride) >= CACHE_LINE && strides.some((other) => other[k] !== 0 && Math.abs(other[k] as number) < CACHE_LINE),
  );
  if (!jumps) return null;
  const tiles = Math.floor(inner / TILE);
  const remaining = inner - tiles * TILE;
  const whole: Loops = { sizes: [TILE, ...sizes.slice(1), tiles], strides: [...strides, first.map((stride) => stride * TILE)], starts };
  if (remaining === 0) return { whole, rest: null, restStart: starts };
  const restStart = starts.map((start, k) => start + (first[k] as number) * TILE * tiles);
  return { whole, rest: { sizes: [remaining, ...sizes.slice(1)], strides, starts: restStart }, restStart };
}

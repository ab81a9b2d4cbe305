/**
 * The loops of an elementwise launch: which axes are left once they are merged and sorted, and how operands lie along them. The result is
 * in the module's own arrays, which the next plan overwrites, so that planning a launch allocates nothing.
 */
import type { View } from '../../runtime/view.ts';

/** Axes times operands: what a plan of 8 KiB holds. */
const CAPACITY = 1024;

/** How often each loop runs, the innermost first. */
export const sizes = new Float64Array(CAPACITY);
/** Bytes from one element to the next: for loop l and operand k of m at l * m + k. Operand 0 is the output, the others are the inputs. */
export const strides = new Float64Array(CAPACITY);
/** Bytes from the first element of each operand's view to where the loops start: not 0 where an axis is walked backwards. */
export const starts = new Float64Array(CAPACITY);

/** Strides of all operands for one axis of the output, 0 where an input is broadcast. */
function setStrides(loop: number, axis: number, out: View, ins: readonly View[]): void {
  let at = loop * (ins.length + 1);
  strides[at++] = (out.strides[axis] as number) * out.type.itemsize;
  for (let k = 0; k < ins.length; k++) {
    const view = ins[k] as View;
    const own = axis - (out.shape.length - view.shape.length);
    strides[at++] = own < 0 || view.shape[own] === 1 ? 0 : (view.strides[own] as number) * view.type.itemsize;
  }
}

/** Turns a loop around whose output stride is negative. */
function makeAscending(loop: number, operands: number): void {
  const first = loop * operands;
  if ((strides[first] as number) >= 0) return;
  for (let k = 0; k < operands; k++) {
    const stride = strides[first + k] as number;
    starts[k] = (starts[k] as number) + stride * ((sizes[loop] as number) - 1);
    strides[first + k] = -stride;
  }
}

/** Whether loop `a` belongs inside loop `b`: by the strides of the output, then of the inputs. */
function belongsInside(a: number, b: number, operands: number): boolean {
  for (let k = 0; k < operands; k++) {
    const x = Math.abs(strides[a * operands + k] as number);
    const y = Math.abs(strides[b * operands + k] as number);
    if (x !== 0 && y !== 0 && x !== y) return x < y;
  }
  return false;
}

function swap(a: number, b: number, operands: number): void {
  const size = sizes[a] as number;
  sizes[a] = sizes[b] as number;
  sizes[b] = size;
  for (let k = 0; k < operands; k++) {
    const stride = strides[a * operands + k] as number;
    strides[a * operands + k] = strides[b * operands + k] as number;
    strides[b * operands + k] = stride;
  }
}

/** Whether going around loop `inner` once is one step of loop `outer`, for every operand. */
function canMerge(inner: number, outer: number, operands: number): boolean {
  const size = sizes[inner] as number;
  for (let k = 0; k < operands; k++) if ((strides[inner * operands + k] as number) * size !== strides[outer * operands + k]) return false;
  return true;
}

function mergeLoops(loops: number, operands: number): number {
  let last = 0;
  for (let loop = 1; loop < loops; loop++) {
    if (canMerge(last, loop, operands)) {
      sizes[last] = (sizes[last] as number) * (sizes[loop] as number);
      continue;
    }
    last++;
    sizes[last] = sizes[loop] as number;
    for (let k = 0; k < operands; k++) strides[last * operands + k] = strides[loop * operands + k] as number;
  }
  return last + 1;
}

/** Plans the loops and returns how many there are, at least one. Axes of one element are dropped; negative output strides are turned around. */
export function planLoops(out: View, ins: readonly View[]): number {
  const operands = ins.length + 1;
  if ((out.shape.length + 1) * operands > CAPACITY) throw new RangeError('an elementwise launch has too many axes and operands');
  for (let k = 0; k < operands; k++) starts[k] = 0;
  let loops = 0;
  for (let axis = out.shape.length - 1; axis >= 0; axis--) {
    const size = out.shape[axis] as number;
    if (size === 1) continue;
    sizes[loops] = size;
    setStrides(loops, axis, out, ins);
    makeAscending(loops, operands);
    // Axes come from the innermost on, so that there is mostly nothing to move.
    for (let at = loops; at > 0 && belongsInside(at, at - 1, operands); at--) swap(at, at - 1, operands);
    loops++;
  }
  if (loops > 0) return mergeLoops(loops, operands);
  sizes[0] = 1;
  for (let k = 0; k < operands; k++) strides[k] = 0;
  return 1;
}

const CACHE_LINE = 64;
/** Elements of a tile along the inner loop: as many cache lines stay in the first-level cache while the next loop runs. */
const TILE = 64;
/** Below this many elements the operands stay in the second-level cache anyway. */
const WORTH_TILING = 1 << 14;

/** Whether an operand jumps from cache line to cache line along the inner loop while another loop uses the elements of its lines. */
export function needsTiles(loops: number, operands: number, size: number): boolean {
  if (loops < 2 || size < WORTH_TILING || (sizes[0] as number) <= TILE) return false;
  for (let k = 0; k < operands; k++) {
    if (Math.abs(strides[k] as number) < CACHE_LINE) continue;
    for (let loop = 1; loop < loops; loop++) {
      const stride = Math.abs(strides[loop * operands + k] as number);
      if (stride !== 0 && stride < CACHE_LINE) return true;
    }
  }
  return false;
}

/** Cuts the inner loop into tiles, which become the outermost loop. Returns how many elements are left for `planRest`. */
export function planTiles(loops: number, operands: number): number {
  const inner = sizes[0] as number;
  const tiles = Math.floor(inner / TILE);
  sizes[0] = TILE;
  sizes[loops] = tiles;
  for (let k = 0; k < operands; k++) strides[loops * operands + k] = (strides[k] as number) * TILE;
  return inner - tiles * TILE;
}

/** After `planTiles`, with its number of loops: plans the rest of the inner loop. */
export function planRest(loops: number, operands: number, rest: number): void {
  const tiles = sizes[loops] as number;
  sizes[0] = rest;
  for (let k = 0; k < operands; k++) starts[k] = (starts[k] as number) + (strides[k] as number) * TILE * tiles;
}

/**
 * Writes the plan of a nested kernel (see `MapSignature.nested`) to `words` at `at`. The kernel moves pointers of its own along the inner loop, so that the
 * loop around it starts from where the row began; the other loops take back what the loop inside them went.
 */
export function writePlan(words: Int32Array, at: number, loops: number, operands: number): void {
  for (let k = 0; k < operands; k++) words[at++] = strides[k] as number;
  words[at++] = loops - 1;
  for (let loop = 1; loop < loops; loop++) {
    words[at++] = sizes[loop] as number;
    words[at++] = 0;
    const rounds = loop === 1 ? 0 : (sizes[loop - 1] as number);
    const own = loop * operands;
    for (let k = 0; k < operands; k++) words[at++] = (strides[own + k] as number) - (strides[own - operands + k] as number) * rounds;
  }
}

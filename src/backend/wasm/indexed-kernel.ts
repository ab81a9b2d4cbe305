/** Gathers and scatters with one index tensor, as kernels: it is read where it lies. */
import type { DType } from '../../dtype/dtype.ts';
import { type IndexedMove, indexedFunction, outsideFunction } from '../../kernel/indexed.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import type { IndexedDim } from '../../runtime/backend.ts';
import { heap } from '../../runtime/heap.ts';
import type { View } from '../../runtime/view.ts';
import { addressOfView, integersOf } from './host.ts';
import { requireInRange } from './indexed.ts';
import { pushLoop } from './nested-loops.ts';
import { sharing } from './parallel.ts';

/** One loop of a launch, with its steps in bytes. */
interface Axis {
  readonly size: number;
  readonly near: number;
  readonly far: number;
  readonly index: number;
}

const SINGLE: Axis = { size: 1, near: 0, far: 0, index: 0 };

/** What moves elements of a size without looking at them. */
const CARRIERS: Partial<Record<number, DType>> = { 1: 'uint8', 2: 'int16', 4: 'int32', 8: 'int64' };

const kernels = new Map<string, KernelFunction>();

function kernelFor(mode: IndexedMove, type: DType): KernelFunction {
  const key = `${mode} ${type}`;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = instantiate([indexedFunction(mode, type)], heap.memory).move!;
    kernels.set(key, kernel);
  }
  return kernel;
}

/** Of what is fetched. */
const BYTES_PER_NANOSECOND = 16;

let outside: KernelFunction | null = null;

const pushAxis = (axes: Axis[], axis: Axis): void => pushLoop(axes, axis, ['near', 'far', 'index']);

/** Runs `body` for all but the last `inner` axes, with the three offsets. */
function eachOuter(axes: readonly Axis[], inner: number, body: (near: number, far: number, index: number) => void): void {
  const visit = (depth: number, near: number, far: number, index: number): void => {
    const axis = axes[depth];
    if (axis === undefined || depth >= axes.length - inner) body(near, far, index);
    else for (let i = 0; i < axis.size; i++) visit(depth + 1, near + i * axis.near, far + i * axis.far, index + i * axis.index);
  };
  visit(0, 0, 0, 0);
}

/** Throws IndexError if an index is out of range. */
function checkIndices(name: string, dim: IndexedDim): void {
  const { index, size, wrap } = dim;
  const axes: Axis[] = [];
  for (let d = 0; d < index.shape.length; d++) {
    const stride = index.strides[d] as number;
    if (stride !== 0) pushAxis(axes, { size: index.shape[d] as number, near: 0, far: 0, index: 8 * stride });
  }
  const [c, b, a] = [SINGLE, SINGLE, SINGLE, ...axes].slice(-3) as [Axis, Axis, Axis];
  outside ??= instantiate([outsideFunction()], heap.memory).outside!;
  const check = outside;
  const start = addressOfView(index);
  let found = 0;
  eachOuter(axes, 3, (_near, _far, offset) => {
    found |= check(start + offset, wrap ? -size : 0, wrap ? 2 * size : size, c.size, c.index, b.size, b.index, a.size, a.index) as number;
  });
  if (found !== 0) requireInRange(name, dim, integersOf(index));
}

/** Moves elements between `near` and the places on `far` that one index tensor names. `type`: a dtype to add in; null: elements are copied. */
export function moveIndexed(name: string, mode: IndexedMove, near: View, far: View, dim: IndexedDim): void {
  checkIndices(name, dim);
  const { index, size, stride } = dim;
  const { itemsize } = near.type;
  const axes: Axis[] = [];
  for (let d = 0; d < near.shape.length; d++) {
    pushAxis(axes, {
      size: near.shape[d] as number,
      near: (near.strides[d] as number) * itemsize,
      far: (far.strides[d] as number) * itemsize,
      index: (index.strides[d] as number) * 8,
    });
  }
  // Two words of eight bytes carry a complex128.
  if (itemsize === 16) axes.push({ size: 2, near: 8, far: 8, index: 0 });
  const kernel = kernelFor(mode, mode === 'add' ? near.type.name : (CARRIERS[itemsize] ?? 'int64'));
  const [c, b, a] = [SINGLE, SINGLE, SINGLE, ...axes].slice(-3) as [Axis, Axis, Axis];
  const [nearAt, farAt, indexAt] = [addressOfView(near), addressOfView(far), addressOfView(index)];
  // What is fetched can be fetched by several threads: the outermost loop of the kernel is cut.
  const [count, cut] = c.size > 1 ? [5, c] : [9, b];
  const nanoseconds = mode === 'gather' ? (c.size * b.size * a.size * itemsize) / BYTES_PER_NANOSECOND : 0;
  const moves = [cut.near, cut.far, cut.index];
  const loops = [c, b, a].flatMap(({ size, near, far, index }) => [size, near, far, index]);
  eachOuter(axes, 3, (n, f, i) => {
    const args = [nearAt + n, farAt + f, indexAt + i, size, stride * itemsize, ...loops];
    if (nanoseconds === 0 || sharing.launches?.cut(kernel, args, nanoseconds, count, moves, 1) !== true) kernel(...args);
  });
}

/** Elements combined with what is at the places that indices name. */
import { BOOL } from '../../dtype/dtype.ts';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from '../../dtype/half.ts';
import type { IndexedDim, ScatterMode } from '../../runtime/backend.ts';
import { heap } from '../../runtime/heap.ts';
import { beginLaunch } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { invariant } from '../../util/invariant.ts';
import { addressOfView } from './host.ts';
import { eachPlace, type IndexedPlan, planIndexed } from './indexed.ts';
import { moveIndexed } from './indexed-kernel.ts';
import { scatterSet } from './move.ts';

type Combining = Exclude<ScatterMode, 'set'>;
type Numbers = Float32Array | Float64Array | Int32Array | Int16Array | Int8Array | Uint8Array;

/** Combines the element `from` into the element `to`, both counted from the start of the heap. */
type Update = (to: number, from: number) => void;

const combineNumbers: Record<Combining, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  // NaN wins, as Math.max and Math.min have it.
  max: Math.max,
  min: Math.min,
};

const combineBigInts: Record<Combining, (a: bigint, b: bigint) => bigint> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  max: (a, b) => (a > b ? a : b),
  min: (a, b) => (a < b ? a : b),
};

function numberUpdate(array: Numbers, mode: Combining): Update {
  const combine = mode === 'mul' && array instanceof Int32Array ? Math.imul : combineNumbers[mode];
  return (to, from) => {
    array[to] = combine(array[to] as number, array[from] as number);
  };
}

function halfUpdate(mode: Combining, decode: (bits: number) => number, encode: (value: number) => number): Update {
  const { u16 } = heap;
  const combine = combineNumbers[mode];
  return (to, from) => {
    u16[to] = encode(combine(decode(u16[to] as number), decode(u16[from] as number)));
  };
}

function complexUpdate(array: Float32Array | Float64Array, mode: Combining): Update {
  invariant(mode === 'add' || mode === 'mul', 'scatter: complex numbers have no order');
  return (to, from) => {
    const [re, im] = [array[2 * to] as number, array[2 * to + 1] as number];
    const [re2, im2] = [array[2 * from] as number, array[2 * from + 1] as number];
    array[2 * to] = mode === 'add' ? re + re2 : re * re2 - im * im2;
    array[2 * to + 1] = mode === 'add' ? im + im2 : re * im2 + im * re2;
  };
}

function updateFor(view: View, mode: Combining): Update {
  switch (view.type.name) {
    case 'float32':
      return numberUpdate(heap.f32, mode);
    case 'float64':
      return numberUpdate(heap.f64, mode);
    case 'int32':
      return numberUpdate(heap.i32, mode);
    case 'int16':
      return numberUpdate(heap.i16, mode);
    case 'int8':
      return numberUpdate(heap.i8, mode);
    case 'uint8':
      return numberUpdate(heap.u8, mode);
    case 'bool': {
      const { u8 } = heap;
      return mode === 'add' || mode === 'max'
        ? (to, from) => {
            u8[to] = (u8[to] as number) | (u8[from] as number);
          }
        : (to, from) => {
            u8[to] = (u8[to] as number) & (u8[from] as number);
          };
    }
    case 'int64': {
      const { i64 } = heap;
      const combine = combineBigInts[mode];
      return (to, from) => {
        i64[to] = combine(i64[to] as bigint, i64[from] as bigint);
      };
    }
    case 'float16':
      return halfUpdate(mode, float16ToNumber, numberToFloat16);
    case 'bfloat16':
      return halfUpdate(mode, bfloat16ToNumber, numberToBfloat16);
    case 'complex64':
      return complexUpdate(heap.f32, mode);
    case 'complex128':
      return complexUpdate(heap.f64, mode);
  }
}

/** The gradient of every gather: worth a loop without calls. */
function addFloats(array: Float32Array | Float64Array, plan: IndexedPlan, source: number, target: number): void {
  const { near, far } = plan;
  if (!plan.byRows) {
    eachPlace(plan.even, source, target, (n, f) => {
      for (let i = 0; i < near.length; i++) {
        const to = f + (far[i] as number);
        array[to] = (array[to] as number) + (array[n + (near[i] as number)] as number);
      }
    });
    return;
  }
  const row = plan.even[plan.even.length - 1] ?? { size: 1, near: 1, far: 1 };
  const around = plan.even.slice(0, -1);
  const addRow = (n: number, f: number): void => {
    for (let i = 0; i < row.size; i++) {
      const to = f + i * row.far;
      array[to] = (array[to] as number) + (array[n + i * row.near] as number);
    }
  };
  for (let i = 0; i < near.length; i++) {
    const n = source + (near[i] as number);
    const f = target + (far[i] as number);
    if (around.length === 0) addRow(n, f);
    else eachPlace(around, n, f, addRow);
  }
}

/** `out[p, indices(p)] op= source[p]`, one after the other: see `Backend.scatter`. */
export function scatter(name: string, mode: ScatterMode, out: View, source: View, indexed: readonly IndexedDim[]): void {
  if (mode === 'set') {
    scatterSet(name, out, source, indexed);
    return;
  }
  if (source.size === 0) return;
  beginLaunch();
  const only = indexed[0];
  if (mode === 'add' && indexed.length === 1 && only !== undefined && out.type !== BOOL && !out.type.isComplex) {
    moveIndexed(name, 'add', source, out, only);
    return;
  }
  const plan = planIndexed(name, source, out, indexed);
  const { itemsize } = out.type;
  const from = addressOfView(source) / itemsize;
  const to = addressOfView(out) / itemsize;
  if (mode === 'add' && out.type.name === 'float32') addFloats(heap.f32, plan, from, to);
  else if (mode === 'add' && out.type.name === 'float64') addFloats(heap.f64, plan, from, to);
  else {
    const update = updateFor(out, mode);
    for (let i = 0; i < plan.near.length; i++) {
      eachPlace(plan.even, from + (plan.near[i] as number), to + (plan.far[i] as number), (n, f) => update(f, n));
    }
  }
}

import fc from 'fast-check';
import { type DType, type DTypeInfo, dtypeInfo } from '../../src/dtype/dtype.ts';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from '../../src/dtype/half.ts';
import { heap } from '../../src/runtime/heap.ts';
import { addressOf, allocate, type Storage } from '../../src/runtime/storage.ts';
import type { View } from '../../src/runtime/view.ts';

export type Value = number | bigint;

/** Writes a value as element `index` of a storage. */
export function writeElement(storage: Storage, type: DTypeInfo, index: number, value: Value): void {
  const at = addressOf(storage) / type.itemsize + index;
  if (type.name === 'int64') heap.i64[at] = BigInt(value);
  else if (type.name === 'float16') heap.u16[at] = numberToFloat16(Number(value));
  else if (type.name === 'bfloat16') heap.u16[at] = numberToBfloat16(Number(value));
  else if (type.name === 'bool') heap.u8[at] = value ? 1 : 0;
  else arrayOf(type)[at] = Number(value);
}

/** Reads element `index` of a storage: a bigint for int64. */
export function readElement(storage: Storage, type: DTypeInfo, index: number): Value {
  const at = addressOf(storage) / type.itemsize + index;
  if (type.name === 'int64') return heap.i64[at]!;
  if (type.name === 'float16') return float16ToNumber(heap.u16[at]!);
  if (type.name === 'bfloat16') return bfloat16ToNumber(heap.u16[at]!);
  return arrayOf(type)[at]!;
}

function arrayOf(type: DTypeInfo) {
  const arrays: Partial<Record<DType, Int8Array | Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array>> = {
    float32: heap.f32,
    float64: heap.f64,
    int32: heap.i32,
    int16: heap.i16,
    int8: heap.i8,
    uint8: heap.u8,
    bool: heap.u8,
  };
  return arrays[type.name]!;
}

export function contiguousStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    strides[dim] = stride;
    stride *= Math.max(1, shape[dim]!);
  }
  return strides;
}

export function makeView(storage: Storage, type: DTypeInfo, shape: readonly number[], strides: readonly number[], offset = 0): View {
  const size = shape.reduce((a, b) => a * b, 1);
  const natural = contiguousStrides(shape);
  const rowMajor = size === 0 || shape.every((n, dim) => n === 1 || strides[dim] === natural[dim]);
  return { storage, offset, shape, strides, type, size, rowMajor };
}

/** A contiguous view over new storage, filled with a value that no test expects. */
export function outputView(type: DType, shape: readonly number[]): View {
  const info = dtypeInfo(type);
  const size = shape.reduce((a, b) => a * b, 1);
  const storage = allocate(Math.max(1, size) * info.itemsize);
  for (let i = 0; i < size; i++) writeElement(storage, info, i, 77);
  return makeView(storage, info, shape, contiguousStrides(shape));
}

export function viewOf(type: DType, shape: readonly number[], values: readonly Value[]): View {
  const view = outputView(type, shape);
  values.forEach((value, i) => {
    writeElement(view.storage, view.type, i, value);
  });
  return view;
}

/** The positions of a shape in row-major order. */
export function* positions(shape: readonly number[]): Generator<number[]> {
  const size = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < size; i++) {
    const position: number[] = [];
    let rest = i;
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      position[dim] = rest % shape[dim]!;
      rest = Math.floor(rest / shape[dim]!);
    }
    yield position;
  }
}

export function at(view: View, position: readonly number[]): Value {
  const index = position.reduce((sum, p, dim) => sum + p * view.strides[dim]!, view.offset);
  return readElement(view.storage, view.type, index);
}

export function valuesOf(view: View): Value[] {
  return [...positions(view.shape)].map((position) => at(view, position));
}

/** How a view of a given shape lies in its storage. */
export interface Layout {
  readonly order: readonly number[];
  readonly steps: readonly number[];
  readonly expanded: readonly boolean[];
  readonly padding: number;
}

/** Layouts: permuted, sliced with positive and negative steps, expanded. */
export function layoutOf(ndim: number): fc.Arbitrary<Layout> {
  const dims = Array.from({ length: ndim }, (_, i) => i);
  const plain: Layout = { order: dims, steps: dims.map(() => 1), expanded: dims.map(() => false), padding: 0 };
  const any = fc.record({
    order: fc.shuffledSubarray(dims, { minLength: ndim, maxLength: ndim }),
    steps: fc.array(fc.constantFrom(1, 1, 1, 2, -1, -2), { minLength: ndim, maxLength: ndim }),
    expanded: fc.array(
      fc.nat(7).map((n) => n === 0),
      { minLength: ndim, maxLength: ndim },
    ),
    padding: fc.nat(3),
  });
  return fc.oneof(fc.constant(plain), any);
}

/** A view with a layout over new storage; `value` makes the elements. */
export function strided(type: DType, shape: readonly number[], layout: Layout, value: (i: number) => Value): View {
  const info = dtypeInfo(type);
  const strides: number[] = shape.map(() => 0);
  let stride = 1;
  let offset = layout.padding;
  for (const dim of [...layout.order].reverse()) {
    if (layout.expanded[dim]) continue;
    const step = layout.steps[dim]!;
    strides[dim] = stride * step;
    const extent = Math.max(1, shape[dim]!) * Math.abs(step);
    if (step < 0) offset += stride * (extent + step);
    stride *= extent;
  }
  const count = stride + layout.padding;
  const storage = allocate(count * info.itemsize);
  for (let i = 0; i < count; i++) writeElement(storage, info, i, value(i));
  return makeView(storage, info, shape, strides, offset);
}

export const SHAPES: fc.Arbitrary<number[]> = fc.array(fc.oneof(fc.nat(5), fc.constantFrom(1, 7, 17, 33)), { maxLength: 4 });

/** Small values that a dtype holds; floats are halves of integers, so that sums are exact in any order. */
export function sampleOf(type: DType, seed: number): (i: number) => Value {
  return (i) => {
    const n = ((((i + 1) * 2654435761 + seed * 40503) >>> 0) >>> 7) % 11;
    if (type === 'bool') return n > 4 ? 1 : 0;
    if (type === 'uint8') return n;
    if (type === 'int64') return BigInt(n - 5) * 1000000000001n;
    return type.startsWith('int') ? n - 5 : (n - 5) / 2;
  };
}

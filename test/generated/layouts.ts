/** Tensors made of row-major values in every kind of memory layout. */
import type { DType } from '../../src/index.ts';
import { fromBytes } from '../../src/index.ts';
import { type Tensor, viewOf } from '../../src/tensor/tensor.ts';
import { encode, partsOf, typeOf } from './numbers.ts';

export type Layout = 'contiguous' | 'transposed' | 'sliced' | 'offset' | 'reversed' | 'expanded';

/** The layouts in which any values can be laid out; `expanded` needs equal ones. */
export const LAYOUTS: readonly Layout[] = ['transposed', 'sliced', 'offset', 'reversed'];

interface Placement {
  readonly strides: readonly number[];
  readonly offset: number;
  /** Elements that the memory must hold. */
  readonly extent: number;
}

function rowMajor(shape: readonly number[], unit = 1): number[] {
  const strides: number[] = [];
  let step = unit;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= Math.max(1, shape[i] as number);
  }
  return strides;
}

function placement(shape: readonly number[], layout: Layout): Placement {
  const size = shape.reduce((product, n) => product * n, 1);
  switch (layout) {
    case 'transposed':
      return { strides: rowMajor([...shape].reverse()).reverse(), offset: 0, extent: size };
    case 'sliced':
      return { strides: rowMajor(shape, 2), offset: 1, extent: 2 * size + 1 };
    case 'offset':
      return { strides: rowMajor(shape), offset: 3, extent: size + 5 };
    case 'reversed':
      return { strides: rowMajor(shape).map((stride) => -stride), offset: Math.max(0, size - 1), extent: size };
    default:
      return { strides: rowMajor(shape), offset: 0, extent: size };
  }
}

/** The place in memory of each element in row-major order. */
function addresses(shape: readonly number[], strides: readonly number[], offset: number): number[] {
  let places = [offset];
  shape.forEach((size, dim) => {
    places = places.flatMap((start) => Array.from({ length: size }, (_, i) => start + i * (strides[dim] as number)));
  });
  return places;
}

/** Row-major values as a tensor that has the given layout and, unlike a view that was taken, no base. What lies between is filled with 99. */
export function layOut(values: readonly number[], shape: readonly number[], dtype: DType, layout: Layout = 'contiguous'): Tensor {
  if (layout === 'contiguous') return fromBytes(encode(values, dtype), shape, dtype) as Tensor;
  const { strides, offset, extent } = placement(shape, layout);
  const parts = partsOf(typeOf(dtype));
  const memory = new Array<number>(extent * parts).fill(dtype === 'bool' ? 1 : 99);
  addresses(shape, strides, offset).forEach((place, i) => {
    for (let k = 0; k < parts; k++) memory[place * parts + k] = values[i * parts + k] as number;
  });
  const whole = fromBytes(encode(memory, dtype), [extent], dtype) as Tensor;
  return viewOf(whole, shape, strides, offset);
}

/** The dimension along which a tensor of this shape can be expanded; -1 if there is none. */
export function expandableDim(shape: readonly number[]): number {
  return shape.findIndex((size) => size > 1);
}

/** Values that are equal along one dimension: those of its first slice. */
export function repeated(values: readonly number[], shape: readonly number[], dim: number, parts: number): number[] {
  const inner = shape.slice(dim + 1).reduce((product, size) => product * size, parts);
  const size = shape[dim] as number;
  return values.map((_, i) => values[Math.floor(i / (inner * size)) * inner * size + (i % inner)] as number);
}

/** A tensor whose elements along `dim` share one address. */
export function expandedAlong(values: readonly number[], shape: readonly number[], dtype: DType, dim: number): Tensor {
  const small = shape.map((size, i) => (i === dim ? 1 : size));
  const parts = partsOf(typeOf(dtype));
  const inner = shape.slice(dim + 1).reduce((product, size) => product * size, parts);
  const kept = values.filter((_, i) => Math.floor(i / inner) % (shape[dim] as number) === 0);
  const narrow = layOut(kept, small, dtype);
  return viewOf(
    narrow,
    shape,
    narrow.strides.map((stride, i) => (i === dim ? 0 : stride)),
    0,
  );
}

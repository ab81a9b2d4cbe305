import type { DType, DTypeInfo } from '../dtype/dtype.ts';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from '../dtype/half.ts';
import { backend } from '../runtime/backend.ts';
import { elementsAt, heapOf } from '../runtime/elements.ts';
import { heap } from '../runtime/heap.ts';
import { recording } from '../runtime/recorder.ts';
import { addressOf, allocate, beginLaunch } from '../runtime/storage.ts';
import { contiguousStrides, formatShape, numel } from '../shape/shape.ts';
import { ArgumentError, AutogradError, ShapeError } from '../util/errors.ts';
import { IDENTITY } from './identity.ts';
import { Tensor } from './tensor.ts';
import { settled } from './views.ts';

/** A complex number as data: `{ re, im }`. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}
export type Element = number | bigint | boolean | Complex;
/** Elements nested as the shape says, as `toArray()` gives them. */
export type NestedElements = Element | readonly NestedElements[];
/** What `tensor` takes: elements, arrays of them to any depth, and typed arrays in the place of innermost arrays. */
export type TensorData = Element | TypedArray | UnsignedArray | readonly TensorData[];
/** Typed arrays without a dtype of ours: `tensor` takes them where a dtype is named. */
export type UnsignedArray = Uint16Array | Uint32Array | BigUint64Array;
/** Typed arrays that have a dtype of ours. */
export type TypedArray = Float32Array | Float64Array | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Int32Array | BigInt64Array;

/** Refuses to look at the values of a tensor that an interpreter is working on: they are not one value. */
export function requirePlain(name: string, x: Tensor): void {
  if (x.wrapped !== null) requireValues(name, x);
}

/** Forward mode leaves a tensor its values; under vmap it has many. */
function requireValues(name: string, x: Tensor): void {
  for (let value = settled(name, x); value.wrapped !== null; ) {
    const below = value.wrapped.interpreter.shown(value);
    if (below !== null) {
      value = below.primal;
      continue;
    }
    throw new AutogradError(
      `${name}: the tensor is being transformed by vmap, so it has a value for each member of the batch and none of its own to read; return it from the function instead`,
    );
  }
}

/** The bytes of `x` in row-major order, little endian: a copy. */
export function bytesOf(x: Tensor, name = 'toBytes'): Uint8Array<ArrayBuffer> {
  requirePlain(name, x);
  const length = x.size * x.type.itemsize;
  const source = x.rowMajor ? x : rowMajorCopy(x);
  beginLaunch();
  const start = addressOf(source.storage) + source.offset * x.type.itemsize;
  return heap.u8.slice(start, start + length) as Uint8Array<ArrayBuffer>;
}

/** The elements of `x` in row-major order in memory of their own. */
export function rowMajorCopy(x: Tensor): Tensor {
  const copy = new Tensor(allocate(x.size * x.type.itemsize), 0, x.shape, contiguousStrides(x.shape), x.type, x.size, true);
  backend().map(IDENTITY.program, copy, [x], [], x.type);
  return copy;
}

/** Writes the elements of `copy`, which has the shape and dtype of `x`, into `x`. */
export function writeBack(x: Tensor, copy: Tensor): void {
  backend().map(IDENTITY.program, x, [copy], [], x.type);
}

/** A tensor over a copy of row-major bytes. */
export function tensorOfBytes(bytes: Uint8Array, shape: readonly number[], type: DTypeInfo): Tensor {
  const size = numel(shape);
  if (bytes.byteLength !== size * type.itemsize) {
    throw new ShapeError(
      `fromBytes: ${bytes.byteLength} bytes for shape ${formatShape(shape)} of dtype ${type.name}, which needs ${size * type.itemsize}`,
    );
  }
  const made = new Tensor(allocate(bytes.byteLength), 0, shape, contiguousStrides(shape), type, size, true);
  if (recording.by !== null) recording.by.keep(made, bytes);
  else {
    beginLaunch();
    heap.u8.set(bytes, addressOf(made.storage));
  }
  return made;
}

/** Row-major elements as a typed array of their own: half types as float32, bool as 0 and 1, complex as pairs. */
export function typedArrayOf(x: Tensor): TypedArray {
  requirePlain('toTypedArray', x);
  const source = x.rowMajor ? x : rowMajorCopy(x);
  beginLaunch();
  const values = elementsAt(source);
  const { name } = x.type;
  if (name === 'float16' || name === 'bfloat16')
    return Float32Array.from(values as Uint16Array, name === 'float16' ? float16ToNumber : bfloat16ToNumber);
  return values.slice() as TypedArray;
}

/** Row-major elements as JavaScript values: int64 as numbers where exact, else bigint; bool as booleans; complex as pairs. */
export function elementsOf(x: Tensor): Element[] {
  const values = typedArrayOf(x);
  if (x.type.name === 'bool') return Array.from(values as Uint8Array, (v) => v !== 0);
  if (x.type.isComplex) return Array.from({ length: x.size }, (_, i) => ({ re: Number(values[2 * i]), im: Number(values[2 * i + 1]) }));
  if (x.type.name === 'int64') return Array.from(values as BigInt64Array, (v) => exactNumber(v));
  return Array.from(values as Float64Array);
}

function exactNumber(v: bigint): number | bigint {
  const n = Number(v);
  return Number.isSafeInteger(n) ? n : v;
}

/** Elements nested as the shape says. */
export function nestedOf(x: Tensor): NestedElements {
  const flat = elementsOf(x);
  let at = 0;
  const build = (dim: number): NestedElements => {
    if (dim === x.ndim) return flat[at++] as Element;
    return Array.from({ length: x.shape[dim] as number }, () => build(dim + 1));
  };
  return build(0);
}

/** Shape and row-major elements of nested arrays; throws ShapeError where they are ragged. */
export function flatten(name: string, data: TensorData): { shape: number[]; elements: Element[] } {
  const shape: number[] = [];
  for (let level = listOf(data); level !== null; level = listOf(level[0])) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const elements: Element[] = [];
  const visit = (value: TensorData, depth: number): void => {
    const list = listOf(value);
    if (depth === shape.length) {
      if (list !== null) throw ragged(name, depth, 'a single value', `a list of ${list.length}`);
      elements.push(value as Element);
      return;
    }
    if (list === null || list.length !== shape[depth]) {
      throw ragged(name, depth, `${shape[depth]} entries`, list === null ? 'a single value' : `${list.length} entries`);
    }
    for (let i = 0; i < list.length; i++) visit(list[i] as TensorData, depth + 1);
  };
  visit(data, 0);
  return { shape, elements };
}

function listOf(data: unknown): ArrayLike<unknown> | null {
  if (Array.isArray(data)) return data;
  return ArrayBuffer.isView(data) && !(data instanceof DataView) ? (data as unknown as ArrayLike<unknown>) : null;
}

function ragged(name: string, depth: number, first: string, other: string): ShapeError {
  return new ShapeError(`${name}: the nested arrays are ragged: dimension ${depth} has ${first} at first and ${other} later`);
}

/** Refuses numbers that an integer dtype cannot hold, as PyTorch does; an unsigned dtype takes -1 for its largest number, and so on. */
export function requireInRange(name: string, elements: readonly Element[], type: DTypeInfo): void {
  if (!type.isInteger) return;
  const bits = 8 * type.itemsize;
  const limit = 2 ** (type.isSigned ? bits - 1 : bits);
  const exactLimit = BigInt(limit);
  for (const value of elements) {
    const fits =
      typeof value === 'bigint'
        ? value < exactLimit && (type.isSigned ? value >= -exactLimit : value > -exactLimit)
        : typeof value !== 'number' || (value < limit && (type.isSigned ? value > -limit - 1 : value > -limit));
    if (!fits) throw new ArgumentError(`${name}: ${value} does not fit into ${type.name}: choose a wider dtype`);
  }
}

/** Writes JavaScript values into a new contiguous tensor; integers that do not fit wrap around. */
export function tensorOfElements(elements: readonly Element[], shape: readonly number[], type: DTypeInfo): Tensor {
  const parts = type.isComplex ? 2 : 1;
  const array = newArray(type, elements.length * parts);
  const convert = converters[type.name] ?? int32;
  elements.forEach((value, i) => {
    array[i * parts] = convert(value);
    if (parts === 2) array[i * parts + 1] = imaginary(value);
  });
  return tensorOfBytes(new Uint8Array(array.buffer), shape, type);
}

/** An array of zeros as elements of a dtype lie in memory. */
function newArray(type: DTypeInfo, length: number): { [index: number]: number | bigint; readonly buffer: ArrayBuffer } {
  const Elements = heapOf(type.name).constructor as new (length: number) => ReturnType<typeof newArray>;
  return new Elements(length);
}

function real(value: Element): number {
  if (typeof value === 'object')
    throw new ArgumentError(`tensor: a complex number where a real dtype was asked for: pass { dtype: 'complex64' }`);
  return Number(value);
}
function whole(value: Element): bigint {
  if (typeof value === 'bigint') return value;
  const n = Math.trunc(real(value));
  return Number.isFinite(n) ? BigInt(n) : 0n;
}
/** Its low bits are those of all narrower integers. */
const int32 = (value: Element): number => Number(BigInt.asIntN(32, whole(value)));
const truth = (value: Element): number => Number(typeof value === 'object' ? value.re !== 0 || value.im !== 0 : Boolean(value));
const imaginary = (value: Element): number => (typeof value === 'object' ? value.im : 0);
const realPart = (value: Element): number => (typeof value === 'object' ? value.re : Number(value));

const converters: Partial<Record<DType, (value: Element) => number | bigint>> = {
  float32: real,
  float64: real,
  float16: (value) => numberToFloat16(real(value)),
  bfloat16: (value) => numberToBfloat16(real(value)),
  int64: whole,
  bool: truth,
  complex64: realPart,
  complex128: realPart,
};

import type { DTypeInfo } from '../dtype/dtype.ts';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from '../dtype/half.ts';
import { backend } from '../runtime/backend.ts';
import { heap } from '../runtime/heap.ts';
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
  const storage = allocate(bytes.byteLength);
  beginLaunch();
  heap.u8.set(bytes, addressOf(storage));
  return new Tensor(storage, 0, shape, contiguousStrides(shape), type, size, true);
}

/** Row-major elements as a typed array of their own: half types as float32, bool as 0 and 1, complex as pairs. */
export function typedArrayOf(x: Tensor): TypedArray {
  const bytes = bytesOf(x, 'toTypedArray');
  switch (x.type.name) {
    case 'float32':
    case 'complex64':
      return new Float32Array(bytes.buffer);
    case 'float64':
    case 'complex128':
      return new Float64Array(bytes.buffer);
    case 'int64':
      return new BigInt64Array(bytes.buffer);
    case 'int32':
      return new Int32Array(bytes.buffer);
    case 'int16':
      return new Int16Array(bytes.buffer);
    case 'int8':
      return new Int8Array(bytes.buffer);
    case 'float16':
      return Float32Array.from(new Uint16Array(bytes.buffer), float16ToNumber);
    case 'bfloat16':
      return Float32Array.from(new Uint16Array(bytes.buffer), bfloat16ToNumber);
    default:
      return bytes;
  }
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
  const bytes = new Uint8Array(elements.length * type.itemsize);
  const view = new DataView(bytes.buffer);
  const write = writers[type.name] as (view: DataView, at: number, value: Element) => void;
  elements.forEach((value, i) => {
    write(view, i * type.itemsize, value);
  });
  return tensorOfBytes(bytes, shape, type);
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
const imaginary = (value: Element): number => (typeof value === 'object' ? value.im : 0);
const realPart = (value: Element): number => (typeof value === 'object' ? value.re : Number(value));

const writers: Record<string, (view: DataView, at: number, value: Element) => void> = {
  float32: (v, at, x) => v.setFloat32(at, real(x), true),
  float64: (v, at, x) => v.setFloat64(at, real(x), true),
  float16: (v, at, x) => v.setUint16(at, numberToFloat16(real(x)), true),
  bfloat16: (v, at, x) => v.setUint16(at, numberToBfloat16(real(x)), true),
  int64: (v, at, x) => v.setBigInt64(at, whole(x), true),
  int32: (v, at, x) => v.setInt32(at, Number(BigInt.asIntN(32, whole(x))), true),
  int16: (v, at, x) => v.setInt16(at, Number(BigInt.asIntN(16, whole(x))), true),
  int8: (v, at, x) => v.setInt8(at, Number(BigInt.asIntN(8, whole(x)))),
  uint8: (v, at, x) => v.setUint8(at, Number(BigInt.asUintN(8, whole(x)))),
  bool: (v, at, x) => v.setUint8(at, typeof x === 'object' ? Number(x.re !== 0 || x.im !== 0) : Number(Boolean(x))),
  complex64: (v, at, x) => {
    v.setFloat32(at, realPart(x), true);
    v.setFloat32(at + 4, imaginary(x), true);
  },
  complex128: (v, at, x) => {
    v.setFloat64(at, realPart(x), true);
    v.setFloat64(at + 8, imaginary(x), true);
  },
};

import { BOOL, type DType, type DTypeInfo, INT64 } from '../dtype/dtype.ts';
import { defaultComplex, getDefaultDtype, scalarType } from '../dtype/promotion.ts';
import { labelStorage } from '../runtime/storage.ts';
import { asShape } from '../shape/reshape.ts';
import { formatShape } from '../shape/shape.ts';
import {
  type Element,
  flatten,
  requireInRange,
  type TensorData,
  type TypedArray,
  tensorOfBytes,
  tensorOfElements,
  type UnsignedArray,
} from '../tensor/data.ts';
import { describeValue } from '../tensor/messages.ts';
import { addressRange } from '../tensor/overlap.ts';
import { isTensor, type Tensor, viewOf } from '../tensor/tensor.ts';
import { ArgumentError, DeviceError, DTypeError, ShapeError } from '../util/errors.ts';
import { emptyTensor, fullTensor } from './create.ts';
import { detach } from './detach.ts';
import { described, exactOperand, isScalar, optionalType, type Scalar } from './family.ts';
import { cast, clone, expand } from './structural.ts';
import type { CreationFunction, FullFunction, TensorFunction } from './types.ts';

/** Options of all functions that make tensors. */
export interface CreateOptions {
  readonly dtype?: DType | null;
  /** Where the elements live; 'cpu' is the only device so far. */
  readonly device?: 'cpu' | null;
  /** Make a leaf that wants a gradient. */
  readonly requiresGrad?: boolean;
}

type ShapeAndOptions = readonly (number | readonly number[] | CreateOptions | null)[];

/** Splits `(2, 3, { dtype })` and `([2, 3], { dtype })`. */
export function splitOptions(name: string, args: ShapeAndOptions): { shape: number[]; options: CreateOptions } {
  const last = args[args.length - 1];
  const hasOptions = args.length > 0 && (last === null || (typeof last === 'object' && last.constructor === Object));
  if (args.length === (hasOptions ? 1 : 0))
    throw new ArgumentError(`${name}: no shape was given: write ${name}([2, 3]), or ${name}([]) for a tensor of no dimensions`);
  const sizes = (hasOptions ? args.slice(0, -1) : args) as readonly (number | readonly number[])[];
  return {
    shape: asShape(
      name,
      sizes.filter((x) => x !== undefined),
    ),
    options: (hasOptions ? (last as CreateOptions | null) : null) ?? {},
  };
}

/** Marks a new tensor as a leaf that wants a gradient. */
export function finish(name: string, x: Tensor, options: CreateOptions): Tensor {
  if (options.device !== undefined && options.device !== null && options.device !== 'cpu') {
    throw new DeviceError(`${name}: there is no device '${String(options.device)}': 'cpu' is the only one so far`);
  }
  if (options.requiresGrad === true) {
    if (!x.type.isFloat && !x.type.isComplex)
      throw new DTypeError(`${name}: a tensor of dtype ${x.dtype} cannot require a gradient: only floating and complex dtypes can`);
    x.tracked = true;
  }
  labelStorage(x.storage, name);
  return x;
}

/** What a creation function of a shape looks like: `zeros([2, 3], { dtype })`, `zeros(2, 3)`. */
export interface ShapeFunction {
  (shape: readonly number[], options?: CreateOptions): Tensor;
  (...args: ShapeAndOptions): Tensor;
}

function filled(name: string, value: number): CreationFunction {
  const f = (...args: ShapeAndOptions): Tensor => {
    const { shape, options } = splitOptions(name, args);
    const type = optionalType(options.dtype) ?? getDefaultDtype();
    return finish(name, fullTensor(shape, value, type), options);
  };
  return described(name, f, { signature: 'size, *, dtype, device, requires_grad', samples: [{ args: [[2, 3]] }, { args: [[]] }] });
}

/**
 * A tensor of zeros.
 *
 * @example
 * zeros([2, 2]); // tensor([[0., 0.], [0., 0.]])
 */
export const zeros = filled('zeros', 0);

/**
 * A tensor of ones.
 *
 * @example
 * ones([2, 2]); // tensor([[1., 1.], [1., 1.]])
 */
export const ones = filled('ones', 1);

/**
 * A tensor whose values are whatever was in memory.
 *
 * @example
 * empty([2, 3]).shape; // [2, 3]
 */
export const empty: CreationFunction = described(
  'empty',
  (...args: ShapeAndOptions): Tensor => {
    const { shape, options } = splitOptions('empty', args);
    return finish('empty', emptyTensor(shape, optionalType(options.dtype) ?? getDefaultDtype()), options);
  },
  { signature: 'size, *, dtype, device, requires_grad', random: true },
);

/** A tensor of one scalar, exactly. */
export function filledTensor(name: string, shape: readonly number[], value: Scalar, type: DTypeInfo): Tensor {
  const exact = exactOperand(name, value);
  return isTensor(exact) ? clone(expand(cast(exact, type), shape)) : fullTensor(shape, Number(exact), type);
}

/**
 * A tensor of one value; without `dtype` whole numbers give int64, booleans bool, others the default float.
 *
 * @example
 * full([2], 7); // tensor([7, 7])
 */
export const full: FullFunction = described(
  'full',
  (size: readonly number[], fillValue: Scalar, options: CreateOptions = {}): Tensor => {
    const shape = asShape('full', [size]);
    if (!isScalar(fillValue))
      throw new ArgumentError(`full: fillValue must be a number, boolean or bigint, got ${describeValue(fillValue)}`);
    const type = optionalType(options.dtype) ?? scalarType(fillValue);
    requireInRange('full', [fillValue], type);
    return finish('full', filledTensor('full', shape, fillValue, type), options);
  },
  { signature: 'size, fill_value, *, dtype, device, requires_grad', samples: [{ args: [[2, 3], 7] }] },
);

/** Data of numbers makes the default float, of booleans bool, of bigints int64, of complex numbers the default complex. */
function typeOfElements(elements: readonly Element[]): DTypeInfo {
  if (elements.length === 0) return getDefaultDtype();
  if (elements.some((x) => typeof x === 'object')) return defaultComplex();
  if (elements.every((x) => typeof x === 'boolean')) return BOOL;
  if (elements.every((x) => typeof x === 'bigint' || typeof x === 'boolean')) return INT64;
  return getDefaultDtype();
}

const typedArrayTypes: Record<string, DType> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Int16Array: 'int16',
  Int32Array: 'int32',
  BigInt64Array: 'int64',
  Float16Array: 'float16',
};

/**
 * A tensor from a number, nested arrays, a typed array, or another tensor: always a copy. Numbers make the default float, booleans bool, bigints
 * int64, unless `dtype` says otherwise. Throws ShapeError for ragged arrays.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).shape; // [2, 2]
 */
export const tensor: TensorFunction = described(
  'tensor',
  (data: TensorData | Tensor, options: CreateOptions = {}): Tensor => {
    const wanted = optionalType(options.dtype);
    if (isTensor(data)) {
      return finish('tensor', detach(wanted === null || wanted === data.type ? clone(data) : cast(data, wanted)), options);
    }
    if (ArrayBuffer.isView(data)) return finish('tensor', fromTypedArray(data as TypedArray | UnsignedArray, wanted), options);
    const { shape, elements } = flatten('tensor', data as TensorData);
    for (const value of elements) {
      if (!['number', 'boolean', 'bigint'].includes(typeof value) && !isComplexElement(value)) {
        throw new ArgumentError(
          `tensor: data must be numbers, booleans or bigints, ${isTensor(value) ? 'got a list of tensors: join them with stack([…])' : `got ${describeValue(value)}`}`,
        );
      }
    }
    const type = wanted ?? typeOfElements(elements);
    requireInRange('tensor', elements, type);
    return finish('tensor', tensorOfElements(elements, shape, type), options);
  },
  { signature: 'data, *, dtype, device, requires_grad' },
);

function isComplexElement(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 're' in value && 'im' in value;
}

function fromTypedArray(data: TypedArray | UnsignedArray, wanted: DTypeInfo | null): Tensor {
  const kind = Object.prototype.toString.call(data).slice('[object '.length, -1);
  const name = typedArrayTypes[kind];
  if (name !== undefined) {
    const own = tensorOfBytes(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      [data.length],
      optionalType(name) as DTypeInfo,
    );
    return wanted === null ? own : cast(own, wanted);
  }
  if (wanted === null || kind === 'DataView') {
    throw new ArgumentError(
      `tensor: a ${kind} has no dtype of ours: ${kind === 'DataView' ? 'give a typed array' : "pass { dtype }, such as 'int64'"}`,
    );
  }
  const elements = Array.from<number | bigint>(data);
  requireInRange('tensor', elements, wanted);
  return tensorOfElements(elements, [data.length], wanted);
}

/**
 * A tensor over a copy of little-endian bytes: row-major elements, or the bytes of a whole storage that `strides` (in elements) walk over.
 *
 * @example
 * fromBytes(new Uint8Array([1, 2, 3, 4]), [2, 2], 'uint8'); // tensor([[1, 2], [3, 4]], dtype=uint8)
 */
export function fromBytes(
  bytes: Uint8Array,
  shape: readonly number[],
  dtype: DType,
  options: CreateOptions & { readonly strides?: readonly number[] } = {},
): Tensor {
  const type = optionalType(dtype) as DTypeInfo;
  const sizes = asShape('fromBytes', [shape]);
  if (options.strides === undefined) return finish('fromBytes', tensorOfBytes(bytes, sizes, type), options);
  if (bytes.byteLength % type.itemsize !== 0)
    throw new ShapeError(`fromBytes: ${bytes.byteLength} bytes are no whole number of ${type.name} elements of ${type.itemsize}`);
  const whole = tensorOfBytes(bytes, [bytes.byteLength / type.itemsize], type);
  const view = viewOf(whole, sizes, options.strides, 0);
  const [low, high] = addressRange(view);
  if (options.strides.length !== sizes.length || low < 0 || high >= whole.size) {
    throw new ShapeError(
      `fromBytes: shape ${formatShape(sizes)} with strides ${formatShape(options.strides)} does not lie inside ${whole.size} elements`,
    );
  }
  return finish('fromBytes', view, options);
}

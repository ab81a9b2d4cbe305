import {
  BFLOAT16,
  BOOL,
  COMPLEX64,
  COMPLEX128,
  type DType,
  type DTypeInfo,
  dtypeInfo,
  FLOAT16,
  FLOAT32,
  FLOAT64,
  INT8,
  INT16,
  INT32,
  INT64,
  UINT8,
} from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import { describeValue, isForeignTensor } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DeviceError } from '../util/errors.ts';
import { described } from './family.ts';
import { cast, clone } from './structural.ts';
import type { ToFunction, TypeAsFunction, UnaryTo } from './types.ts';

/**
 * Casts. Floats become integers by dropping the fraction; what an integer dtype cannot hold keeps its low bits if it was an
 * integer; floats saturate at the ends of int64 (cast to int64) or int32 (cast to the others) first, and NaN becomes 0. A cast to the dtype that a tensor has is the tensor itself. The gradient is cast back.
 */

/** Options of `to`. */
export interface ToOptions {
  readonly dtype?: DType | null;
  /** Copy even if nothing changes. */
  readonly copy?: boolean;
  /** The only device there is is `'cpu'`. */
  readonly device?: string | null;
}

const DEVICES = ['cpu', 'wasm'];

function requireDevice(device: string): void {
  if (!DEVICES.includes(device)) throw new DeviceError(`to: there is no device '${device}': 'cpu' is the only one so far`);
}

function targetType(input: Tensor, target: DType | string | Tensor | null | undefined, options: ToOptions): DTypeInfo {
  if (options.device !== undefined && options.device !== null) requireDevice(options.device);
  if (isTensor(target)) return target.type;
  if (typeof target === 'string' && DEVICES.includes(target)) return options.dtype ? dtypeInfo(options.dtype) : input.type;
  if (target !== null && target !== undefined) {
    if (/^(cuda|mps|xpu|meta|webgpu|gpu)(:\d+)?$/.test(String(target))) requireDevice(String(target));
    return dtypeInfo(target as DType);
  }
  return options.dtype ? dtypeInfo(options.dtype) : input.type;
}

function isOptions(x: unknown): x is ToOptions {
  if (isForeignTensor(x)) throw new ArgumentError(`to: the target is ${describeValue(x)}`);
  return typeof x === 'object' && x !== null && !isTensor(x);
}

/**
 * The tensor in another dtype: that named, or that of another tensor. The tensor itself if it has that dtype already, unless `copy` is set. Throws
 * DTypeError for a name that is no dtype.
 *
 * @example
 * to(tensor([1.5, 2]), 'int64'); // tensor([1, 2])
 */
export const to: ToFunction<ToOptions> = described(
  'to',
  (input: Tensor, target?: DType | 'cpu' | Tensor | ToOptions | null, options?: ToOptions): Tensor => {
    const settings = (isOptions(target) ? target : options) ?? {};
    const type = targetType(input, isOptions(target) ? null : target, settings);
    return type === input.type && settings.copy === true ? clone(input) : cast(input, type);
  },
  {
    signature: 'input, target?, *, dtype, copy, device',
    tensors: 1,
    samples: [{ args: [t([2, 3]), 'float64'] }, { args: [t([]), 'int64'] }, { args: [t([0, 2]), 'bool'] }],
    bad: [{ args: [t([2]), 'float33'], error: /float33/ }],
  },
);

/**
 * The tensor in the dtype of `other`.
 *
 * @example
 * typeAs(tensor([1.5]), tensor([1n])); // tensor([1])
 */
export const typeAs: TypeAsFunction = described(
  'typeAs',
  (input: Tensor, other: Tensor): Tensor => {
    return cast(input, other.type);
  },
  {
    signature: 'input, other',
    tensors: 2,
    samples: [{ args: [t([2, 3]), t([], { dtype: 'float64' })] }],
    bad: [{ args: [t([2]), 1], error: /other must be a tensor/ }],
  },
);

function castTo<E extends DType>(name: string, type: DTypeInfo & { readonly name: E }): UnaryTo<E> {
  return described(
    name,
    (input: Tensor): Tensor => {
      return cast(input, type);
    },
    {
      signature: 'input',
      tensors: 1,
      samples: [{ args: [t([2, 3])] }, { args: [t([])] }, { args: [t([0, 2])] }],
      bad: [{ args: [1], error: /must be a tensor/ }],
    },
  );
}

/** The casts that are named by a dtype: methods only, since the names are those of the dtypes. */
export const castMethods = {
  /** To float32. */
  float: castTo('float', FLOAT32),
  /** To float64. */
  double: castTo('double', FLOAT64),
  /** To float16. */
  half: castTo('half', FLOAT16),
  /** To bfloat16. */
  bfloat16: castTo('bfloat16', BFLOAT16),
  /** To int64. */
  long: castTo('long', INT64),
  /** To int32. */
  int: castTo('int', INT32),
  /** To int16. */
  short: castTo('short', INT16),
  /** To int8. */
  char: castTo('char', INT8),
  /** To uint8. */
  byte: castTo('byte', UINT8),
  /** To bool: whether elements are not 0. */
  bool: castTo('bool', BOOL),
  /** To complex64. */
  cfloat: castTo('cfloat', COMPLEX64),
  /** To complex128. */
  cdouble: castTo('cdouble', COMPLEX128),
} as const;

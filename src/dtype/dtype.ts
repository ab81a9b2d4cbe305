import { DTypeError } from '../util/errors.ts';

/** The element types, by name. */
export type DType =
  | 'float32'
  | 'float64'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'
  | 'complex64'
  | 'complex128'
  | 'float16'
  | 'bfloat16';

/** What is known of an element type. One object for each; compared by identity. */
export interface DTypeInfo {
  readonly name: DType;
  /** Position in `DTYPES`. */
  readonly index: number;
  readonly itemsize: number;
  /** log2 of `itemsize`. */
  readonly shift: number;
  readonly kind: 'float' | 'int' | 'bool' | 'complex';
  readonly isFloat: boolean;
  /** Integers; bool is not one. */
  readonly isInteger: boolean;
  readonly isComplex: boolean;
  readonly isSigned: boolean;
}

/** Where `kind` and width decide all else. */
function info(name: DType, index: number, itemsize: number, kind: DTypeInfo['kind'], isSigned = true): DTypeInfo {
  return {
    name,
    index,
    itemsize,
    shift: Math.log2(itemsize),
    kind,
    isFloat: kind === 'float',
    isInteger: kind === 'int',
    isComplex: kind === 'complex',
    isSigned,
  };
}

export const FLOAT32: DTypeInfo = info('float32', 0, 4, 'float');
export const FLOAT64: DTypeInfo = info('float64', 1, 8, 'float');
export const INT64: DTypeInfo = info('int64', 2, 8, 'int');
export const INT32: DTypeInfo = info('int32', 3, 4, 'int');
export const INT16: DTypeInfo = info('int16', 4, 2, 'int');
export const INT8: DTypeInfo = info('int8', 5, 1, 'int');
export const UINT8: DTypeInfo = info('uint8', 6, 1, 'int', false);
export const BOOL: DTypeInfo = info('bool', 7, 1, 'bool', false);
export const COMPLEX64: DTypeInfo = info('complex64', 8, 8, 'complex');
export const COMPLEX128: DTypeInfo = info('complex128', 9, 16, 'complex');
export const FLOAT16: DTypeInfo = info('float16', 10, 2, 'float');
export const BFLOAT16: DTypeInfo = info('bfloat16', 11, 2, 'float');

export const DTYPES: readonly DTypeInfo[] = [
  FLOAT32,
  FLOAT64,
  INT64,
  INT32,
  INT16,
  INT8,
  UINT8,
  BOOL,
  COMPLEX64,
  COMPLEX128,
  FLOAT16,
  BFLOAT16,
];

const byName = new Map<string, DTypeInfo>(DTYPES.map((d) => [d.name, d]));

/**
 * The facts of a dtype.
 *
 * @throws DTypeError for an unknown name.
 * @example
 * dtypeInfo('int16').itemsize; // 2
 */
export function dtypeInfo(name: DType): DTypeInfo {
  const found = byName.get(name);
  if (found === undefined) throw new DTypeError(`unknown dtype '${String(name)}': use one of ${DTYPES.map((d) => d.name).join(', ')}`);
  return found;
}

/** Single precision, the default. `float` is the same. */
export const float32 = 'float32';
/** Double precision. `double` is the same. */
export const float64 = 'float64';
/** 64-bit integers, exact. `long` is the same. */
export const int64 = 'int64';
/** 32-bit integers. `int` is the same. */
export const int32 = 'int32';
/** 16-bit integers. `short` is the same. */
export const int16 = 'int16';
/** 8-bit integers. */
export const int8 = 'int8';
/** Bytes: 0 to 255. */
export const uint8 = 'uint8';
/** true and false. */
export const bool = 'bool';
/** Complex numbers of two float32. `cfloat` is the same. */
export const complex64 = 'complex64';
/** Complex numbers of two float64. `cdouble` is the same. */
export const complex128 = 'complex128';
/** IEEE 754 half precision, for storage. `half` is the same. */
export const float16 = 'float16';
/** The upper half of a float32, for storage. */
export const bfloat16 = 'bfloat16';

export {
  complex64 as cfloat,
  complex128 as cdouble,
  float16 as half,
  float32 as float,
  float64 as double,
  int16 as short,
  int32 as int,
  int64 as long,
};

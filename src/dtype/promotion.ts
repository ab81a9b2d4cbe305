import { DTypeError } from '../util/errors.ts';
import { BFLOAT16, BOOL, COMPLEX128, COMPLEX64, type DType, type DTypeInfo, dtypeInfo, FLOAT16, FLOAT32, FLOAT64, INT16, INT64 } from './dtype.ts';

/** The smallest dtype that holds both, by PyTorch's table: kinds first, then width. */
export function promoteTypes(a: DTypeInfo, b: DTypeInfo): DTypeInfo {
  if (a === b) return a;
  const rankA = category(a);
  const rankB = category(b);
  if (rankA !== rankB) {
    const [high, low] = rankA > rankB ? [a, b] : [b, a];
    if (high.isComplex && low === FLOAT64) return COMPLEX128;
    return high;
  }
  if (a.isComplex) return COMPLEX128;
  if (a.isFloat) {
    if (a.itemsize === 2 && b.itemsize === 2) return FLOAT32;
    return a.itemsize > b.itemsize ? a : b;
  }
  if (a.isSigned !== b.isSigned && a.itemsize === b.itemsize) return INT16;
  if (a.itemsize === b.itemsize) return a;
  return a.itemsize > b.itemsize ? a : b;
}

function category(type: DTypeInfo): number {
  return type.isComplex ? 3 : type.isFloat ? 2 : type.isInteger ? 1 : 0;
}

let defaultType: DTypeInfo = FLOAT32;

/** The dtype of floating data that names none. */
export function getDefaultDtype(): DTypeInfo {
  return defaultType;
}

/** Sets it. Throws DTypeError unless it is a floating dtype. */
export function setDefaultDtype(name: DType): void {
  const type = dtypeInfo(name);
  if (!type.isFloat) throw new DTypeError(`setDefaultDtype: the default must be a floating dtype, got ${name}`);
  defaultType = type;
}

/** The complex dtype whose parts have the default dtype. */
export function defaultComplex(): DTypeInfo {
  return defaultType === FLOAT64 ? COMPLEX128 : COMPLEX64;
}

/** What a JavaScript scalar counts as: whole numbers and bigints int64, other numbers the default float, booleans bool. */
export function scalarType(value: number | boolean | bigint): DTypeInfo {
  if (typeof value === 'boolean') return BOOL;
  if (typeof value === 'bigint' || Number.isInteger(value)) return INT64;
  return defaultType;
}

/** Integers and bool become the default float; floating and complex stay. */
export function toFloatType(type: DTypeInfo): DTypeInfo {
  return type.isFloat || type.isComplex ? type : defaultType;
}

export interface TypedOperand {
  readonly type: DTypeInfo;
  readonly ndim: number;
  /** A JavaScript scalar. */
  readonly wrapped?: boolean;
}

/** PyTorch's result type: dimensioned tensors first; 0-d tensors, then scalars, matter only when their kind is higher. */
export function resultType(operands: readonly TypedOperand[]): DTypeInfo {
  let dimensioned: DTypeInfo | null = null;
  let zeroDim: DTypeInfo | null = null;
  let scalar: DTypeInfo | null = null;
  const join = (old: DTypeInfo | null, type: DTypeInfo): DTypeInfo => (old === null ? type : promoteTypes(old, type));
  for (const { type, ndim, wrapped } of operands) {
    if (wrapped === true) scalar = join(scalar, type.isFloat ? defaultType : type.isComplex ? defaultComplex() : type);
    else if (ndim === 0) zeroDim = join(zeroDim, type);
    else dimensioned = join(dimensioned, type);
  }
  return combine(combine(dimensioned, zeroDim), scalar) ?? defaultType;
}

function combine(higher: DTypeInfo | null, lower: DTypeInfo | null): DTypeInfo | null {
  if (higher === null) return lower;
  if (lower === null || category(higher) >= category(lower)) return higher;
  return promoteTypes(higher, lower);
}

/** Whether PyTorch's `can_cast` allows it: never to a lower kind. */
export function canCast(from: DTypeInfo, to: DTypeInfo): boolean {
  return category(from) <= category(to);
}

export const HALF_TYPES: readonly DTypeInfo[] = [FLOAT16, BFLOAT16];

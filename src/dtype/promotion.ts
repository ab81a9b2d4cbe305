/**
 * Which dtype a computation on several operands has: PyTorch's rules (documentation, "Tensor Attributes", section "type promotion").
 *
 * Kinds are ordered bool < integer < float < complex. Between dtypes of one kind the wider one wins; a higher kind wins over a lower one whatever
 * their widths. On top of that, operands come in three ranks: tensors with dimensions, 0-d tensors, and JavaScript scalars; a lower rank has a say
 * only where its kind is higher.
 */
import { DTypeError } from '../util/errors.ts';
import { BOOL, COMPLEX64, COMPLEX128, DTYPES, type DType, type DTypeInfo, dtypeInfo, FLOAT32, FLOAT64, INT16, INT64 } from './dtype.ts';

/** Position of a dtype's kind in bool < integer < float < complex. */
function kindRank(type: DTypeInfo): number {
  return type.isComplex ? 3 : type.isFloat ? 2 : type.isInteger ? 1 : 0;
}

/** The rule that fills the table. */
function promotionOf(a: DTypeInfo, b: DTypeInfo): DTypeInfo {
  if (a === b) return a;
  const [low, high] = kindRank(a) < kindRank(b) ? [a, b] : [b, a];
  if (kindRank(low) !== kindRank(high)) return high.isComplex && low === FLOAT64 ? COMPLEX128 : high;
  if (a.itemsize !== b.itemsize) return a.itemsize > b.itemsize ? a : b;
  // The two pairs of equal width where neither holds the other's values: uint8 with int8, float16 with bfloat16.
  return a.isFloat ? FLOAT32 : INT16;
}

/** Row and column: `DTypeInfo.index`. */
const TABLE: readonly DTypeInfo[] = DTYPES.flatMap((a) => DTYPES.map((b) => promotionOf(a, b)));

/**
 * The smallest dtype, by PyTorch's rules, that values of both dtypes are converted to (`torch.promote_types`).
 *
 * @example
 * promoteTypes(UINT8, INT8).name; // 'int16'
 */
export function promoteTypes(a: DTypeInfo, b: DTypeInfo): DTypeInfo {
  return a === b ? a : (TABLE[a.index * DTYPES.length + b.index] as DTypeInfo);
}

let defaultType: DTypeInfo = FLOAT32;

/** The dtype of floating-point data that names none: float32 unless `setDefaultDtype` changed it. */
export function getDefaultDtype(): DTypeInfo {
  return defaultType;
}

/**
 * Sets the dtype of floating-point data that names none.
 *
 * @throws DTypeError unless it is a floating dtype.
 *
 * @example
 * setDefaultDtype('float64');
 * ones([1]).dtype; // 'float64'
 * setDefaultDtype('float32');
 */
export function setDefaultDtype(name: DType): void {
  const type = dtypeInfo(name);
  if (!type.isFloat) throw new DTypeError(`setDefaultDtype: the default must be a floating dtype, got ${name}`);
  defaultType = type;
}

/** The complex dtype whose real and imaginary parts hold `type`: complex128 for float64, complex64 for the narrower floats. */
export function toComplexType(type: DTypeInfo): DTypeInfo {
  if (type.isComplex) return type;
  return type === FLOAT64 ? COMPLEX128 : COMPLEX64;
}

/** The complex dtype whose parts have the default dtype. */
export function defaultComplex(): DTypeInfo {
  return toComplexType(defaultType);
}

/**
 * What a JavaScript scalar counts as: whole numbers that int64 can hold and bigints as int64, all other numbers as the default float, booleans as bool.
 *
 * @example
 * scalarType(2).name; // 'int64'
 * scalarType(2.5).name; // 'float32'
 */
export function scalarType(value: number | boolean | bigint): DTypeInfo {
  if (typeof value === 'boolean') return BOOL;
  if (typeof value === 'bigint' || (Number.isInteger(value) && Math.abs(value) < 2 ** 63)) return INT64;
  return defaultType;
}

/** The dtype of a result that cannot be whole (true division, means, sines): integers and bool become the default float, others stay. */
export function toFloatType(type: DTypeInfo): DTypeInfo {
  return type.isFloat || type.isComplex ? type : defaultType;
}

/** What promotion needs to know of an operand. */
export interface TypedOperand {
  readonly type: DTypeInfo;
  readonly ndim: number;
  /** Whether it is a JavaScript scalar. */
  readonly wrapped?: boolean;
}

/** The dtype of a group joined by one more member. */
function join(group: DTypeInfo | null, type: DTypeInfo): DTypeInfo {
  return group === null ? type : promoteTypes(group, type);
}

/** What a group of operands becomes beside a group of lower rank, which only counts where its kind is higher. */
function combine(group: DTypeInfo | null, lower: DTypeInfo | null): DTypeInfo | null {
  if (group === null || lower === null) return group ?? lower;
  if (kindRank(group) >= kindRank(lower)) return group;
  // The lower rank makes it complex, but does not widen its parts.
  return group.isFloat ? toComplexType(group) : promoteTypes(group, lower);
}

/**
 * The dtype that an operation on `operands` is computed in (`torch.result_type`, for any number of operands). Tensors with dimensions decide;
 * 0-d tensors and, after them, scalars matter only where their kind is higher. Floating and complex scalars have no width of their own.
 *
 * @example
 * resultType([{ type: INT32, ndim: 1 }, { type: FLOAT64, ndim: 0 }]).name; // 'float64'
 * resultType([{ type: FLOAT32, ndim: 1 }, { type: FLOAT64, ndim: 0 }]).name; // 'float32'
 */
export function resultType(operands: readonly TypedOperand[]): DTypeInfo {
  let dimensioned: DTypeInfo | null = null;
  let zeroDim: DTypeInfo | null = null;
  let scalar: DTypeInfo | null = null;
  for (const { type, ndim, wrapped } of operands) {
    if (wrapped === true) scalar = join(scalar, type.isFloat ? defaultType : type.isComplex ? defaultComplex() : type);
    else if (ndim === 0) zeroDim = join(zeroDim, type);
    else dimensioned = join(dimensioned, type);
  }
  return combine(dimensioned, combine(zeroDim, scalar)) ?? defaultType;
}

/**
 * Whether a result of dtype `from` may be written into a tensor of dtype `to` (`torch.can_cast`): never into a lower kind.
 *
 * @example
 * canCast(FLOAT64, FLOAT32); // true
 * canCast(FLOAT32, INT64); // false
 */
export function canCast(from: DTypeInfo, to: DTypeInfo): boolean {
  return kindRank(from) <= kindRank(to);
}

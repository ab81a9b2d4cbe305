/** The dtypes by name, and the default. */
export {
  bfloat16,
  bool,
  cdouble,
  cfloat,
  complex64,
  complex128,
  double,
  float,
  float16,
  float32,
  float64,
  half,
  int,
  int8,
  int16,
  int32,
  int64,
  long,
  short,
  uint8,
} from '../dtype/dtype.ts';

import { type DType, dtypeInfo } from '../dtype/dtype.ts';
import { canCast as castable, getDefaultDtype as defaultInfo, promoteTypes as promoted } from '../dtype/promotion.ts';

export { setDefaultDtype } from '../dtype/promotion.ts';

/**
 * The dtype of floating data that names none.
 *
 * @example
 * getDefaultDtype(); // 'float32'
 */
export function getDefaultDtype(): DType {
  return defaultInfo().name;
}

/**
 * The smallest dtype that both can be cast to: what elementwise operators compute in. Throws DTypeError for unknown names.
 *
 * @example
 * promoteTypes('int64', 'float16'); // 'float16'
 */
export function promoteTypes(type1: DType, type2: DType): DType {
  return promoted(dtypeInfo(type1), dtypeInfo(type2)).name;
}

/**
 * Whether a result of one dtype may be written into a tensor of the other: never from complex to real, floating to integer, or number to bool.
 *
 * @example
 * canCast('float64', 'int64'); // false
 */
export function canCast(from: DType, to: DType): boolean {
  return castable(dtypeInfo(from), dtypeInfo(to));
}

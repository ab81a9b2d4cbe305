/** The dtypes by name, and the default. */
export {
  bfloat16,
  bool,
  complex64,
  complex128,
  float16,
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  uint8,
} from '../dtype/dtype.ts';

import type { DType } from '../dtype/dtype.ts';
import { getDefaultDtype as defaultInfo } from '../dtype/promotion.ts';

export { setDefaultDtype } from '../dtype/promotion.ts';

/** The dtype of floating data that names none. */
export function getDefaultDtype(): DType {
  return defaultInfo().name;
}

import { dtypeInfo } from '../../dtype/dtype.ts';
import type { View } from '../../runtime/view.ts';

/** The dtype of the parts of a complex view. */
function partType(view: View) {
  return dtypeInfo(view.type.name === 'complex64' ? 'float32' : 'float64');
}

/** A complex view as real numbers: real and imaginary part are a last axis of 2. */
export function realPairs(view: View): View {
  return {
    storage: view.storage,
    offset: view.offset * 2,
    shape: [...view.shape, 2],
    strides: [...view.strides.map((stride) => stride * 2), 1],
    type: partType(view),
    size: view.size * 2,
    rowMajor: view.rowMajor,
  };
}

/** The real (0) or imaginary (1) parts of a complex view. */
export function partOf(view: View, part: 0 | 1): View {
  return {
    storage: view.storage,
    offset: view.offset * 2 + part,
    shape: view.shape,
    strides: view.strides.map((stride) => stride * 2),
    type: partType(view),
    size: view.size,
    rowMajor: false,
  };
}

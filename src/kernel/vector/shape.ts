import type { DTypeInfo } from '../../dtype/dtype.ts';
import type { ComputeType } from '../element.ts';

/** The shapes of vectors that expressions are evaluated in. */
export type VectorShape = 'f32x4' | 'f64x2' | 'i32x4' | 'i64x2' | 'i16x8' | 'i8x16';

/** How many elements a vector of each shape holds. */
export const VECTOR_LANES: Record<VectorShape, number> = { f32x4: 4, f64x2: 2, i32x4: 4, i64x2: 2, i16x8: 8, i8x16: 16 };

/** The type that one lane of each shape has on the stack. */
export const LANE_TYPE: Record<VectorShape, ComputeType> = {
  f32x4: 'f32',
  f64x2: 'f64',
  i32x4: 'i32',
  i64x2: 'i64',
  i16x8: 'i32',
  i8x16: 'i32',
};

/** The integer shape with the same lanes: that of masks. */
export const MASK_SHAPE = { f32x4: 'i32x4', f64x2: 'i64x2', i32x4: 'i32x4', i64x2: 'i64x2', i16x8: 'i16x8', i8x16: 'i8x16' } as const;

/** The shape that a real dtype is computed in; the half types are computed in float32. */
export function vectorShapeOf(type: DTypeInfo): VectorShape {
  switch (type.name) {
    case 'float32':
    case 'float16':
    case 'bfloat16':
      return 'f32x4';
    case 'float64':
      return 'f64x2';
    case 'int64':
      return 'i64x2';
    case 'int32':
      return 'i32x4';
    case 'int16':
      return 'i16x8';
    case 'int8':
    case 'uint8':
    case 'bool':
      return 'i8x16';
    default:
      throw new TypeError(`complex numbers are computed as pairs, not as ${type.name}`);
  }
}

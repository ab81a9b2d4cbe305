import type { RealDType } from '../dtype/types.ts';
import * as S from '../scalar/expr.ts';
import { BAD_BROADCAST, BAD_NO_TENSOR, binarySamples, realFloatOnly, toRealFloat, unarySamples } from './elementwise.ts';
import { binary, unary } from './family.ts';
import type { BinaryTensors, BinaryTensorsFloat, UnaryFloat } from './types.ts';

/** Trigonometric and hyperbolic functions and their inverses, in radians. Integers and bool give the default float. */

const float = (name: string, build: (x: S.Expr) => S.Expr, low = -2, high = 2): UnaryFloat =>
  unary(name, build, { type: 'float', samples: unarySamples(low, high, true), bad: BAD_NO_TENSOR });

/**
 * The sine.
 *
 * @example
 * sin(tensor([0, 1])); // tensor([0.0000, 0.8415])
 */
export const sin = float('sin', S.sin);

/**
 * The cosine.
 *
 * @example
 * cos(tensor([0, 1])); // tensor([1.0000, 0.5403])
 */
export const cos = float('cos', S.cos);

/**
 * The tangent.
 *
 * @example
 * tan(tensor([0, 1])); // tensor([0.0000, 1.5574])
 */
export const tan = float('tan', S.tan, -1, 1);

/**
 * The inverse sine, in [-π/2, π/2]; NaN outside [-1, 1].
 *
 * @example
 * asin(tensor([0, 1])); // tensor([0.0000, 1.5708])
 */
export const asin = float('asin', S.asin, -0.9, 0.9);

/**
 * Another name of `asin`.
 *
 * @example
 * arcsin(tensor([0, 1])); // tensor([0.0000, 1.5708])
 */
export const arcsin = asin;

/**
 * The inverse cosine, in [0, π]; NaN outside [-1, 1].
 *
 * @example
 * acos(tensor([0, 1])); // tensor([1.5708, 0.0000])
 */
export const acos = float('acos', S.acos, -0.9, 0.9);

/**
 * Another name of `acos`.
 *
 * @example
 * arccos(tensor([0, 1])); // tensor([1.5708, 0.0000])
 */
export const arccos = acos;

/**
 * The inverse tangent, in (-π/2, π/2).
 *
 * @example
 * atan(tensor([0, 1])); // tensor([0.0000, 0.7854])
 */
export const atan = float('atan', S.atan);

/**
 * Another name of `atan`.
 *
 * @example
 * arctan(tensor([0, 1])); // tensor([0.0000, 0.7854])
 */
export const arctan = atan;

/**
 * The hyperbolic sine.
 *
 * @example
 * sinh(tensor([0, 1])); // tensor([0.0000, 1.1752])
 */
export const sinh = float('sinh', S.sinh);

/**
 * The hyperbolic cosine.
 *
 * @example
 * cosh(tensor([0, 1])); // tensor([1.0000, 1.5431])
 */
export const cosh = float('cosh', S.cosh);

/**
 * The hyperbolic tangent.
 *
 * @example
 * tanh(tensor([0, 1])); // tensor([0.0000, 0.7616])
 */
export const tanh = float('tanh', S.tanh);

/**
 * The inverse hyperbolic sine.
 *
 * @example
 * asinh(tensor([0, 1])); // tensor([0.0000, 0.8814])
 */
export const asinh = float('asinh', S.asinh);

/**
 * Another name of `asinh`.
 *
 * @example
 * arcsinh(tensor([0, 1])); // tensor([0.0000, 0.8814])
 */
export const arcsinh = asinh;

/**
 * The inverse hyperbolic cosine; NaN below 1.
 *
 * @example
 * acosh(tensor([1, 2])); // tensor([0.0000, 1.3170])
 */
export const acosh = float('acosh', S.acosh, 1.2, 3);

/**
 * Another name of `acosh`.
 *
 * @example
 * arccosh(tensor([1, 2])); // tensor([0.0000, 1.3170])
 */
export const arccosh = acosh;

/**
 * The inverse hyperbolic tangent; NaN outside [-1, 1].
 *
 * @example
 * atanh(tensor([0, 0.5])); // tensor([0.0000, 0.5493])
 */
export const atanh = float('atanh', S.atanh, -0.9, 0.9);

/**
 * Another name of `atanh`.
 *
 * @example
 * arctanh(tensor([0, 0.5])); // tensor([0.0000, 0.5493])
 */
export const arctanh = atanh;

/**
 * The angle of the point (other, input), in [-π, π], broadcast. Integers and bool give the default float; complex is refused.
 *
 * @example
 * atan2(tensor([1, -1]), tensor([0, -1])); // tensor([ 1.5708, -2.3562])
 */
export const atan2: BinaryTensorsFloat<'atan2', RealDType> = binary('atan2', S.atan2, {
  type: toRealFloat,
  scalars: 'none',
  samples: binarySamples(0.5, 2),
  bad: BAD_BROADCAST,
});

/**
 * Another name of `atan2`.
 *
 * @example
 * arctan2(tensor([1]), tensor([0])); // tensor([1.5708])
 */
export const arctan2 = atan2;

/**
 * The length of the vector (input, other), broadcast, without overflow. Floating dtypes.
 *
 * @example
 * hypot(tensor([3]), tensor([4])); // tensor([5.])
 */
export const hypot: BinaryTensors<'hypot', RealDType> = binary('hypot', S.hypot, {
  type: realFloatOnly,
  scalars: 'none',
  samples: binarySamples(0.5, 2),
  bad: BAD_BROADCAST,
});

/**
 * sin(πx) / (πx), and 1 at 0.
 *
 * @example
 * sinc(tensor([0, 0.5])); // tensor([1.0000, 0.6366])
 */
export const sinc = float('sinc', (x) => {
  const angle = S.mul(x, Math.PI);
  return S.select(S.eq(x, 0), 1, S.div(S.sin(angle), angle));
});

/**
 * Degrees to radians.
 *
 * @example
 * deg2rad(tensor([180])); // tensor([3.1416])
 */
export const deg2rad: UnaryFloat<RealDType> = unary('deg2rad', (x) => S.mul(x, Math.PI / 180), {
  type: toRealFloat,
  samples: unarySamples(-2, 2, true),
  bad: BAD_NO_TENSOR,
});

/**
 * Radians to degrees.
 *
 * @example
 * rad2deg(tensor([Math.PI])); // tensor([180.])
 */
export const rad2deg: UnaryFloat<RealDType> = unary('rad2deg', (x) => S.mul(x, 180 / Math.PI), {
  type: toRealFloat,
  samples: unarySamples(-2, 2, true),
  bad: BAD_NO_TENSOR,
});

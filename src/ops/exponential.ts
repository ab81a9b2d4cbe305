import type { RealDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { BAD_BROADCAST, BAD_NO_TENSOR, binarySamples, planned, realFloatOnly, toRealFloat, unarySamples } from './elementwise.ts';
import { binary, mapOperator, requireTensor, unary } from './family.ts';
import type { BinaryFloat, BinaryTensors, UnaryFloat } from './types.ts';

/** Roots, exponentials, logarithms and what is made of them. Integers and bool give the default float. */

const float = (name: string, build: (x: S.Expr) => S.Expr, low: number, high: number): UnaryFloat =>
  unary(name, build, { type: 'float', samples: unarySamples(low, high, true), bad: BAD_NO_TENSOR });

/**
 * The square root of each element; NaN below 0.
 *
 * @example
 * sqrt(tensor([4, 9])); // tensor([2., 3.])
 */
export const sqrt = float('sqrt', S.sqrt, 0.5, 3);

/**
 * One over the square root of each element.
 *
 * @example
 * rsqrt(tensor([4, 16])); // tensor([0.5000, 0.2500])
 */
export const rsqrt = float('rsqrt', S.rsqrt, 0.5, 3);

/**
 * One over each element.
 *
 * @example
 * reciprocal(tensor([4, -2])); // tensor([ 0.2500, -0.5000])
 */
export const reciprocal = float('reciprocal', S.reciprocal, 0.5, 3);

/**
 * e to the power of each element.
 *
 * @example
 * exp(tensor([0, 1])); // tensor([1.0000, 2.7183])
 */
export const exp = float('exp', S.exp, -2, 2);

/**
 * 2 to the power of each element.
 *
 * @example
 * exp2(tensor([0, 3])); // tensor([1., 8.])
 */
export const exp2 = float('exp2', S.exp2, -2, 2);

/**
 * e to the power of each element, minus 1, without cancellation near 0.
 *
 * @example
 * expm1(tensor([0, 1])); // tensor([0.0000, 1.7183])
 */
export const expm1 = float('expm1', S.expm1, -2, 2);

/**
 * The natural logarithm of each element.
 *
 * @example
 * log(tensor([1, Math.E])); // tensor([0., 1.])
 */
export const log = float('log', S.log, 0.5, 3);

/**
 * The logarithm to base 2.
 *
 * @example
 * log2(tensor([1, 8])); // tensor([0., 3.])
 */
export const log2 = float('log2', S.log2, 0.5, 3);

/**
 * The logarithm to base 10.
 *
 * @example
 * log10(tensor([1, 100])); // tensor([0., 2.])
 */
export const log10 = float('log10', S.log10, 0.5, 3);

/**
 * log(1 + x), without cancellation near 0.
 *
 * @example
 * log1p(tensor([0, 1])); // tensor([0.0000, 0.6931])
 */
export const log1p = float('log1p', S.log1p, -0.5, 3);

/**
 * The logistic function 1 / (1 + exp(-x)).
 *
 * @example
 * sigmoid(tensor([0, 2])); // tensor([0.5000, 0.8808])
 */
export const sigmoid = float('sigmoid', S.sigmoid, -3, 3);

const logitPlain = mapOperator('logit', 1, 0, ([x]) => S.logit(x as S.Expr));
const logitClamped = mapOperator('logit', 1, 2, ([x], [low, high]) =>
  S.logit(S.clampMax(S.clampMin(x as S.Expr, low as S.Expr), high as S.Expr)),
);

/**
 * log(x / (1 - x)), the inverse of `sigmoid`; NaN outside [0, 1] unless `eps` is given, which first brings elements into [eps, 1 - eps].
 * Complex is refused.
 *
 * @example
 * logit(tensor([0.5, 0.9])); // tensor([0.0000, 2.1972])
 */
export const logit: UnaryFloat<RealDType, [eps?: number | null]> = planned(
  'logit',
  (input: Tensor, eps?: number | null) => {
    requireTensor('logit', 'input', input);
    const compute = toRealFloat(input.type, 'logit');
    if (eps === null || eps === undefined) return { operator: logitPlain, inputs: [input], values: [], compute };
    return { operator: logitClamped, inputs: [input], values: [eps, 1 - eps], compute };
  },
  {
    signature: 'input, eps?',
    samples: [...unarySamples(0.1, 0.9), { args: [t([2, 3], { low: 0.2, high: 0.8 }), 0.1] }],
    bad: [{ args: [t([2], { dtype: 'complex64' })], error: /complex64/ }],
  },
);

/**
 * log(exp(a) + exp(b)), without overflow, broadcast. Floating dtypes.
 *
 * @example
 * logaddexp(tensor([0, 100]), tensor([0, 100])); // tensor([  0.6931, 100.6931])
 */
export const logaddexp: BinaryTensors<'logaddexp', RealDType> = binary('logaddexp', S.logaddexp, {
  type: realFloatOnly,
  scalars: 'none',
  samples: binarySamples(),
  bad: BAD_BROADCAST,
});

/**
 * log2(2 ** a + 2 ** b), without overflow, broadcast. Floating dtypes.
 *
 * @example
 * logaddexp2(tensor([0, 100]), tensor([0, 100])); // tensor([  1., 101.])
 */
export const logaddexp2: BinaryTensors<'logaddexp2', RealDType> = binary('logaddexp2', S.logaddexp2, {
  type: realFloatOnly,
  scalars: 'none',
  samples: binarySamples(),
  bad: BAD_BROADCAST,
});

/**
 * x · log(y), broadcast; either may be a number. 0 where x is 0, unless y is NaN. Integers and bool give the default float; complex is refused.
 *
 * @example
 * xlogy(tensor([0, 2]), tensor([0, 3])); // tensor([0.0000, 2.1972])
 */
export const xlogy: BinaryFloat<'xlogy', RealDType> = binary('xlogy', S.xlogy, {
  type: toRealFloat,
  samples: binarySamples(0.5, 3, 2),
  bad: BAD_BROADCAST,
});

import type { RealDType } from '../../dtype/types.ts';
import * as S from '../../scalar/expr.ts';
import { BAD_BROADCAST, BAD_COMPLEX, binarySamples, toRealFloat, unarySamples } from '../elementwise.ts';
import { binary, unary } from '../family.ts';
import type { BinaryFloat, UnaryFloat } from '../types.ts';

/** The special functions that are one scalar expression. Integers and bool give the default float; complex is refused. */

const float = (name: string, build: (x: S.Expr) => S.Expr, low: number, high: number): UnaryFloat<RealDType> =>
  unary(`special.${name}`, build, { type: toRealFloat, samples: unarySamples(low, high, true), bad: BAD_COMPLEX });

/**
 * Entropy, -x · log(x): 0 at 0, -Infinity below.
 *
 * @example
 * special.entr(tensor([0, 0.5])); // tensor([0.0000, 0.3466])
 */
export const entr = float('entr', S.entr, 0.2, 2);

/**
 * The scaled complementary error function, exp(x²) · erfc(x) (DLMF 7.2.3).
 *
 * @example
 * special.erfcx(tensor([0, 1])); // tensor([1.0000, 0.4276])
 */
export const erfcx = float('erfcx', S.erfcx, -1, 2);

/**
 * The distribution function of the standard normal distribution.
 *
 * @example
 * special.ndtr(tensor([0, 1])); // tensor([0.5000, 0.8413])
 */
export const ndtr = float('ndtr', (x) => S.mul(0.5, S.erfc(S.mul(x, -Math.SQRT1_2))), -2, 2);

/**
 * The inverse of `ndtr`: infinite at 0 and 1, NaN outside.
 *
 * @example
 * special.ndtri(tensor([0.5, 0.9])); // tensor([0.0000, 1.2816])
 */
export const ndtri = float('ndtri', S.ndtri, 0.1, 0.9);

/**
 * The logarithm of `ndtr`, accurate in both tails.
 *
 * @example
 * special.logNdtr(tensor([0, -10])); // tensor([ -0.6931, -53.2313])
 */
export const logNdtr = float('logNdtr', S.logNdtr, -2, 2);

/**
 * x · log(1 + y), broadcast; either may be a number. 0 where x is 0, unless y is NaN.
 *
 * @example
 * special.xlog1py(tensor([0, 2]), tensor([-1, 2])); // tensor([0.0000, 2.1972])
 */
export const xlog1py: BinaryFloat<'xlog1py', RealDType> = binary('special.xlog1py', S.xlog1py, {
  type: toRealFloat,
  samples: binarySamples(0.5, 3, 2),
  bad: BAD_BROADCAST,
});

export { exp2, expm1, log1p, logit, sigmoid as expit, xlogy } from '../exponential.ts';
export { digamma, digamma as psi, erf, erfc, erfinv, lgamma as gammaln, mvlgamma as multigammaln, polygamma } from '../gamma.ts';
export { round } from '../rounding.ts';
export { sinc } from '../trigonometric.ts';

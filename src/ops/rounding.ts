import { INT64 } from '../dtype/dtype.ts';
import type { FloatDType, NumericDType, RealDType, RealNumericDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { requireWhole } from '../util/whole.ts';
import { BAD_COMPLEX, boolToInteger, planned, realFloatOnly, realNumbers, unarySamples } from './elementwise.ts';
import { mapOperator, notBool, realOnly, requireTensor, unary } from './family.ts';
import type { UnaryBool, UnaryReal, UnarySame, UnarySquare } from './types.ts';

/** Magnitude, sign and rounding. */

const SAMPLES = unarySamples().map((sample) => ({ ...sample, skipNumericGradient: true }));

function step<R extends object>(name: string, build: (x: S.Expr) => S.Expr, type: typeof realNumbers = realNumbers): R {
  return unary(name, build, { type, samples: SAMPLES, bad: BAD_COMPLEX });
}

/**
 * The magnitude of each element. Not defined for bool. The derivative at 0 is 0.
 *
 * @example
 * abs(tensor([-1, 2])); // tensor([1., 2.])
 */
export const abs: UnaryReal<NumericDType> = unary('abs', S.abs, {
  type: notBool,
  samples: SAMPLES,
  bad: [{ args: [t([2], { dtype: 'bool' })], error: /bool/ }],
});

/**
 * Another name of `abs`.
 *
 * @example
 * absolute(tensor([-1, 2])); // tensor([1., 2.])
 */
export const absolute = abs;

/**
 * -1, 0 or 1 by the sign of each element; 0 at NaN. Real dtypes.
 *
 * @example
 * sign(tensor([-3, 0, 2])); // tensor([-1., 0., 1.])
 */
export const sign: UnarySame<RealDType> = step('sign', S.sign, realOnly);

/**
 * The sign of each element; on real numbers the same as `sign`.
 *
 * @example
 * sgn(tensor([-3, 0, 2])); // tensor([-1., 0., 1.])
 */
export const sgn: UnarySame<RealDType> = step('sgn', S.sign, realOnly);

/**
 * Whether the sign bit is set: true for negative numbers and for -0. Result: bool.
 *
 * @example
 * signbit(tensor([-1, -0, 0])); // tensor([ True,  True, False])
 */
export const signbit: UnaryBool<RealDType> = unary('signbit', S.signbit, { type: realOnly, samples: SAMPLES, bad: BAD_COMPLEX });

/**
 * The largest whole number not above each element; integers stay as they are. Bool and complex are refused.
 *
 * @example
 * floor(tensor([-1.5, 1.5])); // tensor([-2., 1.])
 */
export const floor: UnarySame<RealNumericDType> = step('floor', S.floor);

/**
 * The smallest whole number not below each element; integers stay as they are. Bool and complex are refused.
 *
 * @example
 * ceil(tensor([-1.5, 1.5])); // tensor([-1., 2.])
 */
export const ceil: UnarySame<RealNumericDType> = step('ceil', S.ceil);

/**
 * Each element without its fraction; integers stay as they are. Bool and complex are refused.
 *
 * @example
 * trunc(tensor([-1.5, 1.5])); // tensor([-1., 1.])
 */
export const trunc: UnarySame<RealNumericDType> = step('trunc', S.trunc);

/**
 * Another name of `trunc`.
 *
 * @example
 * fix(tensor([-1.5, 1.5])); // tensor([-1.,  1.])
 */
export const fix = trunc;

/**
 * The fraction of each element, with its sign: `input - trunc(input)`. Floating dtypes.
 *
 * @example
 * frac(tensor([-1.5, 1.25])); // tensor([-0.5000, 0.2500])
 */
export const frac: UnarySame<FloatDType> = unary('frac', (x) => S.sub(x, S.trunc(x)), {
  type: realFloatOnly,
  samples: SAMPLES,
  bad: BAD_COMPLEX,
});

const whole = mapOperator('round', 1, 0, ([x]) => S.round(x as S.Expr));
const fine = mapOperator('round', 1, 1, ([x], [scale]) => S.div(S.round(S.mul(x as S.Expr, scale as S.Expr)), scale as S.Expr));
const coarse = mapOperator('round', 1, 1, ([x], [scale]) => S.mul(S.round(S.div(x as S.Expr, scale as S.Expr)), scale as S.Expr));

/** Options of `round`. */
export interface RoundOptions {
  /** Digits after the point; negative ones round to tens, hundreds, … Default 0. */
  readonly decimals?: number;
}

/**
 * Each element rounded to the nearest number with `decimals` digits after the point, halves to the even one. Integers stay as they are and take no
 * `decimals`; bool and complex are refused.
 *
 * @example
 * round(tensor([0.5, 1.5, 2.345]), { decimals: 0 }); // tensor([0., 2., 2.])
 */
export const round: UnarySame<RealNumericDType, [options?: RoundOptions]> = planned(
  'round',
  (input: Tensor, options?: RoundOptions) => {
    requireTensor('round', 'input', input);
    const decimals = options?.decimals ?? 0;
    requireWhole('round', 'decimals', decimals);
    const compute = decimals === 0 ? realNumbers(input.type, 'round') : realFloatOnly(input.type, 'round');
    if (decimals === 0) return { operator: whole, inputs: [input], values: [], compute };
    return { operator: decimals > 0 ? fine : coarse, inputs: [input], values: [10 ** Math.abs(decimals)], compute };
  },
  {
    signature: 'input, *, decimals',
    samples: [
      ...SAMPLES,
      { args: [t([2, 3]), { decimals: 1 }], skipNumericGradient: true },
      { args: [t([3]), { decimals: -1 }], skipNumericGradient: true },
    ],
    bad: [...BAD_COMPLEX, { args: [t([2], { dtype: 'int64', grad: false }), { decimals: 1 }], error: /floating/ }],
  },
);

/**
 * The square of each element. Bool gives int64.
 *
 * @example
 * square(tensor([-2, 3])); // tensor([4., 9.])
 */
export const square: UnarySquare = unary('square', (x) => S.mul(x, x), {
  type: boolToInteger(INT64),
  samples: unarySamples(),
  bad: [{ args: [2], error: /must be a tensor/ }],
});

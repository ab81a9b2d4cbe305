import type { RealDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { requireWhole } from '../util/whole.ts';
import { BAD_COMPLEX, planned, toRealFloat, unarySamples } from './elementwise.ts';
import { mapOperator, requireTensor, unary } from './family.ts';
import type { OrderFirst, UnaryFloat } from './types.ts';

/** The error function, the gamma function and their relatives. Integers and bool give the default float; complex is refused. */

const float = (name: string, build: (x: S.Expr) => S.Expr, low: number, high: number): UnaryFloat<RealDType> =>
  unary(name, build, { type: toRealFloat, samples: unarySamples(low, high, true), bad: BAD_COMPLEX });

/**
 * The error function (DLMF 7.2.1).
 *
 * @example
 * erf(tensor([0, 1])); // tensor([0.0000, 0.8427])
 */
export const erf = float('erf', S.erf, -2, 2);

/**
 * The complementary error function, 1 - erf(x), without cancellation.
 *
 * @example
 * erfc(tensor([0, 1])); // tensor([1.0000, 0.1573])
 */
export const erfc = float('erfc', S.erfc, -2, 2);

/**
 * The inverse of the error function; infinite at -1 and 1, NaN outside.
 *
 * @example
 * erfinv(tensor([0, 0.5])); // tensor([0.0000, 0.4769])
 */
export const erfinv = float('erfinv', S.erfinv, -0.9, 0.9);

/**
 * The logarithm of the absolute value of the gamma function.
 *
 * @example
 * lgamma(tensor([1, 4])); // tensor([0.0000, 1.7918])
 */
export const lgamma = float('lgamma', S.lgamma, 0.5, 4);

/**
 * The derivative of `lgamma`.
 *
 * @example
 * digamma(tensor([1, 2])); // tensor([-0.5772,  0.4228])
 */
export const digamma = float('digamma', S.digamma, 0.5, 4);

const ofOrder = mapOperator('polygamma', 1, 1, ([x], [n]) => S.polygamma(n as S.Expr, x as S.Expr));

/**
 * The n-th derivative of `digamma`, n >= 0 (DLMF 5.15). As a method the order comes second in PyTorch too: `x.polygamma(n)`.
 *
 * @example
 * polygamma(1, tensor([1, 2])); // tensor([1.6449, 0.6449])
 */
export const polygamma: OrderFirst<RealDType> = planned(
  'polygamma',
  (n: number, input: Tensor) => {
    requireTensor('polygamma', 'input', input);
    requireWhole('polygamma', 'n', n, 0);
    return { operator: ofOrder, inputs: [input], values: [n], compute: toRealFloat(input.type, 'polygamma') };
  },
  {
    signature: 'n, input',
    samples: [0, 1, 2].map((n) => ({ args: [n, t([2, 3], { low: 0.5, high: 3 })] })),
    bad: [{ args: [-1, t([2])], error: /from 0 on/ }],
  },
);

const multivariate = new Map<number, MapOperator>();

/** p (p - 1) / 4 log(π) plus lgamma at x, x - 1/2, …, x - (p - 1) / 2. */
function multivariateOf(p: number): MapOperator {
  let operator = multivariate.get(p);
  if (operator === undefined) {
    operator = mapOperator('mvlgamma', 1, 0, ([x]) => {
      let sum: S.Expr = S.lgamma(x as S.Expr);
      for (let j = 1; j < p; j++) sum = S.add(sum, S.lgamma(S.sub(x as S.Expr, j / 2)));
      return S.add(sum, (p * (p - 1) * Math.log(Math.PI)) / 4);
    });
    multivariate.set(p, operator);
  }
  return operator;
}

/**
 * The logarithm of the multivariate gamma function of dimension `p` >= 1 (DLMF 35.3.4).
 *
 * @example
 * mvlgamma(tensor([3, 4]), 2); // tensor([1.5502, 3.5651])
 */
export const mvlgamma: UnaryFloat<RealDType, [p: number]> = planned(
  'mvlgamma',
  (input: Tensor, p: number) => {
    requireTensor('mvlgamma', 'input', input);
    requireWhole('mvlgamma', 'p', p, 1);
    return { operator: multivariateOf(p), inputs: [input], values: [], compute: toRealFloat(input.type, 'mvlgamma') };
  },
  {
    signature: 'input, p',
    samples: [1, 2, 3].map((p) => ({ args: [t([2, 3], { low: 2, high: 4 }), p] })),
    bad: [{ args: [t([2]), 0], error: /from 1 on/ }],
  },
);

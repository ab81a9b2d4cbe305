import { type DTypeInfo, INT64 } from '../dtype/dtype.ts';
import { toFloatType } from '../dtype/promotion.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { elementsOf } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { callMap, commonType, compositeOperator, described, mapOperator, realOnly, requireTensor } from './family.ts';
import { DIV, MUL, SQRT, SUB } from './maps.ts';
import { matrixProduct } from './matmul.ts';
import { diagonalOf } from './movement.ts';
import { meanOver, scaled, sumOver } from './reduction.ts';
import { any } from './statistics.ts';
import { cast, permute, reshape } from './structural.ts';
import type { CovarianceFunction } from './types.ts';

/** What is left of the weight by the correction: never less than 0. */
const DIVISOR = mapOperator('cov', 2, 1, ([sum, square], [correction]) => {
  const rest = S.sub(sum as S.Expr, S.mul(correction as S.Expr, S.div(square as S.Expr, sum as S.Expr)));
  return S.select(S.gt(rest, 0), rest, 0);
});

interface CovarianceParams {
  readonly correction: number;
  readonly type: DTypeInfo;
  readonly frequencies: boolean;
  readonly importances: boolean;
}

/** Σ w (x - mean)(y - mean) over what is left of Σ w; rows are variables. */
function covariance(inputs: readonly Tensor[], { correction, type, frequencies, importances }: CovarianceParams): Tensor {
  const x = inputs[0] as Tensor;
  const rows = reshape(cast(x, type), x.ndim === 2 ? x.shape : [1, x.size]);
  const [variables, observations] = rows.shape as [number, number];
  // Weights are added up in their own dtype, as PyTorch does.
  const repeat = frequencies ? (inputs[1] as Tensor) : null;
  const importance = importances ? (inputs[frequencies ? 2 : 1] as Tensor) : null;
  const weight = repeat === null ? importance : importance === null ? repeat : callMap(MUL, [repeat, importance], [], importance.type);
  let result: Tensor;
  if (weight === null) {
    const deviations = callMap(SUB, [rows, meanOver(rows, [1], true)], [], type);
    result = scaled(matrixProduct(deviations, permute(deviations, [1, 0])), 1 / Math.max(0, observations - correction));
  } else {
    const total = sumOver(weight, [0]);
    const mean = callMap(DIV, [sumOver(callMap(MUL, [rows, weight], [], type), [1], true), total], [], type);
    const deviations = callMap(SUB, [rows, mean], [], type);
    const product = matrixProduct(callMap(MUL, [deviations, weight], [], type), permute(deviations, [1, 0]));
    const square = importance === null ? total : sumOver(callMap(MUL, [weight, importance], [], weight.type), [0]);
    const divisor = callMap(DIVISOR, [total, square], [correction], toFloatType(weight.type));
    result = callMap(DIV, [product, divisor], [], type);
  }
  return variables === 1 ? reshape(result, []) : result;
}

const covOperator = compositeOperator<CovarianceParams>('cov', covariance);

export interface CovarianceOptions {
  /** What is taken off the number of observations. Default 1. */
  readonly correction?: number;
  /** How often each observation counts: whole numbers. */
  readonly fweights?: Tensor | null;
  /** How much each observation counts. */
  readonly aweights?: Tensor | null;
}

const NEGATIVE = mapOperator('lt', 1, 0, ([x]) => S.lt(x as S.Expr, 0));

function checkWeights(role: string, weights: Tensor, observations: number, whole: boolean): void {
  requireTensor('cov', role, weights);
  if (weights.ndim > 1) throw new ShapeError(`cov: ${role} must have at most one dimension, got ${formatShape(weights.shape)}`);
  if (whole !== weights.type.isInteger || (!whole && !weights.type.isFloat))
    throw new DTypeError(`cov: ${role} must have ${whole ? 'an integer' : 'a floating'} dtype, got ${weights.dtype}`);
  if (weights.size !== observations) throw new ShapeError(`cov: ${role} has ${weights.size} elements for ${observations} observations`);
  if (weights.wrapped === null && weights.size > 0 && elementsOf(any(callMap(NEGATIVE, [weights], [], weights.type)))[0] === true) {
    throw new ArgumentError(`cov: ${role} must not be negative`);
  }
}

/** A matrix of variables by observations, or one variable. */
function checkObservations(name: string, input: Tensor): number {
  requireTensor(name, 'input', input);
  realOnly(input.type, name);
  if (input.ndim > 2)
    throw new ShapeError(`${name}: the input has at most two dimensions, variables and observations; got ${formatShape(input.shape)}`);
  if (input.type.kind === 'bool') throw new DTypeError(`${name}: not defined for dtype bool`);
  return input.ndim === 2 ? (input.shape[1] as number) : input.size;
}

/**
 * The covariance matrix of variables in rows and observations in columns; of one variable its variance. `fweights` (integers) say how often an
 * observation counts, `aweights` how much. Integers become the default float.
 *
 * @example
 * cov(tensor([[1, 2], [2, 4]])); // tensor([[0.5000, 1.0000], [1.0000, 2.0000]])
 */
export const cov: CovarianceFunction<'cov', [options?: CovarianceOptions]> = described(
  'cov',
  (input: Tensor, options: CovarianceOptions = {}): Tensor => {
    const observations = checkObservations('cov', input);
    const { fweights = null, aweights = null, correction = 1 } = options;
    if (fweights !== null) checkWeights('fweights', fweights, observations, true);
    if (aweights !== null) checkWeights('aweights', aweights, observations, false);
    const weights = [fweights, aweights].filter((w): w is Tensor => w !== null);
    const type = toFloatType(commonType([input, ...(aweights === null ? [] : [aweights])]));
    const params = { correction, type, frequencies: fweights !== null, importances: aweights !== null };
    return applyOne(covOperator, [input, ...weights.map((w) => (w.type.isInteger ? cast(w, INT64) : w))], params);
  },
  {
    signature: 'input, *, correction, fweights, aweights',
    samples: [
      { args: [t([4])] },
      { args: [t([2, 5])] },
      { args: [t([3, 4]), { correction: 0 }] },
      { args: [t([2, 3]), { fweights: t([3], { dtype: 'int64', values: [1, 2, 1] }), aweights: t([3], { low: 0.5, high: 1 }) }] },
    ],
    bad: [
      { args: [t([2, 3, 4])], error: /at most two dimensions/ },
      { args: [t([3]), { fweights: t([3]) }], error: /integer/ },
      { args: [t([3]), { aweights: t([2]) }], error: /2 elements for 3/ },
    ],
  },
);

const CORRELATION = mapOperator('corrcoef', 3, 0, ([c, a, b]) => S.div(S.div(c as S.Expr, a as S.Expr), b as S.Expr));
const ITSELF = mapOperator('div', 1, 0, ([x]) => S.div(x as S.Expr, x as S.Expr));

const corrcoefOperator = compositeOperator<DTypeInfo>('corrcoef', ([x], type) => {
  const c = covariance([x as Tensor], { correction: 1, type, frequencies: false, importances: false });
  if (c.ndim === 0) return callMap(ITSELF, [c], [], type);
  const deviations = callMap(SQRT, [diagonalOf(c, 0, 0, 1)], [], type);
  const size = deviations.size;
  return callMap(CORRELATION, [c, reshape(deviations, [size, 1]), reshape(deviations, [1, size])], [], type);
});

/**
 * The correlation matrix (Pearson's coefficients) of variables in rows and observations in columns. Integers become the default float.
 *
 * @example
 * corrcoef(tensor([[1, 2, 3], [3, 2, 1]])); // tensor([[1., -1.], [-1., 1.]])
 */
export const corrcoef: CovarianceFunction<'corrcoef', []> = described(
  'corrcoef',
  (input: Tensor): Tensor => {
    checkObservations('corrcoef', input);
    return applyOne(corrcoefOperator, [input], toFloatType(input.type));
  },
  {
    signature: 'input',
    samples: [{ args: [t([2, 5])] }, { args: [t([4])] }, { args: [t([3, 4])] }],
    bad: [{ args: [t([2, 3, 4])], error: /at most two dimensions/ }],
  },
);

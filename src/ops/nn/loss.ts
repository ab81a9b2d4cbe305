import { toFloatType } from '../../dtype/promotion.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { broadcastShapes } from '../../shape/broadcast.ts';
import { formatShape, sameShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { elementsOf } from '../../tensor/data.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../../util/errors.ts';
import { fullTensor } from '../create.ts';
import { callMap, compositeOperator, described, mapOperator, requireTensor } from '../family.ts';
import { DIV } from '../maps.ts';
import { scaled, sumOver } from '../reduction.ts';
import { any } from '../statistics.ts';
import { reshape } from '../structural.ts';
import type { BroadcastingLoss, ElementLoss, ReducedLoss } from '../types.ts';
import { boundBelow } from './bound.ts';
import { allDims, elementwiseLoss, type LossOptions, type LossParams, lossType, type Reduction, reductionOf } from './reduced-loss.ts';

const PAIR_SAMPLES = [
  { args: [t([3]), t([3])] },
  { args: [t([2, 3]), t([2, 3]), { reduction: 'sum' }] },
  { args: [t([2, 3]), t([2, 3]), { reduction: 'none' }] },
  { args: [t([]), t([])] },
];
const BAD_PAIR = [
  { args: [t([2, 3]), t([2, 3]), { reduction: 'abc' }], error: /reduction must be/ },
  { args: [t([2, 3]), t([4])], error: /\[2, 3\].*\[4\]/ },
];

function build(f: (...xs: S.Expr[]) => S.Expr, arity: number, params = 0, name = 'loss') {
  return mapOperator(name, arity, params, (xs, ps) => f(...xs, ...ps));
}

// ---------------------------------------------------------------- distances from a target

export interface WeightedLossOptions extends LossOptions {
  /** A factor for each element, of the shape of the input. */
  readonly weight?: Tensor | null;
}

/** A loss with optional weights, whose weighted mean is over the sum of the weights. */
function weightedLoss<R extends object>(name: string, single: (d: S.Expr) => S.Expr): R {
  const operator = elementwiseLoss(
    name,
    build((x, y) => single(S.sub(x, y)), 2),
  );
  const weighted = elementwiseLoss(
    name,
    build((x, y, w) => S.mul(single(S.sub(x, y)), w), 3),
  );
  const weightedMean = compositeOperator<LossParams>(name, ([x, y, w], params) => {
    const weight = w as Tensor;
    const total = applyOne(weighted, [x as Tensor, y as Tensor, weight], { ...params, reduction: 'sum' as const });
    return callMap(DIV, [total, sumOver(weight, allDims(weight))], [], params.compute);
  });
  return described(
    name,
    (input: Tensor, target: Tensor, options: WeightedLossOptions = {}): Tensor => {
      const reduction = reductionOf(name, options.reduction);
      const { weight } = options;
      const tensors = weight === null || weight === undefined ? [input, target] : [input, target, weight];
      const params: LossParams = { values: [], compute: lossType(name, tensors), reduction };
      broadcastShapes(name, input.shape, target.shape);
      if (weight === null || weight === undefined) return applyOne(operator, tensors, params);
      if (!sameShape(weight.shape, input.shape))
        throw new ShapeError(
          `${name}: weight has shape ${formatShape(weight.shape)} for an input of ${formatShape(input.shape)}: they must be equal`,
        );
      return applyOne(reduction === 'mean' ? weightedMean : weighted, tensors, params);
    },
    { signature: 'input, target, *, weight, reduction', samples: PAIR_SAMPLES, bad: BAD_PAIR },
  );
}

/**
 * The mean squared error: (input - target)², averaged, summed (`reduction: 'sum'`) or as it is ('none'). With `weight` the mean is over the sum of the
 * weights. Needs a floating dtype; shapes broadcast.
 *
 * @example
 * nn.functional.mseLoss(tensor([1, 2]), tensor([1, 4])); // tensor(2.)
 */
export const mseLoss: ElementLoss<'mseLoss', Omit<WeightedLossOptions, 'reduction'>> = weightedLoss('nn.functional.mseLoss', (d) =>
  S.mul(d, d),
);

/**
 * The mean absolute error: |input - target|, averaged, summed (`reduction: 'sum'`) or as it is ('none').
 *
 * @example
 * nn.functional.l1Loss(tensor([1, 2]), tensor([1, 4])); // tensor(1.)
 */
export const l1Loss: ElementLoss<'l1Loss', Omit<WeightedLossOptions, 'reduction'>> = weightedLoss('nn.functional.l1Loss', (d) => S.abs(d));

const smoothL1Operator = elementwiseLoss(
  'nn.functional.smoothL1Loss',
  build(
    (x, y, beta) => {
      const d = S.sub(x, y);
      return S.select(S.lt(S.abs(d), beta), S.div(S.mul(S.mul(0.5, d), d), beta), S.sub(S.abs(d), S.mul(0.5, beta)));
    },
    2,
    1,
  ),
);

/**
 * Squared below `beta` (0.5 d² / beta), absolute above (|d| - beta / 2): the gradient never exceeds 1.
 *
 * @example
 * nn.functional.smoothL1Loss(tensor([0, 3]), tensor([1, 0]), { reduction: 'none' }); // tensor([0.5000, 2.5000])
 */
export const smoothL1Loss: ElementLoss<'smoothL1Loss', { readonly beta?: number }> = described(
  'nn.functional.smoothL1Loss',
  (input: Tensor, target: Tensor, options: LossOptions & { readonly beta?: number } = {}): Tensor => {
    const name = 'nn.functional.smoothL1Loss';
    const beta = options.beta ?? 1;
    const reduction = reductionOf(name, options.reduction);
    const compute = lossType(name, [input, target]);
    if (!(beta >= 0)) throw new ArgumentError(`${name}: beta must be at least 0, got ${beta}`);
    return applyOne(smoothL1Operator, [input, target], { values: [beta], compute, reduction });
  },
  {
    signature: 'input, target, *, reduction, beta',
    samples: [...PAIR_SAMPLES, { args: [t([3]), t([3]), { beta: 0.5 }] }],
    bad: [...BAD_PAIR, { args: [t([2]), t([2]), { beta: -1 }], error: /beta/ }],
  },
);

const huber = (x: S.Expr, y: S.Expr, delta: S.Expr): S.Expr => {
  const d = S.sub(x, y);
  return S.select(S.lt(S.abs(d), delta), S.mul(S.mul(0.5, d), d), S.mul(delta, S.sub(S.abs(d), S.mul(0.5, delta))));
};
const huberOperator = elementwiseLoss('nn.functional.huberLoss', build(huber, 2, 1));
const weightedHuberOperator = elementwiseLoss(
  'nn.functional.huberLoss',
  build((x, y, w, delta) => S.mul(huber(x, y, delta), w), 3, 1),
);

/**
 * Squared up to `delta` (0.5 d²), linear beyond (delta (|d| - delta / 2)). Huber, "Robust Estimation of a Location Parameter", 1964.
 *
 * @example
 * nn.functional.huberLoss(tensor([0, 3]), tensor([1, 0]), { reduction: 'none' }); // tensor([0.5000, 2.5000])
 */
export const huberLoss: ElementLoss<'huberLoss', { readonly delta?: number; readonly weight?: Tensor | null }> = described(
  'nn.functional.huberLoss',
  (input: Tensor, target: Tensor, options: WeightedLossOptions & { readonly delta?: number } = {}): Tensor => {
    const name = 'nn.functional.huberLoss';
    const delta = options.delta ?? 1;
    const reduction = reductionOf(name, options.reduction);
    const weight = options.weight ?? null;
    const tensors = weight === null ? [input, target] : [input, target, weight];
    const compute = lossType(name, tensors);
    if (!(delta > 0)) throw new ArgumentError(`${name}: delta must be greater than 0, got ${delta}`);
    if (weight !== null && !sameShape(weight.shape, input.shape))
      throw new ShapeError(
        `${name}: weight has shape ${formatShape(weight.shape)} for an input of ${formatShape(input.shape)}: they must be equal`,
      );
    return applyOne(weight === null ? huberOperator : weightedHuberOperator, tensors, { values: [delta], compute, reduction });
  },
  {
    signature: 'input, target, *, reduction, delta, weight',
    samples: [...PAIR_SAMPLES, { args: [t([3]), t([3]), { delta: 0.5 }] }],
    bad: [...BAD_PAIR, { args: [t([2]), t([2]), { delta: 0 }], error: /delta/ }],
  },
);

// ---------------------------------------------------------------- probabilities

/** -(y log(x) + (1 - y) log(1 - x)), logarithms at least -100, and the divisor of the derivative at least 1e-12, as PyTorch has it. */
const crossEntropyOfProbability = S.binary(
  'binaryCrossEntropy',
  (x, y) => (y - 1) * Math.max(Math.log1p(-x), -100) - y * Math.max(Math.log(x), -100),
  {
    partials: (_, x, y) => [S.div(S.sub(x, y), S.max(S.mul(S.sub(1, x), x), 1e-12)), S.sub(S.log1p(S.neg(x)), S.log(x))],
    expand: (x, y) => S.sub(S.mul(S.sub(y, 1), S.max(S.log1p(S.neg(x)), -100)), S.mul(y, S.max(S.log(x), -100))),
  },
);

const probabilityOperator = elementwiseLoss(
  'nn.functional.binaryCrossEntropy',
  build((x, y) => crossEntropyOfProbability(x, y), 2),
);
const weightedProbabilityOperator = elementwiseLoss(
  'nn.functional.binaryCrossEntropy',
  build((x, y, w) => S.mul(crossEntropyOfProbability(x, y), w), 3),
);

function requireEqualShapes(name: string, input: Tensor, target: Tensor): void {
  if (sameShape(input.shape, target.shape)) return;
  throw new ShapeError(
    `${name}: the target has shape ${formatShape(target.shape)}, the input ${formatShape(input.shape)}: they must be equal`,
  );
}

const PROBABILITIES = { low: 0.1, high: 0.9 };

/**
 * -(y log(x) + (1 - y) log(1 - x)) of probabilities `input` and targets y, averaged, summed (`reduction: 'sum'`) or as it is ('none'). Logarithms are
 * bounded by -100. `weight` broadcasts. From log-odds use `binaryCrossEntropyWithLogits`, which is more accurate.
 *
 * @example
 * nn.functional.binaryCrossEntropy(tensor([0.5, 0.5]), tensor([0, 1])); // tensor(0.6931)
 */
export const binaryCrossEntropy: ElementLoss<'binaryCrossEntropy', Omit<WeightedLossOptions, 'reduction'>> = described(
  'nn.functional.binaryCrossEntropy',
  (input: Tensor, target: Tensor, options: WeightedLossOptions = {}): Tensor => {
    const name = 'nn.functional.binaryCrossEntropy';
    const reduction = reductionOf(name, options.reduction);
    const weight = options.weight ?? null;
    const tensors = weight === null ? [input, target] : [input, target, weight];
    const compute = lossType(name, tensors);
    requireEqualShapes(name, input, target);
    requireProbabilities(name, input);
    return applyOne(weight === null ? probabilityOperator : weightedProbabilityOperator, tensors, { values: [], compute, reduction });
  },
  {
    signature: 'input, target, *, weight, reduction',
    samples: [
      { args: [t([3], PROBABILITIES), t([3], PROBABILITIES)] },
      { args: [t([2, 3], PROBABILITIES), t([2, 3], PROBABILITIES), { reduction: 'none' }] },
      { args: [t([2, 3], PROBABILITIES), t([2, 3], PROBABILITIES), { weight: t([3]), reduction: 'sum' }] },
    ],
    bad: [
      { args: [t([2, 3], PROBABILITIES), t([3], PROBABILITIES)], error: /must be equal/ },
      { args: [t([1], { values: [2] }), t([1])], error: /between 0 and 1/ },
    ],
  },
);

const OUTSIDE = mapOperator('isfinite', 1, 0, ([x]) => S.not(S.and(S.ge(x as S.Expr, 0), S.le(x as S.Expr, 1))));

/** Values can be looked at where the tensor is plain; a transformed one has none of its own. */
function requireProbabilities(name: string, input: Tensor): void {
  if (input.wrapped !== null || input.size === 0) return;
  const outside = any(callMap(OUTSIDE, [input], [], input.type));
  if (elementsOf(outside)[0] === true)
    throw new ArgumentError(`${name}: the input must be probabilities, between 0 and 1; from log-odds use binaryCrossEntropyWithLogits`);
}

const logistic = (x: S.Expr, y: S.Expr): S.Expr => S.add(S.mul(S.sub(1, y), x), S.softplus(S.neg(x)));
const logisticWeighted = (x: S.Expr, y: S.Expr, p: S.Expr): S.Expr =>
  S.add(S.mul(S.sub(1, y), x), S.mul(S.add(S.mul(S.sub(p, 1), y), 1), S.softplus(S.neg(x))));

const LOGITS = 'nn.functional.binaryCrossEntropyWithLogits';
const logitsOperators = {
  plain: elementwiseLoss(LOGITS, build(logistic, 2)),
  weight: elementwiseLoss(
    LOGITS,
    build((x, y, w) => S.mul(logistic(x, y), w), 3),
  ),
  positive: elementwiseLoss(LOGITS, build(logisticWeighted, 3)),
  both: elementwiseLoss(
    LOGITS,
    build((x, y, p, w) => S.mul(logisticWeighted(x, y, p), w), 4),
  ),
};

export interface LogitsLossOptions extends WeightedLossOptions {
  /** Factors of the positive targets' part, broadcast. */
  readonly posWeight?: Tensor | null;
}

/**
 * Binary cross entropy of log-odds, which neither overflows nor loses digits: `binaryCrossEntropy(sigmoid(input), target)`. `weight` scales elements,
 * `posWeight` the part of positive targets; both broadcast.
 *
 * @example
 * nn.functional.binaryCrossEntropyWithLogits(tensor([0, 0]), tensor([0, 1])); // tensor(0.6931)
 */
export const binaryCrossEntropyWithLogits: ElementLoss<'binaryCrossEntropyWithLogits', Omit<LogitsLossOptions, 'reduction'>> = described(
  LOGITS,
  (input: Tensor, target: Tensor, options: LogitsLossOptions = {}): Tensor => {
    const reduction = reductionOf(LOGITS, options.reduction);
    const weight = options.weight ?? null;
    const posWeight = options.posWeight ?? null;
    const tensors = [input, target, ...(posWeight === null ? [] : [posWeight]), ...(weight === null ? [] : [weight])];
    const compute = lossType(LOGITS, tensors);
    requireEqualShapes(LOGITS, input, target);
    const operator =
      posWeight === null
        ? weight === null
          ? logitsOperators.plain
          : logitsOperators.weight
        : weight === null
          ? logitsOperators.positive
          : logitsOperators.both;
    return applyOne(operator, tensors, { values: [], compute, reduction });
  },
  {
    signature: 'input, target, *, weight, reduction, pos_weight',
    samples: [
      ...PAIR_SAMPLES,
      { args: [t([2, 3]), t([2, 3]), { weight: t([3]) }] },
      { args: [t([2, 3]), t([2, 3]), { posWeight: t([3]), weight: t([2, 1]) }] },
    ],
    bad: [{ args: [t([2, 3]), t([3])], error: /must be equal/ }],
  },
);

const klOperator = elementwiseLoss(
  'nn.functional.klDiv',
  build((x, y) => S.sub(S.xlogy(y, y), S.mul(y, x)), 2),
);
const klOfLogsOperator = elementwiseLoss(
  'nn.functional.klDiv',
  build((x, y) => S.mul(S.exp(y), S.sub(y, x)), 2),
);
const klBatchOperator = compositeOperator<LossParams & { readonly logTarget: boolean; readonly batch: number }>(
  'nn.functional.klDiv',
  (inputs, params) => scaled(applyOne(params.logTarget ? klOfLogsOperator : klOperator, inputs, params), 1 / params.batch),
);

export interface DivergenceOptions {
  /** 'batchmean' divides the sum by the size of the first dimension: the divergence by its definition. Default 'mean'. */
  readonly reduction?: Reduction | 'batchmean';
  /** Whether the target holds logarithms too. */
  readonly logTarget?: boolean;
}

/**
 * The Kullback-Leibler divergence y (log(y) - input), where `input` holds log-probabilities.
 *
 * @example
 * nn.functional.klDiv(tensor([0, 0]), tensor([0, 0]), { logTarget: true }); // tensor(0.)
 */
export const klDiv: BroadcastingLoss<'klDiv', Omit<DivergenceOptions, 'reduction'>, Reduction | 'batchmean'> = described(
  'nn.functional.klDiv',
  (input: Tensor, target: Tensor, options: DivergenceOptions = {}): Tensor => {
    const name = 'nn.functional.klDiv';
    const reduction = reductionOf<Reduction | 'batchmean'>(name, options.reduction, ['mean', 'sum', 'none', 'batchmean']);
    const compute = lossType(name, [input, target]);
    const logTarget = options.logTarget === true;
    if (reduction !== 'batchmean')
      return applyOne(logTarget ? klOfLogsOperator : klOperator, [input, target], { values: [], compute, reduction });
    return applyOne(klBatchOperator, [input, target], {
      values: [],
      compute,
      reduction: 'sum',
      logTarget,
      batch: input.ndim === 0 ? 1 : (input.shape[0] as number),
    });
  },
  {
    signature: 'input, target, *, reduction, log_target',
    samples: [
      { args: [t([3]), t([3], PROBABILITIES)] },
      { args: [t([2, 3]), t([2, 3]), { logTarget: true, reduction: 'batchmean' }] },
      { args: [t([2, 3]), t([2, 3], PROBABILITIES), { reduction: 'none' }] },
    ],
    bad: BAD_PAIR,
  },
);

/** Stirling's approximation of log(y!), for y > 1. */
function stirling(y: S.Expr): S.Expr {
  return S.select(S.gt(y, 1), S.add(S.sub(S.mul(y, S.log(y)), y), S.mul(0.5, S.log(S.mul(2 * Math.PI, y)))), 0);
}

const poissonOfLog = (x: S.Expr, y: S.Expr): S.Expr => S.sub(S.exp(x), S.mul(y, x));
const poissonOfRate = (x: S.Expr, y: S.Expr, eps: S.Expr): S.Expr => S.sub(x, S.mul(y, S.log(S.add(x, eps))));
const POISSON = 'nn.functional.poissonNllLoss';
const poissonOperators = {
  log: elementwiseLoss(POISSON, build(poissonOfLog, 2, 1)),
  logFull: elementwiseLoss(
    POISSON,
    build((x, y) => S.add(poissonOfLog(x, y), stirling(y)), 2, 1),
  ),
  rate: elementwiseLoss(POISSON, build(poissonOfRate, 2, 1)),
  rateFull: elementwiseLoss(
    POISSON,
    build((x, y, eps) => S.add(poissonOfRate(x, y, eps), stirling(y)), 2, 1),
  ),
};

export interface PoissonOptions extends LossOptions {
  /** Whether the input is the logarithm of the rate. Default true. */
  readonly logInput?: boolean;
  /** Add Stirling's approximation of log(target!). */
  readonly full?: boolean;
  /** Keeps log(0) away where the input is the rate. Default 1e-8. */
  readonly eps?: number;
}

/**
 * The negative log-likelihood of counts under a Poisson distribution: exp(x) - y x of log-rates, x - y log(x + eps) of rates. Integers become the
 * default float.
 *
 * @example
 * nn.functional.poissonNllLoss(tensor([0, 0]), tensor([1, 2])); // tensor(1.)
 */
export const poissonNllLoss: BroadcastingLoss<'poissonNllLoss', Omit<PoissonOptions, 'reduction'>> = described(
  POISSON,
  (input: Tensor, target: Tensor, options: PoissonOptions = {}): Tensor => {
    const reduction = reductionOf(POISSON, options.reduction);
    const compute = lossType(POISSON, [input, target], toFloatType);
    const operator =
      options.logInput === false
        ? options.full === true
          ? poissonOperators.rateFull
          : poissonOperators.rate
        : options.full === true
          ? poissonOperators.logFull
          : poissonOperators.log;
    return applyOne(operator, [input, target], { values: [options.eps ?? 1e-8], compute, reduction });
  },
  {
    signature: 'input, target, *, log_input, full, eps, reduction',
    samples: [
      ...PAIR_SAMPLES,
      { args: [t([3], PROBABILITIES), t([3]), { logInput: false }] },
      { args: [t([3]), t([3], { low: 2, high: 4 }), { full: true }] },
    ],
    bad: BAD_PAIR,
  },
);

const gaussian = (x: S.Expr, y: S.Expr, v: S.Expr, eps: S.Expr, offset: S.Expr): S.Expr => {
  const bounded = boundBelow(v, eps);
  const d = S.sub(x, y);
  return S.add(S.mul(0.5, S.add(S.log(bounded), S.div(S.mul(d, d), bounded))), offset);
};
const gaussianOperator = elementwiseLoss('nn.functional.gaussianNllLoss', build(gaussian, 3, 2));
const spreadGaussianOperator = compositeOperator<LossParams>('nn.functional.gaussianNllLoss', ([input, target, variance], params) => {
  const v = variance as Tensor;
  return applyOne(gaussianOperator, [input as Tensor, target as Tensor, reshape(v, [...v.shape, 1])], params);
});
const NEGATIVE = mapOperator('lt', 1, 0, ([x]) => S.lt(x as S.Expr, 0));

export interface GaussianOptions extends LossOptions {
  /** Add log(2π) / 2. */
  readonly full?: boolean;
  /** The least variance. Default 1e-6. */
  readonly eps?: number;
}

/** Whether the variances lack the last dimension; else they broadcast with the input. */
function lacksLast(name: string, input: Tensor, variance: Tensor): boolean {
  const shape = formatShape(variance.shape);
  if (shape === formatShape(input.shape)) return false;
  if (input.ndim > 0 && shape === formatShape(input.shape.slice(0, -1))) return true;
  const differing = variance.shape.filter((size, d) => size !== input.shape[d]);
  if (variance.ndim === input.ndim && differing.length === 1 && differing[0] === 1) return false;
  throw new ShapeError(
    `${name}: var has shape ${shape} for an input of ${formatShape(input.shape)}: it must be equal, or lack or have size 1 in one dimension`,
  );
}

/**
 * The negative log-likelihood of `target` under normal distributions with means `input` and variances `variance` (or one number):
 * (log(v) + (input - target)² / v) / 2. Throws ArgumentError for negative variances.
 *
 * @example
 * nn.functional.gaussianNllLoss(tensor([0, 0]), tensor([1, 1]), tensor([1, 1])); // tensor(0.5000)
 */
export const gaussianNllLoss: ReducedLoss<[target: Tensor, variance: Tensor | number], Omit<GaussianOptions, 'reduction'>> = described(
  'nn.functional.gaussianNllLoss',
  (input: Tensor, target: Tensor, variance: Tensor | number, options: GaussianOptions = {}): Tensor => {
    const name = 'nn.functional.gaussianNllLoss';
    const v = typeof variance === 'number' ? fullTensor(input.shape, variance, input.type) : variance;
    requireTensor(name, 'var', v);
    if (v.wrapped === null && elementsOf(any(callMap(NEGATIVE, [v], [], v.type)))[0] === true)
      throw new ArgumentError(`${name}: var has negative entries`);
    const operator = lacksLast(name, input, v) ? spreadGaussianOperator : gaussianOperator;
    const reduction = reductionOf(name, options.reduction);
    const compute = lossType(name, [input, target, v]);
    return applyOne(operator, [input, target, v], {
      values: [options.eps ?? 1e-6, options.full === true ? 0.5 * Math.log(2 * Math.PI) : 0],
      compute,
      reduction,
    });
  },
  {
    signature: 'input, target, var, *, full, eps, reduction',
    tensors: 2,
    samples: [
      { args: [t([3]), t([3]), t([3], { low: 0.5, high: 2 })] },
      { args: [t([2, 3]), t([2, 3]), t([2], { low: 0.5, high: 2 }), { full: true }] },
      { args: [t([2, 3]), t([2, 3]), 2, { reduction: 'none' }] },
    ],
    bad: [
      { args: [t([2, 3]), t([2, 3]), t([4], { low: 1, high: 2 })], error: /var has shape/ },
      { args: [t([1]), t([1]), -1], error: /negative/ },
    ],
  },
);

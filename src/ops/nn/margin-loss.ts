import { toFloatType } from '../../dtype/promotion.ts';
import { type Operator, t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { callMap, compositeOperator, described, mapOperator, requireTensor } from '../family.ts';
import { pick, positionsEqual } from '../pick.ts';
import { scaled, sumOver } from '../reduction.ts';
import { cumsumAlong } from '../scan.ts';
import { cast, expand, reshape } from '../structural.ts';
import type { BroadcastingLoss, ReducedLoss } from '../types.ts';
import { distance } from './distance.ts';
import { elementwiseLoss, type LossOptions, lossType, type Reduction, reduceLoss, reductionOf } from './reduced-loss.ts';

const BAD_REDUCTION = (...shapes: number[][]) => ({
  args: [...shapes.map((shape) => t(shape)), { reduction: 'abc' }],
  error: /reduction must be/,
});

function build(f: (...xs: S.Expr[]) => S.Expr, arity: number, params = 0, name = 'loss') {
  return mapOperator(name, arity, params, (xs, ps) => f(...xs, ...ps));
}

/** What exceeds 0; at 0 the derivative is that of the argument, as PyTorch's clamp has it. */
function hinge(x: S.Expr): S.Expr {
  return S.clampMin(x, S.constant(0));
}

// ---------------------------------------------------------------- elementwise margins

const softMarginOperator = elementwiseLoss(
  'nn.functional.softMarginLoss',
  build((x, y) => S.softplus(S.neg(S.mul(y, x))), 2),
);

/**
 * log(1 + exp(-target · input)) for targets 1 and -1.
 *
 * @example
 * nn.functional.softMarginLoss(tensor([0, 0]), tensor([1, -1])); // tensor(0.6931)
 */
export const softMarginLoss: BroadcastingLoss<'softMarginLoss', unknown> = described(
  'nn.functional.softMarginLoss',
  (input: Tensor, target: Tensor, options: LossOptions = {}): Tensor => {
    const name = 'nn.functional.softMarginLoss';
    const reduction = reductionOf(name, options.reduction);
    return applyOne(softMarginOperator, [input, target], { values: [], compute: lossType(name, [input, target]), reduction });
  },
  {
    signature: 'input, target, *, reduction',
    samples: [
      { args: [t([3]), t([3])] },
      { args: [t([2, 3]), t([2, 3]), { reduction: 'none' }] },
      { args: [t([]), t([]), { reduction: 'sum' }] },
    ],
    bad: [BAD_REDUCTION([2], [2])],
  },
);

const hingeEmbeddingOperator = elementwiseLoss(
  'nn.functional.hingeEmbeddingLoss',
  build((x, y, margin) => S.add(S.select(S.ne(y, 1), hinge(S.sub(margin, x)), 0), S.select(S.ne(y, -1), x, 0)), 2, 1),
);

export interface MarginOptions extends LossOptions {
  readonly margin?: number;
}

const SIGNS = { values: [1, -1, 1, -1, -1, 1], grad: false };

/**
 * The input where the target is 1, what it lacks of `margin` where it is -1: for distances of similar and dissimilar pairs.
 *
 * @example
 * nn.functional.hingeEmbeddingLoss(tensor([0.5, 0.5]), tensor([1, -1])); // tensor(0.5000)
 */
export const hingeEmbeddingLoss: BroadcastingLoss<'hingeEmbeddingLoss', Omit<MarginOptions, 'reduction'>> = described(
  'nn.functional.hingeEmbeddingLoss',
  (input: Tensor, target: Tensor, options: MarginOptions = {}): Tensor => {
    const name = 'nn.functional.hingeEmbeddingLoss';
    const reduction = reductionOf(name, options.reduction);
    return applyOne(hingeEmbeddingOperator, [input, target], {
      values: [options.margin ?? 1],
      compute: lossType(name, [input, target]),
      reduction,
    });
  },
  {
    signature: 'input, target, *, margin, reduction',
    samples: [{ args: [t([2, 3]), t([2, 3], SIGNS)] }, { args: [t([2, 3]), t([2, 3], SIGNS), { margin: 2, reduction: 'none' }] }],
    bad: [BAD_REDUCTION([2], [2])],
  },
);

const rankingOperator = elementwiseLoss(
  'nn.functional.marginRankingLoss',
  build((a, b, y, margin) => hinge(S.add(S.mul(S.neg(y), S.sub(a, b)), margin)), 3, 1),
);

/**
 * What -target · (input1 - input2) + margin exceeds 0: input1 should rank higher where the target is 1, lower where it is -1. Integers become the
 * default float.
 *
 * @example
 * nn.functional.marginRankingLoss(tensor([1, 2]), tensor([2, 1]), tensor([1, 1])); // tensor(0.5000)
 */
export const marginRankingLoss: ReducedLoss<[input2: Tensor, target: Tensor], Omit<MarginOptions, 'reduction'>> = described(
  'nn.functional.marginRankingLoss',
  (input1: Tensor, input2: Tensor, target: Tensor, options: MarginOptions = {}): Tensor => {
    const name = 'nn.functional.marginRankingLoss';
    const reduction = reductionOf(name, options.reduction);
    const tensors = [input1, input2, target];
    const compute = lossType(name, tensors, toFloatType);
    if (input1.ndim !== input2.ndim || input1.ndim !== target.ndim)
      throw new ShapeError(`${name}: the tensors must have as many dimensions, got ${tensors.map((x) => formatShape(x.shape)).join(', ')}`);
    return applyOne(rankingOperator, tensors, { values: [options.margin ?? 0], compute, reduction });
  },
  {
    signature: 'input1, input2, target, *, margin, reduction',
    samples: [
      { args: [t([2, 3]), t([2, 3]), t([2, 3], SIGNS)] },
      { args: [t([2, 3]), t([2, 3]), t([2, 3], SIGNS), { margin: 0.5, reduction: 'sum' }] },
    ],
    bad: [BAD_REDUCTION([2], [2], [2]), { args: [t([2, 3]), t([2, 3]), t([3])], error: /as many dimensions/ }],
  },
);

// ---------------------------------------------------------------- distances

const COSINE = build(
  (c, y, margin) => S.add(S.select(S.eq(y, 1), S.sub(1, c), 0), S.select(S.eq(y, -1), hinge(S.sub(c, margin)), 0)),
  2,
  1,
  'cosineEmbeddingLoss',
);

interface MarginParams {
  readonly margin: number;
  readonly reduction: Reduction;
}

const COSINE_EPS = 1e-12;
const DOT = build((a, b) => S.mul(a, b), 2, 0, 'mul');
const COSINE_OF = build((p, a, b) => S.div(p, S.sqrt(S.mul(a, b))), 3, 0, 'cosine');
const PLUS_EPS = build((a, eps) => S.add(a, eps), 1, 1, 'add');

const cosineEmbeddingOperator = compositeOperator<MarginParams>('nn.functional.cosineEmbeddingLoss', ([a, b, y], { margin, reduction }) => {
  const first = a as Tensor;
  const second = b as Tensor;
  const last = [first.ndim - 1];
  const dot = (u: Tensor, v: Tensor): Tensor => sumOver(callMap(DOT, [u, v], [], u.type), last);
  const padded = (x: Tensor): Tensor => callMap(PLUS_EPS, [x], [COSINE_EPS], x.type);
  const cosine = callMap(COSINE_OF, [dot(first, second), padded(dot(first, first)), padded(dot(second, second))], [], first.type);
  return reduceLoss(callMap(COSINE, [cosine, y as Tensor], [margin], first.type), reduction);
});

/**
 * 1 - cos of pairs that belong together (target 1), what cos exceeds `margin` of pairs that do not (target -1). Vectors lie in the last dimension.
 * Integers become the default float.
 *
 * @example
 * nn.functional.cosineEmbeddingLoss(tensor([[1, 0]]), tensor([[1, 0]]), tensor([1])); // tensor(0.)
 */
export const cosineEmbeddingLoss: ReducedLoss<[input2: Tensor, target: Tensor], Omit<MarginOptions, 'reduction'>> = described(
  'nn.functional.cosineEmbeddingLoss',
  (input1: Tensor, input2: Tensor, target: Tensor, options: MarginOptions = {}): Tensor => {
    const name = 'nn.functional.cosineEmbeddingLoss';
    const reduction = reductionOf(name, options.reduction);
    const type = lossType(name, [input1, input2, target], toFloatType);
    const shapes = [input1, input2, target].map((x) => formatShape(x.shape)).join(', ');
    if (target.ndim > 1 || input1.ndim !== target.ndim + 1 || input2.ndim !== target.ndim + 1) {
      throw new ShapeError(`${name}: expects vectors [N, D] with targets [N], or [D] with a 0-d target, got ${shapes}`);
    }
    return applyOne(cosineEmbeddingOperator, [cast(input1, type), cast(input2, type), target], { margin: options.margin ?? 0, reduction });
  },
  {
    signature: 'input1, input2, target, *, margin, reduction',
    samples: [
      { args: [t([2, 3]), t([2, 3]), t([2], { values: [1, -1], grad: false })] },
      { args: [t([3]), t([3]), t([], { values: [1], grad: false }), { reduction: 'none' }] },
    ],
    bad: [{ args: [t([2, 3]), t([2, 3]), t([2, 3])], error: /expects vectors/ }],
  },
);

interface TripletParams extends MarginParams {
  readonly p: number;
  readonly eps: number;
  readonly swap: boolean;
}

const MIN = build((x, y) => S.min(x, y), 2, 0, 'minimum');
const TRIPLET = build((near, far, margin) => hinge(S.sub(S.add(margin, near), far)), 2, 1, 'tripletMarginLoss');

type Distance = (x: Tensor, y: Tensor) => Tensor;

function tripletLoss(
  [a, p, n]: readonly Tensor[],
  between: Distance,
  { margin, swap, reduction }: MarginParams & { readonly swap: boolean },
): Tensor {
  const [anchor, positive, negative] = [a as Tensor, p as Tensor, n as Tensor];
  const near = between(anchor, positive);
  const far = between(anchor, negative);
  const farthest = swap ? callMap(MIN, [far, between(positive, negative)], [], far.type) : far;
  return reduceLoss(callMap(TRIPLET, [near, farthest], [margin], near.type), reduction);
}

const tripletOperator = compositeOperator<TripletParams>('nn.functional.tripletMarginLoss', (tensors, params) =>
  tripletLoss(tensors, (x, y) => distance(x, y, params.p, params.eps, false), params),
);

export interface TripletOptions extends MarginOptions {
  /** Use the distance of positive and negative where it is smaller than that of anchor and negative. */
  readonly swap?: boolean;
}

function checkTriplet(name: string, tensors: readonly Tensor[], margin: number): void {
  if (!(margin > 0)) throw new ArgumentError(`${name}: margin must be greater than 0, got ${margin}`);
  const [anchor] = tensors;
  if (tensors.some((x) => x.ndim !== anchor?.ndim))
    throw new ShapeError(
      `${name}: anchor, positive and negative must have as many dimensions, got ${tensors.map((x) => formatShape(x.shape)).join(', ')}`,
    );
}

const TRIPLET_SAMPLES = [
  { args: [t([2, 4]), t([2, 4]), t([2, 4])] },
  { args: [t([2, 4]), t([2, 4]), t([2, 4]), { margin: 2, swap: true, reduction: 'none' }] },
  { args: [t([4]), t([4]), t([4])] },
];
const TRIPLET_BAD = [
  BAD_REDUCTION([2, 3], [2, 3], [2, 3]),
  { args: [t([2, 3]), t([2, 3]), t([3])], error: /as many dimensions/ },
  { args: [t([2, 3]), t([2, 3]), t([2, 3]), { margin: -1 }], error: /margin/ },
];

/**
 * What distance(anchor, positive) + margin exceeds distance(anchor, negative); distances are p-norms of differences in the last dimension.
 * Integers become the default float.
 *
 * @example
 * nn.functional.tripletMarginLoss(tensor([[0, 0]]), tensor([[0, 1]]), tensor([[0, 3]])); // tensor(0.)
 */
export const tripletMarginLoss: ReducedLoss<
  [positive: Tensor, negative: Tensor],
  Omit<TripletOptions, 'reduction'> & { readonly p?: number; readonly eps?: number }
> = described(
  'nn.functional.tripletMarginLoss',
  (
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    options: TripletOptions & { readonly p?: number; readonly eps?: number } = {},
  ): Tensor => {
    const name = 'nn.functional.tripletMarginLoss';
    const reduction = reductionOf(name, options.reduction);
    const tensors = [anchor, positive, negative];
    const type = lossType(name, tensors, toFloatType);
    const margin = options.margin ?? 1;
    checkTriplet(name, tensors, margin);
    const params = { margin, reduction, p: options.p ?? 2, eps: options.eps ?? 1e-6, swap: options.swap === true };
    return applyOne(
      tripletOperator,
      tensors.map((x) => cast(x, type)),
      params,
    );
  },
  { signature: 'anchor, positive, negative, *, margin, p, eps, swap, reduction', samples: TRIPLET_SAMPLES, bad: TRIPLET_BAD },
);

export interface TripletDistanceOptions extends TripletOptions {
  /** A distance of two tensors; the 2-norm of the difference by default. */
  readonly distanceFunction?: Distance | null;
}

/**
 * `tripletMarginLoss` with any distance.
 *
 * @example
 * const squared = (x, y) => x.sub(y).pow(2).sum(-1);
 * nn.functional.tripletMarginWithDistanceLoss(tensor([[0, 0]]), tensor([[0, 1]]), tensor([[0, 1]]), { distanceFunction: squared }); // tensor(1.)
 */
export const tripletMarginWithDistanceLoss: ReducedLoss<
  [positive: Tensor, negative: Tensor],
  Omit<TripletDistanceOptions, 'reduction'>
> = described(
  'nn.functional.tripletMarginWithDistanceLoss',
  (anchor: Tensor, positive: Tensor, negative: Tensor, options: TripletDistanceOptions = {}): Tensor => {
    const name = 'nn.functional.tripletMarginWithDistanceLoss';
    const reduction = reductionOf(name, options.reduction);
    const tensors = [anchor, positive, negative];
    const type = lossType(name, tensors, toFloatType);
    const margin = options.margin ?? 1;
    checkTriplet(name, tensors, margin);
    const inputs = tensors.map((x) => cast(x, type));
    const params = { margin, reduction, swap: options.swap === true };
    // A distance of the caller's may use tensors of its own, so that it is recorded as it is.
    return options.distanceFunction
      ? tripletLoss(inputs, options.distanceFunction, params)
      : applyOne(tripletOperator, inputs, { ...params, p: 2, eps: 1e-6 });
  },
  { signature: 'anchor, positive, negative, *, distance_function, margin, swap, reduction', samples: TRIPLET_SAMPLES, bad: TRIPLET_BAD },
);

// ---------------------------------------------------------------- several classes

const MULTILABEL = (x: S.Expr, y: S.Expr): S.Expr => S.add(S.mul(y, S.softplus(S.neg(x))), S.mul(S.sub(1, y), S.softplus(x)));
const MULTILABEL_PLAIN = build(MULTILABEL, 2, 0, 'multilabelSoftMarginLoss');
const MULTILABEL_WEIGHTED = build((x, y, w) => S.mul(MULTILABEL(x, y), w), 3, 0, 'multilabelSoftMarginLoss');

const multilabelSoftOperator = compositeOperator<Reduction>('nn.functional.multilabelSoftMarginLoss', (inputs, reduction) => {
  const x = inputs[0] as Tensor;
  const losses = callMap(inputs.length === 2 ? MULTILABEL_PLAIN : MULTILABEL_WEIGHTED, inputs, [], x.type);
  return reduceLoss(scaled(sumOver(losses, [losses.ndim - 1]), 1 / (x.shape[x.ndim - 1] as number)), reduction);
});

export interface ClassWeightOptions extends LossOptions {
  /** A factor for each class. */
  readonly weight?: Tensor | null;
}

/**
 * Binary cross entropy of log-odds, averaged over the classes (the last dimension): each example may belong to any number of classes.
 *
 * @example
 * nn.functional.multilabelSoftMarginLoss(tensor([[0, 0]]), tensor([[1, 0]])); // tensor(0.6931)
 */
export const multilabelSoftMarginLoss: ReducedLoss<[target: Tensor], Omit<ClassWeightOptions, 'reduction'>> = described(
  'nn.functional.multilabelSoftMarginLoss',
  (input: Tensor, target: Tensor, options: ClassWeightOptions = {}): Tensor => {
    const name = 'nn.functional.multilabelSoftMarginLoss';
    const reduction = reductionOf(name, options.reduction);
    const weight = options.weight ?? null;
    const tensors = weight === null ? [input, target] : [input, target, weight];
    const type = lossType(name, tensors);
    if (input.ndim === 0) throw new ShapeError(`${name}: the input needs a dimension of classes`);
    return applyOne(
      multilabelSoftOperator,
      tensors.map((x) => cast(x, type)),
      reduction,
    );
  },
  {
    signature: 'input, target, *, weight, reduction',
    samples: [
      { args: [t([2, 3]), t([2, 3])] },
      { args: [t([3]), t([3]), { weight: t([3]) }] },
      { args: [t([2, 3]), t([2, 3]), { reduction: 'none' }] },
    ],
    bad: [BAD_REDUCTION([2, 3], [2, 3])],
  },
);

interface MultiMarginParams extends MarginParams {
  readonly p: number;
}

const EXCESS = build(
  (x, chosen, hit, margin) => S.select(S.ne(hit, 0), 0, hinge(S.add(S.sub(margin, chosen), x))),
  3,
  1,
  'multiMarginLoss',
);
const SQUARE = build((x) => S.mul(x, x), 1, 0, 'square');

const multiMarginOperator: Operator<Tensor, MultiMarginParams> = compositeOperator<MultiMarginParams>(
  'nn.functional.multiMarginLoss',
  (inputs, { margin, p, reduction }) => {
    const [input, target, weight] = inputs as [Tensor, Tensor, Tensor | undefined];
    const x = asRows(input);
    const indices = reshape(target, [x.shape[0] as number, 1]);
    const size = x.shape[1] as number;
    const excess = callMap(EXCESS, [x, pick(x, indices, 1), positionsEqual(indices, 1, size)], [margin], x.type);
    let losses = sumOver(p === 1 ? excess : callMap(SQUARE, [excess], [], x.type), [1]);
    if (weight !== undefined)
      losses = callMap(DOT, [losses, reshape(pick(expand(reshape(weight, [1, size]), x.shape), indices, 1), losses.shape)], [], x.type);
    return reshapedLike(target.shape, reduceLoss(scaled(losses, 1 / size), reduction), reduction);
  },
);

/** The scores of one example are a matrix of one row. */
function asRows(x: Tensor): Tensor {
  return x.ndim === 2 ? x : reshape(x, [1, x.size]);
}

/** Losses that were not reduced get the shape of the examples. */
function reshapedLike(shape: readonly number[], loss: Tensor, reduction: Reduction): Tensor {
  return reduction === 'none' ? reshape(loss, shape) : loss;
}

export interface MultiMarginOptions extends ClassWeightOptions {
  /** 1 or 2. Default 1. */
  readonly p?: number;
  readonly margin?: number;
}

/** Rows of classes; throws where there is nothing or not one target a row. */
function checkClasses(name: string, input: Tensor, target: Tensor, perClass: boolean): void {
  const rows = input.ndim < 2 ? 1 : (input.shape[0] as number);
  const classes = input.ndim === 0 ? 1 : (input.shape[input.ndim - 1] as number);
  const shapes = `${formatShape(input.shape)} and ${formatShape(target.shape)}`;
  if (input.ndim > 2 || classes === 0) throw new ShapeError(`${name}: expects scores [N, C] or [C] of at least one class, got ${shapes}`);
  const fits = perClass
    ? formatShape(target.shape) === formatShape(input.shape)
    : target.ndim <= 1 && target.size === rows && (input.ndim < 2 || target.ndim === 1);
  if (!fits) throw new ShapeError(`${name}: the target does not fit the scores: ${shapes}`);
  if (target.type.name !== 'int64') throw new DTypeError(`${name}: the target must hold class indices in int64, got ${target.dtype}`);
}

/**
 * For each class but the target's, what margin - input[target] + input[class] exceeds 0, to the power `p`, averaged over all classes. `weight` scales
 * by the target's class.
 *
 * @example
 * nn.functional.multiMarginLoss(tensor([[1, 2]]), tensor([1n])); // tensor(0.)
 */
export const multiMarginLoss: ReducedLoss<[target: Tensor], Omit<MultiMarginOptions, 'reduction'>> = described(
  'nn.functional.multiMarginLoss',
  (input: Tensor, target: Tensor, options: MultiMarginOptions = {}): Tensor => {
    const name = 'nn.functional.multiMarginLoss';
    const reduction = reductionOf(name, options.reduction);
    const p = options.p ?? 1;
    const weight = options.weight ?? null;
    const type = lossType(name, weight === null ? [input] : [input, weight]);
    requireTensor(name, 'target', target);
    if (p !== 1 && p !== 2) throw new ArgumentError(`${name}: p must be 1 or 2, got ${p}`);
    checkClasses(name, input, target, false);
    const classes = input.ndim === 0 ? 1 : (input.shape[input.ndim - 1] as number);
    if (weight !== null && (weight.ndim !== 1 || weight.shape[0] !== classes))
      throw new ShapeError(`${name}: weight must have shape [${classes}], got ${formatShape(weight.shape)}`);
    const scores = cast(input, type);
    const params = { margin: options.margin ?? 1, p, reduction };
    return applyOne(multiMarginOperator, weight === null ? [scores, target] : [scores, target, weight], params);
  },
  {
    signature: 'input, target, *, p, margin, weight, reduction',
    samples: [
      { args: [t([2, 3]), t([2], { dtype: 'int64', values: [0, 2] })] },
      { args: [t([3]), t([], { dtype: 'int64', values: [1] }), { p: 2 }] },
      { args: [t([2, 3]), t([2], { dtype: 'int64', values: [0, 2] }), { weight: t([3], { grad: false }), reduction: 'none' }] },
    ],
    bad: [
      { args: [t([2, 3]), t([2], { dtype: 'int64', values: [0, 1] }), { p: 3 }], error: /p must be/ },
      { args: [t([2, 3]), t([2])], error: /int64/ },
    ],
  },
);

/** Products of pairs of classes: [N, C, 1] with [N, 1, C]. */
const PAIRS = build(
  (a, b, counted, isTarget) => S.select(S.or(S.eq(counted, 0), S.ne(isTarget, 0)), 0, S.mul(counted, hinge(S.add(S.sub(1, a), b)))),
  4,
  0,
  'multilabelMarginLoss',
);
const IS_NEGATIVE = mapOperator('lt', 1, 0, ([x]) => S.select(S.lt(x as S.Expr, 0), 1, 0), false);
const COUNTED = mapOperator('where', 2, 0, ([hit, ended]) => S.select(S.eq(ended as S.Expr, 0), hit as S.Expr, 0), false);

const multilabelMarginOperator = compositeOperator<Reduction>('nn.functional.multilabelMarginLoss', ([input, target], reduction) => {
  const x = asRows(input as Tensor);
  const labels = asRows(target as Tensor);
  const [rows, classes] = x.shape as [number, number];
  // Only labels before the first negative one count: [N, position].
  const ended = cumsumAlong(callMap(IS_NEGATIVE, [labels], [], labels.type), 1);
  const hits = positionsEqual(reshape(labels, [rows, classes, 1]), 2, classes);
  const counts = sumOver(cast(callMap(COUNTED, [hits, reshape(ended, [rows, classes, 1])], [], labels.type), x.type), [1]);
  const column = (y: Tensor): Tensor => reshape(y, [rows, classes, 1]);
  const row = (y: Tensor): Tensor => reshape(y, [rows, 1, classes]);
  const losses = callMap(PAIRS, [column(x), row(x), column(counts), row(counts)], [], x.type);
  const shape = (input as Tensor).ndim === 2 ? [rows] : [];
  return reshapedLike(shape, reduceLoss(scaled(sumOver(losses, [1, 2]), 1 / classes), reduction), reduction);
});

/**
 * For each pair of a target class and another, what 1 - input[target] + input[other] exceeds 0, over the number of classes. The target lists classes up
 * to the first negative number.
 *
 * @example
 * nn.functional.multilabelMarginLoss(tensor([[1, 0]]), tensor([[0n, -1n]])); // tensor(0.)
 */
export const multilabelMarginLoss: ReducedLoss<[target: Tensor], unknown> = described(
  'nn.functional.multilabelMarginLoss',
  (input: Tensor, target: Tensor, options: LossOptions = {}): Tensor => {
    const name = 'nn.functional.multilabelMarginLoss';
    const reduction = reductionOf(name, options.reduction);
    const type = lossType(name, [input]);
    requireTensor(name, 'target', target);
    checkClasses(name, input, target, true);
    return applyOne(multilabelMarginOperator, [cast(input, type), target], reduction);
  },
  {
    signature: 'input, target, *, reduction',
    samples: [
      { args: [t([2, 3]), t([2, 3], { dtype: 'int64', values: [0, -1, 1, 2, 1, -1] })] },
      { args: [t([3]), t([3], { dtype: 'int64', values: [1, -1, 0] })] },
    ],
    bad: [{ args: [t([2, 3]), t([2], { dtype: 'int64', values: [0, 1] })], error: /does not fit/ }],
  },
);

import { INT64, UINT8 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape, sameShape } from '../../shape/shape.ts';
import { applyMany, applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { emptyTensor } from '../create.ts';
import { callMap, compositeOperator, described, mapOperator, requireTensor } from '../family.ts';
import { alongDim, indexFamily, scatterInto } from '../indexed.ts';
import { ADD, DIV, MUL, NEG, SUB } from '../maps.ts';
import { needsComposition, scaled, sumOver } from '../reduction.ts';
import { logsumexpOver } from '../statistics.ts';
import { cast, expand, reducedShape, reshape } from '../structural.ts';
import type { ClassLoss, ReducedLoss } from '../types.ts';
import { replaced } from '../view.ts';
import * as kernels from './cross-entropy-kernels.ts';
import { linear } from './linear.ts';
import { allDims, type LossOptions, lossType, type Reduction, reduceLoss, reductionOf } from './reduced-loss.ts';
import { arePlain, rowLength } from './rows.ts';
import { logSoftmaxAlong } from './softmax.ts';

const SOFTMAX_PART = mapOperator('softmax', 3, 0, ([g, x, lse]) => S.mul(g as S.Expr, S.exp(S.sub(x as S.Expr, lse as S.Expr))));

// ---------------------------------------------------------------- rows of classes

const rows = indexFamily('nn.functional.crossEntropy');

/**
 * For each row log(sum(exp(x))) - x[class], and the logarithm itself: log-probabilities are never written out. The gradient is the softmax, less 1 at
 * the class. The logarithm is an output so that the second derivative follows from the first.
 */
const crossEntropyRows = compositeOperator<number>(
  'crossEntropyRows',
  ([input, indices], dim) => {
    const x = input as Tensor;
    const at = indices as Tensor;
    const total = logsumexpOver(x, [dim], true);
    const chosen = applyOne(rows.gather, [x, at], alongDim(x.shape, dim, at.shape));
    return [callMap(SUB, [total, chosen], [], x.type), total];
  },
  {
    kind: 'rules',
    saves: { inputs: [0, 1], outputs: [1] },
    vjp: ([g, gTotal], context) => {
      const x = context.input(0);
      if (g === null || g === undefined)
        return gTotal === null || gTotal === undefined
          ? [null, null]
          : [callMap(SOFTMAX_PART, [gTotal, x, context.output(1)], [], x.type), null];
      const both = gTotal === null || gTotal === undefined ? g : callMap(ADD, [g, gTotal], [], x.type);
      const gradient = callMap(SOFTMAX_PART, [both, x, context.output(1)], [], x.type);
      return [lessAt(gradient, g, context.input(1), context.params), null];
    },
  },
);

/** `gradient` less `g` at the indices; in place where nobody else sees it. */
function lessAt(gradient: Tensor, g: Tensor, indices: Tensor, dim: number): Tensor {
  const indexing = alongDim(gradient.shape, dim, indices.shape);
  const negative = callMap(NEG, [g], [], gradient.type);
  const shared = needsComposition(gradient) || needsComposition(negative) || indices.wrapped !== null;
  if (shared) return applyOne(rows.add, [gradient, negative, indices], indexing);
  scatterInto('nn.functional.crossEntropy', 'add', gradient, negative, [indices], indexing);
  return gradient;
}

/** Class indices with the ignored ones replaced by 0, so that they can be looked up. */
const SAFE = mapOperator('where', 1, 1, ([y], [ignored]) => S.select(S.eq(y as S.Expr, ignored as S.Expr), 0, y as S.Expr), false);
const COUNTS = mapOperator('ne', 1, 1, ([y], [ignored]) => S.ne(y as S.Expr, ignored as S.Expr), false);
/** A loss times its weight: 0 where it is ignored, whatever the loss is. */
const WEIGHTED = mapOperator('mul', 3, 0, ([loss, weight, counts]) =>
  S.select(S.ne(counts as S.Expr, 0), S.mul(loss as S.Expr, weight as S.Expr), 0),
);
const COUNTED = mapOperator('where', 2, 0, ([loss, counts]) => S.select(S.ne(counts as S.Expr, 0), loss as S.Expr, 0));

const weights = indexFamily('nn.functional.nllLoss');

interface Labels {
  /** Class indices in the shape of the rows (size 1 along the classes), all valid. */
  readonly indices: Tensor;
  /** Which rows count, as bool. */
  readonly counts: Tensor;
}

function labelsOf(target: Tensor, dim: number, ignored: number): Labels {
  const shape = [...target.shape.slice(0, dim), 1, ...target.shape.slice(dim)];
  const y = reshape(target, shape);
  return { indices: callMap(SAFE, [y], [ignored], INT64), counts: callMap(COUNTS, [y], [ignored], INT64) };
}

/** The weight of each row's class. */
function weightOf(weight: Tensor, indices: Tensor, dim: number, shape: readonly number[]): Tensor {
  const size = shape[dim] as number;
  const seen = reshape(
    weight,
    shape.map((_, d) => (d === dim ? size : 1)),
  );
  const all = expand(seen, replaced(indices.shape, dim, size));
  return applyOne(weights.gather, [all, indices], alongDim(all.shape, dim, indices.shape));
}

/** Losses of rows, weighted, and reduced over those that count; the mean is over the weights. */
function reduceRows(losses: Tensor, labels: Labels, weight: Tensor | null, dim: number, reduction: Reduction): Tensor {
  const { counts } = labels;
  const type = losses.type;
  const counted = weight === null ? callMap(COUNTED, [losses, counts], [], type) : callMap(WEIGHTED, [losses, weight, counts], [], type);
  if (reduction === 'none')
    return reshape(
      counted,
      losses.shape.filter((_, d) => d !== dim),
    );
  const total = sumOver(counted, allDims(counted));
  return reduction === 'sum' ? total : callMap(DIV, [total, totalWeight(weight, counts, type)], [], type);
}

function totalWeight(weight: Tensor | null, counts: Tensor, type: Tensor['type']): Tensor {
  const each = weight === null ? cast(counts, type) : callMap(COUNTED, [weight, counts], [], type);
  return sumOver(each, allDims(each));
}

// ---------------------------------------------------------------- the common case as one node

/** The loss of a row that counts. */
const ROW_LOSS = mapOperator('crossEntropy', 3, 0, ([total, chosen, counts]) =>
  S.select(S.ne(counts as S.Expr, 0), S.sub(total as S.Expr, chosen as S.Expr), 0),
);
/** The cotangent of each row that counts. */
const ROW_SHARE = mapOperator('crossEntropy', 2, 0, ([g, counts]) => S.select(S.ne(counts as S.Expr, 0), g as S.Expr, 0));
const ROW_SHARE_OF_MEAN = mapOperator('crossEntropy', 3, 0, ([g, counts, n]) =>
  S.select(S.ne(counts as S.Expr, 0), S.div(g as S.Expr, n as S.Expr), 0),
);

/**
 * Mean or sum over the rows that count, without weights or smoothing. The outputs are the loss, the logarithms of the sums of exponentials, and how many
 * rows count. Its rule is the softmax less 1 at the class, times what falls to each row.
 */
const reducedCrossEntropy = compositeOperator<ClassParams>(
  'nn.functional.crossEntropy',
  ([input, target], params) => {
    const x = input as Tensor;
    const { dim, reduction } = params;
    if (fitsRows([x], target as Tensor, params)) {
      const [loss, total, count] = [[], reducedShape(x.shape, [dim], true), []].map((shape) => emptyTensor(shape, x.type)) as Three;
      const options = { dim, ignored: params.ignoreIndex, mean: reduction !== 'sum' };
      kernels.crossEntropyRows('nn.functional.crossEntropy', loss, total, count, x, target as Tensor, options);
      return [loss, total, count];
    }
    const { indices, counts } = labelsOf(target as Tensor, dim, params.ignoreIndex);
    const total = logsumexpOver(x, [dim], true);
    const chosen = applyOne(rows.gather, [x, indices], alongDim(x.shape, dim, indices.shape));
    const losses = callMap(ROW_LOSS, [total, chosen, counts], [], x.type);
    const sum = sumOver(losses, allDims(losses));
    const count = totalWeight(null, counts, x.type);
    return [reduction === 'sum' ? sum : callMap(DIV, [sum, count], [], x.type), total, count];
  },
  {
    kind: 'rules',
    saves: { inputs: [0, 1], outputs: [1, 2] },
    vjp: ([g, gTotal], context) => {
      const x = context.input(0);
      const total = context.output(1);
      const direct = gTotal === null || gTotal === undefined ? null : callMap(SOFTMAX_PART, [gTotal, x, total], [], x.type);
      if (g === null || g === undefined) return [direct, null];
      const gradient = applyOne(reducedGradient, [g, x, context.input(1), total, context.output(2)], context.params);
      return [direct === null ? gradient : callMap(ADD, [gradient, direct], [], x.type), null];
    },
  },
);
type Three = [Tensor, Tensor, Tensor];

/** What falls to each row of the cotangent, times the softmax less 1 at the class. Inputs: cotangent, input, target, logarithms, count. */
const reducedGradient = compositeOperator<ClassParams>('crossEntropyBackward', ([g, input, target, total, count], params) => {
  const [x, y] = [input, target] as [Tensor, Tensor];
  const { dim, ignoreIndex, reduction } = params;
  const operands = [g, x, total, count] as Tensor[];
  if (fitsRows([x, ...operands], y, params)) {
    const gradient = emptyTensor(x.shape, x.type);
    const divisor = reduction === 'sum' ? null : (count as Tensor);
    kernels.crossEntropyGradient(gradient, g as Tensor, x, y, divisor, ignoreIndex);
    return gradient;
  }
  const { indices, counts } = labelsOf(y, dim, ignoreIndex);
  const share =
    reduction === 'sum'
      ? callMap(ROW_SHARE, [g as Tensor, counts], [], x.type)
      : callMap(ROW_SHARE_OF_MEAN, [g as Tensor, counts, count as Tensor], [], x.type);
  return lessAt(callMap(SOFTMAX_PART, [share, x, total as Tensor], [], x.type), share, indices, dim);
});

/** Whether there is a kernel: the classes lie next to each other, and elements are floats that JavaScript knows. */
function fitsRows(xs: readonly Tensor[], target: Tensor, { dim }: ClassParams): boolean {
  const [x] = xs as [Tensor];
  return x.type.itemsize >= 4 && rowLength(x, [dim]) > 0 && arePlain(xs) && arePlain([target]);
}

// ---------------------------------------------------------------- arguments

interface ClassParams {
  readonly dim: number;
  readonly ignoreIndex: number;
  readonly reduction: Reduction;
  readonly labelSmoothing: number;
}

export interface ClassificationOptions extends LossOptions {
  /** A factor for each class. */
  readonly weight?: Tensor | null;
  /** Rows of this class do not count. Default -100. */
  readonly ignoreIndex?: number;
}

function checkWeight(name: string, weight: Tensor, classes: number): void {
  if (weight.ndim !== 1 || weight.shape[0] !== classes)
    throw new ShapeError(`${name}: weight must have shape [${classes}], one for each class, got ${formatShape(weight.shape)}`);
}

/** The class indices as int64, of the shape of the input without its classes. */
function checkLabels(name: string, input: Tensor, target: Tensor, dim: number): Tensor {
  const expected = input.shape.filter((_, d) => d !== dim);
  if (!sameShape(target.shape, expected)) {
    throw new ShapeError(
      `${name}: the target has shape ${formatShape(target.shape)}, but an input of ${formatShape(input.shape)} needs class indices of shape ${formatShape(expected)}`,
    );
  }
  if (target.type !== INT64 && target.type !== UINT8)
    throw new DTypeError(
      `${name}: class indices must have dtype int64, got ${target.dtype}: make them with { dtype: 'int64' } or cast with .to('int64')`,
    );
  return cast(target, INT64);
}

const classes = (shape: readonly number[], values: readonly number[]) => t(shape, { dtype: 'int64', values, grad: false });

// ---------------------------------------------------------------- nllLoss

const nllOperator = compositeOperator<ClassParams>('nn.functional.nllLoss', ([input, target, weight], { dim, ignoreIndex, reduction }) => {
  const x = input as Tensor;
  const found = labelsOf(target as Tensor, dim, ignoreIndex);
  const chosen = applyOne(weights.gather, [x, found.indices], alongDim(x.shape, dim, found.indices.shape));
  const losses = callMap(NEG, [chosen], [], x.type);
  return reduceRows(losses, found, weight === undefined ? null : weightOf(weight, found.indices, dim, x.shape), dim, reduction);
});

/**
 * -input[class] of log-probabilities: averaged over the weights of the classes, summed (`reduction: 'sum'`) or as it is ('none').
 * `input`: [C], [N, C] or [N, C, d1, …]; `target`: class indices in int64, without C. Rows of the class `ignoreIndex` do not count.
 * Throws IndexError for a class out of range.
 *
 * @example
 * nn.functional.nllLoss(tensor([[-1, -2], [-3, -4]]), tensor([0n, 1n])); // tensor(2.5000)
 */
export const nllLoss: ClassLoss<'nllLoss', Omit<ClassificationOptions, 'reduction'>> = described(
  'nn.functional.nllLoss',
  (input: Tensor, target: Tensor, options: ClassificationOptions = {}): Tensor => {
    const name = 'nn.functional.nllLoss';
    const reduction = reductionOf(name, options.reduction);
    const weight = options.weight ?? null;
    lossType(name, weight === null ? [input] : [input, weight]);
    requireTensor(name, 'target', target);
    if (input.ndim === 0) throw new ShapeError(`${name}: the input needs a dimension of classes`);
    const dim = input.ndim === 1 ? 0 : 1;
    const y = checkLabels(name, input, target, dim);
    if (weight !== null) checkWeight(name, weight, input.shape[dim] as number);
    const params = { dim, ignoreIndex: options.ignoreIndex ?? -100, reduction, labelSmoothing: 0 };
    return applyOne(nllOperator, weight === null ? [input, y] : [input, y, weight], params);
  },
  {
    signature: 'input, target, *, weight, ignore_index, reduction',
    samples: [
      { args: [t([2, 3]), classes([2], [0, 2])] },
      { args: [t([3]), classes([], [1]), { reduction: 'sum' }] },
      { args: [t([2, 3, 2]), classes([2, 2], [0, 2, 1, 1]), { weight: t([3], { low: 0.5, high: 2, grad: false }), ignoreIndex: 1 }] },
    ],
    bad: [
      { args: [t([2, 3]), classes([2], [0, 3])], error: /index 3 is out of range/ },
      { args: [t([2, 3]), t([2], { grad: false })], error: /int64/ },
      { args: [t([2, 3]), classes([3], [0, 1, 2])], error: /class indices of shape \[2\]/ },
    ],
  },
);

// ---------------------------------------------------------------- crossEntropy

/** Smoothed targets add the mean loss of all classes. */
function smoothed(x: Tensor, found: Labels, weight: Tensor | null, rowWeight: Tensor | null, params: ClassParams): Tensor {
  const { dim, reduction } = params;
  const logs = logSoftmaxAlong(x, dim);
  const classes = x.shape[dim] as number;
  const perClass =
    weight === null
      ? logs
      : callMap(
          MUL,
          [
            logs,
            reshape(
              weight,
              x.shape.map((_, d) => (d === dim ? classes : 1)),
            ),
          ],
          [],
          x.type,
        );
  const losses = callMap(NEG, [sumOver(perClass, [dim], true)], [], x.type);
  const total = reduceRows(losses, found, null, dim, reduction === 'mean' ? 'sum' : reduction);
  return reduction === 'mean' ? callMap(DIV, [total, totalWeight(rowWeight, found.counts, x.type)], [], x.type) : total;
}

const crossEntropyOperator = compositeOperator<ClassParams>('nn.functional.crossEntropy', ([input, target, weight], params) => {
  const x = input as Tensor;
  const { dim, ignoreIndex, reduction, labelSmoothing } = params;
  const found = labelsOf(target as Tensor, dim, ignoreIndex);
  const rowWeight = weight === undefined ? null : weightOf(weight, found.indices, dim, x.shape);
  const [losses] = applyMany(crossEntropyRows, [x, found.indices], dim);
  const loss = reduceRows(losses as Tensor, found, rowWeight, dim, reduction);
  if (labelSmoothing === 0) return loss;
  const smooth = smoothed(x, found, weight ?? null, rowWeight, params);
  return callMap(ADD, [scaled(loss, 1 - labelSmoothing), scaled(smooth, labelSmoothing / (x.shape[dim] as number))], [], x.type);
});

const SMOOTH_TARGET = mapOperator('crossEntropy', 1, 2, ([y], [keep, share]) => S.add(S.mul(y as S.Expr, keep as S.Expr), share as S.Expr));
const NEGATIVE_PRODUCT = mapOperator('crossEntropy', 2, 0, ([x, y]) => S.neg(S.mul(x as S.Expr, y as S.Expr)));
const NEGATIVE_WEIGHTED = mapOperator('crossEntropy', 3, 0, ([x, y, w]) => S.neg(S.mul(S.mul(x as S.Expr, y as S.Expr), w as S.Expr)));

/** Targets that are probabilities of all classes. */
const softTargetOperator = compositeOperator<ClassParams>(
  'nn.functional.crossEntropy',
  ([input, target, weight], { dim, reduction, labelSmoothing }) => {
    const x = input as Tensor;
    const classes = x.shape[dim] as number;
    const y =
      labelSmoothing === 0
        ? (target as Tensor)
        : callMap(SMOOTH_TARGET, [target as Tensor], [1 - labelSmoothing, labelSmoothing / classes], x.type);
    const logs = logSoftmaxAlong(x, dim);
    const operands =
      weight === undefined
        ? [logs, y]
        : [
            logs,
            y,
            reshape(
              weight,
              x.shape.map((_, d) => (d === dim ? classes : 1)),
            ),
          ];
    const losses = callMap(weight === undefined ? NEGATIVE_PRODUCT : NEGATIVE_WEIGHTED, operands, [], x.type);
    if (reduction === 'none') return sumOver(losses, [dim]);
    const total = reduceLoss(losses, 'sum');
    return reduction === 'sum' ? total : scaled(total, classes / x.size);
  },
);

export interface CrossEntropyOptions extends ClassificationOptions {
  /** How much of the target is spread evenly over all classes, from 0 to 1. */
  readonly labelSmoothing?: number;
}

function crossEntropyOf(name: string, input: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const reduction = reductionOf(name, options.reduction);
  const weight = options.weight ?? null;
  lossType(name, weight === null ? [input] : [input, weight]);
  requireTensor(name, 'target', target);
  if (input.ndim === 0) throw new ShapeError(`${name}: the input needs a dimension of classes`);
  const labelSmoothing = options.labelSmoothing ?? 0;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new ArgumentError(`${name}: labelSmoothing must be between 0 and 1, got ${labelSmoothing}`);
  const dim = input.ndim === 1 ? 0 : 1;
  if (weight !== null) checkWeight(name, weight, input.shape[dim] as number);
  const params: ClassParams = { dim, ignoreIndex: options.ignoreIndex ?? -100, reduction, labelSmoothing };
  const extra = weight === null ? [] : [weight];
  if (sameShape(target.shape, input.shape)) {
    if (!target.type.isFloat)
      throw new DTypeError(
        `${name}: a target of the input's shape ${formatShape(input.shape)} holds probabilities and needs a floating dtype, got ${target.dtype}; class indices have one dimension less`,
      );
    if (params.ignoreIndex >= 0) throw new ArgumentError(`${name}: ignoreIndex has no meaning where the target holds probabilities`);
    return applyOne(softTargetOperator, [input, target, ...extra], params);
  }
  const labels = checkLabels(name, input, target, dim);
  if (weight === null && labelSmoothing === 0 && reduction !== 'none')
    return applyMany(reducedCrossEntropy, [input, labels], params)[0] as Tensor;
  return applyOne(crossEntropyOperator, [input, labels, ...extra], params);
}

/**
 * The cross entropy of unnormalised log-probabilities: -log(softmax(input))[class], averaged over the weights of the classes, summed
 * (`reduction: 'sum'`) or as it is ('none'). `input`: [C], [N, C] or [N, C, d1, …]; `target`: class indices in int64, without C, or probabilities of
 * the input's shape. Rows of the class `ignoreIndex` do not count. Throws IndexError for a class out of range.
 *
 * @example
 * nn.functional.crossEntropy(tensor([[0, 0]]), tensor([1n])); // tensor(0.6931)
 */
export const crossEntropy: ClassLoss<'crossEntropy', Omit<CrossEntropyOptions, 'reduction'>> = described(
  'nn.functional.crossEntropy',
  (input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor =>
    crossEntropyOf('nn.functional.crossEntropy', input, target, options),
  {
    signature: 'input, target, *, weight, ignore_index, reduction, label_smoothing',
    samples: [
      { args: [t([2, 3]), classes([2], [0, 2])] },
      { args: [t([3]), classes([], [1]), { reduction: 'sum' }] },
      {
        args: [
          t([2, 3, 2]),
          classes([2, 2], [0, 2, 1, 1]),
          { weight: t([3], { low: 0.5, high: 2, grad: false }), ignoreIndex: 1, labelSmoothing: 0.1 },
        ],
      },
      { args: [t([2, 3]), t([2, 3], { low: 0.1, high: 0.9 }), { labelSmoothing: 0.2 }] },
      { args: [t([2, 3]), classes([2], [0, 2]), { reduction: 'none' }] },
    ],
    bad: [
      { args: [t([2, 3]), classes([2], [0, 3])], error: /index 3 is out of range/ },
      { args: [t([2, 3]), t([2], { grad: false })], error: /int64/ },
      { args: [t([2, 3]), classes([3], [0, 1, 2])], error: /class indices of shape \[2\]/ },
      { args: [t([2, 3]), classes([2], [0, 1]), { labelSmoothing: 2 }], error: /labelSmoothing/ },
    ],
  },
);

export interface LinearCrossEntropyOptions extends CrossEntropyOptions {
  readonly linearBias?: Tensor | null;
}

const linearCrossEntropyOperator = compositeOperator<
  CrossEntropyOptions & { readonly biased: boolean; readonly weighted: boolean; readonly features: readonly number[] }
>('nn.functional.linearCrossEntropy', ([x, w, y, ...rest], { biased, weighted, features, ...options }) => {
  const bias = biased ? (rest[0] as Tensor) : null;
  const weight = weighted ? (rest[rest.length - 1] as Tensor) : null;
  const input = x as Tensor;
  const matrix = w as Tensor;
  const total = features.reduce((n, size) => n * size, 1);
  const logits = linear(
    input,
    reshape(matrix, [total, matrix.shape[matrix.ndim - 1] as number]),
    bias === null ? null : reshape(bias, [total]),
  );
  return crossEntropyOf('nn.functional.linearCrossEntropy', reshape(logits, [...input.shape.slice(0, -1), ...features]), y as Tensor, {
    ...options,
    weight,
  });
});

/**
 * `crossEntropy(linear(input, linearWeight, linearBias), target)`. `input`: [in] or [N, in]; `linearWeight`: [C, …, in].
 *
 * @example
 * nn.functional.linearCrossEntropy(tensor([[1, 2]]), zeros([2, 2]), tensor([1n])); // tensor(0.6931)
 */
export const linearCrossEntropy: ReducedLoss<
  [linearWeight: Tensor, target: Tensor],
  Omit<LinearCrossEntropyOptions, 'reduction'> & { readonly options?: null }
> = described(
  'nn.functional.linearCrossEntropy',
  (input: Tensor, linearWeight: Tensor, target: Tensor, options: LinearCrossEntropyOptions & { readonly options?: null } = {}): Tensor => {
    const name = 'nn.functional.linearCrossEntropy';
    const { linearBias = null, weight = null, options: _chunks, ...rest } = options;
    if (input.ndim < 1 || input.ndim > 2)
      throw new ShapeError(`${name}: the input must have 1 or 2 dimensions, got ${formatShape(input.shape)}`);
    if (linearWeight.ndim < 2)
      throw new ShapeError(`${name}: linearWeight must have at least 2 dimensions, got ${formatShape(linearWeight.shape)}`);
    const features = linearWeight.shape.slice(0, -1);
    if (input.shape[input.ndim - 1] !== linearWeight.shape[linearWeight.ndim - 1])
      throw new ShapeError(`${name}: the last dimensions of ${formatShape(input.shape)} and ${formatShape(linearWeight.shape)} differ`);
    if (linearBias !== null && !sameShape(linearBias.shape, features))
      throw new ShapeError(`${name}: linearBias must have shape ${formatShape(features)}, got ${formatShape(linearBias.shape)}`);
    if (features.length > 1 && input.ndim === 1)
      throw new ShapeError(
        `${name}: a weight of ${formatShape(linearWeight.shape)} needs a batch of inputs, got ${formatShape(input.shape)}`,
      );
    const logits = [...input.shape.slice(0, -1), ...features];
    if (formatShape(target.shape) === formatShape(logits) && options.ignoreIndex !== undefined && options.ignoreIndex !== null)
      throw new ArgumentError(`${name}: ignoreIndex has no meaning where the target holds probabilities`);
    const tensors = [input, linearWeight, target, ...(linearBias === null ? [] : [linearBias]), ...(weight === null ? [] : [weight])];
    return applyOne(linearCrossEntropyOperator, tensors, { ...rest, biased: linearBias !== null, weighted: weight !== null, features });
  },
  {
    signature: 'input, linear_weight, target, *, linear_bias, weight, reduction, ignore_index, label_smoothing, options',
    tensors: 3,
    samples: [
      { args: [t([2, 3]), t([4, 3]), classes([2], [0, 3])] },
      { args: [t([3]), t([4, 3]), classes([], [1]), { linearBias: t([4]), reduction: 'sum' }] },
    ],
    bad: [{ args: [t([2, 3]), t([4, 5]), classes([2], [0, 1])], error: /last dimensions/ }],
  },
);

import { BOOL, type DType, type DTypeInfo, INT64 } from '../dtype/dtype.ts';
import { toFloatType } from '../dtype/promotion.ts';
import type { FloatDType, RealDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { broadcastShapes } from '../shape/broadcast.ts';
import { normalizeDim, normalizeDims } from '../shape/dims.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { fullTensor } from './create.ts';
import { realFloatOnly } from './elementwise.ts';
import { amax as amaxOf, amin as aminOf, argmax as argmaxOf, argmin as argminOf } from './extrema.ts';
import { callMap, commonType, compositeOperator, described, mapOperator, optionalType, realOnly, requireTensor } from './family.ts';
import { vectorNorm } from './linalg/norm.ts';
import { DIV, NEG, SQRT } from './maps.ts';
import { logSoftmaxAlong, softmaxAlong } from './nn/softmax.ts';
import { nanmedian } from './order-statistics.ts';
import { type Dims, sum as sumOf } from './reduce.ts';
import { countOf } from './reduction.ts';
import { cumprod as cumprodOf, cumsum as cumsumOf } from './scan.ts';
import { logsumexp as logsumexpOf, productOver } from './statistics.ts';
import { cast, reducedShape, reshape } from './structural.ts';
import type { ChosenReduction, DimsArgument, MeanFunction, ScanFunction, SoftmaxLike, SumFunction } from './types.ts';

/** Reductions and normalisations of the elements that a mask lets through: the others count as the neutral element. */

export interface MaskedOptions {
  /** Which elements count: bool, broadcast to the input. */
  readonly mask?: Tensor | null;
  readonly dtype?: DType | null;
}

export interface MaskedReduceOptions extends MaskedOptions {
  readonly keepdim?: boolean | null;
}

const FILLED = mapOperator('where', 2, 1, ([x, m], [fill]) => S.select(S.ne(m as S.Expr, 0), x as S.Expr, fill as S.Expr));
const MASK = { dtype: 'bool', grad: false };

/** `x` with `fill` where the mask is false. */
function filled(x: Tensor, mask: Tensor | undefined, fill: number): Tensor {
  return mask === undefined ? x : callMap(FILLED, [x, mask], [fill], x.type);
}

/** The least and the largest value of a dtype. */
function lowest(type: DTypeInfo): number {
  return type.isFloat ? Number.NEGATIVE_INFINITY : type.isSigned ? -(2 ** (8 * type.itemsize - 1)) : 0;
}

function highest(type: DTypeInfo): number {
  if (type.isFloat) return Number.POSITIVE_INFINITY;
  return 2 ** (8 * type.itemsize - (type.isSigned ? 1 : 0)) - 1;
}

function checkMask(name: string, role: string, input: Tensor, mask: Tensor | null | undefined): Tensor[] {
  requireTensor(name, 'input', input);
  realOnly(input.type, name);
  if (mask === null || mask === undefined) return [];
  requireTensor(name, role, mask);
  if (mask.type !== BOOL) throw new DTypeError(`${name}: ${role} must have dtype bool, got ${mask.dtype}`);
  if (formatShape(broadcastShapes(name, input.shape, mask.shape)) !== formatShape(input.shape)) {
    throw new ShapeError(
      `${name}: ${role} of shape ${formatShape(mask.shape)} does not broadcast to the input's ${formatShape(input.shape)}`,
    );
  }
  return [mask];
}

interface ReduceCall {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  readonly type: DTypeInfo | null;
}

const REDUCE_SAMPLES = [
  { args: [t([2, 3])] },
  { args: [t([2, 3]), 1, { mask: t([2, 3], { ...MASK, values: [true, false, true, false, true, true] }) }] },
  { args: [t([2, 3]), 0, { mask: t([2, 1], { ...MASK, values: [true, false] }), keepdim: true }] },
  { args: [t([])] },
];
const REDUCE_BAD = [
  { args: [t([2, 3]), 2], error: /dimension 2 is out of range/ },
  { args: [t([2, 3]), 0, { mask: t([2, 3]) }], error: /dtype bool/ },
];

/** A reduction of what the mask lets through, the rest replaced by the neutral element. */
function maskedReduction<R extends object>(
  name: string,
  neutral: (type: DTypeInfo) => number,
  reduce: (x: Tensor, call: ReduceCall) => Tensor,
): R {
  const path = `masked.${name}`;
  const operator = compositeOperator<ReduceCall>(path, ([input, mask], call) =>
    reduce(filled(input as Tensor, mask, neutral((input as Tensor).type)), call),
  );
  return described(
    path,
    (input: Tensor, dim?: Dims, options: MaskedReduceOptions = {}): Tensor => {
      const inputs = [input, ...checkMask(path, 'mask', input, options.mask)];
      return applyOne(operator, inputs, {
        dims: normalizeDims(path, dim, input.ndim),
        keepdim: options.keepdim === true,
        type: optionalType(options.dtype),
      });
    },
    { signature: 'input, dim?, *, keepdim, dtype, mask', samples: REDUCE_SAMPLES, bad: REDUCE_BAD },
  );
}

const named = (type: DTypeInfo | null): { readonly dtype?: DType } => (type === null ? {} : { dtype: type.name });
const inType = (x: Tensor, type: DTypeInfo | null): Tensor => (type === null ? x : cast(x, type));
const isWhole = (type: DTypeInfo): boolean => type.isInteger || type === BOOL;

/**
 * The sum of the elements that `mask` lets through, over `dim`. Integers and bool are summed in int64.
 *
 * @example
 * masked.sum(tensor([1, 2, 3]), 0, { mask: tensor([true, false, true]) }); // tensor(4.)
 */
export const sum: SumFunction<'sum', DimsArgument, RealDType, MaskedOptions> = maskedReduction(
  'sum',
  () => 0,
  (x, { dims, keepdim, type }) => sumOf(x, dims, { keepdim, ...named(type) }),
);

/**
 * The product of the elements that `mask` lets through, over `dim`. Integers and bool multiply in int64.
 *
 * @example
 * masked.prod(tensor([1, 2, 3]), 0, { mask: tensor([true, false, true]) }); // tensor(3.)
 */
export const prod: SumFunction<'prod', DimsArgument, RealDType, MaskedOptions> = maskedReduction(
  'prod',
  () => 1,
  (x, { dims, keepdim, type }) => productOver(cast(x, type ?? (isWhole(x.type) ? INT64 : x.type)), dims, keepdim),
);

/**
 * The largest of the elements that `mask` lets through, over `dim`; the least value of the dtype where it lets none.
 *
 * @example
 * masked.amax(tensor([1, 2, 3]), 0, { mask: tensor([true, true, false]) }); // tensor(2.)
 */
export const amax: ChosenReduction<'amax', RealDType, MaskedOptions> = maskedReduction('amax', lowest, (x, { dims, keepdim, type }) =>
  inType(amaxOf(x, dims, { keepdim }), type),
);

/**
 * The smallest of the elements that `mask` lets through, over `dim`; the largest value of the dtype where it lets none.
 *
 * @example
 * masked.amin(tensor([1, 2, 3]), 0, { mask: tensor([false, true, true]) }); // tensor(2.)
 */
export const amin: ChosenReduction<'amin', RealDType, MaskedOptions> = maskedReduction('amin', highest, (x, { dims, keepdim, type }) =>
  inType(aminOf(x, dims, { keepdim }), type),
);

/**
 * log(sum(exp(x))) of the elements that `mask` lets through, over `dim`.
 *
 * @example
 * masked.logsumexp(tensor([0, 0, 5]), 0, { mask: tensor([true, true, false]) }); // tensor(0.6931)
 */
export const logsumexp: ChosenReduction<'logsumexp', RealDType, MaskedOptions> = maskedReduction(
  'logsumexp',
  lowest,
  (x, { dims, keepdim, type }) => cast(logsumexpOf(x, dims, { keepdim }), type ?? x.type),
);

// ---------------------------------------------------------------- mean, variance

const SQUARED_DEVIATION = mapOperator('var', 2, 0, ([x, m]) => {
  const d = S.sub(x as S.Expr, m as S.Expr);
  return S.mul(d, d);
});
const LESS = mapOperator('sub', 1, 1, ([n], [correction]) => S.max(S.sub(n as S.Expr, correction as S.Expr), 0), false);

/** How many elements the mask lets through, with the reduced dimensions of size 1. */
function countThrough(x: Tensor, mask: Tensor | undefined, dims: readonly number[], type: DTypeInfo): Tensor {
  const shape = reducedShape(x.shape, dims, true);
  if (mask === undefined) return fullTensor(shape, countOf(x.shape, dims), type);
  const ones = filled(fullTensor(x.shape, 1, type), mask, 0);
  return sumOf(ones, dims, { keepdim: true });
}

function withKeepdim(x: Tensor, shape: readonly number[], { dims, keepdim }: ReduceCall): Tensor {
  return keepdim ? x : reshape(x, reducedShape(shape, dims));
}

const meanOperator = compositeOperator<ReduceCall & { readonly type: DTypeInfo }>('masked.mean', ([input, mask], call) => {
  const x = cast(input as Tensor, call.type);
  const total = sumOf(filled(x, mask, 0), call.dims, { keepdim: true });
  return withKeepdim(callMap(DIV, [total, countThrough(x, mask, call.dims, x.type)], [], x.type), x.shape, call);
});

/**
 * The mean of the elements that `mask` lets through, over `dim`. Needs a floating dtype.
 *
 * @example
 * masked.mean(tensor([1, 2, 3]), 0, { mask: tensor([true, false, true]) }); // tensor(2.)
 */
export const mean: MeanFunction<'mean', FloatDType, MaskedOptions> = described(
  'masked.mean',
  (input: Tensor, dim?: Dims, options: MaskedReduceOptions = {}): Tensor => {
    const inputs = [input, ...checkMask('masked.mean', 'mask', input, options.mask)];
    const type = optionalType(options.dtype) ?? input.type;
    if (!type.isFloat)
      throw new DTypeError(`masked.mean: needs a floating dtype, got ${type.name}: cast with .to('float32'), or pass { dtype }`);
    return applyOne(meanOperator, inputs, { dims: normalizeDims('masked.mean', dim, input.ndim), keepdim: options.keepdim === true, type });
  },
  { signature: 'input, dim?, *, keepdim, dtype, mask', samples: REDUCE_SAMPLES, bad: REDUCE_BAD },
);

interface VarianceCall extends ReduceCall {
  readonly type: DTypeInfo;
  readonly correction: number;
}

export interface MaskedVarianceOptions extends MaskedReduceOptions {
  readonly correction?: number | null;
  readonly unbiased?: boolean | null;
}

function maskedVariance<R extends object>(name: 'var' | 'std'): R {
  const path = `masked.${name}`;
  const operator = compositeOperator<VarianceCall>(path, ([input, mask], call) => {
    const x = cast(input as Tensor, call.type);
    const count = countThrough(x, mask, call.dims, x.type);
    const mean = callMap(DIV, [sumOf(filled(x, mask, 0), call.dims, { keepdim: true }), count], [], x.type);
    const squares = filled(callMap(SQUARED_DEVIATION, [x, mean], [], x.type), mask, 0);
    const divisor = callMap(LESS, [count], [call.correction], x.type);
    const variance = callMap(DIV, [sumOf(squares, call.dims, { keepdim: true }), divisor], [], x.type);
    return withKeepdim(name === 'std' ? callMap(SQRT, [variance], [], x.type) : variance, x.shape, call);
  });
  return described(
    path,
    (input: Tensor, dim?: Dims, options: MaskedVarianceOptions = {}): Tensor => {
      const inputs = [input, ...checkMask(path, 'mask', input, options.mask)];
      const { unbiased = null, correction = null } = options;
      if (unbiased !== null && correction !== null) throw new ArgumentError(`${path}: give either unbiased or correction, not both`);
      const type = optionalType(options.dtype) ?? toFloatType(input.type);
      return applyOne(operator, inputs, {
        dims: normalizeDims(path, dim, input.ndim),
        keepdim: options.keepdim === true,
        type,
        correction: correction ?? (unbiased === false ? 0 : 1),
      });
    },
    {
      signature: 'input, dim?, *, unbiased, correction, keepdim, dtype, mask',
      samples: [
        { args: [t([4])] },
        { args: [t([2, 3]), 1, { mask: t([3], { ...MASK, values: [true, false, true] }), correction: 0 }] },
        { args: [t([2, 3]), null, { keepdim: true }] },
      ],
      bad: REDUCE_BAD,
    },
  );
}

/**
 * The variance of the elements that `mask` lets through, over `dim`, with `correction` taken off their number (1 by default). Integers become the
 * default float.
 *
 * @example
 * masked.var(tensor([1, 9, 3]), 0, { mask: tensor([true, false, true]) }); // tensor(2.)
 */
export const variance: ChosenReduction<'var', RealDType, Omit<MaskedVarianceOptions, 'keepdim' | 'dtype'>, true> = maskedVariance('var');

/**
 * The standard deviation of the elements that `mask` lets through, over `dim`. Integers become the default float.
 *
 * @example
 * masked.std(tensor([1, 9, 3]), 0, { mask: tensor([true, false, true]) }); // tensor(1.4142)
 */
export const std: ChosenReduction<'std', RealDType, Omit<MaskedVarianceOptions, 'keepdim' | 'dtype'>, true> = maskedVariance('std');

// ---------------------------------------------------------------- indices, medians

function maskedArg<R extends object>(name: 'argmax' | 'argmin', neutral: (type: DTypeInfo) => number, find: typeof argmaxOf): R {
  const path = `masked.${name}`;
  const operator = compositeOperator<{ readonly dim: number | null; readonly keepdim: boolean; readonly type: DTypeInfo }>(
    path,
    ([input, mask], { dim, keepdim, type }) =>
      cast(find(filled(input as Tensor, mask, neutral((input as Tensor).type)), dim, { keepdim }), type),
  );
  return described(
    path,
    (input: Tensor, dim?: number | null, options: MaskedReduceOptions = {}): Tensor => {
      const inputs = [input, ...checkMask(path, 'mask', input, options.mask)];
      return applyOne(operator, inputs, {
        dim: dim ?? null,
        keepdim: options.keepdim === true,
        type: optionalType(options.dtype) ?? input.type,
      });
    },
    {
      signature: 'input, dim?, *, keepdim, dtype, mask',
      samples: [
        { args: [t([2, 3], { grad: false })] },
        { args: [t([2, 3], { grad: false }), 1, { mask: t([3], { ...MASK, values: [true, false, true] }) }] },
      ],
      bad: REDUCE_BAD,
    },
  );
}

/**
 * The index of the largest of the elements that `mask` lets through, in the dtype of the input.
 *
 * @example
 * masked.argmax(tensor([1, 5, 3]), 0, { mask: tensor([true, false, true]) }); // tensor(2.)
 */
export const argmax: ChosenReduction<'argmax', RealDType, MaskedOptions> = maskedArg('argmax', lowest, argmaxOf);

/**
 * The index of the smallest of the elements that `mask` lets through, in the dtype of the input.
 *
 * @example
 * masked.argmin(tensor([1, 5, 3]), 0, { mask: tensor([false, true, true]) }); // tensor(2.)
 */
export const argmin: ChosenReduction<'argmin', RealDType, MaskedOptions> = maskedArg('argmin', highest, argminOf);

interface MedianCall {
  readonly dim: number;
  readonly keepdim: boolean;
}

const medianOperator = compositeOperator<MedianCall>(
  'masked.median',
  ([input, mask], { dim, keepdim }) => nanmedian(filled(input as Tensor, mask, Number.NaN), dim, { keepdim }).values,
);

/**
 * The median of the elements that `mask` lets through along `dim` (the last by default): of an even number the lower of the middle two, NaN where it
 * lets none. Needs a floating dtype.
 *
 * @example
 * masked.median(tensor([1, 9, 3]), 0, { mask: tensor([true, false, true]) }); // tensor(1.)
 */
export const median = described(
  'masked.median',
  (input: Tensor, dim = -1, options: MaskedReduceOptions = {}): Tensor => {
    const inputs = [input, ...checkMask('masked.median', 'mask', input, options.mask)];
    realFloatOnly(input.type, 'masked.median');
    return applyOne(medianOperator, inputs, { dim: normalizeDim('masked.median', dim, input.ndim), keepdim: options.keepdim === true });
  },
  {
    signature: 'input, dim?, *, keepdim, dtype, mask',
    samples: [{ args: [t([5])] }, { args: [t([2, 3]), 1, { mask: t([3], { ...MASK, values: [true, false, true] }) }] }],
    bad: REDUCE_BAD,
  },
);

// ---------------------------------------------------------------- norms

interface NormCall extends ReduceCall {
  readonly order: number;
}

function maskedNorm(x: Tensor, mask: Tensor | undefined, { order, dims, keepdim, type }: NormCall): Tensor {
  const fill = order === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : 0;
  return vectorNorm(filled(x, mask, fill), order, dims, { keepdim, ...named(type) });
}

const normOperator = compositeOperator<NormCall>('masked.norm', ([x, mask], call) => maskedNorm(x as Tensor, mask, call));

/**
 * The p-norm of the elements that `mask` lets through, over `dim`. Needs a floating dtype.
 *
 * @example
 * masked.norm(tensor([3, 9, 4]), 2, 0, { mask: tensor([true, false, true]) }); // tensor(5.)
 */
export const norm = described(
  'masked.norm',
  (input: Tensor, ord: number | null = 2, dim?: Dims, options: MaskedReduceOptions = {}): Tensor => {
    const inputs = [input, ...checkMask('masked.norm', 'mask', input, options.mask)];
    return applyOne(normOperator, inputs, {
      order: ord ?? 2,
      dims: normalizeDims('masked.norm', dim, input.ndim),
      keepdim: options.keepdim === true,
      type: optionalType(options.dtype),
    });
  },
  {
    signature: 'input, ord?, dim?, *, keepdim, dtype, mask',
    samples: [{ args: [t([2, 3])] }, { args: [t([2, 3]), 3, 1, { mask: t([3], { ...MASK, values: [true, false, true] }) }] }],
    bad: [{ args: [t([2, 3]), 2, 2], error: /dimension 2 is out of range/ }],
  },
);

const BOUNDED_RATIO = mapOperator('normalize', 2, 1, ([x, n], [eps]) => S.div(x as S.Expr, S.max(n as S.Expr, eps as S.Expr)));

const normalizeOperator = compositeOperator<NormCall & { readonly eps: number }>('masked.normalize', ([x, mask], call) => {
  const size = maskedNorm(x as Tensor, mask, call);
  return callMap(BOUNDED_RATIO, [filled(x as Tensor, mask, 0), size], [call.eps], size.type);
});

/**
 * The elements that `mask` lets through over their p-norm along `dim` (at least `eps`); the others become 0. Needs a floating dtype.
 *
 * @example
 * masked.normalize(tensor([3, 9, 4]), 2, 0, { mask: tensor([true, false, true]) }); // tensor([0.6000, 0.0000, 0.8000])
 */
export const normalize = described(
  'masked.normalize',
  (input: Tensor, ord: number, dim: number, options: MaskedOptions & { readonly eps?: number } = {}): Tensor => {
    const inputs = [input, ...checkMask('masked.normalize', 'mask', input, options.mask)];
    const dims = normalizeDims('masked.normalize', dim, input.ndim);
    return applyOne(normalizeOperator, inputs, {
      order: ord,
      dims,
      keepdim: true,
      type: optionalType(options.dtype),
      eps: options.eps ?? 1e-12,
    });
  },
  {
    signature: 'input, ord, dim, *, eps, dtype, mask',
    samples: [{ args: [t([4]), 2, 0] }, { args: [t([2, 3]), 2, 1, { mask: t([3], { ...MASK, values: [true, false, true] }) }] }],
    bad: [{ args: [t([2, 3]), 2, 2], error: /dimension 2 is out of range/ }],
  },
);

// ---------------------------------------------------------------- along a dimension

interface AlongCall {
  readonly dim: number;
  readonly type: DTypeInfo | null;
}

const MASK_COLUMN = t([2, 1], { ...MASK, values: [true, false] });
const MASK_3 = t([3], { ...MASK, values: [true, false, true] });

function alongMasked<R extends object = SoftmaxLike<string, MaskedOptions>>(
  name: string,
  neutral: (type: DTypeInfo) => number,
  compute: (x: Tensor, call: AlongCall) => Tensor,
): R {
  const path = `masked.${name}`;
  const operator = compositeOperator<AlongCall>(path, ([input, mask], call) =>
    compute(filled(input as Tensor, mask, neutral((input as Tensor).type)), call),
  );
  // Differences of infinite values say nothing.
  const infinite = name === 'logSoftmax' ? { skipNumericGradient: true } : {};
  return described(
    path,
    (input: Tensor, dim: number, options: MaskedOptions = {}): Tensor => {
      const inputs = [input, ...checkMask(path, 'mask', input, options.mask)];
      return applyOne(operator, inputs, { dim: normalizeDim(path, dim, input.ndim), type: optionalType(options.dtype) });
    },
    {
      signature: 'input, dim, *, dtype, mask',
      samples: [
        { args: [t([4]), 0] },
        { args: [t([2, 3]), 1, { mask: MASK_3 }], ...infinite },
        { args: [t([2, 3]), 0, { mask: MASK_COLUMN }], ...infinite },
      ],
      bad: [{ args: [t([2, 3]), 2], error: /dimension 2 is out of range/ }],
    },
  );
}

function inFloat(name: string, x: Tensor, type: DTypeInfo | null): Tensor {
  const result = inType(x, type);
  if (!result.type.isFloat) throw new DTypeError(`${name}: needs a floating dtype, got ${result.dtype}; pass { dtype }`);
  return result;
}

/**
 * Running sums along `dim` in which elements that `mask` keeps out count as 0.
 *
 * @example
 * masked.cumsum(tensor([1, 2, 3]), 0, { mask: tensor([true, false, true]) }); // tensor([1., 1., 4.])
 */
export const cumsum: ScanFunction<'cumsum', MaskedOptions> = alongMasked(
  'cumsum',
  () => 0,
  (x, { dim, type }) => cumsumOf(x, dim, named(type)),
);

/**
 * Running products along `dim` in which elements that `mask` keeps out count as 1.
 *
 * @example
 * masked.cumprod(tensor([1, 2, 3]), 0, { mask: tensor([true, false, true]) }); // tensor([1., 1., 3.])
 */
export const cumprod: ScanFunction<'cumprod', MaskedOptions> = alongMasked(
  'cumprod',
  () => 1,
  (x, { dim, type }) => cumprodOf(x, dim, named(type)),
);

/**
 * `softmax` along `dim` over the elements that `mask` lets through; the others get 0.
 *
 * @example
 * masked.softmax(tensor([0, 0, 9]), 0, { mask: tensor([true, true, false]) }); // tensor([0.5000, 0.5000, 0.0000])
 */
export const softmax = alongMasked('softmax', lowest, (x, { dim, type }) => softmaxAlong(inFloat('masked.softmax', x, type), dim));

/**
 * The logarithm of `softmax` along `dim` over the elements that `mask` lets through; the others get -Infinity.
 *
 * @example
 * masked.logSoftmax(tensor([0, 0]), 0); // tensor([-0.6931, -0.6931])
 */
export const logSoftmax = alongMasked('logSoftmax', lowest, (x, { dim, type }) =>
  logSoftmaxAlong(inFloat('masked.logSoftmax', x, type), dim),
);

/**
 * `softmax` of the negated input along `dim` over the elements that `mask` lets through; the others get 0.
 *
 * @example
 * masked.softmin(tensor([0, 0, 9]), 0, { mask: tensor([true, true, false]) }); // tensor([0.5000, 0.5000, 0.0000])
 */
export const softmin = alongMasked('softmin', highest, (x, { dim, type }) => {
  const y = inFloat('masked.softmin', x, type);
  return softmaxAlong(callMap(NEG, [y], [], y.type), dim);
});

const LOG_ADD_EXP = mapOperator('logaddexp', 2, 0, ([x, y]) => S.logaddexp(x as S.Expr, y as S.Expr));

interface PairCall {
  readonly compute: DTypeInfo;
  readonly type: DTypeInfo;
  readonly inputMasked: boolean;
}

const logaddexpOperator = compositeOperator<PairCall>('masked.logaddexp', ([input, other, ...masks], { compute, type, inputMasked }) => {
  const x = input as Tensor;
  const y = other as Tensor;
  const first = filled(x, inputMasked ? masks[0] : undefined, lowest(x.type));
  const second = filled(y, masks[inputMasked ? 1 : 0], lowest(y.type));
  return cast(callMap(LOG_ADD_EXP, [first, second], [], compute), type);
});

export interface MaskedPairOptions {
  readonly inputMask?: Tensor | null;
  readonly otherMask?: Tensor | null;
  readonly dtype?: DType | null;
}

/**
 * log(exp(input) + exp(other)) in which elements that a mask keeps out count as -Infinity. Needs floating dtypes.
 *
 * @example
 * masked.logaddexp(tensor([0, 0]), tensor([0, 5]), { otherMask: tensor([true, false]) }); // tensor([0.6931, 0.0000])
 */
export const logaddexp = described(
  'masked.logaddexp',
  (input: Tensor, other: Tensor, options: MaskedPairOptions = {}): Tensor => {
    const name = 'masked.logaddexp';
    const inputMask = checkMask(name, 'inputMask', input, options.inputMask);
    const otherMask = checkMask(name, 'otherMask', other, options.otherMask);
    const compute = commonType([input, other]);
    realFloatOnly(compute, name);
    return applyOne(logaddexpOperator, [input, other, ...inputMask, ...otherMask], {
      compute,
      type: optionalType(options.dtype) ?? input.type,
      inputMasked: inputMask.length === 1,
    });
  },
  {
    signature: 'input, other, *, dtype, input_mask, other_mask',
    samples: [
      { args: [t([3]), t([3])] },
      { args: [t([3]), t([3]), { inputMask: MASK_3 }] },
      { args: [t([2, 3]), t([2, 3]), { otherMask: MASK_3 }] },
    ],
    bad: [{ args: [t([2, 3]), t([4])], error: /\[2, 3\].*\[4\]/ }],
  },
);

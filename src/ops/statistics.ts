import { BOOL, type DTypeInfo, INT64, UINT8 } from '../dtype/dtype.ts';
import { toFloatType } from '../dtype/promotion.ts';
import type { FloatDType, RealDType } from '../dtype/types.ts';
import { type Operator, t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { normalizeDims } from '../shape/dims.ts';
import { formatShape } from '../shape/shape.ts';
import { applyMany, applyOne } from '../tensor/apply.ts';
import type { MapParams } from '../tensor/map-operator.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { fullTensor } from './create.ts';
import type { KeepdimOptions } from './extrema.ts';
import {
  callMap,
  compositeOperator,
  described,
  floatOnly,
  makeOperator,
  mapOperator,
  optionalType,
  realOnly,
  requireTensor,
} from './family.ts';
import { DIV, MUL } from './maps.ts';
import { diagonalOf, sliceDim } from './movement.ts';
import type { Dims, ReduceOptions } from './reduce.ts';
import { countOf, type DimsParams, discard, meanOver, needsComposition, reduceBy, restored, scaled, seenAs, sumOver } from './reduction.ts';
import { type NamedResults, namedResults } from './results.ts';
import { alongDims, cast, reducedShape, reshape, sumDimsOperator } from './structural.ts';
import type {
  CountReduction,
  DimArgument,
  DimsArgument,
  FloatReduction,
  MeanFunction,
  PairReduction,
  Reduction,
  SumFunction,
  TraceFunction,
  TruthReduction,
} from './types.ts';

const BAD_DIM = [{ args: [t([2, 3]), 2], error: /dimension 2 is out of range/ }];

// ---------------------------------------------------------------- product

/** The product of nothing, from its sum: it stays connected to the graph. */
const PLUS_ONE = mapOperator('add', 1, 0, ([x]) => S.add(x as S.Expr, 1));

/** The product of two tensors of one dtype. */
export function product(x: Tensor, y: Tensor): Tensor {
  return callMap(MUL, [x, y], [], x.type);
}

/**
 * The product along one dimension by halves: each derivative is a product of the other elements, right with any number of zeros, and so are its
 * own derivatives.
 */
function productByHalves(x: Tensor, dim: number): Tensor {
  let size = x.shape[dim] as number;
  if (size === 0) return callMap(PLUS_ONE, [sumOver(x, [dim], true)], [], x.type);
  let current = x;
  let rest: Tensor | null = null;
  while (size > 1) {
    const half = size >> 1;
    if (size % 2 === 1) {
      const last = sliceDim(current, dim, size - 1, 1);
      rest = rest === null ? last : product(rest, last);
    }
    current = product(sliceDim(current, dim, 0, half), sliceDim(current, dim, half, half));
    size = half;
  }
  return rest === null ? current : product(current, rest);
}

interface ProductParams extends DimsParams {
  readonly type: DTypeInfo;
}

const prodOperator = compositeOperator<ProductParams>('prod', ([input], { dims, keepdim, type }) => {
  const x = input as Tensor;
  if (!needsComposition(x)) return reduceBy('prod', x, dims, type, keepdim);
  let result = cast(x, type);
  for (const dim of dims) result = productByHalves(result, dim);
  return reshape(result, reducedShape(x.shape, dims, keepdim));
});

/** Products over normalised dimensions, for other operators. */
export function productOver(x: Tensor, dims: readonly number[], keepdim = false): Tensor {
  return applyOne(prodOperator, [x], { dims, keepdim, type: x.type });
}

function isWhole(type: DTypeInfo): boolean {
  return type.isInteger || type === BOOL;
}

/**
 * The product of all elements, or along `dim`. Integers and bool multiply in int64 unless `dtype` says otherwise. Derivatives of every order are right
 * where elements are zero.
 *
 * @example
 * prod(tensor([2, 3, 4])); // tensor(24.)
 */
export const prod: SumFunction<'prod', DimArgument> = described(
  'prod',
  (input: Tensor, dim?: number | null, options: ReduceOptions = {}): Tensor => {
    const type = optionalType(options.dtype) ?? (isWhole(input.type) ? INT64 : input.type);
    const dims = normalizeDims('prod', dim, input.ndim);
    const keepdim = options.keepdim === true;
    return applyOne(prodOperator, [isWhole(input.type) || type === input.type ? input : cast(input, type)], { dims, keepdim, type });
  },
  {
    signature: 'input, dim?, *, keepdim, dtype',
    tensors: 1,
    samples: [
      { args: [t([2, 3])] },
      { args: [t([2, 3, 4]), 1] },
      { args: [t([2, 3]), -1, { keepdim: true }] },
      { args: [t([])] },
      { args: [t([0, 2]), 0] },
      { args: [t([3], { values: [2, 0, 3] })] },
      { args: [t([3], { values: [0, 0, 3] })] },
    ],
    bad: BAD_DIM,
  },
);

// ---------------------------------------------------------------- variance

interface VarianceParams extends DimsParams {
  /** The number of elements less the correction, at least 0. */
  readonly divisor: number;
}

const SQUARED_DEVIATION = mapOperator('var', 2, 0, ([x, m]) => {
  const d = S.sub(x as S.Expr, m as S.Expr);
  return S.mul(d, d);
});
const VARIANCE_GRADIENT = mapOperator('var', 3, 1, ([g, x, m], [factor]) =>
  S.mul(S.mul(g as S.Expr, factor as S.Expr), S.sub(x as S.Expr, m as S.Expr)),
);

/** Sum of squared deviations over the divisor, in two passes (which do not cancel). */
const varOperator = compositeOperator<VarianceParams>(
  'var',
  ([x], params) => varianceAround(x as Tensor, meanOver(x as Tensor, params.dims, true), params),
  {
    kind: 'rules',
    saves: { inputs: [0] },
    vjp: ([g], context) => {
      const x = context.input(0);
      const { dims, divisor } = context.params;
      return [callMap(VARIANCE_GRADIENT, [restored(g as Tensor, x.shape, dims), x, meanOver(x, dims, true)], [2 / divisor], x.type)];
    },
  },
);

function varianceAround(x: Tensor, mean: Tensor, { dims, keepdim, divisor }: VarianceParams): Tensor {
  return scaled(sumOver(callMap(SQUARED_DEVIATION, [x, mean], [], x.type), dims, keepdim), 1 / divisor);
}

/** The root, with derivative 0 at 0. */
const ROOT = mapOperator('sqrt', 1, 0, ([x]) => S.select(S.eq(x as S.Expr, 0), 0, S.sqrt(x as S.Expr)));

/** The square root, whose derivative at 0 is 0 instead of infinite. */
export function rootOf(x: Tensor): Tensor {
  return callMap(ROOT, [x], [], x.type);
}

const stdOperator = compositeOperator<VarianceParams>('std', ([x], params) => rootOf(applyOne(varOperator, [x as Tensor], params)));

function withMean(name: string, root: boolean): Operator<Tensor, VarianceParams> {
  return compositeOperator<VarianceParams>(name, ([input], params) => {
    const x = input as Tensor;
    const mean = meanOver(x, params.dims, true);
    const variance = varianceAround(x, mean, params);
    return [root ? rootOf(variance) : variance, params.keepdim ? mean : reshape(mean, reducedShape(x.shape, params.dims))];
  });
}

const varMeanOperator = withMean('varMean', false);
const stdMeanOperator = withMean('stdMean', true);

export interface VarianceOptions extends KeepdimOptions {
  /** What is taken off the number of elements in the divisor. Default 1. */
  readonly correction?: number | null;
  /** True stands for a correction of 1, false for 0. */
  readonly unbiased?: boolean;
}

function varianceParams(name: string, input: Tensor, dim: Dims | undefined, options: VarianceOptions): VarianceParams {
  requireTensor(name, 'input', input);
  realOnly(floatOnly(input.type, name), name);
  const dims = normalizeDims(name, dim, input.ndim);
  const correction = options.correction ?? (options.unbiased === false ? 0 : 1);
  return { dims, keepdim: options.keepdim === true, divisor: Math.max(0, countOf(input.shape, dims) - correction) };
}

const VARIANCE = {
  signature: 'input, dim?, *, unbiased, keepdim, correction',
  samples: [
    { args: [t([4])] },
    { args: [t([2, 3])] },
    { args: [t([2, 3, 4]), 1] },
    { args: [t([2, 3, 4]), [0, 2], { correction: 0, keepdim: true }] },
    { args: [t([2, 3]), 1, { unbiased: false }] },
  ],
  bad: [...BAD_DIM, { args: [t([2, 3], { dtype: 'int64' })], error: /floating/ }],
};

/**
 * The variance over `dim` (one dimension, several, or all): squared deviations from the mean over the number of elements less `correction` (1 by
 * default, which makes it unbiased). Needs a floating dtype.
 *
 * @example
 * nabla.var(tensor([1, 2, 3, 4])); // tensor(1.6667)
 */
export const variance: Reduction<'var', FloatDType, Omit<VarianceOptions, 'keepdim'>> = described(
  'var',
  (input: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor =>
    applyOne(varOperator, [input], varianceParams('var', input, dim, options)),
  VARIANCE,
);

/**
 * The standard deviation over `dim`: the root of the variance. Where it is 0 its derivative is 0. Needs a floating dtype.
 *
 * @example
 * std(tensor([1, 2, 3, 4])); // tensor(1.2910)
 */
export const std: Reduction<'std', FloatDType, Omit<VarianceOptions, 'keepdim'>> = described(
  'std',
  (input: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor =>
    applyOne(stdOperator, [input], varianceParams('std', input, dim, options)),
  VARIANCE,
);

/**
 * Variance and mean over `dim`, as `{ var, mean }`, which is also iterable.
 *
 * @example
 * const [v, m] = varMean(tensor([1, 2, 3]));
 * m; // tensor(2.)
 */
export const varMean: PairReduction<'varMean', 'var' | 'mean', FloatDType, Omit<VarianceOptions, 'keepdim'>> = described(
  'varMean',
  (input: Tensor, dim?: Dims, options: VarianceOptions = {}): NamedResults<'var' | 'mean'> =>
    namedResults(['var', 'mean'], applyMany(varMeanOperator, [input], varianceParams('varMean', input, dim, options))),
  VARIANCE,
);

/**
 * Standard deviation and mean over `dim`, as `{ std, mean }`, which is also iterable.
 *
 * @example
 * const [s, m] = stdMean(tensor([1, 2, 3]));
 * s; // tensor(1.)
 */
export const stdMean: PairReduction<'stdMean', 'std' | 'mean', FloatDType, Omit<VarianceOptions, 'keepdim'>> = described(
  'stdMean',
  (input: Tensor, dim?: Dims, options: VarianceOptions = {}): NamedResults<'std' | 'mean'> =>
    namedResults(['std', 'mean'], applyMany(stdMeanOperator, [input], varianceParams('stdMean', input, dim, options))),
  VARIANCE,
);

// ---------------------------------------------------------------- sums that pass over NaN, counts

const WITHOUT_NAN = mapOperator('nanToNum', 1, 0, ([x]) => S.select(S.isnan(x as S.Expr), 0, x as S.Expr));
const IS_NUMBER = mapOperator('isnan', 1, 0, ([x]) => S.select(S.isnan(x as S.Expr), 0, 1), false);

interface SumParams extends DimsParams {
  readonly type: DTypeInfo;
}

function nansumOf(x: Tensor, { dims, keepdim, type }: SumParams): Tensor {
  const source = x.type.isFloat ? callMap(WITHOUT_NAN, [cast(x, type)], [], type) : x;
  const result = applyOne(sumDimsOperator, [source], { dims, type });
  return keepdim ? restored(result, x.shape, dims) : result;
}

const nansumOperator = compositeOperator<SumParams>('nansum', ([x], params) => nansumOf(x as Tensor, params));
const nanmeanOperator = compositeOperator<SumParams>('nanmean', ([input], params) => {
  const x = cast(input as Tensor, params.type);
  return callMap(DIV, [nansumOf(x, params), sumOver(callMap(IS_NUMBER, [x], [], x.type), params.dims, params.keepdim)], [], x.type);
});

const NAN_SAMPLES = [
  { args: [t([2, 3])] },
  { args: [t([2, 3, 4]), 1] },
  { args: [t([2, 3]), [0, -1], { keepdim: true }] },
  { args: [t([])] },
  { args: [t([3], { values: [1, Number.NaN, 3] })] },
];

/**
 * The sum over `dim` in which NaN counts as zero. Integers and bool are summed in int64 unless `dtype` says otherwise.
 *
 * @example
 * nansum(tensor([1, NaN, 3])); // tensor(4.)
 */
export const nansum: SumFunction<'nansum', DimsArgument, RealDType> = described(
  'nansum',
  (input: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => {
    realOnly(input.type, 'nansum');
    const type = optionalType(options.dtype) ?? (isWhole(input.type) ? INT64 : input.type);
    return applyOne(nansumOperator, [input], { dims: normalizeDims('nansum', dim, input.ndim), keepdim: options.keepdim === true, type });
  },
  { signature: 'input, dim?, *, keepdim, dtype', tensors: 1, samples: NAN_SAMPLES, bad: BAD_DIM },
);

/**
 * The mean over `dim` of what is not NaN. Needs a floating dtype.
 *
 * @example
 * nanmean(tensor([1, NaN, 3])); // tensor(2.)
 */
export const nanmean: MeanFunction<'nanmean', FloatDType> = described(
  'nanmean',
  (input: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => {
    const type = realOnly(floatOnly(optionalType(options.dtype) ?? input.type, 'nanmean'), 'nanmean');
    return applyOne(nanmeanOperator, [input], { dims: normalizeDims('nanmean', dim, input.ndim), keepdim: options.keepdim === true, type });
  },
  {
    signature: 'input, dim?, *, keepdim, dtype',
    tensors: 1,
    samples: NAN_SAMPLES,
    bad: [...BAD_DIM, { args: [t([2], { dtype: 'int64' })], error: /floating/ }],
  },
);

const NONZERO = mapOperator('ne', 1, 0, ([x]) => S.ne(x as S.Expr, 0), false);

function nonzero(x: Tensor): Tensor {
  return x.type === BOOL ? x : NONZERO.forward([x], { values: [], compute: x.type });
}

const countNonzeroOperator = makeOperator<DimsParams>({
  name: 'countNonzero',
  forward: ([input], { dims, keepdim }) => {
    const x = input as Tensor;
    const source = nonzero(x);
    const result = reduceBy('sum', source, dims, INT64, keepdim);
    if (source !== x) discard(source);
    return result;
  },
  derivative: { kind: 'none' },
  batching: alongDims,
});

/**
 * How many elements are not zero, of all or along `dim`, in int64.
 *
 * @example
 * countNonzero(tensor([[1, 0], [2, 3]]), 1); // tensor([1, 2])
 */
export const countNonzero: CountReduction<'countNonzero'> = described(
  'countNonzero',
  (input: Tensor, dim?: Dims): Tensor => {
    return applyOne(countNonzeroOperator, [input], { dims: normalizeDims('countNonzero', dim, input.ndim), keepdim: false });
  },
  {
    signature: 'input, dim?',
    tensors: 1,
    samples: [
      { args: [t([2, 3], { grad: false })] },
      { args: [t([2, 3, 4], { grad: false }), [0, 1]] },
      { args: [t([], { grad: false })] },
    ],
    bad: BAD_DIM,
  },
);

function truth<N extends 'any' | 'all'>(name: N): TruthReduction<N> {
  const operator = makeOperator<DimsParams>({
    name,
    forward: ([input], { dims, keepdim }) => {
      const x = input as Tensor;
      const source = nonzero(x);
      const result = reduceBy(name, source, dims, x.type === UINT8 ? UINT8 : BOOL, keepdim);
      if (source !== x) discard(source);
      return result;
    },
    derivative: { kind: 'none' },
    batching: alongDims,
  });
  return described(
    name,
    (input: Tensor, dim?: Dims, options: KeepdimOptions = {}): Tensor => {
      return applyOne(operator, [input], { dims: normalizeDims(name, dim, input.ndim), keepdim: options.keepdim === true });
    },
    {
      signature: 'input, dim?, *, keepdim',
      tensors: 1,
      samples: [
        { args: [t([2, 3], { grad: false })] },
        { args: [t([2, 3, 4], { grad: false }), 1] },
        { args: [t([2, 3], { dtype: 'bool' }), [0, 1], { keepdim: true }] },
        { args: [t([0], { grad: false })] },
      ],
      bad: BAD_DIM,
    },
  );
}

/**
 * Whether any element is not zero, of all or along `dim`. The result is bool (uint8 for uint8).
 *
 * @example
 * any(tensor([[0, 0], [0, 2]]), 1); // tensor([False,  True])
 */
export const any = truth('any');

/**
 * Whether all elements are not zero, of all or along `dim`. The result is bool (uint8 for uint8).
 *
 * @example
 * all(tensor([[0, 1], [3, 2]]), 1); // tensor([False,  True])
 */
export const all = truth('all');

// ---------------------------------------------------------------- logsumexp

const EXP_ABOVE = mapOperator('exp', 2, 0, ([x, m]) => S.exp(S.sub(x as S.Expr, m as S.Expr)));
const LOG_PLUS = mapOperator('log', 2, 0, ([s, m]) => S.add(S.log(s as S.Expr), m as S.Expr));
const FINITE = mapOperator('where', 1, 0, ([x]) => S.select(S.isinf(x as S.Expr), 0, x as S.Expr));
const SOFTMAX_PART = mapOperator('logsumexp', 3, 0, ([g, x, y]) => S.mul(g as S.Expr, S.exp(S.sub(x as S.Expr, y as S.Expr))));

/** Takes out the largest element first, so that nothing overflows. */
const logsumexpOperator = makeOperator<DimsParams>({
  name: 'logsumexp',
  forward: ([input], { dims, keepdim }) => {
    const x = input as Tensor;
    const shape = reducedShape(x.shape, dims, keepdim);
    if (x.size === 0) return fullTensor(shape, -Infinity, x.type);
    const params: MapParams = { values: [], compute: x.type };
    const largest = reduceBy('max', x, dims, x.type, true);
    FINITE.forwardInto(largest, [largest], params);
    const powers = EXP_ABOVE.forward([x, largest], params);
    const total = reduceBy('sum', powers, dims, x.type, true);
    LOG_PLUS.forwardInto(total, [total, largest], params);
    discard(largest, powers);
    return seenAs(total, shape);
  },
  derivative: {
    kind: 'rules',
    saves: { inputs: [0], outputs: [0] },
    vjp: ([g], context) => {
      const x = context.input(0);
      const { dims } = context.params;
      return [callMap(SOFTMAX_PART, [restored(g as Tensor, x.shape, dims), x, restored(context.output(0), x.shape, dims)], [], x.type)];
    },
    jvp: ([tangent], context) => {
      const x = context.input(0);
      const { dims, keepdim } = context.params;
      return [
        sumOver(callMap(SOFTMAX_PART, [tangent as Tensor, x, restored(context.output(0), x.shape, dims)], [], x.type), dims, keepdim),
      ];
    },
  },
  batching: alongDims,
});

/** log(sum(exp(x))) over normalised dimensions, for other operators. */
export function logsumexpOver(x: Tensor, dims: readonly number[], keepdim = false): Tensor {
  return applyOne(logsumexpOperator, [x], { dims, keepdim });
}

/**
 * log(sum(exp(x))) over `dim`, without overflow. Integers become the default float.
 *
 * @example
 * logsumexp(tensor([1000, 1000]), 0); // tensor(1000.6932)
 */
export const logsumexp: FloatReduction<'logsumexp', RealDType> = described(
  'logsumexp',
  (input: Tensor, dim: number | readonly number[], options: KeepdimOptions = {}): Tensor => {
    realOnly(input.type, 'logsumexp');
    return logsumexpOver(cast(input, toFloatType(input.type)), normalizeDims('logsumexp', dim, input.ndim), options.keepdim === true);
  },
  {
    signature: 'input, dim, *, keepdim',
    tensors: 1,
    samples: [{ args: [t([2, 3]), 1] }, { args: [t([2, 3, 4]), [0, 2], { keepdim: true }] }, { args: [t([]), 0] }],
    bad: BAD_DIM,
  },
);

// ---------------------------------------------------------------- trace

const traceOperator = compositeOperator<DTypeInfo>('trace', ([x], type) =>
  applyOne(sumDimsOperator, [diagonalOf(x as Tensor, 0, 0, 1)], { dims: [0], type }),
);

/**
 * The sum of the diagonal of a matrix. Integers are summed in int64. Throws ShapeError for anything but a matrix.
 *
 * @example
 * trace(tensor([[1, 2], [3, 4]])); // tensor(5.)
 */
export const trace: TraceFunction = described(
  'trace',
  (input: Tensor): Tensor => {
    if (input.ndim !== 2) throw new ShapeError(`trace: expects a matrix, got ${formatShape(input.shape)}`);
    return applyOne(traceOperator, [input], isWhole(input.type) ? INT64 : input.type);
  },
  {
    signature: 'input',
    tensors: 1,
    samples: [{ args: [t([3, 3])] }, { args: [t([2, 4])] }, { args: [t([0, 3])] }],
    bad: [{ args: [t([2, 3, 4])], error: /expects a matrix/ }],
  },
);

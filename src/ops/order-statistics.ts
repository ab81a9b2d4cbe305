import { BOOL, type DTypeInfo, FLOAT32, FLOAT64, INT64 } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { elementsOf } from '../tensor/data.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { fullTensor } from './create.ts';
import { callMap, compositeOperator, described, isScalar, makeOperator, mapOperator, realOnly, requireTensor } from './family.ts';
import { gatherAlong } from './gather.ts';
import { SUB } from './maps.ts';
import { discard, spreadOverTies, sumKept } from './reduction.ts';
import { type NamedResults, namedResults } from './results.ts';
import { type KeepdimOption, pickAlong, sortAlong } from './sort.ts';
import { cast, expand, moveDim, reshape } from './structural.ts';
import type { MedianFunction, QuantileFunction } from './types.ts';

/** Medians and quantiles. */

/** The median of all elements; those that are equal to it share its gradient evenly. */
function wholeMedian(name: 'median' | 'nanmedian') {
  return makeOperator<null>({
    name,
    forward: ([x]) => {
      const source = x as Tensor;
      const [values, indices] = pickAlong(name, reshape(source, [source.size]), 0, false, name) as [Tensor, Tensor];
      discard(indices);
      return values;
    },
    derivative: {
      kind: 'rules',
      saves: { inputs: [0], outputs: [0] },
      vjp: ([g], context) => {
        const shape = context.inputShape(0);
        const dims = shape.map((_, d) => d);
        const one = shape.map(() => 1);
        return [spreadOverTies(reshape(g as Tensor, one), context.input(0), reshape(context.output(0), one), dims)];
      },
    },
    batching: {
      kind: 'rule',
      rule: ([x], _batched, size) => {
        const source = x as Tensor;
        return pickAlong(name, reshape(source, [size, source.size / Math.max(1, size)]), 1, false, name)[0] as Tensor;
      },
    },
  });
}

/** `median` and `nanmedian` in their two forms. */
function medianFunction<N extends 'median' | 'nanmedian'>(name: N): MedianFunction<N> {
  const whole = wholeMedian(name);
  const f = (input: Tensor, dim?: number | null, options: KeepdimOption = {}): Tensor | NamedResults<'values' | 'indices'> => {
    requireTensor(name, 'input', input);
    realOnly(input.type, name);
    if (input.type === BOOL) throw new DTypeError(`${name}: not defined for dtype bool; cast it with .to('uint8')`);
    if (dim === undefined || dim === null) return input.size === 0 ? noMedian(name, input) : applyOne(whole, [input], null);
    const d = normalizeDim(name, dim, input.ndim);
    return namedResults(['values', 'indices'], pickAlong(name, input, d, options.keepdim === true, name));
  };
  return described(name, f, {
    signature: 'input, dim?, *, keepdim',
    samples: [
      { args: [t([5])] },
      { args: [t([2, 3, 4])] },
      { args: [t([2, 3, 4]), 1] },
      { args: [t([2, 4]), -1, { keepdim: true }] },
      { args: [t([])] },
    ],
    bad: [
      { args: [t([2, 3]), 2], error: /dimension 2 is out of range/ },
      { args: [t([0, 2]), 0], error: /no elements/ },
    ],
  });
}

function noMedian(name: string, input: Tensor): Tensor {
  if (!input.type.isFloat) throw new ArgumentError(`${name}: an empty tensor of dtype ${input.dtype} has no median`);
  return fullTensor([], Number.NaN, input.type);
}

/**
 * The median of all elements (those that are equal to it share its gradient evenly), or along `dim` as `{ values, indices }`. Of an even number of
 * elements it is the lower of the two in the middle. NaN if there is one. Any real dtype but bool.
 *
 * @example
 * median(tensor([4, 1, 3, 2])); // tensor(2.)
 */
export const median = medianFunction('median');

/**
 * As `median`, of the elements that are not NaN.
 *
 * @example
 * nanmedian(tensor([4, NaN, 3])); // tensor(3.)
 */
export const nanmedian = medianFunction('nanmedian');

// ---------------------------------------------------------------- quantiles

/** How a quantile between two elements is found. */
export type Interpolation = 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest';
const INTERPOLATIONS: readonly string[] = ['linear', 'lower', 'higher', 'midpoint', 'nearest'];

interface QuantileParams {
  readonly dim: number | null;
  readonly keepdim: boolean;
  readonly interpolation: Interpolation;
  readonly ignoreNan: boolean;
}

const IS_NAN = mapOperator('isnan', 1, 0, ([x]) => S.select(S.isnan(x as S.Expr), S.constant(1), S.constant(0)), false);
const RANK = mapOperator('mul', 2, 1, ([q, bad], [last]) =>
  S.select(S.gt(bad as S.Expr, 0), last as S.Expr, S.mul(q as S.Expr, last as S.Expr)),
);
const RANK_OF_NUMBERS = mapOperator('mul', 2, 1, ([q, bad], [last]) =>
  S.max(S.mul(q as S.Expr, S.sub(last as S.Expr, bad as S.Expr)), S.constant(0)),
);
const FLOOR = mapOperator('floor', 1, 0, ([x]) => S.floor(x as S.Expr), false);
const CEIL = mapOperator('ceil', 1, 0, ([x]) => S.ceil(x as S.Expr), false);
const ROUND = mapOperator('round', 1, 0, ([x]) => S.round(x as S.Expr), false);
const INTERPOLATE = mapOperator('lerp', 3, 0, ([x, y, w]) => S.lerp(x as S.Expr, y as S.Expr, w as S.Expr));
const MIDDLE = mapOperator('lerp', 2, 0, ([x, y]) => S.lerp(x as S.Expr, y as S.Expr, S.constant(0.5)));

/** The quantiles of the last dimension, one for each of the line `q`, in its place. */
function quantilesOf(x: Tensor, q: Tensor, { interpolation, ignoreNan }: QuantileParams): Tensor {
  const { type } = x;
  const last = x.ndim - 1;
  const lines = x.shape.slice(0, -1);
  const [sorted] = sortAlong(x, last);
  const bad = sumKept(callMap(IS_NAN, [x], [], type), [last]);
  const ranks = callMap(ignoreNan ? RANK_OF_NUMBERS : RANK, [q, bad], [(x.shape[last] as number) - 1], type);
  const at = (rounded: typeof FLOOR): Tensor => {
    const positions = cast(callMap(rounded, [ranks], [], type), INT64);
    return gatherAlong(sorted, expand(positions, [...lines, q.size]), last);
  };
  if (interpolation === 'lower') return at(FLOOR);
  if (interpolation === 'higher') return at(CEIL);
  if (interpolation === 'nearest') return at(ROUND);
  const [below, above] = [at(FLOOR), at(CEIL)];
  if (interpolation === 'midpoint') return callMap(MIDDLE, [below, above], [], type);
  const weights = callMap(SUB, [ranks, callMap(FLOOR, [ranks], [], type)], [], type);
  return callMap(INTERPOLATE, [below, above, weights], [], type);
}

/** Dimensions around it: the quantiles come first where `q` is a line. */
function composeQuantile(inputs: readonly Tensor[], params: QuantileParams): Tensor {
  const [x, q] = inputs as readonly [Tensor, Tensor];
  const { dim, keepdim } = params;
  const source = dim === null || x.ndim === 0 ? reshape(x, [x.size]) : moveDim(x, dim, x.ndim - 1);
  const found = quantilesOf(source, reshape(q, [q.size]), params);
  const first = moveDim(found, found.ndim - 1, 0);
  const kept = keepdim ? x.shape.map((size, d) => (dim === null || d === dim ? 1 : size)) : first.shape.slice(1);
  return reshape(first, q.ndim === 0 ? kept : [q.size, ...kept]);
}

export interface QuantileOptions extends KeepdimOption {
  /** Between two elements. Default 'linear'. */
  readonly interpolation?: Interpolation;
}

function quantileFunction<N extends 'quantile' | 'nanquantile'>(name: N): QuantileFunction<N, Omit<QuantileOptions, 'keepdim'>> {
  const operator = compositeOperator<QuantileParams>(name, composeQuantile);
  return described(
    name,
    (input: Tensor, q: number | Tensor, dim?: number | null, options: QuantileOptions = {}): Tensor => {
      if (input.type !== FLOAT32 && input.type !== FLOAT64)
        throw new DTypeError(`${name}: input must have dtype float32 or float64, got ${input.dtype}`);
      if (input.size === 0) throw new ArgumentError(`${name}: input ${formatShape(input.shape)} has no elements`);
      const interpolation = options.interpolation ?? 'linear';
      if (!INTERPOLATIONS.includes(interpolation))
        throw new ArgumentError(`${name}: interpolation must be one of ${INTERPOLATIONS.join(', ')}, got '${String(interpolation)}'`);
      const d = dim === undefined || dim === null ? null : normalizeDim(name, dim, input.ndim);
      const params: QuantileParams = { dim: d, keepdim: options.keepdim === true, interpolation, ignoreNan: name === 'nanquantile' };
      return applyOne(operator, [input, requireProbabilities(name, q, input.type)], params);
    },
    {
      signature: 'input, q, dim?, *, keepdim, interpolation',
      tensors: 1,
      samples: [
        { args: [t([5]), 0.3] },
        { args: [t([2, 3]), t([2], { values: [0.25, 0.9], grad: false })] },
        { args: [t([2, 3, 4]), 0.6, 1, { keepdim: true, interpolation: 'midpoint' }] },
        { args: [t([3, 4]), t([3], { values: [0.1, 0.5, 1], grad: false }), -1, { interpolation: 'lower' }] },
        { args: [t([]), 0.5] },
      ],
      bad: [
        { args: [t([3]), 1.5], error: /from 0 to 1/ },
        { args: [t([0]), 0.5], error: /no elements/ },
        { args: [t([3], { dtype: 'int64', grad: false }), 0.5], error: /float32 or float64/ },
      ],
    },
  );
}

function requireProbabilities(name: string, q: unknown, type: DTypeInfo): Tensor {
  if (isScalar(q)) {
    if (!(Number(q) >= 0 && Number(q) <= 1)) throw new ArgumentError(`${name}: q must be from 0 to 1, got ${String(q)}`);
    return fullTensor([], Number(q), type);
  }
  if (!isTensor(q)) throw new ArgumentError(`${name}: q must be a number or a tensor, got ${describeValue(q)}`);
  if (q.ndim > 1) throw new ShapeError(`${name}: q must have 0 or 1 dimensions, got ${formatShape(q.shape)}`);
  if (q.type !== type) throw new DTypeError(`${name}: input has dtype ${type.name} but q has ${q.dtype}: they must be equal`);
  if (q.wrapped === null) {
    const wrong = elementsOf(q).find((p) => !((p as number) >= 0 && (p as number) <= 1));
    if (wrong !== undefined) throw new ArgumentError(`${name}: all of q must be from 0 to 1, got ${String(wrong)}`);
  }
  return q;
}

/**
 * The elements at the fractions `q` (a number, or a line of them) of the sorted elements, of all or along `dim`; `interpolation` says what to do between
 * two elements. A line of fractions is the first dimension of the result. NaN wherever there is one. float32 or float64; differentiable in both.
 *
 * @example
 * quantile(tensor([1, 2, 3, 4]), 0.5); // tensor(2.5000)
 */
export const quantile = quantileFunction('quantile');

/**
 * As `quantile`, of the elements that are not NaN.
 *
 * @example
 * nanquantile(tensor([1, NaN, 3]), 0.5); // tensor(2.)
 */
export const nanquantile = quantileFunction('nanquantile');

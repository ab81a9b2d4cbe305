import { BOOL, FLOAT32, FLOAT64, INT32, INT64 } from '../dtype/dtype.ts';
import { type Operator, t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { asShape } from '../shape/reshape.ts';
import { formatShape, numel, sameShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { elementsOf } from '../tensor/data.ts';
import { withGradMode } from '../tensor/modes.ts';
import { aliasOf, isTensor, type Tensor, viewOf } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, IndexError, ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { emptyTensor, fullTensor } from './create.ts';
import { amaxOver, aminOver } from './extrema.ts';
import {
  callMap,
  commonType,
  described,
  isScalar,
  makeOperator,
  mapOperator,
  type Operand,
  realOnly,
  requireTensor,
  type Scalar,
} from './family.ts';
import { gatherAlong, spreadAlong, takeFlat } from './gather.ts';
import { rowMajor } from './indexed.ts';
import { sortAlong } from './sort.ts';
import { search as launchSearch } from './sort-kernels.ts';
import { cast, cloneOperator, expand, reshape } from './structural.ts';
import type { BincountFunction, BucketizeFunction, HistcFunction, IsinFunction, SearchsortedFunction } from './types.ts';

/** Places in sorted lines, and counts of values. */

interface SearchParams {
  readonly right: boolean;
  readonly wide: boolean;
}

const searchOperator: Operator<Tensor, SearchParams> = makeOperator<SearchParams>({
  name: 'searchsorted',
  forward: ([sorted, values], { right, wide }) => {
    const result = emptyTensor((values as Tensor).shape, wide ? INT64 : INT32);
    launchSearch(result, rowMajor(sorted as Tensor), rowMajor(values as Tensor), right);
    return result;
  },
  derivative: { kind: 'none' },
  batching: {
    kind: 'rule',
    rule: ([sorted, values], [sortedBatched, valuesBatched], size, params) => {
      const [lines, points] = [sorted as Tensor, values as Tensor];
      const oneLine = lines.ndim === (sortedBatched === true ? 2 : 1);
      if (oneLine && sortedBatched !== true) return applyOne(searchOperator, [lines, points], params);
      const whole = withMembers(points, valuesBatched === true, size);
      // One line for a member, whatever the shape of its values.
      const flat = oneLine ? reshape(whole, [size, whole.shape.slice(1).reduce((n, s) => n * s, 1)]) : whole;
      const found: Tensor = applyOne(searchOperator, [withMembers(lines, sortedBatched === true, size), flat], params);
      return reshape(found, whole.shape);
    },
  },
});

function withMembers(x: Tensor, batched: boolean, size: number): Tensor {
  return batched ? x : expand(reshape(x, [1, ...x.shape]), [size, ...x.shape]);
}

export interface SearchsortedOptions {
  /** The result is int32 instead of int64. */
  readonly outInt32?: boolean;
  /** Behind equal elements instead of before them. */
  readonly right?: boolean;
  /** The same as a word. */
  readonly side?: 'left' | 'right' | null;
  /** Positions that sort each line of `sortedSequence`, where it is not sorted itself. */
  readonly sorter?: Tensor | null;
}

function isRight(name: string, { right = false, side = null }: SearchsortedOptions): boolean {
  if (side !== null && side !== 'left' && side !== 'right')
    throw new ArgumentError(`${name}: side must be 'left' or 'right', got '${String(side)}'`);
  if (side === 'left' && right) throw new ArgumentError(`${name}: side is 'left' but right is true: give one of them`);
  return right || side === 'right';
}

function inOrder(sequence: Tensor, sorter: Tensor): Tensor {
  requireTensor('searchsorted', 'sorter', sorter);
  if (sorter.type !== INT64) throw new DTypeError(`searchsorted: sorter must have dtype int64, got ${sorter.dtype}`);
  if (!sameShape(sorter.shape, sequence.shape))
    throw new ShapeError(
      `searchsorted: sorter has shape ${formatShape(sorter.shape)}, the sequence ${formatShape(sequence.shape)}: they must be equal`,
    );
  return gatherAlong(sequence, sorter, sequence.ndim - 1);
}

/**
 * Where values belong in a sorted line: the number of its elements that are smaller (with `right`: or equal). `sortedSequence` is one line for all values,
 * or one for each line of `input` (the leading dimensions are equal); `input` may be a number. Real dtypes; the result is int64, or int32 with `outInt32`.
 *
 * @example
 * searchsorted(tensor([1, 3, 5]), tensor([3, 6])); // tensor([1, 3])
 */
export const searchsorted: SearchsortedFunction<SearchsortedOptions> = described(
  'searchsorted',
  (sortedSequence: Tensor, input: Tensor | Scalar, options: SearchsortedOptions = {}): Tensor => {
    realOnly(sortedSequence.type, 'searchsorted');
    if (sortedSequence.ndim === 0) throw new ShapeError('searchsorted: sortedSequence must have at least 1 dimension');
    const values = isScalar(input) ? fullTensor([], Number(input), Number.isInteger(Number(input)) ? INT64 : FLOAT64) : input;
    requireTensor('searchsorted', 'input', values);
    realOnly(values.type, 'searchsorted');
    const lines = sortedSequence.shape.slice(0, -1);
    if (sortedSequence.ndim > 1 && !(values.ndim === sortedSequence.ndim && sameShape(lines, values.shape.slice(0, -1)))) {
      throw new ShapeError(
        `searchsorted: sortedSequence ${formatShape(sortedSequence.shape)} must have 1 dimension, or the leading dimensions of input ${formatShape(values.shape)}`,
      );
    }
    const right = isRight('searchsorted', options);
    const sequence = options.sorter == null ? sortedSequence : inOrder(sortedSequence, options.sorter);
    return applyOne(searchOperator, [sequence, values], { right, wide: options.outInt32 !== true });
  },
  {
    signature: 'sorted_sequence, input, *, out_int32, right, side, sorter',
    tensors: 1,
    samples: [
      { args: [t([4], { values: [1, 2, 2, 5], grad: false }), t([2, 2], { values: [0, 2, 3, 9], grad: false })] },
      {
        args: [t([4], { values: [1, 2, 2, 5], grad: false }), t([3], { values: [0, 2, 3], grad: false }), { right: true, outInt32: true }],
      },
      { args: [t([2, 3], { values: [1, 2, 3, 4, 5, 6], grad: false }), t([2, 2], { values: [2, 9, 5, 0], grad: false })] },
      { args: [t([3], { values: [1, 2, 3], grad: false }), 2.5] },
    ],
    bad: [
      { args: [t([2, 3]), t([3, 2])], error: /leading dimensions/ },
      { args: [t([3]), t([3]), { side: 'left', right: true }], error: /give one/ },
    ],
  },
);

/**
 * In which bucket each element lies: `searchsorted(boundaries, input)` for one line of boundaries. Without `right` a boundary closes the bucket on its left.
 *
 * @example
 * bucketize(tensor([0.5, 1, 2.5]), tensor([1, 2])); // tensor([0, 0, 2])
 */
export const bucketize: BucketizeFunction<Pick<SearchsortedOptions, 'outInt32' | 'right'>> = described(
  'bucketize',
  (input: Tensor | Scalar, boundaries: Tensor, options: Pick<SearchsortedOptions, 'outInt32' | 'right'> = {}): Tensor => {
    requireTensor('bucketize', 'boundaries', boundaries);
    if (boundaries.ndim !== 1) throw new ShapeError(`bucketize: boundaries must have 1 dimension, got ${formatShape(boundaries.shape)}`);
    return searchsorted(boundaries, input, options);
  },
  {
    signature: 'input, boundaries, *, out_int32, right',
    samples: [
      { args: [t([2, 3], { grad: false }), t([3], { values: [-1, 0, 1], grad: false })] },
      { args: [t([3], { grad: false }), t([2], { values: [0, 1], grad: false }), { right: true }] },
      { args: [1.5, t([2], { values: [0, 1], grad: false })] },
    ],
    bad: [{ args: [t([3]), t([2, 2])], error: /1 dimension/ }],
  },
);

const EQUAL = mapOperator('eq', 2, 0, ([x, y]) => S.eq(x as S.Expr, y as S.Expr));
const DIFFERENT = mapOperator('ne', 2, 0, ([x, y]) => S.not(S.eq(x as S.Expr, y as S.Expr)));
const UP_TO = mapOperator('clampMax', 1, 1, ([x], [last]) => S.min(x as S.Expr, last as S.Expr), false);

export interface IsinOptions {
  /** Says that neither has an element twice; nothing depends on it here. */
  readonly assumeUnique?: boolean;
  /** Whether they are absent instead. */
  readonly invert?: boolean;
}

/**
 * Whether each element is one of `testElements`: a bool tensor of the shape of `elements`. Either may be a number. NaN is equal to nothing.
 *
 * @example
 * isin(tensor([1, 2, 3]), tensor([2, 4])); // tensor([False, True, False])
 */
export const isin: IsinFunction<IsinOptions> = described(
  'isin',
  (elements: Operand, testElements: Operand, options: IsinOptions = {}): Tensor => {
    if (!isScalar(elements)) requireTensor('isin', 'elements', elements);
    if (!isScalar(testElements)) requireTensor('isin', 'testElements', testElements);
    if (!isTensor(elements) && !isTensor(testElements)) throw new ArgumentError('isin: elements or testElements must be a tensor');
    const type = realOnly(commonType([elements, testElements]), 'isin');
    const asType = (x: Operand): Tensor => (isTensor(x) ? cast(x, type) : fullTensor([], Number(x), type));
    const [values, tests] = [asType(elements), asType(testElements)];
    const invert = options.invert === true;
    if (tests.size === 0) return fullTensor(values.shape, invert ? 1 : 0, BOOL);
    const [sorted] = sortAlong(reshape(tests, [tests.size]), 0);
    const places = applyOne(searchOperator, [sorted, values], { right: false, wide: true });
    const nearest = takeFlat(sorted, callMap(UP_TO, [places], [tests.size - 1], INT64), false);
    return callMap(invert ? DIFFERENT : EQUAL, [values, nearest], [], type);
  },
  {
    signature: 'elements, test_elements, *, assume_unique, invert',
    samples: [
      { args: [t([2, 3], { dtype: 'int64', low: 0, high: 5, grad: false }), t([3], { dtype: 'int64', values: [1, 3, 4], grad: false })] },
      { args: [t([4], { grad: false }), 1, { invert: true }] },
      { args: [t([3], { grad: false }), t([0], { grad: false })] },
    ],
    bad: [{ args: [1, 2], error: /must be a tensor/ }],
  },
);

// ---------------------------------------------------------------- counts

function countsBy(bins: Tensor, weights: Tensor, size: number): Tensor {
  return spreadAlong(weights, bins, 0, [size]);
}

/** Bins and weights to sums; how many there are depends on the values. */
const bincountOperator = makeOperator<number>({
  name: 'bincount',
  forward: ([input, weights], minlength) => {
    const bins = aliasOf(input as Tensor);
    const size = Math.max(minlength, largestBin(bins) + 1);
    return withGradMode(false, () => countsBy(bins, weights as Tensor, size));
  },
  derivative: { kind: 'none' },
});

/**
 * How often each number from 0 on occurs in a line of non-negative integers, as int64; with `weights` (of its shape) their sums, float64 unless they
 * are float32. The result has at least `minlength` entries.
 *
 * @example
 * bincount(tensor([1n, 2n, 1n])); // tensor([0, 2, 1])
 */
export const bincount: BincountFunction = described(
  'bincount',
  (input: Tensor, weights: Tensor | null = null, minlength = 0): Tensor => {
    if (!input.type.isInteger) throw new DTypeError(`bincount: input must have an integer dtype, got ${input.dtype}`);
    if (input.ndim !== 1) throw new ShapeError(`bincount: input must have 1 dimension, got ${formatShape(input.shape)}`);
    requireWhole('bincount', 'minlength', minlength, 0);
    if (weights !== null) {
      requireTensor('bincount', 'weights', weights);
      if (!sameShape(weights.shape, input.shape))
        throw new ShapeError(
          `bincount: weights has shape ${formatShape(weights.shape)}, input ${formatShape(input.shape)}: they must be equal`,
        );
    }
    const type = weights === null ? INT64 : weights.type === FLOAT32 ? FLOAT32 : FLOAT64;
    const each = weights === null ? expand(fullTensor([], 1, INT64), input.shape) : cast(weights, type);
    return applyOne(bincountOperator, [cast(input, INT64), each], minlength);
  },
  {
    signature: 'input, weights?, minlength?',
    tensors: 1,
    samples: [
      { args: [t([5], { dtype: 'int64', values: [0, 3, 1, 3, 3], grad: false })] },
      { args: [t([3], { dtype: 'int64', values: [1, 0, 1], grad: false }), t([3], { grad: false })] },
      { args: [t([0], { dtype: 'int64', grad: false }), null, 3] },
    ],
    bad: [
      { args: [t([2], { dtype: 'int64', values: [-1, 0], grad: false })], error: /negative/ },
      { args: [t([2], { grad: false })], error: /integer/ },
    ],
  },
);

function largestBin(input: Tensor): number {
  if (input.size === 0) return -1;
  if (Number(elementsOf(aminOver(input, [0], false))[0]) < 0) throw new ArgumentError('bincount: input must not be negative');
  return Number(elementsOf(amaxOver(input, [0], false))[0]);
}

const BIN = mapOperator(
  'histc',
  1,
  3,
  ([x], [low, high, bins]) => {
    const place = S.floor(S.div(S.mul(S.sub(x as S.Expr, low as S.Expr), bins as S.Expr), S.sub(high as S.Expr, low as S.Expr)));
    const inside = S.and(S.ge(x as S.Expr, low as S.Expr), S.le(x as S.Expr, high as S.Expr));
    return S.select(inside, S.max(S.min(place, S.sub(bins as S.Expr, S.constant(1))), S.constant(0)), bins as S.Expr);
  },
  false,
);

interface HistcParams {
  readonly bins: number;
  readonly min: number;
  readonly max: number;
}

const histcOperator = makeOperator<HistcParams>({
  name: 'histc',
  forward: ([x], { bins, min, max }) =>
    withGradMode(false, () => {
      const source = aliasOf(x as Tensor);
      const [low, high] = rangeOf(source, min, max);
      const places = cast(callMap(BIN, [reshape(source, [source.size])], [low, high, bins], source.type), INT64);
      const counted = countsBy(places, expand(fullTensor([], 1, source.type), [source.size]), bins + 1);
      return cloneOperator.forward([viewOf(counted, [bins], [1], 0)], null) as Tensor;
    }),
  derivative: { kind: 'none' },
});

/**
 * How many elements fall into each of `bins` equal parts of the range from `min` to `max` (where both are equal: from the smallest to the largest
 * element), as a line of the input's floating dtype. What lies outside, and NaN, is not counted; the last part includes `max`.
 *
 * @example
 * histc(tensor([1, 2, 1]), 4, { min: 0, max: 3 }); // tensor([0., 2., 1., 0.])
 */
export const histc: HistcFunction = described(
  'histc',
  (input: Tensor, bins = 100, options: { readonly min?: number; readonly max?: number } = {}): Tensor => {
    if (!input.type.isFloat) throw new DTypeError(`histc: input must have a floating dtype, got ${input.dtype}`);
    requireWhole('histc', 'bins', bins, 1);
    const [min, max] = [options.min ?? 0, options.max ?? 0];
    if (min > max) throw new ArgumentError(`histc: min is ${min}, which is above max, ${max}`);
    return applyOne(histcOperator, [input], { bins, min, max });
  },
  {
    signature: 'input, bins?, *, min, max',
    tensors: 1,
    samples: [
      { args: [t([20], { grad: false }), 5] },
      { args: [t([2, 5], { grad: false }), 4, { min: -1, max: 1 }] },
      { args: [t([0], { grad: false }), 3] },
    ],
    bad: [
      { args: [t([3]), 0], error: /from 1 on/ },
      { args: [t([3]), 2, { min: 2, max: 1 }], error: /min/ },
      { args: [t([3], { dtype: 'int64', grad: false })], error: /floating/ },
    ],
  },
);

/** The range that is divided; refuses one that is not finite or runs backwards. */
function rangeOf(input: Tensor, min: number, max: number): readonly [number, number] {
  let [low, high] = [min, max];
  if (low === high && input.size > 0) {
    const dims = input.shape.map((_, d) => d);
    [low, high] = [aminOver(input, dims, false), amaxOver(input, dims, false)].map((x) => elementsOf(x)[0] as number) as [number, number];
  }
  if (!Number.isFinite(low) || !Number.isFinite(high))
    throw new ArgumentError(`histc: the range from ${low} to ${high} is not finite: give min and max`);
  return low === high ? [low - 1, high + 1] : [low, high];
}

// ---------------------------------------------------------------- coordinates

const COORDINATE = mapOperator(
  'unravelIndex',
  1,
  2,
  ([x], [stride, size]) => S.remainder(S.floorDivide(x as S.Expr, stride as S.Expr), size as S.Expr),
  false,
);

/**
 * The coordinates, one tensor for each dimension of `shape`, of elements counted in row-major order; `indices` has an integer dtype.
 *
 * @example
 * unravelIndex(tensor([5n]), [2, 3]); // [tensor([1]), tensor([2])]
 */
export const unravelIndex = described(
  'unravelIndex',
  (indices: Tensor, shape: number | readonly number[]): Tensor[] => {
    if (!indices.type.isInteger) throw new DTypeError(`unravelIndex: indices must have an integer dtype, got ${indices.dtype}`);
    const sizes = asShape('unravelIndex', [shape]);
    if (indices.size > 0 && numel(sizes) === 0) throw new IndexError(`unravelIndex: ${formatShape(sizes)} has no elements`);
    const at = cast(indices, INT64);
    return sizes.map((size, d) => callMap(COORDINATE, [at], [Math.max(1, numel(sizes.slice(d + 1))), Math.max(1, size)], INT64));
  },
  {
    signature: 'indices, shape',
    tensors: 1,
    samples: [
      { args: [t([2, 2], { dtype: 'int64', values: [0, 5, 3, 2], grad: false }), [2, 3]] },
      { args: [t([0], { dtype: 'int64', grad: false }), [4]] },
    ],
    bad: [{ args: [t([2], { grad: false }), [2]], error: /integer/ }],
  },
);

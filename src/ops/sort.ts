import { BOOL, INT64 } from '../dtype/dtype.ts';
import type { RealDType } from '../dtype/types.ts';
import { type Operator, t } from '../op/contract.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape } from '../shape/shape.ts';
import { applyMany, applyOne } from '../tensor/apply.ts';
import { type Tensor, viewOf } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, IndexError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { emptyTensor, fullTensor } from './create.ts';
import { described, makeOperator, realOnly, requireTensor } from './family.ts';
import { gatherAlong, spreadAlong } from './gather.ts';
import { type NamedResults, namedResults } from './results.ts';
import { type LinePick, pick as pickOfLines, sort as sortLines } from './sort-kernels.ts';
import { cloneOperator, reducedShape, reshape } from './structural.ts';
import type { ArgsortFunction, IndexedReduction, KthvalueFunction, SortFunction, TopkFunction, UnarySame } from './types.ts';
import { replaced } from './view.ts';

/** The order of elements along a dimension: sorting, the first few, and elements of a rank. */

interface SortParams {
  readonly dim: number;
  readonly descending: boolean;
  /** How many of the first elements are kept; null: all. */
  readonly count: number | null;
}

interface Sorted {
  readonly values: Tensor | null;
  readonly indices: Tensor;
}

/** Runs the sort; a 0-d tensor is its own sorted order. */
function launchSort(x: Tensor, { dim, descending, count }: SortParams, withValues: boolean): Sorted {
  if (x.ndim === 0) return { values: withValues ? (cloneOperator.forward([x], null) as Tensor) : null, indices: fullTensor([], 0, INT64) };
  const shape = count === null ? x.shape : replaced(x.shape, dim, count);
  const values = withValues ? emptyTensor(shape, x.type) : null;
  const indices = emptyTensor(shape, INT64);
  sortLines(values, indices, x, dim, descending);
  return { values, indices };
}

/** A batch of 0-d members is sorted along a dimension of size 1. */
function batched<P extends { readonly dim: number }>(operator: () => Operator<Tensor, P>, x: Tensor, params: P): readonly Tensor[] {
  if (x.ndim > 1) return applyMany(operator(), [x], { ...params, dim: params.dim + 1 });
  return applyMany(operator(), [reshape(x, [x.size, 1])], { ...params, dim: 1 }).map((y) => reshape(y, [x.size]));
}

/** Sorted values, and where they were. */
function sortOperator(name: string): Operator<Tensor, SortParams> {
  const operator: Operator<Tensor, SortParams> = makeOperator<SortParams>({
    name,
    forward: ([x], params) => {
      const { values, indices } = launchSort(x as Tensor, params, true);
      return [values as Tensor, indices];
    },
    derivative: {
      kind: 'rules',
      saves: { outputs: [1] },
      vjp: ([g], context) => [g == null ? null : spreadAlong(g, context.output(1), context.params.dim, context.inputShape(0))],
      jvp: ([tangent], context) => [tangent == null ? null : gatherAlong(tangent, context.output(1), context.params.dim), null],
    },
    batching: { kind: 'rule', rule: ([x], _batched, _size, params) => batched(() => operator, x as Tensor, params) },
    nonDifferentiableOutputs: [1],
  });
  return operator;
}

const sorting = sortOperator('sort');
const msorting = sortOperator('msort');
const topking = sortOperator('topk');

const argsorting = makeOperator<SortParams>({
  name: 'argsort',
  forward: ([x], params) => launchSort(x as Tensor, params, false).indices,
  derivative: { kind: 'none' },
  batching: { kind: 'rule', rule: ([x], _batched, _size, params) => batched(() => sorting, x as Tensor, params)[1] as Tensor },
});

function ordered(name: string, input: unknown): asserts input is Tensor {
  requireTensor(name, 'input', input);
  realOnly(input.type, name);
}

/** Sorted along a normalised dimension, with the positions: for other operators. */
export function sortAlong(x: Tensor, dim: number, descending = false): readonly [Tensor, Tensor] {
  return applyMany(sorting, [x], { dim, descending, count: null }) as [Tensor, Tensor];
}

export interface SortOptions {
  /** The largest first, NaN before all. */
  readonly descending?: boolean;
  /** Equal elements keep their order: they always do here. */
  readonly stable?: boolean | null;
}

/**
 * The elements in ascending (or `descending`) order along `dim`, the last one by default, as `{ values, indices }`. Equal elements keep their order;
 * NaN counts as larger than all numbers. Any real dtype and bool; `indices` is int64. Throws DTypeError for complex numbers.
 *
 * @example
 * sort(tensor([3, 1, 2])).indices; // tensor([1, 2, 0])
 */
export const sort: SortFunction<'sort', SortOptions> = described(
  'sort',
  (input: Tensor, dim = -1, options: SortOptions = {}): NamedResults<'values' | 'indices'> => {
    ordered('sort', input);
    const d = normalizeDim('sort', dim, input.ndim);
    return namedResults(
      ['values', 'indices'],
      applyMany(sorting, [input], { dim: d, descending: options.descending === true, count: null }),
    );
  },
  {
    signature: 'input, dim?, *, descending, stable',
    samples: [
      { args: [t([5])] },
      { args: [t([2, 3, 4]), 1] },
      { args: [t([2, 4]), -1, { descending: true }] },
      { args: [t([])] },
      { args: [t([0, 2]), 0] },
    ],
    bad: [
      { args: [t([2, 3]), 2], error: /dimension 2 is out of range/ },
      { args: [t([2], { dtype: 'complex64' })], error: /complex/ },
    ],
  },
);

/**
 * The positions that sort the elements along `dim`: `sort(…).indices` (int64).
 *
 * @example
 * argsort(tensor([3, 1, 2])); // tensor([1, 2, 0])
 */
export const argsort: ArgsortFunction<'argsort', SortOptions> = described(
  'argsort',
  (input: Tensor, dim = -1, options: SortOptions = {}): Tensor => {
    ordered('argsort', input);
    return applyOne(argsorting, [input], {
      dim: normalizeDim('argsort', dim, input.ndim),
      descending: options.descending === true,
      count: null,
    });
  },
  {
    signature: 'input, dim?, *, descending, stable',
    samples: [
      { args: [t([5], { grad: false })] },
      { args: [t([2, 3, 4], { grad: false }), 1] },
      { args: [t([], { grad: false }), 0, { descending: true }] },
    ],
    bad: [{ args: [t([2, 3]), 2], error: /dimension 2 is out of range/ }],
  },
);

/**
 * The elements sorted along the first dimension.
 *
 * @example
 * msort(tensor([[3, 1], [2, 5]])); // tensor([[2., 1.], [3., 5.]])
 */
export const msort: UnarySame<RealDType> = described(
  'msort',
  (input: Tensor): Tensor => {
    ordered('msort', input);
    return applyMany(msorting, [input], { dim: 0, descending: false, count: null })[0] as Tensor;
  },
  {
    signature: 'input',
    samples: [{ args: [t([4, 2])] }, { args: [t([3])] }, { args: [t([])] }],
    bad: [{ args: [t([2], { dtype: 'complex64' })], error: /complex/ }],
  },
);

export interface TopkOptions {
  /** The largest elements (default), or the smallest. */
  readonly largest?: boolean;
  /** In order: they always are here. */
  readonly sorted?: boolean;
}

/**
 * The `k` largest (or smallest) elements along `dim`, the last one by default, as `{ values, indices }`, the best first. NaN counts as larger than all
 * numbers. Throws IndexError where the dimension has fewer elements, DTypeError for bool and complex numbers.
 *
 * @example
 * topk(tensor([3, 1, 4, 1, 5]), 2).values; // tensor([5., 4.])
 */
export const topk: TopkFunction<'topk', TopkOptions> = described(
  'topk',
  (input: Tensor, k: number, dim = -1, options: TopkOptions = {}): NamedResults<'values' | 'indices'> => {
    ordered('topk', input);
    if (input.type === BOOL) throw new DTypeError(`topk: not defined for dtype bool; cast it with .to('uint8')`);
    const d = normalizeDim('topk', dim, input.ndim);
    const size = input.ndim === 0 ? 1 : (input.shape[d] as number);
    requireWhole('topk', 'k', k, 0);
    if (k > size) throw new IndexError(`topk: k is ${k}, but dimension ${d} of ${formatShape(input.shape)} has only ${size} elements`);
    return namedResults(['values', 'indices'], applyMany(topking, [input], { dim: d, descending: options.largest !== false, count: k }));
  },
  {
    signature: 'input, k, dim?, *, largest, sorted',
    samples: [
      { args: [t([5]), 2] },
      { args: [t([2, 5, 3]), 2, 1] },
      { args: [t([2, 4]), 3, -1, { largest: false }] },
      { args: [t([]), 1] },
    ],
    bad: [{ args: [t([2, 3]), 4], error: /only 3 elements/ }],
  },
);

// ---------------------------------------------------------------- one element of each line

interface PickParams {
  readonly dim: number;
  readonly keepdim: boolean;
  readonly which: LinePick;
}

function launchPick(x: Tensor, { dim, keepdim, which }: PickParams): Tensor[] {
  if (x.ndim === 0) return [cloneOperator.forward([x], null) as Tensor, fullTensor([], 0, INT64)];
  const kept = reducedShape(x.shape, [dim], true);
  const shape = keepdim ? kept : reducedShape(x.shape, [dim]);
  const values = emptyTensor(shape, x.type);
  const indices = emptyTensor(shape, INT64);
  const seen = (y: Tensor): Tensor => {
    const strides = keepdim ? y.strides : [...y.strides.slice(0, dim), 0, ...y.strides.slice(dim)];
    return viewOf(y, kept, strides, 0);
  };
  pickOfLines(seen(values), seen(indices), x, dim, which);
  return [values, indices];
}

/** The chosen elements, and where they are; they alone have a gradient. */
function pickOperator(name: string): Operator<Tensor, PickParams> {
  const operator: Operator<Tensor, PickParams> = makeOperator<PickParams>({
    name,
    forward: ([x], params) => launchPick(x as Tensor, params),
    derivative: {
      kind: 'rules',
      saves: { outputs: [1] },
      vjp: ([g], context) => {
        const shape = context.inputShape(0);
        const { dim } = context.params;
        if (g == null || shape.length === 0) return [g ?? null];
        const kept = reducedShape(shape, [dim], true);
        return [spreadAlong(reshape(g, kept), reshape(context.output(1), kept), dim, shape)];
      },
      jvp: ([tangent], context) => {
        const shape = context.inputShape(0);
        const { dim } = context.params;
        if (tangent == null || shape.length === 0) return [tangent ?? null, null];
        const indices = context.output(1);
        const picked = gatherAlong(tangent, reshape(indices, reducedShape(shape, [dim], true)), dim);
        return [reshape(picked, indices.shape), null];
      },
    },
    batching: {
      kind: 'rule',
      rule: ([x], _batched, size, params) => {
        const source = x as Tensor;
        if (source.ndim > 1) return applyMany(operator, [source], { ...params, dim: params.dim + 1 });
        return applyMany(operator, [reshape(source, [size, 1])], { ...params, dim: 1, keepdim: false });
      },
    },
    nonDifferentiableOutputs: [1],
  });
  return operator;
}

const picking = {
  kthvalue: pickOperator('kthvalue'),
  mode: pickOperator('mode'),
  median: pickOperator('median'),
  nanmedian: pickOperator('nanmedian'),
};

export interface KeepdimOption {
  /** Keep the reduced dimension with size 1. */
  readonly keepdim?: boolean;
}

/** One element of each line of a checked tensor: for other operators. */
export function pickAlong(name: keyof typeof picking, x: Tensor, dim: number, keepdim: boolean, which: LinePick): Tensor[] {
  if (x.ndim > 0 && x.shape[dim] === 0) {
    throw new IndexError(`${name}: dimension ${dim} of ${formatShape(x.shape)} has no elements to choose from`);
  }
  return applyMany(picking[name], [x], { dim, keepdim, which });
}

/**
 * The `k`-th smallest element along `dim`, the last one by default, counted from 1, as `{ values, indices }`. The chosen element has the whole
 * gradient. NaN counts as larger than all numbers. Throws ArgumentError where there is no such element.
 *
 * @example
 * kthvalue(tensor([3, 1, 2]), 2).values; // tensor(2.)
 */
export const kthvalue: KthvalueFunction<'kthvalue'> = described(
  'kthvalue',
  (input: Tensor, k: number, dim = -1, options: KeepdimOption = {}): NamedResults<'values' | 'indices'> => {
    ordered('kthvalue', input);
    if (input.type === BOOL) throw new DTypeError(`kthvalue: not defined for dtype bool; cast it with .to('uint8')`);
    const d = normalizeDim('kthvalue', dim, input.ndim);
    const size = input.ndim === 0 ? 1 : (input.shape[d] as number);
    if (!Number.isInteger(k) || k < 1 || k > size)
      throw new ArgumentError(`kthvalue: k must be from 1 to ${size} along dimension ${d} of ${formatShape(input.shape)}, got ${k}`);
    return namedResults(['values', 'indices'], pickAlong('kthvalue', input, d, options.keepdim === true, k - 1));
  },
  {
    signature: 'input, k, dim?, *, keepdim',
    samples: [{ args: [t([5]), 2] }, { args: [t([2, 3, 4]), 3, 1, { keepdim: true }] }, { args: [t([]), 1] }],
    bad: [{ args: [t([2, 3]), 4], error: /from 1 to 3/ }],
  },
);

/**
 * The most frequent element along `dim`, the last one by default, as `{ values, indices }`; of equally frequent ones the smallest, at the last of its
 * positions.
 *
 * @example
 * mode(tensor([3, 1, 3, 2])).values; // tensor(3.)
 */
export const mode: IndexedReduction<'mode'> = described(
  'mode',
  (input: Tensor, dim = -1, options: KeepdimOption = {}): NamedResults<'values' | 'indices'> => {
    ordered('mode', input);
    const d = normalizeDim('mode', dim, input.ndim);
    return namedResults(['values', 'indices'], pickAlong('mode', input, d, options.keepdim === true, 'mode'));
  },
  {
    signature: 'input, dim?, *, keepdim',
    samples: [{ args: [t([5])] }, { args: [t([2, 3, 4]), 1, { keepdim: true }] }, { args: [t([])] }],
    bad: [{ args: [t([0, 2]), 0], error: /no elements/ }],
  },
);

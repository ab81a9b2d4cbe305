import { INT64 } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import { broadcastShapes } from '../shape/broadcast.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape, sameShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, IndexError, ShapeError } from '../util/errors.ts';
import { emptyTensor, fullTensor } from './create.ts';
import { compositeOperator, described, isScalar, requireSameType, requireTensor, type Scalar } from './family.ts';
import { alongDim, flatIndexing, type Indexing, indexFamily, replacingDim, requireIndex } from './indexed.ts';
import { applyWrite, applyWriteInPlace, indexedWrite, type WritePlan } from './indexed-write.ts';
import { sliceDim } from './movement.ts';
import { expand, reshape } from './structural.ts';
import type {
  GatherFunction,
  IndexSelectFunction,
  OperandOf,
  PutFunction,
  ScatterFunction,
  TakeAlongDimFunction,
  TakeFunction,
} from './types.ts';

/** Elements taken and placed by index tensors. */

const gatherFamily = indexFamily('gather');
const scatterFamily = indexFamily('scatter');
const scatterAddFamily = indexFamily('scatterAdd');
const indexSelectFamily = indexFamily('indexSelect');
const takeFamily = indexFamily('take');
const putFamily = indexFamily('put');

const index = (shape: readonly number[], values: readonly number[]) => t(shape, { dtype: 'int64', values, grad: false });

/** Refuses indices whose shape does not lie inside that of the tensor outside `dim`. */
export function checkAlong(name: string, source: readonly number[], dim: number, shape: readonly number[], role = 'index'): void {
  if (Math.max(source.length, 1) !== Math.max(shape.length, 1)) {
    throw new ShapeError(`${name}: input ${formatShape(source)} and ${role} ${formatShape(shape)} must have the same number of dimensions`);
  }
  shape.forEach((size, d) => {
    if (d !== dim && size > (source[d] ?? 1)) {
      throw new ShapeError(
        `${name}: ${role} ${formatShape(shape)} is larger than input ${formatShape(source)} in dimension ${d}: it may be so only in dimension ${dim}`,
      );
    }
  });
}

/** The elements of `x` that `indices` (int64, of the same rank, checked) name along `dim`: for other operators. */
export function gatherAlong(x: Tensor, indices: Tensor, dim: number): Tensor {
  return applyOne(gatherFamily.gather, [x, indices], alongDim(x.shape, dim, indices.shape));
}

/** Zeros of shape `shape` with `values` added at the places that `indices` name along `dim`: the transpose of `gatherAlong`. */
export function spreadAlong(values: Tensor, indices: Tensor, dim: number, shape: readonly number[]): Tensor {
  return applyOne(gatherFamily.spread, [values, indices], alongDim(shape, dim, indices.shape));
}

/**
 * The elements of `input` that `index` names along `dim`: `out[i][j] = input[index[i][j]][j]` for dimension 0 of a matrix.
 * `index` (int32 or int64) has as many dimensions as `input` and is nowhere larger but along `dim`. Throws IndexError for an index out of range.
 *
 * @example
 * gather(tensor([[1, 2], [3, 4]]), 1, tensor([[0n], [1n]])); // tensor([[1.], [4.]])
 */
export const gather: GatherFunction<'gather'> = described(
  'gather',
  (input: Tensor, dim: number, indices: Tensor, _options: { readonly sparseGrad?: boolean } = {}): Tensor => {
    const d = normalizeDim('gather', dim, input.ndim);
    const at = requireIndex('gather', 'index', indices, 'int32 or int64');
    if (at.size === 0) return applyOne(gatherFamily.gather, [input, at], nothing(input, at.shape));
    checkAlong('gather', input.shape, d, at.shape);
    return gatherAlong(input, at, d);
  },
  {
    signature: 'input, dim, index, *, sparse_grad',
    tensors: 1,
    samples: [
      { args: [t([2, 3]), 1, index([2, 2], [0, 2, 1, 1])] },
      { args: [t([3, 2]), 0, index([1, 2], [2, 0])] },
      { args: [t([]), 0, index([2], [0, 0])] },
      { args: [t([2, 3]), -1, index([2, 0], [])] },
    ],
    bad: [
      { args: [t([2, 3]), 1, index([2, 1], [0, 3])], error: /index 3 is out of range for dimension 1/ },
      { args: [t([2, 3]), 1, index([2], [0, 0])], error: /number of dimensions/ },
      { args: [t([2, 3]), 1, t([2, 1])], error: /int64/ },
    ],
  },
);

/** Indexing that takes nothing: the result has the shape of the empty index tensor, whatever the input. */
function nothing(x: Tensor, shape: readonly number[]): Indexing {
  return { source: x.shape, flat: false, along: x.shape.map(() => -1), dims: [-1], at: 0, shape, wrap: false };
}

// ---------------------------------------------------------------- scatter

/** What a scatter was given: `fit` cuts `src` to the shape of `index` where it is larger. */
export interface ScatterArguments {
  readonly dim: number;
  readonly at: Tensor;
  readonly src: Tensor | null;
  readonly fit: ((src: Tensor) => Tensor) | null;
}

/** Checks of all scatters: `index` and `src` against `input`. */
export function scatterArguments(name: string, input: Tensor, dim: number, indices: unknown, src: Tensor | null): ScatterArguments {
  requireTensor(name, 'input', input);
  const d = normalizeDim(name, dim, input.ndim);
  const at = requireIndex(name, 'index', indices, 'int32 or int64');
  if (src !== null) requireSameType(name, 'src', input, src);
  if (at.size === 0) return { dim: d, at, src: src === null ? null : emptyTensor(at.shape, src.type), fit: null };
  checkAlong(name, input.shape, d, at.shape);
  if (src === null) return { dim: d, at, src, fit: null };
  checkAlong(name, src.shape, -1, at.shape);
  return { dim: d, at, src, fit: sameShape(src.shape, at.shape) ? null : (values) => cutTo(values, at.shape) };
}

/** The leading elements of each dimension. */
function cutTo(x: Tensor, shape: readonly number[]): Tensor {
  if (x.ndim !== shape.length) return reshape(x, shape);
  return shape.reduce<Tensor>((cut, size, d) => (cut.shape[d] === size ? cut : sliceDim(cut, d, 0, size)), x);
}

function alongOrNothing(input: Tensor, dim: number, at: Tensor): Indexing {
  return at.size === 0 ? nothing(input, at.shape) : alongDim(input.shape, dim, at.shape);
}

/** A number that goes into a tensor: refused where its kind is higher than the tensor's, if `strict`. */
export function numberFor(name: string, value: Scalar): number {
  if (!isScalar(value)) throw new ArgumentError(`${name}: value must be a number or a tensor, got ${describeValue(value)}`);
  return Number(value);
}

function scatterPlan(input: Tensor, dim: number, indices: Tensor, src: Tensor | Scalar): WritePlan {
  const args = scatterArguments('scatter', input, dim, indices, isTensor(src) ? src : null);
  const values = args.src ?? numberFor('scatter', src as Scalar);
  return {
    family: scatterFamily,
    mode: 'set',
    values,
    fit: args.fit,
    indices: [args.at],
    indexing: alongOrNothing(input, args.dim, args.at),
  };
}

function scatterAddPlan(input: Tensor, dim: number, indices: Tensor, src: Tensor): WritePlan {
  requireTensor('scatterAdd', 'src', src);
  const args = scatterArguments('scatterAdd', input, dim, indices, src);
  return {
    family: scatterAddFamily,
    mode: 'add',
    values: args.src as Tensor,
    fit: args.fit,
    indices: [args.at],
    indexing: alongOrNothing(input, args.dim, args.at),
  };
}

const scatterSamples = [
  { args: [t([2, 3]), 1, index([2, 2], [0, 2, 1, 0]), t([2, 2])] },
  { args: [t([3, 2]), 0, index([1, 2], [2, 0]), t([2, 2])] },
  { args: [t([]), 0, index([], [0]), t([])] },
];
const scatterBad = [
  { args: [t([2, 3]), 1, index([2, 1], [0, 3]), t([2, 1])], error: /index 3 is out of range for dimension 1/ },
  { args: [t([2, 3]), 1, index([2, 1], [0, 0]), t([2, 1], { dtype: 'float64' })], error: /float32.*float64/ },
  { args: [t([2, 3]), 1, index([2, 1], [0, 0]), t([1, 1])], error: /larger/ },
];

/**
 * `input` with the elements of `src` (or a number) at the places that `index` names along `dim`: the reverse of `gather`. Where an index occurs
 * twice the last one stays, and the gradient of `src` is only right without such. `reduce: 'add'` adds instead (for other
 * reductions see `scatterReduce`).
 * `index` is int32 or int64, nowhere larger than `src`, nor than `input` but along `dim`; `src` has the dtype of `input`.
 *
 * @example
 * scatter(zeros([2, 2]), 1, tensor([[1n], [0n]]), 5); // tensor([[0., 5.], [5., 0.]])
 */
export const scatter: ScatterFunction<'scatter', OperandOf, [options?: { readonly reduce?: 'add' | null }]> = described(
  'scatter',
  Object.assign(
    (input: Tensor, dim: number, indices: Tensor, src: Tensor | Scalar, options: { readonly reduce?: 'add' | null } = {}): Tensor =>
      options.reduce == null
        ? applyWrite(input, scatterPlan(input, dim, indices, src))
        : scatterCombined(input, dim, indices, src, options.reduce),
    {
      inPlace: (
        input: Tensor,
        dim: number,
        indices: Tensor,
        src: Tensor | Scalar,
        options: { readonly reduce?: 'add' | null } = {},
      ): Tensor =>
        options.reduce == null
          ? applyWriteInPlace('scatter_', input, scatterPlan(input, dim, indices, src))
          : applyWriteInPlace('scatter_', input, combinedPlan(input, dim, indices, src, options.reduce)),
    },
  ),
  {
    signature: 'input, dim, index, src, *, reduce',
    samples: [...scatterSamples, { args: [t([2, 3]), 1, index([2, 1], [0, 2]), 1.5] }],
    bad: [...scatterBad, { args: [t([2, 3]), 1, t([2, 1]), 1], error: /int64/ }],
  },
);

function scatterCombined(input: Tensor, dim: number, indices: Tensor, src: Tensor | Scalar, reduce: string): Tensor {
  return applyWrite(input, combinedPlan(input, dim, indices, src, reduce));
}

/** Sums at the places; products are the business of `scatterReduce`. */
function combinedPlan(input: Tensor, dim: number, indices: Tensor, src: Tensor | Scalar, reduce: string): WritePlan {
  if (reduce !== 'add') throw new ArgumentError(`scatter: reduce must be 'add', got '${reduce}'; use scatterReduce for other reductions`);
  requireTensor('scatter', 'index', indices);
  const values = isTensor(src) ? src : expand(fullTensor([], numberFor('scatter', src), input.type), indices.shape);
  return { ...scatterAddPlan(input, dim, indices, values), family: scatterFamily };
}

/**
 * `input` with the elements of `src` added at the places that `index` names along `dim`; an index may occur any number of times.
 * `index` is int32 or int64, nowhere larger than `src`, nor than `input` but along `dim`; `src` has the dtype of `input`.
 *
 * @example
 * scatterAdd(zeros([3]), 0, tensor([0n, 0n, 2n]), tensor([1, 2, 3])); // tensor([3., 0., 3.])
 */
export const scatterAdd: ScatterFunction<'scatterAdd', Tensor> = indexedWrite('scatterAdd', scatterAddPlan, {
  signature: 'input, dim, index, src',
  samples: scatterSamples,
  bad: scatterBad,
});

// ---------------------------------------------------------------- indexSelect

/** A line of indices: one dimension, or none for one index. */
export function requireLine(name: string, indices: Tensor): void {
  if (indices.ndim > 1) throw new ShapeError(`${name}: index must have 0 or 1 dimensions, got ${formatShape(indices.shape)}`);
}

/** The slices of `x` along `dim` that a line of checked indices (int64) names: for other operators. */
export function selectAlong(x: Tensor, indices: Tensor, dim: number): Tensor {
  const line = x.ndim === 0 ? reshape(indices, []) : reshape(indices, [indices.size]);
  return applyOne(indexSelectFamily.gather, [x, line], replacingDim(x.shape, dim, indices.size));
}

/**
 * The slices of `input` along `dim` that `index` (int32 or int64, one dimension) names, in its order. Throws IndexError for an index out of range.
 *
 * @example
 * indexSelect(tensor([[1, 2], [3, 4]]), 0, tensor([1n, 1n])); // tensor([[3., 4.], [3., 4.]])
 */
export const indexSelect: IndexSelectFunction<'indexSelect'> = described(
  'indexSelect',
  (input: Tensor, dim: number, indices: Tensor): Tensor => {
    const d = normalizeDim('indexSelect', dim, input.ndim);
    const at = requireIndex('indexSelect', 'index', indices, 'int32 or int64');
    requireLine('indexSelect', at);
    if (input.ndim === 0 && at.size !== 1) throw new IndexError(`indexSelect: a 0-d tensor takes one index, got ${at.size}`);
    return selectAlong(input, at, d);
  },
  {
    signature: 'input, dim, index',
    tensors: 1,
    samples: [
      { args: [t([3, 2]), 0, index([4], [2, 0, 0, 1])] },
      { args: [t([2, 3, 2]), 1, index([2], [2, 0])] },
      { args: [t([2, 3]), -1, index([], [1])] },
      { args: [t([]), 0, index([1], [0])] },
    ],
    bad: [
      { args: [t([3, 2]), 0, index([1], [3])], error: /index 3 is out of range for dimension 0, which has size 3/ },
      { args: [t([3, 2]), 0, index([1], [-1])], error: /index -1 is out of range/ },
      { args: [t([3, 2]), 0, index([1, 1], [0])], error: /0 or 1 dimensions/ },
    ],
  },
);

// ---------------------------------------------------------------- take and put

/** The elements of `x` that checked indices (int64) name in row-major order: for other operators. */
export function takeFlat(x: Tensor, indices: Tensor, wrap = true): Tensor {
  return applyOne(takeFamily.gather, [x, indices], flatIndexing(x.shape, indices.shape, wrap));
}

/**
 * The elements of `input` that `index` (int64) names, counted in row-major order; the result has the shape of `index`. Negative indices count from
 * the end. Throws IndexError for an index out of range.
 *
 * @example
 * take(tensor([[1, 2], [3, 4]]), tensor([3n, 0n])); // tensor([4., 1.])
 */
export const take: TakeFunction = described(
  'take',
  (input: Tensor, indices: Tensor): Tensor => {
    requireTensor('take', 'index', indices);
    return takeFlat(input, requireLong('take', indices));
  },
  {
    signature: 'input, index',
    tensors: 1,
    samples: [{ args: [t([2, 3]), index([2, 2], [5, 0, -1, 2])] }, { args: [t([]), index([1], [0])] }, { args: [t([3]), index([0], [])] }],
    bad: [
      { args: [t([2, 3]), index([1], [6])], error: /index 6 is out of range for the flattened tensor/ },
      { args: [t([2, 3]), t([1], { dtype: 'int32', values: [0], grad: false })], error: /int64/ },
    ],
  },
);

function requireLong(name: string, indices: Tensor): Tensor {
  if (indices.type !== INT64) throw new DTypeError(`${name}: index must have dtype int64, got ${indices.dtype}; cast it with .to('int64')`);
  return indices;
}

/**
 * `input` with the elements of `source` at the places that `index` (int64) names in row-major order, or added there with `accumulate`. `source` has as
 * many elements as `index`, and the dtype of `input`. Negative indices count from the end.
 *
 * @example
 * put(zeros([2, 2]), tensor([3n, 0n]), tensor([1, 2])); // tensor([[2., 0.], [0., 1.]])
 */
export const put: PutFunction<'put'> = indexedWrite(
  'put',
  (input: Tensor, indices: Tensor, source: Tensor, options: { readonly accumulate?: boolean } = {}): WritePlan => {
    requireTensor('put', 'input', input);
    requireTensor('put', 'index', indices);
    requireTensor('put', 'source', source);
    requireLong('put', indices);
    requireSameType('put', 'source', input, source);
    if (source.size !== indices.size)
      throw new ShapeError(
        `put: source ${formatShape(source.shape)} has ${source.size} elements, but index ${formatShape(indices.shape)} has ${indices.size}`,
      );
    return {
      family: putFamily,
      mode: options.accumulate === true ? 'add' : 'set',
      values: source,
      fit: sameShape(source.shape, indices.shape) ? null : (values) => reshape(values, indices.shape),
      indices: [indices],
      indexing: flatIndexing(input.shape, indices.shape),
    };
  },
  {
    signature: 'input, index, source, *, accumulate',
    samples: [
      { args: [t([2, 3]), index([2], [4, 0]), t([2])] },
      { args: [t([2, 3]), index([3], [4, 0, -2]), t([3]), { accumulate: true }] },
      { args: [t([]), index([1], [0]), t([])] },
    ],
    bad: [
      { args: [t([2, 3]), index([2], [6, 0]), t([2])], error: /index 6/ },
      { args: [t([2, 3]), index([2], [1, 0]), t([3])], error: /3 elements/ },
    ],
  },
);

const takeAlongFamily = indexFamily('takeAlongDim');

const takeAlongOperator = compositeOperator<{ readonly dim: number; readonly shape: readonly number[] }>(
  'takeAlongDim',
  ([x, at], { dim, shape }) => {
    const indices = at as Tensor;
    return applyOne(takeAlongFamily.gather, [expand(x as Tensor, shape), indices], { ...alongDim(shape, dim, indices.shape), wrap: true });
  },
);

/**
 * The elements of `input` that `indices` (int64) names along `dim`; outside `dim` the two broadcast. Without `dim` both are flattened first.
 *
 * @example
 * takeAlongDim(tensor([[3, 1, 2]]), tensor([[1n, 2n, 0n]]), 1); // tensor([[1., 2., 3.]])
 */
export const takeAlongDim: TakeAlongDimFunction<'takeAlongDim'> = described(
  'takeAlongDim',
  (input: Tensor, indices: Tensor, dim?: number | null): Tensor => {
    requireLong('takeAlongDim', indices);
    if (dim === undefined || dim === null)
      return applyOne(takeAlongFamily.gather, [input, reshape(indices, [indices.size])], flatIndexing(input.shape, [indices.size]));
    if (input.ndim !== indices.ndim) {
      throw new ShapeError(
        `takeAlongDim: input ${formatShape(input.shape)} and indices ${formatShape(indices.shape)} must have the same number of dimensions`,
      );
    }
    const d = normalizeDim('takeAlongDim', dim, input.ndim);
    const as = (shape: readonly number[], size: number): number[] => shape.map((s, i) => (i === d ? size : s));
    const around = broadcastShapes('takeAlongDim', as(input.shape, 1), as(indices.shape, 1));
    const at = expand(indices, as(around, indices.shape[d] ?? 1));
    return applyOne(takeAlongOperator, [input, at], { dim: d, shape: as(around, input.shape[d] ?? 1) });
  },
  {
    signature: 'input, indices, dim?',
    tensors: 2,
    samples: [
      { args: [t([2, 3]), index([2, 2], [0, 2, 1, 1]), 1] },
      { args: [t([1, 3]), index([2, 1], [2, 0]), 1] },
      { args: [t([2, 3]), index([2], [5, 0])] },
    ],
    bad: [
      { args: [t([2, 3]), index([3, 1], [0, 0, 0]), 1], error: /broadcast/ },
      { args: [t([2, 3]), t([2, 1]), 1], error: /int64/ },
    ],
  },
);

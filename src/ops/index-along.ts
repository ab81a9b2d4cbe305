import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape, sameShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { writeInPlace } from '../tensor/inplace.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { fullTensor } from './create.ts';
import { callMap, compositeOperator, described, isScalar, mapOperator, requireSameType, requireTensor, type Scalar } from './family.ts';
import { fillValue } from './fill-value.ts';
import { requireLine } from './gather.ts';
import { type Indexing, type IndexTypes, indexFamily, replacingDim, requireIndex } from './indexed.ts';
import { applyWrite, applyWriteInPlace, indexedWrite, type WritePlan } from './indexed-write.ts';
import { SCALE } from './maps.ts';
import { reshape } from './structural.ts';
import type { IndexWriteFunction, OperandOf } from './types.ts';

/** Slices along a dimension that a line of indices names: added to, replaced, filled. */

const addFamily = indexFamily('indexAdd');
const copyFamily = indexFamily('indexCopy');
const fillFamily = indexFamily('indexFill');

const index = (shape: readonly number[], values: readonly number[]) => t(shape, { dtype: 'int64', values, grad: false });

/** Where slices go: the dimension, the line of indices, and the positions that they stand for. */
interface Line {
  readonly dim: number;
  readonly indices: Tensor;
  readonly indexing: Indexing;
}

/** Checks the dimension and the indices; of a 0-d tensor the only index is 0. */
export function lineArguments(name: string, input: unknown, dim: number, indices: unknown, types: IndexTypes, wrap = false): Line {
  requireTensor(name, 'input', input);
  const d = normalizeDim(name, dim, input.ndim);
  const at = requireIndex(name, 'index', indices, types);
  requireLine(name, at);
  if (input.ndim === 0 && at.size !== 1) throw new ShapeError(`${name}: a 0-d tensor takes one index, got ${at.size}`);
  const line = reshape(at, input.ndim === 0 ? [] : [at.size]);
  return { dim: d, indices: line, indexing: replacingDim(input.shape, d, at.size, wrap) };
}

/** How a source gets the shape of the positions: null where it has it; both may be single slices. Throws for other shapes and dtypes. */
export function sourceFit(
  name: string,
  role: string,
  input: Tensor,
  source: unknown,
  { dim, indexing, indices }: Line,
  looseScalar: boolean,
): ((source: Tensor) => Tensor) | null {
  requireTensor(name, role, source);
  requireSameType(name, role, input, source);
  const { shape } = indexing;
  if (sameShape(source.shape, shape)) return null;
  const single = source.size === 1 && indices.size === 1;
  if (single && (input.ndim === 0 || (looseScalar && source.ndim === 0 && input.ndim === 1))) return (x) => reshape(x, shape);
  throw new ShapeError(
    `${name}: ${role} must have shape ${formatShape(shape)}, that of input ${formatShape(input.shape)} with ${indices.size} along dimension ${dim}, got ${formatShape(source.shape)}`,
  );
}

/** The factor of an addition; null where it is 1. */
function factorFor(name: string, source: Tensor, alpha: Scalar): number | null {
  if (!isScalar(alpha)) throw new ArgumentError(`${name}: alpha must be a number, got ${typeof alpha}`);
  if (!source.type.isFloat && !source.type.isComplex && !Number.isInteger(Number(alpha))) {
    throw new DTypeError(`${name}: for dtype ${source.dtype} alpha must be a whole number, got ${String(alpha)}`);
  }
  return Number(alpha) === 1 ? null : Number(alpha);
}

/**
 * `input` with `alpha` times the slices of `source` added at the places that `index` (int32 or int64, one dimension) names along `dim`; an index may
 * occur any number of times. `source` has the dtype and shape of `input`, with as many slices as there are indices. Throws IndexError for an index
 * out of range.
 *
 * @example
 * indexAdd(zeros([3]), 0, tensor([0n, 0n, 2n]), tensor([1, 2, 3])); // tensor([3., 0., 3.])
 */
export const indexAdd: IndexWriteFunction<'indexAdd', Tensor, [options?: { readonly alpha?: Scalar }]> = indexedWrite(
  'indexAdd',
  (input: Tensor, dim: number, indices: Tensor, source: Tensor, options: { readonly alpha?: Scalar } = {}): WritePlan => {
    const line = lineArguments('indexAdd', input, dim, indices, 'int32 or int64');
    const fit = sourceFit('indexAdd', 'source', input, source, line, false);
    const factor = factorFor('indexAdd', source, options.alpha ?? 1);
    const scaledFit = factor === null ? fit : (values: Tensor): Tensor => callMap(SCALE, [fit?.(values) ?? values], [factor], values.type);
    return { family: addFamily, mode: 'add', values: source, fit: scaledFit, indices: [line.indices], indexing: line.indexing };
  },
  {
    signature: 'input, dim, index, source, *, alpha',
    samples: [
      { args: [t([3, 2]), 0, index([2], [2, 0]), t([2, 2])] },
      { args: [t([2, 3]), 1, index([3], [0, 0, 2]), t([2, 3]), { alpha: 0.5 }] },
      { args: [t([]), 0, index([1], [0]), t([])] },
    ],
    bad: [
      { args: [t([3]), 0, index([1], [3]), t([1])], error: /index 3 is out of range/ },
      { args: [t([3]), 0, index([2], [0, 1]), t([3])], error: /shape \[2\]/ },
      { args: [t([3]), 0, index([1], [0]), t([1], { dtype: 'float64' })], error: /float32.*float64/ },
    ],
  },
);

/**
 * `input` with the slices of `source` in place of those that `index` (int64, one dimension) names along `dim`. `source` has the dtype and shape of
 * `input`, with as many slices as there are indices. Where an index occurs twice, the last slice stays.
 *
 * @example
 * indexCopy(zeros([3]), 0, tensor([2n, 0n]), tensor([1, 2])); // tensor([2., 0., 1.])
 */
export const indexCopy: IndexWriteFunction<'indexCopy', Tensor> = indexedWrite(
  'indexCopy',
  (input: Tensor, dim: number, indices: Tensor, source: Tensor): WritePlan => {
    const line = lineArguments('indexCopy', input, dim, indices, 'int64');
    const fit = sourceFit('indexCopy', 'source', input, source, line, true);
    return { family: copyFamily, mode: 'set', values: source, fit, indices: [line.indices], indexing: line.indexing };
  },
  {
    signature: 'input, dim, index, source',
    samples: [
      { args: [t([3, 2]), 0, index([2], [2, 0]), t([2, 2])] },
      { args: [t([2, 3]), -1, index([1], [1]), t([2, 1])] },
      { args: [t([]), 0, index([1], [0]), t([])] },
    ],
    bad: [
      { args: [t([3]), 0, index([1], [-1]), t([1])], error: /index -1 is out of range/ },
      { args: [t([3]), 0, index([2], [0, 1]), t([3])], error: /shape \[2\]/ },
    ],
  },
);

const CHOOSE = mapOperator('where', 3, 0, ([hit, value, x]) => S.select(S.ne(hit as S.Expr, 0), value as S.Expr, x as S.Expr));

/** A tensor as the value: each element that it fills counts once in its gradient, however often its index occurs. */
const fillByTensor = compositeOperator<Indexing>('indexFill', ([x, value, ...indices], indexing) => {
  const source = x as Tensor;
  const hits = applyOne(fillFamily.fill(1), [fullTensor(source.shape, 0, source.type), ...indices], indexing);
  return callMap(CHOOSE, [hits, value as Tensor, source], [], source.type);
});

function fillSlices(input: Tensor, dim: number, indices: Tensor, value: Tensor | Scalar, inPlace: boolean): Tensor {
  const { indices: line, indexing } = lineArguments('indexFill', input, dim, indices, 'int64', true);
  if (isScalar(value)) {
    const plan: WritePlan = { family: fillFamily, mode: 'set', values: Number(value), fit: null, indices: [line], indexing };
    return inPlace ? applyWriteInPlace('indexFill_', input, plan) : applyWrite(input, plan);
  }
  const filler = fillValue('indexFill', input, value);
  const fill = (x: Tensor): Tensor => applyOne(fillByTensor, [x, filler, line], indexing);
  return inPlace ? writeInPlace('indexFill_', input, fill) : fill(input);
}

/**
 * `input` with `value` (a number or a 0-d tensor) in the slices that `index` (int64, one dimension) names along `dim`. Negative indices count from the
 * end.
 *
 * @example
 * indexFill(zeros([3]), 0, tensor([0n, -1n]), 7); // tensor([7., 0., 7.])
 */
export const indexFill: IndexWriteFunction<'indexFill', OperandOf> = described(
  'indexFill',
  Object.assign(
    (input: Tensor, dim: number, indices: Tensor, value: Tensor | Scalar): Tensor => fillSlices(input, dim, indices, value, false),
    {
      inPlace: (input: Tensor, dim: number, indices: Tensor, value: Tensor | Scalar): Tensor =>
        fillSlices(input, dim, indices, value, true),
    },
  ),
  {
    signature: 'input, dim, index, value',
    samples: [
      { args: [t([3, 2]), 0, index([2], [2, 0]), 1.5] },
      { args: [t([2, 3]), -1, index([1], [-2]), t([])] },
      { args: [t([]), 0, index([1], [0]), 2] },
    ],
    bad: [
      { args: [t([3]), 0, index([1], [3]), 1], error: /index 3 is out of range/ },
      { args: [t([3]), 0, index([1], [0]), t([1])], error: /0-d/ },
    ],
  },
);

import { FLOAT32, FLOAT64, INT32, INT64 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { elementsOf, requirePlain } from '../../tensor/data.ts';
import { mapInPlace } from '../../tensor/inplace.ts';
import { withGradMode } from '../../tensor/modes.ts';
import { isTensor, type Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, IndexError, ShapeError } from '../../util/errors.ts';
import { emptyTensor, fullTensor } from '../create.ts';
import { amaxOver, aminOver } from '../extrema.ts';
import { callMap, compositeOperator, described, floatOnly, mapOperator, requireTensor } from '../family.ts';
import { indexFamily, replacingDim, requireIndex } from '../indexed.ts';
import { normOver } from '../linalg/norm.ts';
import { DIV } from '../maps.ts';
import { positionsEqual } from '../pick.ts';
import { needsComposition } from '../reduction.ts';
import { cast, reshape } from '../structural.ts';
import type { EmbeddingLookup, OneHotFunction } from '../types.ts';
import { lookUp, spreadRows } from './embedding-kernels.ts';
import { allDims } from './reduced-loss.ts';

const rows = indexFamily('nn.functional.embedding');

const index = (shape: readonly number[], values: readonly number[]) => t(shape, { dtype: 'int64', values, grad: false });

interface EmbeddingParams {
  /** The row that is never trained; negative: none. */
  readonly padding: number;
  readonly byFrequency: boolean;
}

const UNLESS_PADDING = mapOperator('where', 2, 1, ([g, i], [padding]) => S.select(S.eq(i as S.Expr, padding as S.Expr), 0, g as S.Expr));

interface GradientParams extends EmbeddingParams {
  /** The shape of the table. */
  readonly shape: readonly number[];
}

/** Whether there are kernels for tensors: their elements lie in order, and they are no transform's. */
const haveKernels = (xs: readonly Tensor[]): boolean => xs.every((x) => x.rowMajor && !needsComposition(x));

/** Zeros with the gradients of the rows that were looked up added at their rows, in order. */
const rowGradient = compositeOperator<GradientParams>('embeddingBackward', ([g, indices], params) => {
  const [values, at] = [g, indices] as [Tensor, Tensor];
  const { shape, padding, byFrequency } = params;
  const { type } = values;
  if (!byFrequency && (type === FLOAT32 || type === FLOAT64) && haveKernels([values, at])) {
    const gradient = emptyTensor(shape, type);
    spreadRows(gradient, values, at, padding);
    return gradient;
  }
  return composedGradient(values, cast(at, INT64), params);
});

function composedGradient(g: Tensor, indices: Tensor, { shape, padding, byFrequency }: GradientParams): Tensor {
  const line = reshape(indices, [indices.size]);
  const column = reshape(indices, [indices.size, 1]);
  let values = reshape(g, [indices.size, shape[1] as number]);
  if (padding >= 0) values = callMap(UNLESS_PADDING, [values, column], [padding], g.type);
  if (byFrequency) {
    const one = fullTensor(line.shape, 1, g.type);
    const each = replacingDim([shape[0] as number], 0, line.size);
    const frequency = applyOne(rows.gather, [applyOne(rows.spread, [one, line], each), line], each);
    values = callMap(DIV, [values, reshape(frequency, column.shape)], [], g.type);
  }
  return applyOne(rows.spread, [values, line], replacingDim(shape, 0, line.size));
}

const embeddingOperator = compositeOperator<EmbeddingParams>(
  'nn.functional.embedding',
  ([weight, indices]) => {
    const [table, at] = [weight, indices] as [Tensor, Tensor];
    const shape = [...at.shape, table.shape[1] as number];
    if (haveKernels([table, at])) {
      const found = emptyTensor(shape, table.type);
      lookUp('nn.functional.embedding', found, at, table);
      return found;
    }
    const line = reshape(cast(at, INT64), [at.size]);
    return reshape(applyOne(rows.gather, [table, line], replacingDim(table.shape, 0, at.size)), shape);
  },
  {
    kind: 'rules',
    saves: { inputs: [1] },
    vjp: ([g], context) => [
      applyOne(rowGradient, [g as Tensor, context.input(1)], { ...context.params, shape: context.inputShape(0) }),
      null,
    ],
  },
);

/** Rows that are looked up and too long are shortened. */
const SHORTENED = mapOperator('embedding', 3, 1, ([x, n, used], [most]) =>
  S.select(
    S.and(S.ne(used as S.Expr, 0), S.gt(n as S.Expr, most as S.Expr)),
    S.mul(x as S.Expr, S.div(most as S.Expr, S.add(n as S.Expr, 1e-7))),
    x as S.Expr,
  ),
);

export function shortenRows(weight: Tensor, indices: Tensor, most: number, order: number): void {
  withGradMode(false, () => {
    const [count] = weight.shape as readonly [number, number];
    const line = reshape(indices, [indices.size]);
    const used = applyOne(rows.spread, [fullTensor(line.shape, 1, weight.type), line], replacingDim([count], 0, line.size));
    mapInPlace('embedding', weight, SHORTENED, [weight, normOver(weight, order, [1], true), reshape(used, [count, 1])], {
      values: [most],
      compute: weight.type,
    });
  });
}

export interface EmbeddingOptions {
  /** A row that gets no gradient; negative ones count from the end. */
  readonly paddingIdx?: number | null;
  /** Rows that are looked up and longer are shortened to this norm first, in place. */
  readonly maxNorm?: number | null;
  /** The order of that norm. Default 2. */
  readonly normType?: number;
  /** Divide the gradient of a row by how often it was looked up. */
  readonly scaleGradByFreq?: boolean;
  /** Accepted for PyTorch's sake: gradients are dense. */
  readonly sparse?: boolean;
}

export function paddingOf(padding: number | null | undefined, count: number): number {
  if (padding === null || padding === undefined) return -1;
  if (!Number.isInteger(padding) || padding < -count || padding >= count)
    throw new ArgumentError(`nn.functional.embedding: paddingIdx ${padding} is out of range for ${count} rows`);
  return padding < 0 ? padding + count : padding;
}

/**
 * The rows of `weight` [count, features] that `input` (int32 or int64, any shape) names: [..., features]. Throws IndexError for an index out of range.
 *
 * @example
 * nn.functional.embedding(tensor([1n, 1n]), tensor([[1, 2], [3, 4]])); // tensor([[3., 4.], [3., 4.]])
 */
export const embedding: EmbeddingLookup<EmbeddingOptions> = described(
  'nn.functional.embedding',
  (input: Tensor, weight: Tensor, options: EmbeddingOptions = {}): Tensor => {
    const name = 'nn.functional.embedding';
    // The kernels read int32 as it is.
    const at = isTensor(input) && input.type === INT32 ? input : requireIndex(name, 'input', input, 'int32 or int64');
    requireTensor(name, 'weight', weight);
    if (weight.ndim !== 2) throw new ShapeError(`${name}: weight must be a matrix of rows, got ${formatShape(weight.shape)}`);
    const padding = paddingOf(options.paddingIdx, weight.shape[0] as number);
    const maxNorm = options.maxNorm ?? null;
    if (maxNorm !== null) {
      floatOnly(weight.type, name);
      shortenRows(weight, cast(at, INT64), maxNorm, options.normType ?? 2);
    }
    return applyOne(embeddingOperator, [weight, at], { padding, byFrequency: options.scaleGradByFreq === true });
  },
  {
    signature: 'input, weight, *, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse',
    samples: [
      { args: [index([3], [0, 2, 2]), t([4, 2])] },
      { args: [index([2, 2], [0, 1, 1, 1]), t([3, 2])] },
      { args: [index([], [1]), t([3, 2])] },
    ],
    bad: [
      { args: [index([1], [3]), t([3, 2])], error: /index 3 is out of range/ },
      { args: [index([1], [0]), t([3])], error: /matrix/ },
      { args: [t([2]), t([3, 2])], error: /int64/ },
    ],
  },
);

// ---------------------------------------------------------------- oneHot

const oneHotOperator = compositeOperator<number>('nn.functional.oneHot', ([input], classes) => {
  const x = input as Tensor;
  const seen = reshape(x, [...x.shape, 1]);
  return cast(positionsEqual(seen, x.ndim, classes), INT64);
});

/** The least number of classes that holds all; checks that none is negative. */
function classesOf(name: string, input: Tensor, wanted: number): number {
  if (input.size === 0) {
    if (wanted <= 0) throw new ArgumentError(`${name}: an empty tensor does not say how many classes there are: pass numClasses`);
    return wanted;
  }
  // A transformed tensor has no values to look at; then the number must be given.
  if (input.wrapped !== null && wanted > 0) return wanted;
  requirePlain(name, input);
  const least = Number(elementsOf(aminOver(input, allDims(input), false))[0]);
  const largest = Number(elementsOf(amaxOver(input, allDims(input), false))[0]);
  if (least < 0) throw new IndexError(`${name}: class ${least} is negative`);
  if (wanted !== -1 && largest >= wanted) throw new IndexError(`${name}: class ${largest} is out of range for ${wanted} classes`);
  return wanted === -1 ? largest + 1 : wanted;
}

/**
 * Class indices (int64) as vectors in a new last dimension: 1 at the class, else 0, in int64. Without `numClasses` there are as many classes as the
 * largest index needs. Throws IndexError for a class out of range.
 *
 * @example
 * nn.functional.oneHot(tensor([0n, 2n])); // tensor([[1, 0, 0], [0, 0, 1]])
 */
export const oneHot: OneHotFunction = described(
  'nn.functional.oneHot',
  (input: Tensor, numClasses = -1): Tensor => {
    const name = 'nn.functional.oneHot';
    if (input.type !== INT64) throw new DTypeError(`${name}: class indices must have dtype int64, got ${input.dtype}`);
    if (!Number.isInteger(numClasses) || numClasses < -1)
      throw new ArgumentError(`${name}: numClasses must be a whole number, got ${numClasses}`);
    return applyOne(oneHotOperator, [input], classesOf(name, input, numClasses));
  },
  {
    signature: 'input, num_classes?',
    tensors: 1,
    samples: [{ args: [index([3], [0, 2, 1]), 3] }, { args: [index([2, 2], [0, 1, 1, 0]), 4] }, { args: [index([], [1]), 2] }],
    bad: [
      { args: [index([1], [3]), 2], error: /out of range for 2 classes/ },
      { args: [t([2])], error: /int64/ },
    ],
  },
);

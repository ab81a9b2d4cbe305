import { INT64 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { elementsOf, requirePlain, tensorOfElements } from '../../tensor/data.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../../util/errors.ts';
import { fullTensor } from '../create.ts';
import { amaxOver } from '../extrema.ts';
import { callMap, compositeOperator, described, floatOnly, mapOperator, requireSameType, requireTensor } from '../family.ts';
import { indexFamily, replacingDim, requireIndex } from '../indexed.ts';
import { MUL } from '../maps.ts';
import { sumOver } from '../reduction.ts';
import { indexReduce } from '../scatter-reduce.ts';
import { reshape } from '../structural.ts';
import type { EmbeddingBagFunction } from '../types.ts';
import { embedding, paddingOf, shortenRows } from './embedding.ts';

type E = S.Expr;
const NAME = 'nn.functional.embeddingBag';
const rows = indexFamily(NAME);

export interface EmbeddingBagOptions {
  /** Rows that are looked up and longer are shortened to this norm first, in place. */
  readonly maxNorm?: number | null;
  /** The order of that norm. Default 2. */
  readonly normType?: number;
  /** Divide the gradient of a row by how often it was looked up. */
  readonly scaleGradByFreq?: boolean;
  /** What becomes of the rows of a bag. Default 'mean'. */
  readonly mode?: 'sum' | 'mean' | 'max';
  /** Accepted for PyTorch's sake: gradients are dense. */
  readonly sparse?: boolean;
  /** Factors of the rows, of the shape of the input; for sums alone. */
  readonly perSampleWeights?: Tensor | null;
  /** The last of `offsets` is where the last bag ends. */
  readonly includeLastOffset?: boolean;
  /** A row that does not count and gets no gradient; negative ones count from the end. */
  readonly paddingIdx?: number | null;
}

interface BagParams {
  readonly mode: 'sum' | 'mean' | 'max';
  readonly padding: number;
  readonly byFrequency: boolean;
  readonly bags: number;
  readonly weighted: boolean;
  /** Whether bags are the rows of the input; else an input says which bag each index belongs to. */
  readonly regular: boolean;
}

const MEAN = mapOperator('div', 2, 0, ([x, n]) => S.div(x as E, S.max(n as E, 1)));
const COUNTED = mapOperator('where', 2, 2, ([x, i], [padding, other]) => S.select(S.eq(i as E, padding as E), other as E, x as E));
const COUNTS = mapOperator('ne', 1, 1, ([i], [padding]) => S.select(S.eq(i as E, padding as E), 0, 1), false);
const SOME = mapOperator('where', 2, 0, ([x, n]) => S.select(S.eq(n as E, 0), 0, x as E));

const bagOperator = compositeOperator<BagParams>(NAME, (inputs, params) => {
  const [weight, indices] = inputs as [Tensor, Tensor];
  const { mode, padding, bags } = params;
  const factors = params.weighted ? (inputs[2] as Tensor) : null;
  const bag = params.regular ? null : (inputs[params.weighted ? 3 : 2] as Tensor);
  const features = weight.shape[1] as number;
  const count = indices.size;
  const line = reshape(indices, [count]);
  const column = reshape(indices, [count, 1]);
  const found = embedding(line, weight, { scaleGradByFreq: params.byFrequency }) as Tensor;
  const scaled = factors === null ? found : callMap(MUL, [found, reshape(factors, [count, 1])], [], weight.type);
  const skipped = mode === 'max' ? Number.NEGATIVE_INFINITY : 0;
  const counted = padding < 0 ? scaled : callMap(COUNTED, [scaled, column], [padding, skipped], weight.type);
  const sum = (x: Tensor): Tensor => {
    const width = x.shape[1] as number;
    if (bag === null) return sumOver(reshape(x, [bags, bags === 0 ? 0 : count / bags, width]), [1]);
    return applyOne(rows.spread, [x, bag], replacingDim([bags, width], 0, count));
  };
  const sizes = (): Tensor => sum(callMap(COUNTS, [column], [padding], weight.type));
  if (mode === 'sum') return sum(counted);
  if (mode === 'mean') return callMap(MEAN, [sum(counted), sizes()], [], weight.type);
  const empty = count === 0 || (bag === null && bags === 0);
  if (empty) return fullTensor([bags, features], 0, weight.type);
  const largest =
    bag === null
      ? amaxOver(reshape(counted, [bags, count / bags, features]), [1], false)
      : (indexReduce(fullTensor([bags, features], 0, weight.type), 0, bag, counted, 'amax', { includeSelf: false }) as Tensor);
  return padding < 0 ? largest : callMap(SOME, [largest, sizes()], [], weight.type);
});

/** Which bag each of `count` indices belongs to. */
function bagsOf(offsets: Tensor, count: number, closed: boolean): { readonly bag: Tensor; readonly bags: number } {
  requirePlain(NAME, offsets);
  const starts = elementsOf(offsets).map(Number);
  if (closed && starts.length === 0) throw new ArgumentError(`${NAME}: includeLastOffset needs at least one offset`);
  if (starts.length > 0 && starts[0] !== 0) throw new ArgumentError(`${NAME}: the first offset must be 0, got ${starts[0]}`);
  const ends = closed ? starts.slice(1) : [...starts.slice(1), count];
  const bags = closed ? starts.length - 1 : starts.length;
  const wrong = starts.find((start, i) => start > count || start < (starts[i - 1] ?? 0));
  if (wrong !== undefined) throw new ArgumentError(`${NAME}: offsets must not fall, nor exceed the ${count} indices, got ${wrong}`);
  const of = Array.from({ length: bags }, (_, i) => Array<number>((ends[i] as number) - (starts[i] as number)).fill(i)).flat();
  // What lies behind the last offset belongs to no bag: PyTorch gives it to the last.
  while (of.length < count) of.push(Math.max(bags - 1, 0));
  return { bag: tensorOfElements(of, [count], INT64), bags };
}

/**
 * Sums, means or largest elements of the rows of `weight` [count, features] that bags of indices name: [bags, features], without writing the rows out for
 * the reader. `input` (int32 or int64) is [bags, size], or one dimension of indices of which `offsets` says where bags begin. An empty bag gives 0. Throws
 * IndexError for an index out of range, ShapeError and ArgumentError for what does not fit.
 *
 * @example
 * const weight = tensor([[1, 2], [3, 4], [5, 6]]);
 * nn.functional.embeddingBag(tensor([0n, 1n, 2n]), weight, tensor([0n, 2n])); // tensor([[2., 3.], [5., 6.]])
 */
export const embeddingBag: EmbeddingBagFunction<EmbeddingBagOptions> = described(
  NAME,
  (input: Tensor, weight: Tensor, offsets?: Tensor | null, options: EmbeddingBagOptions = {}): Tensor => {
    const at = requireIndex(NAME, 'input', input, 'int32 or int64');
    requireTensor(NAME, 'weight', weight);
    if (weight.ndim !== 2) throw new ShapeError(`${NAME}: weight must be a matrix of rows, got ${formatShape(weight.shape)}`);
    floatOnly(weight.type, NAME);
    const { mode = 'mean', perSampleWeights = null, scaleGradByFreq = false, includeLastOffset = false, maxNorm = null } = options;
    if (!['sum', 'mean', 'max'].includes(mode))
      throw new ArgumentError(`${NAME}: mode must be 'sum', 'mean' or 'max', got '${String(mode)}'`);
    if (mode === 'max' && scaleGradByFreq) throw new ArgumentError(`${NAME}: scaleGradByFreq is not defined for mode 'max'`);
    const starts = offsets ?? null;
    if (input.ndim === 2 && starts !== null) throw new ArgumentError(`${NAME}: bags of a matrix are its rows: leave out offsets`);
    if (input.ndim === 1 && starts === null)
      throw new ArgumentError(`${NAME}: indices in one dimension need offsets that say where bags begin`);
    if (input.ndim !== 1 && input.ndim !== 2)
      throw new ShapeError(`${NAME}: input must be [bags, size] or one dimension, got ${formatShape(input.shape)}`);
    checkFactors(perSampleWeights, input, weight, mode);
    const padding = paddingOf(options.paddingIdx, weight.shape[0] as number);
    const found = starts === null ? null : bagsOf(checkedOffsets(starts), input.size, includeLastOffset);
    if (maxNorm !== null) shortenRows(weight, at, maxNorm, options.normType ?? 2);
    const inputs = [weight, at, ...(perSampleWeights === null ? [] : [perSampleWeights]), ...(found === null ? [] : [found.bag])];
    const bags = found === null ? (input.shape[0] as number) : found.bags;
    const params = { mode, padding, byFrequency: scaleGradByFreq, bags, weighted: perSampleWeights !== null, regular: found === null };
    return applyOne(bagOperator, inputs, params);
  },
  {
    signature:
      'input, weight, offsets?, *, max_norm, norm_type, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset, padding_idx',
    samples: [
      { args: [t([2, 2], { dtype: 'int64', values: [0, 2, 1, 1], grad: false }), t([3, 2])] },
      {
        args: [
          t([4], { dtype: 'int64', values: [0, 2, 1, 1], grad: false }),
          t([3, 2]),
          t([3], { dtype: 'int64', values: [0, 1, 1], grad: false }),
          { mode: 'sum', perSampleWeights: t([4]) },
        ],
      },
      {
        args: [t([2, 3], { dtype: 'int64', values: [0, 2, 3, 3, 3, 3], grad: false }), t([4, 2]), null, { mode: 'max', paddingIdx: 3 }],
      },
      {
        args: [
          t([4], { dtype: 'int64', values: [0, 2, 1, 3], grad: false }),
          t([4, 2]),
          t([3], { dtype: 'int64', values: [0, 3, 4], grad: false }),
          { mode: 'max', includeLastOffset: true },
        ],
      },
    ],
    bad: [
      { args: [t([1, 1], { dtype: 'int64', values: [3], grad: false }), t([3, 2])], error: /index 3 is out of range/ },
      { args: [t([1], { dtype: 'int64', values: [0], grad: false }), t([3, 2])], error: /need offsets/ },
      {
        args: [t([1, 1], { dtype: 'int64', values: [0], grad: false }), t([3, 2]), null, { perSampleWeights: t([1, 1]) }],
        error: /mode 'sum'/,
      },
    ],
  },
);

function checkFactors(factors: Tensor | null, input: Tensor, weight: Tensor, mode: string): void {
  if (factors === null) return;
  requireTensor(NAME, 'perSampleWeights', factors);
  if (mode !== 'sum') throw new ArgumentError(`${NAME}: perSampleWeights need mode 'sum', got '${mode}'`);
  requireSameType(NAME, 'perSampleWeights', weight, factors);
  if (formatShape(factors.shape) !== formatShape(input.shape))
    throw new ShapeError(
      `${NAME}: perSampleWeights must have the input's shape ${formatShape(input.shape)}, got ${formatShape(factors.shape)}`,
    );
}

function checkedOffsets(offsets: Tensor): Tensor {
  const starts = requireIndex(NAME, 'offsets', offsets, 'int32 or int64');
  if (starts.ndim !== 1) throw new ShapeError(`${NAME}: offsets must have one dimension, got ${formatShape(starts.shape)}`);
  return starts;
}

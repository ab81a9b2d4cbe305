import { BOOL, INT64 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { elementsOf, requirePlain, tensorOfElements } from '../../tensor/data.ts';
import { isTensor, type Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { fullTensor } from '../create.ts';
import { detach } from '../detach.ts';
import { callMap, compositeOperator, described, mapOperator, requireTensor } from '../family.ts';
import { gatherAlong } from '../gather.ts';
import { catTensors } from '../join.ts';
import { ADD, DIV } from '../maps.ts';
import { narrow } from '../movement.ts';
import { sumOver } from '../reduction.ts';
import { expand, reshape, select } from '../structural.ts';
import type { CtcFunction } from '../types.ts';
import { type LossOptions, type Reduction, reduceLoss, reductionOf } from './reduced-loss.ts';

type E = S.Expr;
const NAME = 'nn.functional.ctcLoss';
const NEVER = Number.NEGATIVE_INFINITY;

export interface CtcOptions extends LossOptions {
  /** The class that stands for no label. Default 0. */
  readonly blank?: number;
  /** Losses that are infinite, since the labels do not fit into the input, count as 0 and give no gradient. */
  readonly zeroInfinity?: boolean;
}

interface CtcParams {
  readonly reduction: Reduction;
  readonly zeroInfinity: boolean;
  readonly batched: boolean;
}

/** The largest of three ways, as a constant: it keeps exponentials in range, and the derivative does not depend on it. */
const LARGEST = mapOperator(
  'max',
  4,
  0,
  ([a, b, c, skip]) => S.max(S.max(a as E, b as E), S.select(S.ne(skip as E, 0), c as E, NEVER)),
  false,
);
/** One step: to a label from itself, from the one before, and past a blank from the one before that. What has ended stays. */
const STEP = mapOperator('ctc', 7, 0, ([a, b, c, largest, skip, here, runs]) => {
  const part = (x: E | undefined): E => S.exp(S.sub(x as E, largest as E));
  const sum = S.add(S.add(part(a), part(b)), S.select(S.ne(skip as E, 0), part(c), 0));
  const next = S.select(S.eq(largest as E, NEVER), NEVER, S.add(S.add(here as E, largest as E), S.log(sum)));
  return S.select(S.ne(runs as E, 0), next, a as E);
});
const START = mapOperator('where', 2, 0, ([x, allowed]) => S.select(S.ne(allowed as E, 0), x as E, NEVER));
const LARGEST_END = mapOperator('max', 3, 0, ([a, b, two]) => S.max(a as E, S.select(S.ne(two as E, 0), b as E, NEVER)), false);
/** The loss by the last label and the blank behind it. */
const END = mapOperator('ctc', 4, 1, ([a, b, largest, two], [infinite]) => {
  const part = (x: E | undefined): E => S.exp(S.sub(x as E, largest as E));
  const sum = S.add(part(a), S.select(S.ne(two as E, 0), part(b), 0));
  return S.select(S.eq(largest as E, NEVER), infinite as E, S.neg(S.add(largest as E, S.log(sum))));
});
/** 0, but with the derivative exp(x): see the operator. */
const NORMALISER = mapOperator('ctc', 3, 0, ([x, same, counts]) =>
  S.select(S.ne(counts as E, 0), S.sub(S.exp(x as E), S.exp(same as E)), 0),
);

/** All that the recursion reads besides log-probabilities, as tensors: see `labelsOf`. */
interface Labels {
  /** [N, L]: blank, label, blank, label, …, blank. */
  readonly extended: Tensor;
  /** [N, L]: where the blank before may be left out. */
  readonly skip: Tensor;
  /** [N, L]: the first two, where a path begins. */
  readonly start: Tensor;
  /** [T, N, 1]: while the input lasts. */
  readonly runs: Tensor;
  /** [N, 1]: where the last blank is. */
  readonly last: Tensor;
  /** [N, 1]: whether there is a label before it. */
  readonly labelled: Tensor;
  /** [N]: how many labels, at least 1. */
  readonly counts: Tensor;
}
const LABELS = ['extended', 'skip', 'start', 'runs', 'last', 'labelled', 'counts'] as const;

/** -∞ twice in front, so that each label finds those before it. */
function padded(alpha: Tensor): Tensor {
  return catTensors([fullTensor([alpha.shape[0] as number, 2], NEVER, alpha.type), alpha], 1);
}

/** The log-probabilities of all paths that end in each label, after the last step of each sequence: [N, L]. */
function forwardVariables(at: Tensor, { skip, start, runs }: Labels): Tensor {
  const [steps, , labels] = at.shape as [number, number, number];
  let alpha = callMap(START, [select(at, 0, 0), start], [], at.type);
  for (let step = 1; step < steps; step++) {
    const before = padded(alpha);
    const ways = [2, 1, 0].map((shift) => narrow(before, 1, shift, labels) as Tensor);
    const largest = callMap(LARGEST, [...ways, skip], [], at.type);
    alpha = callMap(STEP, [...ways, largest, skip, select(at, 0, step), select(runs, 0, step)], [], at.type);
  }
  return alpha;
}

/**
 * The forward algorithm of Graves et al. (2006) on logarithms. PyTorch's derivative is that for normalised log-probabilities: exp(x) less the
 * posterior, where the derivative of this function alone is the posterior, negated. Behind a log-softmax both are the same.
 */
const ctcOperator = compositeOperator<CtcParams>(NAME, ([input, ...rest], { reduction, zeroInfinity, batched }) => {
  const given = input as Tensor;
  const x = batched ? given : reshape(given, [given.shape[0] as number, 1, given.shape[1] as number]);
  const labels = Object.fromEntries(LABELS.map((name, i) => [name, rest[i]])) as unknown as Labels;
  const [steps, batch] = x.shape as [number, number, number];
  const size = labels.extended.shape[1] as number;
  const at = gatherAlong(x, expand(reshape(labels.extended, [1, batch, size]), [steps, batch, size]), 2);
  const alpha = padded(forwardVariables(at, labels));
  const blank = gatherAlong(alpha, callMap(SHIFT, [labels.last], [2], INT64), 1);
  const label = gatherAlong(alpha, callMap(SHIFT, [labels.last], [1], INT64), 1);
  const largest = callMap(LARGEST_END, [blank, label, labels.labelled], [], x.type);
  const infinite = zeroInfinity ? 0 : Number.POSITIVE_INFINITY;
  const ends = callMap(END, [blank, label, largest, labels.labelled], [infinite], x.type);
  const counted = zeroInfinity ? callMap(BOTH, [labels.runs, reshape(largest, [1, batch, 1])], [], x.type) : labels.runs;
  const normaliser = sumOver(callMap(NORMALISER, [x, detach(x), counted], [], x.type), [0, 2]);
  const losses = callMap(ADD, [reshape(ends, [batch]), normaliser], [], x.type);
  if (reduction === 'none') return batched ? losses : reshape(losses, []);
  return reduceLoss(reduction === 'mean' ? callMap(DIV, [losses, labels.counts], [], x.type) : losses, reduction);
});
const SHIFT = mapOperator('add', 1, 1, ([x], [by]) => S.add(x as E, by as E), false);
const BOTH = mapOperator('logicalAnd', 2, 0, ([runs, largest]) => S.and(S.ne(runs as E, 0), S.ne(largest as E, NEVER)), false);

// ---------------------------------------------------------------- arguments

/** Lengths as numbers. */
function lengthsOf(role: string, given: Tensor | number | readonly number[], count: number, most: number): number[] {
  if (isTensor(given)) {
    requirePlain(NAME, given);
    if (given.type.isFloat || given.type.isComplex) throw new DTypeError(`${NAME}: ${role} must have an integer dtype, got ${given.dtype}`);
  }
  const lengths = isTensor(given) ? elementsOf(given).map(Number) : typeof given === 'number' ? [given] : [...given];
  if (lengths.length !== count)
    throw new ShapeError(`${NAME}: ${role} must name ${count} lengths, one for each sequence, got ${lengths.length}`);
  const wrong = lengths.find((length) => !Number.isInteger(length) || length < 0 || length > most);
  if (wrong !== undefined) throw new ArgumentError(`${NAME}: ${role} must be whole numbers from 0 to ${most}, got ${wrong}`);
  return lengths;
}

/** The labels of each sequence. */
function labelLists(targets: Tensor, given: Tensor | number | readonly number[], batch: number, batched: boolean): number[][] {
  requirePlain(NAME, targets);
  const values = elementsOf(targets).map(Number);
  const padded = targets.ndim === 2;
  if (padded && targets.shape[0] !== batch)
    throw new ShapeError(
      `${NAME}: ${batch} sequences need targets [${batch}, S] or all in one dimension, got ${formatShape(targets.shape)}`,
    );
  if (targets.ndim !== 1 && !(padded && batched))
    throw new ShapeError(`${NAME}: targets must be [N, S], or all in one dimension, got ${formatShape(targets.shape)}`);
  const lengths = lengthsOf('targetLengths', given, batch, padded ? (targets.shape[1] as number) : values.length);
  const total = lengths.reduce((a, b) => a + b, 0);
  if (!padded && total !== values.length)
    throw new ShapeError(
      `${NAME}: targetLengths add up to ${total}, but there are ${values.length} labels in ${formatShape(targets.shape)}`,
    );
  let end = 0;
  return lengths.map((length, n) => {
    const from = padded ? n * (targets.shape[1] as number) : end;
    end += length;
    return values.slice(from, from + length);
  });
}

/** The labels as the recursion reads them. */
function labelsOf(lists: readonly (readonly number[])[], inputLengths: readonly number[], blank: number, steps: number): Labels {
  const batch = lists.length;
  const most = lists.reduce((n, list) => Math.max(n, list.length), 0);
  const size = 2 * most + 1;
  const extended = lists.map((list) => Array.from({ length: size }, (_, s) => (s % 2 === 1 ? (list[(s - 1) / 2] ?? blank) : blank)));
  const flat = (rows: readonly (readonly (number | boolean)[])[], type: Tensor['type']): Tensor =>
    tensorOfElements(rows.flat(), [batch, rows[0]?.length ?? 0], type);
  const runs = Array.from({ length: steps }, (_, step) => inputLengths.map((length) => step < length)).flat();
  return {
    extended: batch === 0 ? tensorOfElements([], [0, size], INT64) : flat(extended, INT64),
    skip: flat(
      extended.map((row) => row.map((label, s) => s > 1 && label !== blank && label !== row[s - 2])),
      BOOL,
    ),
    start: flat(
      lists.map((list) => Array.from({ length: size }, (_, s) => s === 0 || (s === 1 && list.length > 0))),
      BOOL,
    ),
    runs: tensorOfElements(runs, [steps, batch, 1], BOOL),
    last: flat(
      lists.map((list) => [2 * list.length]),
      INT64,
    ),
    labelled: flat(
      lists.map((list) => [list.length > 0]),
      BOOL,
    ),
    counts: tensorOfElements(
      lists.map((list) => Math.max(list.length, 1)),
      [batch],
      INT64,
    ),
  };
}

/**
 * Connectionist temporal classification (Graves et al., 2006): the negative log-probability of label sequences, summed over all alignments with
 * `logProbs` [T, N, C] or [T, C], which a log-softmax made. `targets`: [N, S], or all labels in one dimension; lengths: a tensor or numbers for each
 * sequence. 'mean' divides each loss by its number of labels first. The gradient is that behind a log-softmax, as in PyTorch. Throws ShapeError,
 * ArgumentError and IndexError for lengths and labels that do not fit.
 *
 * @example
 * const logProbs = zeros([3, 1, 2]).logSoftmax(2);
 * nn.functional.ctcLoss(logProbs, tensor([[1n]]), [3], [1]); // tensor(0.2877)
 */
export const ctcLoss: CtcFunction<CtcOptions> = described(
  NAME,
  (
    logProbs: Tensor,
    targets: Tensor,
    inputLengths: Tensor | number | readonly number[],
    targetLengths: Tensor | number | readonly number[],
    options: CtcOptions = {},
  ): Tensor => {
    requireTensor(NAME, 'logProbs', logProbs);
    requireTensor(NAME, 'targets', targets);
    const reduction = reductionOf(NAME, options.reduction);
    const blank = options.blank ?? 0;
    if (!logProbs.type.isFloat) throw new DTypeError(`${NAME}: logProbs needs a floating dtype, got ${logProbs.dtype}`);
    if (!targets.type.isInteger) throw new DTypeError(`${NAME}: targets must have an integer dtype, got ${targets.dtype}`);
    if (logProbs.ndim !== 2 && logProbs.ndim !== 3)
      throw new ShapeError(`${NAME}: logProbs must be [T, N, C] or [T, C], got ${formatShape(logProbs.shape)}`);
    const batched = logProbs.ndim === 3;
    const [steps, batch, classes] = [
      logProbs.shape[0] as number,
      batched ? (logProbs.shape[1] as number) : 1,
      logProbs.shape.at(-1) as number,
    ];
    if (steps === 0) throw new ShapeError(`${NAME}: logProbs needs at least one step, got ${formatShape(logProbs.shape)}`);
    if (!(Number.isInteger(blank) && blank >= 0 && blank < classes))
      throw new ArgumentError(`${NAME}: blank must be one of the ${classes} classes, got ${blank}`);
    const ends = lengthsOf('inputLengths', inputLengths, batch, steps);
    const labels = labelsOf(labelLists(targets, targetLengths, batch, batched), ends, blank, steps);
    const params = { reduction, zeroInfinity: options.zeroInfinity ?? false, batched };
    return applyOne(ctcOperator, [logProbs, ...LABELS.map((name) => labels[name])], params);
  },
  {
    signature: 'log_probs, targets, input_lengths, target_lengths, *, blank, reduction, zero_infinity',
    // The derivative is that behind a log-softmax, which differences of this function alone do not show.
    samples: [
      {
        args: [t([4, 2, 3], { low: -2, high: -0.5 }), t([2, 2], { dtype: 'int64', values: [1, 2, 2, 2], grad: false }), [4, 3], [2, 2]],
        skipNumericGradient: true,
      },
      {
        args: [
          t([3, 3], { low: -2, high: -0.5 }),
          t([1], { dtype: 'int64', values: [1], grad: false }),
          3,
          1,
          { blank: 2, reduction: 'sum' },
        ],
        skipNumericGradient: true,
      },
      {
        args: [
          t([2, 3, 3], { low: -2, high: -0.5 }),
          t([3], { dtype: 'int64', values: [1, 1, 2], grad: false }),
          [2, 2, 1],
          [2, 0, 1],
          { reduction: 'none', zeroInfinity: true },
        ],
        skipNumericGradient: true,
      },
    ],
    bad: [
      { args: [t([3, 1, 2]), t([1, 1], { dtype: 'int64', values: [1], grad: false }), [4], [1]], error: /from 0 to 3/ },
      { args: [t([3, 1, 2]), t([1, 1], { dtype: 'int64', values: [2], grad: false }), [3], [1]], error: /out of range/ },
      { args: [t([3, 1, 2]), t([1], { dtype: 'int64', values: [1], grad: false }), [3], [2]], error: /add up to 2|from 0 to 1/ },
    ],
  },
);

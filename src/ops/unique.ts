import { BOOL, INT64 } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import * as S from '../scalar/expr.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape } from '../shape/shape.ts';
import { applyMany } from '../tensor/apply.ts';
import { requirePlain } from '../tensor/data.ts';
import { withGradMode } from '../tensor/modes.ts';
import { aliasOf, type Tensor, viewOf } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { emptyTensor, fillTensor, fullTensor } from './create.ts';
import { callMap, described, makeOperator, mapOperator, realOnly, requireTensor } from './family.ts';
import { selectAlong } from './gather.ts';
import { alongDim, indexFamily, scatterInto } from './indexed.ts';
import { positionsOf } from './nonzero.ts';
import { type NamedResults, namedResults } from './results.ts';
import { scan } from './scan-kernels.ts';
import { sortAlong } from './sort.ts';
import { cloneOperator, moveDim, reshape, select } from './structural.ts';
import type { UniqueFunction } from './types.ts';

/** Elements, or slices, without their repetitions. */

const DIFFERENT = mapOperator('ne', 2, 0, ([x, y]) => S.not(S.eq(x as S.Expr, y as S.Expr)), false);
const MINUS_ONE = mapOperator('sub', 1, 0, ([x]) => S.sub(x as S.Expr, S.constant(1)), false);
const SUBTRACT = mapOperator('sub', 2, 0, ([x, y]) => S.sub(x as S.Expr, y as S.Expr), false);

interface UniqueParams {
  /** The dimension whose slices are compared; null: all elements. */
  readonly dim: number | null;
  /** Whether only neighbours are compared. */
  readonly consecutive: boolean;
}

/** Rows without those that are equal to the row before, where each went, and how many went there. */
function runsOf(rows: Tensor): readonly [Tensor, Tensor, Tensor] {
  const [count, width] = rows.shape as readonly [number, number];
  const starts = emptyTensor([count], BOOL);
  if (count > 0) fillTensor(viewOf(starts, [1], [1], 0), 1);
  if (count > 1) {
    const [stride, step] = rows.strides as readonly [number, number];
    const lead = (from: number): Tensor => viewOf(rows, [count - 1, width], [stride, step], rows.offset + from * stride);
    const changed = callMap(DIFFERENT, [lead(1), lead(0)], [], rows.type);
    backend().reduce('any', viewOf(starts, [count - 1], [1], 1), changed, [1]);
  }
  const first = positionsOf(starts);
  const running = emptyTensor([count], INT64);
  scan('sum', running, null, starts, 0);
  const ends = emptyTensor([first.size], INT64);
  if (first.size > 0) {
    fillTensor(viewOf(ends, [1], [1], first.size - 1), count);
    if (first.size > 1) cloneInto(viewOf(ends, [first.size - 1], [1], 0), viewOf(first, [first.size - 1], [1], first.offset + 1));
  }
  return [first, callMap(MINUS_ONE, [running], [], INT64), callMap(SUBTRACT, [ends, first], [], INT64)];
}

const COPY = mapOperator('copy', 1, 0, ([x]) => x as S.Expr, false);

function cloneInto(target: Tensor, source: Tensor): void {
  COPY.forwardInto(target, [source], { values: [], compute: target.type });
}

/** The order of rows that compares their first elements first: stable sorts by column, the last column first. */
function rowOrder(rows: Tensor): Tensor {
  const [count, width] = rows.shape as readonly [number, number];
  let order = emptyTensor([count], INT64);
  scan('sum', order, null, fullTensor([count], 1, INT64), 0);
  order = callMap(MINUS_ONE, [order], [], INT64);
  for (let column = width - 1; column >= 0; column--) {
    const keys = selectAlong(select(rows, 1, column), order, 0);
    order = selectAlong(order, sortAlong(keys, 0)[1], 0);
  }
  return order;
}

const inverseFamily = indexFamily('unique');

/** `inverse[order[i]] = runs[i]`. */
function undo(order: Tensor, runs: Tensor): Tensor {
  const inverse = emptyTensor([order.size], INT64);
  scatterInto(inverseFamily.set.name, 'set', inverse, runs, [order], alongDim([order.size], 0, [order.size]));
  return inverse;
}

function uniqueRows(slices: Tensor, consecutive: boolean): readonly [Tensor, Tensor, Tensor] {
  const count = slices.shape[0] as number;
  const width = slices.size / Math.max(1, count);
  const rows = reshape(slices, [count, slices.ndim === 1 ? 1 : width]);
  if (consecutive) {
    const [first, inverse, counts] = runsOf(rows);
    return [selectAlong(slices, first, 0), inverse, counts];
  }
  const order = rowOrder(rows);
  const [first, runs, counts] = runsOf(selectAlong(rows, order, 0));
  return [selectAlong(slices, selectAlong(order, first, 0), 0), undo(order, runs), counts];
}

const uniqueOperator = makeOperator<UniqueParams>({
  name: 'unique',
  forward: ([x], { dim, consecutive }) => {
    requirePlain('unique', x as Tensor);
    const source = aliasOf(x as Tensor);
    return withGradMode(false, () => {
      if (dim === null) {
        const [values, inverse, counts] = uniqueRows(reshape(source, [source.size]), consecutive);
        return [values, reshape(inverse, source.shape), counts];
      }
      const [values, inverse, counts] = uniqueRows(moveDim(source, dim, 0), consecutive);
      return [cloneOperator.forward([moveDim(values, 0, dim)], null) as Tensor, inverse, counts];
    });
  },
  derivative: { kind: 'none' },
});

export interface UniqueConsecutiveOptions {
  /** Also return where each element went. */
  readonly returnInverse?: boolean;
  /** Also return how often each occurs. */
  readonly returnCounts?: boolean;
  /** Compare the slices along a dimension instead of elements. */
  readonly dim?: number | null;
}

export interface UniqueOptions extends UniqueConsecutiveOptions {
  /** In ascending order: they always are here. */
  readonly sorted?: boolean;
}

/** One tensor, or with the inverse or the counts, by name and in this order. */
export type UniqueResult = Tensor | NamedResults<'output' | 'inverseIndices' | 'counts'>;

function uniqueOf(name: string, input: Tensor, options: UniqueConsecutiveOptions, consecutive: boolean): UniqueResult {
  requireTensor(name, 'input', input);
  realOnly(input.type, name);
  const dim = options.dim === undefined || options.dim === null || input.ndim === 0 ? null : normalizeDim(name, options.dim, input.ndim);
  if (dim !== null && input.shape.some((size, d) => d !== dim && size === 0) && (input.shape[dim] as number) > 0) {
    throw new ShapeError(`${name}: the slices of ${formatShape(input.shape)} along dimension ${dim} have no elements to compare`);
  }
  const [output, inverse, counts] = applyMany(uniqueOperator, [input], { dim, consecutive }) as [Tensor, Tensor, Tensor];
  if (options.returnInverse !== true && options.returnCounts !== true) return output;
  const names: ('output' | 'inverseIndices' | 'counts')[] = ['output'];
  const values = [output];
  if (options.returnInverse === true) {
    names.push('inverseIndices');
    values.push(inverse);
  }
  if (options.returnCounts === true) {
    names.push('counts');
    values.push(counts);
  }
  return namedResults(names, values);
}

const SAMPLES = [
  { args: [t([6], { dtype: 'int64', values: [3, 1, 1, 3, 2, 2], grad: false })] },
  { args: [t([2, 3], { values: [2, 1, 1, 2, 1, 3], grad: false }), { returnInverse: true, returnCounts: true }] },
  { args: [t([3, 2], { values: [1, 2, 0, 1, 1, 2], grad: false }), { dim: 0, returnInverse: true }] },
  { args: [t([], { grad: false })] },
  { args: [t([0], { grad: false }), { returnCounts: true }] },
];

/**
 * The different elements in ascending order, as a line; with `dim` the different slices along it. With `returnInverse` or `returnCounts` an object
 * `{ output, inverseIndices, counts }` of what was asked for: where each element went (int64, of the shape of `input`, or a line of slices) and how often
 * each occurs. NaN is different from itself.
 *
 * @example
 * unique(tensor([3, 1, 3])); // tensor([1., 3.])
 */
export const unique: UniqueFunction<{ readonly sorted?: boolean }> = described(
  'unique',
  (input: Tensor, options: UniqueOptions = {}): UniqueResult => uniqueOf('unique', input, options, false),
  {
    signature: 'input, *, sorted, return_inverse, return_counts, dim',
    samples: SAMPLES,
    bad: [
      { args: [t([2, 0]), { dim: 0 }], error: /no elements/ },
      { args: [t([2], { dtype: 'complex64' })], error: /complex/ },
    ],
  },
);

/**
 * As `unique`, but only neighbours are compared: the first of each run of equal elements (or slices along `dim`), in order.
 *
 * @example
 * uniqueConsecutive(tensor([1, 1, 2, 1])); // tensor([1., 2., 1.])
 */
export const uniqueConsecutive: UniqueFunction<unknown> = described(
  'uniqueConsecutive',
  (input: Tensor, options: UniqueConsecutiveOptions = {}): UniqueResult => uniqueOf('uniqueConsecutive', input, options, true),
  {
    signature: 'input, *, return_inverse, return_counts, dim',
    samples: SAMPLES,
    bad: [{ args: [t([2, 0]), { dim: 0 }], error: /no elements/ }],
  },
);

import { BOOL, INT64 } from '../dtype/dtype.ts';
import { type Operator, t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { slice as makeSlice, type Slice } from '../shape/slice.ts';
import { applyOne } from '../tensor/apply.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { writeInPlace } from '../tensor/inplace.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { fullTensor } from './create.ts';
import { type Described, described, isScalar, makeOperator, requireSameType, requireTensor, type Scalar } from './family.ts';
import { copyInPlace, fillInPlace } from './fill.ts';
import { applySteps, type IndexItem, type IndexPlan, planIndexing, shiftSteps, type ViewStep, valuesFit } from './index-plan.ts';
import { indexFamily } from './indexed.ts';
import { applyWrite, applyWriteInPlace, indexedWrite, type WritePlan } from './indexed-write.ts';
import { sliceTensor } from './movement.ts';
import { cast, cloneOperator, expand, reshape } from './structural.ts';
import type { AtFunction, IndexPutFunction, SetFunction } from './types.ts';

/** Indexing: `x.at(…)` reads, `x.set([…], value)` writes. */

const readFamily = indexFamily('index');
const putFamily = indexFamily('indexPut');

/**
 * The elements that the indices name, as Python's `x[…]` has them. Numbers select, slices (`slice(start, stop, step)`, ':') take parts, '...' stands for
 * the dimensions not named, null adds one: these are views. Tensors and lists of indices (int64, int32; negative ones count from the end), and masks
 * (bool), take copies: they broadcast together, and their dimensions stand where the indexed ones were, or first if those are not next to each other.
 * Throws IndexError for indices that are out of range, too many, or do not fit together.
 *
 * @example
 * at(tensor([[1, 2], [3, 4]]), ':', 1); // tensor([2., 4.])
 */
export const at: AtFunction<IndexItem> = described(
  'at',
  (input: Tensor, ...indices: readonly IndexItem[]): Tensor => {
    const plan = planIndexing('at', input.shape, indices);
    const view = applySteps(input, plan.steps);
    return plan.gather === null ? view : applyOne(readFamily.gather, [view, ...plan.gather.indices], plan.gather.indexing);
  },
  {
    signature: 'input, ...indices',
    tensors: 1,
    samples: [
      { args: [t([3, 4]), 1] },
      { args: [t([3, 4]), ':', -1] },
      { args: [t([2, 3, 4]), '...', null, 0] },
      { args: [t([3, 4]), [0, 2, -1]] },
      { args: [t([2, 3, 4]), [0, 1], ':', [1, 3]] },
      {
        args: [
          t([2, 3]),
          [
            [true, false, true],
            [false, true, false],
          ],
        ],
      },
    ],
    bad: [
      { args: [t([3]), 3], error: /index 3 is out of range/ },
      { args: [t([3]), 0, 0], error: /too many/ },
      { args: [t([3, 3]), [0, 1], [0, 1, 2]], error: /do not broadcast/ },
      { args: [t([2, 3]), [true, true, false]], error: /mask of shape/ },
    ],
  },
);

// ---------------------------------------------------------------- writing

/** Writes into a view of a copy: `x[…] = value` as a function, for values that are being transformed. */
const setOperator: Operator<Tensor, readonly ViewStep[]> = makeOperator<readonly ViewStep[]>({
  name: 'set',
  forward: ([x, values], steps) => {
    const result = cloneOperator.forward([x as Tensor], null) as Tensor;
    const slot = applySteps(result, steps);
    backend().map(IDENTITY.program, slot, [values as Tensor], [], slot.type);
    return result;
  },
  derivative: {
    kind: 'linear',
    transpose: (g, context) => [
      context.needs(0) ? applyOne(setOperator, [g, fullTensor(context.inputShape(1), 0, g.type)], context.params) : null,
      context.needs(1) ? applySteps(g, context.params) : null,
    ],
  },
  batching: { kind: 'params', rewrite: shiftSteps },
});

/** What is written: a number, or a tensor with how it is made to fit. */
interface Written {
  readonly values: Tensor | number;
  readonly fit: ((values: Tensor) => Tensor) | null;
}

function writtenFor(input: Tensor, value: Tensor | Scalar, plan: IndexPlan): Written {
  if (isScalar(value)) return { values: Number(value), fit: null };
  if (!isTensor(value)) throw new ArgumentError(`set: value must be a tensor or a number, got ${describeValue(value)}`);
  if (plan.gather !== null) requireSameType('set', 'value', input, value);
  else if (value.type.isComplex && !input.type.isComplex)
    throw new DTypeError(`set: complex numbers cannot be written into dtype ${input.dtype}`);
  return { values: value, fit: valuesFit('set', value, plan.gather?.indexing.shape ?? plan.viewed) };
}

function writePlan(plan: NonNullable<IndexPlan['gather']>, { values, fit }: Written): WritePlan {
  return { family: putFamily, mode: 'set', values, fit, indices: plan.indices, indexing: plan.indexing };
}

/** The functional form. */
function assigned(x: Tensor, plan: IndexPlan, written: Written): Tensor {
  const { values, fit } = written;
  const tensor = (): Tensor =>
    typeof values === 'number' ? expand(fullTensor([], values, x.type), plan.viewed) : cast(fit?.(values) ?? values, x.type);
  const part = plan.gather === null ? tensor() : applyWrite(applySteps(x, plan.steps), writePlan(plan.gather, written));
  return plan.steps.length === 0 ? part : applyOne(setOperator, [x, part], plan.steps);
}

/**
 * Writes `value` (a number, or a tensor that broadcasts) to the elements that `indices` name, as Python's `x[…] = value` does, and returns `x`. One index
 * may stand without a list around it. The gradient goes to `value`; what was there before gets none. `value` is converted to the dtype of `input`, but
 * must have it where indices are tensors or lists. Throws as `at` does, and InPlaceError where `input` must not be written.
 *
 * @example
 * setAt(zeros([2, 2]), [0, ':'], 7); // tensor([[7., 7.], [0., 0.]])
 */
export const setAt: SetFunction<IndexItem> = described(
  'setAt',
  (input: Tensor, indices: IndexItem | readonly IndexItem[], value: Tensor | Scalar): Tensor => {
    requireTensor('set', 'input', input);
    const plan = planIndexing('set', input.shape, Array.isArray(indices) ? (indices as readonly IndexItem[]) : [indices]);
    const written = writtenFor(input, value, plan);
    const { values, fit } = written;
    const transformed =
      input.wrapped !== null ||
      (isTensor(values) && values.wrapped !== null) ||
      (plan.gather?.indices.some((i) => i.wrapped !== null) ?? false);
    if (transformed) return writeInPlace('set', input, (old) => assigned(old, plan, written));
    const view = applySteps(input, plan.steps);
    if (plan.gather !== null) applyWriteInPlace('set', view, writePlan(plan.gather, written));
    else if (typeof values === 'number') fillInPlace('set', view, values);
    else copyInPlace('set', view, fit?.(values) ?? values);
    return input;
  },
  {
    signature: 'input, indices, value',
    samples: [
      { args: [t([3, 4], { grad: false }), [1, ':'], 7] },
      { args: [t([3, 4], { grad: false }), [':', [0, 2]], t([3, 2], { grad: false })] },
      { args: [t([4], { grad: false }), 2, t([], { grad: false })] },
    ],
    bad: [
      { args: [t([3], { grad: false }), [3], 1], error: /index 3 is out of range/ },
      { args: [t([3], { grad: false }), [':'], t([2])], error: /do not broadcast/ },
    ],
  },
);

/**
 * `input` with `values` (which broadcast) at the places that index tensors name, or added there with `accumulate`: one tensor or mask for each leading
 * dimension, null for all of one. In place as `indexPut_`. `values` has the dtype of `input`.
 *
 * @example
 * indexPut(zeros([3]), [tensor([0n, 2n])], tensor([1, 2])); // tensor([1., 0., 2.])
 */
export const indexPut: IndexPutFunction<'indexPut'> = indexedWrite(
  'indexPut',
  (input: Tensor, indices: readonly (Tensor | null)[], values: Tensor, options: { readonly accumulate?: boolean } = {}): WritePlan => {
    requireTensor('indexPut', 'input', input);
    requireTensor('indexPut', 'values', values);
    if (!Array.isArray(indices) || indices.length === 0)
      throw new ArgumentError('indexPut: indices must be a non-empty list of tensors (or null for all of a dimension)');
    for (const [k, index] of indices.entries()) if (index !== null) requireTensor('indexPut', `indices[${k}]`, index);
    requireSameType('indexPut', 'values', input, values);
    const lines = indices.map((index) =>
      index === null ? ':' : isTensor(index) && index.ndim === 0 && index.type !== BOOL ? reshape(cast(index, INT64), [1]) : index,
    );
    const plan = planIndexing('indexPut', input.shape, lines);
    if (plan.gather === null || plan.steps.length > 0)
      throw new ShapeError('indexPut: needs at least one index tensor, and no 0-d masks: use at and set');
    const { indexing } = plan.gather;
    return {
      family: putFamily,
      mode: options.accumulate === true ? 'add' : 'set',
      values,
      fit: valuesFit('indexPut', values, indexing.shape),
      indices: plan.gather.indices,
      indexing,
    };
  },
  {
    signature: 'input, indices, values, *, accumulate',
    samples: [
      { args: [t([3, 2]), [t([2], { dtype: 'int64', values: [2, 0], grad: false })], t([2, 2])] },
      {
        args: [
          t([3, 2]),
          [t([2], { dtype: 'int64', values: [0, 0], grad: false }), t([2], { dtype: 'int64', values: [1, 1], grad: false })],
          t([]),
          { accumulate: true },
        ],
      },
      { args: [t([2, 3]), [null, t([2], { dtype: 'int64', values: [2, -3], grad: false })], t([2])] },
      { args: [t([3]), [t([3], { dtype: 'bool', values: [true, false, true], grad: false })], t([2])] },
    ],
    bad: [
      { args: [t([3]), [t([1], { dtype: 'int64', values: [3], grad: false })], t([1])], error: /index 3 is out of range/ },
      { args: [t([3]), [t([1], { dtype: 'int64', values: [0], grad: false })], t([2])], error: /do not broadcast/ },
    ],
  },
);

// ---------------------------------------------------------------- slice

/** `slice` of a tensor, or a slice to index with. */
export interface SliceFunction extends Described {
  (input: Tensor, dim?: number, start?: number | null, end?: number | null, options?: { readonly step?: number } | number): Tensor;
  <Start extends number | null = null, Stop extends number | null = null, Step extends number = 1>(
    start?: Start,
    stop?: Stop,
    step?: Step,
  ): Slice<Start, Stop, Step>;
}

/**
 * With a tensor first: its elements `start` up to `end` along `dim`, `step` apart; a view. With numbers: Python's `start:stop:step`, to index with; null
 * stands for an end of the dimension, and negative bounds count from the end.
 *
 * @example
 * arange(6).at(slice(1, null, 2)); // tensor([1, 3, 5])
 */
export const slice = Object.assign(
  (first?: Tensor | number | null, ...rest: readonly unknown[]): unknown =>
    isTensor(first)
      ? (sliceTensor as (...args: unknown[]) => Tensor)(first, ...rest)
      : (makeSlice as (...args: unknown[]) => Slice)(first ?? null, ...rest),
  { operator: sliceTensor.operator },
) as SliceFunction;

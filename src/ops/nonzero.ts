import { INT64 } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import { applyOne } from '../tensor/apply.ts';
import { requirePlain } from '../tensor/data.ts';
import { type Tensor, viewOf } from '../tensor/tensor.ts';
import { requireWhole } from '../util/whole.ts';
import { emptyTensor, fillTensor } from './create.ts';
import { described, makeOperator, requireTensor } from './family.ts';
import { rowMajor } from './indexed.ts';
import { nonzero as launchNonzero } from './sort-kernels.ts';
import { reshape, select } from './structural.ts';
import type { ArgwhereFunction, NonzeroStaticFunction } from './types.ts';

/** Where elements are not zero. */

interface NonzeroParams {
  /** How many rows the result has, and what fills those that are left; null: as many as there are elements that are not zero. */
  readonly rows: number | null;
  readonly fill: number;
}

const nonzeroOperator = makeOperator<NonzeroParams>({
  name: 'nonzero',
  forward: ([x], { rows, fill }) => {
    const source = rowMajor(x as Tensor);
    requirePlain('nonzero', source);
    const found = rows ?? launchNonzero(null, source);
    const result = emptyTensor([found, source.ndim], INT64);
    if (rows !== null) fillTensor(result, fill);
    launchNonzero(result, source);
    return result;
  },
  derivative: { kind: 'none' },
});

function coordinates(x: Tensor): Tensor {
  return applyOne(nonzeroOperator, [x], { rows: null, fill: 0 });
}

/** The positions of true elements in row-major order, a line: for other operators. */
export function positionsOf(mask: Tensor): Tensor {
  const found = coordinates(reshape(mask, [mask.size]));
  return viewOf(found, [found.shape[0] as number], [1], 0);
}

/** One line of coordinates for each dimension: what index tensors want in place of a mask. A 0-d tensor counts as a line of one. */
export function coordinateLines(mask: Tensor): Tensor[] {
  const source = mask.ndim === 0 ? reshape(mask, [1]) : mask;
  const found = coordinates(source);
  return source.shape.map((_, d) => select(found, 1, d));
}

export interface NonzeroOptions {
  /** One tensor of positions for each dimension instead of one table of coordinates. */
  readonly asTuple?: boolean;
}

/** `nonzero` in its two forms. */
export interface NonzeroFunction {
  (input: Tensor, options?: { readonly asTuple?: false }): Tensor;
  (input: Tensor, options: { readonly asTuple: true }): Tensor[];
}

/**
 * The coordinates of the elements that are not zero, in row-major order: int64, one row for each; with `asTuple` one line for each dimension, as
 * index tensors want them. NaN is not zero.
 *
 * @example
 * nonzero(tensor([0, 3, 0, 5])); // tensor([[1], [3]])
 */
export const nonzero: NonzeroFunction = described(
  'nonzero',
  ((input: Tensor, options: NonzeroOptions = {}): Tensor | Tensor[] => {
    requireTensor('nonzero', 'input', input);
    return options.asTuple === true ? coordinateLines(input) : coordinates(input);
  }) as NonzeroFunction,
  {
    signature: 'input, *, as_tuple',
    samples: [
      { args: [t([2, 3], { values: [0, 1, 0, 2, 0, 3], grad: false })] },
      { args: [t([4], { dtype: 'bool', values: [true, false, true, false], grad: false }), { asTuple: true }] },
      { args: [t([], { grad: false })] },
      { args: [t([0, 2], { grad: false })] },
    ],
    bad: [{ args: [3], error: /must be a tensor/ }],
  },
);

/**
 * `nonzero(input)` with a fixed number of rows: surplus ones are left out, missing ones filled with `fillValue`.
 *
 * @example
 * nonzeroStatic(tensor([0, 3]), { size: 2 }); // tensor([[1], [-1]])
 */
export const nonzeroStatic: NonzeroStaticFunction = described(
  'nonzeroStatic',
  (input: Tensor, options: { readonly size: number; readonly fillValue?: number }): Tensor => {
    const size = options?.size;
    requireWhole('nonzeroStatic', 'size', size, 0);
    return applyOne(nonzeroOperator, [input], { rows: size, fill: options.fillValue ?? -1 });
  },
  {
    signature: 'input, *, size, fill_value',
    tensors: 1,
    samples: [
      { args: [t([2, 2], { values: [0, 1, 0, 2], grad: false }), { size: 3 }] },
      { args: [t([3], { grad: false }), { size: 1, fillValue: 7 }] },
    ],
    bad: [{ args: [t([3]), { size: -1 }], error: /size must be/ }],
  },
);

/**
 * The coordinates of the elements that are not zero, one row for each: `nonzero(input)`.
 *
 * @example
 * argwhere(tensor([[0, 1], [1, 0]])); // tensor([[0, 1], [1, 0]])
 */
export const argwhere: ArgwhereFunction = described(
  'argwhere',
  (input: Tensor): Tensor => {
    return coordinates(input);
  },
  {
    signature: 'input',
    tensors: 1,
    samples: [{ args: [t([2, 2], { values: [0, 1, 0, 2], grad: false })] }, { args: [t([], { grad: false })] }],
    bad: [{ args: [3], error: /must be a tensor/ }],
  },
);

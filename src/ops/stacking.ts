import { promoteTypes } from '../dtype/promotion.ts';
import { t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { isTensor, type Tensor, viewOf } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { fullTensor } from './create.ts';
import { compositeOperator, described, makeOperator, requireTensor } from './family.ts';
import { catTensors, commonTensors } from './join.ts';
import { sliceDim } from './movement.ts';
import { cast, reshape } from './structural.ts';
import type { AtLeastFunction, ListFunction } from './types.ts';

/** Tensors joined as rows, columns, layers and blocks. */

/** The shape that a tensor has at least so many dimensions with. */
type Raise = (shape: readonly number[]) => readonly number[];

const to1: Raise = (shape) => (shape.length === 0 ? [1] : shape);
const to2: Raise = (shape) => (shape.length === 0 ? [1, 1] : shape.length === 1 ? [1, shape[0] as number] : shape);
const to3: Raise = (shape) => {
  if (shape.length === 0) return [1, 1, 1];
  if (shape.length === 1) return [1, shape[0] as number, 1];
  return shape.length === 2 ? [...shape, 1] : shape;
};
const toColumn: Raise = (shape) => (shape.length <= 1 ? [shape[0] ?? 1, 1] : shape);

function stacking<R extends object>(
  name: string,
  raise: Raise,
  dimOf: (ndim: number) => number,
  samples: readonly { readonly args: readonly unknown[] }[],
): R {
  const operator = compositeOperator<number>(name, (xs, dim) =>
    catTensors(
      xs.map((x) => reshape(x, raise(x.shape))),
      dim,
    ),
  );
  return described(
    name,
    (tensors: readonly Tensor[]): Tensor => {
      const xs = commonTensors(name, tensors);
      const shapes = xs.map((x) => raise(x.shape));
      const first = shapes[0] as readonly number[];
      const dim = dimOf(first.length);
      shapes.forEach((shape, k) => {
        const fits = shape.length === first.length && shape.every((size, d) => d === dim || size === first[d]);
        if (!fits)
          throw new ShapeError(
            `${name}: tensors 0 and ${k} of shapes ${formatShape(xs[0]?.shape ?? [])} and ${formatShape(xs[k]?.shape ?? [])} differ outside dimension ${dim}`,
          );
      });
      return applyOne(operator, xs, dim);
    },
    {
      signature: 'tensors',
      samples,
      bad: [
        { args: [[]], error: /non-empty/ },
        { args: [[t([2, 3]), t([4, 5])]], error: /differ outside/ },
      ],
    },
  );
}

const PAIRS = [
  { args: [[t([3]), t([3])]] },
  { args: [[t([2, 3]), t([2, 3])]] },
  { args: [[t([]), t([])]] },
  { args: [[t([2, 1, 2]), t([2, 1, 2])]] },
];

/**
 * Tensors side by side: along the columns, or end to end where they have one dimension. Dtypes are promoted.
 *
 * @example
 * hstack([tensor([[1], [2]]), tensor([[3], [4]])]); // tensor([[1., 3.], [2., 4.]])
 */
export const hstack: ListFunction<'hstack'> = stacking('hstack', to1, (ndim) => (ndim === 1 ? 0 : 1), PAIRS);

/**
 * Tensors on top of each other: along the rows; a line is one row. Dtypes are promoted.
 *
 * @example
 * vstack([tensor([1, 2]), tensor([3, 4])]); // tensor([[1., 2.], [3., 4.]])
 */
export const vstack: ListFunction<'vstack'> = stacking('vstack', to2, () => 0, PAIRS);
/**
 * `vstack` under another name.
 *
 * @example
 * rowStack([tensor([1, 2]), tensor([3, 4])]); // tensor([[1., 2.], [3., 4.]])
 */
export const rowStack: ListFunction<'vstack'> = stacking('rowStack', to2, () => 0, PAIRS);

/**
 * Tensors behind each other: along the third dimension; a line is one row of depth 1. Dtypes are promoted.
 *
 * @example
 * dstack([tensor([1, 2]), tensor([3, 4])]).shape; // [1, 2, 2]
 */
export const dstack: ListFunction<'other'> = stacking('dstack', to3, () => 2, PAIRS);

/**
 * Lines as the columns of a matrix; tensors of more dimensions are joined along the columns as they are. Dtypes are promoted.
 *
 * @example
 * columnStack([tensor([1, 2]), tensor([3, 4])]); // tensor([[1., 3.], [2., 4.]])
 */
export const columnStack: ListFunction<'other'> = stacking('columnStack', toColumn, () => 1, [
  { args: [[t([3]), t([3, 2])]] },
  { args: [[t([]), t([1, 2])]] },
  { args: [[t([2, 2, 3]), t([2, 1, 3])]] },
]);

// ---------------------------------------------------------------- at least so many dimensions

function atLeast<R extends object>(name: string, raise: Raise): R {
  const f = (...args: readonly (Tensor | readonly Tensor[])[]): Tensor | Tensor[] => {
    const list = Array.isArray(args[0]) ? (args[0] as readonly Tensor[]) : (args as readonly Tensor[]);
    const raised = list.map((x) => {
      requireTensor(name, 'input', x);
      return reshape(x, raise(x.shape));
    });
    return args.length === 1 && isTensor(args[0]) ? (raised[0] as Tensor) : raised;
  };
  return described(name, f, {
    signature: 'tensors...',
    samples: [{ args: [t([])] }, { args: [t([3])] }, { args: [t([2, 3])] }, { args: [t([2]), t([])] }, { args: [t([2, 3, 1, 2])] }],
    bad: [{ args: [3], error: /must be a tensor/ }],
  });
}

/**
 * A 0-d tensor as a line of one; others as they are. Of several tensors a list.
 *
 * @example
 * atleast1d(tensor(3)); // tensor([3.])
 */
export const atleast1d: AtLeastFunction<1> = atLeast('atleast1d', to1);
/**
 * A line as one row, a 0-d tensor as a matrix of one element; others as they are. Of several tensors a list.
 *
 * @example
 * atleast2d(tensor([1, 2])); // tensor([[1., 2.]])
 */
export const atleast2d: AtLeastFunction<2> = atLeast('atleast2d', to2);
/**
 * A matrix with a third dimension of size 1, a line as [1, n, 1]; others as they are. Of several tensors a list.
 *
 * @example
 * atleast3d(ones([2, 3])).shape; // [2, 3, 1]
 */
export const atleast3d: AtLeastFunction<3> = atLeast('atleast3d', to3);

// ---------------------------------------------------------------- blocks

const blockDiagOperator = makeOperator<null>({
  name: 'blockDiag',
  forward: (xs) => {
    const sizes = xs.map((x) => x.shape as readonly [number, number]);
    const [rows, columns] = sizes.reduce<readonly [number, number]>(([r, c], [m, n]) => [r + m, c + n], [0, 0]);
    const type = (xs[0] as Tensor).type;
    const result = fullTensor([rows, columns], 0, type);
    let at = 0;
    for (const x of xs) {
      const slot = viewOf(result, x.shape, result.strides, at);
      if (x.size > 0) backend().map(IDENTITY.program, slot, [x], [], type);
      at += (x.shape[0] as number) * columns + (x.shape[1] as number);
    }
    return result;
  },
  derivative: {
    kind: 'linear',
    transpose: (g, context) => {
      let [row, column] = [0, 0];
      return Array.from({ length: context.inputCount }, (_, i) => {
        const [rows, columns] = context.inputShape(i) as readonly [number, number];
        const block = context.needs(i) ? sliceDim(sliceDim(g, 0, row, rows), 1, column, columns) : null;
        row += rows;
        column += columns;
        return block;
      });
    },
  },
  batching: {
    kind: 'whole',
    rule: (blocks, size) => {
      const columns = blocks.reduce((sum, x) => sum + (x.shape[2] as number), 0);
      let before = 0;
      const rows = blocks.map((x) => {
        const [, height, width] = x.shape as readonly [number, number, number];
        const empty = (n: number): Tensor => fullTensor([size, height, n], 0, x.type);
        const row = catTensors([empty(before), x, empty(columns - before - width)], 2);
        before += width;
        return row;
      });
      return catTensors(rows, 1);
    },
  },
});

const blockDiagComposite = compositeOperator<null>('blockDiag', (xs) =>
  applyOne(
    blockDiagOperator,
    xs.map((x) => reshape(x, to2(x.shape))),
    null,
  ),
);

/**
 * A matrix with the tensors (of at most 2 dimensions; a line is one row) as blocks along its diagonal, and zeros elsewhere. Dtypes are promoted.
 *
 * @example
 * blockDiag(tensor([[1, 2]]), tensor([3])); // tensor([[1., 2., 0.], [0., 0., 3.]])
 */
export const blockDiag = described(
  'blockDiag',
  (...tensors: readonly (Tensor | readonly Tensor[])[]): Tensor => {
    const list = Array.isArray(tensors[0]) ? (tensors[0] as readonly Tensor[]) : (tensors as readonly Tensor[]);
    if (list.length === 0) throw new ArgumentError('blockDiag: expected at least one tensor');
    list.forEach((x, k) => {
      requireTensor('blockDiag', `tensors[${k}]`, x);
      if (x.ndim > 2) throw new ShapeError(`blockDiag: tensor ${k} has shape ${formatShape(x.shape)}: at most 2 dimensions are possible`);
    });
    const type = list.map((x) => x.type).reduce(promoteTypes);
    return applyOne(
      blockDiagComposite,
      list.map((x) => cast(x, type)),
      null,
    );
  },
  {
    signature: 'tensors...',
    samples: [{ args: [t([2, 3]), t([1, 2])] }, { args: [t([]), t([2]), t([2, 1])] }, { args: [t([0, 2]), t([2, 2])] }],
    bad: [{ args: [t([2, 2, 2])], error: /at most 2/ }],
  },
);

import { INT64 } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import { broadcastShapes as commonShape } from '../shape/broadcast.ts';
import { asShape } from '../shape/reshape.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { tensorOfElements } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { emptyTensor } from './create.ts';
import { compositeOperator, described, requireTensor } from './family.ts';
import { selectAlong } from './gather.ts';
import { commonTensors, stackTensors } from './join.ts';
import { sumOver } from './reduction.ts';
import { expand, reshape } from './structural.ts';
import { viewOperator } from './view.ts';

/** Combinations of lines, and of shapes. */

/** Tensors given as a list or one by one. */
function listOf(name: string, args: readonly (Tensor | readonly Tensor[])[]): Tensor[] {
  const list = args.length === 1 && Array.isArray(args[0]) ? (args[0] as readonly Tensor[]) : (args as readonly Tensor[]);
  for (const [k, x] of list.entries()) requireTensor(name, `tensors[${k}]`, x);
  return [...list];
}

/**
 * The tensors expanded to the shape that they all broadcast to: views.
 *
 * @example
 * broadcastTensors(ones([2, 1]), ones([3])).map((x) => x.shape); // [[2, 3], [2, 3]]
 */
export const broadcastTensors = described(
  'broadcastTensors',
  (...tensors: readonly (Tensor | readonly Tensor[])[]): Tensor[] => {
    const xs = listOf('broadcastTensors', tensors);
    const shape = commonShape('broadcastTensors', ...xs.map((x) => x.shape));
    return xs.map((x) => expand(x, shape));
  },
  {
    signature: 'tensors...',
    samples: [{ args: [t([2, 1]), t([3])] }, { args: [t([]), t([2]), t([1, 2])] }],
    bad: [{ args: [t([2]), t([3])], error: /broadcast/ }],
  },
);

/**
 * The shape that the given shapes (or sizes, for shapes of one dimension) broadcast to.
 *
 * @example
 * broadcastShapes([2, 1], [3]); // [2, 3]
 */
export const broadcastShapes = described(
  'broadcastShapes',
  (...shapes: readonly (number | readonly number[])[]): number[] => [
    ...commonShape('broadcastShapes', ...shapes.map((shape) => asShape('broadcastShapes', [shape]))),
  ],
  { signature: 'shapes...', samples: [{ args: [[2, 1], [3]] }, { args: [[], [4, 1]] }], bad: [{ args: [[2], [3]], error: /broadcast/ }] },
);

export interface MeshgridOptions {
  /** 'ij': the first tensor runs along the rows (dimension 0). 'xy': along the columns. Default 'ij'. */
  readonly indexing?: 'ij' | 'xy';
}

/** Tensors one by one or as a list, then options. */
export interface MeshgridFunction {
  (tensors: readonly Tensor[], options?: MeshgridOptions): Tensor[];
  (...args: readonly (Tensor | MeshgridOptions)[]): Tensor[];
}

interface GridParams {
  readonly shape: readonly number[];
  /** The dimension of the grid that the line runs along. */
  readonly dim: number;
  /** Dimensions before those of the grid. */
  readonly leading: number;
}

/** A line seen as a grid in which it repeats in all dimensions but one. */
const gridOperator = viewOperator<GridParams>({
  name: 'meshgrid',
  geometry: (x, { shape, dim, leading }) => {
    const along = x.strides[leading] ?? 0;
    return {
      shape: [...x.shape.slice(0, leading), ...shape],
      strides: [...x.strides.slice(0, leading), ...shape.map((_, d) => (d === dim ? along : 0))],
      offset: x.offset,
    };
  },
  rewrite: (params) => ({ ...params, leading: params.leading + 1 }),
  transpose: (g, { shape, dim, leading }, line) => {
    const others = shape.map((_, d) => d + leading).filter((d) => d !== dim + leading);
    return reshape(sumOver(g, others), line);
  },
});

function meshgridOf(...args: readonly (Tensor | readonly Tensor[] | MeshgridOptions)[]): Tensor[] {
  const last = args[args.length - 1];
  const hasOptions = args.length > 0 && last !== null && typeof last === 'object' && last.constructor === Object;
  const xs = listOf('meshgrid', (hasOptions ? args.slice(0, -1) : args) as readonly (Tensor | readonly Tensor[])[]);
  const indexing = (hasOptions ? (last as MeshgridOptions).indexing : undefined) ?? 'ij';
  if (xs.length === 0) throw new ArgumentError('meshgrid: expected at least one tensor');
  if (indexing !== 'ij' && indexing !== 'xy') throw new ArgumentError(`meshgrid: indexing must be 'ij' or 'xy', got '${String(indexing)}'`);
  xs.forEach((x, k) => {
    if (x.ndim > 1) throw new ShapeError(`meshgrid: tensor ${k} has shape ${formatShape(x.shape)}: only 0-d and 1-d tensors are possible`);
    if (x.type !== xs[0]?.type)
      throw new DTypeError(`meshgrid: tensors 0 and ${k} have dtypes ${xs[0]?.dtype} and ${x.dtype}: they must be equal`);
  });
  const swap = indexing === 'xy' && xs.length > 1;
  const ordered = swap ? [xs[1] as Tensor, xs[0] as Tensor, ...xs.slice(2)] : xs;
  const shape = ordered.map((x) => x.size);
  const grids = ordered.map((x, dim) => applyOne(gridOperator, [x], { shape, dim, leading: 0 }));
  return swap ? [grids[1] as Tensor, grids[0] as Tensor, ...grids.slice(2)] : grids;
}

/**
 * The coordinates of a grid: one tensor for each line, of the shape of the whole grid, in which that line runs along its dimension. Views. With indexing
 * 'xy' the first two dimensions are swapped.
 *
 * @example
 * meshgrid(tensor([1, 2]), tensor([3, 4]))[0]; // tensor([[1., 1.], [2., 2.]])
 */
export const meshgrid = described('meshgrid', meshgridOf as MeshgridFunction, {
  signature: 'tensors..., *, indexing',
  samples: [{ args: [t([2]), t([3])] }, { args: [[t([2]), t([3]), t([2])], { indexing: 'xy' }] }, { args: [t([]), t([2])] }],
  bad: [
    { args: [t([2, 2])], error: /0-d and 1-d/ },
    { args: [[]], error: /at least one/ },
  ],
});

const cartesianOperator = compositeOperator<null>('cartesianProd', (xs) => {
  const grids = meshgridOf(xs);
  return stackTensors(
    'cartesianProd',
    grids.map((g) => reshape(g, [g.size])),
    1,
  );
});

/**
 * All combinations of one element from each line, as rows: a table of as many columns as there are lines; of one line the line itself.
 *
 * @example
 * cartesianProd(tensor([1, 2]), tensor([3, 4])); // tensor([[1., 3.], [1., 4.], [2., 3.], [2., 4.]])
 */
export const cartesianProd = described(
  'cartesianProd',
  (...tensors: readonly (Tensor | readonly Tensor[])[]): Tensor => {
    const xs = commonTensors('cartesianProd', listOf('cartesianProd', tensors));
    for (const x of xs) if (x.ndim !== 1) throw new ShapeError(`cartesianProd: expects lines (1 dimension), got ${formatShape(x.shape)}`);
    return xs.length === 1 ? (xs[0] as Tensor) : applyOne(cartesianOperator, xs, null);
  },
  {
    signature: 'tensors...',
    samples: [{ args: [t([2]), t([3])] }, { args: [t([2])] }, { args: [t([2]), t([1]), t([2])] }],
    bad: [{ args: [t([2, 2])], error: /lines/ }],
  },
);

export interface CombinationsOptions {
  /** Whether an element may be taken several times. */
  readonly withReplacement?: boolean;
}

/** Positions of all ascending selections of `r` out of `n`, row by row. */
function selections(n: number, r: number, repeats: boolean): number[] {
  const rows: number[] = [];
  const visit = (chosen: readonly number[], from: number): void => {
    if (chosen.length === r) rows.push(...chosen);
    else for (let i = from; i < n; i++) visit([...chosen, i], repeats ? i : i + 1);
  };
  visit([], 0);
  return rows;
}

const combinationsOperator = compositeOperator<readonly number[]>('combinations', ([x, at], shape) =>
  reshape(selectAlong(x as Tensor, at as Tensor, 0), shape),
);

/**
 * All selections of `r` elements of a line, in its order, as rows.
 *
 * @example
 * combinations(tensor([1, 2, 3]), 2); // tensor([[1., 2.], [1., 3.], [2., 3.]])
 */
export const combinations = described(
  'combinations',
  (input: Tensor, r = 2, options: CombinationsOptions = {}): Tensor => {
    if (input.ndim !== 1) throw new ShapeError(`combinations: expects a line (1 dimension), got ${formatShape(input.shape)}`);
    requireWhole('combinations', 'r', r, 0);
    if (r === 0) return emptyTensor([0], input.type);
    const at = selections(input.size, r, options.withReplacement === true);
    return applyOne(combinationsOperator, [input, tensorOfElements(at, [at.length], INT64)], [at.length / r, r]);
  },
  {
    signature: 'input, r?, *, with_replacement',
    tensors: 1,
    samples: [{ args: [t([3])] }, { args: [t([3]), 2, { withReplacement: true }] }, { args: [t([4]), 3] }, { args: [t([2]), 3] }],
    bad: [{ args: [t([2, 2])], error: /line/ }],
  },
);

import { t } from '../op/contract.ts';
import { normalizeDim } from '../shape/dims.ts';
import { asShape, inferReshape } from '../shape/reshape.ts';
import { formatShape } from '../shape/shape.ts';
import { normalizeIndex, normalizeSlice } from '../shape/slice.ts';
import { applyOne } from '../tensor/apply.ts';
import { elementsOf } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, IndexError, ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { described, requireTensor } from './family.ts';
import {
  expandOperator,
  inversePermutation,
  permuteOperator,
  permute as permuteView,
  reshapeOperator,
  selectOperator,
} from './structural.ts';
import type {
  DiagonalFunction,
  ExpandAsFunction,
  ExpandFunction,
  MovedimFunction,
  NarrowFunction,
  PermuteFunction,
  ReshapeFunction,
  SelectFunction,
  SliceFunction,
  SqueezeFunction,
  TransposeFunction,
  TransposeMatrixFunction,
  UnsqueezeFunction,
} from './types.ts';
import { replaced, viewOperator, without } from './view.ts';

/** A shape as an array, or as numbers. */
export type ShapeArguments = readonly (number | readonly number[])[];

/**
 * The same elements in another shape; one size may be -1. A view where the strides allow it, else a copy.
 *
 * @example
 * reshape(arange(6), [2, -1]).shape; // [2, 3]
 */
export const reshape: ReshapeFunction<'reshape'> = described(
  'reshape',
  (input: Tensor, ...shape: ShapeArguments): Tensor => {
    return applyOne(reshapeOperator, [input], inferReshape('reshape', input.shape, asShape('reshape', shape, true)));
  },
  {
    signature: 'input, shape',
    tensors: 1,
    samples: [{ args: [t([2, 3]), [3, 2]] }, { args: [t([2, 3, 4]), [-1, 4]] }, { args: [t([]), [1, 1]] }],
    bad: [{ args: [t([2, 3]), [4, 2]], error: /\[2, 3\] has 6 elements but \[4, 2\] has 8/ }],
  },
);

/**
 * The dimensions in another order: a view.
 *
 * @example
 * permute(ones([2, 3, 4]), [2, 0, 1]).shape; // [4, 2, 3]
 */
export const permute: PermuteFunction<'permute'> = described(
  'permute',
  (input: Tensor, ...dims: ShapeArguments): Tensor => {
    const list = (dims.length === 1 && Array.isArray(dims[0]) ? dims[0] : dims) as readonly number[];
    if (list.length !== input.ndim) {
      throw new ShapeError(`permute: ${formatShape(list)} must list every dimension of ${formatShape(input.shape)} once`);
    }
    const order = list.map((dim) => normalizeDim('permute', dim, input.ndim));
    if (new Set(order).size !== order.length) throw new ShapeError(`permute: ${formatShape(list)} lists a dimension twice`);
    return applyOne(permuteOperator, [input], order);
  },
  {
    signature: 'input, dims',
    tensors: 1,
    samples: [{ args: [t([2, 3]), [1, 0]] }, { args: [t([2, 3, 4]), [2, 0, 1]] }],
    bad: [{ args: [t([2, 3]), [0, 0]], error: /twice/ }],
  },
);

/** A permutation that calls itself by the function that the user called. */
function permutation(name: string) {
  return viewOperator<readonly number[]>({
    name,
    geometry: (x, dims) => ({
      shape: dims.map((d) => x.shape[d] as number),
      strides: dims.map((d) => x.strides[d] as number),
      offset: x.offset,
    }),
    rewrite: (dims) => [0, ...dims.map((d) => d + 1)],
    transpose: (g, dims) => permuteView(g, inversePermutation(dims)),
  });
}

const transposeOperator = permutation('transpose');
const tOperator = permutation('t');

function swapping<N extends string>(name: N): TransposeFunction<N> {
  return described(
    name,
    (input: Tensor, dim0: number, dim1: number): Tensor => {
      const a = normalizeDim(name, dim0, input.ndim);
      const b = normalizeDim(name, dim1, input.ndim);
      return applyOne(
        transposeOperator,
        [input],
        input.shape.map((_, i) => (i === a ? b : i === b ? a : i)),
      );
    },
    {
      signature: 'input, dim0, dim1',
      tensors: 1,
      samples: [{ args: [t([2, 3]), 0, 1] }, { args: [t([2, 3, 4]), -1, 0] }, { args: [t([]), 0, 0] }],
      bad: [{ args: [t([2, 3]), 0, 2], error: /dimension 2 is out of range/ }],
    },
  );
}

/**
 * Swaps two dimensions: a view.
 *
 * @example
 * transpose(ones([2, 3]), 0, 1).shape; // [3, 2]
 */
export const transpose = swapping('transpose');
/**
 * `transpose` under NumPy's name.
 *
 * @example
 * swapaxes(ones([2, 3]), 0, 1).shape; // [3, 2]
 */
export const swapaxes = swapping('swapaxes');
/**
 * `transpose` under another name.
 *
 * @example
 * swapdims(ones([2, 3]), 0, 1).shape; // [3, 2]
 */
export const swapdims = swapping('swapdims');

/**
 * The transpose of a matrix; tensors of fewer dimensions come back as they are. A view.
 *
 * @example
 * t(ones([2, 3])).shape; // [3, 2]
 */
export const transposeMatrix: TransposeMatrixFunction = described(
  't',
  (input: Tensor): Tensor => {
    if (input.ndim > 2) throw new ShapeError(`t: expects at most 2 dimensions, got ${formatShape(input.shape)}: use transpose or permute`);
    return applyOne(tOperator, [input], input.ndim === 2 ? [1, 0] : input.shape.map((_, i) => i));
  },
  {
    signature: 'input',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([3])] }, { args: [t([])] }],
    bad: [{ args: [t([2, 3, 4])], error: /at most 2/ }],
  },
);

/** All dimensions of `dims` moved to the places `destination`, the others in order. */
function moving<N extends string>(name: N): MovedimFunction<N> {
  return described(
    name,
    (input: Tensor, source: number | readonly number[], destination: number | readonly number[]): Tensor => {
      const from = list(source).map((d) => normalizeDim(name, d, input.ndim));
      const to = list(destination).map((d) => normalizeDim(name, d, input.ndim));
      if (from.length !== to.length) throw new ShapeError(`${name}: ${from.length} source dimensions for ${to.length} destinations`);
      if (new Set(from).size !== from.length || new Set(to).size !== to.length) throw new ShapeError(`${name}: a dimension is named twice`);
      const order = new Array<number>(input.ndim).fill(-1);
      from.forEach((d, k) => {
        order[to[k] as number] = d;
      });
      const rest = input.shape.map((_, i) => i).filter((i) => !from.includes(i));
      return applyOne(
        permuteOperator,
        [input],
        order.map((d) => (d < 0 ? (rest.shift() as number) : d)),
      );
    },
    {
      signature: 'input, source, destination',
      tensors: 1,
      samples: [{ args: [t([2, 3, 4]), 0, 2] }, { args: [t([2, 3, 4]), [0, 1], [-1, -2]] }],
      bad: [{ args: [t([2, 3]), [0, 0], [0, 1]], error: /twice/ }],
    },
  );
}
const list = (x: number | readonly number[]): readonly number[] => (typeof x === 'number' ? [x] : x);

/**
 * Moves dimensions to other places; the rest keep their order. A view.
 *
 * @example
 * movedim(ones([2, 3, 4]), 0, 2).shape; // [3, 4, 2]
 */
export const movedim = moving('movedim');
/**
 * `movedim` under NumPy's name.
 *
 * @example
 * moveaxis(ones([2, 3, 4]), 0, 2).shape; // [3, 4, 2]
 */
export const moveaxis = moving('moveaxis');

// ---------------------------------------------------------------- expand, squeeze, unsqueeze

/** The sizes that an expansion asks for, with -1 standing for the size that is there. */
export function expandTarget(name: string, shape: readonly number[], wanted: readonly number[]): number[] {
  const shift = wanted.length - shape.length;
  if (shift < 0) throw new ShapeError(`${name}: ${formatShape(shape)} has more dimensions than the target ${formatShape(wanted)}`);
  return wanted.map((size, i) => {
    if (size !== -1) return size;
    if (i < shift) throw new ShapeError(`${name}: -1 stands for a size that is there, but dimension ${i} of ${formatShape(wanted)} is new`);
    return shape[i - shift] as number;
  });
}

/**
 * A view in which dimensions of size 1 are repeated and leading ones added; -1 keeps a size.
 *
 * @example
 * expand(ones([3, 1]), [3, 4]).shape; // [3, 4]
 */
export const expand: ExpandFunction<'expand'> = described(
  'expand',
  (input: Tensor, ...shape: ShapeArguments): Tensor => {
    return applyOne(expandOperator, [input], expandTarget('expand', input.shape, asShape('expand', shape, true)));
  },
  {
    signature: 'input, size',
    tensors: 1,
    samples: [{ args: [t([3, 1]), [3, 4]] }, { args: [t([3]), [2, 3]] }, { args: [t([]), [2]] }, { args: [t([3, 1]), [-1, 2]] }],
    bad: [{ args: [t([2, 3]), [2, 4]], error: /cannot be expanded/ }],
  },
);

/**
 * `expand` under NumPy's name.
 *
 * @example
 * broadcastTo(tensor([1, 2]), [2, 2]); // tensor([[1., 2.], [1., 2.]])
 */
export const broadcastTo: ExpandFunction<'broadcastTo'> = described(
  'broadcastTo',
  (input: Tensor, ...shape: ShapeArguments): Tensor => {
    return applyOne(expandOperator, [input], expandTarget('broadcastTo', input.shape, asShape('broadcastTo', shape, true)));
  },
  {
    signature: 'input, size',
    tensors: 1,
    samples: [{ args: [t([3, 1]), [3, 4]] }],
    bad: [{ args: [t([2, 3]), [2, 4]], error: /cannot be expanded/ }],
  },
);

/**
 * Expanded to the shape of another tensor.
 *
 * @example
 * expandAs(tensor([1, 2]), ones([2, 2])); // tensor([[1., 2.], [1., 2.]])
 */
export const expandAs: ExpandAsFunction<'expandAs'> = described(
  'expandAs',
  (input: Tensor, other: Tensor): Tensor => {
    requireTensor('expandAs', 'other', other);
    return expand(input, other.shape);
  },
  {
    signature: 'input, other',
    samples: [{ args: [t([3, 1]), t([3, 4], { grad: false })] }],
    bad: [{ args: [t([2]), t([3])], error: /cannot be expanded/ }],
  },
);

const squeezeOperator = viewOperator<readonly number[]>({
  name: 'squeeze',
  geometry: (x, dims) => ({
    shape: x.shape.filter((_, i) => !dims.includes(i)),
    strides: x.strides.filter((_, i) => !dims.includes(i)),
    offset: x.offset,
  }),
  rewrite: (dims) => dims.map((d) => d + 1),
  transpose: (g, _dims, shape) => applyOne(reshapeOperator, [g], shape),
});

/**
 * Drops dimensions of size 1: all of them, or those named (of which others than 1 stay). A view.
 *
 * @example
 * squeeze(ones([1, 3, 1])).shape; // [3]
 */
export const squeeze: SqueezeFunction<'squeeze'> = described(
  'squeeze',
  (input: Tensor, dim?: number | readonly number[] | null): Tensor => {
    const named =
      dim === undefined || dim === null ? input.shape.map((_, i) => i) : list(dim).map((d) => normalizeDim('squeeze', d, input.ndim));
    if (new Set(named).size !== named.length) throw new ShapeError('squeeze: a dimension is named twice');
    return applyOne(
      squeezeOperator,
      [input],
      named.filter((d) => input.shape[d] === 1),
    );
  },
  {
    signature: 'input, dim?',
    tensors: 1,
    samples: [{ args: [t([1, 3, 1])] }, { args: [t([1, 3, 1]), 0] }, { args: [t([2, 3]), 0] }, { args: [t([1, 3, 1]), [0, 2]] }],
    bad: [{ args: [t([2]), 3], error: /out of range/ }],
  },
);

const unsqueezeOperator = viewOperator<number>({
  name: 'unsqueeze',
  geometry: (x, dim) => ({
    shape: [...x.shape.slice(0, dim), 1, ...x.shape.slice(dim)],
    strides: [
      ...x.strides.slice(0, dim),
      dim < x.ndim ? (x.shape[dim] as number) * (x.strides[dim] as number) : 1,
      ...x.strides.slice(dim),
    ],
    offset: x.offset,
  }),
  rewrite: (dim) => dim + 1,
  transpose: (g, _dim, shape) => applyOne(reshapeOperator, [g], shape),
});

/**
 * A new dimension of size 1 at `dim`. A view.
 *
 * @example
 * unsqueeze(ones([3]), 0).shape; // [1, 3]
 */
export const unsqueeze: UnsqueezeFunction<'unsqueeze'> = described(
  'unsqueeze',
  (input: Tensor, dim: number): Tensor => {
    return applyOne(unsqueezeOperator, [input], normalizeDim('unsqueeze', dim, input.ndim + 1));
  },
  {
    signature: 'input, dim',
    tensors: 1,
    samples: [{ args: [t([3]), 0] }, { args: [t([2, 3]), -1] }, { args: [t([]), 0] }],
    bad: [{ args: [t([3]), 3], error: /out of range/ }],
  },
);

// ---------------------------------------------------------------- select, narrow, slice, diagonal

interface SliceParams {
  readonly dim: number;
  readonly start: number;
  readonly length: number;
  readonly step: number;
}

/** Elements `start`, `start + step`, … of one dimension. */
export const sliceOperator = viewOperator<SliceParams>({
  name: 'slice',
  geometry: (x, { dim, start, length, step }) => ({
    shape: replaced(x.shape, dim, length),
    strides: replaced(x.strides, dim, (x.strides[dim] as number) * step),
    offset: x.offset + start * (x.strides[dim] as number),
  }),
  rewrite: (params) => ({ ...params, dim: params.dim + 1 }),
});

/** A slice along one dimension, its parameters normalised already. */
export function sliceDim(x: Tensor, dim: number, start: number, length: number, step = 1): Tensor {
  return applyOne(sliceOperator, [x], { dim, start, length, step });
}

/**
 * Elements `start` up to `end` of one dimension, `step` apart, with Python's rules for edges. A view.
 *
 * @example
 * sliceTensor(arange(6), 0, 1, 6, { step: 2 }); // tensor([1, 3, 5])
 */
export const sliceTensor: SliceFunction<'slice'> = described(
  'slice',
  (
    input: Tensor,
    dim = 0,
    start: number | null = null,
    end: number | null = null,
    options: { readonly step?: number } | number = {},
  ): Tensor => {
    const d = normalizeDim('slice', dim, input.ndim);
    if (input.ndim === 0) throw new ShapeError('slice: a 0-d tensor has no dimension to slice');
    const step = typeof options === 'number' ? options : (options.step ?? 1);
    const taken = normalizeSlice(start, end, step, input.shape[d] as number);
    return sliceDim(input, d, taken.length === 0 ? 0 : taken.start, taken.length, taken.step);
  },
  {
    signature: 'input, dim?, start?, end?, *, step',
    tensors: 1,
    samples: [{ args: [t([6, 2]), 0, 1, 6, { step: 2 }] }, { args: [t([2, 5]), -1, -3, null] }],
    bad: [{ args: [t([6]), 1, 0, 1], error: /out of range/ }],
  },
);

/**
 * `length` elements of one dimension from `start`. A view.
 *
 * @example
 * narrow(arange(6), 0, 2, 3); // tensor([2, 3, 4])
 */
export const narrow: NarrowFunction<'narrow'> = described(
  'narrow',
  (input: Tensor, dim: number, start: number | Tensor, length: number): Tensor => {
    if (input.ndim === 0) throw new ShapeError('narrow: a 0-d tensor has no dimension to narrow');
    const d = normalizeDim('narrow', dim, input.ndim);
    const size = input.shape[d] as number;
    const at = startOf(start);
    requireWhole('narrow', 'length', length, 0);
    if (at < -size || at > size) throw new IndexError(`narrow: start ${at} is out of range for a dimension of size ${size}`);
    const first = at < 0 ? at + size : at;
    if (first + length > size) throw new IndexError(`narrow: start ${at} and length ${length} reach past a dimension of size ${size}`);
    return sliceDim(input, d, first, length);
  },
  {
    signature: 'input, dim, start, length',
    tensors: 1,
    samples: [{ args: [t([6, 2]), 0, 2, 3] }, { args: [t([2, 5]), -1, -3, 2] }, { args: [t([4]), 0, 4, 0] }],
    bad: [{ args: [t([6]), 0, 4, 3], error: /reach past/ }],
  },
);

function startOf(start: number | Tensor): number {
  if (typeof start === 'number') return start;
  if (start.size !== 1 || start.ndim !== 0 || !start.type.isInteger)
    throw new ArgumentError('narrow: start must be a number or a 0-d integer tensor');
  return Number(elementsOf(start)[0]);
}

/**
 * One slice along a dimension, which disappears. A view.
 *
 * @example
 * select(tensor([[1, 2], [3, 4]]), 1, 0); // tensor([1., 3.])
 */
export const select: SelectFunction<'select'> = described(
  'select',
  (input: Tensor, dim: number, index: number): Tensor => {
    if (input.ndim === 0) throw new ShapeError('select: a 0-d tensor has no dimension to select from');
    const d = normalizeDim('select', dim, input.ndim);
    return applyOne(selectOperator, [input], { dim: d, index: normalizeIndex('select', index, input.shape[d] as number) });
  },
  {
    signature: 'input, dim, index',
    tensors: 1,
    samples: [{ args: [t([2, 3]), 1, 0] }, { args: [t([4]), 0, -1] }],
    bad: [{ args: [t([2, 3]), 0, 2], error: /index 2 is out of range/ }],
  },
);

interface DiagonalParams {
  readonly offset: number;
  readonly dim1: number;
  readonly dim2: number;
}

const diagonalOperator = viewOperator<DiagonalParams>({
  name: 'diagonal',
  geometry: (x, { offset, dim1, dim2 }) => {
    const rows = x.shape[dim1] as number;
    const columns = x.shape[dim2] as number;
    const length = Math.max(0, offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns));
    const start = length === 0 ? 0 : offset >= 0 ? offset * (x.strides[dim2] as number) : -offset * (x.strides[dim1] as number);
    const high = Math.max(dim1, dim2);
    const low = Math.min(dim1, dim2);
    return {
      shape: [...without(without(x.shape, high), low), length],
      strides: [...without(without(x.strides, high), low), (x.strides[dim1] as number) + (x.strides[dim2] as number)],
      offset: x.offset + start,
    };
  },
  rewrite: (params) => ({ ...params, dim1: params.dim1 + 1, dim2: params.dim2 + 1 }),
});

/** Which diagonal, of which dimensions. */
export interface DiagonalOptions {
  /** Which diagonal: 0 the main one, positive above, negative below. */
  readonly offset?: number;
  readonly dim1?: number;
  readonly dim2?: number;
}

/** A diagonal, dimensions normalised already. */
export function diagonalOf(x: Tensor, offset: number, dim1: number, dim2: number): Tensor {
  return applyOne(diagonalOperator, [x], { offset, dim1, dim2 });
}

/**
 * The diagonal of two dimensions, as the last dimension. A view.
 *
 * @example
 * diagonal(tensor([[1, 2], [3, 4]])); // tensor([1., 4.])
 */
export const diagonal: DiagonalFunction<'diagonal'> = described(
  'diagonal',
  (input: Tensor, options: DiagonalOptions = {}): Tensor => {
    const [dim1, dim2] = diagonalDims('diagonal', input, options.dim1 ?? 0, options.dim2 ?? 1);
    return diagonalOf(input, options.offset ?? 0, dim1, dim2);
  },
  {
    signature: 'input, *, offset, dim1, dim2',
    tensors: 1,
    samples: [
      { args: [t([3, 4])] },
      { args: [t([3, 4]), { offset: -1 }] },
      { args: [t([2, 3, 4]), { offset: 1, dim1: 1, dim2: 2 }] },
      { args: [t([2, 2]), { offset: 5 }] },
    ],
    bad: [{ args: [t([2, 2]), { dim1: 0, dim2: 0 }], error: /same dimension/ }],
  },
);

/** Two different dimensions of a tensor that has at least two. */
export function diagonalDims(name: string, x: Tensor, dim1: number, dim2: number): [number, number] {
  const a = normalizeDim(name, dim1, x.ndim);
  const b = normalizeDim(name, dim2, x.ndim);
  if (a === b) throw new ShapeError(`${name}: dim1 and dim2 name the same dimension ${a} of ${formatShape(x.shape)}`);
  return [a, b];
}

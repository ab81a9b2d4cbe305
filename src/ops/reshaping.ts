import { DTYPES } from '../dtype/dtype.ts';
import { type Operator, t } from '../op/contract.ts';
import { normalizeDim } from '../shape/dims.ts';
import { asShape, inferReshape, viewStrides } from '../shape/reshape.ts';
import { contiguousStrides, formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, IndexError, ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { described, makeOperator, requireDims, requireTensor } from './family.ts';
import { reshape, type ShapeArguments } from './movement.ts';
import { permute, reshapeOperator, stridedScatterOperator } from './structural.ts';
import type {
  FlattenFunction,
  MatrixTransposeFunction,
  RavelFunction,
  ReshapeAsFunction,
  TransposeAllFunction,
  UnflattenFunction,
  UnfoldFunction,
  ViewFunction,
} from './types.ts';
import { replaced, viewOperator } from './view.ts';

/**
 * The same elements in another shape, never copied. Throws ShapeError where the strides do not allow it: use `reshape`.
 *
 * @example
 * view(ones([2, 3]), 6).shape; // [6]
 */
export const view: ViewFunction = described(
  'view',
  (input: Tensor, ...shape: ShapeArguments): Tensor => {
    if (shape.length === 1 && typeof shape[0] === 'string') return viewAsType(input, shape[0]);
    const target = inferReshape('view', input.shape, asShape('view', shape, true));
    if (!input.rowMajor && input.wrapped === null && viewStrides(input.shape, input.strides, target) === null) {
      throw new ShapeError(
        `view: ${formatShape(input.shape)} with strides ${formatShape(input.strides)} cannot be seen as ${formatShape(target)} without copying: use reshape, or contiguous() first`,
      );
    }
    return applyOne(reshapeOperator, [input], target);
  },
  {
    signature: 'input, size',
    tensors: 1,
    samples: [{ args: [t([2, 3]), [3, 2]] }, { args: [t([2, 3, 4]), [-1, 4]] }],
    bad: [{ args: [t([2, 3]), [4, 2]], error: /6 elements/ }],
  },
);

/** The bytes seen as another dtype of the same size. */
function viewAsType(input: Tensor, dtype: string): Tensor {
  const type = DTYPES.find((d) => d.name === dtype);
  if (type === undefined) throw new DTypeError(`view: unknown dtype '${dtype}'`);
  if (type.itemsize !== input.type.itemsize) {
    throw new DTypeError(
      `view: ${input.dtype} has ${input.type.itemsize} bytes an element and ${dtype} ${type.itemsize}: only dtypes of one size can share bytes; use to('${dtype}') to convert`,
    );
  }
  return applyOne(bitcastOperator, [input], type);
}

const bitcastOperator = makeOperator<Tensor['type']>({
  name: 'view',
  aliasing: 'view',
  forward: ([x], type) => {
    const source = x as Tensor;
    const result = reshapeOperator.forward([source], source.shape) as Tensor;
    result.type = type;
    return result;
  },
  derivative: { kind: 'none' },
  batching: { kind: 'leading' },
});

function likeOther<N extends string>(name: N): ReshapeAsFunction<N> {
  return described(
    name,
    (input: Tensor, other: Tensor): Tensor => {
      requireTensor(name, 'other', other);
      return name === 'viewAs' ? view(input, other.shape) : reshape(input, other.shape);
    },
    {
      signature: 'input, other',
      samples: [{ args: [t([2, 3]), t([3, 2], { grad: false })] }],
      bad: [{ args: [t([2, 3]), t([4])], error: /6 elements/ }],
    },
  );
}
/**
 * `view` with the shape of another tensor.
 *
 * @example
 * viewAs(arange(4), ones([2, 2])); // tensor([[0, 1], [2, 3]])
 */
export const viewAs = likeOther('viewAs');
/**
 * `reshape` to the shape of another tensor.
 *
 * @example
 * reshapeAs(arange(4), ones([2, 2])); // tensor([[0, 1], [2, 3]])
 */
export const reshapeAs = likeOther('reshapeAs');

/**
 * Dimensions `startDim` to `endDim` as one. A view where the strides allow it.
 *
 * @example
 * flatten(ones([2, 3, 4]), 1).shape; // [2, 12]
 */
export const flatten: FlattenFunction<'flatten'> = described(
  'flatten',
  (input: Tensor, startDim = 0, endDim = -1): Tensor => {
    const start = normalizeDim('flatten', startDim, input.ndim);
    const end = normalizeDim('flatten', endDim, input.ndim);
    if (start > end) throw new ShapeError(`flatten: startDim ${startDim} comes after endDim ${endDim}`);
    if (input.ndim === 0) return reshape(input, [1]);
    if (start === end) return input;
    const merged = input.shape.slice(start, end + 1).reduce((a, b) => a * b, 1);
    return reshape(input, [...input.shape.slice(0, start), merged, ...input.shape.slice(end + 1)]);
  },
  {
    signature: 'input, start_dim?, end_dim?',
    tensors: 1,
    samples: [{ args: [t([2, 3, 4])] }, { args: [t([2, 3, 4]), 1] }, { args: [t([2, 3, 4]), 0, 1] }, { args: [t([])] }],
    bad: [{ args: [t([2, 3]), 1, 0], error: /comes after/ }],
  },
);

/**
 * All elements as one dimension. A view where the strides allow it.
 *
 * @example
 * ravel(tensor([[1, 2], [3, 4]])); // tensor([1., 2., 3., 4.])
 */
export const ravel: RavelFunction = described(
  'ravel',
  (input: Tensor): Tensor => {
    return reshape(input, [input.size]);
  },
  {
    signature: 'input',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([])] }],
  },
);

/**
 * One dimension as several; one size may be -1. A view.
 *
 * @example
 * unflatten(ones([2, 12]), 1, [3, -1]).shape; // [2, 3, 4]
 */
export const unflatten: UnflattenFunction<'unflatten'> = described(
  'unflatten',
  (input: Tensor, dim: number, sizes: readonly number[]): Tensor => {
    const d = normalizeDim('unflatten', dim, input.ndim);
    if (!Array.isArray(sizes) || sizes.length === 0) throw new ArgumentError('unflatten: sizes must be a non-empty list');
    const target = inferReshape('unflatten', [input.shape[d] as number], sizes);
    return reshape(input, [...input.shape.slice(0, d), ...target, ...input.shape.slice(d + 1)]);
  },
  {
    signature: 'input, dim, sizes',
    tensors: 1,
    samples: [{ args: [t([2, 12]), 1, [3, -1]] }, { args: [t([6]), 0, [2, 3]] }],
    bad: [{ args: [t([2, 12]), 1, [5, 2]], error: /12 elements/ }],
  },
);

interface UnfoldParams {
  readonly dim: number;
  readonly size: number;
  readonly step: number;
}

const unfoldGeometry = (x: Tensor, { dim, size, step }: UnfoldParams) => ({
  shape: [...replaced(x.shape, dim, Math.floor(((x.shape[dim] as number) - size) / step) + 1), size],
  strides: [...replaced(x.strides, dim, (x.strides[dim] as number) * step), x.strides[dim] as number],
  offset: x.offset,
});

/** Adds windows back where they came from: windows may overlap, so this adds, one position in the window at a time. */
function foldWindows(g: Tensor, { dim, size, step }: UnfoldParams, shape: readonly number[]): Tensor {
  const source = { shape, strides: contiguousStrides(shape), offset: 0 };
  const { strides } = unfoldGeometry({ shape, strides: source.strides, offset: 0 } as never, { dim, size, step });
  return applyOne(stridedScatterOperator, [g], { shape: g.shape, strides, offset: 0, source });
}

const unfoldOperator: Operator<Tensor, UnfoldParams> = viewOperator<UnfoldParams>({
  name: 'unfold',
  geometry: unfoldGeometry,
  rewrite: (params) => ({ ...params, dim: params.dim + 1 }),
  transpose: foldWindows,
});

/**
 * Windows of `size` elements along a dimension, `step` apart, as a new last dimension. A view; windows may overlap.
 *
 * @example
 * unfold(arange(5), 0, 3, 1); // tensor([[0, 1, 2], [1, 2, 3], [2, 3, 4]])
 */
export const unfold: UnfoldFunction<'unfold'> = described(
  'unfold',
  (input: Tensor, dimension: number, size: number, step: number): Tensor => {
    const dim = normalizeDim('unfold', dimension, input.ndim);
    requireWhole('unfold', 'step', step, 1);
    const total = input.ndim === 0 ? 1 : (input.shape[dim] as number);
    if (!Number.isInteger(size) || size < 0 || size > total)
      throw new IndexError(`unfold: size ${size} does not fit into a dimension of size ${total}`);
    const source = input.ndim === 0 ? reshape(input, [1]) : input;
    const windows = applyOne(unfoldOperator, [source], { dim, size, step });
    return input.ndim === 0 ? reshape(windows, [size]) : windows;
  },
  {
    signature: 'input, dimension, size, step',
    tensors: 1,
    samples: [{ args: [t([7]), 0, 3, 1] }, { args: [t([2, 7]), 1, 3, 2] }, { args: [t([4, 2]), 0, 2, 2] }],
    bad: [{ args: [t([3]), 0, 4, 1], error: /does not fit/ }],
  },
);

/**
 * All dimensions in reverse order; PyTorch's `x.T`.
 *
 * @example
 * T(tensor([[1, 2], [3, 4]])); // tensor([[1., 3.], [2., 4.]])
 */
export const T: TransposeAllFunction = described(
  'T',
  (input: Tensor): Tensor => {
    return permute(
      input,
      input.shape.map((_, i) => input.ndim - 1 - i),
    );
  },
  {
    signature: 'input',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([3])] }],
  },
);

/**
 * The last two dimensions swapped; PyTorch's `x.mT`.
 *
 * @example
 * mT(ones([5, 2, 3])).shape; // [5, 3, 2]
 */
export const mT: MatrixTransposeFunction = described(
  'mT',
  (input: Tensor): Tensor => {
    requireDims('mT', input, 2);
    const n = input.ndim;
    return permute(
      input,
      input.shape.map((_, i) => (i === n - 1 ? n - 2 : i === n - 2 ? n - 1 : i)),
    );
  },
  {
    signature: 'input',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([4, 2, 3])] }],
    bad: [{ args: [t([3])], error: /at least 2/ }],
  },
);

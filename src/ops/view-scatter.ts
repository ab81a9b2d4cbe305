import { type Operator, t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape, sameShape } from '../shape/shape.ts';
import { normalizeIndex, normalizeSlice } from '../shape/slice.ts';
import { applyOne } from '../tensor/apply.ts';
import { IDENTITY } from '../tensor/identity.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { fullTensor } from './create.ts';
import { compositeOperator, described, makeOperator, requireTensor } from './family.ts';
import { type DiagonalOptions, diagonalDims, diagonalOf, sliceDim } from './movement.ts';
import { asStridedOperator, asStrided as asStridedView, cast, cloneOperator, contiguous, type Geometry, select } from './structural.ts';
import type { AsStridedFunction, PartScatterFunction, SelectScatterFunction, Sizes } from './types.ts';
import { replaced, without } from './view.ts';

/** Tensors with some of their elements replaced: what writing into a view does, as functions. */

/**
 * An operator that writes into the view that `view` takes. It is linear in both tensors: its transpose keeps what was not written, and takes the view of
 * the cotangent.
 */
function viewScatter<P>(
  name: string,
  view: (x: Tensor, params: P) => Tensor,
  shifted: (params: P, batch: Tensor) => P,
): Operator<Tensor, P> {
  const operator: Operator<Tensor, P> = makeOperator<P>({
    name,
    forward: ([x, src], params) => {
      const result = cloneOperator.forward([x as Tensor], null) as Tensor;
      const slot = view(result, params);
      backend().map(IDENTITY.program, slot, [src as Tensor], [], slot.type);
      return result;
    },
    derivative: {
      kind: 'linear',
      transpose: (g, context) => [
        context.needs(0) ? applyOne(operator, [g, fullTensor(context.inputShape(1), 0, g.type)], context.params) : null,
        context.needs(1) ? view(g, context.params) : null,
      ],
    },
    batching: { kind: 'params', rewrite: shifted },
  });
  return operator;
}

/** The source as the slot needs it: its shape exactly, the dtype of the input. */
function fitSource(name: string, input: Tensor, src: unknown, slot: readonly number[]): Tensor {
  requireTensor(name, 'src', src);
  if (!sameShape(src.shape, slot))
    throw new ShapeError(
      `${name}: src has shape ${formatShape(src.shape)}, but what it replaces has ${formatShape(slot)}: they must be equal`,
    );
  return cast(src, input.type);
}

interface SelectParams {
  readonly dim: number;
  readonly index: number;
}

const selectScatterOperator = viewScatter<SelectParams>(
  'selectScatter',
  (x, { dim, index }) => select(x, dim, index),
  (params) => ({ ...params, dim: params.dim + 1 }),
);

/**
 * `input` with the slice at `index` along `dim` replaced by `src`, which has its shape.
 *
 * @example
 * selectScatter(zeros([2, 2]), ones([2]), 0, 1); // tensor([[0., 0.], [1., 1.]])
 */
export const selectScatter: SelectScatterFunction<'selectScatter'> = described(
  'selectScatter',
  (input: Tensor, src: Tensor, dim: number, index: number): Tensor => {
    if (input.ndim === 0) throw new ShapeError('selectScatter: a 0-d tensor has no dimension to select from');
    const d = normalizeDim('selectScatter', dim, input.ndim);
    const at = normalizeIndex('selectScatter', index, input.shape[d] as number);
    return applyOne(selectScatterOperator, [input, fitSource('selectScatter', input, src, without(input.shape, d))], { dim: d, index: at });
  },
  {
    signature: 'input, src, dim, index',
    tensors: 1,
    samples: [{ args: [t([2, 3]), t([3]), 0, 1] }, { args: [t([2, 3, 4]), t([2, 3]), -1, -2] }, { args: [t([3]), t([]), 0, 0] }],
    bad: [
      { args: [t([2, 3]), t([2]), 0, 0], error: /must be equal/ },
      { args: [t([2, 3]), t([3]), 0, 2], error: /index 2 is out of range/ },
    ],
  },
);

interface SliceScatterParams {
  readonly dim: number;
  readonly start: number;
  readonly length: number;
  readonly step: number;
}

const sliceScatterOperator = viewScatter<SliceScatterParams>(
  'sliceScatter',
  (x, { dim, start, length, step }) => sliceDim(x, dim, start, length, step),
  (params) => ({ ...params, dim: params.dim + 1 }),
);

/**
 * `input` with elements `start` up to `end` of `dim`, `step` apart, replaced by `src`, which has their shape.
 *
 * @example
 * sliceScatter(zeros([4]), ones([2]), 0, 1, 3); // tensor([0., 1., 1., 0.])
 */
export const sliceScatter: PartScatterFunction<
  'sliceScatter',
  [dim?: number, start?: number | null, end?: number | null, options?: { readonly step?: number }]
> = described(
  'sliceScatter',
  (
    input: Tensor,
    src: Tensor,
    dim = 0,
    start: number | null = null,
    end: number | null = null,
    options: { readonly step?: number } = {},
  ): Tensor => {
    if (input.ndim === 0) throw new ShapeError('sliceScatter: a 0-d tensor has no dimension to slice');
    const d = normalizeDim('sliceScatter', dim, input.ndim);
    const step = options.step ?? 1;
    requireWhole('sliceScatter', 'step', step, 1);
    const taken = normalizeSlice(start, end, step, input.shape[d] as number);
    const params = { dim: d, start: taken.length === 0 ? 0 : taken.start, length: taken.length, step };
    return applyOne(sliceScatterOperator, [input, fitSource('sliceScatter', input, src, replaced(input.shape, d, taken.length))], params);
  },
  {
    signature: 'input, src, dim?, start?, end?, *, step',
    tensors: 1,
    samples: [
      { args: [t([4, 2]), t([2, 2]), 0, 1, 3] },
      { args: [t([2, 5]), t([2, 2]), 1, 0, 4, { step: 2 }] },
      { args: [t([3]), t([0]), 0, 3, 1] },
    ],
    bad: [{ args: [t([4]), t([1]), 0, 0, 2], error: /must be equal/ }],
  },
);

interface DiagonalParams {
  readonly offset: number;
  readonly dim1: number;
  readonly dim2: number;
}

const diagonalScatterOperator = viewScatter<DiagonalParams>(
  'diagonalScatter',
  (x, { offset, dim1, dim2 }) => diagonalOf(x, offset, dim1, dim2),
  (params) => ({ ...params, dim1: params.dim1 + 1, dim2: params.dim2 + 1 }),
);

/** Zeros of shape `shape` with `src` on a diagonal: for other operators. */
export function placeDiagonal(src: Tensor, shape: readonly number[], offset: number, dim1: number, dim2: number): Tensor {
  return applyOne(diagonalScatterOperator, [fullTensor(shape, 0, src.type), src], { offset, dim1, dim2 });
}

/**
 * `input` with a diagonal replaced by `src`, which has the shape of `diagonal(input, …)`.
 *
 * @example
 * diagonalScatter(zeros([2, 2]), ones([2])); // tensor([[1., 0.], [0., 1.]])
 */
export const diagonalScatter: PartScatterFunction<'diagonalScatter', [options?: DiagonalOptions]> = described(
  'diagonalScatter',
  (input: Tensor, src: Tensor, options: DiagonalOptions = {}): Tensor => {
    const [dim1, dim2] = diagonalDims('diagonalScatter', input, options.dim1 ?? 0, options.dim2 ?? 1);
    const params = { offset: options.offset ?? 0, dim1, dim2 };
    const rest = input.shape.filter((_, d) => d !== dim1 && d !== dim2);
    const length = diagonalLength(input.shape[dim1] as number, input.shape[dim2] as number, params.offset);
    return applyOne(diagonalScatterOperator, [input, fitSource('diagonalScatter', input, src, [...rest, length])], params);
  },
  {
    signature: 'input, src, *, offset, dim1, dim2',
    tensors: 1,
    samples: [
      { args: [t([3, 4]), t([3])] },
      { args: [t([3, 4]), t([2]), { offset: -1 }] },
      { args: [t([2, 3, 4]), t([2, 3]), { offset: 1, dim1: 1, dim2: -1 }] },
    ],
    bad: [
      { args: [t([2, 2]), t([3])], error: /must be equal/ },
      { args: [t([2, 2]), t([2]), { dim1: 0, dim2: 0 }], error: /same dimension/ },
    ],
  },
);

function diagonalLength(rows: number, columns: number, offset: number): number {
  return Math.max(0, offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns));
}

// ---------------------------------------------------------------- any strides

function checkStrided(name: string, input: unknown, size: readonly number[], stride: readonly number[]): asserts input is Tensor {
  requireTensor(name, 'input', input);
  if (!Array.isArray(size) || !Array.isArray(stride) || size.length !== stride.length)
    throw new ShapeError(`${name}: size and stride must be lists of one length`);
  for (const n of size)
    if (!Number.isInteger(n) || n < 0) throw new ArgumentError(`${name}: sizes must be whole numbers from 0 on, got ${formatShape(size)}`);
  for (const n of stride)
    if (!Number.isInteger(n) || n < 0)
      throw new ArgumentError(`${name}: strides must be whole numbers from 0 on, got ${formatShape(stride)}`);
}

/**
 * The elements of the storage of `input` from `storageOffset` on (by default where `input` starts), with any sizes and strides: a view. Throws ShapeError
 * where it would reach outside the storage.
 *
 * @example
 * asStrided(arange(6), [2, 2], [1, 2], 1); // tensor([[1, 3], [2, 4]])
 */
export const asStrided: AsStridedFunction = described(
  'asStrided',
  (input: Tensor, size: readonly number[], stride: readonly number[], storageOffset: number | null = null): Tensor => {
    checkStrided('asStrided', input, size, stride);
    return asStridedView(input, size, stride, storageOffset ?? input.offset);
  },
  {
    signature: 'input, size, stride, storage_offset?',
    samples: [
      { args: [t([6]), [2, 2], [1, 2], 1] },
      { args: [t([2, 3]), [2], [3]] },
      { args: [t([4]), [3, 2], [1, 1]] },
      { args: [t([3]), [], [], 2] },
    ],
    bad: [
      { args: [t([3]), [4], [1]], error: /reach element 3/ },
      { args: [t([3]), [2], [-1]], error: /strides must be/ },
    ],
  },
);

interface StridedParams {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly offset: number;
}

const flatScatterOperator = viewScatter<StridedParams>(
  'asStridedScatter',
  (x, { size, stride, offset }) => {
    const line = contiguous(x);
    return asStridedView(line, size, stride, line.offset + offset);
  },
  ({ size, stride, offset }, { shape }) => ({ size: [shape[0] as number, ...size], stride: [shape[1] as number, ...stride], offset }),
);

/** The first element after all that geometries reach: under vmap a member ends before its storage does. */
function endOf(...geometries: readonly Geometry[]): number {
  return geometries.reduce((end, { shape, strides, offset }) => {
    if (shape.includes(0)) return end;
    const last = shape.reduce((at, size, d) => at + Math.max(0, (size - 1) * (strides[d] as number)), offset);
    return Math.max(end, last + 1);
  }, 0);
}

/** The memory as one line, written into, and seen as the input again. */
const asStridedScatterOperator = compositeOperator<StridedParams>('asStridedScatter', ([x, src], params) => {
  const source = x as Tensor;
  const end = endOf(source, { shape: params.size, strides: params.stride, offset: params.offset });
  const whole = asStridedView(source, [end], [1], 0);
  const written = applyOne(flatScatterOperator, [whole, src as Tensor], params);
  return asStridedView(written, source.shape, source.strides, source.offset);
});

/**
 * `input` with the elements that `asStrided(input, size, stride, storageOffset)` sees replaced by `src`, which has their shape.
 *
 * @example
 * asStridedScatter(zeros([4]), ones([2]), [2], [2], 1); // tensor([0., 1., 0., 1.])
 */
export const asStridedScatter: PartScatterFunction<'asStridedScatter', [size: Sizes, stride: Sizes, storageOffset?: number | null]> =
  described(
    'asStridedScatter',
    (input: Tensor, src: Tensor, size: readonly number[], stride: readonly number[], storageOffset: number | null = null): Tensor => {
      checkStrided('asStridedScatter', input, size, stride);
      const offset = storageOffset ?? input.offset;
      asStridedOperator.forward([input], { shape: size, strides: stride, offset, source: input });
      return applyOne(asStridedScatterOperator, [input, fitSource('asStridedScatter', input, src, size)], { size, stride, offset });
    },
    {
      signature: 'input, src, size, stride, storage_offset?',
      samples: [{ args: [t([6]), t([2, 2]), [2, 2], [1, 2], 1] }, { args: [t([2, 3]), t([2]), [2], [3]] }],
      bad: [
        { args: [t([3]), t([4]), [4], [1]], error: /reach element 3/ },
        { args: [t([3]), t([1]), [2], [1]], error: /must be equal/ },
      ],
    },
  );

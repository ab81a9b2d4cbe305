import { t } from '../op/contract.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { compositeOperator, described, requireTensor } from './family.ts';
import { type DiagonalOptions, diagonalDims, diagonalOf } from './movement.ts';
import { reshape } from './structural.ts';
import type { DiagEmbedFunction, DiagFunction, DiagflatFunction } from './types.ts';
import { placeDiagonal } from './view-scatter.ts';

/** Diagonals made into matrices, and taken out of them. */

interface EmbedParams {
  readonly offset: number;
  readonly dim1: number;
  readonly dim2: number;
}

/** The last dimension on a diagonal of two new ones, which stand at dim1 and dim2 of the result. */
function embedded(x: Tensor, { offset, dim1, dim2 }: EmbedParams): Tensor {
  const size = (x.shape[x.ndim - 1] as number) + Math.abs(offset);
  const shape = x.shape.slice(0, -1);
  for (const d of [dim1, dim2].sort((a, b) => a - b)) shape.splice(d, 0, size);
  return placeDiagonal(x, shape, offset, dim1, dim2);
}

const diagEmbedOperator = compositeOperator<EmbedParams>('diagEmbed', ([x], params) => embedded(x as Tensor, params));

function requireOffset(name: string, offset: unknown): asserts offset is number {
  requireWhole(name, 'diagonal', offset);
}

/**
 * Matrices with the last dimension of `input` on a diagonal (`offset`: 0 the main one, positive above it) and zeros elsewhere; `dim1` and `dim2` are where
 * their rows and columns stand in the result, the last two by default.
 *
 * @example
 * diagEmbed(tensor([1, 2])); // tensor([[1., 0.], [0., 2.]])
 */
export const diagEmbed: DiagEmbedFunction<'diagEmbed'> = described(
  'diagEmbed',
  (input: Tensor, options: DiagonalOptions = {}): Tensor => {
    if (input.ndim === 0) throw new ShapeError('diagEmbed: a 0-d tensor has no last dimension');
    const { offset = 0, dim1 = -2, dim2 = -1 } = options;
    requireOffset('diagEmbed', offset);
    const a = normalizeDim('diagEmbed', dim1, input.ndim + 1);
    const b = normalizeDim('diagEmbed', dim2, input.ndim + 1);
    if (a === b) throw new ShapeError(`diagEmbed: dim1 and dim2 both name dimension ${a} of the result`);
    return applyOne(diagEmbedOperator, [input], { offset, dim1: a, dim2: b });
  },
  {
    signature: 'input, *, offset, dim1, dim2',
    tensors: 1,
    samples: [
      { args: [t([3])] },
      { args: [t([2, 3]), { offset: 1 }] },
      { args: [t([2, 3]), { offset: -1, dim1: 0, dim2: 2 }] },
      { args: [t([2, 0])] },
    ],
    bad: [
      { args: [t([2, 3]), { dim1: 1, dim2: 1 }], error: /both name/ },
      { args: [t([2, 3]), { dim1: 5 }], error: /out of range/ },
    ],
  },
);

const diagOperator = compositeOperator<number>('diag', ([x], offset) => {
  const source = x as Tensor;
  return source.ndim === 1 ? embedded(source, { offset, dim1: 0, dim2: 1 }) : diagonalOf(source, offset, 0, 1);
});

/**
 * A matrix with the line `input` on its diagonal, or the diagonal of the matrix `input` (0: the main one, positive: above it).
 *
 * @example
 * diag(tensor([[1, 2], [3, 4]])); // tensor([1., 4.])
 */
export const diag: DiagFunction<'diag'> = described(
  'diag',
  (input: Tensor, diagonal = 0): Tensor => {
    if (input.ndim !== 1 && input.ndim !== 2)
      throw new ShapeError(`diag: needs 1 or 2 dimensions, got ${formatShape(input.shape)}: use diagEmbed or diagonal`);
    requireOffset('diag', diagonal);
    return applyOne(diagOperator, [input], diagonal);
  },
  {
    signature: 'input, diagonal?',
    tensors: 1,
    samples: [{ args: [t([3])] }, { args: [t([3]), -1] }, { args: [t([3, 4]), 1] }, { args: [t([0])] }],
    bad: [{ args: [t([2, 2, 2])], error: /1 or 2 dimensions/ }],
  },
);

const diagflatOperator = compositeOperator<number>('diagflat', ([x], offset) =>
  embedded(reshape(x as Tensor, [(x as Tensor).size]), { offset, dim1: 0, dim2: 1 }),
);

/**
 * A matrix with all elements of `input` on its diagonal (`offset`: 0 the main one, positive above it).
 *
 * @example
 * diagflat(tensor([1, 2]), { offset: 1 }); // tensor([[0., 1., 0.], [0., 0., 2.], [0., 0., 0.]])
 */
export const diagflat: DiagflatFunction = described(
  'diagflat',
  (input: Tensor, options: { readonly offset?: number } = {}): Tensor => {
    const offset = options.offset ?? 0;
    requireOffset('diagflat', offset);
    return applyOne(diagflatOperator, [input], offset);
  },
  {
    signature: 'input, *, offset',
    tensors: 1,
    samples: [{ args: [t([3])] }, { args: [t([2, 2]), { offset: -1 }] }, { args: [t([])] }],
    bad: [{ args: [3], error: /must be a tensor/ }],
  },
);

/**
 * The diagonal of two dimensions, the last two by default, as the last dimension: a view.
 *
 * @example
 * linalg.diagonal(tensor([[1, 2], [3, 4]])); // tensor([1., 4.])
 */
export const linalgDiagonal = described(
  'linalg.diagonal',
  (input: Tensor, options: DiagonalOptions = {}): Tensor => {
    requireTensor('linalg.diagonal', 'input', input);
    const [dim1, dim2] = diagonalDims('linalg.diagonal', input, options.dim1 ?? -2, options.dim2 ?? -1);
    return diagonalOf(input, options.offset ?? 0, dim1, dim2);
  },
  {
    signature: 'A, *, offset, dim1, dim2',
    samples: [{ args: [t([3, 4])] }, { args: [t([2, 3, 4]), { offset: 1 }] }],
    bad: [{ args: [t([2, 2]), { dim1: 0, dim2: 0 }], error: /same dimension/ }],
  },
);

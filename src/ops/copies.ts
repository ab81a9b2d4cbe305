import { type DType, INT64 } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import { broadcastsTo } from '../shape/broadcast.ts';
import { asShape } from '../shape/reshape.ts';
import { formatShape, sameShape } from '../shape/shape.ts';
import { applyMany, applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { compositeOperator, type Described, described, requireTensor } from './family.ts';
import {
  diagonal,
  expand,
  narrow,
  permute,
  type ShapeArguments,
  select,
  sliceTensor,
  squeeze,
  transpose,
  transposeMatrix,
  unsqueeze,
} from './movement.ts';
import { unfold, view } from './reshaping.ts';
import { split, splitWithSizes, unbind } from './split.ts';
import { cast, clone as cloneOf, contiguous as contiguousOf, sumTo } from './structural.ts';
import type {
  AsStridedFunction,
  DiagonalFunction,
  ExpandFunction,
  NarrowFunction,
  PermuteFunction,
  ReshapeFunction,
  SelectFunction,
  Sizes,
  SliceFunction,
  SplitFunction,
  SqueezeFunction,
  SumToSizeFunction,
  TransposeFunction,
  TransposeMatrixFunction,
  UnarySame,
  UnbindFunction,
  UnfoldFunction,
  UnsqueezeFunction,
} from './types.ts';
import { asStrided } from './view-scatter.ts';

/** Copies, and views that are copied at once. */

/** Our tensors have one layout; what PyTorch's option can ask for beside it is refused by the signature. */
export interface MemoryFormatOptions {
  readonly memoryFormat?: null;
}

/**
 * A copy in row-major order, connected to the graph: the gradient passes through.
 *
 * @example
 * clone(tensor([1, 2])); // tensor([1., 2.])
 */
export const clone: UnarySame<DType, [options?: MemoryFormatOptions]> = described(
  'clone',
  (input: Tensor, _options: MemoryFormatOptions = {}): Tensor => {
    return cloneOf(input);
  },
  {
    signature: 'input, *, memory_format',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([])] }, { args: [t([0, 2])] }],
    bad: [{ args: [3], error: /must be a tensor/ }],
  },
);

/**
 * `input` itself if its elements lie in row-major order, else a copy in which they do.
 *
 * @example
 * contiguous(transpose(ones([2, 3]), 0, 1)).isContiguous(); // true
 */
export const contiguous: UnarySame<DType, [options?: MemoryFormatOptions]> = described(
  'contiguous',
  (input: Tensor, _options: MemoryFormatOptions = {}): Tensor => {
    return contiguousOf(input);
  },
  {
    signature: 'input, *, memory_format',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([])] }],
    bad: [{ args: [3], error: /must be a tensor/ }],
  },
);

/** A view function with its result copied, as one operator. */
function copying<A extends readonly unknown[], R extends object>(
  name: string,
  viewed: ((input: Tensor, ...args: A) => Tensor) & Described,
): R {
  const operator = compositeOperator<A>(name, ([x], args) => cloneOf(viewed(x as Tensor, ...args)));
  const { signature, samples, bad } = viewed.operator;
  const f = (input: Tensor, ...args: A): Tensor => {
    requireTensor(name, 'input', input);
    return applyOne(operator, [input], args);
  };
  return described(name, f, { signature, samples, bad });
}

/** The same for functions that return several views. */
function copyingMany<A extends readonly unknown[], R extends object>(
  name: string,
  viewed: ((input: Tensor, ...args: A) => Tensor[]) & Described,
): R {
  const operator = compositeOperator<A>(name, ([x], args) => viewed(x as Tensor, ...args).map(cloneOf));
  const { signature, samples, bad } = viewed.operator;
  const f = (input: Tensor, ...args: A): Tensor[] => {
    requireTensor(name, 'input', input);
    return applyMany(operator, [input], args);
  };
  return described(name, f, { signature, samples, bad });
}

const itself = described('alias', (input: Tensor): Tensor => input, {
  signature: 'input',
  samples: [{ args: [t([2, 3])] }, { args: [t([])] }],
});

/**
 * A copy: `clone` under the name of a view.
 *
 * @example
 * aliasCopy(tensor([1, 2])); // tensor([1., 2.])
 */
export const aliasCopy: UnarySame = copying('aliasCopy', itself);
/**
 * `asStrided`, copied.
 *
 * @example
 * asStridedCopy(tensor([1, 2, 3]), [2], [2]); // tensor([1., 3.])
 */
export const asStridedCopy: AsStridedFunction = copying('asStridedCopy', asStrided);
/**
 * `diagonal`, copied.
 *
 * @example
 * diagonalCopy(tensor([[1, 2], [3, 4]])); // tensor([1., 4.])
 */
export const diagonalCopy: DiagonalFunction<'diagonalCopy'> = copying('diagonalCopy', diagonal);
/**
 * `expand`, copied.
 *
 * @example
 * expandCopy(tensor([1, 2]), [2, 2]); // tensor([[1., 2.], [1., 2.]])
 */
export const expandCopy: ExpandFunction<'expandCopy'> = copying(
  'expandCopy',
  expand as ((input: Tensor, ...shape: ShapeArguments) => Tensor) & Described,
);
/**
 * `narrow`, copied.
 *
 * @example
 * narrowCopy(tensor([1, 2, 3]), 0, 1, 2); // tensor([2., 3.])
 */
export const narrowCopy: NarrowFunction<'narrowCopy'> = copying('narrowCopy', narrow);
/**
 * `permute`, copied.
 *
 * @example
 * permuteCopy(ones([2, 3]), [1, 0]).shape; // [3, 2]
 */
export const permuteCopy: PermuteFunction<'permuteCopy'> = copying(
  'permuteCopy',
  permute as ((input: Tensor, ...dims: ShapeArguments) => Tensor) & Described,
);
/**
 * `select`, copied.
 *
 * @example
 * selectCopy(tensor([[1, 2], [3, 4]]), 0, 1); // tensor([3., 4.])
 */
export const selectCopy: SelectFunction<'selectCopy'> = copying('selectCopy', select);
/**
 * `slice`, copied.
 *
 * @example
 * sliceCopy(tensor([1, 2, 3]), 0, 1); // tensor([2., 3.])
 */
export const sliceCopy: SliceFunction<'sliceCopy'> = copying('sliceCopy', sliceTensor);
/**
 * `squeeze`, copied.
 *
 * @example
 * squeezeCopy(ones([1, 3])).shape; // [3]
 */
export const squeezeCopy: SqueezeFunction<'squeezeCopy'> = copying('squeezeCopy', squeeze);
/**
 * `t`, copied.
 *
 * @example
 * tCopy(ones([2, 3])).shape; // [3, 2]
 */
export const tCopy: TransposeMatrixFunction = copying('tCopy', transposeMatrix);
/**
 * `transpose`, copied.
 *
 * @example
 * transposeCopy(ones([2, 3]), 0, 1).shape; // [3, 2]
 */
export const transposeCopy: TransposeFunction<'transposeCopy'> = copying('transposeCopy', transpose);
/**
 * `unfold`, copied.
 *
 * @example
 * unfoldCopy(tensor([1, 2, 3]), 0, 2, 1); // tensor([[1., 2.], [2., 3.]])
 */
export const unfoldCopy: UnfoldFunction<'unfoldCopy'> = copying('unfoldCopy', unfold);
/**
 * `unsqueeze`, copied.
 *
 * @example
 * unsqueezeCopy(ones([3]), 0).shape; // [1, 3]
 */
export const unsqueezeCopy: UnsqueezeFunction<'unsqueezeCopy'> = copying('unsqueezeCopy', unsqueeze);
/**
 * `view`, copied.
 *
 * @example
 * viewCopy(ones([2, 3]), [6]).shape; // [6]
 */
export const viewCopy: ReshapeFunction<'viewCopy'> = copying(
  'viewCopy',
  view as ((input: Tensor, ...shape: ShapeArguments) => Tensor) & Described,
);
/**
 * `split`, copied.
 *
 * @example
 * splitCopy(tensor([1, 2, 3]), 2); // [tensor([1., 2.]), tensor([3.])]
 */
export const splitCopy: SplitFunction<'splitCopy'> = copyingMany('splitCopy', split);
/**
 * `splitWithSizes`, copied.
 *
 * @example
 * splitWithSizesCopy(tensor([1, 2, 3]), [1, 2]); // [tensor([1.]), tensor([2., 3.])]
 */
export const splitWithSizesCopy: SplitFunction<'splitWithSizesCopy', Sizes> = copyingMany('splitWithSizesCopy', splitWithSizes);
/**
 * `unbind`, copied.
 *
 * @example
 * unbindCopy(tensor([1, 2])); // [tensor(1.), tensor(2.)]
 */
export const unbindCopy: UnbindFunction<'unbindCopy'> = copyingMany('unbindCopy', unbind);

/** A sum of integers is int64, as that of bool: also the one over nothing that PyTorch takes for a target without dimensions. */
const sumToSizeOperator = compositeOperator<readonly number[]>('sumToSize', ([x], shape) => {
  const source = x as Tensor;
  const sums = (shape.length === 0 || !sameShape(source.shape, shape)) && !source.type.isFloat && !source.type.isComplex;
  return sumTo(sums ? cast(source, INT64) : source, shape);
});

/**
 * Summed over leading dimensions, and over those where `size` is 1: the reverse of broadcasting. Throws ShapeError where `size` does not broadcast to
 * the shape of `input`.
 *
 * @example
 * sumToSize(ones([2, 3]), [1, 3]); // tensor([[2., 2., 2.]])
 */
export const sumToSize: SumToSizeFunction<'sumToSize'> = described(
  'sumToSize',
  (input: Tensor, ...size: ShapeArguments): Tensor => {
    const shape = asShape('sumToSize', size);
    if (!broadcastsTo(shape, input.shape))
      throw new ShapeError(`sumToSize: ${formatShape(shape)} does not broadcast to the shape ${formatShape(input.shape)} of input`);
    return applyOne(sumToSizeOperator, [input], shape);
  },
  {
    signature: 'input, ...size',
    tensors: 1,
    samples: [{ args: [t([2, 3]), [1, 3]] }, { args: [t([2, 3, 4]), [3, 1]] }, { args: [t([2]), []] }, { args: [t([2]), [2]] }],
    bad: [{ args: [t([2, 3]), [2]], error: /does not broadcast/ }],
  },
);

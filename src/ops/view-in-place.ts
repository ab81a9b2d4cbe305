import { type Sample, t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { asShape } from '../shape/reshape.ts';
import { contiguousStrides, numel, sameShape } from '../shape/shape.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { checkHistory, markWritten } from '../tensor/inplace.ts';
import { describeTensor } from '../tensor/messages.ts';
import { mode, withGradMode } from '../tensor/modes.ts';
import { aliasOf, type Tensor, viewOf } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { InPlaceError } from '../util/errors.ts';
import { emptyTensor } from './create.ts';
import { type Described, described, requireTensor } from './family.ts';
import { type ShapeArguments, squeeze, transpose, transposeMatrix, unsqueeze } from './movement.ts';
import type {
  ResizeAsFunction,
  ResizeFunction,
  SqueezeFunction,
  TransposeFunction,
  TransposeMatrixFunction,
  UnsqueezeFunction,
} from './types.ts';

/** Handles that are made to see their elements another way: the in-place forms of views. */

type Handle = {
  -readonly [K in
    | 'shape'
    | 'strides'
    | 'offset'
    | 'size'
    | 'rowMajor'
    | 'storage'
    | 'node'
    | 'outputIndex'
    | 'tracked'
    | 'wrapped']: Tensor[K];
};

function takeOver(x: Tensor, view: Tensor): void {
  const handle = x as Handle;
  handle.storage = view.storage;
  handle.offset = view.offset;
  handle.shape = view.shape;
  handle.strides = view.strides;
  handle.size = view.size;
  handle.rowMajor = view.rowMajor;
  handle.wrapped = view.wrapped;
  handle.node = view.node;
  handle.outputIndex = view.outputIndex;
  handle.tracked = view.tracked;
}

/** Makes `x` the view of itself that `view` takes. Refused for leaves that want a gradient. */
function viewInPlace(name: string, x: Tensor, view: (x: Tensor) => Tensor): Tensor {
  checkHistory(name, x);
  const old = aliasOf(x);
  old.wrapped = x.wrapped;
  old.node = x.node;
  old.outputIndex = x.outputIndex;
  old.tracked = x.tracked;
  // What sees the elements of a result another way is part of its history under noGrad too: gradients have its new shape.
  const seen = x.node === null ? view(old) : withGradMode(true, () => view(old));
  const shape = x.shape;
  takeOver(x, seen);
  if (seen.node === null) x.tracked = old.tracked;
  // A leaf gets gradients of its new shape.
  if (x.meta !== null && !sameShape(shape, x.shape)) x.meta.accumulator = null;
  markWritten(x, name);
  if (x.meta !== null) x.meta.viewVersion = x.storage.version;
  return x;
}

function inPlaceView<A extends readonly unknown[], R extends object>(
  name: string,
  view: ((input: Tensor, ...args: A) => Tensor) & Described,
): R {
  const f = (input: Tensor, ...args: A): Tensor => {
    requireTensor(name, 'input', input);
    return viewInPlace(name, input, (x) => view(x, ...args));
  };
  const { signature, samples, bad } = view.operator;
  return described(name, f, { signature, samples: samples.map(withoutGradient), bad });
}

/** A leaf that wants a gradient cannot be changed. */
function withoutGradient({ args }: Sample): Sample {
  return { args: args.map((arg) => (typeof arg === 'object' && arg !== null && 'shape' in arg ? { ...arg, grad: false } : arg)) };
}

/**
 * `t`, in place: `input` itself is transposed.
 *
 * @example
 * t_(ones([2, 3])).shape; // [3, 2]
 */
export const t_: TransposeMatrixFunction = inPlaceView('t_', transposeMatrix);
/**
 * `transpose`, in place: two dimensions of `input` itself are swapped.
 *
 * @example
 * transpose_(ones([2, 3]), 0, 1).shape; // [3, 2]
 */
export const transpose_: TransposeFunction<'transpose_'> = inPlaceView('transpose_', transpose);
/**
 * `transpose_` under NumPy's name.
 *
 * @example
 * swapaxes_(ones([2, 3]), 0, 1).shape; // [3, 2]
 */
export const swapaxes_: TransposeFunction<'swapaxes_'> = inPlaceView('swapaxes_', transpose);
/**
 * `transpose_` under another name.
 *
 * @example
 * swapdims_(ones([2, 3]), 0, 1).shape; // [3, 2]
 */
export const swapdims_: TransposeFunction<'swapdims_'> = inPlaceView('swapdims_', transpose);
/**
 * `squeeze`, in place: `input` itself loses dimensions of size 1.
 *
 * @example
 * squeeze_(ones([1, 3])).shape; // [3]
 */
export const squeeze_: SqueezeFunction<'squeeze_'> = inPlaceView('squeeze_', squeeze);
/**
 * `unsqueeze`, in place: `input` itself gets a dimension of size 1.
 *
 * @example
 * unsqueeze_(ones([3]), 0).shape; // [1, 3]
 */
export const unsqueeze_: UnsqueezeFunction<'unsqueeze_'> = inPlaceView('unsqueeze_', unsqueeze);

/**
 * Gives `input` another shape, in row-major order from where it starts: elements that fit in its memory stay, in a larger shape the rest holds whatever was
 * there. If the memory does not suffice, `input` moves to a new one, which its views do not share. Refused where a gradient is recorded.
 *
 * @example
 * resize_(tensor([1, 2, 3, 4]), [2, 2]); // tensor([[1., 2.], [3., 4.]])
 */
export const resize_: ResizeFunction = described(
  'resize_',
  (input: Tensor, ...size: ShapeArguments): Tensor => {
    return resized('resize_', input, asShape('resize_', size));
  },
  { signature: 'input, size', tensors: 1, random: true, bad: [{ args: [t([2], { grad: false }), [-1]], error: /not negative/ }] },
);

/**
 * `resize_` to the shape of another tensor.
 *
 * @example
 * resizeAs_(ones([4]), ones([2, 2])).shape; // [2, 2]
 */
export const resizeAs_: ResizeAsFunction = described(
  'resizeAs_',
  (input: Tensor, template: Tensor): Tensor => {
    return resized('resizeAs_', input, template.shape);
  },
  { signature: 'input, template', tensors: 2, random: true, bad: [{ args: [t([2], { grad: false }), 3], error: /must be a tensor/ }] },
);

function resized(name: string, input: Tensor, shape: readonly number[]): Tensor {
  if (input.wrapped !== null || isTracked(input))
    throw new InPlaceError(
      `${name}: ${describeTensor(input)} takes part in a gradient or a transform, so it cannot be resized: use reshape`,
    );
  if (input.storage.version < 0) mode.inference?.checkWrite(name, input);
  if (sameShape(input.shape, shape)) return input;
  const { storage, offset, type } = input;
  const size = numel(shape);
  if ((offset + size) * type.itemsize <= storage.byteLength) takeOver(input, viewOf(input, shape, contiguousStrides(shape), offset));
  else {
    const larger = emptyTensor(shape, type);
    const kept = Math.floor(storage.byteLength / type.itemsize) - offset;
    if (kept > 0) backend().map(IDENTITY.program, viewOf(larger, [kept], [1], 0), [viewOf(input, [kept], [1], offset)], [], type);
    takeOver(input, larger);
  }
  markWritten(input, name);
  return input;
}

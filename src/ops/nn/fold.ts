import type { Operator } from '../../op/contract.ts';
import { t } from '../../op/contract.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { aliasOf, type Tensor } from '../../tensor/tensor.ts';
import { ShapeError } from '../../util/errors.ts';
import { described, makeOperator, requireTensor } from '../family.ts';
import { reshape } from '../structural.ts';
import type { FoldColumns, UnfoldColumns } from '../types.ts';
import { addColumns, type ConvolutionGeometry, columnsOf } from './convolution-run.ts';
import { singleOperator } from './single.ts';
import { type PerDim, perDim } from './window-arguments.ts';

/** Images as columns of their windows, and back: each is the transpose of the other. */

function batched(operator: () => Operator<Tensor, ConvolutionGeometry>) {
  return {
    kind: 'rule',
    rule: ([x]: readonly Tensor[], _batched: readonly boolean[], size: number, geometry: ConvolutionGeometry): Tensor => {
      const [, n, ...rest] = (x as Tensor).shape as [number, number, ...number[]];
      const result = applyOne(operator(), [reshape(x as Tensor, [size * n, ...rest])], geometry);
      return reshape(result, [size, n, ...result.shape.slice(1)]);
    },
  } as const;
}

const unfoldOperator: Operator<Tensor, ConvolutionGeometry> = makeOperator<ConvolutionGeometry>({
  name: 'nn.functional.unfold',
  forward: ([x], geometry) => {
    const columns = columnsOf(x as Tensor, geometry);
    // A handle of its own: nothing else looks at the columns, so the result is no view and may be written.
    return aliasOf(reshape(columns, [columns.shape[0] as number, columns.shape[2] as number, columns.shape[3] as number]));
  },
  derivative: { kind: 'linear', transpose: (g, { params }) => applyOne(foldOperator, [g], params) },
  batching: batched(() => unfoldOperator),
});

const foldOperator: Operator<Tensor, ConvolutionGeometry> = makeOperator<ConvolutionGeometry>({
  name: 'nn.functional.fold',
  forward: ([x], geometry) => addColumns(x as Tensor, geometry),
  derivative: { kind: 'linear', transpose: (g, { params }) => applyOne(unfoldOperator, [g], params) },
  batching: batched(() => foldOperator),
});

/** The windows of `unfold` and `fold`. */
export interface FoldOptions {
  readonly dilation?: PerDim;
  readonly padding?: PerDim;
  readonly stride?: PerDim;
}

function geometryOf(name: string, sizes: readonly number[], kernelSize: unknown, options: FoldOptions): ConvolutionGeometry {
  const kernel = perDim(name, 'kernelSize', kernelSize, 2, 1);
  const stride = perDim(name, 'stride', options.stride ?? 1, 2, 1);
  const padding = perDim(name, 'padding', options.padding ?? 0, 2, 0);
  const dilation = perDim(name, 'dilation', options.dilation ?? 1, 2, 1);
  const output = sizes.map((size, d) => {
    const room = size + 2 * (padding[d] as number) - (dilation[d] as number) * ((kernel[d] as number) - 1) - 1;
    if (room < 0) throw new ShapeError(`${name}: a window of ${formatShape(kernel)} is larger than the padded image ${formatShape(sizes)}`);
    return Math.floor(room / (stride[d] as number)) + 1;
  });
  return { input: sizes, kernel, output, stride, padding, dilation, groups: 1 };
}

const unfoldSingle = singleOperator(unfoldOperator);
const foldSingle = singleOperator(foldOperator);

/**
 * The windows of images as columns: `input` [N, C, H, W] or [C, H, W] to [N, C · kernel elements, windows], the windows in row-major order. Any dtype.
 * Throws ShapeError where a window is larger than the padded image.
 *
 * @example
 * nn.functional.unfold(tensor([[[1, 2, 3]]]), [1, 2]); // tensor([[1., 2.], [2., 3.]])
 */
export const unfold: UnfoldColumns = described(
  'nn.functional.unfold',
  (input: Tensor, kernelSize: PerDim, options: FoldOptions = {}): Tensor => {
    const name = 'nn.functional.unfold';
    if (input.ndim < 3 || input.ndim > 4)
      throw new ShapeError(`${name}: input must have 3 or 4 dimensions, got ${formatShape(input.shape)}`);
    if (input.shape.slice(-3).includes(0)) throw new ShapeError(`${name}: only the batch may be empty, got ${formatShape(input.shape)}`);
    const geometry = geometryOf(name, input.shape.slice(-2), kernelSize, options);
    return applyOne(input.ndim === 4 ? unfoldOperator : unfoldSingle, [input], geometry);
  },
  {
    signature: 'input, kernel_size, *, dilation, padding, stride',
    tensors: 1,
    samples: [
      { args: [t([2, 3, 4]), 2] },
      { args: [t([2, 2, 4, 5]), [2, 3], { stride: 2, padding: [1, 0], dilation: [2, 1] }] },
      { args: [t([0, 1, 3, 3]), 2] },
    ],
    bad: [
      { args: [t([2, 3]), 2], error: /3 or 4 dimensions/ },
      { args: [t([1, 2, 2]), 3], error: /larger than the padded image/ },
    ],
  },
);

/**
 * The sum of columns back in their windows: `input` [N, C · kernel elements, windows] or without N to [N, C, …outputSize], where windows overlap their
 * elements are added. Throws ShapeError where the windows are not as many as columns.
 *
 * @example
 * nn.functional.fold(tensor([[1, 2], [2, 3]]), [1, 3], [1, 2]); // tensor([[[1., 4., 3.]]])
 */
export const fold: FoldColumns = described(
  'nn.functional.fold',
  (input: Tensor, outputSize: PerDim, kernelSize: PerDim, options: FoldOptions = {}): Tensor => {
    const name = 'nn.functional.fold';
    requireTensor(name, 'input', input);
    if (input.ndim < 2 || input.ndim > 3)
      throw new ShapeError(`${name}: input must have 2 or 3 dimensions, got ${formatShape(input.shape)}`);
    const geometry = geometryOf(name, perDim(name, 'outputSize', outputSize, 2, 1), kernelSize, options);
    const [rows, windows] = input.shape.slice(-2) as [number, number];
    const each = geometry.kernel.reduce((a, b) => a * b, 1);
    const expected = geometry.output.reduce((a, b) => a * b, 1);
    if (rows === 0 || rows % each !== 0)
      throw new ShapeError(`${name}: the ${rows} rows of ${formatShape(input.shape)} are no multiple of the window's ${each} elements`);
    if (windows !== expected)
      throw new ShapeError(
        `${name}: an image of ${formatShape(geometry.input)} has ${expected} windows, got ${windows} in ${formatShape(input.shape)}`,
      );
    return applyOne(input.ndim === 3 ? foldOperator : foldSingle, [input], geometry);
  },
  {
    signature: 'input, output_size, kernel_size, *, dilation, padding, stride',
    tensors: 1,
    samples: [
      { args: [t([8, 6]), [3, 4], 2] },
      { args: [t([2, 12, 4]), [4, 5], [2, 3], { stride: 2, padding: [1, 0], dilation: [2, 1] }] },
    ],
    bad: [
      { args: [t([8, 5]), [3, 4], 2], error: /has 6 windows, got 5/ },
      { args: [t([7, 6]), [3, 4], 2], error: /no multiple/ },
    ],
  },
);

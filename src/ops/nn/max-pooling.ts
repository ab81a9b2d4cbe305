import { INT64 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import { formatShape, sameShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { fullTensor } from '../create.ts';
import { compositeOperator, described, requireTensor } from '../family.ts';
import { scatter } from '../gather.ts';
import { reshape } from '../structural.ts';
import type { PoolingFunctions } from '../types.ts';
import { adaptiveLine, maxOperator, maxOver, pickPlaces, spread, windowLine } from './max-pooling-core.ts';
import { adaptiveSizes, checkPooled, type WindowOptions, windowSizes } from './pooling-sizes.ts';
import { type PerDim, perDim } from './window-arguments.ts';

/** Options of max pooling. */
export interface MaxPoolingOptions extends WindowOptions {
  /** Return the places of the largest elements as well, counted in each plane. */
  readonly returnIndices?: boolean;
}

type MaxResult = Tensor | [Tensor, Tensor];

function maxPooling(dims: 1 | 2 | 3) {
  const name = `nn.functional.maxPool${dims}d`;
  const operator = maxOperator(name);
  return (input: Tensor, kernelSize: PerDim, options: MaxPoolingOptions = {}): MaxResult => {
    checkPooled(name, input, dims);
    const results = maxOver(operator, input, windowSizes(name, input, kernelSize, dims, options).map(windowLine));
    return options.returnIndices === true ? results : results[0];
  };
}

function adaptiveMax(dims: 1 | 2 | 3) {
  const name = `nn.functional.adaptiveMaxPool${dims}d`;
  const operator = maxOperator(name);
  return (
    input: Tensor,
    outputSize: PerDim | readonly (number | null)[],
    options: { readonly returnIndices?: boolean } = {},
  ): MaxResult => {
    checkPooled(name, input, dims);
    const outputs = adaptiveSizes(name, input, outputSize, dims);
    const lines = outputs.map((output, d) => adaptiveLine(input.shape[input.ndim - dims + d] as number, output));
    const results = maxOver(operator, input, lines);
    return options.returnIndices === true ? results : results[0];
  };
}

/** Options of unpooling. */
export interface UnpoolingOptions {
  readonly stride?: PerDim | null;
  readonly padding?: PerDim;
  /** The size before pooling, with or without batch and channels; by default the smallest one. */
  readonly outputSize?: readonly number[] | null;
}

function unpooling(dims: 1 | 2 | 3) {
  const name = `nn.functional.maxUnpool${dims}d`;
  const operator = compositeOperator<readonly number[]>(name, ([x, indices], sizes) => {
    const input = x as Tensor;
    const outer = input.shape.slice(0, input.ndim - sizes.length);
    const flat = (y: Tensor): Tensor => reshape(y, [...outer, y.shape.slice(outer.length).reduce((a, b) => a * b, 1)]);
    const zeros = fullTensor([...outer, sizes.reduce((a, b) => a * b, 1)], 0, input.type);
    return reshape(scatter(zeros, outer.length, flat(indices as Tensor), flat(input)), [...outer, ...sizes]);
  });
  return (input: Tensor, indices: Tensor, kernelSize: PerDim, options: UnpoolingOptions = {}): Tensor => {
    checkPooled(name, input, dims);
    requireTensor(name, 'indices', indices);
    if (indices.type !== INT64) throw new DTypeError(`${name}: indices must have dtype int64, got ${indices.dtype}`);
    if (!sameShape(indices.shape, input.shape))
      throw new ShapeError(`${name}: indices ${formatShape(indices.shape)} must have the shape of the input, ${formatShape(input.shape)}`);
    const kernel = perDim(name, 'kernelSize', kernelSize, dims, 1);
    const stride = options.stride === null || options.stride === undefined ? kernel : perDim(name, 'stride', options.stride, dims, 1);
    const padding = perDim(name, 'padding', options.padding ?? 0, dims, 0);
    const smallest = kernel.map(
      (size, d) => ((input.shape[input.ndim - dims + d] as number) - 1) * (stride[d] as number) + size - 2 * (padding[d] as number),
    );
    return applyOne(operator, [input, indices], unpooledSizes(name, smallest, stride, options.outputSize ?? null));
  };
}

function unpooledSizes(
  name: string,
  smallest: readonly number[],
  stride: readonly number[],
  given: readonly number[] | null,
): readonly number[] {
  const dims = smallest.length;
  if (given === null) {
    if (smallest.some((size) => size < 0)) throw new ShapeError(`${name}: the padding takes more than there is: ${formatShape(smallest)}`);
    return smallest;
  }
  const wanted = given.length === dims + 2 ? given.slice(2) : given;
  if (wanted.length !== dims) throw new ArgumentError(`${name}: outputSize must have ${dims} or ${dims + 2} entries, got ${given.length}`);
  wanted.forEach((size, d) => {
    const [low, high] = [(smallest[d] as number) - (stride[d] as number), (smallest[d] as number) + (stride[d] as number)];
    if (!(Number.isInteger(size) && size > low && size < high && size >= 0))
      throw new ArgumentError(`${name}: outputSize ${formatShape(given)} does not fit: dimension ${d} must lie between ${low} and ${high}`);
  });
  return wanted;
}

/**
 * The largest element of each window: `input` [N, C, L] or [C, L] of a real dtype; NaN wins. With `returnIndices` also its place in its plane, int64.
 * The gradient goes to the first of equal elements. Throws ShapeError where a window is larger than the padded input.
 *
 * @example
 * nn.functional.maxPool1d(tensor([[1, 3, 2, 0]]), 2); // tensor([[3., 2.]])
 */
export const maxPool1d: PoolingFunctions['maxPool1d'] = described('nn.functional.maxPool1d', maxPooling(1), {
  signature: 'input, kernel_size, *, stride, padding, dilation, ceil_mode, return_indices',
  samples: [
    { args: [t([2, 6]), 2] },
    { args: [t([2, 1, 6]), 2, { stride: 1, padding: 1, ceilMode: true, returnIndices: true }] },
    { args: [t([2, 1, 6]), 2, { stride: [1], dilation: 2 }] },
  ],
  bad: [
    { args: [t([2, 6]), 2, { padding: 2 }], error: /at most half/ },
    { args: [t([2, 1]), 2], error: /larger than the padded input/ },
    { args: [t([2, 6]), 2, { stride: 0 }], error: /stride must be whole numbers/ },
  ],
});

/**
 * The largest element of each window: `input` [N, C, H, W] or [C, H, W] of a real dtype; NaN wins. With `returnIndices` also its place in its plane, int64.
 * The gradient goes to the first of equal elements. Throws ShapeError where a window is larger than the padded input.
 *
 * @example
 * nn.functional.maxPool2d(tensor([[[1, 2], [3, 4]]]), 2); // tensor([[[4.]]])
 */
export const maxPool2d: PoolingFunctions['maxPool2d'] = described('nn.functional.maxPool2d', maxPooling(2), {
  signature: 'input, kernel_size, *, stride, padding, dilation, ceil_mode, return_indices',
  samples: [
    { args: [t([2, 5, 4]), 2] },
    { args: [t([2, 1, 5, 4]), 2, { stride: 1, padding: 1, ceilMode: true, returnIndices: true }] },
    { args: [t([2, 1, 5, 4]), 2, { stride: [1, 1], dilation: 2 }] },
  ],
  bad: [
    { args: [t([2, 5, 4]), 2, { padding: 2 }], error: /at most half/ },
    { args: [t([2, 1, 1]), 2], error: /larger than the padded input/ },
    { args: [t([2, 5, 4]), 2, { stride: 0 }], error: /stride must be whole numbers/ },
  ],
});

/**
 * The largest element of each window: `input` [N, C, D, H, W] or [C, D, H, W] of a real dtype; NaN wins. With `returnIndices` also its place in its plane, int64.
 * The gradient goes to the first of equal elements. Throws ShapeError where a window is larger than the padded input.
 *
 * @example
 * nn.functional.maxPool3d(ones([1, 2, 2, 2]), 2); // tensor([[[[1.]]]])
 */
export const maxPool3d: PoolingFunctions['maxPool3d'] = described('nn.functional.maxPool3d', maxPooling(3), {
  signature: 'input, kernel_size, *, stride, padding, dilation, ceil_mode, return_indices',
  samples: [
    { args: [t([2, 3, 4, 3]), 2] },
    { args: [t([2, 1, 3, 4, 3]), 2, { stride: 1, padding: 1, ceilMode: true, returnIndices: true }] },
    { args: [t([2, 1, 3, 4, 3]), 2, { stride: [1, 1, 1], dilation: 2, padding: 1 }] },
  ],
  bad: [
    { args: [t([2, 3, 4, 3]), 2, { padding: 2 }], error: /at most half/ },
    { args: [t([2, 1, 1, 1]), 2], error: /larger than the padded input/ },
    { args: [t([2, 3, 4, 3]), 2, { stride: 0 }], error: /stride must be whole numbers/ },
  ],
});

/**
 * The largest element of each of as many windows as `outputSize` says, which share the input evenly: `input` [N, C, L] or [C, L] of a real dtype; null keeps a
 * size. With `returnIndices` also its place in its plane, int64.
 *
 * @example
 * nn.functional.adaptiveMaxPool1d(tensor([[1, 3, 2, 0]]), 2); // tensor([[3., 2.]])
 */
export const adaptiveMaxPool1d: PoolingFunctions['adaptiveMaxPool1d'] = described('nn.functional.adaptiveMaxPool1d', adaptiveMax(1), {
  signature: 'input, output_size, *, return_indices',
  samples: [{ args: [t([2, 6]), 2, { returnIndices: true }] }, { args: [t([2, 1, 6]), [4]] }],
  bad: [
    { args: [t([2, 6]), -1], error: /from 0 on/ },
    { args: [t([2]), 1], error: /dimensions/ },
  ],
});

/**
 * The largest element of each of as many windows as `outputSize` says, which share the input evenly: `input` [N, C, H, W] or [C, H, W] of a real dtype; null keeps a
 * size. With `returnIndices` also its place in its plane, int64.
 *
 * @example
 * nn.functional.adaptiveMaxPool2d(tensor([[[1, 2], [3, 4]]]), 1); // tensor([[[4.]]])
 */
export const adaptiveMaxPool2d: PoolingFunctions['adaptiveMaxPool2d'] = described('nn.functional.adaptiveMaxPool2d', adaptiveMax(2), {
  signature: 'input, output_size, *, return_indices',
  samples: [{ args: [t([2, 5, 4]), 2, { returnIndices: true }] }, { args: [t([2, 1, 5, 4]), [4, null]] }],
  bad: [
    { args: [t([2, 5, 4]), -1], error: /from 0 on/ },
    { args: [t([2]), 1], error: /dimensions/ },
  ],
});

/**
 * The largest element of each of as many windows as `outputSize` says, which share the input evenly: `input` [N, C, D, H, W] or [C, D, H, W] of a real dtype; null keeps a
 * size. With `returnIndices` also its place in its plane, int64.
 *
 * @example
 * nn.functional.adaptiveMaxPool3d(ones([1, 2, 4, 2]), [1, 2, 1]); // tensor([[[[1.], [1.]]]])
 */
export const adaptiveMaxPool3d: PoolingFunctions['adaptiveMaxPool3d'] = described('nn.functional.adaptiveMaxPool3d', adaptiveMax(3), {
  signature: 'input, output_size, *, return_indices',
  samples: [{ args: [t([2, 3, 4, 3]), 2, { returnIndices: true }] }, { args: [t([2, 1, 3, 4, 3]), [4, null, 2]] }],
  bad: [
    { args: [t([2, 3, 4, 3]), -1], error: /from 0 on/ },
    { args: [t([2]), 1], error: /dimensions/ },
  ],
});

/**
 * The reverse of `maxPool1d`: zeros, with the elements of `input` ([N, C, L] or [C, L]) at the places that `indices` (int64, of the same shape) name in each plane.
 * `outputSize` says which of the sizes that pooling makes equal it was.
 *
 * @example
 * nn.functional.maxUnpool1d(tensor([[3, 4]]), tensor([[0n, 3n]]), 2); // tensor([[3., 0., 0., 4.]])
 */
export const maxUnpool1d: PoolingFunctions['maxUnpool1d'] = described('nn.functional.maxUnpool1d', unpooling(1), {
  signature: 'input, indices, kernel_size, *, stride, padding, output_size',
  samples: [
    { args: [t([1, 2]), t([1, 2], { dtype: 'int64', values: [1, 2], grad: false }), 2] },
    { args: [t([1, 2]), t([1, 2], { dtype: 'int64', values: [0, 3], grad: false }), 2, { stride: 2, outputSize: [5] }] },
  ],
  bad: [{ args: [t([1, 2]), t([1, 1], { dtype: 'int64', values: [0] }), 2], error: /shape of the input/ }],
});

/**
 * The reverse of `maxPool2d`: zeros, with the elements of `input` ([N, C, H, W] or [C, H, W]) at the places that `indices` (int64, of the same shape) name in each plane.
 * `outputSize` says which of the sizes that pooling makes equal it was.
 *
 * @example
 * nn.functional.maxUnpool2d(tensor([[[4]]]), tensor([[[3n]]]), 2); // tensor([[[0., 0.], [0., 4.]]])
 */
export const maxUnpool2d: PoolingFunctions['maxUnpool2d'] = described('nn.functional.maxUnpool2d', unpooling(2), {
  signature: 'input, indices, kernel_size, *, stride, padding, output_size',
  samples: [
    { args: [t([1, 1, 2]), t([1, 1, 2], { dtype: 'int64', values: [1, 2], grad: false }), 2] },
    { args: [t([1, 1, 2]), t([1, 1, 2], { dtype: 'int64', values: [0, 3], grad: false }), 2, { stride: 2, outputSize: [2, 5] }] },
  ],
  bad: [{ args: [t([1, 1, 2]), t([1, 1, 1], { dtype: 'int64', values: [0] }), 2], error: /shape of the input/ }],
});

/**
 * The reverse of `maxPool3d`: zeros, with the elements of `input` ([N, C, D, H, W] or [C, D, H, W]) at the places that `indices` (int64, of the same shape) name in each plane.
 * `outputSize` says which of the sizes that pooling makes equal it was.
 *
 * @example
 * nn.functional.maxUnpool3d(ones([1, 1, 1, 1]), zeros([1, 1, 1, 1], { dtype: 'int64' }), [1, 1, 2]); // tensor([[[[1., 0.]]]])
 */
export const maxUnpool3d: PoolingFunctions['maxUnpool3d'] = described('nn.functional.maxUnpool3d', unpooling(3), {
  signature: 'input, indices, kernel_size, *, stride, padding, output_size',
  samples: [
    { args: [t([1, 1, 1, 2]), t([1, 1, 1, 2], { dtype: 'int64', values: [1, 2], grad: false }), 2] },
    { args: [t([1, 1, 1, 2]), t([1, 1, 1, 2], { dtype: 'int64', values: [0, 3], grad: false }), 2, { stride: 2, outputSize: [2, 3, 5] }] },
  ],
  bad: [{ args: [t([1, 1, 1, 2]), t([1, 1, 1, 1], { dtype: 'int64', values: [0] }), 2], error: /shape of the input/ }],
});

const zerosOf = (shape: readonly number[], type: Tensor['type']): Tensor => fullTensor(shape, 0, type);

/** The input is an operand for its shape alone: its gradient is zero, but asked for. */
const spreadOperator = compositeOperator<null>(
  'maxPool2dWithIndicesBackward',
  ([g, input, indices]) => spread(g as Tensor, indices as Tensor, (input as Tensor).shape, 2),
  {
    kind: 'rules',
    saves: { inputs: [2] },
    vjp: ([g], context) => {
      const picked = pickPlaces(g as Tensor, context.input(2), 2);
      return [picked, context.needs(1) ? zerosOf(context.inputShape(1), picked.type) : null, null];
    },
    jvp: ([tangent], context) => [tangent == null ? null : spread(tangent, context.input(2), context.inputShape(1), 2)],
  },
);

/**
 * The gradient of max pooling's input from that of its output: each element of `gradOutput` goes to the place in its plane that `indices` names.
 *
 * @example
 * nn.functional.maxPool2dWithIndicesBackward(ones([1, 1, 1]), zeros([1, 1, 2]), [1, 2], [1, 2], 0, 1, false, tensor([[[1n]]])); // tensor([[[0., 1.]]])
 */
export const maxPool2dWithIndicesBackward = described(
  'maxPool2dWithIndicesBackward',
  (
    gradOutput: Tensor,
    input: Tensor,
    kernelSize: PerDim,
    stride: PerDim | null,
    padding: PerDim,
    dilation: PerDim,
    ceilMode: boolean,
    indices: Tensor,
  ): Tensor => {
    const name = 'maxPool2dWithIndicesBackward';
    checkPooled(name, input, 2);
    requireTensor(name, 'indices', indices);
    const windows = windowSizes(name, input, kernelSize, 2, { stride, padding, dilation, ceilMode });
    const expected = [...input.shape.slice(0, -2), ...windows.map(({ output }) => output)];
    if (indices.type !== INT64) throw new DTypeError(`${name}: indices must have dtype int64, got ${indices.dtype}`);
    for (const [role, x] of [
      ['gradOutput', gradOutput],
      ['indices', indices],
    ] as const)
      if (!sameShape(x.shape, expected))
        throw new ShapeError(`${name}: ${role} must have the shape of the output, ${formatShape(expected)}, got ${formatShape(x.shape)}`);
    return applyOne(spreadOperator, [gradOutput, input, indices], null);
  },
  {
    signature: 'grad_output, input, kernel_size, stride, padding, dilation, ceil_mode, indices',
    tensors: 2,
    samples: [
      {
        args: [
          t([1, 1, 2]),
          t([1, 2, 4], { grad: false }),
          2,
          2,
          0,
          1,
          false,
          t([1, 1, 2], { dtype: 'int64', values: [5, 2], grad: false }),
        ],
      },
    ],
    bad: [
      {
        args: [t([1, 1, 1]), t([1, 2, 4]), 2, 2, 0, 1, false, t([1, 1, 2], { dtype: 'int64', values: [0, 0] })],
        error: /shape of the output/,
      },
    ],
  },
);

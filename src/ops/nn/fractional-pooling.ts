import { FLOAT64 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import { formatShape, sameShape } from '../../shape/shape.ts';
import { applyMany } from '../../tensor/apply.ts';
import { elementsOf } from '../../tensor/data.ts';
import { describeValue } from '../../tensor/messages.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../../util/errors.ts';
import { described, requireTensor } from '../family.ts';
import { sliceDim } from '../movement.ts';
import { rand } from '../random.ts';
import type { PoolingFunctions } from '../types.ts';
import { type MaxParams, windowedMax } from './max-pooling-core.ts';
import { checkPooled } from './pooling-sizes.ts';
import { type PerDim, perDim } from './window-arguments.ts';

/** Graham, "Fractional max-pooling", 2014: windows of one size whose distances vary by chance. */

/** Options of fractional max pooling. */
export interface FractionalOptions {
  readonly outputSize?: PerDim | null;
  readonly outputRatio?: number | readonly number[] | null;
  readonly returnIndices?: boolean;
  readonly _randomSamples?: Tensor | null;
}

function outputSizes(name: string, sizes: readonly number[], { outputSize, outputRatio }: FractionalOptions): number[] {
  const dims = sizes.length;
  if ((outputSize ?? null) !== null) {
    if ((outputRatio ?? null) !== null) throw new ArgumentError(`${name}: give outputSize or outputRatio, not both`);
    return perDim(name, 'outputSize', outputSize, dims, 1);
  }
  const ratios: unknown = typeof outputRatio === 'number' ? Array(dims).fill(outputRatio) : outputRatio;
  if (!Array.isArray(ratios) || ratios.length !== dims)
    throw new ArgumentError(
      `${name}: needs outputSize, or outputRatio as one number or a list of ${dims}, got ${describeValue(outputRatio)}`,
    );
  return sizes.map((size, d) => {
    const ratio: unknown = ratios[d];
    if (typeof ratio !== 'number' || !(ratio > 0 && ratio < 1))
      throw new ArgumentError(`${name}: outputRatio must lie between 0 and 1, got ${describeValue(ratio)}`);
    return Math.trunc(size * ratio);
  });
}

/** Where the windows of one dimension begin, from one random number a plane. */
function startsOf(samples: readonly number[], size: number, kernel: number, output: number, single: boolean): Int32Array {
  const round = single ? Math.fround : (x: number): number => x;
  const starts = new Int32Array(samples.length * output);
  const step = round((size - kernel) / (output - 1));
  samples.forEach((sample, plane) => {
    for (let i = 0; i < output - 1; i++)
      starts[plane * output + i] = Math.trunc(round(round(i + sample) * step)) - Math.trunc(round(sample * step));
    starts[plane * output + output - 1] = size - kernel;
  });
  return starts;
}

interface FractionalParams extends MaxParams {
  readonly kernel: readonly number[];
}

function fractionalPooling(dims: 2 | 3) {
  const name = `nn.functional.fractionalMaxPool${dims}d`;
  const operator = windowedMax<FractionalParams>(name, ([input, samples], { kernel, outputs }) => {
    const x = input as Tensor;
    const drawn = elementsOf(samples as Tensor) as number[];
    return outputs.map((output, d) => {
      // PyTorch reads the two numbers of an image for width first, the three of a volume in the order of its dimensions.
      const column = dims === 2 ? 1 - d : d;
      const own = drawn.filter((_, i) => i % dims === column);
      const size = x.shape[x.ndim - dims + d] as number;
      return {
        starts: startsOf(own, size, kernel[d] as number, output, x.type !== FLOAT64),
        counts: new Int32Array(output).fill(kernel[d] as number),
        step: 1,
      };
    });
  });
  return (input: Tensor, kernelSize: PerDim, options: FractionalOptions = {}): Tensor | [Tensor, Tensor] => {
    checkPooled(name, input, dims);
    const sizes = input.shape.slice(input.ndim - dims);
    const kernel = perDim(name, 'kernelSize', kernelSize, dims, 1);
    const outputs = outputSizes(name, sizes, options);
    outputs.forEach((output, d) => {
      if (output < 1 || output + (kernel[d] as number) - 1 > (sizes[d] as number))
        throw new ShapeError(`${name}: ${output} windows of ${kernel[d]} do not fit into dimension ${d} of ${formatShape(sizes)}`);
    });
    const batch = input.ndim === dims + 1 ? 1 : (input.shape[0] as number);
    const planes = [batch, input.shape[input.ndim - dims - 1] as number];
    const given = options._randomSamples ?? rand([...planes, dims], { dtype: input.type === FLOAT64 ? 'float64' : 'float32' });
    requireTensor(name, '_randomSamples', given);
    const [rows, ...rest] = given.shape;
    if (given.ndim !== 3 || (rows as number) < batch || !sameShape(rest, [planes[1] as number, dims]))
      throw new ShapeError(
        `${name}: the random numbers must have shape ${formatShape([...planes, dims])}, got ${formatShape(given.shape)}`,
      );
    const samples = rows === batch ? given : sliceDim(given, 0, 0, batch);
    const results = applyMany(operator, [input, samples], { kernel, outputs }) as [Tensor, Tensor];
    return options.returnIndices === true ? results : results[0];
  };
}

/**
 * The largest elements of windows of one size that lie at random distances (Graham, 2014): `input` [N, C, H, W] or [C, H, W] of a real dtype. `outputSize` or
 * `outputRatio` (a share of the input's size) says how many. With `returnIndices` also their places, int64.
 *
 * @example
 * nn.functional.fractionalMaxPool2d(ones([1, 1, 6, 6]), 2, { outputRatio: 0.5 }).shape; // [1, 1, 3, 3]
 */
export const fractionalMaxPool2d: PoolingFunctions['fractionalMaxPool2d'] = described(
  'nn.functional.fractionalMaxPool2d',
  fractionalPooling(2),
  {
    signature: 'input, kernel_size, *, output_size, output_ratio, return_indices, _random_samples',
    samples: [
      { args: [t([1, 2, 5, 6]), 2, { outputSize: 3, _randomSamples: t([1, 2, 2], { values: [0.2, 0.7, 0.4, 0.9], grad: false }) }] },
      { args: [t([2, 5, 6]), 2, { outputRatio: 0.5, _randomSamples: t([1, 2, 2], { values: [0.2, 0.7, 0.4, 0.9], grad: false }) }] },
    ],
    bad: [
      { args: [t([1, 2, 5, 6]), 2], error: /needs outputSize/ },
      { args: [t([1, 2, 5, 6]), 4, { outputSize: 4 }], error: /do not fit/ },
    ],
  },
);

/**
 * The largest elements of windows of one size that lie at random distances (Graham, 2014): `input` [N, C, D, H, W] or [C, D, H, W] of a real dtype. `outputSize` or
 * `outputRatio` (a share of the input's size) says how many. With `returnIndices` also their places, int64.
 *
 * @example
 * nn.functional.fractionalMaxPool3d(ones([1, 1, 6, 6, 6]), 2, { outputRatio: 0.5 }).shape; // [1, 1, 3, 3, 3]
 */
export const fractionalMaxPool3d: PoolingFunctions['fractionalMaxPool3d'] = described(
  'nn.functional.fractionalMaxPool3d',
  fractionalPooling(3),
  {
    signature: 'input, kernel_size, *, output_size, output_ratio, return_indices, _random_samples',
    samples: [
      {
        args: [
          t([1, 2, 4, 5, 4]),
          2,
          { outputSize: 3, _randomSamples: t([1, 2, 3], { values: [0.2, 0.7, 0.4, 0.9, 0.1, 0.6], grad: false }) },
        ],
      },
      {
        args: [
          t([2, 4, 5, 4]),
          2,
          { outputRatio: 0.5, _randomSamples: t([1, 2, 3], { values: [0.2, 0.7, 0.4, 0.9, 0.1, 0.6], grad: false }) },
        ],
      },
    ],
    bad: [
      { args: [t([1, 2, 4, 5, 4]), 2], error: /needs outputSize/ },
      { args: [t([1, 2, 4, 5, 4]), 4, { outputSize: 4 }], error: /do not fit/ },
    ],
  },
);

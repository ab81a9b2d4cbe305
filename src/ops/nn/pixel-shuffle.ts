import { t } from '../../op/contract.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../../util/errors.ts';
import { compositeOperator, described } from '../family.ts';
import { permute, reshape } from '../structural.ts';
import type { RearrangedFunction } from '../types.ts';

/** Elements moved between channels and space. */

interface Rearrangement {
  readonly cut: readonly number[];
  readonly order: readonly number[];
  readonly shape: readonly number[];
}

function rearranging(name: string) {
  return compositeOperator<Rearrangement>(name, ([x], { cut, order, shape }) => reshape(permute(reshape(x as Tensor, cut), order), shape));
}

function requireFactor(name: string, role: string, factor: unknown): number {
  if (!Number.isInteger(factor) || (factor as number) < 1)
    throw new ArgumentError(`${name}: ${role} must be a whole number from 1 on, got ${String(factor)}`);
  return factor as number;
}

/** The dimensions in front, channels, height and width. */
function imageOf(name: string, input: Tensor): readonly [outer: readonly number[], channels: number, height: number, width: number] {
  if (input.ndim < 3) throw new ShapeError(`${name}: input must have at least 3 dimensions, got ${formatShape(input.shape)}`);
  const [channels, height, width] = input.shape.slice(-3) as [number, number, number];
  return [input.shape.slice(0, -3), channels, height, width];
}

const shuffleOperator = rearranging('nn.functional.pixelShuffle');
const unshuffleOperator = rearranging('nn.functional.pixelUnshuffle');
const channelOperator = rearranging('nn.functional.channelShuffle');

/**
 * Channels become space: [..., C · r², H, W] to [..., C, H · r, W · r]. Any dtype. Throws ShapeError where r² does not divide the channels.
 * Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural network", 2016.
 *
 * @example
 * nn.functional.pixelShuffle(tensor([[[1]], [[2]], [[3]], [[4]]]), 2); // tensor([[[1., 2.], [3., 4.]]])
 */
export const pixelShuffle: RearrangedFunction = described(
  'nn.functional.pixelShuffle',
  (input: Tensor, upscaleFactor: number): Tensor => {
    const name = 'nn.functional.pixelShuffle';
    const r = requireFactor(name, 'upscaleFactor', upscaleFactor);
    const [outer, channels, height, width] = imageOf(name, input);
    if (channels % (r * r) !== 0)
      throw new ShapeError(`${name}: ${channels} channels of ${formatShape(input.shape)} are no multiple of ${r * r}`);
    const n = outer.length;
    const c = channels / (r * r);
    return applyOne(shuffleOperator, [input], {
      cut: [...outer, c, r, r, height, width],
      order: [...outer.keys(), n, n + 3, n + 1, n + 4, n + 2],
      shape: [...outer, c, height * r, width * r],
    });
  },
  {
    signature: 'input, upscale_factor',
    tensors: 1,
    samples: [{ args: [t([4, 2, 3]), 2] }, { args: [t([2, 1, 8, 2, 1]), 2] }, { args: [t([1, 2, 2]), 1] }],
    bad: [
      { args: [t([3, 2, 2]), 2], error: /no multiple of 4/ },
      { args: [t([4, 2, 2]), 0], error: /from 1 on/ },
    ],
  },
);

/**
 * Space becomes channels: [..., C, H · r, W · r] to [..., C · r², H, W], the reverse of `pixelShuffle`. Any dtype. Throws ShapeError where r does not
 * divide the height and the width.
 *
 * @example
 * nn.functional.pixelUnshuffle(tensor([[[1, 2], [3, 4]]]), 2).shape; // [4, 1, 1]
 */
export const pixelUnshuffle: RearrangedFunction = described(
  'nn.functional.pixelUnshuffle',
  (input: Tensor, downscaleFactor: number): Tensor => {
    const name = 'nn.functional.pixelUnshuffle';
    const r = requireFactor(name, 'downscaleFactor', downscaleFactor);
    const [outer, channels, height, width] = imageOf(name, input);
    if (height % r !== 0 || width % r !== 0)
      throw new ShapeError(`${name}: height and width of ${formatShape(input.shape)} are no multiples of ${r}`);
    const n = outer.length;
    return applyOne(unshuffleOperator, [input], {
      cut: [...outer, channels, height / r, r, width / r, r],
      order: [...outer.keys(), n, n + 2, n + 4, n + 1, n + 3],
      shape: [...outer, channels * r * r, height / r, width / r],
    });
  },
  {
    signature: 'input, downscale_factor',
    tensors: 1,
    samples: [{ args: [t([1, 4, 6]), 2] }, { args: [t([2, 1, 2, 4, 2]), 2] }],
    bad: [{ args: [t([1, 3, 2]), 2], error: /no multiples of 2/ }],
  },
);

/**
 * Channels cut into `groups` and dealt out one from each in turn: `input` [N, C, …] of any dtype.
 * Zhang et al., "ShuffleNet", 2018.
 *
 * @example
 * nn.functional.channelShuffle(tensor([[[1], [2], [3], [4]]]), 2); // tensor([[[1.], [3.], [2.], [4.]]])
 */
export const channelShuffle: RearrangedFunction = described(
  'nn.functional.channelShuffle',
  (input: Tensor, groups: number): Tensor => {
    const name = 'nn.functional.channelShuffle';
    const count = requireFactor(name, 'groups', groups);
    if (input.ndim < 3) throw new ShapeError(`${name}: input must have at least 3 dimensions, got ${formatShape(input.shape)}`);
    const [n, channels, ...rest] = input.shape as readonly [number, number, ...number[]];
    if (channels % count !== 0)
      throw new ShapeError(`${name}: ${count} groups do not divide the ${channels} channels of ${formatShape(input.shape)}`);
    return applyOne(channelOperator, [input], {
      cut: [n, count, channels / count, ...rest],
      order: [0, 2, 1, ...rest.map((_, d) => d + 3)],
      shape: input.shape,
    });
  },
  {
    signature: 'input, groups',
    tensors: 1,
    samples: [{ args: [t([1, 6, 2]), 3] }, { args: [t([2, 4, 2, 2]), 2] }],
    bad: [{ args: [t([1, 5, 2]), 2], error: /do not divide/ }],
  },
);

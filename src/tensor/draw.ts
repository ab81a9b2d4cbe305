import { mode } from './modes.ts';
import type { Tensor } from './tensor.ts';

/** A new tensor of random numbers: `sample` makes it from `inputs`, all of that shape; while vmap runs, as its randomness says. */
export function draw(
  name: string,
  inputs: readonly Tensor[],
  shape: readonly number[],
  sample: (inputs: readonly Tensor[], shape: readonly number[]) => Tensor,
): Tensor {
  return mode.randomness === null ? sample(inputs, shape) : mode.randomness.draw(name, inputs, shape, sample);
}

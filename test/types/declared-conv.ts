/** Convolution layers that exist in types only, until the library has them: their shape functions are tested through `Sequential`. */
import { nn } from 'nabla';
import type { Conv2dFunction, PerDim, Pool2dFunction } from '../../src/shape/types.ts';

export declare class Conv2d<
  I extends number,
  O extends number,
  const K extends PerDim,
  const Stride extends PerDim = 1,
  const P extends PerDim | 'same' | 'valid' = 0,
  const D extends PerDim = 1,
> extends nn.Layer<Conv2dFunction<I, O, K, Stride, P, D>> {
  constructor(inChannels: I, outChannels: O, kernelSize: K, options?: { stride?: Stride; padding?: P; dilation?: D });
  protected override run(): never;
}
export declare class MaxPool2d<const K extends PerDim, const Stride extends PerDim = K, const P extends PerDim = 0> extends nn.Layer<
  Pool2dFunction<K, Stride, P>
> {
  constructor(kernelSize: K, options?: { stride?: Stride; padding?: P });
  protected override run(): never;
}

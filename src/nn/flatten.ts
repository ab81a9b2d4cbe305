import { flatten, unflatten } from '../ops/reshaping.ts';
import type { FlattenFunction, UnflattenFunction } from '../shape/types.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Layer } from './layer.ts';

/**
 * Makes one dimension of several; by default all but the first.
 *
 * @example
 * new Flatten().forward(ones([2, 3, 4])).shape; // [2, 12]
 */
export class Flatten<const A extends number = 1, const B extends number = -1> extends Layer<FlattenFunction<A, B>> {
  static readonly signature: string = 'start_dim?, end_dim?';
  readonly startDim: number;
  readonly endDim: number;
  constructor(startDim?: A, endDim?: B) {
    super();
    this.startDim = startDim ?? 1;
    this.endDim = endDim ?? -1;
  }
  protected override run(input: Tensor): Tensor {
    return flatten(input, this.startDim, this.endDim);
  }
}

/**
 * Makes several dimensions of one.
 *
 * @example
 * new nn.Unflatten(1, [2, 3]).forward(ones([5, 6])).shape; // [5, 2, 3]
 */
export class Unflatten<const I extends number, const N extends readonly number[]> extends Layer<UnflattenFunction<I, N>> {
  static readonly signature: string = 'dim, unflattened_size';
  readonly dim: number;
  readonly unflattenedSize: readonly number[];
  constructor(dim: I, unflattenedSize: N) {
    super();
    this.dim = dim;
    this.unflattenedSize = unflattenedSize;
  }
  protected override run(input: Tensor): Tensor {
    return unflatten(input, this.dim, this.unflattenedSize);
  }
}

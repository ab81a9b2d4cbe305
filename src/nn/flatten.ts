import { flatten, unflatten } from '../ops/reshaping.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';

/**
 * Makes one dimension of several; by default all but the first.
 *
 * @example
 * new Flatten().forward(ones([2, 3, 4])).shape; // [2, 12]
 */
export class Flatten extends Module {
  static readonly signature = 'start_dim?, end_dim?';
  readonly startDim: number;
  readonly endDim: number;
  constructor(startDim = 1, endDim = -1) {
    super();
    this.startDim = startDim;
    this.endDim = endDim;
  }
  forward(input: Tensor): Tensor {
    return flatten(input, this.startDim, this.endDim);
  }
}

/** Makes several dimensions of one. */
export class Unflatten extends Module {
  static readonly signature = 'dim, unflattened_size';
  readonly dim: number;
  readonly unflattenedSize: readonly number[];
  constructor(dim: number, unflattenedSize: readonly number[]) {
    super();
    this.dim = dim;
    this.unflattenedSize = unflattenedSize;
  }
  forward(input: Tensor): Tensor {
    return unflatten(input, this.dim, this.unflattenedSize);
  }
}

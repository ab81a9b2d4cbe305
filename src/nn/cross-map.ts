import { add, mul } from '../ops/arithmetic.ts';
import { resample, tapsOf } from '../ops/nn/resample.ts';
import { pow } from '../ops/power.ts';
import { formatShape } from '../shape/shape.ts';
import type { IdentityFunction } from '../shape/types.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { requireSizes } from './empty-parameter.ts';
import { Layer } from './layer.ts';
import { describeOptions } from './repr.ts';

/** Options of `CrossMapLRN2d`. */
export interface CrossMapOptions {
  readonly alpha?: number;
  readonly beta?: number;
  readonly k?: number;
}

/**
 * x · (k + alpha / size · Σ x²)^-beta over neighbouring channels of [N, C, H, W]: the older form of `LocalResponseNorm`. As in PyTorch, the window has an odd number of
 * channels, and the first channel never leaves it.
 *
 * @example
 * new nn.CrossMapLRN2d(1, { alpha: 1, beta: 1, k: 1 }).forward(ones([1, 1, 1, 1])); // tensor([[[[0.5000]]]])
 */
export class CrossMapLRN2d extends Layer<IdentityFunction> {
  static readonly signature: string = 'size, *, alpha, beta, k';
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(size: number, options: CrossMapOptions = {}) {
    super(options);
    requireSizes('CrossMapLRN2d', { size });
    this.size = size;
    this.alpha = options.alpha ?? 1e-4;
    this.beta = options.beta ?? 0.75;
    this.k = options.k ?? 1;
  }

  protected override run(input: Tensor): Tensor {
    if (input.ndim !== 4) throw new ShapeError(`CrossMapLRN2d: input must have 4 dimensions, got ${formatShape(input.shape)}`);
    const channels = input.shape[1] as number;
    const reach = Math.floor((this.size - 1) / 2 + 1);
    const taps = tapsOf(channels, channels, function* (c) {
      if (c >= reach && channels > 0) yield [0, 1];
      for (let at = Math.max(c - reach + 1, 0); at < Math.min(c + reach, channels); at++) yield [at, 1];
    });
    const sums = resample(mul(input, input), 1, taps);
    return mul(input, pow(add(mul(sums, this.alpha / this.size), this.k), -this.beta));
  }

  override extraRepr(): string {
    const { alpha, beta, k } = this;
    return `${this.size}, ${describeOptions({ alpha, beta, k })}`;
  }
}

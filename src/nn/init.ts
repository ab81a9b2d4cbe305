import { fillTensor } from '../ops/create.ts';
import { normal_ as drawNormal, uniform_ as drawUniform } from '../ops/random.ts';
import { formatShape } from '../shape/shape.ts';
import { withGradMode } from '../tensor/modes.ts';
import { markWritten } from '../tensor/inplace.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';

/** Ways to initialise parameters, in place and without a trace on the tape; each returns its tensor. */

/** Fills with uniform numbers from [a, b). */
export function uniform_(tensor: Tensor, a = 0, b = 1): Tensor {
  return withGradMode(false, () => drawUniform(tensor, a, b));
}

/** Fills with normal numbers. */
export function normal_(tensor: Tensor, mean = 0, std = 1): Tensor {
  return withGradMode(false, () => drawNormal(tensor, mean, std));
}

/** Fills with one value. */
export function constant_(tensor: Tensor, value: number): Tensor {
  fillTensor(tensor, value);
  markWritten(tensor, 'fill_');
  return tensor;
}

export function zeros_(tensor: Tensor): Tensor {
  return constant_(tensor, 0);
}

export function ones_(tensor: Tensor): Tensor {
  return constant_(tensor, 1);
}

/** The recommended factor of a weight's standard deviation before a nonlinearity. */
export function calculateGain(nonlinearity: string, param: number | null = null): number {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.sqrt(2);
    case 'leakyRelu':
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + (param ?? 0.01) ** 2));
    case 'selu':
      return 3 / 4;
    case 'linear':
    case 'sigmoid':
    case 'conv1d':
    case 'conv2d':
    case 'conv3d':
      return 1;
    default:
      throw new ArgumentError(`calculateGain: unknown nonlinearity '${nonlinearity}'`);
  }
}

/** How many inputs and outputs one unit of a weight has: sizes beyond the first two are the receptive field. */
export function calculateFans(tensor: Tensor): { fanIn: number; fanOut: number } {
  if (tensor.ndim < 2) throw new ShapeError(`init: fan in and fan out need at least 2 dimensions, got ${formatShape(tensor.shape)}`);
  const field = tensor.shape.slice(2).reduce((a, b) => a * b, 1);
  return { fanIn: (tensor.shape[1] as number) * field, fanOut: (tensor.shape[0] as number) * field };
}

export interface KaimingOptions {
  /** Slope of the leaky rectifier that follows. */
  readonly a?: number;
  readonly mode?: 'fan_in' | 'fan_out';
  readonly nonlinearity?: string;
}

function kaimingStd(tensor: Tensor, { a = 0, mode = 'fan_in', nonlinearity = 'leaky_relu' }: KaimingOptions): number {
  const { fanIn, fanOut } = calculateFans(tensor);
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut);
}

/** He initialisation, uniform (He et al., "Delving deep into rectifiers", 2015). */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd(tensor, options);
  return uniform_(tensor, -bound, bound);
}

/** He initialisation, normal. */
export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  return normal_(tensor, 0, kaimingStd(tensor, options));
}

/** Glorot initialisation, uniform (Glorot and Bengio, 2010). */
export function xavierUniform_(tensor: Tensor, { gain = 1 }: { readonly gain?: number } = {}): Tensor {
  const { fanIn, fanOut } = calculateFans(tensor);
  const bound = Math.sqrt(3) * gain * Math.sqrt(2 / (fanIn + fanOut));
  return uniform_(tensor, -bound, bound);
}

/** Glorot initialisation, normal. */
export function xavierNormal_(tensor: Tensor, { gain = 1 }: { readonly gain?: number } = {}): Tensor {
  const { fanIn, fanOut } = calculateFans(tensor);
  return normal_(tensor, 0, gain * Math.sqrt(2 / (fanIn + fanOut)));
}

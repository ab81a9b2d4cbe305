import type { DType } from '../dtype/dtype.ts';
import type { ToFloat } from '../dtype/types.ts';
import { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d } from '../ops/nn/convolution.ts';
import { perDim } from '../ops/nn/window-arguments.ts';
import { type PadMode, pad } from '../ops/padding.ts';
import type { DTypeOf, ShapeOf } from '../ops/types.ts';
import { formatShape } from '../shape/shape.ts';
import type {
  Apply,
  Arg,
  Conv1dFunction,
  Conv2dFunction,
  Conv3dFunction,
  ConvTranspose1dFunction,
  ConvTranspose2dFunction,
  ConvTranspose3dFunction,
  Out,
  PerDim,
  ShapeFunction,
} from '../shape/types.ts';
import { describeValue } from '../tensor/messages.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { emptyParameter, requireSizes } from './empty-parameter.ts';
import * as init from './init.ts';
import { Layer } from './layer.ts';
import { describeOptions } from './repr.ts';

type Padding = PerDim | 'same' | 'valid';
/** An operator of this family, of whatever number of dimensions: shapes and dtypes are checked by it. */
type Convolve = (input: Tensor, weight: Tensor, bias: Tensor | null, options: object) => Tensor;
type Border = 'zeros' | Exclude<PadMode, 'constant'>;

/** Options of convolution layers. */
export interface ConvOptions<S extends PerDim, P extends Padding, D extends PerDim> {
  /** Steps from one window to the next. Default 1. */
  readonly stride?: S;
  /** Elements around the input: numbers, 'valid' for none, or 'same' for as many as keep its size. Default 0. */
  readonly padding?: P;
  /** Steps from one element of a window to the next. Default 1. */
  readonly dilation?: D;
  /** The channels are cut into this many parts that do not see each other. Default 1. */
  readonly groups?: number;
  /** Learn an offset for each channel. Default true. */
  readonly bias?: boolean;
  /** What the padding is made of. Default 'zeros'. */
  readonly paddingMode?: Border;
  readonly dtype?: DType | null;
}

/** Options of transposed convolution layers. */
export interface ConvTransposeOptions<S extends PerDim, P extends PerDim, OP extends PerDim, D extends PerDim>
  extends ConvOptions<S, P, D> {
  /** Elements added at the end of each dimension, to tell apart sizes that a stride makes equal. Default 0. */
  readonly outputPadding?: OP;
  readonly paddingMode?: 'zeros';
}

/** What all of them have. `weight` and `bias` start uniform within ±1/√(elements of a window), as in PyTorch. */
abstract class Convolution<F extends ShapeFunction> extends Layer<F> {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same' | 'valid';
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly paddingMode: Border;
  weight: Tensor;
  bias: Tensor | null;

  constructor(
    dims: number,
    transposed: boolean,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDim,
    options: ConvOptions<PerDim, Padding, PerDim>,
  ) {
    super(options);
    const { name } = new.target;
    requireSizes(name, { inChannels, outChannels });
    const groups = options.groups ?? 1;
    requireWhole(name, 'groups', groups, 1);
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw new ArgumentError(`${name}: ${groups} groups do not divide ${inChannels} input and ${outChannels} output channels`);
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = perDim(name, 'kernelSize', kernelSize, dims, 1);
    this.stride = perDim(name, 'stride', options.stride ?? 1, dims, 1);
    this.dilation = perDim(name, 'dilation', options.dilation ?? 1, dims, 1);
    this.groups = groups;
    this.paddingMode = options.paddingMode ?? 'zeros';
    const modes: readonly Border[] = transposed ? ['zeros'] : ['zeros', 'reflect', 'replicate', 'circular'];
    if (!modes.includes(this.paddingMode))
      throw new ArgumentError(`${name}: paddingMode must be one of ${modes.join(', ')}, got ${describeValue(this.paddingMode)}`);
    const padding = options.padding ?? 0;
    this.padding = padding === 'same' || padding === 'valid' ? padding : perDim(name, 'padding', padding, dims, 0);
    if (padding === 'same' && this.stride.some((step) => step !== 1))
      throw new ArgumentError(`${name}: padding 'same' needs a stride of 1`);
    const channels = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups];
    this.weight = emptyParameter(name, [...channels, ...this.kernelSize], options.dtype ?? null);
    this.bias = (options.bias ?? true) ? emptyParameter(name, [outChannels], options.dtype ?? null) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    init.kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    if (this.bias === null) return;
    const { fanIn } = init.calculateFans(this.weight);
    if (fanIn > 0) init.uniform_(this.bias, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn));
  }

  /** The operator that the layer runs. */
  protected abstract get convolve(): Convolve;

  protected override run(input: Tensor): Tensor {
    const [x, padding] = this.bordered(input);
    const { stride, dilation, groups } = this;
    return this.convolve(x, this.weight, this.bias, { stride, padding, dilation, groups });
  }

  /** The input with a border that is not of zeros, and the padding that is left to the convolution. */
  private bordered(input: Tensor): readonly [Tensor, readonly number[] | 'same' | 'valid'] {
    if (this.paddingMode === 'zeros' || this.padding === 'valid') return [input, this.padding];
    const { padding } = this;
    const sides = this.kernelSize.map((size, d): readonly [number, number] => {
      if (padding !== 'same') return [padding[d] as number, padding[d] as number];
      const total = (this.dilation[d] as number) * (size - 1);
      return [Math.floor(total / 2), total - Math.floor(total / 2)];
    });
    return [pad(input, sides.reverse().flat(), { mode: this.paddingMode }), 'valid'];
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, dilation, groups, bias, paddingMode } = this;
    return `${inChannels}, ${outChannels}, ${describeOptions({ kernelSize, stride, padding, dilation, groups, bias: bias !== null, paddingMode })}`;
  }
}

/**
 * A convolution: each output is the product of a window of the input ([N, C, L] or [C, L]) with a learned kernel. `weight` has shape [outChannels, inChannels / groups, K],
 * `bias` [outChannels] or is null.
 *
 * @example
 * new nn.Conv1d(2, 4, 3).forward(ones([1, 2, 5])).shape; // [1, 4, 3]
 */
export class Conv1d<
  const I extends number = number,
  const O extends number = number,
  const K extends PerDim = PerDim,
  const S extends PerDim = 1,
  const P extends Padding = 0,
  const D extends PerDim = 1,
> extends Convolution<Conv1dFunction<I, O, K, S, P, D>> {
  static readonly signature: string =
    'in_channels, out_channels, kernel_size, *, stride, padding, dilation, groups, bias, padding_mode, dtype';

  constructor(inChannels: I, outChannels: O, kernelSize: K, options: ConvOptions<S, P, D> = {}) {
    super(1, false, inChannels, outChannels, kernelSize, options);
  }

  protected override get convolve(): Convolve {
    return conv1d as Convolve;
  }
}

/**
 * A convolution: each output is the product of a window of the input ([N, C, H, W] or [C, H, W]) with a learned kernel. `weight` has shape [outChannels, inChannels / groups, KH, KW],
 * `bias` [outChannels] or is null.
 *
 * @example
 * new nn.Conv2d(2, 4, 3).forward(ones([1, 2, 5, 5])).shape; // [1, 4, 3, 3]
 */
export class Conv2d<
  const I extends number = number,
  const O extends number = number,
  const K extends PerDim = PerDim,
  const S extends PerDim = 1,
  const P extends Padding = 0,
  const D extends PerDim = 1,
> extends Convolution<Conv2dFunction<I, O, K, S, P, D>> {
  static readonly signature: string =
    'in_channels, out_channels, kernel_size, *, stride, padding, dilation, groups, bias, padding_mode, dtype';

  constructor(inChannels: I, outChannels: O, kernelSize: K, options: ConvOptions<S, P, D> = {}) {
    super(2, false, inChannels, outChannels, kernelSize, options);
  }

  protected override get convolve(): Convolve {
    return conv2d as Convolve;
  }
}

/**
 * A convolution: each output is the product of a window of the input ([N, C, D, H, W] or [C, D, H, W]) with a learned kernel. `weight` has shape [outChannels, inChannels / groups, KD, KH, KW],
 * `bias` [outChannels] or is null.
 *
 * @example
 * new nn.Conv3d(2, 4, 3).forward(ones([1, 2, 5, 5, 5])).shape; // [1, 4, 3, 3, 3]
 */
export class Conv3d<
  const I extends number = number,
  const O extends number = number,
  const K extends PerDim = PerDim,
  const S extends PerDim = 1,
  const P extends Padding = 0,
  const D extends PerDim = 1,
> extends Convolution<Conv3dFunction<I, O, K, S, P, D>> {
  static readonly signature: string =
    'in_channels, out_channels, kernel_size, *, stride, padding, dilation, groups, bias, padding_mode, dtype';

  constructor(inChannels: I, outChannels: O, kernelSize: K, options: ConvOptions<S, P, D> = {}) {
    super(3, false, inChannels, outChannels, kernelSize, options);
  }

  protected override get convolve(): Convolve {
    return conv3d as Convolve;
  }
}

/** What the transposed ones have besides. */
abstract class TransposedConvolution<F extends ShapeFunction> extends Convolution<F> {
  readonly outputPadding: readonly number[];

  constructor(
    dims: number,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDim,
    options: ConvTransposeOptions<PerDim, PerDim, PerDim, PerDim>,
  ) {
    super(dims, true, inChannels, outChannels, kernelSize, options);
    this.outputPadding = perDim(new.target.name, 'outputPadding', options.outputPadding ?? 0, dims, 0);
  }

  /** The output for an input; `outputSize`, with or without batch and channels, says which of the sizes that the stride makes equal is meant. */
  override forward<F extends ShapeFunction, X extends Tensor>(
    this: Layer<F>,
    input: Arg<Apply<F, ShapeOf<X>>, X>,
    outputSize: readonly number[] | null = null,
  ): Tensor<Out<Apply<F, ShapeOf<X>>>, ToFloat<DTypeOf<X>>> {
    const self = this as unknown as TransposedConvolution<F>;
    const x = input as Tensor;
    const result = self.transpose(x, outputSize === null ? self.outputPadding : self.paddingFor(x, outputSize));
    return result as unknown as Tensor<Out<Apply<F, ShapeOf<X>>>, ToFloat<DTypeOf<X>>>;
  }

  protected override run(input: Tensor): Tensor {
    return this.transpose(input, this.outputPadding);
  }

  private transpose(input: Tensor, outputPadding: readonly number[]): Tensor {
    const { stride, padding, dilation, groups } = this;
    return this.convolve(input, this.weight, this.bias, { stride, padding, outputPadding, dilation, groups });
  }

  /** The output padding that leads to a size. */
  private paddingFor(input: Tensor, outputSize: readonly number[]): number[] {
    const dims = this.kernelSize.length;
    const { name } = this.constructor;
    const wanted = outputSize.slice(outputSize.length === dims ? 0 : input.ndim - dims);
    if (wanted.length !== dims)
      throw new ArgumentError(`${name}: outputSize must have ${dims} or ${input.ndim} entries, got ${outputSize.length}`);
    return wanted.map((size, d) => {
      const smallest =
        ((input.shape[input.ndim - dims + d] as number) - 1) * (this.stride[d] as number) -
        2 * ((this.padding as readonly number[])[d] as number) +
        (this.dilation[d] as number) * ((this.kernelSize[d] as number) - 1) +
        1;
      if (size < smallest || size > smallest + (this.stride[d] as number) - 1)
        throw new ShapeError(
          `${name}: outputSize ${formatShape(outputSize)} does not fit: dimension ${d} must lie between ${smallest} and ${smallest + (this.stride[d] as number) - 1}`,
        );
      return size - smallest;
    });
  }
}

/**
 * The transpose of a convolution: each element of the input ([N, C, L] or [C, L]) is spread over a window of the output. `weight` has shape
 * [inChannels, outChannels / groups, K], `bias` [outChannels] or is null.
 *
 * @example
 * new nn.ConvTranspose1d(2, 4, 2, { stride: 2 }).forward(ones([1, 2, 3])).shape; // [1, 4, 6]
 */
export class ConvTranspose1d<
  const I extends number = number,
  const O extends number = number,
  const K extends PerDim = PerDim,
  const S extends PerDim = 1,
  const P extends PerDim = 0,
  const OP extends PerDim = 0,
  const D extends PerDim = 1,
> extends TransposedConvolution<ConvTranspose1dFunction<I, O, K, S, P, OP, D>> {
  static readonly signature: string =
    'in_channels, out_channels, kernel_size, *, stride, padding, output_padding, groups, bias, dilation, padding_mode, dtype';
  static readonly forwardSignature: string = 'input, output_size?';

  constructor(inChannels: I, outChannels: O, kernelSize: K, options: ConvTransposeOptions<S, P, OP, D> = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }

  protected override get convolve(): Convolve {
    return convTranspose1d as Convolve;
  }
}

/**
 * The transpose of a convolution: each element of the input ([N, C, H, W] or [C, H, W]) is spread over a window of the output. `weight` has shape
 * [inChannels, outChannels / groups, KH, KW], `bias` [outChannels] or is null.
 *
 * @example
 * new nn.ConvTranspose2d(2, 4, 2, { stride: 2 }).forward(ones([1, 2, 3, 3])).shape; // [1, 4, 6, 6]
 */
export class ConvTranspose2d<
  const I extends number = number,
  const O extends number = number,
  const K extends PerDim = PerDim,
  const S extends PerDim = 1,
  const P extends PerDim = 0,
  const OP extends PerDim = 0,
  const D extends PerDim = 1,
> extends TransposedConvolution<ConvTranspose2dFunction<I, O, K, S, P, OP, D>> {
  static readonly signature: string =
    'in_channels, out_channels, kernel_size, *, stride, padding, output_padding, groups, bias, dilation, padding_mode, dtype';
  static readonly forwardSignature: string = 'input, output_size?';

  constructor(inChannels: I, outChannels: O, kernelSize: K, options: ConvTransposeOptions<S, P, OP, D> = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }

  protected override get convolve(): Convolve {
    return convTranspose2d as Convolve;
  }
}

/**
 * The transpose of a convolution: each element of the input ([N, C, D, H, W] or [C, D, H, W]) is spread over a window of the output. `weight` has shape
 * [inChannels, outChannels / groups, KD, KH, KW], `bias` [outChannels] or is null.
 *
 * @example
 * new nn.ConvTranspose3d(2, 4, 2, { stride: 2 }).forward(ones([1, 2, 3, 3, 3])).shape; // [1, 4, 6, 6, 6]
 */
export class ConvTranspose3d<
  const I extends number = number,
  const O extends number = number,
  const K extends PerDim = PerDim,
  const S extends PerDim = 1,
  const P extends PerDim = 0,
  const OP extends PerDim = 0,
  const D extends PerDim = 1,
> extends TransposedConvolution<ConvTranspose3dFunction<I, O, K, S, P, OP, D>> {
  static readonly signature: string =
    'in_channels, out_channels, kernel_size, *, stride, padding, output_padding, groups, bias, dilation, padding_mode, dtype';
  static readonly forwardSignature: string = 'input, output_size?';

  constructor(inChannels: I, outChannels: O, kernelSize: K, options: ConvTransposeOptions<S, P, OP, D> = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }

  protected override get convolve(): Convolve {
    return convTranspose3d as Convolve;
  }
}

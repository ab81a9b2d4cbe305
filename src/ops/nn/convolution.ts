import type { Operator } from '../../op/contract.ts';
import { t } from '../../op/contract.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { describeValue } from '../../tensor/messages.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { add } from '../arithmetic.ts';
import { described, makeOperator, requireTensor } from '../family.ts';
import { expand, reshape, sumDimsOperator } from '../structural.ts';
import type { ConvolutionFunctions } from '../types.ts';
import { batchedConvolution, convolutionInput, convolutionOutput, convolutionWeight } from './convolution-core.ts';
import { type ConvolutionGeometry, runInput, runOutput } from './convolution-run.ts';
import { singleOperator } from './single.ts';
import { type PerDim, perDim } from './window-arguments.ts';

type Inputs = readonly Tensor[];

/** The sum over everything but the channels. */
function biasGradient(g: Tensor): Tensor {
  return applyOne(sumDimsOperator, [g], { dims: g.shape.map((_, d) => d).filter((d) => d !== 1), type: g.type });
}

/** A bias [O], or a batch of them, in the shape of the batch of outputs that it is added to. */
function asChannels(bias: Tensor, like: Tensor): Tensor {
  const spatial = like.shape.slice(3).map(() => 1);
  return reshape(bias, bias.ndim === 1 ? [bias.size, ...spatial] : [bias.shape[0] as number, 1, bias.shape[1] as number, ...spatial]);
}

/** A convolution with its bias: one node, one pass. `transposed`: the input is what a convolution's output would be. */
function biasedOperator(name: string, transposed: boolean): Operator<Tensor, ConvolutionGeometry> {
  const product = (x: Tensor, w: Tensor, geometry: ConvolutionGeometry): Tensor =>
    transposed ? convolutionInput(w, x, geometry) : convolutionOutput(x, w, geometry);
  return makeOperator<ConvolutionGeometry>({
    name,
    forward: ([x, w, bias], geometry) =>
      transposed ? runInput(w as Tensor, x as Tensor, bias ?? null, geometry) : runOutput(x as Tensor, w as Tensor, bias ?? null, geometry),
    derivative: {
      kind: 'rules',
      saves: (needs) => ({ inputs: [...(needs[1] === true ? [0] : []), ...(needs[0] === true ? [1] : [])] }),
      vjp: ([given], context) => {
        const g = given as Tensor;
        const { params } = context;
        const input = (): Tensor =>
          transposed ? convolutionOutput(g, context.input(1), params) : convolutionInput(context.input(1), g, params);
        const weight = (): Tensor =>
          transposed ? convolutionWeight(g, context.input(0), params) : convolutionWeight(context.input(0), g, params);
        const grads = [context.needs(0) ? input() : null, context.needs(1) ? weight() : null];
        return context.inputCount > 2 ? [...grads, context.needs(2) ? biasGradient(g) : null] : grads;
      },
    },
    batching: {
      kind: 'rule',
      rule: (inputs, batched, size, geometry) => batchedBiased(product, transposed, inputs, batched, size, geometry),
    },
  });
}

function batchedBiased(
  product: (x: Tensor, w: Tensor, geometry: ConvolutionGeometry) => Tensor,
  transposed: boolean,
  [x, w, bias]: Inputs,
  batched: readonly boolean[],
  size: number,
  geometry: ConvolutionGeometry,
): Tensor {
  const [input, weight] = [x as Tensor, w as Tensor];
  const operands = transposed ? [weight, input] : [input, weight];
  const flags = transposed ? [batched[1] === true, batched[0] === true] : batched.slice(0, 2);
  const plain = flags.every((flag) => !flag);
  const result = plain
    ? product(input, weight, geometry)
    : batchedConvolution(transposed ? 'input' : 'output', operands, flags, size, geometry);
  const whole = plain ? expand(reshape(result, [1, ...result.shape]), [size, ...result.shape]) : result;
  return bias === undefined ? whole : add(whole, asChannels(bias, whole));
}

/** Options of the convolutions. */
export interface ConvolutionOptions<Padding = PerDim | 'same' | 'valid'> {
  /** Steps from one window to the next. */
  readonly stride?: PerDim;
  /** Zeros around the input: numbers, 'valid' for none, or 'same' for as many as keep its size (for a stride of 1). */
  readonly padding?: Padding;
  /** Steps from one element of a window to the next. */
  readonly dilation?: PerDim;
  /** The channels are cut into this many parts; each part of the output sees one part of the input. */
  readonly groups?: number;
}

/** Options of the transposed convolutions. */
export interface TransposedOptions extends ConvolutionOptions<PerDim> {
  /** Elements added at the end of each dimension, to tell apart sizes that a stride makes equal. */
  readonly outputPadding?: PerDim;
}

/** What all convolutions check: dtypes and dimensions. Returns the groups. */
function checkOperands(name: string, dims: number, input: Tensor, weight: Tensor, bias: Tensor | null, groups: unknown): number {
  for (const [role, x] of [
    ['weight', weight],
    ['bias', bias],
  ] as const) {
    if (x === null) continue;
    requireTensor(name, role, x);
    if (x.type !== input.type)
      throw new DTypeError(`${name}: input has dtype ${input.dtype} and ${role} ${x.dtype}: they must be equal, cast one with .to(…)`);
  }
  if (input.type.name === 'bool') throw new DTypeError(`${name}: not defined for dtype bool; cast with .to('float32')`);
  if (input.type.isComplex) throw new DTypeError(`${name}: not defined for dtype ${input.dtype} yet; convolve real and imaginary parts`);
  if (weight.ndim !== dims + 2) throw new ShapeError(`${name}: weight must have ${dims + 2} dimensions, got ${formatShape(weight.shape)}`);
  if (input.ndim !== dims + 1 && input.ndim !== dims + 2)
    throw new ShapeError(`${name}: input must have ${dims + 1} or ${dims + 2} dimensions, got ${formatShape(input.shape)}`);
  if (!Number.isInteger(groups) || (groups as number) < 1)
    throw new ArgumentError(`${name}: groups must be a whole number from 1 on, got ${describeValue(groups)}`);
  if (weight.shape.slice(2).includes(0))
    throw new ShapeError(`${name}: weight ${formatShape(weight.shape)} has no elements in a spatial dimension`);
  return groups as number;
}

function checkBias(name: string, bias: Tensor | null, outputs: number): void {
  if (bias !== null && (bias.ndim !== 1 || bias.size !== outputs))
    throw new ShapeError(`${name}: bias must have shape [${outputs}], one for each output channel, got ${formatShape(bias.shape)}`);
}

/** Zeros before and after each dimension. */
function paddingOf(
  name: string,
  given: unknown,
  geometry: { readonly kernel: readonly number[]; readonly stride: readonly number[]; readonly dilation: readonly number[] },
): readonly (readonly [number, number])[] {
  const dims = geometry.kernel.length;
  if (given === 'valid') return geometry.kernel.map(() => [0, 0] as const);
  if (given === 'same') {
    if (geometry.stride.some((step) => step !== 1)) throw new ArgumentError(`${name}: padding 'same' needs a stride of 1`);
    return geometry.kernel.map((size, d) => {
      const total = (geometry.dilation[d] as number) * (size - 1);
      const before = Math.floor(total / 2);
      return [before, total - before] as const;
    });
  }
  if (typeof given === 'string') throw new ArgumentError(`${name}: padding must be numbers, 'same' or 'valid', got '${given}'`);
  return perDim(name, 'padding', given, dims, 0).map((size) => [size, size] as const);
}

function convolver(dims: 1 | 2 | 3) {
  const name = `nn.functional.conv${dims}d`;
  const operator = biasedOperator(name, false);
  const single = singleOperator(operator);
  return (input: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvolutionOptions = {}): Tensor => {
    const groups = checkOperands(name, dims, input, weight, bias, options.groups ?? 1);
    const [outputs, each, ...kernel] = weight.shape as readonly [number, number, ...number[]];
    const stride = perDim(name, 'stride', options.stride ?? 1, dims, 1);
    const dilation = perDim(name, 'dilation', options.dilation ?? 1, dims, 1);
    const padding = paddingOf(name, options.padding ?? 0, { kernel, stride, dilation });
    const sizes = input.shape.slice(input.ndim - dims);
    const channels = input.shape[input.ndim - dims - 1] as number;
    if (channels !== each * groups) {
      throw new ShapeError(
        `${name}: expected ${each * groups} input channels for weight ${formatShape(weight.shape)} in ${groups} groups, got ${channels} in ${formatShape(input.shape)}`,
      );
    }
    if (outputs % groups !== 0)
      throw new ShapeError(`${name}: ${groups} groups do not divide the ${outputs} output channels of weight ${formatShape(weight.shape)}`);
    checkBias(name, bias, outputs);
    const output = sizes.map((size, d) => {
      const room = size + (padding[d] as readonly [number, number])[0] + (padding[d] as readonly [number, number])[1];
      const reach = (dilation[d] as number) * ((kernel[d] as number) - 1) + 1;
      if (reach > room)
        throw new ShapeError(
          `${name}: a kernel that reaches over ${reach} elements is larger than the padded input, ${room} in dimension ${d} of ${formatShape(sizes)}`,
        );
      return Math.floor((room - reach) / (stride[d] as number)) + 1;
    });
    const geometry: ConvolutionGeometry = {
      input: sizes,
      kernel,
      output,
      stride,
      padding: padding.map(([before]) => before),
      dilation,
      groups,
    };
    return applyOne(input.ndim === dims + 2 ? operator : single, bias === null ? [input, weight] : [input, weight, bias], geometry);
  };
}

function transposedConvolver(dims: 1 | 2 | 3) {
  const name = `nn.functional.convTranspose${dims}d`;
  const operator = biasedOperator(name, true);
  const single = singleOperator(operator);
  return (input: Tensor, weight: Tensor, bias: Tensor | null = null, options: TransposedOptions = {}): Tensor => {
    const groups = checkOperands(name, dims, input, weight, bias, options.groups ?? 1);
    const [inputs, each, ...kernel] = weight.shape as readonly [number, number, ...number[]];
    const stride = perDim(name, 'stride', options.stride ?? 1, dims, 1);
    const dilation = perDim(name, 'dilation', options.dilation ?? 1, dims, 1);
    const padding = perDim(name, 'padding', options.padding ?? 0, dims, 0);
    const extra = perDim(name, 'outputPadding', options.outputPadding ?? 0, dims, 0);
    extra.forEach((more, d) => {
      if (more >= (stride[d] as number) && more >= (dilation[d] as number))
        throw new ArgumentError(
          `${name}: outputPadding must be smaller than the stride or the dilation, got ${more} with stride ${stride[d]} and dilation ${dilation[d]}`,
        );
    });
    const sizes = input.shape.slice(input.ndim - dims);
    const channels = input.shape[input.ndim - dims - 1] as number;
    if (channels !== inputs)
      throw new ShapeError(
        `${name}: expected ${inputs} input channels for weight ${formatShape(weight.shape)}, got ${channels} in ${formatShape(input.shape)}`,
      );
    if (inputs % groups !== 0) throw new ShapeError(`${name}: ${groups} groups do not divide the ${inputs} input channels`);
    checkBias(name, bias, each * groups);
    const output = sizes.map((size, d) => {
      const total =
        (size - 1) * (stride[d] as number) -
        2 * (padding[d] as number) +
        (dilation[d] as number) * ((kernel[d] as number) - 1) +
        (extra[d] as number) +
        1;
      if (total < 1)
        throw new ShapeError(
          `${name}: the padding takes more than there is: dimension ${d} of ${formatShape(sizes)} would become ${total}`,
        );
      return total;
    });
    // The geometry is that of the convolution whose transpose this is: input and output have changed places.
    const geometry: ConvolutionGeometry = { input: output, kernel, output: sizes, stride, padding, dilation, groups };
    return applyOne(input.ndim === dims + 2 ? operator : single, bias === null ? [input, weight] : [input, weight, bias], geometry);
  };
}

/**
 * Cross-correlation with a learned kernel: `input` [N, C, L] or [C, L], `weight` [O, C / groups, K], `bias` [O] or null, of one real dtype; each output is
 * the product of the weight with a window of the input. Throws ShapeError where the channels do not match, or the kernel is larger than the padded input.
 *
 * @example
 * nn.functional.conv1d(tensor([[1, 2, 3]]), tensor([[[1, -1]]])); // tensor([[-1., -1.]])
 */
export const conv1d: ConvolutionFunctions['conv1d'] = described('nn.functional.conv1d', convolver(1), {
  signature: 'input, weight, bias?, *, stride, padding, dilation, groups',
  tensors: 1,
  samples: [
    { args: [t([1, 2, 6]), t([3, 2, 3]), t([3])] },
    { args: [t([2, 6]), t([3, 2, 3]), null, { stride: 2, padding: 1 }] },
    { args: [t([2, 4, 6]), t([2, 2, 3]), t([2]), { dilation: 2, groups: 2, padding: 2 }] },
    { args: [t([1, 2, 6]), t([3, 2, 3]), null, { padding: 'same' }] },
  ],
  bad: [
    { args: [t([1, 3, 6]), t([3, 2, 3])], error: /expected 2 input channels/ },
    { args: [t([1, 2, 6]), t([3, 2, 3], { dtype: 'float64' })], error: /float32 and weight float64/ },
    { args: [t([1, 2, 6]), t([3, 2, 3]), null, { stride: 0 }], error: /stride must be whole numbers from 1/ },
  ],
});

/**
 * Cross-correlation with a learned kernel: `input` [N, C, H, W] or [C, H, W], `weight` [O, C / groups, KH, KW], `bias` [O] or null, of one real dtype; each output is
 * the product of the weight with a window of the input. Throws ShapeError where the channels do not match, or the kernel is larger than the padded input.
 *
 * @example
 * nn.functional.conv2d(ones([1, 1, 3, 3]), ones([1, 1, 2, 2])); // tensor([[[[4., 4.], [4., 4.]]]])
 */
export const conv2d: ConvolutionFunctions['conv2d'] = described('nn.functional.conv2d', convolver(2), {
  signature: 'input, weight, bias?, *, stride, padding, dilation, groups',
  tensors: 1,
  samples: [
    { args: [t([1, 2, 5, 4]), t([3, 2, 3, 2]), t([3])] },
    { args: [t([2, 5, 4]), t([3, 2, 3, 2]), null, { stride: [2, 1], padding: [1, 0] }] },
    { args: [t([2, 4, 5, 4]), t([2, 2, 3, 2]), t([2]), { dilation: 2, groups: 2, padding: 2 }] },
    { args: [t([1, 2, 5, 4]), t([3, 2, 3, 2]), null, { padding: 'same' }] },
  ],
  bad: [
    { args: [t([1, 3, 5, 4]), t([3, 2, 3, 2])], error: /expected 2 input channels/ },
    { args: [t([1, 2, 5, 4]), t([3, 2, 3, 2], { dtype: 'float64' })], error: /float32 and weight float64/ },
    { args: [t([1, 2, 5, 4]), t([3, 2, 3, 2]), null, { stride: 0 }], error: /stride must be whole numbers from 1/ },
  ],
});

/**
 * Cross-correlation with a learned kernel: `input` [N, C, D, H, W] or [C, D, H, W], `weight` [O, C / groups, KD, KH, KW], `bias` [O] or null, of one real dtype; each output is
 * the product of the weight with a window of the input. Throws ShapeError where the channels do not match, or the kernel is larger than the padded input.
 *
 * @example
 * nn.functional.conv3d(ones([1, 1, 3, 3, 3]), ones([1, 1, 2, 2, 2])).shape; // [1, 1, 2, 2, 2]
 */
export const conv3d: ConvolutionFunctions['conv3d'] = described('nn.functional.conv3d', convolver(3), {
  signature: 'input, weight, bias?, *, stride, padding, dilation, groups',
  tensors: 1,
  samples: [
    { args: [t([1, 2, 3, 4, 3]), t([3, 2, 2, 2, 1]), t([3])] },
    { args: [t([2, 3, 4, 3]), t([3, 2, 2, 2, 1]), null, { stride: [1, 2, 1], padding: 1 }] },
    { args: [t([2, 4, 3, 4, 3]), t([2, 2, 2, 2, 1]), t([2]), { dilation: 1, groups: 2, padding: 2 }] },
    { args: [t([1, 2, 3, 4, 3]), t([3, 2, 2, 2, 1]), null, { padding: 'same' }] },
  ],
  bad: [
    { args: [t([1, 3, 3, 4, 3]), t([3, 2, 2, 2, 1])], error: /expected 2 input channels/ },
    { args: [t([1, 2, 3, 4, 3]), t([3, 2, 2, 2, 1], { dtype: 'float64' })], error: /float32 and weight float64/ },
    { args: [t([1, 2, 3, 4, 3]), t([3, 2, 2, 2, 1]), null, { stride: 0 }], error: /stride must be whole numbers from 1/ },
  ],
});

/**
 * The transpose of `conv1d`: `input` [N, C, L] or [C, L], `weight` [C, O / groups, K], `bias` [O] or null, of one real dtype; each element of the
 * input is spread over a window of the output, times the weight. `outputPadding` adds to the size at the end. Throws ShapeError where the channels do not match.
 *
 * @example
 * nn.functional.convTranspose1d(ones([1, 1, 2]), ones([1, 1, 2]), null, { stride: 2 }).shape; // [1, 1, 4]
 */
export const convTranspose1d: ConvolutionFunctions['convTranspose1d'] = described('nn.functional.convTranspose1d', transposedConvolver(1), {
  signature: 'input, weight, bias?, *, stride, padding, output_padding, groups, dilation',
  tensors: 1,
  samples: [
    { args: [t([1, 2, 6]), t([2, 3, 3]), t([3])] },
    { args: [t([2, 6]), t([2, 3, 3]), null, { stride: 2, padding: 1, outputPadding: 1 }] },
    { args: [t([2, 4, 6]), t([4, 1, 3]), t([2]), { dilation: 2, groups: 2, padding: 0 }] },
  ],
  bad: [
    { args: [t([1, 3, 6]), t([2, 3, 3])], error: /expected 2 input channels/ },
    { args: [t([1, 2, 6]), t([2, 3, 3], { dtype: 'float64' })], error: /float32 and weight float64/ },
    { args: [t([1, 2, 6]), t([2, 3, 3]), null, { stride: 0 }], error: /stride must be whole numbers from 1/ },
  ],
});

/**
 * The transpose of `conv2d`: `input` [N, C, H, W] or [C, H, W], `weight` [C, O / groups, KH, KW], `bias` [O] or null, of one real dtype; each element of the
 * input is spread over a window of the output, times the weight. `outputPadding` adds to the size at the end. Throws ShapeError where the channels do not match.
 *
 * @example
 * nn.functional.convTranspose2d(ones([1, 1, 2, 2]), ones([1, 1, 2, 2]), null, { stride: 2 }).shape; // [1, 1, 4, 4]
 */
export const convTranspose2d: ConvolutionFunctions['convTranspose2d'] = described('nn.functional.convTranspose2d', transposedConvolver(2), {
  signature: 'input, weight, bias?, *, stride, padding, output_padding, groups, dilation',
  tensors: 1,
  samples: [
    { args: [t([1, 2, 5, 4]), t([2, 3, 3, 2]), t([3])] },
    { args: [t([2, 5, 4]), t([2, 3, 3, 2]), null, { stride: [2, 1], padding: [1, 0], outputPadding: [1, 0] }] },
    { args: [t([2, 4, 5, 4]), t([4, 1, 3, 2]), t([2]), { dilation: 2, groups: 2, padding: 0 }] },
  ],
  bad: [
    { args: [t([1, 3, 5, 4]), t([2, 3, 3, 2])], error: /expected 2 input channels/ },
    { args: [t([1, 2, 5, 4]), t([2, 3, 3, 2], { dtype: 'float64' })], error: /float32 and weight float64/ },
    { args: [t([1, 2, 5, 4]), t([2, 3, 3, 2]), null, { stride: 0 }], error: /stride must be whole numbers from 1/ },
  ],
});

/**
 * The transpose of `conv3d`: `input` [N, C, D, H, W] or [C, D, H, W], `weight` [C, O / groups, KD, KH, KW], `bias` [O] or null, of one real dtype; each element of the
 * input is spread over a window of the output, times the weight. `outputPadding` adds to the size at the end. Throws ShapeError where the channels do not match.
 *
 * @example
 * nn.functional.convTranspose3d(ones([1, 1, 2, 2, 2]), ones([1, 1, 2, 2, 2]), null, { stride: 2 }).shape; // [1, 1, 4, 4, 4]
 */
export const convTranspose3d: ConvolutionFunctions['convTranspose3d'] = described('nn.functional.convTranspose3d', transposedConvolver(3), {
  signature: 'input, weight, bias?, *, stride, padding, output_padding, groups, dilation',
  tensors: 1,
  samples: [
    { args: [t([1, 2, 3, 4, 3]), t([2, 3, 2, 2, 1]), t([3])] },
    { args: [t([2, 3, 4, 3]), t([2, 3, 2, 2, 1]), null, { stride: [1, 2, 1], padding: 1, outputPadding: [0, 1, 0] }] },
    { args: [t([2, 4, 3, 4, 3]), t([4, 1, 2, 2, 1]), t([2]), { dilation: 1, groups: 2, padding: 0 }] },
  ],
  bad: [
    { args: [t([1, 3, 3, 4, 3]), t([2, 3, 2, 2, 1])], error: /expected 2 input channels/ },
    { args: [t([1, 2, 3, 4, 3]), t([2, 3, 2, 2, 1], { dtype: 'float64' })], error: /float32 and weight float64/ },
    { args: [t([1, 2, 3, 4, 3]), t([2, 3, 2, 2, 1]), null, { stride: 0 }], error: /stride must be whole numbers from 1/ },
  ],
});

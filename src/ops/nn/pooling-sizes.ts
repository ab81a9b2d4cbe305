import { formatShape } from '../../shape/shape.ts';
import { describeValue } from '../../tensor/messages.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { requireTensor } from '../family.ts';
import { type PerDim, perDim } from './window-arguments.ts';

/** The windows of a pooling, as they are asked for. */
export interface WindowOptions {
  /** Steps from one window to the next; by default the size of the windows. */
  readonly stride?: PerDim | null;
  /** Elements around the input that belong to windows, at most half of their size. */
  readonly padding?: PerDim;
  readonly dilation?: PerDim;
  /** A last window that the input does not fill counts. */
  readonly ceilMode?: boolean;
}

/** The windows of one dimension. */
export interface WindowSizes {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly output: number;
}

/** Refuses anything but `dims` spatial dimensions behind channels, with or without a batch, and an empty one but that of the batch. */
export function checkPooled(name: string, input: Tensor, dims: number): void {
  requireTensor(name, 'input', input);
  if (input.type.isComplex || input.type.name === 'bool') throw new DTypeError(`${name}: not defined for dtype ${input.dtype}`);
  const { shape } = input;
  if (input.ndim !== dims + 1 && input.ndim !== dims + 2)
    throw new ShapeError(`${name}: input must have ${dims + 1} or ${dims + 2} dimensions, got ${formatShape(shape)}`);
  if (shape.slice(input.ndim - dims - 1).includes(0))
    throw new ShapeError(`${name}: only the batch may be empty, got an input of ${formatShape(shape)}`);
}

/** The windows over the last `dims` dimensions. Throws ArgumentError for sizes that are none, ShapeError where the input is too small. */
export function windowSizes(name: string, input: Tensor, kernelSize: unknown, dims: number, options: WindowOptions): WindowSizes[] {
  const kernel = perDim(name, 'kernelSize', kernelSize, dims, 1);
  const stride =
    options.stride === null || options.stride === undefined || isEmpty(options.stride)
      ? kernel
      : perDim(name, 'stride', options.stride, dims, 1);
  const padding = perDim(name, 'padding', options.padding ?? 0, dims, 0);
  const dilation = perDim(name, 'dilation', options.dilation ?? 1, dims, 1);
  if (options.ceilMode !== undefined && typeof options.ceilMode !== 'boolean')
    throw new ArgumentError(`${name}: ceilMode must be a boolean, got ${describeValue(options.ceilMode)}`);
  const sizes = input.shape.slice(input.ndim - dims);
  return sizes.map((size, d) => {
    const one = {
      size,
      kernel: kernel[d] as number,
      stride: stride[d] as number,
      padding: padding[d] as number,
      dilation: dilation[d] as number,
    };
    const reach = one.dilation * (one.kernel - 1) + 1;
    if (one.padding > reach / 2)
      throw new ArgumentError(`${name}: padding must be at most half of the window, got ${one.padding} for a window of ${reach} elements`);
    const output = outputSize(one, reach, options.ceilMode ?? false);
    if (output < 1)
      throw new ShapeError(
        `${name}: a window of ${reach} elements is larger than the padded input in dimension ${d} of ${formatShape(sizes)}`,
      );
    return { ...one, output };
  });
}

function isEmpty(stride: PerDim): boolean {
  return Array.isArray(stride) && stride.length === 0;
}

function outputSize({ size, stride, padding }: Omit<WindowSizes, 'output'>, reach: number, ceil: boolean): number {
  const room = size + 2 * padding - reach;
  const output = Math.floor((room + (ceil ? stride - 1 : 0)) / stride) + 1;
  // A last window begins inside of the input or its padding before.
  return ceil && (output - 1) * stride >= size + padding ? output - 1 : output;
}

/** Sizes for adaptive pooling: null keeps a dimension as it is. */
export function adaptiveSizes(name: string, input: Tensor, given: unknown, dims: number): number[] {
  const sizes = input.shape.slice(input.ndim - dims);
  const list: unknown = Array.isArray(given) ? (given.length === 1 ? Array(dims).fill(given[0]) : given) : Array(dims).fill(given);
  if (!Array.isArray(list) || list.length !== dims)
    throw new ArgumentError(
      `${name}: outputSize must be one size or a list of ${dims}, got ${Array.isArray(given) ? `${given.length} of them` : describeValue(given)}`,
    );
  return list.map((size: unknown, d) => {
    if (size === null) return sizes[d] as number;
    if (!Number.isInteger(size) || (size as number) < 0)
      throw new ArgumentError(`${name}: outputSize must be whole numbers from 0 on, or null to keep a size, got ${describeValue(size)}`);
    return size as number;
  });
}

/** The part of a dimension of `size` that adaptive pooling gives to output `i` of `count`. */
export function adaptiveWindow(i: number, count: number, size: number): readonly [start: number, end: number] {
  return [Math.floor((i * size) / count), Math.ceil(((i + 1) * size) / count)];
}

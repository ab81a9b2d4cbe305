import { BFLOAT16, FLOAT16, FLOAT32, FLOAT64 } from '../../dtype/dtype.ts';
import { backend } from '../../runtime/backend.ts';
import { IDENTITY } from '../../tensor/identity.ts';
import { type Tensor, viewOf } from '../../tensor/tensor.ts';
import { emptyTensor, fullTensor } from '../create.ts';
import { ADD } from '../maps.ts';
import { castOperator, cloneOperator, permuteOperator, reshapeOperator } from '../structural.ts';
import { inputByWindows, outputByWindows, weightByWindows } from './convolution-windows.ts';

/** How input, weight and output of a convolution lie on each other: one entry a spatial dimension. */
export interface ConvolutionGeometry {
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly output: readonly number[];
  readonly stride: readonly number[];
  /** How far the first window begins before the input. What lies beyond its end follows from the sizes. */
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  /** Channels are cut into this many parts that do not see each other. */
  readonly groups: number;
}

const reshaped = (x: Tensor, shape: readonly number[]): Tensor => reshapeOperator.forward([x], shape) as Tensor;
const permuted = (x: Tensor, dims: readonly number[]): Tensor => permuteOperator.forward([x], dims) as Tensor;
const contiguous = (x: Tensor): Tensor => (x.rowMajor ? x : (cloneOperator.forward([x], null) as Tensor));
const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Half types are computed in float32: sums of many of them would be no sums. */
function widened(x: Tensor): Tensor {
  return x.type === FLOAT16 || x.type === BFLOAT16 ? (castOperator.forward([x], FLOAT32) as Tensor) : x;
}

function narrowed(x: Tensor, like: Tensor): Tensor {
  return x.type === like.type ? x : (castOperator.forward([x], like.type) as Tensor);
}

/** Whether there are kernels that read windows where they lie. */
function byWindows(x: Tensor): boolean {
  return x.type === FLOAT32 || x.type === FLOAT64;
}

/** How far the windows reach in each dimension. */
function extents({ output, kernel, stride, dilation }: ConvolutionGeometry): number[] {
  return output.map((size, d) => (size - 1) * (stride[d] as number) + ((kernel[d] as number) - 1) * (dilation[d] as number) + 1);
}

/** The part of a padded buffer [.., extents] that holds elements of an unpadded one, and the same part there. */
function overlap(padded: Tensor, plain: Tensor, { padding }: ConvolutionGeometry): readonly [Tensor, Tensor] | null {
  const shape = [...plain.shape];
  let [inPadded, inPlain] = [padded.offset, plain.offset];
  padding.forEach((before, i) => {
    const d = i + 2;
    const start = Math.max(0, -before);
    shape[d] = Math.min((padded.shape[d] as number) - before, plain.shape[d] as number) - start;
    inPadded += (start + before) * (padded.strides[d] as number);
    inPlain += start * (plain.strides[d] as number);
  });
  if (shape.some((size) => size <= 0)) return null;
  return [viewOf(padded, shape, padded.strides, inPadded), viewOf(plain, shape, plain.strides, inPlain)];
}

function copyTo(to: Tensor, from: Tensor): void {
  backend().map(IDENTITY.program, to, [from], [], to.type);
}

/** All windows of a padded buffer as a view [N, groups, C / groups, …kernel, …output], in which elements repeat. */
function windowsOf(padded: Tensor, { kernel, output, stride, dilation, groups }: ConvolutionGeometry): Tensor {
  const [n, channels] = padded.shape as readonly [number, number];
  const [batchStep, channelStep, ...steps] = padded.strides as readonly [number, number, ...number[]];
  return viewOf(
    padded,
    [n, groups, channels / groups, ...kernel, ...output],
    [
      batchStep,
      (channelStep * channels) / groups,
      channelStep,
      ...steps.map((step, d) => step * (dilation[d] as number)),
      ...steps.map((step, d) => step * (stride[d] as number)),
    ],
    0,
  );
}

/** The windows of an input as matrices: [N, groups, C / groups · kernel, output]. */
export function columnsOf(x: Tensor, geometry: ConvolutionGeometry): Tensor {
  const [n, channels] = x.shape as readonly [number, number];
  const padded = fullTensor([n, channels, ...extents(geometry)], 0, x.type);
  const common = overlap(padded, x, geometry);
  if (common !== null) copyTo(common[0], common[1]);
  const windows = windowsOf(padded, geometry);
  const columns = emptyTensor(windows.shape, x.type);
  copyTo(columns, windows);
  const { groups } = geometry;
  return reshaped(columns, [n, groups, (channels / groups) * product(geometry.kernel), product(geometry.output)]);
}

/** A bias for each channel, added in place. */
function addBias(result: Tensor, bias: Tensor | null): void {
  if (bias === null) return;
  const line = viewOf(
    bias,
    [bias.size, ...result.shape.slice(2).map(() => 1)],
    [bias.strides[0] ?? 0, ...result.shape.slice(2).map(() => 0)],
    bias.offset,
  );
  backend().map(ADD.program, result, [result, line], [], result.type);
}

/** The output of a convolution: `x` [N, C, …] and `w` [O, C / groups, …]; `bias` [O]. */
export function runOutput(x: Tensor, w: Tensor, bias: Tensor | null, geometry: ConvolutionGeometry): Tensor {
  const { groups, output } = geometry;
  const n = x.shape[0] as number;
  const outputs = w.shape[0] as number;
  const shape = [n, outputs, ...output];
  if (product(shape) === 0) return emptyTensor(shape, x.type);
  const [source, kernel] = [widened(x), widened(w)];
  if (byWindows(source) && w.size > 0) return narrowed(outputByWindows(source, kernel, bias === null ? null : widened(bias), geometry), x);
  const columns = columnsOf(source, geometry);
  const matrix = reshaped(contiguous(kernel), [1, groups, outputs / groups, columns.shape[2] as number]);
  const result = emptyTensor([n, groups, outputs / groups, product(output)], columns.type);
  backend().matmul(result, matrix, columns);
  const shaped = reshaped(result, shape);
  if (bias !== null) addBias(shaped, widened(bias));
  return narrowed(shaped, x);
}

/** The input that a weight and an output `y` [N, O, …] give: every output is spread over its window. */
export function runInput(w: Tensor, y: Tensor, bias: Tensor | null, geometry: ConvolutionGeometry): Tensor {
  const { groups, input, kernel, output } = geometry;
  const n = y.shape[0] as number;
  const [outputs, each] = w.shape as readonly [number, number];
  const source = widened(y);
  if (byWindows(source) && product(input) * n * each > 0 && w.size > 0 && y.size > 0)
    return narrowed(inputByWindows(widened(w), source, bias === null ? null : widened(bias), geometry), y);
  const result = fullTensor([n, each * groups, ...input], 0, source.type);
  if (result.size > 0 && y.size > 0) {
    const matrix = permuted(reshaped(contiguous(widened(w)), [1, groups, outputs / groups, each * product(kernel)]), [0, 1, 3, 2]);
    const columns = emptyTensor([n, groups, each * product(kernel), product(output)], result.type);
    backend().matmul(columns, matrix, reshaped(contiguous(source), [n, groups, outputs / groups, product(output)]));
    const padded = fullTensor([n, each * groups, ...extents(geometry)], 0, result.type);
    addWindows(windowsOf(padded, geometry), columns, kernel.length);
    const common = overlap(padded, result, geometry);
    if (common !== null) copyTo(common[1], common[0]);
  }
  addBias(result, bias === null ? null : widened(bias));
  return narrowed(result, y);
}

/** The sums of columns [N, C · kernel, output] in the windows that they stand for, of one group: the transpose of `columnsOf`. */
export function addColumns(columns: Tensor, geometry: ConvolutionGeometry): Tensor {
  const n = columns.shape[0] as number;
  const channels = (columns.shape[1] as number) / product(geometry.kernel);
  const wide = contiguous(widened(columns));
  const result = fullTensor([n, channels, ...geometry.input], 0, wide.type);
  if (columns.size === 0) return narrowed(result, columns);
  const padded = fullTensor([n, channels, ...extents(geometry)], 0, wide.type);
  addWindows(windowsOf(padded, geometry), wide, geometry.kernel.length);
  const common = overlap(padded, result, geometry);
  if (common !== null) copyTo(common[1], common[0]);
  return narrowed(result, columns);
}

/** Adds columns to the windows that they stand for, one place of the kernel after the other: those of one place do not overlap. */
function addWindows(windows: Tensor, columns: Tensor, dims: number): void {
  const shaped = reshaped(columns, windows.shape);
  const kernel = windows.shape.slice(3, 3 + dims);
  const drop = (list: readonly number[]): number[] => [...list.slice(0, 3), ...list.slice(3 + dims)];
  const count = product(kernel);
  for (let k = 0; k < count; k++) {
    let rest = k;
    let [to, from] = [windows.offset, shaped.offset];
    for (let d = dims - 1; d >= 0; d--) {
      const at = rest % (kernel[d] as number);
      rest = (rest - at) / (kernel[d] as number);
      to += at * (windows.strides[3 + d] as number);
      from += at * (shaped.strides[3 + d] as number);
    }
    const target = viewOf(windows, drop(windows.shape), drop(windows.strides), to);
    const source = viewOf(shaped, drop(shaped.shape), drop(shaped.strides), from);
    backend().map(ADD.program, target, [target, source], [], target.type);
  }
}

/** The weight that an input and an output give. */
export function runWeight(x: Tensor, y: Tensor, geometry: ConvolutionGeometry): Tensor {
  const { groups, kernel, output } = geometry;
  const n = x.shape[0] as number;
  const each = (x.shape[1] as number) / groups;
  const outputs = y.shape[1] as number;
  const shape = [outputs, each, ...kernel];
  if (product(shape) === 0 || x.size === 0 || y.size === 0) return fullTensor(shape, 0, x.type);
  const source = widened(x);
  if (byWindows(source)) return narrowed(weightByWindows(source, widened(y), geometry), x);
  const columns = columnsOf(source, geometry);
  const products = emptyTensor([n, groups, outputs / groups, each * product(kernel)], columns.type);
  const grads = reshaped(contiguous(widened(y)), [n, groups, outputs / groups, product(output)]);
  backend().matmul(products, grads, permuted(columns, [0, 1, 3, 2]));
  const result = emptyTensor([groups, outputs / groups, each * product(kernel)], columns.type);
  backend().reduce('sum', result, products, [0]);
  return narrowed(reshaped(result, shape), x);
}

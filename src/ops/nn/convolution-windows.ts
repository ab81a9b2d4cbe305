import { FLOAT32 } from '../../dtype/dtype.ts';
import { backend } from '../../runtime/backend.ts';
import { IDENTITY } from '../../tensor/identity.ts';
import { type Tensor, viewOf } from '../../tensor/tensor.ts';
import { emptyTensor, fullTensor } from '../create.ts';
import { cloneOperator } from '../structural.ts';
import { inputInGrid, linesOf, outputInGrid, suitsGrid, weightInGrid } from './convolution-grid.ts';
import { inputByPlanes, outputByPlanes } from './convolution-planes.ts';
import type { ConvolutionGeometry } from './convolution-run.ts';
import {
  type Border,
  layoutOf,
  MOST_PHASES,
  type PlaneConvolution,
  suitsWinograd,
  windowProduct,
  winogradProduct,
} from './window-kernels.ts';

/** Convolutions of float32 and float64 as products with matrices of windows that are never written out. */

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const contiguous = (x: Tensor): Tensor => (x.rowMajor ? x : (cloneOperator.forward([x], null) as Tensor));

/** Where the elements of a grid lie, in row-major order. */
function places(sizes: readonly number[], steps: readonly number[]): Int32Array {
  const result = new Int32Array(product(sizes));
  let filled = 1;
  for (let d = sizes.length - 1; d >= 0 && result.length > 0; d--) {
    const [size, step] = [sizes[d] as number, steps[d] as number];
    for (let i = 1; i < size; i++) for (let j = 0; j < filled; j++) result[i * filled + j] = result[j]! + i * step;
    filled *= size;
  }
  return result;
}

/** An image with zeros around it, so that no window looks beyond its memory, and the steps of its dimensions: of the values as they are, or of what is inside the border. */
interface Image {
  readonly values: Tensor;
  readonly steps: readonly number[];
  /** Elements of one channel. */
  readonly channel: number;
  /** Elements of one channel and of one image without the border. */
  readonly sourceChannel: number;
  readonly sourceImage: number;
  readonly border: Border | null;
}

/**
 * `x` [N, C, …] from `before` elements ahead of it on, `extents` long; the tensor itself where nothing is missing. The kernel makes the border, for the channels of a group at a
 * time, where nothing is cut off.
 */
function imageOf(x: Tensor, before: readonly number[], extents: readonly number[], groups: number): Image {
  const sizes = x.shape.slice(2);
  const whole = sizes.every((size, d) => before[d] === 0 && (extents[d] as number) <= size);
  const around =
    sizes.length <= 3 && sizes.every((size, d) => (before[d] as number) >= 0 && (before[d] as number) + size <= (extents[d] as number));
  const values = whole || around ? contiguous(x) : bordered(x, before, extents);
  const [sourceImage, sourceChannel, ...own] = values.strides as readonly [number, number, ...number[]];
  if (whole || !around) return { values, steps: own, channel: sourceChannel, sourceChannel, sourceImage, border: null };
  const channels = (x.shape[1] as number) / groups;
  const channel = product(extents);
  const steps = extents.map((_, d) => product(extents.slice(d + 1)));
  const [slices, rows, width] = [...Array<number>(3 - sizes.length).fill(1), ...sizes] as [number, number, number];
  const [sliceStep, rowStep] = [0, 0, ...steps].slice(-3) as [number, number, number];
  const first = steps.reduce((at, step, d) => at + step * (before[d] as number), 0);
  const border: Border = {
    layout: null,
    channels,
    slices,
    rows,
    width,
    first,
    channelStep: channel,
    sliceStep,
    rowStep,
    size: channels * channel,
  };
  return { values, steps, channel, sourceChannel, sourceImage, border };
}

function bordered(x: Tensor, before: readonly number[], extents: readonly number[]): Tensor {
  const [n, channels, ...sizes] = x.shape as readonly [number, number, ...number[]];
  const result = fullTensor([n, channels, ...extents], 0, x.type);
  const kept: number[] = [];
  let [from, to] = [x.offset, 0];
  sizes.forEach((size, d) => {
    const ahead = before[d] as number;
    const first = Math.max(0, -ahead);
    kept.push(Math.min(size, (extents[d] as number) - ahead) - first);
    from += first * (x.strides[d + 2] as number);
    to += (first + ahead) * (result.strides[d + 2] as number);
  });
  if (kept.some((size) => size <= 0)) return result;
  const shape = [n, channels, ...kept];
  backend().map(IDENTITY.program, viewOf(result, shape, result.strides, to), [viewOf(x, shape, x.strides, from)], [], x.type);
  return result;
}

/** The padded input, and the two tables that say where its windows and their elements lie. */
function windowsOf(x: Tensor, geometry: ConvolutionGeometry) {
  const { kernel, output, stride, dilation, padding, groups } = geometry;
  const along = stride.at(-1) as number;
  if (kernel.length <= 3 && along > 1 && along <= MOST_PHASES) return windowsApart(x, geometry);
  const extents = output.map((size, d) => (size - 1) * (stride[d] as number) + ((kernel[d] as number) - 1) * (dilation[d] as number) + 1);
  const image = imageOf(x, padding, extents, groups);
  const { steps, channel } = image;
  return {
    image,
    windows: places(
      output,
      steps.map((step, d) => step * (stride[d] as number)),
    ),
    elements: places([(x.shape[1] as number) / groups, ...kernel], [channel, ...steps.map((step, d) => step * (dilation[d] as number))]),
  };
}

/** The same with the elements that a stride steps over apart, so that neighbouring windows are neighbours in memory. */
function windowsApart(x: Tensor, geometry: ConvolutionGeometry) {
  const { input, kernel, output, groups } = geometry;
  const channels = (x.shape[1] as number) / groups;
  const sourceChannel = product(input);
  const lines = linesOf(geometry);
  const layout = layoutOf(lines, channels, sourceChannel, lines[1]!.outputs, lines[2]!.outputs);
  const { size, sliceStep, rowStep } = layout;
  const border = { layout, size, channels: 0, slices: 0, rows: 0, width: 0, first: 0, channelStep: 0, sliceStep: 0, rowStep: 0 };
  const steps = [sliceStep, rowStep, 1].slice(3 - output.length);
  const sourceImage = (x.shape[1] as number) * sourceChannel;
  const elements = new Int32Array(channels * product(kernel));
  const [depth, height, width] = lines.map((line) => line.places.length) as [number, number, number];
  for (let i = 0; i < elements.length; i++) {
    const [row, column] = [Math.floor(i / width), i % width];
    const [slice, inSlice] = [Math.floor(row / height), row % height];
    elements[i] = layout.at(Math.floor(slice / depth), [slice % depth, inSlice, column]);
  }
  const image: Image = { values: contiguous(x), steps, channel: 0, sourceChannel, sourceImage, border };
  return { image, windows: places(output, steps), elements };
}

type Planes = Omit<PlaneConvolution, 'weights' | 'source' | 'out' | 'start'> & { readonly weights: Tensor; readonly source: Tensor };

const pairOf = (list: readonly number[]): readonly [number, number] => [list[0] as number, list[1] as number];

/** Whether this is a convolution of planes with kernels of 3 × 3, one after the other. */
function isPlane(x: Tensor, { kernel, stride, dilation }: ConvolutionGeometry): boolean {
  return (
    x.type === FLOAT32 && kernel.length === 2 && kernel.every((size) => size === 3) && [...stride, ...dilation].every((step) => step === 1)
  );
}

/** A convolution by tiles of its outputs. */
function byTiles(plane: Planes, bias: Tensor | null): Tensor {
  const { images, groups, outputs, height, width, source, weights } = plane;
  const result = emptyTensor([images, groups * outputs, height, width], source.type);
  const start = bias === null ? null : contiguous(bias);
  winogradProduct({ ...plane, source: contiguous(source), weights: contiguous(weights), out: result, start });
  return result;
}

/** Whether each window is one element, in the place of its output: then a convolution is a product of matrices as they lie. */
function isPointwise({ input, output, kernel, stride, padding, groups }: ConvolutionGeometry): boolean {
  if (groups > 1) return false;
  return [...kernel, ...stride].every((size) => size === 1) && padding.every((size) => size === 0) && product(input) === product(output);
}

/** The products of a matrix of `rows` rows, whose elements lie so far apart, with the channels of `x` at every place. */
function pointwise(x: Tensor, w: Tensor, bias: Tensor | null, rows: number, [row, column]: readonly [number, number]): Tensor {
  const [n, channels, ...sizes] = x.shape as readonly [number, number, ...number[]];
  const places = product(sizes);
  const out = emptyTensor([n, rows, ...sizes], x.type);
  const planes = (whole: Tensor, each: number): Tensor => viewOf(whole, [n, each, places], [each * places, places, 1], whole.offset);
  const matrix = contiguous(w);
  const start = bias === null ? null : viewOf(bias, [rows, 1], [bias.strides[0]!, 0], bias.offset);
  backend().matmul(
    planes(out, rows),
    viewOf(matrix, [1, rows, channels], [0, row, column], matrix.offset),
    planes(contiguous(x), channels),
    start,
  );
  return out;
}

/** The output of a convolution, none of whose operands is empty. */
export function outputByWindows(x: Tensor, w: Tensor, bias: Tensor | null, geometry: ConvolutionGeometry): Tensor {
  const { groups, output } = geometry;
  const [n, channels] = x.shape as readonly [number, number];
  const outputs = w.shape[0] as number;
  const rows = outputs / groups;
  if (isPointwise(geometry)) return pointwise(x, w, bias, outputs, [channels, 1]);
  if (suitsGrid(x, geometry, channels, outputs)) return outputInGrid(x, w, bias, geometry);
  if (isPlane(x, geometry)) {
    const inner = channels / groups;
    const plane = {
      images: n,
      groups,
      outputs: rows,
      channels: inner,
      weights: w,
      weightSteps: { group: rows * inner * 9, output: inner * 9, channel: 9 },
      turned: false,
      source: x,
      sizes: pairOf(geometry.input),
      before: pairOf(geometry.padding),
      height: output[0] as number,
      width: output[1] as number,
    };
    if (suitsWinograd(plane)) return byTiles(plane, bias);
  }
  const planes = outputByPlanes(x, w, bias, geometry);
  if (planes !== null) return planes;
  const { image, windows, elements } = windowsOf(x, geometry);
  const result = emptyTensor([n, outputs, ...output], x.type);
  windowProduct({
    images: n,
    groups,
    rows,
    left: contiguous(w),
    leftSteps: { image: 0, group: rows * elements.length, row: elements.length },
    source: image.values,
    sourceSteps: { image: image.sourceImage, group: (channels / groups) * image.sourceChannel },
    border: image.border,
    across: windows,
    along: elements,
    out: result,
    outSteps: { image: outputs * windows.length, group: rows * windows.length },
    start: bias === null ? null : contiguous(bias),
  });
  return result;
}

/** The weight that an input and an output give, none of them empty. */
export function weightByWindows(x: Tensor, y: Tensor, geometry: ConvolutionGeometry): Tensor {
  const { groups, kernel } = geometry;
  const [n, channels] = x.shape as readonly [number, number];
  const outputs = y.shape[1] as number;
  if (suitsGrid(x, geometry, channels, outputs)) return weightInGrid(x, y, geometry);
  const { image, windows, elements } = windowsOf(x, geometry);
  const result = emptyTensor([outputs, channels / groups, ...kernel], x.type);
  const rows = outputs / groups;
  windowProduct({
    images: n,
    groups,
    rows,
    left: contiguous(y),
    leftSteps: { image: outputs * windows.length, group: rows * windows.length, row: windows.length },
    source: image.values,
    sourceSteps: { image: image.sourceImage, group: (channels / groups) * image.sourceChannel },
    border: image.border,
    across: elements,
    along: windows,
    out: result,
    outSteps: { image: 0, group: rows * elements.length },
    start: null,
  });
  return result;
}

/** The elements of a kernel that reach the places `phase + i · stride` of one dimension of the input, and how far from i the output lies that they take. */
export interface Phase {
  readonly phase: number;
  /** How many such places there are. */
  readonly size: number;
  readonly first: number;
  readonly step: number;
  readonly count: number;
  readonly shifts: readonly number[];
}

function phasesOf(d: number, { input, kernel, stride, padding, dilation }: ConvolutionGeometry): Phase[] {
  const [size, every, ahead, apart] = [input[d] as number, stride[d] as number, padding[d] as number, dilation[d] as number];
  return Array.from({ length: Math.min(every, size) }, (_, phase) => {
    const reached = Array.from({ length: kernel[d] as number }, (_, k) => k).filter((k) => (phase + ahead - k * apart) % every === 0);
    return {
      phase,
      size: Math.ceil((size - phase) / every),
      first: reached[0] ?? 0,
      step: reached.length > 1 ? (reached[1] as number) - (reached[0] as number) : 1,
      count: reached.length,
      shifts: reached.map((k) => (phase + ahead - k * apart) / every),
    };
  });
}

/**
 * The input that a weight and an output give, none of them empty. The places of the input that have one rest by the stride are those of a convolution of the output
 * with some of the kernel's elements, turned round: so nothing is added twice, and no product is with an inserted zero.
 */
export function inputByWindows(w: Tensor, y: Tensor, bias: Tensor | null, geometry: ConvolutionGeometry): Tensor {
  const { groups, input } = geometry;
  const n = y.shape[0] as number;
  const channels = (w.shape[1] as number) * groups;
  if (isPlane(y, geometry)) {
    const [outputs, inner] = [(w.shape[0] as number) / groups, w.shape[1] as number];
    const [above, ahead] = pairOf(geometry.padding);
    const plane = {
      images: n,
      groups,
      outputs: inner,
      channels: outputs,
      weights: w,
      weightSteps: { group: outputs * inner * 9, output: 9, channel: inner * 9 },
      turned: true,
      source: y,
      sizes: pairOf(geometry.output),
      before: [2 - above, 2 - ahead] as const,
      height: input[0] as number,
      width: input[1] as number,
    };
    if (suitsWinograd(plane)) return byTiles(plane, bias);
  }
  if (isPointwise(geometry)) return pointwise(y, w, bias, channels, [1, channels]);
  const phases = input.map((_, d) => phasesOf(d, geometry));
  if (suitsGrid(y, geometry, w.shape[0] as number, channels)) return inputInGrid(w, y, bias, phases, geometry);
  const planes = inputByPlanes(w, y, bias, geometry);
  if (planes !== null) return planes;
  const result = emptyTensor([n, channels, ...input], y.type);
  const lowest = phases.map((line) => Math.min(0, ...line.flatMap(({ shifts }) => shifts)));
  const extents = phases.map(
    (line, d) => Math.max(...line.flatMap(({ shifts, size }) => [...shifts.map((shift) => shift + size), 1])) - (lowest[d] as number),
  );
  const image = imageOf(
    y,
    lowest.map((low) => -low),
    extents,
    groups,
  );
  const start = bias === null ? null : contiguous(bias);
  const combine = (chosen: readonly Phase[]): void => {
    if (chosen.length < phases.length) for (const phase of phases[chosen.length] as Phase[]) combine([...chosen, phase]);
    else inputPhase(w, image, chosen, lowest, result, start, geometry);
  };
  combine([]);
  return result;
}

/** One rest in each dimension: its places of `result`. */
function inputPhase(
  w: Tensor,
  image: Image,
  phases: readonly Phase[],
  lowest: readonly number[],
  result: Tensor,
  start: Tensor | null,
  { groups, stride }: ConvolutionGeometry,
): void {
  const [n, channels] = result.shape as readonly [number, number];
  const outputs = w.shape[0] as number;
  const [rows, each] = [channels / groups, outputs / groups];
  const sizes = phases.map(({ size }) => size);
  const counts = phases.map(({ count }) => count);
  const [ofOutput, ofInput, ...steps] = w.strides as readonly [number, number, ...number[]];
  const left = emptyTensor([groups, rows, each, ...counts], w.type);
  const turned = viewOf(
    w,
    left.shape,
    [each * ofOutput, ofInput, ofOutput, ...steps.map((step, d) => step * (phases[d] as Phase).step)],
    w.offset + steps.reduce((at, step, d) => at + step * (phases[d] as Phase).first, 0),
  );
  backend().map(IDENTITY.program, left, [turned], [], w.type);
  // Shifts go down evenly as the kernel's elements go up.
  const down = phases.map(({ shifts }) => (shifts.length > 1 ? (shifts[1] as number) - (shifts[0] as number) : 0));
  const first = phases.reduce((at, { shifts }, d) => at + ((shifts[0] ?? 0) - (lowest[d] as number)) * (image.steps[d] as number), 0);
  const along = places([each, ...counts], [image.channel, ...image.steps.map((step, d) => step * (down[d] as number))]).map(
    (at) => at + first,
  );
  const across = places(sizes, image.steps);
  const whole = stride.every((step) => step === 1);
  const out = whole ? result : emptyTensor([n, channels, ...sizes], result.type);
  windowProduct({
    images: n,
    groups,
    rows,
    left,
    leftSteps: { image: 0, group: rows * along.length, row: along.length },
    source: image.values,
    sourceSteps: { image: image.sourceImage, group: each * image.sourceChannel },
    border: image.border,
    across,
    along,
    out,
    outSteps: { image: channels * across.length, group: rows * across.length },
    start,
  });
  if (whole) return;
  const [ofImage, ofChannel, ...own] = result.strides as readonly [number, number, ...number[]];
  const target = viewOf(
    result,
    out.shape,
    [ofImage, ofChannel, ...own.map((step, d) => step * (stride[d] as number))],
    own.reduce((at, step, d) => at + step * (phases[d] as Phase).phase, 0),
  );
  backend().map(IDENTITY.program, target, [out], [], result.type);
}

/** Convolutions of few channels at a time, whose products are too short to pack anything for them. */
import type { Tensor } from '../../tensor/tensor.ts';
import { emptyTensor } from '../create.ts';
import { cloneOperator } from '../structural.ts';
import type { ConvolutionGeometry } from './convolution-run.ts';
import type { Phase } from './convolution-windows.ts';
import { type GridLine, type GridProduct, gridOutputs, gridWeights, mostGridRows } from './window-kernels.ts';

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const contiguous = (x: Tensor): Tensor => (x.rowMajor ? x : (cloneOperator.forward([x], null) as Tensor));
/** Steps of contiguous dimensions. */
const stepsOf = (sizes: readonly number[]): number[] => sizes.map((_, d) => product(sizes.slice(d + 1)));
/** Three dimensions, the first ones of size 1 where there are fewer. */
const three = <T>(filling: T, list: readonly T[]): T[] => [...new Array<T>(3 - list.length).fill(filling), ...list];
const threeLines = (lines: readonly GridLine[], apart: number, step: number): GridLine[] =>
  three({ source: 1, apart, outputs: 1, stride: 1, places: [0], elements: [0], step }, lines);

/** Longer products are worth packing. Measured. */
const MOST_ELEMENTS = 144;

/** Whether products of so many channels of output and elements a group are computed one by one. */
export function suitsGrid(x: Tensor, { kernel, groups }: ConvolutionGeometry, inputs: number, outputs: number): boolean {
  return kernel.length <= 3 && outputs / groups <= mostGridRows(x) && (inputs / groups) * product(kernel) <= MOST_ELEMENTS;
}

/** The lines of a convolution of up to three dimensions. */
export function linesOf({ input, kernel, output, stride, padding, dilation }: ConvolutionGeometry): GridLine[] {
  const [steps, sourceSteps] = [stepsOf(output), stepsOf(input)];
  const lines = input.map((source, d): GridLine => {
    const elements = Array.from({ length: kernel[d] as number }, (_, k) => k);
    const places = elements.map((k) => k * (dilation[d] as number) - (padding[d] as number));
    return {
      source,
      apart: sourceSteps[d] as number,
      outputs: output[d] as number,
      stride: stride[d] as number,
      places,
      elements,
      step: steps[d] as number,
    };
  });
  return threeLines(lines, product(input), product(output));
}

function productOf(x: Tensor, w: Tensor, out: Tensor, geometry: ConvolutionGeometry): GridProduct {
  const { groups, kernel } = geometry;
  const [rows, channels] = [(out.shape[1] as number) / groups, (x.shape[1] as number) / groups];
  const window = product(kernel);
  return {
    images: x.shape[0] as number,
    groups,
    rows,
    channels,
    lines: linesOf(geometry),
    source: contiguous(x),
    from: 0,
    weights: w,
    weightSteps: [rows * channels * window, channels * window, window, ...three(0, stepsOf(kernel))],
    out,
    first: 0,
    start: null,
  };
}

/** Rows of dilated windows see every so many rows of the source alone: those of each rest are a product of their own, without dilation. */
function byRests(whole: GridProduct): GridProduct[] {
  const [z, y, x] = whole.lines as readonly [GridLine, GridLine, GridLine];
  const every = y.places.length > 1 ? y.places[1]! - y.places[0]! : 1;
  if (every === 1 || y.stride > 1) return [whole];
  return Array.from({ length: Math.min(every, y.outputs) }, (_, rest) => {
    const first = rest + y.places[0]!;
    const from = ((first % every) + every) % every;
    const line = {
      source: Math.ceil((y.source - from) / every),
      apart: y.apart * every,
      outputs: Math.ceil((y.outputs - rest) / every),
      stride: 1,
      places: y.places.map((_, k) => (first - from) / every + k),
      elements: y.elements,
      step: y.step * every,
    };
    return { ...whole, lines: [z, line, x], from: whole.from + from * y.apart, first: whole.first + rest * y.step };
  });
}

/** The output of a convolution. */
export function outputInGrid(x: Tensor, w: Tensor, bias: Tensor | null, geometry: ConvolutionGeometry): Tensor {
  const out = emptyTensor([x.shape[0] as number, w.shape[0] as number, ...geometry.output], x.type);
  gridOutputs(byRests({ ...productOf(x, contiguous(w), out, geometry), start: bias === null ? null : contiguous(bias) }));
  return out;
}

/** The weight that an input and an output give. */
export function weightInGrid(x: Tensor, y: Tensor, geometry: ConvolutionGeometry): Tensor {
  const { groups, kernel } = geometry;
  const w = emptyTensor([y.shape[1] as number, (x.shape[1] as number) / groups, ...kernel], x.type);
  gridWeights(productOf(x, w, contiguous(y), geometry));
  return w;
}

/** The input that a weight and an output give: for each rest of its places by the stride, a convolution of the output with some of the kernel's elements. */
export function inputInGrid(
  w: Tensor,
  y: Tensor,
  bias: Tensor | null,
  phases: readonly (readonly Phase[])[],
  { groups, input, kernel, output, stride }: ConvolutionGeometry,
): Tensor {
  const [rows, channels] = [w.shape[1] as number, (w.shape[0] as number) / groups];
  const out = emptyTensor([y.shape[0] as number, rows * groups, ...input], y.type);
  const [steps, outputSteps] = [stepsOf(input), stepsOf(output)];
  const window = product(kernel);
  const common = {
    images: y.shape[0] as number,
    groups,
    rows,
    channels,
    source: contiguous(y),
    from: 0,
    weights: contiguous(w),
    weightSteps: [channels * rows * window, window, rows * window, ...three(0, stepsOf(kernel))],
    out,
    start: bias === null ? null : contiguous(bias),
  } as const;
  let chosen: (readonly Phase[])[] = [[]];
  for (const line of phases) chosen = chosen.flatMap((before) => line.map((phase) => [...before, phase]));
  const products = chosen.map((list): GridProduct => {
    const lines = list.map(({ size, shifts, first, step }, d): GridLine => {
      const elements = shifts.map((_, j) => first + j * step);
      return {
        source: output[d] as number,
        apart: outputSteps[d]!,
        outputs: size,
        stride: 1,
        places: shifts,
        elements,
        step: steps[d]! * stride[d]!,
      };
    });
    return {
      ...common,
      lines: threeLines(lines, product(output), product(input)),
      first: list.reduce((at, { phase }, d) => at + phase * steps[d]!, 0),
    };
  });
  gridOutputs(products);
  return out;
}

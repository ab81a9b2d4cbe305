/** Convolutions of few channels at a time, whose products are too short to pack anything for them. */
import type { Tensor } from '../../tensor/tensor.ts';
import { emptyTensor } from '../create.ts';
import { cloneOperator } from '../structural.ts';
import type { ConvolutionGeometry } from './convolution-run.ts';
import type { Phase } from './convolution-windows.ts';
import { type GridLine, type GridProduct, gridOutputs, gridWeights } from './window-kernels.ts';

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const contiguous = (x: Tensor): Tensor => (x.rowMajor ? x : (cloneOperator.forward([x], null) as Tensor));
/** Steps of contiguous dimensions. */
const stepsOf = (sizes: readonly number[]): number[] => sizes.map((_, d) => product(sizes.slice(d + 1)));
/** Three dimensions, the first ones of size 1 where there are fewer. */
const three = <T>(filling: T, list: readonly T[]): T[] => [...new Array<T>(3 - list.length).fill(filling), ...list];
const threeLines = (lines: readonly GridLine[], step: number): GridLine[] =>
  three({ source: 1, outputs: 1, stride: 1, places: [0], elements: [0], step }, lines);

/** More channels of output a group, or longer products, are worth packing. Measured. */
const MOST_ROWS = 2;
const MOST_ELEMENTS = 64;

/** Whether products of so many channels of output and elements a group are computed one by one. */
export function suitsGrid({ kernel, groups }: ConvolutionGeometry, inputs: number, outputs: number): boolean {
  return kernel.length <= 3 && outputs / groups <= MOST_ROWS && (inputs / groups) * product(kernel) <= MOST_ELEMENTS;
}

function linesOf({ input, kernel, output, stride, padding, dilation }: ConvolutionGeometry): GridLine[] {
  const steps = stepsOf(output);
  const lines = input.map((source, d): GridLine => {
    const elements = Array.from({ length: kernel[d] as number }, (_, k) => k);
    const places = elements.map((k) => k * (dilation[d] as number) - (padding[d] as number));
    return { source, outputs: output[d] as number, stride: stride[d] as number, places, elements, step: steps[d] as number };
  });
  return threeLines(lines, product(output));
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
    weights: w,
    weightSteps: [rows * channels * window, channels * window, window, ...three(0, stepsOf(kernel))],
    out,
    first: 0,
    start: null,
  };
}

/** The output of a convolution. */
export function outputInGrid(x: Tensor, w: Tensor, bias: Tensor | null, geometry: ConvolutionGeometry): Tensor {
  const out = emptyTensor([x.shape[0] as number, w.shape[0] as number, ...geometry.output], x.type);
  gridOutputs([{ ...productOf(x, contiguous(w), out, geometry), start: bias === null ? null : contiguous(bias) }]);
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
  const steps = stepsOf(input);
  const window = product(kernel);
  const common = {
    images: y.shape[0] as number,
    groups,
    rows,
    channels,
    source: contiguous(y),
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
      return { source: output[d] as number, outputs: size, stride: 1, places: shifts, elements, step: steps[d]! * stride[d]! };
    });
    return { ...common, lines: threeLines(lines, product(input)), first: list.reduce((at, { phase }, d) => at + phase * steps[d]!, 0) };
  });
  gridOutputs(products);
  return out;
}

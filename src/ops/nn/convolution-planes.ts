/** Convolutions of 3 × 3 that are dilated, or that have slices too, as convolutions of planes: by tiles of their outputs. */
import { FLOAT32 } from '../../dtype/dtype.ts';
import { backend } from '../../runtime/backend.ts';
import { IDENTITY } from '../../tensor/identity.ts';
import { type Tensor, viewOf } from '../../tensor/tensor.ts';
import { emptyTensor, fullTensor } from '../create.ts';
import { cloneOperator, permuteOperator, reshapeOperator } from '../structural.ts';
import type { ConvolutionGeometry } from './convolution-run.ts';
import { type PlaneConvolution, suitsWinograd, winogradProduct } from './window-kernels.ts';

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const contiguous = (x: Tensor): Tensor => (x.rowMajor ? x : (cloneOperator.forward([x], null) as Tensor));

/** How the windows lie on one dimension: output i has the elements `i · stride - before + k · apart` of the source. */
interface Line {
  readonly source: number;
  readonly outputs: number;
  readonly before: number;
  readonly stride: number;
  readonly apart: number;
}

/** What is computed: `out = start + Σ weights · windows`, the kernel's elements from the last to the first where it is turned. */
interface Planes {
  readonly x: Tensor;
  readonly lines: readonly [Line, Line, Line];
  /** Elements of the kernel in the dimension of slices. */
  readonly slices: number;
  readonly groups: number;
  /** Channels of the result and of the source in a group. */
  readonly outputs: number;
  readonly channels: number;
  readonly turned: boolean;
}

/** Fewer channels on either side do not pay for laying the source out: measured. */
const FEWEST = 32;
/** What is laid out has no more elements than this. */
const MOST_ELEMENTS = 1 << 24;

/** One of the grids that a dilation makes of a line: its outputs are every so many from `first` on, and see the source from `from` on alone. */
interface Rest {
  readonly first: number;
  readonly outputs: number;
  readonly from: number;
}

function restsOf({ outputs, before, apart }: Line): Rest[] {
  return Array.from({ length: Math.min(apart, outputs) }, (_, first) => ({
    first,
    outputs: Math.ceil((outputs - first) / apart),
    from: first - before,
  }));
}

/** Which of `count` places `from + i · step` lie inside of a line of so many elements. */
function inside(from: number, step: number, count: number, size: number): readonly [number, number] {
  const first = Math.max(0, Math.ceil(-from / step));
  return [first, Math.min(count, Math.floor((size - 1 - from) / step) + 1)];
}

function copy(to: Tensor, from: Tensor): void {
  backend().map(IDENTITY.program, to, [from], [], to.type);
}

/**
 * The lines of a convolution as those of three dimensions, or null where its last two have no kernels of 3 × 3 with a stride of 1, or where nothing is dilated and there are no slices: that
 * is a convolution of planes as it is.
 */
function linesOf(geometry: ConvolutionGeometry, turned: boolean): readonly [Line, Line, Line] | null {
  const { kernel, stride, dilation, padding, input, output } = geometry;
  const dims = kernel.length;
  if (dims < 2 || dims > 3) return null;
  if (dims === 2 && dilation.every((apart) => apart === 1)) return null;
  for (let d = dims - 2; d < dims; d++) if (kernel[d] !== 3 || stride[d] !== 1) return null;
  if (turned && stride[0] !== 1) return null;
  const lines = kernel.map((size, d): Line => {
    const [apart, ahead] = [dilation[d] as number, padding[d] as number];
    const before = turned ? apart * (size - 1) - ahead : ahead;
    const [source, outputs] = turned ? [output[d] as number, input[d] as number] : [input[d] as number, output[d] as number];
    return { source, outputs, before, stride: stride[d] as number, apart };
  });
  const only: Line = { source: 1, outputs: 1, before: 0, stride: 1, apart: 1 };
  return (dims === 3 ? lines : [only, ...lines]) as unknown as readonly [Line, Line, Line];
}

/** The planes' sizes, with room for whole tiles and their borders, so that no border has to be made. */
function sizesOf([, y, x]: Planes['lines']): {
  readonly height: number;
  readonly width: number;
  readonly sizes: readonly [number, number];
} {
  const [height, width] = [Math.ceil(y.outputs / y.apart), Math.ceil(x.outputs / x.apart)];
  return { height, width, sizes: [2 * Math.ceil(height / 2) + 2, 8 * Math.ceil(width / 8) + 2] };
}

/** The source with the planes that an output's slice sees as its channels, and each rest by the dilation as an image of its own. */
function laidOut(planes: Planes, rests: readonly (readonly [Rest, Rest])[], sizes: readonly [number, number]): Tensor {
  const { x, lines, slices, groups, channels, turned } = planes;
  const [z, y] = lines;
  const n = x.shape[0] as number;
  const plane = product(sizes);
  const group = channels * slices * plane;
  const image = groups * group;
  const slice = rests.length * image;
  const result = fullTensor([n * z.outputs * slice], 0, x.type);
  const source = contiguous(x);
  const sourcePlane = y.source * lines[2].source;
  const sourceChannel = z.source * sourcePlane;
  const sourceSteps = [groups * channels * sourceChannel, channels * sourceChannel, sourceChannel, z.stride * sourcePlane];
  rests.forEach((pair, rest) => {
    const [rows, columns] = pair.map(({ outputs, from }, d) => {
      const { apart, source: size } = lines[d + 1] as Line;
      return inside(from, apart, outputs + 2, size);
    }) as [readonly [number, number], readonly [number, number]];
    const [left, width] = [columns[0], lines[2].source];
    for (let k = 0; k < slices; k++) {
      const from = k * z.apart - z.before;
      const [first, end] = inside(from, z.stride, z.outputs, z.source);
      const shape = [n, groups, channels, end - first, rows[1] - rows[0], columns[1] - left];
      if (shape.some((size) => size <= 0)) continue;
      const at = (turned ? slices - 1 - k : k) * plane + rows[0] * sizes[1] + left;
      const to = viewOf(result, shape, [z.outputs * slice, group, slices * plane, slice, sizes[1], 1], first * slice + rest * image + at);
      const row = pair[0].from + rows[0] * y.apart;
      const place = (from + first * z.stride) * sourcePlane + row * width + pair[1].from + left * lines[2].apart;
      copy(to, viewOf(source, shape, [...sourceSteps, y.apart * width, lines[2].apart], source.offset + place));
    }
  });
  return result;
}

/** The convolution by tiles, or null where they do not pay. */
function byPlanes(planes: Planes, weights: Tensor, bias: Tensor | null, shape: readonly number[]): Tensor | null {
  const { x, lines, slices, groups, outputs, turned } = planes;
  const [z, y, across] = lines;
  const channels = planes.channels * slices;
  const { height, width, sizes } = sizesOf(lines);
  const rests = restsOf(y).flatMap((row) => restsOf(across).map((column) => [row, column] as const));
  const images = (x.shape[0] as number) * z.outputs * rests.length;
  const common: Omit<PlaneConvolution, 'weights' | 'source' | 'out' | 'start'> = {
    images,
    groups,
    outputs,
    channels,
    weightSteps: { group: outputs * channels * 9, output: channels * 9, channel: 9 },
    turned,
    sizes,
    before: [0, 0],
    height,
    width,
  };
  if (Math.min(outputs, channels) < FEWEST || images * groups * channels * product(sizes) > MOST_ELEMENTS) return null;
  if (!suitsWinograd({ ...common, weights, source: x })) return null;
  const out = emptyTensor([images * groups * outputs * height * width], x.type);
  const start = bias === null ? null : contiguous(bias);
  winogradProduct({ ...common, weights, source: laidOut(planes, rests, sizes), out, start });
  const result = emptyTensor(shape, x.type);
  const [n, rows] = [x.shape[0] as number, groups * outputs];
  const each = rows * height * width;
  const slice = rests.length * each;
  const resultPlane = y.outputs * across.outputs;
  rests.forEach(([row, column], rest) => {
    const part = [n, rows, z.outputs, row.outputs, column.outputs];
    const steps = [rows * z.outputs * resultPlane, z.outputs * resultPlane, resultPlane, y.apart * across.outputs, across.apart];
    const to = viewOf(result, part, steps, row.first * across.outputs + column.first);
    copy(to, viewOf(out, part, [z.outputs * slice, height * width, slice, width, 1], rest * each));
  });
  return result;
}

/** The output of a convolution of float32 by planes, or null where that does not suit it. */
export function outputByPlanes(x: Tensor, w: Tensor, bias: Tensor | null, geometry: ConvolutionGeometry): Tensor | null {
  const lines = x.type === FLOAT32 ? linesOf(geometry, false) : null;
  if (lines === null) return null;
  const { groups, kernel, output } = geometry;
  const [outputs, channels] = w.shape as readonly [number, number];
  const slices = kernel.length === 3 ? kernel[0]! : 1;
  const planes = { x, lines, slices, groups, outputs: outputs / groups, channels, turned: false };
  return byPlanes(planes, contiguous(w), bias, [x.shape[0] as number, outputs, ...output]);
}

/** The input that a weight and an output give, in the same way: a convolution with the turned kernel. */
export function inputByPlanes(w: Tensor, y: Tensor, bias: Tensor | null, geometry: ConvolutionGeometry): Tensor | null {
  const lines = y.type === FLOAT32 ? linesOf(geometry, true) : null;
  if (lines === null) return null;
  const { groups, kernel, input } = geometry;
  const [outputs, channels] = w.shape as readonly [number, number];
  const slices = kernel.length === 3 ? kernel[0]! : 1;
  const each = outputs / groups;
  const cut = reshapeOperator.forward([contiguous(w)], [groups, each, channels, slices * 9]) as Tensor;
  const weights = contiguous(permuteOperator.forward([cut], [0, 2, 1, 3]) as Tensor);
  const planes = { x: y, lines, slices, groups, outputs: channels, channels: each, turned: true };
  return byPlanes(planes, weights, bias, [y.shape[0] as number, channels * groups, ...input]);
}

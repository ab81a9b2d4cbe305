/** Launches of convolutions of few channels at a time: see kernel/depthwise.ts. */
import { FLOAT64 } from '../../dtype/dtype.ts';

import {
  GRID_FIELDS,
  type GridField,
  gridOutputsFunction,
  gridWeightsFunction,
  RUN_BYTES,
  TAPS_AT_ONCE,
  tilePlaceBytes,
} from '../../kernel/depthwise.ts';
import { COMPUTE_BYTES, type ComputeType, computeTypeOf, LANES } from '../../kernel/element.ts';
import { type MatmulVariant, tileColumns } from '../../kernel/matmul.ts';
import { splitBytes } from '../../kernel/split-image.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { addressOfView } from './host.ts';

import type { KernelLevel } from './level.ts';
import { matmulKernels } from './matmul-kernels.ts';
import { rowsToShare } from './parallel.ts';
import { instantiateTrusted, withTrialViews } from './trusted.ts';
import { type GridLine, layoutOf, writeSplit } from './window-layout.ts';
import { groupParts, launchParts } from './window-parts.ts';
import { align } from './window-tables.ts';

/** A convolution of some channels at a time. All operands are contiguous; everything counts elements. */
export interface GridProduct {
  readonly images: number;
  readonly groups: number;
  /** Channels of the output and of the source in a group. */
  readonly rows: number;
  readonly channels: number;
  /** Three of them; the elements of the last one's source lie side by side. */
  readonly lines: readonly GridLine[];
  readonly source: View;
  /** Where the first of the source's elements lies. */
  readonly from: number;
  readonly weights: View;
  /** Steps of groups, of channels of the output and of the source, and of the kernel's elements in each dimension. */
  readonly weightSteps: readonly [group: number, row: number, channel: number, ...elements: readonly number[]];
  readonly out: View;
  /** Where the first window's output lies. */
  readonly first: number;
  /** A value for each channel of the output, or 0. */
  readonly start: View | null;
}

/** A kernel with the tile that it was made for. */
interface GridKernel {
  readonly run: KernelFunction;
  readonly variant: MatmulVariant;
}

/** Tiles of outputs that stay in registers beside so many elements of a window below each other: where one row is below the other, and where all of them are one line. Sizes of images are often multiples of seven. */
interface Tile {
  readonly rows: number;
  readonly vectors: number;
  readonly lines: number;
  readonly inLine: boolean;
}

const NARROW: readonly Tile[] = [
  { rows: 4, vectors: 2, lines: 4, inLine: false },
  { rows: 7, vectors: 1, lines: 7, inLine: false },
  { rows: 8, vectors: 1, lines: 1, inLine: true },
];
const TILES: Record<KernelLevel, readonly Tile[]> = {
  plain: NARROW,
  fused: NARROW,
  wide: [
    { rows: 7, vectors: 2, lines: 7, inLine: false },
    { rows: 4, vectors: 4, lines: 4, inLine: false },
    { rows: 8, vectors: 2, lines: 1, inLine: true },
  ],
};
/** Rows of sums of a gradient of weights. */
const SUM_VECTORS: Record<KernelLevel, number> = { plain: 1, fused: 1, wide: 2 };

const compiled = new Map<string, GridKernel>();

/** `lengths`: of the columns of elements that are taken together, for outputs. */
function kernelOf(compute: ComputeType, { rows, vectors }: Pick<Tile, 'rows' | 'vectors'>, lengths: readonly number[] | null): GridKernel {
  const { level } = matmulKernels(compute);
  const key = `${compute} ${level} ${rows} ${vectors} ${lengths}`;
  let kernel = compiled.get(key);
  if (kernel === undefined) {
    const variant = { compute, fused: level !== 'plain', rows, vectors };
    const run = instantiateTrusted(
      level,
      () => [lengths === null ? gridWeightsFunction(variant) : gridOutputsFunction(variant, lengths)],
      (kernels) => Object.values(kernels)[0] as KernelFunction,
      (run) => tryOut({ run, variant }, lengths),
    );
    kernel = { run, variant };
    compiled.set(key, kernel);
  }
  return kernel;
}

/** What a kernel makes of a small convolution of two channels a group, with parts of tiles and places outside of the image. */
function tryOut(kernel: GridKernel, lengths: readonly number[] | null): Uint8Array {
  const [size, outputs] = [19, 18];
  const tried = lengths ?? [3];
  const elements = Array.from({ length: Math.max(...tried) }, (_, i) => i);
  const width = kernel.variant.compute === 'f32' ? 1 : 2;
  const shapes = [[2, 4, size, width * size], [4, elements.length, width * 3], ...tried.map(() => [2, 2, outputs, width * outputs])];
  return withTrialViews(shapes, (views) => {
    const [source, weights, ...outs] = views.map((view) => (width === 1 ? view : { ...view, type: FLOAT64, size: view.size / 2 }));
    outs.forEach((out, i) => {
      const own = elements.slice(0, tried[i]);
      const line = { source: size, apart: 1, outputs, stride: 1, places: [-1, 0, 1], elements: [0, 1, 2], step: 1 };
      const product: GridProduct = {
        images: 2,
        groups: 2,
        rows: 1,
        channels: 2,
        lines: [
          { ...line, source: 1, apart: size * size, outputs: 1, places: [0], elements: [0], step: outputs * outputs },
          { ...line, apart: size, places: own.map((k) => k - 1), elements: own, step: outputs },
          line,
        ],
        source: source as View,
        from: 0,
        weights: weights as View,
        weightSteps: [6 * own.length, 6 * own.length, 3 * own.length, 0, 3, 1],
        out,
        first: 0,
        start: null,
      };
      if (lengths === null) runWeights(product, kernel);
      else runOutputs(product, kernel, false, runsOf(product, own.length));
    });
  });
}

function writeGrid(address: number, fields: Partial<Record<GridField, number>>): void {
  heap.i32.set(
    GRID_FIELDS.map((name) => fields[name] ?? 0),
    address / 4,
  );
}

/** The elements of a window, in the order of the weights, as `(channel, elements of each line)`. */
function eachTap({ channels, lines }: GridProduct, visit: (channel: number, elements: readonly [number, number, number]) => void): void {
  const [z, y, x] = lines.map(({ places }) => places.length) as [number, number, number];
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < z; i++) for (let j = 0; j < y; j++) for (let k = 0; k < x; k++) visit(c, [i, j, k]);
}

function tapsOf({ channels, lines }: GridProduct): number {
  return lines.reduce((count, { places }) => count * places.length, channels);
}

function placesOf(lines: readonly GridLine[]): number {
  return lines.reduce((count, { outputs }) => count * outputs, 1);
}

function sourceSize(lines: readonly GridLine[]): number {
  return lines.reduce((count, { source }) => count * source, 1);
}

/** Multiplications and additions in a nanosecond. */
const SPEED = 12;

function nanosecondsOf(product: GridProduct): number {
  const { images, groups, rows, channels, lines } = product;
  return (images * groups * (rows * placesOf(lines) * tapsOf(product) + channels * sourceSize(lines))) / SPEED;
}

/** How many windows are computed for so many rows and columns that are wanted. */
function computed(rows: number, columns: number, tileRows: number, tileWidth: number): number {
  return Math.ceil(rows / tileRows) * tileRows * Math.ceil(columns / tileWidth) * tileWidth;
}

/** The tile of which least is for nothing: its rows below each other, or all of them in one line. */
function bestTile(compute: ComputeType, { height, width }: { height: number; width: number }): Tile {
  const counts = TILES[matmulKernels(compute).level].map((tile) => {
    const columns = tile.vectors * LANES[compute];
    return tile.inLine ? computed(height, width, 1, tile.rows * columns) : computed(height, width, tile.rows, columns);
  });
  return TILES[matmulKernels(compute).level][counts.indexOf(Math.min(...counts))]!;
}

/** More channels of output a group are worth packing. Measured. */
const MOST_ROWS: Record<KernelLevel, number> = { plain: 4, fused: 4, wide: 8 };

/** Up to how many channels of output a group products like these are quicker than packing. */
export function mostGridRows({ type }: View): number {
  return MOST_ROWS[matmulKernels(computeTypeOf(type.name)).level];
}

/** `out = start + Σ weights · windows`, for one product or several with the same output, of which they write parts. */
export function gridOutputs(products: readonly GridProduct[]): void {
  for (const product of products) outputsOf(product);
}

function outputsOf(product: GridProduct): void {
  const compute = computeTypeOf(product.out.type.name);
  const [, y, x] = product.lines as readonly [GridLine, GridLine, GridLine];
  const tile = bestTile(compute, { height: y.outputs, width: x.outputs });
  const runs = runsOf(product, tile.lines);
  const lengths = [...new Set(runs.map(({ elements }) => elements.length))].sort((a, b) => a - b);
  runOutputs(product, kernelOf(compute, tile, lengths), tile.inLine, runs);
}

/** Elements of windows in the dimension of rows, one row of the laid-out image below the other, and evenly apart in the weights. */
interface Run {
  /** Which of the line's elements. */
  readonly elements: readonly number[];
  /** How far they lie apart in the kernel. */
  readonly apart: number;
}

/** The elements of windows in the dimension of rows, cut into runs. */
function runsOf({ lines }: GridProduct, most: number): Run[] {
  const { places, elements, stride } = lines[1]!;
  const turnOf = (i: number): number => ((places[i]! % stride) + stride) % stride;
  const sorted = places.map((_, i) => i).sort((a, b) => turnOf(a) - turnOf(b) || places[a]! - places[b]!);
  const runs: { elements: number[]; apart: number }[] = [];
  for (const i of sorted) {
    const run = runs.at(-1);
    const last = run?.elements.at(-1);
    const apart = last === undefined ? 0 : elements[i]! - elements[last]!;
    const follows = last !== undefined && places[i]! - places[last]! === stride;
    if (run !== undefined && follows && run.elements.length < most && (run.elements.length === 1 || run.apart === apart)) {
      run.elements.push(i);
      run.apart = apart;
    } else runs.push({ elements: [i], apart: 0 });
  }
  return runs.length === 0 ? [{ elements: [0], apart: 0 }] : runs;
}

function runOutputs(product: GridProduct, { run, variant }: GridKernel, inLine: boolean, runs: readonly Run[]): void {
  const { images, groups, rows, channels, lines, weightSteps, out, start } = product;
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const columns = tileColumns(variant);
  const [z, y, x] = lines as readonly [GridLine, GridLine, GridLine];
  const [tileRows, tileWidth] = inLine ? [1, variant.rows * columns] : [variant.rows, columns];
  const sourceChannel = product.source.size / (images * groups * channels);
  const up = (count: number, of: number): number => Math.ceil(count / of) * of;
  const layout = layoutOf(lines, channels, sourceChannel, up(y.outputs, tileRows), up(x.outputs, tileWidth));
  const taps = tapsOf(product);
  const channelOut = out.size / (images * groups * rows);
  const nanoseconds = nanosecondsOf(product);
  const shares = rowsToShare(nanoseconds, run);
  const parts = groupParts(shares === null ? 0 : nanoseconds, images, images, groups);
  const splitAt = align(4 * GRID_FIELDS.length);
  const tableAt = splitAt + align(splitBytes(layout.phases.length));
  const placesAt = tableAt + align(runs.length * RUN_BYTES + 8 * taps) + 64;
  const placeBytes = tilePlaceBytes(variant) + align(layout.size * bytes);
  const scratch = allocate(placesAt + parts.length * placeBytes);
  beginLaunch();
  const grid = addressOf(scratch);
  const zero = grid + placesAt - 64;
  heap.u8.fill(0, zero, zero + 64);
  const [wGroup, wRow, wChannel, ...wSteps] = weightSteps;
  let entry = (grid + tableAt) / 4;
  for (const { elements, apart } of runs) {
    const [depths, widths] = [z.places.length, x.places.length];
    const count = taps === 0 ? 0 : channels * depths * widths;
    heap.i32.set([elements.length, apart * wSteps[1]! * bytes, count, 0], entry);
    entry += RUN_BYTES / 4;
    for (let i = 0; i < count; i++) {
      const [channel, inZ, inX] = [Math.floor(i / (depths * widths)), Math.floor(i / widths) % depths, i % widths];
      const found = [inZ, elements[0]!, inX];
      heap.i32[entry++] = layout.at(channel, found) * bytes;
      heap.i32[entry++] = found.reduce((at, element, d) => at + lines[d]!.elements[element]! * wSteps[d]!, channel * wChannel) * bytes;
    }
  }
  writeSplit(grid + splitAt, layout, bytes);
  const fields: Partial<Record<GridField, number>> = {
    runs: runs.length,
    table: grid + tableAt,
    depth: z.outputs,
    height: y.outputs,
    width: x.outputs,
    tileRows,
    tileColumns: tileWidth,
    sliceStep: layout.sliceStep * bytes,
    rowStep: layout.rowStep * bytes,
    tileStep: inLine ? columns * bytes : layout.rowStep * bytes,
    sliceOut: z.step * bytes,
    rowOut: y.step * bytes,
    columnOut: x.step * bytes,
    tileOut: inLine ? columns * bytes : y.step * bytes,
    dense: x.step === 1 && y.step === x.outputs && z.step === x.outputs * y.outputs ? 1 : 0,
    rows,
    rowWeights: wRow * bytes,
    startStep: start === null ? 0 : bytes,
    rowTo: channelOut * bytes,
    groupFrom: channels * sourceChannel * bytes,
    groupWeights: wGroup * bytes,
    groupTo: rows * channelOut * bytes,
    imageFrom: groups * channels * sourceChannel * bytes,
    imageTo: groups * rows * channelOut * bytes,
    split: grid + splitAt,
    size: layout.size * bytes,
  };
  writeGrid(grid, fields);
  const [sourceAt, weightsAt, outAt] = [addressOfView(product.source), addressOfView(product.weights), addressOfView(out)];
  const startAt = start === null ? zero : addressOfView(start);
  const args = parts.map((part, i) => [
    grid,
    part.images,
    part.groups,
    sourceAt + product.from * bytes + part.image * fields.imageFrom! + part.group * fields.groupFrom!,
    weightsAt + part.group * fields.groupWeights!,
    startAt + part.group * rows * fields.startStep!,
    outAt + product.first * bytes + part.image * fields.imageTo! + part.group * fields.groupTo!,
    grid + placesAt + i * placeBytes,
  ]);
  launchParts(shares, args, run);
  release(scratch);
}

/** `weights = Σ out · windows` over all windows of all images; `weights` is contiguous and written, `out` is read. */
export function gridWeights(product: GridProduct): void {
  const compute = computeTypeOf(product.out.type.name);
  runWeights(product, kernelOf(compute, { rows: 1, vectors: SUM_VECTORS[matmulKernels(compute).level] }, null));
}

function runWeights(product: GridProduct, { run, variant }: GridKernel): void {
  const { images, groups, rows, channels, lines, weights } = product;
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const columns = tileColumns(variant);
  const [z, y, x] = lines as readonly [GridLine, GridLine, GridLine];
  const width = Math.ceil(x.outputs / columns) * columns;
  const [sourceChannel, places] = [product.source.size / (images * groups * channels), placesOf(lines)];
  const layout = layoutOf(lines, channels, sourceChannel, y.outputs, width);
  const asIs = lines.map((line) => ({ ...line, source: line.outputs, apart: line.step, stride: 1, places: [0] }));
  const otherLayout = layoutOf(asIs, 1, places, y.outputs, width);
  const taps = tapsOf(product);
  const padded = Math.ceil(taps / TAPS_AT_ONCE) * TAPS_AT_ONCE;
  const nanoseconds = nanosecondsOf(product);
  const shares = rowsToShare(nanoseconds, run);
  const parts = groupParts(shares === null ? 0 : nanoseconds, 1, images, groups);
  const splitAt = align(4 * GRID_FIELDS.length);
  const otherAt = splitAt + align(splitBytes(layout.phases.length));
  const tableAt = otherAt + align(splitBytes(1));
  const placesAt = tableAt + align(8 * padded);
  const placeBytes = align(((taps + TAPS_AT_ONCE) * columns + layout.size + otherLayout.size) * bytes);
  const scratch = allocate(placesAt + parts.length * placeBytes);
  beginLaunch();
  const grid = addressOf(scratch);
  const table = (grid + tableAt) / 4;
  let entry = table;
  eachTap(product, (channel, elements) => {
    heap.i32[entry] = layout.at(channel, elements) * bytes;
    entry += 2;
  });
  for (; entry < table + 2 * padded; entry += 2) heap.i32[entry] = heap.i32[table]!;
  writeSplit(grid + splitAt, layout, bytes);
  writeSplit(grid + otherAt, otherLayout, bytes);
  const fields: Partial<Record<GridField, number>> = {
    taps,
    table: grid + tableAt,
    depth: z.outputs,
    height: y.outputs,
    sliceStep: layout.sliceStep * bytes,
    rows,
    groupFrom: channels * sourceChannel * bytes,
    groupTo: rows * taps * bytes,
    imageFrom: groups * channels * sourceChannel * bytes,
    split: grid + splitAt,
    size: layout.size * bytes,
    otherSplit: grid + otherAt,
    otherSize: otherLayout.size * bytes,
    vectors: width / columns,
    rowGap: (layout.rowStep - width) * bytes,
    otherSlice: otherLayout.sliceStep * bytes,
    rowOther: places * bytes,
    groupOther: rows * places * bytes,
    imageOther: groups * rows * places * bytes,
  };
  writeGrid(grid, fields);
  const [sourceAt, otherFrom, weightsAt] = [addressOfView(product.source), addressOfView(product.out), addressOfView(weights)];
  heap.u8.fill(0, weightsAt, weightsAt + weights.size * bytes);
  const args = parts.map((part, i) => [
    grid,
    part.images,
    part.groups,
    sourceAt + product.from * bytes + part.group * fields.groupFrom!,
    otherFrom + part.group * fields.groupOther!,
    weightsAt + part.group * fields.groupTo!,
    grid + placesAt + i * placeBytes,
  ]);
  launchParts(shares, args, run);
  release(scratch);
}

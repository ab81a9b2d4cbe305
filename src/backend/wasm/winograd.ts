/** Launches of convolutions by tiles of 2 × 2 outputs. */
import { tileColumns } from '../../kernel/matmul.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { EDGE_BYTES } from '../../kernel/window-images.ts';
import { APART_BYTES, winogradFunctions } from '../../kernel/winograd.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { addressOfView } from './host.ts';
import { instantiateAt } from './level.ts';
import { type MatmulKernels, matmulKernels } from './matmul-kernels.ts';
import { rowsToShare } from './parallel.ts';
import { trialMemory } from './trusted.ts';
import { launchParts, partsOf } from './window-parts.ts';
import { align, type Border, borderBytes, clearPlace, writeBorder } from './window-tables.ts';

/**
 * A convolution of planes of float32 with kernels of 3 × 3 and a stride of 1. Everything counts elements; the planes of the source and of `out` are contiguous, and so are the nine elements of a kernel.
 */
export interface PlaneConvolution {
  readonly images: number;
  readonly groups: number;
  /** Channels of the result and of the source in a group. */
  readonly outputs: number;
  readonly channels: number;
  readonly weights: View;
  readonly weightSteps: { readonly group: number; readonly output: number; readonly channel: number };
  /** The elements of the kernels are taken from the last to the first. */
  readonly turned: boolean;
  readonly source: View;
  /** Rows and columns of the source, and how many zeros lie ahead of them. */
  readonly sizes: readonly [number, number];
  readonly before: readonly [number, number];
  readonly out: View;
  readonly height: number;
  readonly width: number;
  /** A value for each channel of the result to start from, or 0. */
  readonly start: View | null;
}

interface WinogradKernels {
  readonly winograd: KernelFunction;
  readonly transformWeights: KernelFunction;
  readonly packLeft: KernelFunction;
  readonly borderImage: KernelFunction;
}

const compiled = new Map<string, WinogradKernels | null>();

/** The kernels, or null where they do not multiply right. */
function kernelsFor({ level, variant }: MatmulKernels): WinogradKernels | null {
  let kernels = compiled.get(level);
  if (kernels === undefined) {
    const { winograd, transformWeights, packLeft, borderImage } = instantiateAt(level, winogradFunctions(variant));
    kernels = { winograd: winograd!, transformWeights: transformWeights!, packLeft: packLeft!, borderImage: borderImage! };
    if (!isRight(kernels, tileColumns(variant))) kernels = null;
    compiled.set(level, kernels);
  }
  return kernels;
}

const TESTED = { channels: 2, outputs: 7, height: 3, width: 11, rows: 6, columns: 18 } as const;

/** Whether small whole numbers are convolved right: code from an optional pass of a compiler is not trusted before. */
function isRight(kernels: WinogradKernels, tile: number): boolean {
  const { channels, outputs, height, width, rows, columns } = TESTED;
  const count = outputs * channels;
  const tiles = Math.ceil(16 / tile) * tile;
  const sizes = [count * 9, 16 * count, 16 * count, channels * rows * columns, outputs, outputs * height * width];
  sizes.push(16 * (channels * tiles + APART_BYTES), 16 * (outputs * tiles + APART_BYTES), EDGE_BYTES);
  const { storage, at } = trialMemory(sizes, 4);
  const [weights, plain, packed, source, start, out, v, m, edge] = at as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const { f32 } = heap;
  const weight = (i: number): number => ((i * 7) % 5) - 2;
  const value = (i: number): number => ((i * 5) % 11) - 5;
  for (let i = 0; i < count * 9; i++) f32[weights / 4 + i] = weight(i);
  for (let i = 0; i < channels * rows * columns; i++) f32[source / 4 + i] = value(i);
  for (let i = 0; i < outputs; i++) f32[start / 4 + i] = i;
  kernels.transformWeights(plain, weights, 36, 12, 4, count, 4 * count);
  for (let i = 0; i < 16; i++) kernels.packLeft(packed + 4 * i * count, plain + 4 * i * count, outputs, channels, 4 * channels, 4);
  const image = [1, source, 0, 0, 4 * rows * columns, 4 * columns, channels, outputs, 2, 2, 8, packed, v, m, edge];
  kernels.winograd(...image, start, 4, out, 0, 4 * height * width, width, height);
  let good = true;
  for (let o = 0; o < outputs; o++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = o;
        for (let k = 0; k < 9 * channels; k++) {
          const [c, i, j] = [Math.floor(k / 9), Math.floor((k % 9) / 3), k % 3];
          sum += weight(o * channels * 9 + k) * value((c * rows + y + i) * columns + x + j);
        }
        good &&= f32[out / 4 + (o * height + y) * width + x] === sum;
      }
    }
  }
  release(storage);
  return good;
}

/** Fewer channels are not worth transforming; more weights than this do not stay in a cache. Measured. */
const FEWEST = 16;
const MOST_CHANNELS = 256;
const MOST_WEIGHTS = 1 << 16;
/** Fewer tiles than this do not pay for the transform of the weights, nor do tiles of which less than this share is wanted. */
const FEWEST_TILES = 48;
const ENOUGH = 0.6;
/** Bytes of the transforms of a block of tiles. */
const BLOCK_BYTES = 1 << 19;

/** Whether tiles are worth it. */
export function suitsWinograd(plane: Omit<PlaneConvolution, 'out' | 'start'>): boolean {
  const { images, outputs, channels, height, width, before } = plane;
  if (Math.min(outputs, channels) < FEWEST || channels > MOST_CHANNELS || outputs * channels > MOST_WEIGHTS) return false;
  if (Math.min(...before) < 0) return false;
  const [rows, columns] = tilesOf(height, width);
  if (images * rows * columns < FEWEST_TILES || height * width < ENOUGH * 4 * rows * columns) return false;
  return kernelsFor(matmulKernels('f32')) !== null;
}

/** Rows of tiles, and tiles in each: whole vectors. */
function tilesOf(height: number, width: number): readonly [number, number] {
  return [Math.ceil(height / 2), 4 * Math.ceil(width / 8)];
}

/** How many rows of tiles are computed at a time: as many as the cache holds, and such that they fill panels of `width` tiles. */
function blockRowsOf(rows: number, rowTiles: number, perTile: number, width: number): number {
  const most = Math.max(1, Math.min(rows, Math.floor(BLOCK_BYTES / perTile / rowTiles)));
  let best = most;
  const waste = (count: number): number => (Math.ceil((count * rowTiles) / width) * width) / (count * rowTiles);
  for (let count = most; count > most / 2; count--) if (waste(count) < waste(best) - 1e-9) best = count;
  return best;
}

/** Runs a convolution that `suitsWinograd`. */
export function winogradProduct(plane: PlaneConvolution): void {
  const { images, groups, outputs, channels, weightSteps, sizes, before, height, width, start } = plane;
  const matmul = matmulKernels('f32');
  const kernels = kernelsFor(matmul)!;
  const columns = tileColumns(matmul.variant);
  const [tileRows, rowTiles] = tilesOf(height, width);
  const [rowStep, rowsHeld] = [2 * rowTiles + 2, 2 * tileRows + 2];
  const inPlace = before[0] === 0 && before[1] === 0 && sizes[0] >= rowsHeld && sizes[1] >= rowStep;
  const size = rowsHeld * rowStep;
  const border: Border | null = inPlace
    ? null
    : {
        layout: null,
        channels,
        slices: 1,
        rows: sizes[0],
        width: sizes[1],
        first: before[0] * rowStep + before[1],
        channelStep: size,
        sliceStep: 0,
        rowStep,
        size: channels * size,
      };
  const [channelBytes, rowBytes] = inPlace ? [4 * sizes[0] * sizes[1], 4 * sizes[1]] : [4 * size, 4 * rowStep];
  const perTile = 64 * (channels + outputs);
  const blockRows = blockRowsOf(tileRows, rowTiles, perTile, columns);
  const nanoseconds = (images * groups * outputs * channels * tileRows * rowTiles * 16) / 40;
  const shares = rowsToShare(nanoseconds, kernels.winograd);
  const parts =
    shares === null ? [{ image: 0, images, column: 0, columns: tileRows }] : partsOf(images, tileRows, blockRows, nanoseconds / groups);
  const single = parts.length > 1 && parts[1]!.image === 0;
  const blockTiles = Math.ceil((blockRows * rowTiles) / columns) * columns;
  const [vBytes, mBytes] = [channels, outputs].map((count) => 16 * (4 * count * blockTiles + APART_BYTES)) as [number, number];
  const placeBytes = EDGE_BYTES + vBytes + mBytes + borderBytes(border, 4);
  const kernelCount = outputs * channels;
  const scratch = allocate(64 + 2 * align(64 * kernelCount) + parts.length * placeBytes);
  beginLaunch();
  const zero = addressOf(scratch);
  const plain = zero + 64;
  const packed = plain + align(64 * kernelCount);
  const places = packed + align(64 * kernelCount);
  const borders = parts.map((_, i) => writeBorder(places + i * placeBytes + EDGE_BYTES + vBytes + mBytes, border, 4));
  const [weightsAt, sourceAt, outAt] = [addressOfView(plane.weights), addressOfView(plane.source), addressOfView(plane.out)];
  heap.u8.fill(0, zero, zero + 64);
  if (single) clearPlace(borders[0]!, border, 4);
  const startAt = start === null ? zero : addressOfView(start);
  const startStep = start === null ? 0 : 4;
  const [outPlane, sourcePlane] = [4 * height * width, 4 * sizes[0] * sizes[1]];
  for (let g = 0; g < groups; g++) {
    const first = weightsAt + 4 * g * weightSteps.group + (plane.turned ? 32 : 0);
    const [down, right] = plane.turned ? [-12, -4] : [12, 4];
    for (let o = 0; o < outputs; o++) {
      const [to, from] = [plain + 4 * o * channels, first + 4 * o * weightSteps.output];
      kernels.transformWeights(to, from, 4 * weightSteps.channel, down, right, channels, 4 * kernelCount);
    }
    for (let i = 0; i < 16; i++)
      kernels.packLeft(packed + 4 * i * kernelCount, plain + 4 * i * kernelCount, outputs, channels, 4 * channels, 4);
    for (let image = 0; image < (single ? images : 1); image++) {
      const source = sourceAt + (image * groups + g) * channels * sourcePlane;
      const own = single ? kernels.borderImage(borders[0]!, source) >>> 0 : source;
      const args = parts.map((part, i) => {
        const place = places + i * placeBytes;
        return [
          part.images,
          own + part.image * groups * channels * sourcePlane + 2 * part.column * rowBytes,
          groups * channels * sourcePlane,
          single ? 0 : borders[i]!,
          channelBytes,
          rowBytes,
          channels,
          outputs,
          part.columns,
          blockRows,
          rowTiles,
          packed,
          place + EDGE_BYTES,
          place + EDGE_BYTES + vBytes,
          place,
          startAt + g * outputs * startStep,
          startStep,
          outAt + ((image + part.image) * groups + g) * outputs * outPlane + 8 * part.column * width,
          groups * outputs * outPlane,
          outPlane,
          width,
          height - 2 * part.column,
        ];
      });
      launchParts(shares, args, kernels.winograd);
    }
  }
  release(scratch);
}

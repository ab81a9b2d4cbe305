/** Launches of products of windows that are read where they lie. */
import { COMPUTE_BYTES, type ComputeType, computeTypeOf } from '../../kernel/element.ts';
import { type MatmulVariant, tileColumns } from '../../kernel/matmul.ts';
import { ENTRY_BYTES } from '../../kernel/pack-windows.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { windowTileFunctions } from '../../kernel/window-images.ts';
import { WINDOW_DEPTH } from '../../kernel/window-tiles.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import { addressOfView } from './host.ts';
import { instantiateAt, type KernelLevel } from './level.ts';
import { matmulKernels } from './matmul-kernels.ts';
import { rowsToShare } from './parallel.ts';
import { trialMemory } from './trusted.ts';
import { launchParts, nanosecondsOf, partsOf } from './window-parts.ts';
import { align, borderBytes, clearPlace, type WindowProduct, writeBorder, writeTable } from './window-tables.ts';

interface TileKernels {
  readonly convolve: KernelFunction;
  readonly correlate: KernelFunction;
  readonly transpose: KernelFunction;
  readonly packRight: KernelFunction;
  readonly addTo: KernelFunction;
  readonly borderImage: KernelFunction;
  /** Columns of a tile. */
  readonly width: number;
}

/** Bytes of a block of the turned result: it stays in the second-level cache. */
const BLOCK_BYTES = 131072;
const MOST_ROWS = 240;
/** Rows of a tile at any level divide this. */
const WHOLE_TILES = 12;

const compiled = new Map<string, TileKernels>();

function kernelsFor(compute: ComputeType): TileKernels {
  const { level, variant } = matmulKernels(compute);
  const key = `${compute} ${level}`;
  let kernels = compiled.get(key);
  if (kernels === undefined) {
    kernels = compile(level, variant);
    if (!isRight(kernels, compute)) kernels = compile('plain', { ...variant, fused: false });
    compiled.set(key, kernels);
  }
  return kernels;
}

function compile(level: KernelLevel, variant: MatmulVariant): TileKernels {
  const { convolve, correlate, transpose, packRight, addTo, borderImage } = instantiateAt(level, windowTileFunctions(variant));
  return {
    convolve: convolve!,
    correlate: correlate!,
    transpose: transpose!,
    packRight: packRight!,
    addTo: addTo!,
    borderImage: borderImage!,
    width: tileColumns(variant),
  };
}

const TESTED_WINDOWS = 17;
const TESTED_DEPTH = 5;

/** Whether small whole numbers are multiplied right: code from an optional pass of a compiler is not trusted before. */
function isRight(kernels: TileKernels, compute: ComputeType): boolean {
  const bytes = COMPUTE_BYTES[compute];
  const { width } = kernels;
  const rows = width + 1;
  const sizes = [
    rows * TESTED_DEPTH,
    2 * width * TESTED_DEPTH,
    TESTED_WINDOWS + TESTED_DEPTH,
    2 * width,
    TESTED_WINDOWS * rows,
    2 * width * TESTED_WINDOWS,
  ];
  const tables = Math.ceil((ENTRY_BYTES * (TESTED_WINDOWS + TESTED_DEPTH)) / bytes);
  const { storage, at: runs } = trialMemory([...sizes, tables], bytes);
  const [left, packed, source, start, out, scratch, across] = runs as [number, number, number, number, number, number, number];
  const values = bytes === 4 ? heap.f32 : heap.f64;
  const fill = (address: number, count: number, value: (i: number) => number): void => {
    for (let i = 0; i < count; i++) values[address / bytes + i] = value(i);
  };
  fill(left, sizes[0]!, (i) => ((i * 7) % 5) - 2);
  fill(source, sizes[2]!, (i) => ((i * 5) % 7) - 3);
  fill(start, sizes[3]!, (i) => i % 3);
  const along = across + ENTRY_BYTES * TESTED_WINDOWS;
  // Windows of one step each, the last ones in the reverse order.
  const at = Int32Array.from({ length: TESTED_WINDOWS }, (_, i) => (i < 8 ? i : TESTED_WINDOWS + 7 - i));
  writeTable(across, at, TESTED_WINDOWS, bytes);
  writeTable(
    along,
    Int32Array.from({ length: TESTED_DEPTH }, (_, i) => i),
    TESTED_DEPTH,
    bytes,
  );
  kernels.packRight(packed, left, rows, TESTED_DEPTH, TESTED_DEPTH * bytes, bytes);
  kernels.convolve(
    1,
    TESTED_WINDOWS,
    12,
    2,
    TESTED_DEPTH,
    source,
    0,
    across,
    along,
    packed,
    scratch,
    start,
    out,
    0,
    TESTED_WINDOWS * bytes,
    rows,
    0,
  );
  let good = true;
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < TESTED_WINDOWS; j++) {
      let sum = r % 3;
      for (let k = 0; k < TESTED_DEPTH; k++) sum += values[left / bytes + r * TESTED_DEPTH + k]! * values[source / bytes + at[j]! + k]!;
      good &&= values[out / bytes + r * TESTED_WINDOWS + j] === sum;
    }
  }
  release(storage);
  return good;
}

/** How much of the panels' columns would be in use. */
function share(rows: number, width: number): number {
  return rows / (Math.ceil(rows / width) * width);
}

/** Where less than this share of the panels is in use, packed windows multiply faster. */
const ENOUGH = 0.5;
/** Turning a result costs as much for each of its rows as packing windows does for about twice as many elements of the inner dimension. */
const TURNING = 2;
/** A sum over fewer places than this costs less than turning it. */
const FEW_PLACES = 256;

/** Whether it pays to read the windows where they lie: measured. */
export function suitsTiles({ images, rows, across, along, out, outSteps }: WindowProduct): boolean {
  if (across.length === 0 || along.length === 0) return false;
  if (share(rows, matmulKernels(computeTypeOf(out.type.name)).columns) < ENOUGH) return false;
  return outSteps.image > 0 ? along.length >= TURNING * rows : images * along.length >= FEW_PLACES;
}

/** `out = start + left · windows`, where all images share `left`. */
export function convolveTiles(product: WindowProduct): void {
  const { images, groups, rows, across, along, leftSteps, sourceSteps, outSteps, start, border } = product;
  const compute = computeTypeOf(product.out.type.name);
  const kernels = kernelsFor(compute);
  const bytes = COMPUTE_BYTES[compute];
  const [m, inner] = [across.length, along.length];
  const panels = Math.ceil(rows / kernels.width);
  const lineBytes = panels * kernels.width * bytes;
  const block = Math.max(WHOLE_TILES, Math.min(MOST_ROWS, Math.floor(BLOCK_BYTES / lineBytes / WHOLE_TILES) * WHOLE_TILES));
  const shares = rowsToShare(nanosecondsOf(product), kernels.convolve);
  const parts =
    shares === null ? [{ image: 0, images, column: 0, columns: m }] : partsOf(images, m, block, nanosecondsOf(product) / groups);
  const turnedBytes = align(block * lineBytes);
  const placeBytes = turnedBytes + borderBytes(border, bytes);
  const packedBytes = inner * lineBytes;
  const acrossBytes = align(ENTRY_BYTES * m);
  const scratch = allocate(lineBytes + packedBytes + acrossBytes + align(ENTRY_BYTES * inner) + parts.length * placeBytes);
  beginLaunch();
  const line = addressOf(scratch);
  const packed = line + lineBytes;
  const acrossAt = packed + packedBytes;
  const alongAt = acrossAt + acrossBytes;
  const places = alongAt + align(ENTRY_BYTES * inner);
  const [leftAt, sourceAt, outAt] = [addressOfView(product.left), addressOfView(product.source), addressOfView(product.out)];
  const startAt = start === null ? 0 : addressOfView(start);
  writeTable(acrossAt, across, m, bytes);
  writeTable(alongAt, along, inner, bytes);
  heap.u8.fill(0, line, line + lineBytes);
  // Where the parts are those of one image, all read it in one place.
  const single = parts.length > 1 && parts[1]!.image === 0;
  const borders = parts.map((_, i) => writeBorder(places + i * placeBytes + turnedBytes, border, bytes));
  if (single) clearPlace(borders[0]!, border, bytes);
  for (let g = 0; g < groups; g++) {
    const left = leftAt + g * leftSteps.group * bytes;
    for (let step = 0; step < inner; step += WINDOW_DEPTH) {
      const depth = Math.min(WINDOW_DEPTH, inner - step);
      kernels.packRight(packed + step * lineBytes, left + step * bytes, rows, depth, leftSteps.row * bytes, bytes);
    }
    if (start !== null) heap.u8.copyWithin(line, startAt + g * rows * bytes, startAt + (g + 1) * rows * bytes);
    for (let image = 0; image < (single ? images : 1); image++) {
      const source = sourceAt + (g * sourceSteps.group + image * sourceSteps.image) * bytes;
      const windows = single ? kernels.borderImage(borders[0]!, source) >>> 0 : source;
      const args = parts.map((part, i) => [
        part.images,
        part.columns,
        block,
        panels,
        inner,
        windows + part.image * sourceSteps.image * bytes,
        sourceSteps.image * bytes,
        acrossAt + part.column * ENTRY_BYTES,
        alongAt,
        packed,
        places + i * placeBytes,
        line,
        outAt + (g * outSteps.group + (image + part.image) * outSteps.image + part.column) * bytes,
        outSteps.image * bytes,
        m * bytes,
        rows,
        single ? 0 : borders[i]!,
      ]);
      launchParts(shares, args, kernels.convolve);
    }
  }
  release(scratch);
}

/** Sums over images are cut into parts of at least this many places; how many depends on the sizes alone. */
const PART_PLACES = 1024;
const MOST_PARTS = 8;
/** The sums of all parts together have no more bytes than this. */
const PARTS_BYTES = 1 << 22;

/** `out = Σ left · windows` over the images. */
export function correlateTiles(product: WindowProduct): void {
  const { images, groups, rows, across, along, leftSteps, sourceSteps, outSteps, border } = product;
  const compute = computeTypeOf(product.out.type.name);
  const kernels = kernelsFor(compute);
  const bytes = COMPUTE_BYTES[compute];
  const panels = Math.ceil(rows / kernels.width);
  const lineBytes = panels * kernels.width * bytes;
  const [m, k] = [across.length, along.length];
  const sumBytes = align(m * lineBytes);
  const sums = Math.max(1, Math.min(MOST_PARTS, images, Math.floor((images * k) / PART_PLACES), Math.floor(PARTS_BYTES / sumBytes)));
  const shares = rowsToShare(nanosecondsOf(product), kernels.correlate);
  // A sum that is not cut is shared by the elements of the windows: each thread packs the other side for itself.
  const slices = sums > 1 || shares === null ? 1 : Math.max(1, Math.min(SLICES, Math.floor(m / (2 * WHOLE_TILES))));
  const parts = Array.from({ length: sums * slices }, (_, i) => {
    const [sum, slice] = [Math.floor(i / slices), i % slices];
    const [image, end] = [Math.floor((sum * images) / sums), Math.floor(((sum + 1) * images) / sums)];
    const [row, last] = [cutAt(slice, slices, m), cutAt(slice + 1, slices, m)];
    return { image, images: end - image, row, rows: last - row, at: sum * sumBytes + row * lineBytes };
  });
  const packedBytes = align(Math.min(WINDOW_DEPTH, k) * lineBytes);
  const placeBytes = packedBytes + borderBytes(border, bytes);
  const acrossBytes = align(ENTRY_BYTES * m);
  const places = shares === null ? 1 : parts.length;
  const scratch = allocate(lineBytes + sums * sumBytes + acrossBytes + align(ENTRY_BYTES * k) + places * placeBytes);
  beginLaunch();
  const line = addressOf(scratch);
  const sumsAt = line + lineBytes;
  const acrossAt = sumsAt + sums * sumBytes;
  const alongAt = acrossAt + acrossBytes;
  const placesAt = alongAt + align(ENTRY_BYTES * k);
  const [leftAt, sourceAt, outAt] = [addressOfView(product.left), addressOfView(product.source), addressOfView(product.out)];
  writeTable(acrossAt, across, m, bytes);
  writeTable(alongAt, along, k, bytes);
  heap.u8.fill(0, line, line + lineBytes);
  const borders = Array.from({ length: places }, (_, i) => writeBorder(placesAt + i * placeBytes + packedBytes, border, bytes));
  for (let g = 0; g < groups; g++) {
    const args = parts.map((part, i) => {
      const place = places === 1 ? 0 : i;
      return [
        Math.ceil(k / WINDOW_DEPTH) * part.images,
        0,
        part.rows,
        rows,
        panels,
        k,
        sourceAt + (g * sourceSteps.group + part.image * sourceSteps.image) * bytes,
        sourceSteps.image * bytes,
        acrossAt + part.row * ENTRY_BYTES,
        alongAt,
        leftAt + (g * leftSteps.group + part.image * leftSteps.image) * bytes,
        leftSteps.image * bytes,
        placesAt + place * placeBytes,
        sumsAt + part.at,
        line,
        borders[place]!,
      ];
    });
    launchParts(shares, args, kernels.correlate);
    for (let i = 1; i < sums; i++) kernels.addTo(sumsAt, sumsAt + i * sumBytes, (m * lineBytes) / 16);
    kernels.transpose(outAt + g * outSteps.group * bytes, m * bytes, sumsAt, lineBytes, rows, m);
  }
  release(scratch);
}

/** Into how many slices a sum is cut. */
const SLICES = 4;

/** Where slice i of n begins: at whole tiles. */
function cutAt(i: number, n: number, m: number): number {
  return i === n ? m : Math.floor((i * m) / n / WHOLE_TILES) * WHOLE_TILES;
}

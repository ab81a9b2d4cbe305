/** Launches of products of windows that are read where they lie. */
import { COMPUTE_BYTES, type ComputeType, computeTypeOf } from '../../kernel/element.ts';
import { type MatmulVariant, tileColumns } from '../../kernel/matmul.ts';
import { ENTRY_BYTES } from '../../kernel/pack-windows.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { WINDOW_DEPTH, windowTileFunctions } from '../../kernel/window-tiles.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import { addressOfView } from './host.ts';
import { instantiateAt, type KernelLevel } from './level.ts';
import { matmulKernels } from './matmul-kernels.ts';
import { align, type WindowProduct, writeTable } from './window-tables.ts';

interface TileKernels {
  readonly convolve: KernelFunction;
  readonly correlate: KernelFunction;
  readonly transpose: KernelFunction;
  readonly packRight: KernelFunction;
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
  const { convolve, correlate, transpose, packRight } = instantiateAt(level, windowTileFunctions(variant));
  return { convolve: convolve!, correlate: correlate!, transpose: transpose!, packRight: packRight!, width: tileColumns(variant) };
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
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + ((size + 15) & -16), 0));
  const tablesAt = (starts[5]! + sizes[5]! + 16) * bytes;
  const storage = allocate(tablesAt + ENTRY_BYTES * (TESTED_WINDOWS + TESTED_DEPTH));
  const base = addressOf(storage);
  const [left, packed, source, start, out, scratch] = starts.map((at) => base + at * bytes) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const values = bytes === 4 ? heap.f32 : heap.f64;
  const fill = (address: number, count: number, value: (i: number) => number): void => {
    for (let i = 0; i < count; i++) values[address / bytes + i] = value(i);
  };
  fill(left, sizes[0]!, (i) => ((i * 7) % 5) - 2);
  fill(source, sizes[2]!, (i) => ((i * 5) % 7) - 3);
  fill(start, sizes[3]!, (i) => i % 3);
  const [across, along] = [base + tablesAt, base + tablesAt + ENTRY_BYTES * TESTED_WINDOWS];
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
  const { images, groups, rows, across, along, leftSteps, sourceSteps, outSteps, start } = product;
  const compute = computeTypeOf(product.out.type.name);
  const kernels = kernelsFor(compute);
  const bytes = COMPUTE_BYTES[compute];
  const panels = Math.ceil(rows / kernels.width);
  const lineBytes = panels * kernels.width * bytes;
  const inner = along.length;
  const block = Math.max(WHOLE_TILES, Math.min(MOST_ROWS, Math.floor(BLOCK_BYTES / lineBytes / WHOLE_TILES) * WHOLE_TILES));
  const scratchBytes = align(block * lineBytes);
  const packedBytes = inner * lineBytes;
  const acrossBytes = align(ENTRY_BYTES * across.length);
  const scratch = allocate(lineBytes + scratchBytes + packedBytes + acrossBytes + ENTRY_BYTES * inner);
  beginLaunch();
  const line = addressOf(scratch);
  const turned = line + lineBytes;
  const packed = turned + scratchBytes;
  const acrossAt = packed + packedBytes;
  const alongAt = acrossAt + acrossBytes;
  const [leftAt, sourceAt, outAt] = [addressOfView(product.left), addressOfView(product.source), addressOfView(product.out)];
  const startAt = start === null ? 0 : addressOfView(start);
  writeTable(acrossAt, across, across.length, bytes);
  writeTable(alongAt, along, inner, bytes);
  heap.u8.fill(0, line, line + lineBytes);
  for (let g = 0; g < groups; g++) {
    const left = leftAt + g * leftSteps.group * bytes;
    for (let step = 0; step < inner; step += WINDOW_DEPTH) {
      const depth = Math.min(WINDOW_DEPTH, inner - step);
      kernels.packRight(packed + step * lineBytes, left + step * bytes, rows, depth, leftSteps.row * bytes, bytes);
    }
    if (start !== null) heap.u8.copyWithin(line, startAt + g * rows * bytes, startAt + (g + 1) * rows * bytes);
    kernels.convolve(
      images,
      across.length,
      block,
      panels,
      inner,
      sourceAt + g * sourceSteps.group * bytes,
      sourceSteps.image * bytes,
      acrossAt,
      alongAt,
      packed,
      turned,
      line,
      outAt + g * outSteps.group * bytes,
      outSteps.image * bytes,
      across.length * bytes,
      rows,
    );
  }
  release(scratch);
}

/** `out = Σ left · windows` over the images. */
export function correlateTiles(product: WindowProduct): void {
  const { images, groups, rows, across, along, leftSteps, sourceSteps, outSteps } = product;
  const compute = computeTypeOf(product.out.type.name);
  const kernels = kernelsFor(compute);
  const bytes = COMPUTE_BYTES[compute];
  const panels = Math.ceil(rows / kernels.width);
  const lineBytes = panels * kernels.width * bytes;
  const [m, k] = [across.length, along.length];
  const packedBytes = align(Math.min(WINDOW_DEPTH, k) * lineBytes);
  const sumBytes = align(m * lineBytes);
  const acrossBytes = align(ENTRY_BYTES * m);
  const scratch = allocate(lineBytes + packedBytes + sumBytes + acrossBytes + ENTRY_BYTES * k);
  beginLaunch();
  const line = addressOf(scratch);
  const packed = line + lineBytes;
  const sums = packed + packedBytes;
  const acrossAt = sums + sumBytes;
  const alongAt = acrossAt + acrossBytes;
  const [leftAt, sourceAt, outAt] = [addressOfView(product.left), addressOfView(product.source), addressOfView(product.out)];
  writeTable(acrossAt, across, m, bytes);
  writeTable(alongAt, along, k, bytes);
  heap.u8.fill(0, line, line + lineBytes);
  const blocks = Math.ceil(k / WINDOW_DEPTH) * images;
  for (let g = 0; g < groups; g++) {
    const left = leftAt + g * leftSteps.group * bytes;
    const source = sourceAt + g * sourceSteps.group * bytes;
    kernels.correlate(
      blocks,
      0,
      m,
      rows,
      panels,
      k,
      source,
      sourceSteps.image * bytes,
      acrossAt,
      alongAt,
      left,
      leftSteps.image * bytes,
      packed,
      sums,
      line,
    );
    kernels.transpose(outAt + g * outSteps.group * bytes, m * bytes, sums, lineBytes, rows, m);
  }
  release(scratch);
}

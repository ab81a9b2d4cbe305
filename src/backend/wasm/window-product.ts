/** Matrix products in which one side is made of windows of an image: convolutions and their gradients. */
import { type ComputeType, computeTypeOf } from '../../kernel/element.ts';
import { tileColumns } from '../../kernel/matmul.ts';
import { ENTRY_BYTES, type Runs } from '../../kernel/pack-windows.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { EDGE_BYTES, packedBytes, packedFunctions } from '../../kernel/window-images.ts';
import { WINDOW_DEPTH } from '../../kernel/window-tiles.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import { addressOfView } from './host.ts';
import { instantiateAt } from './level.ts';
import { matmulKernels } from './matmul-kernels.ts';
import { rowsToShare } from './parallel.ts';
import { launchParts, nanosecondsOf, partsOf } from './window-parts.ts';
import { align, borderBytes, type WindowProduct, writeBorder, writeTable } from './window-tables.ts';
import { convolveTiles, correlateTiles, suitsTiles } from './window-tiles.ts';

interface PackedKernels {
  readonly convolve: KernelFunction;
  readonly packLeft: KernelFunction;
  readonly width: number;
}

const compiled = new Map<string, PackedKernels>();

function kernelsFor(compute: ComputeType, runs: Runs): PackedKernels {
  // The level that was tried out for plain products: the tiles are the same.
  const { level, variant } = matmulKernels(compute);
  const key = `${compute} ${level} ${runs}`;
  let kernels = compiled.get(key);
  if (kernels === undefined) {
    const { convolvePacked, packLeft } = instantiateAt(level, packedFunctions(variant, runs));
    kernels = { convolve: convolvePacked!, packLeft: packLeft!, width: tileColumns(variant) };
    compiled.set(key, kernels);
  }
  return kernels;
}

/** How many neighbours of a table's entries lie one element apart. */
function neighbours(table: Int32Array): number {
  let count = 0;
  for (let i = 1; i < table.length; i++) if (table[i]! - table[i - 1]! === 1) count++;
  return count / Math.max(table.length, 1);
}

/** Runs a product of float32 or float64. */
export function windowProduct(product: WindowProduct): void {
  if (!suitsTiles(product)) packedProduct(product);
  else if (product.outSteps.image > 0) convolveTiles(product);
  else correlateTiles(product);
}

function packedProduct(product: WindowProduct): void {
  const { images, groups, rows, across, along, leftSteps, sourceSteps, outSteps, start, border } = product;
  const compute = computeTypeOf(product.out.type.name);
  const kernels = kernelsFor(compute, neighbours(across) >= neighbours(along) ? 'across' : 'along');
  const bytes = compute === 'f64' ? 8 : 4;
  const { width } = kernels;
  const [columns, inner] = [across.length, along.length];
  const isSum = outSteps.image === 0;
  const shares = isSum ? null : rowsToShare(nanosecondsOf(product), kernels.convolve);
  // Images that are few are cut where whole blocks of columns end; a border is made for each part then.
  const parts =
    shares === null ? [{ image: 0, images, column: 0, columns }] : partsOf(images, columns, 256, nanosecondsOf(product) / groups);
  const isWhole = parts[0]!.columns === columns;
  const leftBytes = align(rows * inner * bytes);
  const acrossLength = Math.ceil(columns / width) * width;
  const placeBytes = EDGE_BYTES + align(packedBytes(columns, inner, width, bytes)) + borderBytes(border, bytes);
  const tableBytes = align(ENTRY_BYTES * acrossLength) + align(ENTRY_BYTES * inner);
  const scratch = allocate(64 + leftBytes + tableBytes + parts.length * placeBytes);
  beginLaunch();
  const zero = addressOf(scratch);
  const left = zero + 64;
  const acrossAt = left + leftBytes;
  const alongAt = acrossAt + align(ENTRY_BYTES * acrossLength);
  const places = left + leftBytes + tableBytes;
  const [leftAt, sourceAt, outAt] = [addressOfView(product.left), addressOfView(product.source), addressOfView(product.out)];
  heap.u8.fill(0, zero, zero + 64);
  if (isSum || columns === 0) heap.u8.fill(0, outAt, outAt + product.out.size * bytes);
  if (columns > 0) {
    writeTable(acrossAt, across, acrossLength, bytes);
    writeTable(alongAt, along, inner, bytes);
    const borders = parts.map((_, i) => writeBorder(places + (i + 1) * placeBytes - borderBytes(border, bytes), border, bytes));
    const startAt = start === null ? zero : addressOfView(start);
    for (let g = 0; g < groups; g++) {
      const from = leftAt + g * leftSteps.group * bytes;
      if (!isSum) {
        for (let step = 0; step < inner; step += WINDOW_DEPTH) {
          const depth = Math.min(WINDOW_DEPTH, inner - step);
          kernels.packLeft(left + rows * step * bytes, from + step * bytes, rows, depth, leftSteps.row * bytes, bytes);
        }
      }
      for (let image = 0; image < (isWhole ? 1 : images); image++) {
        const args = parts.map((part, i) => [
          part.images,
          part.columns,
          inner,
          rows,
          from,
          isSum ? leftSteps.image * bytes : 0,
          leftSteps.row * bytes,
          left,
          sourceAt + (g * sourceSteps.group + (image + part.image) * sourceSteps.image) * bytes,
          sourceSteps.image * bytes,
          acrossAt + part.column * ENTRY_BYTES,
          alongAt,
          places + i * placeBytes,
          isSum ? 0 : startAt + (start === null ? 0 : g * rows * bytes),
          start === null ? 0 : bytes,
          outAt + (g * outSteps.group + (image + part.image) * outSteps.image + part.column) * bytes,
          outSteps.image * bytes,
          columns * bytes,
          borders[i]!,
        ]);
        launchParts(shares, args, kernels.convolve);
      }
    }
  }
  release(scratch);
}

/** Matrix products in which one side is made of windows of an image: convolutions and their gradients. */
import { type ComputeType, computeTypeOf } from '../../kernel/element.ts';
import { ENTRY_BYTES, packWindowsFunction, type Runs } from '../../kernel/pack-windows.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import { addressOfView } from './host.ts';
import { matmulKernels } from './matmul-kernels.ts';
import { align, type WindowProduct, writeTable } from './window-tables.ts';
import { convolveTiles, correlateTiles, suitsTiles } from './window-tiles.ts';

/** Rows of the windows' matrix that are multiplied at a time: a panel of it stays in the first-level cache. */
const DEPTH = 256;
/** Rows of the other matrix at a time: whole tiles of 4 or 6 rows. */
const BLOCK_ROWS = 120;
/** Columns that are packed at a time. */
const BLOCK_COLUMNS = 256;
/** Room for the largest tile at an edge. */
const EDGE_BYTES = 384;

const packers = new Map<string, KernelFunction>();

function packer(compute: ComputeType, width: number, runs: Runs): KernelFunction {
  const key = `${compute} ${width} ${runs}`;
  let kernel = packers.get(key);
  if (kernel === undefined) {
    const f = packWindowsFunction(compute, width, runs);
    kernel = instantiate([f], heap.memory)[f.name]!;
    packers.set(key, kernel);
  }
  return kernel;
}

/** How many neighbours of a table's entries lie one element apart. */
function neighbours(table: Int32Array): number {
  let count = 0;
  for (let i = 1; i < table.length; i++) if (table[i]! - table[i - 1]! === 1) count++;
  return count / Math.max(table.length, 1);
}

/** Sets each row of the results to its first value. */
function fillStart(product: WindowProduct, out: number, bytes: number): void {
  const { images, groups, rows, across, start, outSteps } = product;
  const values = bytes === 4 ? heap.f32 : heap.f64;
  if (start === null) {
    values.fill(0, out / bytes, out / bytes + product.out.size);
    return;
  }
  const first = addressOfView(start) / bytes;
  for (let n = 0; n < images; n++) {
    for (let g = 0; g < groups; g++) {
      for (let r = 0; r < rows; r++) {
        const at = out / bytes + n * outSteps.image + g * outSteps.group + r * across.length;
        values.fill(values[first + g * rows + r]!, at, at + across.length);
      }
    }
  }
}

/** Runs a product of float32 or float64. */
export function windowProduct(product: WindowProduct): void {
  if (suitsTiles(product)) {
    if (product.outSteps.image > 0) convolveTiles(product);
    else correlateTiles(product);
    return;
  }
  const { images, groups, rows, across, along, leftSteps, sourceSteps, outSteps } = product;
  const compute = computeTypeOf(product.out.type.name);
  const kernels = matmulKernels(compute);
  const { bytes, columns: width } = kernels;
  const columns = across.length;
  const inner = along.length;
  const pack = packer(compute, width, neighbours(across) >= neighbours(along) ? 'across' : 'along');
  const depthMost = Math.min(DEPTH, inner);
  const acrossLength = Math.ceil(columns / width) * width;
  const panelBytes = align(depthMost * Math.min(BLOCK_COLUMNS, acrossLength) * bytes);
  const leftBytes = align(rows * inner * bytes);
  const sharedLeft = leftSteps.image === 0;
  const scratch = allocate(
    EDGE_BYTES + panelBytes + leftBytes * (sharedLeft ? groups : 1) + align(ENTRY_BYTES * acrossLength) + ENTRY_BYTES * inner,
  );
  beginLaunch();
  const edge = addressOf(scratch);
  const right = edge + EDGE_BYTES;
  const left = right + panelBytes;
  const acrossAt = left + leftBytes * (sharedLeft ? groups : 1);
  const alongAt = acrossAt + align(ENTRY_BYTES * acrossLength);
  const [leftAt, sourceAt, outAt] = [addressOfView(product.left), addressOfView(product.source), addressOfView(product.out)];
  fillStart(product, outAt, bytes);
  if (inner > 0 && columns > 0) {
    writeTable(acrossAt, across, acrossLength, bytes);
    writeTable(alongAt, along, inner, bytes);
  }
  const packLeft = (to: number, from: number): void => {
    for (let step = 0; step < inner; step += DEPTH)
      kernels.packLeft(to + rows * step * bytes, from + step * bytes, rows, Math.min(DEPTH, inner - step), leftSteps.row * bytes, bytes);
  };
  if (sharedLeft) for (let g = 0; g < groups; g++) packLeft(left + g * leftBytes, leftAt + g * leftSteps.group * bytes);
  for (let n = 0; n < images && inner > 0; n++) {
    for (let g = 0; g < groups; g++) {
      const packed = sharedLeft ? left + g * leftBytes : left;
      if (!sharedLeft) packLeft(left, leftAt + (n * leftSteps.image + g * leftSteps.group) * bytes);
      const source = sourceAt + (n * sourceSteps.image + g * sourceSteps.group) * bytes;
      const out = outAt + (n * outSteps.image + g * outSteps.group) * bytes;
      for (let column = 0; column < columns; column += BLOCK_COLUMNS) {
        const block = Math.min(BLOCK_COLUMNS, columns - column);
        for (let step = 0; step < inner; step += DEPTH) {
          const depth = Math.min(DEPTH, inner - step);
          pack(right, source, acrossAt + ENTRY_BYTES * column, block, alongAt + ENTRY_BYTES * step, depth);
          for (let row = 0; row < rows; row += BLOCK_ROWS) {
            kernels.multiplyPacked(
              Math.min(BLOCK_ROWS, rows - row),
              block,
              depth,
              packed + (rows * step + row * depth) * bytes,
              right,
              width * bytes,
              depth * width * bytes,
              out + (row * columns + column) * bytes,
              columns * bytes,
              edge,
              0,
            );
          }
        }
      }
    }
  }
  release(scratch);
}

/** Launches of convolutions of few channels at a time. */

import { type Apart, depthwiseFunctions } from '../../kernel/depthwise.ts';
import { COMPUTE_BYTES, type ComputeType, computeTypeOf } from '../../kernel/element.ts';
import { ENTRY_BYTES } from '../../kernel/pack-windows.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import { addressOfView } from './host.ts';
import { instantiateAt } from './level.ts';
import { matmulKernels } from './matmul-kernels.ts';
import { rowsToShare } from './parallel.ts';
import { groupParts, launchParts, nanosecondsOf } from './window-parts.ts';
import { align, borderBytes, type WindowProduct, writeBorder, writeTable } from './window-tables.ts';

interface DepthwiseKernels {
  readonly depthwise: KernelFunction;
  readonly depthwiseSums: KernelFunction;
}

const compiled = new Map<string, DepthwiseKernels>();

function kernelsFor(compute: ComputeType, apart: Apart): DepthwiseKernels {
  const { level, variant } = matmulKernels(compute);
  // What loads and adds is bound by the loads: wider vectors gain nothing.
  const own = level === 'plain' ? 'plain' : 'fused';
  const key = `${compute} ${own} ${apart}`;
  let kernels = compiled.get(key);
  if (kernels === undefined) {
    const { depthwise, depthwiseSums } = instantiateAt(own, depthwiseFunctions(variant, apart));
    kernels = { depthwise: depthwise!, depthwiseSums: depthwiseSums! };
    compiled.set(key, kernels);
  }
  return kernels;
}

/** More rows, or longer products, are worth packing. Measured. */
const MOST_ROWS = 2;
const MOST_ELEMENTS = 64;

/** Whether the products are so few and short that packing would cost more. */
export function suitsDepthwise({ rows, across, along, outSteps }: WindowProduct): boolean {
  return rows <= MOST_ROWS && (outSteps.image > 0 ? along : across).length <= MOST_ELEMENTS;
}

/** How far the places of a table lie apart, where that is read as vectors. */
function apartOf(places: Int32Array): Apart {
  let twos = 0;
  for (let i = 1; i < places.length; i++) if (places[i]! - places[i - 1]! === 2) twos++;
  return 2 * twos > places.length ? 2 : 1;
}

/** Runs a product row by row. */
export function depthwiseProduct(product: WindowProduct): void {
  const { images, groups, rows, across, along, leftSteps, sourceSteps, out, outSteps, start, border } = product;
  const compute = computeTypeOf(out.type.name);
  const bytes = COMPUTE_BYTES[compute];
  const isSum = outSteps.image === 0;
  const apart = apartOf(isSum ? along : across);
  const kernels = kernelsFor(compute, apart);
  const kernel = isSum ? kernels.depthwiseSums : kernels.depthwise;
  const nanoseconds = 4 * nanosecondsOf(product);
  const shares = rowsToShare(nanoseconds, kernel);
  const parts = groupParts(shares === null ? 0 : nanoseconds, isSum ? 1 : images, images, groups);
  const acrossBytes = align(ENTRY_BYTES * across.length);
  const placeBytes = borderBytes(border, bytes);
  const scratch = allocate(64 + acrossBytes + align(ENTRY_BYTES * along.length) + parts.length * placeBytes);
  beginLaunch();
  const zero = addressOf(scratch);
  const acrossAt = zero + 64;
  const alongAt = acrossAt + acrossBytes;
  const places = alongAt + align(ENTRY_BYTES * along.length);
  const [leftAt, sourceAt, outAt] = [addressOfView(product.left), addressOfView(product.source), addressOfView(out)];
  const startAt = start === null ? zero : addressOfView(start);
  heap.u8.fill(0, zero, zero + 64);
  if (isSum) heap.u8.fill(0, outAt, outAt + out.size * bytes);
  writeTable(acrossAt, across, across.length, bytes, isSum ? 1 : apart);
  writeTable(alongAt, along, along.length, bytes, isSum ? apart : 1);
  const borders = parts.map((_, i) => writeBorder(places + i * placeBytes, border, bytes));
  const startStep = start === null ? 0 : bytes;
  for (let r = 0; r < rows; r++) {
    const args = parts.map((part, i) => {
      const source = sourceAt + (part.image * sourceSteps.image + part.group * sourceSteps.group) * bytes;
      const left = leftAt + (part.image * leftSteps.image + part.group * leftSteps.group + r * leftSteps.row) * bytes;
      const to = outAt + (part.image * outSteps.image + part.group * outSteps.group + r * across.length) * bytes;
      const common = [part.images, part.groups, across.length, along.length, source, sourceSteps.image * bytes, sourceSteps.group * bytes];
      const tables = [acrossAt, alongAt, left];
      const leftGroup = leftSteps.group * bytes;
      const last = [to, outSteps.group * bytes, borders[i]!];
      if (isSum) return [...common, ...tables, leftSteps.image * bytes, leftGroup, ...last];
      const begin = startAt + (part.group * rows + r) * startStep;
      return [...common, ...tables, leftGroup, begin, rows * startStep, to, outSteps.image * bytes, outSteps.group * bytes, borders[i]!];
    });
    launchParts(shares, args, kernel);
  }
  release(scratch);
}

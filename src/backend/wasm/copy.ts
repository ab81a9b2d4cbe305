/** Copies of strided elements into consecutive ones, with conversion. Not a launch: callers hold resolved addresses. */
import type { DType } from '../../dtype/dtype.ts';
import { itemBytes } from '../../kernel/element.ts';
import { gatherFunction } from '../../kernel/gather.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { type Axis, countOf, eachOffset, SINGLE } from './axes.ts';

const kernels = new Map<string, KernelFunction>();

/** What moves elements of a size without looking at them. */
const CARRIERS: Partial<Record<number, DType>> = { 1: 'uint8', 2: 'int16', 4: 'int32', 8: 'int64' };

function kernelFor(from: DType, to: DType): KernelFunction {
  const carrier = from === to ? CARRIERS[itemBytes(from)] : undefined;
  const key = carrier ?? `${from} ${to}`;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = instantiate([gatherFunction(carrier ?? from, carrier ?? to)], heap.memory).gather!;
    kernels.set(key, kernel);
  }
  return kernel;
}

/** Writes the elements that `axes` span from the address `source` on, consecutively in row-major order, to the address `target`. */
export function copyConsecutively(target: number, to: DType, source: number, from: DType, axes: readonly Axis[]): void {
  const kernel = kernelFor(from, to);
  const inner = axes.slice(-4);
  const [a, b, c, d] = [SINGLE, SINGLE, SINGLE, SINGLE, ...inner].slice(-4) as [Axis, Axis, Axis, Axis];
  const bytes = countOf(inner) * itemBytes(to);
  let position = target;
  eachOffset(axes.slice(0, -4), (offset) => {
    kernel(position, source + offset, a.size, a.stride, b.size, b.stride, c.size, c.stride, d.size, d.stride);
    position += bytes;
  });
}

import type { DTypeInfo } from '../../dtype/dtype.ts';
import { argReduceFunction } from '../../kernel/arg-reduce.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, beginLaunch } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { type Axis, axisOf, eachOffset, pushAxis, SINGLE } from './axes.ts';

const kernels: (KernelFunction | undefined)[] = [];

function kernelFor(kind: 'max' | 'min', type: DTypeInfo): KernelFunction {
  const key = type.index * 2 + (kind === 'max' ? 0 : 1);
  kernels[key] ??= instantiate([argReduceFunction(kind, type.name)], heap.memory).argReduce!;
  return kernels[key];
}

/**
 * The index of the largest or smallest element along `dim`, and the element itself unless `values` is null: the first one wins, and the first NaN
 * before all. `indices` (int64) and `values` (of the input's dtype) are contiguous; `dim` is not negative and not empty.
 */
export function argReduce(kind: 'max' | 'min', values: View | null, indices: View, input: View, dim: number): void {
  if (indices.size === 0) return;
  const along = input.shape.length === 0 ? SINGLE : axisOf(input, dim);
  const kept: Axis[] = [];
  for (let d = 0; d < input.shape.length; d++) if (d !== dim) pushAxis(kept, axisOf(input, d));
  const [k1, k0] = [SINGLE, SINGLE, ...kept].slice(-2) as [Axis, Axis];
  const kernel = kernelFor(kind, input.type);
  beginLaunch();
  const { itemsize } = input.type;
  const source = addressOf(input.storage) + input.offset * itemsize;
  let indexAddress = addressOf(indices.storage) + indices.offset * 8;
  let valueAddress = values === null ? 0 : addressOf(values.storage) + values.offset * itemsize;
  const places = k1.size * k0.size;
  eachOffset(kept.slice(0, -2), (offset) => {
    kernel(valueAddress, indexAddress, source + offset, k1.size, k1.stride, k0.size, k0.stride, along.size, along.stride);
    indexAddress += places * 8;
    if (valueAddress !== 0) valueAddress += places * itemsize;
  });
}

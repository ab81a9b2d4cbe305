import type { DTypeInfo } from '../../dtype/dtype.ts';
import { scanFunction } from '../../kernel/scan.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import type { ScanKind } from '../../runtime/backend.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, beginLaunch } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { pushLoop } from './nested-loops.ts';

const KINDS: Record<ScanKind, number> = { sum: 0, prod: 1, max: 2, min: 3, logaddexp: 4 };
const kernels: (KernelFunction | undefined)[] = [];

function kernelFor(kind: ScanKind, from: DTypeInfo, to: DTypeInfo): KernelFunction {
  const key = (KINDS[kind] * 16 + from.index) * 16 + to.index;
  kernels[key] ??= instantiate([scanFunction(kind, from.name, to.name)], heap.memory).scan!;
  return kernels[key];
}

/** One axis with its steps in bytes through the output, the indices and the input. */
interface Steps {
  readonly size: number;
  readonly out: number;
  readonly index: number;
  readonly input: number;
}

const SINGLE: Steps = { size: 1, out: 0, index: 0, input: 0 };

function stepsOf(dim: number, out: View, indices: View | null, input: View): Steps {
  return {
    size: input.shape[dim]!,
    out: out.strides[dim]! * out.type.itemsize,
    index: indices === null ? 0 : indices.strides[dim]! * 8,
    input: input.strides[dim]! * input.type.itemsize,
  };
}

/**
 * Running sum, product, maximum, minimum or log of the sum of exponentials along `dim`, which is not negative. `out` and `indices` have the shape of
 * the input and any strides; `out` may be the input itself. A running max or min moves on to an equal element, and NaN stays. Floats accumulate in
 * float64 (the half types in float32), integers in their own type, wrapping.
 */
export function scan(kind: ScanKind, out: View, indices: View | null, input: View, dim: number): void {
  if (out.size === 0) return;
  const along = input.shape.length === 0 ? SINGLE : stepsOf(dim, out, indices, input);
  const lines: Steps[] = [];
  for (let d = 0; d < input.shape.length; d++) if (d !== dim) pushLoop(lines, stepsOf(d, out, indices, input), ['out', 'index', 'input']);
  const [b, a] = [SINGLE, SINGLE, ...lines].slice(-2) as [Steps, Steps];
  const outer = lines.slice(0, -2);
  const kernel = kernelFor(kind, input.type, out.type);
  beginLaunch();
  const target = addressOf(out.storage) + out.offset * out.type.itemsize;
  const index = indices === null ? 0 : addressOf(indices.storage) + indices.offset * 8;
  const source = addressOf(input.storage) + input.offset * input.type.itemsize;
  const visit = (depth: number, to: number, at: number, from: number): void => {
    const axis = outer[depth];
    if (axis === undefined) {
      kernel(
        to,
        at,
        from,
        b.size,
        b.out,
        b.index,
        b.input,
        a.size,
        a.out,
        a.index,
        a.input,
        along.size,
        along.out,
        along.index,
        along.input,
      );
      return;
    }
    for (let i = 0; i < axis.size; i++) visit(depth + 1, to + i * axis.out, at + i * axis.index, from + i * axis.input);
  };
  visit(0, target, index, source);
}

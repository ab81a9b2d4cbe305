import { COMPLEX64, type DTypeInfo, FLOAT32, FLOAT64 } from '../dtype/dtype.ts';
import { backend } from '../runtime/backend.ts';
import { allocate } from '../runtime/storage.ts';
import { param } from '../scalar/expr.ts';
import { contiguousStrides, numel } from '../shape/shape.ts';
import { MapOperator } from '../tensor/map-operator.ts';
import { Tensor } from '../tensor/tensor.ts';

const FILL = new MapOperator('fill', param(0), 0, 1, false);

/** Uninitialised contiguous memory seen as a tensor. */
export function emptyTensor(shape: readonly number[], type: DTypeInfo): Tensor {
  const size = numel(shape);
  return new Tensor(allocate(size * type.itemsize), 0, shape, contiguousStrides(shape), type, size, true);
}

/** A contiguous tensor of one value. */
export function fullTensor(shape: readonly number[], value: number, type: DTypeInfo): Tensor {
  const result = emptyTensor(shape, type);
  fillTensor(result, value);
  return result;
}

/** Writes one value into all elements; no history, no version: for tensors that nobody else has seen yet. */
export function fillTensor(target: Tensor, value: number): void {
  if (target.type.isComplex) {
    fillTensor(partOf(target, 0), value);
    fillTensor(partOf(target, 1), 0);
    return;
  }
  backend().map(FILL.program, target, [], [value], target.type);
}

/** The real (0) or imaginary (1) parts of complex elements, in place. */
function partOf(x: Tensor, part: 0 | 1): Tensor {
  const type = x.type === COMPLEX64 ? FLOAT32 : FLOAT64;
  return new Tensor(
    x.storage,
    2 * x.offset + part,
    x.shape,
    x.strides.map((stride) => 2 * stride),
    type,
    x.size,
    false,
  );
}

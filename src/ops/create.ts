import type { DTypeInfo } from '../dtype/dtype.ts';
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
  backend().map(FILL.program, target, [], [value], target.type);
}

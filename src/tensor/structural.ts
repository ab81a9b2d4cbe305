import type { DTypeInfo } from '../dtype/dtype.ts';
import type { AnyOperator } from './node.ts';
import type { Tensor } from './tensor.ts';

/**
 * The few operators that the tape and the interpreters themselves need. They are handed in by `ops/`, so that this layer names none:
 * accumulation adds, a broadcast gradient is summed back, a gradient of another dtype is cast, vmap moves and expands dimensions.
 */
export interface StructuralOperators {
  add(a: Tensor, b: Tensor): Tensor;
  /** a += b, for buffers that only the engine can see. */
  accumulate(a: Tensor, b: Tensor): void;
  sumTo(x: Tensor, shape: readonly number[]): Tensor;
  cast(x: Tensor, type: DTypeInfo): Tensor;
  expand(x: Tensor, shape: readonly number[]): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  permute(x: Tensor, dims: readonly number[]): Tensor;
  select(x: Tensor, dim: number, index: number): Tensor;
  stack(xs: readonly Tensor[]): Tensor;
  clone(x: Tensor): Tensor;
  /** The elements of a storage seen through other sizes and strides: a view. */
  asStrided(x: Tensor, shape: readonly number[], strides: readonly number[], offset: number): Tensor;
  /** Base and slice in, the base with the slice written into it out: the history of a write through a view. */
  readonly copySlices: unknown;
  /** The door to operators. */
  call(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor;
  zeros(shape: readonly number[], type: DTypeInfo): Tensor;
  ones(shape: readonly number[], type: DTypeInfo): Tensor;
}

let provided: StructuralOperators | null = null;

/** Called once by `ops/structural.ts`. */
export function provideStructural(operators: StructuralOperators): void {
  provided = operators;
}

export function structural(): StructuralOperators {
  if (provided === null) throw new Error('the structural operators are not loaded: import an operator module first');
  return provided;
}

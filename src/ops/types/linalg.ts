/** Methods on matrices: the dtype stays, and shapes are not followed. */
import type { DType } from '../../dtype/dtype.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { DTypeOf, Named } from './operands.ts';

/** A tensor of the same dtype. `A`: what follows. */
export type MatrixMethod<A extends unknown[] = []> = <X extends Tensor>(this: X, ...rest: A) => Tensor<number[], DTypeOf<X>>;
/** The same with another tensor first. */
export type MatrixPairMethod<A extends unknown[] = []> = <X extends Tensor, Y extends Tensor>(
  this: X,
  other: Y,
  ...rest: A
) => Tensor<number[], DTypeOf<X>>;
/** Several tensors of the same dtype, by name. */
export type MatrixPartsMethod<N extends string, A extends unknown[] = []> = <X extends Tensor>(
  this: X,
  ...rest: A
) => Named<{ [K in N]: Tensor<number[], DTypeOf<X>> }>;
/** LU factors in one matrix, and pivots. */
export type PackedLuMethod = <X extends Tensor>(
  this: X,
  pivot?: boolean,
  getInfos?: boolean,
) => Named<{ LU: Tensor<number[], DTypeOf<X>>; pivots: Tensor<number[], 'int32'>; infos?: Tensor<number[], 'int32'> }>;
/** A solution from LU factors. */
export type LuSolveMethod = <X extends Tensor, Y extends Tensor, P extends Tensor<number[], DType>>(
  this: X,
  LU: Y,
  pivots: P,
) => Tensor<number[], DTypeOf<X>>;
/** A product with Householder reflections. */
export type ReflectorsMethod = <X extends Tensor, Y extends Tensor, Z extends Tensor>(
  this: X,
  tau: Y,
  other: Z,
  left?: boolean,
  transpose?: boolean,
) => Tensor<number[], DTypeOf<X>>;
/** A solution and the triangle that was read. */
export type TriangularSolveMethod = <X extends Tensor, Y extends Tensor>(
  this: X,
  A: Y,
  upper?: boolean,
  transpose?: boolean,
  unitriangular?: boolean,
) => Named<{ solution: Tensor<number[], DTypeOf<X>>; clonedCoefficient: Tensor<number[], DTypeOf<X>> }>;

/**
 * The shape functions of the type level, one for each kind of operator: they take the shapes of operands to `Ok<shape>` or to a message.
 * An operator's signature guards a parameter with `Arg` and gives its result with `Out`:
 *
 * ```ts
 * declare function matmul<X extends Tensor, Y extends Tensor>(
 *   input: X, other: Arg<MatMul<ShapeOf<X>, ShapeOf<Y>>, Y>,
 * ): Tensor<Out<MatMul<ShapeOf<X>, ShapeOf<Y>>>>;
 * ```
 */
export type * from './types/arith.ts';
export type * from './types/broadcast.ts';
export type * from './types/cat.ts';
export type * from './types/conv.ts';
export type * from './types/core.ts';
export type * from './types/data.ts';
export type * from './types/einsum.ts';
export type * from './types/functions.ts';
export type * from './types/indexing.ts';
export type * from './types/linear.ts';
export type * from './types/matmul.ts';
export type * from './types/movement.ts';
export type * from './types/reduce.ts';
export type * from './types/reshape.ts';
export type * from './types/show.ts';

/** Linear algebra of matrices and batches of them. `N` is the name that messages give. */
import type { DType } from '../../dtype/dtype.ts';
import type { FloatingDType, RealType } from '../../dtype/types.ts';
import type { AllLiteral, Arg, Broadcast, IsOpen, MatrixTranspose, Minimum, Ok, Out, Show, SquareMatrix } from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Described } from '../family.ts';
import type { Common, DTypeOf, Named, OneDType, ShapeOf, Unless } from './operands.ts';

type Matrices = Tensor<number[], FloatingDType>;

/** Square matrices to square matrices: inverses, powers, factors. `A`: what follows. */
export interface SquareFunction<N extends string, A extends readonly unknown[] = []> extends Described {
  <X extends Matrices>(A: Arg<SquareMatrix<ShapeOf<X>, N>, X>, ...rest: A): Tensor<Out<SquareMatrix<ShapeOf<X>, N>>, DTypeOf<X>>;
}
/** Square matrices to one number each. */
export interface DeterminantFunction<N extends string> extends Described {
  <X extends Matrices>(A: Arg<SquareMatrix<ShapeOf<X>, N, false>, X>): Tensor<Out<SquareMatrix<ShapeOf<X>, N, false>>, DTypeOf<X>>;
}
/** The dimensions before those of the matrices. */
type Batch<S> = S extends [...infer B extends number[], number, number] ? B : number[];

/** One number for each matrix. */
export interface PerMatrixFunction<O extends readonly unknown[] = []> extends Described {
  <X extends Matrices>(A: X, ...options: O): Tensor<Batch<ShapeOf<X>>, DTypeOf<X>>;
}
export interface SlogdetFunction<N extends string> extends Described {
  <X extends Matrices>(
    A: Arg<SquareMatrix<ShapeOf<X>, N, false>, X>,
  ): Named<{
    sign: Tensor<Out<SquareMatrix<ShapeOf<X>, N, false>>, DTypeOf<X>>;
    logabsdet: Tensor<Out<SquareMatrix<ShapeOf<X>, N, false>>, RealType<DTypeOf<X>>>;
  }>;
}
/** A factor or an inverse, and whether it exists: `R` is the name of the first. */
export interface CheckedFactor<N extends string, R extends string, O> extends Described {
  <X extends Matrices>(
    A: Arg<SquareMatrix<ShapeOf<X>, N>, X>,
    options?: O,
  ): Named<
    { [P in R]: Tensor<Out<SquareMatrix<ShapeOf<X>, N>>, DTypeOf<X>> } & { info: Tensor<Out<SquareMatrix<ShapeOf<X>, N, false>>, 'int32'> }
  >;
}
/** Pseudo-inverses have the shape of the transpose. */
export interface PseudoInverse<N extends string, A extends readonly unknown[]> extends Described {
  <X extends Matrices>(A: Arg<MatrixTranspose<ShapeOf<X>, N>, X>, ...rest: A): Tensor<Out<MatrixTranspose<ShapeOf<X>, N>>, DTypeOf<X>>;
}

/** One number for each matrix. */
type BatchOf<S, N extends string> = S extends readonly [...infer B, unknown, unknown]
  ? Ok<B>
  : IsOpen<S> extends true
    ? Ok<number[]>
    : `${N}: expected at least 2 dims, got ${Show<S>}`;
export interface RankFunction<N extends string, A extends readonly unknown[]> extends Described {
  <X extends Matrices>(A: Arg<BatchOf<ShapeOf<X>, N>, X>, ...rest: A): Tensor<Out<BatchOf<ShapeOf<X>, N>>, 'int64'>;
}

/** The eigenvalues of square matrices. */
type LineOf<S, N extends string> =
  SquareMatrix<S, N> extends infer R ? (R extends Ok<readonly [...infer B, infer M, unknown]> ? Ok<[...B, M]> : R) : never;
export interface EigenvaluesFunction<N extends string> extends Described {
  <X extends Matrices>(A: Arg<LineOf<ShapeOf<X>, N>, X>, UPLO?: string): Tensor<Out<LineOf<ShapeOf<X>, N>>, RealType<DTypeOf<X>>>;
}
export interface EigenFunction<N extends string> extends Described {
  <X extends Matrices>(
    A: Arg<LineOf<ShapeOf<X>, N>, X>,
    UPLO?: string,
  ): Named<{
    eigenvalues: Tensor<Out<LineOf<ShapeOf<X>, N>>, RealType<DTypeOf<X>>>;
    eigenvectors: Tensor<Out<SquareMatrix<ShapeOf<X>, N>>, DTypeOf<X>>;
  }>;
}

type Smaller<M, N> = AllLiteral<[M, N]> extends true ? Minimum<M & number, N & number> : number;
type SingularOf<S, N extends string> = S extends readonly [...infer B, infer P, infer Q]
  ? Ok<[...B, Smaller<P, Q>]>
  : IsOpen<S> extends true
    ? Ok<number[]>
    : `${N}: expected at least 2 dims, got ${Show<S>}`;
/** The left factor: square, or with as many columns as there are singular values. `Full`: true, false or not known. */
type LeftOf<S, Full> = S extends readonly [...infer B, infer P, infer Q]
  ? Ok<[...B, P, boolean extends Full ? number : Full extends true ? P : Smaller<P, Q>]>
  : Ok<number[]>;
type RightOf<S, Full> = S extends readonly [...infer B, infer P, infer Q]
  ? Ok<[...B, boolean extends Full ? number : Full extends true ? Q : Smaller<P, Q>, Q]>
  : Ok<number[]>;
export interface SingularValuesFunction<N extends string, O> extends Described {
  <X extends Matrices>(A: Arg<SingularOf<ShapeOf<X>, N>, X>, options?: O): Tensor<Out<SingularOf<ShapeOf<X>, N>>, RealType<DTypeOf<X>>>;
}
export interface SvdFunction<N extends string, O> extends Described {
  <X extends Matrices, F extends boolean = true>(
    A: Arg<SingularOf<ShapeOf<X>, N>, X>,
    fullMatrices?: F,
    options?: O,
  ): Named<{
    U: Tensor<Out<LeftOf<ShapeOf<X>, F>>, DTypeOf<X>>;
    S: Tensor<Out<SingularOf<ShapeOf<X>, N>>, RealType<DTypeOf<X>>>;
    Vh: Tensor<Out<RightOf<ShapeOf<X>, F>>, DTypeOf<X>>;
  }>;
}
type ModeFull<M> = M extends 'complete' ? true : M extends 'reduced' ? false : boolean;
/** `Q` and `R`; of the mode 'r' only the rank of Q is known. */
type TallOf<S, Full> = S extends readonly [...infer B, infer P, infer Q]
  ? Ok<[...B, boolean extends Full ? number : Full extends true ? P : Smaller<P, Q>, Q]>
  : Ok<number[]>;
export interface QrFunction<N extends string> extends Described {
  <X extends Matrices, M extends 'reduced' | 'complete' | 'r' = 'reduced'>(
    A: Arg<SingularOf<ShapeOf<X>, N>, X>,
    mode?: M,
  ): Named<{
    Q: Tensor<M extends 'r' ? number[] : Out<LeftOf<ShapeOf<X>, ModeFull<M>>>, DTypeOf<X>>;
    R: Tensor<Out<TallOf<ShapeOf<X>, M extends 'r' ? false : ModeFull<M>>>, DTypeOf<X>>;
  }>;
}

/** Cross products: vectors of size 3 of tensors of one rank. */
type CrossShape<A, B, N extends string> = Broadcast<A, B, N>;
export interface CrossFunction<N extends string> extends Described {
  <X extends Tensor, Y extends Tensor>(
    input: X,
    other: Arg<CrossShape<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
    dim?: number | { readonly dim?: number } | null,
  ): Tensor<Out<CrossShape<ShapeOf<X>, ShapeOf<Y>, N>>, Common<X, Y>>;
}
/** A system of equations of which the solution's shape is not followed. */
export interface SolveFunction<N extends string, O> extends Described {
  <X extends Matrices, Y extends Matrices>(
    A: Arg<SquareMatrix<ShapeOf<X>, N>, X>,
    B: Arg<Unless<OneDType<DTypeOf<X>, DTypeOf<Y>, N>, Ok<[]>>, Y>,
    options?: O,
  ): Tensor<number[], DTypeOf<Y>>;
}

// ---------------------------------------------------------------- methods

export type SquareMethod<N extends string, A extends readonly unknown[] = []> = <X extends Matrices>(
  this: Arg<SquareMatrix<ShapeOf<X>, N>, X>,
  ...rest: A
) => Tensor<Out<SquareMatrix<ShapeOf<X>, N>>, DTypeOf<X>>;
export type DeterminantMethod<N extends string> = <X extends Matrices>(
  this: Arg<SquareMatrix<ShapeOf<X>, N, false>, X>,
) => Tensor<Out<SquareMatrix<ShapeOf<X>, N, false>>, DTypeOf<X>>;
export type SlogdetMethod<N extends string> = <X extends Matrices>(
  this: Arg<SquareMatrix<ShapeOf<X>, N, false>, X>,
) => Named<{
  sign: Tensor<Out<SquareMatrix<ShapeOf<X>, N, false>>, DTypeOf<X>>;
  logabsdet: Tensor<Out<SquareMatrix<ShapeOf<X>, N, false>>, RealType<DTypeOf<X>>>;
}>;
export type PseudoInverseMethod<N extends string, A extends readonly unknown[]> = <X extends Matrices>(
  this: Arg<MatrixTranspose<ShapeOf<X>, N>, X>,
  ...rest: A
) => Tensor<Out<MatrixTranspose<ShapeOf<X>, N>>, DTypeOf<X>>;

/** LU factors in one matrix and pivots; with `getInfos` also whether the factors exist. */
type Packed<D extends DType> = { LU: Tensor<number[], D>; pivots: Tensor<number[], 'int32'> };
export interface PackedLuFunction extends Described {
  <X extends Matrices, G extends boolean = false>(
    input: X,
    pivot?: boolean,
    getInfos?: G,
  ): Named<G extends true ? Packed<DTypeOf<X>> & { infos: Tensor<number[], 'int32'> } : Packed<DTypeOf<X>>>;
}

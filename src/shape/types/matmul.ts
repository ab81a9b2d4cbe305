/** Products of vectors and matrices. */
import type { Multiply } from './arith.ts';
import type { Broadcast } from './broadcast.ts';
import type { AllLiteral, Differ, EqualDim, IsOpen, Ok } from './core.ts';
import type { Show, ShowDim } from './show.ts';

type InnerDiffer<
  A,
  B,
  K1,
  K2,
  Op extends string,
> = `${Op}: inner dimensions ${ShowDim<K1>} and ${ShowDim<K2>} differ in ${Show<A>} @ ${Show<B>}`;
type ZeroDim<Op extends string> = `${Op}: operand is 0-dimensional`;

/** `a @ b`: vectors, matrices, and batches of matrices whose leading dimensions broadcast. */
export type MatMul<A, B, Op extends string = 'matmul'> = B extends readonly [...infer BB, infer K2, infer N]
  ? A extends readonly [...infer AB, infer M, infer K1]
    ? Differ<K1, K2> extends true
      ? InnerDiffer<A, B, K1, K2, Op>
      : BB extends readonly []
        ? Ok<[...AB, M, N]>
        : Broadcast<AB, BB, `${Op} batch`, [M, N]>
    : A extends readonly [infer K1]
      ? Differ<K1, K2> extends true
        ? InnerDiffer<A, B, K1, K2, Op>
        : Ok<[...BB, N]>
      : A extends readonly []
        ? ZeroDim<Op>
        : Ok<number[]>
  : B extends readonly [infer K2]
    ? A extends readonly [...infer AB, infer K1]
      ? Differ<K1, K2> extends true
        ? InnerDiffer<A, B, K1, K2, Op>
        : Ok<AB>
      : A extends readonly []
        ? ZeroDim<Op>
        : Ok<number[]>
    : B extends readonly []
      ? ZeroDim<Op>
      : Ok<number[]>;

type WrongRank<A, Op extends string, What extends string> = `${Op}: expected ${What}, got ${Show<A>}`;

/** `[M, K] @ [K, N]`, matrices only. */
export type Mm<A, B, Op extends string = 'mm'> =
  IsOpen<A> extends true
    ? Ok<[number, B extends readonly [unknown, infer N] ? N : number]>
    : IsOpen<B> extends true
      ? Ok<[A extends readonly [infer M, unknown] ? M : number, number]>
      : A extends readonly [unknown, unknown]
        ? B extends readonly [unknown, unknown]
          ? MatMul<A, B, Op>
          : WrongRank<B, Op, 'a matrix'>
        : WrongRank<A, Op, 'a matrix'>;

/** `input + [M, K] @ [K, N]`: the input broadcasts to the product. */
export type Addmm<I, A, B, Op extends string = 'addmm'> =
  Mm<A, B, Op> extends infer R ? (R extends Ok<infer P> ? Broadcast<P, I, Op> : R) : never;

/** `[B, M, K] @ [B, K, N]`, batches of one size only. */
export type Bmm<A, B, Op extends string = 'bmm'> =
  IsOpen<A> extends true
    ? Ok<[number, number, number]>
    : IsOpen<B> extends true
      ? Ok<[number, number, number]>
      : A extends readonly [infer B1, infer M, infer K1]
        ? B extends readonly [infer B2, infer K2, infer N]
          ? Differ<K1, K2> extends true
            ? InnerDiffer<A, B, K1, K2, Op>
            : EqualDim<B1, B2> extends infer D
              ? D extends 'differ'
                ? `${Op}: batch sizes ${ShowDim<B1>} and ${ShowDim<B2>} differ in ${Show<A>} @ ${Show<B>}`
                : Ok<[D, M, N]>
              : never
          : WrongRank<B, Op, 'a batch of matrices'>
        : WrongRank<A, Op, 'a batch of matrices'>;

/** `[M, K] @ [K]`. */
export type Mv<A, B, Op extends string = 'mv'> =
  IsOpen<A> extends true
    ? Ok<[number]>
    : A extends readonly [infer M, infer K1]
      ? IsOpen<B> extends true
        ? Ok<[M]>
        : B extends readonly [infer K2]
          ? Differ<K1, K2> extends true
            ? InnerDiffer<A, B, K1, K2, Op>
            : Ok<[M]>
          : WrongRank<B, Op, 'a vector'>
      : WrongRank<A, Op, 'a matrix'>;

/** `[K] . [K]`. */
export type Dot<A, B, Op extends string = 'dot'> =
  IsOpen<A> extends true
    ? Ok<[]>
    : A extends readonly [infer K1]
      ? IsOpen<B> extends true
        ? Ok<[]>
        : B extends readonly [infer K2]
          ? Differ<K1, K2> extends true
            ? `${Op}: vectors of ${ShowDim<K1>} and ${ShowDim<K2>} elements`
            : Ok<[]>
          : WrongRank<B, Op, 'a vector'>
      : WrongRank<A, Op, 'a vector'>;

/** `[M], [N] -> [M, N]`. */
export type Outer<A, B, Op extends string = 'outer'> =
  IsOpen<A> extends true
    ? Ok<[number, B extends readonly [infer N] ? N : number]>
    : A extends readonly [infer M]
      ? IsOpen<B> extends true
        ? Ok<[M, number]>
        : B extends readonly [infer N]
          ? Ok<[M, N]>
          : WrongRank<B, Op, 'a vector'>
      : WrongRank<A, Op, 'a vector'>;

/** The sum over the last dimension of both: all dimensions of A but the last, then all of B but the last. */
export type Inner<A, B, Op extends string = 'inner'> = A extends readonly []
  ? Ok<B>
  : B extends readonly []
    ? Ok<A>
    : A extends readonly [...infer AI, infer K1]
      ? B extends readonly [...infer BI, infer K2]
        ? Differ<K1, K2> extends true
          ? `${Op}: last dimensions ${ShowDim<K1>} and ${ShowDim<K2>} differ in ${Show<A>} and ${Show<B>}`
          : Ok<[...AI, ...BI]>
        : Ok<number[]>
      : Ok<number[]>;

type TimesDim<A, B> = AllLiteral<[A, B]> extends true ? Multiply<A & number, B & number> : number;
type KronDims<A, B, R extends unknown[] = []> = A extends readonly [...infer AI, infer AL]
  ? B extends readonly [...infer BI, infer BL]
    ? KronDims<AI, BI, [TimesDim<AL, BL>, ...R]>
    : [...A, ...R]
  : B extends readonly unknown[]
    ? [...B, ...R]
    : number[];
/** The Kronecker product: sizes multiply, aligned from the right. */
export type Kron<A, B> = IsOpen<A> extends true ? Ok<number[]> : IsOpen<B> extends true ? Ok<number[]> : Ok<KronDims<A, B>>;

/** Distances between all pairs of rows: `[..., P, M], [..., R, M] -> [..., P, R]`. */
export type Cdist<A, B, Op extends string = 'cdist'> = A extends readonly [...infer AB, infer P, infer K1]
  ? B extends readonly [...infer BB, infer R, infer K2]
    ? Differ<K1, K2> extends true
      ? `${Op}: last dimensions ${ShowDim<K1>} and ${ShowDim<K2>} differ in ${Show<A>} and ${Show<B>}`
      : Broadcast<AB, BB, `${Op} batch`, [P, R]>
    : Ok<number[]>
  : Ok<number[]>;

/** A square matrix or a batch of them, and what becomes of it: the same shape (`inv`, `cholesky`), or its batch dimensions (`det`). */
export type SquareMatrix<S, Op extends string, Keep extends boolean = true> = S extends readonly [...infer B, infer M, infer N]
  ? Differ<M, N> extends true
    ? `${Op}: expected square matrices, got ${Show<S>}`
    : Ok<Keep extends true ? S : B>
  : IsOpen<S> extends true
    ? Ok<number[]>
    : `${Op}: expected at least 2 dims, got ${Show<S>}`;

/** Tensors joined and taken apart. */
import type { Add, Divide, DivideWithRest } from './arith.ts';
import type { AllLiteral, EqualDim, EqualShape, Identical, IsOpen, Length, Ok, Unsized } from './core.ts';
import type { At, DimKey, SetAt } from './dims.ts';
import type { AtLeast1d, AtLeast2d, Unsqueeze } from './movement.ts';
import type { OutOfRange, Show } from './show.ts';

type SumDim<A, B> = AllLiteral<[A, B]> extends true ? Add<A & number, B & number> : number;
type Join<A, B, K> = { -readonly [P in keyof A]: P extends K ? SumDim<A[P], At<B, P>> : EqualDim<A[P], At<B, P>> };

/** Two tensors end to end along dimension I. An empty vector stands for nothing. */
export type Cat2<A, B, I, Op extends string = 'cat'> =
  IsOpen<A> extends true
    ? Ok<number[]>
    : IsOpen<B> extends true
      ? Ok<Unsized<A>>
      : Identical<Length<A>, Length<B>> extends true
        ? DimKey<A, I> extends infer K
          ? K extends 'range'
            ? OutOfRange<A, I, Op>
            : K extends '?'
              ? Ok<Unsized<A>>
              : Join<A, B, K> extends infer R extends readonly unknown[]
                ? 'differ' extends R[number]
                  ? `${Op}: shapes ${Show<A>} and ${Show<B>} differ outside dim ${I & number}`
                  : Ok<R>
                : never
          : never
        : A extends readonly [0]
          ? Ok<B>
          : B extends readonly [0]
            ? Ok<A>
            : `${Op}: shapes ${Show<A>} and ${Show<B>} have different ranks`;

/** A list of tensors end to end along dimension I. */
export type CatAll<T, I, Op extends string = 'cat'> = T extends readonly [infer A, infer B, ...infer R]
  ? Cat2<A, B, I, Op> extends infer X
    ? X extends Ok<infer C>
      ? CatAll<[C, ...R], I, Op>
      : X
    : never
  : T extends readonly [infer A]
    ? Ok<A>
    : T extends readonly []
      ? `${Op}: expected a non-empty list of tensors`
      : T extends readonly (infer S)[]
        ? DimKey<S, I> extends infer K
          ? Ok<K extends '?' | 'range' ? Unsized<S> : SetAt<S, K, number>>
          : never
        : Ok<number[]>;

/** A list of equal shapes along a new dimension I. */
export type StackAll<T, I, Op extends string = 'stack', Count extends 0[] = [0]> = T extends readonly [infer A, infer B, ...infer R]
  ? EqualShape<A, B> extends infer X
    ? X extends 'differ'
      ? `${Op}: shapes ${Show<A>} and ${Show<B>} differ`
      : StackAll<[X, ...R], I, Op, [...Count, 0]>
    : never
  : T extends readonly [infer A]
    ? Unsqueeze<A, I, Count['length'], Op>
    : T extends readonly []
      ? `${Op}: expected a non-empty list of tensors`
      : T extends readonly (infer S)[]
        ? Unsqueeze<S, I, number, Op>
        : Ok<number[]>;

/** `hstack`: vectors end to end, anything else along dimension 1. */
export type Hstack<T> = T extends readonly [infer A, ...unknown[]]
  ? AtLeast1d<A> extends readonly [unknown]
    ? CatAll<{ -readonly [P in keyof T]: AtLeast1d<T[P]> }, 0, 'hstack'>
    : CatAll<T, 1, 'hstack'>
  : Ok<number[]>;
/** `vstack`: along dimension 0, vectors as rows. */
export type Vstack<T> = CatAll<{ -readonly [P in keyof T]: AtLeast2d<T[P]> }, 0, 'vstack'>;

/** The size of every piece where dimension D is cut every N; not known where the last piece is smaller. */
type PieceSize<D, N> = AllLiteral<[D, N]> extends true ? (DivideWithRest<D & number, N & number>[1] extends 0 ? N : number) : number;
/** One piece of dimension I cut every N: `split` with a size. */
export type Split<S, N, I, Op extends string = 'split'> =
  DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : K extends '?'
        ? Ok<Unsized<S>>
        : Ok<SetAt<S, K, PieceSize<At<S, K>, N>>>
    : never;
/** All pieces of dimension I cut into the sizes N: `split` with a list. Ok of a list of shapes. */
export type SplitSizes<S, N, I, Op extends string = 'split'> =
  DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : Ok<{ -readonly [P in keyof N]: K extends '?' ? Unsized<S> : SetAt<S, K, N[P]> }>
    : never;

type ChunkSize<D, C> =
  AllLiteral<[D, C]> extends true
    ? DivideWithRest<D & number, C & number>[1] extends 0
      ? Divide<D & number, C & number>
      : number
    : number;
/** One of C pieces of dimension I. */
export type Chunk<S, C, I, Op extends string = 'chunk'> =
  DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : K extends '?'
        ? Ok<Unsized<S>>
        : Ok<SetAt<S, K, ChunkSize<At<S, K>, C>>>
    : never;

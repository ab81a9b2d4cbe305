/** The same elements in another shape, and shapes repeated and padded. */
import type { Add, DivideWithRest, Multiply } from './arith.ts';
import type { AllLiteral, Copy, Differ, Fill, Identical, IsOpen, Ok } from './core.ts';
import type { At, DimKey, SplitAt } from './dims.ts';
import type { OutOfRange, Show } from './show.ts';

/** Number of elements. */
export type Numel<S, P extends number = 1> = S extends readonly [infer H, ...infer T] ? Numel<T, Multiply<P, H & number>> : P;

/** Sizes that a tensor may be created with: a fault for a negative or fractional one. */
export type ValidDims<N extends readonly number[]> = number extends N['length']
  ? Ok<number[]>
  : true extends { [P in keyof N]: `${N[P]}` extends `-${string}` | `${string}.${string}` ? true : false }[number]
    ? `shape ${Show<N>}: dims must be non-negative integers`
    : Ok<Copy<N>>;

/** N split at its -1: [before, after], 'none' or 'many'. */
type SplitWild<N, R extends unknown[] = []> = N extends readonly [infer H, ...infer T]
  ? Identical<H, -1> extends true
    ? SplitWild<T> extends 'none'
      ? [R, T]
      : 'many'
    : SplitWild<T, [...R, H]>
  : 'none';

/** S without its first member that is D, or 'no'. */
type DropFirst<S, D, R extends unknown[] = []> = S extends readonly [infer H, ...infer T]
  ? Identical<H, D> extends true
    ? [...R, ...T]
    : DropFirst<T, D, [...R, H]>
  : 'no';
/**
 * What is left of S and of N when sizes that both have are crossed out. That makes most reshapes free of arithmetic, and lets named and unknown
 * sizes through.
 */
type Cancel<S, N, Left extends unknown[] = []> = S extends readonly [infer H, ...infer T]
  ? DropFirst<N, H> extends infer X
    ? X extends 'no'
      ? Cancel<T, N, [...Left, H]>
      : Cancel<T, X, Left>
    : never
  : [Left, N];

/** No -1: the products of what is left must agree. */
type CheckSize<S, N, L, R, Op extends string> =
  AllLiteral<L> extends true
    ? AllLiteral<R> extends true
      ? Differ<Numel<L>, Numel<R>> extends true
        ? `${Op}: ${Show<S>} has ${Numel<S>} elements but ${Show<N>} has ${Numel<N>}`
        : Ok<Copy<N>>
      : Ok<Copy<N>>
    : Ok<Copy<N>>;
/** One -1: it is the quotient of the products of what is left. */
type InferSize<S, N, L, R, Op extends string> = R extends readonly []
  ? Ok<Fill<N, L extends readonly [infer Y] ? Y : AllLiteral<L> extends true ? Numel<L> : number>>
  : AllLiteral<L> extends true
    ? AllLiteral<R> extends true
      ? DivideWithRest<Numel<L>, Numel<R>> extends [infer Q, infer Rest]
        ? Differ<Rest, 0> extends true
          ? `${Op}: ${Show<S>} (${Numel<S>} elements) is not divisible into ${Show<N>}`
          : Ok<Fill<N, Q>>
        : never
      : Ok<Fill<N, number>>
    : Ok<Fill<N, number>>;

/** The shape N for the elements of S; one member of N may be -1. */
export type Reshape<S, N, Op extends string = 'reshape'> =
  IsOpen<N> extends true
    ? Ok<number[]>
    : IsOpen<S> extends true
      ? Ok<Fill<N, number>>
      : Cancel<S, N> extends [infer L, infer R]
        ? R extends readonly []
          ? CheckSize<S, N, L, R, Op>
          : SplitWild<R> extends infer X
            ? X extends 'many'
              ? `${Op}: only one -1 is allowed, got ${Show<N>}`
              : X extends [infer R1 extends unknown[], infer R2 extends unknown[]]
                ? InferSize<S, N, L, [...R1, ...R2], Op>
                : CheckSize<S, N, L, R, Op>
            : never
        : never;

/** [the dimensions up to and with the one at key End, the rest], or 'range'; Position is the key of the first. */
type Through<S, End, Position extends 0[], R extends unknown[] = []> = S extends readonly [infer H, ...infer T]
  ? `${Position['length']}` extends End
    ? [[...R, H], T]
    : Through<T, End, [...Position, 0], [...R, H]>
  : 'range';
type Zeros<S> = S extends readonly unknown[] ? ({ [K in keyof S]: 0 } extends infer Z extends 0[] ? Z : []) : [];
type MergedSize<S> = S extends readonly [infer X] ? X : AllLiteral<S> extends true ? Numel<S> : number;
/** The dimensions From to To become one. */
export type Flatten<S, From, To, Op extends string = 'flatten'> =
  IsOpen<S> extends true
    ? Ok<number[]>
    : [DimKey<S, From>, DimKey<S, To>] extends [infer F, infer E]
      ? F extends 'range'
        ? OutOfRange<S, From, Op>
        : E extends 'range'
          ? OutOfRange<S, To, Op>
          : '?' extends F | E
            ? Ok<number[]>
            : S extends readonly []
              ? Ok<[1]>
              : SplitAt<S, F> extends [infer Before extends unknown[], infer Rest]
                ? Through<Rest, E, Zeros<Before>> extends [infer Middle, infer After extends unknown[]]
                  ? Ok<[...Before, MergedSize<Middle>, ...After]>
                  : `${Op}: start must not come after end`
                : never
      : never;

/** Dimension I divided into the sizes N; one of them may be -1. */
export type Unflatten<S, I, N, Op extends string = 'unflatten'> =
  IsOpen<S> extends true
    ? Ok<number[]>
    : IsOpen<N> extends true
      ? Ok<number[]>
      : DimKey<S, I> extends infer K
        ? K extends 'range'
          ? OutOfRange<S, I, Op>
          : K extends '?'
            ? Ok<number[]>
            : Reshape<[At<S, K>], N, Op> extends infer R
              ? R extends Ok<infer Parts extends unknown[]>
                ? SplitAt<S, K> extends [infer Before extends unknown[], readonly [unknown, ...infer After]]
                  ? Ok<[...Before, ...Parts, ...After]>
                  : never
                : R
              : never
        : never;

type TimesSize<A, B> = AllLiteral<[A, B]> extends true ? Multiply<A & number, B & number> : number;
type RepeatDims<S, N, R extends unknown[] = []> = S extends readonly [...infer SI, infer SL]
  ? N extends readonly [...infer NI, infer NL]
    ? RepeatDims<SI, NI, [TimesSize<SL, NL>, ...R]>
    : [...S, ...R]
  : N extends readonly unknown[]
    ? [...N, ...R]
    : number[];
/** Each dimension repeated as often as N says, aligned from the right: `tile`. */
export type Tile<S, N> = IsOpen<S> extends true ? Ok<number[]> : IsOpen<N> extends true ? Ok<number[]> : Ok<RepeatDims<S, N>>;
/** The same, but N must have a count for each dimension: `repeat`. */
export type Repeat<S, N, Op extends string = 'repeat'> =
  Tile<S, N> extends Ok<infer R>
    ? IsOpen<R> extends true
      ? Ok<R>
      : R extends { length: N extends { length: infer L } ? L : number }
        ? Ok<R>
        : `${Op}: ${Show<N>} must have a count for each dim of ${Show<S>}`
    : never;

/** Each element, or each slice along dimension I, R times. */
export type RepeatedAlong<S, I, R, Op extends string = 'repeatInterleave'> = [I] extends [undefined | null]
  ? Ok<[IsOpen<S> extends true ? number : AllLiteral<S> extends true ? TimesSize<Numel<S>, R> : number]>
  : DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : K extends '?'
        ? Ok<number[]>
        : S extends readonly []
          ? Ok<[R]>
          : Ok<{ -readonly [P in keyof S]: P extends K ? TimesSize<S[P], R> : S[P] }>
    : never;

/** A size with padding at both ends; not known where it may be negative. */
type PaddedSize<D, A, B> =
  AllLiteral<[D, A, B]> extends true
    ? `${A & number}${B & number}` extends `${string}-${string}`
      ? number
      : Add<Add<D & number, A & number>, B & number>
    : number;
type PadDims<S, P, R extends unknown[] = []> = P extends readonly [infer A, infer B, ...infer PT]
  ? S extends readonly [...infer I, infer L]
    ? PadDims<I, PT, [PaddedSize<L, A, B>, ...R]>
    : 'rank'
  : P extends readonly []
    ? S extends readonly unknown[]
      ? [...S, ...R]
      : never
    : 'pairs';
/** Padding as PyTorch lists it: before and after the last dimension, then the one before it, and so on. */
export type Pad<S, P, Op extends string = 'pad'> =
  IsOpen<S> extends true
    ? Ok<number[]>
    : IsOpen<P> extends true
      ? Ok<{ -readonly [K in keyof S]: number }>
      : PadDims<S, P> extends infer R
        ? R extends 'rank'
          ? `${Op}: ${Show<P>} pads more dims than ${Show<S>} has`
          : R extends 'pairs'
            ? `${Op}: ${Show<P>} must be pairs of sizes`
            : Ok<R>
        : never;

/** Dimensions moved, put in, dropped; diagonals and triangles. */
import type { Add, Minimum, Subtract } from './arith.ts';
import type { AllLiteral, Differ, Identical, IsOpen, Ok, Unsized } from './core.ts';
import type { At, DimKey, DimKeys, InsertAt, RemoveAt } from './dims.ts';
import type { OutOfRange, Show } from './show.ts';

/** Two dimensions change places. */
export type Transpose<S, A, B, Op extends string = 'transpose'> =
  IsOpen<S> extends true
    ? Ok<number[]>
    : [DimKey<S, A>, DimKey<S, B>] extends [infer KA, infer KB]
      ? KA extends 'range'
        ? OutOfRange<S, A, Op>
        : KB extends 'range'
          ? OutOfRange<S, B, Op>
          : '?' extends KA | KB
            ? Ok<Unsized<S>>
            : Ok<{ -readonly [P in keyof S]: P extends KA ? At<S, KB> : P extends KB ? At<S, KA> : S[P] }>
      : never;

/** The last two dimensions change places: `mT`. */
export type MatrixTranspose<S, Op extends string = 'mT'> = S extends readonly [...infer B, infer M, infer N]
  ? Ok<[...B, N, M]>
  : IsOpen<S> extends true
    ? Ok<number[]>
    : `${Op}: expected at least 2 dims, got ${Show<S>}`;

/** Up to two dimensions, which change places: `t`. */
export type TransposeMatrix<S, Op extends string = 't'> = S extends readonly [infer M, infer N]
  ? Ok<[N, M]>
  : S extends readonly [] | readonly [unknown]
    ? Ok<S>
    : IsOpen<S> extends true
      ? Ok<number[]>
      : `${Op}: expected at most 2 dims, got ${Show<S>}`;

/** All dimensions in the order P. */
export type Permute<S, P extends readonly number[], Op extends string = 'permute'> =
  IsOpen<S> extends true
    ? Ok<number extends P['length'] ? number[] : Unsized<P>>
    : number extends P['length']
      ? Ok<Unsized<S>>
      : S extends { length: P['length'] }
        ? DimKeys<S, P> extends infer K extends readonly unknown[]
          ? 'range' extends K[number]
            ? `${Op}: a dim of ${Show<P>} is out of range for shape ${Show<S>}`
            : '?' extends K[number]
              ? Ok<Unsized<S>>
              : [Extract<keyof S, `${number}`>] extends [K[number]]
                ? Ok<{ -readonly [X in keyof K]: At<S, K[X]> }>
                : `${Op}: ${Show<P>} is not a permutation of the dims of ${Show<S>}`
          : never
        : `${Op}: ${Show<P>} must list every dim of ${Show<S>} once`;

/** One dimension goes to another place, the others keep their order. Of lists only the rank is known. */
export type Movedim<S, From, To, Op extends string = 'movedim'> =
  IsOpen<S> extends true
    ? Ok<number[]>
    : [DimKey<S, From>, DimKey<S, To>] extends [infer F, infer T]
      ? F extends 'range'
        ? OutOfRange<S, From, Op>
        : T extends 'range'
          ? OutOfRange<S, To, Op>
          : '?' extends F | T
            ? Ok<Unsized<S>>
            : Ok<InsertAt<RemoveAt<S, F>, T, At<S, F>>>
      : never;

/** A dimension of size V put in before dimension I. */
export type Unsqueeze<S, I, V = 1, Op extends string = 'unsqueeze'> = S extends readonly unknown[]
  ? number extends S['length']
    ? Ok<number[]>
    : number extends I
      ? Ok<[number, ...Unsized<S>]>
      : DimKey<[...S, 1], I> extends infer K
        ? K extends 'range'
          ? OutOfRange<S, I, Op>
          : K extends '?'
            ? Ok<[number, ...Unsized<S>]>
            : Ok<InsertAt<S, K, V>>
        : never
  : never;

type SqueezeAll<S, R extends unknown[] = []> = S extends readonly [infer H, ...infer T] ? SqueezeAll<T, H extends 1 ? R : [...R, H]> : R;
type SqueezeKeys<S, K, Position extends 0[] = [], R extends unknown[] = []> = S extends readonly [infer H, ...infer T]
  ? `${Position['length']}` extends K
    ? Identical<H, 1> extends true
      ? SqueezeKeys<T, K, [...Position, 0], R>
      : Differ<H, 1> extends true
        ? SqueezeKeys<T, K, [...Position, 0], [...R, H]>
        : number[]
    : SqueezeKeys<T, K, [...Position, 0], [...R, H]>
  : R;
/** Dimensions of size 1 dropped: all of them (undefined), one, or those of a list. A size not known may be 1: then the rank is not known. */
export type Squeeze<S, I, Op extends string = 'squeeze'> =
  IsOpen<S> extends true
    ? Ok<number[]>
    : [I] extends [undefined]
      ? Ok<AllLiteral<S> extends true ? SqueezeAll<S> : number[]>
      : [I] extends [readonly number[]]
        ? number extends I['length']
          ? Ok<number[]>
          : DimKeys<S, I>[number] extends infer K
            ? 'range' extends K
              ? `${Op}: a dim of ${Show<I>} is out of range for shape ${Show<S>}`
              : '?' extends K
                ? Ok<number[]>
                : Ok<SqueezeKeys<S, K>>
            : never
        : DimKey<S, I> extends infer K
          ? K extends 'range'
            ? OutOfRange<S, I, Op>
            : K extends '?'
              ? Ok<number[]>
              : Ok<SqueezeKeys<S, K>>
          : never;

/** At least two dimensions, the shape is kept: `tril`, `triu`. */
export type Triangle<S, Op extends string> = S extends readonly [...unknown[], unknown, unknown]
  ? Ok<S>
  : IsOpen<S> extends true
    ? Ok<S>
    : `${Op}: expected at least 2 dims, got ${Show<S>}`;

type OrZero<N> = N extends 'negative' ? 0 : N;
/** Length of the diagonal of an M by N matrix, `Offset` above (or, negative, below) the main one. */
type DiagonalLength<M, N, Offset> =
  AllLiteral<[M, N, Offset]> extends true
    ? `${Offset & number}` extends `-${infer Below extends number}`
      ? Minimum<OrZero<Subtract<M & number, Below>> & number, N & number>
      : Minimum<M & number, OrZero<Subtract<N & number, Offset & number>> & number>
    : number;
/** Two dimensions dropped, their diagonal put last. */
export type Diagonal<S, Offset, A, B, Op extends string = 'diagonal'> =
  IsOpen<S> extends true
    ? Ok<number[]>
    : [DimKey<S, A>, DimKey<S, B>] extends [infer KA, infer KB]
      ? KA extends 'range'
        ? OutOfRange<S, A, Op>
        : KB extends 'range'
          ? OutOfRange<S, B, Op>
          : '?' extends KA | KB
            ? Ok<number[]>
            : Identical<KA, KB> extends true
              ? `${Op}: the two dims must differ`
              : RemoveAt<S, KA | KB> extends infer R extends unknown[]
                ? Ok<[...R, DiagonalLength<At<S, KA>, At<S, KB>, Offset>]>
                : never
      : never;

type Lengthened<N, Offset> =
  AllLiteral<[N, Offset]> extends true
    ? `${Offset & number}` extends `-${infer Below extends number}`
      ? Add<N & number, Below>
      : Add<N & number, Offset & number>
    : number;
/** A vector becomes the diagonal of a matrix, of a matrix the diagonal is taken. */
export type Diag<S, Offset = 0, Op extends string = 'diag'> = S extends readonly [infer N]
  ? Ok<[Lengthened<N, Offset>, Lengthened<N, Offset>]>
  : S extends readonly [infer M, infer N]
    ? Ok<[DiagonalLength<M, N, Offset>]>
    : IsOpen<S> extends true
      ? Ok<number[]>
      : `${Op}: expected 1 or 2 dims, got ${Show<S>}`;

/** The last dimension becomes the diagonal of a matrix. */
export type DiagEmbed<S, Offset = 0, Op extends string = 'diagEmbed'> = S extends readonly [...infer B, infer N]
  ? Ok<[...B, Lengthened<N, Offset>, Lengthened<N, Offset>]>
  : S extends readonly []
    ? `${Op}: operand is 0-dimensional`
    : Ok<number[]>;

/** Dimensions of size 1 put in until there are one, two or three. */
export type AtLeast1d<S> = S extends readonly [] ? [1] : S;
export type AtLeast2d<S> = S extends readonly [] ? [1, 1] : S extends readonly [infer N] ? [1, N] : S;
export type AtLeast3d<S> = S extends readonly []
  ? [1, 1, 1]
  : S extends readonly [infer N]
    ? [1, N, 1]
    : S extends readonly [infer M, infer N]
      ? [M, N, 1]
      : S;

/** Quarter turns in the plane of the two dimensions P. */
export type Rotated<S, K, P, Op extends string = 'rot90'> = P extends readonly [infer A, infer B]
  ? Transpose<S, A, B, Op> extends infer R
    ? R extends string
      ? R
      : K extends 0 | 2 | 4 | -2 | -4
        ? Ok<S>
        : K extends 1 | 3 | 5 | -1 | -3 | -5
          ? R
          : Ok<Unsized<S>>
    : never
  : Ok<Unsized<S>>;

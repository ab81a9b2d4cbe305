/** Indices, slices, and elements taken by tensors of indices. */
import type { Slice } from '../slice.ts';
import type { Add, Divide, Subtract } from './arith.ts';
import type { AllLiteral, Identical, IsOpen, Length, Ok, Unsized } from './core.ts';
import type { At, DimKey, OneLess, RemoveAt, SetAt } from './dims.ts';
import type { OutOfRange, Show, ShowDim } from './show.ts';

/** What may stand between the brackets: an index, all, the dims not named, a new dim, a slice, or a tensor of indices or booleans. */
export type Index = number | ':' | '...' | null | Slice | { readonly shape: readonly number[] };

/** An edge of a slice within 0 to N. */
type Edge<N extends number, E extends number> = `${E}` extends `-${infer FromEnd extends number}`
  ? Subtract<N, FromEnd> extends infer R extends number
    ? R
    : 0
  : Subtract<N, E> extends 'negative'
    ? N
    : E;
type OrZero<E> = [E] extends [null] ? 0 : E;
/** How many elements of N a slice takes. */
export type SliceLength<N, Start, Stop, Step> =
  AllLiteral<[N, OrZero<Start>, OrZero<Stop>, Step]> extends true
    ? [[Start] extends [null] ? 0 : Edge<N & number, Start & number>, [Stop] extends [null] ? N : Edge<N & number, Stop & number>] extends [
        infer X extends number,
        infer Y extends number,
      ]
      ? `${Step & number}` extends `-${string}`
        ? number
        : Subtract<Y, X> extends infer L extends number
          ? Step extends 1
            ? L
            : Divide<Add<L, Subtract<Step & number, 1> & number>, Step & number>
          : 0
      : number
    : number;

/** How many dimensions the indices I use up. */
type Used<I, R extends 0[] = []> = I extends readonly [infer H, ...infer T] ? Used<T, H extends null | '...' ? R : [...R, 0]> : R['length'];
/** [the dimensions that `...` stands for, the N last ones]. */
type LeaveLast<S, N, R extends unknown[] = []> =
  Length<S> extends N ? [R, S] : S extends readonly [infer H, ...infer T] ? LeaveLast<T, N, [...R, H]> : [R, []];

/** Whether a dimension of size D has the index I; true where that is not known. */
type HasIndex<D, I extends number> =
  AllLiteral<[D, I]> extends true
    ? `${I}` extends `-${infer FromEnd extends number}`
      ? Subtract<D & number, FromEnd> extends 'negative'
        ? false
        : true
      : Subtract<D & number, I> extends 'negative' | 0
        ? false
        : true
    : true;

type IndexWalk<S, I, Whole, R extends unknown[] = []> = I extends readonly [infer H, ...infer T]
  ? [H] extends [null]
    ? IndexWalk<S, T, Whole, [...R, 1]>
    : [H] extends ['...']
      ? LeaveLast<S, Used<T>> extends [infer Passed extends unknown[], infer Rest]
        ? IndexWalk<Rest, T, Whole, [...R, ...Passed]>
        : Ok<number[]>
      : [H] extends [number | ':' | Slice]
        ? S extends readonly [infer D, ...infer DT]
          ? [H] extends [number]
            ? HasIndex<D, H> extends true
              ? IndexWalk<DT, T, Whole, R>
              : `index ${H} is out of range for a dim of size ${ShowDim<D>} in ${Show<Whole>}`
            : [H] extends [Slice<infer Start, infer Stop, infer Step>]
              ? IndexWalk<DT, T, Whole, [...R, SliceLength<D, Start, Stop, Step>]>
              : IndexWalk<DT, T, Whole, [...R, D]>
          : `too many indices for shape ${Show<Whole>}`
        : Ok<number[]>
  : S extends readonly unknown[]
    ? Ok<[...R, ...S]>
    : never;
/** What the indices I take of S. Tensors, lists and booleans as indices give an unknown shape. */
export type IndexShape<S, I extends readonly unknown[]> =
  IsOpen<S> extends true ? Ok<number[]> : number extends I['length'] ? Ok<number[]> : IndexWalk<S, I, S>;

/** One index of dimension I. */
export type Select<S, I, X, Op extends string = 'select'> =
  DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : S extends readonly []
        ? OutOfRange<S, I, Op>
        : K extends '?'
          ? Ok<OneLess<S>>
          : HasIndex<At<S, K>, X & number> extends true
            ? Ok<RemoveAt<S, K>>
            : `${Op}: index ${ShowDim<X>} is out of range for a dim of size ${ShowDim<At<S, K>>} in ${Show<S>}`
    : never;

/** Whether `Count` elements from `Start` on lie within D; true where that is not known. */
type Within<D, Start, Count> =
  AllLiteral<[D, Start, Count]> extends true
    ? `${Start & number}` extends `-${string}`
      ? true
      : Subtract<D & number, Add<Start & number, Count & number>> extends 'negative'
        ? false
        : true
    : true;
/** `Count` elements of dimension I, from `Start` on. */
export type Narrow<S, I, Start, Count, Op extends string = 'narrow'> =
  DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : K extends '?'
        ? Ok<Unsized<S>>
        : Within<At<S, K>, Start, Count> extends true
          ? Ok<SetAt<S, K, Count>>
          : `${Op}: start ${ShowDim<Start>} and length ${ShowDim<Count>} exceed a dim of size ${ShowDim<At<S, K>>} in ${Show<S>}`
    : never;

/** Elements `Start` up to `Stop` of dimension I, `Step` apart. */
export type Sliced<S, I, Start, Stop, Step, Op extends string = 'slice'> =
  DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : K extends '?'
        ? Ok<Unsized<S>>
        : Ok<SetAt<S, K, SliceLength<At<S, K>, Start, Stop, Step>>>
    : never;

type WindowCount<D, L, Step> =
  AllLiteral<[D, L, Step]> extends true
    ? Subtract<D & number, L & number> extends infer R extends number
      ? Add<Divide<R, Step & number>, 1>
      : 'negative'
    : number;
/** Windows of L elements of dimension I, `Step` apart, as a new last dimension. */
export type Windows<S, I, L, Step, Op extends string = 'unfold'> =
  DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : S extends readonly []
        ? Ok<[L]>
        : K extends '?'
          ? Ok<S extends readonly unknown[] ? [...Unsized<S>, L] : number[]>
          : WindowCount<At<S, K>, L, Step> extends infer C
            ? C extends 'negative'
              ? `${Op}: size ${ShowDim<L>} does not fit into a dim of size ${ShowDim<At<S, K>>} in ${Show<S>}`
              : SetAt<S, K, C> extends infer R extends readonly unknown[]
                ? Ok<[...R, L]>
                : never
            : never
    : never;

/** `gather`: the result has the index's shape; the ranks must agree, 0-d counting as 1-d. */
export type Gather<S, I, X, Op extends string = 'gather'> =
  DimKey<S, I> extends 'range'
    ? OutOfRange<S, I, Op>
    : [S, X] extends readonly [readonly [] | readonly [unknown], readonly [] | readonly [unknown]]
      ? Ok<X>
      : IsOpen<S> extends true
        ? Ok<X>
        : IsOpen<X> extends true
          ? Ok<Unsized<S>>
          : Identical<Length<S>, Length<X>> extends true
            ? Ok<X>
            : `${Op}: index ${Show<X>} must have as many dims as ${Show<S>}`;

/** `scatter`: the result has the input's shape; index and input must have one rank. */
export type Scatter<S, I, X, Op extends string = 'scatter'> = Gather<S, I, X, Op> extends infer R ? (R extends string ? R : Ok<S>) : never;

/** `indexSelect`: dimension I gets the length of a vector of indices. */
export type IndexSelect<S, I, X, Op extends string = 'indexSelect'> =
  DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : K extends '?'
        ? Ok<Unsized<S>>
        : X extends readonly [infer N]
          ? Ok<SetAt<S, K, N>>
          : X extends readonly []
            ? Ok<SetAt<S, K, 1>>
            : IsOpen<X> extends true
              ? Ok<SetAt<S, K, number>>
              : `${Op}: index must be a vector, got ${Show<X>}`
    : never;

/** `takeAlongDim`: of the shape only the rank is known, the index's where that is. */
export type TakeAlongDim<S, I, X, Op extends string = 'takeAlongDim'> = [I] extends [undefined | null]
  ? Ok<[number]>
  : Gather<S, I, X, Op> extends infer R
    ? R extends string
      ? R
      : Ok<Unsized<S>>
    : never;

/** `nonzero`: a row of coordinates for each element found. */
export type Nonzero<S> = [number, IsOpen<S> extends true ? number : Length<S>];

/** A row of a table `[V, E]` for each index. */
export type Embedding<X, W, Op extends string = 'embedding'> =
  IsOpen<W> extends true
    ? Ok<X extends readonly unknown[] ? [...X, number] : number[]>
    : W extends readonly [unknown, infer E]
      ? Ok<X extends readonly unknown[] ? [...X, E] : number[]>
      : `${Op}: the weight must be a matrix, got ${Show<W>}`;

/** A vector of `C` classes for each index; how many is not known without C. */
export type OneHot<X, C> = X extends readonly unknown[] ? [...X, [C] extends [undefined] ? number : C extends -1 ? number : C] : number[];

/** Reductions over dimensions, and what works along one. */
import type { Subtract } from './arith.ts';
import type { AllLiteral, IsOpen, Ok, Unsized } from './core.ts';
import type { At, DimKey, DimKeys, OneLess, RemoveAt, SetAt } from './dims.ts';
import type { OutOfRange, Show, ShowDim } from './show.ts';

type ReduceAll<S, Keep> = [Keep] extends [true] ? Ok<{ -readonly [P in keyof S]: 1 }> : boolean extends Keep ? Ok<number[]> : Ok<[]>;

type ReduceMany<S, I extends readonly number[], Keep, Op extends string> = number extends I['length']
  ? Ok<number[]>
  : I extends readonly []
    ? ReduceAll<S, Keep>
    : DimKeys<S, I>[number] extends infer K
      ? 'range' extends K
        ? `${Op}: a dim of ${Show<I>} is out of range for shape ${Show<S>}`
        : boolean extends Keep
          ? Ok<number[]>
          : '?' extends K
            ? Ok<number[]>
            : Ok<Keep extends true ? SetAt<S, K, 1> : RemoveAt<S, K>>
      : never;

/**
 * S reduced over I: a dimension, a list of them, or all (undefined, null, an empty list). `Keep`: reduced dimensions stay with size 1.
 */
export type Reduce<S, I, Keep, Op extends string> = [I] extends [undefined | null]
  ? ReduceAll<S, Keep>
  : [I] extends [readonly number[]]
    ? ReduceMany<S, I, Keep, Op>
    : DimKey<S, I> extends infer K
      ? K extends 'range'
        ? OutOfRange<S, I, Op>
        : boolean extends Keep
          ? Ok<number[]>
          : K extends '?'
            ? Ok<Keep extends true ? Unsized<S> : OneLess<S>>
            : Ok<Keep extends true ? SetAt<S, K, 1> : RemoveAt<S, K>>
      : never;

/** The shape is kept, the dimension must exist: softmax, cumsum, sort. I may be undefined or null. */
export type Along<S, I, Op extends string> = DimKey<S, I> extends 'range' ? OutOfRange<S, I, Op> : Ok<S>;

type Shorter<D, N> = AllLiteral<[D, N]> extends true ? (Subtract<D & number, N & number> extends infer R extends number ? R : 0) : number;
/** Dimension I gets shorter by N: differences of neighbours. */
export type Shortened<S, N, I, Op extends string> = S extends readonly []
  ? `${Op}: operand is 0-dimensional`
  : DimKey<S, I> extends infer K
    ? K extends 'range'
      ? OutOfRange<S, I, Op>
      : Ok<K extends '?' ? Unsized<S> : SetAt<S, K, Shorter<At<S, K>, N>>>
    : never;

/** The same for a list of dimensions: flip, roll. */
export type AlongMany<S, I, Op extends string> = I extends readonly number[]
  ? 'range' extends DimKeys<S, I>[number]
    ? `${Op}: a dim of ${Show<I>} is out of range for shape ${Show<S>}`
    : Ok<S>
  : Along<S, I, Op>;

/** The dimension I gets the size K: the K largest of each row. */
export type TopK<S, K, I, Op extends string = 'topk'> =
  DimKey<S, I> extends infer Key
    ? Key extends 'range'
      ? OutOfRange<S, I, Op>
      : Key extends '?'
        ? Ok<Unsized<S>>
        : IsOpen<S> extends true
          ? Ok<number[]>
          : AllLiteral<[At<S, Key>, K]> extends true
            ? Subtract<At<S, Key> & number, K & number> extends 'negative'
              ? `${Op}: k ${ShowDim<K>} is larger than the dim of size ${ShowDim<At<S, Key>>} in ${Show<S>}`
              : Ok<SetAt<S, Key, K>>
            : Ok<SetAt<S, Key, K>>
    : never;

/** A tensor that must be 0-d, such as the one backward starts from. */
export type ScalarOnly<S, Op extends string> = S extends readonly []
  ? Ok<[]>
  : S extends readonly [...unknown[], unknown]
    ? `${Op}: needs a scalar (0-d) tensor, got shape ${Show<S>}`
    : Ok<[]>;

type OneElementDims<S, Whole, Op extends string> = S extends readonly [...infer I, infer L]
  ? [L & 1] extends [never]
    ? `${Op}: needs a one-element tensor, got shape ${Show<Whole>}`
    : OneElementDims<I, Whole, Op>
  : Ok<[]>;
/** A tensor that must have one element, such as the one item reads. */
export type OneElement<S, Op extends string = 'item'> = OneElementDims<S, S, Op>;

/** Broadcasting, and shapes that a tensor can be expanded to. */
import type { Copy, Differ, EqualShape, Fill, HasWild, Identical, IsLiteral, IsOpen, Ok } from './core.ts';
import type { Show, ShowDim } from './show.ts';

/** One size of the result, or 'differ'. */
type BroadcastDim<A, B> =
  Identical<A, B> extends true
    ? A
    : Identical<A, 1> extends true
      ? B
      : Identical<B, 1> extends true
        ? A
        : Differ<A, B> extends true
          ? 1 extends A | B
            ? number
            : 'differ'
          : IsLiteral<A> extends true
            ? 1 extends A
              ? number
              : IsLiteral<B> extends true
                ? 1 extends B
                  ? number
                  : A & B
                : A
            : IsLiteral<B> extends true
              ? 1 extends B
                ? number
                : B
              : number;

/** Known sizes against an operand of unknown rank: literals other than 1 stay. */
type AgainstUnknown<S> = S extends readonly [...infer I, infer L] ? [...AgainstUnknown<I>, BroadcastDim<number, L>] : [];

/** From the last dimension to the first; R is the result so far. A string says which sizes differ. */
type Walk<A, B, R extends unknown[]> = A extends readonly [...infer AI, infer AL]
  ? B extends readonly [...infer BI, infer BL]
    ? BroadcastDim<AL, BL> extends infer D
      ? [D] extends ['differ']
        ? `${ShowDim<AL>} vs ${ShowDim<BL>}`
        : Walk<AI, BI, [D, ...R]>
      : never
    : B extends readonly []
      ? Ok<[...A, ...R]>
      : Ok<[...number[], ...AgainstUnknown<A>, ...R]>
  : A extends readonly []
    ? B extends readonly unknown[]
      ? Ok<[...B, ...R]>
      : never
    : B extends readonly [...unknown[], unknown]
      ? Ok<[...number[], ...AgainstUnknown<B>, ...R]>
      : Ok<[...number[], ...R]>;

type Merge<A, B, Op extends string, Tail extends unknown[]> =
  Walk<A, B, Tail> extends infer R ? (R extends string ? `${Op}: shapes ${Show<A>} and ${Show<B>} do not broadcast (${R})` : R) : never;

/** The shape that A and B broadcast to, followed by the dimensions `Tail`. */
export type Broadcast<A, B, Op extends string = 'add', Tail extends unknown[] = []> =
  Identical<A, B> extends true
    ? Tail extends []
      ? Ok<A>
      : A extends readonly unknown[]
        ? Ok<[...A, ...Tail]>
        : never
    : B extends readonly []
      ? Tail extends []
        ? Ok<A>
        : A extends readonly unknown[]
          ? Ok<[...A, ...Tail]>
          : never
      : Merge<A, B, Op, Tail>;

/** The shape that three operands broadcast to: `where`, `lerp`, `addcmul`, `clamp`. */
export type Broadcast3<A, B, C, Op extends string> =
  Broadcast<A, B, Op> extends infer R ? (R extends Ok<infer AB> ? Broadcast<AB, C, Op> : R) : never;

/** The shape that a list of operands broadcasts to. */
export type BroadcastAll<T, Op extends string> = T extends readonly [infer A, infer B, ...infer R]
  ? Broadcast<A, B, Op> extends infer X
    ? X extends Ok<infer C>
      ? BroadcastAll<[C, ...R], Op>
      : X
    : never
  : T extends readonly [infer A]
    ? Ok<A>
    : T extends readonly []
      ? Ok<[]>
      : Ok<number[]>;

/** The shape of a target that a value of shape B is written into: B must broadcast to it as it is. */
export type InPlace<A, B, Op extends string> =
  Broadcast<A, B, Op> extends infer R
    ? R extends Ok<infer C>
      ? EqualShape<C, A> extends 'differ'
        ? `${Op}: ${Show<B>} does not fit into the target ${Show<A>}`
        : Ok<A>
      : R
    : never;

/** N with each -1 replaced by the size of S that it keeps, from the last dimension to the first; 'new' where there is none. */
type Keep<S, N, R extends unknown[] = []> = N extends readonly [...infer NI, infer NL]
  ? S extends readonly [...infer SI, infer SL]
    ? Keep<SI, NI, [Identical<NL, -1> extends true ? SL : NL, ...R]>
    : HasWild<N> extends true
      ? 'new'
      : [...N, ...R]
  : R;

/** The shape N that a tensor of shape S is expanded to. -1 keeps a size. */
export type Expand<S, N, Op extends string = 'expand'> =
  IsOpen<N> extends true
    ? Ok<number[]>
    : HasWild<N> extends true
      ? IsOpen<S> extends true
        ? Ok<Fill<N, number>>
        : Keep<S, N> extends infer M
          ? M extends readonly unknown[]
            ? Expand<S, M, Op>
            : `${Op}: -1 in ${Show<N>} stands for a size of ${Show<S>} that is not there`
          : never
      : Broadcast<S, N, Op> extends infer R
        ? R extends Ok<infer Q>
          ? EqualShape<Q, N> extends 'differ'
            ? `${Op}: ${Show<S>} can not be expanded to ${Show<N>}`
            : Ok<Copy<N>>
          : R
        : never;

/** A shape S that a program claims to be N, checked at run time: only a claim that cannot hold is a fault. */
export type Expect<S, N, Op extends string = 'expectShape'> =
  EqualShape<S, N> extends 'differ' ? `${Op}: ${Show<S>} can not be ${Show<N>}` : IsOpen<N> extends true ? Ok<number[]> : Ok<Copy<N>>;

/** Two shapes that must be equal: element for element with no broadcasting. */
export type SameShape<A, B, Op extends string> =
  EqualShape<A, B> extends infer R ? (R extends 'differ' ? `${Op}: shapes ${Show<A>} and ${Show<B>} differ` : Ok<R>) : never;

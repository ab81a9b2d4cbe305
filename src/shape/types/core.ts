/**
 * What all shape functions are written with. A shape function takes shapes to `Ok<shape>`, or to a string literal: the message that a user reads.
 */

/** A shape. `[2, 3]` is exact, `number` is a size not known, `number[]` a rank not known, `[...number[], 3]` the tail known. */
export type Shape = number[];

declare const dimName: unique symbol;
/** A size with a name: two names are never the same size, a name and a number may be. */
export type Dim<Name extends string> = number & { readonly [dimName]: Name };
/** The name of a named size. */
export type DimName<D> = [D] extends [{ readonly [dimName]: infer N extends string }] ? N : never;

/** The result of a shape function that found no fault. */
export interface Ok<S> {
  readonly shape: S;
}

/** The message, unless R is never, which stands for an operand of the type never and not for a fault. */
type Fault<R, P> = [NoInfer<R>] extends [never] ? P : NoInfer<R>;
/**
 * A parameter of type `P` that a shape function guards: where `R` is a message, the parameter's type is that message, to which nothing is
 * assignable, so that the compiler's error quotes it.
 */
export type Arg<R, P> = [NoInfer<R>] extends [string] ? Fault<R, P> : P;
/** The same for a rest parameter: every argument's type becomes the message. */
export type Args<R, N extends readonly unknown[]> = [NoInfer<R>] extends [string] ? { [K in keyof N]: NoInfer<R> } : N;
/** The shape of a result; after a fault an unknown one, so that one mistake gives one error. */
export type Out<R> = R extends Ok<infer S extends Shape> ? S : number[];

/** The same type. Decided at once, where it is true, even if A and B mention a type parameter of the enclosing function. */
export type Identical<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
/** The two sizes cannot be equal at run time. Not so for `number`, for a name and a literal, and for unions that overlap. */
export type Differ<A, B> = Identical<A, B> extends true ? false : [A & B] extends [never] ? true : false;
/** D is a number literal or a union of them; `number` and named sizes are not. */
export type IsLiteral<D> = [D] extends [number] ? Identical<Uppercase<`${D}`>, `${D}`> : false;
/** All members of S are literals. */
export type AllLiteral<S> = S extends readonly [infer H, ...infer T] ? (IsLiteral<H & number> extends true ? AllLiteral<T> : false) : true;
/** The rank of S is not known. */
export type IsOpen<S> = S extends readonly unknown[] ? (number extends S['length'] ? true : false) : true;
/** One of several shapes has a rank that is not known. */
export type AnyOpen<T> = T extends readonly [infer S, ...infer R] ? (IsOpen<S> extends true ? true : AnyOpen<R>) : false;

export type Length<S> = S extends { length: infer L } ? L : number;
/** The same rank, nothing known of the sizes. */
export type Unsized<S> = { -readonly [P in keyof S]: number };
/** A mutable copy of a tuple. */
export type Copy<N> = { -readonly [P in keyof N]: N[P] };
/** The one size that A and B, sizes that must be equal, have; 'differ' if they cannot be. */
export type EqualDim<A, B> =
  Identical<A, B> extends true
    ? A
    : Differ<A, B> extends true
      ? 'differ'
      : IsLiteral<A> extends true
        ? A
        : IsLiteral<B> extends true
          ? B
          : number;
/** The one shape that A and B, shapes that must be equal, have; 'differ' if they cannot be. */
export type EqualShape<A, B> =
  Identical<A, B> extends true
    ? A
    : IsOpen<A> extends true
      ? B
      : IsOpen<B> extends true
        ? A
        : Identical<Length<A>, Length<B>> extends true
          ? { -readonly [P in keyof A]: EqualDim<A[P], P extends keyof B ? B[P] : number> } extends infer R extends readonly unknown[]
            ? 'differ' extends R[number]
              ? 'differ'
              : R
            : never
          : 'differ';
/** The members of N with every -1 replaced. */
export type Fill<N, V> = { -readonly [P in keyof N]: Identical<N[P], -1> extends true ? V : N[P] };
/** One member of N is -1. */
export type HasWild<N> = N extends readonly unknown[]
  ? true extends { [P in keyof N]: Identical<N[P], -1> }[number]
    ? true
    : false
  : false;

/** Einstein summation. */
import type { AnyOpen, Differ, IsLiteral, IsOpen, Ok, Unsized } from './core.ts';
import type { Show, ShowDim } from './show.ts';

type Letters<S> = S extends `${infer H}${infer T}` ? (H extends ' ' ? Letters<T> : [H, ...Letters<T>]) : [];

/** Gives the letters L of one operand their sizes S. Env: { letter: size }; a literal wins over an unknown size. */
type Bind<L, S, Env, Equation extends string, Whole = S> = L extends readonly [infer C extends string, ...infer LT]
  ? S extends readonly [infer D, ...infer ST]
    ? C extends keyof Env
      ? Differ<Env[C], D> extends true
        ? `einsum '${Equation}': '${C}' is both ${ShowDim<Env[C]>} and ${ShowDim<D>}`
        : Bind<LT, ST, IsLiteral<Env[C]> extends true ? Env : { [P in keyof Env]: P extends C ? D : Env[P] }, Equation, Whole>
      : Bind<LT, ST, Env & { [P in C]: D }, Equation, Whole>
    : `einsum '${Equation}': operand ${Show<Whole>} has fewer dims than its subscripts`
  : S extends readonly []
    ? Env
    : `einsum '${Equation}': operand ${Show<Whole>} has more dims than its subscripts`;

type BindAll<Inputs extends string, T, Env, Equation extends string> = Inputs extends `${infer A},${infer R}`
  ? T extends readonly [infer S, ...infer TT]
    ? Bind<Letters<A>, S, Env, Equation> extends infer E
      ? E extends string
        ? E
        : BindAll<R, TT, E, Equation>
      : never
    : `einsum '${Equation}': more subscripts than operands`
  : T extends readonly [infer S]
    ? Bind<Letters<Inputs>, S, Env, Equation>
    : `einsum '${Equation}': number of operands does not match`;

type LookUp<L, Env, Equation extends string, R extends unknown[] = []> = L extends readonly [infer C extends string, ...infer LT]
  ? C extends keyof Env
    ? LookUp<LT, Env, Equation, [...R, Env[C]]>
    : `einsum '${Equation}': output index '${C}' is not in any input`
  : Ok<R>;

/** The result of an equation for operands of the shapes T. Known where the equation is a literal with `->` and without `...`. */
export type Einsum<Equation extends string, T> = string extends Equation
  ? Ok<number[]>
  : Equation extends `${string}...${string}`
    ? Ok<number[]>
    : Equation extends `${infer Inputs}->${infer Output}`
      ? IsOpen<T> extends true
        ? Ok<Unsized<Letters<Output>>>
        : AnyOpen<T> extends true
          ? Ok<Unsized<Letters<Output>>>
          : // biome-ignore lint/complexity/noBannedTypes: an empty object to intersect with, one property for each letter
            BindAll<Inputs, T, {}, Equation> extends infer Env
            ? Env extends string
              ? Env
              : LookUp<Letters<Output>, Env, Equation>
            : never
      : Ok<number[]>;

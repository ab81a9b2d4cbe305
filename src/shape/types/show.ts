/** Shapes as messages show them. Only instantiated where there is something to say. */
import type { DimName } from './core.ts';

/** A size: its digits, its name, or `?`. */
export type ShowDim<D> = [D] extends [never]
  ? '?'
  : [DimName<D>] extends [never]
    ? number extends D
      ? '?'
      : D extends number
        ? `${D}`
        : '?'
    : DimName<D>;

type ShowDims<S> = S extends readonly [infer H, ...infer T]
  ? T extends readonly []
    ? ShowDim<H>
    : `${ShowDim<H>}, ${ShowDims<T>}`
  : S extends readonly [...infer I, infer L]
    ? `${ShowDims<I>}, ${ShowDim<L>}`
    : S extends readonly []
      ? ''
      : '...';

/** A shape: `[2, ?, 3]`, `[..., 3]`. */
export type Show<S> = `[${ShowDims<S>}]`;

/** The message for a dimension that a tensor does not have. */
export type OutOfRange<S, I, Op extends string> = `${Op}: dim ${I & number} is out of range for shape ${Show<S>}`;

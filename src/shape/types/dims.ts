/** Dimensions by number, also negative, and tuples with one member changed. */

/** Negative dimensions, by rank. Beyond rank 8 they are not known. */
type FromEnd = [
  // biome-ignore lint/complexity/noBannedTypes: a 0-d shape has no dimension, so the row of rank 0 has no key
  {},
  { '-1': '0' },
  { '-1': '1'; '-2': '0' },
  { '-1': '2'; '-2': '1'; '-3': '0' },
  { '-1': '3'; '-2': '2'; '-3': '1'; '-4': '0' },
  { '-1': '4'; '-2': '3'; '-3': '2'; '-4': '1'; '-5': '0' },
  { '-1': '5'; '-2': '4'; '-3': '3'; '-4': '2'; '-5': '1'; '-6': '0' },
  { '-1': '6'; '-2': '5'; '-3': '4'; '-4': '3'; '-5': '2'; '-6': '1'; '-7': '0' },
  { '-1': '7'; '-2': '6'; '-3': '5'; '-4': '4'; '-5': '3'; '-6': '2'; '-7': '1'; '-8': '0' },
];
type NegativeKey<L, I> = L extends 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 ? (I extends keyof FromEnd[L] ? FromEnd[L][I] : 'range') : '?';

/**
 * The tuple key ('0', '1', …) of dimension I of S; 'range' if there is none; '?' if it cannot be known. A 0-d shape has the dimensions 0 and -1, as
 * in PyTorch.
 */
export type DimKey<S, I> = S extends readonly unknown[]
  ? number extends S['length'] | I
    ? '?'
    : I extends number
      ? `${I}` extends keyof S
        ? `${I}`
        : S extends readonly []
          ? I extends 0 | -1
            ? '0'
            : 'range'
          : NegativeKey<S['length'], `${I}`>
      : '?'
  : '?';
/** The keys of several dimensions. */
export type DimKeys<S, I extends readonly unknown[]> = { [P in keyof I]: DimKey<S, I[P]> };

/** The member of S at a key; `number` where there is none. */
export type At<S, K> = K extends keyof S ? S[K] : number;
/** S without the members at the keys K. */
export type RemoveAt<S, K, Position extends 0[] = [], R extends unknown[] = []> = S extends readonly [infer H, ...infer T]
  ? RemoveAt<T, K, [...Position, 0], `${Position['length']}` extends K ? R : [...R, H]>
  : R;
/** S with V at the keys K. */
export type SetAt<S, K, V> = { -readonly [P in keyof S]: P extends K ? V : S[P] };
/** S with V put in before the member at key K. */
export type InsertAt<S, K, V, Position extends 0[] = [], R extends unknown[] = []> = `${Position['length']}` extends K
  ? S extends readonly unknown[]
    ? [...R, V, ...S]
    : never
  : S extends readonly [infer H, ...infer T]
    ? InsertAt<T, K, V, [...Position, 0], [...R, H]>
    : number[];
/** [what comes before key K, the rest from it on]. */
export type SplitAt<S, K, Position extends 0[] = [], R extends unknown[] = []> = `${Position['length']}` extends K
  ? [R, S]
  : S extends readonly [infer H, ...infer T]
    ? SplitAt<T, K, [...Position, 0], [...R, H]>
    : [R, []];
/** A shape of one dimension less, of sizes not known. */
export type OneLess<S> = S extends readonly [unknown, ...infer T] ? { [P in keyof T]: number } : number[];

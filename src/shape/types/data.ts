/** The shape of nested arrays, where they are literals. */
import type { DType } from '../../dtype/dtype.ts';

/** A complex number as data. */
interface ComplexData {
  readonly re: number;
  readonly im: number;
}
type Leaf = number | boolean | bigint | ComplexData;
/** What a tensor can be made from. */
export type NestedData = Leaf | readonly NestedData[];

type CountOf<A> = A extends { length: infer L extends number } ? L : number;

/** Sizes of up to four levels of nesting; of deeper data, and of data whose depth is not known, the rank is not known. */
export type DataShape<A> = [A] extends [readonly (infer B)[]]
  ? [B] extends [readonly (infer C)[]]
    ? [C] extends [readonly (infer D)[]]
      ? [D] extends [readonly (infer E)[]]
        ? [E] extends [Leaf]
          ? [CountOf<A>, CountOf<B>, CountOf<C>, CountOf<D>]
          : number[]
        : [D] extends [Leaf]
          ? [CountOf<A>, CountOf<B>, CountOf<C>]
          : number[]
      : [C] extends [Leaf]
        ? [CountOf<A>, CountOf<B>]
        : number[]
    : [B] extends [Leaf]
      ? [CountOf<A>]
      : number[]
  : [A] extends [Leaf]
    ? []
    : number[];

type LeafOf<A> = A extends readonly (infer B)[]
  ? B extends readonly (infer C)[]
    ? C extends readonly (infer D)[]
      ? D extends readonly (infer E)[]
        ? E
        : D
      : C
    : B
  : A;
/** The dtype that data has if none is named: numbers are float32 (the default), booleans bool, bigints int64, complex numbers complex64. */
export type DataDType<A> = [LeafOf<A>] extends [boolean]
  ? [LeafOf<A>] extends [never]
    ? 'float32'
    : 'bool'
  : [LeafOf<A>] extends [bigint | boolean]
    ? 'int64'
    : [LeafOf<A>] extends [number]
      ? 'float32'
      : LeafOf<A> extends ComplexData
        ? 'complex64'
        : DType;

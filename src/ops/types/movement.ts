/** Functions and methods that give the same elements another shape, join tensors and take them apart. `N` is the name that messages give. */
import type { DType } from '../../dtype/dtype.ts';
import type {
  AllLiteral,
  AlongMany,
  Arg,
  Args,
  AtLeast1d,
  AtLeast2d,
  AtLeast3d,
  CatAll,
  Chunk,
  Diag,
  DiagEmbed,
  Diagonal,
  Expand,
  Flatten,
  Hstack,
  IsOpen,
  MatrixTranspose,
  Movedim,
  Narrow,
  Numel,
  Ok,
  Out,
  Pad,
  Permute,
  Repeat,
  Reshape,
  Rotated,
  Select,
  Show,
  Sliced,
  Split,
  SplitSizes,
  Squeeze,
  StackAll,
  Tile,
  Transpose,
  TransposeMatrix,
  Triangle,
  Unflatten,
  Unsized,
  Unsqueeze,
  Vstack,
  Windows,
} from '../../shape/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Described } from '../family.ts';
import type { AsShape, DTypeOf, DTypeOfAll, ShapeOf, ShapesOf, Sizes } from './operands.ts';

/** Sizes or dimensions as an array, or as numbers. */
export type SizesArguments = readonly (number | Sizes)[];
/** Both as the array. */
export type Listed<A extends readonly unknown[]> = A extends readonly [infer N extends Sizes] ? N : A extends Sizes ? A : number[];

// ---------------------------------------------------------------- other shapes

export interface ReshapeFunction<N extends string> extends Described {
  <X extends Tensor, const A extends SizesArguments>(
    input: X,
    ...shape: Args<Reshape<ShapeOf<X>, Listed<A>, N>, A>
  ): Tensor<Out<Reshape<ShapeOf<X>, Listed<A>, N>>, DTypeOf<X>>;
}
export type ReshapeMethod<N extends string> = <X extends Tensor, const A extends SizesArguments>(
  this: X,
  ...shape: Args<Reshape<ShapeOf<X>, Listed<A>, N>, A>
) => Tensor<Out<Reshape<ShapeOf<X>, Listed<A>, N>>, DTypeOf<X>>;
/** As `reshape`; or a dtype, to see the bytes as another one of the same size. */
type ViewShape<X, A extends readonly unknown[]> = A extends readonly [DType] ? Ok<ShapeOf<X>> : Reshape<ShapeOf<X>, Listed<A>, 'view'>;
type ViewDType<X, A extends readonly unknown[]> = A extends readonly [infer E extends DType] ? E : DTypeOf<X>;
export interface ViewFunction extends Described {
  <X extends Tensor, const A extends SizesArguments | readonly [DType]>(
    input: X,
    ...shape: Args<ViewShape<X, A>, A>
  ): Tensor<Out<ViewShape<X, A>>, ViewDType<X, A>>;
}
export type ViewMethod = <X extends Tensor, const A extends SizesArguments | readonly [DType]>(
  this: X,
  ...shape: Args<ViewShape<X, A>, A>
) => Tensor<Out<ViewShape<X, A>>, ViewDType<X, A>>;
/** The shape of another tensor. */
export interface ReshapeAsFunction<N extends string> extends Described {
  <X extends Tensor, Y extends Tensor>(
    input: X,
    other: Arg<Reshape<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  ): Tensor<Out<Reshape<ShapeOf<X>, ShapeOf<Y>, N>>, DTypeOf<X>>;
}
export type ReshapeAsMethod<N extends string> = <X extends Tensor, Y extends Tensor>(
  this: X,
  other: Arg<Reshape<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
) => Tensor<Out<Reshape<ShapeOf<X>, ShapeOf<Y>, N>>, DTypeOf<X>>;
export interface FlattenFunction<N extends string> extends Described {
  <X extends Tensor, I extends number = 0, J extends number = -1>(
    input: X,
    startDim?: Arg<Flatten<ShapeOf<X>, I, J, N>, I>,
    endDim?: J,
  ): Tensor<Out<Flatten<ShapeOf<X>, I, J, N>>, DTypeOf<X>>;
}
export type FlattenMethod<N extends string> = <X extends Tensor, I extends number = 0, J extends number = -1>(
  this: X,
  startDim?: Arg<Flatten<ShapeOf<X>, I, J, N>, I>,
  endDim?: J,
) => Tensor<Out<Flatten<ShapeOf<X>, I, J, N>>, DTypeOf<X>>;
type Raveled<S> = IsOpen<S> extends true ? [number] : AllLiteral<S> extends true ? [Numel<S>] : [number];
export interface RavelFunction extends Described {
  <X extends Tensor>(input: X): Tensor<Raveled<ShapeOf<X>>, DTypeOf<X>>;
}
export type RavelMethod = <X extends Tensor>(this: X) => Tensor<Raveled<ShapeOf<X>>, DTypeOf<X>>;
export interface UnflattenFunction<N extends string> extends Described {
  <X extends Tensor, I extends number, const S extends Sizes>(
    input: X,
    dim: I,
    sizes: Arg<Unflatten<ShapeOf<X>, I, S, N>, S>,
  ): Tensor<Out<Unflatten<ShapeOf<X>, I, S, N>>, DTypeOf<X>>;
}
export type UnflattenMethod<N extends string> = <X extends Tensor, I extends number, const S extends Sizes>(
  this: X,
  dim: I,
  sizes: Arg<Unflatten<ShapeOf<X>, I, S, N>, S>,
) => Tensor<Out<Unflatten<ShapeOf<X>, I, S, N>>, DTypeOf<X>>;
export interface ExpandFunction<N extends string> extends Described {
  <X extends Tensor, const A extends SizesArguments>(
    input: X,
    ...size: Args<Expand<ShapeOf<X>, Listed<A>, N>, A>
  ): Tensor<Out<Expand<ShapeOf<X>, Listed<A>, N>>, DTypeOf<X>>;
}
export type ExpandMethod<N extends string> = <X extends Tensor, const A extends SizesArguments>(
  this: X,
  ...size: Args<Expand<ShapeOf<X>, Listed<A>, N>, A>
) => Tensor<Out<Expand<ShapeOf<X>, Listed<A>, N>>, DTypeOf<X>>;
export interface ExpandAsFunction<N extends string> extends Described {
  <X extends Tensor, Y extends Tensor>(
    input: X,
    other: Arg<Expand<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
  ): Tensor<Out<Expand<ShapeOf<X>, ShapeOf<Y>, N>>, DTypeOf<X>>;
}
export type ExpandAsMethod<N extends string> = <X extends Tensor, Y extends Tensor>(
  this: X,
  other: Arg<Expand<ShapeOf<X>, ShapeOf<Y>, N>, Y>,
) => Tensor<Out<Expand<ShapeOf<X>, ShapeOf<Y>, N>>, DTypeOf<X>>;
export type RepeatMethod<N extends string> = <X extends Tensor, const A extends SizesArguments>(
  this: X,
  ...repeats: Args<Repeat<ShapeOf<X>, Listed<A>, N>, A>
) => Tensor<Out<Repeat<ShapeOf<X>, Listed<A>, N>>, DTypeOf<X>>;
export interface TileFunction extends Described {
  <X extends Tensor, const A extends SizesArguments>(input: X, ...dims: A): Tensor<Out<Tile<ShapeOf<X>, Listed<A>>>, DTypeOf<X>>;
}
export type TileMethod = <X extends Tensor, const A extends SizesArguments>(
  this: X,
  ...dims: A
) => Tensor<Out<Tile<ShapeOf<X>, Listed<A>>>, DTypeOf<X>>;

// ---------------------------------------------------------------- dimensions

export interface PermuteFunction<N extends string> extends Described {
  <X extends Tensor, const A extends SizesArguments>(
    input: X,
    ...dims: Args<Permute<ShapeOf<X>, Listed<A>, N>, A>
  ): Tensor<Out<Permute<ShapeOf<X>, Listed<A>, N>>, DTypeOf<X>>;
}
export type PermuteMethod<N extends string> = <X extends Tensor, const A extends SizesArguments>(
  this: X,
  ...dims: Args<Permute<ShapeOf<X>, Listed<A>, N>, A>
) => Tensor<Out<Permute<ShapeOf<X>, Listed<A>, N>>, DTypeOf<X>>;
export interface TransposeFunction<N extends string> extends Described {
  <X extends Tensor, I extends number, J extends number>(
    input: X,
    dim0: Arg<Transpose<ShapeOf<X>, I, J, N>, I>,
    dim1: J,
  ): Tensor<Out<Transpose<ShapeOf<X>, I, J, N>>, DTypeOf<X>>;
}
export type TransposeMethod<N extends string> = <X extends Tensor, I extends number, J extends number>(
  this: X,
  dim0: Arg<Transpose<ShapeOf<X>, I, J, N>, I>,
  dim1: J,
) => Tensor<Out<Transpose<ShapeOf<X>, I, J, N>>, DTypeOf<X>>;
export interface TransposeMatrixFunction extends Described {
  <X extends Tensor>(input: Arg<TransposeMatrix<ShapeOf<X>>, X>): Tensor<Out<TransposeMatrix<ShapeOf<X>>>, DTypeOf<X>>;
}
export type TransposeMatrixMethod = <X extends Tensor>(
  this: Arg<TransposeMatrix<ShapeOf<X>>, X>,
) => Tensor<Out<TransposeMatrix<ShapeOf<X>>>, DTypeOf<X>>;
/** All dimensions in reverse order, or the last two swapped. */
export interface TransposeAllFunction extends Described {
  <X extends Tensor>(input: X): Tensor<Reversed<ShapeOf<X>>, DTypeOf<X>>;
}
export interface MatrixTransposeFunction extends Described {
  <X extends Tensor>(input: Arg<MatrixTranspose<ShapeOf<X>>, X>): Tensor<Out<MatrixTranspose<ShapeOf<X>>>, DTypeOf<X>>;
}
/** A matrix, or no dimension at all. */
type MatrixOnly<S> = S extends readonly []
  ? Ok<[]>
  : S extends readonly [infer M, infer N]
    ? Ok<[N, M]>
    : IsOpen<S> extends true
      ? Ok<number[]>
      : `H: expected a matrix, got ${Show<S>}`;
export interface HermitianFunction extends Described {
  <X extends Tensor>(input: Arg<MatrixOnly<ShapeOf<X>>, X>): Tensor<Out<MatrixOnly<ShapeOf<X>>>, DTypeOf<X>>;
}
/** The shape backwards. */
export type Reversed<S, R extends number[] = []> = S extends readonly [infer H extends number, ...infer T]
  ? Reversed<T, [H, ...R]>
  : S extends readonly []
    ? R
    : number[];
type MoveShape<S, From, To, N extends string> = [From, To] extends [number, number] ? Movedim<S, From, To, N> : Ok<Unsized<S>>;
export interface MovedimFunction<N extends string> extends Described {
  <X extends Tensor, const I extends number | Sizes, const J extends number | Sizes>(
    input: X,
    source: Arg<MoveShape<ShapeOf<X>, I, J, N>, I>,
    destination: J,
  ): Tensor<Out<MoveShape<ShapeOf<X>, I, J, N>>, DTypeOf<X>>;
}
export type MovedimMethod<N extends string> = <X extends Tensor, const I extends number | Sizes, const J extends number | Sizes>(
  this: X,
  source: Arg<MoveShape<ShapeOf<X>, I, J, N>, I>,
  destination: J,
) => Tensor<Out<MoveShape<ShapeOf<X>, I, J, N>>, DTypeOf<X>>;
type SqueezeShape<S, I, N extends string> = [I] extends [null] ? Squeeze<S, undefined, N> : Squeeze<S, I, N>;
export interface SqueezeFunction<N extends string> extends Described {
  <X extends Tensor, const I extends number | Sizes | null | undefined = undefined>(
    input: X,
    dim?: Arg<SqueezeShape<ShapeOf<X>, I, N>, I>,
  ): Tensor<Out<SqueezeShape<ShapeOf<X>, I, N>>, DTypeOf<X>>;
}
export type SqueezeMethod<N extends string> = <X extends Tensor, const I extends number | Sizes | null | undefined = undefined>(
  this: X,
  dim?: Arg<SqueezeShape<ShapeOf<X>, I, N>, I>,
) => Tensor<Out<SqueezeShape<ShapeOf<X>, I, N>>, DTypeOf<X>>;
export interface UnsqueezeFunction<N extends string> extends Described {
  <X extends Tensor, I extends number>(
    input: X,
    dim: Arg<Unsqueeze<ShapeOf<X>, I, 1, N>, I>,
  ): Tensor<Out<Unsqueeze<ShapeOf<X>, I, 1, N>>, DTypeOf<X>>;
}
export type UnsqueezeMethod<N extends string> = <X extends Tensor, I extends number>(
  this: X,
  dim: Arg<Unsqueeze<ShapeOf<X>, I, 1, N>, I>,
) => Tensor<Out<Unsqueeze<ShapeOf<X>, I, 1, N>>, DTypeOf<X>>;
/** The shape stays; the dimensions must exist. */
export interface FlipFunction<N extends string> extends Described {
  <X extends Tensor, const A extends SizesArguments>(
    input: X,
    ...dims: Args<AlongMany<ShapeOf<X>, Listed<A>, N>, A>
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type FlipMethod<N extends string> = <X extends Tensor, const A extends SizesArguments>(
  this: X,
  ...dims: Args<AlongMany<ShapeOf<X>, Listed<A>, N>, A>
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
type RollDims = number | Sizes | null | undefined;
export interface RollFunction<N extends string> extends Described {
  <X extends Tensor, const I extends RollDims = undefined>(
    input: X,
    shifts: number | Sizes,
    dims?: Arg<AlongMany<ShapeOf<X>, I, N>, I>,
  ): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type RollMethod<N extends string> = <X extends Tensor, const I extends RollDims = undefined>(
  this: X,
  shifts: number | Sizes,
  dims?: Arg<AlongMany<ShapeOf<X>, I, N>, I>,
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
export interface Rot90Function<N extends string> extends Described {
  <X extends Tensor, K extends number = 1, const P extends Sizes = readonly [0, 1]>(
    input: X,
    k?: K,
    dims?: Arg<Rotated<ShapeOf<X>, K, P, N>, P>,
  ): Tensor<Out<Rotated<ShapeOf<X>, K, P, N>>, DTypeOf<X>>;
}
export type Rot90Method<N extends string> = <X extends Tensor, K extends number = 1, const P extends Sizes = readonly [0, 1]>(
  this: X,
  k?: K,
  dims?: Arg<Rotated<ShapeOf<X>, K, P, N>, P>,
) => Tensor<Out<Rotated<ShapeOf<X>, K, P, N>>, DTypeOf<X>>;
/** Triangles of matrices. */
export interface TriangleFunction<N extends string> extends Described {
  <X extends Tensor>(input: Arg<Triangle<ShapeOf<X>, N>, X>, diagonal?: number): Tensor<ShapeOf<X>, DTypeOf<X>>;
}
export type TriangleMethod<N extends string> = <X extends Tensor>(
  this: Arg<Triangle<ShapeOf<X>, N>, X>,
  diagonal?: number,
) => Tensor<ShapeOf<X>, DTypeOf<X>>;
export type InPlaceTriangle<N extends string> = <X extends Tensor>(this: Arg<Triangle<ShapeOf<X>, N>, X>, diagonal?: number) => X;
export interface DiagFunction<N extends string> extends Described {
  <X extends Tensor, F extends number = 0>(
    input: Arg<Diag<ShapeOf<X>, F, N>, X>,
    diagonal?: F,
  ): Tensor<Out<Diag<ShapeOf<X>, F, N>>, DTypeOf<X>>;
}
export type DiagMethod<N extends string> = <X extends Tensor, F extends number = 0>(
  this: Arg<Diag<ShapeOf<X>, F, N>, X>,
  diagonal?: F,
) => Tensor<Out<Diag<ShapeOf<X>, F, N>>, DTypeOf<X>>;
type Flat<S> = IsOpen<S> extends true ? [number] : AllLiteral<S> extends true ? [Numel<S>] : [number];
export interface DiagflatFunction extends Described {
  <X extends Tensor, F extends number = 0>(input: X, options?: { readonly offset?: F }): Tensor<Out<Diag<Flat<ShapeOf<X>>, F>>, DTypeOf<X>>;
}
export type DiagflatMethod = <X extends Tensor, F extends number = 0>(
  this: X,
  options?: { readonly offset?: F },
) => Tensor<Out<Diag<Flat<ShapeOf<X>>, F>>, DTypeOf<X>>;
/** Of other dimensions than the last two only the rank is known. */
type Embedded<S, F, I, J, N extends string> = [I, J] extends [-2, -1]
  ? DiagEmbed<S, F, N>
  : S extends readonly unknown[]
    ? Ok<number extends S['length'] ? number[] : [number, ...Unsized<S>]>
    : never;
export interface DiagEmbedFunction<N extends string> extends Described {
  <X extends Tensor, F extends number = 0, I extends number = -2, J extends number = -1>(
    input: X,
    options?: Arg<Embedded<ShapeOf<X>, F, I, J, N>, DiagonalOptionsOf<F, I, J>>,
  ): Tensor<Out<Embedded<ShapeOf<X>, F, I, J, N>>, DTypeOf<X>>;
}
export type DiagEmbedMethod<N extends string> = <X extends Tensor, F extends number = 0, I extends number = -2, J extends number = -1>(
  this: X,
  options?: Arg<Embedded<ShapeOf<X>, F, I, J, N>, DiagonalOptionsOf<F, I, J>>,
) => Tensor<Out<Embedded<ShapeOf<X>, F, I, J, N>>, DTypeOf<X>>;
export interface RepeatFunction<N extends string> extends Described {
  <X extends Tensor, const A extends SizesArguments>(
    input: X,
    ...repeats: Args<Repeat<ShapeOf<X>, Listed<A>, N>, A>
  ): Tensor<Out<Repeat<ShapeOf<X>, Listed<A>, N>>, DTypeOf<X>>;
}

/** Padding as PyTorch lists it. `A`: what follows. */
export interface PadFunction<N extends string, A extends readonly unknown[]> extends Described {
  <X extends Tensor, const P extends Sizes>(
    input: X,
    pad: Arg<Pad<ShapeOf<X>, P, N>, P>,
    ...rest: A
  ): Tensor<Out<Pad<ShapeOf<X>, P, N>>, DTypeOf<X>>;
}
/** One tensor with at least so many dimensions, or a list of such. */
interface AtLeast<S> {
  1: AtLeast1d<S>;
  2: AtLeast2d<S>;
  3: AtLeast3d<S>;
}
type Raised<X, R extends 1 | 2 | 3> = Tensor<AsShape<AtLeast<ShapeOf<X>>[R]>, DTypeOf<X>>;
type RaisedAll<A extends readonly unknown[], R extends 1 | 2 | 3> = A extends readonly [infer X]
  ? X extends Tensor
    ? Raised<X, R>
    : { -readonly [P in keyof X]: Raised<X[P], R> }
  : { -readonly [P in keyof A]: Raised<A[P], R> };
export interface AtLeastFunction<R extends 1 | 2 | 3> extends Described {
  <const A extends readonly [readonly Tensor[]] | readonly Tensor[]>(...tensors: A): RaisedAll<A, R>;
}

// ---------------------------------------------------------------- parts

export interface SelectFunction<N extends string> extends Described {
  <X extends Tensor, I extends number, J extends number>(
    input: X,
    dim: I,
    index: Arg<Select<ShapeOf<X>, I, J, N>, J>,
  ): Tensor<Out<Select<ShapeOf<X>, I, J, N>>, DTypeOf<X>>;
}
export type SelectMethod<N extends string> = <X extends Tensor, I extends number, J extends number>(
  this: X,
  dim: I,
  index: Arg<Select<ShapeOf<X>, I, J, N>, J>,
) => Tensor<Out<Select<ShapeOf<X>, I, J, N>>, DTypeOf<X>>;
export interface NarrowFunction<N extends string> extends Described {
  <X extends Tensor, I extends number, A extends number | Tensor<[], 'int64'>, L extends number>(
    input: X,
    dim: I,
    start: A,
    length: Arg<Narrow<ShapeOf<X>, I, A extends number ? A : number, L, N>, L>,
  ): Tensor<Out<Narrow<ShapeOf<X>, I, A extends number ? A : number, L, N>>, DTypeOf<X>>;
}
export type NarrowMethod<N extends string> = <X extends Tensor, I extends number, A extends number | Tensor<[], 'int64'>, L extends number>(
  this: X,
  dim: I,
  start: A,
  length: Arg<Narrow<ShapeOf<X>, I, A extends number ? A : number, L, N>, L>,
) => Tensor<Out<Narrow<ShapeOf<X>, I, A extends number ? A : number, L, N>>, DTypeOf<X>>;
/** Elements of one dimension, some apart. */
export interface SliceFunction<N extends string> extends Described {
  <X extends Tensor, I extends number = 0, Start extends number | null = null, Stop extends number | null = null, Step extends number = 1>(
    input: X,
    dim?: Arg<Sliced<ShapeOf<X>, I, Start, Stop, Step, N>, I>,
    start?: Start,
    end?: Stop,
    options?: { readonly step?: Step } | Step,
  ): Tensor<Out<Sliced<ShapeOf<X>, I, Start, Stop, Step, N>>, DTypeOf<X>>;
}
export type SliceMethod<N extends string> = <
  X extends Tensor,
  I extends number = 0,
  Start extends number | null = null,
  Stop extends number | null = null,
  Step extends number = 1,
>(
  this: X,
  dim?: Arg<Sliced<ShapeOf<X>, I, Start, Stop, Step, N>, I>,
  start?: Start,
  end?: Stop,
  options?: { readonly step?: Step } | Step,
) => Tensor<Out<Sliced<ShapeOf<X>, I, Start, Stop, Step, N>>, DTypeOf<X>>;
export interface DiagonalOptionsOf<F extends number, I extends number, J extends number> {
  /** Which diagonal: 0 the main one, positive above, negative below. */
  readonly offset?: F;
  readonly dim1?: I;
  readonly dim2?: J;
}
export type DiagonalMethod<N extends string> = <X extends Tensor, F extends number = 0, I extends number = 0, J extends number = 1>(
  this: X,
  options?: Arg<Diagonal<ShapeOf<X>, F, I, J, N>, DiagonalOptionsOf<F, I, J>>,
) => Tensor<Out<Diagonal<ShapeOf<X>, F, I, J, N>>, DTypeOf<X>>;
export interface DiagonalFunction<N extends string> extends Described {
  <X extends Tensor, F extends number = 0, I extends number = 0, J extends number = 1>(
    input: X,
    options?: Arg<Diagonal<ShapeOf<X>, F, I, J, N>, DiagonalOptionsOf<F, I, J>>,
  ): Tensor<Out<Diagonal<ShapeOf<X>, F, I, J, N>>, DTypeOf<X>>;
}
export interface UnfoldFunction<N extends string> extends Described {
  <X extends Tensor, I extends number, L extends number, Step extends number>(
    input: X,
    dimension: Arg<Windows<ShapeOf<X>, I, L, Step, N>, I>,
    size: L,
    step: Step,
  ): Tensor<Out<Windows<ShapeOf<X>, I, L, Step, N>>, DTypeOf<X>>;
}
export type UnfoldMethod<N extends string> = <X extends Tensor, I extends number, L extends number, Step extends number>(
  this: X,
  dimension: Arg<Windows<ShapeOf<X>, I, L, Step, N>, I>,
  size: L,
  step: Step,
) => Tensor<Out<Windows<ShapeOf<X>, I, L, Step, N>>, DTypeOf<X>>;

// ---------------------------------------------------------------- taken apart

type SplitResult<X, P, I, N extends string> = P extends number
  ? Tensor<Out<Split<ShapeOf<X>, P, I, N>>, DTypeOf<X>>[]
  : SplitSizes<ShapeOf<X>, P, I, N> extends Ok<infer L>
    ? { -readonly [K in keyof L]: Tensor<L[K] extends number[] ? L[K] : number[], DTypeOf<X>> }
    : Tensor<number[], DTypeOf<X>>[];
type SplitCheck<S, P, I, N extends string> = P extends number ? Split<S, P, I, N> : SplitSizes<S, P, I, N>;
/** Pieces of one size, or of the sizes listed. */
export interface SplitFunction<N extends string, P0 extends number | Sizes = number | Sizes> extends Described {
  <X extends Tensor, const P extends P0, I extends number = 0>(
    input: X,
    splitSize: P,
    dim?: Arg<SplitCheck<ShapeOf<X>, P, I, N>, I>,
  ): SplitResult<X, P, I, N>;
}
export type SplitMethod<N extends string, P0 extends number | Sizes = number | Sizes> = <
  X extends Tensor,
  const P extends P0,
  I extends number = 0,
>(
  this: X,
  splitSize: P,
  dim?: Arg<SplitCheck<ShapeOf<X>, P, I, N>, I>,
) => SplitResult<X, P, I, N>;
export interface ChunkFunction<N extends string> extends Described {
  <X extends Tensor, C extends number, I extends number = 0>(
    input: X,
    chunks: C,
    dim?: Arg<Chunk<ShapeOf<X>, C, I, N>, I>,
  ): Tensor<Out<Chunk<ShapeOf<X>, C, I, N>>, DTypeOf<X>>[];
}
export type ChunkMethod<N extends string> = <X extends Tensor, C extends number, I extends number = 0>(
  this: X,
  chunks: C,
  dim?: Arg<Chunk<ShapeOf<X>, C, I, N>, I>,
) => Tensor<Out<Chunk<ShapeOf<X>, C, I, N>>, DTypeOf<X>>[];
/** Pieces of which only the rank is known. */
export interface SectionsFunction<A extends readonly unknown[]> extends Described {
  <X extends Tensor>(input: X, ...sections: A): Tensor<Unsized<ShapeOf<X>>, DTypeOf<X>>[];
}
export type SectionsMethod<A extends readonly unknown[]> = <X extends Tensor>(
  this: X,
  ...sections: A
) => Tensor<Unsized<ShapeOf<X>>, DTypeOf<X>>[];
type Unbound<S, I, N extends string> = Select<S, I, number, N>;
export interface UnbindFunction<N extends string> extends Described {
  <X extends Tensor, I extends number = 0>(
    input: X,
    dim?: Arg<Unbound<ShapeOf<X>, I, N>, I>,
  ): Tensor<Out<Unbound<ShapeOf<X>, I, N>>, DTypeOf<X>>[];
}
export type UnbindMethod<N extends string> = <X extends Tensor, I extends number = 0>(
  this: X,
  dim?: Arg<Unbound<ShapeOf<X>, I, N>, I>,
) => Tensor<Out<Unbound<ShapeOf<X>, I, N>>, DTypeOf<X>>[];

// ---------------------------------------------------------------- joined

export interface CatFunction<N extends string> extends Described {
  <const L extends readonly Tensor[], I extends number = 0>(
    tensors: Arg<CatAll<ShapesOf<L>, I, N>, L>,
    dim?: I,
  ): Tensor<Out<CatAll<ShapesOf<L>, I, N>>, DTypeOfAll<L>>;
}
export interface StackFunction<N extends string> extends Described {
  <const L extends readonly Tensor[], I extends number = 0>(
    tensors: Arg<StackAll<ShapesOf<L>, I, N>, L>,
    dim?: I,
  ): Tensor<Out<StackAll<ShapesOf<L>, I, N>>, DTypeOfAll<L>>;
}
/** Lists of tensors joined by the shape function of the kind K. */
interface ListShapes<T> {
  hstack: Hstack<T>;
  vstack: Vstack<T>;
  other: Ok<number[]>;
}
export interface ListFunction<K extends keyof ListShapes<[]>> extends Described {
  <const L extends readonly Tensor[]>(tensors: Arg<ListShapes<ShapesOf<L>>[K], L>): Tensor<Out<ListShapes<ShapesOf<L>>[K]>, DTypeOfAll<L>>;
}

/** The members that name no operator, with shapes and dtypes. What they do is said where they are made, in core.ts. */
import type { DType } from '../../dtype/dtype.ts';
import type { ComplexItem, Item } from '../../dtype/types.ts';
import type { DTypeOf, ShapeOf } from '../../ops/types.ts';
import type { Arg, Expect, Fill, Ok, OneElement, Out, Show } from '../../shape/types.ts';
import type { BackwardOptions } from '../../tensor/autograd.ts';
import type { NestedElements, TensorData, TypedArray } from '../../tensor/data.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { CoreMembers } from '../core.ts';

/** Where a derivative may start: at one element, or with a gradient of the same shape. */
type BackwardFrom<S, G> = [G] extends [null | undefined]
  ? OneElement<S> extends string
    ? `backward: needs a scalar (0-d) tensor, got shape ${Show<S>}`
    : Ok<[]>
  : Ok<[]>;
type GradientOf<S, G> = G extends Tensor ? Expect<ShapeOf<G>, S, 'backward: the gradient'> : Ok<[]>;

/** What an element is in an array: integers that no number holds exactly are bigints. */
type Listed<D extends DType> = DType extends D ? number | bigint | boolean | ComplexItem : D extends 'int64' ? number | bigint : Item<D>;
type Nested<S, E> = S extends readonly [] ? E : S extends readonly [unknown, ...infer R] ? Nested<R, E>[] : NestedElements;

interface Arrays {
  float32: Float32Array;
  float64: Float64Array;
  float16: Float32Array;
  bfloat16: Float32Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int16: Int16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
  complex64: Float32Array;
  complex128: Float64Array;
}
type ArrayOf<D extends DType> = DType extends D ? TypedArray : Arrays[D];

interface TypedCore {
  /** Marks a leaf as wanting a gradient; returns the tensor. */
  requiresGrad_<X extends Tensor>(this: X, value?: boolean): X;
  /**
   * Adds the derivative with respect to every leaf of the graph to its `grad`. Starts at one element, or takes the gradient of this tensor, of the
   * same shape.
   */
  backward<X extends Tensor, const G extends Tensor | null | undefined = undefined>(
    this: Arg<BackwardFrom<ShapeOf<X>, G>, X>,
    gradient?: Arg<GradientOf<ShapeOf<X>, G>, G>,
    options?: BackwardOptions,
  ): void;
  /** Options in the place of a gradient that is left out. */
  backward<X extends Tensor>(this: Arg<BackwardFrom<ShapeOf<X>, undefined>, X>, options: BackwardOptions): void;
  /** The gradient as plain numbers, of the same shape. */
  backward(gradient: number | TypedArray | readonly TensorData[], options?: BackwardOptions): void;
  /** The same values without history. */
  detach<X extends Tensor>(this: X): Tensor<ShapeOf<X>, DTypeOf<X>>;
  /** Forgets the history. */
  detach_<X extends Tensor>(this: X): X;
  /** The one element as a JavaScript value. */
  item<X extends Tensor>(this: Arg<OneElement<ShapeOf<X>>, X>): Item<DTypeOf<X>>;
  /** The elements as nested arrays. */
  toArray<X extends Tensor>(this: X): Nested<ShapeOf<X>, Listed<DTypeOf<X>>>;
  /** The elements in row-major order, copied. */
  toTypedArray<X extends Tensor>(this: X): ArrayOf<DTypeOf<X>>;
  /** The tensor itself, if it has this shape (-1: any size); throws ShapeError otherwise. From here on the compiler knows the shape. */
  expectShape<X extends Tensor, const N extends readonly number[]>(
    this: X,
    shape: Arg<Expect<ShapeOf<X>, Fill<N, number>>, N>,
  ): Tensor<Out<Expect<ShapeOf<X>, Fill<N, number>>>, DTypeOf<X>>;
  /** Gives the tensor a name for error messages. */
  named<X extends Tensor>(this: X, name: string): X;
  /** The tensor itself: it is there already. */
  cpu<X extends Tensor>(this: X): X;
}

/** The core members, those that follow shapes and dtypes in place of the dynamic ones. */
export interface CoreMethods extends Omit<CoreMembers, keyof TypedCore | 'grad' | 'data' | 'T' | 'mT' | 'H' | 'mH'>, TypedCore {}

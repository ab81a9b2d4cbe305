import type { DType, DTypeInfo } from '../dtype/dtype.ts';
import type { Storage } from '../runtime/storage.ts';
import type { View } from '../runtime/view.ts';
import { contiguousStrides, isContiguous, numel } from '../shape/shape.ts';
import { ArgumentError } from '../util/errors.ts';
import type { AutogradMeta } from './meta.ts';
import type { Methods } from './methods.ts';
import type { Node } from './node.ts';

/** A shape at the type level: a tuple of sizes, `number` where a size is not known. */
export type Shape = number[];

// The compiler measures these two views as bivariant: `Tensor<[number, 3]>` and `Tensor<[2, 3]>` are assignable to each other, while
// `Tensor<[2, 3]>` and `Tensor<[4, 3]>` are not. That is what makes static shapes gradual.
type DTypeView<X> = X extends infer U ? U : never;
type ShapeView<X> = X extends infer U ? Readonly<U> : never;

declare const tag: unique symbol;

/** What an interpreter (forward mode, vmap, …) wraps around a tensor while it runs. */
export interface Wrapped {
  readonly level: number;
  readonly interpreter: Interpreter;
}

export interface Interpreter {
  readonly level: number;
  /** Its level is over: what it wrapped stands for nothing, or for the plain value again. */
  readonly ended: boolean;
  /** The value of `x` one level below and its tangent, if it has one; null where `x` stands for many values. */
  shown(x: Tensor): { readonly primal: Tensor; readonly tangent: Tensor | null } | null;
  /**
   * Writes `result` over the elements of `target`; at least one of the two is wrapped by this interpreter, and neither by a later one. Throws
   * InPlaceError, before anything is written, where that cannot be.
   */
  write(name: string, target: Tensor, result: Tensor): void;
  /** Wraps `view`, which was taken of `base` before that was wrapped, as `base` is now. */
  join(view: Tensor, base: Tensor): void;
  /** Once it has ended: unwraps `x` by this level, or throws AutogradError. */
  settle(name: string, x: Tensor): void;
  /** Runs one operator of which at least one input is wrapped by this interpreter. */
  process(operator: import('../op/contract.ts').Operator<Tensor, never>, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[];
}

/** Marks our tensors, also those of another copy of the library in the same program. */
export const TENSOR_BRAND: unique symbol = Symbol.for('nabla.tensor') as never;

/**
 * A tensor: a handle on a piece of storage (shape, strides, offset, dtype) with its autograd state.
 * Views share the storage and with it the version counter.
 *
 * Invariant: every field is set by the constructor, in this order, so that all tensors have one hidden class.
 *
 * @example
 * ones([2]) instanceof Tensor; // true
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are attached by api/, which also declares them
export class Tensor<S extends Shape = number[], D extends DType = DType> implements View {
  /** Type level only: a method's parameters are bivariant, and let S and D be inferred from subclasses. */
  protected [tag]?(s: S, d: D): void;
  storage: Storage;
  offset: number;
  readonly shape: ShapeView<S>;
  strides: readonly number[];
  type: DTypeInfo;
  readonly size: number;
  /** Whether the elements lie in row-major order without gaps. Not called `contiguous`, which is a method. */
  rowMajor: boolean;
  /** A leaf that wants a gradient, or the result of a recorded operation. */
  tracked: boolean;
  /** The operation that made this tensor, if it was recorded. */
  node: Node | null;
  /** Which output of that operation. */
  outputIndex: number;
  /** Rarely used state: gradient, hooks, view relation. */
  meta: AutogradMeta | null;
  /** Set while an interpreter looks at this value; null in plain eager code. */
  wrapped: Wrapped | null;

  constructor(
    storage: Storage,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
    type: DTypeInfo,
    size: number,
    rowMajor: boolean,
  ) {
    // JavaScript lets programs write `new Tensor([1, 2])`, as PyTorch does.
    if (type === undefined) throw new ArgumentError('Tensor: make tensors with tensor(data), zeros(shape), …, not with new Tensor(…)');
    this.storage = storage;
    this.offset = offset;
    this.shape = shape as ShapeView<S>;
    this.strides = strides;
    this.type = type;
    this.size = size;
    this.rowMajor = rowMajor;
    this.tracked = false;
    this.node = null;
    this.outputIndex = 0;
    this.meta = null;
    this.wrapped = null;
  }

  get dtype(): DTypeView<D> {
    return this.type.name as DTypeView<D>;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }
}

export interface Tensor<S extends Shape = number[], D extends DType = DType> extends Methods {}

Object.defineProperty(Tensor.prototype, TENSOR_BRAND, { value: true });

/**
 * Whether `x` is a tensor of this copy of the library.
 *
 * @example
 * isTensor(ones([1])); // true
 */
export function isTensor(x: unknown): x is Tensor {
  return x instanceof Tensor;
}

/** A contiguous tensor over a storage of its own. */
export function contiguousTensor(storage: Storage, shape: readonly number[], type: DTypeInfo): Tensor {
  return new Tensor(storage, 0, shape, contiguousStrides(shape), type, numel(shape), true);
}

/** Another handle on the same elements; shares storage and version, has no history. */
export function aliasOf(x: Tensor): Tensor {
  const alias = new Tensor(x.storage, x.offset, x.shape, x.strides, x.type, x.size, x.rowMajor);
  alias.wrapped = x.wrapped;
  return alias;
}

/** A handle on some of the elements of `x`. */
export function viewOf(x: Tensor, shape: readonly number[], strides: readonly number[], offset: number): Tensor {
  return new Tensor(x.storage, offset, shape, strides, x.type, numel(shape), isContiguous(shape, strides));
}

import { requireTensor } from '../ops/family.ts';
import { requirePlain, typedArrayOf } from '../tensor/data.ts';
import { describeTensor } from '../tensor/messages.ts';
import { structural } from '../tensor/structural.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { IndexError, ShapeError } from '../util/errors.ts';

/** What can be asked of a tensor without computing anything. */
export interface FactMembers {
  /** Where the elements live: 'cpu' is the only device so far. */
  readonly device: 'cpu';
  /** Bytes of an element. */
  readonly itemsize: number;
  /** Bytes of all elements: `numel() * itemsize`. */
  readonly nbytes: number;
  /** Bytes of an element. */
  elementSize(): number;
  /** How many elements there are. */
  numel(): number;
  /** How many elements there are. */
  nelement(): number;
  /** How many dimensions there are. */
  dim(): number;
  /** How many dimensions there are. */
  ndimension(): number;
  /** Whether the elements lie one after the other in row-major order. */
  isContiguous(): boolean;
  /** How many elements to step in memory along one dimension, or along each. */
  stride(): readonly number[];
  stride(dim: number): number;
  /** Where the first element lies in the storage, in elements. */
  storageOffset(): number;
  isComplex(): boolean;
  isFloatingPoint(): boolean;
  /** Whether the dtype has negative numbers. */
  isSigned(): boolean;
  /** Whether the one element is not 0. */
  isNonzero(): boolean;
  isSameSize(other: Tensor): boolean;
  /** The tensor itself: it is there already. */
  cpu(): this;
  /** What lies along the first dimension, one view after the other: `for (const row of x)`. */
  [Symbol.iterator](): IterableIterator<Tensor>;
}

export const factAccessors: Record<string, { get: (x: Tensor) => unknown }> = {
  device: { get: () => 'cpu' },
  itemsize: { get: (x) => x.type.itemsize },
  nbytes: { get: (x) => x.size * x.type.itemsize },
};

export const factMethods: Record<string, (this: Tensor, ...args: never[]) => unknown> = {
  elementSize() {
    return this.type.itemsize;
  },
  numel() {
    return this.size;
  },
  nelement() {
    return this.size;
  },
  dim() {
    return this.ndim;
  },
  ndimension() {
    return this.ndim;
  },
  isContiguous() {
    return this.rowMajor;
  },
  stride(dim?: number) {
    if (dim === undefined) return this.strides;
    const stride = this.strides[dim < 0 ? dim + this.ndim : dim];
    if (stride === undefined) throw new IndexError(`stride: dimension ${dim} is out of range for ${describeTensor(this)}`);
    return stride;
  },
  storageOffset() {
    return this.offset;
  },
  isComplex() {
    return isComplex(this);
  },
  isFloatingPoint() {
    return isFloatingPoint(this);
  },
  isSigned() {
    return this.type.isSigned;
  },
  isNonzero() {
    return isNonzero(this);
  },
  isSameSize(other: Tensor) {
    return other.ndim === this.ndim && other.shape.every((size, i) => size === this.shape[i]);
  },
  cpu() {
    return this;
  },
};

/**
 * How many elements a tensor has.
 *
 * @example
 * numel(ones([2, 3])); // 6
 */
export function numel(input: Tensor): number {
  requireTensor('numel', 'input', input);
  return input.size;
}

/**
 * Whether a tensor has a complex dtype.
 *
 * @example
 * isComplex(ones([2], { dtype: 'complex64' })); // true
 */
export function isComplex(input: Tensor): boolean {
  requireTensor('isComplex', 'input', input);
  return input.type.isComplex;
}

/**
 * Whether a tensor has a floating dtype.
 *
 * @example
 * isFloatingPoint(ones([2], { dtype: 'int64' })); // false
 */
export function isFloatingPoint(input: Tensor): boolean {
  requireTensor('isFloatingPoint', 'input', input);
  return input.type.isFloat;
}

/**
 * Whether the one element of a tensor is not 0. Throws ShapeError for more or fewer elements.
 *
 * @example
 * isNonzero(tensor(0.5)); // true
 */
export function isNonzero(input: Tensor): boolean {
  requireTensor('isNonzero', 'input', input);
  requirePlain('isNonzero', input);
  if (input.size !== 1) throw new ShapeError(`isNonzero: ${describeTensor(input)} has ${input.size} elements, not one: use any() or all()`);
  return Array.from<number | bigint>(typedArrayOf(input)).some((value) => Number(value) !== 0);
}

/** The slices along dimension 0; throws for a tensor that has none. */
export function* rowsOf(x: Tensor): IterableIterator<Tensor> {
  if (x.ndim === 0) throw new ShapeError(`iteration over ${describeTensor(x)}: it has no dimension to go along; use item()`);
  for (let i = 0; i < (x.shape[0] as number); i++) yield structural().select(x, 0, i);
}

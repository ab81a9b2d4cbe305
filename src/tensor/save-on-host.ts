import { contiguousStrides } from '../shape/shape.ts';
import { bytesOf, tensorOfBytes } from './data.ts';
import { withHooks } from './saved-hooks.ts';
import { type Tensor, viewOf } from './tensor.ts';

/** A tensor's bytes outside of the library's memory, in the order in which they lay there. */
class HostCopy {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #shape: readonly number[];
  /** The dimensions that have elements of their own, the slowest first; the others repeat the same elements. */
  readonly #order: readonly number[];
  readonly #type: Tensor['type'];

  constructor(x: Tensor) {
    this.#shape = x.shape;
    this.#type = x.type;
    this.#order = storageOrder(x);
    this.#bytes = bytesOf(along(x, this.#order), 'saveOnHost');
  }

  /** The tensor again, with the same strides where the elements lay without gaps. */
  restore(): Tensor {
    const sizes = this.#order.map((dim) => this.#shape[dim] as number);
    const packed = contiguousStrides(sizes);
    const flat = tensorOfBytes(this.#bytes, sizes, this.#type);
    const strides = this.#shape.map((_, dim) => packed[this.#order.indexOf(dim)] ?? 0);
    return viewOf(flat, this.#shape, strides, 0);
  }
}

function storageOrder(x: Tensor): number[] {
  const dims = x.shape.map((_, dim) => dim).filter((dim) => x.strides[dim] !== 0 || x.shape[dim] === 0);
  return dims.sort((a, b) => Math.abs(x.strides[b] as number) - Math.abs(x.strides[a] as number) || a - b);
}

/** The elements of `x` with these dimensions only, in this order. */
function along(x: Tensor, order: readonly number[]): Tensor {
  return viewOf(
    x,
    order.map((dim) => x.shape[dim] as number),
    order.map((dim) => x.strides[dim] as number),
    x.offset,
  );
}

const hooks = {
  name: 'saveOnHost',
  // A value that a transform works on has no bytes of its own.
  pack: (x: Tensor): HostCopy | Tensor => (x.wrapped === null ? new HostCopy(x) : x),
  unpack: (packed: unknown): unknown => (packed instanceof HostCopy ? packed.restore() : packed),
};

/**
 * Runs `body` with what is saved for the backward pass moved out of the library's memory, which ends at 4 GiB, into ordinary ArrayBuffers, and brought back
 * when the backward pass needs it. Values, dtypes and strides are the same. It costs two copies of each saved tensor; the memory is free once nothing
 * else uses the tensor. Without `body`: a scope for `using`.
 *
 * @example
 * const x = tensor([1, 2, 3], { requiresGrad: true });
 * const y = autograd.graph.saveOnHost(() => x.exp().mul(x).sum());
 * y.backward();
 * x.grad; // tensor([ 5.4366, 22.1672, 80.3421])
 */
export function saveOnHost(): Disposable;
export function saveOnHost<R>(body: () => R): R;
export function saveOnHost<R>(body?: () => R): R | Disposable {
  return withHooks(hooks, body);
}

import type { DType } from '../dtype/dtype.ts';
import { H, mH } from '../ops/adjoint.ts';
import { imag, real } from '../ops/complex-parts.ts';
import { detach } from '../ops/detach.ts';
import { mT, T } from '../ops/reshaping.ts';
import type { BackwardOptions } from '../tensor/autograd.ts';
import { bytesOf, elementsOf, type NestedElements, type TypedArray, typedArrayOf } from '../tensor/data.ts';
import { type LendOptions, type LentArray, lendData } from '../tensor/lend.ts';
import { describeTensor } from '../tensor/messages.ts';
import { type AccumulateHook, metaOf, type TensorHook } from '../tensor/meta.ts';
import type { Node } from '../tensor/node.ts';
import { formatTensor } from '../tensor/printing.ts';
import { disposeTensor } from '../tensor/scope.ts';
import { Tensor } from '../tensor/tensor.ts';
import { isTracked, settled } from '../tensor/views.ts';
import { AutogradError, InPlaceError } from '../util/errors.ts';
import { dataOf, setData, setSource } from './data.ts';
import { type FactMembers, factAccessors, factMethods, rowsOf } from './facts.ts';
import { gradDtypeOf, gradOf, setGrad, setGradDtype } from './gradient.ts';
import * as members from './members.ts';

/** The members of a tensor that name no operator: its autograd state, its values, how it prints. */
export interface CoreMembers extends FactMembers {
  /** Whether operations on this tensor are recorded. */
  requiresGrad: boolean;
  /** Marks a leaf as wanting a gradient; returns the tensor. */
  requiresGrad_(value?: boolean): this;
  /** The accumulated gradient of a leaf, or null. */
  grad: Tensor | null;
  /**
   * The dtype that gradients of this leaf are cast to: its own unless another is assigned; null: they stay as they come. Throws AutogradError for
   * results of recorded operations, DTypeError where `grad` has another dtype already.
   */
  gradDtype: DType | null;
  /** The operation that made this tensor, or null. */
  readonly gradFn: Node | null;
  readonly isLeaf: boolean;
  readonly retainsGrad: boolean;
  /** Which output of `gradFn` this is. */
  readonly outputNr: number;
  /** How often the storage was written in place. Throws for inference tensors, which do not count. */
  readonly version: number;
  /** Whether the tensor was made in `inferenceMode`. */
  isInference(): boolean;
  /**
   * The values without history: writing through it is not counted as a change of this tensor. Assigning a tensor makes this one see its elements from
   * then on, of any shape and of any dtype that can have a gradient if this one requires it.
   */
  data: Tensor;
  /** Makes this tensor see the elements of another of the same dtype, as a write in place: refused for leaves that require a gradient outside noGrad. */
  set_(source: Tensor): this;
  /** All dimensions in reverse order. */
  readonly T: Tensor;
  /** The last two dimensions swapped. */
  readonly mT: Tensor;
  readonly H: Tensor;
  readonly mH: Tensor;
  /** The real parts: of a real tensor the tensor itself. */
  readonly real: Tensor;
  /** The imaginary parts of a complex tensor; throws for a real one. */
  readonly imag: Tensor;
  backward(gradient?: members.GradientData | BackwardOptions | null, options?: BackwardOptions): void;
  detach(): Tensor;
  /** Forgets the history. */
  detach_(): this;
  retainGrad(): void;
  registerHook(hook: TensorHook): members.RemovableHandle;
  registerPostAccumulateGradHook(hook: AccumulateHook): members.RemovableHandle;
  /** The one element as a JavaScript value. */
  item(): number | boolean | { re: number; im: number };
  /** The one integer element, exactly. */
  toBigInt(): bigint;
  /** The elements as nested arrays. */
  toArray(): NestedElements;
  /** The elements in row-major order, copied. */
  toTypedArray(): TypedArray;
  /** The bytes of the elements in row-major order, little endian, copied. */
  toBytes(): Uint8Array<ArrayBuffer>;
  /** The elements as nested arrays, for `JSON.stringify`. */
  toJSON(): NestedElements;
  /**
   * Lends the elements in row-major order as a typed array for the length of `body`, and returns what that returns. Nothing is copied where they
   * lie in that order. Half types are lent as their bits, bool as bytes, complex numbers as pairs. With `write`, what is written becomes the
   * tensor's values, as by an in-place operation. The array must not be kept, and no tensors be made meanwhile.
   */
  withData<R>(body: (view: LentArray) => R, options?: LendOptions): R;
  /** The tensor itself, if it has this shape (-1: any size); throws ShapeError otherwise. From here on the compiler knows the shape. */
  expectShape(shape: readonly number[]): this;
  /** Gives the tensor a name for error messages. */
  named(name: string): this;
  /** Frees the memory now: `using x = …`. */
  [Symbol.dispose](): void;
  toString(): string;
}

function show(x: Tensor): string {
  const tangents: string[] = [];
  for (let value = settled('toString', x); value.wrapped !== null; ) {
    const below = value.wrapped.interpreter.shown(value);
    if (below === null) return `tensor(<transformed>, shape=[${x.shape.join(', ')}], dtype=${x.dtype})`;
    if (below.tangent !== null) tangents.push(`tangent=${show(below.tangent)}`);
    value = below.primal;
  }
  const values = elementsOf(x);
  const suffix: string[] = [];
  const node = historyOf(x);
  if (node === undefined) suffix.push('gradFn=<Invalid>');
  else if (node !== null) suffix.push(`gradFn=<${node.name}>`);
  else if (x.tracked) suffix.push('requiresGrad=true');
  return formatTensor({ shape: x.shape, dtype: x.dtype, get: (i: number) => values[i] as number }, {}, [...suffix, ...tangents]);
}

/** What made `x`; undefined where a write has left a view without a history. */
function historyOf(x: Tensor): Node | null | undefined {
  try {
    return members.gradFn(x);
  } catch {
    return undefined;
  }
}

function detachInPlace(x: Tensor): Tensor {
  if (x.meta?.base) throw new InPlaceError(`detach_: ${describeTensor(x)} is a view, which cannot be cut off in place: use detach()`);
  if (x.wrapped !== null) x.wrapped = detach(x).wrapped;
  x.node = null;
  x.outputIndex = 0;
  x.tracked = false;
  return x;
}

const accessors: Record<string, { get: (x: Tensor) => unknown; set?: (x: Tensor, value: never) => void }> = {
  ...factAccessors,
  requiresGrad: { get: isTracked, set: (x, value: boolean) => void members.setRequiresGrad(x, value) },
  grad: { get: gradOf, set: (x, value: Tensor | null) => setGrad(x, value) },
  gradDtype: { get: gradDtypeOf, set: (x, value: DType | null) => setGradDtype(x, value) },
  gradFn: { get: members.gradFn },
  isLeaf: { get: members.isLeaf },
  retainsGrad: { get: (x) => x.meta?.retainsGrad ?? false },
  outputNr: { get: (x) => x.outputIndex },
  version: { get: members.versionOf },
  data: { get: dataOf, set: (x, value: Tensor) => setData(x, value) },
  T: { get: T },
  mT: { get: mT },
  H: { get: H },
  mH: { get: mH },
  real: { get: real },
  imag: { get: imag },
};

const methods: Record<string, (this: Tensor, ...args: never[]) => unknown> = {
  ...factMethods,
  requiresGrad_(value: boolean = true) {
    return members.setRequiresGrad(this, value);
  },
  backward(gradient?: members.GradientData | BackwardOptions | null, options?: BackwardOptions) {
    members.backwardOf(this, gradient, options);
  },
  set_(source: Tensor) {
    return setSource(this, source);
  },
  detach() {
    return detach(this);
  },
  detach_() {
    return detachInPlace(this);
  },
  isInference() {
    return this.storage.version < 0;
  },
  retainGrad() {
    members.retainGrad(this);
  },
  registerHook(hook: TensorHook) {
    return members.registerHook(this, hook);
  },
  registerPostAccumulateGradHook(hook: AccumulateHook) {
    return members.registerPostAccumulateGradHook(this, hook);
  },
  item() {
    return members.item(this);
  },
  toBigInt() {
    return members.toBigInt(this);
  },
  toArray() {
    return members.toArray(this);
  },
  toTypedArray() {
    return typedArrayOf(this);
  },
  toBytes() {
    return bytesOf(this);
  },
  toJSON() {
    return members.toArray(this);
  },
  withData(body: (view: LentArray) => unknown, options?: LendOptions) {
    return lendData(this, body, options);
  },
  expectShape(shape: readonly number[]) {
    return members.expectShape(this, shape);
  },
  named(name: string) {
    metaOf(this).name = name;
    return this;
  },
  toString(this: Tensor) {
    return show(this);
  },
};

/** Puts these members on the prototype. */
export function attachCore(): void {
  for (const [name, { get, set }] of Object.entries(accessors)) {
    Object.defineProperty(Tensor.prototype, name, {
      configurable: true,
      get(this: Tensor) {
        return get(this);
      },
      ...(set === undefined
        ? {}
        : {
            set(this: Tensor, value: never) {
              set(this, value);
            },
          }),
    });
  }
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
  Object.defineProperty(Tensor.prototype, Symbol.dispose ?? Symbol.for('Symbol.dispose'), {
    configurable: true,
    value(this: Tensor) {
      disposeTensor(this);
    },
  });
  Object.defineProperty(Tensor.prototype, Symbol.iterator, {
    configurable: true,
    value(this: Tensor) {
      return rowsOf(this);
    },
  });
  Object.defineProperty(Tensor.prototype, Symbol.toPrimitive, { value: toPrimitive, configurable: true });
  Object.defineProperty(Tensor.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    configurable: true,
    value(this: Tensor) {
      return show(this);
    },
  });
}

/** `${tensor}` prints; `+tensor` and `tensor + 1` would silently be something else than arithmetic, so they throw. */
function toPrimitive(this: Tensor, hint: string): string {
  if (hint === 'string') return show(this);
  throw new AutogradError(
    `JavaScript's operators do not work on tensors (${describeTensor(this)}): write a.add(b), a.mul(b), …, or item() for the number in a tensor of one element`,
  );
}

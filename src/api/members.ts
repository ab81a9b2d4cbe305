import { FLOAT32 } from '../dtype/dtype.ts';
import { addressOfView } from '../runtime/elements.ts';
import { heap } from '../runtime/heap.ts';
import { beginLaunch, creation } from '../runtime/storage.ts';
import { formatShape } from '../shape/shape.ts';
import { type BackwardOptions, backward } from '../tensor/autograd.ts';
import {
  type Element,
  elementsOf,
  flatten,
  type NestedElements,
  nestedOf,
  requirePlain,
  type TensorData,
  tensorOfElements,
} from '../tensor/data.ts';
import { describeTensor } from '../tensor/messages.ts';
import { type AccumulateHook, type HookHandle, HookList, metaOf, type TensorHook } from '../tensor/meta.ts';
import { gradientNode, type Node, requireFunction, watchOf } from '../tensor/node.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { ArgumentError, AutogradError, DTypeError, ShapeError } from '../util/errors.ts';
import { isOptions } from '../util/options.ts';

/** What a tensor shows of its autograd state and its values: the members that name no operator. */

/** Marks a leaf as wanting a gradient (or not). Throws for integer dtypes, and for turning it off on a result. */
export function setRequiresGrad(x: Tensor, value: boolean): Tensor {
  if (value && !x.type.isFloat && !x.type.isComplex) {
    throw new DTypeError(
      `requiresGrad: ${describeTensor(x)} cannot have a gradient: only floating and complex dtypes can; cast it with .to('float32')`,
    );
  }
  if (value && x.storage.version < 0 && creation.version >= 0) {
    throw new AutogradError(
      `requiresGrad: ${describeTensor(x)} was made in inferenceMode, so it cannot become a leaf outside of it: use a clone()`,
    );
  }
  if (!value && x.node !== null) {
    throw new AutogradError(
      `requiresGrad: ${describeTensor(x)} is the result of a recorded operation, so it cannot stop requiring a gradient: use detach()`,
    );
  }
  x.tracked = value || x.node !== null;
  return x;
}

export function isLeaf(x: Tensor): boolean {
  return !isTracked(x) || x.node === null;
}

/** How often the storage was written in place. */
export function versionOf(x: Tensor): number {
  if (x.storage.version < 0)
    throw new AutogradError(`version: ${describeTensor(x)} was made in inferenceMode, where writes are not counted`);
  return x.storage.version;
}

export function gradFn(x: Tensor): Node | null {
  isTracked(x);
  return x.node;
}

/** Keeps the gradient of a result in its `grad`, as leaves do. */
export function retainGrad(x: Tensor): void {
  if (!isTracked(x)) throw new AutogradError(`retainGrad: ${describeTensor(x)} does not require a gradient`);
  if (x.node === null) return;
  metaOf(x).retainsGrad = true;
  watchOf(x.node, x.outputIndex).keeper = x.meta;
}

/** A handle that removes a hook. */
export type RemovableHandle = HookHandle;

/**
 * Calls `hook` with the gradient of `x` when it has been computed; what it returns replaces the gradient. The hook stays with the value that `x` has
 * now, also where `x` is changed in place afterwards.
 */
export function registerHook(x: Tensor, hook: TensorHook): RemovableHandle {
  if (!isTracked(x))
    throw new AutogradError(`registerHook: ${describeTensor(x)} does not require a gradient, so no gradient will ever reach the hook`);
  requireFunction('registerHook', hook);
  return watchOf(gradientNode(x) as Node, x.outputIndex).hooks.add(hook);
}

/** Calls `hook` with a leaf after a gradient has been added to its `grad`. */
export function registerPostAccumulateGradHook(x: Tensor, hook: AccumulateHook): RemovableHandle {
  if (!isTracked(x)) throw new AutogradError(`registerPostAccumulateGradHook: ${describeTensor(x)} does not require a gradient`);
  if (x.node !== null)
    throw new AutogradError(
      `registerPostAccumulateGradHook: ${describeTensor(x)} is not a leaf: gradients accumulate in leaves only; use registerHook`,
    );
  requireFunction('registerPostAccumulateGradHook', hook);
  const meta = metaOf(x);
  meta.accumulateHooks ??= new HookList();
  return meta.accumulateHooks.add(hook);
}

/** A gradient to start from: a tensor, or its values as nested arrays. */
export type GradientData = Tensor | TensorData;

/** `backward` of one tensor. */
export function backwardOf(x: Tensor, gradient?: GradientData | BackwardOptions | null, options?: BackwardOptions): void {
  if (isOptions(gradient)) {
    backward(x, gradient as BackwardOptions);
    return;
  }
  backward(x, gradient === undefined || gradient === null ? null : [gradientTensor(x, gradient as GradientData)], options);
}

/** Values given as arrays become a tensor of the dtype of `x`. */
function gradientTensor(x: Tensor, gradient: GradientData): Tensor {
  if (!isTensor(x) || (!Array.isArray(gradient) && typeof gradient !== 'number' && !ArrayBuffer.isView(gradient)))
    return gradient as Tensor;
  const { shape, elements } = flatten('backward', gradient as TensorData);
  return tensorOfElements(elements, shape, x.type);
}

/** The tensor itself, if it has this shape; -1 stands for any size. */
export function expectShape(x: Tensor, shape: readonly number[]): Tensor {
  const fits = x.ndim === shape.length && shape.every((size, i) => size === -1 || size === x.shape[i]);
  if (!fits) throw new ShapeError(`expectShape: expected ${formatShape(shape)}, got ${describeTensor(x)}`);
  return x;
}

/** The one element as a JavaScript value; throws for more or fewer, and for an int64 that no number holds exactly. */
export function item(x: Tensor): number | boolean | { re: number; im: number } {
  requirePlain('item', x);
  if (x.size !== 1) throw new ShapeError(`item: ${describeTensor(x)} has ${x.size} elements, not one: use toArray(), or index it first`);
  if (x.type === FLOAT32) {
    // What every training step asks for its loss.
    beginLaunch();
    return heap.f32[addressOfView(x) / 4] as number;
  }
  const value = elementsOf(x)[0] as Element;
  if (typeof value === 'bigint') throw new ArgumentError(`item: the int64 value ${value} is not exact as a number: use toBigInt()`);
  return value as number | boolean | { re: number; im: number };
}

/** The one element of an integer tensor as a bigint. */
export function toBigInt(x: Tensor): bigint {
  requirePlain('toBigInt', x);
  if (x.size !== 1) throw new ShapeError(`toBigInt: ${describeTensor(x)} has ${x.size} elements, not one`);
  if (x.type.isFloat || x.type.isComplex) throw new DTypeError(`toBigInt: needs an integer dtype, got ${x.dtype}`);
  return BigInt(elementsOf(x)[0] as number | bigint | boolean);
}

export function toArray(x: Tensor): NestedElements {
  requirePlain('toArray', x);
  return nestedOf(x);
}

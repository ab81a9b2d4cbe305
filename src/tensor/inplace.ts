import { promoteTypes } from '../dtype/promotion.ts';
import { backend } from '../runtime/backend.ts';
import { sameBytes } from '../runtime/storage.ts';
import { formatShape } from '../shape/shape.ts';
import { DTypeError, InPlaceError, ShapeError } from '../util/errors.ts';
import { makeNode, topInterpreter } from './apply.ts';
import { IDENTITY } from './identity.ts';
import type { MapOperator, MapParams } from './map-operator.ts';
import { describeTensor } from './messages.ts';
import { mode, withGradMode } from './modes.ts';
import { type AnyOperator, setHistory } from './node.ts';
import type { Observer } from './observer.ts';
import { addressRange } from './overlap.ts';
import { structural } from './structural.ts';
import { aliasOf, type Tensor } from './tensor.ts';
import { isTracked, REBASE_REASONS, settled } from './views.ts';

/**
 * Writes the result of an elementwise operator into `target`. While nothing is recorded the kernel writes there directly; otherwise the
 * general path runs.
 */
export function mapInPlace(name: string, target: Tensor, operator: MapOperator, inputs: readonly Tensor[], params: MapParams): Tensor {
  return mode.observer === null ? mapInto(name, target, operator, inputs, params) : observedMap(name, target, operator, inputs, params);
}

/** A function of its own, since a closure would cost `mapInPlace` an allocation in every call. */
function observedMap(name: string, target: Tensor, operator: MapOperator, inputs: readonly Tensor[], params: MapParams): Tensor {
  return (mode.observer as Observer).write(name, target, () => mapInto(name, target, operator, inputs, params));
}

function mapInto(name: string, target: Tensor, operator: MapOperator, inputs: readonly Tensor[], params: MapParams): Tensor {
  if (!isDirect(target, inputs)) return overwrite(name, target, (old) => applyTo(operator, inputs, target, old, params));
  checkWritable(name, target);
  checkResultType(name, target, operator.isBoolean ? target.type : params.compute);
  for (const input of inputs) checkFits(name, target, input.shape);
  operator.forwardInto(target, inputs, params);
  markWritten(target, name);
  return target;
}

/** Whether the kernel may write into the target while it reads the inputs, and nothing else has to know. */
function isDirect(target: Tensor, inputs: readonly Tensor[]): boolean {
  if (mode.interpreters !== 0 || target.wrapped !== null || (mode.grad && isTracked(target))) return false;
  return inputs.every(
    (input) => input === target || (input.wrapped === null && !(mode.grad && isTracked(input)) && !mayOverlap(input, target)),
  );
}

function applyTo(operator: MapOperator, inputs: readonly Tensor[], target: Tensor, old: Tensor, params: MapParams): Tensor {
  return structural().call(
    operator as unknown as AnyOperator,
    inputs.map((input) => (input === target ? old : input)),
    params,
  );
}

/**
 * The general in-place operation: computes the functional result from the old value, writes it into `target`'s elements, and makes the result's
 * history the target's. A view passes its new history on to its base.
 */
export function writeInPlace(name: string, target: Tensor, from: (old: Tensor) => Tensor): Tensor {
  return mode.observer === null ? overwrite(name, target, from) : mode.observer.write(name, target, () => overwrite(name, target, from));
}

/** `writeInPlace` behind the observers. */
function overwrite(name: string, target: Tensor, from: (old: Tensor) => Tensor): Tensor {
  checkTarget(name, target);
  // A derivative may read the old value even where only another operand wants a gradient.
  return put(name, target, from(mode.grad ? withOldValue(target) : target));
}

/** Writes a value that is there: what interpreters do with the values below them. */
export function overwriteWith(name: string, target: Tensor, value: Tensor): Tensor {
  checkTarget(name, target);
  return put(name, target, value);
}

function checkTarget(name: string, target: Tensor): void {
  if (mode.interpreters !== 0 || target.wrapped !== null) settled(name, target);
  checkWritable(name, target);
}

function put(name: string, target: Tensor, result: Tensor): Tensor {
  checkResultType(name, target, result.type);
  checkFits(name, target, result.shape);
  const tracked = mode.grad && isTracked(result);
  if (tracked) checkRebase(name, target);
  const interpreter = topInterpreter([target, result]);
  if (interpreter !== null) {
    interpreter.write(name, target, result);
  } else {
    // What was computed meanwhile may have saved the old value through another handle.
    if (mode.beforeWrite !== null) mode.beforeWrite(target);
    backend().map(IDENTITY.program, target, [result], [], target.type);
    markWritten(target, name);
  }
  if (tracked) rebase(target, result);
  return target;
}

/** A tensor with the same value and history whose bytes the coming write does not touch. */
function withOldValue(target: Tensor): Tensor {
  // Below an interpreter the tape has to see where the value came from.
  const copy = target.wrapped === null ? withGradMode(false, () => structural().clone(target)) : structural().clone(target);
  copy.node = target.node;
  copy.outputIndex = target.outputIndex;
  copy.tracked = target.tracked;
  return copy;
}

/** Makes the history of `result` that of `target`; a view passes it on to its base. */
export function rebase(target: Tensor, result: Tensor): void {
  const value = result.type === target.type ? result : structural().cast(result, target.type);
  const meta = target.meta;
  if (meta === null || meta.base === null) {
    setHistory(target, value.node, value.outputIndex);
    target.tracked = true;
    return;
  }
  const base = meta.base;
  const geometry = { shape: target.shape, strides: target.strides, offset: target.offset, base: aliasOf(base) };
  const operator = structural().copySlices as unknown as AnyOperator;
  const node = makeNode(operator, [base, value], geometry, base);
  setHistory(base, node, 0);
  base.tracked = true;
  meta.viewVersion = -1;
  isTracked(target);
}

function sameSizes(a: Tensor, b: Tensor): boolean {
  return a.ndim === b.ndim && a.shape.every((size, i) => size === b.shape[i]);
}

/** Counts a write, so that what was saved before it is known to be stale. */
export function markWritten(target: Tensor, name: string): void {
  const storage = target.storage;
  if (storage.version < 0) return;
  storage.version++;
  storage.writer = name;
  storage.writtenShape = target.shape;
  if (mode.tracing !== null) mode.tracing.remember(storage);
}

/** Refuses targets that must not be written: leaves under gradient recording, their views, and elements that share one address. */
export function checkWritable(name: string, target: Tensor): void {
  refuseWrite(name, target);
  if (mode.beforeWrite !== null) mode.beforeWrite(target);
}

function refuseWrite(name: string, target: Tensor): void {
  for (let i = 0; i < target.shape.length; i++) {
    if (target.strides[i] === 0 && (target.shape[i] as number) > 1) {
      throw new InPlaceError(
        `${name}: several elements of the target, ${describeTensor(target)}, share one address (it was expanded along dimension ${i}): clone() it before writing into it`,
      );
    }
  }
  checkHistory(name, target);
}

/** Refuses targets whose history does not allow a change: leaves under gradient recording, their views, and views made in other modes. */
export function checkHistory(name: string, target: Tensor): void {
  if (target.storage.version < 0) mode.inference?.checkWrite(name, target);
  if (!mode.grad) return;
  if (isTracked(target) && target.node === null) {
    throw new InPlaceError(
      `${name}: the target, ${describeTensor(target)}, requires a gradient, so it cannot be changed in place: ` +
        `write inside noGrad(() => …), or use the functional form`,
    );
  }
  const base = target.meta?.base;
  if (!base?.tracked) return;
  if (base.node === null) {
    throw new InPlaceError(
      `${name}: the target is a view of ${describeTensor(base)}, which requires a gradient, so it cannot be changed in place: ` +
        `write inside noGrad(() => …), or clone() the leaf first`,
    );
  }
  checkRebase(name, target);
}

/** Refuses views whose history an in-place write could not put right. */
function checkRebase(name: string, target: Tensor): void {
  const reason = target.meta?.base ? REBASE_REASONS[target.meta.origin] : null;
  if (reason !== null) throw new InPlaceError(`${name}: the target, ${describeTensor(target)}, is ${reason}`);
}

function checkResultType(name: string, target: Tensor, type: Tensor['type']): void {
  if (kindOf(type) > kindOf(target.type)) {
    throw new DTypeError(
      `${name}: a result of dtype ${type.name} cannot be written into the target's ${target.type.name} (${promoteTypes(type, target.type).name} would be needed): ` +
        'use the functional form, or cast the operand',
    );
  }
}

/** Results of a kind fit into targets of the same and of higher ones. */
function kindOf(type: Tensor['type']): number {
  if (type.isComplex) return 3;
  if (type.isFloat) return 2;
  return type.isInteger ? 1 : 0;
}

/** The written value may broadcast to the target, never the other way round. */
function checkFits(name: string, target: Tensor, shape: readonly number[]): void {
  const shift = target.shape.length - shape.length;
  let fits = shift >= 0;
  for (let i = 0; fits && i < shape.length; i++) fits = shape[i] === 1 || shape[i] === target.shape[i + shift];
  if (!fits) {
    throw new ShapeError(
      `${name}: a value of shape ${formatShape(shape)} does not fit into the target of shape ${formatShape(target.shape)}: an in-place operation keeps the target's shape`,
    );
  }
}

/** Whether two tensors might share bytes without being the same elements in the same order. */
export function mayOverlap(a: Tensor, b: Tensor): boolean {
  if (!sameBytes(a.storage, b.storage)) return false;
  if (a.offset === b.offset && sameSizes(a, b) && a.strides.every((stride, i) => stride === b.strides[i] || a.shape[i] === 1)) return false;
  const [lowA, highA] = addressRange(a);
  const [lowB, highB] = addressRange(b);
  return lowA <= highB && lowB <= highA;
}

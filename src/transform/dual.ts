import { overwriteWith } from '../tensor/inplace.ts';
import { describeTensor, describeValue } from '../tensor/messages.ts';
import { mode } from '../tensor/modes.ts';
import { setHistory } from '../tensor/node.ts';
import { structural } from '../tensor/structural.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked, settled } from '../tensor/views.ts';
import { ArgumentError, AutogradError, DTypeError } from '../util/errors.ts';
import { ForwardMode, forwardGrad } from './forward.ts';
import { checkTangent } from './jvp.ts';
import { sameLayout, zerosInLayout } from './layout.ts';
import { connected } from './lifted.ts';

/** Forward mode by hand: tensors that carry a tangent while a level is open. */

let current: ForwardMode | null = null;

/** The level that is open, if it is: one that was left open inside a transform ends with it. */
function openLevel(): ForwardMode | null {
  if (current !== null && current.level > mode.interpreters) {
    current.end();
    current = null;
  }
  return current;
}

/**
 * Opens a level of forward mode, in which `makeDual` gives tensors tangents. Close it with `exitDualLevel`; `dualLevel` does both.
 * Throws AutogradError while a level is open: for derivatives of higher order nest `jvp`, or use reverse mode inside.
 *
 * @example
 * const { enterDualLevel, exitDualLevel, makeDual, unpackDual } = autograd.forwardAd;
 * enterDualLevel();
 * const slope = unpackDual(makeDual(tensor(3), tensor(1)).pow(2)).tangent;
 * exitDualLevel();
 * slope; // tensor(6.)
 */
export function enterDualLevel(): void {
  if (openLevel() !== null) {
    throw new AutogradError(
      'enterDualLevel: a level is open already, and levels of dual numbers do not nest: nest jvp from nabla/func for higher orders, or use grad inside the level',
    );
  }
  mode.interpreters++;
  current = new ForwardMode(mode.interpreters, true);
}

/**
 * Closes the level that `enterDualLevel` opened: all tangents are gone, and what was dual is a plain tensor with the primal values.
 * Throws AutogradError where no level is open, or where a transform that began inside it still runs.
 *
 * @example
 * autograd.forwardAd.enterDualLevel();
 * const dual = autograd.forwardAd.makeDual(ones([2]), ones([2]));
 * autograd.forwardAd.exitDualLevel();
 * dual; // tensor([1., 1.])
 */
export function exitDualLevel(): void {
  const level = openLevel();
  if (level === null)
    throw new AutogradError('exitDualLevel: no level of dual numbers is open: call enterDualLevel first, once for each exit');
  if (level.level !== mode.interpreters)
    throw new AutogradError('exitDualLevel: a vmap or jvp that began inside the level still runs: close the level where it was opened');
  level.end();
  current = null;
  mode.interpreters--;
}

/**
 * `using _ = dualLevel();` closes the level at the end of the block.
 *
 * @example
 * const level = autograd.forwardAd.dualLevel();
 * autograd.forwardAd.unpackDual(autograd.forwardAd.makeDual(tensor(3), tensor(1)).mul(2)).tangent; // tensor(2.)
 * level[Symbol.dispose]();
 */
export class DualLevelScope implements Disposable {
  #open = true;
  constructor() {
    enterDualLevel();
  }
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    exitDualLevel();
  }
}

/**
 * Runs `body` with a level of forward mode open, and returns what it returns; without a body, a scope for `using`. Results that were dual are plain
 * tensors afterwards: take what is needed of their tangents with `unpackDual` inside.
 * Throws AutogradError while a level is open, and ArgumentError for an asynchronous body.
 *
 * @example
 * const { dualLevel, makeDual, unpackDual } = autograd.forwardAd;
 * dualLevel(() => {
 *   const x = makeDual(tensor([1, 2]), tensor([1, 0]));
 *   return unpackDual(x.mul(x)).tangent;
 * }); // tensor([2., 0.])
 */
export function dualLevel<R>(body: () => R): R;
export function dualLevel(): DualLevelScope;
export function dualLevel<R>(body?: () => R): R | DualLevelScope {
  if (body === undefined) return new DualLevelScope();
  const scope = new DualLevelScope();
  try {
    const result = body();
    if (result instanceof Promise)
      throw new ArgumentError('dualLevel: the function must be synchronous, since the level ends when it returns: open it between awaits');
    return result;
  } finally {
    scope[Symbol.dispose]();
  }
}

/**
 * A tensor with the values of `tensor`, whose memory it shares, and with `tangent`: what is computed from it carries the derivative in that direction.
 * Gradients flow through it to `tensor` and `tangent`. In-place operations on it write into both. The tangent itself is kept where its elements lie
 * as those of `tensor`, else a copy. Shapes must be equal and dtypes floating or complex.
 * Throws AutogradError outside of a level and for a tensor that is dual already or for a dual tangent, ShapeError and DTypeError where the two do
 * not fit.
 *
 * @example
 * const { dualLevel, makeDual, unpackDual } = autograd.forwardAd;
 * dualLevel(() => unpackDual(makeDual(tensor([3]), tensor([1])).exp().log()).tangent); // tensor([1.])
 */
export function makeDual(tensor: Tensor, tangent: Tensor): Tensor {
  if (!isTensor(tensor)) throw new ArgumentError(`makeDual: tensor must be a tensor, got ${describeValue(tensor)}`);
  if (!isTensor(tangent)) throw new ArgumentError(`makeDual: tangent must be a tensor, got ${describeValue(tangent)}`);
  const level = openLevel();
  if (level === null) {
    throw new AutogradError(
      'makeDual: no level of dual numbers is open: call it inside autograd.forwardAd.dualLevel(() => …), and take the tangents out with unpackDual there',
    );
  }
  for (const [role, x] of [
    ['tensor', tensor],
    ['tangent', tangent],
  ] as const) {
    if (!x.type.isFloat && !x.type.isComplex)
      throw new DTypeError(`makeDual: ${role} has dtype ${x.dtype}: only floating and complex tensors have tangents, cast it first`);
  }
  checkTangent('makeDual', 'tangent', tensor, tangent);
  refuseDual(level, 'tensor', tensor, 'has a tangent already: unpackDual it, or use jvp for derivatives of derivatives');
  refuseDual(level, 'tangent', tangent, 'is itself dual at this level: unpackDual it, or use jvp for derivatives of derivatives');
  // The dual is another handle on the memory: whoever disposes of it must not free that.
  tensor.storage.shared = true;
  return tracked(tensor, level, laidOut(tensor, structural().cast(tangent, tensor.type)));
}

function refuseDual(level: ForwardMode, role: string, x: Tensor, reason: string): void {
  settled('makeDual', x);
  if (level.unpack(x).tangent !== null) throw new AutogradError(`makeDual: ${role}, ${describeTensor(x)}, ${reason}`);
}

/** The dual handle; the tape of the handles goes on to `tensor`. */
function tracked(tensor: Tensor, level: ForwardMode, tangent: Tensor): Tensor {
  const dual = level.lift(level.unpack(tensor).primal, forwardGrad.enabled ? tangent : null, true);
  if (mode.grad && isTracked(tensor)) {
    setHistory(dual, connected(tensor).node, 0);
    dual.tracked = true;
  }
  return dual;
}

/** The tangent where it lies as the primal does, alone in a storage as long; else a copy that does, so that all views of the primal have tangents. */
function laidOut(primal: Tensor, tangent: Tensor): Tensor {
  if (primal.size === 0) return tangent;
  const alone = tangent.storage.byteLength === primal.storage.byteLength && tangent.offset === primal.offset;
  if (sameLayout(tangent, primal) && (alone || tangent.wrapped !== null || primal.wrapped !== null)) return tangent;
  const copy = zerosInLayout(primal, [tangent]);
  return overwriteWith('makeDual', copy, tangent);
}

/** What `unpackDual` returns: `const { primal, tangent } = …`, or `const [primal, tangent] = …`. */
export interface UnpackedDual extends Iterable<Tensor | null> {
  readonly primal: Tensor;
  /** Null for a tensor without a tangent. */
  readonly tangent: Tensor | null;
}

function unpacked(primal: Tensor, tangent: Tensor | null): UnpackedDual {
  const pair = { primal, tangent };
  Object.defineProperty(pair, Symbol.iterator, { value: () => [primal, tangent][Symbol.iterator]() });
  return pair as unknown as UnpackedDual;
}

/**
 * The values of a tensor without its tangent, sharing memory, and its tangent: null for a tensor that has none, and outside of a level. Gradients flow
 * through both.
 *
 * @example
 * const { dualLevel, makeDual, unpackDual } = autograd.forwardAd;
 * dualLevel(() => unpackDual(makeDual(tensor([2]), tensor([5])).mul(3))); // { primal: tensor([6.]), tangent: tensor([15.]) }
 */
export function unpackDual(tensor: Tensor): UnpackedDual {
  if (!isTensor(tensor)) throw new ArgumentError(`unpackDual: expected a tensor, got ${describeValue(tensor)}`);
  const level = openLevel();
  settled('unpackDual', tensor);
  if (level === null) return unpacked(tensor, null);
  const { primal, tangent } = level.unpack(tensor);
  return unpacked(primal, tangent);
}

/**
 * Turns forward mode off or on for `body`, or until the returned scope is disposed: while it is off, results have no tangents, and in-place operations
 * leave those of their targets as they are. What `noGrad` is for reverse mode.
 *
 * @example
 * const { dualLevel, makeDual, setForwardGradEnabled, unpackDual } = autograd.forwardAd;
 * dualLevel(() => {
 *   const x = makeDual(tensor([1]), tensor([1]));
 *   return unpackDual(setForwardGradEnabled(false, () => x.mul(2))).tangent;
 * }); // null
 */
export function setForwardGradEnabled<R>(enabled: boolean, body: () => R): R;
export function setForwardGradEnabled(enabled: boolean): ForwardGradScope;
export function setForwardGradEnabled<R>(enabled: boolean, body?: () => R): R | ForwardGradScope {
  const scope = new ForwardGradScope(enabled);
  if (body === undefined) return scope;
  try {
    const result = body();
    if (result instanceof Promise)
      throw new ArgumentError('setForwardGradEnabled: the function must be synchronous, since the mode ends when it returns');
    return result;
  } finally {
    scope[Symbol.dispose]();
  }
}

/**
 * `using _ = setForwardGradEnabled(false);` restores the mode at the end of the block.
 *
 * @example
 * const off = autograd.forwardAd.setForwardGradEnabled(false);
 * autograd.forwardAd.isForwardGradEnabled(); // false
 * off[Symbol.dispose]();
 */
export class ForwardGradScope implements Disposable {
  readonly #before: boolean;
  constructor(enabled: boolean) {
    this.#before = forwardGrad.enabled;
    forwardGrad.enabled = enabled;
  }
  [Symbol.dispose](): void {
    forwardGrad.enabled = this.#before;
  }
}

/**
 * Whether forward mode carries tangents on.
 *
 * @example
 * const { isForwardGradEnabled, setForwardGradEnabled } = autograd.forwardAd;
 * setForwardGradEnabled(false, () => isForwardGradEnabled()); // false
 */
export function isForwardGradEnabled(): boolean {
  return forwardGrad.enabled;
}

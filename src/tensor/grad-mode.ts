import { creation } from '../runtime/storage.ts';
import { ArgumentError } from '../util/errors.ts';
import { describeValue } from './messages.ts';
import { modesFor, runUnder } from './mode-tasks.ts';
import { mode } from './modes.ts';

/** What a mode runs: a method when it decorates one, `@noGrad evaluate() { … }`. */
type Method<T, A extends unknown[], R> = (this: T, ...args: A) => R;

/**
 * Runs `body` without recording a graph: results do not require a gradient. Without a body: a scope for `using`, which must end before the next `await`.
 * As a decorator, `@noGrad`, it makes a method always run so.
 *
 * The mode follows what `body` goes on with later: an async function after each `await` (where the platform has AsyncLocalStorage, as Node does;
 * elsewhere its promise is refused with ArgumentError) and a generator whenever it is resumed, while code outside keeps its own mode.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * noGrad(() => x.mul(2)).requiresGrad; // false
 */
export function noGrad<T, A extends unknown[], R>(method: Method<T, A, R>, context: ClassMethodDecoratorContext): Method<T, A, R>;
export function noGrad<R>(body: () => R): R;
export function noGrad(): ModeScope;
export function noGrad(body?: () => unknown, context?: unknown): unknown {
  return underMode('noGrad', false, null, body, context);
}

/**
 * Runs `body` with recording on, also inside `noGrad` (but not inside `inferenceMode`). Scopes, decorators and asynchronous bodies are as with `noGrad`.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * noGrad(() => enableGrad(() => x.mul(2))).requiresGrad; // true
 */
export function enableGrad<T, A extends unknown[], R>(method: Method<T, A, R>, context: ClassMethodDecoratorContext): Method<T, A, R>;
export function enableGrad<R>(body: () => R): R;
export function enableGrad(): ModeScope;
export function enableGrad(body?: () => unknown, context?: unknown): unknown {
  return underMode('enableGrad', true, null, body, context);
}

/**
 * Turns recording on or off for `body`, or until the returned scope is disposed. Asynchronous bodies are as with `noGrad`.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * setGradEnabled(false, () => x.mul(2)).requiresGrad; // false
 */
export function setGradEnabled<R>(enabled: boolean, body: () => R): R;
export function setGradEnabled(enabled: boolean): ModeScope;
export function setGradEnabled(enabled: boolean, body?: () => unknown): unknown {
  return underMode('setGradEnabled', enabled, null, body, undefined);
}

/** @internal The forms of a mode: around a body, as a scope, as a decorator. */
export function underMode(name: string, grad: boolean, version: number | null, body: unknown, context: unknown): unknown {
  if (body === undefined) return new ModeScope(grad, version);
  if (typeof body !== 'function')
    throw new ArgumentError(
      `${name}: the body must be a function, got ${describeValue(body)}; leave it out for a scope (using _ = ${name}())`,
    );
  if (typeof context !== 'object' || context === null) return runUnder(name, grad, version, body as () => unknown);
  return function (this: unknown, ...args: unknown[]): unknown {
    return runUnder(name, grad, version, () => body.apply(this, args));
  };
}

/** `using _ = noGrad();` restores the modes at the end of the block, which must have no `await` in it. */
export class ModeScope implements Disposable {
  readonly #grad = mode.grad;
  readonly #version = creation.version;
  constructor(grad: boolean, version: number | null) {
    const next = modesFor(grad, version);
    mode.grad = next.grad;
    creation.version = next.version;
  }
  [Symbol.dispose](): void {
    mode.grad = this.#grad;
    creation.version = this.#version;
  }
}

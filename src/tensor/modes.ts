import { ArgumentError } from '../util/errors.ts';
import type { Observer } from './observer.ts';

/** Global switches of the engine. One object with fixed fields: reading it is one load on the hot path. */
export const mode = {
  /** Record operations on tensors that require a gradient. */
  grad: true,
  /** How many interpreters (forward mode, vmap, …) are running; 0 in plain eager code. */
  interpreters: 0,
  /** Keep stack traces of recorded operations and of writes, for messages. */
  tracing: false,
  /** Looks at what each node of a backward pass returns. */
  inspect: null as null | ((node: object, grads: readonly unknown[]) => void),
  /** Sees every operator, in-place write and backward node instead of the engine, and hands them on. */
  observer: null as null | Observer,
};

/**
 * Runs `body` without recording a graph: results do not require a gradient.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * noGrad(() => x.mul(2)).requiresGrad; // false
 */
export function noGrad<R>(body: () => R): R;
export function noGrad(): GradModeScope;
export function noGrad<R>(body?: () => R): R | GradModeScope {
  return body === undefined ? new GradModeScope(false) : synchronous('noGrad', withGradMode(false, body));
}

/**
 * Runs `body` with recording on, also inside `noGrad`. Without a body: a scope for `using`.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * noGrad(() => enableGrad(() => x.mul(2))).requiresGrad; // true
 */
export function enableGrad<R>(body: () => R): R;
export function enableGrad(): GradModeScope;
export function enableGrad<R>(body?: () => R): R | GradModeScope {
  return body === undefined ? new GradModeScope(true) : synchronous('enableGrad', withGradMode(true, body));
}

/**
 * Turns recording on or off for `body`, or until the returned scope is disposed.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * setGradEnabled(false, () => x.mul(2)).requiresGrad; // false
 */
export function setGradEnabled<R>(enabled: boolean, body: () => R): R;
export function setGradEnabled(enabled: boolean): GradModeScope;
export function setGradEnabled<R>(enabled: boolean, body?: () => R): R | GradModeScope {
  return body === undefined ? new GradModeScope(enabled) : synchronous('setGradEnabled', withGradMode(enabled, body));
}

/** Refuses asynchronous bodies: the mode is back to what it was before their first `await` is over. */
function synchronous<R>(name: string, result: R): R {
  if (result instanceof Promise)
    throw new ArgumentError(
      `${name}: the function must be synchronous, since the mode ends when it returns: call ${name} around the parts between awaits`,
    );
  return result;
}

/**
 * Whether operations are recorded now.
 *
 * @example
 * noGrad(() => isGradEnabled()); // false
 */
export function isGradEnabled(): boolean {
  return mode.grad;
}

export function withGradMode<R>(enabled: boolean, body: () => R): R {
  const before = mode.grad;
  mode.grad = enabled;
  try {
    return body();
  } finally {
    mode.grad = before;
  }
}

/** `using _ = noGrad();` restores the mode at the end of the block. */
export class GradModeScope implements Disposable {
  readonly #before: boolean;
  constructor(enabled: boolean) {
    this.#before = mode.grad;
    mode.grad = enabled;
  }
  [Symbol.dispose](): void {
    mode.grad = this.#before;
  }
}

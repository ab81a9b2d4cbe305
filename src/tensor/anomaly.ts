import { ArgumentError, AutogradError } from '../util/errors.ts';
import { typedArrayOf } from './data.ts';
import { mode } from './modes.ts';
import type { Node } from './node.ts';
import type { Tensor } from './tensor.ts';
import { placeOf } from './trace.ts';

/** Errors that show the place in the code: on while `detectAnomaly` runs, since a stack trace costs microseconds an operation. */

export interface AnomalyOptions {
  /** Whether a gradient that holds NaN is an error, too. Default true. */
  readonly checkNan?: boolean;
}

/**
 * Runs `body` with stack traces kept for each recorded operation and each write in place: errors of the backward pass then show both places. A
 * backward pass inside also throws at the first gradient that holds NaN. Slow, for debugging.
 *
 * @example
 * const x = tensor([0], { requiresGrad: true });
 * try {
 *   autograd.detectAnomaly(() => x.sqrt().mul(0).backward());
 * } catch (error) {
 *   error.message.split('\n')[0]; // 'SqrtBackward: returned NaN in the gradient of its input 0, a tensor of shape [1] and dtype float32'
 * }
 */
export function detectAnomaly<R>(body: () => R, options: AnomalyOptions = {}): R {
  const before = { tracing: mode.tracing, inspect: mode.inspect };
  setDetectAnomaly(true, options);
  try {
    const result = body();
    if (result instanceof Promise)
      throw new ArgumentError('detectAnomaly: the function must be synchronous: use setDetectAnomaly around asynchronous code');
    return result;
  } finally {
    Object.assign(mode, before);
  }
}

/**
 * Turns that on or off for all that follows.
 *
 * @example
 * autograd.setDetectAnomaly(true);
 * autograd.isAnomalyEnabled(); // true
 * autograd.setDetectAnomaly(false);
 */
export function setDetectAnomaly(enabled: boolean, options: AnomalyOptions = {}): void {
  mode.tracing = enabled;
  mode.inspect = enabled && (options.checkNan ?? true) ? (refuseNaN as NonNullable<typeof mode.inspect>) : null;
}

/**
 * Whether stack traces are kept now.
 *
 * @example
 * autograd.isAnomalyEnabled(); // false
 */
export function isAnomalyEnabled(): boolean {
  return mode.tracing;
}

/** Throws at the first gradient that holds NaN. */
function refuseNaN(node: Node, grads: readonly (Tensor | null)[]): void {
  grads.forEach((g, i) => {
    if (g === null || g.wrapped !== null || !(g.type.isFloat || g.type.isComplex)) return;
    if (!(typedArrayOf(g) as Float64Array).some(Number.isNaN)) return;
    throw new AutogradError(
      `${node.name}: returned NaN in the gradient of its input ${i}, a tensor of shape [${g.shape.join(', ')}] and dtype ${g.type.name}${placeOf(node, 'recorded')}`,
    );
  });
}

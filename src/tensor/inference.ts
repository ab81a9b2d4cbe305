import { creation } from '../runtime/storage.ts';
import { AutogradError, InPlaceError } from '../util/errors.ts';
import { type ModeScope, underMode } from './grad-mode.ts';
import { describeTensor } from './messages.ts';
import { type InferenceRules, mode } from './modes.ts';
import type { Tensor } from './tensor.ts';

/**
 * Runs `body` in inference mode: nothing is recorded, and the tensors made inside count no versions, which makes them a little cheaper than in `noGrad`
 * and unfit for gradients later: they cannot be saved for a backward pass, nor written in place outside; take a `clone()` there. Tensors from outside
 * stay ordinary. `inferenceMode(false, body)` leaves the mode, with recording on. Scopes, decorators and asynchronous bodies are as with `noGrad`.
 *
 * @example
 * const y = inferenceMode(() => ones([2]).mul(3));
 * y.isInference(); // true
 */
export function inferenceMode<T, A extends unknown[], R>(
  method: (this: T, ...args: A) => R,
  context: ClassMethodDecoratorContext,
): (this: T, ...args: A) => R;
export function inferenceMode<R>(body: () => R): R;
export function inferenceMode<R>(enabled: boolean, body: () => R): R;
export function inferenceMode(enabled?: boolean): ModeScope;
export function inferenceMode(first?: unknown, second?: unknown): unknown {
  mode.inference = RULES;
  const enabled = typeof first === 'boolean' ? first : true;
  const [body, context] = typeof first === 'boolean' ? [second, undefined] : [first, second];
  return underMode('inferenceMode', !enabled, enabled ? -1 : 0, body, context);
}

/**
 * Whether inference mode is on.
 *
 * @example
 * inferenceMode(() => isInferenceModeEnabled()); // true
 */
export function isInferenceModeEnabled(): boolean {
  return creation.version < 0;
}

const RULES: InferenceRules = {
  refuseSave(operator, x) {
    // A transform that runs in inference mode reads its tape before the mode ends.
    if (creation.version < 0) return;
    throw new AutogradError(
      `${operator}: its derivative reads ${describeTensor(x as Tensor)}, which was made in inferenceMode and cannot be saved for a backward pass: ` +
        'use a clone() of it made outside, or noGrad in the place of inferenceMode',
    );
  },
  checkWrite(name, target) {
    if (creation.version < 0) return;
    throw new InPlaceError(
      `${name}: the target, ${describeTensor(target as Tensor)}, was made in inferenceMode and cannot be changed in place outside of it: write into a clone(), or inside inferenceMode`,
    );
  },
};

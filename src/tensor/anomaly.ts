import type { Operator } from '../op/contract.ts';
import { ArgumentError, AutogradError } from '../util/errors.ts';
import { perform } from './apply.ts';
import { typedArrayOf } from './data.ts';
import { describeTensor } from './messages.ts';
import { mode } from './modes.ts';
import type { Node } from './node.ts';
import type { Observer } from './observer.ts';
import type { Tensor } from './tensor.ts';
import { traceOf, tracing, underNode } from './tracing.ts';

/**
 * Errors that show the place in the code: on while `detectAnomaly` runs, since a stack trace costs microseconds an operation. The backward pass is
 * watched by an observer, which knows the node that runs: nodes that are recorded meanwhile remember it, so that the trace of an error in a second
 * derivative leads through the first.
 */

export interface AnomalyOptions {
  /** Whether a gradient that holds NaN is an error, too. Default true. */
  readonly checkNan?: boolean;
}

const settings = { checkNan: false };

/** Hands everything on, and looks at what the nodes of a backward pass do. */
class AnomalyObserver implements Observer {
  before: Observer | null = null;

  apply(operator: Operator<Tensor, never>, inputs: readonly Tensor[], params: never): Tensor | Tensor[] {
    return this.before === null ? perform(operator, inputs, params) : this.before.apply(operator, inputs, params);
  }

  write(name: string, target: Tensor, write: () => Tensor): Tensor {
    return this.before === null ? write() : this.before.write(name, target, write);
  }

  call<R>(name: string, pure: boolean, inputs: readonly Tensor[], forward: () => R): R {
    return this.before === null ? forward() : this.before.call(name, pure, inputs, forward);
  }

  visit(node: Node, grads: readonly (Tensor | null)[], keep: boolean): readonly (Tensor | null)[] {
    if (mode.tracing === null) return this.#run(node, grads, keep);
    let results: readonly (Tensor | null)[];
    try {
      results = underNode(node, () => this.#run(node, grads, keep));
    } catch (error) {
      throw withTrace(error, node);
    }
    if (settings.checkNan) refuseNaN(node, grads, results);
    return results;
  }

  #run(node: Node, grads: readonly (Tensor | null)[], keep: boolean): readonly (Tensor | null)[] {
    return this.before === null ? node.run(grads, keep) : this.before.visit(node, grads, keep);
  }
}

const observer = new AnomalyObserver();

let installed = false;

/** Takes the observer out again, unless another one that knows it came later: then it stays, and hands on. */
function watch(on: boolean): void {
  if (on && !installed) {
    observer.before = mode.observer;
    mode.observer = observer;
    installed = true;
  } else if (!on && mode.observer === observer) {
    mode.observer = observer.before;
    observer.before = null;
    installed = false;
  }
}

/**
 * Restores what was set before at the end of the block.
 *
 * @example
 * {
 *   using _ = autograd.detectAnomaly();
 *   autograd.isAnomalyEnabled(); // true
 * }
 * autograd.isAnomalyEnabled(); // false
 */
export class AnomalyScope implements Disposable {
  readonly #before: readonly [boolean, boolean];
  constructor(enabled: boolean, options: AnomalyOptions) {
    this.#before = [isAnomalyEnabled(), settings.checkNan];
    set(enabled, enabled && (options.checkNan ?? true));
  }
  [Symbol.dispose](): void {
    set(...this.#before);
  }
}

function set(enabled: boolean, checkNan: boolean): void {
  mode.tracing = enabled ? tracing : null;
  settings.checkNan = checkNan;
  watch(enabled);
}

/**
 * Runs `body` with stack traces kept for each recorded operation and each write in place: errors of the backward pass then show both places. A
 * backward pass inside also throws at the first gradient that holds NaN, and says whether the NaN was born there or in the forward pass. In a second
 * derivative the trace leads on to the operations whose backward pass recorded the one at fault. Slow, for debugging. Without a body: a scope for `using`.
 *
 * @example
 * const x = tensor([0], { requiresGrad: true });
 * try {
 *   autograd.detectAnomaly(() => x.sqrt().mul(0).backward());
 * } catch (error) {
 *   error.message.split('\n')[0]; // 'SqrtBackward: returned NaN in the gradient of its input 0, a tensor of shape [1] and dtype float32. The NaN was born in this backward pass: the gradient that arrived and the values that were saved hold none.'
 * }
 */
export function detectAnomaly<R>(body: () => R, options?: AnomalyOptions): R;
export function detectAnomaly(options?: AnomalyOptions): AnomalyScope;
export function detectAnomaly<R>(first: (() => R) | AnomalyOptions = {}, options: AnomalyOptions = {}): R | AnomalyScope {
  if (typeof first !== 'function') return new AnomalyScope(true, first);
  const scope = new AnomalyScope(true, options);
  try {
    const result = first();
    if (result instanceof Promise)
      throw new ArgumentError('detectAnomaly: the function must be synchronous: use setDetectAnomaly around asynchronous code');
    return result;
  } finally {
    scope[Symbol.dispose]();
  }
}

/**
 * Turns that on or off for all that follows, or until the scope that is returned is disposed.
 *
 * @example
 * autograd.setDetectAnomaly(true);
 * autograd.isAnomalyEnabled(); // true
 * autograd.setDetectAnomaly(false);
 */
export function setDetectAnomaly(enabled: boolean, options: AnomalyOptions = {}): AnomalyScope {
  return new AnomalyScope(enabled, options);
}

/**
 * Whether stack traces are kept now.
 *
 * @example
 * autograd.isAnomalyEnabled(); // false
 */
export function isAnomalyEnabled(): boolean {
  return mode.tracing !== null;
}

/**
 * Whether a gradient that holds NaN is an error now.
 *
 * @example
 * autograd.detectAnomaly(() => autograd.isAnomalyCheckNanEnabled()); // true
 */
export function isAnomalyCheckNanEnabled(): boolean {
  return mode.tracing !== null && settings.checkNan;
}

/** Adds the trace to an error that a node of the backward pass threw; it stays the same error. */
function withTrace(error: unknown, node: Node): unknown {
  if (!(error instanceof Error) || error.message.includes('It was recorded here:')) return error;
  const { message, stack } = error;
  error.message = `${message}\nThis happened in the backward pass of ${node.name}${traceOf(node, nameOf)}`;
  if (stack !== undefined) error.stack = stack.replace(message, () => error.message);
  return error;
}

function nameOf(node: object): string {
  return (node as Node).name;
}

/** Throws at the first gradient that holds NaN. */
function refuseNaN(node: Node, grads: readonly (Tensor | null)[], results: readonly (Tensor | null)[]): void {
  results.forEach((g, i) => {
    if (g === null || g === undefined || node.next[i] === null || !holdsNaN(g)) return;
    const [origin, where] = originOf(node, grads);
    throw new AutogradError(
      `${node.name}: returned NaN in the gradient of its input ${i}, a tensor of shape [${g.shape.join(', ')}] and dtype ${g.type.name}. ${origin}${traceOf(node, nameOf)}${where}`,
    );
  });
}

function holdsNaN(x: Tensor): boolean {
  if (x.wrapped !== null || x.storage.released || !(x.type.isFloat || x.type.isComplex)) return false;
  return (typedArrayOf(x) as Float64Array).some(Number.isNaN);
}

/** Where the NaN comes from: the gradient that arrived, a value of the forward pass, or the rule itself. */
function originOf(node: Node, grads: readonly (Tensor | null)[]): [origin: string, where: string] {
  if (grads.some((g) => g !== null && holdsNaN(g))) return ['The gradient that arrived there held NaN already', ''];
  const saved = node.savedTensors().find(holdsNaN);
  if (saved === undefined)
    return ['The NaN was born in this backward pass: the gradient that arrived and the values that were saved hold none', ''];
  const { node: maker } = firstWithNaN(node, saved);
  return [
    `The NaN was in the forward pass already: in ${describeTensor(saved)}, which the backward pass reads`,
    maker === null ? '' : `\nThe first NaN that was saved is in the result of ${maker.operatorName}${traceOf(maker, nameOf)}`,
  ];
}

/** The earliest value with NaN that a node of the forward pass before this one saved. */
function firstWithNaN(node: Node, known: Tensor): Tensor {
  let first = known;
  const before = new Set([node]);
  for (const each of before) {
    for (const saved of each.savedTensors()) if (madeAt(saved) < madeAt(first) && holdsNaN(saved)) first = saved;
    for (const next of each.next) if (next !== null) before.add(next);
  }
  return first;
}

function madeAt(x: Tensor): number {
  return x.node?.sequence ?? -1;
}

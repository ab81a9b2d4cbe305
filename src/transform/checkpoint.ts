import { describeValue } from '../tensor/messages.ts';
import { mode } from '../tensor/modes.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { type CheckpointContext, Frame } from './checkpoint-frame.ts';
import { reentrantCheckpoint } from './checkpoint-reentrant.ts';

export type { CheckpointContext } from './checkpoint-frame.ts';

/** How a checkpoint works. */
export interface CheckpointOptions {
  /**
   * The older form: one node around the whole function. It does not work with `grad()`, second derivatives and inside transforms, and needs an input that
   * requires a gradient. Default: false, without the warning that PyTorch gives when it is left out.
   */
  readonly useReentrant?: boolean;
  /** Start the random generator for the second run where it was in the first, and leave it as it is now. Default: true. */
  readonly preserveRngState?: boolean;
  /** 'default': shapes and dtypes of both runs are compared; 'none': only how many tensors were saved. */
  readonly determinismCheck?: 'default' | 'none';
  /** List the operators of both runs in errors. Default: false. */
  readonly debug?: boolean;
  /** Leave the second run as soon as everything needed is there. Default: true. */
  readonly earlyStop?: boolean;
  /** Called once for each checkpoint: what to run the function in, the first time and the second. */
  readonly contextFn?: (() => readonly [CheckpointContext, CheckpointContext]) | null;
}

const OPTIONS: ReadonlySet<string> = new Set(['useReentrant', 'preserveRngState', 'determinismCheck', 'debug', 'earlyStop', 'contextFn']);

const plain: CheckpointContext = (body) => body();

/** What the functions below set for all checkpoints; null: each decides for itself. */
const settings: { earlyStop: boolean | null; debug: boolean | null } = { earlyStop: null, debug: null };

/**
 * Runs `fn(...inputs)` without keeping what its backward pass needs: that is computed again, by running `fn` a second time, when a backward pass asks for
 * it. So the memory of the intermediate results is traded for the time of a second run.
 *
 * `fn` is a function of tensors and anything else; tensors may also lie in arrays and plain objects, and it may use others from outside (parameters).
 * It must do the same in both runs. Gradients, second derivatives, hooks and transforms work as without a checkpoint, and checkpoints nest. What the backward
 * pass reads of `inputs` themselves needs no second run.
 *
 * The backward pass throws CheckpointError if the second run saves other tensors than the first. Throws ArgumentError for an asynchronous function.
 *
 * Algorithm: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
 *
 * @example
 * const x = tensor([0, 1], { requiresGrad: true });
 * const y = checkpoint((x) => x.exp().sin(), [x]);
 * y.sum().backward(); // runs exp again
 * x.grad; // tensor([ 0.5403, -2.4783])
 */
export function checkpoint<A extends readonly unknown[], R>(
  fn: (...inputs: A) => R,
  inputs: readonly [...A],
  options: CheckpointOptions = {},
): R {
  const name = 'checkpoint';
  checkOptions(name, options, OPTIONS);
  if (typeof fn !== 'function') throw new ArgumentError(`${name}: fn must be a function, got ${describeValue(fn)}`);
  if (!Array.isArray(inputs))
    throw new ArgumentError(`${name}: inputs must be a list, got ${describeValue(inputs)}: write checkpoint(fn, [x])`);
  const { useReentrant = false, preserveRngState = true, determinismCheck = 'default', contextFn = null } = options;
  if (determinismCheck !== 'default' && determinismCheck !== 'none')
    throw new ArgumentError(`${name}: determinismCheck must be 'default' or 'none', got ${describeValue(determinismCheck)}`);
  const debug = settings.debug ?? options.debug ?? false;
  const call = fn as unknown as (...inputs: never[]) => R;
  if (useReentrant) {
    refuseWithReentrant(options);
    return mode.grad ? reentrantCheckpoint(name, call, inputs, preserveRngState) : fn(...(inputs as unknown as A));
  }
  const [forwardContext, recomputeContext] = contextFn === null ? [plain, plain] : contextFn();
  if (!mode.grad) return forwardContext(() => fn(...(inputs as unknown as A)));
  const frame = new Frame(call, inputs, {
    name,
    preserveRngState,
    checkMetadata: determinismCheck === 'default',
    debug,
    earlyStop: settings.earlyStop ?? options.earlyStop ?? true,
    forwardContext,
    recomputeContext,
  });
  return frame.run(inputs);
}

function refuseWithReentrant(options: CheckpointOptions): void {
  for (const key of ['contextFn', 'determinismCheck', 'debug', 'earlyStop'] as const) {
    if (options[key] !== undefined && options[key] !== null)
      throw new ArgumentError(`checkpoint: ${key} does not go with useReentrant: true: leave one of them out`);
  }
}

/** One step of a sequence: a module, or a function. */
export type SequentialStep<T> = ((input: T) => T) | { forward(input: T): T };

/** How a sequence is checkpointed. */
export type SequentialOptions = Omit<CheckpointOptions, 'contextFn'>;

/**
 * Runs a sequence of modules or functions (an `nn.Sequential`, an array) in `segments` parts of equal length, each of them but the last under `checkpoint`:
 * only the inputs of the parts are kept.
 *
 * Throws ArgumentError if there are fewer steps than segments.
 *
 * @example
 * const steps = [(x) => x.mul(2), (x) => x.sin(), (x) => x.exp()];
 * const x = zeros([2], { requiresGrad: true });
 * checkpointSequential(steps, 3, x).sum().backward();
 * x.grad; // tensor([2., 2.])
 */
export function checkpointSequential<T>(
  steps: Iterable<SequentialStep<T>>,
  segments: number,
  input: T,
  options: SequentialOptions = {},
): T {
  const name = 'checkpointSequential';
  const list = [...steps];
  if (!Number.isInteger(segments) || segments < 1 || segments > list.length) {
    throw new ArgumentError(`${name}: segments must be a whole number from 1 to the number of steps, ${list.length}, got ${segments}`);
  }
  const size = Math.floor(list.length / segments);
  const runPart = (from: number, to: number) => (x: T) =>
    list.slice(from, to).reduce((value, step) => (typeof step === 'function' ? step(value) : step.forward(value)), x);
  let value = input;
  let from = 0;
  for (; from < size * (segments - 1); from += size) value = checkpoint(runPart(from, from + size), [value], options);
  return runPart(from, list.length)(value);
}

/** Puts a setting back when it is disposed of. */
class Setting implements Disposable {
  readonly #restore: () => void;
  constructor(restore: () => void) {
    this.#restore = restore;
  }
  [Symbol.dispose](): void {
    this.#restore();
  }
}

function setting<R>(key: keyof typeof settings, value: boolean | null, body: (() => R) | undefined): R | Disposable {
  const before = settings[key];
  settings[key] = value;
  const scope = new Setting(() => {
    settings[key] = before;
  });
  if (body === undefined) return scope;
  try {
    return body();
  } finally {
    scope[Symbol.dispose]();
  }
}

/**
 * Says for all checkpoints made in `body` whether they leave their second run early, over what their options say. It counts where a checkpoint is made, not
 * where its backward pass runs. Without `body`: a scope for `using`.
 *
 * @example
 * let steps = 0;
 * const x = ones([2], { requiresGrad: true });
 * const y = setCheckpointEarlyStop(false, () => checkpoint((x) => (x = x.exp().sin(), steps++, x), [x]));
 * y.sum().backward();
 * steps; // 2
 */
export function setCheckpointEarlyStop<R>(enabled: boolean, body: () => R): R;
export function setCheckpointEarlyStop(enabled: boolean): Disposable;
export function setCheckpointEarlyStop<R>(enabled: boolean, body?: () => R): R | Disposable {
  return setting('earlyStop', enabled, body);
}

/**
 * Says for all checkpoints made in `body` whether their errors list the operators of both runs, over what their options say; null leaves it to them. Without
 * `body`: a scope for `using`.
 *
 * @example
 * const x = ones([2], { requiresGrad: true });
 * setCheckpointDebugEnabled(true, () => checkpoint((x) => x.exp(), [x])); // tensor([2.7183, 2.7183], gradFn=<ExpBackward>)
 */
export function setCheckpointDebugEnabled<R>(enabled: boolean | null, body: () => R): R;
export function setCheckpointDebugEnabled(enabled: boolean | null): Disposable;
export function setCheckpointDebugEnabled<R>(enabled: boolean | null, body?: () => R): R | Disposable {
  return setting('debug', enabled, body);
}

import { randn } from '../ops/random.ts';
import { zerosLike } from '../ops/ranges.ts';
import { formatShape } from '../shape/shape.ts';
import { gradOf } from '../tensor/autograd.ts';
import { withGradMode } from '../tensor/modes.ts';
import { aliasOf, isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { warnOnce } from '../util/warn.ts';
import {
  checkBackward,
  checkBackwardFast,
  checkBatched,
  checkConstants,
  checkLinear,
  checkUndefined,
  recordedOutputs,
  type Subject,
} from './gradcheck-backward.ts';
import { checkBatchedForward, checkForward, checkForwardFast, checkUndefinedForward } from './gradcheck-forward.ts';
import { type CheckedFunction, callOn, GradcheckError, isContinuous } from './gradcheck-jacobian.ts';

/** How closely, and in which modes, `gradcheck` compares. */
export interface GradcheckOptions {
  /** Step of the finite differences. Default 1e-6. */
  readonly eps?: number;
  /** Absolute tolerance. Default 1e-5. */
  readonly atol?: number;
  /** Relative tolerance. Default 1e-3. */
  readonly rtol?: number;
  /** Throw GradcheckError (default), or return false. Errors of the function itself are thrown in either case. */
  readonly raiseException?: boolean;
  /** How far two runs of the backward pass may differ. Default 0. */
  readonly nondetTol?: number;
  /** Check that gradients (with `checkForwardAd` also tangents) that did not arrive count as zeros. Default true. */
  readonly checkUndefinedGrad?: boolean;
  /** Check that gradients have the dtypes of their inputs. */
  readonly checkGradDtypes?: boolean;
  /** Check that the backward pass runs under vmap with the same result. */
  readonly checkBatchedGrad?: boolean;
  /** Check that forward mode runs under vmap with the same result. Needs `checkForwardAd`. */
  readonly checkBatchedForwardGrad?: boolean;
  /** Check forward mode too. */
  readonly checkForwardAd?: boolean;
  /** Check the backward pass. Default true. */
  readonly checkBackwardAd?: boolean;
  /** Compare one random projection of each Jacobian instead of all of it. */
  readonly fastMode?: boolean;
}

/** Those, and what is special about second derivatives. */
export interface GradgradcheckOptions extends Omit<GradcheckOptions, 'checkForwardAd' | 'checkBackwardAd' | 'checkBatchedForwardGrad'> {
  /** Let the random cotangents lie in memory with gaps. */
  readonly genNonContigGradOutputs?: boolean;
  /** Check the derivative of the gradient by forward mode too. */
  readonly checkFwdOverRev?: boolean;
  /** Check it by the backward pass. Default true. */
  readonly checkRevOverRev?: boolean;
}

const OPTIONS = [
  'eps',
  'atol',
  'rtol',
  'raiseException',
  'nondetTol',
  'checkUndefinedGrad',
  'checkGradDtypes',
  'checkBatchedGrad',
  'checkBatchedForwardGrad',
  'checkForwardAd',
  'checkBackwardAd',
  'fastMode',
] as const;
const OPTION_NAMES: ReadonlySet<string> = new Set(OPTIONS);
const SECOND_OPTION_NAMES: ReadonlySet<string> = new Set([
  ...OPTIONS.filter((name) => !['checkForwardAd', 'checkBackwardAd', 'checkBatchedForwardGrad'].includes(name)),
  'genNonContigGradOutputs',
  'checkFwdOverRev',
  'checkRevOverRev',
]);

function listOf(x: unknown): readonly unknown[] {
  return Array.isArray(x) ? x : [x];
}

/** Which inputs are checked. Refuses those whose elements cannot be nudged one by one. */
function checkedInputs(inputs: readonly unknown[]): number[] {
  const checked = inputs.flatMap((x, i) => (isContinuous(x) && isTracked(x) ? [i] : []));
  if (checked.length === 0) throw new ArgumentError('gradcheck: at least one input must require a gradient');
  for (const i of checked) {
    const x = inputs[i] as Tensor;
    if (x.strides.some((stride, d) => stride === 0 && (x.shape[d] as number) > 1)) {
      throw new ArgumentError(
        `gradcheck: input ${i} of shape ${formatShape(x.shape)} has elements that share one address (it was expanded), so they cannot be nudged one by one: pass a clone()`,
      );
    }
  }
  return checked;
}

/** Says so where finite differences can hardly be close; the text goes into messages of disagreement. */
function precisionHint(inputs: readonly unknown[], checked: readonly number[]): string {
  const coarse = checked.find((i) => !['float64', 'complex128'].includes((inputs[i] as Tensor).dtype));
  if (coarse === undefined) return '';
  const text = `input ${coarse} has dtype ${(inputs[coarse] as Tensor).dtype}, whose rounding errors are larger than the default tolerances: cast it to float64`;
  warnOnce('gradcheck precision', `gradcheck: ${text}`);
  return ` Note that ${text}.`;
}

function subjectOf(f: CheckedFunction, inputs: readonly unknown[], options: GradcheckOptions): Subject {
  const checked = checkedInputs(inputs);
  const outputs = recordedOutputs({ f, inputs });
  return {
    f,
    inputs,
    checked,
    targets: checked.map((i) => inputs[i] as Tensor),
    like: outputs,
    differentiable: outputs.flatMap((y, i) => (isTracked(y) ? [i] : [])),
    tolerances: { eps: options.eps ?? 1e-6, atol: options.atol ?? 1e-5, rtol: options.rtol ?? 1e-3, nondetTol: options.nondetTol ?? 0 },
    hint: precisionHint(inputs, checked),
  };
}

function refuseContradictions(options: GradcheckOptions): void {
  const [forward, backward] = [options.checkForwardAd ?? false, options.checkBackwardAd ?? true];
  if (!forward && !backward) throw new ArgumentError('gradcheck: checkForwardAd or checkBackwardAd must be true, else nothing is checked');
  if (!forward && options.checkBatchedForwardGrad === true)
    throw new ArgumentError('gradcheck: checkBatchedForwardGrad needs checkForwardAd: set both, or neither');
  if (!backward && options.checkBatchedGrad === true)
    throw new ArgumentError('gradcheck: checkBatchedGrad needs checkBackwardAd: set both, or neither');
}

function run(subject: Subject, options: GradcheckOptions): void {
  const { checkBackwardAd = true, checkForwardAd = false, checkUndefinedGrad = true, fastMode = false } = options;
  checkConstants(subject);
  if (checkBackwardAd) (fastMode ? checkBackwardFast : checkBackward)(subject);
  if (checkForwardAd) {
    (fastMode ? checkForwardFast : checkForward)(subject);
    if (checkUndefinedGrad) checkUndefinedForward(subject);
    if (options.checkBatchedForwardGrad === true) checkBatchedForward(subject);
  }
  if (!checkBackwardAd) return;
  if (options.checkBatchedGrad === true) checkBatched(subject);
  checkLinear(subject, options.checkGradDtypes ?? false);
  if (checkUndefinedGrad) checkUndefined(subject);
}

/**
 * Compares the derivatives of `f` at `inputs` with central finite differences, for every input that requires a gradient; other inputs, also such that
 * are no tensors, are passed on. Inputs should be float64 (or complex128, whose parts are varied one by one). `f` returns a tensor or a list.
 *
 * Returns true, or throws GradcheckError naming output, input and element (returns false with `raiseException: false`). Throws ArgumentError if no input
 * requires a gradient, or if elements of one share an address.
 *
 * @example
 * const x = randn([3], { dtype: 'float64', requiresGrad: true });
 * autograd.gradcheck((x) => x.sin(), [x], { checkForwardAd: true }); // true
 */
export function gradcheck(f: (input: Tensor) => unknown, inputs: Tensor, options?: GradcheckOptions): boolean;
export function gradcheck<A extends readonly unknown[]>(
  f: (...inputs: A) => unknown,
  inputs: readonly [...A],
  options?: GradcheckOptions,
): boolean;
export function gradcheck(f: (...inputs: Tensor[]) => unknown, inputs: readonly Tensor[], options?: GradcheckOptions): boolean;
export function gradcheck(f: CheckedFunction, inputs: unknown, options: GradcheckOptions = {}): boolean {
  checkOptions('gradcheck', options, OPTION_NAMES);
  refuseContradictions(options);
  const list = listOf(inputs);
  checkedInputs(list);
  try {
    run(subjectOf(f, list, options), options);
    return true;
  } catch (error) {
    if (error instanceof GradcheckError && options.raiseException === false) return false;
    throw error;
  }
}

/** Random cotangents that are checked like inputs. */
function cotangentsFor(outputs: readonly Tensor[], gaps: boolean): Tensor[] {
  return outputs.map((y) => {
    const options = { dtype: y.type.name };
    const values = gaps ? randn([...y.shape, 2], options).select(-1, 0) : randn(y.shape as number[], options);
    return values.detach().requiresGrad_();
  });
}

/**
 * Compares second derivatives with finite differences: `gradcheck` of the gradient, as a function of the inputs and of the cotangents
 * (`gradOutputs`, random ones by default). Its options are those of `gradcheck`, with `checkFwdOverRev` and `checkRevOverRev` for the modes.
 *
 * @example
 * const x = randn([3], { dtype: 'float64', requiresGrad: true });
 * autograd.gradgradcheck((x) => x.sin(), [x]); // true
 */
export function gradgradcheck(
  f: (input: Tensor) => unknown,
  inputs: Tensor,
  gradOutputs?: Tensor | readonly Tensor[] | null,
  options?: GradgradcheckOptions,
): boolean;
export function gradgradcheck<A extends readonly unknown[]>(
  f: (...inputs: A) => unknown,
  inputs: readonly [...A],
  gradOutputs?: Tensor | readonly Tensor[] | null,
  options?: GradgradcheckOptions,
): boolean;
export function gradgradcheck(
  f: (...inputs: Tensor[]) => unknown,
  inputs: readonly Tensor[],
  gradOutputs?: Tensor | readonly Tensor[] | null,
  options?: GradgradcheckOptions,
): boolean;
export function gradgradcheck(
  f: CheckedFunction,
  inputs: unknown,
  gradOutputs?: Tensor | readonly Tensor[] | null,
  options: GradgradcheckOptions = {},
): boolean {
  checkOptions('gradgradcheck', options, SECOND_OPTION_NAMES);
  const { genNonContigGradOutputs = false, checkFwdOverRev = false, checkRevOverRev = true, ...rest } = options;
  const list = listOf(inputs);
  const checked = checkedInputs(list);
  const outputs = recordedOutputs({ f, inputs: list }).filter(isTracked);
  const cotangents =
    gradOutputs === undefined || gradOutputs === null ? cotangentsFor(outputs, genNonContigGradOutputs) : (listOf(gradOutputs) as Tensor[]);
  if (cotangents.length !== outputs.length)
    throw new ArgumentError(`gradgradcheck: got ${cotangents.length} gradOutputs for ${outputs.length} differentiable outputs`);
  const gradient = (...all: unknown[]): readonly Tensor[] =>
    gradientOf(f, all.slice(0, list.length), checked, all.slice(list.length) as Tensor[]);
  return gradcheck(gradient as (...all: unknown[]) => unknown, [...list, ...cotangents], {
    ...rest,
    checkForwardAd: checkFwdOverRev,
    checkBackwardAd: checkRevOverRev,
  });
}

/** The gradient as a function; forward mode hands in values that do not require one themselves. */
function gradientOf(
  f: CheckedFunction,
  inputs: readonly unknown[],
  checked: readonly number[],
  cotangents: readonly Tensor[],
): readonly Tensor[] {
  return withGradMode(true, () => {
    const xs = inputs.map((x, i) => (isTensor(x) && checked.includes(i) && !isTracked(x) ? leafOf(x) : x));
    const ys = callOn(f, xs).filter(isTracked);
    const targets = checked.map((i) => xs[i] as Tensor);
    const found = gradOf(ys, targets, cotangents, { createGraph: true, allowUnused: true }, null);
    return found.map((g, j) => g ?? zerosLike(targets[j] as Tensor));
  });
}

function leafOf(x: Tensor): Tensor {
  const leaf = aliasOf(x);
  leaf.tracked = true;
  return leaf;
}

/**
 * What an operator is. One object holds all that the system knows of it: how its result is computed, how it is differentiated, how it is
 * batched, and samples that the generated tests call it with. Passes (the tape, forward mode, vmap, tests, conformance) read these fields;
 * none of them names an operator.
 *
 * `T` is the tensor handle, which lives a layer above.
 */

/** What the derivative rules of one recorded call can look at. */
export interface RuleContext<T, P> {
  readonly params: P;
  /** The i-th input as it was (throws if the operator did not declare that it reads it). */
  input(index: number): T;
  /** The i-th output as it was. */
  output(index: number): T;
  /** Shape and dtype of the i-th input, always known. */
  inputShape(index: number): readonly number[];
  inputType(index: number): unknown;
  readonly inputCount: number;
  /** Which inputs want a gradient. */
  needs(index: number): boolean;
}

/** Reads and writes of one call that must be kept for the backward pass: indices of inputs and of outputs. */
export interface Saves {
  readonly inputs?: readonly number[];
  readonly outputs?: readonly number[];
}

export type Cotangents<T> = readonly (T | null)[];

/**
 * How an operator is differentiated.
 * - `none`: integer and boolean results, or results that carry no gradient.
 * - `linear`: jointly linear in all tensor inputs; the transpose gives the vector-Jacobian product, the operator itself the tangent.
 * - `bilinear`: linear in each of two inputs; one transpose for each.
 * - `map`: an elementwise scalar expression, differentiated symbolically.
 * - `rules`: an explicit pair. `saves` says what the rules read. Without `jvp` the tangent comes from transposing the `vjp` twice.
 * - `composite`: differentiated through what it is composed of; with `jvp`, forward mode has a rule of its own.
 */
export type Derivative<T, P> =
  | { readonly kind: 'none' }
  | { readonly kind: 'linear'; transpose(g: T, context: RuleContext<T, P>): Cotangents<T> | T }
  | { readonly kind: 'bilinear'; left(g: T, right: T, context: RuleContext<T, P>): T; right(g: T, left: T, context: RuleContext<T, P>): T }
  | { readonly kind: 'map' }
  | {
      readonly kind: 'rules';
      readonly saves?: Saves | ((needs: readonly boolean[], params: P) => Saves);
      /** `g` has one entry an output; null where no gradient arrived (only for operators with several outputs). */
      vjp(g: Cotangents<T>, context: RuleContext<T, P>): Cotangents<T>;
      /** Tangent of each output; a null tangent means zero. */
      jvp?(tangents: Cotangents<T>, context: RuleContext<T, P>): Cotangents<T>;
    }
  | { readonly kind: 'composite'; jvp?(tangents: Cotangents<T>, context: RuleContext<T, P>): Cotangents<T> };

/**
 * How an operator runs on inputs that carry one more leading dimension (vmap).
 * - `align`: broadcasting operators: pad ranks, leading dimension first, run as it is.
 * - `leading`: works on trailing dimensions only; a leading dimension changes nothing (inputs without it are expanded).
 * - `params`: the parameters are rewritten for inputs whose dimension 0 is the batch (inputs without it are expanded).
 * - `whole`: gets all inputs with the batch as dimension 0 (inputs without it are expanded), returns outputs with the batch at 0.
 * - `rule`: anything else; gets inputs with the batch as dimension 0 or without it, returns outputs with the batch at 0.
 * - `composite`: through what it is composed of.
 * - `loop`: one call for each member of the batch (random draws, decompositions that nobody batched yet).
 */
export type Batching<T, P> =
  | { readonly kind: 'align' }
  | { readonly kind: 'leading' }
  | { readonly kind: 'params'; rewrite(params: P, input: T, size: number): P }
  | { readonly kind: 'whole'; rule(inputs: readonly T[], size: number, params: P): T | readonly T[] }
  | { readonly kind: 'rule'; rule(inputs: readonly T[], batched: readonly boolean[], size: number, params: P): T | readonly T[] }
  | { readonly kind: 'composite' }
  | { readonly kind: 'loop' };

/** How the tape treats the results. */
export type Aliasing = 'fresh' | 'view' | 'multi-view';

/** One primitive or composite operator. */
export interface Operator<T, P> {
  /** Full camelCase path: `sin`, `special.entr`, `nn.functional.crossEntropy`. */
  readonly name: string;
  /** What a node of the tape calls itself: `SinBackward`. */
  readonly backwardName: string;
  /** Computes the result on plain tensors; checks all arguments before it changes anything. */
  forward(inputs: readonly T[], params: P): T | T[];
  readonly derivative: Derivative<T, P>;
  readonly batching: Batching<T, P>;
  readonly aliasing: Aliasing;
  /**
   * `forward` is written in nabla's own operators: interpreters run through it, its temporaries are freed when it returns, and a derivative of
   * kind `rules` is an optimisation that a test holds equal to the composition.
   */
  readonly composite: boolean;
  /** Written by a user: its rules may keep what they see, so the engine frees nothing behind their back. */
  readonly custom?: boolean;
  /** Called when the graph of a call gives up what it saved. */
  onRelease?(): void;
  /** Indices of outputs that never carry a gradient although their dtype could. */
  readonly nonDifferentiableOutputs?: readonly number[];
}

/** A tensor argument of a sample: a shape filled with reproducible values, or one with a dtype or a range of values. */
export interface SampleTensor {
  readonly shape: readonly number[];
  readonly dtype?: string;
  /** Values are drawn from [low, high). */
  readonly low?: number;
  readonly high?: number;
  /** Explicit row-major values instead of drawn ones. */
  readonly values?: readonly (number | boolean)[];
  /** False where a gradient makes no sense (indices, masks, targets). */
  readonly grad?: boolean;
}

/** A sample call: the arguments as the user gives them, tensors written as SampleTensor (`t([2, 3])`). */
export interface Sample {
  readonly args: readonly unknown[];
  /** Kinks, ties or flat pieces make finite differences meaningless here: values are checked, derivatives only against each other. */
  readonly skipNumericGradient?: boolean;
  readonly note?: string;
}

/** A call that must be refused, and what the message must say. */
export interface BadSample {
  readonly args: readonly unknown[];
  readonly error: RegExp;
}

/** What the user-facing function knows of itself; the generated tests and the conformance runner read it. */
export interface Description {
  readonly name: string;
  /**
   * Every parameter as PyTorch names it, in PyTorch's order: positional ones, then `*`, then what goes into the trailing options object:
   * `'input, dim?, *, keepdim, dtype'`. `...operands` is variadic.
   */
  readonly signature: string;
  readonly samples: readonly Sample[];
  readonly bad: readonly BadSample[];
  /** Draws from the generator: compared by shape and dtype, never differentiated numerically. */
  readonly random?: boolean;
}

/** A sample tensor argument. */
export function t(shape: readonly number[], options: Omit<SampleTensor, 'shape'> = {}): SampleTensor {
  return { shape, ...options };
}

/** `nn.functional.crossEntropy` -> `CrossEntropyBackward`. */
export function backwardNameOf(name: string): string {
  const last = name.slice(name.lastIndexOf('.') + 1);
  return `${last.charAt(0).toUpperCase()}${last.slice(1)}Backward`;
}

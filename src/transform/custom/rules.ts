import type { Tensor } from '../../tensor/tensor.ts';
import { AutogradError } from '../../util/errors.ts';
import type { FunctionContext } from './context.ts';

/** What a rule returns for one argument or result; null and undefined both mean none. */
export type Gradient = Tensor | null | undefined;

/** What positions mean, the same on all levels of a call. */
export interface Marks {
  /** For each result that forward wrote in place the argument it is, else -1. */
  readonly written: readonly number[];
  readonly nonDifferentiable: readonly number[];
}

/** One call at one level. */
export interface Called {
  /** A tensor, another value, or a list of both. */
  readonly output: unknown;
  readonly context: FunctionContext;
  readonly marks: Marks;
}

export function resultsOf(output: unknown): readonly unknown[] {
  return Array.isArray(output) ? output : [output];
}

/** What `static vmap` is told of the batch. */
export interface VmapInfo {
  readonly batchSize: number;
  /** How random operators behave in the vmap that runs. */
  readonly randomness: string;
}

/** A custom function as the levels of a call see it: the user's class, or that class vectorised. */
export interface Rules {
  readonly name: string;
  /** Computes the result. With `setup` null it also fills the context. */
  forward(context: FunctionContext, args: readonly unknown[]): unknown;
  readonly setup: ((context: FunctionContext, args: readonly unknown[], output: unknown) => void) | null;
  backward(context: FunctionContext, grads: readonly (Tensor | null)[]): unknown;
  jvp(context: FunctionContext, tangents: readonly (Tensor | null)[]): unknown;
  /** The user's own rule for vmap, or whether one is to be made. */
  readonly vmap: ((info: VmapInfo, inDims: readonly (number | null)[], args: readonly unknown[]) => unknown) | 'generate' | null;
}

/** The static members that a custom function may have. */
interface Statics {
  readonly name: string;
  readonly generateVmapRule?: unknown;
  forward?(...args: unknown[]): unknown;
  setupContext?(context: FunctionContext, inputs: readonly unknown[], output: unknown): void;
  backward?(context: FunctionContext, ...grads: unknown[]): unknown;
  vjp?(context: FunctionContext, ...grads: unknown[]): unknown;
  jvp?(context: FunctionContext, ...tangents: unknown[]): unknown;
  vmap?(info: VmapInfo, inDims: readonly (number | null)[], ...args: unknown[]): unknown;
}

/** Reads the static members of a subclass of `Function`; what is missing is refused when it is needed. */
export function rulesOf(custom: Statics): Rules {
  const { name } = custom;
  const separate = custom.setupContext !== undefined;
  return {
    name,
    forward(context, args) {
      if (custom.forward === undefined)
        throw new AutogradError(`${name}: it has no static forward method: write static forward(context, ...args)`);
      return separate ? custom.forward(...args) : custom.forward(context, ...args);
    },
    setup: separate ? (context, args, output) => custom.setupContext?.(context, args, output) : null,
    backward(context, grads) {
      if (custom.backward !== undefined && custom.vjp !== undefined)
        throw new AutogradError(`${name}: it has both a backward and a vjp method, which are two names of one rule: keep one`);
      if (custom.backward !== undefined) return custom.backward(context, ...grads);
      if (custom.vjp !== undefined) return custom.vjp(context, ...grads);
      throw new AutogradError(
        `${name}: it has no backward method, so no gradient can pass through it: write static backward(context, ...grads)`,
      );
    },
    jvp(context, tangents) {
      if (custom.jvp !== undefined) return custom.jvp(context, ...tangents);
      throw new AutogradError(
        `${name}: it has no jvp method, so forward mode cannot pass through it: write static jvp(context, ...tangents)`,
      );
    },
    vmap: vmapRule(custom),
  };
}

function vmapRule(custom: Statics): Rules['vmap'] {
  const generate = custom.generateVmapRule === true;
  if (custom.vmap === undefined) return generate ? 'generate' : null;
  if (generate)
    throw new AutogradError(`${custom.name}: it has a vmap method and generateVmapRule = true: keep the method, or let the rule be made`);
  return (info, inDims, args) => custom.vmap?.(info, inDims, ...args);
}

import type { Tensor } from '../../tensor/tensor.ts';
import { AutogradError } from '../../util/errors.ts';
import { callAt } from './call.ts';
import { type Gradient, rulesOf } from './rules.ts';

/** The static side of a custom function, as far as its arguments and result are concerned. */
interface CustomClass {
  readonly name: string;
  forward(...args: never[]): unknown;
}

type WithoutFirst<A extends readonly unknown[]> = A extends readonly [unknown, ...infer Rest]
  ? Rest
  : A extends readonly []
    ? []
    : unknown[];

/** What `apply` takes: the arguments of forward, without the context where there is one. */
export type ArgumentsOf<F extends CustomClass> = F extends { setupContext(...args: never[]): unknown }
  ? Parameters<F['forward']>
  : WithoutFirst<Parameters<F['forward']>>;

/** What a list that backward returns must start with: a gradient for each tensor, null for anything else. */
type GradientsOf<A extends readonly unknown[]> = {
  readonly [K in keyof A]: unknown extends A[K] ? Gradient : [Extract<A[K], Tensor>] extends [never] ? null | undefined : Gradient;
};

type Counted<A extends readonly unknown[]> = number extends A['length'] ? false : true;

/** A message where the number of gradients is known and wrong, else nothing. */
type Verdict<A extends readonly unknown[], B> =
  Counted<A> extends false
    ? unknown
    : [B] extends [readonly unknown[]]
      ? Counted<B> extends false
        ? unknown
        : [B] extends [readonly [...GradientsOf<A>, ...(null | undefined)[]]]
          ? unknown
          : `backward: returns ${B['length'] & number} gradients for ${A['length'] & number} arguments of forward: one for each tensor, null for anything else`
      : [B] extends [Tensor]
        ? A['length'] extends 0 | 1
          ? unknown
          : `backward: returns 1 gradient for ${A['length'] & number} arguments of forward: one for each tensor, null for anything else`
        : unknown;

type Checked<F extends CustomClass> = F extends { backward(...args: never[]): infer B }
  ? Verdict<Required<ArgumentsOf<F>>, B>
  : F extends { vjp(...args: never[]): infer B }
    ? Verdict<Required<ArgumentsOf<F>>, B>
    : unknown;

/**
 * The base of functions with derivatives written by hand. A subclass has static methods:
 * - `forward(context, ...args)`; or `forward(...args)` and `setupContext(context, inputs, output)`, which the function needs under `vmap`;
 * - `backward(context, ...grads)` (or `vjp`): a gradient for each argument from one for each result, null where there is none;
 * - `jvp(context, ...tangents)` for forward mode: a tangent for each result;
 * - `vmap(info, inDims, ...args)`, which returns `[output, outDims]`; or the field `generateVmapRule = true`, which makes the rule from the others.
 *
 * Call it with `apply`. In `forward` nothing is recorded; `backward` is recorded where `createGraph` asks for it.
 *
 * @example
 * class Cube extends Function {
 *   static forward(x: Tensor) {
 *     return x.pow(3);
 *   }
 *   static setupContext(context: FunctionContext, [x]: [Tensor]) {
 *     context.saveForBackward(x);
 *   }
 *   static backward(context: FunctionContext, g: Tensor) {
 *     return context.savedTensors[0].pow(2).mul(3).mul(g);
 *   }
 * }
 * Cube.apply(tensor([2], { requiresGrad: true })); // tensor([8.], gradFn=<CubeBackward>)
 */
// biome-ignore lint/suspicious/noShadowRestrictedNames: PyTorch's name; reached as autograd.Function
export abstract class Function {
  constructor() {
    throw new AutogradError(`${new.target.name}: a custom function is not instantiated: call ${new.target.name}.apply(...)`);
  }

  /**
   * Runs `forward` and records one node, which `backward` differentiates. Returns what forward returned: a tensor, another value, or a list of both.
   * An argument that forward returns as it is comes back as a view of itself. Throws AutogradError where a rule that is needed is missing.
   *
   * @example
   * class Double extends autograd.Function {
   *   static forward(context, x) {
   *     return x.mul(2);
   *   }
   * }
   * Double.apply(ones([2])); // tensor([2., 2.])
   */
  static apply<F extends CustomClass>(this: F & Checked<F>, ...args: ArgumentsOf<F>): ReturnType<F['forward']> {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the subclass whose rules are run
    return callAt(rulesOf(this as unknown as Parameters<typeof rulesOf>[0]), args).output as ReturnType<F['forward']>;
  }
}

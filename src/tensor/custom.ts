import { backwardNameOf, type Operator } from '../op/contract.ts';
import { formatShape } from '../shape/shape.ts';
import { ArgumentError, AutogradError, InPlaceError } from '../util/errors.ts';
import { apply } from './apply.ts';
import { checkWritable, markWritten, rebase } from './inplace.ts';
import { staleSaveMessage } from './messages.ts';
import { mode, withGradMode } from './modes.ts';
import { structural } from './structural.ts';
import { aliasOf, isTensor, type Tensor } from './tensor.ts';
import { isTracked } from './views.ts';

/**
 * What the forward and backward passes of a custom function share: saved tensors, and any property that the function sets.
 *
 * @example
 * class Scale extends autograd.Function {
 *   static forward(context, x, factor) {
 *     context.factor = factor;
 *     return x.mul(factor);
 *   }
 *   static backward(context, g) {
 *     return [g.mul(context.factor), null];
 *   }
 * }
 * Scale.apply(ones([2]), 3); // tensor([3., 3.])
 */
export class FunctionContext {
  /** For each argument whether it wants a gradient. */
  needsInputGrad: readonly boolean[] = [];
  [property: string]: unknown;
  #saved: readonly (Tensor | null)[] = [];
  #versions: readonly number[] = [];
  #dirty: readonly Tensor[] = [];
  #nonDifferentiable: readonly Tensor[] = [];
  #materialize = true;
  #released = false;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** Keeps tensors for `backward`; their versions are checked when they are read there. */
  saveForBackward(...tensors: (Tensor | null)[]): void {
    this.#saved = tensors;
    this.#versions = tensors.map((x) => (x === null ? 0 : x.storage.version));
  }

  /** What was saved. Throws AutogradError if it was changed in place since, or freed. */
  get savedTensors(): readonly Tensor[] {
    if (this.#released) {
      throw new AutogradError(
        `${this.#name}: what it saved was freed by an earlier backward(); pass { retainGraph: true } to the first call to go through the graph again`,
      );
    }
    this.#saved.forEach((x, i) => {
      if (x !== null && x.storage.version !== this.#versions[i])
        throw new AutogradError(staleSaveMessage(this.#name, this, x, 'saved tensor', i, this.#versions[i] as number));
    });
    return this.#saved as readonly Tensor[];
  }

  /** Says that `forward` changed these inputs in place; it must return them. */
  markDirty(...tensors: Tensor[]): void {
    this.#dirty = tensors;
  }

  /** Says that these outputs carry no gradient. */
  markNonDifferentiable(...tensors: Tensor[]): void {
    this.#nonDifferentiable = tensors;
  }

  /** Whether gradients that did not arrive are passed to `backward` as zeros (the default) or as null. */
  setMaterializeGrads(value: boolean): void {
    this.#materialize = value;
  }

  /** @internal What the forward pass declared. */
  declared(): { dirty: readonly Tensor[]; nonDifferentiable: readonly Tensor[]; materialize: boolean } {
    return { dirty: this.#dirty, nonDifferentiable: this.#nonDifferentiable, materialize: this.#materialize };
  }

  /** @internal */
  release(): void {
    this.#saved = [];
    this.#released = true;
  }
}

type Gradient = Tensor | null | undefined;

/** The static side of a custom function. `A` are its arguments, `R` what forward returns. */
export interface CustomFunction<A extends unknown[], R> {
  readonly name: string;
  forward(context: FunctionContext, ...args: A): R;
  /** Gradients of the arguments from those of the outputs: one, or a list with null for what has none. */
  backward?(context: FunctionContext, ...grads: never[]): Gradient | readonly Gradient[];
  /** Tangents of the outputs from those of the arguments, for forward mode. */
  jvp?(context: FunctionContext, ...tangents: never[]): Gradient | readonly Gradient[];
}

/**
 * The base of functions with a hand-written derivative. A subclass has static methods `forward(context, ...args)` and
 * `backward(context, ...grads)`, and `jvp(context, ...tangents)` if it is used in forward mode; call it with `apply`.
 *
 * @example
 * class Cube extends Function {
 *   static forward(context: FunctionContext, x: Tensor) {
 *     context.saveForBackward(x);
 *     return x.pow(3);
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

  /** Runs `forward` and records one node that `backward` differentiates. */
  static apply<A extends unknown[], R>(this: CustomFunction<A, R>, ...args: A): R {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the subclass whose rules are run
    return call(this, args);
  }
}

function call<A extends unknown[], R>(custom: CustomFunction<A, R>, args: A): R {
  const context = new FunctionContext(custom.name);
  context.needsInputGrad = args.map((x) => isTensor(x) && isTracked(x));
  const tensors = args.filter(isTensor);
  let shaped: unknown = null;
  let isList = false;
  const forward = (inputs: readonly Tensor[]): Tensor[] => {
    let at = 0;
    const given = args.map((x) => (isTensor(x) ? inputs[at++] : x)) as A;
    shaped = withGradMode(mode.grad && mode.interpreters !== 0, () => custom.forward(context, ...given));
    isList = Array.isArray(shaped);
    const { dirty } = context.declared();
    const returned = (isList ? (shaped as unknown[]) : [shaped]).filter(isTensor);
    for (const x of dirty)
      if (!returned.includes(x)) throw new AutogradError(`${custom.name}: an input marked dirty must be returned by forward`);
    return returned.map((y) => (inputs.includes(y) ? aliasOf(y) : y));
  };
  const operator = operatorOf(custom as unknown as CustomFunction<unknown[], unknown>, args, context, forward, () => shaped);
  const outputs = apply(operator, tensors, null) as Tensor[];
  settle(custom.name, context, shaped, outputs, args);
  let at = 0;
  const place = (value: unknown): unknown => {
    if (!isTensor(value)) return value;
    const output = outputs[at++] as Tensor;
    return context.declared().dirty.includes(value) ? value : output;
  };
  return (isList ? (shaped as unknown[]).map(place) : place(shaped)) as R;
}

/** Outputs that carry no gradient lose it; inputs that were written take over the new history. */
function settle(name: string, context: FunctionContext, shaped: unknown, outputs: readonly Tensor[], args: readonly unknown[]): void {
  const { dirty, nonDifferentiable } = context.declared();
  const returned = (Array.isArray(shaped) ? shaped : [shaped]).filter(isTensor);
  returned.forEach((value, i) => {
    const output = outputs[i] as Tensor;
    if (nonDifferentiable.includes(value)) {
      output.node = null;
      output.tracked = false;
    }
    if (!dirty.includes(value)) return;
    if (!args.includes(value)) throw new InPlaceError(`${name}: markDirty names a tensor that is not an argument`);
    checkWritable(name, value);
    markWritten(value, name);
    if (output.tracked) rebase(value, output);
  });
}

function operatorOf(
  custom: CustomFunction<unknown[], unknown>,
  args: readonly unknown[],
  context: FunctionContext,
  forward: (inputs: readonly Tensor[]) => Tensor[],
  shaped: () => unknown,
): Operator<Tensor, null> {
  return {
    name: custom.name,
    backwardName: backwardNameOf(custom.name),
    forward,
    derivative: {
      kind: 'rules',
      vjp: (gs, rule) => {
        if (custom.backward === undefined)
          throw new AutogradError(`${custom.name}: it has no backward method, so no gradient can pass through it`);
        return gradientsOf(custom, args, custom.backward(context, ...(filled(gs, context, shaped()) as never[])), (i) =>
          rule.inputShape(i),
        );
      },
      jvp: (tangents) => {
        if (custom.jvp === undefined)
          throw new AutogradError(`${custom.name}: it has no jvp method, so forward mode cannot pass through it`);
        let at = 0;
        const given = args.map((x) => (isTensor(x) ? (tangents[at++] ?? null) : null));
        const found = custom.jvp(context, ...(given as never[]));
        return (Array.isArray(found) ? found : [found]).map((x) => (x ?? null) as Tensor | null);
      },
    },
    batching: { kind: 'composite' },
    aliasing: 'fresh',
    composite: false,
    custom: true,
    onRelease: () => context.release(),
  };
}

/** Gradients by output, non-tensor outputs included (null); zeros for those that did not arrive. */
function filled(gs: readonly (Tensor | null)[], context: FunctionContext, shaped: unknown): (Tensor | null)[] {
  const { materialize } = context.declared();
  let at = 0;
  return (Array.isArray(shaped) ? shaped : [shaped]).map((value) => {
    if (!isTensor(value)) return null;
    const g = gs[at++] ?? null;
    return g === null && materialize ? structural().zeros(value.shape, value.type) : g;
  });
}

/** Checks what backward returned and picks the entries of the tensor arguments. */
function gradientsOf(
  custom: { readonly name: string },
  args: readonly unknown[],
  returned: unknown,
  shapeOf: (i: number) => readonly number[],
): (Tensor | null)[] {
  const list = (Array.isArray(returned) ? returned : [returned]) as Gradient[];
  if (list.length < args.length || list.slice(args.length).some((g) => g !== null && g !== undefined)) {
    throw new AutogradError(
      `${custom.name}: backward returned ${list.length} gradient${list.length === 1 ? '' : 's'} for ${args.length} argument${args.length === 1 ? '' : 's'} of forward: return one for each, null where there is none`,
    );
  }
  const result: (Tensor | null)[] = [];
  args.forEach((arg, i) => {
    const g = list[i] ?? null;
    if (!isTensor(arg)) {
      if (g !== null)
        throw new AutogradError(`${custom.name}: backward returned a gradient for argument ${i}, which is not a tensor: return null there`);
      return;
    }
    if (g !== null && !isTensor(g))
      throw new ArgumentError(
        `${custom.name}: backward returned ${typeof g} for argument ${i} of shape ${formatShape(shapeOf(result.length))}: return a tensor or null`,
      );
    result.push(g);
  });
  return result;
}

/**
 * Wraps a `backward` that cannot itself be differentiated: its gradients refuse a second derivative with a reason.
 *
 * @example
 * class Double extends autograd.Function {
 *   static forward(context, x) {
 *     return x.mul(2);
 *   }
 *   static backward = onceDifferentiable((context, g) => g.mul(2));
 * }
 * Double.apply(ones([2])); // tensor([2., 2.])
 */
export function onceDifferentiable<A extends unknown[]>(
  backward: (context: FunctionContext, ...grads: A) => Gradient | readonly Gradient[],
): (context: FunctionContext, ...grads: A) => readonly Gradient[] {
  return (context, ...grads) => {
    const found = withGradMode(false, () => backward(context, ...grads));
    const list = Array.isArray(found) ? (found as Gradient[]) : [found as Gradient];
    if (!mode.grad || !grads.some((g) => isTensor(g) && isTracked(g))) return list;
    const source = grads.find((g) => isTensor(g) && isTracked(g)) as unknown as Tensor;
    return list.map((g) => (isTensor(g) ? (apply(refusing, [g, source], null) as Tensor) : g));
  };
}

const refusing: Operator<Tensor, null> = {
  name: 'onceDifferentiable',
  backwardName: 'OnceDifferentiableBackward',
  forward: ([x]) => aliasOf(x as Tensor),
  derivative: {
    kind: 'rules',
    vjp: () => {
      throw new AutogradError(
        'a backward marked onceDifferentiable was differentiated again: write it in differentiable operations to allow it',
      );
    },
  },
  batching: { kind: 'composite' },
  aliasing: 'fresh',
  composite: false,
};

import { formatShape } from '../shape/shape.ts';
import { grad as gradOf } from '../tensor/autograd.ts';
import { describeValue } from '../tensor/messages.ts';
import { mode, withGradMode } from '../tensor/modes.ts';
import { AccumulateGrad, type Node } from '../tensor/node.ts';
import { structural } from '../tensor/structural.ts';
import { aliasOf, isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { ArgumentError, AutogradError, DTypeError } from '../util/errors.ts';
import { flattenTree, leavesLike } from './tree.ts';

/** Reverse-mode transforms of functions over trees of tensors, nested at will with each other, with vmap and with forward mode. */

/** Which arguments are differentiated: one (the result is its gradient), or several (the result is a list). */
export type Argnums = number | readonly number[];

/** Fresh handles that this transform differentiates with respect to; what the outside recorded of them stays connected. */
function lift(x: Tensor, name: string): Tensor {
  if (!x.type.isFloat && !x.type.isComplex)
    throw new DTypeError(`${name}: cannot differentiate with respect to a tensor of dtype ${x.dtype}: cast it to a floating dtype`);
  if (isTracked(x)) return connected(x);
  const leaf = aliasOf(x);
  leaf.tracked = true;
  return leaf;
}

/** A recorded copy of the handle: gradients stop being looked for at it, and flow on to what the outside recorded. */
function connected(x: Tensor): Tensor {
  return withGradMode(true, () => structural().select(structural().reshape(x, [1, ...x.shape]), 0, 0));
}

/** Cuts off the graph of a result that only this transform's own inputs hang on to; one that the outside recorded stays. */
export function released(x: Tensor, own: ReadonlySet<Tensor>): Tensor {
  if (!isTracked(x) || x.node === null) return own.has(x) ? plain(x) : x;
  const stack: Node[] = [x.node];
  const seen = new Set(stack);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node instanceof AccumulateGrad && !own.has(node.variable)) return x;
    for (const next of node.next) {
      if (next === null || seen.has(next)) continue;
      seen.add(next);
      stack.push(next);
    }
  }
  return plain(x);
}

function plain(x: Tensor): Tensor {
  return aliasOf(x);
}

interface Run {
  readonly output: unknown;
  readonly aux: unknown;
  /** The lifted leaves of the differentiated arguments, argument by argument. */
  readonly lifted: readonly Tensor[];
  readonly own: ReadonlySet<Tensor>;
}

/** Runs `f` with recording on, on lifted leaves of the arguments named by `argnums`. */
function run(
  name: string,
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  argnums: readonly number[],
  hasAux: boolean,
): Run & { rebuild: ((values: readonly Tensor[]) => unknown)[] } {
  const lifted: Tensor[] = [];
  const rebuild: ((values: readonly Tensor[]) => unknown)[] = [];
  const call = [...args];
  for (const at of argnums) {
    if (at < 0 || at >= args.length)
      throw new ArgumentError(`${name}: argnums names argument ${at}, but the function was called with ${args.length}`);
    const { leaves, structure } = flattenTree(args[at]);
    if (leaves.length === 0) throw new ArgumentError(`${name}: argument ${at} has no tensors to differentiate with respect to`);
    const handles = leaves.map((x) => lift(x, name));
    const from = lifted.length;
    lifted.push(...handles);
    call[at] = structure.rebuild(handles);
    rebuild.push((values) => structure.rebuild(values.slice(from, from + handles.length)));
  }
  const result = withGradMode(true, () => f(...(call as never[])));
  const [output, aux] = hasAux ? (result as [unknown, unknown]) : [result, undefined];
  return { output, aux, lifted, own: new Set(lifted), rebuild };
}

export interface GradFunctionOptions {
  /** Which arguments are differentiated. Default 0. */
  readonly argnums?: Argnums;
  /** `f` returns `[output, aux]`; aux is handed through. */
  readonly hasAux?: boolean;
}

function scalarOutput(name: string, output: unknown): Tensor {
  if (!isTensor(output)) throw new ArgumentError(`${name}: the function must return one tensor, got ${describeValue(output)}`);
  if (output.size !== 1 || output.ndim !== 0)
    throw new AutogradError(
      `${name}: the function must return a 0-d tensor, got shape ${formatShape(output.shape)}: reduce it (sum, mean), or use jacrev`,
    );
  return output;
}

/** Gradients of what was run with respect to its lifted leaves, zeros where nothing depends on them, cut loose from this transform. */
function pull(outputs: readonly Tensor[], cotangents: readonly Tensor[], { lifted, own }: Run, retain: boolean): Tensor[] {
  const wanted = outputs.map((y, i) => [y, cotangents[i] as Tensor] as const).filter(([y]) => isTracked(y));
  if (wanted.length === 0) return lifted.map((x) => structural().zeros(x.shape, x.type));
  const found = gradOf(
    wanted.map(([y]) => y),
    lifted,
    wanted.map(([, g]) => g),
    { createGraph: mode.grad, retainGraph: retain || mode.grad, allowUnused: true },
  );
  return found.map((g, i) => (g === null ? structural().zeros((lifted[i] as Tensor).shape, (lifted[i] as Tensor).type) : released(g, own)));
}

type AnyFunction = (...args: never[]) => unknown;

function gradients(name: string, f: AnyFunction, options: GradFunctionOptions) {
  const single = typeof (options.argnums ?? 0) === 'number';
  const argnums = single ? [(options.argnums ?? 0) as number] : [...(options.argnums as readonly number[])];
  return (args: readonly unknown[]): { grads: unknown; value: Tensor; aux: unknown } => {
    const done = run(name, f, args, argnums, options.hasAux ?? false);
    const output = scalarOutput(name, done.output);
    const found = pull([output], [structural().ones(output.shape, output.type)], done, false);
    const grads = done.rebuild.map((build) => build(found));
    return { grads: single ? grads[0] : grads, value: released(output, done.own), aux: done.aux };
  };
}

/**
 * The gradient of a function that returns a 0-d tensor, as a function of the same arguments. The result has the structure of the argument (or is a
 * list, for several `argnums`). Nests with itself, vmap, jvp. Throws AutogradError if the function returns anything but one number.
 *
 * @example
 * const slope = grad((x) => x.pow(3).sum());
 * slope(tensor([1, 2])); // tensor([ 3., 12.])
 */
export function grad(f: AnyFunction, options: GradFunctionOptions = {}): (...args: unknown[]) => unknown {
  const compute = gradients('grad', f, options);
  return (...args) => {
    const { grads, aux } = compute(args);
    return options.hasAux === true ? [grads, aux] : grads;
  };
}

/**
 * As `grad`, but returns `[gradient, value]`.
 *
 * @example
 * const [slope, value] = gradAndValue((x: Tensor) => x.pow(2).sum())(tensor([1, 2]));
 * slope; // tensor([2., 4.])
 */
export function gradAndValue(f: AnyFunction, options: GradFunctionOptions = {}): (...args: unknown[]) => [unknown, unknown] {
  const compute = gradients('gradAndValue', f, options);
  return (...args) => {
    const { grads, value, aux } = compute(args);
    return [grads, options.hasAux === true ? [value, aux] : value];
  };
}

/**
 * The value of `f` at `primals` and a function that maps cotangents of the value to the list of cotangents of the primals.
 *
 * @example
 * const [y, pull] = vjp((x) => x.pow(2), tensor([1, 2]));
 * pull(ones([2])); // [tensor([2., 4.])]
 */
export function vjp(f: AnyFunction, ...primals: unknown[]): [unknown, (cotangents: unknown) => unknown[]] {
  const { value, pull: pullBack } = linearised('vjp', f, primals);
  return [value, pullBack];
}

/** What `vjp` returns, and the handles whose graph is this transform's own. */
export function linearised(
  name: string,
  f: AnyFunction,
  primals: readonly unknown[],
): { value: unknown; pull: (cotangents: unknown) => unknown[]; own: ReadonlySet<Tensor> } {
  const all = primals.map((_, i) => i);
  const done = run(name, f, primals, all, false);
  const { leaves, structure } = flattenTree(done.output);
  return {
    value: structure.rebuild(leaves.map((y) => released(y, done.own))),
    pull: (cotangents) => {
      const gs = leavesLike(name, 'the cotangent', cotangents, leaves.length);
      const found = pull(leaves, gs, done, true);
      return done.rebuild.map((build) => build(found));
    },
    own: done.own,
  };
}

import { formatShape } from '../shape/shape.ts';
import { gradOf } from '../tensor/autograd.ts';
import { describeValue } from '../tensor/messages.ts';
import { mode, withGradMode } from '../tensor/modes.ts';
import { gradientNode, type Node } from '../tensor/node.ts';
import { structural } from '../tensor/structural.ts';
import { aliasOf, isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { ArgumentError, AutogradError, DTypeError, ShapeError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { type Argnums, type Picked, positionsOf } from './argnums.ts';
import { checkTangent, pairOf } from './jvp.ts';
import { connected, released } from './lifted.ts';
import { companionsOf, flattenTree, isPlainObject, mapTree, returnedLeaves, type Structure } from './tree.ts';

export type { Argnums } from './argnums.ts';

/** Reverse-mode transforms of functions over trees of tensors, nested at will with each other, with vmap and with forward mode. */

/** Fresh handles that this transform differentiates with respect to; what the outside recorded of them stays connected. */
function lift(x: Tensor, name: string): Tensor {
  if (!x.type.isFloat && !x.type.isComplex)
    throw new DTypeError(`${name}: cannot differentiate with respect to a tensor of dtype ${x.dtype}: cast it to a floating dtype`);
  if (isTracked(x)) return connected(x);
  const leaf = aliasOf(x);
  leaf.tracked = true;
  return leaf;
}

type AnyFunction = (...args: never[]) => unknown;

/** One run of a function with recording on. */
export interface Run {
  /** The tensors that it returned, and what they were part of. */
  readonly outputs: readonly Tensor[];
  readonly structure: Structure;
  readonly aux: unknown;
  /** The lifted leaves of the differentiated arguments, argument by argument. */
  readonly lifted: readonly Tensor[];
  readonly own: ReadonlySet<Tensor>;
  /** Puts a value for each lifted leaf into the structure of each differentiated argument. */
  readonly rebuild: readonly (<R>(values: readonly R[]) => unknown)[];
}

/** Runs `f` with recording on, on lifted leaves of the arguments at `positions`. */
export function record(name: string, f: AnyFunction, args: readonly unknown[], positions: readonly number[], hasAux: boolean): Run {
  const lifted: Tensor[] = [];
  const rebuild: (<R>(values: readonly R[]) => unknown)[] = [];
  const call = [...args];
  for (const at of positions) {
    const { leaves, structure } = flattenTree(args[at]);
    if (leaves.length === 0)
      throw new ArgumentError(`${name}: argument ${at} has no tensors to differentiate with respect to, got ${describeValue(args[at])}`);
    const handles = leaves.map((x) => lift(x, name));
    const from = lifted.length;
    lifted.push(...handles);
    call[at] = structure.rebuild(handles);
    rebuild.push((values) => structure.rebuild(values.slice(from, from + handles.length)));
  }
  const result = withGradMode(true, () => f(...(call as never[])));
  const [output, aux] = hasAux ? pairOf(name, result) : [result, undefined];
  const { leaves, structure } = returnedLeaves(name, output);
  const own = new Set(lifted);
  return { outputs: leaves, structure, aux: hasAux ? mapTree(aux, (x) => released(x, own)) : undefined, lifted, own, rebuild };
}

/** Gradients of `outputs` with respect to the lifted leaves, zeros where nothing depends on them, cut loose from this transform. */
export function pullBack(outputs: readonly Tensor[], cotangents: readonly (Tensor | null)[], run: Run, retain: boolean): Tensor[] {
  const { lifted, own } = run;
  const wanted = outputs.map((y, i) => [y, cotangents[i] ?? null] as const).filter(([y, g]) => g !== null && isTracked(y));
  if (wanted.length === 0) return lifted.map((x) => structural().zeros(x.shape, x.type));
  const found = gradOf(
    wanted.map(([y]) => y),
    lifted,
    wanted.map(([, g]) => g),
    { createGraph: mode.grad, retainGraph: retain || mode.grad, allowUnused: true },
  );
  return found.map((g, i) => (g === null ? structural().zeros((lifted[i] as Tensor).shape, (lifted[i] as Tensor).type) : released(g, own)));
}

/** Whether an output depends on each of the lifted leaves: whether a path of recorded operations leads from it to them. */
export function dependence(y: Tensor, { lifted }: Run): boolean[] {
  const reached = new Set<Node>();
  const stack: Node[] = isTracked(y) ? [gradientNode(y) as Node] : [];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    for (const next of node.next) if (next !== null) stack.push(next);
  }
  return lifted.map((x) => reached.has(gradientNode(x) as Node));
}

export interface GradFunctionOptions<N extends Argnums = Argnums, Aux extends boolean = boolean> {
  /** Which arguments are differentiated: a position (default 0), or a list of them, for which the result is a list. */
  readonly argnums?: N;
  /** `f` returns `[output, aux]`; aux is handed through. */
  readonly hasAux?: Aux;
}

const GRAD_OPTIONS: ReadonlySet<string> = new Set(['argnums', 'hasAux']);

function scalarOutput(name: string, { outputs, structure }: Run): Tensor {
  const output = structure.rebuild(outputs);
  if (!isTensor(output)) throw new ArgumentError(`${name}: the function must return one tensor, got ${describeValue(output)}`);
  if (output.ndim !== 0)
    throw new AutogradError(
      `${name}: the function must return a 0-d tensor, got shape ${formatShape(output.shape)}: reduce it (sum, mean), or use jacrev`,
    );
  return output;
}

function gradients(name: string, f: AnyFunction, options: GradFunctionOptions) {
  checkOptions(name, options, GRAD_OPTIONS);
  return (args: readonly unknown[]): { grads: unknown; value: Tensor; aux: unknown } => {
    const { single, positions } = positionsOf(name, options.argnums ?? 0, args.length);
    const run = record(name, f, args, positions, options.hasAux ?? false);
    const output = scalarOutput(name, run);
    const found = pullBack([output], [structural().ones(output.shape, output.type)], run, false);
    const grads = run.rebuild.map((build) => build(found));
    return { grads: single ? grads[0] : grads, value: released(output, run.own), aux: run.aux };
  };
}

/**
 * The gradient of a function that returns a 0-d tensor, as a function of the same arguments. Arguments are tensors, or arrays and objects of them;
 * the result has the structure of the argument, or is a list for a list of `argnums`. Nests with itself, vmap, jvp. With `hasAux` the function
 * returns `[output, aux]` and the result is `[gradient, aux]`. Throws AutogradError if the function returns anything but one number.
 *
 * @example
 * const slope = grad((x) => x.pow(3).sum());
 * slope(tensor([1, 2])); // tensor([ 3., 12.])
 */
export function grad<const N extends Argnums = 0>(
  f: (...args: Tensor[]) => Tensor,
  options?: GradFunctionOptions<N, false>,
): (...args: Tensor[]) => Picked<Tensor[], N>;
export function grad<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options?: GradFunctionOptions<N, false>,
): (...args: A) => Picked<A, N>;
export function grad<A extends readonly unknown[], Aux, const N extends Argnums = 0>(
  f: (...args: A) => readonly [Tensor, Aux],
  options: GradFunctionOptions<N, true>,
): (...args: A) => [gradient: Picked<A, N>, aux: Aux];
export function grad(f: AnyFunction, options: GradFunctionOptions = {}): (...args: never[]) => unknown {
  const compute = gradients('grad', f, options);
  return (...args) => {
    const { grads, aux } = compute(args);
    return options.hasAux === true ? [grads, aux] : grads;
  };
}

/**
 * As `grad`, but the result is `[gradient, value]`; with `hasAux`, `[gradient, [value, aux]]`.
 *
 * @example
 * const [slope, value] = gradAndValue((x) => x.pow(2).sum())(tensor([1, 2]));
 * slope; // tensor([2., 4.])
 * value; // tensor(5.)
 */
export function gradAndValue<const N extends Argnums = 0>(
  f: (...args: Tensor[]) => Tensor,
  options?: GradFunctionOptions<N, false>,
): (...args: Tensor[]) => [gradient: Picked<Tensor[], N>, value: Tensor];
export function gradAndValue<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options?: GradFunctionOptions<N, false>,
): (...args: A) => [gradient: Picked<A, N>, value: Tensor];
export function gradAndValue<A extends readonly unknown[], Aux, const N extends Argnums = 0>(
  f: (...args: A) => readonly [Tensor, Aux],
  options: GradFunctionOptions<N, true>,
): (...args: A) => [gradient: Picked<A, N>, result: [value: Tensor, aux: Aux]];
export function gradAndValue(f: AnyFunction, options: GradFunctionOptions = {}): (...args: never[]) => unknown {
  const compute = gradients('gradAndValue', f, options);
  return (...args) => {
    const { grads, value, aux } = compute(args);
    return [grads, options.hasAux === true ? [value, aux] : value];
  };
}

export interface VjpOptions {
  /** `f` returns `[output, aux]`; aux is the third result. */
  readonly hasAux: boolean;
}

/**
 * The value of `f` at `primals` and a function that maps cotangents of the value, in its structure, to the list of cotangents of the primals. It
 * can be called any number of times. With `{ hasAux: true }` as last argument the function returns `[output, aux]`, and aux is the third result.
 * Throws ArgumentError where the cotangents have another structure than the value, ShapeError where one has another shape.
 *
 * @example
 * const [y, pull] = vjp((x) => x.pow(2), tensor([1, 2]));
 * pull(ones([2])); // [tensor([2., 4.])]
 */
export function vjp<R>(f: (...args: Tensor[]) => R, ...primals: Tensor[]): [output: R, pull: (cotangents: R) => Tensor[]];
export function vjp<A extends readonly unknown[], R, Aux>(
  f: (...args: A) => readonly [R, Aux],
  ...primals: [...A, VjpOptions]
): [output: R, pull: (cotangents: R) => A, aux: Aux];
export function vjp<A extends readonly unknown[], R>(f: (...args: A) => R, ...primals: A): [output: R, pull: (cotangents: R) => A];
export function vjp(f: AnyFunction, ...given: unknown[]): unknown {
  const last = given[given.length - 1];
  const options = isPlainObject(last) && Object.keys(last).join() === 'hasAux' ? last : null;
  const primals = options === null ? given : given.slice(0, -1);
  const hasAux = options?.['hasAux'] === true;
  if (primals.length === 0) throw new ArgumentError('vjp: give the arguments of the function after it');
  const run = record(
    'vjp',
    f,
    primals,
    primals.map((_, i) => i),
    hasAux,
  );
  const value = run.structure.rebuild(run.outputs.map((y) => released(y, run.own)));
  const pull = (cotangents: unknown): unknown[] => {
    const found = pullBack(run.outputs, cotangentsFor('vjp', run, cotangents), run, true);
    return run.rebuild.map((build) => build(found));
  };
  return hasAux ? [value, pull, run.aux] : [value, pull];
}

function cotangentsFor(name: string, { outputs, structure }: Run, cotangents: unknown): (Tensor | null)[] {
  const gs = companionsOf(name, 'the cotangent', structure.rebuild(outputs), cotangents);
  gs.forEach((g, i) => {
    const y = outputs[i] as Tensor;
    if (g !== null && formatShape(g.shape) !== formatShape(y.shape))
      throw new ShapeError(
        `${name}: the cotangent has shape ${formatShape(g.shape)}, but the value it belongs to ${formatShape(y.shape)}: they must be equal`,
      );
  });
  return gs;
}

/**
 * The value of `f` at `primals` and the linear function that maps tangents of the primals to the tangent of the value. The function runs once; each
 * call of the linear one costs about as much as a Jacobian-vector product without the values. It transposes the vector-Jacobian product, which is
 * linear in its cotangent.
 *
 * @example
 * const [y, push] = linearize((x) => x.pow(2), tensor([3]));
 * push(tensor([1])); // tensor([6.])
 */
export function linearize<R>(f: (...args: Tensor[]) => R, ...primals: Tensor[]): [output: R, push: (...tangents: Tensor[]) => R];
export function linearize<A extends readonly unknown[], R>(f: (...args: A) => R, ...primals: A): [output: R, push: (...tangents: A) => R];
export function linearize(f: AnyFunction, ...primals: unknown[]): unknown {
  if (primals.length === 0) throw new ArgumentError('linearize: give the arguments of the function after it');
  const all = primals.map((_, i) => i);
  const run = record('linearize', f, primals, all, false);
  const value = run.structure.rebuild(run.outputs.map((y) => released(y, run.own)));
  const transpose = transposed(run);
  const push = (...tangents: unknown[]): unknown => {
    if (tangents.length !== primals.length)
      throw new ArgumentError(`linearize: got ${tangents.length} tangents for ${primals.length} inputs`);
    const directions = primals.flatMap((x, i) => companionsOf('linearize', `tangent ${i}`, x, tangents[i]));
    run.lifted.forEach((x, i) => {
      checkTangent('linearize', `tangent ${i}`, x, directions[i] ?? null);
    });
    return run.structure.rebuild(transpose(directions));
  };
  return [value, push];
}

/** Tangents of the outputs of a run from those of its inputs: the derivative of its vector-Jacobian product with respect to the cotangents. */
function transposed(run: Run): (directions: readonly (Tensor | null)[]) => Tensor[] {
  const cotangents = run.outputs.map((y) => {
    const w = structural().zeros(y.shape, y.type);
    w.tracked = isTracked(y);
    return w;
  });
  const roots = run.outputs.filter(isTracked);
  const wanted = cotangents.filter((w) => w.tracked);
  const products =
    roots.length === 0
      ? []
      : withGradMode(true, () => gradOf(roots, run.lifted, wanted, { createGraph: true, retainGraph: true, allowUnused: true }));
  const own = new Set([...run.own, ...wanted]);
  return (directions) => {
    const pairs = products.flatMap((p, i) => {
      const direction = directions[i] ?? null;
      return p === null || direction === null || !isTracked(p) ? [] : [[p, direction] as const];
    });
    const found =
      pairs.length === 0
        ? []
        : gradOf(
            pairs.map(([p]) => p),
            wanted,
            pairs.map(([, direction]) => direction),
            { createGraph: mode.grad, retainGraph: true, allowUnused: true },
          );
    return cotangents.map((w) => {
      const tangent = w.tracked ? (found[wanted.indexOf(w)] ?? null) : null;
      return tangent === null ? structural().zeros(w.shape, w.type) : released(tangent, own);
    });
  };
}

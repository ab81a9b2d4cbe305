import { detach } from '../ops/detach.ts';
import { catTensors } from '../ops/join.ts';
import { sliceDim } from '../ops/movement.ts';
import { moveDim, reshape } from '../ops/structural.ts';
import { formatShape } from '../shape/shape.ts';
import { describeTensor, describeValue } from '../tensor/messages.ts';
import { withGradMode } from '../tensor/modes.ts';
import { structural } from '../tensor/structural.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { basisOf } from '../transform/jacobian.ts';
import { jvp as forwardJvp } from '../transform/jvp.ts';
import { released } from '../transform/lifted.ts';
import { dependence, pullBack, type Run, record } from '../transform/reverse.ts';
import { vmap } from '../transform/vmap.ts';
import { ArgumentError, AutogradError, ShapeError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';

/** What `torch.autograd.functional` offers: derivatives of a function at given inputs. `nabla/func` has the same as transforms that nest. */

/** One tensor, or a list of them. */
export type Tensors = Tensor | readonly Tensor[];

type TensorsFunction<I extends Tensors, R extends Tensors> = (...inputs: I extends readonly Tensor[] ? I : [input: I]) => R;

/** For each tensor of `R` what `Each` says, in the same structure: one, or a list. */
type For<R extends Tensors, Each> = R extends readonly Tensor[] ? { -readonly [K in keyof R]: Each } : Each;

/** What the derivatives of this namespace have in common. */
export interface DerivativeOptions {
  /** The results can be differentiated further, also with respect to `inputs` that require a gradient. Default false. */
  readonly createGraph?: boolean;
  /** Refuse a function of which a result does not depend on an input, instead of giving zeros. Default false. */
  readonly strict?: boolean;
}

/** Options of `jacobian`. */
export interface JacobianOptions extends DerivativeOptions {
  /** Compute all rows or columns as one batch, faster and in more memory, instead of one after the other. Default false. */
  readonly vectorize?: boolean;
  /** `'reverse-mode'` (the default) computes row by row, `'forward-mode'` column by column: better for more results than inputs. */
  readonly strategy?: 'reverse-mode' | 'forward-mode';
}

/** Options of `hessian`. */
export interface HessianOptions extends DerivativeOptions {
  /** As for `jacobian`. */
  readonly vectorize?: boolean;
  /** How the derivatives of the gradient are computed: `'reverse-mode'` (the default) or `'forward-mode'`. */
  readonly outerJacobianStrategy?: 'reverse-mode' | 'forward-mode';
}

const DERIVATIVE_OPTIONS: ReadonlySet<string> = new Set(['createGraph', 'strict']);
const JACOBIAN_OPTIONS: ReadonlySet<string> = new Set(['createGraph', 'strict', 'vectorize', 'strategy']);
const HESSIAN_OPTIONS: ReadonlySet<string> = new Set(['createGraph', 'strict', 'vectorize', 'outerJacobianStrategy']);
const STRATEGIES = ['reverse-mode', 'forward-mode'];

/** A checked call: inputs as a list, and how to give results back in the structure of the inputs. */
interface Call {
  readonly name: string;
  readonly f: (...inputs: Tensor[]) => unknown;
  readonly inputs: readonly Tensor[];
  readonly single: boolean;
  readonly createGraph: boolean;
  readonly strict: boolean;
}

function callOf(name: string, f: unknown, inputs: unknown, options: DerivativeOptions, allowed: ReadonlySet<string>): Call {
  checkOptions(name, options, allowed);
  if (typeof f !== 'function') throw new ArgumentError(`${name}: expected a function, got ${describeValue(f)}`);
  const list = listOf(name, 'inputs', inputs);
  const createGraph = options.createGraph ?? false;
  return {
    name,
    f: f as Call['f'],
    inputs: createGraph ? list : list.map((x) => detach(x)),
    single: isTensor(inputs),
    createGraph,
    strict: options.strict ?? false,
  };
}

function listOf(name: string, role: string, given: unknown): readonly Tensor[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw new ArgumentError(`${name}: ${role} is an empty list`);
  for (const [i, x] of list.entries())
    if (!isTensor(x)) throw new ArgumentError(`${name}: ${role} must be a tensor or a list of tensors, got ${describeValue(x)} at ${i}`);
  return list as readonly Tensor[];
}

/** Runs the function with recording on; its result must be a tensor or a list of them. */
function runOf(call: Call): { run: Run; singleOutput: boolean } {
  let singleOutput = true;
  const checked = (...inputs: Tensor[]): unknown => {
    const result = call.f(...inputs);
    listOf(call.name, 'what the function returns', result);
    singleOutput = isTensor(result);
    return result;
  };
  const positions = call.inputs.map((_, i) => i);
  const run = record(call.name, checked as never, call.inputs, positions, false);
  if (call.strict) requireDependence(call.name, run);
  return { run, singleOutput };
}

function requireDependence(name: string, run: Run): void {
  run.outputs.forEach((y, i) => {
    dependence(y, run).forEach((depends, j) => {
      if (!depends)
        throw new AutogradError(
          `${name}: with strict, every result must depend on every input, but result ${i}, ${describeTensor(y)}, does not depend on input ${j}: leave strict out for zeros`,
        );
    });
  });
}

/** A result as the options want it: part of the graph, or cut off. */
function given(call: Call, run: Run, x: Tensor): Tensor {
  return call.createGraph ? released(x, run.own) : detach(x);
}

function resultOf(call: Call, run: Run, singleOutput: boolean): Tensors {
  const values = run.outputs.map((y) => given(call, run, y));
  return singleOutput ? (values[0] as Tensor) : values;
}

/** The vector of a product: given, or a one for a single element. */
function vectorFor(name: string, role: string, xs: readonly Tensor[], v: unknown): readonly Tensor[] {
  if (v === null || v === undefined) {
    const [x] = xs;
    if (x === undefined || xs.length !== 1 || x.size !== 1)
      throw new AutogradError(
        `${name}: v can only be left out for one ${role} with one element: pass a vector with the shapes of the ${role}s`,
      );
    return [structural().ones(x.shape, x.type)];
  }
  const list = listOf(name, 'v', v);
  if (list.length !== xs.length) throw new ArgumentError(`${name}: v has ${list.length} tensors for ${xs.length} ${role}s`);
  list.forEach((t, i) => {
    const x = xs[i] as Tensor;
    if (formatShape(t.shape) !== formatShape(x.shape))
      throw new ShapeError(
        `${name}: v has shape ${formatShape(t.shape)} for ${role} ${i} of shape ${formatShape(x.shape)}: they must be equal`,
      );
  });
  return list;
}

function inStructure(single: boolean, list: readonly Tensor[]): Tensors {
  return single ? (list[0] as Tensor) : [...list];
}

/**
 * The value of `f` at `inputs` and its vector-Jacobian product `v`ᵀJ, which has the structure of the inputs. `v` has the structure and shapes of the
 * value; it may be left out (or null) for a value of one element. Throws AutogradError where it is missing, and with `strict` where a result does not
 * depend on an input.
 *
 * @example
 * const [y, product] = autograd.functional.vjp((x) => x.pow(2), tensor([1, 2]), tensor([1, 10]));
 * product; // tensor([ 2., 40.])
 */
export function vjp<I extends Tensors, R extends Tensors>(
  f: TensorsFunction<I, R>,
  inputs: I,
  v?: R | null,
  options: DerivativeOptions = {},
): [output: R, vjp: For<I, Tensor>] {
  const call = callOf('functional.vjp', f, inputs, options, DERIVATIVE_OPTIONS);
  const { run, singleOutput } = runOf(call);
  const vector = vectorFor(call.name, 'result', run.outputs, v);
  const products = withGradMode(call.createGraph, () => pullBack(run.outputs, vector, run, false));
  return [resultOf(call, run, singleOutput), inStructure(call.single, products)] as never;
}

/**
 * The value of `f` at `inputs` and its Jacobian-vector product J`v`, which has the structure of the value, by forward mode. `v` has the structure and
 * shapes of the inputs; it may be left out (or null) for one input of one element. Throws as `vjp` does.
 *
 * @example
 * const [y, product] = autograd.functional.jvp((x) => x.pow(2), tensor([1, 2]), tensor([1, 10]));
 * product; // tensor([ 2., 40.])
 */
export function jvp<I extends Tensors, R extends Tensors>(
  f: TensorsFunction<I, R>,
  inputs: I,
  v?: I | null,
  options: DerivativeOptions = {},
): [output: R, jvp: For<R, Tensor>] {
  const call = callOf('functional.jvp', f, inputs, options, DERIVATIVE_OPTIONS);
  const vector = vectorFor(call.name, 'input', call.inputs, v);
  if (call.strict) runOf(call);
  return forward(call, vector) as never;
}

/** Value and tangents by forward mode, in the structure of the results. */
function forward(call: Call, vector: readonly Tensor[]): [Tensors, Tensors] {
  let singleOutput = true;
  const checked = (...inputs: Tensor[]): readonly Tensor[] => {
    const result = call.f(...inputs);
    singleOutput = isTensor(result);
    return listOf(call.name, 'what the function returns', result);
  };
  const [outputs, tangents] = forwardJvp(checked, call.inputs, vector);
  const finish = (x: Tensor): Tensor => (call.createGraph ? x : detach(x));
  return [inStructure(singleOutput, outputs.map(finish)), inStructure(singleOutput, tangents.map(finish))];
}

/**
 * The Jacobian of `f` at `inputs`: shape [...output, ...input]; a list by input for a list of inputs, a list by output of these for a list of outputs.
 * Throws ArgumentError for anything but tensors, and AutogradError with `strict` where a result does not depend on an input.
 *
 * @example
 * autograd.functional.jacobian((x) => x.pow(2), tensor([1, 2])); // tensor([[2., 0.], [0., 4.]])
 */
export function jacobian<I extends Tensors, R extends Tensors>(
  f: TensorsFunction<I, R>,
  inputs: I,
  options: JacobianOptions = {},
): For<R, For<I, Tensor>> {
  const call = callOf('functional.jacobian', f, inputs, options, JACOBIAN_OPTIONS);
  const strategy = options.strategy ?? 'reverse-mode';
  if (!STRATEGIES.includes(strategy))
    throw new ArgumentError(`${call.name}: strategy is 'reverse-mode' or 'forward-mode', got ${describeValue(strategy)}`);
  return (strategy === 'forward-mode' ? byColumns(call, options.vectorize === true) : byRows(call, options.vectorize === true)) as never;
}

type Block = Tensors | readonly Tensors[];

/** Results for each member of a basis, all at once or one after the other, with the members in front. */
function overBasis(f: (member: Tensor) => Tensor[], basis: Tensor, vectorize: boolean): Tensor[] {
  const count = basis.shape[0] as number;
  if (vectorize || count === 0) return vmap(f)(basis);
  const rows = Array.from({ length: count }, (_, k) => f(reshape(sliceDim(basis, 0, k, 1), basis.shape.slice(1))));
  return (rows[0] as Tensor[]).map((_, i) =>
    catTensors(
      rows.map((row) => reshape(row[i] as Tensor, [1, ...(row[i] as Tensor).shape])),
      0,
    ),
  );
}

function byRows(call: Call, vectorize: boolean): Block {
  const { run, singleOutput } = runOf(call);
  const blocks = run.outputs.map((y) => {
    const pull = (g: Tensor): Tensor[] => withGradMode(call.createGraph, () => pullBack([y], [g], run, true));
    const rows = overBasis(pull, basisOf(y), vectorize).map((block, i) =>
      given(call, run, reshape(block, [...y.shape, ...(run.lifted[i] as Tensor).shape])),
    );
    return inStructure(call.single, rows);
  });
  return singleOutput ? (blocks[0] as Tensors) : blocks;
}

function byColumns(call: Call, vectorize: boolean): Block {
  if (call.strict) runOf(call);
  let singleOutput = true;
  const columns = call.inputs.map((x, which) => {
    const push = (direction: Tensor): Tensor[] => {
      const vector = call.inputs.map((other, i) => (i === which ? direction : structural().zeros(other.shape, other.type)));
      const tangents = forward({ ...call, createGraph: true }, vector)[1];
      singleOutput = isTensor(tangents);
      return isTensor(tangents) ? [tangents] : [...tangents];
    };
    return overBasis(push, basisOf(x), vectorize).map((block) => {
      const whole = reshape(moveDim(block, 0, block.ndim - 1), [...block.shape.slice(1), ...x.shape]);
      return call.createGraph ? whole : detach(whole);
    });
  });
  const blocks = (columns[0] as Tensor[]).map((_, output) =>
    inStructure(
      call.single,
      columns.map((column) => column[output] as Tensor),
    ),
  );
  return singleOutput ? (blocks[0] as Tensors) : blocks;
}

/** The one element that a function with a Hessian must return. */
function scalarOf(name: string, result: unknown): Tensor {
  if (!isTensor(result)) throw new ArgumentError(`${name}: the function must return one tensor, got ${describeValue(result)}`);
  if (result.size !== 1)
    throw new AutogradError(
      `${name}: the function must return a tensor of one element, got shape ${formatShape(result.shape)}: reduce it (sum, mean), or use jacobian`,
    );
  return reshape(result, []);
}

/** The gradient as a function of the inputs that can be differentiated again; what the function returned goes into `seen`. */
function gradientOf(call: Call, seen: { value: Tensor | null }): (...inputs: Tensor[]) => Tensor[] {
  return (...inputs) => {
    const whole = { ...call, inputs };
    const { run } = runOf({
      ...whole,
      f: (...xs: Tensor[]) => {
        const result = call.f(...xs);
        scalarOf(call.name, result);
        return result;
      },
    });
    const y = run.outputs[0] as Tensor;
    seen.value = released(y, run.own);
    return withGradMode(true, () => pullBack([y], [structural().ones(y.shape, y.type)], run, true));
  };
}

/**
 * The matrix of second derivatives of a function that returns one element: shape [...input, ...input], a list of lists for a list of inputs.
 * Throws AutogradError for a function that returns more than one element, and as `jacobian` does.
 *
 * @example
 * autograd.functional.hessian((x) => x.pow(3).sum(), tensor([1, 2])); // tensor([[ 6.,  0.], [ 0., 12.]])
 */
export function hessian<I extends Tensors>(f: TensorsFunction<I, Tensor>, inputs: I, options: HessianOptions = {}): For<I, For<I, Tensor>> {
  const call = callOf('functional.hessian', f, inputs, options, HESSIAN_OPTIONS);
  const strategy = options.outerJacobianStrategy ?? 'reverse-mode';
  if (!STRATEGIES.includes(strategy))
    throw new ArgumentError(`${call.name}: outerJacobianStrategy is 'reverse-mode' or 'forward-mode', got ${describeValue(strategy)}`);
  const outer: Call = { ...call, f: gradientOf({ ...call, createGraph: true }, { value: null }), single: call.single };
  const rows = strategy === 'forward-mode' ? byColumns(outer, options.vectorize === true) : byRows(outer, options.vectorize === true);
  return (call.single ? (rows as readonly Tensors[])[0] : rows) as never;
}

/**
 * The value of `f`, one element, and the product `v`ᵀH with its Hessian, by reverse mode twice. `v` has the structure and shapes of the inputs; it may
 * be left out (or null) for one input of one element. `hvp` gives the same for functions with continuous second derivatives.
 *
 * @example
 * const [y, product] = autograd.functional.vhp((x) => x.pow(3).sum(), tensor([1, 2]), tensor([1, 10]));
 * product; // tensor([  6., 120.])
 */
export function vhp<I extends Tensors>(
  f: TensorsFunction<I, Tensor>,
  inputs: I,
  v?: I | null,
  options: DerivativeOptions = {},
): [output: Tensor, vhp: For<I, Tensor>] {
  const call = callOf('functional.vhp', f, inputs, options, DERIVATIVE_OPTIONS);
  const vector = vectorFor(call.name, 'input', call.inputs, v);
  const seen: { value: Tensor | null } = { value: null };
  const { run } = runOf({ ...call, f: gradientOf({ ...call, createGraph: true }, seen) });
  const products = withGradMode(call.createGraph, () => pullBack(run.outputs, vector, run, false));
  return [given(call, run, seen.value as Tensor), inStructure(call.single, products)] as never;
}

/**
 * The value of `f`, one element, and the product H`v` with its Hessian, by forward mode over reverse mode. `v` as for `vhp`.
 *
 * @example
 * const [y, product] = autograd.functional.hvp((x) => x.pow(3).sum(), tensor([1, 2]), tensor([1, 10]));
 * product; // tensor([  6., 120.])
 */
export function hvp<I extends Tensors>(
  f: TensorsFunction<I, Tensor>,
  inputs: I,
  v?: I | null,
  options: DerivativeOptions = {},
): [output: Tensor, hvp: For<I, Tensor>] {
  const call = callOf('functional.hvp', f, inputs, options, DERIVATIVE_OPTIONS);
  const vector = vectorFor(call.name, 'input', call.inputs, v);
  const seen: { value: Tensor | null } = { value: null };
  const gradient = gradientOf({ ...call, createGraph: true }, seen);
  if (call.strict) runOf({ ...call, f: gradient });
  const value = (): Tensor => seen.value as Tensor;
  const withValue = (...xs: Tensor[]): Tensor[] => {
    const gs = gradient(...xs);
    return [value(), ...gs];
  };
  const [outputs, products] = forwardJvp(withValue, call.inputs, vector);
  const finish = (x: Tensor): Tensor => (call.createGraph ? x : detach(x));
  return [finish(outputs[0] as Tensor), inStructure(call.single, products.slice(1).map(finish))] as never;
}

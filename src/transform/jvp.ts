import { formatShape } from '../shape/shape.ts';
import { describeValue } from '../tensor/messages.ts';
import { structural } from '../tensor/structural.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, AutogradError, DTypeError, ShapeError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { ForwardMode, type Pair } from './forward.ts';
import { withInterpreter } from './interpret.ts';
import { companionsOf, flattenTree, mapTree, returnedLeaves } from './tree.ts';

/** What `jvp` returns: the value and its tangent, in the structure of what the function returned, and both as flat lists. */
export type JvpResult<R> = [output: R, tangent: R] & {
  readonly outputs: Tensor[];
  /** Null where a tangent is zero throughout. */
  readonly tangents: (Tensor | null)[];
};

export interface JvpOptions<Aux extends boolean = boolean> {
  /** The function returns `[output, aux]`; aux is handed through, without tangents. */
  readonly hasAux?: Aux;
  /** Refuse results that do not depend on the inputs, instead of giving zeros for them. */
  readonly strict?: boolean;
}

const JVP_OPTIONS: ReadonlySet<string> = new Set(['hasAux', 'strict']);

/**
 * Forward mode: the value of `f` at `inputs` and its Jacobian-vector product with `tangents`, in one pass. Inputs and results are tensors, or arrays
 * and objects of them. Each tangent has the shape of its input; null stands for zero. In-place operations write into the inputs themselves.
 * Throws ArgumentError where the structures differ, ShapeError or DTypeError where a tangent does not fit its input.
 *
 * @example
 * const [y, dy] = jvp((x) => x.pow(2), [tensor([3])], [tensor([1])]);
 * y; // tensor([9.])
 * dy; // tensor([6.])
 */
export function jvp<R>(
  f: (...inputs: Tensor[]) => R,
  inputs: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
  options?: JvpOptions<false>,
): JvpResult<R>;
export function jvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  inputs: A,
  tangents: { readonly [K in keyof A]: A[K] | null },
  options?: JvpOptions<false>,
): JvpResult<R>;
export function jvp<A extends readonly unknown[], R, Aux>(
  f: (...args: A) => readonly [R, Aux],
  inputs: A,
  tangents: { readonly [K in keyof A]: A[K] | null },
  options: JvpOptions<true>,
): [output: R, tangent: R, aux: Aux];
export function jvp(
  f: (...args: never[]) => unknown,
  inputs: readonly unknown[],
  tangents: readonly unknown[],
  options: JvpOptions = {},
): unknown {
  checkOptions('jvp', options, JVP_OPTIONS);
  if (!Array.isArray(inputs) || !Array.isArray(tangents))
    throw new ArgumentError('jvp: inputs and tangents are arrays with an entry for each argument');
  if (inputs.length !== tangents.length) throw new ArgumentError(`jvp: got ${tangents.length} tangents for ${inputs.length} inputs`);
  const { leaves, structure } = flattenTree(inputs);
  if (leaves.length === 0) throw new ArgumentError(`jvp: the inputs hold no tensor, got ${inputs.map(describeValue).join(', ')}`);
  const directions = inputs.flatMap((x, i) => companionsOf('jvp', `tangent ${i}`, x, tangents[i]));
  leaves.forEach((x, i) => {
    checkTangent('jvp', `tangent ${i}`, x, directions[i] as Tensor | null);
  });
  return withInterpreter((level) => {
    const forward = new ForwardMode(level, false);
    try {
      const lifted = leaves.map((x, i) => forward.lift(x, directions[i] as Tensor | null));
      const result = f(...(structure.rebuild(lifted) as never[]));
      const [value, aux] = options.hasAux === true ? pairOf('jvp', result) : [result, undefined];
      const found = resultOf(forward, value, options.strict === true);
      if (options.hasAux === true) found.push(mapTree(aux, (x) => forward.unpack(x).primal));
      return found;
    } finally {
      forward.end();
    }
  });
}

/** @internal Refuses a tangent whose shape or dtype is not that of its primal. */
export function checkTangent(name: string, role: string, primal: Tensor, tangent: Tensor | null): void {
  if (tangent === null) return;
  if (formatShape(tangent.shape) !== formatShape(primal.shape)) {
    throw new ShapeError(
      `${name}: ${role} has shape ${formatShape(tangent.shape)}, its input ${formatShape(primal.shape)}: they must be equal`,
    );
  }
  if (!primal.type.isFloat && !primal.type.isComplex)
    throw new DTypeError(`${name}: a tensor of dtype ${primal.dtype} has no tangent: cast it to a floating dtype, or give null`);
  if (!tangent.type.isFloat && !tangent.type.isComplex)
    throw new DTypeError(`${name}: ${role} has dtype ${tangent.dtype}: a tangent must be floating, like its input (${primal.dtype})`);
  if (tangent.type.isComplex && !primal.type.isComplex)
    throw new DTypeError(`${name}: ${role} is complex, but its input has dtype ${primal.dtype}`);
}

/** @internal What a function with auxiliary results returned. */
export function pairOf(name: string, result: unknown): [unknown, unknown] {
  if (!Array.isArray(result) || result.length !== 2)
    throw new ArgumentError(`${name}: with hasAux the function must return [output, aux], got ${describeValue(result)}`);
  return result as [unknown, unknown];
}

function resultOf(forward: ForwardMode, value: unknown, strict: boolean): unknown[] {
  const { leaves, structure } = returnedLeaves('jvp', value);
  const pairs: Pair[] = leaves.map((y) => forward.unpack(y));
  const missing = strict ? pairs.findIndex(({ tangent }) => tangent === null) : -1;
  if (missing >= 0)
    throw new AutogradError(
      `jvp: with strict, every result must depend on the inputs, but result ${missing} does not: leave strict out for zeros`,
    );
  const result = [
    structure.rebuild(pairs.map(({ primal }) => primal)),
    structure.rebuild(pairs.map(({ primal, tangent }) => tangent ?? structural().zeros(primal.shape, primal.type))),
  ];
  Object.defineProperty(result, 'outputs', { value: pairs.map(({ primal }) => primal) });
  Object.defineProperty(result, 'tangents', { value: pairs.map(({ tangent }) => tangent) });
  return result;
}

import { catTensors } from '../ops/join.ts';
import { sliceDim } from '../ops/movement.ts';
import { eye } from '../ops/ranges.ts';
import { moveDim, reshape } from '../ops/structural.ts';
import { structural } from '../tensor/structural.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { type Argnums, type JacobianOf, type Picked, positionsOf } from './argnums.ts';
import { jvp, pairOf } from './jvp.ts';
import { released } from './lifted.ts';
import { pullBack, record } from './reverse.ts';
import { flattenTree, returnedLeaves, type Structure } from './tree.ts';
import { checkChunk, vmap } from './vmap.ts';

/** Whole Jacobians: one row or column for each element, all computed as one batch. */

type AnyFunction = (...args: never[]) => unknown;

export interface JacobianOptions<N extends Argnums = Argnums, Aux extends boolean = boolean> {
  /** Which arguments are differentiated: a position (default 0), or a list of them. */
  readonly argnums?: N;
  /** `f` returns `[output, aux]`; the result is `[jacobian, aux]`. */
  readonly hasAux?: Aux;
  /** How many rows or columns are computed at once; all of them by default. Less takes less memory. */
  readonly chunkSize?: number | null;
}

const JACOBIAN_OPTIONS: ReadonlySet<string> = new Set(['argnums', 'hasAux', 'chunkSize']);

/** The unit vectors of a tensor's elements: [size, ...shape]. */
export function basisOf(x: Tensor): Tensor {
  return reshape(eye(x.size, null, { dtype: x.type.name }), [x.size, ...x.shape]);
}

/** Runs a batched function on pieces of at most `chunk` members of a basis and joins the results. */
function chunked(f: (basis: Tensor) => readonly Tensor[], basis: Tensor, chunk: number | null | undefined): readonly Tensor[] {
  const total = basis.shape[0] as number;
  if (chunk === null || chunk === undefined || chunk >= total || total === 0) return f(basis);
  const parts: (readonly Tensor[])[] = [];
  for (let at = 0; at < total; at += chunk) parts.push(f(sliceDim(basis, 0, at, Math.min(chunk, total - at))));
  return (parts[0] as readonly Tensor[]).map((_, i) =>
    catTensors(
      parts.map((part) => part[i] as Tensor),
      0,
    ),
  );
}

/**
 * The Jacobian of `f` by reverse mode: shape [...output, ...input]. Best where the output is the smaller of the two. For several results or
 * arguments: the structure of the results, and in the place of each tensor the structure of the arguments. Throws ArgumentError where the function
 * returns anything but tensors, DTypeError for arguments that are not floating.
 *
 * @example
 * jacrev((x) => x.pow(2))(tensor([1, 2])); // tensor([[2., 0.], [0., 4.]])
 */
export function jacrev<R, const N extends Argnums = 0>(
  f: (...args: Tensor[]) => R,
  options?: JacobianOptions<N, false>,
): (...args: Tensor[]) => JacobianOf<R, Picked<Tensor[], N>>;
export function jacrev<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options?: JacobianOptions<N, false>,
): (...args: A) => JacobianOf<R, Picked<A, N>>;
export function jacrev<A extends readonly unknown[], R, Aux, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, Aux],
  options: JacobianOptions<N, true>,
): (...args: A) => [jacobian: JacobianOf<R, Picked<A, N>>, aux: Aux];
export function jacrev(f: AnyFunction, options: JacobianOptions = {}): (...args: never[]) => unknown {
  checkOptions('jacrev', options, JACOBIAN_OPTIONS);
  checkChunk('jacrev', options.chunkSize);
  return (...args) => {
    const { single, positions } = positionsOf('jacrev', options.argnums ?? 0, args.length);
    const run = record('jacrev', f, args, positions, options.hasAux === true);
    const rows = run.outputs.map((y) => {
      const pull = (g: Tensor): Tensor[] => pullBack([y], [g], run, true);
      const found = chunked((basis) => vmap(pull)(basis), basisOf(y), options.chunkSize);
      const blocks = found.map((block, i) => released(reshape(block, [...y.shape, ...(run.lifted[i] as Tensor).shape]), run.own));
      const parts = run.rebuild.map((build) => build(blocks));
      return single ? parts[0] : parts;
    });
    const jacobian = run.structure.rebuild(rows);
    return options.hasAux === true ? [jacobian, run.aux] : jacobian;
  };
}

/**
 * The Jacobian of `f` by forward mode: shape [...output, ...input]. Best where the input is the smaller of the two. Results and arguments as those of
 * `jacrev`.
 *
 * @example
 * jacfwd((x) => x.pow(2))(tensor([1, 2])); // tensor([[2., 0.], [0., 4.]])
 */
export function jacfwd<R, const N extends Argnums = 0>(
  f: (...args: Tensor[]) => R,
  options?: JacobianOptions<N, false>,
): (...args: Tensor[]) => JacobianOf<R, Picked<Tensor[], N>>;
export function jacfwd<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options?: JacobianOptions<N, false>,
): (...args: A) => JacobianOf<R, Picked<A, N>>;
export function jacfwd<A extends readonly unknown[], R, Aux, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, Aux],
  options: JacobianOptions<N, true>,
): (...args: A) => [jacobian: JacobianOf<R, Picked<A, N>>, aux: Aux];
export function jacfwd(f: AnyFunction, options: JacobianOptions = {}): (...args: never[]) => unknown {
  checkOptions('jacfwd', options, JACOBIAN_OPTIONS);
  checkChunk('jacfwd', options.chunkSize);
  return (...args) => {
    const { single, positions } = positionsOf('jacfwd', options.argnums ?? 0, args.length);
    const trees = positions.map((at) => flattenTree(args[at]));
    trees.forEach(({ leaves }, i) => {
      if (leaves.length === 0) throw new ArgumentError(`jacfwd: argument ${positions[i]} has no tensors to differentiate with respect to`);
    });
    const inputs = trees.flatMap(({ leaves }) => leaves);
    const results = { structure: null as Structure | null, aux: undefined as unknown };
    // By input, then by output.
    const columns = inputs.map((x, which) => {
      const push = (direction: Tensor): Tensor[] => {
        const tangents = inputs.map((_, i) => (i === which ? direction : null));
        return pushed(f, args, positions, trees, tangents, options.hasAux === true, results);
      };
      return chunked((basis) => vmap(push)(basis), basisOf(x), options.chunkSize).map((block) =>
        reshape(moveDim(block, 0, block.ndim - 1), [...block.shape.slice(1), ...x.shape]),
      );
    });
    const structure = results.structure as Structure;
    const blocks = Array.from({ length: structure.count }, (_, output) => {
      let at = 0;
      const parts = trees.map((tree) => tree.structure.rebuild(tree.leaves.map(() => columns[at++]?.[output])));
      return single ? parts[0] : parts;
    });
    const jacobian = structure.rebuild(blocks);
    return options.hasAux === true ? [jacobian, results.aux] : jacobian;
  };
}

/** The tangents of all results for tangents of the leaves of the differentiated arguments; what else was found goes into `results`. */
function pushed(
  f: AnyFunction,
  args: readonly unknown[],
  positions: readonly number[],
  trees: readonly { readonly leaves: readonly Tensor[]; readonly structure: Structure }[],
  tangents: readonly (Tensor | null)[],
  hasAux: boolean,
  results: { structure: Structure | null; aux: unknown },
): Tensor[] {
  const inputs = trees.flatMap(({ leaves }) => leaves);
  const onLeaves = (...leaves: Tensor[]): readonly [Tensor[], unknown] => {
    const call = [...args];
    let from = 0;
    trees.forEach(({ leaves: own, structure }, i) => {
      call[positions[i] as number] = structure.rebuild(leaves.slice(from, from + own.length));
      from += own.length;
    });
    const result = f(...(call as never[]));
    const [output, aux] = hasAux ? pairOf('jacfwd', result) : [result, undefined];
    const found = returnedLeaves('jacfwd', output);
    results.structure = found.structure;
    return [found.leaves, aux];
  };
  const [outputs, found, aux] = jvp(onLeaves, inputs as never, tangents as never, { hasAux: true }) as unknown as [
    Tensor[],
    Tensor[],
    unknown,
  ];
  results.aux = aux;
  return found.map((t, i) => t ?? structural().zeros((outputs[i] as Tensor).shape, (outputs[i] as Tensor).type));
}

/**
 * The matrix of second derivatives of a function that returns one number: forward mode over reverse mode. Shape [...input, ...input]; for several
 * arguments, a list of lists. With `hasAux` the result is `[hessian, aux]`.
 *
 * @example
 * hessian((x) => x.pow(3).sum())(tensor([1, 2])); // tensor([[ 6.,  0.], [ 0., 12.]])
 */
export function hessian<R, const N extends Argnums = 0>(
  f: (...args: Tensor[]) => R,
  options?: JacobianOptions<N, false>,
): (...args: Tensor[]) => JacobianOf<JacobianOf<R, Picked<Tensor[], N>>, Picked<Tensor[], N>>;
export function hessian<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options?: JacobianOptions<N, false>,
): (...args: A) => JacobianOf<JacobianOf<R, Picked<A, N>>, Picked<A, N>>;
export function hessian<A extends readonly unknown[], R, Aux, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, Aux],
  options: JacobianOptions<N, true>,
): (...args: A) => [hessian: JacobianOf<JacobianOf<R, Picked<A, N>>, Picked<A, N>>, aux: Aux];
export function hessian(f: AnyFunction, options: JacobianOptions = {}): (...args: never[]) => unknown {
  return jacfwd(jacrev(f as never, options as never) as never, options as never) as never;
}

import { catTensors } from '../ops/join.ts';
import { sliceDim } from '../ops/movement.ts';
import { eye, zerosLike } from '../ops/ranges.ts';
import { moveDim, reshape } from '../ops/structural.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { jvp } from './jvp.ts';
import { linearised, released } from './reverse.ts';
import { vmap } from './vmap.ts';

/** Whole Jacobians: one row or column for each element, all computed as one batch. */

type TensorFunction = (...args: Tensor[]) => Tensor;

export interface JacobianOptions {
  /** Which argument is differentiated. Default 0. */
  readonly argnums?: number;
  /** How many rows or columns are computed at once; all of them by default. */
  readonly chunkSize?: number | null;
}

/** The unit vectors of a tensor's elements: [size, ...shape]. */
function basisOf(x: Tensor): Tensor {
  return reshape(eye(x.size, null, { dtype: x.type.name }), [x.size, ...x.shape]);
}

/** Runs a batched function on pieces of at most `chunk` members and joins the results. */
function chunked(f: (basis: Tensor) => Tensor, basis: Tensor, chunk: number | null | undefined): Tensor {
  const total = basis.shape[0] as number;
  if (chunk === null || chunk === undefined || chunk >= total || total === 0) return f(basis);
  if (!Number.isInteger(chunk) || chunk < 1) throw new ArgumentError(`chunkSize must be a whole number above 0, got ${chunk}`);
  const parts: Tensor[] = [];
  for (let at = 0; at < total; at += chunk) parts.push(f(sliceDim(basis, 0, at, Math.min(chunk, total - at))));
  return catTensors(parts, 0);
}

function argumentOf(name: string, args: readonly Tensor[], argnums: number): Tensor {
  const x = args[argnums];
  if (!isTensor(x)) throw new ArgumentError(`${name}: argument ${argnums} must be a tensor, got ${describeValue(x)}`);
  return x;
}

/** `f` as a function of the one argument that is differentiated. */
function partialOf(f: TensorFunction, args: readonly Tensor[], argnums: number): (x: Tensor) => Tensor {
  return (x) => f(...args.map((a, i) => (i === argnums ? x : a)));
}

/**
 * The Jacobian of `f` by reverse mode: shape [...output, ...input]. Best where the output is the smaller of the two.
 *
 * @example
 * jacrev((x) => x.pow(2))(tensor([1, 2])); // tensor([[2., 0.], [0., 4.]])
 */
export function jacrev(f: TensorFunction, options: JacobianOptions = {}): TensorFunction {
  const argnums = options.argnums ?? 0;
  return (...args) => {
    const x = argumentOf('jacrev', args, argnums);
    const { value, pull, own } = linearised('jacrev', partialOf(f, args, argnums) as never, [x]);
    if (!isTensor(value)) throw new ArgumentError('jacrev: the function must return one tensor');
    const rows = chunked((basis) => vmap((g) => pull(g)[0] as Tensor)(basis), basisOf(value), options.chunkSize);
    return released(reshape(rows, [...value.shape, ...x.shape]), own);
  };
}

/**
 * The Jacobian of `f` by forward mode: shape [...output, ...input]. Best where the input is the smaller of the two.
 *
 * @example
 * jacfwd((x) => x.pow(2))(tensor([1, 2])); // tensor([[2., 0.], [0., 4.]])
 */
export function jacfwd(f: TensorFunction, options: JacobianOptions = {}): TensorFunction {
  const argnums = options.argnums ?? 0;
  return (...args) => {
    const x = argumentOf('jacfwd', args, argnums);
    const column = (t: Tensor): Tensor => {
      const { outputs, tangents } = jvp(partialOf(f, args, argnums), [x], [t]);
      return tangents[0] ?? zerosLike(outputs[0] as Tensor);
    };
    const columns = chunked((basis) => vmap(column)(basis), basisOf(x), options.chunkSize);
    return reshape(moveDim(columns, 0, columns.ndim - 1), [...columns.shape.slice(1), ...x.shape]);
  };
}

/**
 * The matrix of second derivatives of a function that returns one number: forward mode over reverse mode.
 *
 * @example
 * hessian((x) => x.pow(3).sum())(tensor([1, 2])); // tensor([[ 6.,  0.], [ 0., 12.]])
 */
export function hessian(f: TensorFunction, options: JacobianOptions = {}): TensorFunction {
  return jacfwd(jacrev(f, options), options);
}

/**
 * The value of `f` at `inputs` and the linear function that maps tangents of the inputs to the tangent of the value.
 *
 * @example
 * const [y, push] = linearize((x) => x.pow(2), tensor([3]));
 * push(tensor([1])); // tensor([6.])
 */
export function linearize(f: TensorFunction, ...inputs: Tensor[]): [Tensor, (...tangents: Tensor[]) => Tensor] {
  const value = f(...inputs);
  return [
    value,
    (...tangents) => {
      const { tangents: found } = jvp(f, inputs, tangents);
      return found[0] ?? zerosLike(value);
    },
  ];
}

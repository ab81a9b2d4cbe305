import { t } from '../../op/contract.ts';
import { broadcastShapes } from '../../shape/broadcast.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyMany } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ShapeError } from '../../util/errors.ts';

import { compositeOperator, described, makeOperator, requireTensor } from '../family.ts';
import { type NamedResults, namedResults } from '../results.ts';
import { reshape } from '../structural.ts';
import type { CheckedFactor, SquareFunction } from '../types.ts';
import {
  asColumn,
  identity,
  minus,
  negated,
  product,
  requireDecomposable,
  requireOneType,
  requireSquare,
  transposed,
  withBatch,
} from './algebra.ts';
import { type CheckErrorsOptions, luOf, requireNoInfo, solveFactored } from './lu.ts';

const SINGULAR = 'the matrix is singular: a pivot is 0';

interface SolveParams {
  readonly name: string;
  /** Throw where a matrix is singular. */
  readonly check: boolean;
}

/** [X, info] of A X = B with one batch: dX = A⁻¹ (dB − dA X). */
const solveOperator = makeOperator<SolveParams>({
  name: 'linalg.solveEx',
  forward: ([A, B], { name, check }) => {
    const [lu, pivots, info] = luOf(A as Tensor);
    if (check) requireNoInfo(name, info, SINGULAR);
    return [solveFactored(lu, pivots, B as Tensor), info];
  },
  derivative: {
    kind: 'rules',
    saves: { inputs: [0], outputs: [0] },
    vjp: ([g], context) => {
      if (g === null || g === undefined) return [null, null];
      const gB = solvedWith(transposed(context.input(0)), g);
      return [context.needs(0) ? negated(product(gB, transposed(context.output(0)))) : null, gB];
    },
    jvp: ([dA, dB], context) => {
      const moved = dA === null || dA === undefined ? null : product(dA, context.output(0));
      const right = moved === null ? (dB ?? null) : dB === null || dB === undefined ? negated(moved) : minus(dB, moved);
      return [right === null ? null : solvedWith(context.input(0), right), null];
    },
  },
  batching: { kind: 'leading' },
});

/** A⁻¹ B for matrices of one batch: for other operators. Infinities where A is singular. */
export function solvedWith(A: Tensor, B: Tensor): Tensor {
  return (applyMany(solveOperator, [A, B], { name: 'linalg.solve', check: false }) as [Tensor, Tensor])[0];
}

/** Whether B holds vectors and not matrices: PyTorch's rule. */
function isVector(A: Tensor, B: Tensor): boolean {
  return B.ndim === 1 || (A.ndim - 1 === B.ndim && B.shape.every((size, i) => size === A.shape[i]));
}

interface SystemParams extends SolveParams {
  readonly left: boolean;
}

const systemOperator = compositeOperator<SystemParams>('linalg.solve', ([A, B], { left, ...params }) => {
  const [matrix, right] = [A as Tensor, B as Tensor];
  const vector = isVector(matrix, right);
  const columns = vector ? asColumn(right) : left ? right : transposed(right);
  const batch = broadcastShapes(params.name, matrix.shape.slice(0, -2), columns.shape.slice(0, -2));
  const a = withBatch(left ? matrix : transposed(matrix), batch, 2);
  const [x, info] = applyMany(solveOperator, [a, withBatch(columns, batch, 2)], params) as [Tensor, Tensor];
  return [vector ? reshape(x, x.shape.slice(0, -1)) : left ? x : transposed(x), info];
});

export interface SolveOptions {
  /** Solve A X = B (the default) or X A = B. */
  readonly left?: boolean;
}

function solveSystem(A: Tensor, B: Tensor, params: SystemParams): [Tensor, Tensor] {
  const { name, left } = params;
  requireSquare(name, A);
  requireTensor(name, 'B', B);
  requireDecomposable(name, B.type);
  requireOneType(name, A, B);
  if (B.ndim === 0) throw new ShapeError(`${name}: B must have at least 1 dimension, got ${formatShape(B.shape)}`);
  const vector = isVector(A, B);
  if (vector && !left) throw new ShapeError(`${name}: left false needs matrices B, got vectors of shape ${formatShape(B.shape)}`);
  if (B.shape.at(vector || !left ? -1 : -2) !== A.shape.at(-1)) {
    throw new ShapeError(`${name}: A of shape ${formatShape(A.shape)} does not fit B of shape ${formatShape(B.shape)}`);
  }
  broadcastShapes(name, A.shape.slice(0, -2), B.shape.slice(0, vector ? -1 : -2));
  return applyMany(systemOperator, [A, B], params) as [Tensor, Tensor];
}

const solveSamples = [
  { args: [t([3, 3]), t([3])] },
  { args: [t([2, 3, 3]), t([3, 2])] },
  { args: [t([2, 3, 3]), t([2, 3])] },
  { args: [t([3, 3]), t([2, 3]), { left: false }] },
  { args: [t([0, 0]), t([0, 2])] },
];
const solveBad = [
  { args: [t([2, 3]), t([2])], error: /square/ },
  { args: [t([2, 2]), t([3])], error: /does not fit/ },
];

/**
 * Solves A X = B (or X A = B with `left: false`) for square matrices. B holds matrices, or vectors if it has one dimension or the shape of A without the last.
 * Leading dimensions broadcast. float32 or float64, one dtype for both. Throws ArgumentError where A is singular.
 *
 * @example
 * linalg.solve(tensor([[2, 0], [0, 4]]), tensor([2, 8])); // tensor([1., 2.])
 */
export const solve = described(
  'linalg.solve',
  (A: Tensor, B: Tensor, { left = true }: SolveOptions = {}): Tensor => solveSystem(A, B, { name: 'linalg.solve', left, check: true })[0],
  {
    signature: 'A, B, *, left',
    samples: solveSamples,
    bad: [...solveBad, { args: [t([2, 2], { values: [1, 1, 1, 1] }), t([2])], error: /singular/ }],
  },
);

/**
 * `solve` that does not throw where A is singular: `info` (int32, for each matrix) says at which step, from 1 on; 0 where it is not. `checkErrors`: throw.
 *
 * @example
 * linalg.solveEx(tensor([[2, 0], [0, 4]]), tensor([2, 8])).info; // tensor(0, dtype=int32)
 */
export const solveEx = described(
  'linalg.solveEx',
  (A: Tensor, B: Tensor, { left = true, checkErrors = false }: SolveOptions & CheckErrorsOptions = {}): NamedResults<'result' | 'info'> =>
    namedResults(['result', 'info'], solveSystem(A, B, { name: 'linalg.solveEx', left, check: checkErrors })),
  { signature: 'A, B, *, left, check_errors', samples: solveSamples, bad: solveBad },
);

/** [A⁻¹, info]: dX = −X dA X. */
const inverseOperator = makeOperator<SolveParams>({
  name: 'linalg.invEx',
  forward: ([A], { name, check }) => {
    const matrix = A as Tensor;
    const [lu, pivots, info] = luOf(matrix);
    if (check) requireNoInfo(name, info, SINGULAR);
    const n = matrix.shape.at(-1) as number;
    return [solveFactored(lu, pivots, withBatch(identity(n, matrix.type), matrix.shape.slice(0, -2), 2)), info];
  },
  derivative: {
    kind: 'rules',
    saves: { outputs: [0] },
    vjp: ([g], context) => {
      if (g === null || g === undefined) return [null];
      const x = transposed(context.output(0));
      return [negated(product(x, g, x))];
    },
    jvp: ([dA], context) => [dA === null || dA === undefined ? null : negated(product(context.output(0), dA, context.output(0))), null],
  },
  batching: { kind: 'leading' },
});

/** A⁻¹: for other operators. Infinities where A is singular. */
export function inverseOf(A: Tensor): Tensor {
  return (applyMany(inverseOperator, [A], { name: 'linalg.inv', check: false }) as [Tensor, Tensor])[0];
}

const squareSamples = [{ args: [t([3, 3])] }, { args: [t([2, 2, 2])] }, { args: [t([0, 0])] }];
const squareBad = [{ args: [t([2, 3])], error: /square/ }];

function inverseNamed(name: string, role: string): SquareFunction<'inv'> {
  return described(
    name,
    (A: Tensor): Tensor => {
      requireSquare(name, A, role);
      return (applyMany(inverseOperator, [A], { name, check: true }) as [Tensor, Tensor])[0];
    },
    { signature: role, samples: squareSamples, bad: [...squareBad, { args: [t([2, 2], { values: [1, 1, 1, 1] })], error: /singular/ }] },
  );
}

/**
 * The inverse of a square matrix, or of each of a batch. float32 or float64. Throws ArgumentError where one is singular; prefer `solve` to a product with it.
 *
 * @example
 * linalg.inv(tensor([[2, 0], [0, 4]])); // tensor([[0.5000, 0.0000], [0.0000, 0.2500]])
 */
export const inv = inverseNamed('linalg.inv', 'A');
/**
 * `linalg.inv` under another name.
 *
 * @example
 * inverse(tensor([[2, 0], [0, 4]])); // tensor([[0.5000, 0.0000], [0.0000, 0.2500]])
 */
export const inverse = inverseNamed('inverse', 'input');

/**
 * `inv` that does not throw where A is singular: `info` (int32, for each matrix) says at which step, from 1 on; 0 where it is not. `checkErrors`: throw.
 *
 * @example
 * linalg.invEx(tensor([[2, 0], [0, 4]])).info; // tensor(0, dtype=int32)
 */
export const invEx: CheckedFactor<'invEx', 'inverse', CheckErrorsOptions> = described(
  'linalg.invEx',
  (A: Tensor, { checkErrors = false }: CheckErrorsOptions = {}): NamedResults<'inverse' | 'info'> => {
    requireSquare('linalg.invEx', A);
    return namedResults(['inverse', 'info'], applyMany(inverseOperator, [A], { name: 'linalg.invEx', check: checkErrors }));
  },
  { signature: 'A, *, check_errors', samples: squareSamples, bad: squareBad },
);

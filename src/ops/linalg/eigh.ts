import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyMany, applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError } from '../../util/errors.ts';
import { emptyTensor } from '../create.ts';
import { callMap, compositeOperator, described, makeOperator, mapOperator } from '../family.ts';
import { type NamedResults, namedResults } from '../results.ts';
import type { EigenFunction, EigenvaluesFunction } from '../types.ts';
import {
  asColumn,
  asRow,
  diagonalMatrix,
  diagonalPart,
  identity,
  packed,
  product,
  requireSquare,
  sumOfTerms,
  times,
  transposed,
} from './algebra.ts';
import { eigh as decomposeEigh } from './decomposition-kernels.ts';

interface EighParams {
  readonly name: string;
  readonly upper: boolean;
}

/** x / (λⱼ − λᵢ) outside of the diagonal, 0 on it. */
const QUOTIENT = mapOperator('eighQuotient', 4, 0, ([x, row, column, one]) =>
  S.select(S.ne(one as S.Expr, 0), 0, S.div(x as S.Expr, S.sub(row as S.Expr, column as S.Expr))),
);

function overGaps(x: Tensor, values: Tensor): Tensor {
  return callMap(QUOTIENT, [x, asRow(values), asColumn(values), identity(values.shape.at(-1) as number, x.type)], [], x.type);
}

/** M. Giles, "An extended collection of matrix derivative results" (2008), 3.1. Vectors of equal eigenvalues have no derivative. */
const operator = makeOperator<EighParams>({
  name: 'linalg.eigh',
  forward: ([A], { name, upper }) => {
    const source = packed(A as Tensor);
    const [values, vectors] = [emptyTensor(source.shape.slice(0, -1), source.type), emptyTensor(source.shape, source.type)];
    if (!decomposeEigh(values, vectors, source, upper)) {
      throw new ArgumentError(`${name}: the input ${formatShape(source.shape)} has elements that are not finite`);
    }
    return [values, vectors];
  },
  derivative: {
    kind: 'rules',
    saves: { outputs: [0, 1] },
    vjp: ([gL, gV], context) => {
      const [values, v] = [context.output(0), context.output(1)];
      if (gV === null || gV === undefined) return [gL === null || gL === undefined ? null : product(times(v, asRow(gL)), transposed(v))];
      const turned = overGaps(product(transposed(v), gV), values);
      return [product(v, sumOfTerms(turned, gL === null || gL === undefined ? null : diagonalMatrix(gL)) as Tensor, transposed(v))];
    },
    jvp: ([dA], context) => {
      if (dA === null || dA === undefined) return [null, null];
      const v = context.output(1);
      const inner = product(transposed(v), dA, v);
      return [diagonalPart(inner), product(v, overGaps(inner, context.output(0)))];
    },
  },
  batching: { kind: 'leading' },
});

/** Eigenvalues, ascending, and vectors of checked symmetric matrices: for other operators. */
export function eighOf(name: string, A: Tensor, upper = false): [Tensor, Tensor] {
  return applyMany(operator, [A], { name, upper }) as [Tensor, Tensor];
}

const valuesOperator = compositeOperator<boolean>('linalg.eigvalsh', ([A], upper) => eighOf('linalg.eigvalsh', A as Tensor, upper)[0]);

function isUpper(name: string, UPLO: string): boolean {
  if (UPLO === 'U' || UPLO === 'u') return true;
  if (UPLO === 'L' || UPLO === 'l') return false;
  throw new ArgumentError(`${name}: UPLO must be 'L' or 'U', got ${String(UPLO)}`);
}

const note = { skipNumericGradient: true, note: 'finite differences leave the symmetric matrices' };
const samples = [{ args: [t([2, 2], { values: [2, 1, 1, 3] })], ...note }, { args: [t([2, 3, 3]), 'U'], ...note }, { args: [t([0, 0])] }];
const bad = [
  { args: [t([2, 3])], error: /square/ },
  { args: [t([2, 2]), 'X'], error: /UPLO/ },
];

/**
 * Eigenvalues (ascending) and orthonormal eigenvectors (in columns) of symmetric matrices, by Jacobi rotations. Only one triangle is read: the lower, or with
 * UPLO 'U' the upper. float32 or float64. Signs of vectors are arbitrary: a gradient is right for functions that do not depend on them, and exists where
 * eigenvalues differ. Throws ArgumentError where an element is not finite.
 *
 * @example
 * linalg.eigh(tensor([[2, 1], [1, 2]])).eigenvalues; // tensor([1., 3.])
 */
export const eigh: EigenFunction<'eigh'> = described(
  'linalg.eigh',
  (A: Tensor, UPLO = 'L'): NamedResults<'eigenvalues' | 'eigenvectors'> => {
    requireSquare('linalg.eigh', A);
    return namedResults(['eigenvalues', 'eigenvectors'], eighOf('linalg.eigh', A, isUpper('linalg.eigh', UPLO)));
  },
  { signature: 'A, UPLO?', samples, bad },
);

/**
 * Eigenvalues of symmetric matrices, ascending: see `linalg.eigh`. Differentiable for equal ones too.
 *
 * @example
 * linalg.eigvalsh(tensor([[2, 1], [1, 2]])); // tensor([1., 3.])
 */
export const eigvalsh: EigenvaluesFunction<'eigvalsh'> = described(
  'linalg.eigvalsh',
  (A: Tensor, UPLO = 'L'): Tensor => {
    requireSquare('linalg.eigvalsh', A);
    return applyOne(valuesOperator, [A], isUpper('linalg.eigvalsh', UPLO));
  },
  { signature: 'A, UPLO?', samples, bad },
);

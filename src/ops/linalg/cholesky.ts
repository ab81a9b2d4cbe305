import { INT32 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import { applyMany, applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { emptyTensor } from '../create.ts';
import { compositeOperator, described, makeOperator } from '../family.ts';
import { scaled } from '../reduction.ts';
import { type NamedResults, namedResults } from '../results.ts';
import { triangleOf } from '../triangular.ts';
import type { CheckedFactor, SquareFunction } from '../types.ts';
import {
  identity,
  lowerHalf,
  packed,
  plus,
  product,
  requireMatrices,
  requireSquare,
  symmetricSum,
  transposed,
  withBatch,
} from './algebra.ts';
import { cholesky as factorCholesky } from './decomposition-kernels.ts';
import { type CheckErrorsOptions, requireNoInfo } from './lu.ts';
import { requireRightSide, solveTriangle, withCommonBatch } from './triangular-solve.ts';

const LOWER = { upper: false, unit: false };
const UPPER = { upper: true, unit: false };

interface CholeskyParams {
  readonly name: string;
  readonly check: boolean;
}

/** X L⁻¹. */
function dividedBy(x: Tensor, l: Tensor): Tensor {
  return transposed(solveTriangle(transposed(l), transposed(x), UPPER));
}

/**
 * [L, info]. With Φ the lower triangle with half the diagonal, dL = L Φ(L⁻¹ dA L⁻ᵀ): I. Murray, "Differentiation of the Cholesky decomposition" (2016).
 * Both are those of the symmetric part of A, as if both triangles were read.
 */
const choleskyOperator = makeOperator<CholeskyParams>({
  name: 'linalg.choleskyEx',
  forward: ([A], { name, check }) => {
    const source = packed(A as Tensor);
    const [factor, info] = [emptyTensor(source.shape, source.type), emptyTensor(source.shape.slice(0, -2), INT32)];
    factorCholesky(factor, info, source);
    if (check) requireNoInfo(name, info, 'the matrix is not positive definite: a leading minor is not positive');
    return [factor, info];
  },
  derivative: {
    kind: 'rules',
    saves: { outputs: [0] },
    vjp: ([g], context) => {
      if (g === null || g === undefined) return [null];
      const l = context.output(0);
      const inner = triangleOf('tril', product(transposed(l), g));
      const symmetric = plus(inner, transposed(triangleOf('tril', inner, -1)));
      return [scaled(dividedBy(solveTriangle(transposed(l), symmetric, UPPER), l), 0.5)];
    },
    jvp: ([dA], context) => {
      if (dA === null || dA === undefined) return [null, null];
      const l = context.output(0);
      const symmetric = scaled(symmetricSum(dA), 0.5);
      const inner = solveTriangle(l, transposed(solveTriangle(l, symmetric, LOWER)), LOWER);
      return [product(l, lowerHalf(inner)), null];
    },
  },
  batching: { kind: 'leading' },
});

const factorOperator = compositeOperator<CholeskyParams & { readonly upper: boolean }>('linalg.cholesky', ([A], { upper, ...params }) => {
  const matrix = A as Tensor;
  const [l, info] = applyMany(choleskyOperator, [upper ? transposed(matrix) : matrix], params) as [Tensor, Tensor];
  return [upper ? transposed(l) : l, info];
});

function factored(name: string, A: Tensor, upper: boolean, check: boolean): [Tensor, Tensor] {
  return applyMany(factorOperator, [A], { name, check, upper }) as [Tensor, Tensor];
}

export interface CholeskyOptions {
  /** Read the upper triangle and return the upper factor. Default false. */
  readonly upper?: boolean;
}

const positive = t([2, 2], { values: [4, 1, 1, 3] });
const samples = [
  { args: [positive], skipNumericGradient: true, note: 'finite differences leave the symmetric matrices' },
  { args: [t([2, 1, 1], { low: 1, high: 2 })] },
  { args: [t([0, 0])] },
];
const bad = [{ args: [t([2, 3])], error: /square/ }];
const indefinite = { args: [t([2, 2], { values: [1, 2, 2, 1] })], error: /positive definite/ };

/**
 * The Cholesky factor of symmetric positive definite matrices: lower triangular L with A = L Lᵀ, or with `upper` U with A = Uᵀ U. Only that triangle of A is
 * read; the gradient is symmetric. float32 or float64. Throws ArgumentError where A is not positive definite.
 *
 * @example
 * linalg.cholesky(tensor([[4, 2], [2, 2]])); // tensor([[2., 0.], [1., 1.]])
 */
export const linalgCholesky: SquareFunction<'cholesky', [options?: CholeskyOptions]> = described(
  'linalg.cholesky',
  (A: Tensor, { upper = false }: CholeskyOptions = {}): Tensor => {
    requireSquare('linalg.cholesky', A);
    return factored('linalg.cholesky', A, upper, true)[0];
  },
  { signature: 'A, *, upper', samples, bad: [...bad, indefinite] },
);

/**
 * `linalg.cholesky` with `upper` before the options.
 *
 * @example
 * cholesky(tensor([[4, 2], [2, 2]])); // tensor([[2., 0.], [1., 1.]])
 */
export const cholesky: SquareFunction<'cholesky', [upper?: boolean]> = described(
  'cholesky',
  (input: Tensor, upper = false): Tensor => {
    requireSquare('cholesky', input, 'input');
    return factored('cholesky', input, upper, true)[0];
  },
  { signature: 'input, upper?', samples, bad: [...bad, indefinite] },
);

/**
 * `linalg.cholesky` that says in `info` (int32, for each matrix) the order of the first leading minor that is not positive; 0 where A is positive definite.
 * `checkErrors`: throw instead.
 *
 * @example
 * linalg.choleskyEx(tensor([[1, 2], [2, 1]])).info; // tensor(2, dtype=int32)
 */
export const choleskyEx: CheckedFactor<'choleskyEx', 'L', CholeskyOptions & CheckErrorsOptions> = described(
  'linalg.choleskyEx',
  (A: Tensor, { upper = false, checkErrors = false }: CholeskyOptions & CheckErrorsOptions = {}): NamedResults<'L' | 'info'> => {
    requireSquare('linalg.choleskyEx', A);
    return namedResults(['L', 'info'], factored('linalg.choleskyEx', A, upper, checkErrors));
  },
  { signature: 'A, *, upper, check_errors', samples, bad },
);

/** A X = B from the Cholesky factor of A, both of one batch. */
function solvedFrom(factor: Tensor, B: Tensor, upper: boolean): Tensor {
  const [first, second] = upper ? [transposed(factor), factor] : [factor, transposed(factor)];
  return solveTriangle(second, solveTriangle(first, B, LOWER), UPPER);
}

const solveOperator = compositeOperator<boolean>('choleskySolve', ([B, L], upper) => {
  const [factor, right] = withCommonBatch('choleskySolve', L as Tensor, B as Tensor);
  return solvedFrom(factor, right, upper);
});

/**
 * Solves A X = B with the Cholesky factor of A (`upper`: the upper one). Leading dimensions broadcast. float32 or float64.
 *
 * @example
 * choleskySolve(tensor([[4], [2]]), tensor([[2, 0], [1, 1]])); // tensor([[1.], [0.]])
 */
export const choleskySolve = described(
  'choleskySolve',
  (B: Tensor, L: Tensor, upper = false): Tensor => {
    requireMatrices('choleskySolve', B, 'B');
    requireSquare('choleskySolve', L, 'L');
    requireRightSide('choleskySolve', L, B, true);
    return applyOne(solveOperator, [B, L], upper);
  },
  {
    signature: 'B, L, upper?',
    samples: [
      { args: [t([3, 2]), t([3, 3], { low: 1, high: 2 })] },
      { args: [t([2, 3, 1]), t([3, 3], { low: 1, high: 2 }), true] },
      { args: [t([0, 2]), t([0, 0])] },
    ],
    bad: [{ args: [t([2, 1]), t([3, 3])], error: /does not fit/ }],
  },
);

const inverseOperator = compositeOperator<boolean>('choleskyInverse', ([L], upper) => {
  const factor = L as Tensor;
  return solvedFrom(factor, withBatch(identity(factor.shape.at(-1) as number, factor.type), factor.shape.slice(0, -2), 2), upper);
});

/**
 * The inverse of A from its Cholesky factor (`upper`: the upper one). float32 or float64.
 *
 * @example
 * choleskyInverse(tensor([[2, 0], [0, 1]])); // tensor([[0.2500, 0.0000], [0.0000, 1.0000]])
 */
export const choleskyInverse: SquareFunction<'choleskyInverse', [upper?: boolean]> = described(
  'choleskyInverse',
  (L: Tensor, upper = false): Tensor => {
    requireSquare('choleskyInverse', L, 'L');
    return applyOne(inverseOperator, [L], upper);
  },
  {
    signature: 'L, upper?',
    samples: [{ args: [t([3, 3], { low: 1, high: 2 })] }, { args: [t([2, 2, 2], { low: 1, high: 2 }), true] }, { args: [t([0, 0])] }],
    bad: [{ args: [t([2, 3])], error: /square/ }],
  },
);

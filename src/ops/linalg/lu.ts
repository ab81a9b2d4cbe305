import { INT32 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyMany, applyOne } from '../../tensor/apply.ts';
import { elementsOf, tensorOfElements } from '../../tensor/data.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { emptyTensor } from '../create.ts';
import { compositeOperator, described, makeOperator, requireTensor } from '../family.ts';
import { catTensors } from '../join.ts';
import { sliceDim } from '../movement.ts';
import { type NamedResults, namedResults } from '../results.ts';
import { triangleOf } from '../triangular.ts';
import type { PackedLuFunction } from '../types.ts';
import {
  identity,
  leading,
  minus,
  packed,
  plus,
  product,
  requireMatrices,
  requireOneType,
  requireSquare,
  transposed,
  withBatch,
} from './algebra.ts';
import { lu as factorLu } from './decomposition-kernels.ts';
import { requireRightSide, solveTriangle, withCommonBatch } from './triangular-solve.ts';

/** The row order that LAPACK's pivots, which count from 1, end in. */
function orderOf(pivots: readonly number[], rows: number): number[] {
  const order = Array.from({ length: rows }, (_, i) => i);
  pivots.forEach((pivot, k) => {
    if (!(pivot >= 1 && pivot <= rows)) throw new ArgumentError(`lu: pivot ${pivot} is not one of ${rows} rows, counted from 1`);
    [order[k], order[pivot - 1]] = [order[pivot - 1] as number, order[k] as number];
  });
  return order;
}

/** Permutations P of A = P L U as matrices. */
const permutationOperator = makeOperator<{ readonly rows: number; readonly like: Tensor }>({
  name: 'luPermutation',
  forward: ([pivots], { rows, like }) => {
    const source = pivots as Tensor;
    const steps = source.shape.at(-1) as number;
    const batch = source.shape.slice(0, -1);
    const count = batch.reduce((n, size) => n * size, 1);
    const swaps = elementsOf(source).map(Number);
    const elements = new Array<number>(count * rows * rows).fill(0);
    for (let index = 0; index < count; index++) {
      orderOf(swaps.slice(index * steps, (index + 1) * steps), rows).forEach((row, i) => {
        elements[(index * rows + row) * rows + i] = 1;
      });
    }
    return tensorOfElements(elements, [...batch, rows, rows], like.type);
  },
  derivative: { kind: 'none' },
  batching: { kind: 'leading' },
});

function permutationOf(pivots: Tensor, rows: number, like: Tensor): Tensor {
  return applyOne(permutationOperator, [pivots], { rows, like });
}

function rankOf(x: Tensor): number {
  return Math.min(x.shape.at(-2) as number, x.shape.at(-1) as number);
}

/** L and U of A = P L U, which are stored in one matrix. */
function partsOf(lu: Tensor): [Tensor, Tensor] {
  const k = rankOf(lu);
  const lower = plus(triangleOf('tril', leading(lu, -1, k), -1), identity(lu.shape.at(-2) as number, lu.type, k));
  return [lower, triangleOf('triu', leading(lu, -2, k))];
}

/**
 * The derivative of A = P L U with fixed P. With all factors cut to square blocks (L = [L₁; L₂], U = [U₁ U₂], k = min(m, n)):
 * dL₁ = L₁ tril₋₁(L₁⁻¹ dA₁₁ U₁⁻¹), dU₁ = triu(…) U₁, and the blocks outside follow from A₂₁ = L₂ U₁ and A₁₂ = L₁ U₂
 * (S. Walter, L. Lehmann, "Algorithmic differentiation of linear algebra functions", 2010); this is its transpose.
 */
function luCotangent(g: Tensor, lu: Tensor, pivots: Tensor): Tensor {
  const [m, n] = lu.shape.slice(-2) as [number, number];
  const k = Math.min(m, n);
  const [l, u] = partsOf(lu);
  const [l1, u1] = [leading(l, -2, k), leading(u, -1, k)];
  const gL1 = leading(leading(g, -1, k), -2, k);
  let lower = product(transposed(l1), triangleOf('tril', gL1, -1));
  let upper = product(triangleOf('triu', gL1), transposed(u1));
  if (n > k) {
    const gU2 = sliceDim(g, g.ndim - 1, k, n - k);
    lower = minus(lower, product(gU2, transposed(sliceDim(u, u.ndim - 1, k, n - k))));
  }
  if (m > k) {
    const gL2 = sliceDim(g, g.ndim - 2, k, m - k);
    upper = minus(upper, product(transposed(sliceDim(l, l.ndim - 2, k, m - k)), gL2));
  }
  const inner = plus(triangleOf('tril', lower, -1), triangleOf('triu', upper));
  const lowerT = { upper: true, unit: true };
  const rightU = (x: Tensor): Tensor => transposed(solveTriangle(u1, transposed(x), { upper: true, unit: false }));
  let result = solveTriangle(transposed(l1), rightU(inner), lowerT);
  if (n > k) result = catTensors([result, solveTriangle(transposed(l1), sliceDim(g, g.ndim - 1, k, n - k), lowerT)], g.ndim - 1);
  if (m > k) result = catTensors([result, rightU(sliceDim(g, g.ndim - 2, k, m - k))], g.ndim - 2);
  return product(permutationOf(pivots, m, lu), result);
}

const factorOperator = makeOperator<null>({
  name: 'linalg.luFactorEx',
  forward: ([x]) => {
    const source = packed(x as Tensor);
    const batch = source.shape.slice(0, -2);
    const results = [
      emptyTensor(source.shape, source.type),
      emptyTensor([...batch, rankOf(source)], INT32),
      emptyTensor(batch, INT32),
    ] as const;
    factorLu(...results, source);
    return [...results];
  },
  derivative: {
    kind: 'rules',
    saves: { outputs: [0, 1] },
    vjp: ([g], context) => [g === null || g === undefined ? null : luCotangent(g, context.output(0), context.output(1))],
  },
  batching: { kind: 'leading' },
});

/** LU, pivots, info of checked matrices: for other operators. */
export function luOf(x: Tensor): [Tensor, Tensor, Tensor] {
  return applyMany(factorOperator, [x], null) as [Tensor, Tensor, Tensor];
}

function requirePivot(name: string, pivot: boolean): void {
  if (!pivot) throw new ArgumentError(`${name}: pivot false is not supported: without pivoting the factorisation need not exist`);
}

/** Throws where a plain `info` says that a step failed. */
export function requireNoInfo(name: string, info: Tensor, what: string): void {
  const infos = elementsOf(info).map(Number);
  const failed = infos.findIndex((step) => step !== 0);
  if (failed >= 0) {
    throw new ArgumentError(`${name}: ${what} (matrix ${failed} of ${infos.length}, at step ${infos[failed]})`);
  }
}

export interface PivotOptions {
  /** Must be true: factorisations without pivoting need not exist. */
  readonly pivot?: boolean;
}

const luSamples = [{ args: [t([3, 3])] }, { args: [t([2, 4, 3])] }, { args: [t([2, 3])] }, { args: [t([0, 3])] }];
const luBad = [
  { args: [t([3])], error: /at least 2 dimensions/ },
  { args: [t([2, 2]), { pivot: false }], error: /pivot/ },
];

/**
 * LU factorisation with partial pivoting in one matrix (L below the diagonal, which counts as ones, and U), and LAPACK's pivots (int32, counted from 1).
 * float32 or float64. Throws ArgumentError where a pivot is 0; `luFactorEx` does not.
 *
 * @example
 * linalg.luFactor(tensor([[0, 1], [2, 3]])).pivots; // tensor([2, 2], dtype=int32)
 */
export const luFactor = described(
  'linalg.luFactor',
  (A: Tensor, { pivot = true }: PivotOptions = {}): NamedResults<'LU' | 'pivots'> => {
    requireMatrices('linalg.luFactor', A);
    requirePivot('linalg.luFactor', pivot);
    const [lu, pivots] = luOf(A);
    return namedResults(['LU', 'pivots'], [lu, pivots]);
  },
  { signature: 'A, *, pivot', samples: luSamples, bad: luBad },
);

export interface CheckErrorsOptions {
  /** Throw instead of saying in `info` what failed. Default false. */
  readonly checkErrors?: boolean;
}

/**
 * `luFactor` that says in `info` (int32, for each matrix) at which step, counted from 1, a pivot was 0; 0 where none was. `checkErrors`: throw instead.
 *
 * @example
 * linalg.luFactorEx(tensor([[1, 1], [1, 1]])).info; // tensor(2, dtype=int32)
 */
export const luFactorEx = described(
  'linalg.luFactorEx',
  (A: Tensor, { pivot = true, checkErrors = false }: PivotOptions & CheckErrorsOptions = {}): NamedResults<'LU' | 'pivots' | 'info'> => {
    requireMatrices('linalg.luFactorEx', A);
    requirePivot('linalg.luFactorEx', pivot);
    const [lu, pivots, info] = luOf(A);
    if (checkErrors) requireNoInfo('linalg.luFactorEx', info, 'a pivot is 0: the matrix is singular');
    return namedResults(['LU', 'pivots', 'info'], [lu, pivots, info]);
  },
  { signature: 'A, *, pivot, check_errors', samples: luSamples, bad: luBad },
);

const decompositionOperator = compositeOperator<null>('linalg.lu', ([A]) => {
  const x = A as Tensor;
  const [lu, pivots] = luOf(x);
  return [permutationOf(pivots, x.shape.at(-2) as number, x), ...partsOf(lu)];
});

/**
 * A = P L U with partial pivoting: a permutation, a lower triangle with ones on the diagonal, and an upper one. float32 or float64.
 *
 * @example
 * linalg.lu(tensor([[0, 1], [2, 3]])).U; // tensor([[2., 3.], [0., 1.]])
 */
export const lu = described(
  'linalg.lu',
  (A: Tensor, { pivot = true }: PivotOptions = {}): NamedResults<'P' | 'L' | 'U'> => {
    requireMatrices('linalg.lu', A);
    requirePivot('linalg.lu', pivot);
    return namedResults(['P', 'L', 'U'], applyMany(decompositionOperator, [A], null));
  },
  { signature: 'A, *, pivot', samples: luSamples, bad: luBad },
);

function requireFactors(name: string, LU: unknown, pivots: unknown): asserts LU is Tensor {
  requireMatrices(name, LU, 'LU');
  requireTensor(name, 'pivots', pivots);
  if (pivots.type !== INT32) throw new DTypeError(`${name}: pivots must be int32, got ${pivots.dtype}`);
  const wanted = [...LU.shape.slice(0, -2), rankOf(LU)];
  if (pivots.ndim !== wanted.length || pivots.shape.some((size, i) => size !== wanted[i])) {
    throw new ShapeError(`${name}: pivots of ${formatShape(LU.shape)} have shape ${formatShape(wanted)}, got ${formatShape(pivots.shape)}`);
  }
}

const unpackOperator = compositeOperator<null>('luUnpack', ([LU, pivots]) => {
  const data = LU as Tensor;
  return [permutationOf(pivots as Tensor, data.shape.at(-2) as number, data), ...partsOf(data)];
});

/**
 * P, L and U out of what `linalg.luFactor` returns. Tensors of what is not asked for are empty.
 *
 * @example
 * const { LU, pivots } = linalg.luFactor(tensor([[0, 1], [2, 3]]));
 * luUnpack(LU, pivots).L; // tensor([[1., 0.], [0., 1.]])
 */
export const luUnpack = described(
  'luUnpack',
  (LU_data: Tensor, LU_pivots: Tensor, unpackData = true, unpackPivots = true): NamedResults<'P' | 'L' | 'U'> => {
    requireFactors('luUnpack', LU_data, LU_pivots);
    const [P, L, U] = applyMany(unpackOperator, [LU_data, LU_pivots], null) as [Tensor, Tensor, Tensor];
    const nothing = (): Tensor => emptyTensor([0], LU_data.type);
    return namedResults(['P', 'L', 'U'], [unpackPivots ? P : nothing(), unpackData ? L : nothing(), unpackData ? U : nothing()]);
  },
  {
    signature: 'LU_data, LU_pivots, unpack_data?, unpack_pivots?',
    samples: [
      { args: [t([3, 3]), t([3], { dtype: 'int32', values: [2, 2, 3], grad: false })] },
      { args: [t([2, 3]), t([2], { dtype: 'int32', values: [2, 2], grad: false })] },
      { args: [t([3, 2]), t([2], { dtype: 'int32', values: [3, 2], grad: false })] },
    ],
    bad: [{ args: [t([2, 2]), t([3], { dtype: 'int32', values: [1, 2, 3] })], error: /pivots/ }],
  },
);

interface LuSolveParams {
  readonly left: boolean;
  readonly adjoint: boolean;
}

function solved(LU: Tensor, pivots: Tensor, B: Tensor, { left, adjoint }: LuSolveParams): Tensor {
  if (!left) return transposed(solved(LU, pivots, transposed(B), { left: true, adjoint: !adjoint }));
  const [lu, b] = withCommonBatch('linalg.luSolve', LU, B);
  const P = withBatch(permutationOf(pivots, LU.shape.at(-1) as number, LU), b.shape.slice(0, -2), 2);
  const [lower, upper] = [
    { upper: false, unit: true },
    { upper: true, unit: false },
  ];
  if (adjoint) {
    const y = solveTriangle(transposed(lu), b, { upper: false, unit: false });
    return product(P, solveTriangle(transposed(lu), y, { upper: true, unit: true }));
  }
  return solveTriangle(lu, solveTriangle(lu, product(transposed(P), b), lower), upper);
}

/** The solution of A x = b (adjoint: Aᵀ x = b) from the factors of A: for other operators. */
export function solveFactored(LU: Tensor, pivots: Tensor, B: Tensor, adjoint = false): Tensor {
  return solved(LU, pivots, B, { left: true, adjoint });
}

const luSolveOperator = compositeOperator<LuSolveParams>('linalg.luSolve', ([LU, pivots, B], params) =>
  solved(LU as Tensor, pivots as Tensor, B as Tensor, params),
);

export interface LuSolveOptions {
  /** Solve A X = B (the default) or X A = B. */
  readonly left?: boolean;
  /** Solve with the transpose of A. */
  readonly adjoint?: boolean;
}

function requireLuSystem(name: string, LU: Tensor, pivots: Tensor, B: Tensor, left: boolean): void {
  requireFactors(name, LU, pivots);
  requireSquare(name, LU, 'LU');
  requireMatrices(name, B, 'B');
  requireOneType(name, LU, B);
  requireRightSide(name, LU, B, left);
}

const pivots2 = t([2], { dtype: 'int32', values: [2, 2], grad: false });

/**
 * Solves A X = B with the LU factors of A from `linalg.luFactor`. Leading dimensions broadcast.
 *
 * @example
 * const { LU, pivots } = linalg.luFactor(tensor([[0, 1], [2, 0]]));
 * linalg.luSolve(LU, pivots, tensor([[3], [4]])); // tensor([[2.], [3.]])
 */
export const linalgLuSolve = described(
  'linalg.luSolve',
  (LU: Tensor, pivots: Tensor, B: Tensor, { left = true, adjoint = false }: LuSolveOptions = {}): Tensor => {
    requireLuSystem('linalg.luSolve', LU, pivots, B, left);
    return applyOne(luSolveOperator, [LU, pivots, B], { left, adjoint });
  },
  {
    signature: 'LU, pivots, B, *, left, adjoint',
    samples: [
      { args: [t([2, 2], { low: 1, high: 2 }), pivots2, t([2, 3])] },
      { args: [t([2, 2], { low: 1, high: 2 }), pivots2, t([3, 2]), { left: false }] },
      { args: [t([2, 2], { low: 1, high: 2 }), pivots2, t([2, 2, 1]), { adjoint: true }] },
    ],
    bad: [{ args: [t([2, 2]), pivots2, t([3, 1])], error: /does not fit/ }],
  },
);

/**
 * Solves A x = b with the LU factors of A: `linalg.luSolve` with the right side first.
 *
 * @example
 * const { LU, pivots } = linalg.luFactor(tensor([[2, 0], [0, 4]]));
 * luSolve(tensor([[2], [4]]), LU, pivots); // tensor([[1.], [1.]])
 */
export const luSolve = described(
  'luSolve',
  (b: Tensor, LU_data: Tensor, LU_pivots: Tensor): Tensor => {
    requireLuSystem('luSolve', LU_data, LU_pivots, b, true);
    return applyOne(luSolveOperator, [LU_data, LU_pivots, b], { left: true, adjoint: false });
  },
  {
    signature: 'input, LU_data, LU_pivots',
    samples: [{ args: [t([2, 3]), t([2, 2], { low: 1, high: 2 }), pivots2] }],
    bad: [{ args: [t([3, 1]), t([2, 2]), pivots2], error: /does not fit/ }],
  },
);

/**
 * LU factorisation in one matrix, and pivots; with `getInfos` also at which step a pivot was 0. `linalg.luFactor` and `linalg.luFactorEx` are newer forms of it.
 *
 * @example
 * lu(tensor([[0, 1], [2, 3]])).pivots; // tensor([2, 2], dtype=int32)
 */
export const packedLu: PackedLuFunction = described(
  'lu',
  (input: Tensor, pivot = true, getInfos = false): NamedResults<'LU' | 'pivots'> | NamedResults<'LU' | 'pivots' | 'infos'> => {
    requireMatrices('lu', input, 'input');
    requirePivot('lu', pivot);
    const [factors, pivots, infos] = luOf(input);
    return getInfos ? namedResults(['LU', 'pivots', 'infos'], [factors, pivots, infos]) : namedResults(['LU', 'pivots'], [factors, pivots]);
  },
  {
    signature: 'A, pivot?, get_infos?',
    samples: [{ args: [t([3, 3])] }, { args: [t([2, 4, 3]), true, true] }, { args: [t([2, 3])] }, { args: [t([0, 3])] }],
    bad: [{ args: [t([3])], error: /at least 2 dimensions/ }],
  },
);

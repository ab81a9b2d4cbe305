import { INT64 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { broadcastShapes } from '../../shape/broadcast.ts';
import { applyOne } from '../../tensor/apply.ts';
import { elementsOf, tensorOfElements } from '../../tensor/data.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { isTensor } from '../../tensor/tensor.ts';
import { ArgumentError } from '../../util/errors.ts';
import { callMap, described, makeOperator, mapOperator } from '../family.ts';
import { ABS } from '../maps.ts';
import { expand } from '../structural.ts';
import type { PseudoInverse, RankFunction } from '../types.ts';
import { asRow, minus, negated, packed, product, requireMatrices, requireSquare, sumOfTerms, times, transposed } from './algebra.ts';
import { eighOf } from './eigh.ts';
import { reducedSvd, singularValues } from './svd.ts';

/** A tolerance: a number, or one for each matrix. */
export type Tolerance = number | Tensor | null;

export interface ToleranceOptions {
  /** Values up to this count as 0. Default 0. */
  readonly atol?: Tolerance;
  /** The same, times the largest value. Default: max(m, n) times the machine epsilon if `atol` is not given, else 0. */
  readonly rtol?: Tolerance;
  /** The matrices are symmetric; only the lower triangle is read. */
  readonly hermitian?: boolean;
}

interface PinvParams {
  readonly name: string;
  readonly hermitian: boolean;
  readonly atol: Tolerance;
  readonly rtol: Tolerance;
}

/** The tolerance of each of `count` matrices as numbers. */
function numbersOf(tolerance: number | Tensor, batch: readonly number[]): (index: number) => number {
  if (!isTensor(tolerance)) return () => tolerance;
  const values = elementsOf(packed(expand(tolerance, batch))).map(Number);
  return (index) => values[index] as number;
}

/** Which values of plain `values` [..., k], not negative, count as other than 0: one entry a value. */
function significant(values: Tensor, A: Tensor, { atol, rtol }: PinvParams): boolean[] {
  const batch = values.shape.slice(0, -1);
  const k = values.shape.at(-1) as number;
  const epsilon = A.type.name === 'float64' ? 2 ** -52 : 2 ** -23;
  // PyTorch: an absolute tolerance above 0 replaces the default of the relative one.
  const absolute = numbersOf(atol ?? 0, batch);
  const given = rtol === null ? null : numbersOf(rtol, batch);
  const usual = epsilon * Math.max(A.shape.at(-1) as number, A.shape.at(-2) as number);
  const relative = (index: number): number => given?.(index) ?? (atol !== null && absolute(index) > 0 ? 0 : usual);
  const numbers = elementsOf(packed(values)).map(Number);
  return numbers.map((value, at) => {
    const index = Math.floor(at / k);
    const largest = Math.max(...numbers.slice(index * k, (index + 1) * k));
    return value > Math.max(absolute(index), relative(index) * largest);
  });
}

const RECIPROCAL = mapOperator('pinvReciprocal', 2, 0, ([x, keep]) => S.select(S.ne(keep as S.Expr, 0), S.div(1, x as S.Expr), 0), false);

/** Reciprocals of the values that count. */
function reciprocals(values: Tensor, A: Tensor, params: PinvParams): Tensor {
  const keep = significant(callMap(ABS, [values], [], values.type), A, params);
  return callMap(RECIPROCAL, [values, tensorOfElements(keep.map(Number), values.shape, values.type)], [], values.type);
}

/**
 * dP = −P dA P + P Pᵀ dAᵀ (I − A P) + (I − P A) dAᵀ Pᵀ P, where the rank stays: G. Golub, V. Pereyra, "The differentiation of pseudo-inverses and nonlinear
 * least squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973).
 */
const pinvOperator = makeOperator<PinvParams>({
  name: 'linalg.pinv',
  forward: ([x], params) => {
    const A = x as Tensor;
    if (params.hermitian) {
      const [values, vectors] = eighOf(params.name, A);
      return product(times(vectors, asRow(reciprocals(values, A, params))), transposed(vectors));
    }
    const [u, s, vh] = reducedSvd(params.name, A);
    return product(times(transposed(vh), asRow(reciprocals(s, A, params))), transposed(u));
  },
  derivative: {
    kind: 'rules',
    saves: { inputs: [0], outputs: [0] },
    vjp: ([g], context) => {
      const [A, P, gT] = [context.input(0), context.output(0), transposed(g as Tensor)];
      const PT = transposed(P);
      const direct = negated(product(PT, g as Tensor, PT));
      const left = product(gT, P, PT);
      const right = product(PT, P, gT);
      const outside = minus(left, product(A, product(P, left)));
      return [sumOfTerms(direct, outside, minus(right, product(right, P, A)))];
    },
    jvp: ([dA], context) => {
      if (dA === null || dA === undefined) return [null];
      const [A, P, dAT] = [context.input(0), context.output(0), transposed(dA)];
      const PT = transposed(P);
      const left = product(P, PT, dAT);
      const right = product(dAT, PT, P);
      return [sumOfTerms(negated(product(P, dA, P)), minus(left, product(left, A, P)), minus(right, product(P, A, right)))];
    },
  },
  batching: { kind: 'leading' },
});

function requireTolerance(name: string, role: string, tolerance: unknown, A: Tensor): void {
  if (tolerance === null || typeof tolerance === 'number') return;
  if (!isTensor(tolerance) || tolerance.type.isComplex)
    throw new ArgumentError(`${name}: ${role} must be a number or a tensor of real numbers`);
  const batch = A.shape.slice(0, -2);
  broadcastShapes(name, tolerance.shape, batch);
}

function toleranceParams(name: string, A: unknown, { atol = null, rtol = null, hermitian = false }: ToleranceOptions): PinvParams {
  if (hermitian) requireSquare(name, A);
  else requireMatrices(name, A);
  requireTolerance(name, 'atol', atol, A);
  requireTolerance(name, 'rtol', rtol, A);
  return { name, hermitian, atol, rtol };
}

const bad = [
  { args: [t([3])], error: /at least 2 dimensions/ },
  { args: [t([2, 2], { dtype: 'int64' })], error: /floating/ },
];

/**
 * The pseudo-inverse of Moore and Penrose, from singular values (`hermitian`: from eigenvalues); those up to `max(atol, rtol · largest)` count as 0. float32 or
 * float64. The gradient takes the rank as fixed.
 *
 * @example
 * linalg.pinv(tensor([[2, 0], [0, 0]])); // tensor([[0.5000, 0.0000], [0.0000, 0.0000]])
 */
export const linalgPinv: PseudoInverse<'pinv', [options?: ToleranceOptions]> = described(
  'linalg.pinv',
  (A: Tensor, options: ToleranceOptions = {}): Tensor => applyOne(pinvOperator, [A], toleranceParams('linalg.pinv', A, options)),
  {
    signature: 'A, *, atol, rtol, hermitian',
    samples: [{ args: [t([3, 3])] }, { args: [t([2, 4, 3])] }, { args: [t([2, 3]), { rtol: 1e-5 }] }, { args: [t([0, 3])] }],
    bad,
  },
);

/**
 * The pseudo-inverse: `linalg.pinv` with `rcond` for `rtol`.
 *
 * @example
 * pinverse(tensor([[2, 0], [0, 4]])); // tensor([[0.5000, 0.0000], [0.0000, 0.2500]])
 */
export const pinverse: PseudoInverse<'pinverse', [rcond?: number]> = described(
  'pinverse',
  (input: Tensor, rcond = 1e-15): Tensor => applyOne(pinvOperator, [input], toleranceParams('pinverse', input, { rtol: rcond })),
  { signature: 'input, rcond?', samples: [{ args: [t([3, 3])] }, { args: [t([2, 4, 3])] }, { args: [t([2, 3])] }], bad },
);

const rankOperator = makeOperator<PinvParams>({
  name: 'linalg.matrixRank',
  forward: ([x], params) => {
    const A = x as Tensor;
    const values = params.hermitian ? callMap(ABS, [eighOf(params.name, A)[0]], [], A.type) : singularValues(params.name, A);
    const keep = significant(values, A, params);
    const k = values.shape.at(-1) as number;
    const batch = values.shape.slice(0, -1);
    const count = batch.reduce((n, size) => n * size, 1);
    const ranks = Array.from({ length: count }, (_, index) => keep.slice(index * k, (index + 1) * k).filter(Boolean).length);
    return tensorOfElements(ranks, batch, INT64);
  },
  derivative: { kind: 'none' },
  batching: { kind: 'leading' },
});

/** The pseudo-inverse of checked matrices: for other operators. */
export function pseudoInverse(name: string, A: Tensor, rtol: number | null): Tensor {
  return applyOne(pinvOperator, [A], { name, hermitian: false, atol: null, rtol });
}

/** The ranks of checked plain matrices: for other operators. */
export function rankOfMatrices(name: string, A: Tensor, rtol: number | null): Tensor {
  return applyOne(rankOperator, [A], { name, hermitian: false, atol: null, rtol });
}

/**
 * How many singular values (`hermitian`: eigenvalues, by absolute value) exceed `max(atol, rtol · largest)`: int64, for each matrix. float32 or float64.
 *
 * @example
 * linalg.matrixRank(tensor([[1, 2], [2, 4]])); // tensor(1)
 */
export const matrixRank: RankFunction<'matrixRank', [options?: ToleranceOptions]> = described(
  'linalg.matrixRank',
  (A: Tensor, options: ToleranceOptions = {}): Tensor => applyOne(rankOperator, [A], toleranceParams('linalg.matrixRank', A, options)),
  {
    signature: 'A, *, atol, rtol, hermitian',
    samples: [{ args: [t([3, 3])] }, { args: [t([2, 4, 3]), { atol: 0.5 }] }, { args: [t([0, 3])] }],
    bad,
  },
);

import type { DTypeInfo } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { applyMany, applyOne } from '../../tensor/apply.ts';
import { elementsOf, tensorOfElements } from '../../tensor/data.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { emptyTensor } from '../create.ts';
import { callMap, compositeOperator, described, makeOperator, mapOperator } from '../family.ts';
import { sumOver } from '../reduction.ts';
import { type NamedResults, namedResults } from '../results.ts';
import { reshape } from '../structural.ts';
import type { DeterminantFunction, SlogdetFunction } from '../types.ts';
import { minus, over, packed, product, requireSquare, times, transposed } from './algebra.ts';
import { svd as decomposeSvd } from './decomposition-kernels.ts';
import { luOf } from './lu.ts';
import { inverseOf } from './solve.ts';

/** Sign and diagonal of U of each matrix of a plain batch, with the sign of the permutation. */
function pivotsOf(A: Tensor): { readonly sign: number; readonly diagonal: readonly number[] }[] {
  const n = A.shape.at(-1) as number;
  const [lu, pivots] = luOf(A);
  const [factors, swaps] = [elementsOf(lu).map(Number), elementsOf(pivots).map(Number)];
  const count = A.shape.slice(0, -2).reduce((size, each) => size * each, 1);
  return Array.from({ length: count }, (_, index) => {
    let sign = 1;
    for (let k = 0; k < n; k++) if (swaps[index * n + k] !== k + 1) sign = -sign;
    return { sign, diagonal: Array.from({ length: n }, (_unused, k) => factors[index * n * n + k * n + k] as number) };
  });
}

function perMatrix(A: Tensor, numbers: readonly number[], type: DTypeInfo = A.type): Tensor {
  return tensorOfElements(numbers, A.shape.slice(0, -2), type);
}

function determinants(A: Tensor): number[] {
  return pivotsOf(A).map(({ sign, diagonal }) => diagonal.reduce((product, pivot) => product * pivot, sign));
}

/** A number for each matrix, to be broadcast over it. */
function overMatrix(x: Tensor): Tensor {
  return reshape(x, [...x.shape, 1, 1]);
}

function innerProduct(x: Tensor, y: Tensor): Tensor {
  return sumOver(times(x, y), [x.ndim - 2, x.ndim - 1]);
}

/**
 * The matrix of cofactors, det(A) A⁻ᵀ, which exists for singular A too: with A = U S Vᵀ it is det(U) det(V) U diag(∏ⱼ≠ᵢ sⱼ) Vᵀ. Its own derivative divides by
 * the determinant.
 */
const cofactorOperator = makeOperator<null>({
  name: 'cofactor',
  forward: ([A]) => {
    const source = packed(A as Tensor);
    const n = source.shape.at(-1) as number;
    const [u, vh] = [emptyTensor(source.shape, source.type), emptyTensor(source.shape, source.type)];
    const s = emptyTensor(source.shape.slice(0, -1), source.type);
    // Of a matrix that is not finite the cofactors are not numbers either.
    if (!decomposeSvd(u, s, vh, source)) return callMap(NOT_A_NUMBER, [source], [], source.type);
    const [signU, signV, values] = [determinants(u), determinants(vh), elementsOf(s).map(Number)];
    const weights = values.map((_, at) => {
      const index = Math.floor(at / n);
      let weight = Math.sign(signU[index] as number) * Math.sign(signV[index] as number);
      for (let j = index * n; j < (index + 1) * n; j++) if (j !== at) weight *= values[j] as number;
      return weight;
    });
    return product(times(u, tensorOfElements(weights, [...source.shape.slice(0, -2), 1, n], source.type)), vh);
  },
  derivative: {
    kind: 'rules',
    saves: { inputs: [0], outputs: [0] },
    vjp: ([g], context) => [cofactorChange(transposed(g as Tensor), g as Tensor, context.input(0), context.output(0))],
    jvp: ([dA], context) => [
      dA === null || dA === undefined ? null : cofactorChange(transposed(dA), dA, context.input(0), context.output(0)),
    ],
  },
  batching: { kind: 'leading' },
});
const NOT_A_NUMBER = mapOperator('cofactor', 1, 0, () => S.constant(Number.NaN), false);

/** (⟨C, G⟩ C − C Gᵀ C) / det A: the derivative of the cofactors is its own transpose. */
function cofactorChange(gT: Tensor, g: Tensor, A: Tensor, C: Tensor): Tensor {
  const inner = minus(times(overMatrix(innerProduct(C, g)), C), product(C, gT, C));
  return over(inner, overMatrix(applyOne(determinantOperator, [A], null)));
}

/** d det(A) = ⟨cofactors, dA⟩. */
const determinantOperator = makeOperator<null>({
  name: 'linalg.det',
  forward: ([A]) => perMatrix(A as Tensor, determinants(A as Tensor)),
  derivative: {
    kind: 'rules',
    saves: { inputs: [0] },
    vjp: ([g], context) => [times(overMatrix(g as Tensor), applyOne(cofactorOperator, [context.input(0)], null))],
    jvp: ([dA], context) => [
      dA === null || dA === undefined ? null : innerProduct(applyOne(cofactorOperator, [context.input(0)], null), dA),
    ],
  },
  batching: { kind: 'leading' },
});

/** [sign, log |det|]: d log |det A| = ⟨A⁻ᵀ, dA⟩, and the sign is piecewise constant. */
const slogdetOperator = makeOperator<null>({
  name: 'linalg.slogdet',
  forward: ([A]) => {
    const pivots = pivotsOf(A as Tensor);
    const signs = pivots.map(({ sign, diagonal }) => diagonal.reduce((product, pivot) => product * Math.sign(pivot), sign));
    const logs = pivots.map(({ diagonal }) => diagonal.reduce((sum, pivot) => sum + Math.log(Math.abs(pivot)), 0));
    return [perMatrix(A as Tensor, signs), perMatrix(A as Tensor, logs)];
  },
  derivative: {
    kind: 'rules',
    saves: { inputs: [0] },
    vjp: ([, g], context) => [g === null || g === undefined ? null : times(overMatrix(g), transposed(inverseOf(context.input(0))))],
    jvp: ([dA], context) => [null, dA === null || dA === undefined ? null : innerProduct(transposed(inverseOf(context.input(0))), dA)],
  },
  batching: { kind: 'leading' },
});

const samples = [{ args: [t([3, 3])] }, { args: [t([2, 2, 2])] }, { args: [t([1, 1])] }, { args: [t([0, 0])] }];
const bad = [
  { args: [t([2, 3])], error: /square/ },
  { args: [t([2, 2], { dtype: 'int64' })], error: /floating/ },
];

function detNamed<R extends object = DeterminantFunction<'det'>>(name: string, role: string): R {
  return described(
    name,
    (A: Tensor): Tensor => {
      requireSquare(name, A, role);
      return applyOne(determinantOperator, [A], null);
    },
    { signature: role, samples, bad },
  );
}

/**
 * The determinant of a square matrix, or of each of a batch, from its LU factors. float32 or float64. The gradient, the matrix of cofactors, is right for
 * singular matrices too; second derivatives need a determinant that is not 0.
 *
 * @example
 * linalg.det(tensor([[1, 2], [3, 4]])); // tensor(-2.)
 */
export const linalgDet = detNamed('linalg.det', 'A');
/**
 * `linalg.det` under another name.
 *
 * @example
 * det(tensor([[1, 2], [3, 4]])); // tensor(-2.)
 */
export const det = detNamed('det', 'input');

function slogdetNamed(name: string, role: string): SlogdetFunction<'slogdet'> {
  return described(
    name,
    (A: Tensor): NamedResults<'sign' | 'logabsdet'> => {
      requireSquare(name, A, role);
      return namedResults(['sign', 'logabsdet'], applyMany(slogdetOperator, [A], null));
    },
    { signature: role, samples, bad },
  );
}

/**
 * Sign of the determinant and logarithm of its absolute value, where the determinant itself would overflow. A singular matrix has sign 0 and -Infinity.
 * float32 or float64.
 *
 * @example
 * linalg.slogdet(tensor([[1, 0], [0, -1]])).sign; // tensor(-1.)
 */
export const linalgSlogdet = slogdetNamed('linalg.slogdet', 'A');
/**
 * `linalg.slogdet` under another name.
 *
 * @example
 * const { sign, logabsdet } = slogdet(tensor([[2, 0], [0, 2]]));
 * logabsdet; // tensor(1.3863)
 */
export const slogdet = slogdetNamed('slogdet', 'input');

/** NaN where the sign is negative; with sign 0 the logarithm is -Infinity already. */
const SIGNED = mapOperator('logdet', 2, 0, ([sign, log]) => S.select(S.lt(sign as S.Expr, 0), Number.NaN, log as S.Expr));

const logdetOperator = compositeOperator<null>('logdet', ([A]) => {
  const [sign, log] = applyMany(slogdetOperator, [A as Tensor], null) as [Tensor, Tensor];
  return callMap(SIGNED, [sign, log], [], log.type);
});

/**
 * The logarithm of the determinant: -Infinity where it is 0, NaN where it is negative. float32 or float64.
 *
 * @example
 * logdet(tensor([[1, 0], [0, 1]])); // tensor(0.)
 */
export const logdet: DeterminantFunction<'logdet'> = described(
  'logdet',
  (input: Tensor): Tensor => {
    requireSquare('logdet', input, 'input');
    return applyOne(logdetOperator, [input], null);
  },
  {
    signature: 'input',
    samples: [{ args: [t([2, 2], { values: [2, 1, 1, 3] })] }, { args: [t([1, 1], { low: 1, high: 2 })] }, { args: [t([0, 0])] }],
    bad,
  },
);

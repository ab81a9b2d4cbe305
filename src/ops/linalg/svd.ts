import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyMany, applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError } from '../../util/errors.ts';
import { emptyTensor, fullTensor } from '../create.ts';
import { callMap, compositeOperator, described, makeOperator, mapOperator } from '../family.ts';
import { catTensors } from '../join.ts';
import { needsComposition } from '../reduction.ts';
import { type NamedResults, namedResults } from '../results.ts';
import type { SingularValuesFunction, SvdFunction } from '../types.ts';
import {
  asColumn,
  asRow,
  diagonalMatrix,
  diagonalPart,
  leading,
  minus,
  over,
  packed,
  plus,
  product,
  requireMatrices,
  skewSum,
  sumOfTerms,
  symmetricSum,
  times,
  transposed,
} from './algebra.ts';
import { svd as decomposeSvd } from './decomposition-kernels.ts';

interface SvdParams {
  readonly name: string;
  readonly full: boolean;
}

function notFinite(name: string, x: Tensor): ArgumentError {
  return new ArgumentError(`${name}: the input ${formatShape(x.shape)} has elements that are not finite`);
}

/** sᵢ² of the columns minus that of the rows, and 1 on the diagonal. */
const GAP = mapOperator('svdGap', 3, 0, ([row, column, one]) =>
  S.select(S.ne(one as S.Expr, 0), 1, S.mul(S.sub(row as S.Expr, column as S.Expr), S.add(row as S.Expr, column as S.Expr))),
);

function gaps(s: Tensor): Tensor {
  const ones = diagonalMatrix(fullTensor([s.shape.at(-1) as number], 1, s.type));
  return callMap(GAP, [asRow(s), asColumn(s), ones], [], s.type);
}

/**
 * The rules are those of J. Townsend, "Differentiating the singular value decomposition" (2016), and C. Ionescu, O. Vantzos, C. Sminchisescu,
 * "Training deep networks with structured layers by matrix backpropagation" (2015). Vectors beyond min(m, n) carry no derivative, and those of equal
 * singular values have none.
 */
export const svdOperator = makeOperator<SvdParams>({
  name: 'linalg.svd',
  forward: ([x], { name, full }) => {
    const source = packed(x as Tensor);
    const batch = source.shape.slice(0, -2);
    const [m, n] = source.shape.slice(-2) as [number, number];
    const k = Math.min(m, n);
    const u = emptyTensor([...batch, m, full ? m : k], source.type);
    const s = emptyTensor([...batch, k], source.type);
    const vh = emptyTensor([...batch, full ? n : k, n], source.type);
    if (!decomposeSvd(u, s, vh, source)) throw notFinite(name, source);
    return [u, s, vh];
  },
  derivative: {
    kind: 'rules',
    saves: { outputs: [0, 1, 2] },
    vjp: ([gU, gS, gVh], context) => {
      const s = context.output(1);
      const k = s.shape.at(-1) as number;
      return [
        svdCotangent(
          gU === null || gU === undefined ? null : leading(gU, -1, k),
          gS ?? null,
          gVh === null || gVh === undefined ? null : leading(gVh, -2, k),
          leading(context.output(0), -1, k),
          s,
          leading(context.output(2), -2, k),
        ),
      ];
    },
    jvp: ([dA], context) =>
      dA === null || dA === undefined ? [null, null, null] : svdTangents(dA, context.output(0), context.output(1), context.output(2)),
  },
  batching: { kind: 'leading' },
});

function svdCotangent(gU: Tensor | null, gS: Tensor | null, gVh: Tensor | null, u: Tensor, s: Tensor, vh: Tensor): Tensor | null {
  if (gU === null && gVh === null) return gS === null ? null : product(times(u, asRow(gS)), vh);
  const [m, n, k] = [u.shape.at(-2), vh.shape.at(-1), s.shape.at(-1)];
  const gap = gaps(s);
  const fromU = gU === null ? null : times(over(skewSum(product(transposed(u), gU)), gap), asRow(s));
  const fromV = gVh === null ? null : times(asColumn(s), over(skewSum(product(vh, transposed(gVh))), gap));
  const inner = sumOfTerms(fromU, fromV, gS === null ? null : diagonalMatrix(gS)) as Tensor;
  let result = product(u, inner, vh);
  if (gU !== null && (m as number) > (k as number)) {
    const scaled = over(gU, asRow(s));
    result = plus(result, product(minus(scaled, product(u, transposed(u), scaled)), vh));
  }
  if (gVh !== null && (n as number) > (k as number)) {
    const scaled = over(gVh, asColumn(s));
    result = plus(result, product(u, minus(scaled, product(scaled, transposed(vh), vh))));
  }
  return result;
}

function svdTangents(dA: Tensor, fullU: Tensor, s: Tensor, fullVh: Tensor): Tensor[] {
  const k = s.shape.at(-1) as number;
  const [u, vh] = [leading(fullU, -1, k), leading(fullVh, -2, k)];
  const inner = product(transposed(u), dA, transposed(vh));
  const gap = gaps(s);
  // dU = U sym(dP S) / E and dVᵀ = -sym(S dP) / E Vᵀ, with the part outside of the span of the vectors added.
  let dU = product(u, withoutDiagonal(over(symmetricSum(times(inner, asRow(s))), gap)));
  let dVh = product(withoutDiagonal(over(symmetricSum(times(asColumn(s), inner)), transposed(gap))), vh);
  if ((u.shape.at(-2) as number) > k) {
    const outside = over(product(dA, transposed(vh)), asRow(s));
    dU = plus(dU, minus(outside, product(u, transposed(u), outside)));
  }
  if ((vh.shape.at(-1) as number) > k) {
    const outside = over(product(transposed(u), dA), asColumn(s));
    dVh = plus(dVh, minus(outside, product(outside, transposed(vh), vh)));
  }
  return [padded(dU, fullU, -1), diagonalPart(inner), padded(dVh, fullVh, -2)];
}

function withoutDiagonal(x: Tensor): Tensor {
  return minus(x, diagonalMatrix(diagonalPart(x)));
}

/** Zeros where `like` has more columns (-1) or rows (-2). */
function padded(x: Tensor, like: Tensor, dim: -1 | -2): Tensor {
  const missing = (like.shape.at(dim) as number) - (x.shape.at(dim) as number);
  if (missing === 0) return x;
  const shape = [...x.shape];
  shape[x.ndim + dim] = missing;
  return catTensors([x, fullTensor(shape, 0, x.type)], x.ndim + dim);
}

/** Singular values alone, where nobody asks for derivatives. */
const valuesOperator = makeOperator<string>({
  name: 'linalg.svdvals',
  forward: ([x], name) => {
    const source = packed(x as Tensor);
    const s = emptyTensor([...source.shape.slice(0, -2), Math.min(...source.shape.slice(-2))], source.type);
    if (!decomposeSvd(null, s, null, source)) throw notFinite(name, source);
    return s;
  },
  derivative: { kind: 'none' },
  batching: { kind: 'leading' },
});

/** Singular values in descending order, differentiable: for other operators. */
export function singularValues(name: string, x: Tensor): Tensor {
  if (!needsComposition(x)) return applyOne(valuesOperator, [x], name);
  return applyMany(svdOperator, [x], { name, full: false })[1] as Tensor;
}

const svdvalsOperator = compositeOperator<null>('linalg.svdvals', ([x]) => singularValues('linalg.svdvals', x as Tensor));

/** [U, S, Vᵀ] of checked matrices, without more vectors than there are singular values: for other operators. */
export function reducedSvd(name: string, x: Tensor): [Tensor, Tensor, Tensor] {
  return applyMany(svdOperator, [x], { name, full: false }) as [Tensor, Tensor, Tensor];
}

export interface SvdOptions {
  /** Accepted and ignored: there is one method. */
  readonly driver?: string | null;
}

/**
 * Singular value decomposition of an m × n matrix, or of each of a batch: `A = U @ diag(S) @ Vh`, with orthonormal columns in U and rows in Vh and
 * S descending, by one-sided Jacobi rotations (Demmel, Veselić 1992). With `fullMatrices` (the default) U is [m, m] and Vh [n, n], else [m, k] and [k, n]
 * with k = min(m, n). float32 or float64. Signs of vectors are arbitrary: a gradient is right for functions that do not depend on them, and exists where
 * singular values differ. Throws ArgumentError where an element is not finite.
 *
 * @example
 * linalg.svd(tensor([[3, 0], [0, 4]])).S; // tensor([4., 3.])
 */
export const svd: SvdFunction<'svd', SvdOptions> = described(
  'linalg.svd',
  (A: Tensor, fullMatrices = true, _options: SvdOptions = {}): NamedResults<'U' | 'S' | 'Vh'> => {
    requireMatrices('linalg.svd', A);
    return namedResults(['U', 'S', 'Vh'], applyMany(svdOperator, [A], { name: 'linalg.svd', full: fullMatrices }));
  },
  {
    signature: 'A, full_matrices?, *, driver',
    samples: [
      { args: [t([3, 3]), false], skipNumericGradient: true, note: 'signs' },
      { args: [t([2, 4, 3]), false], skipNumericGradient: true, note: 'signs' },
      { args: [t([2, 3]), false], skipNumericGradient: true, note: 'signs' },
      { args: [t([0, 3]), false] },
    ],
    bad: [
      { args: [t([3])], error: /at least 2 dimensions/ },
      { args: [t([2, 2], { dtype: 'int64' })], error: /floating/ },
    ],
  },
);

/**
 * Singular values of matrices, descending. float32 or float64. See `linalg.svd`, whose derivative with respect to S this is; it exists for equal
 * singular values too. Throws ArgumentError where an element is not finite.
 *
 * @example
 * linalg.svdvals(tensor([[3, 0], [0, 4]])); // tensor([4., 3.])
 */
export const svdvals: SingularValuesFunction<'svdvals', SvdOptions> = described(
  'linalg.svdvals',
  (A: Tensor, _options: SvdOptions = {}): Tensor => {
    requireMatrices('linalg.svdvals', A);
    return applyOne(svdvalsOperator, [A], null);
  },
  {
    signature: 'A, *, driver',
    samples: [{ args: [t([3, 3])] }, { args: [t([2, 4, 3])] }, { args: [t([2, 3])] }, { args: [t([0, 3])] }],
    bad: [{ args: [t([3])], error: /at least 2 dimensions/ }],
  },
);

/** As `linalg.svd`, with V in the place of its transpose. */
const torchSvdOperator = compositeOperator<boolean>('svd', ([A], full) => {
  const [U, S, Vh] = applyMany(svdOperator, [A as Tensor], { name: 'svd', full }) as [Tensor, Tensor, Tensor];
  return [U, S, transposed(Vh)];
});

/**
 * `linalg.svd` with V instead of its transpose, and reduced (`some`, the default) or with square U and V; without `computeUv` U and V are zeros.
 *
 * @example
 * svd(tensor([[3, 0], [0, 4]])).S; // tensor([4., 3.])
 */
export const torchSvd = described(
  'svd',
  (input: Tensor, some = true, computeUv = true): NamedResults<'U' | 'S' | 'V'> => {
    requireMatrices('svd', input, 'input');
    if (computeUv) {
      return namedResults(['U', 'S', 'V'], applyMany(torchSvdOperator, [input], !some));
    }
    const [batch, [m, n]] = [input.shape.slice(0, -2), input.shape.slice(-2) as [number, number]];
    const zeros = (size: number): Tensor => fullTensor([...batch, size, size], 0, input.type);
    return namedResults(['U', 'S', 'V'], [zeros(m), singularValues('svd', input), zeros(n)]);
  },
  {
    signature: 'input, some?, compute_uv?',
    samples: [
      { args: [t([3, 3])], skipNumericGradient: true, note: 'signs' },
      { args: [t([2, 4, 3])], skipNumericGradient: true, note: 'signs' },
      { args: [t([2, 3]), true, false] },
      { args: [t([0, 3])] },
    ],
    bad: [{ args: [t([3])], error: /at least 2 dimensions/ }],
  },
);

import type { FloatingDType } from '../../dtype/types.ts';
import { t } from '../../op/contract.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyMany, applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, AutogradError, ShapeError } from '../../util/errors.ts';
import { emptyTensor } from '../create.ts';
import { compositeOperator, described, makeOperator, requireTensor } from '../family.ts';
import { catTensors } from '../join.ts';
import { sliceDim } from '../movement.ts';
import { needsComposition } from '../reduction.ts';
import { type NamedResults, namedResults } from '../results.ts';
import { select } from '../structural.ts';
import { triangleOf } from '../triangular.ts';
import type { QrFunction, UnarySame } from '../types.ts';
import {
  asColumn,
  identity,
  leading,
  minus,
  packed,
  plus,
  product,
  requireMatrices,
  requireOneType,
  sumOfTerms,
  times,
  transposed,
  withBatch,
} from './algebra.ts';
import { reflectors as launchReflectors, productOfReflectors } from './decomposition-kernels.ts';
import { solveTriangle } from './triangular-solve.ts';

/** [factors, tau] as LAPACK stores Householder's QR. */
const reflectorsOperator = makeOperator<null>({
  name: 'geqrf',
  forward: ([A]) => {
    const source = packed(A as Tensor);
    const rank = Math.min(...(source.shape.slice(-2) as [number, number]));
    const [factors, tau] = [emptyTensor(source.shape, source.type), emptyTensor([...source.shape.slice(0, -2), rank], source.type)];
    launchReflectors(factors, tau, source);
    return [factors, tau];
  },
  derivative: { kind: 'none' },
  batching: { kind: 'leading' },
});

/** The first columns of a product of reflectors. */
const formOperator = makeOperator<number>({
  name: 'linalg.householderProduct',
  forward: ([A, tau], columns) => {
    const source = packed(A as Tensor);
    const q = emptyTensor([...source.shape.slice(0, -1), columns], source.type);
    productOfReflectors(q, source, packed(tau as Tensor));
    return q;
  },
  derivative: { kind: 'none' },
  batching: { kind: 'leading' },
});

type Mode = 'reduced' | 'complete' | 'r';

function plainQr(A: Tensor, columns: number): [Tensor, Tensor] {
  const [factors, tau] = applyMany(reflectorsOperator, [A], null) as [Tensor, Tensor];
  const upper = triangleOf('triu', leading(factors, -2, columns));
  return [applyOne(formOperator, [factors, tau], columns), upper];
}

/** X + Xᵀ with the diagonal once. */
function completed(x: Tensor): Tensor {
  return plus(x, transposed(triangleOf('triu', x, 1)));
}

/** X R⁻ᵀ. */
function overTransposed(x: Tensor, r: Tensor): Tensor {
  return transposed(solveTriangle(r, transposed(x), { upper: true, unit: false }));
}

/** S. Walter, L. Lehmann, "Algorithmic differentiation of linear algebra functions" (2010), for at least as many rows as columns. */
const tallOperator = makeOperator<null>({
  name: 'linalg.qr',
  forward: ([A]) => plainQr(A as Tensor, (A as Tensor).shape.at(-1) as number),
  derivative: {
    kind: 'rules',
    saves: { outputs: [0, 1] },
    vjp: ([gQ, gR], context) => {
      const [q, r] = [context.output(0), context.output(1)];
      const fromR = gR === null || gR === undefined ? null : product(gR, transposed(r));
      const fromQ = gQ === null || gQ === undefined ? null : product(transposed(q), gQ);
      const inner = fromR === null ? null : fromQ === null ? fromR : minus(fromR, fromQ);
      if (inner === null && fromQ === null) return [null];
      const symmetric =
        inner === null
          ? minus(zeroLike(fromQ as Tensor), completed(triangleOf('triu', fromQ as Tensor)))
          : completed(triangleOf('triu', inner));
      return [overTransposed(sumOfTerms(gQ ?? null, product(q, symmetric)) as Tensor, r)];
    },
  },
  batching: { kind: 'leading' },
});

function zeroLike(x: Tensor): Tensor {
  return minus(x, x);
}

/** With more columns than rows: those of the square block decide Q, and R follows for the others. */
function reducedQr(A: Tensor): [Tensor, Tensor] {
  const [m, n] = A.shape.slice(-2) as [number, number];
  if (m >= n) return applyMany(tallOperator, [A], null) as [Tensor, Tensor];
  const [q, r] = applyMany(tallOperator, [leading(A, -1, m)], null) as [Tensor, Tensor];
  return [q, catTensors([r, product(transposed(q), sliceDim(A, A.ndim - 1, m, n - m))], A.ndim - 1)];
}

const reducedOperator = compositeOperator<null>('linalg.qr', ([A]) => reducedQr(A as Tensor));

/** Modes without a derivative. */
const otherModeOperator = makeOperator<Mode>({
  name: 'linalg.qr',
  forward: ([A], mode) => {
    const x = A as Tensor;
    const [m, n] = x.shape.slice(-2) as [number, number];
    const [q, r] = plainQr(x, mode === 'complete' ? m : Math.min(m, n));
    return [mode === 'r' ? emptyTensor([0], x.type) : q, r];
  },
  derivative: {
    kind: 'rules',
    vjp: (_g, context) => {
      throw new AutogradError(
        `linalg.qr: mode '${context.params}' of ${formatShape(context.inputShape(0))} has no derivative: use mode 'reduced', whose Q is unique`,
      );
    },
  },
  batching: { kind: 'loop' },
});

function decomposed(name: string, A: Tensor, mode: Mode): NamedResults<'Q' | 'R'> {
  requireMatrices(name, A);
  const [m, n] = A.shape.slice(-2) as [number, number];
  const differentiable = mode === 'reduced' || (mode === 'complete' && m <= n);
  return namedResults(['Q', 'R'], differentiable ? applyMany(reducedOperator, [A], null) : applyMany(otherModeOperator, [A], mode));
}

/**
 * A = Q R with orthonormal columns in Q and upper triangular R, by Householder reflections with LAPACK's signs. Mode 'reduced' (the default): Q is [m, k] with
 * k = min(m, n); 'complete': Q is [m, m]; 'r': only R, and an empty Q. float32 or float64. The gradient needs the first k columns of A to be independent; modes
 * 'complete' with m > n and 'r' have none.
 *
 * @example
 * linalg.qr(tensor([[0, 1], [2, 3]])).R; // tensor([[-2., -3.], [0., -1.]])
 */
export const linalgQr: QrFunction<'qr'> = described(
  'linalg.qr',
  (A: Tensor, mode: Mode = 'reduced'): NamedResults<'Q' | 'R'> => {
    if (mode !== 'reduced' && mode !== 'complete' && mode !== 'r') {
      throw new ArgumentError(`linalg.qr: mode must be 'reduced', 'complete' or 'r', got ${String(mode)}`);
    }
    return decomposed('linalg.qr', A, mode);
  },
  {
    signature: 'A, mode?',
    samples: [{ args: [t([3, 3])] }, { args: [t([2, 4, 3])] }, { args: [t([2, 3])] }, { args: [t([0, 3])] }],
    bad: [
      { args: [t([3])], error: /at least 2 dimensions/ },
      { args: [t([2, 2]), 'full'], error: /mode/ },
    ],
  },
);

/**
 * `linalg.qr` with `some` (the default) for mode 'reduced', and false for 'complete'.
 *
 * @example
 * qr(tensor([[0, 1], [2, 3]])).R; // tensor([[-2., -3.], [0., -1.]])
 */
export const qr = described(
  'qr',
  (input: Tensor, some = true): NamedResults<'Q' | 'R'> => decomposed('qr', input, some ? 'reduced' : 'complete'),
  {
    signature: 'input, some?',
    samples: [{ args: [t([3, 3])] }, { args: [t([2, 4, 3])] }, { args: [t([2, 3])] }],
    bad: [{ args: [t([3])], error: /at least 2 dimensions/ }],
  },
);

/**
 * Householder's QR as LAPACK stores it: R in the upper triangle of the first result, below it the reflectors, and their factors in the second. No gradient.
 *
 * @example
 * geqrf(tensor([[0, 1], [2, 3]])).tau; // tensor([1., 0.])
 */
export const geqrf = described(
  'geqrf',
  (input: Tensor): NamedResults<'a' | 'tau'> => {
    requireMatrices('geqrf', input, 'input');
    return namedResults(['a', 'tau'], applyMany(reflectorsOperator, [input], null));
  },
  {
    signature: 'input',
    samples: [{ args: [t([3, 3], { grad: false })] }, { args: [t([2, 2, 3], { grad: false })] }],
    bad: [{ args: [t([3])], error: /at least 2 dimensions/ }],
  },
);

/** H₁ H₂ ⋯ applied to the first `columns` columns of the identity: Hᵢ = I − τᵢ vᵢ vᵢᵀ, with vᵢ in column i below the diagonal. */
function reflected(A: Tensor, tau: Tensor, columns: number): Tensor {
  const [m, n] = A.shape.slice(-2) as [number, number];
  const vectors = plus(triangleOf('tril', A, -1), identity(m, A.type, n));
  // Zeros made of A: without reflectors too the result depends on it in form.
  const zeros = triangleOf('tril', A, -m);
  let q = plus(
    withBatch(identity(m, A.type, columns), A.shape.slice(0, -2), 2),
    columns === n ? zeros : product(zeros, identity(n, A.type, columns)),
  );
  for (let i = (tau.shape.at(-1) as number) - 1; i >= 0; i--) {
    const v = sliceDim(vectors, A.ndim - 1, i, 1);
    const factor = asColumn(asColumn(select(tau, tau.ndim - 1, i)));
    q = minus(q, times(factor, product(v, product(transposed(v), q))));
  }
  return q;
}

function productOf(A: Tensor, tau: Tensor, columns: number): Tensor {
  return needsComposition(A) || needsComposition(tau) ? reflected(A, tau, columns) : applyOne(formOperator, [A, tau], columns);
}

const productOperator = compositeOperator<null>('linalg.householderProduct', ([A, tau]) =>
  productOf(A as Tensor, tau as Tensor, (A as Tensor).shape.at(-1) as number),
);

function requireReflectors(name: string, A: unknown, tau: Tensor, wide = false): asserts A is Tensor {
  requireMatrices(name, A, 'input');
  requireTensor(name, 'tau', tau);
  requireOneType(name, A, tau);
  const [m, n] = A.shape.slice(-2) as [number, number];
  if (m < n && !wide) throw new ShapeError(`${name}: needs at least as many rows as columns, got ${formatShape(A.shape)}`);
  const batch = A.shape.slice(0, -2);
  if (tau.ndim !== batch.length + 1 || batch.some((size, i) => size !== tau.shape[i]) || (tau.shape.at(-1) as number) > Math.min(m, n)) {
    throw new ShapeError(`${name}: tau of shape ${formatShape(tau.shape)} does not fit reflectors of shape ${formatShape(A.shape)}`);
  }
}

/**
 * The first columns of a product of Householder reflections, as many as `input` has: reflectors below its diagonal, their factors in `tau`, as `geqrf` returns
 * them. float32 or float64.
 *
 * @example
 * linalg.householderProduct(tensor([[0, 1], [1, 3]]), tensor([1, 0])); // tensor([[0., -1.], [-1., 0.]])
 */
export const householderProduct: UnarySame<FloatingDType, [tau: Tensor]> = described(
  'linalg.householderProduct',
  (A: Tensor, tau: Tensor): Tensor => {
    requireReflectors('linalg.householderProduct', A, tau);
    return applyOne(productOperator, [A, tau], null);
  },
  {
    signature: 'A, tau',
    samples: [{ args: [t([3, 3]), t([3])] }, { args: [t([2, 4, 3]), t([2, 2])] }, { args: [t([0, 0]), t([0])] }],
    bad: [
      { args: [t([2, 3]), t([2])], error: /rows as columns/ },
      { args: [t([3, 2]), t([3])], error: /does not fit/ },
    ],
  },
);
/**
 * `linalg.householderProduct` under LAPACK's name.
 *
 * @example
 * orgqr(tensor([[0, 1], [1, 3]]), tensor([1, 0])); // tensor([[0., -1.], [-1., 0.]])
 */
export const orgqr: UnarySame<FloatingDType, [input2: Tensor]> = described(
  'orgqr',
  (input: Tensor, tau: Tensor): Tensor => {
    requireReflectors('orgqr', input, tau);
    return applyOne(productOperator, [input, tau], null);
  },
  {
    signature: 'input, input2',
    samples: [{ args: [t([3, 3]), t([3])] }, { args: [t([2, 4, 3]), t([2, 2])] }],
    bad: [{ args: [t([2, 3]), t([2])], error: /rows as columns/ }],
  },
);

interface MultiplyParams {
  readonly left: boolean;
  readonly transpose: boolean;
}

const multiplyOperator = compositeOperator<MultiplyParams>('ormqr', ([A, tau, C], { left, transpose }) => {
  // Only as many columns hold reflectors as there are factors.
  const reflectors = sliceDim(A as Tensor, (A as Tensor).ndim - 1, 0, (tau as Tensor).shape.at(-1) as number);
  const q = productOf(reflectors, tau as Tensor, (A as Tensor).shape.at(-2) as number);
  const factor = transpose ? transposed(q) : q;
  return left ? product(factor, C as Tensor) : product(C as Tensor, factor);
});

/**
 * Q C, or C Q with `left` false, where Q is the whole square product of the Householder reflections that `geqrf` returned; `transpose`: with Qᵀ.
 * float32 or float64; one batch for all.
 *
 * @example
 * ormqr(tensor([[0], [1]]), tensor([1]), tensor([[1], [2]])); // tensor([[-2.], [-1.]])
 */
export const ormqr = described(
  'ormqr',
  (input: Tensor, tau: Tensor, other: Tensor, left = true, transpose = false): Tensor => {
    requireReflectors('ormqr', input, tau, true);
    requireMatrices('ormqr', other, 'other');
    requireOneType('ormqr', input, other);
    const batch = input.shape.slice(0, -2);
    if (
      other.ndim !== input.ndim ||
      batch.some((size, i) => size !== other.shape[i]) ||
      other.shape.at(left ? -2 : -1) !== input.shape.at(-2)
    ) {
      throw new ShapeError(`ormqr: reflectors of shape ${formatShape(input.shape)} do not fit other of shape ${formatShape(other.shape)}`);
    }
    return applyOne(multiplyOperator, [input, tau, other], { left, transpose });
  },
  {
    signature: 'input, tau, other, left?, transpose?',
    samples: [
      { args: [t([3, 2]), t([2]), t([3, 4])] },
      { args: [t([2, 3, 2]), t([2, 2]), t([2, 1, 3]), false, true] },
      { args: [t([3, 3]), t([3]), t([3, 3]), true, true] },
      { args: [t([2, 4]), t([2]), t([2, 3])] },
    ],
    bad: [{ args: [t([3, 2]), t([2]), t([2, 4])], error: /do not fit/ }],
  },
);

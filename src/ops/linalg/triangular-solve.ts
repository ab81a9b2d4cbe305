import { t } from '../../op/contract.ts';
import { broadcastShapes } from '../../shape/broadcast.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyMany, applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ShapeError } from '../../util/errors.ts';
import { emptyTensor } from '../create.ts';
import { compositeOperator, described, makeOperator } from '../family.ts';
import { type NamedResults, namedResults } from '../results.ts';
import { triangleOf } from '../triangular.ts';
import { minus, negated, packed, product, requireMatrices, requireOneType, requireSquare, transposed, withBatch } from './algebra.ts';
import { solveTriangular as launchSolve } from './decomposition-kernels.ts';

export interface Triangle {
  readonly upper: boolean;
  /** The diagonal counts as ones and is not read. */
  readonly unit: boolean;
}

function partOf(x: Tensor, { upper, unit }: Triangle): Tensor {
  const diagonal = unit ? 1 : 0;
  return triangleOf(upper ? 'triu' : 'tril', x, upper ? diagonal : -diagonal);
}

/** A X = B for triangular A; both have one batch. From d(A X) = dB: dX = A⁻¹ (dB − dA X). */
const operator = makeOperator<Triangle>({
  name: 'linalg.solveTriangular',
  forward: ([a, b], { upper, unit }) => {
    const result = emptyTensor((b as Tensor).shape, (b as Tensor).type);
    launchSolve(result, packed(a as Tensor), packed(b as Tensor), upper, unit);
    return result;
  },
  derivative: {
    kind: 'rules',
    saves: { inputs: [0], outputs: [0] },
    vjp: ([g], context) => {
      const { upper, unit } = context.params;
      const gB = solveTriangle(transposed(context.input(0)), g as Tensor, { upper: !upper, unit });
      return [context.needs(0) ? partOf(negated(product(gB, transposed(context.output(0)))), context.params) : null, gB];
    },
    jvp: ([dA, dB], context) => {
      const moved = dA === null || dA === undefined ? null : product(partOf(dA, context.params), context.output(0));
      if (moved === null && (dB === null || dB === undefined)) return [null];
      const right = moved === null ? (dB as Tensor) : dB === null || dB === undefined ? negated(moved) : minus(dB, moved);
      return [solveTriangle(context.input(0), right, context.params)];
    },
  },
  batching: { kind: 'leading' },
});

/** The solution of `a @ x = b` for triangular matrices of one batch: for other operators. */
export function solveTriangle(a: Tensor, b: Tensor, triangle: Triangle): Tensor {
  return applyOne(operator, [a, b], triangle);
}

/** Both with the batch that their leading dimensions broadcast to; the last two dimensions are theirs. */
export function withCommonBatch(name: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const batch = broadcastShapes(name, a.shape.slice(0, -2), b.shape.slice(0, -2));
  return [withBatch(a, batch, 2), withBatch(b, batch, 2)];
}

/** Throws unless `a @ x = b` (or `x @ a = b`) can be solved: sizes and dtypes. */
export function requireRightSide(name: string, a: Tensor, b: Tensor, left: boolean): void {
  requireOneType(name, a, b);
  if (a.shape.at(-1) !== b.shape.at(left ? -2 : -1)) {
    throw new ShapeError(`${name}: A of shape ${formatShape(a.shape)} does not fit B of shape ${formatShape(b.shape)}`);
  }
  broadcastShapes(name, a.shape.slice(0, -2), b.shape.slice(0, -2));
}

const composite = compositeOperator<Triangle & { readonly left: boolean }>('linalg.solveTriangular', ([A, B], { left, upper, unit }) => {
  const [a, b] = withCommonBatch('linalg.solveTriangular', A as Tensor, B as Tensor);
  return left ? solveTriangle(a, b, { upper, unit }) : transposed(solveTriangle(transposed(a), transposed(b), { upper: !upper, unit }));
});

export interface SolveTriangularOptions {
  /** Which triangle of A is read: there is no default. */
  readonly upper: boolean;
  /** Solve A X = B (the default) or X A = B. */
  readonly left?: boolean;
  /** Count the diagonal of A as ones, whatever is there. */
  readonly unitriangular?: boolean;
}

/**
 * Solves A X = B (or X A = B with `left: false`) for triangular matrices A; the other triangle is not read. Leading dimensions are batches and broadcast.
 * float32 or float64, one dtype for both. A zero on the diagonal gives infinities.
 *
 * @example
 * linalg.solveTriangular(tensor([[2, 0], [1, 1]]), tensor([[2], [3]]), { upper: false }); // tensor([[1.], [2.]])
 */
export const solveTriangular = described(
  'linalg.solveTriangular',
  (A: Tensor, B: Tensor, { upper, left = true, unitriangular = false }: SolveTriangularOptions): Tensor => {
    const name = 'linalg.solveTriangular';
    requireSquare(name, A);
    requireMatrices(name, B, 'B');
    requireRightSide(name, A, B, left);
    return applyOne(composite, [A, B], { upper, left, unit: unitriangular });
  },
  {
    signature: 'A, B, *, upper, left, unitriangular',
    samples: [
      { args: [t([3, 3], { low: 1, high: 2 }), t([3, 2]), { upper: true }] },
      { args: [t([2, 3, 3], { low: 1, high: 2 }), t([2, 3]), { upper: false, left: false }] },
      { args: [t([3, 3]), t([2, 3, 1]), { upper: false, unitriangular: true }] },
      { args: [t([0, 0]), t([0, 2]), { upper: true }] },
    ],
    bad: [
      { args: [t([2, 3]), t([2, 1]), { upper: true }], error: /square/ },
      { args: [t([2, 2]), t([3, 1]), { upper: true }], error: /does not fit/ },
    ],
  },
);

const olderOperator = compositeOperator<Triangle & { readonly transpose: boolean }>(
  'triangularSolve',
  ([B, A], { upper, unit, transpose }) => {
    const [a, b] = withCommonBatch('triangularSolve', A as Tensor, B as Tensor);
    const part = partOfMatrix(a, upper);
    const solution = transpose ? solveTriangle(transposed(a), b, { upper: !upper, unit }) : solveTriangle(a, b, { upper, unit });
    return [solution, part];
  },
);

/** The triangle that is read, with its diagonal: what PyTorch returns beside the solution. */
function partOfMatrix(a: Tensor, upper: boolean): Tensor {
  return triangleOf(upper ? 'triu' : 'tril', a);
}

/**
 * Solves A X = B for triangular A (`upper` by default; `transpose`: Aᵀ X = B; `unitriangular`: the diagonal counts as ones), and returns the triangle that was
 * read as well. `linalg.solveTriangular` is a newer form of it.
 *
 * @example
 * triangularSolve(tensor([[4], [3]]), tensor([[2, 0], [0, 3]])).solution; // tensor([[2.], [1.]])
 */
export const triangularSolve = described(
  'triangularSolve',
  (b: Tensor, A: Tensor, upper = true, transpose = false, unitriangular = false): NamedResults<'solution' | 'clonedCoefficient'> => {
    const name = 'triangularSolve';
    requireMatrices(name, b, 'b');
    requireSquare(name, A);
    requireRightSide(name, A, b, true);
    return namedResults(['solution', 'clonedCoefficient'], applyMany(olderOperator, [b, A], { upper, unit: unitriangular, transpose }));
  },
  {
    signature: 'b, A, upper?, transpose?, unitriangular?',
    samples: [
      { args: [t([3, 2]), t([3, 3], { low: 1, high: 2 })] },
      { args: [t([2, 3, 1]), t([3, 3], { low: 1, high: 2 }), false, true] },
      { args: [t([3, 1]), t([3, 3]), true, false, true] },
    ],
    bad: [{ args: [t([2, 1]), t([3, 3])], error: /does not fit/ }],
  },
);

import { BOOL, type DType, INT32, INT64 } from '../dtype/dtype.ts';
import { type Operator, t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { applyOne } from '../tensor/apply.ts';
import { tensorOfElements } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { DTypeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { callMap, described, makeOperator, mapOperator, optionalType, requireDims } from './family.ts';
import type { TriangleFunction } from './types.ts';

/** Triangles of matrices. */

type Half = 'tril' | 'triu';

const BELOW = mapOperator('le', 2, 1, ([row, column], [diagonal]) => S.le(S.sub(column as S.Expr, row as S.Expr), diagonal as S.Expr));
const ABOVE = mapOperator('ge', 2, 1, ([row, column], [diagonal]) => S.ge(S.sub(column as S.Expr, row as S.Expr), diagonal as S.Expr));
const KEEP = mapOperator('where', 2, 0, ([inside, x]) => S.select(inside as S.Expr, x as S.Expr, S.constant(0)));
const KEEP_BOOL = mapOperator('logicalAnd', 2, 0, ([inside, x]) => S.and(inside as S.Expr, x as S.Expr));

function counted(count: number, shape: readonly number[]): Tensor {
  return tensorOfElements(
    Array.from({ length: count }, (_, i) => i),
    shape,
    INT32,
  );
}

/** Which elements of a matrix lie in a triangle. */
function triangle(half: Half, rows: number, columns: number, diagonal: number): Tensor {
  return callMap(half === 'tril' ? BELOW : ABOVE, [counted(rows, [rows, 1]), counted(columns, [1, columns])], [diagonal], INT32);
}

function halfOperator(half: Half): Operator<Tensor, number> {
  const operator: Operator<Tensor, number> = makeOperator<number>({
    name: half,
    forward: ([x], diagonal) => {
      const source = x as Tensor;
      const [rows, columns] = source.shape.slice(-2) as [number, number];
      const inside = triangle(half, rows, columns, diagonal);
      return source.type === BOOL
        ? KEEP_BOOL.forward([inside, source], { values: [], compute: BOOL })
        : KEEP.forward([inside, source], { values: [], compute: source.type });
    },
    derivative: { kind: 'linear', transpose: (g, context) => applyOne(operator, [g], context.params) },
    batching: { kind: 'leading' },
  });
  return operator;
}

const halves = { tril: halfOperator('tril'), triu: halfOperator('triu') };

/** A triangle of checked matrices: for other operators. */
export function triangleOf(half: Half, x: Tensor, diagonal = 0): Tensor {
  return applyOne(halves[half], [x], diagonal);
}

function halfFunction<R extends object>(half: Half): R {
  return described(
    half,
    (input: Tensor, diagonal = 0): Tensor => {
      requireDims(half, input, 2);
      requireWhole(half, 'diagonal', diagonal);
      return triangleOf(half, input, diagonal);
    },
    {
      signature: 'input, diagonal?',
      tensors: 1,
      samples: [{ args: [t([3, 3])] }, { args: [t([2, 3, 4]), 1] }, { args: [t([3, 2]), -1] }, { args: [t([0, 2])] }],
      bad: [{ args: [t([3])], error: /at least 2/ }],
    },
  );
}

/**
 * The lower triangle of a matrix, or of each of a batch: zeros above the diagonal (0: the main one, positive: above it).
 *
 * @example
 * tril(ones([2, 2])); // tensor([[1., 0.], [1., 1.]])
 */
export const tril: TriangleFunction<'tril'> = halfFunction('tril');

/**
 * The upper triangle of a matrix, or of each of a batch: zeros below the diagonal (0: the main one, positive: above it).
 *
 * @example
 * triu(ones([2, 2])); // tensor([[1., 1.], [0., 1.]])
 */
export const triu: TriangleFunction<'triu'> = halfFunction('triu');

function indicesFunction(half: Half) {
  const name = `${half}Indices`;
  return described(
    name,
    (row: number, col: number, offset = 0, options: { readonly dtype?: DType | null } = {}): Tensor => {
      for (const [role, size] of [
        ['row', row],
        ['col', col],
      ] as const) {
        requireWhole(name, role, size, 0);
      }
      const type = optionalType(options.dtype) ?? INT64;
      if (type !== INT64 && type !== INT32) throw new DTypeError(`${name}: dtype must be int32 or int64, got ${type.name}`);
      const rows: number[] = [];
      const columns: number[] = [];
      for (let i = 0; i < row; i++) {
        const first = half === 'tril' ? 0 : Math.max(0, i + offset);
        const end = half === 'tril' ? Math.min(col, i + offset + 1) : col;
        for (let j = first; j < end; j++) {
          rows.push(i);
          columns.push(j);
        }
      }
      return tensorOfElements([...rows, ...columns], [2, rows.length], type);
    },
    {
      signature: 'row, col, offset?, *, dtype',
      samples: [{ args: [3, 3] }, { args: [2, 4, 1] }, { args: [4, 2, -1] }, { args: [0, 2] }],
      bad: [{ args: [-1, 2], error: /from 0 on/ }],
    },
  );
}

/**
 * Rows and columns of the lower triangle of a matrix, in row-major order: a table of 2 rows, int64 unless `dtype` says int32.
 *
 * @example
 * trilIndices(2, 2); // tensor([[0, 1, 1], [0, 0, 1]])
 */
export const trilIndices = indicesFunction('tril');

/**
 * Rows and columns of the upper triangle of a matrix, in row-major order: a table of 2 rows, int64 unless `dtype` says int32.
 *
 * @example
 * triuIndices(2, 2); // tensor([[0, 0, 1], [0, 1, 1]])
 */
export const triuIndices = indicesFunction('triu');

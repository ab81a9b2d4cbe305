/** Normalisation along rows of contiguous memory: all of it in one kernel, forwards and backwards. The definition is in normalize-core.ts. */
import { backend } from '../../runtime/backend.ts';
import * as S from '../../scalar/expr.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { emptyTensor, fullTensor } from '../create.ts';
import { mapOperator } from '../family.ts';
import { discard, seenAs } from '../reduction.ts';
import { reducedShape } from '../structural.ts';
import type { NormalizationParams } from './normalize-core.ts';
import { ROWS_OF_A_SUM, RowProgram, runRows } from './row-kernels.ts';
import { arePlain, rowLength } from './rows.ts';

/** The programs of one kind, made when they are first asked for: what they are made for is up to four yeses and noes. */
function programs(make: (...form: boolean[]) => RowProgram): (...form: readonly [boolean, boolean, boolean, boolean]) => RowProgram {
  const made: RowProgram[] = [];
  return (a, b, c, d) => {
    const key = (a ? 1 : 0) + (b ? 2 : 0) + (c ? 4 : 0) + (d ? 8 : 0);
    made[key] ??= make(a, b, c, d);
    return made[key];
  };
}

/** [x, inverse deviation, mean and variance if centred, result if it is wanted, weight, bias], 1 / N, eps. */
const forwards = programs((centred, weighted, biased, full) => {
  const lines = centred ? 3 : 1;
  const result = 1 + lines;
  const affine = (weighted ? 1 : 0) + (biased ? 1 : 0);
  const count = result + (full ? 1 + affine : 0);
  const access = ['row', ...Array(lines).fill('each'), ...(full ? ['row', ...Array(affine).fill('shared')] : [])];
  return new RowProgram(access, 2, () => {
    const [x, factor] = [S.arg(0), S.param(0)];
    const mean = S.mul(S.arg(count), factor);
    const rest = centred ? S.sub(x, mean) : x;
    const variance = S.mul(S.arg(count + (centred ? 1 : 0)), factor);
    const inverse = S.rsqrt(S.add(variance, S.param(1)));
    const normalized = S.mul(rest, inverse);
    const scaled = weighted ? S.mul(normalized, S.arg(result + 1)) : normalized;
    const statistics = centred ? [inverse, mean, variance] : [inverse];
    const written = full ? [...statistics, biased ? S.add(scaled, S.arg(count - 1)) : scaled] : statistics;
    return [
      ...(centred ? [{ reduce: [['sum', x]] as const }] : []),
      { reduce: [['sum', S.mul(rest, rest)]] },
      { store: written.map((value, i) => [1 + i, value] as const) },
    ];
  });
});

/** [g, x, gradient, inverse deviation, mean if centred, weight, its gradient, that of the bias], 1 / N. Here weighted and biased say what wants a gradient. */
const backwards = programs((centred, weighted, biased, scaled) => {
  const lines = centred ? 2 : 1;
  const first = 3 + lines + (scaled ? 1 : 0);
  const sums = (weighted ? 1 : 0) + (biased ? 1 : 0);
  const access = ['row', 'row', 'row', ...Array(lines).fill('each'), ...(scaled ? ['shared' as const] : []), ...Array(sums).fill('sum')];
  const count = first + sums;
  return new RowProgram(access, 1, () => {
    const [g, x, inverse, factor] = [S.arg(0), S.arg(1), S.arg(3), S.param(0)];
    const normalized = S.mul(centred ? S.sub(x, S.arg(4)) : x, inverse);
    const u = scaled ? S.mul(g, S.arg(3 + lines)) : g;
    const share = S.mul(normalized, S.mul(S.arg(count), factor));
    const rest = centred ? S.sub(u, S.mul(S.arg(count + 1), factor)) : u;
    return [
      { reduce: [['sum', S.mul(u, normalized)], ...(centred ? ([['sum', u]] as const) : [])] },
      {
        store: [
          [2, S.mul(S.sub(rest, share), inverse)],
          ...(weighted ? ([[first, S.add(S.arg(first), S.mul(g, normalized))]] as const) : []),
          ...(biased ? ([[count - 1, S.add(S.arg(count - 1), g)]] as const) : []),
        ],
      },
    ];
  });
});

/** Whether weight and bias have an element for each place of a row. */
function liesAlong({ affine, dims, seen }: NormalizationParams): boolean {
  return affine.every((size, d) => size === (dims.includes(d) ? seen[d] : 1));
}

/**
 * The statistics, that is the inverse deviation, and mean and variance if centred, where there is a kernel for it, else null; and the result where
 * weight and bias have an element for each place of a row.
 */
export function normalizedRows(
  inputs: readonly Tensor[],
  params: NormalizationParams,
  centred: boolean,
): { readonly lines: Tensor[]; readonly result: Tensor | null } | null {
  const [input, ...others] = inputs as [Tensor, ...Tensor[]];
  if (!arePlain(inputs)) return null;
  const x = params.seen === input.shape ? input : seenAs(input, params.seen);
  const length = rowLength(x, params.dims);
  if (length === 0) return null;
  const { weighted, biased } = params;
  const full = !(weighted || biased) || liesAlong(params);
  const shape = reducedShape(x.shape, params.dims, true);
  const lines = [emptyTensor(shape, x.type)];
  if (centred) lines.push(emptyTensor(shape, x.type), emptyTensor(shape, x.type));
  const result = full ? emptyTensor(input.shape, x.type) : null;
  const written = result === null ? lines : [...lines, result, ...others];
  runRows(forwards(centred, weighted, biased, full), x.size / length, length, [input, ...written], [1 / length, params.eps]);
  return { lines, result };
}

/**
 * The gradients of input, weight and bias (those that `wants` asks for, the input's always), where there is a kernel for it, else null.
 * `shape`: that of weight and bias; `lines`: the inverse deviation, and the mean if one was taken off.
 */
export function rowGradients(
  g: Tensor,
  x: Tensor,
  lines: readonly Tensor[],
  weight: Tensor | null,
  wants: { readonly weight: boolean; readonly bias: boolean; readonly shape: readonly number[] },
  params: NormalizationParams,
): { readonly input: Tensor; readonly weight: Tensor | null; readonly bias: Tensor | null } | null {
  const length = rowLength(x, params.dims);
  const read = weight === null ? lines : [...lines, weight];
  if (length === 0 || !arePlain([g, x, ...read]) || !liesAlong(params)) return null;
  const rows = x.size / length;
  const groups = Math.ceil(rows / ROWS_OF_A_SUM);
  const sums = (wanted: boolean): Tensor | null => (wanted ? fullTensor([groups, ...wants.shape], 0, x.type) : null);
  const [weightSums, biasSums] = [sums(wants.weight), sums(wants.bias)];
  const input = emptyTensor(x.shape, x.type);
  const added = [weightSums, biasSums].filter((y) => y !== null);
  const program = backwards(lines.length > 1, wants.weight, wants.bias, weight !== null);
  runRows(program, rows, length, [g, x, input, ...read, ...added], [1 / length]);
  const total = (y: Tensor | null): Tensor | null => {
    if (y === null) return null;
    const result = emptyTensor(wants.shape, x.type);
    backend().reduce('sum', result, y, [0]);
    return result;
  };
  return { input, weight: total(weightSums), bias: total(biasSums) };
}

// ---------------------------------------------------------------- statistics of channels

/** [x, mean, sum of squared deviations]. */
const SQUARES = new RowProgram(['row', 'each', 'each'], 0, () => {
  const rest = S.sub(S.arg(0), S.arg(1));
  return [{ reduce: [['sum', S.mul(rest, rest)]] }, { store: [[2, S.arg(3)]] }];
});
/** [g, x, inverse deviation, mean, sum of g, sum of g times the normalised x]. */
const COTANGENT_SUMS = new RowProgram(['row', 'row', 'each', 'each', 'each', 'each'], 0, () => {
  const [g, x, inverse, mean] = [S.arg(0), S.arg(1), S.arg(2), S.arg(3)];
  return [
    {
      reduce: [
        ['sum', g],
        ['sum', S.mul(g, S.mul(S.sub(x, mean), inverse))],
      ],
    },
    {
      store: [
        [4, S.arg(6)],
        [5, S.arg(7)],
      ],
    },
  ];
});
const COPY = mapOperator('clone', 1, 0, ([x]) => x as S.Expr);
/** Shorter rows than this are left to reductions. */
const SHORTEST = 8;

/** The innermost dimensions in which statistics, weight and bias do not change, if they are worth a kernel: the shape of the rows, without them. */
function rowsOf(
  xs: readonly Tensor[],
  { dims, affine }: NormalizationParams,
): { readonly shape: number[]; readonly length: number } | null {
  const { shape } = xs[0] as Tensor;
  let first = shape.length;
  while (first > 0 && dims.includes(first - 1) && affine[first - 1] === 1) first--;
  const inner = shape.map((_, d) => d).slice(first);
  const length = rowLength(xs[0] as Tensor, inner);
  return length < SHORTEST || !arePlain(xs) ? null : { shape: reducedShape(shape, inner, true), length };
}

/** A tensor for each row, of what is the same for several. */
function spread(x: Tensor, shape: readonly number[]): Tensor {
  const result = emptyTensor(shape, x.type);
  COPY.forwardInto(result, [x], { values: [], compute: x.type });
  return result;
}

/** Σ (x - mean)² of each row, or null where composing is as good. */
export function squaresInRows(x: Tensor, mean: Tensor, params: NormalizationParams): Tensor | null {
  const rows = rowsOf([x, mean], params);
  if (rows === null) return null;
  const result = emptyTensor(rows.shape, x.type);
  const means = spread(mean, rows.shape);
  runRows(SQUARES, result.size, rows.length, [x, means, result], []);
  discard(means);
  return result;
}

/** Σ g and Σ g x̂ of each row, or null where composing is as good. */
export function cotangentSums(g: Tensor, x: Tensor, mean: Tensor, inverse: Tensor, params: NormalizationParams): [Tensor, Tensor] | null {
  const rows = rowsOf([x, g, mean, inverse], params);
  if (rows === null) return null;
  const [sums, products] = [emptyTensor(rows.shape, x.type), emptyTensor(rows.shape, x.type)];
  const lines = [spread(inverse, rows.shape), spread(mean, rows.shape)];
  runRows(COTANGENT_SUMS, sums.size, rows.length, [g, x, ...lines, sums, products], []);
  discard(...lines);
  return [sums, products];
}

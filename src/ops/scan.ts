import { BOOL, type DType, type DTypeInfo, INT64 } from '../dtype/dtype.ts';
import { toFloatType } from '../dtype/promotion.ts';
import type { FloatDType } from '../dtype/types.ts';
import { type Derivative, type Operator, t } from '../op/contract.ts';
import type { ScanKind } from '../runtime/backend.ts';
import * as S from '../scalar/expr.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape } from '../shape/shape.ts';
import { applyMany, applyOne } from '../tensor/apply.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
import { type Tensor, viewOf } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { emptyTensor } from './create.ts';
import { amax } from './extrema.ts';
import {
  callMap,
  commonType,
  compositeOperator,
  described,
  floatOnly,
  makeOperator,
  mapOperator,
  optionalType,
  realOnly,
  requireTensor,
  type Scalar,
} from './family.ts';
import { catTensors, commonTensors } from './join.ts';
import { MUL, SUB } from './maps.ts';
import { sliceDim } from './movement.ts';
import { place } from './pick.ts';
import { needsComposition, sumOver } from './reduction.ts';
import { type NamedResults, namedResults } from './results.ts';
import { scan } from './scan-kernels.ts';
import { alongDim, cast, reshape } from './structural.ts';
import type { AlongDim, CumulativeTrapezoidFunction, DiffFunction, ExtremeScan, ScanFunction, TrapezoidFunction } from './types.ts';

const BAD_DIM = [{ args: [t([2, 3]), 2], error: /dimension 2 is out of range/ }];
const SAMPLES = [
  { args: [t([4]), 0] },
  { args: [t([2, 3]), 1] },
  { args: [t([2, 3, 4]), -2] },
  { args: [t([]), 0] },
  { args: [t([0, 3]), 0] },
];

/** The dimension that is meant, or -1 for the one that a 0-d tensor does not have: batches of numbers stay what they are. */
function scanDim(name: string, dim: number, x: Tensor): number {
  const d = normalizeDim(name, dim, x.ndim);
  return x.ndim === 0 ? -1 : d;
}

const shiftedDim = (dim: number): number => (dim < 0 ? dim : dim + 1);

/** Runs a scan; along no dimension each element is a line of its own. */
function launch(kind: ScanKind, out: Tensor, indices: Tensor | null, x: Tensor, dim: number): void {
  if (dim >= 0) {
    scan(kind, out, indices, x, dim);
    return;
  }
  const line = (y: Tensor): Tensor => viewOf(y, [...y.shape, 1], [...y.strides, 1], y.offset);
  scan(kind, line(out), indices === null ? null : line(indices), line(x), x.ndim);
}

/** The elements of one dimension in reverse, seen without copying. */
function reversed(x: Tensor, dim: number): Tensor {
  if (dim < 0 || x.size === 0) return x;
  const strides = x.strides.map((stride, d) => (d === dim ? -stride : stride));
  return viewOf(x, x.shape, strides, x.offset + ((x.shape[dim] as number) - 1) * (x.strides[dim] as number));
}

// ---------------------------------------------------------------- cumsum

interface CumsumParams {
  readonly dim: number;
  readonly type: DTypeInfo;
  /** From the last element to the first. */
  readonly reverse: boolean;
}

const cumsumOperator: Operator<Tensor, CumsumParams> = makeOperator<CumsumParams>({
  name: 'cumsum',
  forward: ([input], { dim, type, reverse }) => {
    const x = input as Tensor;
    const result = emptyTensor(x.shape, type);
    launch('sum', reverse ? reversed(result, dim) : result, null, reverse ? reversed(x, dim) : x, dim);
    return result;
  },
  derivative: { kind: 'linear', transpose: (g, { params }) => applyOne(cumsumOperator, [g], { ...params, reverse: !params.reverse }) },
  batching: alongDim,
});

/** Running sums along a normalised dimension, for other operators. */
export function cumsumAlong(x: Tensor, dim: number): Tensor {
  return applyOne(cumsumOperator, [x], { dim, type: x.type, reverse: false });
}

export interface ScanOptions {
  /** The dtype to accumulate in and return. */
  readonly dtype?: DType | null;
}

function isWhole(type: DTypeInfo): boolean {
  return type.isInteger || type === BOOL;
}

/** The input in the dtype in which it is accumulated; integers are widened on load. */
function accumulated(input: Tensor, options: ScanOptions): { source: Tensor; type: DTypeInfo } {
  const type = optionalType(options.dtype) ?? (isWhole(input.type) ? INT64 : input.type);
  return { source: type === input.type || isWhole(input.type) ? input : cast(input, type), type };
}

/**
 * Running sums along `dim`. Integers and bool are summed in int64 unless `dtype` says otherwise.
 *
 * @example
 * cumsum(tensor([1, 2, 3]), 0); // tensor([1., 3., 6.])
 */
export const cumsum: ScanFunction<'cumsum'> = described(
  'cumsum',
  (input: Tensor, dim: number, options: ScanOptions = {}): Tensor => {
    const d = scanDim('cumsum', dim, input);
    const { source, type } = accumulated(input, options);
    return applyOne(cumsumOperator, [source], { dim: d, type, reverse: false });
  },
  { signature: 'input, dim, *, dtype', tensors: 1, samples: SAMPLES, bad: BAD_DIM },
);

// ---------------------------------------------------------------- cumprod, logcumsumexp

/**
 * Any running combination as a composition: after k steps each element combines the 2ᵏ before it (Hillis and Steele, "Data parallel algorithms",
 * 1986). Its derivatives of all orders are those of the combination.
 */
function scanByDoubling(x: Tensor, dim: number, combine: MapOperator): Tensor {
  const size = dim < 0 ? 1 : (x.shape[dim] as number);
  let current = x;
  for (let reach = 1; reach < size; reach *= 2) {
    const kept = sliceDim(current, dim, 0, reach);
    const combined = callMap(combine, [sliceDim(current, dim, 0, size - reach), sliceDim(current, dim, reach, size - reach)], [], x.type);
    current = catTensors([kept, combined], dim);
  }
  return current;
}

interface DimType {
  readonly dim: number;
  readonly type: DTypeInfo;
}

function composedScan(
  name: string,
  kind: 'prod' | 'logaddexp',
  combine: MapOperator,
  derivative: Derivative<Tensor, DimType> = { kind: 'composite' },
): Operator<Tensor, DimType> {
  const compose = ([input]: readonly Tensor[], { dim, type }: DimType): Tensor => {
    const x = input as Tensor;
    if (needsComposition(x)) return scanByDoubling(cast(x, type), dim, combine);
    const result = emptyTensor(x.shape, type);
    launch(kind, result, null, x, dim);
    return result;
  };
  return compositeOperator<DimType>(name, compose, derivative);
}

const cumprodOperator = composedScan(
  'cumprod',
  'prod',
  mapOperator('mul', 2, 0, ([x, y]) => S.mul(x as S.Expr, y as S.Expr)),
);
const logcumsumexpOperator = composedScan(
  'logcumsumexp',
  'logaddexp',
  mapOperator('logaddexp', 2, 0, ([x, y]) => S.logaddexp(x as S.Expr, y as S.Expr)),
  { kind: 'composite', jvp: ([tangent], context) => [logcumsumexpTangent(tangent as Tensor, context.input(0), context.params)] },
);

const EXP_DIFFERENCE = mapOperator('exp', 2, 0, ([x, y]) => S.exp(S.sub(x as S.Expr, y as S.Expr)));
/** Keeps the quotient finite where everything up to an element is far below the largest; PyTorch's forward rule has the same. */
const TANGENT_EPSILON = 1e-13;
const QUOTIENT = mapOperator('div', 2, 1, ([x, y], [eps]) => S.div(x as S.Expr, S.add(y as S.Expr, eps as S.Expr)));

/** Σ eˣt / (Σ eˣ + ε) up to each element, with x taken relative to the largest along the dimension: PyTorch's rule, to its digits. */
function logcumsumexpTangent(tangent: Tensor, x: Tensor, { dim, type }: DimType): Tensor {
  if (x.ndim === 0 || x.size === 0) return tangent;
  const weights = callMap(EXP_DIFFERENCE, [x, amax(x, dim, { keepdim: true })], [], type);
  const weighted = cumsum(callMap(MUL, [weights, tangent], [], type), dim);
  return callMap(QUOTIENT, [weighted, cumsum(weights, dim)], [TANGENT_EPSILON], type);
}

/**
 * Running products along `dim`. Integers and bool multiply in int64 unless `dtype` says otherwise. Derivatives of every order are right where
 * elements are zero.
 *
 * @example
 * cumprod(tensor([1, 2, 3]), 0); // tensor([1., 2., 6.])
 */
export const cumprod: ScanFunction<'cumprod'> = described(
  'cumprod',
  (input: Tensor, dim: number, options: ScanOptions = {}): Tensor => {
    const d = scanDim('cumprod', dim, input);
    const { source, type } = accumulated(input, options);
    return applyOne(cumprodOperator, [source], { dim: d, type });
  },
  { signature: 'input, dim, *, dtype', tensors: 1, samples: [...SAMPLES, { args: [t([4], { values: [2, 0, 3, 0] }), 0] }], bad: BAD_DIM },
);

/**
 * Running log(sum(exp(x))) along `dim`, without overflow. Needs a floating dtype.
 *
 * @example
 * logcumsumexp(tensor([0, 0]), 0); // tensor([0.0000, 0.6931])
 */
export const logcumsumexp: AlongDim<'logcumsumexp', FloatDType> = described(
  'logcumsumexp',
  (input: Tensor, dim: number): Tensor => {
    realOnly(floatOnly(input.type, 'logcumsumexp'), 'logcumsumexp');
    return applyOne(logcumsumexpOperator, [input], { dim: scanDim('logcumsumexp', dim, input), type: input.type });
  },
  {
    signature: 'input, dim',
    tensors: 1,
    samples: SAMPLES,
    bad: [...BAD_DIM, { args: [t([2], { dtype: 'int64' }), 0], error: /floating/ }],
  },
);

// ---------------------------------------------------------------- cummax, cummin

/** Running extrema and where they came from; that element takes the gradient. */
function extremeScan<N extends 'cummax' | 'cummin'>(name: N, kind: 'max' | 'min'): ExtremeScan<N> {
  const operator = makeOperator<number>({
    name,
    forward: ([input], dim) => {
      const x = input as Tensor;
      const values = emptyTensor(x.shape, x.type);
      const indices = emptyTensor(x.shape, INT64);
      launch(kind, values, indices, x, dim);
      return [values, indices];
    },
    derivative: {
      kind: 'rules',
      saves: { outputs: [1] },
      vjp: ([g], context) => {
        const shape = context.inputShape(0);
        if (g === null || g === undefined || g.size === 0 || context.params < 0) return [g ?? null];
        return [place(g, context.output(1), context.params, shape[context.params] as number)];
      },
    },
    batching: { kind: 'params', rewrite: shiftedDim },
    nonDifferentiableOutputs: [1],
  });
  return described(
    name,
    (input: Tensor, dim: number): NamedResults<'values' | 'indices'> => {
      realOnly(input.type, name);
      return namedResults(['values', 'indices'], applyMany(operator, [input], scanDim(name, dim, input)));
    },
    { signature: 'input, dim', tensors: 1, samples: SAMPLES, bad: BAD_DIM },
  );
}

/**
 * Running maxima along `dim` and where they came from, as `{ values, indices }`; of equal elements the last one counts, NaN stays.
 *
 * @example
 * cummax(tensor([1, 3, 2]), 0).values; // tensor([1., 3., 3.])
 */
export const cummax = extremeScan('cummax', 'max');

/**
 * Running minima along `dim` and where they came from, as `{ values, indices }`; of equal elements the last one counts, NaN stays.
 *
 * @example
 * cummin(tensor([3, 1, 2]), 0).values; // tensor([3., 1., 1.])
 */
export const cummin = extremeScan('cummin', 'min');

// ---------------------------------------------------------------- differences and integrals

const XOR = mapOperator('ne', 2, 0, ([x, y]) => S.ne(x as S.Expr, y as S.Expr));

interface DiffParams {
  readonly n: number;
  readonly dim: number;
}

const diffOperator = compositeOperator<DiffParams>('diff', (parts, { n, dim }) => {
  let current = parts.length === 1 ? (parts[0] as Tensor) : catTensors(parts, dim);
  const step = current.type === BOOL ? XOR : SUB;
  for (let k = 0; k < n; k++) {
    const size = current.shape[dim] as number;
    if (size === 0) break;
    current = callMap(step, [sliceDim(current, dim, 1, size - 1), sliceDim(current, dim, 0, size - 1)], [], current.type);
  }
  return n === 0 && parts.length === 1 ? sliceDim(current, dim, 0, current.shape[dim] as number) : current;
});

/**
 * The `n`-th difference of neighbours along `dim`, with `prepend` and `append` joined to the input first. For bool: whether neighbours differ.
 *
 * @example
 * diff(tensor([1, 4, 9])); // tensor([3., 5.])
 */
export const diff: DiffFunction = described(
  'diff',
  (input: Tensor, n?: number | null, dim?: number | null, prepend?: Tensor | null, append?: Tensor | null): Tensor => {
    const order = n ?? 1;
    requireWhole('diff', 'n', order, 0);
    if (input.ndim === 0) throw new ShapeError('diff: a 0-d tensor has no neighbours: it needs at least one dimension');
    const d = normalizeDim('diff', dim ?? -1, input.ndim);
    // Nothing is joined for no difference at all.
    const around = order === 0 ? [input] : [prepend, input, append].filter((x): x is Tensor => x !== null && x !== undefined);
    for (const x of around) checkNeighbour(input, x, d);
    return applyOne(diffOperator, around.length === 1 ? around : commonTensors('diff', around), { n: order, dim: d });
  },
  {
    signature: 'input, n?, dim?, prepend?, append?',
    tensors: 1,
    samples: [{ args: [t([4])] }, { args: [t([3, 4]), 2, 0] }, { args: [t([2, 3]), 1, -1, t([2, 1]), t([2, 2])] }, { args: [t([3]), 0] }],
    bad: [
      { args: [t([])], error: /at least one dimension/ },
      { args: [t([3]), -1], error: /whole number/ },
    ],
  },
);

function checkNeighbour(input: Tensor, x: Tensor, dim: number): void {
  requireTensor('diff', 'prepend or append', x);
  const fits = x.ndim === input.ndim && x.shape.every((size, d) => d === dim || size === input.shape[d]);
  if (!fits)
    throw new ShapeError(
      `diff: ${formatShape(x.shape)} cannot be joined to ${formatShape(input.shape)} along dimension ${dim}: the other sizes must be equal`,
    );
}

const TRAPEZOID = mapOperator('trapezoid', 3, 0, ([a, b, w]) => S.mul(S.mul(S.add(a as S.Expr, b as S.Expr), w as S.Expr), 0.5));
const PAIR_SUM = mapOperator('trapezoid', 2, 1, ([a, b], [w]) => S.mul(S.add(a as S.Expr, b as S.Expr), w as S.Expr));

interface TrapezoidParams {
  readonly dim: number;
  readonly dx: number;
  readonly cumulative: boolean;
}

/** The areas between neighbours, summed or running. The second operand, if there is one, holds the places of the first. */
function integralOperator(name: string): Operator<Tensor, TrapezoidParams> {
  return compositeOperator<TrapezoidParams>(name, ([values, places], { dim, dx, cumulative }) => {
    const y = values as Tensor;
    const size = y.shape[dim] as number;
    const steps = Math.max(0, size - 1);
    const left = sliceDim(y, dim, 0, steps);
    const right = sliceDim(y, dim, size === 0 ? 0 : 1, steps);
    if (places === undefined) {
      // Without places the sum alone needs no product for each pair.
      const pairs = callMap(PAIR_SUM, [left, right], [dx / 2], y.type);
      return cumulative ? cumsumAlong(pairs, dim) : sumOver(pairs, [dim]);
    }
    const width = differences(places, dim, y.ndim);
    const areas = callMap(TRAPEZOID, [left, right, width], [], y.type);
    return cumulative ? cumsumAlong(areas, dim) : sumOver(areas, [dim]);
  });
}

/** Distances of neighbouring places, in the shape of the pairs; one dimension stands for the one that is integrated over. */
function differences(places: Tensor, dim: number, ndim: number): Tensor {
  const at = places.ndim === 1 ? 0 : dim - ndim + places.ndim;
  const size = places.shape[at] as number;
  const steps = Math.max(0, size - 1);
  const width = callMap(SUB, [sliceDim(places, at, size === 0 ? 0 : 1, steps), sliceDim(places, at, 0, steps)], [], places.type);
  if (places.ndim !== 1 || ndim === 1) return width;
  return reshape(
    width,
    Array.from({ length: ndim }, (_, d) => (d === dim ? steps : 1)),
  );
}

export interface TrapezoidOptions {
  /** The distance of neighbours where no places are given. Default 1. */
  readonly dx?: Scalar;
  readonly dim?: number;
}

function integrating<R extends object>(name: string, cumulative: boolean): R {
  const operator = integralOperator(name);
  return described(
    name,
    (y: Tensor, x?: Tensor | null, options: TrapezoidOptions = {}): Tensor => {
      if (y.ndim === 0) throw new ShapeError(`${name}: y needs at least one dimension`);
      const d = normalizeDim(name, options.dim ?? -1, y.ndim);
      const params = { dim: d, dx: Number(options.dx ?? 1), cumulative };
      if (x === null || x === undefined) return applyOne(operator, [cast(y, toFloatType(y.type))], params);
      requireTensor(name, 'x', x);
      checkPlaces(name, y, x, d);
      const type = toFloatType(commonType([y, x]));
      return applyOne(operator, [cast(y, type), cast(x, type)], params);
    },
    {
      signature: 'y, x?, *, dx, dim',
      tensors: 1,
      samples: [
        { args: [t([5])] },
        { args: [t([2, 3]), t([2, 3])] },
        { args: [t([2, 3]), t([3])] },
        { args: [t([3, 2]), null, { dx: 2, dim: 0 }] },
      ],
      bad: [
        { args: [t([])], error: /at least one dimension/ },
        { args: [t([2, 3]), t([4])], error: /\[4\].*\[2, 3\]/ },
      ],
    },
  );
}

function checkPlaces(name: string, y: Tensor, x: Tensor, dim: number): void {
  const at = x.ndim === 1 ? 0 : dim - y.ndim + x.ndim;
  if (x.ndim === 0 || at < 0 || x.shape[at] !== y.shape[dim]) {
    throw new ShapeError(
      `${name}: x of shape ${formatShape(x.shape)} does not place the elements of y along dimension ${dim} of ${formatShape(y.shape)}: it needs as many`,
    );
  }
}

/**
 * The integral along `dim` (the last by default) by the trapezoidal rule, over places `x` or steps of `dx`. Integers become the default float.
 *
 * @example
 * trapezoid(tensor([1, 2, 3])); // tensor(4.)
 */
export const trapezoid: TrapezoidFunction<'trapezoid'> = integrating('trapezoid', false);

/**
 * `trapezoid` under its older name.
 *
 * @example
 * trapz(tensor([1, 2, 3]), tensor([0, 1, 3])); // tensor(6.5000)
 */
export const trapz: TrapezoidFunction<'trapz'> = integrating('trapz', false);

/**
 * The running integral along `dim` (the last by default) by the trapezoidal rule: one element less than `y`.
 *
 * @example
 * cumulativeTrapezoid(tensor([1, 2, 3])); // tensor([1.5000, 4.0000])
 */
export const cumulativeTrapezoid: CumulativeTrapezoidFunction<'cumulativeTrapezoid'> = integrating('cumulativeTrapezoid', true);

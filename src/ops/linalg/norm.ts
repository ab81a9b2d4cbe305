import type { DType, DTypeInfo } from '../../dtype/dtype.ts';
import type { FloatDType } from '../../dtype/types.ts';
import { type Operator, t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { normalizeDim, normalizeDims } from '../../shape/dims.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError } from '../../util/errors.ts';
import { amaxOver, aminOver, type KeepdimOptions } from '../extrema.ts';
import {
  callMap,
  commonType,
  compositeOperator,
  described,
  floatOnly,
  mapOperator,
  optionalType,
  realOnly,
  requireDims,
} from '../family.ts';
import { ABS, SQUARE, SUB } from '../maps.ts';
import type { Dims } from '../reduce.ts';
import { type DimsParams, sumOver } from '../reduction.ts';
import { rootOf } from '../statistics.ts';
import { cast } from '../structural.ts';
import type { DistFunction, NormFunction, UnarySame } from '../types.ts';

const NONZERO = mapOperator('ne', 1, 0, ([x]) => S.select(S.ne(x as S.Expr, 0), 1, 0));
/** |x| ** p, with derivative 0 at 0. */
const ABS_POWER = mapOperator('pow', 1, 1, ([x], [p]) =>
  atZero(x as S.Expr, S.select(S.lt(p as S.Expr, 0), Number.POSITIVE_INFINITY, 0), S.pow(S.abs(x as S.Expr), p as S.Expr)),
);
const POWER = mapOperator('pow', 1, 1, ([s], [p]) =>
  atZero(s as S.Expr, S.select(S.lt(p as S.Expr, 0), Number.POSITIVE_INFINITY, 0), S.pow(s as S.Expr, p as S.Expr)),
);

function atZero(x: S.Expr, value: S.Expr, otherwise: S.Expr): S.Expr {
  return S.select(S.eq(x, 0), value, otherwise);
}

interface NormParams extends DimsParams {
  readonly order: number;
}

/**
 * (Σ |x| ** p) ** (1 / p), and its limits: the largest (p = ∞) and smallest (p = -∞) absolute value, the number of elements that are not zero (p = 0).
 * Where the norm is not differentiable its derivative is the subgradient of smallest norm: 0 at zeros, shared evenly between ties.
 */
function norm(x: Tensor, { order, dims, keepdim }: NormParams): Tensor {
  const absolute = (): Tensor => callMap(ABS, [x], [], x.type);
  switch (order) {
    case 2:
      return rootOf(sumOver(callMap(SQUARE, [x], [], x.type), dims, keepdim));
    case 1:
      return sumOver(absolute(), dims, keepdim);
    case 0:
      return sumOver(callMap(NONZERO, [x], [], x.type), dims, keepdim);
    case Number.POSITIVE_INFINITY:
      return amaxOver(absolute(), dims, keepdim);
    case Number.NEGATIVE_INFINITY:
      return aminOver(absolute(), dims, keepdim);
    default:
      return callMap(POWER, [sumOver(callMap(ABS_POWER, [x], [order], x.type), dims, keepdim)], [1 / order], x.type);
  }
}

function normOperator(name: string): Operator<Tensor, NormParams> {
  return compositeOperator<NormParams>(name, ([x], params) => norm(x as Tensor, params));
}

const vectorNormOperator = normOperator('linalg.vectorNorm');
const pNormOperator = normOperator('norm');

/** The p-norm over normalised dimensions, for other operators. */
export function normOver(x: Tensor, order: number, dims: readonly number[], keepdim = false): Tensor {
  return applyOne(vectorNormOperator, [x], { order, dims, keepdim });
}

function requireNormable(name: string, x: Tensor, { order, dims }: NormParams): void {
  const empty = dims.some((d) => x.shape[d] === 0);
  if (empty && (order < 0 || order === Number.POSITIVE_INFINITY)) {
    throw new ArgumentError(
      `${name}: the norm of order ${order} of no elements is not defined, and ${formatShape(x.shape)} has none along dimension ${dims.find((d) => x.shape[d] === 0)}`,
    );
  }
}

function normed(name: string, operator: Operator<Tensor, NormParams>, input: Tensor, params: NormParams, dtype: DTypeInfo | null): Tensor {
  realOnly(floatOnly(input.type, name), name);
  if (dtype !== null && !dtype.isFloat) throw new DTypeError(`${name}: dtype must be floating, got ${dtype.name}`);
  requireNormable(name, input, params);
  return applyOne(operator, [dtype === null ? input : cast(input, dtype)], params);
}

export interface NormOptions extends KeepdimOptions {
  /** Convert the input to this floating dtype first. */
  readonly dtype?: DType | null;
}

/** The order of a norm as a number: strings of Python's infinities are understood too. */
function orderOf(name: string, order: number | string): number {
  if (typeof order === 'number' && !Number.isNaN(order)) return order;
  if (order === 'inf') return Number.POSITIVE_INFINITY;
  if (order === '-inf') return Number.NEGATIVE_INFINITY;
  throw new ArgumentError(`${name}: the order must be a number, got ${String(order)}`);
}

/**
 * The norm of vectors, (Σ |x| ** ord) ** (1 / ord), over `dim` (one dimension, several, or all). `ord` is any number, Infinity and -Infinity included;
 * 0 counts what is not zero. Needs a floating dtype. Where it is not differentiable the gradient is the subgradient of smallest norm.
 *
 * @example
 * linalg.vectorNorm(tensor([3, 4])); // tensor(5.)
 */
export const vectorNorm: NormFunction<'vectorNorm', number> = described(
  'linalg.vectorNorm',
  (x: Tensor, ord: number = 2, dim?: Dims, options: NormOptions = {}): Tensor => {
    const name = 'linalg.vectorNorm';
    const params = { order: orderOf(name, ord), dims: normalizeDims(name, dim, x.ndim), keepdim: options.keepdim === true };
    return normed(name, vectorNormOperator, x, params, optionalType(options.dtype));
  },
  {
    signature: 'x, ord?, dim?, *, keepdim, dtype',
    tensors: 1,
    samples: [
      { args: [t([3])] },
      { args: [t([2, 3]), 1, 1], skipNumericGradient: true },
      { args: [t([2, 3, 4]), 3, [0, 2], { keepdim: true }] },
      { args: [t([2, 3]), Number.POSITIVE_INFINITY, 0], skipNumericGradient: true },
      { args: [t([]), 2] },
      { args: [t([0])] },
    ],
    bad: [
      { args: [t([2, 3]), 2, 2], error: /dimension 2 is out of range/ },
      { args: [t([2], { dtype: 'int64' })], error: /floating/ },
      { args: [t([0]), Number.POSITIVE_INFINITY], error: /no elements/ },
    ],
  },
);

/** Of the function and of the method. */
export const NORM_SIGNATURE = 'input, p?, dim?, *, keepdim, dtype';

/** The p-norm without the nuclear one, which brings the singular value decomposition along: see `nuclear-norm.ts`. */
export function pNormed(input: Tensor, p: number | string | null, dim: Dims | undefined, options: NormOptions): Tensor {
  const order = p === 'fro' || p === null ? 2 : orderOf('norm', p);
  return normed(
    'norm',
    pNormOperator,
    input,
    { order, dims: normalizeDims('norm', dim, input.ndim), keepdim: options.keepdim === true },
    optionalType(options.dtype),
  );
}

/** `x.norm(...)`. Decompositions are functions, not methods, and the nuclear norm takes one. */
export const normMethod: NormFunction<'norm', number | 'fro' | null> = described(
  'norm',
  (input: Tensor, p: number | string | null = 'fro', dim?: Dims, options: NormOptions = {}): Tensor => {
    if (p === 'nuc')
      throw new ArgumentError("norm: the nuclear norm is no method: call the function norm(x, 'nuc'), or linalg.matrixNorm(x, 'nuc')");
    return pNormed(input, p, dim, options);
  },
  { signature: NORM_SIGNATURE, tensors: 1 },
);

const distOperator = compositeOperator<number>('dist', ([x, y], order) => {
  const difference = callMap(SUB, [x as Tensor, y as Tensor], [], (x as Tensor).type);
  return norm(difference, { order, dims: difference.shape.map((_, d) => d), keepdim: false });
});

/**
 * The p-norm of the difference of two tensors, broadcast; over all elements. Needs a floating dtype.
 *
 * @example
 * dist(tensor([1, 2]), tensor([4, 6])); // tensor(5.)
 */
export const dist: DistFunction<'dist'> = described(
  'dist',
  (input: Tensor, other: Tensor, p = 2): Tensor => {
    const type = realOnly(floatOnly(commonType([input, other]), 'dist'), 'dist');
    return applyOne(distOperator, [cast(input, type), cast(other, type)], orderOf('dist', p));
  },
  {
    signature: 'input, other, p?',
    tensors: 2,
    samples: [{ args: [t([2, 3]), t([2, 3])] }, { args: [t([2, 3]), t([3]), 3] }, { args: [t([]), t([])] }],
    bad: [{ args: [t([2, 3]), t([4])], error: /\[2, 3\].*\[4\]/ }],
  },
);

interface RenormParams {
  readonly order: number;
  readonly dim: number;
  readonly maxnorm: number;
}

/** Slices whose norm is at most `maxnorm` stay; 1e-7 in the divisor is PyTorch's. */
const RENORM = mapOperator('renorm', 2, 1, ([x, n], [maxnorm]) =>
  S.select(S.gt(n as S.Expr, maxnorm as S.Expr), S.mul(x as S.Expr, S.div(maxnorm as S.Expr, S.add(n as S.Expr, 1e-7))), x as S.Expr),
);

const renormOperator = compositeOperator<RenormParams>('renorm', ([input], { order, dim, maxnorm }) => {
  const x = input as Tensor;
  const dims = x.shape.map((_, d) => d).filter((d) => d !== dim);
  return callMap(RENORM, [x, norm(x, { order, dims, keepdim: true })], [maxnorm], x.type);
});

/**
 * Each slice along `dim` scaled down so that its p-norm is at most `maxnorm`; smaller ones stay. Needs a floating dtype and at least two dimensions.
 *
 * @example
 * renorm(tensor([[3, 4], [0, 1]]), 2, 0, 1); // tensor([[0.6000, 0.8000], [0.0000, 1.0000]])
 */
export const renorm: UnarySame<FloatDType, [p: number, dim: number, maxnorm: number]> = described(
  'renorm',
  (input: Tensor, p: number, dim: number, maxnorm: number): Tensor => {
    realOnly(floatOnly(input.type, 'renorm'), 'renorm');
    requireDims('renorm', input, 2);
    if (!(p > 0)) throw new ArgumentError(`renorm: the order p must be greater than 0, got ${p}`);
    if (!(maxnorm >= 0)) throw new ArgumentError(`renorm: maxnorm must be at least 0, got ${maxnorm}`);
    return applyOne(renormOperator, [input], { order: p, dim: normalizeDim('renorm', dim, input.ndim), maxnorm });
  },
  {
    signature: 'input, p, dim, maxnorm',
    tensors: 1,
    samples: [{ args: [t([2, 3]), 2, 0, 1] }, { args: [t([2, 3, 4]), 1, -1, 0.5] }, { args: [t([2, 3]), 2, 0, 100] }],
    bad: [
      { args: [t([3]), 2, 0, 1], error: /at least 2 dimensions/ },
      { args: [t([2, 3]), 0, 0, 1], error: /greater than 0/ },
    ],
  },
);

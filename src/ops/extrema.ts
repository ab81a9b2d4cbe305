import { INT64 } from '../dtype/dtype.ts';
import type { RealDType } from '../dtype/types.ts';
import type { Operator } from '../op/contract.ts';
import { t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { max as maxExpr, min as minExpr } from '../scalar/expr.ts';
import { normalizeDim, normalizeDims } from '../shape/dims.ts';
import { contiguousStrides } from '../shape/shape.ts';
import { apply, applyMany, applyOne } from '../tensor/apply.ts';
import { isTensor, type Tensor, viewOf } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { emptyTensor } from './create.ts';
import { callBinary, commonType, compositeOperator, described, makeOperator, mapOperator, realOnly, requireTensor } from './family.ts';
import { pick, place } from './pick.ts';
import type { Dims } from './reduce.ts';
import { type DimsParams, reduceBy, requireElements, restored, spreadOverTies } from './reduction.ts';
import { type NamedResults, namedResults } from './results.ts';
import { alongDim, alongDims, reducedShape, reshape } from './structural.ts';
import type { AminmaxFunction, ArgReduction, ExtremumOf, Reduction } from './types.ts';

type Extremum = 'max' | 'min';

export interface KeepdimOptions {
  /** Keep the reduced dimension with size 1. */
  readonly keepdim?: boolean;
}

/** The largest or smallest element; elements that tie share the gradient evenly. */
function extremumOperator(name: string, kind: Extremum): Operator<Tensor, DimsParams> {
  return makeOperator<DimsParams>({
    name,
    forward: ([x], { dims, keepdim }) => reduceBy(kind, x as Tensor, dims, (x as Tensor).type, keepdim),
    derivative: {
      kind: 'rules',
      saves: { inputs: [0], outputs: [0] },
      vjp: ([g], context) => {
        const { dims } = context.params;
        const shape = context.inputShape(0);
        return [spreadOverTies(restored(g as Tensor, shape, dims), context.input(0), restored(context.output(0), shape, dims), dims)];
      },
    },
    batching: alongDims,
  });
}

const amaxOperator = extremumOperator('amax', 'max');
const aminOperator = extremumOperator('amin', 'min');
const maxOperator = extremumOperator('max', 'max');
const minOperator = extremumOperator('min', 'min');

/** The largest elements over normalised dimensions, for other operators. */
export function amaxOver(x: Tensor, dims: readonly number[], keepdim: boolean): Tensor {
  return applyOne(amaxOperator, [x], { dims, keepdim });
}

/** The smallest elements over normalised dimensions, for other operators. */
export function aminOver(x: Tensor, dims: readonly number[], keepdim: boolean): Tensor {
  return applyOne(aminOperator, [x], { dims, keepdim });
}

function overDims<N extends string>(name: N, operator: Operator<Tensor, DimsParams>): Reduction<N, RealDType> {
  return described(
    name,
    (input: Tensor, dim?: Dims, options: KeepdimOptions = {}): Tensor => {
      realOnly(input.type, name);
      const dims = normalizeDims(name, dim, input.ndim);
      requireElements(name, input, dims);
      return applyOne(operator, [input], { dims, keepdim: options.keepdim === true });
    },
    {
      signature: 'input, dim?, *, keepdim',
      tensors: 1,
      samples: [
        { args: [t([2, 3])] },
        { args: [t([2, 3, 4]), 1] },
        { args: [t([2, 3, 4]), [0, -1], { keepdim: true }] },
        { args: [t([])] },
        { args: [t([0, 2]), 1] },
      ],
      bad: [
        { args: [t([2, 3]), 2], error: /dimension 2 is out of range/ },
        { args: [t([2, 0]), 1], error: /no elements/ },
      ],
    },
  );
}

/**
 * The largest elements over `dim` (one dimension, several, or all). Elements that tie share the gradient evenly; NaN wins.
 * Throws ArgumentError where there is nothing to choose from, DTypeError for complex numbers.
 *
 * @example
 * amax(tensor([[1, 5], [4, 2]]), 1); // tensor([5., 4.])
 */
export const amax = overDims('amax', amaxOperator);

/**
 * The smallest elements over `dim` (one dimension, several, or all). Elements that tie share the gradient evenly; NaN wins.
 * Throws ArgumentError where there is nothing to choose from, DTypeError for complex numbers.
 *
 * @example
 * amin(tensor([[1, 5], [4, 2]]), 1); // tensor([1., 2.])
 */
export const amin = overDims('amin', aminOperator);

const aminmaxOperator = compositeOperator<DimsParams>('aminmax', ([x], params) => [
  applyOne(aminOperator, [x as Tensor], params),
  applyOne(amaxOperator, [x as Tensor], params),
]);

/**
 * The smallest and the largest elements, of all or along `dim`, as `{ min, max }`. Throws ArgumentError where there is nothing to choose from.
 *
 * @example
 * aminmax(tensor([3, 1, 2])).max; // tensor(3.)
 */
export const aminmax: AminmaxFunction<RealDType> = described(
  'aminmax',
  (input: Tensor, options: KeepdimOptions & { readonly dim?: number | null } = {}): NamedResults<'min' | 'max'> => {
    realOnly(input.type, 'aminmax');
    const dims = normalizeDims('aminmax', options.dim, input.ndim);
    requireElements('aminmax', input, dims);
    return namedResults(['min', 'max'], applyMany(aminmaxOperator, [input], { dims, keepdim: options.keepdim === true }));
  },
  {
    signature: 'input, *, dim, keepdim',
    tensors: 1,
    samples: [
      { args: [t([2, 3])] },
      { args: [t([2, 3]), { dim: 1 }] },
      { args: [t([2, 3]), { dim: 0, keepdim: true }] },
      { args: [t([])] },
    ],
    bad: [{ args: [t([0])], error: /no elements/ }],
  },
);

// ---------------------------------------------------------------- with indices

interface DimParams {
  readonly dim: number;
  readonly keepdim: boolean;
}

/** The dimension that is meant, or -1 for the one that a 0-d tensor does not have: batches of numbers stay what they are. */
function dimOf(name: string, dim: number, x: Tensor): number {
  const d = normalizeDim(name, dim, x.ndim);
  if (x.ndim === 0) return -1;
  requireElements(name, x, [d]);
  return d;
}

/** The index of the extremum along a dimension, and the extremum itself where it is asked for. */
function launchArg(kind: Extremum, x: Tensor, { dim, keepdim }: DimParams, withValues: boolean): Tensor[] {
  const slim = dim < 0 ? x.shape : reducedShape(x.shape, [dim]);
  const shape = keepdim && dim >= 0 ? reducedShape(x.shape, [dim], true) : slim;
  const values = withValues ? emptyTensor(shape, x.type) : null;
  const indices = emptyTensor(shape, INT64);
  const seen = (y: Tensor): Tensor => viewOf(y, slim, contiguousStrides(slim), 0);
  const source = dim < 0 ? viewOf(x, [...x.shape, 1], [...x.strides, 1], x.offset) : x;
  backend().argReduce(kind, values === null ? null : seen(values), seen(indices), source, dim < 0 ? x.ndim : dim);
  return values === null ? [indices] : [values, indices];
}

/** Values and indices; the chosen element takes the whole gradient. */
function extremumAlongOperator(kind: Extremum): Operator<Tensor, DimParams> {
  return makeOperator<DimParams>({
    name: kind,
    forward: ([x], params) => launchArg(kind, x as Tensor, params, true),
    derivative: {
      kind: 'rules',
      saves: { outputs: [1] },
      vjp: ([g], context) => {
        const shape = context.inputShape(0);
        const { dim } = context.params;
        if (g === null || g === undefined) return [null];
        if (dim < 0) return [g];
        return [place(restored(g, shape, [dim]), restored(context.output(1), shape, [dim]), dim, shape[dim] as number)];
      },
      jvp: ([tangent], context) => {
        const shape = context.inputShape(0);
        const { dim } = context.params;
        if (tangent === null || tangent === undefined || dim < 0) return [tangent ?? null, null];
        const picked = pick(tangent, restored(context.output(1), shape, [dim]), dim);
        return [reshape(picked, context.output(1).shape), null];
      },
    },
    batching: alongDim,
    nonDifferentiableOutputs: [1],
  });
}

const alongOperators = { max: extremumAlongOperator('max'), min: extremumAlongOperator('min') };
const binaryOperators = {
  max: mapOperator('max', 2, 0, ([x, y]) => maxExpr(x as never, y as never)),
  min: mapOperator('min', 2, 0, ([x, y]) => minExpr(x as never, y as never)),
};

function extremum<N extends Extremum>(kind: N, whole: Operator<Tensor, DimsParams>): ExtremumOf<N> {
  const f = (input: Tensor, dim?: number | Tensor | null, options: KeepdimOptions = {}): Tensor | NamedResults<'values' | 'indices'> => {
    requireTensor(kind, 'input', input);
    if (typeof dim === 'object' && dim !== null && !Array.isArray(dim) && dim.constructor !== Object) requireTensor(kind, 'other', dim);
    if (isTensor(dim)) return callBinary(binaryOperators[kind], input, dim, realOnly(commonType([input, dim]), kind));
    realOnly(input.type, kind);
    if (dim === undefined || dim === null) {
      const dims = normalizeDims(kind, null, input.ndim);
      requireElements(kind, input, dims);
      return applyOne(whole, [input], { dims, keepdim: false });
    }
    const d = dimOf(kind, dim, input);
    return namedResults(['values', 'indices'], applyMany(alongOperators[kind], [input], { dim: d, keepdim: options.keepdim === true }));
  };
  return described(kind, f, {
    signature: 'input, dim?, *, keepdim',
    samples: [
      { args: [t([2, 3])] },
      { args: [t([2, 3, 4]), 1] },
      { args: [t([2, 3, 4]), -1, { keepdim: true }] },
      { args: [t([])] },
      { args: [t([]), 0] },
      { args: [t([2, 3]), t([3])] },
    ],
    bad: [
      { args: [t([2, 3]), 2], error: /dimension 2 is out of range/ },
      { args: [t([0])], error: /no elements/ },
      { args: [t([2, 3]), t([4])], error: /\[2, 3\].*\[4\]/ },
    ],
  });
}

/**
 * The largest element of all (elements that tie share its gradient evenly); along `dim` `{ values, indices }`, where the first of equal elements
 * is taken; with a second tensor the larger of each pair. NaN wins. Throws ArgumentError where there is nothing to choose from.
 *
 * @example
 * max(tensor([[1, 5], [4, 2]]), 1).indices; // tensor([1, 0])
 */
export const max = extremum('max', maxOperator);

/**
 * The smallest element of all (elements that tie share its gradient evenly); along `dim` `{ values, indices }`, where the first of equal elements
 * is taken; with a second tensor the smaller of each pair. NaN wins. Throws ArgumentError where there is nothing to choose from.
 *
 * @example
 * min(tensor([[1, 5], [4, 2]]), 1).values; // tensor([1., 2.])
 */
export const min = extremum('min', minOperator);

function argExtremum<N extends string>(name: N, kind: Extremum): ArgReduction<N> {
  const operator = makeOperator<DimParams>({
    name,
    forward: ([x], params) => launchArg(kind, x as Tensor, params, false)[0] as Tensor,
    derivative: { kind: 'none' },
    batching: alongDim,
  });
  return described(
    name,
    (input: Tensor, dim?: number | null, options: KeepdimOptions = {}): Tensor => {
      realOnly(input.type, name);
      if (input.size === 0 && (dim === undefined || dim === null))
        throw new ArgumentError(`${name}: an empty tensor has no such element: pass dim`);
      if (dim === undefined || dim === null) {
        const index = apply(operator, [reshape(input, [input.size])], { dim: 0, keepdim: false }) as Tensor;
        return options.keepdim === true
          ? reshape(
              index,
              input.shape.map(() => 1),
            )
          : index;
      }
      const d = dimOf(name, dim, input);
      return applyOne(operator, [input], { dim: d, keepdim: options.keepdim === true });
    },
    {
      signature: 'input, dim?, *, keepdim',
      tensors: 1,
      samples: [
        { args: [t([2, 3], { grad: false })] },
        { args: [t([2, 3, 4], { grad: false }), 1] },
        { args: [t([2, 3], { grad: false }), -1, { keepdim: true }] },
        { args: [t([], { grad: false })] },
      ],
      bad: [{ args: [t([0])], error: /empty/ }],
    },
  );
}

/**
 * The index of the largest element, of all (counted in row-major order) or along `dim`; the first of equal ones, NaN wins.
 *
 * @example
 * argmax(tensor([[1, 5], [4, 2]]), 1); // tensor([1, 0])
 */
export const argmax = argExtremum('argmax', 'max');

/**
 * The index of the smallest element, of all (counted in row-major order) or along `dim`; the first of equal ones, NaN wins.
 *
 * @example
 * argmin(tensor([[1, 5], [4, 2]]), 1); // tensor([0, 1])
 */
export const argmin = argExtremum('argmin', 'min');

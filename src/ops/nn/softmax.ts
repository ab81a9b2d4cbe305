import type { DType } from '../../dtype/dtype.ts';
import { type Batching, type Operator, t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { normalizeDim } from '../../shape/dims.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { MapParams } from '../../tensor/map-operator.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { callMap, compositeOperator, described, floatOnly, makeOperator, mapOperator, optionalType, realOnly } from '../family.ts';
import { discard, reduceBy, sumKept } from '../reduction.ts';
import { cast } from '../structural.ts';
import type { ImpliedSoftmax, SoftmaxLike } from '../types.ts';

/** The dimensions that are normalised: one, or none for a 0-d tensor. */
type NormalizedDims = readonly number[];

const batching: Batching<Tensor, NormalizedDims> = { kind: 'params', rewrite: (dims) => dims.map((d) => d + 1) };

const EXP_BELOW = mapOperator('exp', 2, 0, ([x, m]) => S.exp(S.sub(x as S.Expr, m as S.Expr)));
const DIV = mapOperator('div', 2, 0, ([x, s]) => S.div(x as S.Expr, s as S.Expr));
const LOG = mapOperator('log', 1, 0, ([s]) => S.log(s as S.Expr));
const LOG_RATIO = mapOperator('sub', 3, 0, ([x, m, s]) => S.sub(S.sub(x as S.Expr, m as S.Expr), s as S.Expr));
const MUL = mapOperator('mul', 2, 0, ([x, y]) => S.mul(x as S.Expr, y as S.Expr));
const EXP_MUL = mapOperator('mul', 2, 0, ([x, y]) => S.mul(x as S.Expr, S.exp(y as S.Expr)));
const SUB = mapOperator('sub', 2, 0, ([x, y]) => S.sub(x as S.Expr, y as S.Expr));
const SOFTMAX_BACKWARD = mapOperator('softmaxBackward', 3, 0, ([g, y, s]) => S.mul(S.sub(g as S.Expr, s as S.Expr), y as S.Expr));
const LOG_SOFTMAX_BACKWARD = mapOperator('logSoftmaxBackward', 3, 0, ([g, y, s]) =>
  S.sub(g as S.Expr, S.mul(S.exp(y as S.Expr), s as S.Expr)),
);

/** exp(x) over its sum. The largest element is taken out first, so that nothing overflows. The Jacobian diag(y) - y yᵀ is symmetric. */
function softmaxOperator(name: string): Operator<Tensor, NormalizedDims> {
  const product = (v: Tensor, y: Tensor, dims: NormalizedDims): Tensor =>
    callMap(SOFTMAX_BACKWARD, [v, y, sumKept(callMap(MUL, [v, y], [], y.type), dims)], [], y.type);
  return makeOperator<NormalizedDims>({
    name,
    forward: ([input], dims) => {
      const x = input as Tensor;
      const params: MapParams = { values: [], compute: x.type };
      if (x.size === 0) return MUL.forward([x, x], params);
      const largest = reduceBy('max', x, dims, x.type, true);
      const result = EXP_BELOW.forward([x, largest], params);
      const total = reduceBy('sum', result, dims, x.type, true);
      DIV.forwardInto(result, [result, total], params);
      discard(largest, total);
      return result;
    },
    derivative: {
      kind: 'rules',
      saves: { outputs: [0] },
      vjp: ([g], context) => [product(g as Tensor, context.output(0), context.params)],
      jvp: ([tangent], context) => [product(tangent as Tensor, context.output(0), context.params)],
    },
    batching,
  });
}

/** x less the logarithm of the sum of exponentials. */
function logSoftmaxOperator(name: string): Operator<Tensor, NormalizedDims> {
  return makeOperator<NormalizedDims>({
    name,
    forward: ([input], dims) => {
      const x = input as Tensor;
      const params: MapParams = { values: [], compute: x.type };
      if (x.size === 0) return MUL.forward([x, x], params);
      const largest = reduceBy('max', x, dims, x.type, true);
      const result = EXP_BELOW.forward([x, largest], params);
      const total = reduceBy('sum', result, dims, x.type, true);
      LOG.forwardInto(total, [total], params);
      LOG_RATIO.forwardInto(result, [x, largest, total], params);
      discard(largest, total);
      return result;
    },
    derivative: {
      kind: 'rules',
      saves: { outputs: [0] },
      vjp: ([g], context) => {
        const y = context.output(0);
        return [callMap(LOG_SOFTMAX_BACKWARD, [g as Tensor, y, sumKept(g as Tensor, context.params)], [], y.type)];
      },
      jvp: ([tangent], context) => {
        const y = context.output(0);
        const weighted = callMap(EXP_MUL, [tangent as Tensor, y], [], y.type);
        return [callMap(SUB, [tangent as Tensor, sumKept(weighted, context.params)], [], y.type)];
      },
    },
    batching,
  });
}

const plainLogSoftmax = logSoftmaxOperator('logSoftmax');

/** Log-probabilities along one dimension, for other operators. */
export function logSoftmaxAlong(x: Tensor, dim: number): Tensor {
  return applyOne(plainLogSoftmax, [x], x.ndim === 0 ? [] : [dim]);
}

export interface SoftmaxOptions {
  /** Convert the input to this floating dtype first. */
  readonly dtype?: DType | null;
}

/** The dimension that PyTorch chooses where none is named: 0 for 0, 1 and 3 dimensions, else 1. */
function impliedDim(ndim: number): number {
  return ndim === 0 || ndim === 1 || ndim === 3 ? 0 : 1;
}

function normalizing<R extends object>(name: string, operator: Operator<Tensor, NormalizedDims>, implied: boolean): R {
  return described(
    name,
    (input: Tensor, dim?: number | null, options: SoftmaxOptions = {}): Tensor => {
      const type = realOnly(floatOnly(optionalType(options.dtype) ?? realOnly(input.type, name), name), name);
      realOnly(input.type, name);
      const d = normalizeDim(name, (implied ? (dim ?? impliedDim(input.ndim)) : dim) as number, input.ndim);
      return applyOne(operator, [cast(input, type)], input.ndim === 0 ? [] : [d]);
    },
    {
      signature: implied ? 'input, dim?, *, dtype' : 'input, dim, *, dtype',
      tensors: 1,
      samples: [
        { args: [t([4]), 0] },
        { args: [t([2, 3]), 1] },
        { args: [t([2, 3, 4]), -2] },
        { args: [t([]), 0] },
        { args: [t([2, 0]), 1] },
        { args: [t([2, 3]), 0, { dtype: 'float64' }] },
      ],
      bad: [
        { args: [t([2, 3]), 2], error: /dimension 2 is out of range/ },
        { args: [t([2], { dtype: 'int64' }), 0], error: /floating/ },
      ],
    },
  );
}

/**
 * exp(x) over its sum along `dim`, without overflow: probabilities from log-odds. Needs a floating dtype, or `dtype`.
 *
 * @example
 * softmax(tensor([0, 0]), 0); // tensor([0.5000, 0.5000])
 */
export const softmax: SoftmaxLike<'softmax'> = normalizing('softmax', softmaxOperator('softmax'), false);

/**
 * The logarithm of `softmax`, computed without its underflow. Needs a floating dtype, or `dtype`.
 *
 * @example
 * logSoftmax(tensor([0, 0]), 0); // tensor([-0.6931, -0.6931])
 */
export const logSoftmax: SoftmaxLike<'logSoftmax'> = normalizing('logSoftmax', plainLogSoftmax, false);

/**
 * `softmax` in the namespace of special functions.
 *
 * @example
 * special.softmax(tensor([0, 0]), 0); // tensor([0.5000, 0.5000])
 */
export const specialSoftmax: SoftmaxLike<'softmax'> = normalizing('special.softmax', softmaxOperator('special.softmax'), false);

/**
 * `logSoftmax` in the namespace of special functions.
 *
 * @example
 * special.logSoftmax(tensor([0, 0]), 0); // tensor([-0.6931, -0.6931])
 */
export const specialLogSoftmax: SoftmaxLike<'logSoftmax'> = normalizing(
  'special.logSoftmax',
  logSoftmaxOperator('special.logSoftmax'),
  false,
);

/**
 * `softmax` with an implied dimension: 0 for 0, 1 and 3 dimensions, else 1.
 *
 * @example
 * nn.functional.softmax(tensor([0, 0])); // tensor([0.5000, 0.5000])
 */
export const functionalSoftmax: ImpliedSoftmax<'softmax'> = normalizing(
  'nn.functional.softmax',
  softmaxOperator('nn.functional.softmax'),
  true,
);

/**
 * `logSoftmax` with an implied dimension: 0 for 0, 1 and 3 dimensions, else 1.
 *
 * @example
 * nn.functional.logSoftmax(tensor([0, 0])); // tensor([-0.6931, -0.6931])
 */
export const functionalLogSoftmax: ImpliedSoftmax<'logSoftmax'> = normalizing(
  'nn.functional.logSoftmax',
  logSoftmaxOperator('nn.functional.logSoftmax'),
  true,
);

const NEG = mapOperator('neg', 1, 0, ([x]) => S.neg(x as S.Expr));
const plainSoftmax = softmaxOperator('softmax');

/** `softmax` along one dimension, for other operators. */
export function softmaxAlong(x: Tensor, dim: number): Tensor {
  return applyOne(plainSoftmax, [x], x.ndim === 0 ? [] : [dim]);
}

const softminOperator = compositeOperator<NormalizedDims>('nn.functional.softmin', ([x], dims) =>
  applyOne(plainSoftmax, [callMap(NEG, [x as Tensor], [], (x as Tensor).type)], dims),
);

/**
 * `softmax` of the negated input: small values get large weights. Without `dim`: 0 for 0, 1 and 3 dimensions, else 1.
 *
 * @example
 * nn.functional.softmin(tensor([0, 0])); // tensor([0.5000, 0.5000])
 */
export const softmin: ImpliedSoftmax<'softmin'> = normalizing('nn.functional.softmin', softminOperator, true);

import type { DType, DTypeInfo } from '../../dtype/dtype.ts';
import { type Batching, type Operator, t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { expOfRest, shareOf } from '../../scalar/row-functions.ts';
import { normalizeDim } from '../../shape/dims.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { MapParams } from '../../tensor/map-operator.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { emptyTensor } from '../create.ts';
import { callMap, compositeOperator, described, floatOnly, makeOperator, mapOperator, optionalType, realOnly } from '../family.ts';
import { discard, reduceBy, sumKept } from '../reduction.ts';
import { cast } from '../structural.ts';
import type { ImpliedSoftmax, SoftmaxLike } from '../types.ts';
import { RowProgram, runRows } from './row-kernels.ts';
import { arePlain, rowLength } from './rows.ts';

/** The dimensions that are normalised: one, or none for a 0-d tensor. */
type NormalizedDims = readonly number[];

const [x, y, scalar, next] = [S.arg(0), S.arg(1), S.arg(2), S.arg(3)];

/** What is taken off the maximum, as exponentials. */
const REST = (): S.Expr => expOfRest(S.sub(x, scalar));
/** [x, result]: the row's maximum; exponentials; their sum; quotients. */
const SOFTMAX_ROWS = new RowProgram(['row', 'row'], 0, () => [
  { reduce: [['max', x]] },
  { store: [[1, REST()]] },
  { reduce: [['sum', y]] },
  { store: [[1, shareOf(y, next)]] },
]);
/** [x, result]: the maximum; exponentials, in the place of the result; their sum; what is left of x. */
const LOG_SOFTMAX_ROWS = new RowProgram(['row', 'row'], 0, () => [
  { reduce: [['max', x]] },
  { store: [[1, REST()]] },
  { reduce: [['sum', y]] },
  { store: [[1, S.sub(S.sub(x, scalar), S.log(next))]] },
]);
/** [cotangent, y, gradient]. */
const SOFTMAX_BACKWARD_ROWS = new RowProgram(['row', 'row', 'row'], 0, () => [
  { reduce: [['sum', S.mul(x, y)]] },
  { store: [[2, S.mul(S.sub(x, next), y)]] },
]);
/** [cotangent, y, gradient]. */
const LOG_SOFTMAX_BACKWARD_ROWS = new RowProgram(['row', 'row', 'row'], 0, () => [
  { reduce: [['sum', x]] },
  { store: [[2, S.sub(x, S.mul(expOfRest(y), next))]] },
]);

/** The program's result where it can run, else null. The first operand is the one that the result has shape and dtype of. */
function inRows(program: RowProgram, inputs: readonly Tensor[], dims: NormalizedDims): Tensor | null {
  const first = inputs[0] as Tensor;
  const length = rowLength(first, dims);
  if (length === 0 || !arePlain(inputs)) return null;
  const result = emptyTensor(first.shape, first.type);
  runRows(program, first.size / length, length, [...inputs, result], []);
  return result;
}

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

/** A cotangent times the Jacobian of softmax, from its value y: y (g - Σ g y). */
const softmaxBackward = compositeOperator<NormalizedDims>(
  'softmaxBackward',
  (inputs, dims) =>
    inRows(SOFTMAX_BACKWARD_ROWS, inputs, dims) ??
    callMap(SOFTMAX_BACKWARD, [...inputs, sumKept(callMap(MUL, inputs, [], typeOf(inputs)), dims)], [], typeOf(inputs)),
);

/** The same for its logarithm, from the logarithm y: g - exp(y) Σ g. */
const logSoftmaxBackward = compositeOperator<NormalizedDims>(
  'logSoftmaxBackward',
  (inputs, dims) =>
    inRows(LOG_SOFTMAX_BACKWARD_ROWS, inputs, dims) ??
    callMap(LOG_SOFTMAX_BACKWARD, [...inputs, sumKept(inputs[0] as Tensor, dims)], [], typeOf(inputs)),
);

function typeOf(inputs: readonly Tensor[]): DTypeInfo {
  return (inputs[1] as Tensor).type;
}

/** exp(x) over its sum. The largest element is taken out first, so that nothing overflows. The Jacobian diag(y) - y yᵀ is symmetric. */
function softmaxOperator(name: string): Operator<Tensor, NormalizedDims> {
  const product = (v: Tensor, y: Tensor, dims: NormalizedDims): Tensor => applyOne(softmaxBackward, [v, y], dims);
  return makeOperator<NormalizedDims>({
    name,
    forward: ([input], dims) => {
      const x = input as Tensor;
      const fused = inRows(SOFTMAX_ROWS, [x], dims);
      if (fused !== null) return fused;
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
      const fused = inRows(LOG_SOFTMAX_ROWS, [x], dims);
      if (fused !== null) return fused;
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
      vjp: ([g], context) => [applyOne(logSoftmaxBackward, [g as Tensor, context.output(0)], context.params)],
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

import { toFloatType } from '../../dtype/promotion.ts';
import type { FloatDType } from '../../dtype/types.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { broadcastShapes } from '../../shape/broadcast.ts';
import { normalizeDim, normalizeDims } from '../../shape/dims.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { callMap, commonType, compositeOperator, described, floatOnly, mapOperator, realOnly, requireTensor } from '../family.ts';
import { normOver } from '../linalg/norm.ts';
import { sumOver } from '../reduction.ts';
import { cast, expand } from '../structural.ts';
import type { SimilarityFunction, UnarySame } from '../types.ts';
import { boundBelow } from './bound.ts';

const SHIFTED_DIFFERENCE = mapOperator('sub', 2, 1, ([x, y], [eps]) => S.add(S.sub(x as S.Expr, y as S.Expr), eps as S.Expr));

/** The p-norm of x - y + eps over the last dimension. */
export function distance(x: Tensor, y: Tensor, p: number, eps: number, keepdim: boolean): Tensor {
  const difference = callMap(SHIFTED_DIFFERENCE, [x, y], [eps], x.type);
  const last = difference.ndim === 0 ? [] : [difference.ndim - 1];
  return normOver(difference, p, last, keepdim);
}

interface DistanceParams {
  readonly p: number;
  readonly eps: number;
  readonly keepdim: boolean;
}

const pairwiseOperator = compositeOperator<DistanceParams>('nn.functional.pairwiseDistance', ([x, y], { p, eps, keepdim }) =>
  distance(x as Tensor, y as Tensor, p, eps, keepdim),
);

/** Two tensors in the dtype they are compared in: integers become the default float. */
function together(name: string, x1: Tensor, x2: Tensor): [Tensor, Tensor] {
  requireTensor(name, 'x1', x1);
  requireTensor(name, 'x2', x2);
  const type = realOnly(toFloatType(commonType([x1, x2])), name);
  return [cast(x1, type), cast(x2, type)];
}

export interface DistanceOptions {
  /** The order of the norm. Default 2. */
  readonly p?: number;
  /** Added to each difference. Default 1e-6. */
  readonly eps?: number;
  readonly keepdim?: boolean;
}

/**
 * The p-norm of x1 - x2 + eps over the last dimension; shapes broadcast. Integers become the default float.
 *
 * @example
 * nn.functional.pairwiseDistance(tensor([0, 0]), tensor([3, 4]), { eps: 0 }); // tensor(5.)
 */
export const pairwiseDistance = described(
  'nn.functional.pairwiseDistance',
  (x1: Tensor, x2: Tensor, options: DistanceOptions = {}): Tensor => {
    const pair = together('nn.functional.pairwiseDistance', x1, x2);
    return applyOne(pairwiseOperator, pair, { p: options.p ?? 2, eps: options.eps ?? 1e-6, keepdim: options.keepdim === true });
  },
  {
    signature: 'x1, x2, *, p, eps, keepdim',
    samples: [{ args: [t([3]), t([3])] }, { args: [t([2, 3]), t([2, 3]), { p: 3, keepdim: true }] }, { args: [t([2, 3]), t([3])] }],
    bad: [{ args: [t([2, 3]), t([4])], error: /\[2, 3\].*\[4\]/ }],
  },
);

const SCALED_DOT = mapOperator('cosineSimilarity', 4, 1, ([x, y, a, b], [eps]) =>
  S.mul(S.div(x as S.Expr, boundBelow(a as S.Expr, eps as S.Expr)), S.div(y as S.Expr, boundBelow(b as S.Expr, eps as S.Expr))),
);

interface CosineParams {
  readonly dim: number;
  readonly eps: number;
}

const cosineOperator = compositeOperator<CosineParams>('cosineSimilarity', ([x1, x2], { dim, eps }) => {
  const shape = broadcastShapes('cosineSimilarity', (x1 as Tensor).shape, (x2 as Tensor).shape);
  const [x, y] = [expand(x1 as Tensor, shape), expand(x2 as Tensor, shape)];
  const dims = shape.length === 0 ? [] : [dim];
  const terms = callMap(SCALED_DOT, [x, y, normOver(x, 2, dims, true), normOver(y, 2, dims, true)], [eps], x.type);
  return sumOver(terms, dims);
});

/**
 * The cosine of the angle between vectors along `dim`: their product over the product of their norms, each at least `eps`. Shapes broadcast, and `dim`
 * is one of the common shape. Integers become the default float.
 *
 * @example
 * cosineSimilarity(tensor([[1, 0]]), tensor([[1, 1]])); // tensor([0.7071])
 */
export const cosineSimilarity: SimilarityFunction<'cosineSimilarity', { readonly eps?: number }> = described(
  'cosineSimilarity',
  (x1: Tensor, x2: Tensor, dim = 1, options: { readonly eps?: number } = {}): Tensor => {
    const pair = together('cosineSimilarity', x1, x2);
    const ndim = Math.max(x1.ndim, x2.ndim);
    return applyOne(cosineOperator, pair, { dim: normalizeDim('cosineSimilarity', dim, ndim), eps: options.eps ?? 1e-8 });
  },
  {
    signature: 'x1, x2, dim?, *, eps',
    samples: [
      { args: [t([2, 3]), t([2, 3])] },
      { args: [t([2, 3]), t([3]), -1] },
      { args: [t([3]), t([3]), 0, { eps: 0.5 }] },
      { args: [t([]), t([]), 0] },
    ],
    bad: [{ args: [t([2, 3]), t([4])], error: /\[2, 3\].*\[4\]/ }],
  },
);

const BOUNDED_RATIO = mapOperator('normalize', 2, 1, ([x, n], [eps]) => S.div(x as S.Expr, S.clampMin(n as S.Expr, eps as S.Expr)));

interface NormalizeParams {
  readonly p: number;
  readonly dims: readonly number[];
  readonly eps: number;
}

const normalizeOperator = compositeOperator<NormalizeParams>('nn.functional.normalize', ([input], { p, dims, eps }) => {
  const x = input as Tensor;
  return callMap(BOUNDED_RATIO, [x, normOver(x, p, dims, true)], [eps], x.type);
});

export interface NormalizeOptions {
  /** The order of the norm. Default 2. */
  readonly p?: number;
  /** Default 1. */
  readonly dim?: number | readonly number[];
  /** The least divisor. Default 1e-12. */
  readonly eps?: number;
}

/**
 * Vectors along `dim` divided by their p-norm, which counts as at least `eps`. Needs a floating dtype.
 *
 * @example
 * nn.functional.normalize(tensor([[3, 4]])); // tensor([[0.6000, 0.8000]])
 */
export const normalize: UnarySame<FloatDType, [options?: NormalizeOptions]> = described(
  'nn.functional.normalize',
  (input: Tensor, options: NormalizeOptions = {}): Tensor => {
    const name = 'nn.functional.normalize';
    realOnly(floatOnly(input.type, name), name);
    return applyOne(normalizeOperator, [input], {
      p: options.p ?? 2,
      dims: normalizeDims(name, options.dim ?? 1, input.ndim),
      eps: options.eps ?? 1e-12,
    });
  },
  {
    signature: 'input, *, p, dim, eps',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([2, 3, 4]), { p: 3, dim: -1 }] }, { args: [t([3]), { dim: 0 }] }],
    bad: [{ args: [t([3])], error: /dimension 1 is out of range/ }],
  },
);

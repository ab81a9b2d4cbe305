import { BOOL } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape } from '../../shape/shape.ts';
import { apply } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { add } from '../arithmetic.ts';
import { fullTensor } from '../create.ts';
import { callMap, compositeOperator, described, mapOperator, requireTensor } from '../family.ts';
import { catTensors } from '../join.ts';
import { matrixProduct } from '../matmul.ts';
import { narrow } from '../movement.ts';
import { meanOver, scaled } from '../reduction.ts';
import { expand, permute, reshape } from '../structural.ts';
import type { MultiHeadAttentionFunction } from '../types.ts';
import { scaledDotProductAttention } from './attention.ts';
import { dropMask, MUL } from './attention-core.ts';
import { linear } from './linear.ts';
import { softmaxAlong } from './softmax.ts';

const NAME = 'nn.functional.multiHeadAttentionForward';

export interface MultiHeadAttentionOptions {
  /** Whether weights are dropped. Default true. */
  readonly training?: boolean;
  /** Keys that nobody attends to: [N, S] or [S], true for padding, or what is added to their scores. */
  readonly keyPaddingMask?: Tensor | null;
  /** Return the weights too. Default true; false is faster. */
  readonly needWeights?: boolean;
  /** [L, S] or [N · heads, L, S]: true where a position must not be attended to, or what is added to the scores. */
  readonly attnMask?: Tensor | null;
  /** The query, key and value are projected by weights of their own. */
  readonly useSeparateProjWeight?: boolean;
  readonly qProjWeight?: Tensor | null;
  readonly kProjWeight?: Tensor | null;
  readonly vProjWeight?: Tensor | null;
  /** Keys instead of those that are projected: [N · heads, S, E / heads]. */
  readonly staticK?: Tensor | null;
  /** Values instead of those that are projected. */
  readonly staticV?: Tensor | null;
  /** Average the weights over the heads. Default true. */
  readonly averageAttnWeights?: boolean;
  /** Says that `attnMask` is the causal mask, so that without weights it need not be looked at. */
  readonly isCausal?: boolean;
}

/** What the composition works on, by name: those that are absent take no place among the inputs of the operator. */
const ROLES = [
  'query',
  'key',
  'value',
  'weight',
  'queryWeight',
  'keyWeight',
  'valueWeight',
  'bias',
  'biasK',
  'biasV',
  'outWeight',
  'outBias',
  'padding',
  'mask',
  'staticK',
  'staticV',
  'drop',
] as const;
type Role = (typeof ROLES)[number];
type Operands = { [R in Role]?: Tensor | undefined };

interface AttentionParams {
  readonly roles: readonly Role[];
  readonly heads: number;
  readonly zeros: boolean;
  readonly weights: boolean;
  readonly average: boolean;
  readonly causal: boolean;
}

/** A mask in which true forbids, as what is added to the scores. */
const FORBID = mapOperator('where', 1, 0, ([m]) => S.select(S.ne(m as S.Expr, 0), Number.NEGATIVE_INFINITY, 0), false);

function additive(mask: Tensor, type: Tensor['type']): Tensor {
  return mask.type === BOOL ? callMap(FORBID, [mask], [], type) : mask;
}

function rowsOf(x: Tensor, part: number, count: number): Tensor {
  const size = (x.shape[0] as number) / count;
  return narrow(x, 0, part * size, size);
}

/** The projections, each [length, N, E]. What is attended to is projected in one product where query, key and value are the same. */
function project(operands: Operands): [Tensor, Tensor, Tensor] {
  const query = inBatch(operands.query as Tensor);
  const key = operands.key === undefined ? query : inBatch(operands.key);
  const value = operands.value === undefined ? key : inBatch(operands.value);
  const { weight, bias } = operands;
  if (weight === undefined) {
    const part = (i: number): Tensor | null => (bias === undefined ? null : rowsOf(bias, i, 3));
    return [
      linear(query, operands.queryWeight as Tensor, part(0)),
      linear(key, operands.keyWeight as Tensor, part(1)),
      linear(value, operands.valueWeight as Tensor, part(2)),
    ];
  }
  const features = (weight.shape[0] as number) / 3;
  const rows = (first: number, count: number): [Tensor, Tensor | null] => [
    narrow(weight, 0, first * features, count * features),
    bias === undefined ? null : narrow(bias, 0, first * features, count * features),
  ];
  const columns = (x: Tensor, i: number): Tensor => narrow(x, x.ndim - 1, i * features, features);
  if (operands.key === undefined) {
    const all = linear(query, weight, bias ?? null);
    return [columns(all, 0), columns(all, 1), columns(all, 2)];
  }
  if (operands.value === undefined) {
    const both = linear(key, ...rows(1, 2));
    return [linear(query, ...rows(0, 1)), columns(both, 0), columns(both, 1)];
  }
  return [linear(query, ...rows(0, 1)), linear(key, ...rows(1, 1)), linear(value, ...rows(2, 1))];
}

/** [length, N, E] as [N, heads, length, E / heads]. */
function byHead(x: Tensor, heads: number): Tensor {
  const [length, batch, features] = x.shape as [number, number, number];
  return permute(reshape(x, [length, batch, heads, features / heads]), [1, 2, 0, 3]);
}

/** What is given as [N · heads, length, features]. */
function givenByHead(x: Tensor, batch: number, heads: number): Tensor {
  return reshape(x, [batch, heads, ...x.shape.slice(1)]);
}

/** The same with a learned position behind the last. */
function withLearned(x: Tensor, learned: Tensor | undefined): Tensor {
  if (learned === undefined) return x;
  const [, batch, features] = x.shape as [number, number, number];
  return catTensors([x, expand(reshape(learned, [1, 1, features]), [1, batch, features])], 0);
}

/** The same with a position of zeros behind the last. */
function withZeros(x: Tensor): Tensor {
  const shape = x.shape.map((size, d) => (d === 2 ? 1 : size));
  return catTensors([x, fullTensor(shape, 0, x.type)], 2);
}

/** A mask over the keys that were given, allowing `count` more. */
function widened(mask: Tensor, count: number): Tensor {
  if (count === 0) return mask;
  return catTensors([mask, fullTensor([...mask.shape.slice(0, -1), count], 0, mask.type)], mask.ndim - 1);
}

/** What is added to the scores [N, heads, L, S]. */
function scoreBias(operands: Operands, batch: number, heads: number, more: number, type: Tensor['type']): Tensor | null {
  const { mask, padding } = operands;
  const shaped = (x: Tensor): Tensor => (x.ndim === 3 ? reshape(x, [batch, heads, ...x.shape.slice(1)]) : x);
  const ofPairs = mask === undefined ? null : shaped(widened(additive(mask, type), more));
  if (padding === undefined) return ofPairs;
  const ofKeys = widened(additive(padding, type), more);
  const column = reshape(ofKeys, [batch, 1, 1, ofKeys.shape.at(-1) as number]);
  return ofPairs === null ? column : add(column, ofPairs);
}

const multiHeadOperator = compositeOperator<AttentionParams>(NAME, (inputs, params) => {
  const operands: Operands = Object.fromEntries(params.roles.map((role, i) => [role, inputs[i]]));
  const { heads } = params;
  const [q, k, v] = project(operands);
  const [length, batch, features] = q.shape as [number, number, number];
  const query = byHead(q, heads);
  const ofKeys = (x: Tensor, learned: Tensor | undefined, given: Tensor | undefined): Tensor => {
    const split = given === undefined ? byHead(withLearned(x, learned), heads) : givenByHead(given, batch, heads);
    return params.zeros ? withZeros(split) : split;
  };
  const key = ofKeys(k, operands.biasK, operands.staticK);
  const value = ofKeys(v, operands.biasV, operands.staticV);
  const more = (params.zeros ? 1 : 0) + (operands.biasK === undefined ? 0 : 1);
  const added = scoreBias(operands, batch, heads, more, q.type);
  const [mixed, weights] = params.weights
    ? attendWithWeights(query, key, value, added, operands.drop)
    : [attend(query, key, value, added, operands.drop, params.causal), null];
  const rows = reshape(permute(mixed, [2, 0, 1, 3]), [length, batch, features]);
  const output = linear(rows, operands.outWeight as Tensor, operands.outBias ?? null);
  const result = reshape(output, (operands.query as Tensor).shape);
  if (weights === null) return result;
  const shown = params.average ? meanOver(weights, [1]) : weights;
  return [result, (operands.query as Tensor).ndim === 3 ? shown : reshape(shown, shown.shape.slice(1))];
});

function attend(q: Tensor, k: Tensor, v: Tensor, added: Tensor | null, drop: Tensor | undefined, isCausal: boolean): Tensor {
  if (drop === undefined) return scaledDotProductAttention(q, k, v, added, { isCausal });
  return attendWithWeights(q, k, v, added, drop)[0];
}

/** Attention with its weights, as they are applied: after some have been dropped. */
function attendWithWeights(q: Tensor, k: Tensor, v: Tensor, added: Tensor | null, drop: Tensor | undefined): [Tensor, Tensor] {
  const scores = matrixProduct(scaled(q, 1 / Math.sqrt(q.shape[3] as number)), permute(k, [0, 1, 3, 2]));
  const weights = softmaxAlong(added === null ? scores : add(scores, added), 3);
  const kept = drop === undefined ? weights : callMap(MUL, [weights, drop], [], weights.type);
  return [matrixProduct(kept, v), kept];
}

// ---------------------------------------------------------------- arguments

function checkMask(role: string, mask: Tensor, type: Tensor['type'], shapes: readonly (readonly number[])[]): void {
  requireTensor(NAME, role, mask);
  if (mask.type !== BOOL && mask.type !== type)
    throw new DTypeError(`${NAME}: ${role} must have dtype bool, or ${type.name} as the query has, got ${mask.dtype}`);
  if (shapes.some((shape) => formatShape(shape) === formatShape(mask.shape))) return;
  throw new ShapeError(`${NAME}: ${role} must have shape ${shapes.map(formatShape).join(' or ')}, got ${formatShape(mask.shape)}`);
}

function checkInputs(query: Tensor, key: Tensor, value: Tensor, embedDim: number, heads: number): void {
  for (const [role, x] of Object.entries({ query, key, value })) {
    requireTensor(NAME, role, x);
    if (x.ndim !== query.ndim || x.ndim < 2 || x.ndim > 3)
      throw new ShapeError(
        `${NAME}: ${role} must be [length, N, E], or [length, E] as query, key and value alike, got ${formatShape(x.shape)}`,
      );
  }
  if (query.shape.at(-1) !== embedDim)
    throw new ShapeError(`${NAME}: expected ${embedDim} features, got ${query.shape.at(-1)} in the query ${formatShape(query.shape)}`);
  if (!(heads > 0 && embedDim % heads === 0))
    throw new ArgumentError(`${NAME}: ${embedDim} features cannot be divided among ${heads} heads`);
  const batched = query.ndim === 3;
  if (key.shape[0] !== value.shape[0] || (batched && (key.shape[1] !== query.shape[1] || value.shape[1] !== query.shape[1])))
    throw new ShapeError(
      `${NAME}: query ${formatShape(query.shape)}, key ${formatShape(key.shape)} and value ${formatShape(value.shape)} do not fit: key and value have one length, all have one batch`,
    );
}

/** [length, E] as [length, 1, E]. */
function inBatch(x: Tensor): Tensor {
  return x.ndim === 3 ? x : reshape(x, [x.shape[0] as number, 1, x.shape[1] as number]);
}

/**
 * Multi-head attention from its weights: what `nn.MultiheadAttention` runs. `query` [L, N, E], `key` [S, N, Ek], `value` [S, N, Ev], or all without N;
 * returns the output [L, N, E], and the weights [N, L, S], for each head with `averageAttnWeights: false`, or null without `needWeights`. In masks, true
 * forbids. A row that may attend to nothing is NaN with weights, 0 without. Throws ShapeError and DTypeError for operands that do not fit.
 *
 * @example
 * const [x, w, b] = [ones([2, 1, 4]), ones([12, 4]), zeros([12])];
 * const [output] = nn.functional.multiHeadAttentionForward(x, x, x, 4, 2, w, b, null, null, false, 0, ones([4, 4]), null);
 * output.shape; // [2, 1, 4]
 */
export const multiHeadAttentionForward: MultiHeadAttentionFunction<MultiHeadAttentionOptions> = described(
  NAME,
  (
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embedDim: number,
    heads: number,
    inProjWeight: Tensor | null,
    inProjBias: Tensor | null,
    biasK: Tensor | null,
    biasV: Tensor | null,
    addZeroAttn: boolean,
    dropoutP: number,
    outProjWeight: Tensor,
    outProjBias: Tensor | null,
    options: MultiHeadAttentionOptions = {},
  ): [Tensor, Tensor | null] => {
    checkInputs(query, key, value, embedDim, heads);
    const { needWeights = true, averageAttnWeights = true, isCausal = false, useSeparateProjWeight: separate = false } = options;
    const [length, batch, size] = [query.shape[0] as number, query.ndim === 3 ? (query.shape[1] as number) : 1, key.shape[0] as number];
    const padding = options.keyPaddingMask ?? null;
    const mask = options.attnMask ?? null;
    if (isCausal && mask === null) throw new ArgumentError(`${NAME}: isCausal says what attnMask is: pass the mask too`);
    if (padding !== null) checkMask('keyPaddingMask', padding, query.type, query.ndim === 3 ? [[batch, size]] : [[size]]);
    if (mask !== null)
      checkMask('attnMask', mask, query.type, [
        [length, size],
        [batch * heads, length, size],
      ]);
    const causal = isCausal && padding === null && !needWeights;
    const keys = (options.staticK ?? null) === null ? size + (biasK === null ? 0 : 1) : ((options.staticK as Tensor).shape[1] as number);
    const p = (options.training ?? true) ? dropoutP : 0;
    const operands: { [R in Role]: Tensor | null | undefined } = {
      query,
      key: query === key && key === value ? null : key,
      value: key === value ? null : value,
      weight: separate ? null : inProjWeight,
      queryWeight: separate ? options.qProjWeight : null,
      keyWeight: separate ? options.kProjWeight : null,
      valueWeight: separate ? options.vProjWeight : null,
      bias: inProjBias,
      biasK,
      biasV,
      outWeight: outProjWeight,
      outBias: outProjBias,
      padding,
      mask: causal && p === 0 ? null : mask,
      staticK: options.staticK,
      staticV: options.staticV,
      drop: null,
    };
    for (const role of ROLES) if ((operands[role] ?? null) !== null) requireTensor(NAME, role, operands[role]);
    // Drawn when nothing can be refused any more.
    operands.drop = dropMask(NAME, [batch, heads, length, keys + (addZeroAttn ? 1 : 0)], p, query.type);
    const roles = ROLES.filter((role) => (operands[role] ?? null) !== null);
    const params = { roles, heads, zeros: addZeroAttn, weights: needWeights, average: averageAttnWeights, causal: causal && p === 0 };
    const result = apply(
      multiHeadOperator,
      roles.map((role) => operands[role] as Tensor),
      params,
    );
    return Array.isArray(result) ? (result as [Tensor, Tensor]) : [result, null];
  },
  {
    signature:
      'query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn, dropout_p, out_proj_weight, out_proj_bias, *, training, key_padding_mask, need_weights, attn_mask, use_separate_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, static_k, static_v, average_attn_weights, is_causal',
    samples: [
      {
        args: [t([3, 2, 4]), t([2, 2, 4]), t([2, 2, 4]), 4, 2, t([12, 4]), t([12]), null, null, false, 0, t([4, 4]), t([4])],
      },
      {
        args: [
          t([3, 2, 4]),
          t([2, 2, 4]),
          t([2, 2, 4]),
          4,
          2,
          t([12, 4]),
          null,
          t([4]),
          t([4]),
          true,
          0,
          t([4, 4]),
          null,
          { averageAttnWeights: false, keyPaddingMask: t([2, 2], { dtype: 'bool', values: [false, true, false, false], grad: false }) },
        ],
      },
    ],
    bad: [
      {
        args: [t([3, 2, 4]), t([2, 2, 4]), t([2, 2, 4]), 4, 3, t([12, 4]), null, null, null, false, 0, t([4, 4]), null],
        error: /cannot be divided among 3 heads/,
      },
    ],
  },
);

import { BOOL } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import { broadcastShapes } from '../../shape/broadcast.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { callMap, compositeOperator, described, requireTensor } from '../family.ts';
import { matrixProduct } from '../matmul.ts';
import { scaled } from '../reduction.ts';
import { reshape } from '../structural.ts';
import type { AttentionFunction } from '../types.ts';
import { aliveRows, causalScores, dropMask, MUL, maskedScores, repeatHeads, rowsOfNothing, turned } from './attention-core.ts';
import { fusedAttention, isFusable } from './fused-attention.ts';
import { softmaxAlong } from './softmax.ts';

export interface AttentionOptions {
  /** Probability with which a weight is dropped. Default 0; this function always drops, so pass 0 in evaluation. */
  readonly dropoutP?: number;
  /** Each position attends to itself and to those before it. Excludes a mask. */
  readonly isCausal?: boolean;
  /** Factor of the scores. Default 1/√E. */
  readonly scale?: number | null;
  /** Fewer heads (dimension -3) of keys and values than of queries: each serves several. */
  readonly enableGqa?: boolean;
}

interface AttentionParams {
  readonly causal: boolean;
  readonly scale: number;
  /** How many heads of queries one head of keys serves. */
  readonly group: number;
  readonly masked: boolean;
}

const attentionOperator = compositeOperator<AttentionParams>('nn.functional.scaledDotProductAttention', (inputs, params) => {
  const [query, key, value] = inputs as [Tensor, Tensor, Tensor];
  const mask = params.masked ? (inputs[3] as Tensor) : null;
  const drop = inputs[params.masked ? 4 : 3];
  const scores = matrixProduct(scaled(query, params.scale), turned(repeatHeads(key, params.group)));
  const dead = mask === null ? null : rowsOfNothing(mask);
  const allowed = params.causal ? causalScores(scores) : mask === null ? scores : maskedScores(scores, mask, dead as Tensor);
  const weights = softmaxAlong(allowed, allowed.ndim - 1);
  const dropped = drop === undefined ? weights : callMap(MUL, [weights, drop], [], weights.type);
  const result = matrixProduct(dropped, repeatHeads(value, params.group));
  return dead === null ? result : aliveRows(result, dead);
});

function checkOperands(name: string, query: Tensor, key: Tensor, value: Tensor): void {
  for (const [role, x] of Object.entries({ query, key, value })) {
    requireTensor(name, role, x);
    if (x.ndim < 2)
      throw new ShapeError(`${name}: ${role} needs at least 2 dimensions [..., length, features], got ${formatShape(x.shape)}`);
    if (!x.type.isFloat) throw new DTypeError(`${name}: ${role} must have a floating dtype, got ${x.dtype}; cast with .to('float32')`);
    if (x.type !== query.type)
      throw new DTypeError(`${name}: query has dtype ${query.dtype} and ${role} ${x.dtype}: they must be equal, cast with .to(…)`);
  }
  const shapes = `query ${formatShape(query.shape)}, key ${formatShape(key.shape)}, value ${formatShape(value.shape)}`;
  if (query.shape.at(-1) !== key.shape.at(-1)) throw new ShapeError(`${name}: query and key differ in their last dimension: ${shapes}`);
  if (key.shape.at(-2) !== value.shape.at(-2)) throw new ShapeError(`${name}: key and value differ in their length: ${shapes}`);
}

/** How many query heads share one head of keys and values. */
function groupOf(name: string, query: Tensor, key: Tensor, value: Tensor, grouped: boolean): number {
  if (!grouped) return 1;
  const [heads, shared, other] = [query.shape.at(-3), key.shape.at(-3), value.shape.at(-3)];
  if (heads === undefined || shared === undefined || shared !== other || shared === 0 || heads % shared !== 0)
    throw new ShapeError(
      `${name}: enableGqa needs as many heads of keys as of values, and a multiple of them of queries, got ${formatShape(query.shape)}, ${formatShape(key.shape)} and ${formatShape(value.shape)}`,
    );
  return heads / shared;
}

function checkMask(name: string, mask: Tensor, query: Tensor, scores: readonly number[], causal: boolean): void {
  requireTensor(name, 'attnMask', mask);
  if (causal) throw new ArgumentError(`${name}: isCausal is a mask of its own: leave out attnMask, or say there what may be attended to`);
  if (mask.type !== BOOL && mask.type !== query.type)
    throw new DTypeError(`${name}: attnMask must have dtype bool, or ${query.dtype} as the query has, got ${mask.dtype}`);
  const full = broadcastShapes(name, mask.shape, scores);
  if (full.length !== scores.length || full.some((size, i) => size !== scores[i]))
    throw new ShapeError(`${name}: attnMask of shape ${formatShape(mask.shape)} does not broadcast to the scores ${formatShape(scores)}`);
}

/**
 * Attention (Vaswani et al., "Attention is all you need", 2017): softmax(query keyᵀ · scale) value. `query` [..., L, E], `key` [..., S, E], `value`
 * [..., S, Ev], leading dimensions broadcast; the result is [..., L, Ev], of their one floating dtype. `attnMask`, which broadcasts to [..., L, S],
 * is bool, true where a position may be attended to, or is added to the scores. A row that may attend to nothing gives 0. Throws ShapeError and
 * DTypeError for operands that do not fit, ArgumentError for a mask beside `isCausal`.
 *
 * @example
 * const [q, k, v] = [zeros([1, 2]), zeros([2, 2]), tensor([[1, 2], [3, 4]])];
 * nn.functional.scaledDotProductAttention(q, k, v); // tensor([[2., 3.]])
 */
export const scaledDotProductAttention: AttentionFunction<AttentionOptions> = described(
  'nn.functional.scaledDotProductAttention',
  (query: Tensor, key: Tensor, value: Tensor, attnMask?: Tensor | null, options: AttentionOptions = {}): Tensor => {
    const name = 'nn.functional.scaledDotProductAttention';
    checkOperands(name, query, key, value);
    const causal = options.isCausal ?? false;
    const group = groupOf(name, query, key, value, options.enableGqa ?? false);
    const heads = (x: Tensor): number[] =>
      group === 1 ? x.shape.slice(0, -2) : [...x.shape.slice(0, -3), (x.shape.at(-3) as number) * group];
    const batch = broadcastShapes(name, broadcastShapes(name, query.shape.slice(0, -2), heads(key)), heads(value));
    const scores = [...batch, query.shape.at(-2) as number, key.shape.at(-2) as number];
    const given = attnMask ?? null;
    if (given !== null) checkMask(name, given, query, scores, causal);
    // Of no keys a mask says nothing.
    const mask = scores.at(-1) === 0 ? null : given;
    const weights = [...broadcastShapes(name, query.shape.slice(0, -2), heads(key)), ...scores.slice(-2)];
    const drop = dropMask(name, mask === null ? weights : broadcastShapes(name, weights, mask.shape), options.dropoutP ?? 0, query.type);
    const inputs = [query, key, value, ...(mask === null ? [] : [rowsOf(mask)]), ...(drop === null ? [] : [drop])];
    const scale = options.scale ?? 1 / Math.sqrt(query.shape.at(-1) as number);
    const params = { causal, scale, group };
    if (drop === null && isFusable(query, key, value, mask, params)) return fusedAttention(query, key, value, mask, params);
    return applyOne(attentionOperator, inputs, { ...params, masked: mask !== null });
  },
  {
    signature: 'query, key, value, attn_mask?, *, dropout_p, is_causal, scale, enable_gqa',
    samples: [
      { args: [t([3, 4]), t([5, 4]), t([5, 2])] },
      { args: [t([2, 3, 4]), t([2, 5, 4]), t([2, 5, 3]), null, { isCausal: true, scale: 0.5 }] },
      { args: [t([2, 2, 3]), t([2, 2, 3]), t([2, 2, 3]), t([2, 2], { dtype: 'bool', values: [true, false, false, false], grad: false })] },
      { args: [t([2, 2, 3]), t([2, 3, 3]), t([2, 3, 3]), t([2, 2, 3])] },
      { args: [t([4, 2, 3]), t([2, 3, 3]), t([2, 3, 3]), null, { enableGqa: true }] },
    ],
    bad: [
      { args: [t([3, 4]), t([5, 3]), t([5, 2])], error: /differ in their last dimension/ },
      { args: [t([3, 4]), t([5, 4]), t([4, 2])], error: /differ in their length/ },
      { args: [t([2, 4]), t([2, 4]), t([2, 4]), t([2, 2], { grad: false }), { isCausal: true }], error: /mask of its own/ },
      { args: [t([2, 4]), t([2, 4]), t([2, 4]), t([3, 2], { grad: false })], error: /broadcast/ },
    ],
  },
);

/** A mask of at least one dimension. */
function rowsOf(mask: Tensor): Tensor {
  return mask.ndim === 0 ? reshape(mask, [1]) : mask;
}

/** Attention that never has all scores in memory: of float32, without dropout. */
import { FLOAT32 } from '../../dtype/dtype.ts';
import type { Cotangents, RuleContext } from '../../op/contract.ts';
import { contiguousStrides } from '../../shape/shape.ts';
import { applyMany } from '../../tensor/apply.ts';
import { type Tensor, viewOf } from '../../tensor/tensor.ts';
import { mul, sub } from '../arithmetic.ts';
import { emptyTensor } from '../create.ts';
import { makeOperator } from '../family.ts';
import { matrixProduct } from '../matmul.ts';
import { needsComposition, scaled, sumOver } from '../reduction.ts';
import { cloneOperator, expand, reshape } from '../structural.ts';
import { aliveRows, causalScores, maskedScores, repeatHeads, rowsOfNothing, turned } from './attention-core.ts';
import { attend, attendBackward } from './attention-kernels.ts';
import { softmaxAlong } from './softmax.ts';

export interface FusedAttentionParams {
  readonly causal: boolean;
  readonly scale: number;
  /** How many heads of queries one head of keys serves. */
  readonly group: number;
  /** Whether there is a mask. */
  readonly masked: boolean;
}

/** Whether the kernels can compute this: the dimensions before the matrices must be the same, but for shared heads, and nobody asks for a mask's gradient. */
export function isFusable(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  mask: Tensor | null,
  { scale, group }: Omit<FusedAttentionParams, 'masked'>,
): boolean {
  if (query.type !== FLOAT32 || !(scale > 0 && scale < Number.POSITIVE_INFINITY)) return false;
  if (mask !== null && needsComposition(mask)) return false;
  if ([query, key, value].some((x) => x.size === 0 || x.ndim !== query.ndim)) return false;
  const last = query.ndim - 3;
  for (let dim = 0; dim <= last; dim++) {
    const size = (key.shape[dim] as number) * (dim === last ? group : 1);
    if (value.shape[dim] !== key.shape[dim] || query.shape[dim] !== size) return false;
  }
  return true;
}

/** Memory for a tensor of this shape in which the last dimensions but one lie in the order of those of `like`: heads beside each other if they are there. */
function emptyLike(like: Tensor, shape: readonly number[]): Tensor {
  const [heads, rows] = [shape.length - 3, shape.length - 2];
  if (heads < 0 || (like.strides[heads] as number) >= (like.strides[rows] as number)) return emptyTensor(shape, like.type);
  const swapped = [...shape.slice(0, heads), shape[rows] as number, shape[heads] as number, shape[rows + 1] as number];
  const strides = contiguousStrides(swapped);
  const base = emptyTensor(swapped, like.type);
  return viewOf(base, shape, [...strides.slice(0, heads), strides[rows] as number, strides[heads] as number, 1], 0);
}

/** Memory for the gradients of three tensors: where those are the pieces of one, beside each other in one as well, so that the way back through the cut copies nothing. */
function emptyLikeEach(operands: readonly [Tensor, Tensor, Tensor]): [Tensor, Tensor, Tensor] {
  const [first, second, third] = operands;
  const step = second.offset - first.offset;
  const alike = operands.every(
    (x) =>
      x.storage === first.storage && x.strides.every((stride, dim) => stride === first.strides[dim] && x.shape[dim] === first.shape[dim]),
  );
  if (!alike || third.offset - second.offset !== step) return operands.map((x) => emptyLike(x, x.shape)) as [Tensor, Tensor, Tensor];
  // Densely packed, the cut included: each stride is the number of elements that lie within.
  const dims = [[step, 3] as const, ...first.shape.map((size, dim) => [first.strides[dim] as number, size] as const)];
  let within = 1;
  for (const [stride, size] of dims.filter(([, length]) => length > 1).sort((a, b) => a[0] - b[0])) {
    if (stride !== within) return operands.map((x) => emptyLike(x, x.shape)) as [Tensor, Tensor, Tensor];
    within *= size;
  }
  const whole = emptyTensor([within], first.type);
  return operands.map((x, k) => viewOf(whole, x.shape, x.strides, k * step)) as [Tensor, Tensor, Tensor];
}

/** With its last dimension in a run of memory. */
function withRows(x: Tensor): Tensor {
  return x.strides[x.ndim - 1] === 1 ? x : (cloneOperator.forward([x], null) as Tensor);
}

/** The mask that was saved, if there was one. */
function maskOf(context: RuleContext<Tensor, FusedAttentionParams>): Tensor | null {
  return context.params.masked ? context.input(3) : null;
}

function backwardByKernel(g: Tensor, context: RuleContext<Tensor, FusedAttentionParams>): Tensor[] {
  const operands = [context.input(0), context.input(1), context.input(2)] as const;
  const grads = emptyLikeEach(operands);
  attendBackward(...grads, ...operands, context.output(0), context.output(1), withRows(g), maskOf(context), context.params);
  return grads;
}

/** The same in operators that have derivatives of their own. */
function backwardByOperators(gradient: Tensor, context: RuleContext<Tensor, FusedAttentionParams>): Tensor[] {
  const { causal, scale, group } = context.params;
  const [query, key, value] = [context.input(0), repeatHeads(context.input(1), group), repeatHeads(context.input(2), group)];
  const scores = matrixProduct(scaled(query, scale), turned(key));
  const mask = maskOf(context);
  const dead = mask === null ? null : rowsOfNothing(mask);
  const allowed = causal ? causalScores(scores) : dead === null ? scores : maskedScores(scores, mask as Tensor, dead);
  const weights = softmaxAlong(allowed, scores.ndim - 1);
  const g = dead === null ? gradient : aliveRows(gradient, dead);
  const ofWeights = matrixProduct(g, turned(value));
  const through = sumOver(mul(weights, ofWeights), [scores.ndim - 1], true);
  const ofScores = scaled(mul(weights, sub(ofWeights, through)), scale);
  return [
    matrixProduct(ofScores, key),
    ungrouped(matrixProduct(turned(ofScores), query), group),
    ungrouped(matrixProduct(turned(weights), g), group),
  ];
}

/** The sums over heads that share one. */
function ungrouped(x: Tensor, group: number): Tensor {
  if (group === 1) return x;
  const [heads, rows, columns] = x.shape.slice(-3) as [number, number, number];
  return sumOver(reshape(x, [...x.shape.slice(0, -3), heads / group, group, rows, columns]), [x.ndim - 2], false);
}

function vjp([g]: Cotangents<Tensor>, context: RuleContext<Tensor, FusedAttentionParams>): Cotangents<Tensor> {
  const gradient = g as Tensor;
  const composed = needsComposition(gradient) || [0, 1, 2].some((i) => needsComposition(context.input(i)));
  return composed ? backwardByOperators(gradient, context) : backwardByKernel(gradient, context);
}

/** Inputs: query, key, value, as `isFusable` says, and a mask of all heads. Results: the output, and for the derivative what is known of the rows of scores. */
const fusedOperator = makeOperator<FusedAttentionParams>({
  name: 'nn.functional.scaledDotProductAttention',
  forward: ([query, key, value, mask], params) => {
    const [q, v] = [query as Tensor, value as Tensor];
    const out = emptyLike(q, [...q.shape.slice(0, -1), v.shape.at(-1) as number]);
    const known = emptyTensor([...q.shape.slice(0, -1), 2], FLOAT32);
    attend(out, known, q, key as Tensor, v, mask ?? null, params);
    return [out, known];
  },
  derivative: { kind: 'rules', saves: (_needs, { masked }) => ({ inputs: masked ? [0, 1, 2, 3] : [0, 1, 2], outputs: [0, 1] }), vjp },
  nonDifferentiableOutputs: [1],
  batching: { kind: 'leading' },
});

/** Attention of operands that `isFusable` accepts. */
export function fusedAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  mask: Tensor | null,
  params: Omit<FusedAttentionParams, 'masked'>,
): Tensor {
  const masks = mask === null ? [] : [expand(mask, [...query.shape.slice(0, -1), key.shape.at(-2) as number])];
  return applyMany(fusedOperator, [query, key, value, ...masks], { ...params, masked: mask !== null })[0] as Tensor;
}

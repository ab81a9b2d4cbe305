/** Elementwise losses and how they are reduced. */

import type { DTypeInfo } from '../../dtype/dtype.ts';
import type { Operator, RuleContext, Saves } from '../../op/contract.ts';
import { arg, mul, param, substitute } from '../../scalar/expr.ts';
import { broadcastShapes } from '../../shape/broadcast.ts';
import { sameShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { MapOperator } from '../../tensor/map-operator.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError } from '../../util/errors.ts';
import { realFloatOnly } from '../elementwise.ts';
import { callMap, commonType, compositeOperator, requireTensor } from '../family.ts';
import { isPlain, scaled, sumOver } from '../reduction.ts';
import { expand } from '../structural.ts';

/** What becomes of the losses of single elements: their mean, their sum, or nothing. */
export type Reduction = 'mean' | 'sum' | 'none';

export interface LossOptions {
  /** Default 'mean'. */
  readonly reduction?: Reduction;
}

/** The reduction that was asked for; throws ArgumentError for an unknown one. */
export function reductionOf<R extends string = Reduction>(
  name: string,
  reduction: R | undefined,
  allowed: readonly string[] = ['mean', 'sum', 'none'],
): R | 'mean' {
  const chosen = reduction ?? 'mean';
  if (!allowed.includes(chosen))
    throw new ArgumentError(`${name}: reduction must be ${allowed.map((r) => `'${r}'`).join(', ')}, got '${String(chosen)}'`);
  return chosen;
}

/** The mean or sum of all elements, or all elements. */
export function reduceLoss(loss: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return loss;
  const sum = sumOver(loss, allDims(loss));
  return reduction === 'mean' ? scaled(sum, 1 / loss.size) : sum;
}

export function allDims(x: Tensor): number[] {
  return x.shape.map((_, d) => d);
}

export interface LossParams {
  /** Uniform scalars of the expression. */
  readonly values: readonly number[];
  readonly compute: DTypeInfo;
  readonly reduction: Reduction;
}

/**
 * A loss that is an expression of the inputs' elements, reduced. Recorded as one node: backwards, each input's gradient is one pass over its elements,
 * in which the cotangent of the reduction stands for all of them without being written out.
 */
export function elementwiseLoss(name: string, map: MapOperator): Operator<Tensor, LossParams> {
  const spreads: (MapOperator | undefined)[] = [];
  const saves: (Saves | undefined)[] = [];
  return compositeOperator<LossParams>(
    name,
    (inputs, { values, compute, reduction }) => reduceLoss(callMap(map, inputs, values, compute), reduction),
    {
      kind: 'rules',
      saves: (needs) => {
        let key = 0;
        for (let i = 0; i < needs.length; i++) if (needs[i] === true) key += 1 << i;
        const known = saves[key] ?? { inputs: needs.flatMap((needed, i) => (needed ? readsOf(map, i) : [])) };
        saves[key] = known;
        return known;
      },
      vjp: ([g], context) => {
        const { values, compute, reduction } = context.params;
        if (isPlain(g as Tensor) && reduction === 'mean' && (g as Tensor).type === compute) {
          const direct = spreadMean(map, spreads, g as Tensor, context);
          if (direct !== null) return direct;
        }
        const shapes = Array.from({ length: context.inputCount }, (_, i) => context.inputShape(i));
        const shape = broadcastShapes(name, ...shapes);
        const count = shape.reduce((n, size) => n * size, 1);
        const spread = expand(reduction === 'mean' ? scaled(g as Tensor, 1 / count) : (g as Tensor), shape);
        return shapes.map((_, i) => {
          const partial = context.needs(i) ? map.partial(i) : null;
          if (partial === null) return null;
          if (partial.operator === null) return spread;
          const operands = [spread, ...partial.inputs.map((k) => context.input(k))];
          if (partial.output) operands.push(callMap(map, allInputs(context), values, compute));
          return applyOne(partial.operator, operands, { values, compute });
        });
      },
    },
  );
}

/**
 * The gradients of a mean over inputs of one shape, if one pass gives each: its share of the cotangent, rounded as it would be alone, is part of the expression. Null where that does not fit.
 */
function spreadMean(
  map: MapOperator,
  spreads: (MapOperator | undefined)[],
  g: Tensor,
  context: RuleContext<Tensor, LossParams>,
): (Tensor | null)[] | null {
  const { values, compute } = context.params;
  const shape = context.inputShape(0);
  for (let i = 0; i < context.inputCount; i++) {
    if (!sameShape(shape, context.inputShape(i)) || context.inputType(i) !== compute) return null;
    if (!context.needs(i)) continue;
    const { operator, inputs, output } = map.partial(i);
    if (operator === null || output || inputs.length === 0) return null;
    for (const k of inputs) if (!isPlain(context.input(k))) return null;
  }
  const params = { values: [...values, 1 / shape.reduce((n, size) => n * size, 1)], compute };
  return Array.from({ length: context.inputCount }, (_, i) => {
    if (!context.needs(i)) return null;
    const { operator, inputs } = map.partial(i);
    spreads[i] ??= withShare(operator as MapOperator);
    return spreads[i].forward([...inputs.map((k) => context.input(k)), g], params);
  });
}

/** A derivative whose cotangent, its first operand, comes last, to be multiplied with the last parameter. */
function withShare({ name, expr, arity, paramCount }: MapOperator): MapOperator {
  const operands = Array.from({ length: arity }, (_, k) => (k === 0 ? mul(arg(arity - 1), param(paramCount)) : arg(k - 1)));
  return new MapOperator(name, substitute(expr, operands), arity, paramCount + 1, false);
}

function allInputs(context: { readonly inputCount: number; input(index: number): Tensor }): Tensor[] {
  return Array.from({ length: context.inputCount }, (_, i) => context.input(i));
}

/** The inputs that the derivative with respect to one of them reads. */
function readsOf(map: MapOperator, index: number): readonly number[] {
  const partial = map.partial(index);
  if (partial === null) return [];
  return partial.output ? Array.from({ length: map.arity }, (_, i) => i) : partial.inputs;
}

/** The dtype that a loss of these tensors is computed in: a floating one, or with `widen` the default float for integers. */
export function lossType(name: string, tensors: readonly Tensor[], widen: ((type: DTypeInfo) => DTypeInfo) | null = null): DTypeInfo {
  tensors.forEach((x, i) => {
    requireTensor(name, i === 0 ? 'input' : i === 1 ? 'target' : 'weight', x);
  });
  const common = commonType(tensors);
  const type = widen === null ? common : widen(common);
  realFloatOnly(type, name);
  return type;
}

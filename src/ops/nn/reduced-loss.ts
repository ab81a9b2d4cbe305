/** Elementwise losses and how they are reduced. */

import type { DTypeInfo } from '../../dtype/dtype.ts';
import type { Operator } from '../../op/contract.ts';
import { broadcastShapes } from '../../shape/broadcast.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { MapOperator } from '../../tensor/map-operator.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError } from '../../util/errors.ts';
import { realFloatOnly } from '../elementwise.ts';
import { callMap, commonType, compositeOperator, requireTensor } from '../family.ts';
import { scaled, sumOver } from '../reduction.ts';
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
  return compositeOperator<LossParams>(
    name,
    (inputs, { values, compute, reduction }) => reduceLoss(callMap(map, inputs, values, compute), reduction),
    {
      kind: 'rules',
      saves: (needs) => ({ inputs: needs.flatMap((needed, i) => (needed ? readsOf(map, i) : [])) }),
      vjp: ([g], context) => {
        const { values, compute, reduction } = context.params;
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

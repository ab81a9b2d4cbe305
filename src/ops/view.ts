import type { Batching, Operator } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { applyOne } from '../tensor/apply.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { type Tensor, viewOf } from '../tensor/tensor.ts';
import { fullTensor } from './create.ts';
import { makeOperator } from './family.ts';
import type { Geometry } from './structural.ts';

/** What defines a view: where its elements lie, and how its parameters change under a leading batch dimension. */
export interface ViewDefinition<P> {
  readonly name: string;
  readonly backwardName?: string;
  geometry(x: Tensor, params: P): Geometry;
  /** Parameters for an input with one more leading dimension. */
  rewrite(params: P, x: Tensor, size: number): P;
  /** The transpose, where there is a cheaper one than writing into zeros (which needs a view without overlap). */
  transpose?(g: Tensor, params: P, shape: readonly number[]): Tensor;
}

interface ScatterParams<P> {
  readonly params: P;
  readonly shape: readonly number[];
}

/**
 * A view operator. Its transpose writes the cotangent into the same places of a zero tensor, unless the definition knows better; the transpose of
 * that is the view again.
 */
export function viewOperator<P>(definition: ViewDefinition<P>): Operator<Tensor, P> {
  const batching: Batching<Tensor, P> = { kind: 'params', rewrite: (params, x, size) => definition.rewrite(params, x, size) };
  const forward = (inputs: readonly Tensor[], params: P): Tensor => {
    const x = inputs[0] as Tensor;
    const { shape, strides, offset } = definition.geometry(x, params);
    return viewOf(x, shape, strides, offset);
  };
  const scatter: Operator<Tensor, ScatterParams<P>> = makeOperator<ScatterParams<P>>({
    name: `${definition.name}Backward`,
    forward: ([g], { params, shape }) => {
      const result = fullTensor(shape, 0, (g as Tensor).type);
      const slot = forward([result], params);
      backend().map(IDENTITY.program, slot, [g as Tensor], [], slot.type);
      return result;
    },
    derivative: { kind: 'linear', transpose: (g, context) => applyOne(view, [g], context.params.params) },
    batching: {
      kind: 'params',
      rewrite: ({ params, shape }, g, size) => ({ params: definition.rewrite(params, g, size), shape: [size, ...shape] }),
    },
  });
  const view: Operator<Tensor, P> = makeOperator<P>({
    name: definition.name,
    ...(definition.backwardName === undefined ? {} : { backwardName: definition.backwardName }),
    aliasing: 'view',
    forward,
    derivative: {
      kind: 'linear',
      transpose: (g, context) => {
        const shape = context.inputShape(0);
        return definition.transpose?.(g, context.params, shape) ?? applyOne(scatter, [g], { params: context.params, shape });
      },
    },
    batching,
  });
  return view;
}

/** A list without its entry at `index`. */
export function without(values: readonly number[], index: number): number[] {
  return values.filter((_, i) => i !== index);
}

/** A list with its entry at `index` replaced. */
export function replaced(values: readonly number[], index: number, value: number): number[] {
  return values.map((old, i) => (i === index ? value : old));
}

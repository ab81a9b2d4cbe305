import * as S from '../../scalar/expr.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { MapOperator } from '../../tensor/map-operator.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { add } from '../arithmetic.ts';
import { emptyTensor } from '../create.ts';
import { compositeOperator, mapOperator } from '../family.ts';
import { matrixProduct } from '../matmul.ts';
import { narrow } from '../movement.ts';
import { permute, reshape } from '../structural.ts';
import { recurrentBackward, recurrentForward } from './recurrent-kernels.ts';
import { cellStep, expressionOf, inRows, isWhole, lazily, weightGradientOf, withColumns } from './recurrent-layout.ts';
import { type Piece, Unrolled } from './unrolled.ts';

type E = S.Expr;

/** Which end of the sequence a loop begins at. */
export interface Direction {
  readonly reverse: boolean;
}

export const ADD = mapOperator('add', 2, 0, ([x, y]) => S.add(x as E, y as E));
export const MUL = mapOperator('mul', 2, 0, ([x, y]) => S.mul(x as E, y as E));
export const SUM_SIGMOID = mapOperator('sigmoid', 2, 0, ([x, y]) => S.sigmoid(S.add(x as E, y as E)));
export const SUM_TANH = mapOperator('tanh', 2, 0, ([x, y]) => S.tanh(S.add(x as E, y as E)));
const SUM_RELU = mapOperator('relu', 2, 0, ([x, y]) => S.relu(S.add(x as E, y as E)));
/** A cotangent through an activation, by the activation's output y. */
export const VIA_SIGMOID = mapOperator('sigmoidBackward', 2, 0, ([g, y]) => S.mul(g as E, S.mul(y as E, S.sub(1, y as E))));
export const VIA_TANH = mapOperator('tanhBackward', 2, 0, ([g, y]) => S.mul(g as E, S.sub(1, S.mul(y as E, y as E))));
const VIA_RELU = mapOperator('reluBackward', 2, 0, ([g, y]) => S.select(S.gt(y as E, 0), g as E, 0));
/** The same for a cotangent times a factor x. */
export const PRODUCT_VIA_SIGMOID = mapOperator('sigmoidBackward', 3, 0, ([g, x, y]) =>
  S.mul(S.mul(g as E, x as E), S.mul(y as E, S.sub(1, y as E))),
);
export const PRODUCT_VIA_TANH = mapOperator('tanhBackward', 3, 0, ([g, x, y]) =>
  S.mul(S.mul(g as E, x as E), S.sub(1, S.mul(y as E, y as E))),
);

/** The steps in the order in which they run. */
export function stepsOf(count: number, reverse: boolean): number[] {
  return Array.from({ length: count }, (_, i) => (reverse ? count - 1 - i : i));
}

/** The gradient of a hidden weight: each step's cotangent [T, N, G] times the state before it, as two products over all steps. */
export function weightGradient(cotangents: Tensor, states: Tensor, first: Tensor, reverse: boolean): Tensor {
  const [steps, batch, gates] = cotangents.shape as [number, number, number];
  const hidden = states.shape[2] as number;
  const later = (steps - 1) * batch;
  const atStart = reshape(narrow(cotangents, 0, reverse ? steps - 1 : 0, 1), [batch, gates]);
  const ofFirst = matrixProduct(permute(atStart, [1, 0]), first);
  if (later === 0) return ofFirst;
  const rest = reshape(narrow(cotangents, 0, reverse ? 0 : 1, steps - 1), [later, gates]);
  const before = reshape(narrow(states, 0, reverse ? 1 : 0, steps - 1), [later, hidden]);
  return add(matrixProduct(permute(rest, [1, 0]), before), ofFirst) as Tensor;
}

/** The sum of two cotangents of which the second may not be there. */
export function total(loop: Unrolled, a: Tensor, b: Tensor | null, room: Tensor | null): Tensor {
  return b === null ? a : loop.map([ADD, [a, b]], room);
}

/** A cotangent with what reaches its gate from elsewhere, as happens in second derivatives. */
export function withExtra(loop: Unrolled, piece: Piece, extra: Piece | null): Piece {
  return extra === null ? piece : [ADD, [loop.map(piece, null), loop.map(extra, null)]];
}

// ---------------------------------------------------------------- simple layers

const inPlain: Record<'tanh' | 'relu', readonly [forward: MapOperator, backward: MapOperator]> = {
  tanh: [SUM_TANH, VIA_TANH],
  relu: [SUM_RELU, VIA_RELU],
};

/** h = tanh(x + h Wᵀ), or relu. Inputs: x [T, N, H], projected and with all offsets; h [N, H]; W [H, H]. Result: h of all steps. */
function plainOperator(kind: 'tanh' | 'relu') {
  const [activation, derivative] = inPlain[kind];
  const fusedCell = lazily(() => ({
    kind: 'alone',
    gates: 1,
    kept: 0,
    forward: cellStep(1, ([x]) => [[0, (kind === 'tanh' ? S.tanh : S.relu)(x as E)]]),
    backward: cellStep(4, ([y, ofState, later]) => [[3, expressionOf(derivative, S.add(ofState as E, later as E), y as E)]]),
  }));
  return compositeOperator<Direction>(
    'rnn',
    ([x, first, weight], { reverse }) => {
      const [steps, batch, hidden] = (x as Tensor).shape as [number, number, number];
      const loop = new Unrolled([x as Tensor, first as Tensor, weight as Tensor], (x as Tensor).type);
      if (loop.direct && isWhole((x as Tensor).type, hidden, batch)) {
        const states = emptyTensor([steps, batch, hidden], (x as Tensor).type);
        recurrentForward(
          fusedCell(),
          states,
          null,
          null,
          inRows(x as Tensor),
          weight as Tensor,
          null,
          withColumns(first as Tensor),
          null,
          reverse,
        );
        return states;
      }
      const states = loop.line(steps, batch, hidden);
      const scratch = loop.scratch(batch, hidden);
      const across = loop.turned(weight as Tensor);
      let h = first as Tensor;
      for (const t of stepsOf(steps, reverse)) {
        h = states.write(t, [activation, [loop.step(x as Tensor, t), loop.product(h, across, scratch)]]);
      }
      return states.all();
    },
    {
      kind: 'rules',
      saves: { inputs: [1, 2], outputs: [0] },
      vjp: ([g], context) => {
        const { reverse } = context.params;
        const [first, weight, states] = [context.input(1), context.input(2), context.output(0)];
        const [steps, batch, hidden] = states.shape as [number, number, number];
        const loop = new Unrolled([g as Tensor, first, weight, states], states.type);
        if (loop.direct && isWhole(states.type, hidden, batch)) {
          const [all, later] = [emptyTensor(states.shape, states.type), emptyTensor(first.shape, states.type)];
          const outside = withColumns(g as Tensor);
          recurrentBackward(
            fusedCell(),
            all,
            null,
            later,
            null,
            weight,
            inRows(states),
            null,
            withColumns(first),
            outside,
            null,
            reverse,
            context.needs(1),
          );
          return [all, context.needs(1) ? later : null, context.needs(2) ? weightGradientOf(all, states, first, reverse) : null];
        }
        const cotangents = loop.line(steps, batch, hidden);
        const [sum, carried] = [loop.scratch(batch, hidden), loop.scratch(batch, hidden)];
        let later: Tensor | null = null;
        for (const t of stepsOf(steps, !reverse)) {
          const dh = total(loop, loop.step(g as Tensor, t), later, sum);
          later = loop.product(cotangents.write(t, [derivative, [dh, loop.step(states, t)]]), weight, carried);
        }
        const all = cotangents.all();
        return [all, later, context.needs(2) ? weightGradient(all, states, first, reverse) : null];
      },
    },
  );
}
const plainOperators = { tanh: plainOperator('tanh'), relu: plainOperator('relu') };

/** The states [T, N, H] of a simple recurrent layer. */
export function plainStates(kind: 'tanh' | 'relu', x: Tensor, first: Tensor, weight: Tensor, direction: Direction): Tensor {
  return applyOne(plainOperators[kind], [x, first, weight], direction);
}

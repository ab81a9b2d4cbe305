import type { RuleContext } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { applyMany } from '../../tensor/apply.ts';
import type { MapOperator } from '../../tensor/map-operator.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { emptyTensor, fullTensor } from '../create.ts';
import { compositeOperator, mapOperator } from '../family.ts';
import {
  type Direction,
  MUL,
  PRODUCT_VIA_SIGMOID,
  PRODUCT_VIA_TANH,
  SUM_SIGMOID,
  SUM_TANH,
  stepsOf,
  total,
  VIA_SIGMOID,
  VIA_TANH,
  weightGradient,
  withExtra,
} from './recurrence.ts';
import { recurrentBackward, recurrentForward } from './recurrent-kernels.ts';
import { cellStep, expressionOf, inRows, isWhole, lazily, partsOf, weightGradientOf, wholeOf, withColumns } from './recurrent-layout.ts';
import { type Line, Unrolled } from './unrolled.ts';

type E = S.Expr;

/** c = f c + i g */
const CELL = mapOperator('lstm', 4, 0, ([f, c, i, g]) => S.add(S.mul(f as E, c as E), S.mul(i as E, g as E)));
/** h = o tanh(c) */
const OUT = mapOperator('lstm', 2, 0, ([o, c]) => S.mul(o as E, S.tanh(c as E)));
/** What reaches the cell: through the output, and from the step after. */
const INTO_CELL = mapOperator('lstmBackward', 4, 0, ([g, o, c, later]) => {
  const y = S.tanh(c as E);
  return S.add(S.mul(S.mul(g as E, o as E), S.sub(1, S.mul(y, y))), later as E);
});
const INTO_LAST_CELL = mapOperator('lstmBackward', 3, 0, ([g, o, c]) => {
  const y = S.tanh(c as E);
  return S.mul(S.mul(g as E, o as E), S.sub(1, S.mul(y, y)));
});
const INTO_OUT_GATE = mapOperator('lstmBackward', 3, 0, ([g, c, o]) =>
  S.mul(S.mul(g as E, S.tanh(c as E)), S.mul(o as E, S.sub(1, o as E))),
);

/** The same steps for the kernels that run whole layers. */
const fusedCell = lazily(() => ({
  kind: 'added',
  gates: 4,
  kept: 4,
  forward: cellStep(7, (operands) => {
    const [i, f, g, o, before, c] = operands as [E, E, E, E, E, E];
    return [
      [0, S.sigmoid(i)],
      [1, S.sigmoid(f)],
      [2, S.tanh(g)],
      [3, S.sigmoid(o)],
      [5, expressionOf(CELL, f, before, i, g)],
      [6, expressionOf(OUT, o, c)],
    ];
  }),
  backward: cellStep(14, (operands) => {
    const [i, f, g, o, before, c, ofState, ofCell, dh, dc] = operands as [E, E, E, E, E, E, E, E, E, E];
    const y = operands[13] as E;
    return [
      [8, S.add(ofState, dh)],
      [13, S.tanh(c)],
      [9, S.add(ofCell, S.add(S.mul(S.mul(dh, o), S.sub(1, S.mul(y, y))), dc))],
      [13, expressionOf(PRODUCT_VIA_SIGMOID, dh, y, o)],
      [10, expressionOf(PRODUCT_VIA_SIGMOID, dc, g, i)],
      [11, expressionOf(PRODUCT_VIA_SIGMOID, dc, before, f)],
      [12, expressionOf(PRODUCT_VIA_TANH, dc, i, g)],
      [9, S.mul(dc, f)],
    ];
  }),
}));

/** The results of a layer from the kernels: the gates are views of one tensor. */
function lstmByKernel(inputs: readonly Tensor[], reverse: boolean): Tensor[] {
  const [x, firstHidden, firstCell, weight] = inputs as readonly [Tensor, Tensor, Tensor, Tensor];
  const [steps, batch, gates] = x.shape as [number, number, number];
  const shape = [steps, batch, gates / 4];
  const [states, cells, kept] = [emptyTensor(shape, x.type), emptyTensor(shape, x.type), emptyTensor(x.shape, x.type)];
  recurrentForward(fusedCell(), states, cells, kept, inRows(x), weight, null, withColumns(firstHidden), withColumns(firstCell), reverse);
  return [states, cells, ...partsOf(kept, gates / 4, [2, 1, 1])];
}

function lstmVjpByKernel(
  ofStates: Tensor | null,
  ofCells: Tensor | null,
  kept: Tensor,
  context: RuleContext<Tensor, Direction>,
): (Tensor | null)[] {
  const { reverse } = context.params;
  const [firstHidden, firstCell, weight] = [context.input(1), context.input(2), context.input(3)];
  const [states, cells] = [context.output(0), inRows(context.output(1))];
  const empty = (like: Tensor): Tensor => emptyTensor(like.shape, like.type);
  const [all, ofHidden, ofCell] = [empty(kept), empty(firstHidden), empty(firstCell)];
  const outside = (g: Tensor | null): Tensor => withColumns(g ?? fullTensor(firstHidden.shape, 0, kept.type));
  const before = withColumns(firstCell);
  recurrentBackward(
    fusedCell(),
    all,
    null,
    ofHidden,
    ofCell,
    weight,
    cells,
    kept,
    before,
    outside(ofStates),
    outside(ofCells),
    reverse,
    context.needs(1),
  );
  return [all, context.needs(1) ? ofHidden : null, ofCell, context.needs(3) ? weightGradientOf(all, states, firstHidden, reverse) : null];
}

function lstmForward(inputs: readonly Tensor[], { reverse }: Direction): Tensor[] {
  const [x, firstHidden, firstCell, weight, projection] = inputs as readonly [Tensor, Tensor, Tensor, Tensor, Tensor?];
  const [steps, batch, gates] = x.shape as [number, number, number];
  const size = gates / 4;
  const loop = new Unrolled(inputs, x.type);
  if (projection === undefined && loop.direct && isWhole(x.type, size, batch)) return lstmByKernel(inputs, reverse);
  const line = (columns: number): Line => loop.line(steps, batch, columns);
  const [states, cells, inputAndForget, candidates, outs] = [line(size), line(size), line(2 * size), line(size), line(size)];
  const projected = projection === undefined ? null : line(projection.shape[0] as number);
  const scratch = loop.scratch(batch, gates);
  const across = loop.turned(weight);
  let [h, c] = [firstHidden, firstCell];
  for (const t of stepsOf(steps, reverse)) {
    const here = loop.step(x, t);
    const before = loop.product(h, across, scratch);
    const gate = (line: Line, map: MapOperator, from: number, count: number): Tensor =>
      line.write(t, [map, [loop.columns(here, from * size, count * size), loop.columns(before, from * size, count * size)]]);
    const both = gate(inputAndForget, SUM_SIGMOID, 0, 2);
    const candidate = gate(candidates, SUM_TANH, 2, 1);
    const out = gate(outs, SUM_SIGMOID, 3, 1);
    c = cells.write(t, [CELL, [loop.columns(both, size, size), c, loop.columns(both, 0, size), candidate]]);
    h = states.write(t, [OUT, [out, c]]);
    if (projected !== null) h = projected.multiply(t, h, loop.turned(projection as Tensor));
  }
  if (projected !== null) return [projected.all(), cells.all()];
  return [states.all(), cells.all(), inputAndForget.all(), candidates.all(), outs.all()];
}

/** From the last step to the first: what flows into a step's gates, and from there into the step before. */
function lstmVjp(grads: readonly (Tensor | null)[], context: RuleContext<Tensor, Direction>): (Tensor | null)[] {
  const { reverse } = context.params;
  const [firstHidden, firstCell, weight] = [context.input(1), context.input(2), context.input(3)];
  const outputs = [0, 1, 2, 3, 4].map((i) => context.output(i)) as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const [states, cells, both, candidates, outs] = outputs;
  const [, ofCells = null, ofBoth = null, ofCandidates = null, ofOuts = null] = grads;
  const [steps, batch, size] = states.shape as [number, number, number];
  const ofStates = grads[0] ?? fullTensor(states.shape, 0, states.type);
  const loop = new Unrolled([ofStates, ofCells, ofBoth, ofCandidates, ofOuts, firstHidden, firstCell, weight, ...outputs], states.type);
  const kept = loop.direct && isWhole(states.type, size, batch) ? wholeOf([both, candidates, outs]) : null;
  if (kept !== null && ofBoth === null && ofCandidates === null && ofOuts === null)
    return lstmVjpByKernel(grads[0] ?? null, ofCells, kept, context);
  const cotangents = loop.line(steps, batch, 4 * size);
  const room = (): Tensor | null => loop.scratch(batch, size);
  const [sum, intoCell, sumCell, carriedCell, carried] = [room(), room(), room(), room(), room()];
  const order = stepsOf(steps, !reverse);
  let laterHidden: Tensor | null = null;
  let laterCell: Tensor | null = null;
  for (const [k, t] of order.entries()) {
    const at = (x: Tensor): Tensor => loop.step(x, t);
    const halves = (x: Tensor): [Tensor, Tensor] => [loop.columns(at(x), 0, size), loop.columns(at(x), size, size)];
    const before = order[k + 1];
    const [c, o, g] = [at(cells), at(outs), at(candidates)];
    const [i, f] = halves(both);
    const dh: Tensor = total(loop, at(ofStates), laterHidden, sum);
    const through: Tensor = loop.map(laterCell === null ? [INTO_LAST_CELL, [dh, o, c]] : [INTO_CELL, [dh, o, c, laterCell]], intoCell);
    const dc: Tensor = ofCells === null ? through : total(loop, at(ofCells), through, sumCell);
    const ofGates = ofBoth === null ? null : halves(ofBoth);
    const gates = cotangents.write(
      t,
      withExtra(loop, [PRODUCT_VIA_SIGMOID, [dc, g, i]], ofGates && [VIA_SIGMOID, [ofGates[0], i]]),
      withExtra(
        loop,
        [PRODUCT_VIA_SIGMOID, [dc, before === undefined ? firstCell : loop.step(cells, before), f]],
        ofGates && [VIA_SIGMOID, [ofGates[1], f]],
      ),
      withExtra(loop, [PRODUCT_VIA_TANH, [dc, i, g]], ofCandidates && [VIA_TANH, [at(ofCandidates), g]]),
      withExtra(loop, [INTO_OUT_GATE, [dh, c, o]], ofOuts && [VIA_SIGMOID, [at(ofOuts), o]]),
    );
    laterHidden = loop.product(gates, weight, carried);
    laterCell = loop.map([MUL, [dc, f]], carriedCell);
  }
  const all = cotangents.all();
  return [all, laterHidden, laterCell, context.needs(3) ? weightGradient(all, states, firstHidden, reverse) : null];
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber, 1997). Inputs: x [T, N, 4H], projected and with all offsets, gates in the order input, forget,
 * candidate, output; h and c [N, H]; W [4H, H]. Results: h and c of all steps, and for the derivative the gates.
 */
const lstmOperator = compositeOperator<Direction>('lstm', lstmForward, {
  kind: 'rules',
  saves: { inputs: [1, 2, 3], outputs: [0, 1, 2, 3, 4] },
  vjp: lstmVjp,
});
/** The same with states that are projected before they are passed on (Sak, Senior and Beaufays, 2014). */
const projectedOperator = compositeOperator<Direction>('lstm', lstmForward);

/** States [T, N, H] and cells [T, N, H] of an LSTM layer. */
export function lstmStates(inputs: readonly [Tensor, Tensor, Tensor, Tensor, Tensor?], direction: Direction): [Tensor, Tensor] {
  const given = inputs.filter((x): x is Tensor => x !== undefined);
  const [states, cells] = applyMany(given.length === 5 ? projectedOperator : lstmOperator, given, direction);
  return [states as Tensor, cells as Tensor];
}

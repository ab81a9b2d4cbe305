import type { RuleContext } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { applyMany } from '../../tensor/apply.ts';
import { IDENTITY } from '../../tensor/identity.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { emptyTensor, fullTensor } from '../create.ts';
import { compositeOperator, mapOperator } from '../family.ts';
import { sumOver } from '../reduction.ts';
import {
  ADD,
  type Direction,
  MUL,
  PRODUCT_VIA_SIGMOID,
  SUM_SIGMOID,
  stepsOf,
  total,
  VIA_SIGMOID,
  VIA_TANH,
  weightGradient,
  withExtra,
} from './recurrence.ts';
import { recurrentBackward, recurrentForward } from './recurrent-kernels.ts';
import { cellStep, expressionOf, inRows, isWhole, lazily, partsOf, weightGradientOf, wholeOf, withColumns } from './recurrent-layout.ts';
import { type Line, type Piece, Unrolled } from './unrolled.ts';

type E = S.Expr;

/** n = tanh(x + r y) */
const CANDIDATE = mapOperator('gru', 3, 0, ([x, r, y]) => S.tanh(S.add(x as E, S.mul(r as E, y as E))));
/** h = (1 - z) n + z h */
const MIXED = mapOperator('gru', 3, 0, ([n, z, h]) => S.add(n as E, S.mul(z as E, S.sub(h as E, n as E))));
const INTO_CANDIDATE = mapOperator('gruBackward', 3, 0, ([g, z, n]) =>
  S.mul(S.mul(g as E, S.sub(1, z as E)), S.sub(1, S.mul(n as E, n as E))),
);
const INTO_UPDATE = mapOperator('gruBackward', 4, 0, ([g, h, n, z]) =>
  S.mul(S.mul(g as E, S.sub(h as E, n as E)), S.mul(z as E, S.sub(1, z as E))),
);
const PLUS_PRODUCT = mapOperator('gruBackward', 3, 0, ([x, g, z]) => S.add(x as E, S.mul(g as E, z as E)));

/** The same steps for the kernels that run whole layers. What is kept: reset, update, candidate, and what is recalled. */
const fusedCell = lazily(() => ({
  kind: 'apart',
  gates: 3,
  kept: 4,
  forward: cellStep(12, (operands) => {
    const [xr, xz, xn, yr, yz, yn, r, z, n, , h] = operands as [E, E, E, E, E, E, E, E, E, E, E];
    return [
      [6, S.sigmoid(S.add(xr, yr))],
      [7, S.sigmoid(S.add(xz, yz))],
      [9, yn],
      [8, expressionOf(CANDIDATE, xn, r, yn)],
      [11, expressionOf(MIXED, n, z, h)],
    ];
  }),
  backward: cellStep(13, (operands) => {
    const [r, z, n, y, h, ofState, dh, dr, dz, dn] = operands as [E, E, E, E, E, E, E, E, E, E];
    return [
      [6, S.add(ofState, dh)],
      [9, expressionOf(INTO_CANDIDATE, dh, z, n)],
      [12, S.mul(dn, r)],
      [7, expressionOf(PRODUCT_VIA_SIGMOID, dn, y, r)],
      [10, dr],
      [8, expressionOf(INTO_UPDATE, dh, h, n, z)],
      [11, dz],
      [6, S.mul(dh, z)],
    ];
  }),
}));

/** The results of a layer from the kernels: what is kept are views of one tensor. */
function gruByKernel(inputs: readonly Tensor[], reverse: boolean): Tensor[] {
  const [x, first, weight, bias] = inputs as readonly [Tensor, Tensor, Tensor, Tensor?];
  const [steps, batch, gates] = x.shape as [number, number, number];
  const size = gates / 3;
  const [states, kept] = [emptyTensor([steps, batch, size], x.type), emptyTensor([steps, batch, 4 * size], x.type)];
  const offset = bias === undefined ? null : withColumns(bias);
  recurrentForward(fusedCell(), states, null, kept, inRows(x), weight, offset, withColumns(first), null, reverse);
  return [states, ...partsOf(kept, size, [2, 1, 1])];
}

function gruVjpByKernel(ofStates: Tensor | null, kept: Tensor, context: RuleContext<Tensor, Direction>): (Tensor | null)[] {
  const { reverse } = context.params;
  const [first, weight, states] = [context.input(1), context.input(2), context.output(0)];
  const [steps, batch, size] = states.shape as [number, number, number];
  const given = emptyTensor([steps, batch, 3 * size], kept.type);
  const [hidden, later] = [emptyTensor(given.shape, kept.type), emptyTensor(first.shape, kept.type)];
  const outside = withColumns(ofStates ?? fullTensor(first.shape, 0, kept.type));
  recurrentBackward(
    fusedCell(),
    given,
    hidden,
    later,
    null,
    weight,
    inRows(states),
    kept,
    withColumns(first),
    outside,
    null,
    reverse,
    context.needs(1),
  );
  return [
    given,
    context.needs(1) ? later : null,
    context.needs(2) ? weightGradientOf(hidden, states, first, reverse) : null,
    ...(context.inputCount > 3 ? [context.needs(3) ? sumOver(hidden, [0, 1]) : null] : []),
  ];
}

function gruForward(inputs: readonly Tensor[], { reverse }: Direction): Tensor[] {
  const [x, first, weight, bias] = inputs as readonly [Tensor, Tensor, Tensor, Tensor?];
  const [steps, batch, gates] = x.shape as [number, number, number];
  const size = gates / 3;
  const loop = new Unrolled(inputs, x.type);
  if (loop.direct && isWhole(x.type, size, batch)) return gruByKernel(inputs, reverse);
  const line = (columns: number): Line => loop.line(steps, batch, columns);
  const [states, resetAndUpdate, candidates, recalled] = [line(size), line(2 * size), line(size), line(size)];
  const [scratch, sum] = [loop.scratch(batch, gates), loop.scratch(batch, gates)];
  const across = loop.turned(weight);
  let h = first;
  for (const t of stepsOf(steps, reverse)) {
    const here = loop.step(x, t);
    const product = loop.product(h, across, scratch);
    const before = bias === undefined ? product : loop.map([ADD, [product, bias]], sum);
    const both = resetAndUpdate.write(t, [SUM_SIGMOID, [loop.columns(here, 0, 2 * size), loop.columns(before, 0, 2 * size)]]);
    const own = recalled.write(t, [IDENTITY, [loop.columns(before, 2 * size, size)]]);
    const n = candidates.write(t, [CANDIDATE, [loop.columns(here, 2 * size, size), loop.columns(both, 0, size), own]]);
    h = states.write(t, [MIXED, [n, loop.columns(both, size, size), h]]);
  }
  return [states.all(), resetAndUpdate.all(), candidates.all(), recalled.all()];
}

/** From the last step to the first. The candidate's cotangent reaches what the reset gate lets through, the other two alike from both sides. */
function gruVjp(grads: readonly (Tensor | null)[], context: RuleContext<Tensor, Direction>): (Tensor | null)[] {
  const { reverse } = context.params;
  const [first, weight] = [context.input(1), context.input(2)];
  const outputs = [0, 1, 2, 3].map((i) => context.output(i)) as [Tensor, Tensor, Tensor, Tensor];
  const [states, both, candidates, recalled] = outputs;
  const [, ofBoth = null, ofCandidates = null, ofRecalled = null] = grads;
  const [steps, batch, size] = states.shape as [number, number, number];
  const ofStates = grads[0] ?? fullTensor(states.shape, 0, states.type);
  const loop = new Unrolled([ofStates, ofBoth, ofCandidates, ofRecalled, first, weight, ...outputs], states.type);
  const kept = loop.direct && isWhole(states.type, size, batch) ? wholeOf([both, candidates, recalled]) : null;
  if (kept !== null && ofBoth === null && ofCandidates === null && ofRecalled === null)
    return gruVjpByKernel(grads[0] ?? null, kept, context);
  const [given, hidden] = [loop.line(steps, batch, 3 * size), loop.line(steps, batch, 3 * size)];
  const room = (): Tensor | null => loop.scratch(batch, size);
  const [sum, ownRoom, across, carried] = [room(), room(), room(), room()];
  const order = stepsOf(steps, !reverse);
  let later: Tensor | null = null;
  for (const [k, t] of order.entries()) {
    const at = (x: Tensor): Tensor => loop.step(x, t);
    const halves = (x: Tensor): [Tensor, Tensor] => [loop.columns(at(x), 0, size), loop.columns(at(x), size, size)];
    const before = order[k + 1];
    const h = before === undefined ? first : loop.step(states, before);
    const [r, z] = halves(both);
    const n = at(candidates);
    const dh: Tensor = total(loop, at(ofStates), later, sum);
    const ofGates = ofBoth === null ? null : halves(ofBoth);
    const dn = loop.map(withExtra(loop, [INTO_CANDIDATE, [dh, z, n]], ofCandidates && [VIA_TANH, [at(ofCandidates), n]]), ownRoom);
    const own: Piece = withExtra(loop, [MUL, [dn, r]], ofRecalled && [IDENTITY, [at(ofRecalled)]]);
    const gates = given.write(
      t,
      withExtra(loop, [PRODUCT_VIA_SIGMOID, [dn, at(recalled), r]], ofGates && [VIA_SIGMOID, [ofGates[0], r]]),
      withExtra(loop, [INTO_UPDATE, [dh, h, n, z]], ofGates && [VIA_SIGMOID, [ofGates[1], z]]),
      [IDENTITY, [dn]],
    );
    const inner = hidden.write(t, [IDENTITY, [loop.columns(gates, 0, 2 * size)]], own);
    later = loop.map([PLUS_PRODUCT, [loop.product(inner, weight, across), dh, z]], carried);
  }
  const all = hidden.all();
  return [
    given.all(),
    later,
    context.needs(2) ? weightGradient(all, states, first, reverse) : null,
    ...(context.inputCount > 3 ? [context.needs(3) ? sumOver(all, [0, 1]) : null] : []),
  ];
}

/**
 * Gated recurrent units (Cho et al., 2014), the reset gate behind the product as in PyTorch. Inputs: x [T, N, 3H], projected and with its own offset,
 * gates in the order reset, update, candidate; h [N, H]; W [3H, H]; its offset [3H]. Results: h of all steps, and for the derivative the gates.
 */
const gruOperator = compositeOperator<Direction>('gru', gruForward, {
  kind: 'rules',
  saves: { inputs: [1, 2], outputs: [0, 1, 2, 3] },
  vjp: gruVjp,
});

/** States [T, N, H] of a GRU layer. */
export function gruStates(inputs: readonly [Tensor, Tensor, Tensor, Tensor?], direction: Direction): Tensor {
  return applyMany(
    gruOperator,
    inputs.filter((x): x is Tensor => x !== undefined),
    direction,
  )[0] as Tensor;
}

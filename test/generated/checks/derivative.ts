/** First and second derivatives against differences of values, and forward against reverse mode. */
import { enableGrad, jvp } from '../../../src/index.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { callsOf, type SampleCall } from '../calls.ts';
import { SYMMETRIC, WITHOUT_GRADIENT } from '../exceptions.ts';
import { type Cotangents, cotangentsFor, isDerivative, leavesOf, randomLike, valuesOrZeros, vjpOf, weightedAlong } from '../gradients.ts';
import { layOut } from '../layouts.ts';
import { difference, dot, magnitude, numbersOf } from '../numbers.ts';
import { type Entry, writesInput } from '../operators.ts';
import { type Check, forEachCall } from '../report.ts';

/** Operators that draw or write have no derivative to compare. */
export function isOutside(entry: Entry): boolean {
  return entry.description.random === true || writesInput(entry);
}

/** Whether differences of values are precise enough to say anything. */
export function isDouble(call: SampleCall, outputs: readonly Tensor[]): boolean {
  const precise = (dtype: string): boolean => dtype === 'float64' || dtype === 'complex128';
  return call.differentiable.every((i) => precise(call.slots[i]?.dtype ?? '')) && outputs.every((y) => precise(y.dtype));
}

export function seedOf(call: SampleCall, purpose: string): string {
  return `${call.entry.description.name}/${call.index}/${purpose}`;
}

/** The mean of the matrices and their transposes. */
function symmetrized(values: readonly number[], shape: readonly number[]): number[] {
  const n = shape.at(-1) as number;
  return values.map((v, i) => {
    const [row, column] = [Math.floor(i / n) % n, i % n];
    return (v + (values[i + (column - row) * (n - 1)] as number)) / 2;
  });
}

/** A direction in which a slot may move. */
export function directionFor(call: SampleCall, slot: number, purpose: string): Tensor {
  const like = call.slots[slot] as SampleCall['slots'][number];
  const drawn = randomLike(like, seedOf(call, purpose));
  return SYMMETRIC.has(call.entry.description.name) ? layOut(symmetrized(numbersOf(drawn), like.shape), like.shape, like.dtype) : drawn;
}

/** Whether differences of values say nothing about the derivative. */
export function skipsNumeric(call: SampleCall): boolean {
  return call.skipNumericGradient && !SYMMETRIC.has(call.entry.description.name);
}

/** Every differentiable slot moved alone. */
function directionsOf(call: SampleCall, purpose: string): { readonly slot: number; readonly values: number[] }[] {
  return call.differentiable.map((slot) => ({
    slot,
    values: numbersOf(directionFor(call, slot, `${purpose}${slot}`)),
  }));
}

function only(call: SampleCall, slot: number, values: readonly number[]): (readonly number[] | null)[] {
  return call.slots.map((_, i) => (i === slot ? values : null));
}

/** Results of real dtype that carry no gradient although an input does must not depend on it smoothly. */
function checkUntracked(call: SampleCall, outputs: readonly Tensor[], report: (finding: string) => void): void {
  const without = WITHOUT_GRADIENT[call.entry.description.name] ?? [];
  const silent = outputs.flatMap((y, i) => (!y.requiresGrad && y.dtype === 'float64' && !without.includes(i) ? [i] : []));
  for (const { slot, values } of directionsOf(call, 'silent')) {
    for (const position of silent) {
      const weights = numbersOf(randomLike(outputs[position] as Tensor, seedOf(call, `silent-w${position}`)));
      const { ok, numeric } = isDerivative(0, weightedAlong(call, only(call, slot, values), [position], [weights]), 1e-3);
      if (!ok) report(`result ${position} carries no gradient, but its derivative by tensor argument ${slot} is ${numeric}`);
    }
  }
}

function checkGradient(call: SampleCall, report: (finding: string) => void): void {
  const leaves = leavesOf(call);
  const outputs = call.run(leaves);
  const { positions, cotangents } = cotangentsFor(outputs, seedOf(call, 'vjp'));
  if (
    !isDouble(
      call,
      positions.map((i) => outputs[i] as Tensor),
    )
  )
    return;
  if (!skipsNumeric(call)) checkUntracked(call, outputs, report);
  if (positions.length === 0) return;
  const wanted = call.differentiable.map((i) => leaves[i] as Tensor);
  const found = vjpOf(outputs, wanted, { positions, cotangents });
  found.forEach((g, k) => {
    const leaf = wanted[k] as Tensor;
    if (g !== null && (g.dtype !== leaf.dtype || g.shape.join() !== leaf.shape.join())) {
      report(`the gradient of tensor argument ${call.differentiable[k]} is ${g.dtype}[${g.shape.join(', ')}]`);
    }
  });
  if (skipsNumeric(call)) return;
  const grads = valuesOrZeros(found, wanted);
  const weights = cotangents.map(numbersOf);
  directionsOf(call, 'vjp').forEach(({ slot, values }, k) => {
    const g = grads[k] as number[];
    const line = weightedAlong(call, only(call, slot, values), positions, weights);
    const { ok, numeric } = isDerivative(dot(g, values), line, magnitude(g, values));
    if (!ok) report(`derivative by tensor argument ${slot} along a random direction is ${dot(g, values)}, by differences ${numeric}`);
  });
}

export const gradient: Check = {
  name: 'gradient',
  run(entry) {
    if (!isOutside(entry)) forEachCall(callsOf(entry), checkGradient);
  },
};

/** The distance from 1 to the next number of a dtype. */
function epsilonOf(x: Tensor): number {
  if (x.dtype === 'bfloat16') return 2 ** -7;
  if (x.dtype === 'float16') return 2 ** -10;
  return x.dtype === 'float32' || x.dtype === 'complex64' ? 2 ** -23 : 2 ** -52;
}

function checkForward(call: SampleCall, report: (finding: string) => void): void {
  const leaves = leavesOf(call);
  const outputs = call.run(leaves);
  const { positions, cotangents } = cotangentsFor(outputs, seedOf(call, 'jvp'));
  const slots = call.differentiable;
  if (slots.length === 0 || outputs.length === 0) return;
  const wanted = slots.map((i) => leaves[i] as Tensor);
  const directions = slots.map((i) => directionFor(call, i, `jvp${i}`));
  const grads = positions.length === 0 ? [] : valuesOrZeros(vjpOf(outputs, wanted, { positions, cotangents }), wanted);
  const plain = call.tensors();
  const forward = jvp(
    (...inputs: Tensor[]) => call.run(plain.map((x, i) => (slots.includes(i) ? (inputs[slots.indexOf(i)] as Tensor) : x))),
    slots.map((i) => plain[i] as Tensor),
    directions,
  );
  forward.outputs.forEach((y, i) => {
    const expected = outputs[i] as Tensor;
    const found = difference(
      numbersOf(y),
      numbersOf(expected),
      expected.type.isFloat || expected.type.isComplex ? 8 * epsilonOf(expected) : 0,
    );
    if (found !== null) report(`forward mode gives another result ${i}: ${found}`);
  });
  const moving = forward.tangents.map((tangent) => (tangent === null ? null : numbersOf(tangent)));
  moving.forEach((tangent, i) => {
    if (!positions.includes(i) && tangent?.some((x) => x !== 0))
      report(`result ${i} has a tangent in forward mode but no gradient in reverse mode`);
  });
  const weights = cotangents.map(numbersOf);
  const ahead = positions.reduce((sum, position, k) => sum + dot(moving[position] ?? [], weights[k] as number[]), 0);
  const vectors = directions.map(numbersOf);
  const back = grads.reduce((sum, g, k) => sum + dot(g, vectors[k] as number[]), 0);
  const scale = grads.reduce((sum, g, k) => sum + magnitude(g, vectors[k] as number[]), 1e-3);
  const tolerance = outputs.some((y) => y.type.itemsize < 8 && y.requiresGrad) || wanted.some((x) => x.type.itemsize < 8) ? 2e-5 : 1e-10;
  if (Number.isNaN(ahead) && Number.isNaN(back)) return;
  if (!(Math.abs(ahead - back) <= tolerance * Math.max(scale, Math.abs(ahead))))
    report(`<w, Jv> is ${ahead} in forward mode, <Jᵀw, v> is ${back} in reverse mode`);
}

export const forward: Check = {
  name: 'forward',
  run(entry) {
    if (!isOutside(entry)) forEachCall(callsOf(entry), checkForward);
  },
};

/** The gradients of a sample at moved slots and moved cotangents, without a graph. */
export function gradientsAt(
  call: SampleCall,
  moved: readonly (readonly number[])[],
  at: Cotangents,
  weights: readonly (readonly number[])[],
): number[][] {
  const leaves = leavesOf(
    call,
    call.slots.map((slot, i) => layOut(moved[i] as number[], slot.shape, slot.dtype)),
  );
  const outputs = call.run(leaves);
  const cotangents = at.cotangents.map((w, k) => layOut(weights[k] as number[], w.shape, w.dtype));
  const wanted = call.differentiable.map((i) => leaves[i] as Tensor);
  return valuesOrZeros(vjpOf(outputs, wanted, { positions: at.positions, cotangents }), wanted);
}

export function along(values: readonly number[], direction: readonly number[] | null, step: number): readonly number[] {
  return direction === null ? values : values.map((x, i) => x + step * (direction[i] as number));
}

function checkSecond(call: SampleCall, report: (finding: string) => void): void {
  if (skipsNumeric(call) || call.differentiable.length === 0) return;
  const leaves = leavesOf(call);
  const outputs = call.run(leaves);
  const at = cotangentsFor(outputs, seedOf(call, 'second'));
  if (
    at.positions.length === 0 ||
    !isDouble(
      call,
      at.positions.map((i) => outputs[i] as Tensor),
    )
  )
    return;
  for (const w of at.cotangents) w.requiresGrad_();
  const slots = call.differentiable;
  const wanted = slots.map((i) => leaves[i] as Tensor);
  const grads = vjpOf(outputs, wanted, at, { createGraph: true });
  const probes = grads.map((g, k) => (g === null ? null : randomLike(g, seedOf(call, `second-u${k}`))));
  const tracked = grads.flatMap((g, k) => (g?.requiresGrad === true ? [k] : []));
  const variables = [...wanted, ...at.cotangents];
  const second = valuesOrZeros(
    vjpOf(
      grads.map((g) => g as Tensor),
      variables,
      { positions: tracked, cotangents: tracked.map((k) => probes[k] as Tensor) },
    ),
    variables,
  );
  const weights = at.cotangents.map(numbersOf);
  const vectors = probes.map((u) => (u === null ? null : numbersOf(u)));
  variables.forEach((variable, k) => {
    const purpose = `second-v${k}`;
    const direction = numbersOf(
      k < slots.length ? directionFor(call, slots[k] as number, purpose) : randomLike(variable, seedOf(call, purpose)),
    );
    const line = (step: number): number => {
      const moved = call.slots.map((slot, i) => along(slot.values, slots[k] === i ? direction : null, step));
      const weighted = weights.map((w, j) => along(w, k - wanted.length === j ? direction : null, step));
      return gradientsAt(call, moved, at, weighted).reduce(
        (sum, g, i) => sum + (vectors[i] === null ? 0 : dot(g, vectors[i] as number[])),
        0,
      );
    };
    const g = second[k] as number[];
    const { ok, numeric } = isDerivative(dot(g, direction), line, magnitude(g, direction));
    const name = k < wanted.length ? `tensor argument ${slots[k]}` : `cotangent ${k - wanted.length}`;
    if (!ok) report(`second derivative by ${name} along a random direction is ${dot(g, direction)}, by differences ${numeric}`);
  });
}

export const second: Check = {
  name: 'second',
  run(entry) {
    if (!isOutside(entry)) forEachCall(callsOf(entry), (call, report) => enableGrad(() => checkSecond(call, report)));
  },
};

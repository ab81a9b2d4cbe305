/** Values and gradients do not depend on how the elements lie in memory. */
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { attempt, callsOf, type SampleCall } from '../calls.ts';
import { type Cotangents, cotangentsFor, leavesOf, valuesOrZeros, vjpOf } from '../gradients.ts';
import { expandableDim, expandedAlong, LAYOUTS, repeated } from '../layouts.ts';
import { difference, numbersOf, partsOf, sameShape, typeOf } from '../numbers.ts';
import { type Entry, writesInput } from '../operators.ts';
import { type Check, forEachCall } from '../report.ts';

interface Outcome {
  readonly outputs: readonly Tensor[];
  readonly grads: readonly number[][];
  readonly at: Cotangents;
}

function seedOf(call: SampleCall): string {
  return `${call.entry.description.name}/${call.index}/layout`;
}

function outcomeOf(call: SampleCall, tensors: readonly Tensor[]): Outcome {
  const leaves = leavesOf(call, tensors);
  const outputs = call.run(leaves);
  const at = cotangentsFor(outputs, seedOf(call));
  const wanted = call.differentiable.map((i) => leaves[i] as Tensor);
  return { outputs, at, grads: valuesOrZeros(vjpOf(outputs, wanted, at), wanted) };
}

/** A few units in the last place of the largest value: sums may be taken in another order. */
function toleranceOf(y: Tensor): number {
  if (y.dtype === 'float16' || y.dtype === 'bfloat16') return 1e-2;
  return y.dtype === 'float32' || y.dtype === 'complex64' ? 1e-6 : 1e-13;
}

function compare(name: string, actual: Outcome, expected: Outcome, report: (finding: string) => void): void {
  if (actual.outputs.length !== expected.outputs.length) {
    report(`${name}: ${actual.outputs.length} results instead of ${expected.outputs.length}`);
    return;
  }
  expected.outputs.forEach((y, i) => {
    const other = actual.outputs[i] as Tensor;
    if (other.dtype !== y.dtype || !sameShape(other.shape, y.shape))
      report(`${name}: result ${i} is ${other.dtype}[${other.shape.join(', ')}]`);
    const found = difference(numbersOf(other), numbersOf(y), toleranceOf(y));
    if (found !== null) report(`${name}: result ${i}: ${found}`);
  });
  if (actual.at.positions.join() !== expected.at.positions.join()) report(`${name}: other results carry gradients`);
  const tolerance = Math.max(1e-12, ...expected.outputs.map((y) => (y.type.isFloat ? 10 * toleranceOf(y) : 0)));
  expected.grads.forEach((g, k) => {
    const found = difference(actual.grads[k] as number[], g, tolerance);
    if (found !== null) report(`${name}: gradient of differentiable argument ${k}: ${found}`);
  });
}

function checkExpanded(call: SampleCall, report: (finding: string) => void): void {
  const alike = call.with((slot) => {
    const dim = expandableDim(slot.shape);
    return dim < 0 ? slot : { ...slot, values: repeated(slot.values, slot.shape, dim, partsOf(typeOf(slot.dtype))) };
  });
  const expected = attempt(() => outcomeOf(alike, alike.tensors()));
  if ('refusal' in expected) return;
  const expanded = alike.slots.map((slot, i) => {
    const dim = expandableDim(slot.shape);
    return dim < 0 ? (alike.tensors()[i] as Tensor) : expandedAlong(slot.values, slot.shape, slot.dtype, dim);
  });
  const outcome = attempt(() => outcomeOf(alike, expanded));
  if ('value' in outcome) compare('expanded', outcome.value, expected.value, report);
  else if (!mayRefuse(call.entry)) throw outcome.refusal;
}

function checkLayouts(call: SampleCall, report: (finding: string) => void): void {
  const expected = outcomeOf(call, call.tensors());
  for (const layout of LAYOUTS) {
    if (mayRefuse(call.entry)) {
      const outcome = attempt(() => outcomeOf(call, call.tensors(layout)));
      if ('value' in outcome) compare(layout, outcome.value, expected, report);
    } else compare(layout, outcomeOf(call, call.tensors(layout)), expected, report);
  }
  if (call.slots.some((slot) => expandableDim(slot.shape) >= 0) && !call.slots.every((slot) => slot.explicit)) checkExpanded(call, report);
}

/** Views that never copy: they refuse memory through which they cannot look. */
function mayRefuse(entry: Entry): boolean {
  return /^view/.test(entry.description.name);
}

/** Draws fill memory in its order where PyTorch's do, and `asStrided` looks at the memory itself. */
function dependsOnLayout(entry: Entry): boolean {
  return entry.description.random === true || writesInput(entry) || /^(as)?[sS]trided|^asStrided/.test(entry.description.name);
}

export const layouts: Check = {
  name: 'layouts',
  run(entry) {
    if (dependsOnLayout(entry)) return;
    forEachCall(
      callsOf(entry).filter((call) => call.slots.length > 0),
      checkLayouts,
    );
  },
};

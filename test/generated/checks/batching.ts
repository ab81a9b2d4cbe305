/** vmap against one call for each member of the batch. */
import { NablaError, noGrad, vmap } from '../../../src/index.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { callsOf, type SampleCall, tensorsIn } from '../calls.ts';
import { DATA_DEPENDENT } from '../exceptions.ts';
import { cotangentsFor, leavesOf, valuesOrZeros, vjpOf } from '../gradients.ts';
import { layOut } from '../layouts.ts';
import { difference, numbersOf, sameShape } from '../numbers.ts';
import { type Entry, writesInput } from '../operators.ts';
import { type Check, forEachCall } from '../report.ts';

const SIZE = 3;

/** Which slots are batched: each alone, then all together. */
function selections(call: SampleCall): number[][] {
  const fixed = DATA_DEPENDENT[call.entry.description.name] ?? [];
  const all = call.slots.map((_, i) => i).filter((i) => !fixed.includes(i));
  if (all.length < 2) return all.length === 0 ? [] : [all];
  return [...all.map((i) => [i]), all];
}

/** The members of the batch as calls of their own: selected slots differ between them. */
export function membersOf(call: SampleCall, selected: readonly number[]): SampleCall[] {
  return Array.from({ length: SIZE }, (_, k) => {
    const other = call.reseeded(`member ${k}`);
    return call.with((slot, i) => (selected.includes(i) ? (other.slots[i] as typeof slot) : slot));
  });
}

export function batchOf(members: readonly SampleCall[], slot: number): Tensor {
  const slots = members.map((member) => member.slots[slot] as SampleCall['slots'][number]);
  const first = slots[0] as SampleCall['slots'][number];
  return layOut(
    slots.flatMap((one) => one.values),
    [SIZE, ...first.shape],
    first.dtype,
  );
}

function batched(call: SampleCall, selected: readonly number[], batches: readonly Tensor[]): Tensor[] {
  const plain = call.tensors();
  const run = (...inputs: Tensor[]): Tensor[] => {
    const filled = plain.map((x, i) => (selected.includes(i) ? (inputs[selected.indexOf(i)] as Tensor) : x));
    return call.run(filled);
  };
  return tensorsIn(vmap(run)(...batches));
}

function checkSelection(call: SampleCall, selected: readonly number[], report: (finding: string) => void): void {
  const members = membersOf(call, selected);
  const expected = loop(members);
  if (expected === null) return;
  const name = `vmap over tensor argument${selected.length === 1 ? '' : 's'} ${selected.join(', ')}`;
  const batches = selected.map((slot) => batchOf(members, slot));
  const actual = noGrad(() => batched(call, selected, batches));
  const first = expected[0] as Tensor[];
  if (actual.length !== first.length) {
    report(`${name} gives ${actual.length} results instead of ${first.length}`);
    return;
  }
  actual.forEach((y, i) => {
    const one = first[i] as Tensor;
    if (y.dtype !== one.dtype || !sameShape(y.shape, [SIZE, ...one.shape])) {
      report(`${name}: result ${i} is ${y.dtype}[${y.shape.join(', ')}], expected ${one.dtype}[${[SIZE, ...one.shape].join(', ')}]`);
      return;
    }
    const values = expected.flatMap((outputs) => numbersOf(outputs[i] as Tensor));
    const found = difference(numbersOf(y), values, one.type.itemsize < 8 && one.type.isFloat ? 1e-5 : 1e-12);
    if (found !== null) report(`${name}: result ${i}: ${found}`);
  });
}

/** The results of each member; null where members have results of different shapes, or cannot be computed alone. */
export function loop(members: readonly SampleCall[]): Tensor[][] | null {
  try {
    const results = members.map((member) => member.evaluate(member.tensors()));
    const first = results[0] as Tensor[];
    const alike = results.every(
      (outputs) => outputs.length === first.length && outputs.every((y, i) => sameShape(y.shape, (first[i] as Tensor).shape)),
    );
    return alike && first.length > 0 ? results : null;
  } catch (error) {
    if (error instanceof NablaError) return null;
    throw error;
  }
}

/** The gradient through a batched call is the gradients of its members. */
function checkGradient(call: SampleCall, report: (finding: string) => void): void {
  const selected = call.differentiable;
  if (selected.length === 0 || call.skipNumericGradient) return;
  const members = membersOf(call, selected);
  if (loop(members) === null) return;
  const batches = selected.map((slot) => batchOf(members, slot).requiresGrad_());
  const outputs = batched(call, selected, batches);
  const at = cotangentsFor(outputs, `${call.entry.description.name}/${call.index}/vmap`);
  if (at.positions.length === 0) return;
  const actual = valuesOrZeros(vjpOf(outputs, batches, at), batches);
  const parts = members.map((member, k) => {
    const leaves = leavesOf(member);
    const results = member.run(leaves);
    const cotangents = at.cotangents.map((w) => w.select(0, k) as Tensor);
    const wanted = selected.map((i) => leaves[i] as Tensor);
    return valuesOrZeros(vjpOf(results, wanted, { positions: at.positions, cotangents }), wanted);
  });
  selected.forEach((slot, i) => {
    const expected = parts.flatMap((grads) => grads[i] as number[]);
    const single = batches.some((x) => x.type.itemsize < 8) || outputs.some((y) => y.type.isFloat && y.type.itemsize < 8);
    const found = difference(actual[i] as number[], expected, single ? 2e-5 : 1e-11);
    if (found !== null) report(`gradient through vmap by tensor argument ${slot}: ${found}`);
  });
}

/** Random draws differ between members, and writing into plain tensors is refused: both have tests of their own. */
function isOutside(entry: Entry): boolean {
  return entry.description.random === true || writesInput(entry);
}

export const batching: Check = {
  name: 'vmap',
  run(entry) {
    if (isOutside(entry)) return;
    forEachCall(
      callsOf(entry).filter((call) => call.slots.length > 0),
      (call, report) => {
        for (const selected of selections(call)) checkSelection(call, selected, report);
        checkGradient(call, report);
      },
    );
  },
};
